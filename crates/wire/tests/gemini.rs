//! The recorded Gemini interactions through the dialect's own decoders and encoders.

#![expect(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "helpers of tests")]

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;
use tollgate_ir::{Block, Content, Delta, Dialect, Event, Losses, Reply, Request, Usage};
use tollgate_wire::codec::{self, StreamDecoder, StreamEncoder};
use tollgate_wire::frame::Deframer;
use tollgate_wire::ids::{IdRule, ToolNames};
use tollgate_wire::target::{ModelFacts, ReplyContext, RequestHead, Target};

const GEMINI: Dialect = Dialect::Gemini;

#[derive(Deserialize)]
struct Recording {
    id: String,
    model: Option<String>,
    streaming: bool,
    request: Option<RecordedRequest>,
    response: RecordedResponse,
}

#[derive(Deserialize)]
struct RecordedRequest {
    body: Option<Box<RawValue>>,
}

#[derive(Deserialize)]
struct RecordedResponse {
    status: u16,
    body_encoding: Option<String>,
    body: Box<RawValue>,
}

impl RecordedResponse {
    fn bytes(&self) -> Vec<u8> {
        match self.body_encoding.as_deref() {
            Some("text") => serde_json::from_str::<String>(self.body.get()).unwrap().into_bytes(),
            _ => self.body.get().as_bytes().to_vec(),
        }
    }
}

fn recordings() -> Vec<Recording> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/recordings/gemini");
    let Ok(entries) = std::fs::read_dir(&folder) else {
        println!("skipped: no recordings beside the repository");
        return Vec::new();
    };
    let mut paths: Vec<_> = entries.map(|e| e.unwrap().path()).collect();
    paths.sort();
    paths.iter().map(|p| serde_json::from_slice(&std::fs::read(p).unwrap()).unwrap()).collect()
}

/// Deframes and decodes a stream, cut every `step` bytes.
fn events(body: &[u8], step: usize) -> Vec<Event> {
    let kind = if body.starts_with(b"[") { "application/json" } else { "text/event-stream" };
    let (mut deframer, mut decoder) = (Deframer::for_content_type(kind), StreamDecoder::new(GEMINI));
    let mut out = Vec::new();
    for chunk in body.chunks(step.max(1)) {
        deframer.push(Bytes::copy_from_slice(chunk));
        while let Some(frame) = deframer.next_frame().unwrap() {
            decoder.frame(&frame, &mut out);
        }
    }
    while let Some(frame) = deframer.finish().unwrap() {
        decoder.frame(&frame, &mut out);
    }
    decoder.end(&mut out);
    out
}

fn context() -> ReplyContext {
    ReplyContext { id: "0123456789abcdef".into(), model: "m".into(), ..ReplyContext::default() }
}

/// Blocks open once, close once, count up from 0, and nothing comes after the end.
fn check_nesting(id: &str, events: &[Event]) {
    let mut open = HashSet::new();
    let mut next = HashMap::<u32, u32>::new();
    assert!(matches!(events.first(), Some(Event::Start(_))), "{id}");
    assert_eq!(events.last(), Some(&Event::End), "{id}");
    for event in &events[..events.len() - 1] {
        match event {
            Event::Open { choice, block, .. } => {
                let want = next.entry(*choice).or_default();
                assert_eq!(block, want, "{id}");
                *want += 1;
                assert!(open.insert((*choice, *block)), "{id}");
            }
            Event::Delta { choice, block, .. } => assert!(open.contains(&(*choice, *block)), "{id}"),
            Event::Close { choice, block } => assert!(open.remove(&(*choice, *block)), "{id}"),
            Event::Finish { choice, .. } => assert!(!open.iter().any(|(c, _)| c == choice), "{id}"),
            Event::End | Event::Fault(_) => panic!("{id}: {event:?} before the end"),
            _ => {}
        }
    }
    assert!(open.is_empty(), "{id}");
}

#[test]
fn recorded_streams_decode_alike_at_any_cut() {
    for r in recordings().iter().filter(|r| r.streaming && r.response.status == 200) {
        let body = r.response.bytes();
        let whole = events(&body, body.len());
        check_nesting(&r.id, &whole);
        for step in [1, 7, 333] {
            assert_eq!(events(&body, step), whole, "{} cut every {step}", r.id);
        }
    }
}

/// What the face carries of a stream, adjoining words joined. Times, tiers and sources without a place are its own.
fn said(events: &[Event]) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    let mut last = None;
    for event in events {
        match event {
            Event::Start(_) | Event::Usage(_) | Event::Delta { delta: Delta::Citation(_), .. } => {}
            Event::Delta { choice, block, delta: Delta::Text(words) | Delta::Arguments(words) } => {
                match out.last_mut() {
                    Some(before) if last == Some((choice, block)) => before.push_str(words),
                    _ => out.push(words.clone()),
                }
                last = Some((choice, block));
            }
            other => {
                last = None;
                out.push(format!("{other:?}"));
            }
        }
    }
    out
}

