//! A gateway under test and a client that sees every byte, time and header.

use std::io::Read;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Version};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::task::AbortHandle;
use tollgate_testkit::{Binary, run_binary};
use tollgate_wire::json::Node;

/// The built binary.
pub const TOLLGATE: &str = env!("CARGO_BIN_EXE_tollgate");

/// A running gateway and its folder.
pub struct Gateway {
    pub binary: Binary,
    pub folder: TempDir,
}

impl Gateway {
    /// With a configuration of which only what follows `server: { listen }` is given.
    pub fn start(config: &str) -> Self {
        Self::start_with(&format!("server: {{ listen: \"{{listen}}\" }}\n{config}"), &[])
    }

    /// With a whole configuration, in which `{listen}` is the address, and variables.
    pub fn start_with(config: &str, variables: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self::start_in(folder, config, variables)
    }

    /// In a folder that has files already.
    pub fn start_in(folder: TempDir, config: &str, variables: &[(&str, &str)]) -> Self {
        let binary = run_binary(TOLLGATE, folder.path(), config, variables);
        Self { binary, folder }
    }

    /// With one provider `up` of a dialect at an address.
    pub fn before(dialect: &str, base_url: &str) -> Self {
        Self::start(&format!("providers: {{ up: {{ dialect: {dialect}, base_url: \"{base_url}\" }} }}"))
    }

    pub fn file(&self) -> PathBuf {
        self.folder.path().join("tollgate.yaml")
    }

    /// Writes the configuration anew.
    pub fn rewrite(&self, config: &str) {
        std::fs::write(self.file(), config.replace("{listen}", &self.binary.address.to_string())).unwrap();
    }

    pub async fn post(&self, path: &str, headers: &[(&str, &str)], body: impl Into<Bytes>) -> Answer {
        self.open(path, headers, body).await.rest().await
    }

    pub async fn get(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        send(self.binary.address, Method::GET, path, headers, Bytes::new(), false).await.rest().await
    }

    /// A call whose answer is read as it comes.
    pub async fn open(&self, path: &str, headers: &[(&str, &str)], body: impl Into<Bytes>) -> Live {
        send(self.binary.address, Method::POST, path, headers, body.into(), false).await
    }

    /// The same over HTTP/2.
    pub async fn open_h2(&self, path: &str, headers: &[(&str, &str)], body: impl Into<Bytes>) -> Live {
        send(self.binary.address, Method::POST, path, headers, body.into(), true).await
    }

    /// The record of a call, once it is written.
    pub async fn record(&self, answer: &Answer) -> String {
        let path = format!("/api/v1/calls/{}", answer.header("x-tollgate-request-id").unwrap());
        self.record_at(&path).await
    }

    async fn record_at(&self, path: &str) -> String {
        for _ in 0..200 {
            let found = self.get(path, &[]).await;
            if found.status == 200 {
                return found.text();
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("no record at {path}");
    }

    /// Resident memory in bytes.
    pub fn memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.binary.pid())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
    }

    /// Processor time so far, to a hundredth of a second: unlike the clock it does not count who else is busy here.
    pub fn processor(&self) -> Duration {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.binary.pid())).unwrap();
        let fields: Vec<&str> = stat.rsplit_once(") ").unwrap().1.split(' ').collect();
        // `utime` and `stime` of proc_pid_stat(5), counted from the state, in hundredths on every Linux of today.
        let ticks: u64 = fields[11..13].iter().map(|field| field.parse::<u64>().unwrap()).sum();
        Duration::from_millis(ticks * 10)
    }
}

