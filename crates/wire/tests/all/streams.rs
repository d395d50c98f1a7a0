//! Streams as tests see them: frames in, events out, nesting checked, events put together to a reply.

use std::collections::BTreeMap;

use bytes::Bytes;
use tollgate_ir::{Block, BlockStart, Call, Choice, Content, Delta, Dialect, Event, Reasoning, Reply, Seal};
use tollgate_wire::codec::{StreamDecoder, StreamEncoder};
use tollgate_wire::frame::{Deframer, Frame};
use tollgate_wire::target::ReplyContext;

/// The frames of a body that comes in pieces of `cut` bytes. What is left when it breaks off within a frame is none.
pub fn frames(body: &[u8], content_type: &str, cut: usize) -> Vec<Frame> {
    let mut deframer = Deframer::for_content_type(content_type);
    let mut frames = Vec::new();
    for piece in body.chunks(cut.max(1)) {
        deframer.push(Bytes::copy_from_slice(piece));
        while let Some(frame) = deframer.next_frame().unwrap() {
            frames.push(frame);
        }
    }
    while let Ok(Some(frame)) = deframer.finish() {
        frames.push(frame);
    }
    frames
}

/// The events of a body that comes in pieces of `cut` bytes.
pub fn events(dialect: Dialect, body: &[u8], content_type: &str, cut: usize) -> Vec<Event> {
    let (mut decoder, mut out) = (StreamDecoder::new(dialect), Vec::new());
    frames(body, content_type, cut).iter().for_each(|frame| decoder.frame(frame, &mut out));
    decoder.end(&mut out);
    out
}

/// The bytes of events.
pub fn bytes(dialect: Dialect, events: &[Event], context: ReplyContext) -> Vec<u8> {
    let (mut encoder, mut out) = (StreamEncoder::new(dialect, context), Vec::new());
    events.iter().for_each(|event| encoder.event(event, &mut out));
    out
}

/// Checks the contract of `ir::Event`: one open first and one close last for each block, numbers rising, one finish a
/// choice, nothing after the end.
pub fn check(id: &str, events: &[Event]) {
    let mut open: BTreeMap<(u32, u32), bool> = BTreeMap::new();
    let mut finished = Vec::new();
    for (i, event) in events.iter().enumerate() {
        match event {
            Event::Open { choice, block, .. } => {
                let next = open.keys().filter(|(c, _)| c == choice).count();
                assert_eq!(*block as usize, next, "{id}: blocks count up");
                open.insert((*choice, *block), true);
            }
            Event::Delta { choice, block, .. } => {
                assert_eq!(open.get(&(*choice, *block)), Some(&true), "{id}: {event:?}");
            }
            Event::Close { choice, block } => {
                assert_eq!(open.insert((*choice, *block), false), Some(true), "{id}: {event:?}");
            }
            Event::Finish { choice, .. } => {
                assert!(!finished.contains(choice), "{id}: one finish");
                finished.push(*choice);
            }
            Event::End => assert!(open.values().all(|o| !o), "{id}: all closed"),
            _ => {}
        }
        let last = i + 1 == events.len();
        assert_eq!(matches!(event, Event::End | Event::Fault(_)), last, "{id}: ends once, at the end");
    }
}

/// The reply that events make.
pub fn reply(events: &[Event]) -> Reply {
    let mut reply = Reply::default();
    let mut choices: BTreeMap<u32, Choice> = BTreeMap::new();
    for event in events {
        match event {
            Event::Start(head) => reply.head = head.clone(),
            Event::Usage(usage) => reply.usage = Some(*usage),
            Event::Open { choice, start, .. } => choices.entry(*choice).or_default().blocks.push(begin(start)),
            Event::Delta { choice, block, delta } => {
                let choice = choices.entry(*choice).or_default();
                if let Delta::Logprobs(more) = delta {
                    choice.logprobs.extend(more.clone());
                } else {
                    go_on(&mut choice.blocks[*block as usize], delta);
                }
            }
            Event::Finish { choice, finish } => choices.entry(*choice).or_default().finish = Some(finish.clone()),
            Event::Close { .. } | Event::Ping | Event::End | Event::Fault(_) => {}
        }
    }
    reply.choices = choices.into_values().collect();
    reply
}

fn begin(start: &BlockStart) -> Block {
    Block::new(match start {
        BlockStart::Text => Content::Text { text: String::new(), citations: Vec::new() },
        BlockStart::Refusal => Content::Refusal(String::new()),
        BlockStart::Reasoning { summary, redacted, id } => Content::Reasoning(Reasoning {
            text: String::new(),
            summary: *summary,
            redacted: *redacted,
            id: id.clone(),
        }),
        BlockStart::Call { id, name, kind } => {
            Content::Call(Call { id: id.clone(), name: name.clone(), arguments: String::new(), kind: *kind })
        }
        BlockStart::Whole(block) => return (**block).clone(),
    })
}

fn go_on(block: &mut Block, delta: &Delta) {
    match (&mut block.content, delta) {
        (
            Content::Text { text, .. } | Content::Refusal(text) | Content::Reasoning(Reasoning { text, .. }),
            Delta::Text(more),
        ) => text.push_str(more),
        (Content::Call(call), Delta::Arguments(more)) => call.arguments.push_str(more),
        (Content::Text { citations, .. }, Delta::Citation(citation)) => citations.push((**citation).clone()),
        (_, Delta::Seal(seal)) => block.seal = Some(Seal::clone(seal)),
        (_, Delta::Carry(carry)) => block.carry = Some(carry.clone()),
        (content, delta) => panic!("{delta:?} for {content:?}"),
    }
}
