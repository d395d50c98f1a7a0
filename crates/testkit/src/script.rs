//! What a scripted upstream answers: bytes, pauses and accidents, in order.

use std::time::Duration;

use bytes::Bytes;

/// One step of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Waits.
    Wait(Duration),
    /// Sends the head. Without this step it is sent before the first chunk.
    Head,
    /// Sends a chunk of the body, flushed on its own.
    Chunk(Bytes),
    /// Sends bytes as they are, outside any framing: heads and chunks of one's own making.
    Raw(Bytes),
    /// Says nothing until the peer leaves.
    Stall,
    /// Closes the connection in the middle, as it stands.
    Cut,
    /// Closes the connection with a TCP reset.
    Reset,
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Script {
    /// The status.
    pub status: u16,
    /// Headers, besides the framing.
    pub headers: Vec<(String, String)>,
    /// Says content-length (of all chunks together) instead of chunked encoding.
    pub sized: bool,
    /// Keeps the connection for the next request.
    pub keep_alive: bool,
    /// What happens.
    pub steps: Vec<Step>,
}

impl Script {
    /// A status without a body.
    pub fn status(status: u16) -> Self {
        Self { status, headers: Vec::new(), sized: true, keep_alive: true, steps: Vec::new() }
    }

    /// A JSON body with its content-length.
    pub fn json(status: u16, body: impl Into<Bytes>) -> Self {
        Self::status(status).header("content-type", "application/json").chunk(body)
    }

    /// A stream of server-sent events, each chunk flushed on its own. Give whole events, or pieces of them.
    pub fn sse<B: Into<Bytes>>(chunks: impl IntoIterator<Item = B>) -> Self {
        let script = Self { sized: false, ..Self::status(200) }.header("content-type", "text/event-stream");
        chunks.into_iter().fold(script, Self::chunk)
    }

    /// No answer at all: the given accident right after the request.
    pub fn accident(step: Step) -> Self {
        Self::status(200).step(step)
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Adds a chunk.
    #[must_use]
    pub fn chunk(self, bytes: impl Into<Bytes>) -> Self {
        self.step(Step::Chunk(bytes.into()))
    }

    /// Adds a pause.
    #[must_use]
    pub fn wait(self, pause: Duration) -> Self {
        self.step(Step::Wait(pause))
    }

    /// Adds a step.
    #[must_use]
    pub fn step(mut self, step: Step) -> Self {
        self.steps.push(step);
        self
    }

    /// Puts a pause before every chunk.
    #[must_use]
    pub fn paced(mut self, pause: Duration) -> Self {
        let paced = self.steps.into_iter().flat_map(|step| match step {
            Step::Chunk(_) => vec![Step::Wait(pause), step],
            other => vec![other],
        });
        self.steps = paced.collect();
        self
    }

    /// Closes the connection after the answer.
    #[must_use]
    pub fn close(mut self) -> Self {
        self.keep_alive = false;
        self
    }

    /// All that is sent, framing and all; without pauses and accidents.
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = self.head();
        for step in &self.steps {
            match step {
                Step::Chunk(chunk) => bytes.extend_from_slice(&self.framed(chunk)),
                Step::Raw(raw) => bytes.extend_from_slice(raw),
                _ => {}
            }
        }
        if !self.sized {
            bytes.extend_from_slice(b"0\r\n\r\n");
        }
        bytes
    }

    /// The same up to a byte, in two pieces, then the accident; `share` in 0..1 says which byte.
    #[must_use]
    pub fn broken_at(&self, share: f64, accident: Step) -> Self {
        let mut bytes = Bytes::from(self.bytes());
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a place in a short text")]
        #[expect(clippy::cast_precision_loss, reason = "any place will do")]
        bytes.truncate((bytes.len() as f64 * share.clamp(0.0, 1.0)) as usize);
        let first = bytes.split_to(bytes.len() / 2);
        // A reset overtakes what was not read yet.
        let pause = Duration::from_millis(5);
        let broken = Self { steps: Vec::new(), ..self.clone() };
        broken.step(Step::Raw(first)).wait(pause).step(Step::Raw(bytes)).wait(pause).step(accident)
    }

    pub(crate) fn head(&self) -> Vec<u8> {
        let mut head = format!("HTTP/1.1 {} {}\r\n", self.status, reason(self.status));
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        if self.sized {
            let length: usize =
                self.steps.iter().map(|step| if let Step::Chunk(bytes) = step { bytes.len() } else { 0 }).sum();
            head.push_str(&format!("content-length: {length}\r\n"));
        } else {
            head.push_str("transfer-encoding: chunked\r\n");
        }
        if !self.keep_alive {
            head.push_str("connection: close\r\n");
        }
        head.push_str("\r\n");
        head.into_bytes()
    }

    pub(crate) fn framed(&self, chunk: &[u8]) -> Vec<u8> {
        if self.sized {
            return chunk.to_vec();
        }
        let mut framed = format!("{:x}\r\n", chunk.len()).into_bytes();
        framed.extend_from_slice(chunk);
        framed.extend_from_slice(b"\r\n");
        framed
    }
}

fn reason(status: u16) -> &'static str {
    http::StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason()).unwrap_or("Unknown")
}
