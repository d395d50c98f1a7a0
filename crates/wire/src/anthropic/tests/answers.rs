use tollgate_ir::{Choice, Citation, FaultKind, Finish, Reply, Usage};

use super::super::{decode_reply, encode_reply};
use super::*;
use crate::target::ReplyContext;

fn context() -> ReplyContext {
    ReplyContext { id: "7".into(), model: "asked".into(), ..ReplyContext::default() }
}

fn reply(blocks: Vec<Block>, finish: Option<Finish>) -> Reply {
    Reply { choices: vec![Choice { blocks, finish, logprobs: Vec::new() }], ..Reply::default() }
}

fn written(reply: &Reply) -> String {
    String::from_utf8(encode_reply(reply, &context())).unwrap()
}

#[test]
fn usage_in_disjoint_classes_both_ways() {
    let plain = Usage { input: 10, output: 5, ..Usage::default() };
    let table = [
        (r#"{"input_tokens":10,"output_tokens":5}"#, plain),
        (
            r#"{"input_tokens":10,"cache_read_input_tokens":3,"cache_creation_input_tokens":0,"output_tokens":5}"#,
            Usage { cache_read: Some(3), cache_write: Some(0), ..plain },
        ),
        (
            r#"{"input_tokens":10,"cache_creation_input_tokens":7,"cache_creation":{"ephemeral_5m_input_tokens":3,"ephemeral_1h_input_tokens":4},"output_tokens":5}"#,
            Usage { cache_write: Some(3), cache_write_1h: Some(4), ..plain },
        ),
        (
            r#"{"input_tokens":10,"output_tokens":5,"output_tokens_details":{"thinking_tokens":2}}"#,
            Usage { output: 3, reasoning: Some(2), ..plain },
        ),
        (
            r#"{"input_tokens":10,"cache_read_input_tokens":null,"output_tokens":5,"output_tokens_details":null,"server_tool_use":{"web_search_requests":1}}"#,
            plain,
        ),
    ];
    for (json, usage) in table {
        let body = format!(r#"{{"type":"message","content":[],"stop_reason":"end_turn","usage":{json}}}"#);
        let read = decode_reply(body.as_bytes()).unwrap();
        assert_eq!(read.usage, Some(usage), "{json}");
        let again = decode_reply(written(&read).as_bytes()).unwrap().usage.unwrap();
        assert_eq!(again.total(), usage.total(), "{json}");
        assert_eq!((again.cache_write_1h, again.reasoning), (usage.cache_write_1h, usage.reasoning), "{json}");
    }
    assert_eq!(decode_reply(br#"{"type":"message","content":[],"usage":{}}"#).unwrap().usage, None);
}

#[test]
fn tr05_stop_reasons_both_ways() {
    let table = [
        ("end_turn", Finish::Stop),
        ("stop_sequence", Finish::StopSequence(Some("X".into()))),
        ("max_tokens", Finish::Length),
        ("model_context_window_exceeded", Finish::ContextWindow),
        ("tool_use", Finish::ToolCalls),
        ("refusal", Finish::Refusal),
        ("pause_turn", Finish::Pause),
    ];
    for (word, finish) in table {
        let sequence = if word == "stop_sequence" { r#""X""# } else { "null" };
        let body = format!(r#"{{"content":[],"stop_reason":"{word}","stop_sequence":{sequence}}}"#);
        let read = decode_reply(body.as_bytes()).unwrap();
        assert_eq!(read.choices[0].finish, Some(finish.clone()));
        let out = written(&reply(vec![], Some(finish)));
        assert_eq!(
            (field(&out, &["stop_reason"]), field(&out, &["stop_sequence"])),
            (format!("\"{word}\""), sequence.into())
        );
    }
    for (finish, word) in [
        (Some(Finish::ContentFilter), "refusal"),
        (Some(Finish::Error("MALFORMED".into())), "end_turn"),
        (None, "end_turn"),
    ] {
        assert_eq!(field(&written(&reply(vec![], finish)), &["stop_reason"]), format!("\"{word}\""));
    }
}

#[test]
fn tr14_other_makers_reasoning_comes_as_thinking_and_goes_back_as_theirs() {
    for issuer in [Issuer::Gemini, Issuer::OpenAi] {
        let mut block = thought("because", issuer, "sealed==");
        if let Content::Reasoning(reasoning) = &mut block.content {
            reasoning.summary = issuer == Issuer::OpenAi;
            reasoning.id = (issuer == Issuer::OpenAi).then(|| "rs_1".to_owned());
        }
        let out = written(&reply(vec![block.clone()], None));
        let content = field(&out, &["content"]);
        assert!(content.starts_with(r#"[{"type":"thinking","thinking":"because","signature":""#), "{content}");
        let (request, _) =
            decode(&format!(r#"{{"model":"m","messages":[{{"role":"assistant","content":{content}}}]}}"#));
        assert_eq!(request.turns[0].blocks[0].clone().at(""), block);
    }
    let bare = Block::new(Content::Reasoning(Reasoning { text: "hm".into(), ..Reasoning::default() }));
    assert_eq!(
        field(&written(&reply(vec![bare], None)), &["content"]),
        r#"[{"type":"thinking","thinking":"hm","signature":""}]"#
    );
}

#[test]
fn heads_ids_and_empty_texts() {
    let mut answer = reply(vec![Block::text(""), Block::text("hi")], Some(Finish::Stop));
    let out = written(&answer);
    assert_eq!(field(&out, &["content"]), r#"[{"type":"text","text":"hi"}]"#);
    assert_eq!((field(&out, &["id"]), field(&out, &["model"])), ("\"msg_7\"".into(), "\"asked\"".into()));
    answer.head.id = Some("msg_bdrk_1".into());
    answer.head.model = Some("claude-x".into());
    let out = written(&answer);
    assert_eq!((field(&out, &["id"]), field(&out, &["model"])), ("\"msg_bdrk_1\"".into(), "\"claude-x\"".into()));
}

#[test]
fn citations_of_other_makers_are_search_results() {
    let citation =
        Citation { url: Some("https://e.x".into()), title: None, quote: Some("q".into()), range: None, carry: None };
    let block = Block::new(Content::Text { text: "so".into(), citations: vec![citation] });
    let out = written(&reply(vec![block], None));
    assert!(out.contains(r#""citations":[{"type":"web_search_result_location","url":"https://e.x","title":null,"encrypted_index":"","cited_text":"q"}]"#), "{out}");
}

#[test]
fn bodies_that_are_no_answers() {
    let table: [(&[u8], FaultKind, u16); 4] = [
        (b"<html>", FaultKind::ProviderGarbage, 502),
        (b"{}", FaultKind::ProviderGarbage, 502),
        (
            br#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#,
            FaultKind::ProviderOverloaded,
            529,
        ),
        (br#"{"error":{"type":"rate_limit_error","message":"slow"}}"#, FaultKind::ProviderRateLimited, 429),
    ];
    for (body, kind, status) in table {
        let fault = decode_reply(body).unwrap_err();
        assert_eq!((fault.kind, fault.status), (kind, status), "{}", String::from_utf8_lossy(body));
    }
}

#[test]
fn tr28_errors_in_this_protocols_envelope() {
    use super::super::{decode_fault, encode_fault};
    for (status, word) in [
        (400, "invalid_request_error"),
        (401, "authentication_error"),
        (402, "billing_error"),
        (403, "permission_error"),
        (404, "not_found_error"),
        (413, "request_too_large"),
        (422, "invalid_request_error"),
        (429, "rate_limit_error"),
        (500, "api_error"),
        (502, "api_error"),
        (504, "timeout_error"),
        (529, "overloaded_error"),
    ] {
        let fault = decode_fault(status, &[("retry-after", "9")], br#"{"error":{"message":"the words"}}"#);
        let out = String::from_utf8(encode_fault(&fault, "req_7")).unwrap();
        let wanted =
            format!(r#"{{"type":"error","error":{{"type":"{word}","message":"the words"}},"request_id":"req_7"}}"#);
        assert_eq!(out, wanted);
        assert_eq!(fault.headers.len(), 1);
    }
}

#[test]
fn pictures_are_handed_on_and_sounds_have_no_place() {
    use tollgate_ir::{Media, MediaKind, MediaSource};
    let media = |kind, mime: &str, data: &str| {
        let source = MediaSource::Base64(data.into());
        Block::new(Content::Media(Media { kind, mime: Some(mime.into()), source, name: None, detail: None }))
    };
    let image = media(MediaKind::Image, "image/png", "iVBORw==");
    let out = written(&reply(vec![media(MediaKind::Audio, "audio/wav", "UklGRg=="), image], None));
    let wanted = r#"[{"type":"image","source":{"type":"base64","media_type":"image/png","data":"iVBORw=="}}]"#;
    assert_eq!(field(&out, &["content"]), wanted);
}
