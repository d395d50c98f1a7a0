//! Token counts: every face that counts before every kind of counter, and before hosts that have none.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tollgate_ir::Dialect;
use tollgate_testkit::{Script, ScriptedUpstream};
use tollgate_wire::json::Node;

use crate::faces;
use crate::support::{Answer, Gateway};

/// The faces that count.
const FACES: [Dialect; 4] = [Dialect::Anthropic, Dialect::Gemini, Dialect::Bedrock, Dialect::OpenAiResponses];

fn path(face: Dialect, model: &str) -> String {
    let model = model.replace('/', "%2F");
    match face {
        Dialect::Anthropic => "/v1/messages/count_tokens".into(),
        Dialect::Gemini => format!("/v1beta/models/{model}:countTokens"),
        Dialect::Bedrock => format!("/model/{model}/count-tokens"),
        _ => "/v1/responses/input_tokens".into(),
    }
}

/// A system prompt, a question and a tool: what only a whole chat has.
fn body(face: Dialect, model: &str) -> String {
    let schema = r#"{"type":"object","properties":{"city":{"type":"string"}}}"#;
    match face {
        Dialect::Anthropic => format!(
            r#"{{"model":"{model}","system":"Be brief","tools":[{{"name":"weather","input_schema":{schema}}}],"messages":[{{"role":"user","content":"How warm?"}}]}}"#
        ),
        Dialect::Gemini => format!(
            r#"{{"generateContentRequest":{{"model":"models/{model}","systemInstruction":{{"parts":[{{"text":"Be brief"}}]}},"tools":[{{"functionDeclarations":[{{"name":"weather","parametersJsonSchema":{schema}}}]}}],"contents":[{{"role":"user","parts":[{{"text":"How warm?"}}]}}]}}}}"#
        ),
        Dialect::Bedrock => format!(
            r#"{{"input":{{"converse":{{"system":[{{"text":"Be brief"}}],"toolConfig":{{"tools":[{{"toolSpec":{{"name":"weather","inputSchema":{{"json":{schema}}}}}}}]}},"messages":[{{"role":"user","content":[{{"text":"How warm?"}}]}}]}}}}}}"#
        ),
        _ => format!(
            r#"{{"model":"{model}","instructions":"Be brief","tools":[{{"type":"function","name":"weather","parameters":{schema}}}],"input":"How warm?"}}"#
        ),
    }
}

fn counted(face: Dialect, answer: &Answer) -> Option<u64> {
    let number = match face {
        Dialect::Gemini => "totalTokens",
        Dialect::Bedrock => "inputTokens",
        _ => "input_tokens",
    };
    Node::read(&answer.body)?.uint(number)
}

async fn ask(gateway: &Gateway, face: Dialect, model: &str) -> Answer {
    gateway.post(&path(face, model), &[], body(face, model)).await
}

/// A provider with a counter: its model, the counter's path, the answer, and where in the request the chat stands.
struct Host {
    model: &'static str,
    path: &'static str,
    answer: &'static str,
    /// Tools are not in the number, and are added.
    estimates_tools: bool,
}

const fn host(model: &'static str, path: &'static str, answer: &'static str) -> Host {
    Host { model, path, answer, estimates_tools: false }
}

