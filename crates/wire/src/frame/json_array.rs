//! One JSON array as a stream: Gemini's `streamGenerateContent` without `alt=sse`.

use bytes::{Buf, Bytes, BytesMut};
use tollgate_ir::{Fault, FaultKind};

use super::{Frame, MAX_EVENT};

/// Cuts a JSON array into its elements as they complete. A body that is one object is one event: an error.
#[derive(Debug, Default)]
pub struct JsonArrayDeframer {
    held: BytesMut,
    searched: usize,
    depth: usize,
    in_text: bool,
    escaped: bool,
    /// Where in `held` the current element began.
    element: Option<usize>,
}

impl JsonArrayDeframer {
    /// At the start of a body.
    pub fn new() -> Self {
        Self::default()
    }

    pub(super) fn push(&mut self, chunk: Bytes) {
        self.held.extend_from_slice(&chunk);
    }

    pub(super) fn next_frame(&mut self) -> Result<Option<Frame>, Fault> {
        while self.searched < self.held.len() {
            let byte = self.held[self.searched];
            self.searched += 1;
            if self.in_text {
                match byte {
                    _ if self.escaped => self.escaped = false,
                    b'\\' => self.escaped = true,
                    b'"' => self.in_text = false,
                    _ => {}
                }
                continue;
            }
            match byte {
                b'"' => self.in_text = true,
                b'{' => {
                    if self.depth == 0 {
                        self.element = Some(self.searched - 1);
                    }
                    self.depth += 1;
                }
                b'}' => {
                    self.depth = self.depth.saturating_sub(1);
                    if self.depth == 0
                        && let Some(start) = self.element.take()
                    {
                        let mut data = self.held.split_to(self.searched).freeze();
                        let raw = data.clone();
                        data.advance(start);
                        self.searched = 0;
                        return Ok(Some(Frame { raw, event: Bytes::new(), data, exception: false }));
                    }
                }
                _ => {}
            }
        }
        if self.held.len() > MAX_EVENT {
            return Err(Fault::new(FaultKind::ProviderGarbage, "The provider sent an event that is too long."));
        }
        Ok(None)
    }

    /// What is left after the last element (`]` and white space) is given out without data, so that a relay is whole.
    pub(super) fn finish(&mut self) -> Result<Option<Frame>, Fault> {
        if self.depth > 0 || self.in_text {
            return Err(Fault::new(FaultKind::ProviderCut, "The provider's answer ended inside an event."));
        }
        let raw = self.held.split().freeze();
        Ok((!raw.is_empty()).then(|| Frame { raw, event: Bytes::new(), data: Bytes::new(), exception: false }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_come_one_by_one_at_any_cut() {
        let input = br#"[{"a":"}\"{"}, {"b":{"c":[1]}}
,{}]"#;
        for cut in 0..=input.len() {
            let mut deframer = JsonArrayDeframer::new();
            let (mut data, mut raw) = (Vec::new(), Vec::new());
            for part in [&input[..cut], &input[cut..]] {
                deframer.push(Bytes::copy_from_slice(part));
                while let Some(frame) = deframer.next_frame().unwrap() {
                    data.push(String::from_utf8(frame.data.to_vec()).unwrap());
                    raw.extend_from_slice(&frame.raw);
                }
            }
            raw.extend_from_slice(&deframer.finish().unwrap().unwrap().raw);
            assert_eq!(data, [r#"{"a":"}\"{"}"#, r#"{"b":{"c":[1]}}"#, "{}"]);
            assert_eq!(raw, input);
        }
    }
}