fn usage(events: &[Event]) -> Usage {
    let last = events.iter().rev().find_map(|e| match e {
        Event::Usage(usage) => Some(*usage),
        _ => None,
    });
    last.unwrap_or_default()
}

#[test]
fn recorded_streams_are_written_and_read_back() {
    for r in recordings().iter().filter(|r| r.streaming && r.response.status == 200) {
        let body = r.response.bytes();
        let first = events(&body, body.len());
        let (mut encoder, mut sent) = (StreamEncoder::new(GEMINI, context()), Vec::new());
        first.iter().for_each(|e| encoder.event(e, &mut sent));
        let again = events(&sent, sent.len());
        check_nesting(&r.id, &again);
        assert_eq!(usage(&first), usage(&again), "{}", r.id);
        assert_eq!(said(&first), said(&again), "{}", r.id);
    }
}

/// Without what the face does not carry.
fn comparable(mut reply: Reply) -> Reply {
    reply.head.created = None;
    reply.head.service_tier = None;
    reply.head.id.get_or_insert(context().id);
    reply.usage = Some(reply.usage.unwrap_or_default());
    reply
}

#[test]
fn recorded_replies_are_written_and_read_back() {
    for r in recordings().iter().filter(|r| !r.streaming && r.response.status == 200) {
        let first = codec::decode_reply(GEMINI, &r.response.bytes()).unwrap_or_else(|f| panic!("{}: {f}", r.id));
        let sent = codec::encode_reply(GEMINI, &first, &context());
        let again = codec::decode_reply(GEMINI, &sent).unwrap_or_else(|f| panic!("{}: {f}", r.id));
        assert_eq!(comparable(first), comparable(again), "{}", r.id);
    }
}

/// Places in the body, and how tools were spelled, differ when a request is written anew.
fn placeless(mut request: Request) -> Request {
    fn clear(block: &mut Block) {
        block.at.clear();
        if let Content::Result(result) = &mut block.content {
            result.content.iter_mut().for_each(clear);
        }
    }
    request.system.iter_mut().for_each(clear);
    request.turns.iter_mut().flat_map(|t| &mut t.blocks).for_each(clear);
    for tool in &mut request.tools {
        tool.at.clear();
        if tool.name().is_some() {
            tool.carry = None;
        }
    }
    request
}

fn blocks(request: &Request) -> Vec<(tollgate_ir::Role, Block)> {
    request.turns.iter().flat_map(|t| t.blocks.iter().map(|b| (t.role, b.clone()))).collect()
}

#[test]
fn recorded_requests_are_written_and_read_back() {
    for r in recordings().iter().filter(|r| r.response.status == 200) {
        let Some(body) = r.request.as_ref().and_then(|q| q.body.as_ref()) else { continue };
        let head = RequestHead { model: r.model.as_deref(), stream: Some(r.streaming) };
        let mut losses = Losses::new(codec::path_of(GEMINI));
        let mut read = |body: &[u8]| {
            codec::decode_request(GEMINI, body, &head, &mut losses).unwrap_or_else(|f| panic!("{}: {f}", r.id))
        };
        let first = read(body.get().as_bytes());
        let (names, facts) = (ToolNames::new(&first, IdRule::WIDE), ModelFacts::default());
        let model = r.model.as_deref().unwrap_or("gemini-2.5-flash");
        let write = || {
            let target = Target { model, names: &names, facts: &facts };
            let mut losses = Losses::new(codec::path_of(GEMINI));
            codec::encode_request(GEMINI, &first, &target, &mut losses).unwrap_or_else(|f| panic!("{}: {f}", r.id))
        };
        assert_eq!(write(), write(), "{}: same request, same bytes", r.id);
        let second = placeless(read(&write().body));
        let first = placeless(first.clone());
        assert_eq!(first.tools, second.tools, "{}", r.id);
        assert_eq!(first.tool_choice, second.tool_choice, "{}", r.id);
        assert_eq!(first.params, second.params, "{}", r.id);
        assert_eq!(first.output, second.output, "{}", r.id);
        assert_eq!(first.system, second.system, "{}", r.id);
        assert_eq!(blocks(&first), blocks(&second), "{}", r.id);
    }
}

#[test]
fn recorded_errors_keep_their_words_and_status() {
    for r in recordings().iter().filter(|r| r.response.status >= 400) {
        let fault = codec::decode_fault(GEMINI, r.response.status, &[], &r.response.bytes());
        assert_eq!(fault.status, r.response.status, "{}", r.id);
        assert!(r.response.body.get().contains(&fault.public[..20]), "{}: {}", r.id, fault.public);
        let sent = codec::encode_fault(GEMINI, &fault, "req");
        let again = codec::decode_fault(GEMINI, r.response.status, &[], &sent);
        assert_eq!((again.public, again.status), (fault.public, fault.status), "{}", r.id);
    }
}