const HOSTS: &[Host] = &[
    host("anthropic/claude-x", "/v1/messages/count_tokens", r#"{"input_tokens":4321}"#),
    host("google/gemini-x", "/v1beta/models/gemini-x:countTokens", r#"{"totalTokens":4321}"#),
    host(
        "google-vertex/gemini-x",
        "/v1/publishers/google/models/gemini-x:countTokens",
        r#"{"totalTokens":4321,"totalBillableCharacters":9}"#,
    ),
    host(
        "google-vertex/claude-x",
        "/v1/publishers/anthropic/models/count-tokens:rawPredict",
        r#"{"input_tokens":4321}"#,
    ),
    host(
        "amazon-bedrock/us.anthropic.claude-x",
        "/aws/model/anthropic.claude-x/count-tokens",
        r#"{"inputTokens":4321}"#,
    ),
    host("openai/gpt-x", "/v1/responses/input_tokens", r#"{"object":"response.input_tokens","input_tokens":4321}"#),
    Host {
        estimates_tools: true,
        ..host("moonshotai/kimi-x", "/v1/tokenizers/estimate-token-count", r#"{"data":{"total_tokens":4321}}"#)
    },
    host("zai/glm-x", "/api/paas/v4/tokenizer", r#"{"created":1,"usage":{"prompt_tokens":4321}}"#),
    host("vllm/m", "/tokenize", r#"{"count":4321,"max_model_len":8192,"tokens":[1,2]}"#),
];

fn config(upstream: &ScriptedUpstream) -> String {
    let at = |id: &str, path: &str, more: &str| format!("  {id}: {{ base_url: \"{}\"{more} }}\n", upstream.url(path));
    let key = ", api_key: k";
    [
        "providers:\n".to_owned(),
        at("anthropic", "/v1", key),
        at("google", "/v1beta", key),
        at("google-vertex", "/v1/publishers/google", ", api_key: k, project: p, region: global"),
        at("amazon-bedrock", "/aws", ", api_key: k, region: us-east-1"),
        at("openai", "/v1", key),
        at("moonshotai", "/v1", key),
        at("zai", "/api/paas/v4", key),
        at("vllm", "/v1", ""),
    ]
    .concat()
}

/// Where the chat stands in what a counter was sent, whatever is around it.
fn chat_in(body: &[u8]) -> String {
    let node = Node::parse(body).unwrap();
    let chat = node.at(&["input", "invokeModel", "body"]);
    match chat.and_then(Node::as_str) {
        Some(chat) => String::from_utf8(STANDARD.decode(chat).unwrap()).unwrap(),
        None => String::from_utf8(body.to_vec()).unwrap(),
    }
}

#[tokio::test]
async fn tr27_every_face_is_counted_by_the_providers_own_counter_in_its_words() {
    let upstream = ScriptedUpstream::choosing(|request| {
        let path = request.target.replace("%3A", ":");
        let host = HOSTS.iter().find(|host| host.path == path && serves(host, &request.body));
        host.map_or_else(|| Script::json(404, r#"{"error":"no such path"}"#), |host| Script::json(200, host.answer))
    })
    .await;
    let gateway = Gateway::start(&config(&upstream));
    for host in HOSTS {
        for face in FACES {
            let answer = ask(&gateway, face, host.model).await;
            let whose = format!("{face} {}: {}", host.model, answer.text());
            assert_eq!(answer.status, 200, "{whose}");
            let seen = upstream.requests().pop().unwrap();
            assert_eq!(seen.target.replace("%3A", ":"), host.path, "{whose}");
            let sent = chat_in(&seen.body);
            for part in ["Be brief", "How warm?"] {
                assert_eq!(sent.matches(part).count(), 1, "{whose} {sent}");
            }
            let bare = host.model.rsplit('/').next().unwrap();
            assert!(!sent.contains(host.model), "the model by the client's name: {whose} {sent}");
            let names = sent.contains(&format!("{bare}\"")) || seen.target.contains(bare.trim_start_matches("us."));
            assert!(names, "{whose} {sent}");
            let number = counted(face, &answer).unwrap();
            if host.estimates_tools {
                assert!(!sent.contains("weather"), "{whose} {sent}");
                assert!((4_330..4_400).contains(&number), "{whose}");
                assert_eq!(answer.header("x-tollgate-count"), Some("estimate"), "{whose}");
            } else {
                assert_eq!(sent.matches("\"weather\"").count(), 1, "{whose} {sent}");
                assert_eq!(number, 4321, "{whose}");
                assert_eq!(answer.header("x-tollgate-count"), Some("provider"), "{whose}");
            }
        }
    }
}

/// Two hosts share the path of OpenAI's counter; nothing else is told apart by the body.
fn serves(host: &Host, body: &[u8]) -> bool {
    let chat = chat_in(body);
    match host.model {
        // Vertex knows no wrapper, and its Claude wants the model's name.
        "google-vertex/gemini-x" => !chat.contains("generateContentRequest"),
        "google-vertex/claude-x" => chat.contains(r#""model":"claude-x""#),
        // A body for InvokeModel has a version and a limit, and no model; one of Converse is no such body.
        "amazon-bedrock/us.anthropic.claude-x" => {
            chat.contains("converse") || chat.contains("bedrock-2023-05-31") && chat.contains(r#""max_tokens":1"#)
        }
        _ => true,
    }
}

#[tokio::test]
async fn tr27_without_a_counter_tokens_are_estimated_and_marked() {
    let upstream = ScriptedUpstream::choosing(|request| match request.target.as_str() {
        path if path.contains("nova") => {
            Script::json(400, r#"{"message":"The provided model doesn't support counting tokens."}"#)
        }
        _ => Script::json(404, r#"{"detail":"Not Found"}"#),
    })
    .await;
    let gateway = Gateway::start(&format!(
        "providers:\n  skin: {{ dialect: anthropic, base_url: \"{0}\" }}\n  talks: {{ dialect: openai-chat, base_url: \"{0}\" }}\n  \
         replies: {{ dialect: openai-responses, base_url: \"{0}\" }}\n  amazon-bedrock: {{ api_key: k, region: us-east-1, base_url: \"{0}\" }}\n  \
         cohere: {{ api_key: k, base_url: \"{0}\" }}\n  ollama: {{ base_url: \"{0}\" }}\n",
        upstream.url("")
    ));
    for model in ["skin/m", "talks/m", "replies/m", "amazon-bedrock/amazon.nova-x-v1:0", "cohere/command-x", "ollama/m"]
    {
        for face in FACES {
            let answer = ask(&gateway, face, model).await;
            let whose = format!("{face} {model}: {}", answer.text());
            assert_eq!((answer.status, answer.header("x-tollgate-count")), (200, Some("estimate")), "{whose}");
            assert_eq!(answer.header("x-tollgate-attempts"), Some("1"), "{whose}");
            assert!((20..60).contains(&counted(face, &answer).unwrap()), "{whose}");
        }
    }
}

#[tokio::test]
async fn tr27_a_counters_refusal_is_told_in_the_clients_envelope() {
    let refusal = r#"{"type":"error","error":{"type":"not_found_error","message":"model: claude-none"}}"#;
    let upstream = ScriptedUpstream::choosing(move |_| Script::json(404, refusal)).await;
    let gateway =
        Gateway::start(&format!("providers: {{ anthropic: {{ api_key: k, base_url: \"{}\" }} }}", upstream.url("/v1")));
    for face in FACES {
        let answer = ask(&gateway, face, "anthropic/claude-none").await;
        assert_eq!(answer.status, 404, "{face}: {}", answer.text());
        assert_eq!(faces::error(face, &answer), "model: claude-none", "{face}");
        assert_eq!(answer.header("x-tollgate-count"), None, "{face}");
    }
}
