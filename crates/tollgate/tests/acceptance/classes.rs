//! TR13 and TR38 against the built binary: what a model's class takes, wants back and must not get.

#![expect(clippy::disallowed_types, reason = "what went up is compared as a value, not field by field")]

use serde_json::{Value, json};
use tollgate_ir::Dialect;
use tollgate_testkit::{Received, Script, ScriptedUpstream};

use crate::faces;
use crate::support::Gateway;

fn body(request: &Received) -> Value {
    serde_json::from_slice(&request.body).unwrap()
}

/// DeepSeek V4 as it is: 400 unless every earlier message with calls has its reasoning, or thinking is off.
fn v4(request: &Received) -> Script {
    let body = body(request);
    let thinks = body["thinking"]["type"] != "disabled";
    let messages = body["messages"].as_array().unwrap();
    let calls = messages.iter().filter(|m| m["tool_calls"].is_array());
    let turns = calls.clone().count();
    let missing = calls.clone().enumerate().any(|(i, m)| m["reasoning_content"] != format!("thought {}", i + 1));
    if thinks && missing {
        return Script::json(
            400,
            r#"{"error":{"message":"The `reasoning_content` in the thinking mode must be passed back to the API.","type":"invalid_request_error"}}"#,
        );
    }
    let (n, last) = (turns + 1, turns == 2);
    let message = match (thinks, last) {
        (true, false) => {
            json!({"role": "assistant", "content": "", "reasoning_content": format!("thought {n}"), "tool_calls": [{"index": 0, "id": format!("call_{n}"), "type": "function", "function": {"name": "f", "arguments": "{}"}}]})
        }
        _ => {
            json!({"role": "assistant", "content": "done", "reasoning_content": if thinks { "last thought" } else { "" }})
        }
    };
    let finish = if message["tool_calls"].is_array() { "tool_calls" } else { "stop" };
    let usage = json!({"prompt_tokens": 7, "completion_tokens": 2, "total_tokens": 9});
    if body["stream"] == true {
        let chunk = |delta: &Value, finish: Value| {
            format!(
                "data: {}\n\n",
                json!({"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})
            )
        };
        let end = json!({"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [], "usage": usage});
        return Script::sse([
            chunk(&message, Value::Null),
            chunk(&json!({}), finish.into()),
            format!("data: {end}\n\n"),
            "data: [DONE]\n\n".to_owned(),
        ]);
    }
    let reply = json!({"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [{"index": 0, "message": message, "finish_reason": finish}], "usage": usage});
    Script::json(200, reply.to_string())
}

/// A stock client's loop: it keeps words and calls, and nothing else.
async fn loop_of_three_turns(gateway: &Gateway, face: Dialect, stream: bool) {
    let chat = face == Dialect::OpenAiChat;
    let tools = match chat {
        true => {
            json!([{"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}])
        }
        false => json!([{"name": "f", "input_schema": {"type": "object", "properties": {}}}]),
    };
    let mut messages = vec![json!({"role": "user", "content": "Hi"})];
    for turn in 1..=3 {
        let body = json!({"model": "deepseek/deepseek-v4-pro", "max_tokens": 9000, "stream": stream, "tools": tools, "messages": messages});
        let answer = gateway.post(&faces::path(face, "", stream), &[], body.to_string()).await;
        let what = format!("{face} stream={stream} turn {turn}: {} {}", answer.status, answer.text());
        assert_eq!(answer.status, 200, "{what}");
        assert_eq!(answer.header("x-tollgate-dropped"), None, "{what}");
        if turn == 3 {
            assert!(answer.text().contains("done"), "{what}");
            return;
        }
        let id = ["call_1", "call_2"].into_iter().find(|id| answer.text().contains(&format!("\"{id}\""))).expect(&what);
        if chat {
            messages.push(json!({"role": "assistant", "content": null, "tool_calls": [{"id": id, "type": "function", "function": {"name": "f", "arguments": "{}"}}]}));
            messages.push(json!({"role": "tool", "tool_call_id": id, "content": "r"}));
        } else {
            messages.push(
                json!({"role": "assistant", "content": [{"type": "tool_use", "id": id, "name": "f", "input": {}}]}),
            );
            messages
                .push(json!({"role": "user", "content": [{"type": "tool_result", "tool_use_id": id, "content": "r"}]}));
        }
    }
}

#[tokio::test]
async fn tr13_deepseek_v4_gets_its_reasoning_back_from_clients_that_drop_it() {
    let upstream = ScriptedUpstream::choosing(v4).await;
    let known = format!("providers: {{ deepseek: {{ api_key: k, base_url: \"{}\" }} }}", upstream.url(""));
    let own = format!("providers: {{ deepseek: {{ dialect: openai-chat, base_url: \"{}\" }} }}", upstream.url("/v1"));
    for config in [known, own] {
        for face in [Dialect::OpenAiChat, Dialect::Anthropic] {
            for stream in [false, true] {
                // Another gateway each time: what is remembered is remembered of this loop.
                let gateway = Gateway::start(&config);
                loop_of_three_turns(&gateway, face, stream).await;
            }
        }
    }
}

#[tokio::test]
async fn tr13_reasoning_that_is_lost_switches_thinking_off() {
    let upstream = ScriptedUpstream::choosing(v4).await;
    let gateway =
        Gateway::start(&format!("providers: {{ deepseek: {{ api_key: k, base_url: \"{}\" }} }}", upstream.url("")));
    let history = json!([
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": null, "tool_calls": [{"id": "of_somebody_else", "type": "function", "function": {"name": "f", "arguments": "{}"}}]},
        {"role": "tool", "tool_call_id": "of_somebody_else", "content": "r"},
    ]);
    let body = json!({"model": "deepseek/deepseek-v4-pro", "messages": history});
    let answer = gateway.post("/v1/chat/completions", &[], body.to_string()).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.header("x-tollgate-dropped"), Some("thinking;adjusted"));
}

#[tokio::test]
async fn tr13_r1_gets_no_reasoning() {
    let upstream =
        ScriptedUpstream::choosing(|request| match body(request).to_string().contains("reasoning_content") {
            true => Script::json(400, r#"{"error":{"message":"reasoning_content is not allowed"}}"#),
            false => Script::json(200, faces::whole(Dialect::OpenAiChat)),
        })
        .await;
    let gateway =
        Gateway::start(&format!("providers: {{ deepseek: {{ api_key: k, base_url: \"{}\" }} }}", upstream.url("")));
    let history = json!([
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "Yes", "reasoning_content": "Hm"},
        {"role": "user", "content": "Go on"},
    ]);
    for model in ["deepseek-reasoner", "deepseek-r1"] {
        let body = json!({"model": format!("deepseek/{model}"), "messages": history});
        let answer = gateway.post("/v1/chat/completions", &[], body.to_string()).await;
        assert_eq!(answer.status, 200, "{model}: {}", answer.text());
    }
    let history = json!([
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": [{"type": "thinking", "thinking": "Hm", "signature": ""}, {"type": "text", "text": "Yes"}]},
        {"role": "user", "content": "Go on"},
    ]);
    let body = json!({"model": "deepseek/deepseek-r1", "max_tokens": 9, "messages": history});
    let answer = gateway.post("/v1/messages", &[], body.to_string()).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
}

#[tokio::test]
async fn tr38_what_a_class_refuses_is_dropped_and_named_or_refused_where_that_is_asked() {
    let upstream = ScriptedUpstream::always(Script::json(200, faces::whole(Dialect::OpenAiChat))).await;
    let gateway = Gateway::start(&format!(
        "providers:\n  openai: {{ dialect: openai-chat, api_key: k, base_url: \"{0}\" }}\n  picky: {{ dialect: openai-chat, base_url: \"{0}\", unsupported_params: refuse }}",
        upstream.url("/v1")
    ));
    let ask = |model: &str| {
        json!({"model": model, "max_tokens": 50, "temperature": 0.2, "messages": [{"role": "user", "content": "Hi"}]})
            .to_string()
    };
    for path in ["/v1/chat/completions", "/v1/messages"] {
        let answer = gateway.post(path, &[], ask("openai/o3")).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        assert_eq!(answer.header("x-tollgate-dropped"), Some("temperature;dropped"), "{path}");
        let sent = body(&upstream.requests().pop().unwrap());
        assert_eq!(
            (&sent["max_completion_tokens"], sent.get("max_tokens"), sent.get("temperature")),
            (&json!(50), None, None)
        );
        let asked = upstream.requests().len();
        for (headers, model) in [(&[("x-tollgate-strict", "true")][..], "openai/o3"), (&[], "picky/o3")] {
            let answer = gateway.post(path, headers, ask(model)).await;
            assert_eq!(answer.status, 400, "{path} {model}: {}", answer.text());
            assert!(answer.text().contains("temperature"), "{}", answer.text());
        }
        assert_eq!(upstream.requests().len(), asked, "nothing went up");
    }
}
