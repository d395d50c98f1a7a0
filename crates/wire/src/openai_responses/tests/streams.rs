//! Streams, both ways.

use tollgate_ir::{
    Block, BlockStart, CallKind, Citation, Content, Delta, Event, Fault, FaultKind, Finish, Issuer, Json, Logprob,
    ReplyHead, Seal, ServerItem, Usage,
};

use super::{contract, payloads, read, write};
use crate::json::Node;
use crate::openai_responses::{StreamEncoder, reasoning};
use crate::target::ReplyContext;

const CREATED: &str = r#"{"type":"response.created","response":{"id":"resp_1","model":"gpt-5","created_at":5,"status":"in_progress","output":[]}}"#;
const COMPLETED: &str = r#"{"type":"response.completed","response":{"id":"resp_1","status":"completed","output":[],"usage":{"input_tokens":3,"output_tokens":2,"total_tokens":5}}}"#;

fn open(block: u32, start: BlockStart) -> Event {
    Event::Open { choice: 0, block, start }
}

fn delta(block: u32, delta: Delta) -> Event {
    Event::Delta { choice: 0, block, delta }
}

fn text(block: u32, text: &str) -> Event {
    delta(block, Delta::Text(text.into()))
}

fn close(block: u32) -> Event {
    Event::Close { choice: 0, block }
}

fn finish(finish: Finish) -> Event {
    Event::Finish { choice: 0, finish }
}

fn call(id: &str) -> BlockStart {
    BlockStart::Call { id: id.into(), name: "f".into(), kind: CallKind::Function }
}

/// The events without their start, usage and end.
fn middle(payloads: &[&str]) -> Vec<Event> {
    let all: Vec<_> = [CREATED].iter().chain(payloads).chain(&[COMPLETED]).copied().collect();
    let events = read(&all);
    assert!(matches!(&events[0], Event::Start(head) if head.id.as_deref() == Some("resp_1")), "{events:?}");
    let usage = Usage { input: 3, output: 2, ..Usage::default() };
    assert_eq!(events[events.len() - 3..], [Event::Usage(usage), finish(Finish::Stop), Event::End], "{events:?}");
    events[1..events.len() - 3].to_vec()
}

