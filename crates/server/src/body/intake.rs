//! Takes in one request body: under a cap, a memory budget and an idle clock, decoded on the way.
//!
//! Invariants: a body over its cap is refused before it is read, if its length says so, and otherwise as soon as the cap
//! is passed; what is held is reserved in the [`BodyBudget`]; a client is never left writing into a closed socket, since
//! an HTTP/1 connection with a refused body is read on for a moment (or the client would see a reset, not our answer).

use std::time::Duration;

use bytes::Bytes;
use http::request;
use http_body::Body;
use hyper::body::Incoming;
use tollgate_ir::Fault;

use super::budget::{AROUND, BodyBudget, Reservation, SMALL};
use super::gathered::Gathered;
use super::source::Source;
use super::upload::UploadStream;
use crate::tasks::Tasks;

/// A decoder holds again what it wrote last, up to its window: zstd's largest here, which few brotli encoders pass.
const WINDOW: usize = 8 * 1024 * 1024;

/// A body of unknown length that passes this gets room for the largest.
const LARGE: usize = 1024 * 1024;

/// What a body may be.
#[derive(Clone, Copy, Debug)]
pub struct BodyLimits {
    /// Bytes, before and after decoding.
    pub max: usize,
    /// The longest silence between two pieces.
    pub idle: Duration,
}

impl Default for BodyLimits {
    fn default() -> Self {
        Self { max: 32 * 1024 * 1024, idle: Duration::from_secs(30) }
    }
}

/// A body that is being taken in: [`peek`](Self::peek) at its start, then take it [`whole`](Self::whole) or as a
/// [`stream`](Self::stream). Dropping it refuses the rest.
#[derive(Debug)]
pub struct Intake<B = Incoming>
where
    B: Body<Data = Bytes> + Send + Unpin + 'static,
{
    source: Source<B>,
    budget: BodyBudget,
    reservation: Option<Reservation>,
    /// Reserved beside the body's own bytes as long as it comes in.
    around: usize,
    gathered: Gathered,
    /// Nothing more comes.
    ended: bool,
}

/// A body that was taken in, with the memory that it holds.
#[derive(Debug)]
pub struct Received {
    /// Decoded.
    pub bytes: Bytes,
    /// To be kept as long as the bytes; shrink it when they shrink.
    pub reservation: Reservation,
    /// Bytes that came over the wire.
    pub on_wire: usize,
}

impl<B> Intake<B>
where
    B: Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: std::error::Error + Send + Sync + 'static,
{
    /// Looks at what the head says of the body; reads nothing yet.
    ///
    /// # Errors
    ///
    /// `BodyTooLarge` by its length, `UnsupportedEncoding` by its coding.
    pub fn open(
        head: &request::Parts,
        body: B,
        limits: BodyLimits,
        budget: &BodyBudget,
        tasks: &Tasks,
    ) -> Result<Self, Fault> {
        let source = Source::open(head, body, limits, tasks)?;
        let small = !source.decodes() && source.declared().is_some_and(|length| length <= SMALL);
        let around = if small { 0 } else { AROUND };
        Ok(Self { source, budget: budget.clone(), reservation: None, around, gathered: Gathered::new(), ended: false })
    }

    /// The first kilobytes (16 KiB, or all if it is shorter), so that a bad model is refused before the rest is held.
    ///
    /// # Errors
    ///
    /// As for [`whole`](Self::whole).
    pub async fn peek(&mut self) -> Result<&[u8], Fault> {
        let first = self.source.declared().filter(|_| !self.source.decodes()).unwrap_or(SMALL).min(SMALL);
        self.read_until(first, SMALL).await?;
        Ok(self.gathered.as_slice())
    }

    /// Reads on until `enough` says so of what came, `most` bytes are held, or the body ends.
    ///
    /// # Errors
    ///
    /// As for [`whole`](Self::whole).
    pub async fn peek_until(&mut self, most: usize, mut enough: impl FnMut(&[u8]) -> bool) -> Result<(), Fault> {
        self.read_until(SMALL, 1).await?;
        while self.gathered.len() < most && !enough(self.gathered.as_slice()) {
            let Some(piece) = self.source.next().await? else {
                self.ended = true;
                return Ok(());
            };
            let expected = self.source.declared().unwrap_or(0).saturating_add(self.gathered.len()).min(most);
            self.keep(piece, expected);
            let length = self.gathered.len();
            if let Some(reservation) = &mut self.reservation
                && length > reservation.bytes()
            {
                reservation.grow_to(length + length / 8).await?;
            }
        }
        Ok(())
    }

    /// What was read so far, and the rest; `None` if there is none. The rest keeps the memory reserved.
    pub fn split(mut self) -> (Bytes, Option<UploadStream<B>>) {
        let held = self.gathered.take();
        let ended = self.ended || self.source.declared() == Some(0) && !self.source.decodes();
        let rest = (!ended).then(|| UploadStream::new(Bytes::new(), self.source, self.reservation));
        (held, rest)
    }

    /// All of it, in one piece of memory.
    ///
    /// # Errors
    ///
    /// `BodyTooLarge`, `BodiesExhausted`, `ClientTimeout`, or `InvalidBody` if it cannot be decoded or breaks off.
    pub async fn whole(&mut self) -> Result<Received, Fault> {
        let expected = match self.source.declared() {
            Some(left) if !self.source.decodes() => self.source.on_wire() + left,
            _ => SMALL,
        };
        self.read_until(expected, usize::MAX).await?;
        let bytes = self.gathered.take();
        let mut reservation = match self.reservation.take() {
            Some(reservation) => reservation,
            None => self.budget.reserve(0).await?,
        };
        reservation.shrink_to(bytes.len());
        Ok(Received { bytes, reservation, on_wire: self.source.on_wire() })
    }

    /// Piece by piece, with next to no memory, for uploads that are only passed on.
    pub fn stream(mut self) -> UploadStream<B> {
        let first = self.gathered.take();
        UploadStream::new(first, self.source, self.reservation)
    }

    async fn read_until(&mut self, expected: usize, enough: usize) -> Result<(), Fault> {
        let mut around = self.around;
        match &mut self.reservation {
            Some(reservation) => reservation.grow_to(expected + around).await?,
            None => self.reservation = Some(self.budget.reserve(expected + around).await?),
        }
        while self.gathered.len() < enough && !self.source.is_over() {
            let Some(piece) = self.source.next().await? else { return Ok(()) };
            self.keep(piece, expected);
            let length = self.gathered.len();
            if self.source.decodes() {
                around = self.around + length.min(WINDOW);
            }
            if let Some(reservation) = &mut self.reservation
                && length + around > reservation.bytes()
            {
                reservation.grow_to(length + length / 8 + around).await?;
            }
        }
        Ok(())
    }

    fn keep(&mut self, piece: Bytes, expected: usize) {
        let length = self.gathered.len() + piece.len();
        // At once all that it may become: doubling would copy it again and again, and pages that are never written cost
        // nothing.
        let unknown = length > LARGE && expected < length;
        self.gathered.push(piece, if unknown { self.source.max() } else { expected });
    }
}

#[cfg(test)]
#[path = "intake_tests.rs"]
mod tests;
