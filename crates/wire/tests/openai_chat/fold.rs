//! Streams as tests see them: frames in, events out, nesting checked, events put together to a reply.

use std::collections::BTreeMap;

use bytes::Bytes;
use tollgate_ir::{Block, BlockStart, Call, Carry, Choice, Content, Delta, Dialect, Event, Reasoning, Reply, Seal};
use tollgate_wire::codec::{StreamDecoder, StreamEncoder};
use tollgate_wire::frame::Deframer;
use tollgate_wire::target::ReplyContext;

use crate::CHAT;

/// The events of a body that comes in pieces of `cut` bytes.
pub fn events(body: &[u8], cut: usize) -> Vec<Event> {
    let (mut deframer, mut decoder, mut out) =
        (Deframer::for_content_type("text/event-stream"), StreamDecoder::new(CHAT), Vec::new());
    for piece in body.chunks(cut) {
        deframer.push(Bytes::copy_from_slice(piece));
        while let Some(frame) = deframer.next_frame().unwrap() {
            decoder.frame(&frame, &mut out);
        }
    }
    while let Some(frame) = deframer.finish().unwrap() {
        decoder.frame(&frame, &mut out);
    }
    decoder.end(&mut out);
    out.retain(|event| *event != Event::Ping);
    out
}

/// The bytes of events.
pub fn bytes(events: &[Event], context: ReplyContext) -> Vec<u8> {
    let (mut encoder, mut out) = (StreamEncoder::new(CHAT, context), Vec::new());
    events.iter().for_each(|event| encoder.event(event, &mut out));
    out
}

/// The data of each event in a body.
pub fn data(body: &[u8]) -> Vec<String> {
    let text = std::str::from_utf8(body).unwrap();
    text.split("\n\n").filter_map(|e| e.strip_prefix("data: ")).map(str::to_owned).collect()
}

/// Checks the contract of `ir::Event`: one open first and one close last for each block, numbers rising, one finish a
/// choice, nothing after the end.
pub fn check(events: &[Event]) {
    let mut open: BTreeMap<(u32, u32), bool> = BTreeMap::new();
    let mut finished = Vec::new();
    for (i, event) in events.iter().enumerate() {
        match event {
            Event::Open { choice, block, .. } => {
                let next = open.keys().filter(|(c, _)| c == choice).count();
                assert_eq!(*block as usize, next, "blocks count up");
                assert_eq!(open.insert((*choice, *block), true), None);
            }
            Event::Delta { choice, block, .. } => assert_eq!(open.get(&(*choice, *block)), Some(&true), "{event:?}"),
            Event::Close { choice, block } => assert_eq!(open.insert((*choice, *block), false), Some(true)),
            Event::Finish { choice, .. } => {
                assert!(!finished.contains(choice), "one finish");
                finished.push(*choice);
            }
            Event::End => assert!(open.values().all(|o| !o), "all closed"),
            _ => {}
        }
        let last = i + 1 == events.len();
        assert_eq!(matches!(event, Event::End | Event::Fault(_)), last, "ends once, at the end");
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
            _ => {}
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
        (_, Delta::Carry(Carry { dialect: Dialect::OpenAiChat, raw })) => {
            block.carry = Some(Carry { dialect: CHAT, raw: raw.clone() });
        }
        (content, delta) => panic!("{delta:?} for {content:?}"),
    }
}
