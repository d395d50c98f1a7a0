//! The output under construction: blocks become items and their parts, each step an event of the stream contract.
//!
//! One state machine for streams and whole replies (which have no one to send events to). Kept: `output_index` rises
//! with `output_item.added`; every part and item that was announced is done exactly once; texts in `done` events are the
//! sum of the deltas. A block is placed when its first event after `Open` comes, since its carry may name the item it
//! belongs to.

use std::collections::HashMap;

use tollgate_ir::{
    Block, BlockStart, CallKind, Carry, Citation, Content, Delta, Dialect, Json, Logprob, MediaKind, MediaSource,
};

use super::annotations::{self, annotation};
use super::reasoning::{encrypted, make_id};
use super::render::{Item, Kind, Part};
use crate::frame::sse_event;
use crate::json::{ArrayWriter, Node, ObjectWriter, object};

/// Where events go: numbered, or nowhere.
pub(super) struct Sink<'a> {
    pub(super) out: Option<&'a mut Vec<u8>>,
    pub(super) sequence: &'a mut u64,
}

impl Sink<'_> {
    /// Writes one event.
    pub(super) fn event(&mut self, kind: &str, fill: impl FnOnce(&mut ObjectWriter<'_>)) {
        let Some(out) = &mut self.out else { return };
        let mut data = Vec::new();
        object(&mut data, |o| {
            o.text("type", kind);
            o.uint("sequence_number", *self.sequence);
            fill(o);
        });
        *self.sequence += 1;
        sse_event(out, Some(kind), &data);
    }
}

/// A block that has opened and not yet got its place.
struct Pending {
    block: u32,
    start: BlockStart,
    carry: Option<Json>,
}

/// All items of one response.
#[derive(Default)]
pub(super) struct Output {
    stem: String,
    items: Vec<Item>,
    places: HashMap<u32, (usize, usize)>,
    pending: Option<Pending>,
    /// The last item, while another part may join it.
    current: Option<usize>,
}

impl Output {
    /// Nothing yet. `stem` makes the items' ids.
    pub(super) fn new(stem: String) -> Self {
        Self { stem, ..Self::default() }
    }

    /// A block opens.
    pub(super) fn open(&mut self, block: u32, start: &BlockStart, sink: &mut Sink<'_>) {
        self.place(sink);
        if let BlockStart::Whole(whole) = start {
            self.whole(block, whole, sink);
        } else {
            self.pending = Some(Pending { block, start: start.clone(), carry: None });
        }
    }

    /// A block goes on.
    pub(super) fn delta(&mut self, block: u32, delta: &Delta, sink: &mut Sink<'_>) {
        if let (Delta::Carry(carry), Some(pending)) = (delta, &mut self.pending) {
            if carry.dialect == Dialect::OpenAiResponses && pending.block == block {
                pending.carry = Some(carry.raw.clone());
            }
            return;
        }
        self.place(sink);
        let Some(&(at, part)) = self.places.get(&block) else { return };
        match delta {
            Delta::Text(text) => self.text(at, part, text, sink),
            Delta::Arguments(more) => self.arguments(at, more, sink),
            Delta::Citation(citation) => self.citation(at, part, citation, sink),
            Delta::Seal(seal) => self.items[at].encrypted = Some(encrypted(seal)),
            Delta::Logprobs(logprobs) => self.logprobs(at, part, logprobs, sink),
            Delta::Carry(_) => {}
        }
    }

    /// A block closes.
    pub(super) fn close(&mut self, block: u32, sink: &mut Sink<'_>) {
        self.place(sink);
        let Some((at, part)) = self.places.remove(&block) else { return };
        self.close_part(at, part, sink);
        if self.current != Some(at) && self.items[at].is_closed() {
            self.finish(at, sink);
        }
    }

    /// All blocks are there: closes what is open.
    pub(super) fn end(&mut self, sink: &mut Sink<'_>) {
        self.place(sink);
        for at in 0..self.items.len() {
            self.finish(at, sink);
        }
    }

