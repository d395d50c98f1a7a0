//! Frames of a carriage → frames of the dialect. Bedrock's `InvokeModel` wraps each of Claude's events, in base64, into
//! an AWS message; here they become the server-sent events that Claude's own API would send.

use tollgate_ir::Fault;

use super::Carriage;
use crate::bedrock::invoke;
use crate::frame::{Frame, sse_event};

impl Carriage {
    /// The frame as the dialect's own host would send it. An exception of AWS is a fault, since the dialect has no
    /// words for it.
    pub fn unwrap(&self, frame: Frame) -> Result<Frame, Fault> {
        if *self != Self::BedrockInvoke || frame.data.is_empty() {
            return Ok(frame);
        }
        let frame = invoke::unwrap(frame)?;
        let mut raw = Vec::with_capacity(frame.data.len() + frame.event.len() + 24);
        sse_event(&mut raw, Some(frame.name()), &frame.data);
        Ok(Frame { raw: raw.into(), ..frame })
    }
}
