//! A stream's events → the whole reply: for what must be remembered of a stream, and for faces that asked for one body
//! where only a stream is to be had.
//!
//! Invariant: folding the events of a reply gives the reply, however its blocks interleave (property below).

use std::collections::BTreeMap;

use tollgate_ir::{Block, BlockStart, Call, Choice, Content, Delta, Event, Fault, Reasoning, Reply};

/// Collects events into a reply.
#[derive(Debug, Default)]
pub struct Fold {
    reply: Reply,
    blocks: BTreeMap<(u32, u32), Block>,
    choices: BTreeMap<u32, Choice>,
    fault: Option<Box<Fault>>,
    ended: bool,
}

impl Fold {
    /// Nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next event.
    pub fn push(&mut self, event: Event) {
        match event {
            Event::Start(head) => self.reply.head = head,
            Event::Open { choice, block, start } => {
                self.choices.entry(choice).or_default();
                self.blocks.insert((choice, block), opened(start));
            }
            Event::Delta { choice, delta: Delta::Logprobs(more), .. } => {
                self.choices.entry(choice).or_default().logprobs.extend(more);
            }
            Event::Delta { choice, block, delta } => {
                if let Some(block) = self.blocks.get_mut(&(choice, block)) {
                    extend(block, delta);
                }
            }
            Event::Close { .. } | Event::Ping => {}
            Event::Usage(usage) => self.reply.usage = Some(usage),
            Event::Finish { choice, finish } => self.choices.entry(choice).or_default().finish = Some(finish),
            Event::End => self.ended = true,
            Event::Fault(fault) => self.fault = Some(fault),
        }
    }

    /// The stream came to its own end.
    pub fn is_complete(&self) -> bool {
        self.ended && self.fault.is_none()
    }

    /// The reply, or the fault that broke the stream. A stream that merely stopped gives what there was
    /// ([`Fold::is_complete`] tells).
    pub fn finish(self) -> Result<Reply, Box<Fault>> {
        let Self { mut reply, blocks, mut choices, fault, .. } = self;
        if let Some(fault) = fault {
            return Err(fault);
        }
        for ((choice, _), block) in blocks {
            choices.entry(choice).or_default().blocks.push(block);
        }
        reply.choices = in_place(choices);
        Ok(reply)
    }
}

/// Most choices that an index may leave room for; past it they stand in order without gaps.
const MOST_CHOICES: u32 = 256;

/// A choice that no event named holds its place, so that indices stay what they were.
fn in_place(mut choices: BTreeMap<u32, Choice>) -> Vec<Choice> {
    match choices.keys().next_back() {
        Some(&last) if last < MOST_CHOICES => (0..=last).map(|i| choices.remove(&i).unwrap_or_default()).collect(),
        _ => choices.into_values().collect(),
    }
}

fn opened(start: BlockStart) -> Block {
    Block::new(match start {
        BlockStart::Text => Content::Text { text: String::new(), citations: Vec::new() },
        BlockStart::Reasoning { summary, redacted, id } => {
            Content::Reasoning(Reasoning { text: String::new(), summary, redacted, id })
        }
        BlockStart::Call { id, name, kind } => Content::Call(Call { id, name, arguments: String::new(), kind }),
        BlockStart::Refusal => Content::Refusal(String::new()),
        BlockStart::Whole(block) => return *block,
    })
}

fn extend(block: &mut Block, delta: Delta) {
    match (delta, &mut block.content) {
        (Delta::Text(more), Content::Text { text, .. } | Content::Refusal(text)) => text.push_str(&more),
        (Delta::Text(more), Content::Reasoning(reasoning)) => reasoning.text.push_str(&more),
        (Delta::Arguments(more), Content::Call(call)) => call.arguments.push_str(&more),
        (Delta::Citation(citation), Content::Text { citations, .. }) => citations.push(*citation),
        (Delta::Seal(seal), _) => block.seal = Some(seal),
        (Delta::Carry(carry), _) => block.carry = Some(carry),
        // A delta that does not fit its block is a decoder's mistake; its own tests find it.
        (Delta::Text(_) | Delta::Arguments(_) | Delta::Citation(_) | Delta::Logprobs(_), _) => {}
    }
}

#[cfg(test)]
#[path = "fold/tests.rs"]
mod tests;
