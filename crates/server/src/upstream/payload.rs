//! The body of a request to a provider.

use std::collections::VecDeque;
use std::error::Error;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

type BoxError = Box<dyn Error + Send + Sync>;

/// The body of a request: none, bytes in one or several pieces (a patched body is mostly slices of the client's), or a
/// stream. With all but streams of unknown length, content-length is sent.
#[derive(Default)]
pub enum Payload {
    /// No body.
    #[default]
    Empty,
    /// In one piece.
    Whole(Bytes),
    /// In pieces, sent in order and never joined.
    Pieces(VecDeque<Bytes>),
    /// As it comes, such as an upload. An error that is a [`Fault`](tollgate_ir::Fault) is what `send` then returns.
    Stream(Pin<Box<dyn Body<Data = Bytes, Error = BoxError> + Send>>),
}

impl Payload {
    /// A stream, from any body of bytes.
    pub fn stream<B>(body: B) -> Self
    where
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        Self::Stream(Box::pin(http_body_util::BodyExt::map_err(body, Into::into)))
    }

    /// All of it in one piece; nothing of a stream.
    pub fn joined(&self) -> Bytes {
        match self {
            Self::Empty | Self::Stream(_) => Bytes::new(),
            Self::Whole(bytes) => bytes.clone(),
            Self::Pieces(pieces) => pieces.iter().flat_map(|piece| piece.iter().copied()).collect(),
        }
    }

    /// The same once more; `None` of a stream, which comes once.
    pub fn again(&self) -> Option<Self> {
        Some(match self {
            Self::Empty => Self::Empty,
            Self::Whole(bytes) => Self::Whole(bytes.clone()),
            Self::Pieces(pieces) => Self::Pieces(pieces.clone()),
            Self::Stream(_) => return None,
        })
    }
}

impl From<Bytes> for Payload {
    fn from(bytes: Bytes) -> Self {
        if bytes.is_empty() { Self::Empty } else { Self::Whole(bytes) }
    }
}

impl From<Vec<Bytes>> for Payload {
    fn from(pieces: Vec<Bytes>) -> Self {
        let mut pieces: VecDeque<_> = pieces.into_iter().filter(|piece| !piece.is_empty()).collect();
        match pieces.len() {
            0 => Self::Empty,
            1 => pieces.pop_front().map_or(Self::Empty, Self::Whole),
            _ => Self::Pieces(pieces),
        }
    }
}

impl Body for Payload {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let piece = match &mut *self {
            Self::Empty => None,
            Self::Whole(bytes) => {
                let bytes = std::mem::take(bytes);
                *self = Self::Empty;
                Some(bytes)
            }
            Self::Pieces(pieces) => pieces.pop_front(),
            Self::Stream(body) => return body.as_mut().poll_frame(cx),
        };
        Poll::Ready(piece.map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Empty => true,
            Self::Whole(bytes) => bytes.is_empty(),
            Self::Pieces(pieces) => pieces.is_empty(),
            Self::Stream(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Empty => SizeHint::with_exact(0),
            Self::Whole(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Self::Pieces(pieces) => SizeHint::with_exact(pieces.iter().map(|piece| piece.len() as u64).sum()),
            Self::Stream(body) => body.size_hint(),
        }
    }
}

impl fmt::Debug for Payload {
    /// The kind and size only: bodies are not for logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self {
            Self::Empty => "Empty",
            Self::Whole(_) => "Whole",
            Self::Pieces(_) => "Pieces",
            Self::Stream(_) => "Stream",
        };
        f.debug_struct(kind).field("bytes", &self.size_hint().exact()).finish()
    }
}
