//! A client that lives through outages: what goes wrong is an outcome, not a failed test.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::SendRequest;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::support::Answer;

/// No answer takes longer; who waits longer has found a hang.
const PATIENCE: Duration = Duration::from_secs(60);

/// What became of a call.
#[derive(Debug)]
pub enum Came {
    /// There was no connection.
    Refused(String),
    /// The connection broke before an answer's head.
    Broken(String),
    /// Nothing came for too long.
    Hung,
    /// An answer, whole or not.
    Answer(Box<Answer>),
}

/// A client with one connection at a time.
pub struct Caller {
    address: SocketAddr,
    keeps: bool,
    kept: Option<SendRequest<Full<Bytes>>>,
}

impl Caller {
    /// `keeps`: its connection, from call to call.
    pub fn new(address: SocketAddr, keeps: bool) -> Self {
        Self { address, keeps, kept: None }
    }

    /// A call.
    pub async fn post(&mut self, path: &str, headers: &[(&str, &str)], body: impl Into<Bytes>) -> Came {
        let body = body.into();
        match timeout(PATIENCE, self.call(path, headers, body)).await {
            Ok(came) => came,
            Err(_) => Came::Hung,
        }
    }

    async fn call(&mut self, path: &str, headers: &[(&str, &str)], body: Bytes) -> Came {
        loop {
            let (mut sender, reused) = match self.kept.take() {
                Some(sender) if !sender.is_closed() => (sender, true),
                _ => match self.connect().await {
                    Ok(sender) => (sender, false),
                    Err(why) => return Came::Refused(why),
                },
            };
            let mut request = Request::post(path).header("host", self.address.to_string());
            for (name, value) in headers {
                request = request.header(*name, *value);
            }
            let request = request.body(Full::new(body.clone())).unwrap();
            let response = match sender.send_request(request).await {
                Ok(response) => response,
                // Closed before the request was written: every client sends it again.
                Err(error) if reused && error.is_canceled() => continue,
                Err(error) => return Came::Broken(format!("{error:?}")),
            };
            let answer = read(response).await;
            if self.keeps && answer.whole {
                self.kept = Some(sender);
            }
            return Came::Answer(Box::new(answer));
        }
    }

    async fn connect(&self) -> Result<SendRequest<Full<Bytes>>, String> {
        let tcp = TcpStream::connect(self.address).await.map_err(|error| error.to_string())?;
        let _ = tcp.set_nodelay(true);
        let (sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(tcp)).await.map_err(|error| error.to_string())?;
        // It ends with its sender.
        tokio::spawn(async move { drop(connection.await) });
        Ok(sender)
    }
}

async fn read(response: http::Response<Incoming>) -> Answer {
    let (head, mut body) = response.into_parts();
    let (mut bytes, mut trailers, mut whole) = (Vec::new(), None, true);
    while let Some(frame) = body.frame().await {
        match frame.map(|frame| frame.into_data().map_err(|frame| frame.into_trailers())) {
            Ok(Ok(data)) => bytes.extend_from_slice(&data),
            Ok(Err(last)) => trailers = last.ok(),
            Err(_) => whole = false,
        }
    }
    Answer { status: head.status.as_u16(), headers: head.headers, body: bytes.into(), trailers, whole }
}