    /// A block that comes at once.
    pub(super) fn whole(&mut self, block: u32, whole: &Block, sink: &mut Sink<'_>) {
        let Some(start) = start_of(whole) else {
            if let Some(raw) = raw_item(whole, &make_id("ig", &self.stem, self.items.len())) {
                self.item(Kind::Whole(raw), None, None, sink);
                self.finish(self.items.len() - 1, sink);
            }
            return;
        };
        self.open(block, &start, sink);
        if let Some(carry) = &whole.carry {
            self.delta(block, &Delta::Carry(carry.clone()), sink);
        }
        match &whole.content {
            Content::Text { text, citations } => {
                self.some_text(block, text, sink);
                for citation in citations {
                    self.delta(block, &Delta::Citation(Box::new(citation.clone())), sink);
                }
            }
            Content::Refusal(text) => self.some_text(block, text, sink),
            Content::Reasoning(reasoning) => self.some_text(block, &reasoning.text, sink),
            Content::Call(call) => self.delta(block, &Delta::Arguments(call.arguments.clone()), sink),
            _ => {}
        }
        if let Some(seal) = &whole.seal {
            self.delta(block, &Delta::Seal(seal.clone()), sink);
        }
        self.close(block, sink);
    }

    /// Log probabilities of a whole reply: they stand with its first text.
    pub(super) fn all_logprobs(&mut self, logprobs: &[Logprob]) {
        let mut parts = self.items.iter_mut().filter(|i| matches!(i.kind, Kind::Message)).flat_map(|i| &mut i.parts);
        if let Some(part) = parts.find(|p| !p.refusal) {
            part.logprobs = logprobs.to_vec();
        }
    }

    /// Writes the items as the response's `output`.
    pub(super) fn write(&self, a: &mut ArrayWriter<'_>) {
        for item in &self.items {
            item.write(a, if item.done { "completed" } else { "incomplete" }, true);
        }
    }

    fn some_text(&mut self, block: u32, text: &str, sink: &mut Sink<'_>) {
        if !text.is_empty() {
            self.delta(block, &Delta::Text(text.to_owned()), sink);
        }
    }

    /// Gives the pending block its place: a part of the current item, or a new item.
    fn place(&mut self, sink: &mut Sink<'_>) {
        let Some(Pending { block, start, carry }) = self.pending.take() else { return };
        let id = carry.as_ref().and_then(id_in);
        let (at, refusal) = match start {
            BlockStart::Text | BlockStart::Refusal => {
                let refusal = start == BlockStart::Refusal;
                let joins = |item: &Item| {
                    matches!(item.kind, Kind::Message) && (carry.is_none() || id.as_ref() == Some(&item.id))
                };
                (self.joined(joins).unwrap_or_else(|| self.item(Kind::Message, id, carry, sink)), refusal)
            }
            BlockStart::Reasoning { summary, id, .. } => {
                let summary = summary || id.is_none();
                let joins = |item: &Item| {
                    matches!(item.kind, Kind::Reasoning { .. }) && id.as_ref().is_some_and(|id| *id == item.id)
                };
                let joined = self.joined(joins);
                (joined.unwrap_or_else(|| self.item(Kind::Reasoning { summary }, id, carry, sink)), false)
            }
            BlockStart::Call { id: call_id, name, kind } => {
                let at = self.item(Kind::Call { kind, call_id, name }, id, carry, sink);
                self.current = None;
                (at, false)
            }
            BlockStart::Whole(_) => return,
        };
        self.items[at].parts.push(Part { refusal, ..Part::default() });
        let part = self.items[at].parts.len() - 1;
        self.places.insert(block, (at, part));
        if matches!(self.items[at].kind, Kind::Message) {
            self.announce_part(at, part, sink);
        }
    }

    fn joined(&self, joins: impl Fn(&Item) -> bool) -> Option<usize> {
        self.current.filter(|at| joins(&self.items[*at]))
    }

    /// A new item begins; the one before can grow no more.
    fn item(&mut self, kind: Kind, id: Option<String>, extra: Option<Json>, sink: &mut Sink<'_>) -> usize {
        if let Some(before) = self.current.take()
            && self.items[before].is_closed()
        {
            self.finish(before, sink);
        }
        let at = self.items.len();
        let id = id.unwrap_or_else(|| make_id(kind.prefix(), &self.stem, at));
        let (parts, arguments) = (Vec::new(), String::new());
        let item = Item { kind, id, extra, parts, encrypted: None, arguments, done: false };
        sink.event("response.output_item.added", |o| {
            o.uint("output_index", at as u64);
            item.write_at(o, "item", "in_progress", false);
        });
        self.items.push(item);
        self.current = Some(at);
        at
    }

    fn finish(&mut self, at: usize, sink: &mut Sink<'_>) {
        if self.items[at].done {
            return;
        }
        for part in 0..self.items[at].parts.len() {
            self.close_part(at, part, sink);
        }
        let item = &mut self.items[at];
        item.done = true;
        sink.event("response.output_item.done", |o| {
            o.uint("output_index", at as u64);
            item.write_at(o, "item", "completed", true);
        });
        if self.current == Some(at) {
            self.current = None;
        }
    }

