use bytes::Bytes;
use tollgate_ir::{
    BlockStart, Carry, Delta, Dialect, Event, Fault, FaultKind, Finish, Json, ReplyHead, ServerItem, Usage,
};

use super::super::{StreamDecoder, StreamEncoder};
use super::*;
use crate::frame::Frame;
use crate::target::ReplyContext;

fn frame(data: &str) -> Frame {
    Frame { raw: Bytes::new(), event: Bytes::new(), data: Bytes::copy_from_slice(data.as_bytes()), exception: false }
}

fn read(frames: &[&str]) -> Vec<Event> {
    let (mut decoder, mut out) = (StreamDecoder::default(), Vec::new());
    frames.iter().for_each(|data| decoder.frame(&frame(data), &mut out));
    decoder.end(&mut out);
    out
}

/// A stream as its events' names and the payload that tells them apart.
fn write(events: &[Event]) -> Vec<String> {
    let context = ReplyContext { id: "7".into(), model: "m".into(), ..ReplyContext::default() };
    let (mut encoder, mut out) = (StreamEncoder::new(context), Vec::new());
    events.iter().for_each(|event| encoder.event(event, &mut out));
    let text = String::from_utf8(out).unwrap();
    let data = text.lines().filter_map(|line| line.strip_prefix("data: ").map(str::to_owned));
    data.filter(|d| !d.contains("message_start")).collect()
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

const START: &str = r#"{"type":"message_start","message":{"id":"msg_1","model":"c","content":[],"usage":{"input_tokens":9,"output_tokens":1}}}"#;
const DONE: &str = r#"{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":5}}"#;
const STOP: &str = r#"{"type":"message_stop"}"#;

#[test]
fn hosts_that_leave_things_out_are_read_all_the_same() {
    let text = r#"{"type":"content_block_delta","index":3,"delta":{"type":"text_delta","text":"hi"}}"#;
    let events = read(&[START, text, DONE, STOP]);
    let usage = |output| Event::Usage(Usage { input: 9, output, ..Usage::default() });
    assert_eq!(
        events[1..],
        [
            usage(1),
            open(0, BlockStart::Text),
            delta(0, Delta::Text("hi".into())),
            usage(5),
            close(0),
            Event::Finish { choice: 0, finish: Finish::Stop },
            Event::End
        ]
    );
    assert_eq!(read(&[START, text, DONE]).last(), Some(&Event::End), "the last marker alone is missing");
    let whole_input = r#"{"type":"content_block_start","index":0,"content_block":{"type":"tool_use","id":"a","name":"n","input":{"x":1}}}"#;
    let events = read(&[START, whole_input, DONE, STOP]);
    assert!(events.contains(&delta(0, Delta::Arguments(r#"{"x":1}"#.into()))), "{events:?}");
}

#[test]
fn rl03_a_stream_that_breaks_off_is_a_fault() {
    for frames in [&[START][..], &[], &[START, r#"{"type":"ping"}"#]] {
        let events = read(frames);
        assert!(matches!(events.last(), Some(Event::Fault(f)) if f.kind == FaultKind::ProviderCut), "{events:?}");
    }
}

#[test]
fn an_error_in_a_stream_has_the_status_it_would_have_had() {
    let error = r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#;
    let events = read(&[START, error, DONE, STOP]);
    let Some(Event::Fault(fault)) = events.last() else { panic!("{events:?}") };
    assert_eq!((fault.kind, fault.status, fault.public.as_str()), (FaultKind::ProviderOverloaded, 529, "Overloaded"));
    let garbage = read(&[START, "not json"]);
    assert!(matches!(garbage.last(), Some(Event::Fault(f)) if f.kind == FaultKind::ProviderGarbage));
}

#[test]
fn a_step_of_a_server_tool_is_told_whole_and_written_as_it_came() {
    let frames = [
        START,
        r#"{"type":"content_block_start","index":0,"content_block":{"type":"server_tool_use","id":"s","name":"web_search","input":{}}}"#,
        r#"{"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":"{\"q\":"}}"#,
        r#"{"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":"\"x\"}"}}"#,
        r#"{"type":"content_block_stop","index":0}"#,
        r#"{"type":"content_block_start","index":1,"content_block":{"type":"compaction","content":null}}"#,
        r#"{"type":"content_block_delta","index":1,"delta":{"type":"compaction_delta","content":"so far"}}"#,
        r#"{"type":"content_block_stop","index":1}"#,
        DONE,
        STOP,
    ];
    let events = read(&frames);
    let mut item = Block::new(Content::Server(ServerItem { kind: "server_tool_use".into(), id: Some("s".into()) }));
    let raw = Json::parse(r#"{"type":"server_tool_use","id":"s","name":"web_search","input":{"q":"x"}}"#).unwrap();
    item.carry = Some(Carry { dialect: Dialect::Anthropic, raw });
    assert!(events.contains(&open(0, BlockStart::Whole(Box::new(item)))), "{events:?}");
    let out = write(&events);
    assert_eq!(
        out[..6],
        [
            r#"{"type":"content_block_start","index":0,"content_block":{"type":"server_tool_use","id":"s","name":"web_search","input":{}}}"#,
            r#"{"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":"{\"q\":\"x\"}"}}"#,
            r#"{"type":"content_block_stop","index":0}"#,
            r#"{"type":"content_block_start","index":1,"content_block":{"type":"compaction","content":"so far"}}"#,
            r#"{"type":"content_block_stop","index":1}"#,
            r#"{"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"input_tokens":9,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":5}}"#,
        ]
    );
}

#[test]
fn tr01_the_event_contract_for_clients() {
    let seal = |data: &str| Delta::Seal(Seal { issuer: Issuer::Anthropic, data: data.into() });
    let reasoning = |redacted| BlockStart::Reasoning { summary: false, redacted, id: None };
    let call = BlockStart::Call { id: "a".into(), name: "n".into(), kind: CallKind::Function };
    let out = write(&[
        Event::Start(ReplyHead::default()),
        open(0, reasoning(false)),
        delta(0, Delta::Text("hm".into())),
        delta(0, seal("S")),
        close(0),
        open(1, reasoning(true)),
        delta(1, seal("R")),
        close(1),
        open(2, BlockStart::Text),
        close(2),
        open(3, call),
        delta(3, Delta::Arguments("{\"x\":".into())),
        delta(3, Delta::Arguments("1}".into())),
        close(3),
        Event::Usage(Usage { input: 3, cache_read: Some(2), output: 4, ..Usage::default() }),
        Event::Finish { choice: 0, finish: Finish::ToolCalls },
        Event::End,
    ]);
    let at = |i: u32, rest: &str| format!(r#"{{"type":"content_block_delta","index":{i},"delta":{{{rest}}}}}"#);
    let begun =
        |i: u32, rest: &str| format!(r#"{{"type":"content_block_start","index":{i},"content_block":{{{rest}}}}}"#);
    let ended = |i: u32| format!(r#"{{"type":"content_block_stop","index":{i}}}"#);
    assert_eq!(
        out,
        [
            begun(0, r#""type":"thinking","thinking":"","signature":"""#),
            at(0, r#""type":"thinking_delta","thinking":"hm""#),
            at(0, r#""type":"signature_delta","signature":"S""#),
            ended(0),
            begun(1, r#""type":"redacted_thinking","data":"R""#),
            ended(1),
            // The empty text is not sent, and takes no index.
            begun(2, r#""type":"tool_use","id":"a","name":"n","input":{}"#),
            at(2, r#""type":"input_json_delta","partial_json":"{\"x\":""#),
            at(2, r#""type":"input_json_delta","partial_json":"1}""#),
            ended(2),
            r#"{"type":"message_delta","delta":{"stop_reason":"tool_use","stop_sequence":null},"usage":{"input_tokens":3,"cache_creation_input_tokens":0,"cache_read_input_tokens":2,"output_tokens":4}}"#.to_owned(),
            r#"{"type":"message_stop"}"#.to_owned(),
        ]
    );
}

#[test]
fn a_stream_that_begins_or_ends_oddly_is_still_whole() {
    let mut out = Vec::new();
    let mut encoder = StreamEncoder::new(ReplyContext::default());
    encoder.event(&open(0, BlockStart::Refusal), &mut out);
    encoder.event(&delta(0, Delta::Text("no".into())), &mut out);
    encoder.event(&Event::End, &mut out);
    encoder.event(&Event::Ping, &mut out);
    let text = String::from_utf8(out).unwrap();
    let names: Vec<_> = text.lines().filter_map(|l| l.strip_prefix("event: ")).collect();
    assert_eq!(
        names,
        [
            "message_start",
            "content_block_start",
            "content_block_delta",
            "content_block_stop",
            "message_delta",
            "message_stop"
        ]
    );
    assert!(text.contains(r#""stop_reason":"end_turn""#));
    let fault = Fault::new(FaultKind::ProviderOverloaded, "Overloaded").status(529);
    let out = write(&[open(0, BlockStart::Text), Event::Fault(Box::new(fault)), Event::End]);
    assert_eq!(out, [r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#]);
}

#[test]
fn arguments_that_are_no_object_become_one() {
    let table = [
        (CallKind::Function, vec!["null"], None),
        (CallKind::Custom, vec!["*** free", " \"text\""], Some(r#"{\"input\":\"*** free \\\"text\\\"\"}"#)),
    ];
    for (kind, pieces, wanted) in table {
        let mut events = vec![open(0, BlockStart::Call { id: "a".into(), name: "n".into(), kind })];
        events.extend(pieces.into_iter().map(|piece| delta(0, Delta::Arguments(piece.into()))));
        events.push(close(0));
        let out = write(&events);
        let sent: Vec<_> = out.iter().filter(|data| data.contains("input_json_delta")).collect();
        assert_eq!(sent.len(), usize::from(wanted.is_some()), "{out:?}");
        if let Some(wanted) = wanted {
            assert!(sent[0].contains(&format!(r#""partial_json":"{wanted}""#)), "{out:?}");
        }
    }
}

/// Frames that hosts may send in any order, twice, or not at all.
const ANY: [&str; 14] = [
    START,
    r#"{"type":"content_block_start","index":0,"content_block":{"type":"text","text":"a"}}"#,
    r#"{"type":"content_block_start","index":1,"content_block":{"type":"tool_use","id":"a","name":"n","input":{}}}"#,
    r#"{"type":"content_block_start","index":1,"content_block":{"type":"server_tool_use","id":"s","name":"n","input":{}}}"#,
    r#"{"type":"content_block_start","index":2,"content_block":{"type":"redacted_thinking","data":"R"}}"#,
    r#"{"type":"content_block_start","index":2,"content_block":null}"#,
    r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"b"}}"#,
    r#"{"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":"{}"}}"#,
    r#"{"type":"content_block_delta","index":2,"delta":{"type":"thinking_delta","thinking":"c"}}"#,
    r#"{"type":"content_block_stop","index":0}"#,
    r#"{"type":"content_block_stop","index":1}"#,
    r#"{"type":"ping"}"#,
    DONE,
    STOP,
];

proptest::proptest! {
    /// Whatever a host sends, each block opens once, in order, and closes once; the stream ends once.
    #[test]
    fn blocks_nest_in_any_stream(order in proptest::collection::vec(0usize..ANY.len(), 0..24)) {
        let frames: Vec<_> = order.iter().map(|i| ANY[*i]).collect();
        let events = read(&frames);
        let (mut open, mut next) = (Vec::new(), 0);
        for (i, event) in events.iter().enumerate() {
            match event {
                Event::Open { block, .. } => {
                    proptest::prop_assert_eq!(*block, next);
                    next += 1;
                    open.push(*block);
                }
                Event::Delta { block, .. } => proptest::prop_assert!(open.contains(block), "{:?}", events),
                Event::Close { block, .. } => {
                    proptest::prop_assert!(open.contains(block), "{:?}", events);
                    open.retain(|b| b != block);
                }
                Event::Finish { .. } => proptest::prop_assert!(open.is_empty(), "{:?}", events),
                Event::End => {
                    proptest::prop_assert!(open.is_empty(), "{:?}", events);
                    proptest::prop_assert_eq!(i, events.len() - 1);
                }
                Event::Fault(_) => proptest::prop_assert_eq!(i, events.len() - 1),
                Event::Start(_) | Event::Usage(_) | Event::Ping => {}
            }
        }
        proptest::prop_assert!(matches!(events.last(), Some(Event::End | Event::Fault(_))));
    }
}
