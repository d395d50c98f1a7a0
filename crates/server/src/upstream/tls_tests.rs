use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose, IsCa, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tollgate_ir::FaultKind;
use tollgate_testkit::{Script, ScriptedUpstream};

use super::tests::Client;
use super::*;
use crate::listen::{Certificate, CertificateFiles, Listener, Peer};
use crate::tasks::Tasks;

/// A certificate authority and what it issued, PEM.
pub(super) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

impl Authority {
    pub(super) fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self { issuer: CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap() }
    }

    fn pem(&self) -> Vec<u8> {
        self.issuer.pem().into_bytes()
    }

    pub(super) fn issue(&self, name: &str, usage: ExtendedKeyUsagePurpose) -> ClientIdentity {
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.extended_key_usages.push(usage);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        ClientIdentity { chain: certificate.pem().into_bytes(), key: key.serialize_pem().into_bytes() }
    }

    pub(super) fn trusted(&self) -> EgressConfig {
        EgressConfig { trust: Trust::ExtraOnly, extra_ca: Some(self.pem()), ..EgressConfig::default() }
    }
}

/// Our own listener, with a certificate for localhost, that says which protocol was spoken.
pub(super) fn serve(authority: &Authority, tasks: &Tasks) -> SocketAddr {
    let folder = tempfile::tempdir().unwrap();
    let identity = authority.issue("localhost", ExtendedKeyUsagePurpose::ServerAuth);
    let files = CertificateFiles { chain: folder.path().join("chain.pem"), key: folder.path().join("key.pem") };
    std::fs::write(&files.chain, &identity.chain).unwrap();
    std::fs::write(&files.key, &identity.key).unwrap();
    let listener =
        Listener::bind("127.0.0.1:0".parse().unwrap(), Some(Certificate::load(files).unwrap()), false).unwrap();
    let address = listener.local_address();
    let service = |request: Request<Incoming>, _: Peer| async move {
        tokio::time::sleep(Duration::from_millis(50)).await;
        Response::new(Full::new(Bytes::from(format!("{:?} {}", request.version(), request.uri().path()))))
    };
    listener.serve(service, tasks);
    address
}

#[tokio::test]
async fn h2_by_alpn_is_shared_and_h1_if_we_do_not_offer_it() {
    let (authority, tasks) = (Authority::new(), Tasks::new());
    let url = format!("https://localhost:{}/path", serve(&authority, &tasks).port());
    let client = Client::with(&authority.trusted());
    assert_eq!(client.text(&url).await.unwrap(), "HTTP/2.0 /path");
    let (a, b, c) = tokio::join!(client.text(&url), client.text(&url), client.text(&url));
    assert_eq!([a.unwrap(), b.unwrap(), c.unwrap()], ["HTTP/2.0 /path"; 3]);
    assert_eq!(client.upstream.stats().opened, 1);
    // A dropped call resets its stream and leaves the connection.
    assert!(tokio::time::timeout(Duration::from_millis(10), client.text(&url)).await.is_err());
    assert_eq!(client.text(&url).await.unwrap(), "HTTP/2.0 /path");
    assert_eq!(client.upstream.stats().opened, 1);

    let plain = Client::with(&EgressConfig { http2: false, ..authority.trusted() });
    for _ in 0..2 {
        assert_eq!(plain.text(&url).await.unwrap(), "HTTP/1.1 /path");
    }
    assert_eq!(plain.upstream.stats().opened, 1);
}

#[tokio::test]
async fn strangers_are_not_trusted() {
    let (authority, tasks) = (Authority::new(), Tasks::new());
    let port = serve(&authority, &tasks).port();
    for (client, url) in [
        (Client::new(), format!("https://localhost:{port}/")),
        (Client::with(&Authority::new().trusted()), format!("https://localhost:{port}/")),
        (Client::with(&authority.trusted()), format!("https://127.0.0.1:{port}/")),
    ] {
        let fault = client.text(&url).await.unwrap_err();
        assert_eq!(fault.kind, FaultKind::ProviderUnreachable);
        assert!(fault.detail.as_deref().unwrap().starts_with("tls: "), "{fault}");
    }
}

/// A TLS server that wants a certificate of its clients and tells who came.
async fn mutual(authority: &Authority) -> SocketAddr {
    let identity = authority.issue("localhost", ExtendedKeyUsagePurpose::ServerAuth);
    let mut roots = rustls::RootCertStore::empty();
    roots.add(authority.issuer.der().clone()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let verifier =
        rustls::server::WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone()).build().unwrap();
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(verifier)
        .with_single_cert(
            tls_chain(&identity.chain, "test").unwrap(),
            PrivateKeyDer::from_pem_slice(&identity.key).unwrap(),
        )
        .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    Tasks::new().background("mutual", async move {
        while let Ok((tcp, _)) = listener.accept().await {
            let Ok(mut stream) = acceptor.accept(tcp).await else { continue };
            let known = stream.get_ref().1.peer_certificates().map_or(0, <[_]>::len);
            let _ = stream.read(&mut [0; 4096]).await;
            let reply = format!("HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n{known}");
            let _ = stream.write_all(reply.as_bytes()).await;
        }
    });
    address
}

