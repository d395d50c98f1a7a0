//! `InvokeModel` with bodies of other models than Claude's.

use bytes::Bytes;
use tollgate_testkit::{Recordings, Script, ScriptedUpstream};
use tollgate_wire::bedrock::invoke::wrap;

use crate::support::{Answer, Gateway};

const FRAMES: &str = "application/vnd.amazon.eventstream";

fn gateway(upstream: &ScriptedUpstream) -> Gateway {
    Gateway::start(&format!(
        "providers:\n  amazon-bedrock: {{ api_key: k, region: us-east-1, base_url: \"{0}\" }}\n  anthropic: {{ api_key: k, base_url: \"{0}\" }}\n\
         models: {{ any: {{ fallback: [ anthropic/claude-sonnet-5, amazon-bedrock/meta.llama3-1-70b-instruct-v1:0 ] }} }}",
        upstream.url("")
    ))
}

/// Models, their bodies and their answers.
const SPOKEN: &[(&str, &str, &str)] = &[
    (
        "us.amazon.nova-lite-v1:0",
        r#"{"schemaVersion":"messages-v1","messages":[{"role":"user","content":[{"text":"Hi"}]}],"inferenceConfig":{"maxTokens":9} }"#,
        r#"{"output":{"message":{"role":"assistant","content":[{"text":"Hello"}]}},"stopReason":"end_turn","usage":{"inputTokens":1,"outputTokens":2}}"#,
    ),
    (
        "meta.llama3-1-70b-instruct-v1:0",
        r#"{ "prompt":"Hi", "max_gen_len":9 }"#,
        r#"{"generation":"Hello","prompt_token_count":1,"generation_token_count":2,"stop_reason":"stop"}"#,
    ),
    (
        "amazon.titan-text-express-v1",
        r#"{"inputText":"Hi"}"#,
        r#"{"inputTextTokenCount":1,"results":[{"tokenCount":2,"outputText":"Hello","completionReason":"FINISH"}]}"#,
    ),
    (
        "mistral.mistral-large-2407-v1:0",
        r#"{"messages":[{"role":"user","content":"Hi"}],"max_tokens":9}"#,
        r#"{"choices":[{"message":{"role":"assistant","content":"Hello"}}]}"#,
    ),
    (
        "cohere.command-r-v1:0",
        r#"{"message":"Hi","chat_history":[]}"#,
        r#"{"text":"Hello","finish_reason":"COMPLETE"}"#,
    ),
];

async fn invoke(gateway: &Gateway, model: &str, verb: &str, body: impl Into<Bytes>) -> Answer {
    gateway.post(&format!("/model/{model}/{verb}"), &[("content-type", "application/json")], body).await
}

