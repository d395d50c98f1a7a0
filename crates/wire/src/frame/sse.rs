//! Server-sent events (WHATWG HTML §9.2): lines end by LF, CR or CRLF; an event ends by an empty line; a BOM may stand
//! first; `data:` may lack its space and come on many lines.

use std::ops::Range;

use bytes::{Bytes, BytesMut};
use memchr::{memchr2, memmem};
use tollgate_ir::{Fault, FaultKind};

use super::{Frame, MAX_EVENT, hold};
use crate::json::{ObjectWriter, object};

/// Cuts an SSE body into events.
#[derive(Debug, Default)]
pub struct SseDeframer {
    held: BytesMut,
    /// How far `held` was searched for the end of the event.
    searched: usize,
    started: bool,
    /// The body ended, so a CR at the end of `held` is a line end of its own.
    ended: bool,
}

impl SseDeframer {
    /// At the start of a body.
    pub fn new() -> Self {
        Self::default()
    }

    pub(super) fn push(&mut self, chunk: Bytes) {
        hold(&mut self.held, chunk);
    }

    pub(super) fn next_frame(&mut self) -> Result<Option<Frame>, Fault> {
        match self.end_of_event() {
            Some(end) => {
                self.searched = 0;
                let raw = self.held.split_to(end).freeze();
                let bom = if self.started { 0 } else { bom_len(&raw) };
                self.started = true;
                Ok(Some(parse(raw, bom)))
            }
            None if self.held.len() > MAX_EVENT => {
                Err(Fault::new(FaultKind::ProviderGarbage, "The provider sent an event that is too long."))
            }
            None => Ok(None),
        }
    }

    pub(super) fn finish(&mut self) -> Result<Option<Frame>, Fault> {
        self.ended = true;
        self.searched = 0;
        if let Some(frame) = self.next_frame()? {
            return Ok(Some(frame));
        }
        if self.held.is_empty() {
            return Ok(None);
        }
        let raw = self.held.split().freeze();
        let bom = if self.started { 0 } else { bom_len(&raw) };
        self.started = true;
        Ok(Some(parse(raw, bom)))
    }

    /// Where the first event ends, its empty line included. A CR as the last byte may be half a CRLF: wait for more.
    fn end_of_event(&mut self) -> Option<usize> {
        let bytes = &self.held[..];
        let mut at = self.searched;
        while let Some(i) = memchr2(b'\n', b'\r', &bytes[at..]).map(|i| at + i) {
            let after = line_end(bytes, i, self.ended)?;
            match bytes.get(after) {
                None => {
                    self.searched = i;
                    return None;
                }
                Some(b'\n' | b'\r') => {
                    let Some(end) = line_end(bytes, after, self.ended) else {
                        self.searched = i;
                        return None;
                    };
                    return Some(end);
                }
                // Lines before the first one with words: a leading empty line is an event of no fields.
                Some(_) => at = after,
            }
        }
        self.searched = bytes.len();
        None
    }
}

/// The byte after the line end that begins at `i`; `None` while it cannot be known.
fn line_end(bytes: &[u8], i: usize, ended: bool) -> Option<usize> {
    match (bytes[i], bytes.get(i + 1)) {
        (b'\r', Some(b'\n')) => Some(i + 2),
        (b'\r', None) if !ended => None,
        _ => Some(i + 1),
    }
}

fn bom_len(bytes: &[u8]) -> usize {
    if bytes.starts_with(b"\xEF\xBB\xBF") { 3 } else { 0 }
}

fn parse(raw: Bytes, skip: usize) -> Frame {
    let (mut event, mut data) = (0..0, None);
    let mut joined: Option<Vec<u8>> = None;
    let mut at = skip;
    while at < raw.len() {
        let end = memchr2(b'\n', b'\r', &raw[at..]).map_or(raw.len(), |i| at + i);
        let line = &raw[at..end];
        if let Some(from) = value(line, b"data") {
            let value = at + from..end;
            match (&mut joined, &data) {
                (Some(all), _) => {
                    all.push(b'\n');
                    all.extend_from_slice(&raw[value]);
                }
                (None, None) => data = Some(value),
                (None, Some(first)) => joined = Some([&raw[Range::clone(first)], b"\n", &raw[value]].concat()),
            }
        } else if let Some(from) = value(line, b"event") {
            event = at + from..end;
        }
        at = if end < raw.len() { line_end(&raw, end, true).unwrap_or(raw.len()) } else { end };
    }
    let event = raw.slice(event);
    let data = joined.map_or_else(|| raw.slice(data.unwrap_or(0..0)), Bytes::from);
    Frame { raw, event, data, exception: false }
}

/// Where the value of the line `name: value` begins, one space after the colon dropped.
fn value(line: &[u8], name: &[u8]) -> Option<usize> {
    match line.strip_prefix(name)? {
        [] => Some(name.len()),
        [b':', b' ', ..] => Some(name.len() + 2),
        [b':', ..] => Some(name.len() + 1),
        _ => None,
    }
}

