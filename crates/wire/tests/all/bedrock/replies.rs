//! Whole replies and errors, both ways.

use tollgate_ir::{
    Block, BlockStart, Call, CallKind, Choice, Citation, Content, Delta, Dialect, Event, Fault, FaultKind, Finish,
    Issuer, Losses, OutputFormat, Reasoning, Reply, ReplyHead, Retry, Seal, Usage,
};
use tollgate_wire::bedrock::error_type;
use tollgate_wire::codec;
use tollgate_wire::json::Node;
use tollgate_wire::target::{ModelFacts, ReplyContext};
use tollgate_wire::translate::Translation;

use super::streams::{decode, rewritten};
use super::{OLD_CLAUDE, decoded, json};
use crate::streams::frames;

fn written(reply: &Reply) -> String {
    String::from_utf8(codec::encode_reply(Dialect::Bedrock, reply, &ReplyContext::default())).unwrap()
}

fn reply(blocks: Vec<Block>, finish: Finish) -> Reply {
    Reply { choices: vec![Choice { blocks, finish: Some(finish), logprobs: Vec::new() }], ..Reply::default() }
}

#[test]
fn tr05_every_stop_reason_both_ways() {
    for (word, finish) in [
        ("end_turn", Finish::Stop),
        ("tool_use", Finish::ToolCalls),
        ("max_tokens", Finish::Length),
        ("stop_sequence", Finish::StopSequence(None)),
        ("content_filtered", Finish::ContentFilter),
        ("model_context_window_exceeded", Finish::ContextWindow),
        ("malformed_tool_use", Finish::Error("malformed_tool_use".into())),
        ("malformed_model_output", Finish::Error("malformed_model_output".into())),
    ] {
        let body = format!(r#"{{"output":{{"message":{{"role":"assistant","content":[]}}}},"stopReason":"{word}"}}"#);
        let read = codec::decode_reply(Dialect::Bedrock, body.as_bytes()).unwrap();
        assert_eq!(read.choices[0].finish, Some(finish.clone()));
        assert!(written(&reply(Vec::new(), finish)).contains(&format!(r#""stopReason":"{word}""#)));
    }
    for (finish, word) in [
        (Finish::Refusal, "content_filtered"),
        (Finish::Pause, "end_turn"),
        (Finish::Error("MALFORMED_FUNCTION_CALL".into()), "malformed_tool_use"),
        (Finish::Error("OTHER".into()), "malformed_model_output"),
    ] {
        assert!(written(&reply(Vec::new(), finish)).contains(&format!(r#""stopReason":"{word}""#)));
    }
}

#[test]
fn a_reply_with_everything_keeps_the_order_and_what_sdks_read() {
    let reasoning = Reasoning { text: "Hm".into(), ..Reasoning::default() };
    let mut thought = Block::new(Content::Reasoning(reasoning));
    thought.seal = Some(Seal { issuer: Issuer::Anthropic, data: "Sig==".into() });
    let mut secret = Block::new(Content::Reasoning(Reasoning { redacted: true, ..Reasoning::default() }));
    secret.seal = Some(Seal { issuer: Issuer::Anthropic, data: "Secret".into() });
    let mut foreign = Block::new(Content::Reasoning(Reasoning { text: "Hm".into(), ..Reasoning::default() }));
    foreign.seal = Some(Seal { issuer: Issuer::Gemini, data: "Their".into() });
    let call = |arguments: &str, kind| {
        let arguments = arguments.to_owned();
        Block::new(Content::Call(Call { id: "c1".into(), name: "f".into(), arguments, kind }))
    };
    let source =
        Citation { url: Some("https://x.y/z".into()), title: Some("Z".into()), quote: None, range: None, carry: None };
    let blocks = vec![
        thought,
        secret,
        foreign,
        Block::text(""),
        Block::text("Hi"),
        Block::new(Content::Text { text: "Cited".into(), citations: vec![source] }),
        Block::new(Content::Refusal("No.".into())),
        call(r#"{"b": 1, "a": 2}"#, CallKind::Function),
        call("", CallKind::Function),
        call("free \"text\"", CallKind::Custom),
        call(r#"{"cut": "of"#, CallKind::Function),
    ];
    let mut whole = reply(blocks, Finish::ToolCalls);
    whole.head = ReplyHead { service_tier: Some("flex".into()), ..ReplyHead::default() };
    let usage = Usage {
        input: 5,
        cache_read: Some(100),
        cache_write: Some(1),
        output: 7,
        reasoning: Some(3),
        ..Usage::default()
    };
    whole.usage = Some(usage);
    let wanted = concat!(
        r#"{"output":{"message":{"role":"assistant","content":["#,
        r#"{"reasoningContent":{"reasoningText":{"text":"Hm","signature":"Sig=="}}},"#,
        r#"{"reasoningContent":{"redactedContent":"U2VjcmV0"}},"#,
        r#"{"reasoningContent":{"reasoningText":{"text":"Hm"}}},"#,
        r#"{"text":"Hi"},"#,
        r#"{"citationsContent":{"content":[{"text":"Cited"}],"citations":[{"title":"Z","location":{"web":{"url":"https://x.y/z"}}}]}},"#,
        r#"{"text":"No."},"#,
        r#"{"toolUse":{"toolUseId":"c1","name":"f","input":{"b": 1, "a": 2}}},"#,
        r#"{"toolUse":{"toolUseId":"c1","name":"f","input":{}}},"#,
        r#"{"toolUse":{"toolUseId":"c1","name":"f","input":{"input":"free \"text\""}}},"#,
        r#"{"toolUse":{"toolUseId":"c1","name":"f","input":{"input":"{\"cut\": \"of"}}}"#,
        r#"]}},"stopReason":"tool_use","#,
        r#""usage":{"inputTokens":5,"outputTokens":10,"totalTokens":116,"cacheReadInputTokens":100,"cacheWriteInputTokens":1},"#,
        r#""metrics":{"latencyMs":0},"serviceTier":{"type":"flex"}}"#,
    );
    assert_eq!(written(&whole), wanted);
}

#[test]
fn usage_excludes_the_cache_and_hours_are_counted_apart() {
    let body = concat!(
        r#"{"output":{"message":{"content":[{"text":"x"}]}},"stopReason":"end_turn","usage":{"inputTokens":12,"outputTokens":4,"totalTokens":1046,"#,
        r#""cacheReadInputTokens":1000,"cacheWriteInputTokens":30,"cacheDetails":[{"ttl":"5m","inputTokens":10},{"ttl":"1h","inputTokens":20}]}}"#
    );
    let usage = codec::decode_reply(Dialect::Bedrock, body.as_bytes()).unwrap().usage.unwrap();
    assert_eq!(
        (usage.input, usage.cache_read, usage.cache_write, usage.cache_write_1h),
        (12, Some(1000), Some(10), Some(20))
    );
    assert_eq!(usage.input_total(), 1042);
    let mut whole = reply(Vec::new(), Finish::Stop);
    whole.usage = Some(usage);
    let again = codec::decode_reply(Dialect::Bedrock, written(&whole).as_bytes()).unwrap();
    assert_eq!(again.usage, Some(usage));
}

#[test]
fn an_error_in_a_body_of_status_200_and_garbage_are_faults() {
    let error = br#"{"__type":"com.amazon.coral.service#ThrottlingException","message":"Slow down."}"#;
    let fault = codec::decode_reply(Dialect::Bedrock, error).unwrap_err();
    assert_eq!((fault.kind, fault.status, fault.public.as_str()), (FaultKind::ProviderRateLimited, 429, "Slow down."));
    for body in [&b"<html>"[..], b"", b"[]", b"{}", b"\xff"] {
        assert_eq!(codec::decode_reply(Dialect::Bedrock, body).unwrap_err().kind, FaultKind::ProviderGarbage);
    }
}

/// Status, header, body; the kind and whether to try elsewhere.
const ERRORS: &[(u16, &str, &str, FaultKind, Retry)] = &[
    (
        400,
        "ValidationException:http://internal",
        r#"{"message":"Input is too long for requested model."}"#,
        FaultKind::ContextLength,
        Retry::No,
    ),
    (
        400,
        "ValidationException",
        r#"{"message":"The provided model identifier is invalid."}"#,
        FaultKind::ProviderNotFound,
        Retry::No,
    ),
    (400, "ServiceQuotaExceededException", r#"{"Message":"Your quota."}"#, FaultKind::ProviderQuota, Retry::NextTarget),
    (
        403,
        "UnrecognizedClientException",
        r#"{"message":"The security token is invalid."}"#,
        FaultKind::ProviderAuth,
        Retry::NextTarget,
    ),
    (
        403,
        "AccessDeniedException",
        r#"{"Message":"No access to the model."}"#,
        FaultKind::ProviderAuth,
        Retry::NextTarget,
    ),
    (404, "ResourceNotFoundException", r#"{"message":"End of life."}"#, FaultKind::ProviderNotFound, Retry::No),
    (408, "ModelTimeoutException", r#"{"message":"Too slow."}"#, FaultKind::ProviderTimeout, Retry::NextTarget),
    (424, "ModelErrorException", r#"{"message":"It broke."}"#, FaultKind::ProviderFailed, Retry::NextTarget),
    (
        429,
        "ThrottlingException",
        r#"{"message":"Too many requests"}"#,
        FaultKind::ProviderRateLimited,
        Retry::NextTarget,
    ),
    (503, "ServiceUnavailableException", r#"{"message":"Later."}"#, FaultKind::ProviderOverloaded, Retry::NextTarget),
];

#[test]
fn tr28_errors_by_header_and_body() {
    for &(status, header, body, kind, retry) in ERRORS {
        let headers = [("x-amzn-errortype", header), ("retry-after", "3")];
        let fault = codec::decode_fault(Dialect::Bedrock, status, &headers, body.as_bytes());
        assert_eq!((fault.kind, fault.retry, fault.status), (kind, retry, status), "{header}");
        assert_eq!(error_type(&fault), header.split(':').next().unwrap());
        assert_eq!(fault.headers[0].value, "3");
        let written = codec::encode_fault(Dialect::Bedrock, &fault, "r");
        let words = Node::read(&written).unwrap().text("message").map(str::to_owned);
        assert_eq!(words.as_deref(), Some(fault.public.as_str()));
    }
    for (status, name) in [
        (401, "AccessDeniedException"),
        (402, "ThrottlingException"),
        (413, "ValidationException"),
        (502, "InternalServerException"),
        (504, "ModelTimeoutException"),
        (529, "ServiceUnavailableException"),
    ] {
        assert_eq!(error_type(&Fault::new(FaultKind::Internal, "x").status(status)), name, "{status}");
    }
}

#[test]
fn sources_that_follow_a_text_belong_to_it() {
    let body = concat!(
        r#"{"output":{"message":{"content":[{"text":"Ruby is 4."},"#,
        r#"{"citationsContent":{"citations":[{"location":{"web":{"url":"https://a.b/","domain":"a.b"}}}]}}]}},"stopReason":"end_turn"}"#
    );
    let read = codec::decode_reply(Dialect::Bedrock, body.as_bytes()).unwrap();
    let Content::Text { text, citations } = &read.choices[0].blocks[0].content else { panic!("no text") };
    assert_eq!((text.as_str(), citations[0].url.as_deref()), ("Ruby is 4.", Some("https://a.b/")));
    assert_eq!(
        citations[0].carry.as_ref().unwrap().raw,
        json(r#"{"location":{"web":{"url":"https://a.b/","domain":"a.b"}}}"#)
    );
}

#[test]
fn structured_output_by_a_forced_tool_comes_back_as_text() {
    let (mut request, _) = decoded(r#"{"messages":[{"role":"user","content":[{"text":"Where?"}]}]}"#);
    let schema = json(r#"{"type":"object","properties":{"city":{"type":"string"}}}"#);
    request.output = Some(OutputFormat::Schema { name: Some("place".into()), description: None, schema, strict: None });
    let mut losses = Losses::new(codec::path_of(Dialect::Bedrock));
    let facts = ModelFacts::default();
    let (_, way) =
        Translation::request(Dialect::Bedrock, Dialect::Bedrock, &request, OLD_CLAUDE, &facts, &mut losses).unwrap();
    let call = r#"{"toolUse":{"toolUseId":"t1","name":"place","input":{"city":"Paris"}}}"#;
    let body = format!(r#"{{"output":{{"message":{{"content":[{call}]}}}},"stopReason":"tool_use"}}"#);
    let read = way.reply(body.as_bytes()).unwrap();
    assert_eq!(read.choices[0].blocks[0].as_text(), Some(r#"{"city":"Paris"}"#));
    assert_eq!(read.choices[0].finish, Some(Finish::Stop));

    let events = [
        Event::Start(ReplyHead::default()),
        Event::Open {
            choice: 0,
            block: 0,
            start: BlockStart::Call { id: "t1".into(), name: "place".into(), kind: CallKind::Function },
        },
        Event::Delta { choice: 0, block: 0, delta: Delta::Arguments(r#"{"city":"#.into()) },
        Event::Delta { choice: 0, block: 0, delta: Delta::Arguments(r#""Paris"}"#.into()) },
        Event::Close { choice: 0, block: 0 },
        Event::Finish { choice: 0, finish: Finish::ToolCalls },
        Event::End,
    ];
    let mut stream = way.stream(ReplyContext::default());
    let mut out = Vec::new();
    for frame in frames(&rewritten(&events), "application/vnd.amazon.eventstream", 1 << 20) {
        stream.frame(&frame, &mut out);
    }
    stream.end(&mut out);
    let said: String = decode(&out, 64)
        .iter()
        .filter_map(|event| match event {
            Event::Delta { delta: Delta::Text(text), .. } => Some(text.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(said, r#"{"city":"Paris"}"#);
    assert!(decode(&out, 64).contains(&Event::Finish { choice: 0, finish: Finish::Stop }));
}
