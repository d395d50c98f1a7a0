//! Whole replies and errors.

use tollgate_ir::{
    Block, Call, CallKind, Choice, Citation, Content, Fault, FaultKind, Finish, Issuer, Media, MediaKind, MediaSource,
    Reasoning, Reply, Seal, Usage,
};

use super::context;
use crate::json::Node;
use crate::openai_responses::{decode_fault, decode_reply, encode_fault, encode_reply, fault_frame};

fn reply(blocks: Vec<Block>, finish: Finish) -> Reply {
    Reply { choices: vec![Choice { blocks, finish: Some(finish), logprobs: Vec::new() }], ..Reply::default() }
}

fn encoded(reply: &Reply) -> String {
    String::from_utf8(encode_reply(reply, &context())).unwrap()
}

#[test]
fn tr05_how_an_answer_ended() {
    let table = [
        (Finish::Stop, "completed", None),
        (Finish::ToolCalls, "completed", None),
        (Finish::StopSequence(None), "completed", None),
        (Finish::Pause, "completed", None),
        (Finish::Length, "incomplete", Some("max_output_tokens")),
        (Finish::ContextWindow, "incomplete", Some("max_output_tokens")),
        (Finish::ContentFilter, "incomplete", Some("content_filter")),
        (Finish::Refusal, "incomplete", Some("content_filter")),
        (Finish::Error("MALFORMED_FUNCTION_CALL".into()), "failed", None),
    ];
    for (finish, status, reason) in table {
        let body = encoded(&reply(vec![Block::text("x")], finish.clone()));
        let node = Node::read(body.as_bytes()).unwrap();
        assert_eq!(node.text("status"), Some(status), "{finish:?}");
        assert_eq!(node.at(&["incomplete_details", "reason"]).and_then(Node::as_str), reason, "{finish:?}");
        assert_eq!(node.get("error").is_some(), status == "failed", "{finish:?}");
    }
}

#[test]
fn tr20_reasoning_stands_apart_from_the_text() {
    let mut thought = Block::new(Content::Reasoning(Reasoning { text: "Hm.".into(), ..Reasoning::default() }));
    thought.seal = Some(Seal { issuer: Issuer::Anthropic, data: "S".into() });
    let body = encoded(&reply(vec![thought, Block::text(r#"{"a":1}"#)], Finish::Stop));
    let node = Node::read(body.as_bytes()).unwrap();
    let output: Vec<_> = node.get("output").unwrap().items().iter().map(Node::to_text).collect();
    assert_eq!(
        output,
        [
            r#"{"id":"rs_tg0123_0","type":"reasoning","summary":[{"type":"summary_text","text":"Hm."}],"encrypted_content":"tollgate.anthropic.S"}"#,
            r#"{"id":"msg_tg0123_1","type":"message","status":"completed","content":[{"type":"output_text","annotations":[],"logprobs":[],"text":"{\"a\":1}"}],"role":"assistant"}"#,
        ]
    );
}

#[test]
fn blocks_become_items_in_order() {
    let call = |kind, arguments: &str| {
        Block::new(Content::Call(Call { id: "c".into(), name: "f".into(), arguments: arguments.into(), kind }))
    };
    let image = Content::Media(Media {
        kind: MediaKind::Image,
        mime: Some("image/webp".into()),
        source: MediaSource::Base64("QUJD".into()),
        name: None,
        detail: None,
    });
    let cited = Content::Text {
        text: "Wörter.".into(),
        citations: vec![Citation { url: Some("https://x".into()), title: None, quote: None, range: None, carry: None }],
    };
    let blocks = vec![
        Block::new(cited),
        Block::new(Content::Refusal("No.".into())),
        call(CallKind::Function, ""),
        call(CallKind::Custom, "free"),
        Block::new(image),
    ];
    let body = encoded(&reply(blocks, Finish::ToolCalls));
    for part in [
        r#""annotations":[{"type":"url_citation","start_index":0,"end_index":7,"url":"https://x","title":"https://x"}]"#,
        r#"{"type":"refusal","refusal":"No."}],"role":"assistant"},{"id":"fc_tg0123_1","type":"function_call""#,
        r#""arguments":"{}","call_id":"c","name":"f""#,
        r#""type":"custom_tool_call","status":"completed","input":"free","call_id":"c","name":"f""#,
        r#""type":"image_generation_call","status":"completed","output_format":"webp","result":"QUJD""#,
    ] {
        assert!(body.contains(part), "{part}: {body}");
    }
    let again = decode_reply(body.as_bytes()).unwrap();
    assert!(
        matches!(&again.choices[0].blocks[4].content, Content::Media(m) if m.mime.as_deref() == Some("image/webp"))
    );
}

#[test]
fn usage_is_taken_apart_and_summed_again() {
    let body = r#"{"id":"resp_1","status":"completed","output":[],"usage":{"input_tokens":100,"input_tokens_details":{"cached_tokens":40,"cache_write_tokens":10},"output_tokens":30,"output_tokens_details":{"reasoning_tokens":20},"total_tokens":130}}"#;
    let reply = decode_reply(body.as_bytes()).unwrap();
    let want = Usage {
        input: 50,
        cache_read: Some(40),
        cache_write: Some(10),
        output: 10,
        reasoning: Some(20),
        ..Usage::default()
    };
    assert_eq!(reply.usage, Some(want));
    let usage = r#""usage":{"input_tokens":100,"input_tokens_details":{"cache_write_tokens":10,"cached_tokens":40},"output_tokens":30,"output_tokens_details":{"reasoning_tokens":20},"total_tokens":130}"#;
    assert!(encoded(&reply).contains(usage));
    assert!(encoded(&reply).starts_with(r#"{"id":"resp_1""#), "an id that state hangs on is kept");
}

#[test]
fn tr28_errors_with_status_200_are_faults() {
    let table = [
        (
            r#"{"error":{"message":"Rate limit reached","type":"rate_limit_error","code":"rate_limit_exceeded"}}"#,
            FaultKind::ProviderRateLimited,
        ),
        (
            r#"{"id":"r","status":"failed","error":{"code":"server_error","message":"Oops"},"output":[]}"#,
            FaultKind::ProviderFailed,
        ),
        ("<html>", FaultKind::ProviderGarbage),
        ("{}", FaultKind::ProviderGarbage),
        ("[1]", FaultKind::ProviderGarbage),
    ];
    for (body, kind) in table {
        assert_eq!(decode_reply(body.as_bytes()).unwrap_err().kind, kind, "{body}");
    }
}

#[test]
fn tr28_the_envelope_keeps_the_providers_words() {
    let body = r#"{"error":{"message":"Invalid 'temperature'.","type":"invalid_request_error","param":"temperature","code":"decimal_below_min_value"}}"#;
    let fault = decode_fault(400, &[("x-ratelimit-remaining-requests", "7"), ("content-type", "x")], body.as_bytes());
    assert_eq!((fault.status, fault.kind), (400, FaultKind::ProviderBadRequest));
    assert_eq!(fault.headers.len(), 1);
    assert_eq!(String::from_utf8(encode_fault(&fault, "req_1")).unwrap(), body);
    assert_eq!(
        String::from_utf8(fault_frame(&Fault::new(FaultKind::ProviderCut, "Cut."))).unwrap(),
        "event: error\ndata: {\"type\":\"error\",\"code\":\"server_error\",\"message\":\"Cut.\",\"param\":null,\"sequence_number\":0}\n\n"
    );
}
