//! Errors: the envelope is that of chat completions; here is what streams and failed responses say.

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

/// See [`crate::codec::fault_frame`]: for a stream of which nothing is known here.
pub fn fault_frame(fault: &Fault) -> Vec<u8> {
    let mut data = Vec::new();
    object(&mut data, |o| {
        o.text("type", "error");
        o.text("code", fault.provider_code.as_deref().unwrap_or_else(|| code_of(fault)));
        o.text("message", &fault.public);
        o.text_or_null("param", fault.param.as_deref());
        o.uint("sequence_number", 0);
    });
    let mut out = Vec::new();
    sse_event(&mut out, Some("error"), &data);
    out
}

/// `code` and `message` of a failed response. Its codes are a closed set in the SDKs, and two more that clients know.
pub(super) fn write_failed(o: &mut ObjectWriter<'_>, fault: &Fault) {
    let said = fault.provider_code.as_deref().filter(|code| RESPONSE_CODES.contains(code));
    o.text("code", said.unwrap_or_else(|| code_of(fault)));
    o.text("message", &fault.public);
}

fn code_of(fault: &Fault) -> &'static str {
    match (fault.kind, fault.status) {
        (FaultKind::ContextLength, _) => "context_length_exceeded",
        (FaultKind::ProviderQuota, _) => "insufficient_quota",
        (_, 429) => "rate_limit_exceeded",
        (_, 400..=499) => "invalid_prompt",
        _ => "server_error",
    }
}

/// Codes of `response.error` in openai-python 3.57, and those that Codex branches on.
const RESPONSE_CODES: &[&str] = &[
    "server_error",
    "rate_limit_exceeded",
    "invalid_prompt",
    "data_residency_mismatch",
    "bio_policy",
    "misalignment_policy_violation",
    "vector_store_timeout",
    "invalid_image",
    "invalid_image_format",
    "invalid_base64_image",
    "invalid_image_url",
    "image_too_large",
    "image_too_small",
    "image_parse_error",
    "image_content_policy_violation",
    "invalid_image_mode",
    "image_file_too_large",
    "unsupported_image_media_type",
    "empty_image_file",
    "failed_to_download_image",
    "image_file_not_found",
    "context_length_exceeded",
    "insufficient_quota",
];
