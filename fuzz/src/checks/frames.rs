//! Deframers: any cut gives the same frames, and the raw bytes of the frames are the input.

use bytes::Bytes;
use tollgate_ir::FaultKind;
use tollgate_wire::frame::aws::{aws_event, aws_exception};
use tollgate_wire::frame::{Deframer, Frame};

pub const SSE: &str = "text/event-stream";
pub const AWS: &str = "application/vnd.amazon.eventstream";
pub const JSON: &str = "application/json";
pub const LINES: &str = "application/x-ndjson";

/// What the first byte of an input chooses.
pub const FRAMINGS: [&str; 3] = [SSE, AWS, JSON];

/// All that a deframer said of a body.
#[derive(Debug, PartialEq)]
pub struct Read {
    pub frames: Vec<Frame>,
    /// How it ended, if not well.
    pub fault: Option<FaultKind>,
}

/// Reads a body that comes in pieces of these lengths; the last length goes on to its end.
pub fn read(content_type: &str, body: &[u8], lengths: impl Iterator<Item = usize>) -> Read {
    let mut read = Read { frames: Vec::new(), fault: None };
    let mut deframer = Deframer::for_content_type(content_type);
    let mut rest = body;
    for length in lengths.chain(std::iter::once(usize::MAX)) {
        if rest.is_empty() {
            break;
        }
        let (piece, after) = rest.split_at(length.clamp(1, rest.len()));
        rest = after;
        deframer.push(Bytes::copy_from_slice(piece));
        if !drain(&mut read, || deframer.next_frame()) {
            return read;
        }
    }
    drain(&mut read, || deframer.finish());
    read
}

/// Takes frames until there are no more; false after a fault.
fn drain(read: &mut Read, mut next: impl FnMut() -> Result<Option<Frame>, tollgate_ir::Fault>) -> bool {
    loop {
        match next() {
            Ok(Some(frame)) => read.frames.push(frame),
            Ok(None) => return true,
            Err(fault) => {
                read.fault = Some(fault.kind);
                return false;
            }
        }
    }
}

/// Lengths of pieces by two bytes of an input: now all short, now mixed.
pub fn cuts(pattern: u16) -> impl Iterator<Item = usize> {
    let mut state = u32::from(pattern) | 1 << 16;
    let longest = [1, 2, 3, 7, 33, 400][usize::from(pattern) % 6];
    std::iter::from_fn(move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        Some(1 + (state >> 16) as usize % longest)
    })
}

/// AWS messages with right checksums, written as SSE in the input: no mutation would ever guess a checksum.
pub fn aws_of_sse(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for frame in read(SSE, text, std::iter::once(usize::MAX)).frames {
        match frame.name() {
            name if name.ends_with("Exception") => aws_exception(&mut out, name, &frame.data),
            name => aws_event(&mut out, name, &frame.data),
        }
    }
    out
}

/// One AWS message whose headers are any bytes, with right lengths and checksums.
fn aws_message(headers: &[u8], payload: &[u8]) -> Vec<u8> {
    let length = |n: usize| u32::try_from(n).unwrap_or(u32::MAX).to_be_bytes();
    let mut out = [length(16 + headers.len() + payload.len()), length(headers.len())].concat();
    out.extend(crc32fast::hash(&out).to_be_bytes());
    out.extend([headers, payload].concat());
    out.extend(crc32fast::hash(&out).to_be_bytes());
    out
}

/// An input: `[framing, pattern, pattern, body…]`.
pub fn check(data: &[u8]) {
    let [framing, high, low, body @ ..] = data else { return };
    let pattern = u16::from_be_bytes([*high, *low]);
    let made;
    let (content_type, body) = match framing % 6 {
        3 => {
            made = [aws_of_sse(body), aws_of_sse(body)].concat();
            (AWS, &made[..])
        }
        4 => {
            let (headers, payload) = body.split_at(body.len().min(usize::from(*low)));
            made = aws_message(headers, payload);
            (AWS, &made[..])
        }
        5 => (LINES, body),
        n => (FRAMINGS[usize::from(n)], body),
    };
    let whole = read(content_type, body, std::iter::once(usize::MAX));
    assert_eq!(read(content_type, body, cuts(pattern)), whole, "another cut, other frames");
    let raw: Vec<u8> = whole.frames.iter().flat_map(|frame| frame.raw.to_vec()).collect();
    assert!(body.starts_with(&raw), "frames say other bytes than came");
    assert!(whole.fault.is_some() || raw.len() == body.len(), "bytes were lost");
    assert!(whole.frames.iter().all(|frame| !frame.raw.is_empty()), "a frame of no bytes");
}
