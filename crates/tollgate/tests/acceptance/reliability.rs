//! How often whom, and when: retries, cool-downs, waiting, hedging, turns, and answers that say nothing.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use tollgate_ir::Dialect;
use tollgate_testkit::{Script, ScriptedUpstream, Step};

use crate::faces::{self, Spoken};
use crate::support::{Gateway, until};

const CHAT: Dialect = Dialect::OpenAiChat;

fn good() -> Script {
    Script::json(200, faces::whole(CHAT))
}

fn refusal(status: u16, message: &str) -> Script {
    Script::json(status, format!(r#"{{"error":{{"message":"{message}","type":"error"}}}}"#))
}

/// A line of the configuration for a provider that speaks OpenAI's chat.
fn provider(id: &str, upstream: &ScriptedUpstream, more: &str) -> String {
    format!("  {id}: {{ dialect: openai-chat, base_url: \"{}\"{more} }}\n", upstream.url("/v1"))
}

async fn failing() -> ScriptedUpstream {
    ScriptedUpstream::always(refusal(500, "broken")).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rl07_n_retries_are_n_plus_one_calls_wherever_they_are_said() {
    let bad = failing().await;
    for n in 0..=5_usize {
        let gateway = Gateway::start(&format!(
            "retries: {{ default: {n}, base: 1ms }}\nproviders:\n{}{}models:\n  v: {{ use: own/m, retries: {n} }}\n  other: {{ use: own/m, retries: 9 }}\n",
            provider("plain", &bad, ""),
            provider("own", &bad, &format!(", retries: {}", if n == 3 { 1 } else { n })),
        ));
        let (said, number) = (n.to_string(), format!(r#""num_retries":{n},"model""#));
        let body = |model: &str| faces::body(CHAT, model, false);
        let more = |model: &str| body(model).replacen(r#""model""#, &number, 1);
        let header = [("x-tollgate-retries", said.as_str())];
        for (level, headers, body, expected) in [
            ("everywhere", &[][..], body("plain/m"), n),
            ("provider", &[], body("own/m"), if n == 3 { 1 } else { n }),
            ("node", &[], body("v"), n),
            ("body", &[], more("other"), n),
            ("header", &header[..], body("other"), n),
            ("LiteLLM's header", &[("x-litellm-num-retries", "2")], more("other"), 2),
        ] {
            let before = bad.requests().len();
            let answer = gateway.post("/v1/chat/completions", headers, body).await;
            assert_eq!(bad.requests().len() - before, expected + 1, "{level}: {n}");
            assert_eq!(answer.header("x-tollgate-attempts"), Some(&*(expected + 1).to_string()), "{level}: {n}");
            assert_eq!((answer.status, faces::error(CHAT, &answer).as_str()), (500, "broken"), "{level}: {n}");
        }
    }
}

#[tokio::test]
async fn rl07_a_number_of_retries_that_is_none_is_refused() {
    let gateway = Gateway::start("providers: { up: { dialect: openai-chat, base_url: \"http://127.0.0.1:9\" } }");
    let body = faces::body(CHAT, "up/m", false);
    let answer = gateway.post("/v1/chat/completions", &[("x-tollgate-retries", "many")], body).await;
    assert_eq!(answer.status, 400);
    assert!(faces::error(CHAT, &answer).contains("from 0 to 20"), "{}", answer.text());
}

#[tokio::test]
async fn rl08_what_is_refused_is_asked_once() {
    let bad = failing().await;
    let next = ScriptedUpstream::always(good()).await;
    for (status, moves) in [(400, false), (401, true), (403, true), (404, false), (413, false), (422, false)] {
        let gateway = Gateway::start(&format!(
            "retries: {{ default: 3, base: 1ms }}\nproviders:\n{}{}models: {{ v: {{ fallback: [bad/m, next/m] }} }}",
            provider("bad", &bad, ""),
            provider("next", &next, "")
        ));
        bad.push(refusal(status, "no"));
        let (asked, served) = (bad.requests().len(), next.requests().len());
        let answer = faces::ask(&gateway, CHAT, "v", false).await;
        assert_eq!(bad.requests().len() - asked, 1, "{status}");
        assert_eq!(next.requests().len() - served, usize::from(moves), "{status}");
        assert_eq!(answer.status, if moves { 200 } else { status }, "{status}");
    }
}

#[tokio::test]
async fn rl10_a_refusal_cools_nobody_and_a_used_up_quota_does() {
    let first = ScriptedUpstream::queue([
        Script::json(
            400,
            r#"{"error":{"message":"Our content policy refuses this","code":"content_policy_violation"}}"#,
        ),
        good(),
        refusal(400, "Your credit balance is too low to access the API"),
    ])
    .await;
    let second = ScriptedUpstream::always(good()).await;
    let gateway = Gateway::start(&format!(
        "providers:\n{}{}models: {{ v: {{ fallback: [first/m, second/m] }} }}",
        provider("first", &first, ", api_key: k"),
        provider("second", &second, "")
    ));
    let served = async || {
        let answer = faces::ask(&gateway, CHAT, "v", false).await;
        (answer.status, answer.header("x-tollgate-provider").map(str::to_owned))
    };
    assert_eq!(served().await.0, 400, "the policy's refusal is told");
    assert_eq!(served().await, (200, Some("first".into())), "and nobody is cooled for it");
    assert_eq!(served().await, (200, Some("second".into())), "a quota in the same call");
    let asked = first.requests().len();
    assert_eq!(served().await, (200, Some("second".into())));
    assert_eq!(first.requests().len(), asked, "and the key is left alone");
    let health = gateway.get("/api/v1/health", &[]).await.text();
    assert!(health.contains(r#""why":"provider_quota""#), "{health}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rl11_all_cooling_is_told_at_once_or_waited_for() {
    for (wait, waits) in [("0s", false), ("5s", true)] {
        let upstream = ScriptedUpstream::always(good()).await;
        let gateway = Gateway::start(&format!(
            "wait_for_cooldown: {wait}\nretries: {{ default: 0 }}\nproviders:\n{}",
            provider("up", &upstream, "")
        ));
        assert_eq!(faces::ask(&gateway, CHAT, "up/m", false).await.status, 200);
        upstream.push(refusal(429, "Slow down").header("retry-after", "2"));
        assert_eq!(faces::ask(&gateway, CHAT, "up/m", false).await.status, 429);
        let (asked, before) = (upstream.requests().len(), Instant::now());
        let answer = faces::ask(&gateway, CHAT, "up/m", false).await;
        let took = before.elapsed();
        if waits {
            assert_eq!(answer.status, 200, "{}", answer.text());
            assert!((Duration::from_millis(1500)..Duration::from_millis(3500)).contains(&took), "{took:?}");
        } else {
            assert_eq!((answer.status, answer.header("retry-after")), (429, Some("2")));
            assert_eq!(faces::error(CHAT, &answer), "Slow down");
            assert_eq!(upstream.requests().len(), asked, "nobody was asked");
            // Of several, since others are busy on this machine, too.
            let mut fastest = took;
            for _ in 0..8 {
                let before = Instant::now();
                assert_eq!(faces::ask(&gateway, CHAT, "up/m", false).await.status, 429);
                fastest = fastest.min(before.elapsed());
            }
            assert!(fastest < Duration::from_millis(10), "{fastest:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rl12_the_first_token_has_its_own_time_and_long_answers_theirs() {
    let spoken = Spoken::of(CHAT);
    let role = spoken.script(spoken.lifecycle.clone());
    let silent = (0..100).fold(role, |s, _| s.wait(Duration::from_millis(100)).chunk(": ping\n\n"));
    let silent = ScriptedUpstream::always(silent).await;
    let slow = ScriptedUpstream::always(spoken.all().paced(Duration::from_millis(400))).await;
    let gateway = Gateway::start(&format!(
        "retries: {{ default: 3, base: 1ms }}\nproviders:\n{}{}models:\n  v: {{ fallback: [silent/m, slow/m], timeouts: {{ first_token: 1s }} }}\n",
        provider("silent", &silent, ""),
        provider("slow", &slow, "")
    ));
    let before = Instant::now();
    let answer = faces::ask(&gateway, CHAT, "v", true).await;
    let heard = faces::hear(CHAT, &answer);
    assert_eq!((heard.text.as_str(), heard.complete), ("Hello there", true), "{}", answer.text());
    assert_eq!(answer.header("x-tollgate-provider"), Some("slow"));
    assert_eq!(silent.requests().len(), 1, "who is silent is not asked again");
    let left = silent.requests()[0].left.unwrap().saturating_duration_since(before.into());
    assert!((Duration::from_millis(900)..Duration::from_millis(1800)).contains(&left), "{left:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rl13_nobody_is_asked_again_after_the_client_has_left() {
    let bad = failing().await;
    let gateway = Arc::new(Gateway::start(&format!(
        "retries: {{ default: 20, base: 8s, most: 8s }}\nproviders:\n{}",
        provider("bad", &bad, "")
    )));
    let client = Arc::clone(&gateway);
    let call = tokio::spawn(async move { faces::ask(&client, CHAT, "bad/m", false).await });
    bad.until(|requests| !requests.is_empty()).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    call.abort();
    tokio::time::sleep(Duration::from_millis(100)).await;
    let asked = bad.requests().len();
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(bad.requests().len(), asked);
    let health = gateway.get("/api/v1/health", &[]).await.text();
    assert!(health.contains(r#""in_flight":0"#), "{health}");
}

#[tokio::test]
async fn rl22_a_fallback_goes_through_all_that_a_first_choice_does() {
    let spent = ScriptedUpstream::always(refusal(429, "You exceeded your current quota")).await;
    let other = ScriptedUpstream::choosing(|request| {
        match String::from_utf8_lossy(&request.body).contains(r#""model":"real-name""#) {
            true => good(),
            false => refusal(404, "no such model"),
        }
    })
    .await;
    let gateway = Gateway::start(&format!(
        "providers:\n{}{}models:\n  inner: {{ use: other/real-name }}\n  v: {{ fallback: [spent/m, inner] }}\n  w: {{ fallback: [spent/m, spent/n] }}\n",
        provider("spent", &spent, ""),
        provider("other", &other, ", models: { real-name: { price: { input: 1, output: 1 } } }")
    ));
    let answer = faces::ask(&gateway, CHAT, "v", false).await;
    assert_eq!((answer.status, answer.header("x-tollgate-model")), (200, Some("other/real-name")));
    assert!(answer.header("x-tollgate-cost").is_some_and(|cost| cost != "0"), "the target's own price");
    assert_eq!(faces::ask(&gateway, CHAT, "w", false).await.status, 429, "both are used up");
}

#[tokio::test]
async fn fr05_each_level_has_its_own_retries_and_the_whole_call_one_deadline() {
    let upstream = ScriptedUpstream::choosing(|request| {
        match String::from_utf8_lossy(&request.body).contains(r#""model":"b1""#) {
            true => good(),
            false => refusal(500, "broken"),
        }
    })
    .await;
    let hanging = ScriptedUpstream::always(Script::accident(Step::Stall)).await;
    let gateway = Gateway::start(&format!(
        "retries: {{ default: 0, base: 1ms }}\nproviders:\n{}{}models:\n  b: up/b1\n  a: {{ fallback: [{{ fallback: [up/a1, up/a2], retries: 1 }}, b] }}\n  late: {{ fallback: [hanging/x, hanging/y, hanging/z], timeouts: {{ total: 600ms }} }}\n",
        provider("up", &upstream, ""),
        provider("hanging", &hanging, ", timeouts: { total: 400ms }")
    ));
    assert_eq!(faces::ask(&gateway, CHAT, "a", false).await.status, 200);
    let asked: Vec<String> = upstream
        .requests()
        .iter()
        .map(|r| tollgate_wire::json::Node::read(&r.body).unwrap().text("model").unwrap().to_owned())
        .collect();
    assert_eq!(asked, ["a1", "a1", "a2", "a2", "b1"]);
    let before = Instant::now();
    assert_eq!(faces::ask(&gateway, CHAT, "late", false).await.status, 504);
    let took = before.elapsed();
    assert_eq!(hanging.requests().len(), 2, "no third within the time of all");
    assert!((Duration::from_millis(550)..Duration::from_millis(1200)).contains(&took), "{took:?}");
}

#[tokio::test]
async fn rl06_an_answer_that_says_nothing_moves_on_and_is_told_marked_when_all_do() {
    let empty = |choices: &str| {
        format!(
            r#"{{"id":"c","object":"chat.completion","created":1,"model":"m-1","choices":{choices},"usage":{{"prompt_tokens":7,"completion_tokens":0,"total_tokens":7}}}}"#
        )
    };
    let message = |message: &str, finish: &str| {
        empty(&format!(r#"[{{"index":0,"message":{{"role":"assistant",{message}}},"finish_reason":"{finish}"}}]"#))
    };
    let stream = |finish: &str| {
        Script::sse([
            "data: {\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m-1\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"},\"finish_reason\":null}]}\n\n".to_owned(),
            format!("data: {{\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m-1\",\"choices\":[{{\"index\":0,\"delta\":{{}},\"finish_reason\":\"{finish}\"}}]}}\n\n"),
            "data: [DONE]\n\n".to_owned(),
        ])
    };
    let first = failing().await;
    let second = failing().await;
    let gateway = Gateway::start(&format!(
        "providers:\n{}{}models:\n  v: {{ fallback: [first/m, second/m], breaker: off }}\n  alone: {{ use: first/m, breaker: off }}\n",
        provider("first", &first, ""),
        provider("second", &second, "")
    ));
    for face in faces::ALL {
        for (what, script, streamed, is_empty) in [
            ("no choices", Script::json(200, empty("[]")), false, true),
            ("empty text", Script::json(200, message(r#""content":"""#, "stop")), false, true),
            ("null", Script::json(200, message(r#""content":null"#, "stop")), false, true),
            ("an empty stream", stream("stop"), true, true),
            ("a filter", Script::json(200, message(r#""content":"""#, "content_filter")), false, false),
            ("a filter in a stream", stream("content_filter"), true, false),
            (
                "a refusal",
                Script::json(200, message(r#""content":null,"refusal":"I will not.""#, "stop")),
                false,
                false,
            ),
            (
                "reasoning at length",
                Script::json(200, message(r#""content":null,"reasoning_content":"Hm""#, "length")),
                false,
                false,
            ),
        ] {
            let what = format!("{face:?} {what}");
            first.push(script.clone());
            if is_empty {
                second.push(if streamed { Spoken::of(CHAT).all() } else { good() });
            }
            let answer = faces::ask(&gateway, face, "v", streamed).await;
            let provider = if is_empty { "second" } else { "first" };
            assert_eq!(
                (answer.status, answer.header("x-tollgate-provider")),
                (200, Some(provider)),
                "{what}: {}",
                answer.text()
            );
            assert_eq!(answer.header("x-tollgate-fault"), None, "{what}");
            if is_empty {
                first.push(script);
                let answer = faces::ask(&gateway, face, "alone", streamed).await;
                assert_eq!(
                    (answer.status, answer.header("x-tollgate-fault")),
                    (200, Some("TG4015")),
                    "{what}: {}",
                    answer.text()
                );
                assert_eq!(answer.header("x-tollgate-attempts"), Some("1"), "{what}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_late_first_attempt_gets_a_second_beside_it_within_the_budget() {
    let late = ScriptedUpstream::always(good().wait(Duration::ZERO)).await;
    let quick = ScriptedUpstream::always(good()).await;
    let gateway = Gateway::start(&format!(
        "providers:\n{}{}models:\n  v: {{ fallback: [late/m, quick/m], hedge: {{ after: 200ms, budget: 10% }} }}\n",
        provider("late", &late, ""),
        provider("quick", &quick, "")
    ));
    let waiting = || Script { steps: [vec![Step::Wait(Duration::from_secs(2))], good().steps].concat(), ..good() };
    late.push(waiting());
    let before = Instant::now();
    let answer = faces::ask(&gateway, CHAT, "v", false).await;
    assert_eq!((answer.status, answer.header("x-tollgate-provider")), (200, Some("quick")));
    assert!(before.elapsed() < Duration::from_millis(1500), "{:?}", before.elapsed());
    assert_eq!(answer.header("x-tollgate-attempts"), Some("2"));
    late.until(|requests| requests[0].left.is_some()).await;
    let record = gateway.record(&answer).await;
    assert!(record.contains(r#""overtaken":true"#) && record.contains(r#""provider":"quick""#), "{record}");
    // The budget is spent: the next late call waits; so does one that forbids it.
    late.push(waiting());
    let answer = faces::ask(&gateway, CHAT, "v", false).await;
    assert_eq!((answer.header("x-tollgate-provider"), quick.requests().len()), (Some("late"), 1));
    let health = gateway.get("/api/v1/health", &[]).await.text();
    assert!(!health.contains(r#""in_flight":1"#), "{health}");
    let metrics = gateway.get("/metrics", &[]).await.text();
    assert!(
        metrics.lines().any(|l| l.starts_with("tollgate_hedges_total") && l.contains(r#"what="won""#)),
        "{metrics}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_is_sent_no_more_at_once_than_allowed() {
    let pause = Duration::from_secs(1);
    let slow = move || Script { steps: [vec![Step::Wait(pause)], good().steps].concat(), ..good() };
    let upstream = ScriptedUpstream::always(slow()).await;
    let spare = ScriptedUpstream::always(good()).await;
    let gateway = Arc::new(Gateway::start(&format!(
        "retries: {{ default: 0 }}\nproviders:\n{}{}models: {{ v: {{ fallback: [up/m, spare/m] }} }}\n",
        provider("up", &upstream, ", limits: { concurrent: 1, queue: 1, wait: 5s }"),
        provider("spare", &spare, "")
    )));
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..3 {
        let gateway = Arc::clone(&gateway);
        calls.spawn(async move { faces::ask(&gateway, CHAT, "up/m", false).await });
    }
    let answers = calls.join_all().await;
    let mut statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 200, 503], "one is served, one waits, one is sent away");
    let shed = answers.iter().find(|answer| answer.status == 503).unwrap();
    assert_eq!((shed.header("x-tollgate-fault"), shed.header("retry-after")), (Some("TG5004"), Some("5")));
    let requests = upstream.requests();
    assert!(requests[1].at >= requests[0].answered.unwrap(), "never two at once");
    // Who has another target goes there.
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let gateway = Arc::clone(&gateway);
        calls.spawn(async move { faces::ask(&gateway, CHAT, "v", false).await.status });
    }
    assert_eq!(calls.join_all().await, [200; 4]);
    assert_eq!(spare.requests().len(), 2);
    let health = gateway.get("/api/v1/health", &[]).await.text();
    assert!(health.contains(r#""concurrency":[{"provider":"up","running":0,"waiting":0}]"#), "{health}");
}

#[tokio::test]
async fn a_target_that_fails_again_and_again_is_asked_last() {
    let bad = failing().await;
    let good = ScriptedUpstream::always(good().header("x-ratelimit-remaining-requests", "41")).await;
    let gateway = Gateway::start(&format!(
        "retries: {{ default: 0 }}\nproviders:\n{}{}models: {{ v: {{ fallback: [bad/m, good/m] }} }}\n",
        provider("bad", &bad, ""),
        provider("good", &good, "")
    ));
    for _ in 0..8 {
        assert_eq!(faces::ask(&gateway, CHAT, "v", false).await.status, 200);
    }
    assert_eq!(bad.requests().len(), 5, "the breaker opens after five failures");
    let health = gateway.get("/api/v1/health", &[]).await.text();
    assert!(health.contains(r#""target":"bad/m","in_flight":0,"breaker":"open""#), "{health}");
    assert!(health.contains(r#""requests":{"remaining":41"#), "{health}");
    let metrics = gateway.get("/metrics", &[]).await.text();
    assert!(metrics.contains("tollgate_breaker{"), "{metrics}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_a_rush_new_calls_are_refused_at_once_and_the_others_served() {
    let upstream = ScriptedUpstream::always(good()).await;
    let gateway =
        Arc::new(Gateway::start(&format!("limits: {{ lag: 5ms }}\nproviders:\n{}", provider("up", &upstream, ""))));
    let words = "a long question, ".repeat(20_000);
    let body = faces::body(Dialect::Anthropic, "up/m", false).replacen("Hi", &words, 1);
    let (mut rush, mut served, mut refused) = (tokio::task::JoinSet::new(), 0, 0);
    // Not all at once: what comes first is the rush, what comes last is refused. How much a rush takes depends on the machine.
    for _ in 0..2_000 {
        let (gateway, body) = (Arc::clone(&gateway), body.clone());
        rush.spawn(async move { gateway.post("/v1/messages", &[], body).await });
        tokio::time::sleep(Duration::from_millis(1)).await;
        while let Some(answer) = if refused == 0 { rush.try_join_next() } else { rush.join_next().await } {
            let answer = answer.unwrap();
            match (answer.status, answer.header("x-tollgate-fault")) {
                (200, _) => served += 1,
                (503, Some("TG5005")) => {
                    assert_eq!(answer.header("retry-after"), Some("1"));
                    refused += 1;
                }
                other => panic!("{other:?}: {}", answer.text()),
            }
        }
        if refused > 0 {
            break;
        }
    }
    assert!(served > 0 && refused > 0, "{served} served, {refused} refused");
    let calm = faces::body(Dialect::Anthropic, "up/m", false);
    until("the rush is over", async || gateway.post("/v1/messages", &[], calm.clone()).await.status == 200).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rl20_a_turn_comes_back_however_a_call_ends() {
    let upstream = ScriptedUpstream::always(good()).await;
    // No breaker: this is of turns alone.
    let limits = ", breaker: off, limits: { concurrent: 1, queue: 0, wait: 1s }";
    let gateway =
        Gateway::start(&format!("retries: {{ default: 0 }}\nproviders:\n{}", provider("up", &upstream, limits)));
    let spoken = Spoken::of(CHAT);
    let begun = |parts: &[Bytes]| Script::sse(parts.to_vec()).step(Step::Stall);
    let short = Duration::from_millis(80);
    for face in faces::ALL {
        for way in [
            "served",
            "streamed",
            "left before the head",
            "left before a token",
            "left in the stream",
            "too late",
            "failed",
            "bad body",
        ] {
            let stream = matches!(way, "streamed" | "left before a token" | "left in the stream");
            match way {
                "streamed" => {
                    upstream.push(Script::sse([&spoken.lifecycle[..], &spoken.content, &spoken.end].concat()))
                }
                "left before the head" | "too late" => upstream.push(Script::accident(Step::Stall)),
                "left before a token" => upstream.push(begun(&spoken.lifecycle)),
                "left in the stream" => upstream.push(begun(&[&spoken.lifecycle[..], &spoken.content[..1]].concat())),
                "failed" => upstream.push(refusal(500, "broken")),
                _ => {}
            }
            let (path, body) = (faces::path(face, "up/m", stream), faces::body(face, "up/m", stream));
            match way {
                "left before the head" | "left before a token" => {
                    let call = gateway.open(&path, &[], body);
                    assert!(tokio::time::timeout(short, call).await.is_err(), "{face} {way}: an answer");
                }
                "left in the stream" => assert!(gateway.open(&path, &[], body).await.next().await.is_some(), "{face}"),
                "too late" => {
                    assert_eq!(
                        gateway.post(&path, &[("x-tollgate-timeout", "80ms")], body).await.status,
                        504,
                        "{face}"
                    );
                }
                "bad body" => assert_eq!(gateway.post(&path, &[], "{").await.status, 400, "{face}"),
                "failed" => assert_eq!(gateway.post(&path, &[], body).await.status, 500, "{face}"),
                _ => assert_eq!(gateway.post(&path, &[], body).await.status, 200, "{face} {way}"),
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
            let answer = faces::ask(&gateway, face, "up/m", false).await;
            assert_eq!(answer.status, 200, "{face} after {way}: {}", answer.text());
        }
    }
    let health = gateway.get("/api/v1/health", &[]).await.text();
    assert!(health.contains(r#""concurrency":[{"provider":"up","running":0,"waiting":0}]"#), "{health}");
}
