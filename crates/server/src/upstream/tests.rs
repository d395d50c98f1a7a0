use std::io::Write;
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use tokio::time::Instant;
use tollgate_ir::{Fault, FaultKind, Retry};
use tollgate_testkit::{Script, ScriptedUpstream, Step};

use super::*;
use crate::tasks::Tasks;

const MS: Duration = Duration::from_millis(1);

pub(super) struct Client {
    pub(super) upstream: Upstream,
    pub(super) egress: Egress,
    pub(super) deadlines: Deadlines,
}

impl Client {
    pub(super) fn new() -> Self {
        Self::with(&EgressConfig::default())
    }

    pub(super) fn with(config: &EgressConfig) -> Self {
        let upstream = Upstream::new(PoolSettings::default(), &Tasks::new());
        Self { upstream, egress: Egress::new(config).unwrap(), deadlines: Deadlines::default() }
    }

    pub(super) async fn post(&self, url: &str, body: Payload) -> Result<http::Response<Box<ReplyBody>>, Fault> {
        let request = Request::post(url).header("content-type", "application/json").body(body).unwrap();
        self.upstream.send(Box::new(request), &self.egress, &self.deadlines).await
    }

    pub(super) async fn text(&self, url: &str) -> Result<String, Fault> {
        let mut body = self.post(url, Payload::from(Bytes::from_static(b"{}"))).await?.into_body();
        body.whole(1 << 20).await.map(|bytes| String::from_utf8(bytes.to_vec()).unwrap())
    }
}

#[tokio::test]
async fn connections_are_reused_when_the_reply_was_read_and_only_then() {
    let server = ScriptedUpstream::always(Script::sse(["data: 1\n\n", "data: 2\n\n"])).await;
    let client = Client::new();
    for _ in 0..3 {
        assert_eq!(client.text(&server.url("/v1/x?y=1")).await.unwrap(), "data: 1\n\ndata: 2\n\n");
    }
    assert_eq!(client.upstream.stats(), PoolStats { opened: 1, reused: 2, resent: 0, idle: 1 });
    let mut body = client.post(&server.url("/"), Payload::Empty).await.unwrap().into_body();
    assert_eq!(body.connect_time(), None);
    body.chunk().await.unwrap();
    drop(body);
    assert_eq!(client.upstream.stats().idle, 0);
    client.text(&server.url("/")).await.unwrap();
    let requests = server.requests();
    assert_eq!(requests.iter().map(|each| each.connection).collect::<Vec<_>>(), [0, 0, 0, 0, 1]);
    let head = String::from_utf8(requests[0].head.to_vec()).unwrap();
    assert!(head.starts_with("POST /v1/x?y=1 HTTP/1.1\r\n"), "{head}");
    assert_eq!(requests[0].header("host"), Some(server.address().to_string().as_str()));
    assert_eq!(requests[0].header("content-length"), Some("2"));
    assert_eq!(requests[0].header("accept-encoding"), Some("identity"));
}

#[tokio::test]
async fn a_connection_closed_while_idle_is_no_failure() {
    let server = ScriptedUpstream::always(Script::json(200, "{}")).await;
    let client = Client::new();
    for _ in 0..3 {
        client.text(&server.url("/")).await.unwrap();
        server.close_connections();
        tokio::time::sleep(20 * MS).await;
    }
    assert_eq!(client.upstream.stats().opened, 3);
    assert_eq!(server.requests().len(), 3);
}

/// The server closes while our runtime is not looking: only the kernel knows.
#[tokio::test]
async fn a_connection_closed_unnoticed_is_no_failure_either() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        while let Ok((mut tcp, _)) = listener.accept() {
            let _ = std::io::Read::read(&mut tcp, &mut [0; 4096]);
            let _ = tcp.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}");
            std::thread::sleep(100 * MS);
        }
    });
    let client = Client::new();
    for round in 1..4 {
        assert_eq!(client.text(&url).await.unwrap(), "{}");
        assert_eq!(client.upstream.stats(), PoolStats { opened: round, reused: 0, resent: 0, idle: 1 });
        // Not tokio's: nothing must be polled meanwhile.
        std::thread::sleep(200 * MS);
    }
}

