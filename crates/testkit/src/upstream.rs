//! An upstream that follows a script, over plain sockets, so that a test says and sees every byte.

use std::collections::VecDeque;
use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::AbortHandle;
use tokio::time::Instant;

use crate::script::{Script, Step};

/// A request as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    /// `POST`.
    pub method: String,
    /// Path and query, as sent.
    pub target: String,
    /// In order; names in lower case.
    pub headers: Vec<(String, String)>,
    /// The head's bytes, the empty line included.
    pub head: Bytes,
    /// The body, without chunked framing.
    pub body: Bytes,
    /// Counts connections from 0: two requests with one number came over one connection.
    pub connection: usize,
    /// When its head was complete.
    pub at: Instant,
    /// When the peer left before the answer was over, if it did.
    pub left: Option<Instant>,
    /// When the answer was over.
    pub answered: Option<Instant>,
}

impl Received {
    /// The first value of a header, by its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(each, _)| each == name).map(|(_, value)| value.as_str())
    }
}

type Chooser = dyn Fn(&Received) -> Script + Send + Sync;

struct State {
    queue: Mutex<VecDeque<Script>>,
    otherwise: Box<Chooser>,
    /// Requests are kept, for tests to look at.
    keeps: bool,
    received: Mutex<Vec<Received>>,
    changed: Notify,
}

/// A server on a free port of loopback. Answers with the queued scripts in order, then with the one that it was started
/// with. It ends when it is dropped.
pub struct ScriptedUpstream {
    address: SocketAddr,
    state: Arc<State>,
    accepting: AbortHandle,
    connections: Arc<Mutex<Vec<AbortHandle>>>,
}

impl fmt::Debug for ScriptedUpstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScriptedUpstream").field("address", &self.address).finish_non_exhaustive()
    }
}

impl ScriptedUpstream {
    /// Answers always the same.
    pub async fn always(script: Script) -> Self {
        Self::choosing(move |_| script.clone()).await
    }

    /// Answers with these in order, then 500.
    pub async fn queue(scripts: impl IntoIterator<Item = Script>) -> Self {
        let upstream = Self::always(Script::status(500)).await;
        scripts.into_iter().for_each(|script| upstream.push(script));
        upstream
    }

    /// Answers by the request.
    pub async fn choosing(chooser: impl Fn(&Received) -> Script + Send + Sync + 'static) -> Self {
        Self::start(Box::new(chooser), true).await
    }

    /// Answers by the request and keeps none, for runs whose requests would fill memory.
    pub async fn forgetful(chooser: impl Fn(&Received) -> Script + Send + Sync + 'static) -> Self {
        Self::start(Box::new(chooser), false).await
    }

    async fn start(otherwise: Box<Chooser>, keeps: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port of loopback");
        let address = listener.local_addr().expect("a bound address");
        let state = Arc::new(State {
            queue: Mutex::default(),
            otherwise,
            keeps,
            received: Mutex::default(),
            changed: Notify::new(),
        });
        let connections = Arc::new(Mutex::new(Vec::new()));
        let accepting = spawn(accept(listener, Arc::clone(&state), Arc::clone(&connections)));
        Self { address, state, accepting, connections }
    }

    /// Queues an answer.
    pub fn push(&self, script: Script) {
        lock(&self.state.queue).push_back(script);
    }

    /// `127.0.0.1:port`.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// `http://127.0.0.1:port` and a path.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// All requests so far, in the order in which their bodies were complete.
    pub fn requests(&self) -> Vec<Received> {
        lock(&self.state.received).clone()
    }

    /// Waits until what was received is as wanted.
    ///
    /// # Panics
    ///
    /// If that takes longer than ten seconds.
    pub async fn until(&self, wanted: impl Fn(&[Received]) -> bool) -> Vec<Received> {
        let waiting = async {
            loop {
                let changed = self.state.changed.notified();
                let received = self.requests();
                if wanted(&received) {
                    return received;
                }
                changed.await;
            }
        };
        match tokio::time::timeout(Duration::from_secs(10), waiting).await {
            Ok(received) => received,
            Err(_) => panic!("the upstream did not receive what was wanted, but {:#?}", self.requests()),
        }
    }

    /// Closes all connections that are open now; new ones are accepted.
    pub fn close_connections(&self) {
        lock(&self.connections).drain(..).for_each(|connection| connection.abort());
    }
}

impl Drop for ScriptedUpstream {
    fn drop(&mut self) {
        self.accepting.abort();
        self.close_connections();
    }
}

async fn accept(listener: TcpListener, state: Arc<State>, connections: Arc<Mutex<Vec<AbortHandle>>>) {
    let mut number = 0;
    while let Ok((tcp, _)) = listener.accept().await {
        let _ = tcp.set_nodelay(true);
        let handle = spawn(converse(tcp, number, Arc::clone(&state)));
        let mut connections = lock(&connections);
        if number % 1024 == 0 {
            connections.retain(|connection| !connection.is_finished());
        }
        connections.push(handle);
        number += 1;
    }
}

