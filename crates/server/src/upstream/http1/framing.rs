//! Where a body ends: incremental, indifferent to where the network cut, bounded in what it keeps.

use bytes::Bytes;
use http::HeaderMap;

use super::super::fault::Broken;
use super::header_map;

/// The most that trailers may hold, and what stands behind the size of a chunk.
const TRAILERS: usize = 16 * 1024;
const EXTENSION: u32 = 16 * 1024;

/// How the rest of a body is framed.
#[derive(Debug)]
pub(super) enum Framing {
    /// Nothing is left.
    Ended,
    /// So many bytes.
    Length(u64),
    /// All up to the end of the connection.
    UntilClose,
    /// In chunks.
    Chunked(Box<Chunks>),
}

/// Chunks (RFC 9112, section 7.1).
#[derive(Debug, Default)]
pub(super) struct Chunks {
    at: At,
    /// Of the chunk: its size as far as it was read, then what is left of it.
    size: u64,
    digits: u8,
    extension: u32,
    trailers: Vec<u8>,
    /// All is over; these came at the end.
    ended: Option<HeaderMap>,
}

/// What comes next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum At {
    #[default]
    Size,
    Extension,
    SizeEnd,
    Data,
    DataEnd,
    DataLineEnd,
    Trailers,
    Ended,
}

impl Framing {
    pub(super) fn chunked() -> Self {
        Self::Chunked(Box::default())
    }

    pub(super) fn has_ended(&self) -> bool {
        match self {
            Self::Ended => true,
            Self::Chunked(chunks) => chunks.at == At::Ended,
            Self::Length(_) | Self::UntilClose => false,
        }
    }

    pub(super) fn has_trailers(&self) -> bool {
        matches!(self, Self::Chunked(chunks) if chunks.ended.is_some())
    }

    pub(super) fn take_trailers(&mut self) -> Option<HeaderMap> {
        match self {
            Self::Chunked(chunks) => chunks.ended.take(),
            _ => None,
        }
    }

    /// Appends what of these bytes is the body's; gives how many were used: all but those past the end, or past the chunk, if
    /// there is to be one at a time.
    pub(super) fn decode(&mut self, bytes: &[u8], gathers: bool, data: &mut Vec<u8>) -> Result<usize, Broken> {
        match self {
            Self::Ended => Ok(0),
            Self::UntilClose => {
                data.extend_from_slice(bytes);
                Ok(bytes.len())
            }
            Self::Length(left) => {
                let used = usize::try_from(*left).map_or(bytes.len(), |left| left.min(bytes.len()));
                data.extend_from_slice(&bytes[..used]);
                *left -= used as u64;
                if *left == 0 {
                    *self = Self::Ended;
                }
                Ok(used)
            }
            Self::Chunked(chunks) => chunks.decode(bytes, gathers, data),
        }
    }
}

impl Chunks {
    fn decode(&mut self, bytes: &[u8], gathers: bool, data: &mut Vec<u8>) -> Result<usize, Broken> {
        let mut rest = bytes;
        while let Some((&byte, after)) = rest.split_first() {
            match self.at {
                At::Ended => break,
                At::Size if self.digits == 0 && !gathers && !data.is_empty() => break,
                At::Data => {
                    let used = usize::try_from(self.size).map_or(rest.len(), |left| left.min(rest.len()));
                    if data.is_empty() {
                        data.reserve_exact(used);
                    }
                    data.extend_from_slice(&rest[..used]);
                    self.size -= used as u64;
                    if self.size == 0 {
                        self.at = At::DataEnd;
                    }
                    rest = &rest[used..];
                    continue;
                }
                At::Size | At::Extension | At::SizeEnd => self.size_line(byte)?,
                At::DataEnd if byte == b'\r' => self.at = At::DataLineEnd,
                At::DataLineEnd if byte == b'\n' => self.next(),
                At::DataEnd | At::DataLineEnd => return Err(Broken::Garbage("a chunk longer than its size")),
                At::Trailers => self.trailer(byte)?,
            }
            rest = after;
        }
        Ok(bytes.len() - rest.len())
    }

    fn next(&mut self) {
        (self.at, self.size, self.digits, self.extension) = (At::Size, 0, 0, 0);
    }

    fn size_line(&mut self, byte: u8) -> Result<(), Broken> {
        const NO_SIZE: Broken = Broken::Garbage("a chunk without a size");
        match (self.at, byte) {
            (At::Size, _) if byte.is_ascii_hexdigit() => {
                let digit = char::from(byte).to_digit(16).unwrap_or_default();
                if self.digits == 16 {
                    return Err(NO_SIZE);
                }
                self.size = (self.size << 4) | u64::from(digit);
                self.digits += 1;
            }
            (At::Size, _) if self.digits == 0 => return Err(NO_SIZE),
            (At::Size | At::Extension, b'\r') => self.at = At::SizeEnd,
            (At::Size, b';' | b' ' | b'\t') => self.at = At::Extension,
            (At::Extension, _) if byte != b'\n' && self.extension < EXTENSION => self.extension += 1,
            (At::SizeEnd, b'\n') => self.at = if self.size == 0 { At::Trailers } else { At::Data },
            _ => return Err(NO_SIZE),
        }
        Ok(())
    }

    /// Lines up to an empty one.
    fn trailer(&mut self, byte: u8) -> Result<(), Broken> {
        self.trailers.push(byte);
        if self.trailers == b"\r\n" {
            self.trailers = Vec::new();
            self.at = At::Ended;
        } else if self.trailers.ends_with(b"\r\n\r\n") {
            let lines = Bytes::from(std::mem::take(&mut self.trailers));
            let mut room = [httparse::EMPTY_HEADER; 64];
            let parsed = httparse::parse_headers(&lines, &mut room).map_err(Broken::Head)?;
            if let httparse::Status::Complete((_, found)) = parsed {
                self.ended = Some(header_map(found, &lines)?);
            }
            self.at = At::Ended;
        } else if self.trailers.len() > TRAILERS {
            return Err(Broken::Garbage("trailers without end"));
        }
        Ok(())
    }
}
