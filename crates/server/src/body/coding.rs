//! Content codings, decoded incrementally into an output that has a bound.
//!
//! Invariant: a decoder never writes more than [`Output`] has room for, whatever the input claims, and a zstd frame may
//! not ask for a window over 8 MiB. The bomb test in `intake` keeps it.

use std::io::{self, Write};

use zstd::stream::raw::{DParameter, InBuffer, Operation, OutBuffer};

/// The largest zstd window: what RFC 8878 asks every decoder to support, as a power of two.
const ZSTD_WINDOW_LOG: u32 = 23;

/// Decoders write in pieces of this size.
const PIECE: usize = 16 * 1024;

/// A content coding that we know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coding {
    /// RFC 1952; also spelled `x-gzip`.
    Gzip,
    /// RFC 7932.
    Brotli,
    /// RFC 8878.
    Zstd,
}

impl Coding {
    /// The codings of a `content-encoding` header in the order in which they were applied; `None` if one is unknown or
    /// there are more than two. `identity` counts for nothing.
    pub fn parse(header: &str) -> Option<Vec<Self>> {
        let mut codings = Vec::new();
        for word in header.split(',').map(str::trim).filter(|word| !word.is_empty()) {
            match word.to_ascii_lowercase().as_str() {
                "identity" => {}
                "gzip" | "x-gzip" => codings.push(Self::Gzip),
                "br" => codings.push(Self::Brotli),
                "zstd" => codings.push(Self::Zstd),
                _ => return None,
            }
        }
        (codings.len() <= 2).then_some(codings)
    }

    /// As in headers.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Brotli => "br",
            Self::Zstd => "zstd",
        }
    }
}

/// Why a body could not be decoded.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// It expands past the bound.
    #[error("it expands past {0} bytes")]
    TooLarge(usize),
    /// It is not what its coding says.
    #[error("it is not valid {coding}: {reason}")]
    Corrupt {
        /// The coding.
        coding: &'static str,
        /// What the decoder said.
        reason: String,
    },
    /// It ends in the middle.
    #[error("its {0} data ends too early")]
    Truncated(&'static str),
}

/// Where decoded bytes go: a buffer that refuses to pass its bound.
#[derive(Debug)]
pub struct Output {
    /// What was decoded and not yet taken.
    pub bytes: Vec<u8>,
    bound: usize,
    overflown: bool,
}

impl Output {
    /// An empty output that holds at most so many bytes.
    pub fn new(bound: usize) -> Self {
        Self { bytes: Vec::new(), bound, overflown: false }
    }
}

impl Write for Output {
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        if piece.len() > self.bound.saturating_sub(self.bytes.len()) {
            self.overflown = true;
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.bytes.extend_from_slice(piece);
        Ok(piece.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Undoes up to two codings.
pub struct Decoder {
    /// The last applied coding comes off first.
    stages: Vec<Stage>,
}

enum Stage {
    Gzip(Box<flate2::write::MultiGzDecoder<Output>>),
    Brotli(Box<brotli::DecompressorWriter<Output>>),
    Zstd { decoder: Box<zstd::stream::raw::Decoder<'static>>, output: Output, whole: bool },
}

impl std::fmt::Debug for Decoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.stages.iter().map(|stage| stage.coding().name())).finish()
    }
}

impl Decoder {
    /// For codings in the order in which they were applied. No stage ever holds more than `bound` bytes that were not
    /// yet taken.
    ///
    /// # Errors
    ///
    /// Only if memory for zstd's state is not to be had.
    pub fn new(codings: &[Coding], bound: usize) -> Result<Self, DecodeError> {
        codings
            .iter()
            .rev()
            .map(|coding| Stage::new(*coding, bound))
            .collect::<Result<_, _>>()
            .map(|stages| Self { stages })
    }

    /// Decodes what can be decoded with this input too.
    ///
    /// # Errors
    ///
    /// The input is not what the coding says, or `out` is full. The decoder is of no use then.
    pub fn push(&mut self, input: &[u8], out: &mut Output) -> Result<(), DecodeError> {
        push_through(&mut self.stages, input, out)
    }

