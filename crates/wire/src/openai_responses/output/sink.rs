//! Events on their way out: numbered, in the SSE form.

use crate::frame::sse_event;
use crate::json::{ObjectWriter, object};

/// What one stream's events have in common: the count, and a buffer that is used again.
#[derive(Default)]
pub(in super::super) struct Line {
    sequence: u64,
    buffer: Vec<u8>,
}

impl Line {
    /// The next event has this number.
    pub(in super::super) const fn count_from(&mut self, next: u64) {
        self.sequence = next;
    }
}

/// Where events go; nowhere, for a whole reply.
pub(in super::super) struct Sink<'a> {
    /// The client's bytes.
    pub(in super::super) out: Option<&'a mut Vec<u8>>,
    /// See [`Line`].
    pub(in super::super) line: &'a mut Line,
}

impl Sink<'_> {
    /// Writes one event.
    pub(in super::super) fn event(&mut self, kind: &str, fill: impl FnOnce(&mut ObjectWriter<'_>)) {
        let Some(out) = &mut self.out else { return };
        self.line.buffer.clear();
        object(&mut self.line.buffer, |o| {
            o.text("type", kind);
            o.uint("sequence_number", self.line.sequence);
            fill(o);
        });
        self.line.sequence += 1;
        sse_event(out, Some(kind), &self.line.buffer);
    }
}
