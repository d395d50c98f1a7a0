use tollgate_ir::{Losses, Operation};

use super::*;
use crate::json::{Envelope, apply};

const AZURE: &str = "azure-deployments:2025-04-01-preview";

#[test]
fn paths_of_every_carriage() {
    use Dialect::{Anthropic, Bedrock, Cohere, Gemini, OpenAiChat, OpenAiResponses};
    let (chat, count) = (Operation::Chat, Operation::CountTokens);
    for (carriage, dialect, operation, model, stream, path) in [
        ("own", OpenAiChat, chat, "gpt-5", true, Some("/chat/completions")),
        ("own", OpenAiResponses, chat, "gpt-5", false, Some("/responses")),
        ("own", OpenAiResponses, count, "gpt-5", false, Some("/responses/input_tokens")),
        ("own", OpenAiChat, count, "gpt-5", false, None),
        ("own", Anthropic, chat, "claude", true, Some("/messages")),
        ("own", Anthropic, count, "claude", false, Some("/messages/count_tokens")),
        ("own", Gemini, chat, "models/gemini-3-pro", true, Some("/models/gemini-3-pro:streamGenerateContent?alt=sse")),
        ("own", Gemini, chat, "gemini-3-pro", false, Some("/models/gemini-3-pro:generateContent")),
        ("own", Gemini, count, "gemini-3-pro", false, Some("/models/gemini-3-pro:countTokens")),
        ("own", Bedrock, chat, "a.b-v1:0", false, Some("/model/a.b-v1%3A0/converse")),
        ("own", Bedrock, chat, "arn:aws:x/y", true, Some("/model/arn%3Aaws%3Ax%2Fy/converse-stream")),
        ("own", Bedrock, count, "x", false, Some("/model/x/count-tokens")),
        ("own", Bedrock, count, "us.a.b-v1:0", false, Some("/model/a.b-v1%3A0/count-tokens")),
        ("bedrock-invoke", Anthropic, count, "global.a.b", false, Some("/model/a.b/count-tokens")),
        ("own", Cohere, chat, "command-a", true, Some("/v2/chat")),
        ("own", Gemini, chat, "../../x?key=1#", false, Some("/models/..%2F..%2Fx%3Fkey%3D1%23:generateContent")),
        ("own", Bedrock, chat, "..", false, Some("/model/%2E%2E/converse")),
        ("bedrock-invoke", Anthropic, chat, "m:0", false, Some("/model/m%3A0/invoke")),
        ("bedrock-invoke", Anthropic, chat, "m", true, Some("/model/m/invoke-with-response-stream")),
        ("vertex-raw-predict", Anthropic, chat, "claude@1", true, Some("/models/claude@1:streamRawPredict")),
        ("vertex-raw-predict", Anthropic, chat, "claude@1", false, Some("/models/claude@1:rawPredict")),
        ("vertex-raw-predict", Anthropic, count, "claude@1", false, Some("/models/count-tokens:rawPredict")),
        (AZURE, OpenAiChat, chat, "d", true, Some("/deployments/d/chat/completions?api-version=2025-04-01-preview")),
        ("azure-deployments", OpenAiResponses, chat, "d", true, Some("/responses?api-version=2024-10-21")),
    ] {
        let carriage: Carriage = carriage.parse().unwrap();
        assert_eq!(carriage.path(dialect, operation, model, stream).as_deref(), path, "{carriage} {dialect} {model}");
    }
}

#[test]
fn realtime_sessions_name_their_model_in_the_query() {
    let azure: Carriage = AZURE.parse().unwrap();
    assert_eq!(Carriage::Own.realtime_path("a b", ""), "/realtime?model=a%20b");
    assert_eq!(Carriage::Own.realtime_path("m", "intent=x"), "/realtime?model=m&intent=x");
    assert_eq!(azure.realtime_path("d", ""), "/realtime?api-version=2025-04-01-preview&deployment=d");
}

#[test]
fn names_read_as_they_are_written_and_wrong_ones_name_the_right() {
    for name in ["own", "bedrock-invoke", "vertex-raw-predict", AZURE] {
        assert_eq!(name.parse::<Carriage>().unwrap().to_string(), name);
    }
    assert!("vertex".parse::<Carriage>().unwrap_err().contains("vertex-raw-predict"));
}

