use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use http_body_util::{BodyExt, Full, StreamBody};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::time::{Instant, timeout};

use super::*;
use crate::body::{BodyBudget, BodyLimits, Intake};
use crate::tasks::Drained;

const MS: Duration = Duration::from_millis(1);

fn listen<S: Service>(service: S, tasks: &Tasks) -> SocketAddr {
    let listener = Listener::bind("127.0.0.1:0".parse().unwrap(), None, false).unwrap();
    let address = listener.local_address();
    listener.serve(service, tasks);
    address
}

async fn path_and_peer(request: Request<Incoming>, peer: Peer) -> Response<Full<Bytes>> {
    Response::new(Full::new(format!("{:?} {} {}", request.version(), request.uri(), peer.address).into()))
}

/// Reads until a text was seen or the other side closed.
async fn read_until(tcp: &mut TcpStream, text: &str) -> String {
    let mut all = Vec::new();
    while !String::from_utf8_lossy(&all).contains(text) && tcp.read_buf(&mut all).await.unwrap_or(0) > 0 {}
    String::from_utf8(all).unwrap()
}

#[tokio::test]
async fn one_port_speaks_both_protocols_and_knows_its_peer() {
    let address = listen(path_and_peer, &Tasks::new());
    let mut tcp = TcpStream::connect(address).await.unwrap();
    let expected = format!("HTTP/1.1 /a?b {}", tcp.local_addr().unwrap());
    for _ in 0..2 {
        // In two writes, cut where the protocols cannot be told apart yet.
        tcp.write_all(b"P").await.unwrap();
        tokio::time::sleep(10 * MS).await;
        tcp.write_all(b"OST /a?b HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n").await.unwrap();
        assert!(read_until(&mut tcp, &expected).await.starts_with("HTTP/1.1 200"));
    }
    let tcp = TcpStream::connect(address).await.unwrap();
    let (mut sender, conn) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(tcp)).await.unwrap();
    Tasks::new().background("client", async move { conn.await.unwrap() });
    let request = Request::get("http://host/h2").body(Full::new(Bytes::new())).unwrap();
    let body = sender.send_request(request).await.unwrap().into_body().collect().await.unwrap().to_bytes();
    assert!(body.starts_with(b"HTTP/2.0 http://host/h2 "), "{body:?}");
}

/// Notifies when dropped.
struct Gone(Arc<Notify>);

impl Drop for Gone {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

#[tokio::test]
async fn a_client_that_leaves_takes_its_call_along() {
    let gone = Arc::new(Notify::new());
    let notify = Arc::clone(&gone);
    let service = move |request: Request<Incoming>, _: Peer| {
        let guard = Gone(Arc::clone(&notify));
        async move {
            if request.uri().path() == "/before" {
                std::future::pending::<()>().await;
            }
            let pieces = futures_util::stream::unfold(guard, |guard| async move {
                tokio::time::sleep(10 * MS).await;
                Some((Ok::<_, std::io::Error>(http_body::Frame::data(Bytes::from_static(b"data\n"))), guard))
            });
            Response::new(StreamBody::new(Box::pin(pieces)))
        }
    };
    let address = listen(service, &Tasks::new());
    for path in ["/before", "/during"] {
        let mut tcp = TcpStream::connect(address).await.unwrap();
        tcp.write_all(format!("POST {path} HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{{}}").as_bytes())
            .await
            .unwrap();
        if path == "/during" {
            read_until(&mut tcp, "data").await;
        } else {
            tokio::time::sleep(50 * MS).await;
        }
        drop(tcp);
        timeout(Duration::from_secs(1), gone.notified()).await.unwrap_or_else(|_| panic!("{path}: the call went on"));
    }
    for (path, whole_connection) in [("/before", false), ("/during", false), ("/before", true), ("/during", true)] {
        let tcp = TcpStream::connect(address).await.unwrap();
        let (mut sender, conn) =
            hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(tcp)).await.unwrap();
        let task = Tasks::new().background("client", async move { drop(conn.await) });
        let request = Request::get(format!("http://host{path}")).body(Full::new(Bytes::new())).unwrap();
        let mut call = Box::pin(sender.send_request(request));
        let response = timeout(100 * MS, call.as_mut()).await;
        assert_eq!(response.is_ok(), path == "/during");
        if whole_connection {
            task.abort();
        }
        drop((call, response));
        let noticed = timeout(Duration::from_secs(1), gone.notified()).await;
        assert!(noticed.is_ok(), "h2 {path} {whole_connection}: the call went on");
    }
}

