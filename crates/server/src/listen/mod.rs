//! Listeners: TCP, TLS, HTTP/1.1 and HTTP/2, under limits that no client can pass, and a drain that loses no call.
//!
//! Invariants: a head must come within ten seconds and 64 KiB; an idle connection is kept long enough for the load
//! balancers in front of us; during a drain connections are still accepted, so that readiness can answer 503, but each
//! carries one request only. A listener that shares its address is closed instead, once all that came to it is accepted:
//! what comes then is the other process's.

mod connection;
mod head_clock;
mod socket;
mod tls;

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use hyper::body::Incoming;
use tokio::net::{TcpListener, TcpStream};
use tollgate_ir::Fault;

pub use tls::{Certificate, CertificateFiles};

use crate::tasks::Tasks;

/// Who called, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer {
    /// The other side of the socket, which may be a load balancer.
    pub address: SocketAddr,
    /// Our side.
    pub local: SocketAddr,
    /// It came under TLS.
    pub tls: bool,
}

/// What answers requests. A call is dropped when its client goes away, and so is the body of its reply.
pub trait Service: Clone + Send + Sync + 'static {
    /// The body of replies.
    type Body: Body<Data = Bytes, Error: Into<Box<dyn std::error::Error + Send + Sync>>> + Send + Unpin + 'static;

    /// Answers a request. There is no error: what goes wrong is a reply, too.
    fn call(&self, request: Request<Incoming>, peer: Peer) -> impl Future<Output = Response<Self::Body>> + Send;
}

/// A bound address; [`serve`](Self::serve) it.
#[derive(Debug)]
pub struct Listener {
    socket: TcpListener,
    local: SocketAddr,
    certificate: Option<Certificate>,
    shared: bool,
}

impl Listener {
    /// Binds an address, with TLS if there is a certificate. Port 0 takes a free one. Must be called within the runtime.
    /// `shared`: beside other processes that do so.
    ///
    /// # Errors
    ///
    /// `ListenFailed`, saying why.
    pub fn bind(address: SocketAddr, certificate: Option<Certificate>, shared: bool) -> Result<Self, Fault> {
        let socket = socket::bind(address, shared)?;
        let local = socket.local_addr().map_err(|error| socket::failed(address, &error))?;
        Ok(Self { socket, local, certificate, shared })
    }

    /// The address that was bound.
    pub fn local_address(&self) -> SocketAddr {
        self.local
    }

    /// Serves from now on, in the background, until the tasks have drained; or, if the address is shared, until they leave.
    pub fn serve<S: Service>(self, service: S, tasks: &Tasks) {
        let Self { socket, local, certificate, shared } = self;
        let connections = tasks.clone();
        let take = move |(tcp, address): (TcpStream, SocketAddr)| {
            let peer = Peer { address, local, tls: certificate.is_some() };
            let serving = connection::serve(tcp, peer, certificate.clone(), service.clone(), connections.clone());
            connections.spawn("connection", serving);
        };
        if !shared {
            tasks.background("accept", async move {
                loop {
                    socket::accept(&socket).await.into_iter().for_each(&take);
                }
            });
            return;
        }
        // Shutdown waits for it: whoever has connected is served.
        let leaving = tasks.leaving().clone();
        tasks.spawn("accept", async move {
            loop {
                tokio::select! {
                    accepted = socket::accept(&socket) => accepted.into_iter().for_each(&take),
                    () = leaving.cancelled() => return socket::leave(socket, take).await,
                }
            }
        });
    }
}

/// A closure is a service, for tests and small listeners.
impl<F, R, B> Service for F
where
    F: Fn(Request<Incoming>, Peer) -> R + Clone + Send + Sync + 'static,
    R: Future<Output = Response<B>> + Send,
    B: Body<Data = Bytes, Error: Into<Box<dyn std::error::Error + Send + Sync>>> + Send + Unpin + 'static,
{
    type Body = B;

    fn call(&self, request: Request<Incoming>, peer: Peer) -> impl Future<Output = Response<B>> + Send {
        self(request, peer)
    }
}

/// hyper wants a `Result`; ours has no error.
type Answer<B> = Result<Response<B>, Infallible>;

#[cfg(test)]
mod tests;
