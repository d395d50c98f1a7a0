//! `ConverseStream`, both ways.

use proptest::prelude::*;
use tollgate_ir::{
    Block, BlockStart, CallKind, Content, Delta, Dialect, Event, Fault, FaultKind, Finish, Issuer, ReplyHead, Seal,
    Usage,
};
use tollgate_wire::frame::aws::{aws_event, aws_exception};
use tollgate_wire::json::Node;
use tollgate_wire::target::ReplyContext;

use crate::streams;

const AWS: &str = "application/vnd.amazon.eventstream";

/// The events of a body, cut into pieces.
pub fn decode(body: &[u8], cut: usize) -> Vec<Event> {
    streams::events(Dialect::Bedrock, body, AWS, cut)
}

/// Events written as a stream.
pub fn rewritten(events: &[Event]) -> Vec<u8> {
    streams::bytes(Dialect::Bedrock, events, ReplyContext::default())
}

fn stream(events: &[(&str, &str)]) -> Vec<u8> {
    let mut out = Vec::new();
    for (name, payload) in events {
        aws_event(&mut out, name, payload.as_bytes());
    }
    out
}

/// What was written, as (event, payload).
fn written(events: &[Event]) -> Vec<(String, String)> {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let body = rewritten(events);
    streams::frames(&body, AWS, body.len()).iter().map(|frame| (text(&frame.event), text(&frame.data))).collect()
}

fn open(block: u32, start: BlockStart) -> Event {
    Event::Open { choice: 0, block, start }
}

fn delta(block: u32, delta: Delta) -> Event {
    Event::Delta { choice: 0, block, delta }
}

fn close(block: u32) -> Event {
    Event::Close { choice: 0, block }
}

fn call(id: &str, name: &str, kind: CallKind) -> BlockStart {
    BlockStart::Call { id: id.into(), name: name.into(), kind }
}

