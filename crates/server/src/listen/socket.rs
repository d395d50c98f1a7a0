//! The listening socket.

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

pub(super) fn bind(address: SocketAddr) -> Result<TcpListener, Fault> {
    let open = || {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
        socket.set_reuse_address(true)?;
        socket.set_nonblocking(true)?;
        socket.bind(&address.into())?;
        socket.listen(BACKLOG)?;
        TcpListener::from_std(socket.into())
    };
    open().map_err(|error: io::Error| failed(address, &error))
}

pub(super) fn failed(address: SocketAddr, error: &io::Error) -> Fault {
    let advice = match error.kind() {
        io::ErrorKind::AddrInUse => "another process has it; stop that or set `server.listen` to another port",
        io::ErrorKind::PermissionDenied => "ports under 1024 need privileges; set `server.listen` to another port",
        io::ErrorKind::AddrNotAvailable => {
            "no interface of this machine has this address; set `server.listen` to one that has"
        }
        _ => "check `server.listen`",
    };
    Fault::new(FaultKind::ListenFailed, format!("Cannot listen on {address}: {error}; {advice}."))
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