#[tokio::test(start_paused = true)]
async fn heads_must_come_in_time_and_idle_connections_may_wait() {
    let address = listen(path_and_peer, &Tasks::new());
    for partial in ["", "P", "GET / HTTP/1.1\r\nhost:", "PRI * HT"] {
        let mut tcp = TcpStream::connect(address).await.unwrap();
        tcp.write_all(partial.as_bytes()).await.unwrap();
        let started = Instant::now();
        read_until(&mut tcp, "nothing").await;
        let elapsed = started.elapsed();
        assert!(
            elapsed >= 9 * Duration::from_secs(1) && elapsed < 45 * Duration::from_secs(1),
            "{partial:?}: {elapsed:?}"
        );
    }
    let mut tcp = TcpStream::connect(address).await.unwrap();
    for _ in 0..3 {
        tcp.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
        assert!(read_until(&mut tcp, "HTTP/1.1 /").await.starts_with("HTTP/1.1 200"));
        tokio::time::sleep(Duration::from_secs(60)).await;
    }
    // A second head that drips.
    let started = Instant::now();
    let mut dripped = 0;
    while tcp.write_all(b"G").await.is_ok() && dripped < 60 {
        tokio::time::sleep(Duration::from_secs(1)).await;
        dripped += 1;
    }
    assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
}

#[tokio::test(start_paused = true)]
async fn an_idle_connection_ends_after_a_while() {
    let address = listen(path_and_peer, &Tasks::new());
    let mut tcp = TcpStream::connect(address).await.unwrap();
    for pause in [80, 80, 80] {
        tcp.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
        assert!(read_until(&mut tcp, "HTTP/1.1 /").await.starts_with("HTTP/1.1 200"));
        tokio::time::sleep(Duration::from_secs(pause)).await;
    }
    tcp.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    let started = Instant::now();
    read_until(&mut tcp, "nothing").await;
    let elapsed = started.elapsed().as_secs();
    assert!((90..=181).contains(&elapsed), "{elapsed}");
}

