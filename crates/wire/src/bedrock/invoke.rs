//! Claude on Bedrock's `invoke-with-response-stream`: Anthropic's events, each in a `chunk` of the AWS event stream as
//! base64. Only the carriage; the events themselves are the `anthropic` dialect's.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use tollgate_ir::{Fault, FaultKind};

use super::fault::decode_exception;
use crate::frame::Frame;
use crate::frame::aws::aws_event;
use crate::json::{Node, object};

/// The event of Anthropic's within a `chunk`: its `type` as the frame's event, its JSON as the data. Exceptions are
/// faults; `raw` stays that of the chunk.
pub fn unwrap(frame: Frame) -> Result<Frame, Fault> {
    if frame.exception {
        return Err(decode_exception(frame.name(), &frame.data));
    }
    let body = Node::read(&frame.data);
    let Some(encoded) = body.as_ref().and_then(|body| body.text("bytes")) else {
        return Err(Fault::new(FaultKind::ProviderGarbage, "The provider sent a chunk without content."));
    };
    let data = STANDARD.decode(encoded).map_err(|e| {
        Fault::new(FaultKind::ProviderGarbage, "The provider sent a chunk that is no base64.").source(e)
    })?;
    let event = Node::read(&data).and_then(|event| event.text("type").map(|t| Bytes::copy_from_slice(t.as_bytes())));
    let Some(event) = event else {
        return Err(Fault::new(FaultKind::ProviderGarbage, "The provider sent a chunk that is no event of Claude's."));
    };
    Ok(Frame { raw: frame.raw, event, data: data.into(), exception: false })
}

/// Appends a `chunk` that holds one event of Anthropic's, given as JSON.
pub fn wrap(out: &mut Vec<u8>, event: &[u8]) {
    let mut payload = Vec::new();
    object(&mut payload, |o| o.text("bytes", &STANDARD.encode(event)));
    aws_event(out, "chunk", &payload);
}