    /// The input is over.
    ///
    /// # Errors
    ///
    /// As for [`push`](Self::push), or the data ends too early.
    pub fn finish(&mut self, out: &mut Output) -> Result<(), DecodeError> {
        let mut stages = self.stages.as_mut_slice();
        while let Some((first, rest)) = stages.split_first_mut() {
            let tail = first.finish()?;
            push_through(rest, &tail, out)?;
            stages = rest;
        }
        Ok(())
    }
}

fn push_through(stages: &mut [Stage], input: &[u8], out: &mut Output) -> Result<(), DecodeError> {
    match stages.split_first_mut() {
        None => out.write_all(input).map_err(|_| DecodeError::TooLarge(out.bound)),
        Some((first, rest)) => {
            let decoded = first.push(input)?;
            if decoded.is_empty() { Ok(()) } else { push_through(rest, &decoded, out) }
        }
    }
}

impl Stage {
    fn new(coding: Coding, bound: usize) -> Result<Self, DecodeError> {
        let output = Output::new(bound);
        Ok(match coding {
            Coding::Gzip => Self::Gzip(Box::new(flate2::write::MultiGzDecoder::new(output))),
            Coding::Brotli => Self::Brotli(Box::new(brotli::DecompressorWriter::new(output, PIECE))),
            Coding::Zstd => {
                let corrupt = |error: io::Error| DecodeError::Corrupt { coding: "zstd", reason: error.to_string() };
                let mut decoder = zstd::stream::raw::Decoder::new().map_err(corrupt)?;
                decoder.set_parameter(DParameter::WindowLogMax(ZSTD_WINDOW_LOG)).map_err(corrupt)?;
                Self::Zstd { decoder: Box::new(decoder), output, whole: true }
            }
        })
    }

    const fn coding(&self) -> Coding {
        match self {
            Self::Gzip(_) => Coding::Gzip,
            Self::Brotli(_) => Coding::Brotli,
            Self::Zstd { .. } => Coding::Zstd,
        }
    }

    fn push(&mut self, input: &[u8]) -> Result<Vec<u8>, DecodeError> {
        let result = match self {
            Self::Gzip(decoder) => decoder.write_all(input).and_then(|()| decoder.flush()),
            Self::Brotli(decoder) => decoder.write_all(input),
            Self::Zstd { decoder, output, whole } => run_zstd(decoder, input, output, whole),
        };
        self.taken(result)
    }

    fn finish(&mut self) -> Result<Vec<u8>, DecodeError> {
        let truncated = DecodeError::Truncated(self.coding().name());
        let result = match self {
            Self::Gzip(decoder) => decoder.try_finish(),
            Self::Brotli(decoder) => decoder.close(),
            Self::Zstd { whole: true, .. } => Ok(()),
            Self::Zstd { .. } => return Err(truncated),
        };
        self.taken(result).map_err(|error| if matches!(error, DecodeError::Corrupt { .. }) { truncated } else { error })
    }

    fn taken(&mut self, result: io::Result<()>) -> Result<Vec<u8>, DecodeError> {
        let coding = self.coding().name();
        let output = match self {
            Self::Gzip(decoder) => decoder.get_mut(),
            Self::Brotli(decoder) => decoder.get_mut(),
            Self::Zstd { output, .. } => output,
        };
        match result {
            Ok(()) => Ok(std::mem::take(&mut output.bytes)),
            Err(_) if output.overflown => Err(DecodeError::TooLarge(output.bound)),
            Err(error) => Err(DecodeError::Corrupt { coding, reason: error.to_string() }),
        }
    }
}

/// `whole` is true between frames.
fn run_zstd(
    decoder: &mut zstd::stream::raw::Decoder<'static>,
    input: &[u8],
    output: &mut Output,
    whole: &mut bool,
) -> io::Result<()> {
    let mut piece = [0; PIECE];
    let mut source = InBuffer::around(input);
    loop {
        let (hint, written, full) = {
            let mut target = OutBuffer::around(&mut piece[..]);
            let hint = decoder.run(&mut source, &mut target)?;
            (hint, target.pos(), target.pos() == PIECE)
        };
        output.write_all(&piece[..written])?;
        *whole = hint == 0;
        if source.pos() == input.len() && !full {
            return Ok(());
        }
    }
}
