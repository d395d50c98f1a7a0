//! The clock of what a client must send first, and how much of it is read at once.
//!
//! hyper has one timeout for the idle time between requests and for the head itself; we want a long one for the first (load
//! balancers keep connections) and a short one for the second (a client that drips its head holds a connection). So the
//! socket is watched: who waits for more after the first byte of a head has a clock, which the start of the exchange stops.
//!
//! On HTTP/2 only the preface is watched; pings see to the rest.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

/// The first read of an exchange takes so much at most, each further one twice what came before it, whatever earlier
/// exchanges have made room for: a body that waits for memory waits after its first kilobytes, and then holds no more than
/// one such read beside them, however many connections do.
const FIRST_READ: usize = 8 * 1024;

/// How long the rest of a refused head is read.
const LINGER: Duration = Duration::from_secs(1);

/// Tells the socket whether an exchange is under way.
#[derive(Clone, Debug)]
pub(super) struct HeadClock {
    exchanges: Arc<Exchanges>,
}

/// The exchanges of a connection.
#[derive(Debug, Default)]
struct Exchanges {
    under_way: AtomicUsize,
    /// Begins and ends so far.
    turns: AtomicUsize,
}

/// An exchange is under way while this lives.
#[derive(Debug)]
pub(super) struct Busy {
    exchanges: Arc<Exchanges>,
}

/// A socket that fails when a head takes too long.
#[derive(Debug)]
pub(super) struct Watched<IO> {
    io: IO,
    exchanges: Arc<Exchanges>,
    limit: Duration,
    /// Bytes since the exchange began.
    came: usize,
    /// A head has begun, and no exchange yet.
    head: bool,
    /// Set while the rest of a head, or the preface, is waited for.
    alarm: Option<Pin<Box<Sleep>>>,
    /// Bytes of an HTTP/2 preface still to come; `None` on HTTP/1.
    preface: Option<usize>,
    /// Set while a refused head is read away.
    linger: Option<Pin<Box<Sleep>>>,
}

/// The body of a reply, which ends the exchange when it is dropped.
#[derive(Debug)]
pub(super) struct Last<B> {
    body: B,
    _busy: Busy,
}

impl HeadClock {
    pub(super) fn new<IO>(io: IO, limit: Duration) -> (Self, Watched<IO>) {
        let exchanges = Arc::<Exchanges>::default();
        (
            Self { exchanges: Arc::clone(&exchanges) },
            Watched { io, exchanges, limit, came: 0, head: false, alarm: None, preface: None, linger: None },
        )
    }

    pub(super) fn busy(&self) -> Busy {
        self.exchanges.under_way.fetch_add(1, Ordering::Relaxed);
        self.exchanges.turns.fetch_add(1, Ordering::Relaxed);
        Busy { exchanges: Arc::clone(&self.exchanges) }
    }

    /// Returns once there was no exchange for so long, or up to twice as long: it looks from time to time, where a timer for
    /// each exchange would be set for nothing as a rule.
    pub(super) async fn idle(&self, long: Duration) {
        let mut before = 0;
        loop {
            sleep(long).await;
            let now = self.exchanges.turns.load(Ordering::Relaxed);
            if now == before && self.exchanges.under_way.load(Ordering::Relaxed) == 0 {
                return;
            }
            before = now;
        }
    }
}

impl Busy {
    pub(super) fn until_end_of<B>(self, body: B) -> Last<B> {
        Last { body, _busy: self }
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.exchanges.under_way.fetch_sub(1, Ordering::Relaxed);
        self.exchanges.turns.fetch_add(1, Ordering::Relaxed);
    }
}

impl<B: Body<Data = Bytes> + Unpin> Body for Last<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl<IO> Watched<IO> {
    /// For HTTP/2, whose preface has so many bytes.
    pub(super) fn preface(io: IO, limit: Duration, bytes: usize) -> Self {
        let alarm = Some(Box::pin(sleep(limit)));
        Self { io, exchanges: Arc::default(), limit, came: 0, head: false, alarm, preface: Some(bytes), linger: None }
    }

    /// Bytes came. Most heads are whole then; who has to wait for the rest sets the clock.
    fn heard(&mut self, bytes: usize) {
        match &mut self.preface {
            Some(left) => {
                *left = left.saturating_sub(bytes);
                if *left == 0 {
                    self.alarm = None;
                }
            }
            None => self.head |= bytes > 0,
        }
    }
}

/// Reads no more than `most`. (`Take` does so without clearing the buffer first.)
fn read_some<IO: AsyncRead + Unpin>(
    io: &mut IO,
    most: usize,
    cx: &mut Context<'_>,
    buf: &mut ReadBuf<'_>,
) -> Poll<io::Result<()>> {
    if buf.remaining() <= most {
        return Pin::new(io).poll_read(cx, buf);
    }
    Pin::new(&mut io.take(most as u64)).poll_read(cx, buf)
}

impl<IO: AsyncRead + Unpin> AsyncRead for Watched<IO> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let before = buf.filled().len();
        let idle = this.exchanges.under_way.load(Ordering::Relaxed) == 0;
        if idle {
            this.came = 0;
        }
        let most = if this.preface.is_none() { FIRST_READ.max(this.came.saturating_mul(2)) } else { usize::MAX };
        let polled = read_some(&mut this.io, most, cx, buf);
        this.came = this.came.saturating_add(buf.filled().len() - before);
        if !idle {
            (this.head, this.alarm) = (false, None);
            return polled;
        }
        if polled.is_ready() {
            this.heard(buf.filled().len() - before);
            return polled;
        }
        if this.head && this.alarm.is_none() {
            this.alarm = Some(Box::pin(sleep(this.limit)));
        }
        let Some(alarm) = &mut this.alarm else { return Poll::Pending };
        alarm.as_mut().poll(cx).map(|()| Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<IO: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Watched<IO> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    /// A head that was refused is read away for a moment: with bytes unread, closing would be a reset, which may overtake
    /// our answer.
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.linger.is_none() {
            ready!(Pin::new(&mut this.io).poll_shutdown(cx))?;
        }
        if !this.head || this.preface.is_some() {
            return Poll::Ready(Ok(()));
        }
        let linger = this.linger.get_or_insert_with(|| Box::pin(sleep(LINGER)));
        let mut away = [0; 4096];
        loop {
            let mut buf = ReadBuf::new(&mut away);
            match Pin::new(&mut this.io).poll_read(cx, &mut buf) {
                Poll::Ready(Ok(())) if !buf.filled().is_empty() => {}
                Poll::Ready(_) => return Poll::Ready(Ok(())),
                Poll::Pending => return linger.as_mut().poll(cx).map(Ok),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::*;

    #[tokio::test]
    async fn each_read_of_an_exchange_takes_twice_what_came_and_the_next_begins_small_again() {
        let (mut client, server) = duplex(1 << 20);
        let (clock, mut watched) = HeadClock::new(server, Duration::from_secs(1));
        let mut room = vec![0; 1 << 20];
        for _ in 0..2 {
            client.write_all(&[b'x'; 100_000]).await.unwrap();
            let mut reads = vec![watched.read(&mut room).await.unwrap()];
            let busy = clock.busy();
            while reads.iter().sum::<usize>() < 100_000 {
                reads.push(watched.read(&mut room).await.unwrap());
            }
            assert_eq!(reads, [8_192, 16_384, 49_152, 26_272]);
            drop(busy);
        }
    }
}
