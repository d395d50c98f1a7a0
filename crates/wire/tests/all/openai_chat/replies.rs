//! Whole replies: the hosts' spellings read, OpenAI's written.

use serde_json::{Value, json};
use tollgate_ir::{
    Block, BlockStart, Call, CallKind, Choice, Content, Delta, Event, Fault, FaultKind, Finish, Issuer, Reasoning,
    Reply, Retry, Seal, Usage,
};
use tollgate_wire::{codec, openai_chat};

use super::{CHAT, context, decode, events, sent};
use crate::streams::check;

fn read(choice: &str, usage: &str) -> Reply {
    let body = format!(r#"{{"id":"x","model":"m","choices":[{choice}],"usage":{usage}}}"#);
    codec::decode_reply(CHAT, body.as_bytes()).unwrap()
}

fn write(reply: &Reply) -> Value {
    serde_json::from_slice(&codec::encode_reply(CHAT, reply, &context())).unwrap()
}

#[test]
fn content_in_every_shape() {
    for (message, text) in [
        (r#"{"content":"a"}"#, "a"),
        (r#"{"content":[{"type":"text","text":"a"}]}"#, "a"),
        (r#"{"content":{"k":1}}"#, r#"{"k":1}"#),
        (r#"{"content":null}"#, ""),
    ] {
        let reply = read(&format!(r#"{{"message":{message},"finish_reason":"stop"}}"#), "null");
        let said: String = reply.choices[0].blocks.iter().filter_map(|b| b.as_text()).collect();
        assert_eq!(said, text, "{message}");
    }
}

#[test]
fn tr14_reasoning_in_every_spelling() {
    for message in [
        r#"{"content":"t","reasoning_content":"r"}"#,
        r#"{"content":"t","reasoning":"r","reasoning_content":null}"#,
        r#"{"content":"t","reasoning":"r","reasoning_details":[{"type":"reasoning.text","text":"r","index":0}]}"#,
        r#"{"content":"t","thinking_blocks":[{"type":"thinking","thinking":"r"}]}"#,
        r#"{"content":[{"type":"reasoning","summary":[{"type":"summary_text","text":"r"}]},{"type":"text","text":"t"}]}"#,
    ] {
        let reply = read(&format!(r#"{{"message":{message},"finish_reason":"stop"}}"#), "null");
        let blocks = &reply.choices[0].blocks;
        assert_eq!(blocks.len(), 2, "{message}");
        assert!(matches!(&blocks[0].content, Content::Reasoning(r) if r.text == "r"), "{message}");
        assert_eq!(write(&reply)["choices"][0]["message"]["reasoning_content"], "r", "{message}");
    }
}

#[test]
fn sources_beside_the_choices_are_citations() {
    let sources = r#""citations":["https://a"],"search_results":[{"url":"https://a","title":"A"}]"#;
    let body = format!(r#"{{"id":"x","choices":[{{"message":{{"content":"t"}}}}],{sources}}}"#);
    let told = write(&codec::decode_reply(CHAT, body.as_bytes()).unwrap());
    let wanted =
        json!([{"type":"url_citation","url_citation":{"start_index":0,"end_index":0,"title":"A","url":"https://a"}}]);
    assert_eq!(told["choices"][0]["message"]["annotations"], wanted);
    let chunk =
        format!(r#"data: {{"id":"x","choices":[{{"delta":{{"content":"t"}},"finish_reason":"stop"}}],{sources}}}"#);
    let events = events(format!("{chunk}\n\n").as_bytes(), 9);
    check("made", &events);
    let data = sent(&events, context()).concat();
    assert_eq!(data.matches("url_citation\":{").count(), 1, "{data}");
}

#[test]
fn usage_in_disjoint_classes() {
    let usage =
        |input, cache_read, output, reasoning| Some(Usage { input, cache_read, output, reasoning, ..Usage::default() });
    for (said, wanted) in [
        (r#"{"prompt_tokens":9,"completion_tokens":5,"total_tokens":14}"#, usage(9, None, 5, None)),
        (
            r#"{"prompt_tokens":9,"completion_tokens":5,"prompt_tokens_details":{"cached_tokens":4},"completion_tokens_details":{"reasoning_tokens":2}}"#,
            usage(5, Some(4), 3, Some(2)),
        ),
        // xAI: beside the completion.
        (
            r#"{"prompt_tokens":9,"completion_tokens":5,"total_tokens":21,"completion_tokens_details":{"reasoning_tokens":7}}"#,
            usage(9, None, 5, Some(7)),
        ),
        // Google: in the total only.
        (r#"{"prompt_tokens":9,"completion_tokens":5,"total_tokens":20}"#, usage(9, None, 5, Some(6))),
        (r#"{"prompt_tokens":9,"completion_tokens":5,"prompt_cache_hit_tokens":9}"#, usage(0, Some(9), 5, None)),
        (r#"{"prompt_tokens":9,"completion_tokens":null}"#, None),
    ] {
        assert_eq!(read(r#"{"message":{"content":"a"}}"#, said).usage, wanted, "{said}");
    }
    let written = Usage {
        input: 1,
        cache_read: Some(2),
        cache_write: Some(3),
        cache_write_1h: Some(4),
        output: 5,
        reasoning: Some(6),
        ..Usage::default()
    };
    let body = write(&Reply { usage: Some(written), ..Reply::default() });
    assert_eq!(
        body["usage"],
        json!({"prompt_tokens":10,"completion_tokens":11,"total_tokens":21,
            "prompt_tokens_details":{"cached_tokens":2,"cache_write_tokens":7},"completion_tokens_details":{"reasoning_tokens":6}})
    );
}

#[test]
fn tr05_finish_reasons_both_ways() {
    for (word, finish) in [
        ("stop", Finish::Stop),
        ("eos", Finish::Stop),
        ("length", Finish::Length),
        ("tool_calls", Finish::ToolCalls),
        ("function_call", Finish::ToolCalls),
        ("content_filter", Finish::ContentFilter),
        ("insufficient_system_resource", Finish::Error("insufficient_system_resource".into())),
    ] {
        let reply = read(&format!(r#"{{"message":{{"content":"a"}},"finish_reason":"{word}"}}"#), "null");
        assert_eq!(reply.choices[0].finish, Some(finish));
    }
    let words = [
        (None, "stop"),
        (Some(Finish::StopSequence(Some("x".into()))), "stop"),
        (Some(Finish::ContextWindow), "length"),
        (Some(Finish::Refusal), "content_filter"),
        (Some(Finish::Pause), "stop"),
        (Some(Finish::Error("MALFORMED".into())), "stop"),
    ];
    for (finish, word) in words {
        let choice = Choice { blocks: vec![Block::text("a")], finish, logprobs: vec![] };
        let body = write(&Reply { choices: vec![choice], ..Reply::default() });
        assert_eq!(body["choices"][0]["finish_reason"], word);
    }
}

#[test]
fn errors_in_bodies_of_status_200_are_faults() {
    for (body, kind) in [
        (r#"{"error":{"message":"x","type":"rate_limit_error"}}"#, FaultKind::ProviderRateLimited),
        (r#"{"error":{"code":502,"message":"x"},"choices":[]}"#, FaultKind::ProviderFailed),
        (r#"{"detail":"x"}"#, FaultKind::ProviderFailed),
        (
            r#"{"choices":[{"error":{"code":429,"message":"x"},"message":{"content":""},"finish_reason":"error"}]}"#,
            FaultKind::ProviderRateLimited,
        ),
        (r#"{"choices":null}"#, FaultKind::ProviderGarbage),
        ("<html>", FaultKind::ProviderGarbage),
        ("", FaultKind::ProviderGarbage),
    ] {
        assert_eq!(codec::decode_reply(CHAT, body.as_bytes()).unwrap_err().kind, kind, "{body}");
    }
}

#[test]
fn tr28_errors_have_the_faces_envelope_and_the_providers_words() {
    for (kind, status, retry, wanted) in [
        (
            FaultKind::ContextLength,
            400,
            Retry::No,
            json!({"message":"w","type":"invalid_request_error","param":null,"code":"context_length_exceeded"}),
        ),
        (
            FaultKind::ProviderRateLimited,
            429,
            Retry::NextTarget,
            json!({"message":"w","type":"rate_limit_error","param":null,"code":"rate_limit_exceeded"}),
        ),
        (
            FaultKind::ProviderQuota,
            429,
            Retry::NextTarget,
            json!({"message":"w","type":"insufficient_quota","param":null,"code":"insufficient_quota"}),
        ),
        (
            FaultKind::ProviderFailed,
            500,
            Retry::NextTarget,
            json!({"message":"w","type":"server_error","param":null,"code":null}),
        ),
    ] {
        let fault = Fault::new(kind, "w");
        assert_eq!((fault.status, fault.retry), (status, retry));
        let body: Value = serde_json::from_slice(&codec::encode_fault(CHAT, &fault, "r")).unwrap();
        assert_eq!(body["error"], wanted);
    }
}

/// An answer of another provider, told and sent back by a client that echoes all it was told.
#[test]
fn tr06_an_echoed_answer_is_the_answer() {
    let reasoning = |text: &str, redacted, issuer, seal: &str| Block {
        seal: Some(Seal { issuer, data: seal.into() }),
        ..Block::new(Content::Reasoning(Reasoning { text: text.into(), redacted, ..Reasoning::default() }))
    };
    let call = |id: &str, seal: Option<Seal>| Block {
        seal,
        ..Block::new(Content::Call(Call {
            id: id.into(),
            name: "f".into(),
            arguments: "{}".into(),
            kind: CallKind::Function,
        }))
    };
    let gemini = Seal { issuer: Issuer::Gemini, data: "G".into() };
    for blocks in [
        vec![
            reasoning("a", false, Issuer::Anthropic, "S1"),
            call("1", None),
            reasoning("b", false, Issuer::Anthropic, "S2"),
            reasoning("", true, Issuer::Anthropic, "R"),
            call("2", None),
        ],
        vec![Block::text("t"), reasoning("a", false, Issuer::Anthropic, "S1"), call("1", None)],
        vec![reasoning("", false, Issuer::OpenAi, "gAAAA"), Block::text("t")],
        vec![call("1", Some(gemini.clone())), call("2", None)],
        vec![Block { seal: Some(gemini), ..Block::text("t") }],
    ] {
        let reply = Reply { choices: vec![Choice { blocks: blocks.clone(), ..Choice::default() }], ..Reply::default() };
        let message = &write(&reply)["choices"][0]["message"];
        let body = json!({"model":"m","messages":[{"role":"user","content":"x"}, message]});
        let (request, lost) = decode(&body.to_string()).unwrap();
        assert_eq!(lost, Vec::<String>::new());
        let mut back = request.turns[1].blocks.clone();
        back.iter_mut().for_each(|b| b.at.clear());
        assert_eq!(back, blocks);
    }
}

#[test]
fn a_reply_without_choices_is_still_one_that_sdks_can_read() {
    let body = write(&Reply::default());
    assert_eq!(
        (&body["id"], &body["object"], &body["created"]),
        (&json!("chatcmpl-abc"), &json!("chat.completion"), &json!(7))
    );
    assert_eq!(body["choices"][0]["message"], json!({"role":"assistant","content":null,"refusal":null}));
}

#[test]
fn clients_of_old_functions_get_one_function_call() {
    let body = r#"{"model":"m","messages":[{"role":"user","content":"x"}],"functions":[{"name":"f"}]}"#;
    let mut context = context();
    context.echo = openai_chat::echo(&decode(body).unwrap().0);
    let call = |id: &str| {
        let call = Call { id: id.into(), name: "f".into(), arguments: "{}".into(), kind: CallKind::Function };
        Block::new(Content::Call(call))
    };
    let choice = Choice { blocks: vec![call("a"), call("b")], finish: Some(Finish::ToolCalls), logprobs: vec![] };
    let reply = Reply { choices: vec![choice], ..Reply::default() };
    let written: Value = serde_json::from_slice(&codec::encode_reply(CHAT, &reply, &context)).unwrap();
    let told = &written["choices"][0];
    assert_eq!(told["message"]["function_call"], json!({"name":"f","arguments":"{}"}));
    assert_eq!((&told["message"]["tool_calls"], &told["finish_reason"]), (&Value::Null, &json!("function_call")));
    let start = BlockStart::Call { id: "a".into(), name: "f".into(), kind: CallKind::Function };
    let events = [
        Event::Open { choice: 0, block: 0, start },
        Event::Delta { choice: 0, block: 0, delta: Delta::Arguments("{}".into()) },
        Event::Close { choice: 0, block: 0 },
        Event::Finish { choice: 0, finish: Finish::ToolCalls },
        Event::End,
    ];
    let data = sent(&events, context).concat();
    assert!(data.contains(r#""function_call":{"name":"f","arguments":""}"#), "{data}");
    assert!(
        data.contains(r#""function_call":{"arguments":"{}"}"#) && data.contains(r#""finish_reason":"function_call""#),
        "{data}"
    );
    assert_eq!(
        openai_chat::echo(&decode(r#"{"model":"m","messages":[{"content":"x"}],"tools":[{"name":"f"}]}"#).unwrap().0),
        None
    );
}
