//! What is not plain in a string's text: quotes, backslashes and control characters. The end of a plain run is found by
//! itself; where they stand close together, sixty-four bytes are looked at a time: a bit for each, the first byte's lowest.

use memchr::memchr2;
use wide::u8x16;

/// So many bytes are looked at together.
pub(super) const BLOCK: usize = u64::BITS as usize;

/// Escapes of two bytes: what follows the backslash, and what the two stand for.
const ESCAPES: [(u8, u8); 8] =
    [(b'"', b'"'), (b'\\', b'\\'), (b'/', b'/'), (b'b', 8), (b'f', 12), (b'n', b'\n'), (b'r', b'\r'), (b't', b'\t')];

/// What a backslash and this byte stand for; 0 if they are no escape of two bytes.
pub(super) const ESCAPED: [u8; 256] = table(true);

/// What stands after a backslash for this byte; 0 if there is no escape of two bytes for it.
pub(super) const ESCAPE: [u8; 256] = table(false);

const fn table(to_read: bool) -> [u8; 256] {
    let mut table = [0; 256];
    let mut i = 0;
    while i < ESCAPES.len() {
        let (written, meant) = ESCAPES[i];
        if to_read {
            table[written as usize] = meant;
        } else {
            table[meant as usize] = written;
        }
        i += 1;
    }
    table
}

/// Looks at the block that begins at `from`; beyond the text's end stand blanks.
#[inline]
pub(super) fn at_block<T>(text: &[u8], from: usize, look: impl Fn(&[u8; BLOCK]) -> T) -> T {
    let rest = text.get(from..).unwrap_or_default();
    if let Some(block) = rest.first_chunk() {
        return look(block);
    }
    let mut block = [b' '; BLOCK];
    block[..rest.len()].copy_from_slice(rest);
    look(&block)
}

/// The marks of a block.
#[derive(Clone, Copy)]
pub(super) struct Marks {
    pub backslashes: u64,
    /// Quotes and control characters.
    pub others: u64,
}

impl Marks {
    /// Those of the block that begins at `from`; what the text has not is plain.
    #[inline]
    pub(super) fn at(text: &[u8], from: usize) -> Self {
        at_block(text, from, Self::of)
    }

    #[inline]
    fn of(block: &[u8; BLOCK]) -> Self {
        let quarters = block.as_chunks::<16>().0;
        quarters.iter().rev().fold(Self { backslashes: 0, others: 0 }, |marks, quarter| {
            let (backslashes, others) = odd_ones(*quarter);
            Self {
                backslashes: marks.backslashes << 16 | u64::from(backslashes.to_bitmask()),
                others: marks.others << 16 | u64::from(others.to_bitmask()),
            }
        })
    }

    pub(super) const fn all(self) -> u64 {
        self.backslashes | self.others
    }
}

/// The backslashes that begin an escape, and the bytes that one escapes, in a block whose first byte none escapes.
/// Subtracting runs through each row of backslashes, of which every other begins an escape (the arithmetic is simdjson's,
/// `json_escape_scanner.h`).
#[inline]
pub(super) const fn escapes(backslashes: u64) -> (u64, u64) {
    const ODD: u64 = 0xaaaa_aaaa_aaaa_aaaa;
    let rows = ((backslashes << 1) | ODD).wrapping_sub(backslashes) ^ ODD;
    (rows & backslashes, rows ^ backslashes)
}

/// The bits up to the lowest that is set; all, if none is.
pub(super) const fn up_to_lowest(bits: u64) -> u64 {
    bits ^ bits.wrapping_sub(1)
}

/// The places of the bits that are set.
#[inline]
pub(super) fn places(mut bits: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let place = bits.trailing_zeros() as usize;
        (bits != 0).then(|| {
            bits &= bits - 1;
            place
        })
    })
}

/// Runs shorter than this are looked through by sixteen bytes; longer ones are worth a vector search.
const SHORT: usize = 256;

/// A long string is looked through in blocks that stay in the fastest cache for the second look.
const LONG: usize = 8 * 1024;

/// Of sixteen bytes the backslashes, and the quotes and control characters.
#[inline]
fn odd_ones(bytes: [u8; 16]) -> (u8x16, u8x16) {
    // With its second bit turned a quote is 0x20 and a blank is not: what is not plain then is up to 0x20.
    let bytes = u8x16::new(bytes);
    let turned = bytes ^ u8x16::splat(2);
    (bytes.simd_eq(u8x16::splat(b'\\')), turned.min(u8x16::splat(0x20)).simd_eq(turned))
}

/// A bit for each of sixteen bytes that ends a run, the first byte's lowest.
#[inline]
fn ends_of(bytes: [u8; 16]) -> u32 {
    let (backslashes, others) = odd_ones(bytes);
    (backslashes | others).to_bitmask()
}

/// Where the run of plain bytes that begins at `from` ends; `None` if nothing ends it. Most are short, and are looked
/// through from where they begin, whatever came before them.
#[inline]
pub(super) fn run_end(bytes: &[u8], from: usize) -> Option<usize> {
    if let Some(block) = bytes.get(from..)?.first_chunk() {
        let ends = ends_of(*block);
        if ends != 0 {
            return Some(from + ends.trailing_zeros() as usize);
        }
    }
    longer_run(bytes, from)
}

#[inline(never)]
fn longer_run(bytes: &[u8], from: usize) -> Option<usize> {
    let (blocks, tail) = bytes[from..].as_chunks::<16>();
    let mut at = from;
    for block in blocks {
        let ends = ends_of(*block);
        if ends != 0 {
            return Some(at + ends.trailing_zeros() as usize);
        }
        at += 16;
        if at == from + SHORT {
            return long_run(&bytes[at..]).map(|run| at + run);
        }
    }
    let mut block = [b' '; 16];
    block[..tail.len()].copy_from_slice(tail);
    let ends = ends_of(block);
    (ends != 0).then(|| at + ends.trailing_zeros() as usize)
}

#[inline(never)]
fn long_run(rest: &[u8]) -> Option<usize> {
    let mut start = 0;
    for block in rest.chunks(LONG) {
        let end = memchr2(b'"', b'\\', block);
        let run = &block[..end.unwrap_or(block.len())];
        // Branch-free, so that it is vectorised: raw control characters are an error and need no place at speed.
        let control = run.iter().fold(false, |found, b| found | (*b < 0x20));
        if let Some(end) = if control { run.iter().position(|b| *b < 0x20) } else { end } {
            return Some(start + end);
        }
        start += block.len();
    }
    None
}