fn carried(carriage: &Carriage, body: &str, betas: &[&str]) -> (String, Vec<String>, Vec<String>) {
    let bytes = bytes::Bytes::copy_from_slice(body.as_bytes());
    let envelope = Envelope::scan(&bytes).unwrap();
    let betas: Vec<String> = betas.iter().map(|b| (*b).to_owned()).collect();
    let mut losses = Losses::new(|_| "");
    let carried = carriage.carry(Operation::Chat, &bytes, &envelope, &betas, &mut losses);
    let out = String::from_utf8(apply(&bytes, &envelope, &carried.patches).to_vec()).unwrap();
    (out, carried.header_betas, losses.all().iter().map(|l| l.path.clone()).collect())
}

const CLAUDE_CODE: &str = r#"{"model":"m","stream":true,"max_tokens":9,"messages":[ 1.0 ],"context_management":{},"mcp_servers":[],"speed":"fast","foo":1}"#;
const FLAGS: [&str; 4] =
    ["claude-code-20250219", "interleaved-thinking-2025-05-14", "invented-1", "context-1m-2025-08-07"];

#[test]
fn tr25_bedrock_gets_what_it_takes_and_the_rest_is_reported() {
    let (body, header, lost) = carried(&Carriage::BedrockInvoke, CLAUDE_CODE, &FLAGS);
    assert_eq!(
        body,
        r#"{"max_tokens":9,"messages":[ 1.0 ],"anthropic_version":"bedrock-2023-05-31","anthropic_beta":["interleaved-thinking-2025-05-14","context-1m-2025-08-07"]}"#
    );
    assert!(header.is_empty());
    assert_eq!(
        lost,
        [
            "context_management",
            "mcp_servers",
            "speed",
            "foo",
            "anthropic-beta.claude-code-20250219",
            "anthropic-beta.invented-1"
        ]
    );
}

#[test]
fn tr25_fields_inside_of_messages_and_tools_are_cut_too() {
    let body = r#"{"messages":[{"role":"user","content":[{"type":"tool_result","content":[{"type":"text","text":"scope","cache_control":{"type":"ephemeral","scope":"global"}}]},{"type":"text","text":"\"scope\""}]}],"system":[{"type":"text","text":"s","cache_control":{ "scope":"global","ttl":"1h"}}],"tools":[{"name":"f","defer_loading":true,"input_examples":[],"eager_input_streaming":true,"input_schema":{"properties":{"scope":{},"defer_loading":{}}}}]}"#;
    let (out, _, lost) = carried(&Carriage::VertexRawPredict, body, &["tool-examples-2025-10-29"]);
    assert_eq!(
        out,
        r#"{"messages":[{"role":"user","content":[{"type":"tool_result","content":[{"type":"text","text":"scope","cache_control":{"type":"ephemeral"}}]},{"type":"text","text":"\"scope\""}]}],"system":[{"type":"text","text":"s","cache_control":{ "ttl":"1h"}}],"tools":[{"name":"f","input_examples":[],"input_schema":{"properties":{"scope":{},"defer_loading":{}}}}],"anthropic_version":"vertex-2023-10-16"}"#
    );
    assert_eq!(
        lost,
        [
            "system[0].cache_control.scope",
            "messages[0].content[0].content[0].cache_control.scope",
            "tools[0].defer_loading",
            "tools[0].eager_input_streaming"
        ]
    );
}

