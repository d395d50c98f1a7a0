//! Realtime sessions through the gateway: the handshake, bytes both ways, the end of either side.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::support::{Gateway, until};

/// A provider that takes websockets of one model, answers in capitals, and hangs up after `bye`.
struct Host {
    port: u16,
    heads: Arc<Mutex<Vec<String>>>,
    open: Arc<Mutex<i32>>,
}

async fn head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    String::from_utf8(head).unwrap()
}

impl Host {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let host = Self { port: listener.local_addr().unwrap().port(), heads: Arc::default(), open: Arc::default() };
        let (heads, open) = (Arc::clone(&host.heads), Arc::clone(&host.open));
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let (heads, open) = (Arc::clone(&heads), Arc::clone(&open));
                tokio::spawn(async move {
                    let head = head(&mut stream).await;
                    heads.lock().unwrap().push(head.clone());
                    if head.contains("model=refused") {
                        let body = r#"{"error":{"message":"No such model","code":"model_not_found"}}"#;
                        let answer = format!(
                            "HTTP/1.1 404 Not Found\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
                            body.len()
                        );
                        return stream.write_all(answer.as_bytes()).await.unwrap();
                    }
                    let switch = "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-accept: abc=\r\n\r\n";
                    stream.write_all(switch.as_bytes()).await.unwrap();
                    *open.lock().unwrap() += 1;
                    let mut piece = [0; 1024];
                    while let Ok(read @ 1..) = stream.read(&mut piece).await {
                        let said = piece[..read].to_ascii_uppercase();
                        if stream.write_all(&said).await.is_err() || said.ends_with(b"BYE") {
                            break;
                        }
                    }
                    *open.lock().unwrap() -= 1;
                });
            }
        });
        host
    }

    fn gateway(&self) -> Gateway {
        Gateway::start(&format!(
            "providers:\n  openai: {{ api_key: up, base_url: \"http://127.0.0.1:{0}/v1\" }}\n  google: {{ api_key: up, base_url: \"http://127.0.0.1:{0}/v1beta\" }}\n  \
             anthropic: {{ api_key: up }}\n\
             models: {{ voice: {{ fallback: [ openai/refused, openai/gpt-realtime ] }} }}\n\
             keys: [ {{ name: all, key: ours }}, {{ name: few, key: less, models: [ openai/gpt-5 ] }} ]\nadmin: {{ keys: [ op ] }}",
            self.port
        ))
    }
}

/// A handshake by a client; the answer's head, and the stream.
async fn open(gateway: &Gateway, target: &str, key: &str) -> (String, TcpStream) {
    let mut stream = TcpStream::connect(gateway.binary.address).await.unwrap();
    let asked = format!(
        "GET {target} HTTP/1.1\r\nhost: localhost\r\nconnection: keep-alive, Upgrade\r\nupgrade: websocket\r\nsec-websocket-key: xyz\r\n\
         sec-websocket-version: 13\r\nsec-websocket-protocol: realtime, openai-insecure-api-key.{key}\r\nopenai-beta: realtime=v1\r\ncookie: c=1\r\n\
         authorization: Bearer {key}\r\n\r\n"
    );
    stream.write_all(asked.as_bytes()).await.unwrap();
    (head(&mut stream).await, stream)
}

async fn said(stream: &mut TcpStream, bytes: usize) -> String {
    let mut all = vec![0; bytes];
    stream.read_exact(&mut all).await.unwrap();
    String::from_utf8(all).unwrap()
}

/// The record of the session whose answer this is.
async fn record(gateway: &Gateway, answer: &str) -> String {
    let id = answer.lines().find_map(|line| line.strip_prefix("x-tollgate-request-id: ")).unwrap().to_owned();
    let path = format!("/api/v1/calls/{id}");
    let mut found = String::new();
    until("the session is recorded", async || {
        let answer = gateway.get(&path, &[("authorization", "Bearer op")]).await;
        found = answer.text();
        answer.status == 200
    })
    .await;
    found
}

