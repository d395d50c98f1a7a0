//! The connection pool: per origin a stack of idle HTTP/1 connections and a few shared HTTP/2 ones.
//!
//! Invariants: an HTTP/1 connection is in the stack or in one [`Lease`], never both; whoever drops it closes it; it goes
//! back only when its reply was read to the end. Nobody watches it there: whether it is still open is looked at when
//! it is taken or swept. The stack is LIFO, so that surplus connections grow old and are swept.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::client::conn::{TrySendError, http1, http2};
use tokio::task::AbortHandle;
use tokio::time::Instant;
use tollgate_core::Map;

use super::fault::Broken;
use super::http1::{Connection, Failed};
use super::origin::{Key, Target};
use super::payload::Payload;
use crate::tasks::boxed;

/// Streams on one HTTP/2 connection, if the provider allows as many. Above about a hundred, one TCP connection's losses
/// and one task's turn hold up too many calls.
const STREAMS: usize = 100;

/// A connection that was used so short a time ago is hardly closed for its idleness: what the runtime has heard of it is enough,
/// and saves a system call where many calls are made.
const BUSY: Duration = Duration::from_millis(50);

/// How much is kept for reuse.
#[derive(Clone, Copy, Debug)]
pub struct PoolSettings {
    /// An idle connection is closed after this. Servers close theirs after 5 s (uvicorn, Node) to minutes.
    pub idle: Duration,
    /// Idle HTTP/1 connections kept per origin.
    pub idle_per_origin: usize,
}

impl Default for PoolSettings {
    fn default() -> Self {
        Self { idle: Duration::from_secs(55), idle_per_origin: 256 }
    }
}

/// Counts since the start, and what is idle now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PoolStats {
    /// Connections made.
    pub opened: u64,
    /// Requests sent on a connection that had served before.
    pub reused: u64,
    /// Requests sent again since the reused connection was closed before they were sent.
    pub resent: u64,
    /// Idle HTTP/1 connections.
    pub idle: usize,
}

#[derive(Debug)]
pub(super) struct Pool {
    pub(super) settings: PoolSettings,
    origins: RwLock<Map<Key, Arc<Origin>>>,
    pub(super) opened: AtomicU64,
    pub(super) reused: AtomicU64,
    pub(super) resent: AtomicU64,
}

/// The connections to one origin.
#[derive(Debug)]
pub(super) struct Origin {
    settings: PoolSettings,
    idle: Mutex<Vec<(Box<Connection>, Instant)>>,
    shared: Mutex<Vec<Arc<H2>>>,
    /// Learned by ALPN; then calls wait for one connection instead of making one each.
    pub(super) speaks_h2: AtomicBool,
    pub(super) connecting: tokio::sync::Mutex<()>,
}

/// An HTTP/1 connection that is to change its protocol. Dropping it closes the socket, whatever is under way.
#[derive(Debug)]
pub(super) struct Switch {
    sender: http1::SendRequest<Payload>,
    task: AbortHandle,
    /// It did, and belongs to somebody else.
    switched: bool,
}

impl Drop for Switch {
    fn drop(&mut self) {
        if !self.switched {
            self.task.abort();
        }
    }
}

/// An HTTP/2 connection. It ends when all its senders are dropped.
#[derive(Debug)]
pub(super) struct H2 {
    pub(super) sender: http2::SendRequest<Payload>,
    pub(super) streams: AtomicUsize,
    /// What the provider allows, as it said last; [`STREAMS`] or more until it does, and then streams may wait.
    pub(super) limit: Arc<AtomicUsize>,
    pub(super) idle_since: Mutex<Instant>,
}

/// The right to one exchange on a connection.
#[derive(Debug)]
pub(super) enum Lease {
    H1 {
        conn: Box<Connection>,
        origin: Arc<Origin>,
    },
    H2(Stream),
    /// Of nobody else, before and after.
    Switch(Switch),
}

/// One stream of an HTTP/2 connection.
#[derive(Debug)]
pub(super) struct Stream(Arc<H2>);

impl Pool {
    pub(super) fn new(settings: PoolSettings) -> Self {
        Self {
            settings,
            origins: RwLock::default(),
            opened: AtomicU64::new(0),
            reused: AtomicU64::new(0),
            resent: AtomicU64::new(0),
        }
    }

    pub(super) fn origin(&self, key: &Key) -> Arc<Origin> {
        if let Some(origin) = self.origins.read().unwrap_or_else(PoisonError::into_inner).get(key) {
            return Arc::clone(origin);
        }
        let mut origins = self.origins.write().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(origins.entry(key.clone()).or_insert_with(|| Arc::new(Origin::new(self.settings))))
    }

    pub(super) fn stats(&self) -> PoolStats {
        let origins = self.origins.read().unwrap_or_else(PoisonError::into_inner);
        PoolStats {
            opened: self.opened.load(Ordering::Relaxed),
            reused: self.reused.load(Ordering::Relaxed),
            resent: self.resent.load(Ordering::Relaxed),
            idle: origins.values().map(|origin| lock(&origin.idle).len()).sum(),
        }
    }

