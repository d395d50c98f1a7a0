//! Why a target was chosen: in a header where the caller asks, in the record always, and without a call.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use tollgate_ir::Dialect;
use tollgate_testkit::{Script, ScriptedUpstream};
use tollgate_wire::json::Node;

use crate::faces;
use crate::support::{Answer, Gateway};

const EXPLAIN: (&str, &str) = ("x-tollgate-explain", "true");

/// Providers `a` and `b` that answer, `down` that never does, and `small` whose window holds next to nothing.
async fn gateway(more: &str) -> (Gateway, ScriptedUpstream) {
    let upstream = ScriptedUpstream::choosing(|request| match request.target.contains("down") {
        true => Script::json(503, r#"{"error":{"message":"overloaded"}}"#),
        false if String::from_utf8_lossy(&request.body).contains("\"stream\":true") => {
            faces::Spoken::of(Dialect::OpenAiChat).all()
        }
        false => Script::json(200, faces::whole(Dialect::OpenAiChat)),
    })
    .await;
    let provider = |name: &str, facts: &str| {
        let url = upstream.url(&format!("/{name}/v1"));
        format!("  {name}: {{ dialect: openai-chat, base_url: \"{url}\", models: {{ m: {{ {facts} }} }} }}\n")
    };
    let gateway = Gateway::start(&format!(
        "providers:\n{}{}{}{}{more}",
        provider("a", "price: { input: 3, output: 6 }"),
        provider("b", "price: { input: 1, output: 2 }"),
        provider("down", "price: { input: 0.5, output: 1 }"),
        provider("small", "price: { input: 0.1, output: 0.1 }, context: 1")
    ));
    (gateway, upstream)
}

/// What a header tells.
fn told(answer: &Answer) -> String {
    let header = answer.header("x-tollgate-explain").unwrap_or_else(|| panic!("no explanation: {answer:?}"));
    assert!(header.len() <= 8 * 1024, "{}", header.len());
    String::from_utf8(BASE64_URL_SAFE_NO_PAD.decode(header).unwrap()).unwrap()
}

/// The texts under a key of each object in a list.
fn each(json: &str, list: &[&str], key: &str) -> Vec<String> {
    let node = Node::read(json.as_bytes()).unwrap_or_else(|| panic!("no JSON: {json}"));
    let items = node.at(list).map(|list| list.items().to_vec()).unwrap_or_default();
    items.iter().filter_map(|item| item.text(key).map(str::to_owned)).collect()
}

#[tokio::test]
async fn a_caller_reads_why_on_every_face() {
    let (gateway, _upstream) =
        gateway("models:\n  v: { cheapest: [a/m, b/m, down/m, small/m], retries: 0, breaker: off }\n").await;
    for face in faces::ALL {
        for stream in [false, true] {
            let (path, body) = (faces::path(face, "v", stream), faces::body(face, "v", stream));
            let answer = gateway.post(&path, &[EXPLAIN], body.clone()).await;
            assert_eq!(answer.status, 200, "{face:?}: {}", answer.text());
            let told = told(&answer);
            assert_eq!(each(&told, &["decision", "candidates"], "target")[..2], ["down/m", "b/m"], "{face:?} {told}");
            assert_eq!(each(&told, &["decision", "skipped"], "target"), ["small/m"], "{told}");
            assert!(each(&told, &["decision", "skipped"], "reason")[0].contains("window of 1 tokens"), "{told}");
            assert_eq!(each(&told, &["attempts"], "target"), ["down/m", "b/m"], "{told}");
            assert_eq!(each(&told, &["attempts"], "fault"), ["TG4006 provider_overloaded"], "{told}");
            for part in [
                r#""order":[{"by":"price","score":"#,
                r#""price":{"input_nanos":500000000,"output_nanos":1000000000}"#,
                r#""expected_cost_nanos":"#,
                r#""prompt_tokens":"#,
                r#""took_ms":"#,
            ] {
                assert!(told.contains(part), "{part}: {told}");
            }
            let record = gateway.record(&answer).await;
            assert_eq!(each(&record, &["decision", "candidates"], "target")[..2], ["down/m", "b/m"], "{record}");
            let unasked = gateway.post(&path, &[], body).await;
            assert_eq!(unasked.header("x-tollgate-explain"), None);
            let record = gateway.record(&unasked).await;
            assert_eq!(
                each(&record, &["decision", "skipped"], "target"),
                ["small/m"],
                "always in the record: {record}"
            );
        }
    }
}

#[tokio::test]
async fn a_failed_call_tells_why_too() {
    let (gateway, upstream) = gateway(
        "models:\n  v: { fallback: [down/m, small/m], retries: 0 }\n  r: { rules: [ { when: 'tools > 9', use: a/m }, { when: 'prompt_tokens < 1000', use: small/m } ], else: b/m }\n",
    )
    .await;
    let failed = gateway.post("/v1/chat/completions", &[EXPLAIN], faces::body(Dialect::OpenAiChat, "v", false)).await;
    assert_eq!(failed.status, 503);
    assert_eq!(each(&told(&failed), &["attempts"], "fault"), ["TG4006 provider_overloaded"]);
    let asked = upstream.requests().len();
    let none = gateway.post("/v1/chat/completions", &[EXPLAIN], faces::body(Dialect::OpenAiChat, "r", false)).await;
    assert_eq!((none.status / 100, upstream.requests().len()), (5, asked), "{}", none.text());
    let told = told(&none);
    assert!(told.contains(r#""rules":["prompt_tokens < 1000"],"candidates":[]"#), "{told}");
}

#[tokio::test]
async fn an_explanation_of_many_targets_fits_into_a_header_and_is_whole_in_the_record() {
    let names: Vec<String> = (0..200).map(|i| format!("b/a-model-with-quite-a-long-name-{i}")).collect();
    let (gateway, _upstream) = gateway(&format!("models:\n  v: {{ fallback: [{}] }}\n", names.join(", "))).await;
    let answer = gateway.post("/v1/chat/completions", &[EXPLAIN], faces::body(Dialect::OpenAiChat, "v", false)).await;
    let told = told(&answer);
    let listed = each(&told, &["decision", "candidates"], "target");
    assert_eq!(listed[..], names[..listed.len()]);
    assert!(listed.len() >= 16 && told.contains(&format!(r#""not_listed":{}"#, 200 - listed.len())), "{told}");
    assert_eq!(each(&gateway.record(&answer).await, &["decision", "candidates"], "target"), names);
}

#[tokio::test]
async fn a_key_may_be_kept_from_explanations() {
    let keys = "models: { v: a/m }\nkeys:\n  - { name: one, key: k1 }\n  - { name: two, key: k2, explain: off }\n";
    let (gateway, _upstream) = gateway(keys).await;
    for (key, may) in [("Bearer k1", true), ("Bearer k2", false)] {
        let body = faces::body(Dialect::OpenAiChat, "v", false);
        let answer = gateway.post("/v1/chat/completions", &[EXPLAIN, ("authorization", key)], body).await;
        let told = told(&answer);
        assert_eq!((answer.status, told.contains("a/m"), told.contains("refused")), (200, may, !may), "{told}");
    }
}

#[tokio::test]
async fn a_decision_is_told_without_a_call_in_every_dialect() {
    let (gateway, upstream) =
        gateway("models:\n  v: { cheapest: [a/m, b/m, small/m] }\n  mine: { rules: [ { when: 'team == \"t\"', use: b/m } ], else: a/m }\nkeys:\n  - { name: ours, key: k, team: t, models: [mine] }\nteams: { t: {} }\nadmin: { keys: [root] }\n")
            .await;
    let admin = ("authorization", "Bearer root");
    for face in faces::ALL {
        let body = faces::body(face, "v", false);
        for query in [format!("?path={}", faces::path(face, "v", false)), "?model=v".to_owned()] {
            let answer = gateway.post(&format!("/api/v1/decide{query}"), &[admin], body.clone()).await;
            let json = answer.text();
            assert_eq!(answer.status, 200, "{face:?} {query}: {json}");
            assert_eq!(each(&json, &["decision", "candidates"], "target"), ["b/m", "a/m"], "{json}");
            assert_eq!(each(&json, &["decision", "skipped"], "target"), ["small/m"], "{json}");
            assert_eq!(answer.at(&["asked"]).as_deref(), Some("v"), "{json}");
            if query.contains("path") {
                assert_eq!(answer.at(&["face"]).as_deref(), Some(face.as_str()), "{json}");
            }
            assert!(json.contains(r#""turns":1"#) && json.contains(r#""expected_cost_nanos":"#), "{json}");
        }
    }
    let body = faces::body(Dialect::OpenAiChat, "mine", false);
    for (query, first) in [("", "a/m"), ("?key=ours", "b/m")] {
        let answer = gateway.post(&format!("/api/v1/decide{query}"), &[admin], body.clone()).await;
        assert_eq!(each(&answer.text(), &["decision", "candidates"], "target"), [first], "{}", answer.text());
    }
    let decide = async |query: &str, headers: &[(&str, &str)], body: &str| {
        gateway.post(&format!("/api/v1/decide{query}"), headers, body.to_owned()).await
    };
    let other = r#"{"model":"v","messages":[]}"#;
    assert_eq!(decide("?key=ours", &[admin], other).await.status, 403, "what the key may not use");
    let unknown = decide("?key=theirs", &[admin], other).await;
    assert!(unknown.status == 400 && unknown.text().contains("ours"), "{}", unknown.text());
    assert_eq!(decide("", &[admin], r#"{"model":"nobody/knows"}"#).await.status, 404);
    assert_eq!(decide("", &[admin], r#"{"messages":[]}"#).await.status, 400);
    assert_eq!(decide("?path=/v1/models", &[admin], other).await.status / 100, 4);
    assert_eq!(
        decide("", &[("authorization", "Bearer k")], other).await.status,
        401,
        "a client's key is none of an admin"
    );
    assert_eq!(upstream.requests().len(), 0, "nobody is called");
}

#[tokio::test]
async fn what_a_provider_does_not_offer_is_no_candidate() {
    let (gateway, upstream) = gateway(&format!(
        "  claude: {{ dialect: anthropic, base_url: \"http://{}\" }}\nmodels: {{ v: {{ fallback: [claude/m, a/m] }} }}\n",
        crate::support::nobody()
    ))
    .await;
    let body = r#"{"model":"v","input":"Hi","encoding_format":"float"}"#;
    let answer = gateway.post("/api/v1/decide?path=/v1/embeddings", &[], body).await;
    let json = answer.text();
    assert_eq!(each(&json, &["decision", "candidates"], "target"), ["a/m"], "{json}");
    assert_eq!(each(&json, &["decision", "skipped"], "reason"), ["its provider does not offer `embed`"], "{json}");
    assert_eq!(upstream.requests().len(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_whose_headers_went_out_early_tells_why_in_a_comment() {
    let late = ScriptedUpstream::choosing(|request| match request.target.contains("down") {
        true => Script::json(503, r#"{"error":{"message":"overloaded"}}"#),
        false => {
            let mut script = faces::Spoken::of(Dialect::OpenAiChat).all();
            script.steps.insert(0, tollgate_testkit::Step::Wait(std::time::Duration::from_millis(400)));
            script
        }
    })
    .await;
    let provider = |name: &str| {
        format!("  {name}: {{ dialect: openai-chat, base_url: \"{}\" }}\n", late.url(&format!("/{name}/v1")))
    };
    let gateway = Gateway::start_with(
        &format!(
            "server: {{ listen: \"{{listen}}\", keepalive: 100ms }}\nproviders:\n{}{}models: {{ v: {{ fallback: [down/m, a/m], retries: 0, breaker: off }} }}\n",
            provider("down"),
            provider("a")
        ),
        &[],
    );
    for face in faces::ALL.into_iter().filter(|face| tollgate_wire::codec::is_sse(*face)) {
        let (path, body) = (faces::path(face, "v", true), faces::body(face, "v", true));
        let answer = gateway.post(&path, &[EXPLAIN], body.clone()).await;
        let text = answer.text();
        let comment = text.lines().find_map(|line| line.strip_prefix(": x-tollgate-explain: "));
        let told = comment.unwrap_or_else(|| panic!("{face:?}: {text}"));
        assert_eq!(each(told, &["attempts"], "target"), ["down/m", "a/m"], "{face:?} {told}");
        assert!(text.find("x-tollgate-explain") < text.find("data:"), "{face:?}: {text}");
        let heard = faces::hear(face, &answer);
        assert_eq!((heard.text.as_str(), heard.complete), ("Hello there", true), "{face:?}: {text}");
        let silent = gateway.post(&path, &[], body).await.text();
        assert!(!silent.contains("x-tollgate-explain"), "{face:?}: only who asks");
    }
}
