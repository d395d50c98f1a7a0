//! What rules know of a request, and what a request may ask of routing itself.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tollgate_ir::Dialect;
use tollgate_testkit::{Script, ScriptedUpstream};

use crate::faces;
use crate::support::{Answer, Gateway};

/// Providers `a` and `b` that answer, and `down` that never does.
async fn gateway(models: &str) -> (Gateway, ScriptedUpstream) {
    let upstream = ScriptedUpstream::choosing(|request| match request.target.contains("down") {
        true => Script::json(503, r#"{"error":{"message":"overloaded"}}"#),
        false => Script::json(200, faces::whole(Dialect::OpenAiChat)),
    })
    .await;
    let provider = |name: &str| {
        format!("  {name}: {{ dialect: openai-chat, base_url: \"{}\" }}\n", upstream.url(&format!("/{name}/v1")))
    };
    let gateway =
        Gateway::start(&format!("providers:\n{}{}{}{models}", provider("a"), provider("b"), provider("down")));
    (gateway, upstream)
}

async fn ask(gateway: &Gateway, headers: &[(&str, &str)], model: &str, more: &str) -> Answer {
    let body = format!(r#"{{"model":"{model}","messages":[{{"role":"user","content":"Hi"}}]{more}}}"#);
    gateway.post("/v1/chat/completions", headers, body).await
}

fn served_by(answer: &Answer) -> &str {
    answer.header("x-tollgate-provider").unwrap_or_default()
}

#[tokio::test]
async fn rules_know_the_request_on_every_face() {
    let (gateway, _upstream) = gateway(
        "models:\n  long: { rules: [ { when: 'prompt_tokens > 500', use: b/m } ], else: a/m }\n  seen: { rules: [ { when: 'turns == 1 && prompt_chars == 2 && !schema', use: b/m } ], else: a/m }\n",
    )
    .await;
    for face in faces::ALL {
        let answer = faces::ask(&gateway, face, "seen", false).await;
        assert_eq!((answer.status, served_by(&answer)), (200, "b"), "{face:?}: {}", answer.text());
        for (words, by) in [("Hi".to_owned(), "a"), ("many words ".repeat(500), "b")] {
            let body = faces::body(face, "long", false).replace("\"Hi\"", &format!("\"{words}\""));
            let answer = gateway.post(&faces::path(face, "long", false), &[], body).await;
            assert_eq!((answer.status, served_by(&answer)), (200, by), "{face:?}: {}", answer.text());
        }
    }
}

#[tokio::test]
async fn rules_know_what_stands_around_the_prompt() {
    for (when, headers, more) in [
        ("'\"nightly\" in tags'", &[("x-tollgate-tags", "one, nightly")][..], ""),
        ("'\"nightly\" in tags'", &[("x-litellm-tags", "nightly")], ""),
        ("'\"nightly\" in tags'", &[], r#","metadata":{"tags":["nightly"]}"#),
        ("'metadata.env == \"prod\"'", &[], r#","metadata":{"env":"prod"}"#),
        ("'metadata.env == \"prod\"'", &[("x-portkey-metadata", r#"{"env":"prod"}"#)], ""),
        ("'metadata.env == \"prod\"'", &[("helicone-property-env", "prod")], ""),
        ("'session == \"s1\"'", &[("x-session-id", "s1")], ""),
        ("'session == \"s1\"'", &[], r#","session_id":"s1""#),
        ("'region == \"eu\"'", &[("x-tollgate-region", "eu")], ""),
        (
            "'\"image\" in modalities'",
            &[],
            r#","messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,AAAA"}}]}]"#,
        ),
        (
            "'tools == 1'",
            &[],
            r#","tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object"}}}]"#,
        ),
        (
            "'schema'",
            &[],
            r#","response_format":{"type":"json_schema","json_schema":{"name":"x","schema":{"type":"object"}}}"#,
        ),
        ("'reasoning'", &[], r#","reasoning_effort":"high""#),
        ("'max_tokens == 7'", &[], r#","max_tokens":7"#),
    ] {
        let (gateway, _upstream) =
            gateway(&format!("models:\n  v: {{ rules: [ {{ when: {when}, use: b/m }} ], else: a/m }}\n")).await;
        let messages = r#""messages":[{"role":"user","content":"Hi"}]"#;
        let own = more.strip_prefix(',').filter(|more| more.starts_with("\"messages\""));
        let body = match own {
            Some(own) => format!(r#"{{"model":"v",{own}}}"#),
            None => format!(r#"{{"model":"v",{messages}{more}}}"#),
        };
        let answer = gateway.post("/v1/chat/completions", headers, body).await;
        assert_eq!((answer.status, served_by(&answer)), (200, "b"), "{when}: {}", answer.text());
        let answer = ask(&gateway, &[], "v", "").await;
        assert_eq!((answer.status, served_by(&answer)), (200, "a"), "{when} of a bare request");
    }
}

#[tokio::test]
async fn a_requests_own_fallbacks_serve_in_order() {
    let (gateway, upstream) = gateway("models:\n  v: { fallback: [a/m, b/m] }\n").await;
    for more in [
        r#","models":["nobody/m","b/m","a/m"]"#,
        r#","fallbacks":["b/m"]"#,
        r#","fallbacks":[{"model":"b/m"}]"#,
        r#","fallbacks":[{"provider":"b","model":"m"}]"#,
        r#","fallbacks":[{"down/m":["b/m"]}]"#,
    ] {
        let answer = ask(&gateway, &[], "down/m", more).await;
        assert_eq!((answer.status, served_by(&answer)), (200, "b"), "{more}: {}", answer.text());
    }
    for (more, by) in [
        (r#","provider":{"order":["b"]}"#, "b"),
        (r#","provider":{"only":["b"]}"#, "b"),
        (r#","provider":{"ignore":["A"]}"#, "b"),
        ("", "a"),
    ] {
        let answer = ask(&gateway, &[], "v", more).await;
        assert_eq!((answer.status, served_by(&answer)), (200, by), "{more}: {}", answer.text());
    }
    let before = upstream.requests().len();
    for more in [
        r#","provider":{"zdr":true}"#,
        r#","provider":{"data_collection":"deny"}"#,
        r#","provider":{"max_price":{"prompt":1}}"#,
        r#","provider":{"only":["nobody"]}"#,
    ] {
        assert_eq!(ask(&gateway, &[], "v", more).await.status / 100, 5, "{more}");
    }
    for more in [r#","provider":{"sort":"beauty"}"#, r#","provider":{"max_price":{"prompt":"little"}}"#] {
        assert_eq!(ask(&gateway, &[], "v", more).await.status, 400, "{more}");
    }
    assert_eq!(ask(&gateway, &[("x-tollgate-max-cost", "little")], "v", "").await.status, 400);
    assert_eq!(upstream.requests().len(), before, "none of these may be served");
}

#[tokio::test]
async fn se11_a_fallback_that_the_key_may_not_use_is_never_called() {
    let keys = "keys:\n  - { name: few, key: few-key, models: [\"down/*\", v] }\nmodels:\n  v: down/m\n  hidden: b/m\n";
    let (gateway, upstream) = gateway(keys).await;
    let headers = [("authorization", "Bearer few-key")];
    for model in ["down/m", "v"] {
        for more in [r#","models":["b/m","hidden"]"#, r#","fallbacks":["b/m",{"model":"hidden"}]"#] {
            let answer = ask(&gateway, &headers, model, more).await;
            assert_eq!(answer.status, 503, "{model} {more}: {}", answer.text());
            assert!(answer.text().contains("overloaded"), "{model} {more}: {}", answer.text());
        }
    }
    assert!(upstream.requests().iter().all(|request| request.target.contains("down")));
}

/// Providers of which `dear` is fast, `cheap` slow, and only `dear` is known to have tools.
async fn two() -> (Gateway, ScriptedUpstream) {
    let upstream = ScriptedUpstream::choosing(|request| {
        let pause = Duration::from_millis(if request.target.contains("cheap") { 150 } else { 0 });
        if String::from_utf8_lossy(&request.body).contains("\"stream\":true") {
            return faces::Spoken::of(Dialect::OpenAiChat).all().paced(pause);
        }
        Script::json(200, faces::whole(Dialect::OpenAiChat)).paced(pause)
    })
    .await;
    let provider = |name: &str, facts: &str| {
        let url = upstream.url(&format!("/{name}/v1"));
        format!("  {name}: {{ dialect: openai-chat, base_url: \"{url}\", models: {{ m: {{ {facts} }} }} }}\n")
    };
    let gateway = Gateway::start(&format!(
        "providers:\n{}{}models:\n  v: {{ fallback: [cheap/m, dear/m] }}\n  w: {{ fallback: [dear/m, cheap/m] }}\n  bounded: {{ fallback: [dear/m, cheap/m], max_price: {{ output: 5 }} }}\n  good: {{ cheapest: [cheap/m, dear/m], min_quality: {{ code: 0.8 }} }}\n  costly: {{ rules: [ {{ when: 'estimated_cost > 0.001', use: cheap/m }} ], else: dear/m }}\n",
        provider("dear", "price: { input: 10, output: 20 }, capabilities: { tools: true }, quality: { code: 0.9 }"),
        provider("cheap", "price: { input: 1, output: 2 }, quality: { code: 0.5 }")
    ));
    (gateway, upstream)
}

#[tokio::test]
async fn the_order_that_a_request_asks_for() {
    let (gateway, _upstream) = two().await;
    for model in ["cheap/m", "dear/m"] {
        for stream in ["", r#","stream":true"#] {
            for _ in 0..3 {
                assert_eq!(ask(&gateway, &[], model, stream).await.status, 200);
            }
        }
    }
    for (model, more, by) in [
        ("v", "", "cheap"),
        ("w", "", "dear"),
        ("w:floor", "", "cheap"),
        ("v:nitro", "", "dear"),
        ("w", r#","provider":{"sort":"price"}"#, "cheap"),
        ("v", r#","provider":{"sort":"throughput"}"#, "dear"),
        ("v", r#","provider":{"sort":"latency"}"#, "dear"),
        ("v", r#","provider":{"sort":{"by":"latency"}}"#, "dear"),
        ("w", r#","provider":{"max_price":{"prompt":5}}"#, "cheap"),
        ("w", r#","provider":{"max_price":{"completion":"5"}}"#, "cheap"),
        ("bounded", "", "cheap"),
        ("good", "", "dear"),
        ("v", r#","tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object"}}}]"#, "cheap"),
        (
            "v",
            r#","provider":{"require_parameters":true},"tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object"}}}]"#,
            "dear",
        ),
        ("v", r#","provider":{"require_parameters":true}"#, "cheap"),
        ("costly", r#","max_tokens":9"#, "dear"),
        ("costly", r#","max_tokens":400"#, "cheap"),
    ] {
        let answer = ask(&gateway, &[], model, more).await;
        assert_eq!((answer.status, served_by(&answer)), (200, by), "{model} {more}: {}", answer.text());
    }
    for (most, by) in [("1", "dear"), ("0.001", "cheap")] {
        let answer = ask(&gateway, &[("x-tollgate-max-cost", most)], "w", r#","max_tokens":400"#).await;
        assert_eq!((answer.status, served_by(&answer)), (200, by), "{most}: {}", answer.text());
    }
}

#[tokio::test]
async fn rules_know_the_hour_and_the_day() {
    let hours = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() / 3600;
    let (hour, weekday) = (hours() % 24, (hours() / 24 + 3) % 7 + 1);
    let rule =
        |name: &str, when: String| format!("  {name}: {{ rules: [ {{ when: '{when}', use: b/m }} ], else: a/m }}\n");
    let models = [
        rule("now", format!("hour == {hour}")),
        rule("later", format!("hour == {}", (hour + 2) % 24)),
        rule("today", format!("weekday == {weekday}")),
        rule("tomorrow", format!("weekday == {}", weekday % 7 + 1)),
    ];
    let (gateway, _upstream) = gateway(&format!("models:\n{}", models.concat())).await;
    for (model, by) in [("now", "b"), ("later", "a"), ("today", "b"), ("tomorrow", "a")] {
        let answer = ask(&gateway, &[], model, "").await;
        let same_hour = hours() % 24 == hour;
        assert!(served_by(&answer) == by || !same_hour, "{model}: {}", answer.text());
    }
}

#[tokio::test]
async fn what_is_relayed_has_wishes_too() {
    let upstream = ScriptedUpstream::choosing(|request| match request.target.contains("down") {
        true => Script::json(503, r#"{"error":{"message":"overloaded"}}"#),
        false => Script::json(200, r#"{"created":1,"data":[{"b64_json":"AAAA"}]}"#),
    })
    .await;
    let provider = |name: &str| {
        format!("  {name}: {{ dialect: openai-chat, base_url: \"{}\" }}\n", upstream.url(&format!("/{name}/v1")))
    };
    let gateway = Gateway::start(&format!(
        "providers:\n{}{}{}models: {{ v: {{ fallback: [a/m, b/m] }} }}\n",
        provider("a"),
        provider("b"),
        provider("down")
    ));
    for (model, more, by) in [
        ("v", "", "a"),
        ("down/m", r#","fallbacks":["b/m"]"#, "b"),
        ("v", r#","provider":{"order":["b"]}"#, "b"),
        ("v", r#","provider":{"ignore":["a"]}"#, "b"),
    ] {
        let body = format!(r#"{{"model":"{model}","prompt":"a cat"{more}}}"#);
        let answer = gateway.post("/v1/images/generations", &[], body).await;
        assert_eq!((answer.status, served_by(&answer)), (200, by), "{model} {more}: {}", answer.text());
    }
}

#[tokio::test]
async fn a_bare_name_stands_for_its_first_host_or_for_all() {
    for (bare, status) in [("", 503), ("bare_names: all\n", 200)] {
        let (gateway, upstream) = hosts(bare).await;
        let answer = ask(&gateway, &[], "shared", "").await;
        assert_eq!(answer.status, status, "{bare}: {}", answer.text());
        if status == 200 {
            assert_eq!(served_by(&answer), "b");
            let asked: Vec<_> = upstream.requests().iter().map(|request| request.target.clone()).collect();
            assert!(asked.iter().all(|target| !target.contains("unlisted")), "{asked:?}");
            // What is named with its provider goes there alone, and no key gets more than it may use.
            assert_eq!(ask(&gateway, &[], "down/shared", "").await.status, 503);
        }
    }
    let (gateway, _upstream) = hosts("bare_names: all\nkeys: [ { name: few, key: k, models: [\"down/*\"] } ]\n").await;
    let answer = ask(&gateway, &[("authorization", "Bearer k")], "shared", "").await;
    assert_eq!(answer.status, 503, "{}", answer.text());
}

/// Providers that list the model `shared`, the first of which is down.
async fn hosts(more: &str) -> (Gateway, ScriptedUpstream) {
    let upstream = ScriptedUpstream::choosing(|request| match request.target.contains("down") {
        true => Script::json(503, r#"{"error":{"message":"overloaded"}}"#),
        false => Script::json(200, faces::whole(Dialect::OpenAiChat)),
    })
    .await;
    let provider = |name: &str, models: &str| {
        let url = upstream.url(&format!("/{name}/v1"));
        format!("  {name}: {{ dialect: openai-chat, base_url: \"{url}\", models: {{ {models} }} }}\n")
    };
    let listed = [provider("down", "shared: {}"), provider("unlisted", "other: {}"), provider("b", "shared: {}")];
    let gateway = Gateway::start(&format!("{more}retries: {{ default: 0 }}\nproviders:\n{}", listed.concat()));
    (gateway, upstream)
}
