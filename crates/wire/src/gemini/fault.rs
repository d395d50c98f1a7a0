//! Google's error envelope, `google.rpc.Status` as JSON, both ways.

use tollgate_ir::{Fault, FaultKind, LimitHeader, Retry};

use super::proto::{get, text};
use crate::fault::Words;
use crate::frame::sse_event;
use crate::json::{Node, ObjectWriter, object};

/// See [`crate::codec::decode_fault`].
pub fn decode_fault(status: u16, headers: &[(&str, &str)], body: &[u8]) -> Fault {
    let fault = Words::read(body).fault(status, headers);
    match Node::read(body) {
        Some(node) => with_details(fault, &node),
        None => fault,
    }
}

/// An error in a body or a chunk of status 200.
pub(super) fn in_band(body: &Node<'_>) -> Fault {
    with_details(Words::of_envelope(body).fault(200, &[]), body)
}

/// What the details say beyond the words: when to come again, and that the key is at fault and not the request.
fn with_details(mut fault: Fault, body: &Node<'_>) -> Fault {
    let body = body.items().first().unwrap_or(body);
    let details = body.get("error").and_then(|e| e.get("details")).map(Node::items).unwrap_or_default();
    for detail in details {
        if let Some(delay) = text(detail, "retryDelay")
            && !fault.headers.iter().any(|h| h.name == "retry-after")
            && let Some(seconds) = whole_seconds(delay)
        {
            fault.headers.push(LimitHeader { name: "retry-after".to_owned(), value: seconds.to_string() });
        }
        if matches!(text(detail, "reason"), Some("API_KEY_INVALID" | "API_KEY_EXPIRED" | "API_KEY_SERVICE_BLOCKED")) {
            fault.kind = FaultKind::ProviderAuth;
            fault.retry = Retry::NextTarget;
        }
        if fault.status == 429 && get(detail, "violations").is_some() {
            // The words are the same for both: a quota for a day is used up, one for a minute is a rate.
            let daily = detail.to_text().contains("PerDay");
            fault.kind = if daily { FaultKind::ProviderQuota } else { FaultKind::ProviderRateLimited };
        }
    }
    fault
}

/// A protobuf duration (`3.5s`) in seconds, rounded up.
fn whole_seconds(duration: &str) -> Option<u64> {
    let (whole, fraction) = duration.strip_suffix('s')?.split_once('.').unwrap_or((duration.strip_suffix('s')?, ""));
    let more = fraction.bytes().any(|b| b != b'0');
    Some(whole.parse::<u64>().ok()? + u64::from(more))
}

/// See [`crate::codec::encode_fault`].
pub fn encode_fault(fault: &Fault, _request_id: &str) -> Vec<u8> {
    let mut out = Vec::new();
    object(&mut out, |o| envelope(o, fault));
    out
}

/// See [`crate::codec::fault_frame`].
pub fn fault_frame(fault: &Fault) -> Vec<u8> {
    let (mut data, mut out) = (Vec::new(), Vec::new());
    object(&mut data, |o| envelope(o, fault));
    sse_event(&mut out, None, &data);
    out
}

fn envelope(out: &mut ObjectWriter<'_>, fault: &Fault) {
    out.object("error", |e| {
        e.uint("code", u64::from(fault.status));
        e.text("message", &fault.public);
        e.text("status", status_word(fault.status));
        let delay = fault.headers.iter().find(|h| h.name == "retry-after").and_then(|h| h.value.parse::<u64>().ok());
        if fault.param.is_none() && delay.is_none() {
            return;
        }
        e.array("details", |details| {
            if let Some(field) = &fault.param {
                details.object(|d| {
                    d.text("@type", "type.googleapis.com/google.rpc.BadRequest");
                    d.array("fieldViolations", |v| {
                        v.object(|o| {
                            o.text("field", field);
                            o.text("description", &fault.public);
                        });
                    });
                });
            }
            if let Some(seconds) = delay {
                details.object(|d| {
                    d.text("@type", "type.googleapis.com/google.rpc.RetryInfo");
                    d.text("retryDelay", &format!("{seconds}s"));
                });
            }
        });
    });
}

/// The canonical code that Google's APIs give for an HTTP status (google/rpc/code.proto).
const fn status_word(status: u16) -> &'static str {
    match status {
        401 => "UNAUTHENTICATED",
        403 => "PERMISSION_DENIED",
        404 => "NOT_FOUND",
        408 | 504 => "DEADLINE_EXCEEDED",
        409 => "ABORTED",
        429 => "RESOURCE_EXHAUSTED",
        499 => "CANCELLED",
        501 => "UNIMPLEMENTED",
        502 | 503 | 529 => "UNAVAILABLE",
        400..=499 => "INVALID_ARGUMENT",
        _ => "INTERNAL",
    }
}
