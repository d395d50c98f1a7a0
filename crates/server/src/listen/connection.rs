//! One connection of a client, from the first byte to the last.

use std::pin::pin;
use std::time::Duration;

use http::header::CONNECTION;
use http::{HeaderValue, Request, StatusCode};
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::head_clock::{HeadClock, Watched};
use super::{Answer, Certificate, Peer, Service};
use crate::tasks::{HyperExecutor, Tasks};

/// For the first byte, the TLS handshake, and each head.
pub(super) const HEAD: Duration = Duration::from_secs(10);

/// The most that a head may hold.
const HEAD_BYTES: usize = 64 * 1024;

/// An idle connection is kept so long at least: longer than load balancers keep theirs (60 s at AWS), or they would send a request
/// into a connection that we close.
const KEEP: Duration = Duration::from_secs(90);

/// HTTP/2 streams per connection: enough for a busy application, and a bound on what one socket can start.
const STREAMS: u32 = 256;

/// HTTP/2 pings, so that a client that vanished is noticed.
const PING: Duration = Duration::from_secs(20);

/// How long an HTTP/2 connection that was accepted during the drain may ask what it came to ask.
const LATE: Duration = Duration::from_secs(1);

/// How long an idle HTTP/1 connection may still ask when another process takes over: closed at once, it would cross the
/// next request of a busy client.
const LAST_REQUEST: Duration = Duration::from_secs(2);

/// What starts an HTTP/2 connection without TLS (RFC 9113, section 3.4); no HTTP/1 method begins so.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Serves a connection to its end. Errors of a connection are its client's and nobody can be told. Each way to speak is
/// boxed, so that a connection has room for its own alone.
pub(super) async fn serve<S: Service>(
    tcp: TcpStream,
    peer: Peer,
    certificate: Option<Certificate>,
    service: S,
    tasks: Tasks,
) {
    match certificate {
        Some(certificate) => Box::pin(serve_tls(tcp, peer, certificate, service, tasks)).await,
        None => {
            let Ok(Some(h2)) = timeout(HEAD, starts_with_preface(&tcp)).await else { return };
            speak(tcp, h2, peer, service, tasks).await;
        }
    }
}

async fn serve_tls<S: Service>(tcp: TcpStream, peer: Peer, certificate: Certificate, service: S, tasks: Tasks) {
    let acceptor = tokio_rustls::TlsAcceptor::from(certificate.config());
    let Ok(Ok(stream)) = timeout(HEAD, Box::pin(acceptor.accept(tcp))).await else { return };
    let h2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
    speak(stream, h2, peer, service, tasks).await;
}

/// Looks at the first bytes without taking them; `None` if the client left.
async fn starts_with_preface(tcp: &TcpStream) -> Option<bool> {
    let mut first = [0; PREFACE.len()];
    loop {
        let seen = tcp.peek(&mut first).await.ok()?;
        if seen == 0 {
            return None;
        }
        if first[..seen] != PREFACE[..seen] {
            return Some(false);
        }
        if seen == PREFACE.len() {
            return Some(true);
        }
        // Bytes that could be either: rare enough to ask again after a moment.
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

async fn speak<IO, S>(io: IO, h2: bool, peer: Peer, service: S, tasks: Tasks)
where
    IO: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    S: Service,
{
    if h2 {
        Box::pin(speak_h2(io, peer, service, tasks)).await;
    } else {
        Box::pin(speak_h1(io, peer, service, tasks)).await;
    }
}

async fn speak_h1<IO, S>(io: IO, peer: Peer, service: S, tasks: Tasks)
where
    IO: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    S: Service,
{
    let (clock, io) = HeadClock::new(io, HEAD);
    let watched = clock.clone();
    let idle = watched.idle(KEEP);
    let leaving = tasks.leaving().clone();
    let answering = service_fn(move |request: Request<Incoming>| {
        let service = service.clone();
        let busy = clock.busy();
        let leaving = leaving.clone();
        async move {
            let mut response = service.call(request, peer).await;
            if leaving.is_cancelled() && response.status() != StatusCode::SWITCHING_PROTOCOLS {
                response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
            }
            Answer::Ok(response.map(|body| busy.until_end_of(body)))
        }
    });
    let draining = tasks.draining().is_cancelled();
    let conn = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(None)
        .max_header_size(HEAD_BYTES)
        .max_buf_size(HEAD_BYTES)
        .keep_alive(!draining)
        .serve_connection(TokioIo::new(io), answering)
        .with_upgrades();
    let mut conn = pin!(conn);
    // Accepted during the drain, it ends after one request by itself; told to shut down, hyper would not wait for that.
    if !draining {
        tokio::select! {
            biased;
            _ = conn.as_mut() => return,
            () = told_to_end(&tasks) => conn.as_mut().graceful_shutdown(),
            () = idle => return,
        }
    }
    let _ = conn.await;
}

/// Until a connection is to end as soon as it carries no request.
async fn told_to_end(tasks: &Tasks) {
    tasks.closing().cancelled().await;
    // Where another process takes over, it may ask once more; a drain that comes after that ends it at once.
    let _ = timeout(LAST_REQUEST, tasks.draining().cancelled()).await;
}

async fn speak_h2<IO, S>(io: IO, peer: Peer, service: S, tasks: Tasks)
where
    IO: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    S: Service,
{
    let answering = service_fn(move |request: Request<Incoming>| {
        let service = service.clone();
        async move { Answer::Ok(service.call(request, peer).await) }
    });
    let executor = HyperExecutor { tasks: tasks.clone(), name: "h2-stream" };
    let closing = tasks.closing();
    let late = if closing.is_cancelled() { LATE } else { Duration::ZERO };
    let shutdown = async {
        closing.cancelled().await;
        tokio::time::sleep(late).await;
    };
    let conn = http2::Builder::new(executor)
        .timer(TokioTimer::new())
        .keep_alive_interval(PING)
        .max_concurrent_streams(STREAMS)
        .max_header_list_size(HEAD_BYTES as u32)
        .serve_connection(TokioIo::new(Watched::preface(io, HEAD, PREFACE.len())), answering);
    let mut conn = pin!(conn);
    tokio::select! {
        _ = conn.as_mut() => return,
        () = shutdown => conn.as_mut().graceful_shutdown(),
    }
    let _ = conn.await;
}
