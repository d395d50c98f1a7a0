//! Lines of JSON (NDJSON): Ollama's streams. A line ends by LF, perhaps after CR; JSON text holds no line break.

use bytes::{Bytes, BytesMut};
use memchr::memchr;
use tollgate_ir::{Fault, FaultKind};

use super::{Frame, MAX_EVENT, hold};

/// Cuts a body into its lines. An empty line is an event without data.
#[derive(Debug, Default)]
pub struct NdjsonDeframer {
    held: BytesMut,
    searched: usize,
}

impl NdjsonDeframer {
    /// At the start of a body.
    pub fn new() -> Self {
        Self::default()
    }

    pub(super) fn push(&mut self, chunk: Bytes) {
        hold(&mut self.held, chunk);
    }

    pub(super) fn next_frame(&mut self) -> Result<Option<Frame>, Fault> {
        match memchr(b'\n', &self.held[self.searched..]) {
            Some(i) => {
                let raw = self.held.split_to(self.searched + i + 1).freeze();
                self.searched = 0;
                Ok(Some(frame(raw)))
            }
            None if self.held.len() > MAX_EVENT => {
                Err(Fault::new(FaultKind::ProviderGarbage, "The provider sent an event that is too long."))
            }
            None => {
                self.searched = self.held.len();
                Ok(None)
            }
        }
    }

    pub(super) fn finish(&mut self) -> Result<Option<Frame>, Fault> {
        if let Some(frame) = self.next_frame()? {
            return Ok(Some(frame));
        }
        self.searched = 0;
        let rest = self.held.split().freeze();
        Ok((!rest.is_empty()).then(|| frame(rest)))
    }
}

fn frame(raw: Bytes) -> Frame {
    let data = raw.slice_ref(raw.trim_ascii());
    Frame { raw, event: Bytes::new(), data, exception: false }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_one_by_one_at_any_cut() {
        let input = "{\"a\":\"ü\\n\"}\r\n\n {\"b\":1}\n{\"c\":2}".as_bytes();
        for cut in 0..=input.len() {
            let mut deframer = NdjsonDeframer::new();
            let (mut data, mut raw) = (Vec::new(), Vec::new());
            let mut take = |frame: Frame| {
                data.push(String::from_utf8(frame.data.to_vec()).unwrap());
                raw.extend_from_slice(&frame.raw);
            };
            for part in [&input[..cut], &input[cut..]] {
                deframer.push(Bytes::copy_from_slice(part));
                while let Some(frame) = deframer.next_frame().unwrap() {
                    take(frame);
                }
            }
            while let Some(frame) = deframer.finish().unwrap() {
                take(frame);
            }
            assert_eq!(data, ["{\"a\":\"ü\\n\"}", "", "{\"b\":1}", "{\"c\":2}"]);
            assert_eq!(raw, input);
        }
    }
}
