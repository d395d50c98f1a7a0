//! Carriages of the client's side that differ from the dialect's own framing: Gemini's stream as one JSON array, Claude's
//! events inside AWS messages, Ollama's chat as an answer to a prompt. The dialect's encoder and the relay write the
//! dialect's own stream; here it is put over.

use bytes::Bytes;
use tollgate_ir::{Dialect, Event, Fault};
use tollgate_wire::bedrock::invoke;
use tollgate_wire::codec::{self, StreamDecoder};
use tollgate_wire::frame::{Deframer, Frame};
use tollgate_wire::ollama;
use tollgate_wire::ops::completions;

use crate::routes::FaceCarriage;

/// Puts a stream of server-sent events over into the client's carriage.
pub struct Reframe {
    carriage: FaceCarriage,
    deframer: Deframer,
    begun: bool,
    /// A completion's prompt, and the choices before which it went out.
    echo: (String, Vec<u64>),
}

impl Reframe {
    /// `None` where the dialect's own framing is the client's.
    pub fn new(face: Dialect, carriage: FaceCarriage) -> Option<Self> {
        let framing = if face == Dialect::Ollama { codec::stream_content_type(face) } else { "text/event-stream" };
        (carriage != FaceCarriage::Own).then(|| Self {
            carriage,
            deframer: Deframer::for_content_type(framing),
            begun: false,
            echo: (String::new(), Vec::new()),
        })
    }

    /// Repeats the prompt before each answer.
    #[must_use]
    pub fn echoing(mut self, prompt: &str) -> Self {
        prompt.clone_into(&mut self.echo.0);
        self
    }

    /// The content type of the stream.
    pub const fn content_type(face: Dialect, carriage: FaceCarriage) -> &'static str {
        match carriage {
            FaceCarriage::Completions => "text/event-stream",
            FaceCarriage::Own | FaceCarriage::OllamaGenerate => codec::stream_content_type(face),
            FaceCarriage::BedrockInvoke => "application/vnd.amazon.eventstream",
            FaceCarriage::JsonArray => "application/json",
        }
    }

    /// Whole events in, the client's bytes out.
    pub fn put_over(&mut self, events: Vec<u8>) -> Result<Vec<u8>, Fault> {
        self.deframer.push(Bytes::from(events));
        let mut out = Vec::new();
        while let Some(frame) = self.deframer.next_frame()? {
            if frame.data.is_empty() {
                continue;
            }
            match self.carriage {
                FaceCarriage::JsonArray => {
                    out.extend_from_slice(if self.begun { b",\r\n" } else { b"[" });
                    out.extend_from_slice(&frame.data);
                }
                FaceCarriage::Completions => {
                    let chunk = match &frame.data[..] {
                        b"[DONE]" => Some(b"[DONE]".to_vec()),
                        data => completions::chunk(data, &self.echo.0, &mut self.echo.1),
                    };
                    let Some(chunk) = chunk else { continue };
                    out.extend_from_slice(b"data: ");
                    out.extend_from_slice(&chunk);
                    out.extend_from_slice(b"\n\n");
                }
                FaceCarriage::OllamaGenerate => {
                    out.extend_from_slice(&ollama::as_generate(&frame.data).unwrap_or_else(|| frame.data.to_vec()));
                    out.push(b'\n');
                }
                FaceCarriage::BedrockInvoke | FaceCarriage::Own => match error(&frame) {
                    Some(fault) => out.extend(codec::fault_frame(Dialect::Bedrock, &fault)),
                    None => invoke::wrap(&mut out, &frame.data),
                },
            }
            self.begun = true;
        }
        Ok(out)
    }

    /// What ends the stream.
    pub fn end(&mut self) -> &'static [u8] {
        match (self.carriage, self.begun) {
            (FaceCarriage::JsonArray, true) => b"]",
            (FaceCarriage::JsonArray, false) => b"[]",
            _ => b"",
        }
    }
}

/// What Claude's own API says by an `error` event, Bedrock says by an exception of the event stream: its SDKs raise that,
/// and would hand on the event as one more chunk.
fn error(frame: &Frame) -> Option<Box<Fault>> {
    if frame.name() != "error" {
        return None;
    }
    let mut events = Vec::new();
    StreamDecoder::new(Dialect::Anthropic).frame(frame, &mut events);
    events.into_iter().find_map(|event| match event {
        Event::Fault(fault) => Some(fault),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn claudes_errors_are_exceptions_of_the_event_stream() {
        // the error event's type, the exception
        for (kind, exception) in [
            ("overloaded_error", "serviceUnavailableException"),
            ("rate_limit_error", "throttlingException"),
            ("api_error", "internalServerException"),
            ("timeout_error", "modelStreamErrorException"),
            ("invalid_request_error", "validationException"),
        ] {
            let event = format!(
                "event: ping\ndata: {{\"type\":\"ping\"}}\n\nevent: error\ndata: {{\"type\":\"error\",\"error\":{{\"type\":\"{kind}\",\"message\":\"Oh\"}}}}\n\n"
            );
            let mut reframe = Reframe::new(Dialect::Anthropic, FaceCarriage::BedrockInvoke).unwrap();
            let bytes = reframe.put_over(event.into_bytes()).unwrap();
            let mut deframer = Deframer::for_content_type("application/vnd.amazon.eventstream");
            deframer.push(Bytes::from(bytes));
            let frames: Vec<Frame> = std::iter::from_fn(|| deframer.next_frame().unwrap()).collect();
            assert_eq!(frames.iter().map(Frame::name).collect::<Vec<_>>(), ["chunk", exception], "{kind}");
            assert!(frames[1].exception);
            assert_eq!(&frames[1].data[..], br#"{"message":"Oh"}"#);
        }
    }
}
