//! Makes connections: resolve, dial (the addresses of both families raced, RFC 8305 in short), tunnel, TLS.

use std::future::{Future, poll_fn};
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use socket2::{SockRef, TcpKeepalive};
use tokio::net::TcpStream;
use tokio::time::sleep;

use super::egress::Egress;
use super::names::Names;
use super::origin::Target;
use super::proxy;
use super::stream::Stream;

/// How long one address may take before the next is tried beside it (RFC 8305, section 5).
const HEAD_START: Duration = Duration::from_millis(250);

/// Silent peers are noticed after this and four probes.
const KEEPALIVE: Duration = Duration::from_secs(30);

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConnectError {
    #[error("the name does not resolve: {0}")]
    Dns(io::Error),
    #[error("the connection was refused: {0}")]
    Refused(io::Error),
    #[error("no connection: {0}")]
    Tcp(io::Error),
    #[error("the connection took too long")]
    Timeout,
    #[error("TLS failed: {0}")]
    Tls(io::Error),
    #[error("the proxy failed: {0}")]
    Proxy(String),
    #[error("the connection failed at its start: {0}")]
    Handshake(hyper::Error),
    #[error("{0}")]
    Setup(String),
}

impl ConnectError {
    /// For the log.
    pub(super) const fn word(&self) -> &'static str {
        match self {
            Self::Dns(_) => "dns",
            Self::Refused(_) => "refused",
            Self::Tcp(_) => "tcp",
            Self::Timeout => "connect timeout",
            Self::Tls(_) => "tls",
            Self::Proxy(_) => "proxy",
            Self::Handshake(_) => "handshake",
            Self::Setup(_) => "setup",
        }
    }

    fn tcp(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::ConnectionRefused { Self::Refused(error) } else { Self::Tcp(error) }
    }
}

/// The addresses of a host (a name or an address, IPv6 with or without brackets).
///
/// # Errors
///
/// The resolver's, also if there are none.
pub async fn resolve(host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
    let host = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
    let addresses: Vec<_> = tokio::net::lookup_host((host, port)).await?.collect();
    if addresses.is_empty() {
        return Err(io::Error::new(io::ErrorKind::NotFound, "the name has no addresses"));
    }
    Ok(addresses)
}

/// Everything up to bytes that are the provider's.
pub(super) async fn establish(target: &Target, egress: &Egress, names: &Names) -> Result<Stream, ConnectError> {
    let tcp = match &target.proxy {
        None => reach(target.host(), target.port(), names).await?,
        Some(proxy) => {
            let mut tcp = reach(&proxy.host, proxy.port, names).await?;
            if target.key.https {
                proxy::tunnel(&mut tcp, proxy, target.host(), target.port()).await?;
            }
            tcp
        }
    };
    if !target.key.https {
        return Ok(Stream::Plain(tcp));
    }
    let config = egress.tls().map_err(ConnectError::Setup)?;
    secure(tcp, config, target.host()).await
}

/// Connects to a name; if nobody answers at the addresses that it had, to those that it has.
async fn reach(host: &str, port: u16, names: &Names) -> Result<TcpStream, ConnectError> {
    let found = names.get(host, port).await.map_err(ConnectError::Dns)?;
    let dialled = dial(&found.addresses).await;
    if dialled.is_ok() || !found.kept {
        return dialled;
    }
    let now = names.ask(host, port).await.map_err(ConnectError::Dns)?;
    if now == found.addresses { dialled } else { dial(&now).await }
}

/// TLS over a connection.
pub(crate) async fn secure(tcp: TcpStream, config: Arc<ClientConfig>, host: &str) -> Result<Stream, ConnectError> {
    let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
    let name = ServerName::try_from(bare.to_owned())
        .map_err(|error| ConnectError::Setup(format!("{bare} is no name for TLS: {error}")))?;
    let stream = tokio_rustls::TlsConnector::from(config).connect(name, tcp).await.map_err(ConnectError::Tls)?;
    Ok(Stream::Tls(Box::new(stream)))
}

/// Connects to the first address that answers, starting with the resolver's favourite.
pub(crate) async fn dial(addresses: &[SocketAddr]) -> Result<TcpStream, ConnectError> {
    let tcp = match addresses {
        [only] => TcpStream::connect(only).await.map_err(ConnectError::tcp)?,
        _ => race(interleaved(addresses)).await?,
    };
    // Neither option failing is a reason not to talk.
    let _ = tcp.set_nodelay(true);
    let keepalive = TcpKeepalive::new().with_time(KEEPALIVE).with_interval(KEEPALIVE / 3).with_retries(4);
    let _ = SockRef::from(&tcp).set_tcp_keepalive(&keepalive);
    Ok(tcp)
}

/// The families in turn, the resolver's favourite first.
fn interleaved(addresses: &[SocketAddr]) -> Vec<SocketAddr> {
    let favourite = addresses.first().is_some_and(SocketAddr::is_ipv6);
    let (first, second): (Vec<_>, Vec<_>) = addresses.iter().copied().partition(|each| each.is_ipv6() == favourite);
    let mut order = Vec::with_capacity(addresses.len());
    let (mut first, mut second) = (first.into_iter(), second.into_iter());
    loop {
        let pair = [first.next(), second.next()];
        if pair == [None, None] {
            return order;
        }
        order.extend(pair.into_iter().flatten());
    }
}

async fn race(order: Vec<SocketAddr>) -> Result<TcpStream, ConnectError> {
    let mut waiting = order.into_iter();
    let mut running: Vec<Pin<Box<dyn Future<Output = io::Result<TcpStream>> + Send>>> = Vec::new();
    let mut last = io::Error::new(io::ErrorKind::NotFound, "no addresses");
    loop {
        match waiting.next() {
            Some(address) => running.push(Box::pin(TcpStream::connect(address))),
            None if running.is_empty() => return Err(ConnectError::tcp(last)),
            None => {}
        }
        let next_start =
            async { if waiting.len() == 0 { std::future::pending().await } else { sleep(HEAD_START).await } };
        let first_done = poll_fn(|cx| {
            for at in 0..running.len() {
                if let Poll::Ready(result) = running[at].as_mut().poll(cx) {
                    drop(running.swap_remove(at));
                    return Poll::Ready(result);
                }
            }
            Poll::Pending
        });
        tokio::select! {
            result = first_done => match result {
                Ok(tcp) => return Ok(tcp),
                Err(error) => last = error,
            },
            () = next_start => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_take_turns() {
        let parse = |all: &[&str]| all.iter().map(|each| each.parse().unwrap()).collect::<Vec<SocketAddr>>();
        let given = parse(&["[::1]:1", "[::2]:1", "[::3]:1", "1.1.1.1:1"]);
        assert_eq!(interleaved(&given), parse(&["[::1]:1", "1.1.1.1:1", "[::2]:1", "[::3]:1"]));
    }

    #[tokio::test]
    async fn a_dead_address_does_not_hide_a_live_one() {
        let live = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let closed = {
            let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
            listener.local_addr().unwrap()
        };
        let tcp = dial(&[closed, live.local_addr().unwrap()]).await.unwrap();
        assert_eq!(tcp.peer_addr().unwrap(), live.local_addr().unwrap());
        assert!(matches!(dial(&[closed, closed]).await, Err(ConnectError::Refused(_))));
    }
}
