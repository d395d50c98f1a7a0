//! Coding agents' traffic, as Codex 0.169 and Claude Code 2.1.332 sent it when they ran against the gateway.

use tollgate_ir::Dialect;
use tollgate_testkit::{Script, ScriptedUpstream};
use tollgate_wire::json::{Envelope, Node};

use crate::faces;
use crate::support::{Gateway, member};

/// What Codex's `ModelInfo` demands of each entry: one missing, and it reads none.
const REQUIRED: [&str; 11] = [
    "slug",
    "display_name",
    "supported_reasoning_levels",
    "shell_type",
    "visibility",
    "supported_in_api",
    "priority",
    "base_instructions",
    "support_verbosity",
    "truncation_policy",
    "experimental_supported_tools",
];

#[tokio::test]
async fn tr35_codex_reads_the_list_of_models() {
    let gateway = Gateway::start(
        "providers: { up: { dialect: openai-chat, base_url: \"http://127.0.0.1:9\", models: { m: {}, blind: { modalities: [text], context: 5000 } } } }\nmodels: { v: up/m }",
    );
    let answer = gateway.get("/v1/models?client_version=0.169.0", &[("authorization", "Bearer any")]).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let node = Node::parse(&answer.body).unwrap();
    assert_eq!(node.get("data").unwrap().items().len(), 3);
    let models = node.get("models").unwrap().items();
    assert_eq!(models.iter().filter_map(|m| m.text("slug")).collect::<Vec<_>>(), ["v", "up/blind", "up/m"]);
    for model in models {
        for key in REQUIRED {
            assert!(model.get(key).is_some(), "{key}");
        }
        assert!(!model.text("base_instructions").unwrap().is_empty());
        assert_eq!(model.text("apply_patch_tool_type"), Some("freeform"));
    }
    assert_eq!(models[1].uint("context_window"), Some(5000));
    assert_eq!(models[1].get("input_modalities").unwrap().items().len(), 1);
    assert_eq!(models[2].get("input_modalities").unwrap().items().len(), 2);
    let plain = gateway.get("/v1/models", &[]).await;
    assert!(Node::parse(&plain.body).unwrap().get("models").is_none(), "only Codex reads it: {}", plain.text());
}

