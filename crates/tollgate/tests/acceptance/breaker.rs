//! Circuit breakers as they are set: when they open, off, and the gateway's own requests that bring targets back.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tollgate_ir::Dialect;
use tollgate_testkit::{Script, ScriptedUpstream};

use crate::faces;
use crate::support::{Gateway, until};

/// Provider `a` with settings, which fails while it is told to, and `b` that serves.
async fn gateway(top: &str, settings: &str) -> (Gateway, ScriptedUpstream, Arc<AtomicBool>) {
    let down = Arc::new(AtomicBool::new(true));
    let fails = Arc::clone(&down);
    let upstream = ScriptedUpstream::choosing(move |request| {
        if request.target.contains("/a/") && fails.load(Ordering::SeqCst) {
            return Script::status(500);
        }
        if request.method == "GET" && fails.load(Ordering::SeqCst) {
            return Script::status(503);
        }
        Script::json(200, faces::whole(Dialect::OpenAiChat))
    })
    .await;
    let gateway = Gateway::start(&format!(
        "retries: {{ default: 0 }}\n{top}providers:\n  a: {{ dialect: openai-chat, base_url: \"{}\"{settings} }}\n  b: {{ dialect: openai-chat, base_url: \"{}\" }}\nmodels: {{ v: {{ fallback: [a/m, b/m] }}, n: {{ fallback: [a/m, b/m], breaker: off }} }}\n",
        upstream.url("/a/v1"),
        upstream.url("/b/v1")
    ));
    (gateway, upstream, down)
}

/// So many calls; how often `a` was asked for them.
async fn asked(gateway: &Gateway, upstream: &ScriptedUpstream, model: &str, calls: usize) -> usize {
    let of_a = || upstream.requests().iter().filter(|r| r.method == "POST" && r.target.contains("/a/")).count();
    let before = of_a();
    for _ in 0..calls {
        let answer = faces::ask(gateway, Dialect::OpenAiChat, model, false).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
    of_a() - before
}

#[tokio::test]
async fn a_breaker_opens_as_it_is_set() {
    for (top, settings, expected) in [
        ("", "", 5),
        ("breaker: { failures: 2, pause: 1m }\n", "", 2),
        ("breaker: { failures: 2, pause: 1m }\n", ", breaker: { failures: 3 }", 3),
        ("breaker: off\n", "", 8),
        ("breaker: off\n", ", breaker: { failures: 3 }", 3),
        ("", ", breaker: off", 8),
        ("", ", breaker: { failures: 100, error_rate: 50%, of: 4 }", 4),
    ] {
        let (gateway, upstream, _down) = gateway(top, settings).await;
        assert_eq!(asked(&gateway, &upstream, "v", 8).await, expected, "{top} {settings}");
        // A node may say that breakers do not count.
        assert_eq!(asked(&gateway, &upstream, "n", 2).await, 2, "{top} {settings}");
        assert!(upstream.requests().iter().all(|request| request.method == "POST"), "nothing is asked of its own");
    }
}

#[tokio::test]
async fn a_reload_changes_breakers() {
    let (gateway, upstream, _down) = gateway("", ", breaker: { failures: 2, pause: 1h, longest_pause: 1h }").await;
    assert_eq!(asked(&gateway, &upstream, "v", 4).await, 2);
    let file = std::fs::read_to_string(gateway.file()).unwrap();
    std::fs::write(gateway.file(), file.replace("{ failures: 2, pause: 1h, longest_pause: 1h }", "off")).unwrap();
    gateway.post("/api/v1/reload", &[], "").await;
    assert_eq!(asked(&gateway, &upstream, "v", 3).await, 3);
}

#[tokio::test]
async fn a_health_check_brings_a_target_back_and_costs_no_call() {
    let settings = ", breaker: { failures: 2, pause: 1h, longest_pause: 1h, probes: 1, slow_start: 0s, health_check: { path: /alive, every: 1s } }";
    let (gateway, upstream, down) = gateway("", settings).await;
    // By two calls or, on a busy machine, by two checks before the second.
    assert!((1..=2).contains(&asked(&gateway, &upstream, "v", 4).await), "it is open for an hour");
    let checks = || upstream.requests().into_iter().filter(|request| request.method == "GET").collect::<Vec<_>>();
    until("it was checked", async || checks().len() > 1).await;
    assert!(checks().iter().all(|check| check.target == "/alive" && check.body.is_empty()));
    assert_eq!(asked(&gateway, &upstream, "v", 2).await, 0, "it does not answer yet");
    let health = gateway.get("/api/v1/health", &[]).await.text();
    assert!(health.contains(r#"{"provider":"a","unanswered":"#), "{health}");
    down.store(false, Ordering::SeqCst);
    let before = checks().len();
    until("it was checked again", async || checks().len() > before + 1).await;
    assert_eq!(asked(&gateway, &upstream, "v", 3).await, 3);
}

#[tokio::test]
async fn a_health_check_finds_an_outage_before_calls_do() {
    let settings = ", breaker: { failures: 2, health_check: { every: 1s } }";
    let (gateway, upstream, down) = gateway("", settings).await;
    down.store(false, Ordering::SeqCst);
    assert_eq!(asked(&gateway, &upstream, "v", 1).await, 1);
    down.store(true, Ordering::SeqCst);
    until("it is open", async || gateway.get("/api/v1/health", &[]).await.text().contains(r#""breaker":"open""#)).await;
    assert_eq!(asked(&gateway, &upstream, "v", 2).await, 0);
    let checks: Vec<_> = upstream.requests().into_iter().filter(|request| request.method == "GET").collect();
    assert!(checks.iter().all(|check| check.target == "/a/v1/models"), "its list of models");
}
