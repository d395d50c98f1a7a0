//! A client of one connection, as cheap as can be: the load shares its core with the upstream.

use std::io;
use std::net::SocketAddr;

use memchr::memmem;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A connection that is kept.
pub struct Connection {
    tcp: TcpStream,
    /// What came; the first `at` bytes are done with.
    buffer: Vec<u8>,
    at: usize,
}

/// How a body ends.
enum Framing {
    Length(usize),
    Chunked,
}

impl Connection {
    /// To a server of this machine.
    pub async fn open(address: SocketAddr) -> io::Result<Self> {
        let tcp = TcpStream::connect(address).await?;
        tcp.set_nodelay(true)?;
        Ok(Self { tcp, buffer: Vec::new(), at: 0 })
    }

    /// Sends a request and reads its answer to the end; `seen` gets the body as it comes. Gives back the status.
    pub async fn exchange(&mut self, request: &[u8], mut seen: impl FnMut(&[u8])) -> io::Result<u16> {
        self.tcp.write_all(request).await?;
        let (status, framing) = self.head().await?;
        match framing {
            Framing::Length(length) => {
                while self.buffer.len() - self.at < length {
                    self.more().await?;
                }
                seen(&self.buffer[self.at..self.at + length]);
                self.at += length;
            }
            Framing::Chunked => while self.chunk(&mut seen).await? {},
        }
        if self.at == self.buffer.len() {
            self.buffer.clear();
            self.at = 0;
        }
        Ok(status)
    }

    /// Sends a request and waits for a stream's first word. Then the buffer is given back: thousands are held. Gives back the
    /// status; one other than 200 has no word.
    pub async fn first_word(&mut self, request: &[u8]) -> io::Result<u16> {
        self.tcp.write_all(request).await?;
        let (status, _) = self.head().await?;
        if status != 200 {
            return Ok(status);
        }
        while memchr::memchr(b'@', &self.buffer[self.at..]).is_none() {
            self.more().await?;
        }
        self.buffer = Vec::new();
        self.at = 0;
        Ok(status)
    }

    async fn head(&mut self) -> io::Result<(u16, Framing)> {
        let end = loop {
            if let Some(found) = memmem::find(&self.buffer[self.at..], b"\r\n\r\n") {
                break self.at + found;
            }
            self.more().await?;
        };
        let head = std::str::from_utf8(&self.buffer[self.at..end]).map_err(|_| broken("a head that is no text"))?;
        let status = head.get(9..12).and_then(|s| s.parse().ok()).ok_or_else(|| broken("no status"))?;
        let mut framing = Framing::Length(0);
        for line in head.split("\r\n").skip(1) {
            let (name, value) = line.split_once(':').unwrap_or((line, ""));
            if name.eq_ignore_ascii_case("content-length") {
                framing = Framing::Length(value.trim().parse().map_err(|_| broken("no length"))?);
            } else if name.eq_ignore_ascii_case("transfer-encoding") {
                framing = Framing::Chunked;
            }
        }
        self.at = end + 4;
        Ok((status, framing))
    }

    /// One chunk of a chunked body; false after the last.
    async fn chunk(&mut self, seen: &mut impl FnMut(&[u8])) -> io::Result<bool> {
        let line = loop {
            if let Some(found) = memmem::find(&self.buffer[self.at..], b"\r\n") {
                break self.at + found;
            }
            self.more().await?;
        };
        let size = std::str::from_utf8(&self.buffer[self.at..line])
            .ok()
            .and_then(|hex| usize::from_str_radix(hex.trim(), 16).ok())
            .ok_or_else(|| broken("no size of a chunk"))?;
        self.at = line + 2;
        while self.buffer.len() - self.at < size + 2 {
            self.more().await?;
        }
        if size > 0 {
            seen(&self.buffer[self.at..self.at + size]);
        }
        self.at += size + 2;
        Ok(size > 0)
    }

    async fn more(&mut self) -> io::Result<()> {
        if self.at > 64 * 1024 {
            self.buffer.drain(..self.at);
            self.at = 0;
        }
        self.buffer.reserve(16 * 1024);
        match self.tcp.read_buf(&mut self.buffer).await? {
            0 => Err(broken("the connection was closed")),
            _ => Ok(()),
        }
    }
}

fn broken(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}