#[test]
fn tr02_arguments_only_in_done_come_once() {
    let added = r#"{"type":"response.output_item.added","output_index":0,"item":{"type":"function_call","call_id":"c","name":"f","arguments":""}}"#;
    let more = r#"{"type":"response.function_call_arguments.delta","output_index":0,"delta":"{\"a\":1}"}"#;
    let all = r#"{"type":"response.function_call_arguments.done","output_index":0,"arguments":"{\"a\":1}"}"#;
    let done = r#"{"type":"response.output_item.done","output_index":0,"item":{"type":"function_call","call_id":"c","name":"f","arguments":"{\"a\":1}"}}"#;
    let want = [open(0, call("c")), delta(0, Delta::Arguments(r#"{"a":1}"#.into())), close(0)];
    for script in [&[added, all, done][..], &[added, more, all, done], &[added, done], &[done], &[added, more, all]] {
        assert_eq!(middle(script), want, "{script:?}");
    }
    let last = r#"{"type":"response.completed","response":{"status":"completed","output":[{"type":"function_call","call_id":"c","name":"f","arguments":"{\"a\":1}"}]}}"#;
    assert_eq!(read(&[CREATED, last])[1..4], want, "only in the last event");
}

#[test]
fn texts_of_hosts_that_leave_events_out() {
    let part = r#"{"type":"response.content_part.added","output_index":0,"content_index":0,"part":{"type":"output_text","text":""}}"#;
    let more = r#"{"type":"response.output_text.delta","output_index":0,"content_index":0,"delta":"Hi"}"#;
    let said = r#"{"type":"response.output_text.done","output_index":0,"content_index":0,"text":"Hi"}"#;
    let ended = r#"{"type":"response.content_part.done","output_index":0,"content_index":0,"part":{"type":"output_text","text":"Hi","annotations":[]}}"#;
    let done = r#"{"type":"response.output_item.done","output_index":0,"item":{"type":"message","role":"assistant","content":[{"type":"output_text","text":"Hi"}]}}"#;
    let want = [open(0, BlockStart::Text), text(0, "Hi"), close(0)];
    for script in [&[part, more, said, ended, done][..], &[more], &[said], &[part, ended], &[done], &[more, done]] {
        assert_eq!(middle(script), want, "{script:?}");
    }
}

#[test]
fn the_parts_of_a_reasoning_item_are_blocks_and_the_last_has_the_seal() {
    let events = middle(&[
        r#"{"type":"response.output_item.added","output_index":0,"item":{"type":"reasoning","id":"rs_1","summary":[]}}"#,
        r#"{"type":"response.reasoning_summary_part.added","output_index":0,"summary_index":0,"part":{"type":"summary_text","text":""}}"#,
        r#"{"type":"response.reasoning_summary_text.delta","output_index":0,"summary_index":0,"delta":"a"}"#,
        r#"{"type":"response.reasoning_summary_text.done","output_index":0,"summary_index":0,"text":"a"}"#,
        r#"{"type":"response.reasoning_summary_text.delta","output_index":0,"summary_index":1,"delta":"b"}"#,
        r#"{"type":"response.output_item.done","output_index":0,"item":{"type":"reasoning","id":"rs_1","summary":[],"encrypted_content":"E"}}"#,
    ]);
    let start = BlockStart::Reasoning { summary: true, redacted: false, id: Some("rs_1".into()) };
    let seal = Seal { issuer: Issuer::OpenAi, data: "E".into() };
    let want = [
        open(0, start.clone()),
        text(0, "a"),
        close(0),
        open(1, start),
        text(1, "b"),
        delta(1, Delta::Seal(seal)),
        close(1),
    ];
    assert_eq!(events, want);
    let events: Vec<_> = want.iter().cloned().chain([Event::End]).collect();
    let items: Vec<_> = write(&events).iter().filter(|p| p.contains("output_item.done")).cloned().collect();
    assert_eq!(items.len(), 1, "one item again");
    let summary =
        r#""summary":[{"type":"summary_text","text":"a"},{"type":"summary_text","text":"b"}],"encrypted_content":"E""#;
    assert!(items[0].contains(summary), "{items:?}");
}

#[test]
fn rl03_a_stream_without_its_last_event_was_cut() {
    let more = r#"{"type":"response.output_text.delta","output_index":0,"content_index":0,"delta":"Hi"}"#;
    for script in [&[CREATED, more][..], &[CREATED, more, "[DONE]"], &[]] {
        assert!(matches!(read(script).last(), Some(Event::Fault(f)) if f.kind == FaultKind::ProviderCut), "{script:?}");
    }
}

#[test]
fn errors_in_streams_keep_their_words_and_end_them() {
    let table = [
        (
            r#"{"type":"error","code":"rate_limit_exceeded","message":"Slow down."}"#,
            "Slow down.",
            FaultKind::ProviderRateLimited,
        ),
        (
            r#"{"type":"error","error":{"message":"Slow down.","code":"rate_limit_exceeded"}}"#,
            "Slow down.",
            FaultKind::ProviderRateLimited,
        ),
        (r#"{"error":{"message":"Oops."}}"#, "Oops.", FaultKind::ProviderFailed),
        (
            r#"{"type":"response.failed","response":{"status":"failed","error":{"code":"server_error","message":"Oops."}}}"#,
            "Oops.",
            FaultKind::ProviderFailed,
        ),
    ];
    for (payload, words, kind) in table {
        let events = read(&[CREATED, payload, COMPLETED]);
        let Some(Event::Fault(fault)) = events.last() else { panic!("{payload}: {events:?}") };
        assert_eq!((fault.public.as_str(), fault.kind), (words, kind), "{payload}");
        assert_eq!(events.len(), 2, "{payload}: nothing after it");
    }
}

#[test]
fn tr34_a_stream_as_the_contract_wants_it() {
    let events = [
        Event::Start(ReplyHead { id: Some("chatcmpl-1".into()), model: Some("claude".into()), ..ReplyHead::default() }),
        open(0, BlockStart::Reasoning { summary: false, redacted: false, id: None }),
        text(0, "Hm"),
        delta(0, Delta::Seal(Seal { issuer: Issuer::Anthropic, data: "S".into() })),
        close(0),
        open(1, BlockStart::Text),
        text(1, "Hi "),
        text(1, "there"),
        delta(
            1,
            Delta::Citation(Box::new(Citation {
                url: Some("https://x".into()),
                title: Some("X".into()),
                quote: None,
                range: None,
                carry: None,
            })),
        ),
        close(1),
        open(2, call("c")),
        delta(2, Delta::Arguments("{}".into())),
        close(2),
        Event::Usage(Usage { input: 3, output: 2, ..Usage::default() }),
        finish(Finish::ToolCalls),
        Event::End,
        text(1, "nothing after the end"),
    ];
    let stream = write(&events);
    contract::check(&stream);
    let kinds: Vec<_> =
        stream.iter().map(|p| Node::read(p.as_bytes()).unwrap().text("type").unwrap().to_owned()).collect();
    assert_eq!(
        kinds,
        [
            "response.created",
            "response.in_progress",
            "response.output_item.added",
            "response.reasoning_summary_part.added",
            "response.reasoning_summary_text.delta",
            "response.reasoning_summary_text.done",
            "response.reasoning_summary_part.done",
            "response.output_item.done",
            "response.output_item.added",
            "response.content_part.added",
            "response.output_text.delta",
            "response.output_text.delta",
            "response.output_text.annotation.added",
            "response.output_text.done",
            "response.content_part.done",
            "response.output_item.done",
            "response.output_item.added",
            "response.function_call_arguments.delta",
            "response.function_call_arguments.done",
            "response.output_item.done",
            "response.completed",
        ]
    );
    let last = Node::read(stream.last().unwrap().as_bytes()).unwrap();
    let response = last.get("response").unwrap();
    assert_eq!(response.text("id"), Some("resp_0123"), "an id of another form is not shown as one of ours");
    assert_eq!(response.at(&["usage", "total_tokens"]).and_then(Node::as_u64), Some(5));
}

#[test]
fn interleaved_blocks_keep_their_items() {
    let events = [
        open(0, BlockStart::Text),
        text(0, "a"),
        open(1, call("c1")),
        open(2, call("c2")),
        delta(2, Delta::Arguments("2".into())),
        text(0, "b"),
        delta(1, Delta::Arguments("1".into())),
        close(2),
        close(0),
        close(1),
        open(3, BlockStart::Text),
        text(3, "c"),
        close(3),
        open(4, BlockStart::Text),
        text(4, "d"),
        close(4),
        Event::End,
    ];
    let stream = write(&events);
    contract::check(&stream);
    let last = Node::read(stream.last().unwrap().as_bytes()).unwrap();
    let output = last.at(&["response", "output"]).unwrap().items();
    let kinds: Vec<_> = output.iter().map(|i| i.text("type").unwrap()).collect();
    assert_eq!(kinds, ["message", "function_call", "function_call", "message"]);
    let parts: Vec<_> = output[3].get("content").unwrap().items().iter().map(|p| p.text("text").unwrap()).collect();
    assert_eq!(parts, ["c", "d"], "texts that follow each other are parts of one message");
}

#[test]
fn a_fault_at_any_time_ends_a_stream_as_failed() {
    let fault = || Event::Fault(Box::new(Fault::new(FaultKind::ProviderOverloaded, "Busy.")));
    for before in
        [&[][..], &[open(0, BlockStart::Text)], &[open(0, BlockStart::Text), text(0, "a")], &[open(0, call("c"))]]
    {
        let events: Vec<_> = before.iter().cloned().chain([fault(), Event::End]).collect();
        let stream = write(&events);
        contract::check(&stream);
        let last = Node::read(stream.last().unwrap().as_bytes()).unwrap();
        assert_eq!(last.text("type"), Some("response.failed"));
        assert_eq!(last.at(&["response", "error", "message"]).and_then(Node::as_str), Some("Busy."));
    }
}

#[test]
fn items_of_ours_pass_whole_and_those_of_others_are_left_out() {
    let item = |carry: Option<&str>| {
        let mut block = Block::new(Content::Server(ServerItem { kind: "web_search_call".into(), id: None }));
        block.carry = carry.map(|raw| reasoning::ours(Json::parse(raw).unwrap()));
        BlockStart::Whole(Box::new(block))
    };
    let raw = r#"{"id":"ws_1","type":"web_search_call","status":"completed"}"#;
    let events = [open(0, item(Some(raw))), close(0), open(1, item(None)), close(1), Event::End];
    let stream = write(&events);
    contract::check(&stream);
    assert_eq!(stream.iter().filter(|p| p.contains(raw)).count(), 3, "added, done, completed");
    assert_eq!(stream.len(), 5);
}

#[test]
fn log_probabilities_follow_their_text() {
    let logprob = Logprob { token: "é".into(), logprob: -0.5, bytes: None, top: Vec::new() };
    let events =
        [open(0, BlockStart::Text), text(0, "é"), delta(0, Delta::Logprobs(vec![logprob])), close(0), Event::End];
    let stream = write(&events);
    contract::check(&stream);
    let logprobs = r#""logprobs":[{"token":"é","logprob":-0.5,"bytes":[195,169],"top_logprobs":[]}]"#;
    assert_eq!(stream.iter().filter(|p| p.contains(logprobs)).count(), 5, "{stream:#?}");
    let again = read(&stream.iter().map(String::as_str).collect::<Vec<_>>());
    assert!(again.iter().any(|e| matches!(e, Event::Delta { delta: Delta::Logprobs(l), .. } if l[0].token == "é")));
}

#[test]
fn a_call_goes_back_into_the_namespace_of_its_tool() {
    let echo = r#"{"tools":[{"type":"namespace","name":"crm","tools":[{"type":"function","name":"find"}]}]}"#;
    let context = ReplyContext { echo: Some(Json::parse(echo).unwrap()), ..super::context() };
    let (mut encoder, mut out) = (StreamEncoder::new(context), Vec::new());
    let start = BlockStart::Call { id: "c".into(), name: "crm__find".into(), kind: CallKind::Function };
    for event in [open(0, start), close(0), Event::End] {
        encoder.event(&event, &mut out);
    }
    let stream = payloads(&out);
    contract::check(&stream);
    assert!(stream[2].contains(r#""name":"find","namespace":"crm""#), "{}", stream[2]);
}
