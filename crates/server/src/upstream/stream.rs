//! A connection's bytes: plain or under TLS. An enum, since it is polled per read.
//!
//! The pool asks the kernel whether the other side has closed it: the runtime learns of that later, up to its next look at all
//! sockets, and a request written in between would be lost. Of connections in use the runtime's word is enough.

use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

/// A connection to a provider or proxy.
#[derive(Debug)]
pub(crate) enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Stream {
    /// The other side chose HTTP/2 by ALPN.
    pub(crate) fn speaks_h2(&self) -> bool {
        match self {
            Self::Plain(_) => false,
            Self::Tls(stream) => stream.get_ref().1.alpn_protocol() == Some(b"h2"),
        }
    }

    /// Nothing has come that nobody asked for: neither the end nor bytes. Tickets for the next session are TLS's own, and are
    /// taken in.
    pub(super) fn is_quiet(&mut self) -> bool {
        match self {
            Self::Plain(socket) => is_quiet(socket),
            Self::Tls(stream) if is_quiet(stream.get_ref().0) => true,
            Self::Tls(stream) => {
                let mut look = [0];
                let mut look = ReadBuf::new(&mut look);
                let read = Pin::new(&mut *stream).poll_read(&mut Context::from_waker(Waker::noop()), &mut look);
                read.is_pending() && is_quiet(stream.get_ref().0)
            }
        }
    }

    /// The same, as far as the runtime has heard.
    pub(super) fn seems_quiet(&mut self) -> bool {
        let socket = match self {
            Self::Plain(socket) => socket,
            Self::Tls(stream) => stream.get_ref().0,
        };
        socket.poll_read_ready(&mut Context::from_waker(Waker::noop())).is_pending() || self.is_quiet()
    }
}

impl AsyncRead for Stream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match &mut *self {
            Self::Plain(stream) => Pin::new(stream).poll_read(cx, buf),
            Self::Tls(stream) => Pin::new(stream).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match &mut *self {
            Self::Plain(stream) => Pin::new(stream).poll_write(cx, buf),
            Self::Tls(stream) => Pin::new(stream).poll_write(cx, buf),
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match &mut *self {
            Self::Plain(stream) => Pin::new(stream).poll_write_vectored(cx, bufs),
            Self::Tls(stream) => Pin::new(stream).poll_write_vectored(cx, bufs),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Plain(stream) => stream.is_write_vectored(),
            Self::Tls(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut *self {
            Self::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Self::Tls(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut *self {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}

fn is_quiet(socket: &TcpStream) -> bool {
    let mut look = [MaybeUninit::uninit()];
    let peeked = SockRef::from(socket).peek(&mut look);
    peeked.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
}
