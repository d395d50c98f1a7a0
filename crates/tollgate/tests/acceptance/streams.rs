//! Streams: no event is held back, none of a failed target is shown, none ends as if all were well, none outlives its
//! client.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tollgate_ir::{Dialect, Finish};
use tollgate_testkit::{Script, ScriptedUpstream, Step};
use tollgate_wire::codec;
use tollgate_wire::json::Node;

use crate::faces::{self, Spoken};
use crate::support::{Answer, Gateway, Live, send, until};

/// An upstream of every dialect: the path's first segment says which.
async fn every(script: impl Fn(Spoken) -> Script + Send + Sync + 'static) -> ScriptedUpstream {
    ScriptedUpstream::choosing(move |request| script(Spoken::of(dialect_of(&request.target)))).await
}

fn dialect_of(target: &str) -> Dialect {
    let name = target.split('/').nth(1).unwrap();
    faces::ALL.into_iter().find(|d| d.as_str() == name).unwrap_or(Dialect::OpenAiChat)
}

/// Providers `{prefix}-{dialect}` of every dialect at one upstream.
fn providers(prefix: &str, upstream: &ScriptedUpstream, more: &str) -> String {
    let provider = |d: &Dialect| {
        let url = upstream.url(&format!("/{}", d.as_str()));
        format!("  {prefix}-{0}: {{ dialect: {0}, base_url: \"{url}\"{more} }}\n", d.as_str())
    };
    faces::ALL.iter().map(provider).collect()
}

/// Every face, and the dialects in which its calls go up: its own and another.
fn ways() -> Vec<(Dialect, Dialect)> {
    let other = |face| if face == Dialect::OpenAiChat { Dialect::Anthropic } else { Dialect::OpenAiChat };
    faces::ALL.into_iter().flat_map(|face| [(face, face), (face, other(face))]).collect()
}

/// When the four tokens of a paced answer came, and when they were due after the request had reached the upstream.
async fn tokens(mut live: Live, dialect: Dialect) -> Vec<(Instant, Duration)> {
    assert_eq!(live.status, 200);
    let first = u32::try_from(Spoken::of(dialect).lifecycle.len()).unwrap() + 1;
    let mut came = Vec::new();
    while let Some((at, piece)) = live.next().await {
        let text = String::from_utf8_lossy(&piece).into_owned();
        if came.len() < 4 && (text.contains("Hello") || text.contains(" there")) {
            came.push((Instant::from_std(at), PAUSE * (first + u32::try_from(came.len()).unwrap())));
        }
    }
    assert_eq!(came.len(), 4, "{dialect:?}: tokens came together");
    came
}

const PAUSE: Duration = Duration::from_millis(200);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pf04_every_event_goes_on_at_once() {
    let upstream = every(|spoken| {
        let tokens = [spoken.content.clone(), spoken.content.clone()].concat();
        spoken.script([&spoken.lifecycle[..], &tokens, &spoken.end].concat()).paced(PAUSE)
    })
    .await;
    let gateway = Arc::new(Gateway::start(&format!("providers:\n{}", providers("up", &upstream, ""))));
    let mut calls = JoinSet::new();
    for (face, dialect) in ways() {
        for h2 in [false, true] {
            let gateway = Arc::clone(&gateway);
            calls.spawn(async move {
                let model = format!("up-{}/m", dialect.as_str());
                let (path, body) = (faces::path(face, &model, true), faces::body(face, &model, true));
                let mark = format!("{face:?}-{dialect:?}-{h2}");
                let headers = [("idempotency-key", mark.as_str())];
                let live = match h2 {
                    true => gateway.open_h2(&path, &headers, body).await,
                    false => gateway.open(&path, &headers, body).await,
                };
                (mark.clone(), tokens(live, dialect).await)
            });
        }
        // The same without a gateway, for what the machine itself is late.
        let address = upstream.address();
        calls.spawn(async move {
            let mark = format!("direct-{face:?}-{dialect:?}");
            let headers = [("idempotency-key", mark.as_str())];
            let path = format!("/{}/v1", dialect.as_str());
            let live = send(address, http::Method::POST, &path, &headers, "{}".into(), false).await;
            (mark.clone(), tokens(live, dialect).await)
        });
    }
    let (mut late, mut direct) = (Vec::new(), Vec::new());
    for (mark, came) in calls.join_all().await {
        let requests = upstream.requests();
        let asked = requests.iter().find(|r| r.header("idempotency-key") == Some(&mark)).unwrap().at;
        let into = if mark.starts_with("direct") { &mut direct } else { &mut late };
        into.extend(came.into_iter().map(|(at, due)| at.saturating_duration_since(asked + due)));
    }
    late.sort();
    direct.sort();
    let median = |all: &[Duration]| all[all.len() / 2];
    assert!(median(&late) < median(&direct) + Duration::from_millis(20), "{late:?} beside {direct:?}");
    assert!(late[late.len() - 1] < direct[direct.len() - 1] + PAUSE, "{late:?} beside {direct:?}");
}