const START: (&str, &str) = ("messageStart", r#"{"role":"assistant"}"#);
const USAGE: (&str, &str) = (
    "metadata",
    r#"{"usage":{"inputTokens":5,"outputTokens":7,"totalTokens":112,"cacheReadInputTokens":100,"cacheWriteInputTokens":0},"metrics":{"latencyMs":9},"p":"abc"}"#,
);

#[test]
fn texts_without_a_start_reasoning_with_a_signature_and_calls() {
    let body = stream(&[
        START,
        ("contentBlockDelta", r#"{"contentBlockIndex":0,"delta":{"reasoningContent":{"text":"Hm"}},"p":"ab"}"#),
        ("contentBlockDelta", r#"{"contentBlockIndex":0,"delta":{"reasoningContent":{"signature":"Sig=="}}}"#),
        ("contentBlockStop", r#"{"contentBlockIndex":0}"#),
        ("contentBlockDelta", r#"{"contentBlockIndex":1,"delta":{"reasoningContent":{"redactedContent":"U2VjcmV0"}}}"#),
        ("contentBlockStop", r#"{"contentBlockIndex":1}"#),
        // A stray empty text is no block (TR05).
        ("contentBlockDelta", r#"{"contentBlockIndex":2,"delta":{"text":""}}"#),
        ("contentBlockStop", r#"{"contentBlockIndex":2}"#),
        ("contentBlockStart", r#"{"contentBlockIndex":3,"start":{"toolUse":{"toolUseId":"t1","name":"f"}}}"#),
        ("contentBlockDelta", r#"{"contentBlockIndex":3,"delta":{"toolUse":{"input":"{\"a\""}}}"#),
        ("contentBlockDelta", r#"{"contentBlockIndex":3,"delta":{"toolUse":{"input":":1}"}}}"#),
        ("contentBlockStop", r#"{"contentBlockIndex":3}"#),
        ("somethingNew", r#"{"x":1}"#),
        ("messageStop", r#"{"stopReason":"tool_use"}"#),
        USAGE,
        ("metadata", r#"{"usage":{"inputTokens":9,"outputTokens":9}}"#),
    ]);
    let seal = |data: &str| Delta::Seal(Seal { issuer: Issuer::Anthropic, data: data.into() });
    let reasoning = |redacted| BlockStart::Reasoning { summary: false, redacted, id: None };
    let usage = Usage { input: 5, output: 7, cache_read: Some(100), cache_write: Some(0), ..Usage::default() };
    let wanted = [
        Event::Start(ReplyHead::default()),
        open(0, reasoning(false)),
        delta(0, Delta::Text("Hm".into())),
        delta(0, seal("Sig==")),
        close(0),
        open(1, reasoning(true)),
        delta(1, seal("Secret")),
        close(1),
        open(2, call("t1", "f", CallKind::Function)),
        delta(2, Delta::Arguments("{\"a\"".into())),
        delta(2, Delta::Arguments(":1}".into())),
        close(2),
        Event::Finish { choice: 0, finish: Finish::ToolCalls },
        Event::Usage(usage),
        Event::End,
    ];
    assert_eq!(decode(&body, 13), wanted);
    assert_eq!(decode(&rewritten(&wanted), 13), wanted);
}

#[test]
fn rl03_a_stream_that_ends_early_is_a_fault_unless_the_answer_is_whole() {
    let text = ("contentBlockDelta", r#"{"contentBlockIndex":0,"delta":{"text":"Hi"}}"#);
    let cut = decode(&stream(&[START, text]), 99);
    assert!(matches!(cut.last(), Some(Event::Fault(f)) if f.kind == FaultKind::ProviderCut));
    let whole = decode(&stream(&[START, text, ("messageStop", r#"{"stopReason":"end_turn"}"#)]), 99);
    assert_eq!(whole[whole.len() - 3..], [close(0), Event::Finish { choice: 0, finish: Finish::Stop }, Event::End]);
    assert!(matches!(decode(b"", 1).last(), Some(Event::Fault(_))));
}

#[test]
fn exceptions_in_streams_are_faults_with_their_words() {
    for (name, status, kind) in [
        ("throttlingException", 429, FaultKind::ProviderRateLimited),
        ("serviceUnavailableException", 503, FaultKind::ProviderOverloaded),
        ("internalServerException", 500, FaultKind::ProviderFailed),
        ("validationException", 400, FaultKind::ProviderBadRequest),
        ("modelStreamErrorException", 424, FaultKind::ProviderFailed),
    ] {
        let mut body = stream(&[START]);
        aws_exception(&mut body, name, br#"{"message":"Its own words."}"#);
        let events = decode(&body, 50);
        let Some(Event::Fault(fault)) = events.last() else { panic!("{name}: {events:?}") };
        assert_eq!((fault.status, fault.kind), (status, kind), "{name}");
        assert_eq!(fault.public, "Its own words.");
    }
}

#[test]
fn a_fault_ends_the_clients_stream_with_an_exception_and_nothing_after() {
    let fault = Fault::new(FaultKind::ProviderOverloaded, "Too busy.");
    let events = [
        open(0, BlockStart::Text),
        delta(0, Delta::Text("Hi".into())),
        Event::Fault(Box::new(fault)),
        close(0),
        Event::End,
    ];
    let written = written(&events);
    let names: Vec<_> = written.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["messageStart", "contentBlockDelta", "serviceUnavailableException"]);
    assert_eq!(written[2].1, r#"{"message":"Too busy."}"#);
}

#[test]
fn the_encoder_fills_what_sdks_need() {
    let events = [
        open(0, BlockStart::Text),
        close(0),
        open(1, call("c1", "ping", CallKind::Function)),
        close(1),
        open(2, call("c2", "raw", CallKind::Custom)),
        delta(2, Delta::Arguments("a\"b".into())),
        delta(2, Delta::Arguments("\nc".into())),
        close(2),
        open(3, BlockStart::Whole(Box::new(Block::new(Content::Opaque { kind: "x".into() })))),
        close(3),
        Event::End,
    ];
    let written = written(&events);
    let wanted = [
        ("messageStart", r#"{"role":"assistant"}"#),
        ("contentBlockStart", r#"{"contentBlockIndex":0,"start":{"toolUse":{"toolUseId":"c1","name":"ping"}}}"#),
        ("contentBlockDelta", r#"{"contentBlockIndex":0,"delta":{"toolUse":{"input":"{}"}}}"#),
        ("contentBlockStop", r#"{"contentBlockIndex":0}"#),
        ("contentBlockStart", r#"{"contentBlockIndex":1,"start":{"toolUse":{"toolUseId":"c2","name":"raw"}}}"#),
        ("contentBlockDelta", r#"{"contentBlockIndex":1,"delta":{"toolUse":{"input":"{\"input\":\"a\\\"b"}}}"#),
        ("contentBlockDelta", r#"{"contentBlockIndex":1,"delta":{"toolUse":{"input":"\\nc"}}}"#),
        ("contentBlockDelta", r#"{"contentBlockIndex":1,"delta":{"toolUse":{"input":"\"}"}}}"#),
        ("contentBlockStop", r#"{"contentBlockIndex":1}"#),
        ("messageStop", r#"{"stopReason":"end_turn"}"#),
        ("metadata", r#"{"usage":{"inputTokens":0,"outputTokens":0,"totalTokens":0},"metrics":{"latencyMs":0}}"#),
    ];
    let wanted: Vec<_> = wanted.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
    assert_eq!(written, wanted);
}

#[test]
fn provider_run_tools_come_whole_and_go_back_whole() {
    let body = stream(&[
        START,
        (
            "contentBlockStart",
            r#"{"contentBlockIndex":0,"start":{"toolUse":{"toolUseId":"s1","name":"code","type":"server_tool_use"}}}"#,
        ),
        ("contentBlockDelta", r#"{"contentBlockIndex":0,"delta":{"toolUse":{"input":"{\"snippet\":\"1+1\"}"}}}"#),
        ("contentBlockStop", r#"{"contentBlockIndex":0}"#),
        (
            "contentBlockStart",
            r#"{"contentBlockIndex":1,"start":{"toolResult":{"toolUseId":"s1","type":"code_result","status":"success"}}}"#,
        ),
        ("contentBlockDelta", r#"{"contentBlockIndex":1,"delta":{"toolResult":[{"json":{"stdOut":"2"}}]}}"#),
        ("contentBlockStop", r#"{"contentBlockIndex":1}"#),
        ("messageStop", r#"{"stopReason":"end_turn"}"#),
        USAGE,
    ]);
    let events = decode(&body, 99);
    streams::check("made", &events);
    let carried: Vec<_> = events
        .iter()
        .filter_map(|event| match event {
            Event::Open { start: BlockStart::Whole(block), .. } => block.carry.as_ref().map(|c| c.raw.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(
        carried,
        [
            r#"{"toolUse":{"toolUseId":"s1","name":"code","type":"server_tool_use","input":{"snippet":"1+1"}}}"#,
            r#"{"toolResult":{"toolUseId":"s1","type":"code_result","status":"success","content":[{"json":{"stdOut":"2"}}]}}"#,
        ]
    );
    assert_eq!(decode(&rewritten(&events), 99), events);
}

fn pieces() -> impl Strategy<Value = Vec<String>> {
    proptest::collection::vec("[a-z\"\\\\\n日🎉 ]{1,6}", 1..4)
}

/// A block's start and deltas; what Bedrock's wires can say of it.
fn block() -> impl Strategy<Value = (BlockStart, Vec<Delta>)> {
    let reasoning = |redacted| BlockStart::Reasoning { summary: false, redacted, id: None };
    let seal = |data: String| Delta::Seal(Seal { issuer: Issuer::Anthropic, data });
    let texts = |pieces: Vec<String>| pieces.into_iter().map(Delta::Text).collect::<Vec<_>>();
    prop_oneof![
        pieces().prop_map(move |pieces| (BlockStart::Text, texts(pieces))),
        (pieces(), "[A-Za-z0-9+/=]{1,9}").prop_map(move |(pieces, data)| {
            let mut deltas = texts(pieces);
            deltas.push(seal(data));
            (reasoning(false), deltas)
        }),
        "[A-Za-z0-9+/=]{1,9}".prop_map(move |data| (reasoning(true), vec![seal(data)])),
        ("[a-zA-Z0-9_-]{1,9}", "[a-z]{1,9}", pieces()).prop_map(|(id, name, pieces)| {
            (call(&id, &name, CallKind::Function), pieces.into_iter().map(Delta::Arguments).collect())
        }),
    ]
}

fn answer() -> impl Strategy<Value = Vec<Event>> {
    proptest::collection::vec(block(), 0..5).prop_map(|blocks| {
        let mut events = vec![Event::Start(ReplyHead::default())];
        for (number, (start, deltas)) in (0..).zip(blocks) {
            events.push(open(number, start));
            events.extend(deltas.into_iter().map(|d| delta(number, d)));
            events.push(close(number));
        }
        events.push(Event::Finish { choice: 0, finish: Finish::Length });
        events.push(Event::Usage(Usage { input: 3, output: 4, cache_read: Some(1), ..Usage::default() }));
        events.push(Event::End);
        events
    })
}

/// Any event, in any order: what a decoder of another dialect might get wrong.
fn any_event() -> impl Strategy<Value = Event> {
    let number = || 0u32..3;
    prop_oneof![
        Just(Event::Start(ReplyHead::default())),
        (number(), block()).prop_map(|(number, (start, _))| open(number, start)),
        (number(), block()).prop_map(|(number, (_, mut deltas))| delta(number, deltas.remove(0))),
        number().prop_map(close),
        Just(Event::Usage(Usage::default())),
        Just(Event::Finish { choice: 0, finish: Finish::Stop }),
        Just(Event::Ping),
        Just(Event::End),
        Just(Event::Fault(Box::new(Fault::new(FaultKind::ProviderCut, "cut")))),
    ]
}

proptest! {
    #[test]
    fn what_is_written_is_read_at_any_cut(events in answer(), cut in 1usize..200) {
        prop_assert_eq!(decode(&rewritten(&events), cut), events);
    }

    #[test]
    fn any_events_are_written_as_a_stream_that_sdks_can_follow(events in proptest::collection::vec(any_event(), 0..24)) {
        let written = written(&events);
        let (mut open, mut ended) = (None, false);
        for (i, (name, payload)) in written.iter().enumerate() {
            let payload = Node::parse(payload.as_bytes()).unwrap();
            let index = payload.uint("contentBlockIndex");
            prop_assert!((i == 0) == (name == "messageStart"), "{:?}", written);
            prop_assert!(!ended, "{:?}", written);
            match name.as_str() {
                "contentBlockStart" => { prop_assert_eq!(open, None); open = index; }
                "contentBlockDelta" => { prop_assert!(open.is_none() || open == index); open = index; }
                "contentBlockStop" => { prop_assert_eq!(open, index); open = None; }
                "messageStop" => prop_assert_eq!(open, None),
                "metadata" => ended = true,
                name => ended = name.ends_with("Exception"),
            }
        }
    }

    #[test]
    fn any_payloads_are_events_that_nest(
        frames in proptest::collection::vec((0usize..7, proptest::collection::vec(any::<u8>(), 0..9), 0usize..8, 0u64..3), 0..20)
    ) {
        const NAMES: [&str; 7] = ["messageStart", "contentBlockStart", "contentBlockDelta", "contentBlockStop", "messageStop", "metadata", "odd"];
        const INSIDES: [&str; 8] = [
            r#""delta":{"text":"x"}"#,
            r#""delta":{"reasoningContent":{"signature":"x"}}"#,
            r#""delta":{"reasoningContent":{"redactedContent":"x"}}"#,
            r#""delta":{"toolUse":{"input":"{"}}"#,
            r#""delta":{"toolResult":[{"text":"x"}]},"start":{"toolUse":{"name":"f","toolUseId":"i"}}"#,
            r#""start":{"toolUse":{"name":"f","type":"server_tool_use"}}"#,
            r#""start":{"image":{"format":"png"}},"delta":{"image":{"source":{"bytes":"QQ=="}}}"#,
            r#""delta":7,"start":[],"usage":"x","stopReason":4"#,
        ];
        let mut body = Vec::new();
        for (name, junk, inside, index) in frames {
            let payload = format!(r#"{{"contentBlockIndex":{index},{}}}"#, INSIDES[inside]);
            aws_event(&mut body, NAMES[name], if junk.len() > 7 { &junk } else { payload.as_bytes() });
        }
        streams::check("made", &decode(&body, 64));
    }
}
