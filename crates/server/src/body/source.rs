//! Where a body comes from: pieces off the wire, counted against the cap, decoded, under the idle clock.

use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_ENCODING, EXPECT};
use http::{Version, request};
use http_body::Body;
use http_body_util::BodyExt;
use tollgate_ir::{Fault, FaultKind};

use super::coding::{Coding, DecodeError, Decoder, Output};
use super::intake::BodyLimits;
use crate::tasks::{Tasks, wait_in_line};

/// How long, and for how many bytes, a refused body is still read.
const LINGER: (Duration, usize) = (Duration::from_secs(30), 64 * 1024 * 1024);

/// Bytes fed to a decoder at a time: few after bytes that expanded a lot, so that memory follows the reservation.
const FEED: (usize, usize) = (64, 16 * 1024);

/// After so much, other tasks get a turn.
const TURN: usize = 256 * 1024;

#[derive(Debug)]
pub(super) struct Source<B>
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
    /// Bytes since other tasks had a turn.
    turn: usize,
}

impl<B> Source<B>
where
    B: Body<Data = Bytes> + Send + Unpin + 'static,
{
    /// Looks at what the head says of the body; reads nothing yet.
    pub(super) fn open(head: &request::Parts, body: B, limits: BodyLimits, tasks: &Tasks) -> Result<Self, Fault> {
        let expects = head.headers.contains_key(EXPECT);
        let mut source = Self {
            // Who waits for 100-continue has sent nothing, and who speaks HTTP/2 is told by a reset of the stream.
            linger: (head.version <= Version::HTTP_11 && !expects).then(|| tasks.clone()),
            body: (!body.is_end_stream()).then_some(body),
            limits,
            decoder: None,
            undecoded: Bytes::new(),
            feed: FEED.0,
            on_wire: 0,
            decoded: 0,
            turn: 0,
        };
        if source.declared().is_some_and(|length| length > limits.max) {
            return Err(too_large(limits.max));
        }
        let codings = codings(head)?;
        if !codings.is_empty() {
            source.decoder = Some(Decoder::new(&codings, limits.max).map_err(|error| undecodable(&error))?);
        }
        Ok(source)
    }

    /// What comes out is not what came in.
    pub(super) fn decodes(&self) -> bool {
        self.decoder.is_some()
    }

    /// All has come, as far as is known without another look.
    pub(super) fn is_over(&self) -> bool {
        !self.decodes() && self.body.as_ref().is_none_or(Body::is_end_stream)
    }

    /// Bytes so far.
    pub(super) fn on_wire(&self) -> usize {
        self.on_wire
    }

    pub(super) fn max(&self) -> usize {
        self.limits.max
    }

    pub(super) fn idle(&self) -> Duration {
        self.limits.idle
    }

    /// Bytes that are still to come, if the head said.
    pub(super) fn declared(&self) -> Option<usize> {
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
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, Fault> {
        let idle = self.limits.idle;
        loop {
            if let Some(piece) = self.decode()? {
                self.turn += piece.len();
                if self.turn >= TURN {
                    self.turn = 0;
                    wait_in_line().await;
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
    pub(super) fn poll_wire(&mut self, cx: &mut Context<'_>) -> Poll<Result<bool, Fault>> {
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
    pub(super) fn decode(&mut self) -> Result<Option<Bytes>, Fault> {
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

    pub(super) fn finish(&mut self) -> Result<Option<Bytes>, Fault> {
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
    loop {
        let came = match body.frame().await {
            Some(Ok(frame)) => frame.data_ref().map_or(0, Bytes::len),
            Some(Err(_)) | None => return,
        };
        left = left.saturating_sub(came);
        if left == 0 {
            return;
        }
        wait_in_line().await;
    }
}

fn too_large(max: usize) -> Fault {
    Fault::new(FaultKind::BodyTooLarge, format!("The request's body is over the limit of {max} bytes. Send less."))
}

pub(super) fn too_slow(idle: Duration) -> Fault {
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