#[tokio::test]
async fn tr35_a_grammar_tool_is_called_over_another_dialect_in_a_zstd_body() {
    let patch = "*** Begin Patch\n*** Add File: a\n+\"ø\"\n*** End Patch";
    let reply = r#"{"id":"msg_1","type":"message","role":"assistant","model":"m","content":[{"type":"tool_use","id":"toolu_1","name":"apply_patch","input":{"input":"*** Begin Patch\n*** Add File: a\n+\"ø\"\n*** End Patch"}}],"stop_reason":"tool_use","stop_sequence":null,"usage":{"input_tokens":1,"output_tokens":1}}"#;
    let upstream =
        ScriptedUpstream::queue([Script::json(200, reply), Script::json(200, faces::whole(Dialect::Anthropic))]).await;
    let gateway = Gateway::before("anthropic", &upstream.url("/v1"));
    let tools = r#"[{"type":"function","name":"exec_command","description":"Runs","strict":false,"parameters":{"type":"object","properties":{"cmd":{"type":"string"}},"required":["cmd"]}},{"type":"custom","name":"apply_patch","description":"Edits files","format":{"type":"grammar","syntax":"lark","definition":"start: begin_patch hunk+ end_patch"}},{"type":"web_search","external_web_access":false}]"#;
    let body = |input: &str| {
        format!(
            r#"{{"model":"up/m","instructions":"You are a coding agent.","input":{input},"tools":{tools},"tool_choice":"auto","parallel_tool_calls":true,"reasoning":{{"summary":"auto"}},"store":false,"include":["reasoning.encrypted_content"],"prompt_cache_key":"k","client_metadata":{{"thread_id":"t"}}}}"#
        )
    };
    let user = r#"{"type":"message","role":"user","content":[{"type":"input_text","text":"Add a"}]}"#;
    let headers = [("content-encoding", "zstd"), ("originator", "codex_exec")];
    let send = async |input: &str| {
        let zipped = zstd::encode_all(body(input).as_bytes(), 3).unwrap();
        gateway.post("/v1/responses", &headers, zipped).await
    };
    let answer = send(&format!("[{user}]")).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let node = Node::parse(&answer.body).unwrap();
    let call = &node.get("output").unwrap().items()[0];
    assert_eq!(
        (call.text("type"), call.text("name"), call.text("input")),
        (Some("custom_tool_call"), Some("apply_patch"), Some(patch))
    );
    let seen = upstream.requests();
    let sent = Node::parse(&seen[0].body).unwrap();
    let names: Vec<_> = sent.get("tools").unwrap().items().iter().filter_map(|t| t.text("name")).collect();
    assert!(names.starts_with(&["exec_command", "apply_patch"]), "{names:?}");
    let definition = String::from_utf8_lossy(&member(&seen[0].body, "tools").unwrap()).into_owned();
    assert!(definition.contains("start: begin_patch hunk+ end_patch"), "the grammar is told in words: {definition}");

    let id = call.text("call_id").unwrap();
    let said = String::from_utf8(member(&answer.body, "output").unwrap().to_vec()).unwrap();
    let output = format!(r#"{{"type":"custom_tool_call_output","call_id":"{id}","output":"Done"}}"#);
    let input = format!("[{user},{},{output}]", said.trim_start_matches('[').trim_end_matches(']'));
    let answer = send(&input).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let sent = upstream.requests()[1].body.clone();
    let text = String::from_utf8_lossy(&sent).into_owned();
    assert!(
        Envelope::scan(&sent).is_ok() && text.contains(r#""type":"tool_result""#) && text.contains("Done"),
        "{text}"
    );
}

/// The head and the fields that Claude Code sends, foreign to every other protocol.
const CLAUDE_CODE: &str = r#"{"model":"MODEL","messages":[{"role":"user","content":[{"type":"text","text":"<system-reminder>\nBe kind.\n</system-reminder>\n"},{"type":"text","text":"hello","cache_control":{"type":"ephemeral"}}]}],"system":[{"type":"text","text":"You are an agent.","cache_control":{"type":"ephemeral"}}],"tools":[{"name":"Bash","description":"Runs","input_schema":{"type":"object","properties":{"command":{"type":"string"}}}},{"name":"Later","description":"Rare","defer_loading":true,"input_schema":{"type":"object","properties":{}}}],"metadata":{"user_id":"{\"device_id\":\"d\"}"},"max_tokens":32000,"thinking":{"budget_tokens":31999,"type":"enabled","display":"omitted"},"context_management":{"edits":[{"type":"clear_thinking_20251015","keep":"all"}]}}"#;

#[tokio::test]
async fn tr25_claude_code_over_other_dialects_is_answered_and_told_what_was_left_out() {
    let headers = [
        (
            "anthropic-beta",
            "claude-code-20250219,interleaved-thinking-2025-05-14,context-management-2025-06-27,thinking-token-count-2026-05-13,advanced-tool-use-2025-11-20",
        ),
        ("anthropic-version", "2023-06-01"),
        ("x-app", "cli"),
        ("x-claude-code-session-id", "s"),
    ];
    for dialect in [Dialect::OpenAiChat, Dialect::OpenAiResponses, Dialect::Gemini, Dialect::Bedrock, Dialect::Cohere] {
        let upstream = ScriptedUpstream::always(Script::json(200, faces::whole(dialect))).await;
        let gateway = Gateway::before(dialect.as_str(), &upstream.url("/v1"));
        let answer = gateway.post("/v1/messages?beta=true", &headers, CLAUDE_CODE.replace("MODEL", "up/m")).await;
        assert_eq!(answer.status, 200, "{dialect:?}: {}", answer.text());
        let dropped = answer.header("x-tollgate-dropped").unwrap();
        for path in ["context_management", "tools[1].defer_loading"] {
            assert!(dropped.contains(&format!("{path};dropped")), "{dialect:?}, {path}: {dropped}");
        }
        let seen = &upstream.requests()[0];
        assert!(seen.header("anthropic-beta").is_none() && seen.header("x-claude-code-session-id").is_none());
        assert!(!String::from_utf8_lossy(&seen.body).contains("clear_thinking"));
    }
}