fn with_mark(pieces: &[Bytes]) -> Vec<Bytes> {
    pieces.iter().map(|p| Bytes::from(String::from_utf8_lossy(p).replace("m-1", "first-model"))).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rl01_an_error_after_the_first_events_still_falls_back() {
    let bad = every(|spoken| {
        // Bedrock's frames carry checksums and no model.
        let lifecycle =
            if spoken.lifecycle[0][0] == 0 { spoken.lifecycle.clone() } else { with_mark(&spoken.lifecycle) };
        spoken.script(lifecycle.into_iter().chain([spoken.error.clone()]))
    })
    .await;
    let good = every(|spoken| spoken.all()).await;
    let mut models = String::new();
    for dialect in faces::ALL {
        models.push_str(&format!(
            "  v-{0}: {{ fallback: [bad-{0}/m, good-{0}/m], retries: 0, breaker: off }}\n",
            dialect.as_str()
        ));
        models.push_str(&format!(
            "  b-{0}: {{ fallback: [bad-{0}/m, bad-{0}/n], retries: 0, breaker: off }}\n",
            dialect.as_str()
        ));
    }
    let gateway = Gateway::start(&format!(
        "providers:\n{}{}models:\n{models}",
        providers("bad", &bad, ""),
        providers("good", &good, "")
    ));
    for (face, dialect) in ways() {
        let answer = faces::ask(&gateway, face, &format!("v-{}", dialect.as_str()), true).await;
        let what = format!("{face:?} by {dialect:?}: {}", answer.text());
        assert_eq!(answer.status, 200, "{what}");
        let heard = faces::hear(face, &answer);
        assert_eq!((heard.text.as_str(), heard.complete, heard.fault), ("Hello there", true, None), "{what}");
        assert!(!answer.text().contains("first-model"), "{what}");
        assert_eq!(answer.header("x-tollgate-attempts"), Some("2"), "{what}");
        assert_eq!(answer.header("x-tollgate-provider"), Some(&*format!("good-{}", dialect.as_str())), "{what}");

        // RL02: none serves, and the client hears so by the status.
        let answer = faces::ask(&gateway, face, &format!("b-{}", dialect.as_str()), true).await;
        assert!(answer.status >= 500, "{face:?} by {dialect:?}: {} {}", answer.status, answer.text());
        assert!(
            faces::error(face, &answer).to_lowercase().contains("overloaded"),
            "{face:?} by {dialect:?}: {}",
            answer.text()
        );
        assert_eq!(answer.header("x-tollgate-attempts"), Some("2"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rl02_all_fail_before_content_and_the_status_says_so() {
    for accident in [Step::Cut, Step::Reset] {
        let step = accident.clone();
        let bad = every(move |spoken| spoken.script(spoken.lifecycle.clone()).step(step.clone())).await;
        let gateway = Gateway::start(&format!("providers:\n{}", providers("bad", &bad, "")));
        for (face, dialect) in ways() {
            let answer = faces::ask(&gateway, face, &format!("bad-{}/m", dialect.as_str()), true).await;
            assert_eq!(answer.status, 502, "{face:?} by {dialect:?} {accident:?}: {}", answer.text());
            faces::error(face, &answer);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rl03_a_break_after_content_is_told_in_band_and_never_a_normal_end() {
    for accident in [Step::Cut, Step::Reset, Step::Stall] {
        let step = accident.clone();
        let bad =
            every(move |spoken| spoken.begun().step(Step::Wait(Duration::from_millis(30))).step(step.clone())).await;
        let gateway = Gateway::start(&format!("providers:\n{}", providers("up", &bad, ", timeouts: { idle: 300ms }")));
        for (face, dialect) in ways() {
            let answer = faces::ask(&gateway, face, &format!("up-{}/m", dialect.as_str()), true).await;
            let what = format!("{face:?} by {dialect:?}, {accident:?}: {}", answer.text());
            assert_eq!(answer.status, 200, "{what}");
            let heard = faces::hear(face, &answer);
            assert_eq!(heard.text, "Hello there", "{what}");
            assert!(heard.fault.is_some() && !heard.complete, "{what}");
            assert!(heard.finish.is_none() || matches!(heard.finish, Some(Finish::Error(_))), "{what}");
            // Cohere says so after its error, too.
            assert!(face == Dialect::Cohere || !answer.text().contains("[DONE]"), "{what}");
            let record = gateway.record(&answer).await;
            assert!(record.contains(r#""end":"fault""#), "{record}");
        }
        // A stream as one JSON array still is one.
        let path = "/v1beta/models/up-gemini%2Fm:streamGenerateContent";
        let answer = gateway.post(path, &[], faces::body(Dialect::Gemini, "", true)).await;
        let array = Node::parse(&answer.body).unwrap_or_else(|_| panic!("{}", answer.text()));
        assert!(array.items().last().is_some_and(|last| last.get("error").is_some()), "{}", answer.text());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rl03_half_an_answer_whose_body_ends_properly_is_told_as_well() {
    let half = every(|spoken| spoken.begun()).await;
    let gateway = Gateway::start(&format!("providers:\n{}", providers("up", &half, "")));
    for (face, dialect) in ways() {
        let answer = faces::ask(&gateway, face, &format!("up-{}/m", dialect.as_str()), true).await;
        let heard = faces::hear(face, &answer);
        let what = format!("{face:?} by {dialect:?}: {}", answer.text());
        assert_eq!(heard.text, "Hello there", "{what}");
        assert!(heard.fault.is_some() && !heard.complete, "{what}");
    }
}

/// Where a client may go away.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Phase {
    BeforeHeaders,
    BeforeFirstToken,
    MidStream,
    InOnePiece,
}

fn hanging(spoken: &Spoken, phase: Phase) -> Script {
    match phase {
        Phase::BeforeHeaders | Phase::InOnePiece => Script::accident(Step::Stall),
        Phase::BeforeFirstToken => spoken.script(spoken.lifecycle.clone()).step(Step::Stall),
        Phase::MidStream => spoken.begun().step(Step::Stall),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rl13_the_upstream_is_left_as_soon_as_the_client_leaves() {
    for phase in [Phase::BeforeHeaders, Phase::BeforeFirstToken, Phase::MidStream, Phase::InOnePiece] {
        let upstream = every(move |spoken| hanging(&spoken, phase)).await;
        let gateway = Arc::new(Gateway::start(&format!("providers:\n{}", providers("up", &upstream, ""))));
        let mut calls: Vec<(String, String, bool, Option<Dialect>)> = Vec::new();
        for (face, dialect) in ways() {
            let model = format!("up-{}/m", dialect.as_str());
            let stream = phase != Phase::InOnePiece;
            for h2 in [false, true] {
                calls.push((faces::path(face, &model, stream), faces::body(face, &model, stream), h2, Some(face)));
            }
        }
        calls.push(("/up-openai-chat/v1/other".into(), r#"{"stream":true}"#.into(), false, None));
        for (path, body, h2, face) in calls {
            let before = upstream.requests().len();
            let client = Arc::clone(&gateway);
            let (seen, mut content) = tokio::sync::mpsc::channel::<()>(1);
            let target = path.clone();
            let call = tokio::spawn(async move {
                let mut live =
                    if h2 { client.open_h2(&target, &[], body).await } else { client.open(&target, &[], body).await };
                while live.next().await.is_some() {
                    let _ = seen.send(()).await;
                }
            });
            upstream.until(|requests| requests.len() > before).await;
            if phase == Phase::MidStream {
                content.recv().await.expect("content");
            } else {
                tokio::time::sleep(Duration::from_millis(30)).await;
            }
            let gone = Instant::now();
            call.abort();
            let requests = upstream.until(|requests| requests[before].left.is_some()).await;
            let after = requests[before].left.unwrap().saturating_duration_since(gone);
            assert!(after < Duration::from_secs(1), "{phase:?} {face:?} {path} h2={h2}: {after:?}");
        }
        until("all are recorded as cancelled", async || {
            let metrics = gateway.get("/metrics", &[]).await.text();
            metrics
                .lines()
                .filter(|l| l.starts_with("tollgate_calls_total") && l.contains(r#"end="cancelled""#))
                .count()
                >= 6
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rl13_no_attempt_begins_after_the_client_has_left() {
    let slow = every(|_| Script::json(500, "{}").step(Step::Wait(Duration::from_millis(300))).chunk("")).await;
    slow.push(Script {
        steps: vec![Step::Wait(Duration::from_millis(300)), Step::Chunk("{}".into())],
        ..Script::json(500, "")
    });
    let next = every(|spoken| spoken.all()).await;
    let gateway = Arc::new(Gateway::start(&format!(
        "providers:\n{}{}models: {{ v: {{ fallback: [slow-openai-chat/m, next-openai-chat/m] }} }}",
        providers("slow", &slow, ""),
        providers("next", &next, "")
    )));
    let client = Arc::clone(&gateway);
    let call = tokio::spawn(async move { faces::ask(&client, Dialect::OpenAiChat, "v", true).await });
    slow.until(|requests| !requests.is_empty()).await;
    call.abort();
    tokio::time::sleep(Duration::from_millis(600)).await;
    assert_eq!(next.requests().len(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rl14_comments_keep_silent_streams_open_and_fallback_still_happens() {
    let pause = Duration::from_millis(400);
    let silent = every(move |spoken| {
        let mut script = spoken.all();
        script.steps.insert(spoken.lifecycle.len() + 1, Step::Wait(pause));
        script.steps.insert(0, Step::Wait(pause));
        script
    })
    .await;
    let refusing = every(move |_| {
        let refusal = Script::json(429, r#"{"error":{"message":"Slow down"}}"#);
        Script { steps: [vec![Step::Wait(pause)], refusal.steps.clone()].concat(), ..refusal }
    })
    .await;
    let mut models = String::new();
    // A target that limits the rate is left alone for a while: each call has one of its own.
    for (face, d) in ways() {
        let (face, d) = (face.as_str(), d.as_str());
        models.push_str(&format!(
            "  v-{face}-{d}: {{ fallback: [no-{d}/v-{face}, up-{d}/m], retries: 0 }}\n  n-{face}-{d}: {{ fallback: [no-{d}/n-{face}], retries: 0 }}\n"
        ));
    }
    let gateway = Arc::new(Gateway::start_with(
        &format!(
            "server: {{ listen: \"{{listen}}\", keepalive: 100ms }}\nproviders:\n{}{}models:\n{models}",
            providers("up", &silent, ""),
            providers("no", &refusing, "")
        ),
        &[],
    ));
    let mut calls = JoinSet::new();
    for (face, dialect) in ways().into_iter().filter(|(face, _)| codec::is_sse(*face) || *face == Dialect::Ollama) {
        let gateway = Arc::clone(&gateway);
        calls.spawn(async move {
            for name in ["up-D/m", "v-F-D", "n-F-D"] {
                let model = name.replace('D', dialect.as_str()).replace('F', face.as_str());
                let answer = faces::ask(&gateway, face, &model, true).await;
                check_kept_alive(face, name, &answer);
            }
        });
    }
    calls.join_all().await;
}

fn check_kept_alive(face: Dialect, name: &str, answer: &Answer) {
    let text = answer.text();
    let what = format!("{face:?} {name}: {text}");
    assert_eq!(answer.status, 200, "{what}");
    let heard = faces::hear(face, answer);
    if face == Dialect::Ollama {
        return check_lines_kept_alive(name, &text, &heard);
    }
    let first = text.find("data:").unwrap();
    assert!(text[..first].lines().filter(|line| line.starts_with(':')).count() >= 2, "{what}");
    // A comment stands between whole events only.
    for event in text.split("\n\n").filter(|event| event.contains(": keepalive")) {
        assert_eq!(event.trim(), ": keepalive", "{what}");
    }
    if name.starts_with('n') {
        assert!(heard.fault.is_some() && !heard.complete, "{what}");
        assert!(face == Dialect::Cohere || !text.contains("[DONE]"), "{what}");
    } else {
        assert_eq!((heard.text.as_str(), heard.complete), ("Hello there", true), "{what}");
        assert!(text[first..].contains(": keepalive"), "in the middle, too: {what}");
    }
}

/// Lines of JSON have no comments: white space before a line is nothing to who reads it.
fn check_lines_kept_alive(name: &str, text: &str, heard: &faces::Heard) {
    assert!(text.starts_with("  "), "{name}: {text:?}");
    assert!(text.lines().all(|line| Node::parse(line.as_bytes()).is_ok()), "{name}: {text:?}");
    if name.starts_with('n') {
        assert!(heard.fault.is_some() && !heard.complete, "{name}: {text:?}");
    } else {
        assert_eq!((heard.text.as_str(), heard.complete), ("Hello there", true), "{name}: {text:?}");
        assert!(text.contains("\n "), "in the middle, too: {name}: {text:?}");
    }
}

/// The places where hosts put a chat stream's usage.
fn usages() -> [(&'static str, Vec<&'static str>); 5] {
    const USAGE: &str = r#""usage":{"prompt_tokens":7,"completion_tokens":2,"total_tokens":9}"#;
    let stop =
        r#"{"id":"c","object":"chat.completion.chunk","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#;
    let leak = |s: String| -> &'static str { Box::leak(s.into_boxed_str()) };
    let alone = leak(format!(r#"{{"id":"c","object":"chat.completion.chunk","choices":[],{USAGE}}}"#));
    [
        (
            "on the last chunk",
            vec![leak(format!(
                r#"{{"id":"c","object":"chat.completion.chunk","choices":[{{"index":0,"delta":{{}},"finish_reason":"stop"}}],{USAGE}}}"#
            ))],
        ),
        (
            "with an empty delta",
            vec![
                stop,
                leak(format!(
                    r#"{{"id":"c","object":"chat.completion.chunk","choices":[{{"index":0,"delta":{{}}}}],{USAGE}}}"#
                )),
            ],
        ),
        ("alone", vec![stop, alone]),
        ("twice", vec![stop, alone, alone]),
        ("without choices", vec![stop, leak(format!(r#"{{"id":"c","object":"chat.completion.chunk",{USAGE}}}"#))]),
    ]
}

#[tokio::test]
async fn tr30_usage_is_counted_and_shown_only_to_who_asked() {
    let upstream = ScriptedUpstream::always(Script::status(500)).await;
    let gateway = Gateway::before("openai-chat", &upstream.url("/v1"));
    let path = "/v1/chat/completions";
    for (name, end) in usages() {
        for asks in [false, true] {
            let token = r#"{"id":"c","object":"chat.completion.chunk","model":"m-1","choices":[{"index":0,"delta":{"content":"Hello"}}]}"#;
            let events = [&[token][..], &end, &["[DONE]"]].concat();
            upstream.push(Script::sse(events.iter().map(|e| format!("data: {e}\n\n"))));
            let options = if asks { r#""stream_options":{"include_usage":true},"# } else { "" };
            let body = faces::body(Dialect::OpenAiChat, "up/m", true).replacen('{', &format!("{{{options}"), 1);
            let answer = gateway.post(path, &[], body).await;
            assert_eq!(answer.status, 200);
            let got: Vec<_> = faces::hear(Dialect::OpenAiChat, &answer).events;
            let only_usage = |event: &Bytes| {
                Node::read(event).is_some_and(|node| node.get("choices").is_none_or(|c| c.items().is_empty()))
            };
            if asks {
                // Relayed: the host's own chunks.
                assert_eq!(got, events.iter().map(|e| Bytes::from_static(e.as_bytes())).collect::<Vec<_>>(), "{name}");
            } else {
                assert!(!got.iter().any(only_usage), "{name}: {}", answer.text());
                assert_eq!(got.last().unwrap(), "[DONE]", "{name}");
            }
            let record = gateway.record(&answer).await;
            assert!(record.contains(r#""usage":{"input":7,"output":2,"estimated":false}"#), "{name}: {record}");
            let sent = String::from_utf8_lossy(&upstream.requests().last().unwrap().body).into_owned();
            assert!(sent.contains(r#""include_usage":true"#), "{sent}");
        }
    }
}

#[tokio::test]
async fn tr30_translated_usage_comes_once_before_the_end() {
    let upstream = every(|spoken| spoken.all()).await;
    let gateway = Gateway::start(&format!("providers:\n{}", providers("up", &upstream, "")));
    for dialect in faces::ALL.into_iter().filter(|d| *d != Dialect::OpenAiChat) {
        for asks in [false, true] {
            let options = if asks { r#""stream_options":{"include_usage":true},"# } else { "" };
            let model = format!("up-{}/m", dialect.as_str());
            let body = faces::body(Dialect::OpenAiChat, &model, true).replacen('{', &format!("{{{options}"), 1);
            let answer = gateway.post("/v1/chat/completions", &[], body).await;
            let events = faces::hear(Dialect::OpenAiChat, &answer).events;
            let usages: Vec<_> = events
                .iter()
                .enumerate()
                .filter(|(_, e)| {
                    Node::read(e).is_some_and(|n| n.get("usage").is_some_and(|u| u.uint("prompt_tokens").is_some()))
                })
                .collect();
            let what = format!("{dialect:?}: {}", answer.text());
            assert_eq!(events.last().unwrap(), "[DONE]", "{what}");
            if !asks {
                assert_eq!(usages.len(), 0, "{what}");
                continue;
            }
            let [(at, event)] = usages[..] else { panic!("{what}") };
            assert_eq!(at, events.len() - 2, "{what}");
            let node = Node::parse(event).unwrap();
            assert!(node.get("choices").is_some_and(|c| c.items().is_empty()), "{what}");
            let usage = node.get("usage").unwrap();
            assert_eq!((usage.uint("prompt_tokens"), usage.uint("completion_tokens")), (Some(7), Some(2)), "{what}");
            let record = gateway.record(&answer).await;
            assert!(record.contains(r#""input":7"#) && record.contains(r#""output":2"#), "{record}");
        }
    }
}
