//! A reply's body written by a future: the future sends pieces through a slot of one, and the body drives the future
//! when it is polled. No task, no wake-up between two: backpressure is the slot, and dropping the body drops the future
//! with everything it holds, so that a client's disconnect reaches the upstream at once.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};

/// Where the future puts pieces.
#[derive(Clone, Default)]
pub struct Outlet {
    slot: Arc<Mutex<Option<Piece>>>,
}

/// What goes to the connection.
type Piece = Result<Frame<Bytes>, Broken>;

/// A body that ends in the middle: the connection is closed without its proper end, so that the client sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the provider's answer broke off")]
pub struct Broken;

impl Outlet {
    fn put(&self, frame: Piece) -> impl Future<Output = ()> + Send + use<> {
        let slot = Arc::clone(&self.slot);
        let mut frame = Some(frame);
        // Pending until the body has taken the piece: the body polls this future again right after.
        std::future::poll_fn(move |_| {
            let mut slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(frame) = frame.take() {
                *slot = Some(frame);
                return Poll::Pending;
            }
            if slot.is_none() { Poll::Ready(()) } else { Poll::Pending }
        })
    }

    /// Sends a piece; returns once the connection has taken it.
    pub async fn send(&self, piece: impl Into<Bytes>) {
        let piece = piece.into();
        if !piece.is_empty() {
            self.put(Ok(Frame::data(piece))).await;
        }
    }

    /// Sends trailers, after the last piece.
    pub async fn trailers(&self, trailers: HeaderMap) {
        self.put(Ok(Frame::trailers(trailers))).await;
    }

    /// Ends the body in the middle. Nothing comes after it.
    pub async fn break_off(&self) {
        self.put(Err(Broken)).await;
    }

    fn take(&self) -> Option<Piece> {
        self.slot.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// The body of any reply of ours.
pub enum ReplyBodyOut {
    /// In one piece.
    Whole(Option<Bytes>),
    /// Written by a future.
    Driven(Pin<Box<Driven>>),
}

/// A body and the future that writes it.
pub struct Driven {
    outlet: Outlet,
    writer: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
}

impl ReplyBodyOut {
    /// Nothing.
    pub const fn empty() -> Self {
        Self::Whole(None)
    }

    /// Bytes.
    pub fn whole(bytes: impl Into<Bytes>) -> Self {
        Self::Whole(Some(bytes.into()))
    }

    /// A body that `writer` writes.
    pub fn driven<F: Future<Output = ()> + Send + 'static>(writer: impl FnOnce(Outlet) -> F) -> Self {
        let outlet = Outlet::default();
        let writer = writer(outlet.clone());
        Self::Driven(Box::pin(Driven { outlet, writer: Some(Box::pin(writer)) }))
    }
}

impl Body for ReplyBodyOut {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        match self.get_mut() {
            Self::Whole(bytes) => Poll::Ready(bytes.take().map(|b| Ok(Frame::data(b)))),
            Self::Driven(driven) => driven.as_mut().get_mut().poll(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(bytes) => bytes.as_ref().is_none_or(Bytes::is_empty),
            Self::Driven(driven) => driven.writer.is_none(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, Bytes::len) as u64),
            Self::Driven(_) => SizeHint::default(),
        }
    }
}

impl Driven {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Piece>> {
        if let Some(writer) = &mut self.writer
            && writer.as_mut().poll(cx).is_ready()
        {
            self.writer = None;
        }
        match self.outlet.take() {
            Some(frame) => Poll::Ready(Some(frame)),
            None if self.writer.is_none() => Poll::Ready(None),
            None => Poll::Pending,
        }
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use super::*;

    #[tokio::test]
    async fn pieces_come_in_order_and_then_the_end() {
        let body = ReplyBodyOut::driven(|out| async move {
            for i in 0..3 {
                out.send(format!("{i}")).await;
            }
            let mut trailers = HeaderMap::new();
            trailers.insert("x-end", http::HeaderValue::from_static("1"));
            out.trailers(trailers).await;
        });
        let all = body.collect().await.unwrap();
        assert_eq!(all.trailers().unwrap()["x-end"], "1");
        assert_eq!(all.to_bytes(), "012");
    }

    #[tokio::test]
    async fn dropping_the_body_drops_the_writer() {
        struct Guard(Arc<Mutex<bool>>);
        impl Drop for Guard {
            fn drop(&mut self) {
                *self.0.lock().unwrap() = true;
            }
        }
        let dropped = Arc::new(Mutex::new(false));
        let guard = Guard(Arc::clone(&dropped));
        let mut body = ReplyBodyOut::driven(|out| async move {
            let _guard = guard;
            out.send("x").await;
            std::future::pending::<()>().await;
        });
        assert!(body.frame().await.is_some());
        assert!(!*dropped.lock().unwrap());
        drop(body);
        assert!(*dropped.lock().unwrap());
    }
}
