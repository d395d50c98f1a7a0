//! Joins another answer to what went out of the first: held back while it repeats that, passed on from where it ends.
//!
//! Words of the answer and complete calls must be repeated in their order; a difference there makes the answer useless
//! ([`Splice::has_diverged`]), since nothing can be taken back. Reasoning is no part of the answer: while none of that
//! went out, the new one's takes over in the same block as far as it is alike, else in a block of its own; after that it
//! is left out. An answer that was asked to go on, and not to begin again, is passed on but for the words that it repeats.

use std::collections::HashMap;

use tollgate_ir::{Block, BlockStart, Content, Delta, Event};

use super::alike::Tail;
use super::delivered::{Delivered, Kind};
use super::expected::Expected;

/// See the module.
pub struct Splice {
    /// What the client has and the answer has to repeat.
    expected: Expected,
    /// The client has words of the answer or calls.
    answered: bool,
    /// What is left of the reasoning that went out, while the new one is alike; `None` once it is not.
    thought: Option<String>,
    /// Blocks that the client has open, and what they are.
    open: Vec<(u32, Kind)>,
    /// Ids of calls that went out.
    ids: Vec<String>,
    blocks: HashMap<u32, Fate>,
    next: u32,
    /// The answer goes on from these words; what it says is held until it is known whether it repeats them.
    tail: Option<Tail>,
    begun: bool,
    diverged: bool,
    /// What went out was given to it as its beginning.
    given: bool,
    /// It reasoned all the same.
    pondered: bool,
}

/// What becomes of one of the answer's blocks.
enum Fate {
    /// It is not told.
    Dropped,
    /// It is this block of the client's. `partly`: the last piece did not go out whole.
    Goes { block: u32, partly: bool },
    /// Words that may still have to be repeated.
    Words { kind: Kind, start: BlockStart, said: String },
    /// Reasoning, with what it said so far.
    Thinks { start: BlockStart, said: String },
    /// A call that has to be repeated.
    Calls { name: String, arguments: String },
}

impl Splice {
    /// For an answer to the same request.
    pub fn repeating(delivered: &Delivered) -> Self {
        Self { expected: Expected::of(delivered), ..Self::after(delivered) }
    }

    /// For an answer that was asked to go on from what went out.
    pub fn continuing(delivered: &Delivered) -> Self {
        Self { tail: Some(Tail::of(&delivered.text(), false)), ..Self::after(delivered) }
    }

    /// For an answer that was given what went out as its beginning. `echoes`: the host says that once more first.
    pub fn begun(delivered: &Delivered, echoes: bool) -> Self {
        Self { tail: Some(Tail::of(&delivered.text(), echoes)), given: true, ..Self::after(delivered) }
    }

    fn after(delivered: &Delivered) -> Self {
        let blocks = delivered.blocks();
        let words = |kind: &Kind| matches!(kind, Kind::Text | Kind::Refusal);
        let answered = blocks
            .iter()
            .any(|said| matches!(said.kind, Kind::Call { .. }) || (words(&said.kind) && !said.text.is_empty()));
        let thought =
            blocks.iter().filter(|said| said.kind == Kind::Reasoning).map(|said| said.text.as_str()).collect();
        let id = |kind: &Kind| match kind {
            Kind::Call { id, .. } => Some(id.clone()),
            _ => None,
        };
        Self {
            expected: Expected::nothing(),
            answered,
            thought: Some(thought),
            open: blocks.iter().filter(|said| said.open).map(|said| (said.block, said.kind.clone())).collect(),
            ids: blocks.iter().filter_map(|said| id(&said.kind)).collect(),
            blocks: HashMap::new(),
            next: delivered.next(),
            tail: None,
            begun: false,
            diverged: false,
            given: false,
            pondered: false,
        }
    }

    /// Something went on that the client did not have.
    pub const fn has_begun(&self) -> bool {
        self.begun
    }

    /// The answer says something else than what went out: nothing of it can be used.
    pub const fn has_diverged(&self) -> bool {
        self.diverged
    }

    /// Takes the answer's next event and appends what the client gets.
    pub fn event(&mut self, event: Event, out: &mut Vec<Event>) {
        if self.diverged {
            return;
        }
        match event {
            Event::Open { choice: 0, block, start: BlockStart::Whole(whole) } => self.whole(block, *whole, out),
            Event::Open { choice: 0, block, start } => self.open(block, start, out),
            Event::Delta { choice: 0, block, delta } => self.delta(block, delta, out),
            Event::Close { choice: 0, block } => self.close(block, out),
            Event::Finish { choice: 0, finish } => {
                // Who only thinks where words are due has not gone on: some hosts take such words for thoughts.
                let only_pondered = self.pondered && self.tail.is_some() && !self.begun;
                if self.has_to_repeat() || only_pondered {
                    self.diverged = true;
                    return;
                }
                self.settle_open(None, out);
                self.begun = true;
                out.push(Event::Finish { choice: 0, finish });
            }
            Event::Usage(_) | Event::Fault(_) => out.push(event),
            Event::Ping if self.begun => out.push(event),
            Event::End if self.has_to_repeat() => self.diverged = true,
            Event::End => out.push(event),
            // The client's stream has begun, and has one answer.
            _ => {}
        }
    }

