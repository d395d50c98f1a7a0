//! A whole reply at a glance says what a full decode says: of recorded traffic, of the same bent in every member, and of
//! what is odd.

use tollgate_ir::Dialect;
use tollgate_wire::codec;
use tollgate_wire::tap::Seen;

use crate::recorded::recordings;

const PROTOCOLS: [(&str, Dialect); 9] = [
    ("openai-chat", Dialect::OpenAiChat),
    ("mistral", Dialect::OpenAiChat),
    ("openai-responses", Dialect::OpenAiResponses),
    ("anthropic-messages", Dialect::Anthropic),
    ("gemini", Dialect::Gemini),
    ("bedrock-converse", Dialect::Bedrock),
    ("cohere-v2", Dialect::Cohere),
    ("ollama-chat", Dialect::Ollama),
    ("ollama-generate", Dialect::Ollama),
];

/// Compares both readings; says whether a glance was enough.
fn compared(dialect: Dialect, body: &[u8], what: &str) -> bool {
    let Some(summary) = codec::summary(dialect, body) else { return false };
    let decoded = codec::decode_reply(dialect, body).map(Seen::from);
    assert_eq!(decoded, Ok(Seen::from(summary)), "{what}: {}", String::from_utf8_lossy(body));
    true
}

#[test]
fn a_glance_at_recorded_replies_says_what_their_decode_says() {
    for (protocol, dialect) in PROTOCOLS {
        let (mut all, mut light) = (0, 0);
        for recording in recordings(protocol) {
            let Some(body) = recording.reply() else { continue };
            all += 1;
            light += usize::from(compared(dialect, body, &recording.id));
        }
        assert!(all == 0 || light * 2 >= all, "{protocol}: a glance is enough for {light} of {all} only");
        println!("{protocol}: a glance is enough for {light} of {all} whole replies");
    }
}

#[test]
fn a_glance_at_bent_replies_says_what_their_decode_says() {
    for (protocol, dialect) in PROTOCOLS {
        let all = recordings(protocol);
        // Each kind is met by then, and each costs some hundred decodes.
        let short = all.iter().filter(|recording| recording.reply().is_some_and(|body| body.len() < 2_500)).take(25);
        for recording in short {
            let Some(body) = recording.reply() else { continue };
            for at in memchr::memmem::find_iter(body, b"\":") {
                let (key, value) = body.split_at(at + 2);
                // Another key, other values in its place, a member before it, and an end.
                let renamed = [&key[..at - 1], b"_\":", value].concat();
                compared(dialect, &renamed, &recording.id);
                for other in [
                    "null,\"x\":",
                    "7,\"x\":",
                    "\"\",\"x\":",
                    "[],\"x\":",
                    "{},\"x\":",
                    "[{}],\"x\":",
                    "\"\\ud83d\",\"x\":",
                ] {
                    compared(dialect, &[key, other.as_bytes(), value].concat(), &recording.id);
                }
                compared(dialect, key, &recording.id);
            }
        }
    }
}

