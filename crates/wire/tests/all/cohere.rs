//! Cohere's dialect against recorded traffic, and properties over requests made up.

use std::collections::BTreeMap;

use proptest::prelude::*;
use tollgate_ir::{
    Block, Call, CallKind, Content, Delta, Dialect, Event, Finish, Losses, Media, MediaKind, MediaSource, OutputFormat,
    Params, Reasoning, Request, Role, Thinking, ThinkingMode, Tool, ToolChoice, ToolKind, ToolResult, Turn,
};
use tollgate_wire::cohere;
use tollgate_wire::ids::{IdRule, ToolNames};
use tollgate_wire::target::{ModelFacts, ReplyContext, RequestHead, Target};

use crate::recorded::recordings;
use crate::streams;

fn decode(body: &[u8]) -> (Request, Losses) {
    let mut losses = Losses::new(cohere::path_of);
    let request = cohere::decode_request(body, &RequestHead::default(), &mut losses).unwrap();
    (request, losses)
}

fn encode(request: &Request) -> (Vec<u8>, Losses) {
    let mut losses = Losses::new(cohere::path_of);
    let names = ToolNames::new(request, IdRule::WIDE);
    let target = Target { model: &request.model, names: &names, facts: &ModelFacts::default() };
    let encoded = cohere::encode_request(request, &target, &mut losses).unwrap();
    (encoded.body, losses)
}

/// Places in the client's body differ between two spellings of one request.
fn without_places(mut request: Request) -> Request {
    fn clean(block: &mut Block) {
        block.at.clear();
        if let Content::Result(result) = &mut block.content {
            result.content.iter_mut().for_each(clean);
        }
    }
    request.system.iter_mut().for_each(clean);
    request.turns.iter_mut().flat_map(|t| &mut t.blocks).for_each(clean);
    request.tools.iter_mut().for_each(|t| t.at.clear());
    request
}

/// What a turn says, however its blocks are spread over messages; words before calls are a plan or content alike.
fn gist(request: &Request) -> Vec<(Role, Vec<String>)> {
    let mut turns: Vec<(Role, Vec<String>)> = Vec::new();
    for turn in &request.turns {
        let said = turn.blocks.iter().map(|b| match &b.content {
            Content::Text { text, .. } => format!("text {text}"),
            other => format!("{other:?}"),
        });
        match turns.last_mut() {
            Some((role, all)) if *role == turn.role => all.extend(said),
            _ => turns.push((turn.role, said.collect())),
        }
    }
    turns
}

#[test]
fn recorded_requests_survive_decode_and_encode() {
    for recording in recordings("cohere-v2") {
        let Some(body) = recording.request_body() else { continue };
        let (request, losses) = decode(body.as_bytes());
        assert!(losses.all().is_empty(), "{}: {:?}", recording.id, losses.all());
        let (again, losses) = encode(&request);
        assert!(losses.all().is_empty(), "{}: {:?}", recording.id, losses.all());
        assert_eq!(encode(&request).0, again, "{}: equal requests, equal bytes", recording.id);
        let (back, request) = (without_places(decode(&again).0), without_places(request));
        assert_eq!(gist(&back), gist(&request), "{}", recording.id);
        assert_eq!((&back.system, &back.tools), (&request.system, &request.tools), "{}", recording.id);
        assert_eq!((&back.params, &back.output), (&request.params, &request.output), "{}", recording.id);
        assert_eq!((back.thinking, back.tool_choice), (request.thinking, request.tool_choice), "{}", recording.id);
    }
}

#[test]
fn recorded_replies_are_read_and_written_back() {
    for recording in recordings("cohere-v2") {
        let Some(body) = recording.reply() else { continue };
        let reply = cohere::decode_reply(body).unwrap();
        assert!(!reply.choices[0].blocks.is_empty() && reply.usage.is_some(), "{}", recording.id);
        let written = cohere::encode_reply(&reply, &ReplyContext::default());
        assert_eq!(cohere::decode_reply(&written).unwrap(), reply, "{}", recording.id);
    }
}

fn events(body: &[u8], cut: usize) -> Vec<Event> {
    streams::events(Dialect::Cohere, body, "text/event-stream", cut)
}

