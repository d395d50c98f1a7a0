//! The AWS event stream (Smithy's `application/vnd.amazon.eventstream`): binary messages with typed headers and two
//! checksums, one over the lengths and one over everything.
//!
//! ```text
//! total u32 | headers u32 | crc32 of these 8 | headers | payload | crc32 of all before
//! header: name length u8, name, type u8, value by type
//! ```
//! Both checksums are verified before a byte of the payload is believed; lengths are bounded before anything is held
//! for them. The tests judge reader and writer by the vendor's own codec.

use bytes::{Bytes, BytesMut};
use tollgate_ir::{Fault, FaultKind};

use super::{Frame, MAX_EVENT, hold};
use crate::json;

/// The two lengths and their checksum.
const PRELUDE: usize = 12;
/// The checksum at the end.
const TRAILER: usize = 4;

/// Cuts an AWS event stream into messages.
#[derive(Debug, Default)]
pub struct AwsDeframer {
    held: BytesMut,
}

impl AwsDeframer {
    /// At the start of a body.
    pub fn new() -> Self {
        Self::default()
    }

    pub(super) fn push(&mut self, chunk: Bytes) {
        hold(&mut self.held, chunk);
    }

    pub(super) fn next_frame(&mut self) -> Result<Option<Frame>, Fault> {
        let Some(lengths) = Lengths::read(&self.held)? else { return Ok(None) };
        if self.held.len() < lengths.total {
            return Ok(None);
        }
        let body_end = lengths.total - TRAILER;
        if crc32fast::hash(&self.held[..body_end]) != u32_at(&self.held, body_end) {
            return Err(garbage("its checksum is wrong"));
        }
        let raw = self.held.split_to(lengths.total).freeze();
        let headers = Named::read(raw.slice(PRELUDE..PRELUDE + lengths.headers))?;
        let payload = raw.slice(PRELUDE + lengths.headers..body_end);
        Ok(Some(headers.into_frame(raw, payload)))
    }

    pub(super) fn finish(&mut self) -> Result<Option<Frame>, Fault> {
        match self.next_frame()? {
            None if !self.held.is_empty() => {
                Err(Fault::new(FaultKind::ProviderCut, "The provider's answer ended inside an event."))
            }
            frame => Ok(frame),
        }
    }
}

struct Lengths {
    total: usize,
    headers: usize,
}

impl Lengths {
    /// The prelude, checked; `None` until it is all there.
    fn read(held: &[u8]) -> Result<Option<Self>, Fault> {
        if held.len() < PRELUDE {
            return Ok(None);
        }
        if crc32fast::hash(&held[..8]) != u32_at(held, 8) {
            return Err(garbage("the checksum of its lengths is wrong"));
        }
        let (total, headers) = (u32_at(held, 0) as usize, u32_at(held, 4) as usize);
        if total > MAX_EVENT {
            return Err(garbage("it is too long"));
        }
        if total < PRELUDE + TRAILER || headers > total - PRELUDE - TRAILER {
            return Err(garbage("its lengths contradict each other"));
        }
        Ok(Some(Self { total, headers }))
    }
}

/// The headers that say what a message is.
#[derive(Default)]
struct Named {
    message_type: Bytes,
    event_type: Bytes,
    exception_type: Bytes,
    error_code: Bytes,
    error_message: Bytes,
}

impl Named {
    fn read(mut bytes: Bytes) -> Result<Self, Fault> {
        let mut named = Self::default();
        while !bytes.is_empty() {
            let name_len = usize::from(take(&mut bytes, 1)?[0]);
            let name = take(&mut bytes, name_len)?;
            let value = take_value(&mut bytes)?;
            match &name[..] {
                b":message-type" => named.message_type = value,
                b":event-type" => named.event_type = value,
                b":exception-type" => named.exception_type = value,
                b":error-code" => named.error_code = value,
                b":error-message" => named.error_message = value,
                _ => {}
            }
        }
        Ok(named)
    }

