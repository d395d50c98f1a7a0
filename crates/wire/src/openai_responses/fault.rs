//! Errors: OpenAI's envelope both ways, and the event that ends a stream.

use tollgate_ir::{Fault, FaultKind};

use crate::fault::Words;
use crate::frame::sse_event;
use crate::json::{Node, ObjectWriter, object};

/// See [`crate::codec::decode_fault`].
pub fn decode_fault(status: u16, headers: &[(&str, &str)], body: &[u8]) -> Fault {
    Words::read(body).fault(status, headers)
}

/// The fault that an error object in a body or stream of status 200 means.
pub(super) fn of_error(error: &Node<'_>) -> Fault {
    let words = match error {
        Node::Text(text) => Words { message: text.to_string(), ..Words::default() },
        other => Words::of_error(other),
    };
    words.fault(200, &[])
}

/// See [`crate::codec::encode_fault`].
pub fn encode_fault(fault: &Fault, _request_id: &str) -> Vec<u8> {
    let mut out = Vec::new();
    object(&mut out, |o| {
        o.object("error", |o| {
            o.text("message", &fault.public);
            o.text("type", fault.provider_type.as_deref().unwrap_or_else(|| kind_of(fault)));
            o.text_or_null("param", fault.param.as_deref());
            o.text_or_null("code", fault.provider_code.as_deref().or_else(|| code_of(fault.kind)));
        });
    });
    out
}

/// See [`crate::codec::fault_frame`]: for a stream of which nothing is known here.
pub fn fault_frame(fault: &Fault) -> Vec<u8> {
    let mut data = Vec::new();
    object(&mut data, |o| {
        o.text("type", "error");
        write_code(o, fault);
        o.text_or_null("param", fault.param.as_deref());
        o.uint("sequence_number", 0);
    });
    let mut out = Vec::new();
    sse_event(&mut out, Some("error"), &data);
    out
}

/// `code` and `message`, as a failed response and an error event have them.
pub(super) fn write_code(o: &mut ObjectWriter<'_>, fault: &Fault) {
    let code = fault.provider_code.as_deref().or_else(|| code_of(fault.kind));
    o.text("code", code.unwrap_or("server_error"));
    o.text("message", &fault.public);
}

/// OpenAI's error type for a status.
fn kind_of(fault: &Fault) -> &'static str {
    match (fault.kind, fault.status) {
        (FaultKind::ProviderQuota, _) => "insufficient_quota",
        (_, 401) => "authentication_error",
        (_, 403) => "permission_error",
        (_, 429) => "rate_limit_error",
        (_, 400..=499) => "invalid_request_error",
        _ => "server_error",
    }
}

/// OpenAI's code, where clients branch on it.
const fn code_of(kind: FaultKind) -> Option<&'static str> {
    match kind {
        FaultKind::ContextLength => Some("context_length_exceeded"),
        FaultKind::ContentPolicy => Some("content_policy_violation"),
        FaultKind::ProviderQuota => Some("insufficient_quota"),
        FaultKind::ProviderRateLimited => Some("rate_limit_exceeded"),
        FaultKind::ProviderNotFound | FaultKind::NoSuchModel => Some("model_not_found"),
        FaultKind::PreviousResponseNotFound => Some("previous_response_not_found"),
        FaultKind::BadCredential | FaultKind::NoCredential => Some("invalid_api_key"),
        _ => None,
    }
}
