//! Ollama's own API, by its protocol's rules and by recorded traffic.

use proptest::prelude::*;
use tollgate_ir::{
    Block, BlockStart, Call, CallKind, Content, Delta, Dialect, Effort, Event, Fault, FaultKind, Finish, Json, Losses,
    Media, MediaKind, MediaSource, OutputFormat, Params, Reasoning, Request, Role, Thinking, ThinkingMode, Tool,
    ToolChoice, ToolKind, ToolResult, Turn,
};
use tollgate_wire::codec;
use tollgate_wire::ids::{IdRule, ToolNames};
use tollgate_wire::json::Envelope;
use tollgate_wire::ollama;
use tollgate_wire::target::{ModelFacts, ReplyContext, RequestHead, Stopwatch, Target};
use tollgate_wire::translate::Translation;

use crate::recorded::recordings;
use crate::streams::{bytes, check, events, frames, reply};

const OLLAMA: Dialect = Dialect::Ollama;
const LINES: &str = "application/x-ndjson";

fn context() -> ReplyContext {
    ReplyContext { id: "abc".into(), model: "m".into(), created: 1_748_727_228, ..ReplyContext::default() }
}

fn said(losses: &Losses) -> Vec<String> {
    losses.all().iter().map(|l| format!("{};{}", l.path, l.reason.as_str())).collect()
}

/// A request of the client, and what was lost of it.
fn decode(body: &str) -> Result<(Request, Vec<String>), Fault> {
    let mut losses = Losses::new(codec::path_of(OLLAMA));
    let request = codec::decode_request(OLLAMA, body.as_bytes(), &RequestHead::default(), &mut losses)?;
    Ok((request, said(&losses)))
}

fn encode_with(request: &Request, model: &str, facts: &ModelFacts) -> Result<(String, Vec<String>), Fault> {
    let names = ToolNames::new(request, IdRule::WIDE);
    let mut losses = Losses::new(codec::path_of(Dialect::OpenAiChat));
    let encoded = codec::encode_request(OLLAMA, request, &Target { model, names: &names, facts }, &mut losses)?;
    Ok((String::from_utf8(encoded.body).unwrap(), said(&losses)))
}

fn encode(request: &Request, model: &str) -> (String, Vec<String>) {
    encode_with(request, model, &ModelFacts::default()).unwrap()
}

/// One message of the user's and what `change` adds.
fn asked(change: impl FnOnce(&mut Request)) -> Request {
    let turns = vec![Turn { role: Role::User, blocks: vec![Block::text("Hi")] }];
    let mut request = Request { model: "m".into(), turns, ..Request::default() };
    change(&mut request);
    request
}

#[test]
fn a_chat_is_read_field_by_field() {
    let (request, lost) = decode(
        r#"{"model":"qwen3","messages":[{"role":"system","content":"Be brief"},
            {"role":"user","content":"What is it?","images":["iVBORw0KGgo="]},
            {"role":"assistant","content":"A cat","thinking":"Fur"},
            {"role":"system","content":"Rhyme"}],
            "tools":[],"format":"","think":"high","keep_alive":"5m","logprobs":true,"top_logprobs":2,
            "options":{"num_predict":9,"temperature":0.5,"top_p":0.9,"top_k":40,"seed":-1,"stop":"END",
                       "presence_penalty":1,"frequency_penalty":2,"num_ctx":8192,"min_p":0.1,"num_gpu":1}}"#,
    )
    .unwrap();
    assert!(request.stream, "a stream is what is not said");
    assert_eq!(lost, ["options.num_ctx;dropped", "options.min_p;dropped"]);
    assert_eq!(request.system, [Block::text("Be brief").at("messages[0].content")]);
    let roles: Vec<_> = request.turns.iter().map(|t| t.role).collect();
    assert_eq!(roles, [Role::User, Role::Assistant, Role::System]);
    let Content::Media(image) = &request.turns[0].blocks[1].content else { panic!("{request:?}") };
    assert_eq!(
        (image.mime.as_deref(), &image.source),
        (Some("image/png"), &MediaSource::Base64("iVBORw0KGgo=".into()))
    );
    assert_eq!(request.turns[0].blocks[1].at, "messages[1].images[0]");
    assert!(matches!(&request.turns[1].blocks[0].content, Content::Reasoning(r) if r.text == "Fur"));
    assert_eq!(request.output, None);
    assert_eq!(request.thinking.map(|t| (t.mode, t.effort)), Some((ThinkingMode::On, Some(Effort::High))));
    let wanted = Params {
        max_tokens: Some(9),
        temperature: Some(0.5),
        top_p: Some(0.9),
        top_k: Some(40),
        stop: vec!["END".into()],
        seed: Some(-1),
        presence_penalty: Some(1.0),
        frequency_penalty: Some(2.0),
        logprobs: Some(true),
        top_logprobs: Some(2),
        ..Params::default()
    };
    assert_eq!(request.params, wanted);
}