    fn into_frame(self, raw: Bytes, payload: Bytes) -> Frame {
        match &self.message_type[..] {
            b"exception" => Frame { raw, event: self.exception_type, data: payload, exception: true },
            // An error outside the service's model has its words in a header: put them where exceptions have theirs.
            b"error" => {
                let mut data = Vec::new();
                json::object(&mut data, |o| o.text("message", &String::from_utf8_lossy(&self.error_message)));
                Frame { raw, event: self.error_code, data: data.into(), exception: true }
            }
            _ => Frame { raw, event: self.event_type, data: payload, exception: false },
        }
    }
}

/// A header's value, by its type.
fn take_value(bytes: &mut Bytes) -> Result<Bytes, Fault> {
    let len = match take(bytes, 1)?[0] {
        0 | 1 => 0,
        2 => 1,
        3 => 2,
        4 => 4,
        5 | 8 => 8,
        6 | 7 => {
            let len = take(bytes, 2)?;
            usize::from(u16::from_be_bytes([len[0], len[1]]))
        }
        9 => 16,
        _ => return Err(garbage("a header has an unknown type")),
    };
    take(bytes, len)
}

fn take(bytes: &mut Bytes, len: usize) -> Result<Bytes, Fault> {
    if bytes.len() < len {
        return Err(garbage("a header is cut off"));
    }
    Ok(bytes.split_to(len))
}

/// The caller has checked that four bytes are there.
fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

fn garbage(why: &str) -> Fault {
    Fault::new(FaultKind::ProviderGarbage, "The provider sent an event that cannot be read.")
        .detail(format!("AWS event stream: {why}"))
}

/// Appends an event message with a JSON payload.
pub fn aws_event(out: &mut Vec<u8>, event_type: &str, payload: &[u8]) {
    aws_event_with(out, event_type, |out| out.extend_from_slice(payload));
}

/// Appends an event message whose payload `write` appends: no buffer of its own for each event of a stream.
pub fn aws_event_with(out: &mut Vec<u8>, event_type: &str, write: impl FnOnce(&mut Vec<u8>)) {
    message(out, &[(":event-type", event_type), (":message-type", "event")], write);
}

/// Appends an exception message with a JSON payload: nothing may follow it.
pub fn aws_exception(out: &mut Vec<u8>, exception_type: &str, payload: &[u8]) {
    let names = [(":exception-type", exception_type), (":message-type", "exception")];
    message(out, &names, |out| out.extend_from_slice(payload));
}

fn message(out: &mut Vec<u8>, names: &[(&str, &str)], write: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.extend_from_slice(&[0; PRELUDE]);
    for (name, value) in names.iter().chain(&[(":content-type", "application/json")]) {
        header(out, name, value);
    }
    let headers = out.len() - start - PRELUDE;
    write(out);
    let total = out.len() - start + TRAILER;
    out[start..start + 4].copy_from_slice(&length(total));
    out[start + 4..start + 8].copy_from_slice(&length(headers));
    let lengths_crc = crc32fast::hash(&out[start..start + 8]);
    out[start + 8..start + PRELUDE].copy_from_slice(&lengths_crc.to_be_bytes());
    let crc = crc32fast::hash(&out[start..]);
    out.extend_from_slice(&crc.to_be_bytes());
}

/// Payloads are bounded by what a reply may hold, far below 4 GiB.
fn length(n: usize) -> [u8; 4] {
    u32::try_from(n).unwrap_or(u32::MAX).to_be_bytes()
}

/// A header of type string. Names and values are short words of ours.
fn header(out: &mut Vec<u8>, name: &str, value: &str) {
    let value = &value.as_bytes()[..value.len().min(usize::from(u16::MAX))];
    out.push(u8::try_from(name.len()).unwrap_or(u8::MAX));
    out.extend_from_slice(name.as_bytes());
    out.push(7);
    out.extend_from_slice(&u16::try_from(value.len()).unwrap_or(u16::MAX).to_be_bytes());
    out.extend_from_slice(value);
}

#[cfg(test)]
#[path = "aws_tests.rs"]
mod tests;
