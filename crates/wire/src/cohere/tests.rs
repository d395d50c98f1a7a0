use bytes::Bytes;
use tollgate_ir::{Call, CallKind, Content, Delta, Event, Fault, FaultKind, Field, Finish, Losses, Request, Retry};

use super::*;
use crate::frame::{Deframer, Frame};
use crate::ids::{IdRule, ToolNames};
use crate::json::Node;
use crate::target::{ModelFacts, ReplyContext, RequestHead, Target};

fn losses() -> Losses {
    Losses::new(path_of)
}

fn decoded(body: &str) -> (Request, Vec<String>) {
    let mut lost = losses();
    let request = decode_request(body.as_bytes(), &RequestHead::default(), &mut lost).unwrap();
    (request, lost.all().iter().map(|l| format!("{};{}", l.path, l.reason.as_str())).collect())
}

fn encoded_for(model: &str, request: &Request) -> Result<(String, Vec<String>), Fault> {
    let mut lost = losses();
    let names = ToolNames::new(request, IdRule::WIDE);
    let target = Target { model, names: &names, facts: &ModelFacts::default() };
    let encoded = encode_request(request, &target, &mut lost)?;
    let lost = lost.all().iter().map(|l| format!("{};{}", l.path, l.reason.as_str())).collect();
    Ok((String::from_utf8(encoded.body).unwrap(), lost))
}

/// Through the IR and back, for the model `m`, which reasons.
fn there_and_back(body: &str) -> (String, Vec<String>) {
    let (request, mut lost) = decoded(body);
    let (body, more) = encoded_for("m", &request).unwrap();
    lost.extend(more);
    (body, lost)
}

#[test]
fn what_the_dialect_can_say_comes_back_as_it_was() {
    for body in [
        r#"{"model":"m","messages":[{"role":"user","content":"Hi"}],"stream":false}"#,
        r#"{"model":"m","messages":[{"role":"system","content":"Be brief."},{"role":"user","content":[{"type":"text","text":"See"},{"type":"image_url","image_url":{"url":"https://x/y.png","detail":"low"}},{"type":"image_url","image_url":{"url":"data:image/png;base64,AAAA"}}]}],"stream":true}"#,
        r#"{"model":"m","messages":[{"role":"user","content":"q"},{"role":"assistant","tool_plan":"I look.","content":[{"type":"thinking","thinking":"hm"}],"tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{\"x\":1}"}},{"id":"b","type":"function","function":{"name":"g","arguments":"{}"}}]},{"role":"tool","tool_call_id":"a","content":"1"},{"role":"tool","tool_call_id":"b","content":[{"type":"document","document":{"id":"d","data":{"r":1}}}]}],"tools":[{"type":"function","function":{"name":"f","description":"d","parameters":{"type":"object","properties":{"x":{"type":"integer"}},"required":["x"]}}}],"strict_tools":true,"tool_choice":"REQUIRED","stream":false}"#,
        r#"{"model":"m","messages":[{"role":"user","content":"q"}],"response_format":{"type":"json_object","json_schema":{"type":"object","b":1,"a":2}},"max_tokens":5,"stop_sequences":["x"],"temperature":0.5,"seed":7,"frequency_penalty":0.1,"presence_penalty":0.2,"k":20,"p":0.9,"logprobs":true,"thinking":{"type":"enabled","token_budget":100},"stream":false}"#,
        r#"{"model":"m","messages":[{"role":"user","content":"q"}],"response_format":{"type":"json_object"},"thinking":{"type":"disabled"},"stream":false}"#,
        r#"{"model":"m","messages":[{"role":"user","content":"q"}],"documents":[{"id":"d","data":{"title":"t","text":"x"}},"plain"],"stream":false}"#,
        r#"{"model":"m","messages":[{"role":"user","content":"q"},{"role":"system","content":"late"},{"role":"user","content":"r"}],"stream":false}"#,
    ] {
        assert_eq!(there_and_back(body), (body.to_owned(), vec![]));
    }
}

