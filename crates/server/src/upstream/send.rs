//! One exchange: a connection from the pool or a new one, the request in the shape of its protocol, the reply.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::FutureExt;
use http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH, HOST, PROXY_AUTHORIZATION, UPGRADE};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Uri, Version};
use http_body::Body;
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::time::Instant;
use tollgate_ir::Fault;

use super::connect::{ConnectError, establish};
use super::deadlines::{Deadlines, Watch};
use super::egress::Egress;
use super::fault::{self, Broken};
use super::http1::Connection;
use super::names::Names;
use super::origin::Target;
use super::payload::Payload;
use super::pool::{Lease, Origin, Pool, PoolSettings, PoolStats};
use super::reply::{EXPANSION, ReplyBody};
use super::stream::Stream;
use crate::body::{Coding, Decoder};
use crate::tasks::{HyperExecutor, Tasks, in_box};

/// HTTP/2 pings while streams are open, so that a dead connection is noticed.
const PING: Duration = Duration::from_secs(20);

/// No coding of the reply, where the request asks for none: it is read on its way.
pub(super) const IDENTITY: HeaderValue = HeaderValue::from_static("identity");

/// Sends requests to providers over pooled connections. Cheap to clone; all clones share one pool.
#[derive(Clone, Debug)]
pub struct Upstream {
    pool: Arc<Pool>,
    names: Names,
    tasks: Tasks,
}

/// A reply's head came.
struct Done {
    /// The body, where it is not read from the lease.
    response: Response<Option<Incoming>>,
    lease: Lease,
    /// For a new connection.
    connect_time: Option<Duration>,
}

/// How an exchange on one connection failed.
enum Failed {
    /// Provably nothing was sent: here it is again.
    Unsent(Box<Request<Payload>>, Broken),
    Fault(Fault),
}

impl Upstream {
    /// A pool without connections. Must be called within the runtime.
    pub fn new(settings: PoolSettings, tasks: &Tasks) -> Self {
        let pool = Arc::new(Pool::new(settings));
        let names = Names::new(tasks);
        let (weak, renewed) = (Arc::downgrade(&pool), names.clone());
        let every = (settings.idle / 2).clamp(Duration::from_millis(10), Duration::from_secs(15));
        tasks.background("pool-sweeper", async move {
            loop {
                tokio::time::sleep(every).await;
                let Some(pool) = weak.upgrade() else { return };
                pool.sweep();
                renewed.renew();
            }
        });
        Self { pool, names, tasks: tasks.clone() }
    }

    /// Sends a request to the address of its absolute URI and returns as soon as the reply's head is there. `host`,
    /// framing and, if absent, `accept-encoding: identity` are set here; all other headers go as given. Redirects are
    /// replies like others. Dropping this future, or the body it returns, closes the connection (or resets the stream).
    ///
    /// # Errors
    ///
    /// `ProviderUnreachable`, `ProviderTimeout`, `ProviderGarbage`, `DeadlineExceeded`, `ProviderMisconfigured`, or the
    /// fault of a payload that is a stream. What exactly, is in `detail` only.
    pub async fn send(
        &self,
        request: Box<Request<Payload>>,
        egress: &Egress,
        deadlines: &Deadlines,
    ) -> Result<Response<Box<ReplyBody>>, Fault> {
        let target = Target::of(request.uri(), egress)?;
        let watch = Watch::start(deadlines);
        // Pinned here: what is passed by value is held twice.
        let exchange = pin!(self.exchange(request, &target, egress, deadlines.connect));
        let done = watch.limit(exchange).await?;
        reply(done, watch)
    }

    /// Makes a connection for calls to come, unless there is one.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send), if there can be none.
    pub async fn warm(&self, uri: &Uri, egress: &Egress, connect: Duration) -> Result<(), Fault> {
        let target = Target::of(uri, egress)?;
        let origin = self.pool.origin(&target.key);
        if let Some(lease) = origin.take() {
            lease.give_back();
            return Ok(());
        }
        let lease = tokio::time::timeout(connect, self.connect(&origin, &target, egress, false))
            .await
            .unwrap_or(Err(ConnectError::Timeout))
            .map_err(|error| fault::unreachable(error, target.host()))?;
        lease.give_back();
        Ok(())
    }

    /// Counts of the pool.
    pub fn stats(&self) -> PoolStats {
        self.pool.stats()
    }

    async fn exchange(
        &self,
        mut request: Box<Request<Payload>>,
        target: &Target,
        egress: &Egress,
        connect: Duration,
    ) -> Result<Done, Fault> {
        if request.body().is_end_stream() && matches!(*request.method(), Method::POST | Method::PUT | Method::PATCH) {
            // Some servers answer 411 without it (RFC 9110, section 8.6).
            request.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
        }
        let origin = self.pool.origin(&target.key);
        let switches = request.headers().contains_key(UPGRADE);
        if let Some(lease) = if switches { None } else { origin.take() } {
            self.pool.reused.fetch_add(1, Ordering::Relaxed);
            match attempt(lease, request, target, None).await {
                Ok(done) => return Ok(done),
                Err(Failed::Fault(fault)) => return Err(fault),
                Err(Failed::Unsent(back, _)) => request = back,
            }
            self.pool.resent.fetch_add(1, Ordering::Relaxed);
        }
        let started = Instant::now();
        // Boxed, as what follows: most requests find a connection, and have no room for the making of one.
        let lease = tokio::time::timeout(connect, Box::pin(self.connect(&origin, target, egress, switches)))
            .await
            .unwrap_or(Err(ConnectError::Timeout))
            .map_err(|error| fault::unreachable(error, target.host()))?;
        let sent = Box::pin(attempt(lease, request, target, Some(started.elapsed()))).await;
        sent.map_err(|failed| match failed {
            Failed::Fault(fault) => fault,
            Failed::Unsent(_, error) => fault::no_reply(error, target.host(), false),
        })
    }