    fn has_to_repeat(&self) -> bool {
        !self.expected.is_said()
    }

    fn open(&mut self, block: u32, start: BlockStart, out: &mut Vec<Event>) {
        let fate = match start {
            BlockStart::Text | BlockStart::Refusal => {
                let kind = if matches!(start, BlockStart::Text) { Kind::Text } else { Kind::Refusal };
                Fate::Words { kind, start, said: String::new() }
            }
            BlockStart::Reasoning { .. } if self.leaves_reasoning_out() => {
                self.pondered |= self.given;
                Fate::Dropped
            }
            BlockStart::Reasoning { .. } if !self.answered && self.thought.is_some() => {
                Fate::Thinks { start, said: String::new() }
            }
            BlockStart::Call { name, .. } if self.has_to_repeat() => Fate::Calls { name, arguments: String::new() },
            BlockStart::Call { id, name, kind } => {
                let id = self.id_of_its_own(id);
                self.goes(BlockStart::Call { id, name, kind }, out)
            }
            start => self.goes(start, out),
        };
        self.blocks.insert(block, fate);
    }

    /// Reasoning about what the client has already.
    fn leaves_reasoning_out(&self) -> bool {
        self.answered && (self.has_to_repeat() || (self.tail.is_some() && !self.begun))
    }

    /// A block that comes at once is taken like one that comes in pieces, where it may have to be repeated.
    fn whole(&mut self, block: u32, whole: Block, out: &mut Vec<Event>) {
        let (start, delta) = match whole.content {
            Content::Text { text, .. } => (BlockStart::Text, Delta::Text(text)),
            Content::Refusal(text) => (BlockStart::Refusal, Delta::Text(text)),
            Content::Reasoning(r) => {
                let start = BlockStart::Reasoning { summary: r.summary, redacted: r.redacted, id: r.id };
                (start, Delta::Text(r.text))
            }
            Content::Call(call) => {
                let start = BlockStart::Call { id: call.id, name: call.name, kind: call.kind };
                (start, Delta::Arguments(call.arguments))
            }
            _ if self.has_to_repeat() => {
                // A step of a provider's own tool before the words that the client has: they stand without it.
                self.blocks.insert(block, Fate::Dropped);
                return;
            }
            content => {
                let whole = Block { content, ..whole };
                let goes = self.goes(BlockStart::Whole(Box::new(whole)), out);
                self.blocks.insert(block, goes);
                return;
            }
        };
        self.open(block, start, out);
        self.delta(block, delta, out);
        if let Some(seal) = whole.seal {
            self.delta(block, Delta::Seal(seal), out);
        }
    }

    fn delta(&mut self, block: u32, delta: Delta, out: &mut Vec<Event>) {
        let Some(fate) = self.blocks.remove(&block) else { return };
        let fate = match (fate, delta) {
            // They are of more text than went out.
            (Fate::Goes { block, partly: true }, Delta::Logprobs(_)) => Fate::Goes { block, partly: true },
            (Fate::Goes { block, .. }, delta) => {
                self.begun |= matches!(&delta, Delta::Text(text) | Delta::Arguments(text) if !text.is_empty());
                out.push(Event::Delta { choice: 0, block, delta });
                Fate::Goes { block, partly: false }
            }
            (Fate::Thinks { .. }, Delta::Seal(seal))
                if self.thought.as_deref() == Some("")
                    && self.open.iter().any(|(_, open)| *open == Kind::Reasoning) =>
            {
                // All of it was alike, so this is the seal of what the client has.
                let goes = self.takes_over(&Kind::Reasoning, None, out);
                out.push(Event::Delta { choice: 0, block: goes, delta: Delta::Seal(seal) });
                Fate::Goes { block: goes, partly: false }
            }
            (Fate::Words { kind, start, said, .. }, Delta::Text(text)) => self.words(kind, start, said, &text, out),
            (Fate::Thinks { start, said }, Delta::Text(text)) => self.thinks(start, said, &text, out),
            (Fate::Calls { name, mut arguments }, Delta::Arguments(more)) => {
                arguments.push_str(&more);
                Fate::Calls { name, arguments }
            }
            // What belongs to words that were not passed on.
            (fate, _) => fate,
        };
        self.blocks.insert(block, fate);
    }

