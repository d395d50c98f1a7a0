//! Streams that break off, and models that go on with a beginning of their own: each host is told so in its own words, and
//! nobody is asked the same in vain twice.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use tollgate_ir::Dialect;
use tollgate_testkit::{Received, Script, ScriptedUpstream, Step};
use tollgate_wire::bedrock::invoke::wrap;
use tollgate_wire::json::Node;

use crate::faces::{self, Spoken};
use crate::support::{Answer, Gateway};

const CHAT: Dialect = Dialect::OpenAiChat;
const CLAUDE: &str = "claude-sonnet-4-5-20250929";

/// A provider of OpenAI's chat whose streams break off after the first word.
async fn breaking() -> ScriptedUpstream {
    let spoken = Spoken::of(CHAT);
    let words = [&spoken.lifecycle[..], &spoken.content[..1]].concat();
    ScriptedUpstream::always(spoken.script(words).step(Step::Wait(Duration::from_millis(30))).step(Step::Cut)).await
}

/// A model for each of these: first the one that breaks, then that.
fn models(nexts: &[(&str, &str)]) -> String {
    let model = |(name, target): &(&str, &str)| {
        format!("  {name}: {{ fallback: [bad/m, \"{target}\"], breaker: off, retries: 0 }}\n")
    };
    format!("models:\n{}", nexts.iter().map(model).collect::<String>())
}

fn bad(upstream: &ScriptedUpstream) -> String {
    format!("  bad: {{ dialect: openai-chat, base_url: \"{}\" }}\n", upstream.url("/v1"))
}

async fn ask(gateway: &Gateway, face: Dialect, model: &str) -> Answer {
    faces::ask(gateway, face, model, true).await
}

/// What is left of an answer, in a dialect.
fn rest(dialect: Dialect) -> Vec<Bytes> {
    let spoken = Spoken::of(dialect);
    [&spoken.lifecycle[..], &spoken.content[1..], &spoken.end].concat()
}