#[test]
fn a_glance_is_enough_for_plain_replies_and_no_more() {
    use Dialect::{Anthropic, Bedrock, Cohere, Gemini, Ollama, OpenAiChat, OpenAiResponses};
    let usage = r#""usage":{"prompt_tokens":7,"completion_tokens":2,"prompt_tokens_details":{"cached_tokens":3}}"#;
    let chat = |choice: &str| format!(r#"{{"id":"c","model":"m","choices":[{choice}],{usage}}}"#);
    let said = r#"{"index":0,"message":{"role":"assistant","content":"hi"},"finish_reason":"stop"}"#;
    let cases = [
        (OpenAiChat, chat(said), true),
        (OpenAiChat, chat(r#"{"message":{"content":null,"tool_calls":[{"id":"a"}]},"finish_reason":"tool_calls"}"#), true),
        (OpenAiChat, chat(r#"{"message":{"content":"x"},"finish_reason":"stop","stop_reason":"END"}"#), true),
        (OpenAiChat, chat(&format!("{said},{said}")), false),
        (OpenAiChat, chat(""), false),
        (OpenAiChat, chat(r#"{"message":{"content":""},"finish_reason":"stop"}"#), false),
        (OpenAiChat, chat(r#"{"message":{"content":[{"type":"text","text":"hi"}]},"finish_reason":"stop"}"#), false),
        (OpenAiChat, chat(r#"{"message":{"content":"hi"},"finish_reason":null}"#), false),
        (OpenAiChat, chat(r#"{"message":{"content":""},"finish_reason":"error","error":{"message":"no"}}"#), false),
        (OpenAiChat, chat(said).replacen('{', r#"{"error":{"message":"no"},"#, 1), false),
        (OpenAiChat, chat(said).replacen('{', r#"{"error":null,"#, 1), true),
        (OpenAiChat, chat(said).replace("hi", "\\u00e9 \\n hi"), true),
        (OpenAiChat, chat(said).replace("hi", "\\ud83d"), false),
        (OpenAiChat, chat(said) + "x", false),
        (Anthropic, r#"{"id":"m","type":"message","content":[{"type":"text","text":"hi"}],"stop_reason":"stop_sequence","stop_sequence":"E","usage":{"input_tokens":3,"output_tokens":1,"service_tier":"standard"}}"#.into(), true),
        (Anthropic, r#"{"type":"message","content":[{"type":"thinking","thinking":"t","signature":"s"},{"type":"tool_use","id":"a","name":"b","input":{}}],"stop_reason":"tool_use"}"#.into(), true),
        (Anthropic, r#"{"type":"error","content":[{"type":"text","text":"hi"}]}"#.into(), false),
        (Anthropic, r#"{"type":"message","content":[],"stop_reason":"end_turn"}"#.into(), false),
        (OpenAiResponses, r#"{"id":"r","status":"completed","error":null,"output":[{"type":"message","content":[{"type":"output_text","text":"hi"}]}],"usage":{"input_tokens":3,"output_tokens":1}}"#.into(), true),
        (OpenAiResponses, r#"{"status":"completed","output":[{"type":"function_call","call_id":"a","name":"b","arguments":"{}"}]}"#.into(), true),
        (OpenAiResponses, r#"{"status":"incomplete","output":[{"type":"message","content":[{"type":"output_text","text":"hi"}]}]}"#.into(), false),
        (Gemini, r#"{"candidates":[{"content":{"parts":[{"text":"t","thought":true},{"text":"hi"}]},"finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":3,"serviceTier":"standard"},"modelVersion":"g"}"#.into(), true),
        (Gemini, r#"{"candidates":[{"content":{"parts":[{"text":"hi"},{"functionCall":{"name":"f"}}]},"finishReason":"STOP"}]}"#.into(), false),
        (Gemini, r#"{"candidates":[{"content":{"parts":[{"text":"hi"}]}}]}"#.into(), false),
        (Bedrock, r#"{"output":{"message":{"content":[{"text":"hi"}]}},"stopReason":"end_turn","usage":{"inputTokens":3,"outputTokens":1},"serviceTier":{"type":"flex"}}"#.into(), true),
        (Bedrock, r#"{"output":{"message":{"content":[{"toolUse":{}}]}},"stopReason":"tool_use"}"#.into(), false),
        (Cohere, r#"{"id":"","message":{"content":[{"type":"text","text":"hi"}]},"finish_reason":"COMPLETE","usage":{"tokens":{"input_tokens":3,"output_tokens":1}}}"#.into(), true),
        (Cohere, r#"{"message":{"content":[{"type":"thinking","thinking":"t"}]},"finish_reason":"COMPLETE"}"#.into(), false),
        (Cohere, r#"{"message":"no such model"}"#.into(), false),
        (Ollama, r#"{"model":"m","message":{"content":"hi"},"done":true,"done_reason":"stop","eval_count":2}"#.into(), true),
        (Ollama, r#"{"model":"m","response":"hi","done":true,"done_reason":"stop"}"#.into(), true),
        (Ollama, r#"{"error":"no","message":{"content":"hi"}}"#.into(), false),
    ];
    for (dialect, body, enough) in cases {
        assert_eq!(compared(dialect, body.as_bytes(), ""), enough, "{body}");
    }
}
