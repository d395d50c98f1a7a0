//! Which target serves: fallbacks, splits, several keys, and what a key may use.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use tollgate_ir::Dialect;
use tollgate_testkit::{Script, ScriptedUpstream, Step};

use crate::faces;
use crate::support::{Gateway, nobody};

#[tokio::test]
async fn what_moves_on_and_what_does_not() {
    // decisions.md 28: connect, timeout, 401/403, 408, 429, 5xx and quota phrases move on; no other 400 does.
    let quota =
        r#"{"error":{"message":"Your credit balance is too low to access the API","type":"invalid_request_error"}}"#;
    let refusal = r#"{"error":{"message":"no such field","type":"invalid_request_error"}}"#;
    let good = ScriptedUpstream::always(Script::json(200, faces::whole(Dialect::OpenAiChat))).await;
    let bad = ScriptedUpstream::always(Script::status(500)).await;
    let cases = [
        ("401", Script::json(401, refusal), true),
        ("402", Script::json(402, refusal), true),
        ("403", Script::json(403, refusal), true),
        ("408", Script::json(408, refusal), true),
        ("429", Script::json(429, refusal), true),
        ("500", Script::json(500, refusal), true),
        ("503", Script::json(503, refusal), true),
        ("529", Script::json(529, refusal), true),
        ("quota as 400", Script::json(400, quota), true),
        ("reset", Script::accident(Step::Reset), true),
        ("silence", Script::accident(Step::Stall), true),
        ("garbage", Script::json(200, "<html>"), true),
        ("400", Script::json(400, refusal), false),
        ("404", Script::json(404, refusal), false),
        ("413", Script::json(413, refusal), false),
        ("422", Script::json(422, refusal), false),
    ];
    // Who refuses a key or limits the rate is left alone for a while: each case has a provider of its own.
    let mut providers = String::new();
    let mut models = "  w: { fallback: [gone/m, good/m], retries: 0 }\n".to_owned();
    for i in 0..cases.len() {
        for stream in [false, true] {
            let (id, url) = (format!("bad-{i}-{stream}"), bad.url("/v1"));
            providers.push_str(&format!(
                "  {id}: {{ dialect: openai-chat, base_url: \"{url}\", timeouts: {{ total: 300ms }} }}\n"
            ));
            models.push_str(&format!("  v-{i}-{stream}: {{ fallback: [{id}/m, good/m], retries: 0 }}\n"));
        }
    }
    let gateway = Gateway::start(&format!(
        "providers:\n{providers}  gone: {{ dialect: openai-chat, base_url: \"http://{}\" }}\n  good: {{ dialect: openai-chat, base_url: \"{}\" }}\nmodels:\n{models}",
        nobody(),
        good.url("/v1")
    ));
    for (i, (name, script, moves)) in cases.into_iter().enumerate() {
        for stream in [false, true] {
            if stream && name == "garbage" {
                continue;
            }
            bad.push(script.clone());
            if !stream && moves {
                good.push(Script::json(200, faces::whole(Dialect::OpenAiChat)));
            } else if moves {
                good.push(faces::Spoken::of(Dialect::OpenAiChat).all());
            }
            let (asked, served) = (bad.requests().len(), good.requests().len());
            let answer = faces::ask(&gateway, Dialect::OpenAiChat, &format!("v-{i}-{stream}"), stream).await;
            let what = format!("{name} stream={stream}: {} {}", answer.status, answer.text());
            assert_eq!(bad.requests().len(), asked + 1, "{what}");
            assert_eq!(good.requests().len() > served, moves, "{what}");
            if moves {
                assert_eq!((answer.status, answer.header("x-tollgate-provider")), (200, Some("good")), "{what}");
                assert_eq!(answer.header("x-tollgate-attempts"), Some("2"), "{what}");
            } else {
                assert_eq!(answer.status.to_string(), name, "{what}");
                assert_eq!(answer.text(), refusal, "the provider's own words: {what}");
            }
        }
    }
    assert_eq!(faces::ask(&gateway, Dialect::Anthropic, "w", false).await.status, 200);
}

