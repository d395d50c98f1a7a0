//! What operators do: check, start, change and stop, while calls go on.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use http::{Method, Request};
use http_body_util::{BodyExt, Empty};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_rustls::rustls::{ClientConfig, RootCertStore, pki_types::ServerName};
use tollgate_ir::Dialect;
use tollgate_testkit::{Script, ScriptedUpstream, Step};

use crate::faces::{self, Spoken};
use crate::support::{Gateway, TOLLGATE, nobody, run, until};

/// Four clients that call until told to stop. Each of their calls must be answered.
fn load(gateway: &Arc<Gateway>, stop: &Arc<AtomicBool>, done: &Arc<AtomicUsize>) -> JoinSet<()> {
    let mut load = JoinSet::new();
    for _ in 0..4 {
        let (gateway, stop, done) = (Arc::clone(gateway), Arc::clone(stop), Arc::clone(done));
        load.spawn(async move {
            while !stop.load(Ordering::Relaxed) {
                let answer = faces::ask(&gateway, Dialect::OpenAiChat, "up/m", false).await;
                assert_eq!(answer.status, 200, "{}", answer.text());
                done.fetch_add(1, Ordering::Relaxed);
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        });
    }
    load
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dp01_a_changed_file_is_in_force_without_a_dropped_call() {
    let spoken = Spoken::of(Dialect::OpenAiChat);
    let slow = spoken.all().paced(Duration::from_millis(300));
    let upstream =
        ScriptedUpstream::choosing(move |request| match request.body.windows(13).any(|w| w == br#""stream":true"#) {
            true => slow.clone(),
            false => Script::json(200, faces::whole(Dialect::OpenAiChat)),
        })
        .await;
    let folder = tempfile::tempdir().unwrap();
    let secret = folder.path().join("key");
    std::fs::write(&secret, "first-key").unwrap();
    let config = |models: &str| {
        format!(
            "server: {{ listen: \"{{listen}}\" }}\nproviders: {{ up: {{ dialect: openai-chat, base_url: \"{}\", api_key: \"${{file:{}}}\" }} }}\nmodels: {{ {models} }}\n",
            upstream.url("/v1"),
            secret.display()
        )
    };
    let gateway = Arc::new(Gateway::start_in(folder, &config("old: up/m"), &[]));
    let (stop, done) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let load = load(&gateway, &stop, &done);
    let mut streams = JoinSet::new();
    for _ in 0..20 {
        let gateway = Arc::clone(&gateway);
        streams.spawn(async move { faces::ask(&gateway, Dialect::OpenAiChat, "old", true).await });
    }
    upstream.until(|r| r.iter().filter(|r| r.body.windows(13).any(|w| w == br#""stream":true"#)).count() == 20).await;
    gateway.rewrite(&config("new: up/m"));
    let changed = Instant::now();
    until("the new model is served", async || {
        faces::ask(&gateway, Dialect::OpenAiChat, "new", false).await.status == 200
    })
    .await;
    assert!(changed.elapsed() < Duration::from_secs(5));
    assert_eq!(faces::ask(&gateway, Dialect::OpenAiChat, "old", false).await.status, 404);
    for answer in streams.join_all().await {
        let heard = faces::hear(Dialect::OpenAiChat, &answer);
        assert_eq!(
            (heard.text.as_str(), heard.complete),
            ("Hello there", true),
            "running calls keep what they began with"
        );
    }

    gateway.rewrite(&config("new: up/m, other: { fallbak: [up/m] }"));
    until("the invalid file is reported", async || gateway.binary.printed().contains("fallbak")).await;
    let log = gateway.binary.printed();
    assert!(log.contains("tollgate.yaml:3:") && log.contains("`fallback`"), "line and nearest key: {log}");
    assert_eq!(faces::ask(&gateway, Dialect::OpenAiChat, "new", false).await.status, 200, "the old one stays in force");
    let refused = gateway.post("/api/v1/reload", &[], "").await;
    assert!(refused.status == 400 && refused.text().contains("fallbak"), "{}", refused.text());

    gateway.rewrite(&config("newer: up/m"));
    until("the repaired file is in force", async || {
        faces::ask(&gateway, Dialect::OpenAiChat, "newer", false).await.status == 200
    })
    .await;
    std::fs::write(&secret, "second-key").unwrap();
    until("the new secret is used", async || {
        faces::ask(&gateway, Dialect::OpenAiChat, "up/m", false).await;
        upstream.requests().last().unwrap().header("authorization") == Some("Bearer second-key")
    })
    .await;
    stop.store(true, Ordering::Relaxed);
    load.join_all().await;
    assert!(done.load(Ordering::Relaxed) > 50, "there was no load");
}

#[test]
fn dp02_what_is_wrong_in_the_file_is_said_and_nothing_starts() {
    let folder = tempfile::tempdir().unwrap();
    for (name, config, says) in [
        ("unknown key", "serverr: { listen: 127.0.0.1:0 }\n", &["1:1", "serverr", "`server`"][..]),
        (
            "nested unknown key",
            "providers:\n  up:\n    dialect: openai-chat\n    base_ulr: http://h\n",
            &["4:5", "base_ulr", "`base_url`"],
        ),
        ("wrong type", "server: { keepalive: [1] }\n", &["1:", "keepalive"]),
        ("no duration", "server: { grace: soon }\n", &["1:", "grace", "soon"]),
        (
            "no number",
            "providers: { up: { dialect: openai-chat, base_url: http://h, models: { m: { price: { input: cheap, output: 1 } } } } }\n",
            &["input", "cheap"],
        ),
        ("no dialect", "providers: { up: { dialect: klingon, base_url: http://h } }\n", &["klingon"]),
        (
            "policy of nothing",
            "providers: { up: { dialect: openai-chat, base_url: http://h } }\nmodels: { v: { fallback: [upp/m] } }\n",
            &["upp"],
        ),
        (
            "two policies",
            "providers: { up: { dialect: openai-chat, base_url: http://h } }\nmodels: { v: { fallback: [up/m], split: [{ weight: 1, use: up/m }] } }\n",
            &["fallback", "split"],
        ),
        ("both spellings of keys", "providers: { openai: { api_key: a, api_keys: [{ key: b }] } }\n", &["api_key"]),
        ("a circle", "providers: { openai: {} }\nmodels: { a: b, b: a }\n", &["a"]),
        ("unset variable", "providers: { openai: { api_key: \"${NO_SUCH_VARIABLE}\" } }\n", &["NO_SUCH_VARIABLE"]),
        ("missing secret file", "providers: { openai: { api_key: \"${file:/no/such/file}\" } }\n", &["/no/such/file"]),
        ("unbuilt", "shared: { url: redis://h }\n", &["shared"]),
        ("reserved name", "providers: { openai: {} }\nmodels: { v1: openai/x }\n", &["v1"]),
        ("no YAML", "providers: { openai: {\n", &["tollgate.yaml"]),
        ("bind without keys", "server: { listen: \"0.0.0.0:0\" }\nproviders: { openai: {} }\n", &["0.0.0.0", "keys"]),
    ] {
        std::fs::write(folder.path().join("tollgate.yaml"), config).unwrap();
        for command in ["serve", "check"] {
            // What may listen where is for the start to say.
            if name == "bind without keys" && command == "check" {
                continue;
            }
            let output = run(&[command, "--config", "tollgate.yaml"], folder.path());
            let told = String::from_utf8_lossy(&output.stderr).into_owned();
            assert_eq!(output.status.code(), Some(1), "{name}: `{command}` went on: {told}");
            for part in says {
                assert!(told.contains(part), "{name}, {command}: `{part}` is not in: {told}");
            }
        }
    }
    // All at once.
    std::fs::write(
        folder.path().join("tollgate.yaml"),
        "serverr: {}\nkeyss: []\nproviders: { up: { dialect: klingon, base_url: http://h } }\n",
    )
    .unwrap();
    let told =
        String::from_utf8_lossy(&run(&["check", "--config", "tollgate.yaml"], folder.path()).stderr).into_owned();
    assert!(told.contains("serverr") && told.contains("keyss") && told.contains("klingon"), "{told}");
    std::fs::write(folder.path().join("tollgate.yaml"), "providers: { openai: { api_key: k } }\n").unwrap();
    assert!(run(&["check", "--config", "tollgate.yaml"], folder.path()).status.success());
    assert!(!run(&["check", "--config", "nowhere.yaml"], folder.path()).status.success());
}

#[tokio::test]
async fn dp04_the_binary_and_one_file_are_enough() {
    let upstream = ScriptedUpstream::always(Script::json(200, faces::whole(Dialect::OpenAiChat))).await;
    // No variable, no home, nothing but the file in its folder.
    let gateway = Gateway::before("openai-chat", &upstream.url("/v1"));
    assert_eq!(faces::ask(&gateway, Dialect::OpenAiChat, "up/m", false).await.status, 200);
    assert_eq!(gateway.get("/readyz", &[]).await.status, 200);
    let files: Vec<_> = std::fs::read_dir(gateway.folder.path()).unwrap().map(|f| f.unwrap().file_name()).collect();
    assert_eq!(files.len(), 2, "the configuration and the log that this test made: {files:?}");
    // Without providers the simulation serves, on every face, and says so.
    let simulated = Gateway::start("");
    for face in faces::ALL {
        for stream in [false, true] {
            let model = simulated.get("/v1/models", &[]).await;
            let text = model.text();
            let name = text.split("\"id\":\"").nth(1).unwrap().split('"').next().unwrap();
            let answer = faces::ask(&simulated, face, name, stream).await;
            assert_eq!(answer.status, 200, "{face:?}: {}", answer.text());
        }
    }
    assert!(simulated.binary.printed().contains("simulates"), "{}", simulated.binary.printed());
}

/// A gateway with streams under way, a shutdown begun.
async fn stopping(
    grace: &str,
    script: Script,
    face: Dialect,
) -> (Arc<Gateway>, ScriptedUpstream, JoinSet<crate::support::Answer>) {
    let upstream = ScriptedUpstream::always(script).await;
    let gateway = Arc::new(Gateway::start_with(
        &format!(
            "server: {{ listen: \"{{listen}}\", grace: {grace} }}\nproviders: {{ up: {{ dialect: {}, base_url: \"{}\" }} }}",
            face.as_str(),
            upstream.url("/v1")
        ),
        &[],
    ));
    let mut streams = JoinSet::new();
    for i in 0..20 {
        let gateway = Arc::clone(&gateway);
        streams.spawn(async move {
            let (path, body) = (faces::path(face, "up/m", true), faces::body(face, "up/m", true));
            match i % 2 {
                0 => gateway.open(&path, &[], body).await.rest().await,
                _ => gateway.open_h2(&path, &[], body).await.rest().await,
            }
        });
    }
    upstream.until(|requests| requests.len() == 20).await;
    gateway.binary.terminate();
    (gateway, upstream, streams)
}

async fn exit_code(gateway: Arc<Gateway>) -> Option<i32> {
    ended(gateway).await.0
}

/// How the process ended, and what it had printed.
async fn ended(gateway: Arc<Gateway>) -> (Option<i32>, String) {
    let mut gateway = Arc::try_unwrap(gateway).map_err(|_| "still in use").unwrap();
    let waiting = move || {
        let code = gateway.binary.wait(Duration::from_secs(10));
        (code, std::fs::read_to_string(&gateway.binary.log).unwrap())
    };
    tokio::task::spawn_blocking(waiting).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rl15_a_stop_lets_streams_end_and_takes_no_new_calls() {
    let slow = Spoken::of(Dialect::Anthropic).all().paced(Duration::from_millis(200));
    let (gateway, upstream, streams) = stopping("30s", slow, Dialect::Anthropic).await;
    let asked = Instant::now();
    until("readiness is withdrawn", async || gateway.get("/readyz", &[]).await.status == 503).await;
    assert!(asked.elapsed() < Duration::from_millis(500), "{:?}", asked.elapsed());
    assert_eq!(gateway.get("/healthz", &[]).await.status, 200);
    for face in faces::ALL {
        let answer = faces::ask(&gateway, face, "up/m", false).await;
        assert_eq!(answer.status, 503, "{face:?}: {}", answer.text());
        faces::error(face, &answer);
    }
    for answer in streams.join_all().await {
        let heard = faces::hear(Dialect::Anthropic, &answer);
        assert_eq!(
            (heard.text.as_str(), heard.complete, heard.fault),
            ("Hello there", true, None),
            "{}",
            answer.text()
        );
    }
    assert_eq!(upstream.requests().len(), 20);
    let (code, log) = ended(gateway).await;
    assert_eq!(code, Some(0), "{log}");
    assert_eq!(log.matches(r#""end":"done""#).count(), 20, "{log}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rl15_when_the_grace_is_over_streams_end_with_an_error() {
    for face in [Dialect::Anthropic, Dialect::OpenAiChat] {
        let hangs = Spoken::of(face).begun().step(Step::Stall);
        let (gateway, _upstream, streams) = stopping("300ms", hangs, face).await;
        for answer in streams.join_all().await {
            let heard = faces::hear(face, &answer);
            assert_eq!(heard.text, "Hello there");
            assert!(heard.fault.is_some() && !heard.complete && answer.whole, "{}", answer.text());
        }
        assert_eq!(exit_code(gateway).await, Some(0));
    }
}

/// A certificate for localhost, written where the gateway reads it; its DER.
fn certify(folder: &Path) -> Vec<u8> {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    std::fs::write(folder.join("cert.pem"), made.cert.pem()).unwrap();
    std::fs::write(folder.join("key.pem"), made.signing_key.serialize_pem()).unwrap();
    made.cert.der().to_vec()
}

/// `/healthz` over TLS by who trusts only this certificate; with ALPN for HTTP/2 where wanted.
async fn healthy(address: std::net::SocketAddr, certificate: &[u8], h2: bool) -> bool {
    let mut roots = RootCertStore::empty();
    roots.add(certificate.to_vec().into()).unwrap();
    let provider = Arc::new(tokio_rustls::rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![if h2 { b"h2".to_vec() } else { b"http/1.1".to_vec() }];
    let Ok(tcp) = TcpStream::connect(address).await else { return false };
    let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
    let Ok(tls) = connector.connect(ServerName::try_from("localhost").unwrap(), tcp).await else { return false };
    assert_eq!(tls.get_ref().1.alpn_protocol(), Some(if h2 { &b"h2"[..] } else { b"http/1.1" }));
    let request = Request::builder().method(Method::GET).header("host", "localhost");
    let response = if h2 {
        let request = request.uri("https://localhost/healthz").body(Empty::<bytes::Bytes>::new()).unwrap();
        let (mut sender, connection) =
            hyper::client::conn::http2::handshake(hyper_util::rt::TokioExecutor::new(), TokioIo::new(tls))
                .await
                .unwrap();
        tokio::spawn(connection);
        sender.send_request(request).await.unwrap()
    } else {
        let request = request.uri("/healthz").body(Empty::<bytes::Bytes>::new()).unwrap();
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(tls)).await.unwrap();
        tokio::spawn(connection);
        sender.send_request(request).await.unwrap()
    };
    let status = response.status();
    assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "ok\n");
    status == 200
}

#[tokio::test]
async fn clients_are_served_over_tls_and_a_new_certificate_needs_no_restart() {
    let folder = tempfile::tempdir().unwrap();
    let first = certify(folder.path());
    let address = nobody();
    let config = format!(
        "server: {{ listen: \"{address}\", tls: {{ cert: cert.pem, key: key.pem }} }}\nproviders: {{ openai: {{ api_key: k }} }}\n"
    );
    std::fs::write(folder.path().join("tollgate.yaml"), config).unwrap();
    let child = std::process::Command::new(TOLLGATE)
        .args(["serve", "--config", "tollgate.yaml"])
        .current_dir(folder.path())
        .env_clear()
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    struct Killed(std::process::Child);
    impl Drop for Killed {
        fn drop(&mut self) {
            let _ = self.0.kill();
            let _ = self.0.wait();
        }
    }
    let _child = Killed(child);
    until("TLS is served", async || healthy(address, &first, false).await).await;
    assert!(healthy(address, &first, true).await);
    let second = certify(folder.path());
    until("the new certificate is shown", async || healthy(address, &second, false).await).await;
    assert!(!healthy(address, &first, false).await);
}

#[test]
fn the_configuration_in_the_page_on_routing_is_valid() {
    let page = include_str!("../../../../docs/routing.md");
    let fragment = page.split("```yaml\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = format!("providers: {{ openai: {{ api_key: k }}, anthropic: {{ api_key: k }} }}\n{fragment}");
    std::fs::write(folder.path().join("tollgate.yaml"), file).unwrap();
    let output = run(&["check", "--config", "tollgate.yaml"], folder.path());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
