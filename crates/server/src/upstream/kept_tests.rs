//! Connections under TLS that are kept: resumed, shared within the provider's limit, made ahead of calls.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use rcgen::ExtendedKeyUsagePurpose;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use rustls::{HandshakeKind, ServerConfig};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::tests::Client;
use super::tls_tests::Authority;
use super::*;
use crate::tasks::{HyperExecutor, Tasks};

/// A server's side with a certificate for localhost.
fn server(authority: &Authority, protocol: &[u8]) -> TlsAcceptor {
    let identity = authority.issue("localhost", ExtendedKeyUsagePurpose::ServerAuth);
    let mut config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            tls_chain(&identity.chain, "test").unwrap(),
            PrivateKeyDer::from_pem_slice(&identity.key).unwrap(),
        )
        .unwrap();
    config.alpn_protocols.push(protocol.to_vec());
    TlsAcceptor::from(Arc::new(config))
}

/// Answers one call a connection, and keeps how each connection shook hands.
async fn forgetful(authority: &Authority, tasks: &Tasks) -> (u16, Arc<Mutex<Vec<HandshakeKind>>>) {
    let acceptor = server(authority, b"http/1.1");
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let kinds = Arc::clone(&seen);
    tasks.background("forgetful", async move {
        while let Ok((tcp, _)) = listener.accept().await {
            let Ok(mut stream) = acceptor.accept(tcp).await else { continue };
            kinds.lock().unwrap().push(stream.get_ref().1.handshake_kind().unwrap());
            let _ = stream.read(&mut [0; 4096]).await;
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\n{}").await;
            let _ = stream.shutdown().await;
        }
    });
    (port, seen)
}

#[tokio::test]
async fn the_next_connection_goes_on_with_the_last_ones_session() {
    let (authority, tasks) = (Authority::new(), Tasks::new());
    let (port, seen) = forgetful(&authority, &tasks).await;
    let client = Client::with(&authority.trusted());
    for _ in 0..3 {
        assert_eq!(client.text(&format!("https://localhost:{port}/")).await.unwrap(), "{}");
    }
    assert_eq!(client.upstream.stats().opened, 3);
    assert_eq!(*seen.lock().unwrap(), [HandshakeKind::Full, HandshakeKind::Resumed, HandshakeKind::Resumed]);
}

/// Over HTTP/2, with so many streams a connection; answers take longer than the test needs to ask. Counts connections.
async fn narrow(authority: &Authority, streams: u32, tasks: &Tasks) -> (u16, Arc<AtomicUsize>) {
    let acceptor = server(authority, b"h2");
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let connections = Arc::new(AtomicUsize::new(0));
    let (count, spawner) = (Arc::clone(&connections), tasks.clone());
    tasks.background("narrow", async move {
        while let Ok((tcp, _)) = listener.accept().await {
            let Ok(stream) = acceptor.accept(tcp).await else { continue };
            count.fetch_add(1, Ordering::Relaxed);
            let executor = HyperExecutor { tasks: spawner.clone(), name: "narrow-stream" };
            let service = service_fn(|_: Request<Incoming>| async {
                tokio::time::sleep(Duration::from_secs(3)).await;
                Ok::<_, std::convert::Infallible>(Response::new(Full::new(Bytes::from_static(b"{}"))))
            });
            let serving = hyper::server::conn::http2::Builder::new(executor)
                .timer(TokioTimer::new())
                .max_concurrent_streams(streams)
                .serve_connection(TokioIo::new(stream), service);
            spawner.background("narrow-connection", async move { drop(serving.await) });
        }
    });
    (port, connections)
}

#[tokio::test]
async fn streams_share_a_connection_up_to_the_providers_limit() {
    let (authority, tasks) = (Authority::new(), Tasks::new());
    let (port, connections) = narrow(&authority, 4, &tasks).await;
    let client = Arc::new(Client::with(&authority.trusted()));
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..12 {
        let client = Arc::clone(&client);
        calls.spawn(async move { client.text(&format!("https://localhost:{port}/")).await });
        // A new connection's limit is known a moment after it is made.
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    while let Some(done) = calls.join_next().await {
        assert_eq!(done.unwrap().unwrap(), "{}");
    }
    // Four each: no stream waits for another to end, and no connection is made without need.
    assert_eq!(connections.load(Ordering::Relaxed), 3);
}

#[tokio::test]
async fn a_warm_connection_is_the_first_calls() {
    let (authority, tasks) = (Authority::new(), Tasks::new());
    for protocol in [&b"h2"[..], b"http/1.1"] {
        let address: SocketAddr = super::tls_tests::serve(&authority, &tasks);
        let config = EgressConfig { http2: protocol == b"h2", ..authority.trusted() };
        let client = Client::with(&config);
        let url = format!("https://localhost:{}/path", address.port());
        for _ in 0..2 {
            client.upstream.warm(&url.parse().unwrap(), &client.egress, Duration::from_secs(5)).await.unwrap();
        }
        assert_eq!(client.upstream.stats().opened, 1);
        assert!(client.text(&url).await.unwrap().ends_with(" /path"));
        assert_eq!((client.upstream.stats().opened, client.upstream.stats().reused), (1, 1));
    }
    let client = Client::with(&authority.trusted());
    let nobody = "https://localhost:1/".parse().unwrap();
    assert!(client.upstream.warm(&nobody, &client.egress, Duration::from_secs(5)).await.is_err());
}