#[test]
fn spellings_of_clients_are_read() {
    for (body, wanted) in [
        (r#"{"model":"m","messages":[{"content":"typeless"}]}"#, r#"{"role":"user","content":"typeless"}"#),
        (
            r#"{"model":"m","messages":[{"role":"User","content":["a",{"text":"b"}]}]}"#,
            r#"{"role":"user","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]}"#,
        ),
        (
            r#"{"model":"m","messages":[{"role":"user","content":[{"type":"image_url","image_url":"https://x"}]}]}"#,
            r#"{"role":"user","content":[{"type":"image_url","image_url":{"url":"https://x"}}]}"#,
        ),
        (
            r#"{"model":"m","messages":[{"role":"assistant","content":[{"type":"text","text":""}],"tool_plan":null,"citations":[],"tool_calls":[{"id":"a","function":{"name":"f","arguments":{"x":1}}}]}]}"#,
            r#"{"role":"assistant","tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{\"x\":1}"}}]}"#,
        ),
        (
            r#"{"model":"m","messages":[{"role":"tool","tool_call_id":"a","content":[{"type":"text","text":"-3"}]}]}"#,
            r#"{"role":"tool","tool_call_id":"a","content":"-3"}"#,
        ),
    ] {
        let (got, lost) = there_and_back(body);
        assert_eq!((got, lost), (format!(r#"{{"model":"m","messages":[{wanted}],"stream":false}}"#), vec![]));
    }
}

#[test]
fn tr19_no_field_is_lost_in_silence() {
    let body = r#"{"model":"m","messages":[{"role":"user","content":[{"type":"text","text":"a","cache_control":{}}],"name":"x"}],"safety_mode":"STRICT","citation_options":{"mode":"OFF"},"priority":1,"new":true,"tools":[{"type":"function","function":{"name":"f","odd":1}},{"type":"server"}],"thinking":{"type":"enabled","odd":1}}"#;
    let (_, lost) = there_and_back(body);
    let paths: Vec<_> = lost.iter().map(|l| l.trim_end_matches(";dropped")).collect();
    // An empty object says nothing, so `cache_control` is no loss.
    assert_eq!(
        paths,
        [
            "messages[0].name",
            "tools[0].function.odd",
            "thinking.odd",
            "safety_mode",
            "citation_options",
            "priority",
            "new",
            "tools[1]"
        ]
    );
}

#[test]
fn tr19_what_cannot_be_said_is_reported_by_the_faces_own_names() {
    let (mut request, _) = decoded(
        r#"{"model":"m","messages":[{"role":"user","content":"q"}],"temperature":1.5,"k":900,"stop_sequences":["1","2","3","4","5","6"]}"#,
    );
    request.params.n = Some(3);
    request.params.seed = Some(-1);
    request.params.frequency_penalty = Some(-0.5);
    let mut lost = Losses::new(|field| if field == Field::N { "n" } else { path_of(field) });
    let names = ToolNames::default();
    let target = Target { model: "m", names: &names, facts: &ModelFacts::default() };
    let body = encode_request(&request, &target, &mut lost).unwrap().body;
    let lost: Vec<_> = lost.all().iter().map(|l| format!("{};{}", l.path, l.reason.as_str())).collect();
    assert_eq!(
        lost,
        [
            "temperature;adjusted",
            "frequency_penalty;adjusted",
            "stop_sequences;adjusted",
            "seed;dropped",
            "k;adjusted",
            "n;dropped"
        ]
    );
    assert_eq!(
        String::from_utf8(body).unwrap(),
        r#"{"model":"m","messages":[{"role":"user","content":"q"}],"stop_sequences":["1","2","3","4","5"],"temperature":1,"frequency_penalty":0,"k":500,"stream":false}"#
    );
}

#[test]
fn tr15_results_come_before_words_and_calls_of_one_turn_are_one_message() {
    let (request, _) = decoded(
        r#"{"model":"m","messages":[{"role":"user","content":"q"},{"role":"assistant","content":"I look."},{"role":"assistant","tool_calls":[{"id":"a","function":{"name":"f","arguments":"{}"}}]},{"role":"assistant","tool_calls":[{"id":"b","function":{"name":"f","arguments":"{}"}}]},{"role":"user","content":"and hurry"},{"role":"tool","tool_call_id":"a","content":"1"},{"role":"tool","tool_call_id":"b","content":"2"}]}"#,
    );
    let (body, _) = encoded_for("m", &request).unwrap();
    let node = Node::read(body.as_bytes()).unwrap();
    let roles: Vec<_> = node.get("messages").unwrap().items().iter().map(|m| m.text("role").unwrap()).collect();
    assert_eq!(roles, ["user", "assistant", "tool", "tool", "user"]);
    let assistant = &node.get("messages").unwrap().items()[1];
    assert_eq!(assistant.text("tool_plan"), Some("I look."));
    assert_eq!(assistant.get("tool_calls").unwrap().items().len(), 2);
}

#[test]
fn tr17_tool_choice_says_what_it_can() {
    use tollgate_ir::ToolChoice::{Allowed, Auto, Named, None as Never, Required};
    let tools = r#"{"model":"m","messages":[],"tools":[{"function":{"name":"f"}},{"function":{"name":"g"}}]}"#;
    let all = vec!["f", "g"];
    for (choice, sent, names, lost) in [
        (Some(Auto), None, &all, vec![]),
        (Some(Never), Some("NONE"), &all, vec![]),
        (Some(Required), Some("REQUIRED"), &all, vec![]),
        (Some(Named("g".into())), Some("REQUIRED"), &all, vec!["tool_choice;adjusted"]),
        (Some(Allowed { names: vec!["g".into()], required: true }), Some("REQUIRED"), &vec!["g"], vec![]),
        (Some(Allowed { names: vec!["f".into()], required: false }), None, &vec!["f"], vec![]),
    ] {
        let (mut request, _) = decoded(tools);
        request.tool_choice = choice;
        let (body, got) = encoded_for("m", &request).unwrap();
        let node = Node::read(body.as_bytes()).unwrap();
        assert_eq!(node.text("tool_choice"), sent);
        let tools = node.get("tools").unwrap().items();
        assert_eq!(&tools.iter().filter_map(|t| t.at(&["function", "name"])?.as_str()).collect::<Vec<_>>(), names);
        assert_eq!(got, lost);
    }
}

#[test]
fn tr24_media_without_a_place_are_refused_by_name() {
    let (request, _) = decoded(
        r#"{"model":"m","messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"https://x"}}]}]}"#,
    );
    let facts = ModelFacts { media: Some(vec![]), ..ModelFacts::default() };
    let target = Target { model: "m", names: &ToolNames::default(), facts: &facts };
    let fault = encode_request(&request, &target, &mut losses()).unwrap_err();
    assert_eq!((fault.kind, fault.param.as_deref()), (FaultKind::UnsupportedContent, Some("messages[0].content[0]")));
    let mut request = request;
    let Content::Media(media) = &mut request.turns[0].blocks[0].content else { panic!() };
    media.kind = tollgate_ir::MediaKind::Audio;
    let fault = encoded_for("m", &request).unwrap_err();
    assert!(fault.public.contains("`messages[0].content[0]`") && fault.public.contains("audio"));
}

#[test]
fn tr24_an_image_in_a_result_follows_as_the_users() {
    let (mut request, _) = decoded(
        r#"{"model":"m","messages":[{"role":"tool","tool_call_id":"a","content":"see"},{"role":"user","content":[{"type":"image_url","image_url":{"url":"https://x"}}]}]}"#,
    );
    let image = request.turns.pop().unwrap().blocks.remove(0);
    let Content::Result(result) = &mut request.turns[0].blocks[0].content else { panic!() };
    result.content.push(image);
    result.error = true;
    let (body, lost) = encoded_for("m", &request).unwrap();
    let messages = r#"[{"role":"tool","tool_call_id":"a","content":"see"},{"role":"user","content":[{"type":"image_url","image_url":{"url":"https://x"}}]}]"#;
    assert_eq!(body, format!(r#"{{"model":"m","messages":{messages},"stream":false}}"#));
    assert_eq!(lost, ["messages[0].is_error;adjusted", "messages[1].content[0];adjusted"]);
}

#[test]
fn thinking_is_asked_only_of_models_that_reason() {
    for (model, wanted) in [
        ("command-a-reasoning-08-2025", true),
        ("command-a-plus-05-2026", true),
        ("command-b-2027", true),
        ("command-a-03-2025", false),
        ("cohere.command-r-plus-v1:0", false),
        ("command", false),
    ] {
        let (request, _) = decoded(r#"{"model":"x","messages":[],"thinking":{"type":"enabled","token_budget":5}}"#);
        let (body, lost) = encoded_for(model, &request).unwrap();
        assert_eq!(body.contains(r#""thinking":{"type":"enabled","token_budget":5}"#), wanted, "{model}");
        assert_eq!(lost.is_empty(), wanted, "{model}");
    }
}

#[test]
fn wrong_types_name_the_path() {
    for (body, path) in [
        (r#"{"model":"m","messages":{}}"#, "messages"),
        (r#"{"messages":[]}"#, "model"),
        (r#"{"model":"m"}"#, "messages"),
        (r#"{"model":"m","messages":[{"role":"bot"}]}"#, "messages[0].role"),
        (r#"{"model":"m","messages":[{"role":"tool","content":"x"}]}"#, "messages[0].tool_call_id"),
        (r#"{"model":"m","messages":[{"role":"user","content":5}]}"#, "messages[0].content"),
        (r#"{"model":"m","messages":[{"role":"assistant","tool_calls":[{}]}]}"#, "messages[0].tool_calls[0].function"),
        (r#"{"model":"m","messages":[],"stop_sequences":[1]}"#, "stop_sequences[0]"),
        (r#"{"model":"m","messages":[],"tool_choice":"f"}"#, "tool_choice"),
        (r#"{"model":"m","messages":[],"temperature":"hot"}"#, "temperature"),
    ] {
        let fault = decode_request(body.as_bytes(), &RequestHead::default(), &mut losses()).unwrap_err();
        assert_eq!((fault.status, fault.param.as_deref()), (400, Some(path)), "{body}");
    }
}

#[test]
fn usage_is_taken_apart_and_summed_back() {
    for (usage, classes, back) in [
        (
            r#"{"billed_units":{"input_tokens":12,"output_tokens":10},"tokens":{"input_tokens":614,"output_tokens":99,"reasoning_tokens":29},"cached_tokens":480}"#,
            (134, Some(480), 70, Some(29)),
            (614, 99),
        ),
        // Images are billed and not among the tokens.
        (
            r#"{"billed_units":{"input_tokens":267,"output_tokens":52},"tokens":{"input_tokens":34,"output_tokens":56,"image_tokens":259},"cached_tokens":0}"#,
            (267, Some(0), 56, None),
            (267, 56),
        ),
        (r#"{"billed_units":{"input_tokens":3,"output_tokens":4.0}}"#, (3, None, 4, None), (3, 4)),
    ] {
        let body = format!(
            r#"{{"id":"i","message":{{"role":"assistant","content":[{{"type":"text","text":"x"}}]}},"finish_reason":"COMPLETE","usage":{usage}}}"#
        );
        let reply = decode_reply(body.as_bytes()).unwrap();
        let u = reply.usage.unwrap();
        assert_eq!((u.input, u.cache_read, u.output, u.reasoning), classes);
        let body = encode_reply(&reply, &ReplyContext::default());
        let node = Node::read(&body).unwrap();
        let tokens = node.at(&["usage", "tokens"]).unwrap();
        assert_eq!((tokens.uint("input_tokens").unwrap(), tokens.uint("output_tokens").unwrap()), back);
    }
}

#[test]
fn tr28_errors_keep_the_providers_words() {
    for (status, body, kind, words) in [
        (
            400,
            r#"{"id":"x","message":"too many tokens: size limit exceeded"}"#,
            FaultKind::ContextLength,
            "too many tokens: size limit exceeded",
        ),
        (404, r#"{"id":"x","message":"model 'm' not found"}"#, FaultKind::ProviderNotFound, "model 'm' not found"),
        (401, r#"{"message":"invalid api token"}"#, FaultKind::ProviderAuth, "invalid api token"),
        (429, r#"{"message":"slow down"}"#, FaultKind::ProviderRateLimited, "slow down"),
        (400, r#"{"message":"invalid request: k is odd"}"#, FaultKind::ProviderBadRequest, "invalid request: k is odd"),
        (500, "oops", FaultKind::ProviderFailed, "oops"),
    ] {
        let fault = decode_fault(status, &[("retry-after", "7")], body.as_bytes());
        assert_eq!((fault.kind, fault.status, fault.public.as_str()), (kind, status, words));
        assert_eq!(fault.headers[0].value, "7");
        assert_eq!(fault.retry == Retry::No, matches!(status, 400 | 404), "{status}");
        let out = encode_fault(&fault, "req");
        assert_eq!(Node::read(&out).unwrap().text("message"), Some(words));
    }
    let fault = decode_reply(br#"{"id":"x","message":"internal server error"}"#).unwrap_err();
    assert_eq!(fault.public, "internal server error");
    assert_eq!(decode_reply(b"<html>").unwrap_err().kind, FaultKind::ProviderGarbage);
}

fn frames(body: &str) -> Vec<Frame> {
    let mut deframer = Deframer::for_content_type("text/event-stream");
    deframer.push(Bytes::copy_from_slice(body.as_bytes()));
    let mut all = Vec::new();
    while let Some(frame) = deframer.next_frame().unwrap() {
        all.push(frame);
    }
    all
}

fn events(lines: &[&str]) -> Vec<Event> {
    let (mut decoder, mut out) = (StreamDecoder::default(), Vec::new());
    for frame in frames(&lines.iter().map(|l| format!("data: {l}\n\n")).collect::<String>()) {
        decoder.frame(&frame, &mut out);
    }
    decoder.end(&mut out);
    out
}

const START: &str = r#"{"type":"message-start","id":"i","delta":{"message":{"role":"assistant"}}}"#;

#[test]
fn rl03_a_stream_without_its_end_is_cut() {
    let text = r#"{"type":"content-delta","index":0,"delta":{"message":{"content":{"text":"a"}}}}"#;
    assert!(matches!(events(&[START, text]).last(), Some(Event::Fault(f)) if f.kind == FaultKind::ProviderCut));
    assert!(matches!(events(&[]).last(), Some(Event::Fault(f)) if f.kind == FaultKind::ProviderCut));
}

#[test]
fn errors_within_a_stream_are_faults_and_nothing_comes_after() {
    for error in [
        r#"{"type":"message-end","delta":{"finish_reason":"ERROR","error":"it broke"}}"#,
        r#"{"type":"error","message":"it broke"}"#,
        r#"{"id":"x","message":"it broke"}"#,
    ] {
        let end = r#"{"type":"message-end","delta":{"finish_reason":"COMPLETE"}}"#;
        let all = events(&[START, error, end]);
        assert!(matches!(all.last(), Some(Event::Fault(f)) if f.public == "it broke"), "{error}");
        assert_eq!(all.len(), 2, "{error}");
    }
    assert!(matches!(events(&["{broken"]).last(), Some(Event::Fault(f)) if f.kind == FaultKind::ProviderGarbage));
}

#[test]
fn tr05_plan_calls_and_citations_stream_as_blocks() {
    let all = events(&[
        START,
        r#"{"type":"content-start","index":0,"delta":{"message":{"content":{"type":"thinking","thinking":""}}}}"#,
        r#"{"type":"content-delta","index":0,"delta":{"message":{"content":{"thinking":"hm"}}}}"#,
        r#"{"type":"content-end","index":0}"#,
        r#"{"type":"tool-plan-delta","delta":{"message":{"tool_plan":"I look."}}}"#,
        r#"{"type":"tool-call-start","index":0,"delta":{"message":{"tool_calls":{"id":"c","type":"function","function":{"name":"f","arguments":""}}}}}"#,
        r#"{"type":"tool-call-end","index":0}"#,
        r#"{"type":"message-end","delta":{"finish_reason":"TOOL_CALL","usage":{"tokens":{"input_tokens":1,"output_tokens":2}}}}"#,
        "[DONE]",
    ]);
    let shape: Vec<_> = all
        .iter()
        .map(|e| match e {
            Event::Open { block, .. } => format!("open {block}"),
            Event::Close { block, .. } => format!("close {block}"),
            Event::Delta { block, delta: Delta::Text(t), .. } => format!("{block}: {t}"),
            Event::Delta { .. } => "mark".to_owned(),
            Event::Finish { finish: Finish::ToolCalls, .. } => "tool calls".to_owned(),
            Event::Start(_) => "start".to_owned(),
            Event::Usage(_) => "usage".to_owned(),
            Event::End => "end".to_owned(),
            other => format!("{other:?}"),
        })
        .collect();
    assert_eq!(
        shape,
        [
            "start",
            "open 0",
            "0: hm",
            "close 0",
            "open 1",
            "mark",
            "1: I look.",
            "close 1",
            "open 2",
            "close 2",
            "usage",
            "tool calls",
            "end"
        ]
    );
}

#[test]
fn arguments_that_are_null_are_none() {
    let call = |i: u32, words: &str| {
        format!(
            r#"{{"type":"tool-call-delta","index":{i},"delta":{{"message":{{"tool_calls":{{"id":"c{i}","function":{{"name":"f","arguments":"{words}"}}}}}}}}}}"#
        )
    };
    let lines = [
        START.to_owned(),
        call(0, "nu"),
        call(0, "ll"),
        call(1, "n"),
        call(1, "1"),
        r#"{"type":"message-end","delta":{}}"#.to_owned(),
    ];
    let all = events(&lines.iter().map(String::as_str).collect::<Vec<_>>());
    let said: Vec<_> = all
        .iter()
        .filter_map(|e| match e {
            Event::Delta { block, delta: Delta::Arguments(words), .. } => Some((*block, words.as_str())),
            _ => None,
        })
        .collect();
    assert_eq!(said, [(1, "n1")]);
    let body = br#"{"id":"i","message":{"tool_calls":[{"id":"c","function":{"name":"f","arguments":"null"}}]}}"#;
    let Content::Call(call) = &decode_reply(body).unwrap().choices[0].blocks[0].content else { panic!() };
    assert_eq!(call.arguments, "{}");
}

fn written(events: &[Event]) -> String {
    let mut encoder = StreamEncoder::new(ReplyContext { id: "ours".into(), ..ReplyContext::default() });
    let mut out = Vec::new();
    events.iter().for_each(|e| encoder.event(e, &mut out));
    String::from_utf8(out).unwrap()
}

fn types(stream: &str) -> Vec<String> {
    frames(stream).iter().map(|f| if f.event.is_empty() { "[DONE]".to_owned() } else { f.name().to_owned() }).collect()
}

#[test]
fn the_encoder_bears_what_decoders_may_leave_out() {
    use tollgate_ir::BlockStart;
    let open = |block, start| Event::Open { choice: 0, block, start };
    let call = BlockStart::Call { id: "c".into(), name: "f".into(), kind: CallKind::Function };
    // No start, an empty text, a call without arguments, no finish, no close.
    let out = written(&[
        open(0, BlockStart::Text),
        Event::Close { choice: 0, block: 0 },
        open(1, call),
        Event::End,
        Event::Ping,
    ]);
    assert_eq!(
        types(&out),
        ["message-start", "tool-call-start", "tool-call-delta", "tool-call-end", "message-end", "[DONE]"]
    );
    assert!(out.contains(r#""arguments":"{}""#) && out.contains(r#""finish_reason":"TOOL_CALL","usage":{}"#), "{out}");
    // A fault closes what is open and nothing comes after it.
    let fault = Event::Fault(Box::new(Fault::new(FaultKind::ProviderCut, "it broke")));
    let text = Event::Delta { choice: 0, block: 0, delta: Delta::Text("a".into()) };
    let out = written(&[open(0, BlockStart::Text), text, fault, Event::End]);
    assert_eq!(
        types(&out),
        ["message-start", "content-start", "content-delta", "content-end", "message-end", "[DONE]"]
    );
    assert!(out.contains(r#""error":"it broke","finish_reason":"ERROR""#));
}

#[test]
fn free_text_of_a_custom_tool_is_wrapped_in_pieces() {
    use tollgate_ir::BlockStart;
    let start = BlockStart::Call { id: "c".into(), name: "f".into(), kind: CallKind::Custom };
    let piece = |t: &str| Event::Delta { choice: 0, block: 0, delta: Delta::Arguments(t.into()) };
    let out = written(&[
        Event::Open { choice: 0, block: 0, start },
        piece("say \"hi\"\n"),
        piece("twice"),
        Event::Close { choice: 0, block: 0 },
        Event::End,
    ]);
    let whole: String = frames(&out)
        .iter()
        .filter_map(|f| {
            Some(
                Node::read(&f.data)?
                    .at(&["delta", "message", "tool_calls", "function", "arguments"])?
                    .as_str()?
                    .to_owned(),
            )
        })
        .collect();
    let call =
        Call { id: String::new(), name: String::new(), arguments: "say \"hi\"\ntwice".into(), kind: CallKind::Custom };
    assert_eq!(whole, history::arguments(&call));
}

#[test]
fn foreign_citations_get_their_words_and_source() {
    let mut reply = decode_reply(
        br#"{"id":"i","message":{"content":[{"type":"text","text":"caf\u00e9 is open"}]},"finish_reason":"COMPLETE"}"#,
    )
    .unwrap();
    let Content::Text { citations, .. } = &mut reply.choices[0].blocks[0].content else { panic!() };
    citations.push(tollgate_ir::Citation {
        url: Some("https://x".into()),
        title: Some("X".into()),
        quote: None,
        range: Some((5, 7)),
        carry: None,
    });
    let body = encode_reply(&reply, &ReplyContext::default());
    let text = String::from_utf8(body).unwrap();
    assert!(text.contains(r#""citations":[{"start":5,"end":7,"text":"is","sources":[{"type":"document","id":"https://x","document":{"id":"https://x","title":"X","url":"https://x"}}],"content_index":0,"type":"TEXT_CONTENT"}]"#), "{text}");
}
