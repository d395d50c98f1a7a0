//! The recorded Gemini interactions through the dialect's own decoders and encoders.

use tollgate_ir::{Block, Content, Delta, Dialect, Event, Losses, Reply, Request, Role, Usage};
use tollgate_wire::codec;
use tollgate_wire::ids::{IdRule, ToolNames};
use tollgate_wire::target::{ModelFacts, ReplyContext, RequestHead, Target};

use crate::recorded::recordings;
use crate::streams;

const GEMINI: Dialect = Dialect::Gemini;

fn context() -> ReplyContext {
    ReplyContext { id: "0123456789abcdef".into(), model: "m".into(), ..ReplyContext::default() }
}

#[test]
fn recorded_streams_decode_alike_at_any_cut() {
    for recording in recordings("gemini") {
        let (id, Some((body, kind))) = (&recording.id, recording.stream()) else { continue };
        let whole = streams::events(GEMINI, &body, kind, body.len());
        streams::check(id, &whole);
        assert!(matches!(whole[..], [Event::Start(_), .., Event::End]), "{id}");
        for cut in [1, 7, 333] {
            assert_eq!(streams::events(GEMINI, &body, kind, cut), whole, "{id} cut every {cut}");
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
    for recording in recordings("gemini") {
        let (id, Some((body, kind))) = (&recording.id, recording.stream()) else { continue };
        let first = streams::events(GEMINI, &body, kind, body.len());
        let sent = streams::bytes(GEMINI, &first, context());
        let again = streams::events(GEMINI, &sent, "text/event-stream", sent.len());
        streams::check(id, &again);
        assert_eq!(usage(&first), usage(&again), "{id}");
        assert_eq!(said(&first), said(&again), "{id}");
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
    for recording in recordings("gemini") {
        let (id, Some(body)) = (&recording.id, recording.reply()) else { continue };
        let first = codec::decode_reply(GEMINI, body).unwrap_or_else(|f| panic!("{id}: {f}"));
        let sent = codec::encode_reply(GEMINI, &first, &context());
        let again = codec::decode_reply(GEMINI, &sent).unwrap_or_else(|f| panic!("{id}: {f}"));
        assert_eq!(comparable(first), comparable(again), "{id}");
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

fn blocks(request: &Request) -> Vec<(Role, Block)> {
    request.turns.iter().flat_map(|t| t.blocks.iter().map(|b| (t.role, b.clone()))).collect()
}

/// A model that takes media where the request has them: within results since Gemini 3.
fn model_for(request: &Request) -> &'static str {
    let media_within = blocks(request).iter().any(|(_, block)| match &block.content {
        Content::Result(result) => result.content.iter().any(|b| matches!(b.content, Content::Media(_))),
        _ => false,
    });
    if media_within { "gemini-3-flash-preview" } else { "gemini-2.5-flash" }
}

#[test]
fn recorded_requests_are_written_and_read_back() {
    for recording in recordings("gemini") {
        let (id, Some(body)) = (&recording.id, recording.request_body()) else { continue };
        let read = |body: &[u8]| {
            let mut losses = Losses::new(codec::path_of(GEMINI));
            codec::decode_request(GEMINI, body, &RequestHead::default(), &mut losses)
                .unwrap_or_else(|f| panic!("{id}: {f}"))
        };
        let first = read(body.as_bytes());
        let (names, facts) = (ToolNames::new(&first, IdRule::WIDE), ModelFacts::default());
        let write = || {
            let target = Target { model: model_for(&first), names: &names, facts: &facts };
            let mut losses = Losses::new(codec::path_of(GEMINI));
            codec::encode_request(GEMINI, &first, &target, &mut losses).unwrap_or_else(|f| panic!("{id}: {f}"))
        };
        assert_eq!(write(), write(), "{id}: same request, same bytes");
        let (mut second, first) = (placeless(read(&write().body)), placeless(first.clone()));
        // Both stand outside of the body that is written; how to think is told by the model's class.
        second.model.clone_from(&first.model);
        second.thinking.clone_from(&first.thinking);
        assert_eq!(blocks(&first), blocks(&second), "{id}");
        second.turns.clone_from(&first.turns);
        assert_eq!(first, second, "{id}");
    }
}
