//! Bodies of requests: compressed, far too large once they are not, large and pointless.

use std::io::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use tollgate_ir::Dialect;
use tollgate_testkit::{Script, ScriptedUpstream};

use crate::faces;
use crate::support::Gateway;

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 9).unwrap()
}

fn brotli(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut encoder = brotli::CompressorWriter::new(&mut out, 4096, 9, 22);
    encoder.write_all(bytes).unwrap();
    drop(encoder);
    out
}

#[tokio::test]
async fn tr35_compressed_bodies_are_read() {
    let upstream = ScriptedUpstream::always(Script::json(200, faces::whole(Dialect::OpenAiResponses))).await;
    let gateway = Gateway::before("openai-responses", &upstream.url("/v1"));
    let face = Dialect::OpenAiResponses;
    let plain = faces::body(face, "up/m", false);
    for (coding, bytes) in [
        ("zstd", zstd(plain.as_bytes())),
        ("gzip", gzip(plain.as_bytes())),
        ("x-gzip", gzip(plain.as_bytes())),
        ("br", brotli(plain.as_bytes())),
        ("identity", plain.clone().into_bytes()),
        ("gzip, zstd", zstd(&gzip(plain.as_bytes()))),
    ] {
        let before = upstream.requests().len();
        let answer = gateway.post("/v1/responses", &[("content-encoding", coding)], bytes).await;
        assert_eq!(answer.status, 200, "{coding}: {}", answer.text());
        let seen = &upstream.requests()[before];
        assert_eq!(seen.body, plain.replace("up/m", "m"), "{coding}");
        assert_eq!(seen.header("content-encoding"), None, "{coding}");
    }
    let answer = gateway.post("/v1/responses", &[("content-encoding", "rot13")], plain).await;
    assert_eq!(answer.status, 415);
    faces::error(face, &answer);
}

/// A gigabyte of spaces within JSON, as small as each coding can make it.
fn bombs() -> [(&'static str, Vec<u8>); 3] {
    let piece = vec![b' '; 1 << 20];
    let start: &[u8] = br#"{"input":""#;
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    let mut zs = zstd::Encoder::new(Vec::new(), 1).unwrap();
    let mut br = brotli::CompressorWriter::new(Vec::new(), 4096, 1, 22);
    gz.write_all(start).unwrap();
    zs.write_all(start).unwrap();
    br.write_all(start).unwrap();
    for _ in 0..200 {
        gz.write_all(&piece).unwrap();
        br.write_all(&piece).unwrap();
    }
    for _ in 0..1024 {
        zs.write_all(&piece).unwrap();
    }
    [("gzip", gz.finish().unwrap()), ("zstd", zs.finish().unwrap()), ("br", br.into_inner())]
}

#[tokio::test]
async fn tr35_a_bomb_is_refused_at_once_and_fills_no_memory() {
    let gateway = Gateway::start("providers: { up: { dialect: openai-chat, base_url: \"http://127.0.0.1:9\" } }");
    let bombs = bombs();
    // Warm, so that what a first call allocates is not counted.
    faces::ask(&gateway, Dialect::OpenAiChat, "nobody/m", false).await;
    for (coding, bomb) in bombs {
        let size = bomb.len();
        let resident = gateway.memory();
        let before = Instant::now();
        let answer = gateway.post("/v1/responses", &[("content-encoding", coding)], bomb).await;
        let took = before.elapsed();
        assert_eq!(answer.status, 413, "{coding} of {size} bytes: {}", answer.text());
        faces::error(Dialect::OpenAiResponses, &answer);
        // The bar is 100 ms of a release build on a free machine; a debug build decodes several times slower.
        assert!(took < Duration::from_secs(4), "{coding}: {took:?}");
        let grown = gateway.memory().saturating_sub(resident);
        assert!(grown < 80 << 20, "{coding}: {grown} bytes more");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pf06_large_bodies_for_no_model_are_refused_with_bounded_memory() {
    let upstream = ScriptedUpstream::always(Script::json(200, faces::whole(Dialect::OpenAiChat))).await;
    let gateway = Arc::new(Gateway::start(&format!(
        "limits: {{ bodies: 16MiB, body: 6MiB }}\nproviders: {{ up: {{ dialect: openai-chat, base_url: \"{}\" }} }}",
        upstream.url("/v1")
    )));
    faces::ask(&gateway, Dialect::OpenAiChat, "up/m", false).await;
    let resident = gateway.memory();
    let filler = "x".repeat(5 << 20);
    for place in ["first", "last"] {
        let messages = format!(r#""messages":[{{"role":"user","content":"{filler}"}}]"#);
        let body = Bytes::from(match place {
            "first" => format!(r#"{{"model":"nobody/m",{messages}}}"#),
            _ => format!(r#"{{{messages},"model":"nobody/m"}}"#),
        });
        let mut calls = tokio::task::JoinSet::new();
        for _ in 0..24 {
            let (gateway, body) = (Arc::clone(&gateway), body.clone());
            calls.spawn(async move { gateway.post("/v1/chat/completions", &[], body).await });
        }
        let mut peak = 0;
        while !calls.is_empty() {
            tokio::select! {
                Some(answer) = calls.join_next() => {
                    let answer = answer.unwrap();
                    // Where the model comes last the whole body has to wait for memory, and may be sent away.
                    let busy = place == "last" && answer.status == 503;
                    assert!(answer.status == 404 || busy, "{place}: {} {}", answer.status, answer.text());
                    faces::error(Dialect::OpenAiChat, &answer);
                }
                () = tokio::time::sleep(Duration::from_millis(20)) => peak = peak.max(gateway.memory()),
            }
        }
        let grown = peak.saturating_sub(resident);
        assert!(grown < 64 << 20, "{place}: {grown} bytes more");
        let small = faces::ask(&gateway, Dialect::OpenAiChat, "up/m", false).await;
        assert_eq!(small.status, 200, "others are served on: {}", small.text());
    }
}

#[tokio::test]
async fn pf06_a_body_over_the_limit_is_refused_before_it_is_read() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let gateway = Gateway::start(
        "limits: { body: 1MiB }\nproviders: { up: { dialect: openai-chat, base_url: \"http://127.0.0.1:9\" } }",
    );
    for face in faces::ALL {
        let mut tcp = tokio::net::TcpStream::connect(gateway.binary.address).await.unwrap();
        let path = faces::path(face, "up/m", false);
        let head = format!("POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-length: 50000000\r\n\r\n");
        tcp.write_all(head.as_bytes()).await.unwrap();
        let mut reply = [0; 12];
        let read = tokio::time::timeout(Duration::from_secs(2), tcp.read_exact(&mut reply)).await;
        read.expect("an answer though nothing of the body was sent").unwrap();
        assert_eq!(&reply, b"HTTP/1.1 413", "{face:?}");
    }
    // Without a length it is refused as soon as it is over.
    let filler = format!(r#"{{"model":"up/m","messages":"{}"}}"#, "x".repeat(2 << 20));
    let answer = gateway.post("/v1/chat/completions", &[("content-encoding", "gzip")], gzip(filler.as_bytes())).await;
    assert_eq!(answer.status, 413, "{}", answer.text());
}
