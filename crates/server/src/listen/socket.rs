//! The listening socket, and how it is closed for another process that listens beside it.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::{TcpListener, TcpStream};
use tollgate_ir::{Fault, FaultKind};

/// Connections that may wait for us to accept them; the kernel cuts it to `somaxconn` (4096 by default).
const BACKLOG: i32 = 4096;

/// The pause when the process or the system is out of descriptors or memory: connections that end free some.
const BREATH: Duration = Duration::from_millis(50);

/// How long a socket that is left takes no new handshakes, so that those that are under way end: a round trip to far
/// clients.
const LAST_HANDSHAKES: Duration = Duration::from_millis(250);

/// Drops what begins a handshake and lets all else pass: a classic BPF program over the TCP header, whose byte 13 holds
/// the flags. Who is not heard asks again after a second, and then the socket is gone and the kernel picks the other one.
#[cfg(target_os = "linux")]
const NO_NEW_HANDSHAKES: [socket2::SockFilter; 5] = {
    use socket2::SockFilter;
    const SYN: u32 = 0x02;
    const ACK: u32 = 0x10;
    [
        SockFilter::new(0x30, 0, 0, 13),        // load the flags
        SockFilter::new(0x54, 0, 0, SYN | ACK), // of which these two
        SockFilter::new(0x15, 0, 1, SYN),       // if it is SYN alone,
        SockFilter::new(0x06, 0, 0, 0),         // drop it,
        SockFilter::new(0x06, 0, 0, u32::MAX),  // else take all of it
    ]
};

/// Binds an address. `shared`: with other sockets that are bound so by the same user.
pub(super) fn bind(address: SocketAddr, shared: bool) -> Result<TcpListener, Fault> {
    let open = || {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
        socket.set_reuse_address(true)?;
        if shared {
            socket.set_reuse_port(true)?;
        }
        socket.set_nonblocking(true)?;
        socket.bind(&address.into())?;
        socket.listen(BACKLOG)?;
        TcpListener::from_std(socket.into())
    };
    open().map_err(|error: io::Error| failed(address, &error))
}

pub(super) fn failed(address: SocketAddr, error: &io::Error) -> Fault {
    let advice = match error.kind() {
        io::ErrorKind::AddrInUse => {
            "another process has it; stop that, set `server.listen` to another port, or `server.reuse_port` in both"
        }
        io::ErrorKind::PermissionDenied => "ports under 1024 need privileges; set `server.listen` to another port",
        io::ErrorKind::AddrNotAvailable => {
            "no interface of this machine has this address; set `server.listen` to one that has"
        }
        _ => "check `server.listen`",
    };
    Fault::new(FaultKind::ListenFailed, format!("Cannot listen on {address}: {error}; {advice}."))
}

/// Closes a socket beside another one of the same address, so that no client notices: closed as it is, the kernel would
/// reset whoever waits to be accepted or is still shaking hands. `take` gets those.
pub(super) async fn leave(socket: TcpListener, mut take: impl FnMut((TcpStream, SocketAddr))) {
    #[cfg(target_os = "linux")]
    if let Err(error) = socket2::SockRef::from(&socket).attach_filter(&NO_NEW_HANDSHAKES) {
        tracing::warn!(%error, "clients that connect just now may be reset");
    }
    let last = tokio::time::sleep(LAST_HANDSHAKES);
    tokio::pin!(last);
    loop {
        tokio::select! {
            biased;
            accepted = accept(&socket) => accepted.into_iter().for_each(&mut take),
            () = &mut last => return,
        }
    }
}

/// The next connection; `None` if there was none to be had.
pub(super) async fn accept(socket: &TcpListener) -> Option<(TcpStream, SocketAddr)> {
    match socket.accept().await {
        Ok((tcp, address)) => {
            let _ = tcp.set_nodelay(true);
            Some((tcp, address))
        }
        Err(error) => {
            let about_one_connection = matches!(
                error.kind(),
                io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionRefused
            );
            if !about_one_connection {
                tracing::warn!(%error, "cannot accept connections; is the limit of open files too low?");
                tokio::time::sleep(BREATH).await;
            }
            None
        }
    }
}