#[tokio::test]
async fn a_request_that_may_have_been_sent_is_not_sent_twice() {
    let server = ScriptedUpstream::queue([Script::json(200, "{}"), Script::accident(Step::Reset)]).await;
    let client = Client::new();
    client.text(&server.url("/")).await.unwrap();
    let fault = client.text(&server.url("/")).await.unwrap_err();
    assert_eq!((fault.kind, fault.status), (FaultKind::ProviderUnreachable, 502));
    assert_eq!(fault.retry, Retry::SameTarget);
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test]
async fn idle_connections_are_swept() {
    let server = ScriptedUpstream::always(Script::json(200, "{}")).await;
    let mut client = Client::new();
    client.upstream = Upstream::new(PoolSettings { idle: 60 * MS, idle_per_origin: 1 }, &Tasks::new());
    let url = server.url("/");
    let (a, b) = tokio::join!(client.text(&url), client.text(&url));
    assert_eq!((a.unwrap(), b.unwrap()), ("{}".to_owned(), "{}".to_owned()));
    assert_eq!(client.upstream.stats().idle, 1, "the cap");
    tokio::time::sleep(200 * MS).await;
    assert_eq!(client.upstream.stats().idle, 0);
}

#[tokio::test]
async fn a_dropped_call_reaches_the_provider_at_once() {
    let stalled = Script::sse(["data: 1\n\n"]).step(Step::Stall);
    let server = ScriptedUpstream::queue([Script::accident(Step::Stall), stalled.clone(), stalled]).await;
    let client = Client::new();
    let url = server.url("/");
    // Before the head.
    assert!(tokio::time::timeout(50 * MS, client.text(&url)).await.is_err());
    let left = server.until(|all| all[0].left.is_some()).await[0].left.unwrap();
    assert!(left.elapsed() < Duration::from_secs(1));
    // In the middle of the body.
    let mut body = client.post(&url, Payload::Empty).await.unwrap().into_body();
    assert_eq!(body.chunk().await.unwrap().unwrap(), "data: 1\n\n");
    let dropped = Instant::now();
    drop(body);
    let left = server.until(|all| all.len() == 2 && all[1].left.is_some()).await[1].left.unwrap();
    assert!(left - dropped < Duration::from_secs(1));
    // While a chunk is awaited.
    let mut body = client.post(&url, Payload::Empty).await.unwrap().into_body();
    body.chunk().await.unwrap();
    assert!(tokio::time::timeout(50 * MS, body.chunk()).await.is_err());
    drop(body);
    server.until(|all| all.len() == 3 && all[2].left.is_some()).await;
}

#[tokio::test]
async fn every_deadline_has_its_fault() {
    let silent = Script::accident(Step::Stall);
    let headed = Script::sse::<Bytes>([]).step(Step::Head).step(Step::Stall);
    let stalled = Script::sse(["data: 1\n\n"]).step(Step::Stall);
    let endless = Script::sse(["data: 1\n\n"; 100]).paced(20 * MS);
    type Setting = fn(Instant) -> Deadlines;
    fn open() -> Deadlines {
        Deadlines { first_token: None, idle: None, end: None, ..Deadlines::default() }
    }
    let token: Setting = |_| Deadlines { first_token: Some(150 * MS), ..open() };
    let idle: Setting = |_| Deadlines { idle: Some(150 * MS), ..open() };
    let whole: Setting = |soon| Deadlines { end: Some(soon), ..Deadlines::default() }.whole();
    let end: Setting = |soon| Deadlines { end: Some(soon), ..open() };
    let client: Setting = |soon| Deadlines { client_end: Some(soon), ..open() };
    for (name, script, deadlines, kind, word) in [
        ("no head", &silent, token, FaultKind::ProviderTimeout, "first token"),
        ("no body", &headed, token, FaultKind::ProviderTimeout, "first token"),
        ("silence", &stalled, idle, FaultKind::ProviderTimeout, "stopped"),
        ("whole", &silent, whole, FaultKind::ProviderTimeout, "whole"),
        ("end", &endless, end, FaultKind::ProviderTimeout, "whole"),
        ("client", &endless, client, FaultKind::DeadlineExceeded, ""),
    ] {
        let server = ScriptedUpstream::always(script.clone()).await;
        let client = Client { deadlines: deadlines(Instant::now() + 150 * MS), ..Client::new() };
        let started = Instant::now();
        let fault = client.text(&server.url("/")).await.unwrap_err();
        assert!(started.elapsed() < 1500 * MS, "{name}");
        assert_eq!((fault.kind, fault.status), (kind, 504), "{name}");
        assert!(fault.public.contains(word), "{name}: {}", fault.public);
        server.until(|all| all[0].left.is_some()).await;
    }
}

