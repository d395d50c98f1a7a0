//! Errors: `{"id", "message"}` with the HTTP status, or the `error` of a `message-end`.

use tollgate_ir::Fault;

use super::stream::END_OF_STREAM;
use super::usage;
use crate::fault::Words;
use crate::frame::sse_event;
use crate::json::{Node, object};

/// See [`crate::codec::decode_fault`].
pub fn decode_fault(status: u16, headers: &[(&str, &str)], body: &[u8]) -> Fault {
    Words::read(body).fault(status, headers)
}

/// An error within a stream, or in a body of status 200.
pub(super) fn in_band(node: &Node<'_>) -> Fault {
    match node {
        Node::Text(message) => Words { message: message.to_string(), ..Words::default() },
        _ => Words::of_envelope(node),
    }
    .fault(200, &[])
}

/// See [`crate::codec::encode_fault`].
pub fn encode_fault(fault: &Fault, request_id: &str) -> Vec<u8> {
    let mut out = Vec::new();
    object(&mut out, |o| {
        o.text("id", request_id);
        o.text("message", &fault.public);
        o.opt_text("error_type", fault.provider_type.as_deref().or(fault.provider_code.as_deref()));
    });
    out
}

/// See [`crate::codec::fault_frame`].
pub fn fault_frame(fault: &Fault) -> Vec<u8> {
    let mut out = Vec::new();
    end_with_error(&mut out, fault, |d| usage::encode(d, None));
    out
}

/// The `message-end` of a failed answer.
pub(super) fn end_with_error(out: &mut Vec<u8>, fault: &Fault, usage: impl FnOnce(&mut crate::json::ObjectWriter<'_>)) {
    let mut data = Vec::new();
    object(&mut data, |o| {
        o.text("type", "message-end");
        o.object("delta", |d| {
            d.text("error", &fault.public);
            d.text("finish_reason", "ERROR");
            usage(d);
        });
    });
    sse_event(out, Some("message-end"), &data);
    out.extend_from_slice(END_OF_STREAM);
}
