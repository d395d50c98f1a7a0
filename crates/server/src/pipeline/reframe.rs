//! Carriages of the client's side that differ from the dialect's own framing: Gemini's stream as one JSON array, Claude's
//! events inside AWS messages. The dialect's encoder and the relay write server-sent events; here they are put over.

use bytes::Bytes;
use tollgate_ir::{Dialect, Fault};
use tollgate_wire::bedrock::invoke;
use tollgate_wire::codec;
use tollgate_wire::frame::Deframer;
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
    pub fn new(carriage: FaceCarriage) -> Option<Self> {
        (carriage != FaceCarriage::Own).then(|| Self {
            carriage,
            deframer: Deframer::for_content_type("text/event-stream"),
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
            FaceCarriage::Own => codec::stream_content_type(face),
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
                FaceCarriage::BedrockInvoke | FaceCarriage::Own => invoke::wrap(&mut out, &frame.data),
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
