//! A provider's stream → the IR's events.
//!
//! Deltas are believed first; what a host gives only in `.done` or in the last response is taken from there, never both.
//! A block is a content part, a summary part or a call; other items come whole when they are done.

use std::collections::HashMap;

use tollgate_ir::{Block, BlockStart, CallKind, Carry, Content, Delta, Event, Fault, FaultKind};

use super::{annotations, fault, item, reasoning, reply, usage};
use crate::frame::Frame;
use crate::json::Node;

/// See [`crate::codec::StreamDecoder`].
#[derive(Default)]
pub struct StreamDecoder {
    started: bool,
    over: bool,
    next: u32,
    items: HashMap<u64, Item>,
}

/// An output item that streams.
#[derive(Default)]
struct Item {
    /// Goes to the item's first block.
    carry: Option<Carry>,
    /// The id of a reasoning item.
    id: Option<String>,
    /// Content parts and summary parts by kind and index.
    parts: HashMap<(Part, u64), Said>,
    /// The last reasoning part, held open for the seal.
    reasoning: Option<(Part, u64)>,
    /// A call.
    call: Option<Said>,
    done: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Part {
    Text,
    Refusal,
    Summary,
    Reasoning,
}

/// A block and whether its words have come.
#[derive(Clone, Copy)]
struct Said {
    block: u32,
    words: bool,
    annotations: bool,
    open: bool,
}

impl StreamDecoder {
    /// See [`crate::codec::StreamDecoder::frame`].
    pub fn frame(&mut self, frame: &Frame, out: &mut Vec<Event>) {
        if self.over || frame.data.is_empty() {
            return;
        }
        if &frame.data[..] == b"[DONE]" {
            return self.end(out);
        }
        let Some(node) = Node::read(&frame.data) else { return };
        let kind = node.text("type").unwrap_or_else(|| frame.name());
        match kind.strip_prefix("response.") {
            Some("created" | "queued" | "in_progress") => self.start(&node, out),
            Some("completed" | "incomplete" | "failed" | "cancelled" | "done") => self.terminal(&node, out),
            Some(kind) => self.step(kind, &node, out),
            None if kind == "error" || node.get("error").is_some() => {
                let fault = fault::of_error(node.get("error").unwrap_or(&node));
                self.break_off(fault, out);
            }
            None if kind == "keepalive" || kind == "ping" => out.push(Event::Ping),
            None => {}
        }
    }

    /// See [`crate::codec::StreamDecoder::end`].
    pub fn end(&mut self, out: &mut Vec<Event>) {
        if !self.over {
            let fault = Fault::new(FaultKind::ProviderCut, "The provider's answer ended before it was complete.");
            self.break_off(fault, out);
        }
    }

    fn break_off(&mut self, fault: Fault, out: &mut Vec<Event>) {
        out.push(Event::Fault(Box::new(fault)));
        self.over = true;
    }

    fn start(&mut self, node: &Node<'_>, out: &mut Vec<Event>) {
        if !self.started
            && let Some(response) = node.get("response")
        {
            self.started = true;
            out.push(Event::Start(reply::head(response)));
        }
    }

    fn terminal(&mut self, node: &Node<'_>, out: &mut Vec<Event>) {
        self.start(node, out);
        let response = node.get("response").unwrap_or(node);
        let streamed = !self.items.is_empty();
        let items = response.get("output").map(Node::items).unwrap_or_default();
        for item in items.iter().filter(|_| !streamed) {
            item::blocks(item).into_iter().for_each(|block| self.whole(block, out));
        }
        let mut open: Vec<_> = self.items.drain().collect();
        open.sort_by_key(|(index, _)| *index);
        open.iter_mut().for_each(|(_, item)| item.close_all(out));
        if let Some(usage) = response.get("usage") {
            out.push(Event::Usage(usage::read(usage)));
        }
        let failed = response.text("status") == Some("failed") || node.text("type") == Some("response.failed");
        if failed || response.get("error").is_some() {
            let said = response.get("error").map(fault::of_error);
            let unsaid = || Fault::new(FaultKind::ProviderFailed, "The provider's answer failed without explanation.");
            return self.break_off(said.unwrap_or_else(unsaid), out);
        }
        if let Some(finish) = reply::finish(response) {
            out.push(Event::Finish { choice: 0, finish });
        }
        out.push(Event::End);
        self.over = true;
    }