/// Runs a command of the binary to its end. One that does not end is killed, and so has failed.
pub fn run(arguments: &[&str], folder: &std::path::Path) -> Output {
    let mut command = Command::new(TOLLGATE);
    let command = command.args(arguments).current_dir(folder).env_clear();
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // Read while it runs: what is larger than a pipe would keep it from ending.
    let drained = |mut pipe: Box<dyn Read + Send>| {
        std::thread::spawn(move || {
            let mut all = Vec::new();
            pipe.read_to_end(&mut all).map(|_| all)
        })
    };
    let stdout = drained(Box::new(child.stdout.take().unwrap()));
    let stderr = drained(Box::new(child.stderr.take().unwrap()));
    let mut status = None;
    for _ in 0..500 {
        status = child.try_wait().unwrap();
        if status.is_some() {
            break;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    let status = status.unwrap_or_else(|| {
        child.kill().unwrap();
        child.wait().unwrap()
    });
    Output { status, stdout: stdout.join().unwrap().unwrap(), stderr: stderr.join().unwrap().unwrap() }
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Bytes,
    pub trailers: Option<HeaderMap>,
    /// The body had its proper end.
    pub whole: bool,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The text at a path in the body.
    pub fn at(&self, path: &[&str]) -> Option<String> {
        Some(Node::read(&self.body)?.at(path)?.as_str()?.to_owned())
    }
}

/// An answer that is still coming. Dropped, its connection is closed.
pub struct Live {
    pub status: u16,
    pub headers: HeaderMap,
    body: Incoming,
    trailers: Option<HeaderMap>,
    broken: bool,
    connection: Closing,
}

struct Closing(AbortHandle);

impl Drop for Closing {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Live {
    /// The next bytes and when they came; `None` at the end.
    pub async fn next(&mut self) -> Option<(Instant, Bytes)> {
        loop {
            match tokio::time::timeout(Duration::from_secs(20), self.body.frame())
                .await
                .expect("a body that goes on")?
            {
                Ok(frame) => match frame.into_data() {
                    Ok(data) => return Some((Instant::now(), data)),
                    Err(frame) => self.trailers = frame.into_trailers().ok(),
                },
                Err(_) => {
                    self.broken = true;
                    return None;
                }
            }
        }
    }

    pub async fn rest(mut self) -> Answer {
        let mut body = Vec::new();
        while let Some((_, piece)) = self.next().await {
            body.extend_from_slice(&piece);
        }
        drop(self.connection);
        Answer {
            status: self.status,
            headers: self.headers,
            body: body.into(),
            trailers: self.trailers,
            whole: !self.broken,
        }
    }
}

/// A request over a connection of its own. The client leaves when the future or what it returns is dropped.
pub async fn send(
    address: SocketAddr,
    method: Method,
    path: &str,
    headers: &[(&str, &str)],
    body: Bytes,
    h2: bool,
) -> Live {
    let tcp = TcpStream::connect(address).await.unwrap();
    tcp.set_nodelay(true).unwrap();
    let authority =
        headers.iter().find(|(name, _)| *name == "host").map_or(address.to_string(), |(_, v)| (*v).to_owned());
    let mut request = Request::builder().method(method);
    for (name, value) in headers.iter().filter(|(name, _)| *name != "host") {
        request = request.header(*name, *value);
    }
    if h2 {
        let request =
            request.version(Version::HTTP_2).uri(format!("http://{authority}{path}")).body(Full::new(body)).unwrap();
        let (mut sender, connection) =
            hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(tcp)).await.unwrap();
        let connection = Closing(tokio::spawn(async move { drop(connection.await) }).abort_handle());
        return live(sender.send_request(request).await.unwrap(), connection);
    }
    let request = request.uri(path).header("host", authority).body(Full::new(body)).unwrap();
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(tcp)).await.unwrap();
    let connection = Closing(tokio::spawn(async move { drop(connection.await) }).abort_handle());
    live(sender.send_request(request).await.unwrap(), connection)
}

fn live(response: http::Response<Incoming>, connection: Closing) -> Live {
    let (head, body) = response.into_parts();
    Live { status: head.status.as_u16(), headers: head.headers, body, trailers: None, broken: false, connection }
}

/// Waits until something holds.
pub async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let start = Instant::now();
    while !holds().await {
        assert!(start.elapsed() < Duration::from_secs(10), "it took too long until {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// SHA-256 in hexadecimal.
pub fn sha256(bytes: &[u8]) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes);
    digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The bytes of a top-level member's value.
pub fn member(body: &[u8], key: &str) -> Option<Bytes> {
    let envelope = tollgate_wire::json::Envelope::scan(body).ok()?;
    envelope.raw(body, key).map(Bytes::copy_from_slice)
}

/// An address where nobody listens.
pub fn nobody() -> SocketAddr {
    std::net::TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).unwrap()
}
