//! The blocks of a stream that is being read: which part of which item each one is, and what of it has come.

use std::collections::BTreeMap;

use tollgate_ir::{Block, BlockStart, CallKind, Carry, Content, Delta, Event};

use crate::json::Node;
use crate::openai_responses::{annotations, item, reasoning};

/// All items of one stream, by `output_index`.
#[derive(Default)]
pub(super) struct Items {
    next: u32,
    items: BTreeMap<u64, Item>,
}

/// An output item that streams.
#[derive(Default)]
struct Item {
    /// Goes to the item's first block.
    carry: Option<Carry>,
    /// The id of a reasoning item.
    id: Option<String>,
    /// Content parts and summary parts by kind and index.
    parts: BTreeMap<(Part, u64), Said>,
    /// The last reasoning part, held open for the seal.
    reasoning: Option<(Part, u64)>,
    /// A call.
    call: Option<Said>,
    done: bool,
}

/// What kind of part a block is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Part {
    Text,
    Refusal,
    Summary,
    Reasoning,
}

/// A block and what of it has come.
#[derive(Clone, Copy)]
pub(super) struct Said {
    block: u32,
    words: bool,
    annotations: bool,
    open: bool,
}

impl Items {
    /// Nothing has streamed yet.
    pub(super) fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Closes what is open.
    pub(super) fn close_all(&mut self, out: &mut Vec<Event>) {
        std::mem::take(&mut self.items).values_mut().for_each(|item| item.close_all(out));
    }

    /// Log probabilities of the text just said.
    pub(super) fn logprobs(&mut self, index: u64, part: u64, node: &Node<'_>, out: &mut Vec<Event>) {
        let logprobs = annotations::read_logprobs(node);
        if !logprobs.is_empty() {
            self.said(index, Part::Text, part, out).push(Delta::Logprobs(logprobs), out);
        }
    }

    /// A source for the text.
    pub(super) fn annotation(&mut self, index: u64, part: u64, annotation: &Node<'_>, out: &mut Vec<Event>) {
        let said = self.said(index, Part::Text, part, out);
        said.annotations = true;
        said.push(Delta::Citation(Box::new(annotations::read_one(annotation))), out);
    }

    pub(super) fn added(&mut self, index: u64, node: &Node<'_>, out: &mut Vec<Event>) {
        let Some(item) = node.get("item") else { return };
        let kind = item.text("type").unwrap_or("message");
        let this = self.items.entry(index).or_default();
        match kind {
            "message" => this.carry = reasoning::extra(item, item::MESSAGE),
            "reasoning" => this.id = item.text("id").map(str::to_owned),
            // A host that names the tool only in the end is waited for.
            "function_call" | "custom_tool_call" if item.text("name").is_some_and(|n| !n.is_empty()) => {
                self.open_call(index, item, out);
            }
            _ => {}
        }
    }

    fn open_call(&mut self, index: u64, item: &Node<'_>, out: &mut Vec<Event>) {
        let custom = item.text("type") == Some("custom_tool_call");
        let block = item::call(item, if custom { CallKind::Custom } else { CallKind::Function });
        let Content::Call(call) = block.content else { return };
        // An item that is added twice is two calls.
        if let Some(mut before) = self.items.get_mut(&index).and_then(|i| i.call.take()) {
            before.close(out);
        }
        let start = BlockStart::Call { id: call.id, name: call.name, kind: call.kind };
        let said = self.open(start, block.carry, out);
        self.items.entry(index).or_default().call = Some(said);
    }

    pub(super) fn done(&mut self, index: u64, node: &Node<'_>, out: &mut Vec<Event>) {
        let Some(item) = node.get("item") else { return };
        if self.items.entry(index).or_default().done {
            return;
        }
        match item.text("type").unwrap_or("message") {
            "message" => {
                let this = self.items.entry(index).or_default();
                this.carry = this.carry.take().or_else(|| reasoning::extra(item, item::MESSAGE));
                for (i, part) in item.get("content").map(Node::items).unwrap_or_default().iter().enumerate() {
                    self.part_done(index, i as u64, part, out);
                }
            }
            "reasoning" => self.reasoning_done(index, item, out),
            "function_call" | "custom_tool_call" => {
                if self.items.get(&index).is_none_or(|i| i.call.is_none()) {
                    self.open_call(index, item, out);
                }
                let key = if item.text("type") == Some("custom_tool_call") { "input" } else { "arguments" };
                self.arguments(index, item.text(key).unwrap_or_default(), true, out);
            }
            kind => self.whole(item::other(item, kind), out),
        }
        let this = self.items.entry(index).or_default();
        this.close_all(out);
        this.done = true;
    }

    fn reasoning_done(&mut self, index: u64, item: &Node<'_>, out: &mut Vec<Event>) {
        let this = self.items.entry(index).or_default();
        let Some(last) = this.reasoning.and_then(|key| this.parts.get(&key)).copied() else {
            reasoning::read(item).into_iter().for_each(|block| self.whole(block, out));
            return;
        };
        if let Some(encrypted) = item.text("encrypted_content") {
            last.push(Delta::Seal(reasoning::seal(encrypted)), out);
        }
    }

