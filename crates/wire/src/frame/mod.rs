//! Framing: bytes of a streamed body ↔ whole events. Incremental, bounded, no event split or joined by where the
//! network cut.
//!
//! Every deframer keeps the invariant that the concatenation of all `raw` it gave out, and what it still holds, is the
//! input; `tests` cuts recorded streams at every byte.

pub mod aws;
mod json_array;
mod ndjson;
mod sse;

use bytes::{Bytes, BytesMut};
use tollgate_ir::Fault;

pub use json_array::JsonArrayDeframer;
pub use ndjson::NdjsonDeframer;
pub use sse::{SseDeframer, sse_event, sse_object};

/// Most bytes of one event. The largest real ones carry images (some MB in base64).
pub const MAX_EVENT: usize = 32 << 20;

/// One whole event of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// The bytes on the wire, to the end of the event, for a relay.
    pub raw: Bytes,
    /// The event's name: SSE `event:`, AWS `:event-type` or `:exception-type`; empty where there is none.
    pub event: Bytes,
    /// The payload; empty for comments and for events without data.
    pub data: Bytes,
    /// It reports an error by its framing alone (AWS exception messages).
    pub exception: bool,
}

impl Frame {
    /// The event's name as text; what is no UTF-8 has no name.
    pub fn name(&self) -> &str {
        std::str::from_utf8(&self.event).unwrap_or("")
    }
}

/// Puts a chunk behind what is held.
fn hold(held: &mut BytesMut, chunk: Bytes) {
    if held.is_empty() {
        // One network read is usually one or more whole events: take it over rather than copy, if it is ours alone.
        *held = chunk.try_into_mut().unwrap_or_else(|shared| BytesMut::from(&shared[..]));
    } else {
        held.extend_from_slice(&chunk);
    }
}

/// How a stream is cut into events.
pub enum Deframer {
    /// Server-sent events.
    Sse(SseDeframer),
    /// AWS event stream.
    Aws(aws::AwsDeframer),
    /// One JSON array, element by element (Gemini without `alt=sse`).
    JsonArray(JsonArrayDeframer),
    /// Lines of JSON.
    Ndjson(NdjsonDeframer),
}

impl Deframer {
    /// For a response's content type.
    pub fn for_content_type(content_type: &str) -> Self {
        match content_type.split(';').next().map(str::trim) {
            Some("application/vnd.amazon.eventstream") => Self::Aws(aws::AwsDeframer::new()),
            Some("application/x-ndjson" | "application/jsonl") => Self::Ndjson(NdjsonDeframer::new()),
            Some("application/json") => Self::JsonArray(JsonArrayDeframer::new()),
            _ => Self::Sse(SseDeframer::new()),
        }
    }

    /// More bytes came.
    pub fn push(&mut self, chunk: Bytes) {
        match self {
            Self::Sse(d) => d.push(chunk),
            Self::Aws(d) => d.push(chunk),
            Self::JsonArray(d) => d.push(chunk),
            Self::Ndjson(d) => d.push(chunk),
        }
    }

    /// The next whole event, if it is all there. A fault ends the stream.
    pub fn next_frame(&mut self) -> Result<Option<Frame>, Fault> {
        match self {
            Self::Sse(d) => d.next_frame(),
            Self::Aws(d) => d.next_frame(),
            Self::JsonArray(d) => d.next_frame(),
            Self::Ndjson(d) => d.next_frame(),
        }
    }

    /// The body ended: a last event that lacks only its blank line, if there is one.
    pub fn finish(&mut self) -> Result<Option<Frame>, Fault> {
        match self {
            Self::Sse(d) => d.finish(),
            Self::Aws(d) => d.finish(),
            Self::JsonArray(d) => d.finish(),
            Self::Ndjson(d) => d.finish(),
        }
    }
}
