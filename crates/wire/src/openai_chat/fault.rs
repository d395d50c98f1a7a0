//! Errors: the hosts' envelopes read, OpenAI's written.

use tollgate_ir::{Fault, FaultKind};

use crate::fault::Words;
use crate::frame::sse_event;
use crate::json;

/// See [`crate::codec::decode_fault`].
pub fn decode_fault(status: u16, headers: &[(&str, &str)], body: &[u8]) -> Fault {
    Words::read(body).fault(status, headers)
}

/// See [`crate::codec::encode_fault`]. The request's id travels in `x-request-id`, as with `OpenAI`.
pub fn encode_fault(fault: &Fault, _request_id: &str) -> Vec<u8> {
    let (kind, code) = words_for(fault);
    let mut out = Vec::new();
    json::object(&mut out, |o| {
        o.object("error", |e| {
            e.text("message", &fault.public);
            e.text("type", kind);
            e.text_or_null("param", fault.param.as_deref());
            // The host's own code, where it is a word; numbers are but the status again.
            let own =
                fault.provider_code.as_deref().filter(|c| c.starts_with(|first: char| first.is_ascii_alphabetic()));
            e.text_or_null("code", own.or(code));
        });
    });
    out
}

/// See [`crate::codec::fault_frame`]: one event with the envelope; `[DONE]` would say that all is well.
pub fn fault_frame(fault: &Fault) -> Vec<u8> {
    let mut out = Vec::new();
    sse_event(&mut out, None, &encode_fault(fault, ""));
    out
}

/// OpenAI's `type` and `code`, which its SDKs' users branch on.
fn words_for(fault: &Fault) -> (&'static str, Option<&'static str>) {
    let by_kind = match fault.kind {
        FaultKind::ContextLength => Some("context_length_exceeded"),
        FaultKind::ContentPolicy => Some("content_policy_violation"),
        FaultKind::ProviderNotFound | FaultKind::NoSuchModel => Some("model_not_found"),
        FaultKind::ProviderAuth | FaultKind::NoCredential | FaultKind::BadCredential => Some("invalid_api_key"),
        FaultKind::ProviderQuota => return ("insufficient_quota", Some("insufficient_quota")),
        FaultKind::ProviderRateLimited => Some("rate_limit_exceeded"),
        FaultKind::PreviousResponseNotFound => Some("previous_response_not_found"),
        _ => None,
    };
    let kind = match fault.status {
        401 => "authentication_error",
        403 => "permission_error",
        429 => "rate_limit_error",
        400..=499 => "invalid_request_error",
        _ => "server_error",
    };
    (kind, by_kind)
}