#[test]
fn recorded_streams_are_read_at_any_cut_and_written_back() {
    for recording in recordings("cohere-v2") {
        let Some((body, _)) = recording.stream() else { continue };
        let all = events(&body, body.len());
        streams::check(&recording.id, &all);
        assert_eq!(all.last(), Some(&Event::End), "{}", recording.id);
        assert!(all.iter().any(|e| matches!(e, Event::Usage(_))), "{}", recording.id);
        for cut in [1, 2, 7, 333] {
            assert_eq!(events(&body, cut), all, "{} cut at {cut}", recording.id);
        }
        let written = streams::bytes(Dialect::Cohere, &all, ReplyContext::default());
        assert_eq!(said(&events(&written, 333)), said(&all), "{}", recording.id);
    }
}

/// Events without the blocks that said nothing, whose numbers the others take.
fn said(events: &[Event]) -> Vec<Event> {
    let speaks = |n: u32| events.iter().any(|e| matches!(e, Event::Delta { block, .. } if *block == n));
    let mut numbers = BTreeMap::new();
    for event in events {
        if let Event::Open { block, start, .. } = event
            && (speaks(*block) || matches!(start, tollgate_ir::BlockStart::Call { .. }))
        {
            let next = u32::try_from(numbers.len()).unwrap();
            numbers.insert(*block, next);
        }
    }
    let renumber = |event: &Event| {
        let mut event = event.clone();
        if let Event::Open { block, .. } | Event::Delta { block, .. } | Event::Close { block, .. } = &mut event {
            *block = *numbers.get(block)?;
        }
        // A call without arguments is written as `{}`.
        if matches!(&event, Event::Delta { delta: Delta::Arguments(a), .. } if a == "{}") { None } else { Some(event) }
    };
    events.iter().filter_map(renumber).collect()
}