#[test]
fn tr27_a_body_to_be_counted_by_bedrock_is_one_for_invoke_model() {
    let body = |thinking| format!(r#"{{"model":"m","messages":[1]{thinking}}}"#);
    for (thinking, more) in [
        ("", r#","anthropic_version":"bedrock-2023-05-31","max_tokens":1"#),
        (
            r#","thinking":{"type":"enabled","budget_tokens":2000}"#,
            r#","thinking":{"type":"enabled","budget_tokens":2000},"anthropic_version":"bedrock-2023-05-31","max_tokens":2001"#,
        ),
    ] {
        let bytes = bytes::Bytes::from(body(thinking));
        let envelope = Envelope::scan(&bytes).unwrap();
        let mut losses = Losses::new(|_| "");
        let carried = Carriage::BedrockInvoke.carry(Operation::CountTokens, &bytes, &envelope, &[], &mut losses);
        let out = apply(&bytes, &envelope, &carried.patches);
        assert_eq!(String::from_utf8_lossy(&out), format!(r#"{{"messages":[1]{more}}}"#));
    }
}

#[test]
fn tr25_vertex_keeps_the_stream_flag_and_betas_in_the_header() {
    let (body, header, _) = carried(&Carriage::VertexRawPredict, CLAUDE_CODE, &FLAGS);
    assert_eq!(body, r#"{"stream":true,"max_tokens":9,"messages":[ 1.0 ],"anthropic_version":"vertex-2023-10-16"}"#);
    assert_eq!(header, ["interleaved-thinking-2025-05-14", "context-1m-2025-08-07"]);
}

#[test]
fn tr25_anthropic_itself_gets_everything_invented_or_not() {
    let (body, header, lost) = carried(&Carriage::Own, CLAUDE_CODE, &FLAGS);
    assert_eq!((body.as_str(), lost.len()), (CLAUDE_CODE, 0));
    assert_eq!(header, FLAGS);
}

#[test]
fn headers_cross_by_list() {
    for (dialect, name, goes) in [
        (Dialect::Anthropic, "anthropic-beta", true),
        (Dialect::Anthropic, "anthropic-version", true),
        (Dialect::OpenAiChat, "anthropic-beta", false),
        (Dialect::OpenAiChat, "openai-beta", true),
        (Dialect::OpenAiChat, "openai-organization", false),
        (Dialect::OpenAiChat, "idempotency-key", true),
        (Dialect::Gemini, "x-goog-api-key", false),
        (Dialect::Cohere, "cookie", false),
        (Dialect::Bedrock, "x-amzn-bedrock-guardrailidentifier", true),
        (Dialect::Bedrock, "authorization", false),
        (Dialect::Anthropic, "x-api-key", false),
        (Dialect::Anthropic, "forwarded", false),
    ] {
        assert_eq!(forwards_request_header(dialect, name), goes, "{dialect} {name}");
    }
    for (name, goes) in [
        ("retry-after", true),
        ("x-ratelimit-remaining-tokens", true),
        ("anthropic-ratelimit-unified-status", true),
        ("request-id", true),
        ("openai-organization", false),
        ("set-cookie", false),
        ("content-length", false),
        ("anthropic-organization-id", false),
    ] {
        assert_eq!(forwards_response_header(name), goes, "{name}");
    }
}

#[test]
fn an_invoke_chunk_becomes_the_event_it_wraps() {
    use base64::Engine;
    let event = r#"{"type":"content_block_stop","index":0}"#;
    let data = format!(r#"{{"bytes":"{}","p":"abc"}}"#, base64::engine::general_purpose::STANDARD.encode(event));
    let frame =
        crate::frame::Frame { raw: bytes::Bytes::new(), event: "chunk".into(), data: data.into(), exception: false };
    let unwrapped = Carriage::BedrockInvoke.unwrap(frame.clone()).unwrap();
    assert_eq!(unwrapped.raw, format!("event: content_block_stop\ndata: {event}\n\n"));
    assert_eq!((unwrapped.name(), &unwrapped.data[..]), ("content_block_stop", event.as_bytes()));
    assert_eq!(Carriage::Own.unwrap(frame.clone()).unwrap(), frame);
    let broken = crate::frame::Frame { data: "{\"bytes\":\"*\"}".into(), ..frame };
    assert!(Carriage::BedrockInvoke.unwrap(broken).is_err());
    let thrown = crate::frame::Frame {
        event: "throttlingException".into(),
        data: r#"{"message":"slow down"}"#.into(),
        exception: true,
        raw: bytes::Bytes::new(),
    };
    let fault = Carriage::BedrockInvoke.unwrap(thrown).unwrap_err();
    assert_eq!((fault.kind, fault.public.as_str()), (tollgate_ir::FaultKind::ProviderRateLimited, "slow down"));
}
