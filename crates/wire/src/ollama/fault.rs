//! Errors: `{"error": "…"}` with the HTTP status, or as a line of a stream.

use tollgate_ir::Fault;

use crate::fault::Words;
use crate::json::{Node, object};

/// See [`crate::codec::decode_fault`].
pub fn decode_fault(status: u16, headers: &[(&str, &str)], body: &[u8]) -> Fault {
    Words::read(body).fault(status, headers)
}

/// An error within a stream, or in a body of status 200.
pub(super) fn in_band(node: &Node<'_>) -> Fault {
    Words::of_envelope(node).fault(200, &[])
}

/// See [`crate::codec::encode_fault`].
pub fn encode_fault(fault: &Fault, _request_id: &str) -> Vec<u8> {
    let mut out = Vec::new();
    object(&mut out, |o| o.text("error", &fault.public));
    out
}

/// See [`crate::codec::fault_frame`].
pub fn fault_frame(fault: &Fault) -> Vec<u8> {
    let mut line = encode_fault(fault, "");
    line.push(b'\n');
    line
}
