//! The body of a provider's reply.
//!
//! Invariants: the connection goes back to the pool only if the body was read to its end; dropped before, an HTTP/1
//! connection is closed and an HTTP/2 stream reset at once. Bytes come decoded and as they arrive. After an error the
//! body is over.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use tollgate_ir::{Fault, FaultKind};

use super::deadlines::Watch;
use super::fault::{self, Broken};
use super::pool::Lease;
use crate::body::{Decoder, Output};

/// The most that one read of a compressed reply may expand to.
pub(super) const EXPANSION: usize = 16 * 1024 * 1024;

/// The body of a provider's reply, under its deadlines. Read it with [`chunk`](Self::chunk), [`whole`](Self::whole) or as
/// an [`http_body::Body`].
#[derive(Debug)]
pub struct ReplyBody {
    /// Where the bytes come from, if not from the lease.
    incoming: Option<Incoming>,
    lease: Option<Lease>,
    watch: Watch,
    decoder: Option<Decoder>,
    trailers: Option<HeaderMap>,
    connect_time: Option<Duration>,
    over: bool,
}

impl ReplyBody {
    pub(super) fn new(
        incoming: Option<Incoming>,
        lease: Option<Lease>,
        watch: Watch,
        decoder: Option<Decoder>,
        connect_time: Option<Duration>,
    ) -> Self {
        let mut body = Self { incoming, lease, watch, decoder, trailers: None, connect_time, over: false };
        if body.has_ended() {
            // Such as to HEAD: a coding may be named, but nothing is to be decoded.
            body.decoder = None;
            body.release();
        }
        body
    }

    /// The limit for the first token lasts until [`token_seen`](Self::token_seen), not until the first byte.
    pub fn hold_first_token(&mut self) {
        self.watch.hold();
    }

    /// The first token came.
    pub fn token_seen(&mut self) {
        self.watch.token_seen();
        if let Some(Lease::H1 { conn, .. }) = &mut self.lease {
            conn.gather();
        }
    }

    /// The next bytes, decoded, never empty; `None` at the end.
    ///
    /// # Errors
    ///
    /// `ProviderTimeout` or `DeadlineExceeded` by the deadlines, `ProviderCut` if the body breaks off, `ProviderGarbage`
    /// if it cannot be decoded.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, Fault> {
        std::future::poll_fn(|cx| self.poll_chunk(cx)).await
    }

    /// All of it.
    ///
    /// # Errors
    ///
    /// As for [`chunk`](Self::chunk), and `ProviderGarbage` if it is over `cap` bytes.
    pub async fn whole(&mut self, cap: usize) -> Result<Bytes, Fault> {
        let mut length = 0;
        let mut first = Bytes::new();
        let mut all: Option<BytesMut> = None;
        while let Some(next) = self.chunk().await? {
            length += next.len();
            if length > cap {
                return Err(garbage(&format!("its reply is over {cap} bytes")));
            }
            if first.is_empty() {
                first = next;
            } else {
                all.get_or_insert_with(|| BytesMut::from(&first[..])).extend_from_slice(&next);
            }
        }
        Ok(all.map_or(first, BytesMut::freeze))
    }

    /// How long the new connection took; `None` on a reused one.
    pub fn connect_time(&self) -> Option<Duration> {
        self.connect_time
    }

    /// Trailers, once the body was read to its end.
    pub fn take_trailers(&mut self) -> Option<HeaderMap> {
        self.trailers.take()
    }

    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Bytes>, Fault>> {
        if self.over {
            return Poll::Ready(Ok(None));
        }
        let result = ready!(self.poll_decoded(cx));
        if !matches!(result, Ok(Some(_))) {
            self.over = true;
        }
        if result.is_err() {
            // Closes the connection: what else comes on it belongs to nobody.
            self.lease = None;
        }
        Poll::Ready(result)
    }

    fn poll_decoded(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Bytes>, Fault>> {
        loop {
            let Poll::Ready(frame) = self.poll_incoming(cx) else {
                return self.watch.poll_expired(cx).map(Err);
            };
            let Some(frame) = frame else {
                self.release();
                return Poll::Ready(self.decoded_rest());
            };
            match frame.map(Frame::into_data) {
                Err(error) => return Poll::Ready(Err(fault::cut(error))),
                Ok(Err(frame)) => self.trailers = frame.into_trailers().ok(),
                Ok(Ok(piece)) if piece.is_empty() => {}
                Ok(Ok(piece)) => {
                    self.watch.heard();
                    if self.has_ended() {
                        self.release();
                    }
                    match self.decoded(piece) {
                        Ok(piece) if piece.is_empty() => {}
                        other => return Poll::Ready(other.map(Some)),
                    }
                }
            }
        }
    }

    fn poll_incoming(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        match (&mut self.incoming, &mut self.lease) {
            (Some(incoming), _) => {
                Pin::new(incoming).poll_frame(cx).map(|frame| frame.map(|frame| frame.map_err(Broken::Hyper)))
            }
            (None, Some(Lease::H1 { conn, .. })) => conn.poll_frame(cx),
            // It was read to its end.
            (None, _) => Poll::Ready(None),
        }
    }

    /// Nothing is left to read, as far as can be known without reading.
    fn has_ended(&self) -> bool {
        match (&self.incoming, &self.lease) {
            (Some(incoming), _) => incoming.is_end_stream(),
            (None, Some(Lease::H1 { conn, .. })) => conn.has_ended(),
            (None, _) => true,
        }
    }

    fn decoded(&mut self, piece: Bytes) -> Result<Bytes, Fault> {
        let Some(decoder) = &mut self.decoder else { return Ok(piece) };
        let mut out = Output::new(EXPANSION);
        decoder.push(&piece, &mut out).map_err(|error| garbage(&error.to_string()))?;
        Ok(out.bytes.into())
    }

    fn decoded_rest(&mut self) -> Result<Option<Bytes>, Fault> {
        let Some(mut decoder) = self.decoder.take() else { return Ok(None) };
        let mut out = Output::new(EXPANSION);
        decoder.finish(&mut out).map_err(|error| garbage(&error.to_string()))?;
        Ok((!out.bytes.is_empty()).then(|| out.bytes.into()))
    }

    fn release(&mut self) {
        if let Some(lease) = self.lease.take() {
            lease.give_back();
        }
    }
}

impl Body for ReplyBody {
    type Data = Bytes;
    type Error = Fault;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Fault>>> {
        let chunk = ready!(self.poll_chunk(cx)).transpose();
        Poll::Ready(
            chunk
                .map(|chunk| chunk.map(Frame::data))
                .or_else(|| self.trailers.take().map(|all| Ok(Frame::trailers(all)))),
        )
    }

    fn is_end_stream(&self) -> bool {
        self.over || (self.decoder.is_none() && self.has_ended())
    }

    fn size_hint(&self) -> SizeHint {
        match (&self.decoder, &self.incoming, &self.lease) {
            (Some(_), ..) => SizeHint::default(),
            (None, Some(incoming), _) => incoming.size_hint(),
            (None, None, Some(Lease::H1 { conn, .. })) => conn.size_hint(),
            (None, None, _) => SizeHint::with_exact(0),
        }
    }
}

fn garbage(what: &str) -> Fault {
    Fault::new(FaultKind::ProviderGarbage, "The provider's answer cannot be read.").detail(format!("body: {what}"))
}