#[tokio::test]
async fn pings_are_no_tokens_and_slow_readers_no_silence() {
    let pings = Script::sse([": ping\n\n"; 20]).paced(20 * MS);
    let server = ScriptedUpstream::always(pings).await;
    let deadlines = Deadlines { first_token: Some(150 * MS), idle: Some(200 * MS), ..Deadlines::default() };
    let client = Client { deadlines, ..Client::new() };
    let url = server.url("/");
    let read = async |seen: bool| {
        let mut body = client.post(&url, Payload::Empty).await?.into_body();
        body.hold_first_token();
        if seen {
            body.token_seen();
        }
        while body.chunk().await?.is_some() {}
        Ok::<_, Fault>(())
    };
    assert!(read(false).await.unwrap_err().public.contains("first token"));
    read(true).await.unwrap();

    let two = ScriptedUpstream::always(Script::sse(["1"]).wait(300 * MS).chunk("2")).await;
    let deadlines = Deadlines { idle: Some(200 * MS), ..Deadlines::default() };
    let client = Client { deadlines, ..Client::new() };
    let mut body = client.post(&two.url("/"), Payload::Empty).await.unwrap().into_body();
    body.chunk().await.unwrap();
    tokio::time::sleep(250 * MS).await;
    assert_eq!(body.chunk().await.unwrap().unwrap(), "2");
}

#[tokio::test]
async fn accidents_are_told_apart_in_the_log_and_not_to_the_client() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let plain = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let plain_address = plain.local_addr().unwrap();
    Tasks::new().background("plain", async move {
        let (mut tcp, _) = plain.accept().await.unwrap();
        let _ = tokio::io::AsyncWriteExt::write_all(&mut tcp, b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
    });
    let mute = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = async |script| ScriptedUpstream::always(script).await;
    let reset = server(Script::accident(Step::Reset)).await;
    let cut = server(Script::accident(Step::Cut)).await;
    let torn = server(Script::sse(["data: 1\n\n"]).step(Step::Cut)).await;
    let torn_json = server(Script::json(200, "{\"a\":").step(Step::Cut).chunk("1}")).await;
    let garbage = server(Script::accident(Step::Raw("SSH-2.0-OpenSSH\r\n\r\n".into())).close()).await;
    let unreachable = FaultKind::ProviderUnreachable;
    for (url, kind, word) in [
        (format!("http://{closed}/"), unreachable, "refused:"),
        ("http://no-such-host.invalid/".to_owned(), unreachable, "dns:"),
        (format!("https://{plain_address}/"), unreachable, "tls:"),
        (format!("https://{}/", mute.local_addr().unwrap()), FaultKind::ProviderTimeout, "connect timeout:"),
        (reset.url("/"), unreachable, "reset:"),
        (cut.url("/"), unreachable, "closed:"),
        (torn.url("/"), FaultKind::ProviderCut, ":"),
        (torn_json.url("/"), FaultKind::ProviderCut, ":"),
        (garbage.url("/"), FaultKind::ProviderGarbage, "http:"),
        ("ftp://127.0.0.1/".to_owned(), FaultKind::ProviderMisconfigured, "http"),
        ("http://user:pass@127.0.0.1/".to_owned(), FaultKind::ProviderMisconfigured, "user"),
    ] {
        let client = Client { deadlines: Deadlines { connect: 400 * MS, ..Deadlines::default() }, ..Client::new() };
        let fault = client.text(&url).await.unwrap_err();
        assert_eq!(fault.kind, kind, "{url}: {fault}");
        assert!(fault.detail.as_deref().unwrap_or_default().contains(word), "{url}: {fault}");
        assert!(!fault.public.contains("127.0.0.1") && !fault.public.contains("invalid"), "{}", fault.public);
        assert_eq!(client.upstream.stats().idle, 0);
    }
}