    /// A content part is complete: says what has not come yet, and closes it. Reasoning stays open for its seal.
    pub(super) fn part_done(&mut self, index: u64, part: u64, node: &Node<'_>, out: &mut Vec<Event>) {
        let (kind, key) = match node.text("type") {
            Some("refusal") => (Part::Refusal, "refusal"),
            Some("reasoning_text") => (Part::Reasoning, "text"),
            _ => (Part::Text, "text"),
        };
        self.unsaid(index, kind, part, node.text(key).unwrap_or_default(), out);
        if kind == Part::Reasoning {
            return;
        }
        let said = self.said(index, kind, part, out);
        if !said.annotations && said.open {
            said.annotations = true;
            for citation in annotations::read(node) {
                said.push(Delta::Citation(Box::new(citation)), out);
            }
        }
        said.close(out);
    }

    pub(super) fn words(&mut self, index: u64, kind: Part, part: u64, words: &str, out: &mut Vec<Event>) {
        if words.is_empty() || self.is_other_form(index, kind) {
            return;
        }
        let said = self.said(index, kind, part, out);
        said.words = true;
        said.push(Delta::Text(words.to_owned()), out);
    }

    /// The whole text of a part: matters only where no delta came.
    pub(super) fn unsaid(&mut self, index: u64, kind: Part, part: u64, words: &str, out: &mut Vec<Event>) {
        if self.items.get(&index).and_then(|i| i.parts.get(&(kind, part))).is_none_or(|said| !said.words) {
            self.words(index, kind, part, words, out);
        }
    }

    /// Some hosts give reasoning both as summary and as text: the form that came first counts.
    fn is_other_form(&self, index: u64, kind: Part) -> bool {
        let first = self.items.get(&index).and_then(|i| i.reasoning).map(|(first, _)| first);
        matches!(kind, Part::Summary | Part::Reasoning) && first.is_some_and(|first| first != kind)
    }

    /// The block of a part, opened if it has not been.
    pub(super) fn said(&mut self, index: u64, kind: Part, part: u64, out: &mut Vec<Event>) -> &mut Said {
        let this = self.items.entry(index).or_default();
        if !this.parts.contains_key(&(kind, part)) {
            let start = match kind {
                Part::Text => BlockStart::Text,
                Part::Refusal => BlockStart::Refusal,
                Part::Summary | Part::Reasoning => {
                    BlockStart::Reasoning { summary: kind == Part::Summary, redacted: false, id: this.id.clone() }
                }
            };
            let reasons = matches!(kind, Part::Summary | Part::Reasoning);
            let before = if reasons { this.reasoning.replace((kind, part)) } else { None };
            if let Some(before) = before.and_then(|key| this.parts.get_mut(&key)) {
                before.close(out);
            }
            let carry = this.carry.take();
            let said = self.open(start, carry, out);
            self.items.entry(index).or_default().parts.insert((kind, part), said);
        }
        let parts = &mut self.items.entry(index).or_default().parts;
        parts.entry((kind, part)).or_insert(Said { block: 0, words: true, annotations: true, open: false })
    }

    fn open(&mut self, start: BlockStart, carry: Option<Carry>, out: &mut Vec<Event>) -> Said {
        let said = Said { block: self.next, words: false, annotations: false, open: true };
        self.next += 1;
        out.push(Event::Open { choice: 0, block: said.block, start });
        if let Some(carry) = carry {
            said.push(Delta::Carry(carry), out);
        }
        said
    }

    /// Arguments as they come, or whole (`.done`) where none came.
    pub(super) fn arguments(&mut self, index: u64, words: &str, whole: bool, out: &mut Vec<Event>) {
        let Some(call) = self.items.get_mut(&index).and_then(|i| i.call.as_mut()) else { return };
        let known = whole && call.words;
        if !words.is_empty() && !known {
            call.words = true;
            call.push(Delta::Arguments(words.to_owned()), out);
        }
    }

    /// A block that is there at once.
    pub(super) fn whole(&mut self, block: Block, out: &mut Vec<Event>) {
        let (start, words) = match block.content {
            Content::Text { text, citations } => {
                let mut said = self.open(BlockStart::Text, block.carry, out);
                if !text.is_empty() {
                    said.push(Delta::Text(text), out);
                }
                for citation in citations {
                    said.push(Delta::Citation(Box::new(citation)), out);
                }
                return said.close(out);
            }
            Content::Refusal(text) => (BlockStart::Refusal, Delta::Text(text)),
            Content::Reasoning(r) => {
                (BlockStart::Reasoning { summary: r.summary, redacted: r.redacted, id: r.id }, Delta::Text(r.text))
            }
            Content::Call(c) => {
                (BlockStart::Call { id: c.id, name: c.name, kind: c.kind }, Delta::Arguments(c.arguments))
            }
            _ => {
                let mut said = self.open(BlockStart::Whole(Box::new(block)), None, out);
                return said.close(out);
            }
        };
        let mut said = self.open(start, block.carry, out);
        if !matches!(&words, Delta::Text(t) | Delta::Arguments(t) if t.is_empty()) {
            said.push(words, out);
        }
        if let Some(seal) = block.seal {
            said.push(Delta::Seal(seal), out);
        }
        said.close(out);
    }
}

impl Item {
    fn close_all(&mut self, out: &mut Vec<Event>) {
        let mut open: Vec<_> = self.parts.values_mut().chain(&mut self.call).filter(|said| said.open).collect();
        open.sort_by_key(|said| said.block);
        open.into_iter().for_each(|said| said.close(out));
    }
}

impl Said {
    fn push(&self, delta: Delta, out: &mut Vec<Event>) {
        if self.open {
            out.push(Event::Delta { choice: 0, block: self.block, delta });
        }
    }

    fn close(&mut self, out: &mut Vec<Event>) {
        if std::mem::replace(&mut self.open, false) {
            out.push(Event::Close { choice: 0, block: self.block });
        }
    }
}
