//! A request on its way out: the head and what is in memory in one vectored write, uploads as they come.

use std::collections::VecDeque;
use std::fmt;
use std::io::{self, IoSlice, Write};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use http::Request;
use http::header::{ACCEPT_ENCODING, CONTENT_LENGTH, HOST, HeaderName, PROXY_AUTHORIZATION, TRANSFER_ENCODING};
use http_body::Body;
use tokio::io::AsyncWrite;

use super::super::fault::Broken;
use super::super::origin::Target;
use super::super::payload::Payload;
use super::super::send::IDENTITY;
use super::super::stream::Stream;

/// Pieces that one write takes.
const SLICES: usize = 16;

/// What is still to be written of a request.
#[derive(Default)]
pub(super) struct Outgoing {
    /// Head first.
    pieces: VecDeque<Bytes>,
    upload: Option<Upload>,
    /// Something was written.
    begun: bool,
    flushed: bool,
    /// Why the rest stays unwritten.
    error: Option<io::Error>,
}

/// A body that comes from elsewhere.
struct Upload {
    body: Payload,
    /// So many bytes are to come; in chunks if nobody knows.
    left: Option<u64>,
}

impl Outgoing {
    /// Of a request to a target.
    pub(super) fn new(head: &Request<Payload>, payload: Payload, target: &Target) -> Self {
        let length = match payload.size_hint().exact() {
            // What the client said of its upload holds.
            None => head.headers().get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok()),
            exact => exact,
        };
        let mut pieces = VecDeque::with_capacity(2);
        pieces.push_back(encoded(head, length, target));
        let upload = match payload {
            Payload::Empty => None,
            Payload::Whole(bytes) => {
                pieces.push_back(bytes);
                None
            }
            Payload::Pieces(all) => {
                pieces.extend(all);
                None
            }
            body @ Payload::Stream(_) => (length != Some(0)).then_some(Upload { body, left: length }),
        };
        Self { pieces, upload, begun: false, flushed: false, error: None }
    }

    /// Of nothing.
    pub(super) fn nothing() -> Self {
        Self { flushed: true, ..Self::default() }
    }

    /// Something was written, or may have been.
    pub(super) const fn has_begun(&self) -> bool {
        self.begun
    }

    /// All was written.
    pub(super) fn is_done(&self) -> bool {
        self.flushed && self.pieces.is_empty() && self.upload.is_none() && self.error.is_none()
    }

    /// The rest stays unwritten.
    pub(super) fn give_up(&mut self, error: io::Error) {
        self.pieces.clear();
        self.upload = None;
        self.error = Some(error);
    }

    /// Why it does.
    pub(super) fn take_error(&mut self) -> Option<io::Error> {
        self.error.take()
    }

    /// The body, where nothing of the request was written.
    pub(super) fn take_payload(&mut self) -> Payload {
        match self.upload.take() {
            Some(upload) => upload.body,
            None => Payload::from(self.pieces.drain(..).skip(1).collect::<Vec<_>>()),
        }
    }

    /// Writes what can be written now. After [`give_up`](Self::give_up) there is nothing to do.
    pub(super) fn poll(&mut self, stream: &mut Stream, cx: &mut Context<'_>) -> Poll<Result<(), Broken>> {
        loop {
            while !self.pieces.is_empty() {
                let mut slices = [IoSlice::new(&[]); SLICES];
                let mut count = 0;
                for (slice, piece) in slices.iter_mut().zip(&self.pieces) {
                    *slice = IoSlice::new(piece);
                    count += 1;
                }
                let written = ready!(Pin::new(&mut *stream).poll_write_vectored(cx, &slices[..count]));
                let written = written.map_err(Broken::Io)?;
                if written == 0 {
                    return Poll::Ready(Err(Broken::Io(io::ErrorKind::WriteZero.into())));
                }
                (self.begun, self.flushed) = (true, false);
                self.advance(written);
            }
            let Some(upload) = &mut self.upload else { break };
            // An upload may take its time; what is written of it is on its way meanwhile.
            let Poll::Ready(frame) = Pin::new(&mut upload.body).poll_frame(cx) else {
                ready!(Pin::new(&mut *stream).poll_flush(cx)).map_err(Broken::Io)?;
                return Poll::Pending;
            };
            match frame {
                Some(Ok(frame)) => {
                    let data = frame.into_data().unwrap_or_default();
                    upload.put(data, &mut self.pieces)?;
                }
                Some(Err(error)) => return Poll::Ready(Err(Broken::Upload(error))),
                None => {
                    match upload.left {
                        Some(0) => {}
                        Some(_) => return Poll::Ready(Err(Broken::Upload("it ended before its length".into()))),
                        None => self.pieces.push_back(Bytes::from_static(b"0\r\n\r\n")),
                    }
                    self.upload = None;
                }
            }
        }
        if !self.flushed {
            ready!(Pin::new(stream).poll_flush(cx)).map_err(Broken::Io)?;
            self.flushed = true;
        }
        Poll::Ready(Ok(()))
    }

    fn advance(&mut self, mut written: usize) {
        while let Some(first) = self.pieces.front_mut() {
            if written < first.len() {
                first.advance(written);
                return;
            }
            written -= first.len();
            self.pieces.pop_front();
        }
    }
}

