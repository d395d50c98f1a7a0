//! One HTTP/1.1 connection to a provider, driven by whoever waits for the answer: no task of its own, no channel between
//! two, and no buffer while nothing comes. Thousands of streams are held at once, most of them silent; with a library's
//! connection each would hold 25 KiB of buffers for it.
//!
//! Invariants: one exchange at a time; bytes are read only for the answer that was asked for; a connection is fit for the
//! next exchange only if the request was written whole and the answer ended where its framing says (RFC 9112, sections 6
//! and 9.3). Connections that change their protocol are the library's: see [`Upstream`](super::Upstream).

mod framing;
mod head;
mod outgoing;

use std::future::poll_fn;
use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes, BytesMut};
use http::{HeaderMap, Request, Response};
use http_body::{Frame, SizeHint};
use tokio::io::{AsyncRead, ReadBuf};

use super::fault::Broken;
use super::origin::Target;
use super::payload::Payload;
use super::stream::Stream;
use framing::Framing;
use outgoing::Outgoing;

/// What one read takes at most: a record of TLS.
const READ: usize = 16 * 1024;

/// A connection. Dropping it closes the socket, whatever is under way.
#[derive(Debug)]
pub(super) struct Connection {
    stream: Stream,
    out: Outgoing,
    /// What came with the head, or before it is whole.
    input: BytesMut,
    framing: Framing,
    /// Chunks that came together are one piece.
    gathers: bool,
    /// Both sides want to go on.
    kept: bool,
}

/// How an exchange failed.
#[derive(Debug)]
pub(super) struct Failed {
    /// Provably nothing was sent: here it is again.
    pub(super) unsent: Option<Box<Request<Payload>>>,
    pub(super) error: Broken,
}

impl Connection {
    pub(super) fn new(stream: Stream) -> Self {
        let (out, input, framing) = (Outgoing::nothing(), BytesMut::new(), Framing::Ended);
        Self { stream, out, input, framing, gathers: false, kept: true }
    }

    /// Sends a request and reads the head of its answer. The body is read with [`poll_frame`](Self::poll_frame).
    pub(super) async fn send(
        &mut self,
        mut request: Box<Request<Payload>>,
        target: &Target,
    ) -> Result<Response<()>, Failed> {
        let payload = std::mem::take(request.body_mut());
        (self.out, self.gathers) = (Outgoing::new(&request, payload, target), false);
        let bodiless = request.method() == http::Method::HEAD;
        // Needed again only if nothing of it is sent.
        let mut unsent = Some(request);
        let answered = poll_fn(|cx| self.poll_head(cx, bodiless, &mut unsent)).await;
        answered.map_err(|error| {
            self.kept = false;
            if let Some(request) = &mut unsent {
                *request.body_mut() = self.out.take_payload();
            }
            Failed { unsent, error }
        })
    }

    fn poll_head(
        &mut self,
        cx: &mut Context<'_>,
        bodiless: bool,
        unsent: &mut Option<Box<Request<Payload>>>,
    ) -> Poll<Result<Response<()>, Broken>> {
        let written = self.out.poll(&mut self.stream, cx);
        if self.out.has_begun() {
            *unsent = None;
        }
        match written {
            Poll::Ready(Err(Broken::Io(error))) if self.out.has_begun() => {
                // The other side may have refused the rest, and say why.
                self.out.give_up(error);
            }
            Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
            Poll::Ready(Ok(())) | Poll::Pending => {}
        }
        loop {
            let came = self.poll_read(cx, |bytes, this| this.input.extend_from_slice(bytes));
            match ready!(came) {
                Ok(0) => return Poll::Ready(Err(self.out.take_error().map_or(Broken::Closed, Broken::Io))),
                Ok(_) => {}
                Err(error) => return Poll::Ready(Err(Broken::Io(error))),
            }
            if let Some(head) = head::parse(&mut self.input, bodiless)? {
                self.framing = head.framing;
                self.kept &= head.keeps;
                return Poll::Ready(Ok(head.response));
            }
        }
    }

