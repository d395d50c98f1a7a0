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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::Deframer;
    use crate::frame::aws::aws_exception;

    fn frames(bytes: Vec<u8>) -> Vec<Frame> {
        let mut deframer = Deframer::for_content_type("application/vnd.amazon.eventstream");
        deframer.push(Bytes::from(bytes));
        std::iter::from_fn(|| deframer.next_frame().unwrap()).collect()
    }

    #[test]
    fn an_event_of_claudes_is_wrapped_and_unwrapped() {
        let event =
            "{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"日 🎉\"}}";
        let mut out = Vec::new();
        wrap(&mut out, event.as_bytes());
        let frame = unwrap(frames(out.clone()).remove(0)).unwrap();
        assert_eq!((frame.name(), &frame.data[..]), ("content_block_delta", event.as_bytes()));
        assert_eq!(frame.raw, out, "a relay sends the chunk on as it came");
    }

    #[test]
    fn exceptions_and_what_is_no_event_are_faults() {
        let mut out = Vec::new();
        aws_exception(&mut out, "throttlingException", br#"{"message":"Too many requests."}"#);
        aws_event(&mut out, "chunk", b"{}");
        aws_event(&mut out, "chunk", br#"{"bytes":"%%%"}"#);
        wrap(&mut out, br#"{"completion":"of another family"}"#);
        let faults: Vec<_> = frames(out).into_iter().map(|frame| unwrap(frame).unwrap_err()).collect();
        assert_eq!((faults[0].kind, faults[0].public.as_str()), (FaultKind::ProviderRateLimited, "Too many requests."));
        assert!(faults[1..].iter().all(|fault| fault.kind == FaultKind::ProviderGarbage));
    }
}