impl Upload {
    fn put(&mut self, data: Bytes, pieces: &mut VecDeque<Bytes>) -> Result<(), Broken> {
        if data.is_empty() {
            // In chunks it would say that all is over.
            return Ok(());
        }
        match &mut self.left {
            Some(left) => {
                let rest = left.checked_sub(data.len() as u64);
                *left = rest.ok_or_else(|| Broken::Upload("it is longer than its length".into()))?;
                pieces.push_back(data);
            }
            None => {
                pieces.push_back(format!("{:x}\r\n", data.len()).into());
                pieces.push_back(data);
                pieces.push_back(Bytes::from_static(b"\r\n"));
            }
        }
        Ok(())
    }
}

/// The head as it is sent: to a proxy that forwards with the whole address, and framed as the body will be.
fn encoded(head: &Request<Payload>, length: Option<u64>, target: &Target) -> Bytes {
    let lines = head.headers().iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum::<usize>();
    let address = head.uri().path_and_query().map_or(0, |path| path.as_str().len()) + 2 * target.authority().len();
    let mut out = Vec::with_capacity(lines + address + 128);
    out.extend_from_slice(head.method().as_str().as_bytes());
    out.push(b' ');
    let proxy = target.forwards();
    if proxy.is_some() {
        out.extend_from_slice(b"http://");
        out.extend_from_slice(target.authority().as_bytes());
    }
    out.extend_from_slice(head.uri().path().as_bytes());
    if let Some(query) = head.uri().query() {
        out.push(b'?');
        out.extend_from_slice(query.as_bytes());
    }
    out.extend_from_slice(b" HTTP/1.1\r\n");
    let mut line = |name: &HeaderName, value: &[u8]| {
        for part in [name.as_str().as_bytes(), b": ", value, b"\r\n"] {
            out.extend_from_slice(part);
        }
    };
    line(&HOST, target.authority().as_bytes());
    if !head.headers().contains_key(ACCEPT_ENCODING) {
        line(&ACCEPT_ENCODING, IDENTITY.as_bytes());
    }
    if let Some(authorization) = proxy.and_then(|proxy| proxy.authorization.as_ref()) {
        line(&PROXY_AUTHORIZATION, authorization.as_bytes());
    }
    for (name, value) in head.headers() {
        if ![HOST, CONTENT_LENGTH, TRANSFER_ENCODING].contains(name) {
            line(name, value.as_bytes());
        }
    }
    // A vector takes all that is written.
    let _ = match length {
        Some(0) if !head.headers().contains_key(CONTENT_LENGTH) => write!(out, "\r\n"),
        Some(length) => write!(out, "content-length: {length}\r\n\r\n"),
        None => write!(out, "transfer-encoding: chunked\r\n\r\n"),
    };
    out.into()
}

impl fmt::Debug for Outgoing {
    /// What is left, and nothing of its content.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outgoing").field("pieces", &self.pieces.len()).field("begun", &self.begun).finish()
    }
}
