//! Takes in one request body: under a cap, a memory budget and an idle clock, decoded on the way.
//!
//! Invariants: a body over its cap is refused before it is read, if its length says so, and otherwise as soon as the cap
//! is passed; what is held is reserved in the [`BodyBudget`]; a client is never left writing into a closed socket, since
//! an HTTP/1 connection with a refused body is read on for a moment (or the client would see a reset, not our answer).

use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::{CONTENT_ENCODING, EXPECT};
use http::{Version, request};
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use tokio::time::{Instant, Sleep, sleep};
use tollgate_ir::{Fault, FaultKind};

use super::budget::{BodyBudget, Reservation, SMALL};
use super::coding::{Coding, DecodeError, Decoder, Output};
use crate::tasks::Tasks;

/// How long, and for how many bytes, a refused body is still read.
const LINGER: (Duration, usize) = (Duration::from_secs(5), 64 * 1024 * 1024);

/// Bytes fed to a decoder at a time: few after bytes that expanded a lot, so that memory follows the reservation.
const FEED: (usize, usize) = (64, 16 * 1024);

/// After so much decoded at once, other tasks get a turn.
const TURN: usize = 256 * 1024;

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
    collected: BytesMut,
    /// A body in one piece is not copied.
    single: Option<Bytes>,
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

#[derive(Debug)]
struct Source<B>
where
    B: Body<Data = Bytes> + Send + Unpin + 'static,
{
    /// `None` when it ended.
    body: Option<B>,
    /// Read on after a refusal, on HTTP/1 only.
    linger: Option<Tasks>,
    limits: BodyLimits,
    decoder: Option<Decoder>,
    /// What came and waits for the decoder.
    undecoded: Bytes,
    feed: usize,
    on_wire: usize,
    decoded: usize,
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
        let expects = head.headers.contains_key(EXPECT);
        let mut source = Source {
            linger: (head.version <= Version::HTTP_11 && !expects).then(|| tasks.clone()),
            body: (!body.is_end_stream()).then_some(body),
            limits,
            decoder: None,
            undecoded: Bytes::new(),
            feed: FEED.0,
            on_wire: 0,
            decoded: 0,
        };
        if source.declared().is_some_and(|length| length > limits.max) {
            return Err(too_large(limits.max));
        }
        let codings = codings(head)?;
        if !codings.is_empty() {
            source.decoder = Some(Decoder::new(&codings, limits.max).map_err(|error| undecodable(&error))?);
        }
        Ok(Self { source, budget: budget.clone(), reservation: None, collected: BytesMut::new(), single: None })
    }

    /// The first kilobytes (16 KiB, or all if it is shorter), so that a bad model is refused before the rest is held.
    ///
    /// # Errors
    ///
    /// As for [`whole`](Self::whole).
    pub async fn peek(&mut self) -> Result<&[u8], Fault> {
        let first = self.source.declared().filter(|_| self.source.decoder.is_none()).unwrap_or(SMALL).min(SMALL);
        self.read_until(first, SMALL).await?;
        Ok(self.single.as_deref().unwrap_or(&self.collected))
    }

    /// All of it, in one piece of memory.
    ///
    /// # Errors
    ///
    /// `BodyTooLarge`, `BodiesExhausted`, `ClientTimeout`, or `InvalidBody` if it cannot be decoded or breaks off.
    pub async fn whole(mut self) -> Result<Received, Fault> {
        let expected = match self.source.declared() {
            Some(left) if self.source.decoder.is_none() => self.source.on_wire + left,
            _ => SMALL,
        };
        self.read_until(expected, usize::MAX).await?;
        let bytes = match self.single.take() {
            Some(bytes) => bytes,
            None => std::mem::take(&mut self.collected).freeze(),
        };
        let mut reservation = match self.reservation.take() {
            Some(reservation) => reservation,
            None => self.budget.reserve(0).await?,
        };
        reservation.shrink_to(bytes.len());
        Ok(Received { bytes, reservation, on_wire: self.source.on_wire })
    }

    /// Piece by piece, with next to no memory, for uploads that are only passed on.
    pub fn stream(mut self) -> UploadStream<B> {
        let first = self.single.take().unwrap_or_else(|| std::mem::take(&mut self.collected).freeze());
        UploadStream { first, source: self.source, silence: None }
    }

    async fn read_until(&mut self, reserve: usize, enough: usize) -> Result<(), Fault> {
        match &mut self.reservation {
            Some(held) => held.grow_to(reserve).await?,
            None => self.reservation = Some(self.budget.reserve(reserve).await?),
        }
        while self.collected.len().max(self.single.as_ref().map_or(0, Bytes::len)) < enough {
            let Some(piece) = self.source.next().await? else { return Ok(()) };
            self.keep(piece, reserve);
            if let Some(held) = &mut self.reservation {
                let length = self.collected.len();
                if length > held.bytes() {
                    held.grow_to(length.next_power_of_two().min(self.source.limits.max.max(length))).await?;
                }
            }
        }
        Ok(())
    }

    fn keep(&mut self, piece: Bytes, expected: usize) {
        if self.collected.is_empty() && self.single.is_none() {
            self.single = Some(piece);
            return;
        }
        if let Some(single) = self.single.take() {
            self.collected.reserve(expected.max(single.len() + piece.len()));
            self.collected.extend_from_slice(&single);
        }
        self.collected.extend_from_slice(&piece);
    }
}