    /// Closes what was idle too long and forgets origins that nobody uses.
    pub(super) fn sweep(&self) {
        let mut origins = self.origins.write().unwrap_or_else(PoisonError::into_inner);
        origins.retain(|_, origin| !origin.sweep() || Arc::strong_count(origin) > 1);
    }
}

impl Origin {
    fn new(settings: PoolSettings) -> Self {
        Self {
            settings,
            idle: Mutex::default(),
            shared: Mutex::default(),
            speaks_h2: AtomicBool::new(false),
            connecting: tokio::sync::Mutex::default(),
        }
    }

    /// A connection that can take a request now.
    pub(super) fn take(self: &Arc<Self>) -> Option<Lease> {
        if self.speaks_h2.load(Ordering::Relaxed)
            && let Some(stream) = self.take_stream()
        {
            return Some(Lease::H2(stream));
        }
        let mut idle = lock(&self.idle);
        while let Some((mut conn, since)) = idle.pop() {
            let idle = since.elapsed();
            let quiet = if idle < BUSY { conn.seems_quiet() } else { conn.is_quiet() };
            if quiet && idle < self.settings.idle {
                return Some(Lease::H1 { conn, origin: Arc::clone(self) });
            }
        }
        None
    }

    fn take_stream(&self) -> Option<Stream> {
        let mut shared = lock(&self.shared);
        shared.retain(|conn| !conn.sender.is_closed());
        shared
            .iter()
            .find(|conn| conn.streams.load(Ordering::Relaxed) < STREAMS.min(conn.limit.load(Ordering::Relaxed)))
            .map(|conn| Stream::on(Arc::clone(conn)))
    }

    /// Shares a new HTTP/2 connection and takes its first stream.
    pub(super) fn share(&self, sender: http2::SendRequest<Payload>, limit: Arc<AtomicUsize>) -> Stream {
        let (streams, idle_since) = (AtomicUsize::new(0), Mutex::new(Instant::now()));
        let conn = Arc::new(H2 { sender, streams, limit, idle_since });
        let stream = Stream::on(Arc::clone(&conn));
        lock(&self.shared).push(conn);
        stream
    }

    fn put(&self, conn: Box<Connection>) {
        if !conn.is_fit() {
            return;
        }
        let mut idle = lock(&self.idle);
        if idle.len() >= self.settings.idle_per_origin {
            idle.remove(0);
        }
        idle.push((conn, Instant::now()));
    }

    /// Closes what was idle too long; true if nothing is left.
    fn sweep(&self) -> bool {
        let mut idle = lock(&self.idle);
        idle.retain_mut(|(conn, since)| since.elapsed() < self.settings.idle && conn.is_quiet());
        let mut shared = lock(&self.shared);
        shared.retain(|conn| {
            let unused =
                conn.streams.load(Ordering::Relaxed) == 0 && lock(&conn.idle_since).elapsed() >= self.settings.idle;
            !conn.sender.is_closed() && !unused
        });
        idle.is_empty() && shared.is_empty()
    }
}

impl Stream {
    fn on(conn: Arc<H2>) -> Self {
        conn.streams.fetch_add(1, Ordering::Relaxed);
        Self(conn)
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        *lock(&self.0.idle_since) = Instant::now();
        self.0.streams.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Lease {
    /// Of a connection that carries one request, which asks for another protocol.
    pub(super) const fn to_switch(sender: http1::SendRequest<Payload>, task: AbortHandle) -> Self {
        Self::Switch(Switch { sender, task, switched: false })
    }

    /// Sends a request; gives it back in the error if nothing of it was sent. A body that comes with the head is not read from
    /// the lease.
    pub(super) async fn send(
        &mut self,
        request: Box<Request<Payload>>,
        target: &Target,
    ) -> Result<Response<Option<Incoming>>, Failed> {
        let sent = match self {
            Self::H1 { conn, .. } => return conn.send(request, target).await.map(|response| response.map(|()| None)),
            Self::H2(stream) => boxed(|| stream.0.sender.clone().try_send_request(*request)).await,
            Self::Switch(switch) => Box::pin(switch.sender.try_send_request(*request)).await,
        };
        sent.map(|response| response.map(Some)).map_err(failed)
    }

    /// The exchange is over, and the connection fit for the next.
    pub(super) fn give_back(self) {
        if let Self::H1 { conn, origin } = self {
            origin.put(conn);
        }
    }

    /// The connection now speaks another protocol; the pool lets go of it.
    pub(super) fn switched(self) {
        if let Self::Switch(mut switch) = self {
            switch.switched = true;
        }
    }
}

fn failed(mut error: TrySendError<Request<Payload>>) -> Failed {
    Failed { unsent: error.take_message().map(Box::new), error: Broken::Hyper(error.into_error()) }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