    fn announce_part(&mut self, at: usize, part: usize, sink: &mut Sink<'_>) {
        let Item { kind, id, parts, .. } = &mut self.items[at];
        let Some(this) = parts.get_mut(part) else { return };
        if std::mem::replace(&mut this.announced, true) {
            return;
        }
        match kind {
            Kind::Message => sink.event("response.content_part.added", |o| {
                place(o, id, at, "content_index", part);
                o.object("part", |o| this.fill(o));
            }),
            Kind::Reasoning { summary: true } => sink.event("response.reasoning_summary_part.added", |o| {
                place(o, id, at, "summary_index", part);
                o.object("part", |o| typed_text(o, "summary_text", ""));
            }),
            Kind::Reasoning { summary: false } => sink.event("response.content_part.added", |o| {
                place(o, id, at, "content_index", part);
                o.object("part", |o| typed_text(o, "reasoning_text", ""));
            }),
            Kind::Call { .. } | Kind::Whole(_) => {}
        }
    }

    fn text(&mut self, at: usize, part: usize, text: &str, sink: &mut Sink<'_>) {
        self.announce_part(at, part, sink);
        let Item { kind, id, parts, .. } = &mut self.items[at];
        let Some(this) = parts.get_mut(part) else { return };
        this.text.push_str(text);
        let event = match kind {
            Kind::Message if this.refusal => "response.refusal.delta",
            Kind::Message => "response.output_text.delta",
            Kind::Reasoning { summary: true } => "response.reasoning_summary_text.delta",
            Kind::Reasoning { summary: false } => "response.reasoning_text.delta",
            Kind::Call { .. } | Kind::Whole(_) => return,
        };
        sink.event(event, |o| {
            place(o, id, at, kind.index(), part);
            o.text("delta", text);
            if event == "response.output_text.delta" {
                annotations::write_logprobs(o, &[]);
            }
        });
    }

    /// They come after their text, so a delta without text carries them.
    fn logprobs(&mut self, at: usize, part: usize, logprobs: &[Logprob], sink: &mut Sink<'_>) {
        let Item { kind: Kind::Message, id, parts, .. } = &mut self.items[at] else { return };
        let Some(this) = parts.get_mut(part) else { return };
        this.logprobs.extend_from_slice(logprobs);
        sink.event("response.output_text.delta", |o| {
            place(o, id, at, "content_index", part);
            o.text("delta", "");
            annotations::write_logprobs(o, logprobs);
        });
    }

    fn citation(&mut self, at: usize, part: usize, citation: &Citation, sink: &mut Sink<'_>) {
        let Item { kind: Kind::Message, id, parts, .. } = &mut self.items[at] else { return };
        let Some(this) = parts.get_mut(part) else { return };
        let Some(annotation) = annotation(citation, &this.text) else { return };
        sink.event("response.output_text.annotation.added", |o| {
            place(o, id, at, "content_index", part);
            o.uint("annotation_index", this.annotations.len() as u64);
            o.json("annotation", &annotation);
        });
        this.annotations.push(annotation);
    }

    fn arguments(&mut self, at: usize, more: &str, sink: &mut Sink<'_>) {
        let item = &mut self.items[at];
        let Kind::Call { kind, .. } = &item.kind else { return };
        if more.is_empty() {
            return;
        }
        item.arguments.push_str(more);
        let event = match kind {
            CallKind::Function => "response.function_call_arguments.delta",
            CallKind::Custom => "response.custom_tool_call_input.delta",
        };
        sink.event(event, |o| {
            o.text("item_id", &item.id);
            o.uint("output_index", at as u64);
            o.text("delta", more);
        });
    }

    fn close_part(&mut self, at: usize, part: usize, sink: &mut Sink<'_>) {
        let Item { parts, kind, .. } = &mut self.items[at];
        let Some(this) = parts.get_mut(part) else { return };
        if std::mem::replace(&mut this.closed, true) {
            return;
        }
        match kind {
            Kind::Call { .. } => self.close_call(at, sink),
            _ if !this.announced => {}
            Kind::Message => self.close_content(at, part, sink),
            Kind::Reasoning { summary } => {
                let summary = *summary;
                self.close_reasoning(at, part, summary, sink);
            }
            Kind::Whole(_) => {}
        }
    }