/// Anthropic's events, as Bedrock's `InvokeModel` wraps them.
fn invoked(events: &[Bytes]) -> Bytes {
    let mut frames = Vec::new();
    for event in events {
        let text = String::from_utf8_lossy(event).into_owned();
        for data in text.lines().filter_map(|line| line.strip_prefix("data:")) {
            wrap(&mut frames, data.trim().as_bytes());
        }
    }
    frames.into()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rl03_claude_goes_on_with_a_beginning_wherever_it_is_hosted() {
    let bad_upstream = breaking().await;
    let hosts = ScriptedUpstream::choosing(|request: &Received| {
        let frames = |bytes: Bytes| {
            let script = Script { sized: false, ..Script::status(200) };
            script.header("content-type", "application/vnd.amazon.eventstream").chunk(bytes)
        };
        match request.target.as_str() {
            target if target.contains("token") => Script::json(200, r#"{"access_token":"t","expires_in":3600}"#),
            target if target.ends_with("/converse-stream") => frames(rest(Dialect::Bedrock).concat().into()),
            target if target.contains("invoke") => frames(invoked(&rest(Dialect::Anthropic))),
            _ => Script::sse(rest(Dialect::Anthropic)),
        }
    })
    .await;
    let folder = tempfile::tempdir().unwrap();
    let user = format!(
        r#"{{"type":"authorized_user","client_id":"c","client_secret":"s","refresh_token":"r","token_uri":"{}"}}"#,
        hosts.url("/token")
    );
    std::fs::write(folder.path().join("user.json"), user).unwrap();
    let bedrock = format!("amazon-bedrock/anthropic.{CLAUDE}-v1:0");
    let config = format!(
        "server: {{ listen: \"{{listen}}\" }}\nproviders:\n{}  anthropic: {{ api_key: k, base_url: \"{}\" }}\n  amazon-bedrock: {{ api_key: k, region: us-east-1, base_url: \"{}\" }}\n  google-vertex: {{ base_url: \"{}\", auth: {{ google: {{ credentials_file: ./user.json }} }} }}\n{}",
        bad(&bad_upstream),
        hosts.url("/v1"),
        hosts.url(""),
        hosts.url("/v1/projects/p/locations/global/publishers/google"),
        models(&[
            ("own", &format!("anthropic/{CLAUDE}")),
            ("bedrock", &bedrock),
            ("vertex", "google-vertex/claude-sonnet-4-5@20250929"),
            ("newer", "anthropic/claude-opus-4-7"),
        ]),
    );
    let gateway = Gateway::start_in(folder, &config, &[]);
    for face in faces::ALL {
        for model in ["own", "bedrock", "vertex"] {
            let answer = ask(&gateway, face, model).await;
            let heard = faces::hear(face, &answer);
            let asked = hosts.requests().last().unwrap().clone();
            let what = format!("{face:?} {model} {}: {}", asked.target, answer.text());
            assert_eq!((heard.text.as_str(), heard.complete), ("Hello there", true), "{what}");
            let node = Node::parse(&asked.body).unwrap();
            let last = node.get("messages").unwrap().items().last().unwrap();
            assert_eq!(last.text("role"), Some("assistant"), "{what}");
            assert!(last.to_text().contains("Hello"), "{what}");
        }
    }
    let ways: Vec<String> = hosts.requests().iter().map(|r| r.target.clone()).collect();
    for way in ["/v1/messages", "converse-stream", "invoke-with-response-stream", ":streamRawPredict"] {
        assert!(ways.iter().any(|target| target.contains(way)), "{way}: {ways:?}");
    }
    // From 4.6 on it takes no beginning: it is asked the same again, and what it says does not fit here.
    let before = hosts.requests().len();
    ask(&gateway, Dialect::Anthropic, "newer").await;
    let asked = hosts.requests()[before].body.clone();
    assert!(!String::from_utf8_lossy(&asked).contains("assistant"), "{}", String::from_utf8_lossy(&asked));
    let metrics = gateway.get("/metrics", &[]).await.text();
    for model in ["own", "bedrock", "vertex"] {
        let line = format!(r#"tollgate_resumptions_total{{model="{model}",manner="prefill",outcome="went_on"}} 7"#);
        assert!(metrics.contains(&line), "{line}\n{metrics}");
    }
}

fn chat(delta: &str, finish: &str) -> String {
    format!(
        "data: {{\"id\":\"c9\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m-2\",\"choices\":[{{\"index\":0,\"delta\":{delta},\"finish_reason\":{finish}}}]}}\n\n"
    )
}

/// A streamed answer of these words.
fn says(words: &[&str]) -> Script {
    let words = words.iter().map(|word| chat(&format!(r#"{{"content":"{word}"}}"#), "null"));
    let begin = std::iter::once(chat(r#"{"role":"assistant"}"#, "null"));
    Script::sse(begin.chain(words).chain([chat("{}", r#""stop""#), "data: [DONE]\n\n".to_owned()]))
}

/// What a host demands of a request that begins the answer, by the first part of the path; and what it says then.
fn host(request: &Received) -> Script {
    let body = Node::parse(&request.body).unwrap();
    let last = body.get("messages").unwrap().items().last().unwrap();
    let marked = last.get("prefix").is_some_and(|mark| mark.to_text() == "true");
    let is = |key: &str, value: &str| body.get(key).is_some_and(|node| node.to_text() == value);
    let continues = is("continue_final_message", "true") && is("add_generation_prompt", "false");
    let refused = || Script::json(400, r#"{"error":{"message":"no beginning was given"}}"#);
    let begun = last.text("role") == Some("assistant") && last.text("content") == Some("Hello");
    match request.target.split('/').nth(1).unwrap() {
        _ if !begun => refused(),
        // It says the beginning once more.
        "mistral" if marked && !continues => says(&["Hel", "lo", " there"]),
        "deepseek" if marked && request.target == "/deepseek/beta/chat/completions" => says(&[" there"]),
        "vllm" | "sglang" if continues && !marked => says(&[" there"]),
        "openrouter" | "own" if !continues && !marked => says(&[" there"]),
        _ => refused(),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rl03_hosts_that_take_a_beginning_are_told_in_their_own_words() {
    let bad_upstream = breaking().await;
    let hosts = ScriptedUpstream::choosing(host).await;
    let provider = |id: &str, base: &str, more: &str| {
        format!("  {id}: {{ api_key: k, base_url: \"{}\"{more} }}\n", hosts.url(&format!("/{id}{base}")))
    };
    let takes = ", models: { m: { prefill: true } }";
    let nexts = [
        ("v-mistral", "mistral/mistral-large-2512"),
        ("v-deepseek", "deepseek/deepseek-chat"),
        ("v-vllm", "vllm/some-model"),
        ("v-sglang", "sglang/some-model"),
        ("v-openrouter", "openrouter/m"),
        ("v-own", "own/m"),
    ];
    let gateway = Gateway::start(&format!(
        "providers:\n{}{}{}{}{}{}{}{}",
        bad(&bad_upstream),
        provider("mistral", "/v1", ""),
        provider("deepseek", "/v1", ""),
        provider("vllm", "/v1", ""),
        provider("sglang", "/v1", ""),
        provider("openrouter", "/api/v1", takes),
        provider("own", "/v1", &format!(", dialect: openai-chat{takes}")),
        models(&nexts),
    ));
    for (model, _) in nexts {
        let before = hosts.requests().len();
        let answer = ask(&gateway, CHAT, model).await;
        let heard = faces::hear(CHAT, &answer);
        assert_eq!((heard.text.as_str(), heard.complete), ("Hello there", true), "{model}: {}", answer.text());
        assert_eq!(hosts.requests().len() - before, 1, "{model}: asked once");
    }
    for face in faces::ALL {
        let answer = ask(&gateway, face, "v-mistral").await;
        assert_eq!(faces::hear(face, &answer).text, "Hello there", "{face:?}: {}", answer.text());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rl03_what_was_asked_in_vain_is_not_asked_again() {
    let bad_upstream = breaking().await;
    let fails = Arc::new(AtomicUsize::new(0));
    let left = Arc::clone(&fails);
    let hosts = ScriptedUpstream::choosing(move |request: &Received| {
        let asked = String::from_utf8_lossy(&request.body).into_owned();
        let provider = request.target.split('/').nth(1).unwrap();
        match provider {
            // Its template takes no beginning.
            "vllm" if asked.contains("continue_final_message") => {
                Script::json(400, r#"{"error":{"message":"prefill is incompatible with enable_thinking"}}"#)
            }
            "vllm" => says(&["Hello", " there"]),
            // It takes the words for thoughts, and says nothing.
            "sglang" if asked.contains("continue_final_message") => Script::sse([
                chat(r#"{"role":"assistant","reasoning_content":" there"}"#, "null"),
                chat("{}", r#""stop""#),
                "data: [DONE]\n\n".to_owned(),
            ]),
            "sglang" => says(&["Hello", " there"]),
            // It says something else, and fails when it is told to go on, once.
            _ if !asked.contains("cut off") => says(&["Good day"]),
            _ if left.fetch_sub(1, Ordering::SeqCst) > 0 => Script::json(500, r#"{"error":{"message":"broken"}}"#),
            _ => says(&[" there"]),
        }
    })
    .await;
    let provider = |id: &str, more: &str| {
        format!("  {id}: {{ api_key: k, base_url: \"{}\"{more} }}\n", hosts.url(&format!("/{id}/v1")))
    };
    let model = |id: &str| format!("  v-{id}: {{ fallback: [bad/m, {id}/m], breaker: off, retries: 1 }}\n");
    let gateway = Gateway::start(&format!(
        "retries: {{ base: 1ms }}\nproviders:\n{}{}{}{}models:\n{}{}{}",
        bad(&bad_upstream),
        provider("vllm", ""),
        provider("sglang", ""),
        provider("other", ", dialect: openai-chat"),
        model("vllm"),
        model("sglang"),
        model("other"),
    ));
    for (model, times, faults) in [("v-vllm", 2, 0), ("v-sglang", 2, 0), ("v-other", 2, 0), ("v-other", 3, 1)] {
        fails.store(faults, Ordering::SeqCst);
        let before = hosts.requests().len();
        let answer = ask(&gateway, CHAT, model).await;
        let heard = faces::hear(CHAT, &answer);
        assert_eq!((heard.text.as_str(), heard.complete), ("Hello there", true), "{model}: {}", answer.text());
        assert_eq!(hosts.requests().len() - before, times, "{model}");
    }
    let metrics = gateway.get("/metrics", &[]).await.text();
    for line in [
        r#"{model="v-vllm",manner="prefill",outcome="provider_bad_request"} 1"#,
        r#"{model="v-vllm",manner="regenerate",outcome="went_on"} 1"#,
        r#"{model="v-sglang",manner="prefill",outcome="answer_diverged"} 1"#,
        r#"{model="v-other",manner="regenerate",outcome="answer_diverged"} 2"#,
        r#"{model="v-other",manner="asked",outcome="went_on"} 2"#,
    ] {
        assert!(metrics.contains(&format!("tollgate_resumptions_total{line}")), "{line}\n{metrics}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn streams_that_nobody_went_on_with_are_counted() {
    let bad_upstream = breaking().await;
    let down = ScriptedUpstream::always(Script::json(500, "{}")).await;
    let gateway = Gateway::start(&format!(
        "retries: {{ default: 0 }}\nproviders:\n{}  down: {{ dialect: openai-chat, base_url: \"{}\" }}\n{}",
        bad(&bad_upstream),
        down.url("/v1"),
        models(&[("v", "down/m")]),
    ));
    let answer = ask(&gateway, CHAT, "v").await;
    assert!(faces::hear(CHAT, &answer).fault.is_some(), "{}", answer.text());
    let metrics = gateway.get("/metrics", &[]).await.text();
    let line = r#"tollgate_resumptions_total{model="v",manner="none",outcome="ended"} 1"#;
    assert!(metrics.contains(line), "{metrics}");
}