#[test]
fn what_is_not_meant_is_not_said() {
    for (field, check) in [
        (r#""options":{"num_predict":-1,"top_k":0,"stop":[]}"#, asked(|r| r.stream = true)),
        (r#""stream":false"#, asked(|_| {})),
        (r#""stream":null,"think":null,"format":null,"tools":null,"options":null"#, asked(|r| r.stream = true)),
    ] {
        let body = format!(r#"{{"model":"m","messages":[{{"role":"user","content":"Hi"}}],{field}}}"#);
        let (mut request, lost) = decode(&body).unwrap();
        request.turns[0].blocks[0].at.clear();
        assert_eq!((request, lost), (check, vec![]), "{field}");
    }
}

#[test]
fn wrong_fields_are_named() {
    for (body, param) in [
        (r#"{"messages":[]}"#, "model"),
        (r#"{"model":"m","messages":[{"role":"judge","content":"x"}]}"#, "messages[0].role"),
        (r#"{"model":"m","messages":[{"role":"user","content":[]}]}"#, "messages[0].content"),
        (r#"{"model":"m","messages":[{"role":"user","images":[1]}]}"#, "messages[0].images[0]"),
        (
            r#"{"model":"m","messages":[{"role":"assistant","tool_calls":[{"function":{}}]}]}"#,
            "messages[0].tool_calls[0].function.name",
        ),
        (r#"{"model":"m","format":"xml"}"#, "format"),
        (r#"{"model":"m","think":"deeply"}"#, "think"),
        (r#"{"model":"m","options":{"stop":[1]}}"#, "options.stop"),
        (r#"{"model":"m","options":{"temperature":"hot"}}"#, "options.temperature"),
    ] {
        let fault = decode(body).unwrap_err();
        assert_eq!((fault.kind, fault.param.as_deref()), (FaultKind::InvalidField, Some(param)), "{body}");
    }
}

#[test]
fn tr19_no_field_is_lost_silently() {
    let (_, lost) = decode(
        r#"{"model":"m","new":1,"messages":[{"role":"user","content":"x","mood":"good"},
            {"role":"assistant","content":"","tool_calls":[{"function":{"name":"f","arguments":{},"extra":1},"note":2}]}],
            "tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object"},"since":3},"when":4}]}"#,
    )
    .unwrap();
    let wanted = [
        "messages[0].mood;dropped",
        "messages[1].tool_calls[0].function.extra;dropped",
        "messages[1].tool_calls[0].note;dropped",
        "tools[0].when;dropped",
        "tools[0].function.since;dropped",
        "new;dropped",
    ];
    assert_eq!(lost, wanted);
}

/// Which call a tool's message answers, where the client names it by id, by name, or not at all.
#[test]
fn results_find_their_calls() {
    let calls = r#"{"role":"assistant","tool_calls":[{"function":{"name":"a","arguments":{"x":1}}},
        {"function":{"name":"b","arguments":{}}},{"id":"c1","function":{"name":"c","arguments":"{\"y\":2}"}}]}"#;
    let results = |tools: &str| {
        let (request, lost) = decode(&format!(r#"{{"model":"m","messages":[{calls},{tools}]}}"#)).unwrap();
        assert!(lost.is_empty(), "{lost:?}");
        let ids = request.turns[0].blocks.iter().map(|b| match &b.content {
            Content::Call(call) => call.id.clone(),
            other => panic!("{other:?}"),
        });
        let ids: Vec<String> = ids.collect();
        assert!(ids.iter().all(|id| IdRule::COMMON.admits(id)) && ids[0] != ids[1], "{ids:?}");
        let answered = request.turns[1..].iter().map(|turn| match &turn.blocks[0].content {
            Content::Result(r) => (ids.iter().position(|id| *id == r.call), r.name.clone().unwrap_or_default()),
            other => panic!("{other:?}"),
        });
        answered.collect::<Vec<_>>()
    };
    let tool = |fields: &str| format!(r#"{{"role":"tool","content":"1"{fields}}}"#);
    let in_order = [tool(""), tool(""), tool("")].join(",");
    assert_eq!(results(&in_order), [(Some(0), "a".into()), (Some(1), "b".into()), (Some(2), "c".into())]);
    let named = [tool(r#","tool_name":"b""#), tool(r#","name":"c""#), tool(r#","tool_name":"a""#)].join(",");
    assert_eq!(results(&named), [(Some(1), "b".into()), (Some(2), "c".into()), (Some(0), "a".into())]);
    assert_eq!(results(&tool(r#","tool_call_id":"c1""#)), [(Some(2), "c".into())]);
    assert_eq!(results(&tool(r#","tool_call_id":"other""#)), [(None, String::new())]);
}

#[test]
fn a_prompt_is_a_chat_of_one_turn() {
    let (request, lost) = decode(
        r#"{"model":"m","prompt":"Say hi","system":"Be kind","template":"","suffix":"end","raw":true,"context":[1,2],
            "images":["/9j/4AAQ"],"format":"json","stream":false}"#,
    )
    .unwrap();
    assert_eq!(request.system, [Block::text("Be kind").at("system")]);
    assert_eq!(request.turns.len(), 1);
    assert_eq!(request.turns[0].blocks[0], Block::text("Say hi").at("prompt"));
    assert_eq!(request.turns[0].blocks[1].at, "images[0]");
    assert_eq!(request.output, Some(OutputFormat::Json));
    assert_eq!(lost, ["suffix;dropped", "raw;dropped", "context;dropped"]);
}

#[test]
fn requests_that_say_nothing_only_load_the_model() {
    for (body, loads, reason) in [
        (r#"{"model":"m"}"#, true, "load"),
        (r#"{"model":"m","messages":[]}"#, true, "load"),
        (r#"{"model":"m","prompt":"","keep_alive":0}"#, true, "unload"),
        (r#"{"model":"m","prompt":"x"}"#, false, ""),
        (r#"{"model":"m","messages":[{"role":"user","content":"x"}]}"#, false, ""),
        (r#"{"model":"m","images":["eA=="]}"#, false, ""),
    ] {
        let envelope = Envelope::scan(body.as_bytes()).unwrap();
        assert_eq!(ollama::only_loads(body.as_bytes(), &envelope), loads, "{body}");
        if loads {
            let answer = ollama::loaded(body.as_bytes(), &envelope, &context(), true);
            let wanted = format!(
                r#"{{"model":"m","created_at":"2025-05-31T21:33:48.000000Z","response":"","done":true,"done_reason":"{reason}"}}"#
            );
            assert_eq!(String::from_utf8(answer).unwrap(), wanted);
        }
    }
}

#[test]
fn a_chat_is_written_as_ollama_takes_it() {
    let tool = Tool {
        kind: ToolKind::Function {
            name: "w".into(),
            description: Some("Weather".into()),
            parameters: Json::parse(r#"{"type":"object","properties":{"b":{},"a":{}}}"#).ok(),
            strict: Some(true),
        },
        cache: None,
        carry: None,
        at: "tools[0]".into(),
    };
    let call = |id: &str, arguments: &str| {
        let arguments = arguments.into();
        Block::new(Content::Call(Call { id: id.into(), name: "w".into(), arguments, kind: CallKind::Function }))
    };
    let result = |id: &str, error| {
        let content = vec![Block::text("snow")];
        let (call, kind) = (id.into(), CallKind::Function);
        Block::new(Content::Result(ToolResult { call, name: None, content, json: None, error, kind })).at("messages[2]")
    };
    let image = Media {
        kind: MediaKind::Image,
        mime: None,
        source: MediaSource::Base64("eA==".into()),
        name: None,
        detail: None,
    };
    let thought = Content::Reasoning(Reasoning { text: "Hm".into(), ..Reasoning::default() });
    let request = Request {
        system: vec![Block::text("Be brief"), Block::text("Rhyme")],
        turns: vec![
            Turn { role: Role::User, blocks: vec![Block::text("Look"), Block::new(Content::Media(image))] },
            Turn {
                role: Role::Assistant,
                blocks: vec![Block::new(thought), call("c1", "{\"a\": 1}"), call("c2", ""), call("c3", "[\n1]")],
            },
            Turn { role: Role::User, blocks: vec![Block::text("And?"), result("c1", true), result("c2", false)] },
        ],
        tools: vec![tool],
        stream: true,
        ..Request::default()
    };
    let (body, lost) = encode(&request, "qwen3");
    let wanted = concat!(
        r#"{"model":"qwen3","messages":[{"role":"system","content":"Be brief\n\nRhyme"},"#,
        r#"{"role":"user","content":"Look","images":["eA=="]},"#,
        r#"{"role":"assistant","content":"","thinking":"Hm","tool_calls":["#,
        r#"{"id":"c1","function":{"index":0,"name":"w","arguments":{"a": 1}}},"#,
        r#"{"id":"c2","function":{"index":1,"name":"w","arguments":{}}},"#,
        r#"{"id":"c3","function":{"index":2,"name":"w","arguments":{"input":"[\n1]"}}}]},"#,
        r#"{"role":"tool","content":"snow","tool_name":"w","tool_call_id":"c1"},"#,
        r#"{"role":"tool","content":"snow","tool_name":"w","tool_call_id":"c2"},"#,
        r#"{"role":"user","content":"And?"}],"#,
        r#""tools":[{"type":"function","function":{"name":"w","description":"Weather","#,
        r#""parameters":{"type":"object","properties":{"b":{},"a":{}}}}}],"stream":true}"#
    );
    assert_eq!(body, wanted);
    assert_eq!(lost, ["messages[2].is_error;adjusted", "tools[0].strict;dropped"]);
}

#[test]
fn parameters_stand_in_options_and_what_has_no_place_is_reported() {
    let schema = Json::parse(r#"{"type":"object"}"#).unwrap();
    let request = asked(|r| {
        r.params = Params {
            max_tokens: Some(5),
            temperature: Some(1.5),
            stop: vec!["a".into()],
            logprobs: Some(true),
            top_logprobs: Some(3),
            n: Some(2),
            user: Some("u".into()),
            service_tier: Some("auto".into()),
            ..Params::default()
        };
        r.output = Some(OutputFormat::Schema { name: Some("n".into()), description: None, schema, strict: Some(true) });
        r.parallel_tools = Some(false);
    });
    let (body, lost) = encode(&request, "llama3.2");
    let wanted = concat!(
        r#"{"model":"llama3.2","messages":[{"role":"user","content":"Hi"}],"format":{"type":"object"},"#,
        r#""options":{"num_predict":5,"temperature":1.5,"stop":["a"]},"logprobs":true,"top_logprobs":3,"stream":false}"#
    );
    assert_eq!((body.as_str(), lost), (wanted, vec!["n;dropped".to_owned(), "user;dropped".to_owned()]));
}

#[test]
fn thinking_is_said_as_the_model_takes_it() {
    let think = |mode, effort, budget| Some(Thinking { mode, effort, budget, show: None, summary: None });
    use ThinkingMode::{Adaptive, Off, On, Unsaid};
    for (thinking, model, written, lost) in [
        (think(On, None, None), "qwen3:8b", Some("true"), None),
        (think(Adaptive, None, None), "someone/new-model", Some("true"), None),
        (think(On, Some(Effort::High), None), "qwen3", Some("true"), Some("adjusted")),
        (think(On, None, Some(2000)), "deepseek-r1:7b", Some("true"), Some("adjusted")),
        (think(On, Some(Effort::High), None), "gpt-oss:20b", Some("\"high\""), None),
        (think(On, Some(Effort::Max), None), "gpt-oss", Some("\"high\""), Some("adjusted")),
        (think(On, Some(Effort::Minimal), None), "gpt-oss:20b", Some("\"low\""), Some("adjusted")),
        (think(On, None, None), "llama3.2:1b", None, Some("dropped")),
        (think(On, None, None), "phi4", None, Some("dropped")),
        (think(On, None, None), "phi4-reasoning", Some("true"), None),
        (think(Off, None, None), "llama3.2", Some("false"), None),
        (think(Unsaid, None, None), "qwen3", None, None),
        (None, "qwen3", None, None),
    ] {
        let (body, losses) = encode(&asked(|r| r.thinking = thinking.clone()), model);
        let wanted = written.map_or(String::new(), |w| format!(r#""think":{w},"#));
        assert_eq!(
            body,
            format!(r#"{{"model":"{model}","messages":[{{"role":"user","content":"Hi"}}],{wanted}"stream":false}}"#)
        );
        let lost: Vec<_> = lost.map(|l| format!("reasoning_effort;{l}")).into_iter().collect();
        assert_eq!(losses, lost, "{thinking:?} {model}");
    }
}

#[test]
fn a_choice_is_said_by_the_tools_that_are_sent() {
    let tool = |name: &str| Tool {
        kind: ToolKind::Function { name: name.into(), description: None, parameters: None, strict: None },
        cache: None,
        carry: None,
        at: String::new(),
    };
    let allowed = |required| ToolChoice::Allowed { names: vec!["b".into()], required };
    for (choice, sent, lost) in [
        (ToolChoice::Auto, vec!["a", "b"], false),
        (ToolChoice::None, vec![], false),
        (ToolChoice::Required, vec!["a", "b"], true),
        (ToolChoice::Named("b".into()), vec!["b"], true),
        (allowed(false), vec!["b"], false),
        (allowed(true), vec!["b"], true),
    ] {
        let request = asked(|r| {
            r.tools = vec![tool("a"), tool("b")];
            r.tool_choice = Some(choice.clone());
        });
        let (body, losses) = encode(&request, "m");
        for name in ["a", "b"] {
            let there = body.contains(&format!(r#""name":"{name}""#));
            assert_eq!(there, sent.contains(&name), "{choice:?}: {body}");
        }
        assert_eq!(losses == ["tool_choice;dropped"], lost, "{choice:?}: {losses:?}");
    }
}

#[test]
fn what_cannot_be_carried_is_refused_by_name() {
    let media = |kind, source| Media { kind, mime: None, source, name: None, detail: None };
    for (media, facts) in [
        (media(MediaKind::Image, MediaSource::Url("https://a.example/x.png".into())), ModelFacts::default()),
        (media(MediaKind::Audio, MediaSource::Base64("eA==".into())), ModelFacts::default()),
        (media(MediaKind::Document, MediaSource::Base64("eA==".into())), ModelFacts::default()),
        (
            media(MediaKind::Image, MediaSource::Base64("eA==".into())),
            ModelFacts { media: Some(vec![]), ..ModelFacts::default() },
        ),
    ] {
        let request = asked(|r| r.turns[0].blocks.push(Block::new(Content::Media(media)).at("messages[0].content[1]")));
        let fault = encode_with(&request, "m", &facts).unwrap_err();
        assert_eq!(fault.kind, FaultKind::UnsupportedContent);
        assert_eq!(fault.param.as_deref(), Some("messages[0].content[1]"));
    }
}

/// What an Ollama host streamed, as a face of each other dialect gets it: `stop` after calls is a turn of calls, and the
/// call is the first block.
#[test]
fn tr05_a_tool_turn_that_stops_is_one_of_calls() {
    let lines = concat!(
        r#"{"model":"m","created_at":"2025-08-20T13:48:23.241046Z","message":{"role":"assistant","content":"","tool_calls":[{"function":{"name":"w","arguments":{"city":"Oslo"}}}]},"done":false}"#,
        "\n",
        r#"{"model":"m","created_at":"2025-08-20T13:48:23.3Z","message":{"role":"assistant","content":""},"done_reason":"stop","done":true,"prompt_eval_count":15,"eval_count":9}"#,
        "\n"
    );
    let whole = r#"{"model":"m","created_at":"x","message":{"role":"assistant","content":"","tool_calls":[{"function":{"name":"w","arguments":{"city":"Oslo"}}}]},"done_reason":"stop","done":true,"prompt_eval_count":15,"eval_count":9}"#;
    for face in Dialect::ALL.into_iter().filter(|face| *face != OLLAMA) {
        let way = |face| {
            let mut losses = Losses::new(codec::path_of(face));
            Translation::request(face, OLLAMA, &asked(|_| {}), "m", &ModelFacts::default(), &mut losses).unwrap().1
        };
        let told = way(face).reply(whole.as_bytes()).unwrap();
        assert_eq!(told.choices[0].finish, Some(Finish::ToolCalls), "{face}");
        assert_eq!(told.choices[0].blocks.len(), 1, "{face}: no text before the call");
        let (mut stream, mut out, mut sent) = (way(face).stream(context()), Vec::new(), Vec::new());
        for frame in frames(lines.as_bytes(), LINES, 17) {
            stream.frame(&frame, &mut out);
            sent.extend_from_slice(stream.last_events());
        }
        let opened = sent.iter().filter_map(|e| match e {
            Event::Open { block, start, .. } => Some((*block, matches!(start, BlockStart::Call { .. }))),
            _ => None,
        });
        assert_eq!(opened.collect::<Vec<_>>(), [(0, true)], "{face}");
        assert!(sent.contains(&Event::Finish { choice: 0, finish: Finish::ToolCalls }), "{face}");
        let read = reply(&events(face, &out, codec::stream_content_type(face), usize::MAX));
        let finish = read.choices[0].finish.clone().map(|f| f.with_calls(true));
        assert_eq!(finish, Some(Finish::ToolCalls), "{face}: {}", String::from_utf8_lossy(&out));
    }
}

#[test]
fn the_reason_of_the_end_is_told_both_ways() {
    for (word, finish, back) in [
        ("stop", Finish::Stop, "stop"),
        ("length", Finish::Length, "length"),
        ("load", Finish::Stop, "stop"),
        ("unload", Finish::Stop, "stop"),
        ("odd", Finish::Error("odd".into()), "error"),
    ] {
        let body = format!(r#"{{"message":{{"content":"x"}},"done":true,"done_reason":"{word}"}}"#);
        let reply = codec::decode_reply(OLLAMA, body.as_bytes()).unwrap();
        assert_eq!(reply.choices[0].finish, Some(finish));
        let written = String::from_utf8(codec::encode_reply(OLLAMA, &reply, &context())).unwrap();
        assert!(written.contains(&format!(r#""done":true,"done_reason":"{back}""#)), "{written}");
    }
}

#[test]
fn errors_are_read_and_written() {
    for (status, body, kind) in [
        (404, r#"{"error":"model \"x\" not found, try pulling it first"}"#, FaultKind::ProviderNotFound),
        (400, r#"{"error":"\"llama3\" does not support thinking"}"#, FaultKind::ProviderBadRequest),
        (500, r#"{"error":"llama runner process has terminated"}"#, FaultKind::ProviderFailed),
        (
            503,
            r#"{"error":"server busy, please try again.  maximum pending requests exceeded"}"#,
            FaultKind::ProviderOverloaded,
        ),
    ] {
        let fault = codec::decode_fault(OLLAMA, status, &[], body.as_bytes());
        assert_eq!((fault.kind, fault.status), (kind, status), "{body}");
        assert_eq!(String::from_utf8(codec::encode_fault(OLLAMA, &fault, "r")).unwrap(), body);
        assert_eq!(String::from_utf8(codec::fault_frame(OLLAMA, &fault)).unwrap(), format!("{body}\n"));
        let read = codec::decode_reply(OLLAMA, body.as_bytes()).unwrap_err();
        assert_eq!(read.public, fault.public);
    }
}

#[test]
fn rl03_a_stream_without_its_last_line_is_cut_and_an_error_line_ends_it() {
    let begun = r#"{"message":{"role":"assistant","content":"It"},"done":false}"#;
    let cut = events(OLLAMA, format!("{begun}\n").as_bytes(), LINES, 5);
    assert!(matches!(cut.last(), Some(Event::Fault(f)) if f.kind == FaultKind::ProviderCut), "{cut:?}");
    let failed = events(OLLAMA, format!("{begun}\n{{\"error\":\"out of memory\"}}\n{begun}\n").as_bytes(), LINES, 5);
    assert!(matches!(failed.last(), Some(Event::Fault(f)) if f.public == "out of memory"), "{failed:?}");
    let garbage = events(OLLAMA, b"<html>\n", LINES, 5);
    assert!(matches!(garbage.last(), Some(Event::Fault(f)) if f.kind == FaultKind::ProviderGarbage), "{garbage:?}");
}

#[test]
fn a_stream_is_lines_with_calls_whole_and_times_at_its_end() {
    let ticks = std::sync::Mutex::new(0u64);
    let stopwatch = Stopwatch::new(move || {
        let mut ticks = ticks.lock().unwrap();
        *ticks += 1;
        std::time::Duration::from_millis(*ticks)
    });
    let call = BlockStart::Call { id: "c1".into(), name: "w".into(), kind: CallKind::Function };
    let sent = [
        Event::Open { choice: 0, block: 0, start: BlockStart::Reasoning { summary: false, redacted: false, id: None } },
        Event::Delta { choice: 0, block: 0, delta: Delta::Text("Hm".into()) },
        Event::Open { choice: 0, block: 1, start: call },
        Event::Delta { choice: 0, block: 1, delta: Delta::Arguments("{\"a\":".into()) },
        Event::Close { choice: 0, block: 0 },
        Event::Delta { choice: 0, block: 1, delta: Delta::Arguments("\n1}".into()) },
        Event::Close { choice: 0, block: 1 },
        Event::Finish { choice: 0, finish: Finish::ToolCalls },
        Event::Usage(tollgate_ir::Usage {
            input: 3,
            cache_read: Some(4),
            output: 5,
            reasoning: Some(6),
            ..Default::default()
        }),
        Event::End,
        Event::Ping,
    ];
    let written = bytes(OLLAMA, &sent, ReplyContext { stopwatch, ..context() });
    let lines: Vec<&str> = std::str::from_utf8(&written).unwrap().lines().collect();
    assert_eq!(lines.len(), 3, "{lines:?}");
    assert!(lines[0].ends_with(r#""message":{"role":"assistant","content":"","thinking":"Hm"},"done":false}"#));
    assert!(lines[0].contains(r#""created_at":"2025-05-31T21:33:48.002000Z""#), "{}", lines[0]);
    let call = r#""tool_calls":[{"id":"c1","function":{"index":0,"name":"w","arguments":{"a":1}}}]},"done":false}"#;
    assert!(lines[1].ends_with(call), "{}", lines[1]);
    let end = concat!(
        r#""message":{"role":"assistant","content":""},"done":true,"done_reason":"stop","total_duration":6000000,"#,
        r#""load_duration":0,"prompt_eval_count":7,"prompt_eval_duration":2000000,"eval_count":11,"eval_duration":4000000}"#
    );
    assert!(lines[2].ends_with(end), "{}", lines[2]);
}

#[test]
fn answers_to_prompts_have_their_own_form() {
    let chat = r#"{"model":"m","message":{"role":"assistant","content":"Hi","thinking":"Hm"},"done":true}"#;
    let prompt = ollama::as_generate(chat.as_bytes()).unwrap();
    assert_eq!(String::from_utf8(prompt).unwrap(), r#"{"model":"m","response":"Hi","thinking":"Hm","done":true}"#);
    assert_eq!(ollama::as_generate(br#"{"error":"no"}"#), None);
    assert_eq!(ollama::as_generate(br#"{"response":"Hi"}"#), None);
}

#[test]
fn recorded_requests_are_read_whole() {
    for protocol in ["ollama-chat", "ollama-generate"] {
        for recording in recordings(protocol) {
            let Some(body) = recording.request_body() else { continue };
            let (request, lost) = decode(body).unwrap_or_else(|fault| panic!("{}: {fault}", recording.id));
            assert!(!request.turns.is_empty(), "{}", recording.id);
            // One client put `think` among the options, where Ollama passes over it too.
            assert!(lost.iter().all(|l| l == "options.think;dropped"), "{}: {lost:?}", recording.id);
            let (again, _) = encode(&request, &request.model);
            let (back, lost) = decode(&again).unwrap();
            assert!(lost.is_empty(), "{}: {lost:?}", recording.id);
            assert_eq!(shape(&back), shape(&request), "{}", recording.id);
        }
    }
}

/// What a request says, without places.
fn shape(request: &Request) -> Request {
    let mut shape = request.clone();
    let blocks = shape.turns.iter_mut().flat_map(|t| &mut t.blocks).chain(&mut shape.system);
    for block in blocks {
        block.at.clear();
        if let Content::Result(result) = &mut block.content {
            result.content.iter_mut().for_each(|b| b.at.clear());
        }
    }
    shape
}

#[test]
fn recorded_replies_read_back_as_they_were_written() {
    for protocol in ["ollama-chat", "ollama-generate"] {
        for recording in recordings(protocol) {
            let Some(body) = recording.reply() else { continue };
            let reply = codec::decode_reply(OLLAMA, body).unwrap();
            assert!(
                reply.usage.is_some_and(|u| u.output > 0) && !reply.choices[0].blocks.is_empty(),
                "{}",
                recording.id
            );
            let written = codec::encode_reply(OLLAMA, &reply, &context());
            let mut again = codec::decode_reply(OLLAMA, &written).unwrap();
            again.head.created = reply.head.created;
            assert_eq!(again, reply, "{}", recording.id);
        }
    }
}

#[test]
fn recorded_streams_are_the_same_at_any_cut_and_read_back() {
    for protocol in ["ollama-chat", "ollama-generate"] {
        for recording in recordings(protocol) {
            let Some((body, content_type)) = recording.stream() else { continue };
            let whole = events(OLLAMA, &body, content_type, usize::MAX);
            check(&recording.id, &whole);
            assert_eq!(whole.last(), Some(&Event::End), "{}", recording.id);
            for cut in [1, 7, 100] {
                assert_eq!(events(OLLAMA, &body, content_type, cut), whole, "{} by {cut}", recording.id);
            }
            let again = events(OLLAMA, &bytes(OLLAMA, &whole, context()), LINES, 33);
            let (mut told, mut heard) = (reply(&whole), reply(&again));
            (told.head, heard.head) = Default::default();
            assert_eq!(heard, told, "{}", recording.id);
        }
    }
}

fn text() -> impl Strategy<Value = String> {
    "[a-zA-Z0-9 äß東🎵\"\\\\\n{}]{1,12}"
}

fn user() -> impl Strategy<Value = Turn> {
    (text(), proptest::collection::vec("[A-Za-z0-9+/]{4}", 0..2)).prop_map(|(words, images)| {
        let image = |data: String| {
            let source = MediaSource::Base64(data);
            Block::new(Content::Media(Media { kind: MediaKind::Image, mime: None, source, name: None, detail: None }))
        };
        let blocks = std::iter::once(Block::text(words)).chain(images.into_iter().map(image)).collect();
        Turn { role: Role::User, blocks }
    })
}

/// What the model said, and the results of its calls.
fn exchange() -> impl Strategy<Value = Vec<Turn>> {
    let call = ("[a-z]{1,6}", text());
    (proptest::option::of(text()), proptest::option::of(text()), proptest::collection::vec(call, 0..3), any::<u16>())
        .prop_map(|(thinking, words, calls, number)| {
            let thought =
                thinking.map(|text| Block::new(Content::Reasoning(Reasoning { text, ..Reasoning::default() })));
            let mut blocks: Vec<Block> = thought.into_iter().chain(words.map(Block::text)).collect();
            let mut turns = Vec::new();
            for (i, (name, words)) in calls.into_iter().enumerate() {
                let id = format!("call_{number}_{i}");
                let arguments = format!(r#"{{"q":{i}}}"#);
                let (kind, content) = (CallKind::Function, vec![Block::text(words)]);
                blocks.push(Block::new(Content::Call(Call { id: id.clone(), name: name.clone(), arguments, kind })));
                let result = ToolResult { call: id, name: Some(name), content, json: None, error: false, kind };
                turns.push(Turn { role: Role::User, blocks: vec![Block::new(Content::Result(result))] });
            }
            if !blocks.is_empty() {
                turns.insert(0, Turn { role: Role::Assistant, blocks });
            }
            turns
        })
}

fn params() -> impl Strategy<Value = Params> {
    use proptest::option::of;
    (
        of(1..99_999u64),
        of(0..20u8),
        of(1..100u64),
        of(any::<i32>()),
        proptest::collection::vec(text(), 0..3),
        of(any::<bool>()),
    )
        .prop_map(|(max_tokens, tenths, top_k, seed, stop, logprobs)| Params {
            max_tokens,
            temperature: tenths.map(|t| f64::from(t) / 10.0),
            top_p: tenths.map(|t| f64::from(t) / 20.0),
            top_k,
            seed: seed.map(i64::from),
            stop,
            presence_penalty: tenths.map(f64::from),
            frequency_penalty: None,
            logprobs,
            top_logprobs: top_k,
            ..Params::default()
        })
}

proptest! {
    #[test]
    fn what_ollama_can_say_is_read_as_it_was_written(
        system in proptest::option::of(text()),
        first in user(),
        exchanges in proptest::collection::vec(exchange(), 0..3),
        params in params(),
        stream in any::<bool>(),
        thinks in proptest::option::of(any::<bool>()),
        json in proptest::option::of(any::<bool>()),
    ) {
        let mode = |on| if on { ThinkingMode::On } else { ThinkingMode::Off };
        let schema = || Json::parse(r#"{"type":"object","properties":{"z":{},"a":{}}}"#).unwrap();
        let output = |plain| match plain {
            true => OutputFormat::Json,
            false => OutputFormat::Schema { name: None, description: None, schema: schema(), strict: None },
        };
        let request = Request {
            model: "qwen3".into(),
            stream,
            system: system.map(Block::text).into_iter().collect(),
            turns: std::iter::once(first).chain(exchanges.into_iter().flatten()).collect(),
            params,
            output: json.map(output),
            thinking: thinks.map(|on| Thinking { mode: mode(on), effort: None, budget: None, show: None, summary: None }),
            ..Request::default()
        };
        let (body, lost) = encode(&request, "qwen3");
        prop_assert!(lost.is_empty(), "{lost:?}");
        prop_assert_eq!(&encode(&request, "qwen3").0, &body, "TR22: the same request, the same bytes");
        let (read, lost) = decode(&body).unwrap();
        prop_assert!(lost.is_empty(), "{lost:?}");
        prop_assert_eq!(shape(&read), request);
    }
}
