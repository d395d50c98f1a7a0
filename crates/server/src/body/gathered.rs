//! The pieces of a body, put together in one run of memory.
//!
//! Invariants: a body that came in one piece is not copied; a large one lies in a mapping of its own, whose memory goes
//! back to the system when the body is dropped (an allocator would keep some of it, as much again as the bodies in
//! flight) and of which only what was written is there.

use bytes::{Bytes, BytesMut};
use memmap2::MmapMut;

/// From this size on a body gets a mapping. Below it the cost of fresh pages would weigh more than what an allocator keeps.
const MAPPED: usize = 2 * 1024 * 1024;

#[derive(Debug)]
pub(super) enum Gathered {
    /// As it came.
    Piece(Bytes),
    Heap(BytesMut),
    Mapped(Mapped),
}

/// The written start of a mapping.
#[derive(Debug)]
pub(super) struct Mapped {
    pages: MmapMut,
    length: usize,
}

impl Gathered {
    pub(super) fn new() -> Self {
        Self::Piece(Bytes::new())
    }

    pub(super) fn len(&self) -> usize {
        self.as_slice().len()
    }

    pub(super) fn as_slice(&self) -> &[u8] {
        match self {
            Self::Piece(bytes) => bytes,
            Self::Heap(bytes) => bytes,
            Self::Mapped(mapped) => mapped.as_ref(),
        }
    }

    /// Adds a piece to a body that will be of `expected` bytes, as far as one knows.
    pub(super) fn push(&mut self, piece: Bytes, expected: usize) {
        let before = self.len();
        if before == 0 {
            *self = Self::Piece(piece);
            return;
        }
        let length = before + piece.len();
        if length > self.room() {
            let mut wider = Self::with_room(expected.max(length));
            wider.write(self.as_slice());
            *self = wider;
        }
        self.write(&piece);
    }

    /// What came, and nothing of it stays here.
    pub(super) fn take(&mut self) -> Bytes {
        match std::mem::replace(self, Self::new()) {
            Self::Piece(bytes) => bytes,
            Self::Heap(bytes) => bytes.freeze(),
            Self::Mapped(mapped) => Bytes::from_owner(mapped),
        }
    }

    /// Bytes that fit without a move.
    fn room(&self) -> usize {
        match self {
            Self::Piece(_) => 0,
            Self::Heap(bytes) => bytes.capacity(),
            Self::Mapped(mapped) => mapped.pages.len(),
        }
    }

    fn with_room(room: usize) -> Self {
        let pages = if room < MAPPED { None } else { MmapMut::map_anon(room).ok() };
        pages.map_or_else(
            || Self::Heap(BytesMut::with_capacity(room)),
            |pages| Self::Mapped(Mapped { pages, length: 0 }),
        )
    }

    /// Writes where [`room`](Self::room) was seen to.
    fn write(&mut self, piece: &[u8]) {
        match self {
            Self::Piece(bytes) => *bytes = Bytes::copy_from_slice(piece),
            Self::Heap(bytes) => bytes.extend_from_slice(piece),
            Self::Mapped(Mapped { pages, length }) => {
                pages[*length..*length + piece.len()].copy_from_slice(piece);
                *length += piece.len();
            }
        }
    }
}

impl AsRef<[u8]> for Mapped {
    fn as_ref(&self) -> &[u8] {
        &self.pages[..self.length]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_come_together_whatever_was_expected() {
        for expected in [0, 10, 3 * MAPPED / 2, 4 * MAPPED] {
            for size in [1000, 300_000] {
                let mut gathered = Gathered::new();
                let mut whole = Vec::new();
                for number in 0..9u8 {
                    let piece = vec![number; size];
                    whole.extend_from_slice(&piece);
                    gathered.push(piece.into(), expected);
                    assert_eq!(gathered.as_slice(), whole);
                }
                assert_eq!(gathered.take(), whole);
                assert_eq!(gathered.len(), 0);
            }
        }
    }

    #[test]
    fn a_single_piece_is_not_copied() {
        let piece = Bytes::from(vec![1; 100]);
        let mut gathered = Gathered::new();
        gathered.push(piece.clone(), 100);
        assert_eq!(gathered.take().as_ptr(), piece.as_ptr());
    }
}