#[test]
fn finish_words_are_those_of_the_protocol() {
    for (finish, word) in [
        (Finish::Stop, "COMPLETE"),
        (Finish::StopSequence(Some("x".into())), "STOP_SEQUENCE"),
        (Finish::Length, "MAX_TOKENS"),
        (Finish::ContextWindow, "MAX_TOKENS"),
        (Finish::ToolCalls, "TOOL_CALL"),
        (Finish::ContentFilter, "ERROR"),
        (Finish::Refusal, "COMPLETE"),
        (Finish::Pause, "COMPLETE"),
        (Finish::Error("x".into()), "ERROR"),
    ] {
        let choice = tollgate_ir::Choice { finish: Some(finish), ..tollgate_ir::Choice::default() };
        let reply = tollgate_ir::Reply { choices: vec![choice], ..tollgate_ir::Reply::default() };
        let body = String::from_utf8(cohere::encode_reply(&reply, &ReplyContext::default())).unwrap();
        assert!(body.contains(&format!(r#""finish_reason":"{word}""#)), "{body}");
    }
}

fn words() -> impl Strategy<Value = String> {
    "[a-zA-Z\"\\\\\n\u{e4}\u{1f389} ]{1,12}"
}

fn user_block() -> impl Strategy<Value = Block> {
    let image = |source| {
        let mime = matches!(source, MediaSource::Base64(_)).then(|| "image/png".to_owned());
        Content::Media(Media { kind: MediaKind::Image, mime, source, name: None, detail: None })
    };
    prop_oneof![
        words().prop_map(Block::text),
        "[a-z]{1,5}".prop_map(move |s| Block::new(image(MediaSource::Url(format!("https://{s}"))))),
        "[A-Z]{4}".prop_map(move |s| Block::new(image(MediaSource::Base64(s)))),
    ]
}

fn result(call: String, text: String) -> Block {
    let content = vec![Block::text(text)];
    Block::new(Content::Result(ToolResult {
        call,
        name: None,
        content,
        json: None,
        error: false,
        kind: CallKind::Function,
    }))
}

/// A user's words, or a round of calls with their results.
fn exchange() -> impl Strategy<Value = Vec<Turn>> {
    let words_turn = (proptest::collection::vec(user_block(), 1..4), proptest::option::of(words()), words()).prop_map(
        |(user, thinking, answer)| {
            let thought =
                thinking.map(|text| Block::new(Content::Reasoning(Reasoning { text, ..Reasoning::default() })));
            let blocks = thought.into_iter().chain([Block::text(answer)]).collect();
            vec![Turn { role: Role::User, blocks: user }, Turn { role: Role::Assistant, blocks }]
        },
    );
    let calls_turn = proptest::collection::vec(("[a-z]{1,8}", "[a-z_]{1,8}", 0..9, words()), 1..4).prop_map(|calls| {
        let call = |(i, (id, name, n, _)): (usize, &(String, String, i32, String))| {
            Block::new(Content::Call(Call {
                id: format!("{id}{i}"),
                name: name.clone(),
                arguments: format!(r#"{{"n":{n}}}"#),
                kind: CallKind::Function,
            }))
        };
        let blocks = calls.iter().enumerate().map(call).collect();
        let results = calls.iter().enumerate().map(|(i, (id, _, _, text))| Turn {
            role: Role::User,
            blocks: vec![result(format!("{id}{i}"), text.clone())],
        });
        std::iter::once(Turn { role: Role::Assistant, blocks }).chain(results).collect::<Vec<_>>()
    });
    prop_oneof![words_turn, calls_turn]
}

fn params() -> impl Strategy<Value = Params> {
    (
        proptest::option::of(1u64..9999),
        proptest::option::of(0u32..=10),
        proptest::option::of(1u32..100),
        proptest::option::of(0u64..=500),
        proptest::collection::vec("[a-z]{1,3}", 0..=5),
        proptest::option::of(0i64..i64::MAX),
        proptest::option::of(any::<bool>()),
    )
        .prop_map(|(max_tokens, temperature, top_p, top_k, stop, seed, logprobs)| Params {
            max_tokens,
            temperature: temperature.map(|t| f64::from(t) / 10.0),
            top_p: top_p.map(|p| f64::from(p) / 100.0),
            top_k,
            stop,
            seed,
            logprobs,
            ..Params::default()
        })
}

fn request() -> impl Strategy<Value = Request> {
    let tool = |name: String| Tool {
        kind: ToolKind::Function {
            name,
            description: None,
            parameters: Some(tollgate_ir::Json::empty_object()),
            strict: None,
        },
        cache: None,
        carry: None,
        at: String::new(),
    };
    let thinking = |mode, budget| Thinking { mode, effort: None, budget, show: None, summary: None };
    (
        proptest::collection::vec(words(), 0..2),
        proptest::collection::vec(exchange(), 1..4),
        proptest::collection::btree_set("[a-z]{1,6}", 0..3),
        params(),
        prop_oneof![Just(None), Just(Some(OutputFormat::Json))],
        prop_oneof![
            Just(None),
            Just(Some(thinking(ThinkingMode::Off, None))),
            (1u64..9999).prop_map(move |b| Some(thinking(ThinkingMode::On, Some(b))))
        ],
        any::<bool>(),
    )
        .prop_map(move |(system, turns, tools, params, output, thinking, stream)| Request {
            model: "command-x".into(),
            stream,
            system: system.into_iter().map(Block::text).collect(),
            turns: turns.into_iter().flatten().collect(),
            tool_choice: (!tools.is_empty()).then_some(ToolChoice::Required),
            tools: tools.into_iter().map(tool).collect(),
            params,
            output,
            thinking,
            ..Request::default()
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// What the dialect can say is the same after encode and decode, and nothing is reported lost.
    #[test]
    fn decode_after_encode_is_the_identity(request in request()) {
        let (body, losses) = encode(&request);
        prop_assert!(losses.all().is_empty(), "{:?}", losses.all());
        let (back, losses) = decode(&body);
        prop_assert!(losses.all().is_empty(), "{:?}", losses.all());
        let back = without_places(back);
        prop_assert_eq!(gist(&back), gist(&request));
        prop_assert_eq!(Request { turns: vec![], ..back }, Request { turns: vec![], ..request });
    }

    /// No bytes make a decoder panic.
    #[test]
    fn any_bytes_are_survived(body in "[\\[\\]{}:,\"a-z0-9]{0,60}") {
        let mut losses = Losses::new(cohere::path_of);
        let _ = cohere::decode_request(body.as_bytes(), &RequestHead::default(), &mut losses);
        let _ = cohere::decode_reply(body.as_bytes());
        let _ = cohere::decode_fault(500, &[], body.as_bytes());
        let _ = events(format!("data: {body}\n\n").as_bytes(), 9);
    }
}
