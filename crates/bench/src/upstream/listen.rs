//! The upstream's three listeners.

use std::convert::Infallible;
use std::future::Future;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use rustls::{HandshakeKind, ServerConfig};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use super::authority::Files;
use super::counts::{Counts, bump};
use super::{Body, answer, full, whole};
use crate::Failure;

/// Streams that one HTTP/2 connection may have: as many as OpenAI's and Anthropic's fronts allow.
const STREAMS: u32 = 100;

/// Where the upstream listens, on loopback.
#[derive(Clone, Copy, Debug, clap::Args)]
pub struct Ports {
    /// Without TLS.
    pub plain: u16,
    /// HTTP/1.1 under TLS.
    pub tls: u16,
    /// HTTP/2 under TLS.
    pub h2: u16,
}

/// What one listener speaks.
#[derive(Clone)]
enum Speech {
    Plain,
    Tls(Arc<ServerConfig>),
    H2(Arc<ServerConfig>),
}

/// Counts of the three, by name.
type All = Rc<[(&'static str, Counts); 3]>;

/// Serves until it is killed, with the certificate in a folder.
pub fn serve(ports: Ports, folder: PathBuf) -> Result<(), Failure> {
    let files = Files::within(&folder);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let speeches = [
        (ports.plain, Speech::Plain),
        (ports.tls, Speech::Tls(files.server(b"http/1.1")?)),
        (ports.h2, Speech::H2(files.server(b"h2")?)),
    ];
    let all: All = Rc::new(["plain", "tls", "h2"].map(|name| (name, Counts::default())));
    tokio::task::LocalSet::new().block_on(&runtime, async {
        for (which, (port, speech)) in speeches.into_iter().enumerate() {
            let listener = listen(port)?;
            let all = Rc::clone(&all);
            tokio::task::spawn_local(async move {
                while let Ok((tcp, _)) = listener.accept().await {
                    tokio::task::spawn_local(connection(tcp, speech.clone(), Rc::clone(&all), which));
                }
            });
        }
        std::future::pending().await
    })
}

fn listen(port: u16) -> Result<TcpListener, Failure> {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None)?;
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&std::net::SocketAddr::from(([127, 0, 0, 1], port)).into())?;
    socket.listen(8192)?;
    Ok(TcpListener::from_std(socket.into())?)
}

async fn connection(tcp: TcpStream, speech: Speech, all: All, which: usize) {
    let counts = &all[which].1;
    let _open = counts.open();
    let _ = tcp.set_nodelay(true);
    let (config, h2) = match speech {
        Speech::Plain => return http1(tcp, &all, which).await,
        Speech::Tls(config) => (config, false),
        Speech::H2(config) => (config, true),
    };
    let Ok(stream) = TlsAcceptor::from(config).accept(tcp).await else { return };
    let resumed = stream.get_ref().1.handshake_kind() == Some(HandshakeKind::Resumed);
    bump(if resumed { &counts.resumed } else { &counts.full }, 1);
    if h2 { speak_h2(stream, &all, which).await } else { http1(stream, &all, which).await }
}

async fn http1<IO: AsyncRead + AsyncWrite + Unpin>(io: IO, all: &All, which: usize) {
    let service = service_fn(|request| served(request, Rc::clone(all), which));
    let _ = http1::Builder::new().serve_connection(TokioIo::new(io), service).await;
}

async fn speak_h2<IO: AsyncRead + AsyncWrite + Unpin + 'static>(io: IO, all: &All, which: usize) {
    let service = service_fn(|request| served(request, Rc::clone(all), which));
    let _ = http2::Builder::new(Here)
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS)
        .serve_connection(TokioIo::new(io), service)
        .await;
}

async fn served(request: Request<Incoming>, all: All, which: usize) -> Result<Response<Body>, Infallible> {
    if request.uri().path() == "/counts" {
        let lines: String = all.iter().map(|(name, counts)| counts.line(name)).collect();
        return Ok(whole(full(lines), "text/plain"));
    }
    bump(&all[which].1.requests, 1);
    Ok(answer(request).await)
}

/// Runs tasks on this thread.
#[derive(Clone, Copy)]
struct Here;

impl<F> hyper::rt::Executor<F> for Here
where
    F: Future<Output = ()> + 'static,
{
    fn execute(&self, future: F) {
        tokio::task::spawn_local(future);
    }
}
