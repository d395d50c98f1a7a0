//! Media by address, through the real binary, on a network of our own: a namespace in which a public address, a private
//! one and the name server are all this test's. The gateway runs as it is, without a seam for tests; where the system
//! grants no namespaces, what is left are the fetcher's own tests (`server/src/media/tests.rs`).

use std::net::SocketAddr;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tollgate_ir::Dialect;
use tollgate_testkit::{Script, ScriptedUpstream};

use crate::faces;
use crate::support::Gateway;

const INSIDE: &str = "TOLLGATE_TEST_NAMESPACE";
const PUBLIC: [u8; 4] = [93, 184, 215, 14];
const PRIVATE: [u8; 4] = [10, 9, 8, 7];
const PNG: &[u8] = b"\x89PNG\r\n\x1a\npixels";
const MIB: usize = 1 << 20;

/// Runs a command in namespaces of its own, with both addresses and the name server of this test.
fn inside(resolver: &std::path::Path) -> Command {
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-root-user", "--net", "--mount", "sh", "-c"]);
    command.arg(
        r#"ip link set lo up && ip addr add 93.184.215.14/32 dev lo && ip addr add 10.9.8.7/32 dev lo && mount --bind "$1" /etc/resolv.conf && shift && exec "$@""#,
    );
    command.arg("sh").arg(resolver);
    command
}

#[test]
fn se06_redirects_rebinding_bombs_and_drips_through_the_binary() {
    if std::env::var_os(INSIDE).is_some() {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        return runtime.block_on(se06());
    }
    let folder = tempfile::tempdir().unwrap();
    let resolver = folder.path().join("resolv.conf");
    std::fs::write(&resolver, "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n").unwrap();
    if !inside(&resolver).arg("true").output().is_ok_and(|probe| probe.status.success()) {
        println!("skipped: this system grants no user and network namespaces");
        return;
    }
    let mut again = inside(&resolver);
    again.arg(std::env::current_exe().unwrap()).args(["--exact", "--nocapture"]);
    again.arg("media::se06_redirects_rebinding_bombs_and_drips_through_the_binary");
    let ran = again.env(INSIDE, "1").output().unwrap();
    let said = String::from_utf8_lossy(&ran.stdout).into_owned() + &String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success() && said.contains("1 passed"), "{said}");
}

async fn se06() {
    names().await;
    let canary = TcpListener::bind(SocketAddr::from((PRIVATE, 0))).await.unwrap();
    let secret = canary.local_addr().unwrap().port();
    let sent = Arc::new(AtomicUsize::new(0));
    let media = media_server(secret, Arc::clone(&sent)).await;
    let upstream = ScriptedUpstream::always(Script::json(200, faces::whole(Dialect::Bedrock))).await;
    let gateway = Gateway::before("bedrock", &upstream.url(""));
    let ask = async |url: String| {
        let body = format!(
            r#"{{"model":"up/m","messages":[{{"role":"user","content":[{{"type":"image_url","image_url":{{"url":"{url}"}}}}]}}]}}"#
        );
        let before = Instant::now();
        let answer = gateway.post("/v1/chat/completions", &[], body).await;
        (answer, before.elapsed())
    };
    // What is public is fetched, also over a redirect: the refusals below are no accident of this network.
    for path in ["a.png", "moved"] {
        let (answer, _) = ask(format!("http://safe.test:{media}/{path}")).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
    }
    assert!(String::from_utf8_lossy(&upstream.requests()[1].body).contains("iVBORw0KGgpwaXhlbHM="));
    let asked = upstream.requests().len();
    for (url, most) in [
        (format!("http://inside.test:{secret}/"), 2),
        (format!("http://both.test:{secret}/"), 2),
        (format!("http://safe.test:{media}/to-address"), 2),
        (format!("http://safe.test:{media}/to-name"), 2),
        (format!("http://safe.test:{media}/to-file"), 2),
        (format!("http://safe.test:{media}/loop"), 2),
        // Public when it is looked at, private when it is asked for again: it is not asked for again.
        (format!("http://rebind-1.test:{secret}/"), 2),
        // The same between a redirect and its target.
        (format!("http://rebind-2.test:{media}/to-myself"), 2),
        (format!("http://safe.test:{media}/said"), 2),
        (format!("http://safe.test:{media}/unsaid"), 8),
        (format!("http://safe.test:{media}/drip"), 13),
    ] {
        let before = sent.load(Ordering::Relaxed);
        let (answer, took) = ask(url.clone()).await;
        assert_eq!(answer.status, 400, "{url}: {}", answer.text());
        faces::error(Dialect::OpenAiChat, &answer);
        assert!(took < Duration::from_secs(most), "{url}: {took:?}");
        let read = sent.load(Ordering::Relaxed) - before;
        // What sockets hold on the way was sent, too, and not read.
        assert!(read < 20 * MIB + 8 * MIB, "{url}: {read} bytes");
    }
    assert_eq!(upstream.requests().len(), asked);
    let connected = tokio::time::timeout(Duration::from_millis(50), canary.accept()).await;
    assert!(connected.is_err(), "the private address was connected to");
}