impl<B> Source<B>
where
    B: Body<Data = Bytes> + Send + Unpin + 'static,
{
    /// Bytes that are still to come, if the head said.
    fn declared(&self) -> Option<usize> {
        self.body
            .as_ref()
            .map_or(Some(0), |body| body.size_hint().exact().and_then(|exact| usize::try_from(exact).ok()))
    }
}

impl<B> Source<B>
where
    B: Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: std::error::Error + Send + Sync + 'static,
{
    /// The next decoded piece, under the idle clock.
    async fn next(&mut self) -> Result<Option<Bytes>, Fault> {
        let idle = self.limits.idle;
        loop {
            if let Some(piece) = self.decode()? {
                if piece.len() >= TURN {
                    tokio::task::yield_now().await;
                }
                return Ok(Some(piece));
            }
            let polled = std::future::poll_fn(|cx| self.poll_wire(cx));
            match tokio::time::timeout(idle, polled).await {
                Ok(Ok(true)) => {}
                Ok(Ok(false)) => return self.finish(),
                Ok(Err(fault)) => return Err(fault),
                Err(_) => return Err(too_slow(idle)),
            }
        }
    }

    /// Waits for bytes from the wire; `false` at the end.
    fn poll_wire(&mut self, cx: &mut Context<'_>) -> Poll<Result<bool, Fault>> {
        loop {
            let Some(body) = self.body.as_mut() else { return Poll::Ready(Ok(false)) };
            let Some(frame) = ready!(Pin::new(body).poll_frame(cx)) else {
                self.body = None;
                return Poll::Ready(Ok(false));
            };
            let frame = match frame {
                Ok(frame) => frame,
                Err(error) => {
                    self.body = None;
                    return Poll::Ready(Err(broken_off(error)));
                }
            };
            let Ok(piece) = frame.into_data() else { continue };
            self.on_wire += piece.len();
            if self.on_wire > self.limits.max {
                return Poll::Ready(Err(too_large(self.limits.max)));
            }
            if !piece.is_empty() {
                self.undecoded = piece;
                return Poll::Ready(Ok(true));
            }
        }
    }

    /// A piece from what came; `None` if more must come.
    fn decode(&mut self) -> Result<Option<Bytes>, Fault> {
        let Some(decoder) = self.decoder.as_mut() else {
            return Ok(Some(std::mem::take(&mut self.undecoded)).filter(|piece| !piece.is_empty()));
        };
        while !self.undecoded.is_empty() {
            let input = self.undecoded.split_to(self.feed.min(self.undecoded.len()));
            let mut out = Output::new(self.limits.max - self.decoded);
            decoder.push(&input, &mut out).map_err(|error| refused(&error, self.limits.max))?;
            self.decoded += out.bytes.len();
            self.feed = if out.bytes.len() > input.len() * 16 { FEED.0 } else { (self.feed * 2).min(FEED.1) };
            if !out.bytes.is_empty() {
                return Ok(Some(out.bytes.into()));
            }
        }
        Ok(None)
    }

    fn finish(&mut self) -> Result<Option<Bytes>, Fault> {
        let Some(mut decoder) = self.decoder.take() else { return Ok(None) };
        let mut out = Output::new(self.limits.max - self.decoded);
        decoder.finish(&mut out).map_err(|error| refused(&error, self.limits.max))?;
        self.decoded += out.bytes.len();
        Ok((!out.bytes.is_empty()).then(|| out.bytes.into()))
    }
}