#[tokio::test]
async fn bodies_of_other_models_go_to_bedrock_and_back_as_they_are() {
    let upstream = ScriptedUpstream::choosing(|request| {
        let said = SPOKEN.iter().find(|(model, ..)| request.target.replace("%3A", ":").contains(model));
        Script::json(200, said.map_or("{}", |(_, _, answer)| *answer))
            .header("x-amzn-bedrock-input-token-count", "11")
            .header("x-amzn-bedrock-output-token-count", "7")
    })
    .await;
    let gateway = gateway(&upstream);
    for (model, body, said) in SPOKEN {
        let answer = invoke(&gateway, &format!("amazon-bedrock%2F{model}"), "invoke", *body).await;
        assert_eq!((answer.status, answer.text().as_str()), (200, *said), "{model}");
        assert_eq!(answer.header("x-amzn-bedrock-output-token-count"), Some("7"), "{model}");
        let seen = upstream.requests().pop().unwrap();
        assert_eq!(seen.target.replace("%3A", ":"), format!("/model/{model}/invoke"));
        assert_eq!(&seen.body[..], body.as_bytes(), "{model}");
        let record = gateway.record(&answer).await;
        assert!(record.contains(r#""input":11"#) && record.contains(r#""output":7"#), "{model}: {record}");
        assert!(record.contains(r#""operation":"chat""#), "{model}: {record}");
    }
}

#[tokio::test]
async fn their_streams_too_and_their_last_chunk_is_accounted() {
    let mut sent = Vec::new();
    wrap(&mut sent, br#"{"generation":"Hello","prompt_token_count":11}"#);
    wrap(
        &mut sent,
        br#"{"generation":"","stop_reason":"stop","amazon-bedrock-invocationMetrics":{"inputTokenCount":11,"outputTokenCount":7}}"#,
    );
    let sent = Bytes::from(sent);
    let (first, second) = (sent.slice(..70), sent.slice(70..));
    let upstream = ScriptedUpstream::choosing(move |_| {
        let script = Script { sized: false, ..Script::status(200) }.header("content-type", FRAMES);
        script.chunk(first.clone()).chunk(second.clone())
    })
    .await;
    let gateway = gateway(&upstream);
    let model = "amazon-bedrock%2Fmeta.llama3-1-70b-instruct-v1:0";
    let answer = invoke(&gateway, model, "invoke-with-response-stream", r#"{"prompt":"Hi"}"#).await;
    assert_eq!((answer.status, answer.header("content-type")), (200, Some(FRAMES)));
    assert_eq!(answer.body, sent);
    assert!(upstream.requests()[0].target.ends_with("/invoke-with-response-stream"));
    let record = gateway.record(&answer).await;
    assert!(record.contains(r#""input":11"#) && record.contains(r#""output":7"#), "{record}");
}

#[tokio::test]
async fn what_only_bedrock_reads_is_refused_elsewhere_or_goes_on_to_it() {
    let upstream = ScriptedUpstream::always(Script::json(200, r#"{"generation":"Hello"}"#)).await;
    let gateway = gateway(&upstream);
    let body = r#"{"prompt":"Hi"}"#;
    let answer = invoke(&gateway, "anthropic%2Fclaude-sonnet-5", "invoke", body).await;
    assert_eq!(answer.status, 501, "{}", answer.text());
    assert!(answer.at(&["message"]).unwrap().contains("Use Converse"), "{}", answer.text());
    assert!(upstream.requests().is_empty());
    let answer = invoke(&gateway, "any", "invoke", body).await;
    assert_eq!((answer.status, answer.text().as_str()), (200, r#"{"generation":"Hello"}"#));
    assert_eq!(answer.header("x-tollgate-provider"), Some("amazon-bedrock"));
}

#[tokio::test]
async fn bedrocks_refusal_of_a_body_is_told_as_it_is() {
    let refusal = r#"{"message":"Malformed input request: #: required key [prompt] not found"}"#;
    let upstream =
        ScriptedUpstream::always(Script::json(400, refusal).header("x-amzn-errortype", "ValidationException")).await;
    let gateway = gateway(&upstream);
    let answer = invoke(&gateway, "amazon-bedrock%2Fmeta.llama3-1-70b-instruct-v1:0", "invoke", "{}").await;
    assert_eq!((answer.status, answer.text().as_str()), (400, refusal));
    assert_eq!(answer.header("x-amzn-errortype"), Some("ValidationException"));
}

/// Each recorded exchange of `InvokeModel` with another model, played by an upstream, arrives byte by byte.
#[tokio::test]
async fn recorded_invocations_of_other_models_come_out_whole() {
    let Some(recordings) = Recordings::beside(env!("CARGO_MANIFEST_DIR")) else { return };
    let mut seen = 0;
    for protocol in ["bedrock-invoke", "bedrock-invoke-stream"] {
        for id in recordings.ids(protocol) {
            let recorded = recordings.read(id);
            let model = recorded.model.clone().unwrap_or_default();
            let Some(request) = &recorded.request else { continue };
            let other = ["claude", "embed", "rerank", "does-not-exist"].iter().all(|word| !model.contains(word));
            if !other || recorded.response.status != 200 {
                continue;
            }
            let (kind, said) =
                (if recorded.streaming { FRAMES } else { "application/json" }, recorded.response.body.clone());
            let upstream = ScriptedUpstream::choosing(move |_| {
                Script { sized: false, ..Script::status(200) }.header("content-type", kind).chunk(said.clone())
            })
            .await;
            let gateway = gateway(&upstream);
            let verb = if recorded.streaming { "invoke-with-response-stream" } else { "invoke" };
            let answer = invoke(&gateway, &format!("amazon-bedrock%2F{model}"), verb, request.body.clone()).await;
            assert_eq!((answer.status, &answer.body), (200, &recorded.response.body), "{id}");
            assert_eq!(upstream.requests()[0].body, request.body, "{id}");
            let record = gateway.record(&answer).await;
            // The oldest models say nothing of what they used.
            assert!(
                record.contains(r#""input":"#) || model.contains("j2-") || model.contains("command-text"),
                "{id}: {record}"
            );
            seen += 1;
        }
    }
    assert!(seen >= 4, "{seen} recordings");
}
