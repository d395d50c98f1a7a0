//! What of an answer went out to the client: what another answer has to repeat, and where it goes on.
//!
//! Invariant: it is bounded. What cannot be repeated (several answers at once, blocks of a provider's own tools, more
//! text than is kept) makes the stream one that cannot go on elsewhere.

use tollgate_ir::{BlockStart, Content, Delta, Event};

/// Most bytes of text that are kept.
const MAX_KEPT: usize = 4 << 20;

/// What kind a block is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Words of the answer.
    Text,
    /// Words of refusal.
    Refusal,
    /// Reasoning.
    Reasoning,
    /// A call.
    Call {
        /// Its id, as the client has it.
        id: String,
        /// The tool.
        name: String,
    },
}

/// A block that went out, or the part of it that did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// Its number.
    pub block: u32,
    /// What it is.
    pub kind: Kind,
    /// Its words, or a call's arguments.
    pub text: String,
    /// It is not complete.
    pub open: bool,
}

/// See the module.
#[derive(Clone, Debug, Default)]
pub struct Delivered {
    /// In the order of their opening.
    blocks: Vec<Said>,
    bytes: usize,
    next: u32,
    finished: bool,
    lost: bool,
}

impl Delivered {
    /// This goes out.
    pub fn event(&mut self, event: &Event) {
        match event {
            Event::Open { choice: 0, block, start } => self.open(*block, start),
            Event::Delta { choice: 0, block, delta: Delta::Text(text) | Delta::Arguments(text) } => {
                self.bytes += text.len();
                self.lost |= self.bytes > MAX_KEPT;
                if let Some(said) = self.blocks.iter_mut().rev().find(|said| said.block == *block)
                    && !self.lost
                {
                    said.text.push_str(text);
                }
            }
            Event::Close { choice: 0, block } => {
                if let Some(said) = self.blocks.iter_mut().rev().find(|said| said.block == *block) {
                    said.open = false;
                }
            }
            Event::Finish { .. } => self.finished = true,
            Event::Open { .. } => self.lost = true,
            _ => {}
        }
    }

    fn open(&mut self, block: u32, start: &BlockStart) {
        self.next = self.next.max(block + 1);
        let call = |id: &str, name: &str| Kind::Call { id: id.to_owned(), name: name.to_owned() };
        let (kind, text) = match start {
            BlockStart::Text => (Kind::Text, String::new()),
            BlockStart::Refusal => (Kind::Refusal, String::new()),
            BlockStart::Reasoning { .. } => (Kind::Reasoning, String::new()),
            BlockStart::Call { id, name, .. } => (call(id, name), String::new()),
            BlockStart::Whole(whole) => match &whole.content {
                Content::Text { text, .. } => (Kind::Text, text.clone()),
                Content::Refusal(text) => (Kind::Refusal, text.clone()),
                Content::Reasoning(reasoning) => (Kind::Reasoning, reasoning.text.clone()),
                Content::Call(made) => (call(&made.id, &made.name), made.arguments.clone()),
                Content::Media(_) | Content::Server(_) | Content::Opaque { .. } | Content::Result(_) => {
                    self.lost = true;
                    return;
                }
            },
        };
        self.blocks.push(Said { block, kind, text, open: true });
    }

    /// Another answer may go on from here: nothing went out that it could not repeat, and the end did not.
    pub const fn can_go_on(&self) -> bool {
        !self.lost && !self.finished
    }

    /// What went out, in order.
    pub fn blocks(&self) -> &[Said] {
        &self.blocks
    }

    /// The number of the next block.
    pub const fn next(&self) -> u32 {
        self.next
    }

    /// The block that is open, where there is at most one.
    pub fn open_block(&self) -> Option<(u32, u32)> {
        self.blocks.iter().find(|said| said.open).map(|said| (0, said.block))
    }

    /// The words of the answer, reasoning aside.
    pub fn text(&self) -> String {
        self.blocks.iter().filter(|said| said.kind == Kind::Text).map(|said| said.text.as_str()).collect()
    }

    /// All words, for an estimate of their tokens.
    pub fn all_text(&self) -> impl Iterator<Item = &str> {
        self.blocks.iter().map(|said| said.text.as_str())
    }
}