    fn close_call(&mut self, at: usize, sink: &mut Sink<'_>) {
        let Kind::Call { kind, name, .. } = &self.items[at].kind else { return };
        let (custom, name) = (*kind == CallKind::Custom, name.clone());
        if !custom && self.items[at].arguments.is_empty() {
            self.arguments(at, "{}", sink);
        }
        let item = &self.items[at];
        let (event, key) = if custom {
            ("response.custom_tool_call_input.done", "input")
        } else {
            ("response.function_call_arguments.done", "arguments")
        };
        sink.event(event, |o| {
            o.text("item_id", &item.id);
            o.text("name", &name);
            o.uint("output_index", at as u64);
            o.text(key, &item.arguments);
        });
    }

    fn close_content(&self, at: usize, part: usize, sink: &mut Sink<'_>) {
        let (id, this) = (&self.items[at].id, &self.items[at].parts[part]);
        let event = if this.refusal { "response.refusal.done" } else { "response.output_text.done" };
        sink.event(event, |o| {
            place(o, id, at, "content_index", part);
            o.text(if this.refusal { "refusal" } else { "text" }, &this.text);
            if !this.refusal {
                annotations::write_logprobs(o, &this.logprobs);
            }
        });
        sink.event("response.content_part.done", |o| {
            place(o, id, at, "content_index", part);
            o.object("part", |o| this.fill(o));
        });
    }

    fn close_reasoning(&self, at: usize, part: usize, summary: bool, sink: &mut Sink<'_>) {
        let (id, text) = (&self.items[at].id, &self.items[at].parts[part].text);
        let (text_done, part_done, index, kind) = if summary {
            let events = ("response.reasoning_summary_text.done", "response.reasoning_summary_part.done");
            (events.0, events.1, "summary_index", "summary_text")
        } else {
            ("response.reasoning_text.done", "response.content_part.done", "content_index", "reasoning_text")
        };
        sink.event(text_done, |o| {
            place(o, id, at, index, part);
            o.text("text", text);
        });
        sink.event(part_done, |o| {
            place(o, id, at, index, part);
            o.object("part", |o| typed_text(o, kind, text));
        });
    }
}

impl Kind {
    const fn prefix(&self) -> &'static str {
        match self {
            Self::Message => "msg",
            Self::Reasoning { .. } => "rs",
            Self::Call { kind: CallKind::Function, .. } => "fc",
            Self::Call { kind: CallKind::Custom, .. } => "ctc",
            Self::Whole(_) => "item",
        }
    }

    const fn index(&self) -> &'static str {
        match self {
            Self::Reasoning { summary: true } => "summary_index",
            _ => "content_index",
        }
    }
}

/// Where an event belongs.
fn place(o: &mut ObjectWriter<'_>, id: &str, at: usize, index: &str, part: usize) {
    o.text("item_id", id);
    o.uint("output_index", at as u64);
    o.uint(index, part as u64);
}

fn typed_text(o: &mut ObjectWriter<'_>, kind: &str, text: &str) {
    o.text("type", kind);
    o.text("text", text);
}

/// The `id` that carried fields name.
fn id_in(raw: &Json) -> Option<String> {
    Node::read(raw.as_str().as_bytes())?.text("id").map(str::to_owned)
}

/// How a whole block would have opened; `None` for what is an item as it is.
fn start_of(block: &Block) -> Option<BlockStart> {
    Some(match &block.content {
        Content::Text { .. } => BlockStart::Text,
        Content::Refusal(_) => BlockStart::Refusal,
        Content::Reasoning(r) => BlockStart::Reasoning { summary: r.summary, redacted: r.redacted, id: r.id.clone() },
        Content::Call(call) => BlockStart::Call { id: call.id.clone(), name: call.name.clone(), kind: call.kind },
        _ => return None,
    })
}

/// An item of ours as it came, a picture as a generated image; others' steps are not for this face.
fn raw_item(block: &Block, id: &str) -> Option<Json> {
    if let Some(Carry { dialect: Dialect::OpenAiResponses, raw }) = &block.carry {
        return Some(raw.clone());
    }
    let Content::Media(media) = &block.content else { return None };
    let (MediaKind::Image, MediaSource::Base64(data)) = (media.kind, &media.source) else { return None };
    let mut out = Vec::new();
    object(&mut out, |o| {
        o.text("id", id);
        o.text("type", "image_generation_call");
        o.text("status", "completed");
        o.opt_text("output_format", media.mime.as_deref().and_then(|m| m.strip_prefix("image/")));
        o.text("result", data);
    });
    Json::parse(String::from_utf8(out).ok()?).ok()
}