#[tokio::test]
async fn heads_are_bounded() {
    let address = listen(path_and_peer, &Tasks::new());
    let mut tcp = TcpStream::connect(address).await.unwrap();
    let head = format!("GET / HTTP/1.1\r\nhost: x\r\nx-long: {}\r\n\r\n", "a".repeat(70 * 1024));
    let _ = tcp.write_all(head.as_bytes()).await;
    let reply = read_until(&mut tcp, "\r\n\r\n").await;
    assert!(reply.starts_with("HTTP/1.1 431"), "{reply:?}");
    let mut tcp = TcpStream::connect(address).await.unwrap();
    let head = format!("GET / HTTP/1.1\r\nhost: x\r\nx-long: {}\r\n\r\n", "a".repeat(60 * 1024));
    tcp.write_all(head.as_bytes()).await.unwrap();
    assert!(read_until(&mut tcp, "\r\n\r\n").await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn a_refused_body_gets_its_answer_while_it_is_still_being_sent() {
    let tasks = Tasks::new();
    let (budget, inner) = (BodyBudget::new(64 << 20), tasks.clone());
    let service = move |request: Request<Incoming>, _: Peer| {
        let (budget, tasks) = (budget.clone(), inner.clone());
        async move {
            let (head, body) = request.into_parts();
            let limits = BodyLimits { max: 1 << 20, ..BodyLimits::default() };
            let refused = match Intake::open(&head, body, limits, &budget, &tasks) {
                Ok(mut intake) => intake.whole().await.map(|_| ()),
                Err(fault) => Err(fault),
            };
            let status = refused.map_or_else(|fault| fault.status, |()| 200);
            Response::builder().status(status).body(Full::new(Bytes::new())).unwrap()
        }
    };
    let address = listen(service, &tasks);
    let body = vec![b'a'; 8 << 20];
    let sized = format!("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n", body.len());
    let chunked = format!("POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n{:x}\r\n", body.len());
    for (name, head, tail) in [("by its length", sized, ""), ("on the way", chunked, "\r\n0\r\n\r\n")] {
        let mut tcp = TcpStream::connect(address).await.unwrap();
        tcp.write_all(head.as_bytes()).await.unwrap();
        tcp.write_all(&body).await.unwrap_or_else(|error| panic!("{name}: {error}"));
        tcp.write_all(tail.as_bytes()).await.unwrap();
        assert!(read_until(&mut tcp, "\r\n\r\n").await.starts_with("HTTP/1.1 413"), "{name}");
    }
    // Who asks first is told before sending anything.
    let mut tcp = TcpStream::connect(address).await.unwrap();
    let head = "POST / HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 99999999\r\n\r\n";
    tcp.write_all(head.as_bytes()).await.unwrap();
    assert!(read_until(&mut tcp, "\r\n\r\n").await.starts_with("HTTP/1.1 413"));
}

#[tokio::test]
async fn a_drain_loses_no_call_and_still_answers() {
    let tasks = Tasks::new();
    let inner = tasks.clone();
    let served = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&served);
    let service = move |request: Request<Incoming>, _: Peer| {
        let (tasks, count) = (inner.clone(), Arc::clone(&count));
        async move {
            match request.uri().path() {
                "/slow" => tokio::time::sleep(300 * MS).await,
                "/endless" => tasks.ending().cancelled().await,
                _ => {}
            }
            count.fetch_add(1, Ordering::Relaxed);
            let status = if tasks.draining().is_cancelled() && request.uri().path() == "/ready" { 503 } else { 200 };
            Response::builder().status(status).body(Full::new(Bytes::from_static(b"done"))).unwrap()
        }
    };
    let address = listen(service, &tasks);
    let call = async |path: &str, until: &str| {
        let mut tcp = TcpStream::connect(address).await.unwrap();
        tcp.write_all(format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n").as_bytes()).await.unwrap();
        read_until(&mut tcp, until).await
    };
    let mut idle = TcpStream::connect(address).await.unwrap();
    idle.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    read_until(&mut idle, "done").await;
    let probing = async {
        tokio::time::sleep(100 * MS).await;
        let drain = tasks.drain(500 * MS);
        let probe = async {
            tokio::time::sleep(50 * MS).await;
            assert_eq!(idle.read(&mut [0; 1]).await.unwrap(), 0, "an idle connection is closed");
            call("/ready", "until it is closed").await
        };
        tokio::join!(drain, probe)
    };
    let (slow, endless, (drained, ready)) =
        tokio::join!(call("/slow", "until it is closed"), call("/endless", "until it is closed"), probing);
    assert!(slow.ends_with("done") && endless.ends_with("done"), "{slow} {endless}");
    assert!(ready.starts_with("HTTP/1.1 503") && ready.contains("connection: close"), "{ready}");
    assert_eq!(drained, Drained::Ended);
    assert_eq!(served.load(Ordering::Relaxed), 4);
    tokio::time::sleep(20 * MS).await;
    assert!(TcpStream::connect(address).await.is_err(), "after the drain nothing listens");
}

#[tokio::test]
async fn certificates_reload_for_new_connections_and_bad_ones_do_not() {
    let folder = tempfile::tempdir().unwrap();
    let files = CertificateFiles { chain: folder.path().join("chain.pem"), key: folder.path().join("key.pem") };
    let write = || {
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        std::fs::write(&files.chain, made.cert.pem()).unwrap();
        std::fs::write(&files.key, made.signing_key.serialize_pem()).unwrap();
        made.cert.pem().into_bytes()
    };
    let first = write();
    let certificate = Certificate::load(files.clone()).unwrap();
    let listener = Listener::bind("127.0.0.1:0".parse().unwrap(), Some(certificate.clone()), false).unwrap();
    let port = listener.local_address().port();
    listener.serve(path_and_peer, &Tasks::new());
    let trusts = async |pem: &[u8]| {
        use crate::upstream::{Deadlines, Egress, EgressConfig, Payload, PoolSettings, Trust, Upstream};
        let config = EgressConfig { trust: Trust::ExtraOnly, extra_ca: Some(pem.to_vec()), ..EgressConfig::default() };
        let upstream = Upstream::new(PoolSettings::default(), &Tasks::new());
        let request = Request::get(format!("https://localhost:{port}/")).body(Payload::Empty).unwrap();
        upstream.send(Box::new(request), &Egress::new(&config).unwrap(), &Deadlines::default()).await.is_ok()
    };
    assert!(trusts(&first).await);
    let second = write();
    certificate.reload().unwrap();
    assert!(trusts(&second).await && !trusts(&first).await);
    std::fs::write(&files.key, rcgen::KeyPair::generate().unwrap().serialize_pem()).unwrap();
    assert!(certificate.reload().is_err());
    assert!(trusts(&second).await);
}

#[tokio::test]
async fn an_address_in_use_is_explained() {
    let first = Listener::bind("127.0.0.1:0".parse().unwrap(), None, false).unwrap();
    let fault = Listener::bind(first.local_address(), None, false).unwrap_err();
    assert_eq!(fault.kind, tollgate_ir::FaultKind::ListenFailed);
    assert!(fault.public.contains("another process"), "{}", fault.public);
}
