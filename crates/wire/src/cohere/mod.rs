//! The `Cohere` dialect. (To be built.)

use tollgate_ir::{Event, Fault, FaultKind, Field, Losses, Reply, Request};

use crate::frame::Frame;
use crate::target::{Encoded, ReplyContext, RequestHead, Target};

fn absent() -> Fault {
    Fault::new(FaultKind::NotServedHere, "This dialect is not built yet.")
}

/// See [`crate::codec::decode_request`].
pub fn decode_request(_body: &[u8], _head: &RequestHead<'_>, _losses: &mut Losses) -> Result<Request, Fault> {
    Err(absent())
}

/// See [`crate::codec::encode_request`].
pub fn encode_request(_request: &Request, _target: &Target<'_>, _losses: &mut Losses) -> Result<Encoded, Fault> {
    Err(absent())
}

/// See [`crate::codec::decode_reply`].
pub fn decode_reply(_body: &[u8]) -> Result<Reply, Fault> {
    Err(absent())
}

/// See [`crate::codec::encode_reply`].
pub fn encode_reply(_reply: &Reply, _context: &ReplyContext) -> Vec<u8> {
    Vec::new()
}

/// See [`crate::codec::decode_fault`].
pub fn decode_fault(_status: u16, _headers: &[(&str, &str)], _body: &[u8]) -> Fault {
    absent()
}

/// See [`crate::codec::encode_fault`].
pub fn encode_fault(_fault: &Fault, _request_id: &str) -> Vec<u8> {
    Vec::new()
}

/// See [`crate::codec::fault_frame`].
pub fn fault_frame(_fault: &Fault) -> Vec<u8> {
    Vec::new()
}

/// See [`crate::codec::path_of`].
pub const fn path_of(_field: Field) -> &'static str {
    ""
}

/// See [`crate::codec::StreamDecoder`].
#[derive(Default)]
pub struct StreamDecoder {}

impl StreamDecoder {
    /// See [`crate::codec::StreamDecoder::frame`].
    pub fn frame(&mut self, _frame: &Frame, _out: &mut Vec<Event>) {}

    /// See [`crate::codec::StreamDecoder::end`].
    pub fn end(&mut self, _out: &mut Vec<Event>) {}
}

/// See [`crate::codec::StreamEncoder`].
pub struct StreamEncoder {}

impl StreamEncoder {
    /// See [`crate::codec::StreamEncoder::new`].
    pub fn new(_context: ReplyContext) -> Self {
        Self {}
    }

    /// See [`crate::codec::StreamEncoder::event`].
    pub fn event(&mut self, _event: &Event, _out: &mut Vec<u8>) {}
}