    async fn connect(
        &self,
        origin: &Arc<Origin>,
        target: &Target,
        egress: &Egress,
        switches: bool,
    ) -> Result<Lease, ConnectError> {
        let _turn = if origin.speaks_h2.load(Ordering::Relaxed) {
            let turn = origin.connecting.lock().await;
            if let Some(lease) = origin.take() {
                return Ok(lease);
            }
            Some(turn)
        } else {
            None
        };
        let stream = establish(target, egress, &self.names).await?;
        self.pool.opened.fetch_add(1, Ordering::Relaxed);
        let h2 = stream.speaks_h2();
        origin.speaks_h2.store(h2, Ordering::Relaxed);
        match (h2, switches) {
            (true, _) => self.start_h2(stream, origin).await,
            (false, true) => self.start_switch(stream).await,
            (false, false) => Ok(Lease::H1 { conn: Box::new(Connection::new(stream)), origin: Arc::clone(origin) }),
        }
    }

    /// What comes after the switch is the library's: it hands the bytes on to whoever speaks the other protocol.
    async fn start_switch(&self, stream: Stream) -> Result<Lease, ConnectError> {
        let (sender, conn) =
            http1::Builder::new().handshake(TokioIo::new(stream)).await.map_err(ConnectError::Handshake)?;
        // Its error is told to whoever waits for the reply. Mapped, not awaited in a block, which would hold it twice.
        let task = self.tasks.background("upstream-h1", conn.with_upgrades().map(drop));
        Ok(Lease::to_switch(sender, task))
    }

    async fn start_h2(&self, stream: Stream, origin: &Arc<Origin>) -> Result<Lease, ConnectError> {
        let executor = HyperExecutor { tasks: self.tasks.clone(), name: "upstream-h2" };
        let (sender, mut conn) = http2::Builder::new(executor)
            .timer(TokioTimer::new())
            .keep_alive_interval(PING)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(ConnectError::Handshake)?;
        let limit = Arc::new(AtomicUsize::new(usize::MAX));
        let told = Arc::clone(&limit);
        // The provider may tell another limit at any time.
        let driven = poll_fn(move |cx| {
            let polled = conn.poll_unpin(cx);
            told.store(conn.current_max_send_streams(), Ordering::Relaxed);
            polled.map(drop)
        });
        self.tasks.background("upstream-h2", driven);
        Ok(Lease::H2(origin.share(sender, limit)))
    }
}

async fn attempt(
    mut lease: Lease,
    mut request: Box<Request<Payload>>,
    target: &Target,
    connect_time: Option<Duration>,
) -> Result<Done, Failed> {
    shape(&mut request, target, &lease).map_err(Failed::Fault)?;
    match lease.send(request, target).await {
        Ok(response) => Ok(Done { response, lease, connect_time }),
        Err(failed) => Err(match failed.unsent {
            Some(request) => Failed::Unsent(request, failed.error),
            None => Failed::Fault(fault::no_reply(failed.error, target.host(), connect_time.is_none())),
        }),
    }
}

/// The head as the library wants it for its protocol; may be applied again for another protocol.
fn shape(request: &mut Request<Payload>, target: &Target, lease: &Lease) -> Result<(), Fault> {
    match lease {
        // It writes the head itself.
        Lease::H1 { .. } => {}
        Lease::H2(_) => {
            *request.version_mut() = Version::HTTP_2;
            request.headers_mut().entry(ACCEPT_ENCODING).or_insert(IDENTITY);
            request.headers_mut().remove(HOST);
        }
        Lease::Switch(_) => {
            *request.uri_mut() = target.h1_uri(request.uri());
            request.headers_mut().entry(ACCEPT_ENCODING).or_insert(IDENTITY);
            request.headers_mut().insert(HOST, target.host_header()?);
            if let Some(value) = target.forwards().and_then(|proxy| proxy.authorization.clone()) {
                request.headers_mut().insert(PROXY_AUTHORIZATION, value);
            }
        }
    }
    Ok(())
}

fn reply(done: Done, watch: Watch) -> Result<Response<Box<ReplyBody>>, Fault> {
    let Done { mut response, lease, connect_time } = done;
    let lease = if response.status() == StatusCode::SWITCHING_PROTOCOLS {
        lease.switched();
        None
    } else {
        Some(lease)
    };
    let decoder = decoder(response.headers_mut())?;
    Ok(response.map(|incoming| in_box(|| ReplyBody::new(incoming, lease, watch, decoder, connect_time))))
}

/// Providers are asked for identity; what they compress all the same is decoded, and its headers go. A coding that we do
/// not know is left as it is, header and all.
fn decoder(headers: &mut HeaderMap) -> Result<Option<Decoder>, Fault> {
    let Some(value) = headers.get(CONTENT_ENCODING) else { return Ok(None) };
    let codings = match value.to_str().ok().and_then(Coding::parse) {
        Some(codings) if !codings.is_empty() => codings,
        _ => return Ok(None),
    };
    headers.remove(CONTENT_ENCODING);
    headers.remove(CONTENT_LENGTH);
    Decoder::new(&codings, EXPANSION).map(Some).map_err(|error| fault::misconfigured(error.to_string()))
}