    /// Words: what is left of those to be repeated is taken off, the rest goes on.
    fn words(&mut self, kind: Kind, start: BlockStart, mut said: String, text: &str, out: &mut Vec<Event>) -> Fate {
        let Ok(text) = self.expected.words(&kind, text) else {
            self.diverged = true;
            return Fate::Dropped;
        };
        if text.is_empty() {
            return Fate::Words { kind, start, said };
        }
        said.push_str(text);
        if let Some(tail) = &self.tail {
            if tail.may_be_repeated_by(&said) {
                return Fate::Words { kind, start, said };
            }
            let Some(repeated) = tail.repeated_by(&said) else {
                self.diverged = true;
                return Fate::Dropped;
            };
            said = said.split_off(repeated);
            self.tail = None;
        }
        self.goes_on(&kind, start, said, out)
    }

    /// The words go on in the client's own open block of their kind, or in a new one.
    fn goes_on(&mut self, kind: &Kind, start: BlockStart, text: String, out: &mut Vec<Event>) -> Fate {
        let block = self.takes_over(kind, Some(start), out);
        self.begun = true;
        out.push(Event::Delta { choice: 0, block, delta: Delta::Text(text) });
        Fate::Goes { block, partly: true }
    }

    /// The client's open block of this kind, or else a new one.
    fn takes_over(&mut self, kind: &Kind, start: Option<BlockStart>, out: &mut Vec<Event>) -> u32 {
        match self.open.iter().position(|(_, open)| open == kind) {
            Some(at) => {
                let (block, _) = self.open.remove(at);
                self.settle_open(None, out);
                block
            }
            None => self.begin(start.unwrap_or(BlockStart::Text), out),
        }
    }

    /// Reasoning, while none of the answer went out.
    fn thinks(&mut self, start: BlockStart, mut said: String, text: &str, out: &mut Vec<Event>) -> Fate {
        said.push_str(text);
        let Some(thought) = self.thought.take() else { return self.thinks_anew(start, said, out) };
        if let Some(left) = thought.strip_prefix(text) {
            self.thought = Some(left.to_owned());
            return Fate::Thinks { start, said };
        }
        match text.strip_prefix(thought.as_str()) {
            Some(rest) => {
                let rest = rest.to_owned();
                self.goes_on(&Kind::Reasoning, start, rest, out)
            }
            None => self.thinks_anew(start, said, out),
        }
    }

    /// It thinks otherwise: what went out is closed as it stands.
    fn thinks_anew(&mut self, start: BlockStart, said: String, out: &mut Vec<Event>) -> Fate {
        let block = self.begin(start, out);
        self.begun = true;
        out.push(Event::Delta { choice: 0, block, delta: Delta::Text(said) });
        Fate::Goes { block, partly: false }
    }

    fn close(&mut self, block: u32, out: &mut Vec<Event>) {
        match self.blocks.remove(&block) {
            Some(Fate::Goes { block, .. }) => out.push(Event::Close { choice: 0, block }),
            Some(Fate::Words { kind, start, mut said }) if !self.has_to_repeat() => {
                if let Some(tail) = self.tail.take_if(|_| !said.is_empty()) {
                    let Some(repeated) = tail.repeated_by(&said) else {
                        self.diverged = true;
                        return;
                    };
                    said = said.split_off(repeated);
                }
                if said.is_empty() {
                    // It ends where the client's own does.
                    self.settle_open(Some(&kind), out);
                } else if let Fate::Goes { block, .. } = self.goes_on(&kind, start, said, out) {
                    out.push(Event::Close { choice: 0, block });
                }
            }
            Some(Fate::Calls { name, arguments }) => self.diverged = self.expected.call(&name, &arguments).is_err(),
            _ => {}
        }
    }

    fn goes(&mut self, start: BlockStart, out: &mut Vec<Event>) -> Fate {
        Fate::Goes { block: self.begin(start, out), partly: false }
    }

    /// A new block of the client's: what it has open of the first answer is closed as it stands.
    fn begin(&mut self, start: BlockStart, out: &mut Vec<Event>) -> u32 {
        self.settle_open(None, out);
        self.begun |= matches!(start, BlockStart::Call { .. } | BlockStart::Whole(_));
        let goes = self.next;
        self.next += 1;
        out.push(Event::Open { choice: 0, block: goes, start });
        goes
    }

    /// Closes what the client has open of the first answer and this one does not go on with.
    fn settle_open(&mut self, only: Option<&Kind>, out: &mut Vec<Event>) {
        self.open.retain(|(block, kind)| {
            let stays = only.is_some_and(|only| only != kind);
            if !stays {
                out.push(Event::Close { choice: 0, block: *block });
            }
            stays
        });
    }

    /// Ids that decoders make up may be those of the first answer's calls.
    fn id_of_its_own(&mut self, id: String) -> String {
        let mut own = id;
        while self.ids.contains(&own) {
            own.push('r');
        }
        self.ids.push(own.clone());
        own
    }
}