/// Writes one event. `data` must hold no line break, as compact JSON does not; one that does is written on many lines.
pub fn sse_event(out: &mut Vec<u8>, event: Option<&str>, data: &[u8]) {
    name(out, event);
    if memchr2(b'\n', b'\r', data).is_none() {
        out.extend_from_slice(b"data: ");
        out.extend_from_slice(data);
        out.push(b'\n');
    } else {
        let mut at = 0;
        for end in memmem::find_iter(data, b"\n").chain([data.len()]) {
            out.extend_from_slice(b"data: ");
            out.extend_from_slice(data[at..end].strip_suffix(b"\r").unwrap_or(&data[at..end]));
            out.push(b'\n');
            at = end + 1;
        }
    }
    out.push(b'\n');
}

/// Writes one event whose data is an object.
pub fn sse_object(out: &mut Vec<u8>, event: Option<&str>, fill: impl FnOnce(&mut ObjectWriter<'_>)) {
    let start = out.len();
    name(out, event);
    out.extend_from_slice(b"data: ");
    let from = out.len();
    object(out, fill);
    if memchr2(b'\n', b'\r', &out[from..]).is_some() {
        // JSON of another's hand is in it.
        let data = out.split_off(from);
        out.truncate(start);
        return sse_event(out, event, &data);
    }
    out.extend_from_slice(b"\n\n");
}

fn name(out: &mut Vec<u8>, event: Option<&str>) {
    if let Some(event) = event {
        out.extend_from_slice(b"event: ");
        out.extend_from_slice(event.as_bytes());
        out.push(b'\n');
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Events as (name, data), comments and empty events left out; the raw bytes must add up to the input.
    fn events(input: &[u8], cuts: &[usize]) -> Vec<(String, Vec<u8>)> {
        let (mut deframer, mut out, mut raw) = (SseDeframer::new(), Vec::new(), Vec::new());
        let mut at = 0;
        let mut take = |frame: Frame| {
            raw.extend_from_slice(&frame.raw);
            if !frame.data.is_empty() {
                out.push((frame.name().to_owned(), frame.data.to_vec()));
            }
        };
        for &cut in cuts.iter().chain([&input.len()]) {
            if cut < at {
                continue;
            }
            deframer.push(Bytes::copy_from_slice(&input[at..cut]));
            at = cut;
            while let Some(frame) = deframer.next_frame().unwrap() {
                take(frame);
            }
        }
        while let Some(frame) = deframer.finish().unwrap() {
            take(frame);
        }
        assert_eq!(raw, input, "raw bytes add up");
        out
    }

    const HARD: &[u8] = "\u{feff}event: a\r\ndata: {\"x\":\"日本 🎉\"}\r\n\r\n: comment\n\ndata:no-space\rdata: second\r\rid: 7\nevent:b\ndata: {\ndata: }\n\n\r\n\ndata: last, unfinished".as_bytes();

    #[test]
    fn tr37_every_cut_gives_the_same_events() {
        let whole = events(HARD, &[]);
        assert_eq!(
            whole,
            [
                ("a".to_owned(), "{\"x\":\"日本 🎉\"}".as_bytes().to_vec()),
                (String::new(), b"no-space\nsecond".to_vec()),
                ("b".to_owned(), b"{\n}".to_vec()),
                (String::new(), b"last, unfinished".to_vec()),
            ]
        );
        for i in 0..=HARD.len() {
            for j in i..=HARD.len() {
                assert_eq!(events(HARD, &[i, j]), whole, "cut at {i} and {j}");
            }
        }
        let all: Vec<_> = (0..HARD.len()).collect();
        assert_eq!(events(HARD, &all), whole);
    }

    #[test]
    fn an_event_too_long_is_a_fault() {
        let mut deframer = SseDeframer::new();
        deframer.push(Bytes::from(vec![b'x'; MAX_EVENT + 1]));
        assert_eq!(deframer.next_frame().unwrap_err().kind, FaultKind::ProviderGarbage);
    }

    #[test]
    fn an_object_is_written_as_its_text_is() {
        for raw in ["1", "[1,\n2]", "[\r\n]"] {
            let (mut object, mut text) = (b"before".to_vec(), b"before".to_vec());
            sse_object(&mut object, Some("a"), |o| o.raw("b", raw));
            sse_event(&mut text, Some("a"), format!("{{\"b\":{raw}}}").as_bytes());
            assert_eq!(object, text, "{raw:?}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_and_any_cuts(input in proptest::collection::vec(prop_oneof![Just(b'\n'), Just(b'\r'), Just(b':'), Just(b'd'), any::<u8>()], 0..200), mut cuts in proptest::collection::vec(0usize..200, 0..8)) {
            cuts.retain(|c| *c <= input.len());
            cuts.sort_unstable();
            prop_assert_eq!(events(&input, &cuts), events(&input, &[]));
        }

        #[test]
        fn what_is_written_is_read(name in "[a-z]{1,8}", data in "[^\r]{1,40}") {
            let mut out = Vec::new();
            sse_event(&mut out, Some(&name), data.as_bytes());
            let mut deframer = SseDeframer::new();
            deframer.push(Bytes::from(out));
            let frame = deframer.next_frame().unwrap().unwrap();
            prop_assert_eq!(frame.name(), name);
            prop_assert_eq!(&frame.data[..], data.as_bytes());
        }
    }
}