impl<B> Drop for Source<B>
where
    B: Body<Data = Bytes> + Send + Unpin + 'static,
{
    fn drop(&mut self) {
        let (Some(body), Some(tasks)) = (self.body.take(), self.linger.take()) else { return };
        if body.is_end_stream() || tokio::runtime::Handle::try_current().is_err() {
            return;
        }
        tasks.background("linger", async move {
            let _ = tokio::time::timeout(LINGER.0, read_away(body)).await;
        });
    }
}

async fn read_away<B: Body<Data = Bytes> + Unpin>(body: B) {
    let mut body = pin!(body);
    let mut left = LINGER.1;
    while let Some(Ok(frame)) = body.frame().await {
        left = left.saturating_sub(frame.data_ref().map_or(0, Bytes::len));
        if left == 0 {
            return;
        }
    }
}

/// An upload that is passed on as it comes; an error is the client's [`Fault`].
#[derive(Debug)]
pub struct UploadStream<B = Incoming>
where
    B: Body<Data = Bytes> + Send + Unpin + 'static,
{
    first: Bytes,
    source: Source<B>,
    silence: Option<Pin<Box<Sleep>>>,
}

impl<B> Body for UploadStream<B>
where
    B: Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: std::error::Error + Send + Sync + 'static,
{
    type Data = Bytes;
    type Error = Fault;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Fault>>> {
        let this = &mut *self;
        if !this.first.is_empty() {
            return Poll::Ready(Some(Ok(Frame::data(std::mem::take(&mut this.first)))));
        }
        loop {
            if let Some(piece) = this.source.decode()? {
                return Poll::Ready(Some(Ok(Frame::data(piece))));
            }
            match this.source.poll_wire(cx)? {
                Poll::Ready(true) => this.silence = None,
                Poll::Ready(false) => return Poll::Ready(this.source.finish()?.map(|piece| Ok(Frame::data(piece)))),
                Poll::Pending => {
                    let idle = this.source.limits.idle;
                    let silence = this.silence.get_or_insert_with(|| Box::pin(sleep(idle)));
                    ready!(silence.as_mut().poll(cx));
                    silence.as_mut().reset(Instant::now() + idle);
                    return Poll::Ready(Some(Err(too_slow(idle))));
                }
            }
        }
    }

    fn size_hint(&self) -> SizeHint {
        match (&self.source.decoder, self.source.declared()) {
            (None, Some(left)) => SizeHint::with_exact((self.first.len() + left) as u64),
            _ => SizeHint::default(),
        }
    }
}

fn codings(head: &request::Parts) -> Result<Vec<Coding>, Fault> {
    let unknown = || {
        Fault::new(
            FaultKind::UnsupportedEncoding,
            "The request's content-encoding is not known. Send it plain, or with gzip, br or zstd, at most two of them.",
        )
    };
    let mut all = Vec::new();
    for value in head.headers.get_all(CONTENT_ENCODING) {
        all.extend(value.to_str().ok().and_then(Coding::parse).ok_or_else(unknown)?);
    }
    if all.len() > 2 { Err(unknown()) } else { Ok(all) }
}

fn too_large(max: usize) -> Fault {
    Fault::new(FaultKind::BodyTooLarge, format!("The request's body is over the limit of {max} bytes. Send less."))
}

fn too_slow(idle: Duration) -> Fault {
    Fault::new(
        FaultKind::ClientTimeout,
        format!("Nothing of the request's body came for {} s. Send it again, faster.", idle.as_secs_f32()),
    )
}

fn broken_off(error: impl std::error::Error + Send + Sync + 'static) -> Fault {
    Fault::new(FaultKind::InvalidBody, "The request's body ended too early. Send it again.").source(error)
}

fn undecodable(error: &DecodeError) -> Fault {
    Fault::new(FaultKind::InvalidBody, format!("The request's body cannot be decoded: {error}."))
}

fn refused(error: &DecodeError, max: usize) -> Fault {
    if matches!(error, DecodeError::TooLarge(_)) { too_large(max) } else { undecodable(error) }
}

#[cfg(test)]
#[path = "intake_tests.rs"]
mod tests;