#[tokio::test]
async fn when_all_fail_the_first_fault_is_told_with_the_smallest_wait_of_all_limits() {
    let limited = |after: &str| Script::json(429, r#"{"error":{"message":"Slow down"}}"#).header("retry-after", after);
    let first = ScriptedUpstream::queue([limited("30"), Script::json(503, r#"{"error":{"message":"first"}}"#)]).await;
    let second = ScriptedUpstream::queue([limited("7"), Script::json(401, r#"{"error":{"message":"second"}}"#)]).await;
    let gateway = Gateway::start(&format!(
        "providers:\n  a: {{ dialect: openai-chat, base_url: \"{}\" }}\n  b: {{ dialect: openai-chat, base_url: \"{}\" }}\nmodels: {{ v: {{ fallback: [a/m, b/m], retries: 0 }}, w: {{ fallback: [a/n, b/n], retries: 0 }} }}",
        first.url("/v1"),
        second.url("/v1")
    ));
    let answer = faces::ask(&gateway, Dialect::OpenAiChat, "v", false).await;
    assert_eq!((answer.status, answer.header("retry-after")), (429, Some("7")));
    let answer = faces::ask(&gateway, Dialect::OpenAiChat, "w", false).await;
    assert_eq!((answer.status, faces::error(Dialect::OpenAiChat, &answer).as_str()), (503, "first"));
}

#[tokio::test]
async fn shares_of_a_split_and_of_keys_follow_their_weights() {
    let upstream = ScriptedUpstream::always(Script::json(200, faces::whole(Dialect::OpenAiChat))).await;
    let (url, other) = (upstream.url("/v1"), upstream.url("/other"));
    let gateway = Gateway::start(&format!(
        "providers:\n  a: {{ dialect: openai-chat, base_url: \"{url}\", api_keys: [{{key: k1, weight: 3}}, {{key: k2}}] }}\n  b: {{ dialect: openai-chat, base_url: \"{other}\", api_key: k3 }}\nmodels: {{ v: {{ split: [{{weight: 80, use: a/m}}, {{weight: 20, use: b/m}}] }} }}"
    ));
    for _ in 0..300 {
        assert_eq!(faces::ask(&gateway, Dialect::OpenAiChat, "v", false).await.status, 200);
    }
    let mut count: BTreeMap<String, u32> = BTreeMap::new();
    for request in upstream.requests() {
        *count.entry(request.header("authorization").unwrap().to_owned()).or_default() += 1;
    }
    // 180, 60, 60 expected; five standard deviations are about 42 and 35.
    let (k1, k2, k3) = (count["Bearer k1"], count["Bearer k2"], count["Bearer k3"]);
    assert!((135..225).contains(&k1) && (25..96).contains(&k2) && (25..96).contains(&k3), "{count:?}");
}

#[tokio::test]
async fn a_key_that_is_refused_gives_way_to_the_next_key() {
    let upstream = ScriptedUpstream::choosing(|request| match request.header("authorization") {
        Some("Bearer good") => Script::json(200, faces::whole(Dialect::OpenAiChat)),
        Some("Bearer spent") => Script::json(429, r#"{"error":{"message":"Slow down"}}"#),
        _ => Script::json(401, r#"{"error":{"message":"Incorrect API key provided"}}"#),
    })
    .await;
    let gateway = Gateway::start(&format!(
        "providers: {{ a: {{ dialect: openai-chat, base_url: \"{}\", api_keys: [{{key: revoked, weight: 1000}}, {{key: spent}}, {{key: good}}] }} }}",
        upstream.url("/v1")
    ));
    for face in faces::ALL {
        let answer = faces::ask(&gateway, face, "a/m", false).await;
        assert_eq!(answer.status, 200, "{face:?}: {}", answer.text());
    }
}

#[tokio::test]
async fn the_clients_own_time_ends_a_call() {
    let upstream =
        ScriptedUpstream::choosing(|request| match request.body.windows(13).any(|w| w == br#""stream":true"#) {
            true => faces::Spoken::of(Dialect::OpenAiChat).begun().step(Step::Stall),
            false => Script::accident(Step::Stall),
        })
        .await;
    let gateway = Gateway::start(&format!(
        "providers: {{ a: {{ dialect: openai-chat, base_url: \"{0}\" }}, b: {{ dialect: openai-chat, base_url: \"{0}\" }} }}\nmodels: {{ v: {{ fallback: [a/m, b/m] }} }}",
        upstream.url("/v1")
    ));
    for face in faces::ALL {
        for (name, value) in
            [("x-tollgate-timeout", "150ms"), ("x-tollgate-timeout", "0.15"), ("x-litellm-timeout", "0.15")]
        {
            let before = Instant::now();
            let path = faces::path(face, "v", false);
            let answer = gateway.post(&path, &[(name, value)], faces::body(face, "v", false)).await;
            assert_eq!(answer.status, 504, "{face:?} {name}: {}", answer.text());
            faces::error(face, &answer);
            assert_eq!(answer.header("x-tollgate-attempts"), Some("1"), "no other target is tried");
            assert!(before.elapsed() < Duration::from_secs(1), "{face:?}: {:?}", before.elapsed());
        }
        let path = faces::path(face, "v", true);
        let answer = gateway.post(&path, &[("x-tollgate-timeout", "150ms")], faces::body(face, "v", true)).await;
        let heard = faces::hear(face, &answer);
        assert!(heard.fault.is_some() && !heard.complete, "{face:?}: {}", answer.text());
    }
}

#[tokio::test]
async fn a_ping_is_no_token() {
    let spoken = faces::Spoken::of(Dialect::Anthropic);
    let start = spoken.script(spoken.lifecycle.clone());
    let pings = (0..40)
        .fold(start, |s, _| s.wait(Duration::from_millis(50)).chunk("event: ping\ndata: {\"type\":\"ping\"}\n\n"));
    let slow = ScriptedUpstream::always(pings.step(Step::Stall)).await;
    let good = ScriptedUpstream::always(spoken.all()).await;
    let gateway = Gateway::start(&format!(
        "providers:\n  a: {{ dialect: anthropic, base_url: \"{}\", timeouts: {{ first_token: 400ms }} }}\n  b: {{ dialect: anthropic, base_url: \"{}\" }}\nmodels: {{ v: {{ fallback: [a/m, b/m] }} }}",
        slow.url("/v1"),
        good.url("/v1")
    ));
    for face in [Dialect::Anthropic, Dialect::OpenAiChat] {
        let before = Instant::now();
        let answer = faces::ask(&gateway, face, "v", true).await;
        assert_eq!(answer.header("x-tollgate-provider"), Some("b"), "{face:?}: {}", answer.text());
        let took = before.elapsed();
        assert!((Duration::from_millis(350)..Duration::from_millis(1200)).contains(&took), "{face:?}: {took:?}");
    }
}

#[tokio::test]
async fn a_keys_list_of_models_holds_for_every_face_and_way() {
    let upstream = ScriptedUpstream::choosing(|request| {
        let dialect = if request.target.contains("other") { Dialect::Anthropic } else { Dialect::OpenAiChat };
        Script::json(200, faces::whole(dialect))
    })
    .await;
    let gateway = Gateway::start(&format!(
        "providers:\n  a: {{ dialect: openai-chat, base_url: \"{}\" }}\n  b: {{ dialect: anthropic, base_url: \"{}\" }}\nmodels: {{ v: a/m, hidden: b/m, out: {{ fallback: [a/m, b/m] }} }}\nkeys:\n  - {{ name: few, key: few-key, models: [v, \"a/*\"] }}\n  - {{ name: all, key: all-key }}",
        upstream.url("/v1"),
        upstream.url("/other")
    ));
    for face in faces::ALL {
        for (key, model, status) in [
            ("few-key", "v", 200),
            ("few-key", "a/anything", 200),
            ("few-key", "b/m", 403),
            ("few-key", "hidden", 403),
            ("all-key", "b/m", 200),
            ("all-key", "hidden", 200),
            ("no-key", "v", 401),
        ] {
            let headers = [("authorization", &*format!("Bearer {key}"))];
            let answer =
                gateway.post(&faces::path(face, model, false), &headers, faces::body(face, model, false)).await;
            assert_eq!(answer.status, status, "{face:?} {key} {model}: {}", answer.text());
            if status != 200 {
                faces::error(face, &answer);
            }
        }
    }
    let asked = upstream.requests().len();
    let answer = gateway.post("/b/v1/anything", &[("authorization", "Bearer few-key")], "{}").await;
    assert_eq!((answer.status, upstream.requests().len()), (403, asked), "{}", answer.text());
    let listed = gateway.get("/v1/models", &[("authorization", "Bearer few-key")]).await.text();
    assert!(listed.contains(r#""id":"v""#) && !listed.contains("hidden"), "{listed}");
}