    /// The next piece of the body, or its trailers.
    pub(super) fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        // An upload that was answered early goes on; what becomes of it is no matter of the answer.
        if !self.out.is_done() && matches!(self.out.poll(&mut self.stream, cx), Poll::Ready(Err(_))) {
            self.out.give_up(io::ErrorKind::BrokenPipe.into());
        }
        let mut data = Vec::new();
        loop {
            if self.framing.has_ended() {
                return Poll::Ready(self.framing.take_trailers().map(|trailers| Ok(Frame::trailers(trailers))));
            }
            if let Some(piece) = self.came_along() {
                return Poll::Ready(Some(Ok(Frame::data(piece))));
            }
            let mut decoded = Ok(());
            if self.input.is_empty() {
                let came = self.poll_read(cx, |bytes, this| decoded = this.decode(bytes, &mut data));
                match ready!(came) {
                    Ok(0) => decoded = self.ended(),
                    Ok(_) => {}
                    Err(error) => decoded = Err(Broken::Io(error)),
                }
            } else {
                decoded = self.decode_input(&mut data);
            }
            if let Err(error) = decoded {
                self.framing = Framing::Ended;
                self.kept = false;
                return Poll::Ready(Some(Err(error)));
            }
            if !data.is_empty() {
                return Poll::Ready(Some(Ok(Frame::data(data.into()))));
            }
        }
    }

    /// From here on chunks that came together are one piece of the body: less work for whoever does not look at them one by
    /// one. Up to the first token it matters whether a fault came with it or after it.
    pub(super) const fn gather(&mut self) {
        self.gathers = true;
    }

    fn decode(&mut self, bytes: &[u8], data: &mut Vec<u8>) -> Result<(), Broken> {
        let used = self.framing.decode(bytes, self.gathers, data)?;
        self.input.extend_from_slice(&bytes[used..]);
        Ok(())
    }

    /// What came with the head, where all of it is the body's: as it is.
    fn came_along(&mut self) -> Option<Bytes> {
        let Framing::Length(left) = &mut self.framing else { return None };
        let came = self.input.len() as u64;
        if came == 0 || came > *left {
            return None;
        }
        *left -= came;
        if *left == 0 {
            self.framing = Framing::Ended;
        }
        Some(std::mem::take(&mut self.input).freeze())
    }

    fn decode_input(&mut self, data: &mut Vec<u8>) -> Result<(), Broken> {
        let used = self.framing.decode(&self.input, self.gathers, data)?;
        self.input.advance(used);
        if self.input.is_empty() {
            // Nothing is held while nothing comes.
            self.input = BytesMut::new();
        }
        Ok(())
    }

    /// The other side said its last.
    fn ended(&mut self) -> Result<(), Broken> {
        self.kept = false;
        if !matches!(self.framing, Framing::UntilClose) {
            return Err(Broken::Closed);
        }
        self.framing = Framing::Ended;
        Ok(())
    }

    /// The body was read to its end, and no trailers wait.
    pub(super) fn has_ended(&self) -> bool {
        self.framing.has_ended() && !self.framing.has_trailers()
    }

    /// Bytes of the body still to come.
    pub(super) fn size_hint(&self) -> SizeHint {
        match self.framing {
            Framing::Ended => SizeHint::with_exact(0),
            Framing::Length(left) => SizeHint::with_exact(left),
            Framing::UntilClose | Framing::Chunked(_) => SizeHint::default(),
        }
    }

    /// It may carry another exchange, as far as this side knows.
    pub(super) fn is_fit(&self) -> bool {
        self.kept && self.out.is_done() && self.framing.has_ended() && self.input.is_empty()
    }

    /// Nothing has come that nobody asked for: neither the end nor bytes.
    pub(super) fn is_quiet(&mut self) -> bool {
        self.stream.is_quiet()
    }

    /// The same, as far as the runtime has heard.
    pub(super) fn seems_quiet(&mut self) -> bool {
        self.stream.seems_quiet()
    }

    /// Reads once into room on the stack: nothing is held while nothing comes.
    fn poll_read(&mut self, cx: &mut Context<'_>, take: impl FnOnce(&[u8], &mut Self)) -> Poll<io::Result<usize>> {
        let mut room = [const { MaybeUninit::uninit() }; READ];
        let mut room = ReadBuf::uninit(&mut room);
        ready!(Pin::new(&mut self.stream).poll_read(cx, &mut room))?;
        let came = room.filled();
        take(came, self);
        Poll::Ready(Ok(came.len()))
    }
}

/// Trailers, or headers of a head, from what the parser found.
fn header_map(found: &[httparse::Header<'_>], within: &Bytes) -> Result<HeaderMap, Broken> {
    let mut headers = HeaderMap::with_capacity(found.len());
    for header in found {
        let name =
            http::HeaderName::from_bytes(header.name.as_bytes()).map_err(|_| Broken::Garbage("a header's name"))?;
        let value = http::HeaderValue::from_maybe_shared(within.slice_ref(header.value));
        headers.append(name, value.map_err(|_| Broken::Garbage("a header's value"))?);
    }
    Ok(headers)
}

#[cfg(test)]
mod tests;