    /// An event of one item.
    fn step(&mut self, kind: &str, node: &Node<'_>, out: &mut Vec<Event>) {
        let index = node.uint("output_index").unwrap_or(0);
        let part = node.uint("content_index").or_else(|| node.uint("summary_index")).unwrap_or(0);
        let words = |key: &str| node.text(key).unwrap_or_default();
        match kind {
            "output_item.added" => self.added(index, node, out),
            "output_item.done" => self.done(index, node, out),
            "content_part.added" => match node.at(&["part", "type"]).and_then(Node::as_str) {
                Some("output_text") => _ = self.said(index, Part::Text, part, out),
                Some("refusal") => _ = self.said(index, Part::Refusal, part, out),
                _ => {}
            },
            "output_text.delta" => {
                self.words(index, Part::Text, part, words("delta"), out);
                let logprobs = annotations::read_logprobs(node);
                if !logprobs.is_empty() {
                    let said = self.said(index, Part::Text, part, out);
                    said.push(Delta::Logprobs(logprobs), out);
                }
            }
            "output_text.done" => self.unsaid(index, Part::Text, part, words("text"), out),
            "output_text.annotation.added" => {
                if let Some(annotation) = node.get("annotation") {
                    let said = self.said(index, Part::Text, part, out);
                    said.annotations = true;
                    said.push(Delta::Citation(Box::new(annotations::read_one(annotation))), out);
                }
            }
            "refusal.delta" => self.words(index, Part::Refusal, part, words("delta"), out),
            "refusal.done" => self.unsaid(index, Part::Refusal, part, words("refusal"), out),
            "content_part.done" => {
                if let Some(this) = node.get("part") {
                    self.part_done(index, part, this, out);
                }
            }
            "reasoning_summary_text.delta" => self.words(index, Part::Summary, part, words("delta"), out),
            "reasoning_summary_text.done" => self.unsaid(index, Part::Summary, part, words("text"), out),
            "reasoning_text.delta" => self.words(index, Part::Reasoning, part, words("delta"), out),
            "reasoning_text.done" => self.unsaid(index, Part::Reasoning, part, words("text"), out),
            "function_call_arguments.delta" | "custom_tool_call_input.delta" => {
                self.arguments(index, words("delta"), false, out);
            }
            "function_call_arguments.done" => self.arguments(index, words("arguments"), true, out),
            "custom_tool_call_input.done" => self.arguments(index, words("input"), true, out),
            _ => {}
        }
    }

    fn added(&mut self, index: u64, node: &Node<'_>, out: &mut Vec<Event>) {
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
        let start = BlockStart::Call { id: call.id, name: call.name, kind: call.kind };
        let said = self.open(start, block.carry, out);
        self.items.entry(index).or_default().call = Some(said);
    }

    fn done(&mut self, index: u64, node: &Node<'_>, out: &mut Vec<Event>) {
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
    fn part_done(&mut self, index: u64, part: u64, node: &Node<'_>, out: &mut Vec<Event>) {
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

    fn words(&mut self, index: u64, kind: Part, part: u64, words: &str, out: &mut Vec<Event>) {
        if words.is_empty() || self.is_other_form(index, kind) {
            return;
        }
        let said = self.said(index, kind, part, out);
        said.words = true;
        said.push(Delta::Text(words.to_owned()), out);
    }

    /// The whole text of a part: matters only where no delta came.
    fn unsaid(&mut self, index: u64, kind: Part, part: u64, words: &str, out: &mut Vec<Event>) {
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
    fn said(&mut self, index: u64, kind: Part, part: u64, out: &mut Vec<Event>) -> &mut Said {
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
    fn arguments(&mut self, index: u64, words: &str, whole: bool, out: &mut Vec<Event>) {
        let Some(call) = self.items.get_mut(&index).and_then(|i| i.call.as_mut()) else { return };
        let known = whole && call.words;
        if !words.is_empty() && !known {
            call.words = true;
            call.push(Delta::Arguments(words.to_owned()), out);
        }
    }

    /// A block that is there at once.
    fn whole(&mut self, block: Block, out: &mut Vec<Event>) {
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