#[tokio::test]
async fn a_session_is_a_tunnel_to_the_model_that_is_named() {
    let host = Host::start().await;
    let gateway = host.gateway();
    for (asked, sent) in [
        ("/v1/realtime?model=openai/gpt-realtime&intent=x", "GET /v1/realtime?model=gpt-realtime&intent=x HTTP/1.1"),
        ("/openai/v1/realtime?model=openai%2Fgpt-realtime", "GET /v1/realtime?model=gpt-realtime HTTP/1.1"),
        ("/v1/realtime?model=voice", "GET /v1/realtime?model=gpt-realtime HTTP/1.1"),
        (
            "/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent?key=ours",
            "GET /ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent HTTP/1.1",
        ),
    ] {
        let (answer, mut stream) = open(&gateway, asked, "ours").await;
        assert!(answer.starts_with("HTTP/1.1 101 "), "{asked}: {answer}");
        assert!(answer.contains("sec-websocket-accept: abc="), "{answer}");
        let seen = host.heads.lock().unwrap().last().unwrap().clone();
        assert!(seen.starts_with(sent), "{asked}: {seen}");
        for kept in ["sec-websocket-key: xyz", "sec-websocket-protocol: realtime\r\n", "upgrade: websocket"] {
            assert!(seen.contains(kept), "{kept} in {seen}");
        }
        let credential = if asked.starts_with("/ws") { "x-goog-api-key: up" } else { "authorization: Bearer up" };
        assert!(seen.contains(credential) && !seen.contains("ours") && !seen.contains("cookie"), "{seen}");
        for _ in 0..2 {
            stream.write_all(b"hello").await.unwrap();
            assert_eq!(said(&mut stream, 5).await, "HELLO", "{asked}");
        }
        assert_eq!(*host.open.lock().unwrap(), 1);
        drop(stream);
        until("the provider is left", async || *host.open.lock().unwrap() == 0).await;
        let record = record(&gateway, &answer).await;
        for part in [
            r#""operation":"realtime""#,
            r#""bytes_up":10"#,
            r#""bytes_down":10"#,
            r#""end":"done""#,
            r#""status":101"#,
        ] {
            assert!(record.contains(part), "{asked}: {part} in {record}");
        }
    }
}

#[tokio::test]
async fn a_provider_that_hangs_up_ends_the_session() {
    let host = Host::start().await;
    let gateway = host.gateway();
    let (answer, mut stream) = open(&gateway, "/v1/realtime?model=openai/gpt-realtime", "ours").await;
    stream.write_all(b"bye").await.unwrap();
    assert_eq!(said(&mut stream, 3).await, "BYE");
    assert_eq!(stream.read(&mut [0; 8]).await.unwrap(), 0, "the end of one side is the other's");
    assert!(record(&gateway, &answer).await.contains(r#""bytes_down":3"#));
}

#[tokio::test]
async fn who_may_not_or_asks_wrong_is_told_before_any_session() {
    let host = Host::start().await;
    let gateway = host.gateway();
    for (asked, key, status, words) in [
        ("/v1/realtime?model=openai/gpt-realtime", "wrong", 401, ""),
        ("/v1/realtime?model=openai/gpt-realtime", "less", 403, "may not use"),
        ("/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent", "less", 403, "google/*"),
        ("/v1/realtime", "ours", 400, "model"),
        ("/v1/realtime?model=nobody/m", "ours", 404, "does not exist"),
        ("/v1/realtime?model=anthropic/claude-sonnet-5", "ours", 501, "does not offer"),
        ("/v1/realtime?model=openai/refused", "ours", 404, "No such model"),
    ] {
        let (answer, mut stream) = open(&gateway, asked, key).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{asked}: {answer}");
        let length = answer.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap().parse().unwrap();
        let body = said(&mut stream, length).await;
        assert!(body.contains(words), "{asked}: {body}");
    }
    let plain = gateway.get("/v1/realtime?model=openai/gpt-realtime", &[("authorization", "Bearer ours")]).await;
    assert_eq!(plain.status, 400, "{}", plain.text());
    assert!(plain.text().contains("upgrade: websocket"), "{}", plain.text());
    assert_eq!(*host.open.lock().unwrap(), 0);
}