/// Serves one connection; ends when the peer leaves or a script closes it.
async fn converse(mut tcp: TcpStream, connection: usize, state: Arc<State>) {
    let mut buffer = BytesMut::new();
    while let Some(request) = receive(&mut tcp, &mut buffer, connection).await {
        let script = lock(&state.queue).pop_front().unwrap_or_else(|| (state.otherwise)(&request));
        let at = {
            let mut received = lock(&state.received);
            if state.keeps {
                received.push(request);
            }
            received.len()
        };
        state.changed.notify_waiters();
        let end = play(&mut tcp, &script).await;
        {
            let mut received = lock(&state.received);
            if let Some(entry) = at.checked_sub(1).and_then(|at| received.get_mut(at)) {
                match end {
                    End::Left => entry.left = Some(Instant::now()),
                    End::Whole | End::Closed => entry.answered = Some(Instant::now()),
                }
            }
        }
        state.changed.notify_waiters();
        if !matches!(end, End::Whole) || !script.keep_alive {
            return;
        }
    }
}

async fn receive(tcp: &mut TcpStream, buffer: &mut BytesMut, connection: usize) -> Option<Received> {
    let end = loop {
        if let Some(at) = find(buffer, b"\r\n\r\n") {
            break at + 4;
        }
        if tcp.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
    };
    let at = Instant::now();
    let head = buffer.split_to(end).freeze();
    let text = String::from_utf8_lossy(&head).into_owned();
    let mut lines = text.split("\r\n");
    let mut first = lines.next()?.split(' ').map(str::to_owned);
    let (method, target) = (first.next()?, first.next()?);
    let headers: Vec<_> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let mut request =
        Received { method, target, headers, head, body: Bytes::new(), connection, at, left: None, answered: None };
    if request.header("expect").is_some() {
        tcp.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await.ok()?;
    }
    request.body = if request.header("transfer-encoding").is_some_and(|value| value.contains("chunked")) {
        chunked(tcp, buffer).await?
    } else {
        let length = request.header("content-length").and_then(|value| value.parse().ok()).unwrap_or(0);
        exactly(tcp, buffer, length).await?
    };
    Some(request)
}

async fn chunked(tcp: &mut TcpStream, buffer: &mut BytesMut) -> Option<Bytes> {
    let mut body = BytesMut::new();
    loop {
        let line = loop {
            if let Some(at) = find(buffer, b"\r\n") {
                break buffer.split_to(at + 2);
            }
            if tcp.read_buf(buffer).await.ok()? == 0 {
                return None;
            }
        };
        let size = std::str::from_utf8(&line).ok()?.trim().split(';').next()?.to_owned();
        let size = usize::from_str_radix(&size, 16).ok()?;
        let chunk = exactly(tcp, buffer, size + 2).await?;
        if size == 0 {
            return Some(body.freeze());
        }
        body.extend_from_slice(&chunk[..size]);
    }
}

async fn exactly(tcp: &mut TcpStream, buffer: &mut BytesMut, length: usize) -> Option<Bytes> {
    while buffer.len() < length {
        if tcp.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
    }
    Some(buffer.split_to(length).freeze())
}

enum End {
    /// The answer was sent whole.
    Whole,
    /// The script closed the connection.
    Closed,
    /// The peer left first.
    Left,
}

async fn play(tcp: &mut TcpStream, script: &Script) -> End {
    let mut headed = script.steps.iter().any(|step| matches!(step, Step::Raw(_)));
    let raw = headed;
    for step in &script.steps {
        let mut out = Vec::new();
        match step {
            Step::Wait(pause) => {
                tokio::select! {
                    () = tokio::time::sleep(*pause) => continue,
                    () = gone(tcp) => return End::Left,
                }
            }
            Step::Stall => {
                gone(tcp).await;
                return End::Left;
            }
            Step::Cut => {
                let _ = tcp.shutdown().await;
                return End::Closed;
            }
            Step::Reset => {
                reset(tcp);
                return End::Closed;
            }
            Step::Raw(bytes) => out.extend_from_slice(bytes),
            Step::Head | Step::Chunk(_) if !headed => {
                headed = true;
                out = script.head();
            }
            Step::Head | Step::Chunk(_) => {}
        }
        if let Step::Chunk(bytes) = step {
            out.extend_from_slice(&script.framed(bytes));
        }
        if tcp.write_all(&out).await.is_err() {
            return End::Left;
        }
    }
    let mut tail = if headed { Vec::new() } else { script.head() };
    if !script.sized && !raw {
        tail.extend_from_slice(b"0\r\n\r\n");
    }
    if tcp.write_all(&tail).await.is_err() { End::Left } else { End::Whole }
}

/// Resolves when the peer has closed its side. Bytes that come meanwhile are looked at and left.
async fn gone(tcp: &TcpStream) {
    let mut look = [0; 1];
    loop {
        match tcp.peek(&mut look).await {
            Ok(0) | Err(_) => return,
            Ok(_) => tokio::time::sleep(Duration::from_millis(5)).await,
        }
    }
}

/// With a linger time of zero, close means reset.
fn reset(tcp: &TcpStream) {
    let _ = socket2::SockRef::from(tcp).set_linger(Some(Duration::ZERO));
}

fn find(buffer: &BytesMut, what: &[u8]) -> Option<usize> {
    buffer.chunk().windows(what.len()).position(|window| window == what)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn spawn(future: impl Future<Output = ()> + Send + 'static) -> AbortHandle {
    #[expect(clippy::disallowed_methods, reason = "tests have no tasks to drain; the handle is aborted on drop")]
    tokio::spawn(future).abort_handle()
}