/// Serves names: `safe` is public, `inside` private, `both` both, `rebind-…` public once and private ever after.
async fn names() {
    let socket = UdpSocket::bind("127.0.0.1:53").await.unwrap();
    tokio::spawn(async move {
        let (mut query, mut seen) = ([0; 512], std::collections::HashSet::new());
        while let Ok((length, from)) = socket.recv_from(&mut query).await {
            let question = &query[12..length];
            let end = question.iter().position(|byte| *byte == 0).unwrap();
            let name = String::from_utf8_lossy(&question[1..end]).into_owned();
            let is_a = question[end + 1..end + 3] == [0, 1];
            let addresses: &[[u8; 4]] = match name.split('\u{4}').next().unwrap() {
                _ if !is_a => &[],
                "safe" => &[PUBLIC],
                "both" => &[PUBLIC, PRIVATE],
                rebind if rebind.starts_with("rebind") && seen.insert(rebind.to_owned()) => &[PUBLIC],
                _ => &[PRIVATE],
            };
            let mut answer = query[..2].to_vec();
            answer.extend([0x81, 0x80, 0, 1, 0, u8::try_from(addresses.len()).unwrap(), 0, 0, 0, 0]);
            answer.extend(&question[..end + 5]);
            for address in addresses {
                answer.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4]);
                answer.extend(address);
            }
            socket.send_to(&answer, from).await.unwrap();
        }
    });
}

/// Media at the public address; counts what it has sent.
async fn media_server(secret: u16, sent: Arc<AtomicUsize>) -> u16 {
    let listener = TcpListener::bind(SocketAddr::from((PUBLIC, 0))).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((tcp, _)) = listener.accept().await {
            tokio::spawn(serve(tcp, port, secret, Arc::clone(&sent)));
        }
    });
    port
}

async fn serve(mut tcp: TcpStream, port: u16, secret: u16, sent: Arc<AtomicUsize>) -> std::io::Result<()> {
    let mut head = [0; 2048];
    let length = tcp.read(&mut head).await?;
    let head = String::from_utf8_lossy(&head[..length]).into_owned();
    let path = head.split(' ').nth(1).unwrap_or("/").to_owned();
    let found = |to: String| format!("HTTP/1.1 302 Found\r\nlocation: {to}\r\ncontent-length: 0\r\n\r\n");
    let image = |more: &str| format!("HTTP/1.1 200 OK\r\ncontent-type: image/png\r\n{more}\r\n");
    let (answer, pause) = match path.as_str() {
        "/moved" => (found("/a.png".into()), None),
        "/to-address" => (found(format!("http://10.9.8.7:{secret}/")), None),
        "/to-name" => (found(format!("http://inside.test:{secret}/")), None),
        "/to-file" => (found("file:///etc/passwd".into()), None),
        "/to-myself" => (found(format!("http://rebind-2.test:{secret}/")), None),
        "/loop" => (found(format!("http://safe.test:{port}/loop")), None),
        "/said" => (image("content-length: 1073741824\r\n"), Some(Duration::ZERO)),
        "/unsaid" => (image("connection: close\r\n"), Some(Duration::ZERO)),
        "/drip" => (image("content-length: 1000\r\n"), Some(Duration::from_millis(200))),
        _ => (image(&format!("content-length: {}\r\n", PNG.len())) + "\u{0}", None),
    };
    match answer.strip_suffix('\u{0}') {
        Some(head) => tcp.write_all(&[head.as_bytes(), PNG].concat()).await?,
        None => tcp.write_all(answer.as_bytes()).await?,
    }
    let Some(pause) = pause else { return Ok(()) };
    let piece = if pause.is_zero() { vec![0; 64 * 1024] } else { vec![0; 1] };
    for _ in 0..1 << 14 {
        tcp.write_all(&piece).await?;
        sent.fetch_add(piece.len(), Ordering::Relaxed);
        tokio::time::sleep(pause).await;
    }
    Ok(())
}
