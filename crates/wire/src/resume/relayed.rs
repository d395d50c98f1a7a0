//! A relayed stream that may have to go on by another answer: its frames are kept as they came, and read only when the
//! stream breaks. From the first call on they are read as they come, so that a call goes out once it is complete.
//!
//! Invariant: what is kept is what went out. It is bounded; past the bound the stream cannot go on elsewhere.

use std::collections::HashSet;

use tollgate_ir::{BlockStart, Dialect, Event};

use crate::codec::StreamDecoder;
use crate::frame::Frame;
use crate::json::Node;
use crate::tap::begins_call;
use crate::target::ReplyContext;
use crate::translate::{Incoming, Outgoing, StreamTranslator};

/// Most bytes that are kept.
const MAX_KEPT: usize = 4 << 20;

/// See the module.
pub struct Relayed {
    face: Dialect,
    sent: Vec<Frame>,
    bytes: usize,
    /// Frames that go out once a call is complete, or once a block that begins says something.
    held: Vec<Frame>,
    calls: Option<Calls>,
    lost: bool,
}

/// Calls as they come.
struct Calls {
    decoder: StreamDecoder,
    events: Vec<Event>,
    open: HashSet<(u32, u32)>,
}

impl Calls {
    fn frame(&mut self, frame: &Frame) {
        self.decoder.frame(frame, &mut self.events);
        for event in self.events.drain(..) {
            match event {
                Event::Open { choice, block, start: BlockStart::Call { .. } } => {
                    self.open.insert((choice, block));
                }
                Event::Close { choice, block } => {
                    self.open.remove(&(choice, block));
                }
                _ => {}
            }
        }
    }
}

impl Relayed {
    /// At the start of a stream.
    pub const fn new(face: Dialect) -> Self {
        Self { face, sent: Vec::new(), bytes: 0, held: Vec::new(), calls: None, lost: false }
    }

    /// A frame came that the client is to get: gives to `out` those whose turn it is.
    pub fn frame(&mut self, frame: Frame, out: &mut impl FnMut(&Frame)) {
        if self.lost {
            return out(&frame);
        }
        if begins_block(&frame) && !is_answer(&frame) {
            // A step of the provider's own tools: no other can go on from there.
            self.release(out);
            self.lose();
            return out(&frame);
        }
        if self.calls.is_none() && begins_call(self.face, &frame) {
            let (decoder, events) = (StreamDecoder::new(self.face), Vec::new());
            let mut calls = Calls { decoder, events, open: HashSet::new() };
            self.sent.iter().chain(&self.held).for_each(|frame| calls.frame(frame));
            self.calls = Some(calls);
        }
        let waits = match &mut self.calls {
            Some(calls) => {
                calls.frame(&frame);
                !calls.open.is_empty()
            }
            None => false,
        };
        // A block's start waits for what it says first, also behind a ping.
        let waits = waits || begins_block(&frame) || (frame.name() == "ping" && !self.held.is_empty());
        self.bytes += frame.raw.len();
        self.held.push(frame);
        if !waits {
            self.release(out);
        }
        if self.bytes > MAX_KEPT {
            self.release(out);
            self.lose();
        }
    }

    fn lose(&mut self) {
        (self.sent, self.calls, self.lost) = (Vec::new(), None, true);
    }

    /// The stream is complete: what waits goes out.
    pub fn release(&mut self, out: &mut impl FnMut(&Frame)) {
        self.held.iter().for_each(out);
        self.sent.append(&mut self.held);
    }

    /// What went out can be gone on from.
    pub const fn can_go_on(&self) -> bool {
        !self.lost
    }

    /// The stream as a translated one that stands where this one broke off, and the events that it had: the face's encoder
    /// has written them all, to nobody.
    pub fn understood(&self, context: ReplyContext) -> (StreamTranslator, Vec<Event>) {
        let (mut incoming, mut events) = (Incoming::own(self.face), Vec::new());
        self.sent.iter().for_each(|frame| incoming.frame(frame, &mut events));
        let mut outgoing = Outgoing::resumable(self.face, context);
        outgoing.replay(&events, &self.sent);
        (StreamTranslator::new(incoming, outgoing), events)
    }
}

/// The start of a block, which goes out with what it says first: an encoder that takes over then begins it itself.
fn begins_block(frame: &Frame) -> bool {
    matches!(
        frame.name(),
        "content_block_start" | "content-start" | "response.output_item.added" | "response.content_part.added"
    )
}

/// The block that begins is text, reasoning or a call for the client.
fn is_answer(frame: &Frame) -> bool {
    let Some(node) = Node::read(&frame.data) else { return false };
    let part = ["item", "content_block"].into_iter().find_map(|key| node.get(key)?.text("type"));
    part.is_none_or(|kind| {
        matches!(
            kind,
            "message"
                | "reasoning"
                | "function_call"
                | "custom_tool_call"
                | "text"
                | "thinking"
                | "redacted_thinking"
                | "tool_use"
        )
    })
}
