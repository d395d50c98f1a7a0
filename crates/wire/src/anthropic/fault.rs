//! Errors: `{"type":"error","error":{"type","message"},"request_id"}`, as a body and as the last event of a stream.

use tollgate_ir::{Fault, FaultKind};

use crate::fault::{Words, classify};
use crate::frame::sse_event;
use crate::json::{Node, object};

/// See [`crate::codec::decode_fault`].
pub fn decode_fault(status: u16, headers: &[(&str, &str)], body: &[u8]) -> Fault {
    Words::read(body).fault(status, headers)
}

/// An error in a stream or in a body of status 200: its type says which status it would have had.
pub(super) fn in_band(node: &Node<'_>) -> Fault {
    let words = Words::of_envelope(node);
    let status = words.kind.as_deref().and_then(status_of).unwrap_or(0);
    classify(status, words.kind.as_deref(), words.code.as_deref(), &words.message, &[])
}

/// Anthropic, “Errors”.
fn status_of(kind: &str) -> Option<u16> {
    Some(match kind {
        "invalid_request_error" => 400,
        "authentication_error" => 401,
        "billing_error" => 402,
        "permission_error" => 403,
        "not_found_error" => 404,
        "request_too_large" => 413,
        "rate_limit_error" => 429,
        "api_error" => 500,
        "timeout_error" => 504,
        "overloaded_error" => 529,
        _ => return None,
    })
}

/// The error's type in this protocol's words: by what went wrong where that says more than the status.
fn kind_of(fault: &Fault) -> &'static str {
    match (fault.kind, fault.status) {
        (FaultKind::ProviderOverloaded, _) | (_, 529) => "overloaded_error",
        (_, 401) => "authentication_error",
        (_, 402) => "billing_error",
        (_, 403) => "permission_error",
        (_, 404) => "not_found_error",
        (_, 413) => "request_too_large",
        (_, 429) => "rate_limit_error",
        (_, 408 | 504) => "timeout_error",
        (_, 400..=499) => "invalid_request_error",
        _ => "api_error",
    }
}

/// See [`crate::codec::encode_fault`].
pub fn encode_fault(fault: &Fault, request_id: &str) -> Vec<u8> {
    envelope(fault, Some(request_id).filter(|id| !id.is_empty()))
}

/// See [`crate::codec::fault_frame`].
pub fn fault_frame(fault: &Fault) -> Vec<u8> {
    let mut out = Vec::new();
    sse_event(&mut out, Some("error"), &envelope(fault, None));
    out
}

fn envelope(fault: &Fault, request_id: Option<&str>) -> Vec<u8> {
    let mut out = Vec::new();
    object(&mut out, |o| {
        o.text("type", "error");
        o.object("error", |o| {
            o.text("type", kind_of(fault));
            o.text("message", &fault.public);
        });
        o.opt_text("request_id", request_id);
    });
    out
}
