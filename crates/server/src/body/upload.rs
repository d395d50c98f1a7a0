//! Uploads that are passed on as they come, such as files: a multipart body of half a gigabyte costs no memory.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::time::{Instant, Sleep, sleep};
use tollgate_ir::Fault;

use super::budget::Reservation;
use super::source::{Source, too_slow};

/// An upload that is passed on as it comes; an error is the client's [`Fault`].
#[derive(Debug)]
pub struct UploadStream<B = Incoming>
where
    B: Body<Data = Bytes> + Send + Unpin + 'static,
{
    /// What goes before the rest.
    first: VecDeque<Bytes>,
    source: Source<B>,
    silence: Option<Pin<Box<Sleep>>>,
    /// The memory that what goes first holds.
    _reservation: Option<Reservation>,
}

impl<B> UploadStream<B>
where
    B: Body<Data = Bytes> + Send + Unpin + 'static,
{
    pub(super) fn new(first: Bytes, source: Source<B>, reservation: Option<Reservation>) -> Self {
        let first = if first.is_empty() { VecDeque::new() } else { VecDeque::from([first]) };
        Self { first, source, silence: None, _reservation: reservation }
    }

    /// The same after these pieces.
    #[must_use]
    pub fn after(mut self, pieces: Vec<Bytes>) -> Self {
        self.first = pieces.into_iter().filter(|piece| !piece.is_empty()).chain(self.first).collect();
        self
    }
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
        if let Some(first) = this.first.pop_front() {
            return Poll::Ready(Some(Ok(Frame::data(first))));
        }
        loop {
            if let Some(piece) = this.source.decode()? {
                return Poll::Ready(Some(Ok(Frame::data(piece))));
            }
            match this.source.poll_wire(cx)? {
                Poll::Ready(true) => this.silence = None,
                Poll::Ready(false) => return Poll::Ready(this.source.finish()?.map(|piece| Ok(Frame::data(piece)))),
                Poll::Pending => {
                    let idle = this.source.idle();
                    let silence = this.silence.get_or_insert_with(|| Box::pin(sleep(idle)));
                    ready!(silence.as_mut().poll(cx));
                    silence.as_mut().reset(Instant::now() + idle);
                    return Poll::Ready(Some(Err(too_slow(idle))));
                }
            }
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self.source.declared() {
            Some(left) if !self.source.decodes() => {
                SizeHint::with_exact((self.first.iter().map(Bytes::len).sum::<usize>() + left) as u64)
            }
            _ => SizeHint::default(),
        }
    }
}
