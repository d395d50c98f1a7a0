//! Frames of a carriage → frames of the dialect. Bedrock's `InvokeModel` wraps each of Claude's events, in base64, into
//! an AWS message; here they become the server-sent events that Claude's own API would send.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use tollgate_ir::{Dialect, Event, Fault, FaultKind};

use super::Carriage;
use crate::codec::StreamDecoder;
use crate::frame::{Frame, sse_event};
use crate::json::Node;

impl Carriage {
    /// The frame as the dialect's own host would send it. An exception of AWS is a fault, since the dialect has no
    /// words for it.
    pub fn unwrap(&self, frame: Frame) -> Result<Frame, Fault> {
        if *self != Self::BedrockInvoke || frame.data.is_empty() {
            return Ok(frame);
        }
        if frame.exception {
            return Err(exception(&frame));
        }
        let garbage = || Fault::new(FaultKind::ProviderGarbage, "The provider sent an event that cannot be read.");
        let bytes = Node::read(&frame.data)
            .as_ref()
            .and_then(|node| node.text("bytes"))
            .and_then(|text| STANDARD.decode(text).ok())
            .ok_or_else(garbage)?;
        let node = Node::read(&bytes).ok_or_else(garbage)?;
        let event = node.text("type").unwrap_or_default();
        let mut raw = Vec::with_capacity(bytes.len() + event.len() + 24);
        sse_event(&mut raw, (!event.is_empty()).then_some(event), &bytes);
        let event = Bytes::copy_from_slice(event.as_bytes());
        Ok(Frame { raw: raw.into(), event, data: bytes.into(), exception: false })
    }
}

/// Bedrock's exceptions are the same under all of its paths.
fn exception(frame: &Frame) -> Fault {
    let mut events = Vec::new();
    StreamDecoder::new(Dialect::Bedrock).frame(frame, &mut events);
    let fault = events.into_iter().find_map(|event| if let Event::Fault(fault) = event { Some(*fault) } else { None });
    fault.unwrap_or_else(|| Fault::new(FaultKind::ProviderFailed, "The provider broke off with an exception."))
}