#[tokio::test]
async fn a_client_certificate_is_shown_where_it_is_configured() {
    let authority = Authority::new();
    let url = format!("https://localhost:{}/", mutual(&authority).await.port());
    let identity = authority.issue("gateway", ExtendedKeyUsagePurpose::ClientAuth);
    let known = Client::with(&EgressConfig { identity: Some(identity.clone()), ..authority.trusted() });
    assert_eq!(known.text(&url).await.unwrap(), "1");
    assert!(Client::with(&authority.trusted()).text(&url).await.is_err());
    let other = authority.issue("other", ExtendedKeyUsagePurpose::ClientAuth);
    let mixed = ClientIdentity { chain: identity.chain, key: other.key };
    let fault = Egress::new(&EgressConfig { identity: Some(mixed), ..EgressConfig::default() }).unwrap_err();
    assert_eq!(fault.kind, FaultKind::ConfigInvalid);
    let empty = EgressConfig { extra_ca: Some(b"no pem".to_vec()), ..EgressConfig::default() };
    assert_eq!(Egress::new(&empty).unwrap_err().kind, FaultKind::ConfigInvalid);
}

/// A proxy that tunnels, or refuses, and keeps what it was asked.
async fn connect_proxy(refuse: bool) -> (SocketAddr, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let asked = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&asked);
    Tasks::new().background("proxy", async move {
        while let Ok((mut tcp, _)) = listener.accept().await {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") && tcp.read_buf(&mut head).await.unwrap_or(0) > 0 {}
            let head = String::from_utf8(head).unwrap();
            let target = head.split(' ').nth(1).unwrap_or_default().to_owned();
            log.lock().unwrap().push(head);
            if refuse {
                let _ = tcp.write_all(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n").await;
                continue;
            }
            let mut upstream = TcpStream::connect(target).await.unwrap();
            let _ = tcp.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await;
            Tasks::new().background("tunnel", async move {
                let _ = copy_bidirectional(&mut tcp, &mut upstream).await;
            });
        }
    });
    (address, asked)
}

#[tokio::test]
async fn https_goes_through_a_tunnel_and_http_is_forwarded() {
    let (authority, tasks) = (Authority::new(), Tasks::new());
    let port = serve(&authority, &tasks).port();
    let (proxy, asked) = connect_proxy(false).await;
    let https_proxy = Some(format!("http://user:pa%20ss@{proxy}"));
    let client = Client::with(&EgressConfig { https_proxy: https_proxy.clone(), ..authority.trusted() });
    for _ in 0..2 {
        assert_eq!(client.text(&format!("https://localhost:{port}/x")).await.unwrap(), "HTTP/2.0 /x");
    }
    let asked = asked.lock().unwrap().clone();
    assert_eq!(asked.len(), 1);
    assert!(asked[0].starts_with(&format!("CONNECT localhost:{port} HTTP/1.1\r\n")), "{}", asked[0]);
    assert!(asked[0].contains(&format!("Proxy-Authorization: Basic {}\r\n", STANDARD.encode("user:pa ss"))));
    let except = EgressConfig { https_proxy, no_proxy: "localhost".to_owned(), ..authority.trusted() };
    assert_eq!(Client::with(&except).text(&format!("https://localhost:{port}/x")).await.unwrap(), "HTTP/2.0 /x");

    let (refusing, _) = connect_proxy(true).await;
    let refused = Client::with(&EgressConfig { https_proxy: Some(refusing.to_string()), ..authority.trusted() });
    let fault = refused.text(&format!("https://localhost:{port}/x")).await.unwrap_err();
    assert!(fault.detail.as_deref().unwrap().starts_with("proxy: "), "{fault}");

    let forwarding = ScriptedUpstream::always(Script::json(200, "{}")).await;
    let http_proxy = Some(format!("http://u:p@{}", forwarding.address()));
    let client = Client::with(&EgressConfig { http_proxy, ..EgressConfig::default() });
    client.text("http://provider.invalid/v1/x?y").await.unwrap();
    let request = &forwarding.requests()[0];
    assert_eq!(request.target, "http://provider.invalid/v1/x?y");
    assert_eq!(request.header("host"), Some("provider.invalid"));
    assert_eq!(request.header("proxy-authorization"), Some(format!("Basic {}", STANDARD.encode("u:p")).as_str()));
}