#[tokio::test]
async fn compressed_streams_are_decoded_as_they_come() {
    let words = ["data: one\n\n", "data: zwölf\n\n", "data: 終\n\n"];
    let gzip = {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        words.map(|word| {
            encoder.write_all(word.as_bytes()).unwrap();
            encoder.flush().unwrap();
            std::mem::take(encoder.get_mut())
        })
    };
    let zstd = {
        let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 1).unwrap();
        words.map(|word| {
            encoder.write_all(word.as_bytes()).unwrap();
            encoder.flush().unwrap();
            std::mem::take(encoder.get_mut())
        })
    };
    for (coding, pieces) in [("gzip", gzip), ("zstd", zstd)] {
        let script = Script::sse(pieces).header("content-encoding", coding).step(Step::Stall);
        let server = ScriptedUpstream::always(script).await;
        let response = Client::new().post(&server.url("/"), Payload::Empty).await.unwrap();
        assert!(!response.headers().contains_key("content-encoding"));
        let mut body = response.into_body();
        let mut text = Vec::new();
        while text.len() < words.concat().len() {
            let chunk = tokio::time::timeout(Duration::from_secs(2), body.chunk()).await;
            text.extend_from_slice(&chunk.expect("no word waits in the decoder").unwrap().unwrap());
        }
        assert_eq!(text, words.concat().as_bytes(), "{coding}");
    }
    let mut brotli = Vec::new();
    brotli::BrotliCompress(&mut &b"{\"whole\":true}"[..], &mut brotli, &Default::default()).unwrap();
    let server = ScriptedUpstream::always(Script::json(200, brotli).header("content-encoding", "br")).await;
    assert_eq!(Client::new().text(&server.url("/")).await.unwrap(), "{\"whole\":true}");
    let unknown = ScriptedUpstream::always(Script::json(200, "?").header("content-encoding", "lzma")).await;
    let response = Client::new().post(&unknown.url("/"), Payload::Empty).await.unwrap();
    assert_eq!(response.headers()["content-encoding"], "lzma");
    let lie = ScriptedUpstream::always(Script::json(200, "{}").header("content-encoding", "gzip")).await;
    assert_eq!(Client::new().text(&lie.url("/")).await.unwrap_err().kind, FaultKind::ProviderGarbage);
}

#[tokio::test]
async fn payloads_of_every_kind() {
    let server = ScriptedUpstream::always(Script::json(200, "{}")).await;
    let client = Client::new();
    let bytes = |text: &'static str| Bytes::from_static(text.as_bytes());
    let stream = Payload::stream(http_body_util::Full::new(bytes("streamed")));
    let pieces = Payload::from(vec![bytes("in "), bytes(""), bytes("pieces")]);
    for (payload, expected) in
        [(Payload::Empty, ""), (Payload::from(bytes("whole")), "whole"), (pieces, "in pieces"), (stream, "streamed")]
    {
        client.post(&server.url("/"), payload).await.unwrap().into_body().whole(10).await.unwrap();
        let last = server.requests().pop().unwrap();
        assert_eq!(last.body, expected);
        assert_eq!(last.header("content-length"), Some(expected.len().to_string().as_str()));
    }
    let broken = futures_util::stream::iter([
        Ok(http_body::Frame::data(bytes("half"))),
        Err(Fault::new(FaultKind::ClientTimeout, "The client was slow.")),
    ]);
    let broken = Payload::stream(http_body_util::StreamBody::new(broken));
    assert_eq!(client.post(&server.url("/"), broken).await.unwrap_err().kind, FaultKind::ClientTimeout);
    let over = client.post(&server.url("/"), Payload::Empty).await.unwrap().into_body().whole(1).await;
    assert_eq!(over.unwrap_err().kind, FaultKind::ProviderGarbage);
}

#[tokio::test]
async fn redirects_are_replies_and_upgrades_leave_the_pool() {
    let switch = "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\nhello";
    let server = ScriptedUpstream::queue([
        Script::status(307).header("location", "http://127.0.0.1:1/"),
        Script::accident(Step::Raw(switch.into())).step(Step::Stall),
    ])
    .await;
    let client = Client::new();
    let response = client.post(&server.url("/"), Payload::Empty).await.unwrap();
    assert_eq!(
        (response.status().as_u16(), &response.headers()["location"]),
        (307, &"http://127.0.0.1:1/".parse().unwrap())
    );
    drop(response);
    let request = Request::get(server.url("/")).header("connection", "upgrade").header("upgrade", "websocket");
    let request = request.body(Payload::Empty).unwrap();
    let mut response = client.upstream.send(Box::new(request), &client.egress, &client.deadlines).await.unwrap();
    assert_eq!(response.status(), 101);
    let upgraded = hyper::upgrade::on(&mut response);
    drop(response);
    let mut io = hyper_util::rt::TokioIo::new(upgraded.await.unwrap());
    let mut hello = [0; 5];
    tokio::io::AsyncReadExt::read_exact(&mut io, &mut hello).await.unwrap();
    assert_eq!(&hello, b"hello");
    // It had a connection of its own.
    assert_eq!(client.upstream.stats(), PoolStats { opened: 2, reused: 0, resent: 0, idle: 1 });
}
