//! The output under construction: blocks become items and their parts, each step an event of the stream contract.
//!
//! One state machine for streams and whole replies (which have no one to send events to). Kept: `output_index` rises
//! with `output_item.added`; every part and item that was announced is done exactly once; texts in `done` events are the
//! sum of the deltas. A block is placed when its first event after `Open` comes, since its carry may name the item it
//! belongs to.

mod item;
mod parts;
mod sink;
mod whole;

use std::collections::HashMap;

use tollgate_ir::{BlockStart, Delta, Dialect, Json, Logprob};

use super::namespace;
use super::reasoning::{encrypted, make_id};
use crate::json::{ArrayWriter, Node};
use crate::target::ReplyContext;
use item::{Item, Kind, Part};

pub(super) use sink::{Line, Sink};

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
    /// Namespace and name of tools by the name that the IR knows them by.
    spaces: HashMap<String, (String, String)>,
    /// The last item, while another part may join it.
    current: Option<usize>,
    /// Ids of items, in order, whose beginning another has told.
    begun: Vec<String>,
}

impl Output {
    /// Nothing yet. The context's id makes the items' ids; the tools that it repeats name their namespaces.
    pub(super) fn new(context: &ReplyContext) -> Self {
        let spaces = namespace::known(context.echo.as_ref());
        Self { stem: context.id.clone(), spaces, ..Self::default() }
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

    /// Another has told the beginning of the items of these ids, and of parts at these places: one that still waited for its
    /// first words is not told again.
    pub(super) fn were_begun(&mut self, ids: Vec<String>, with_parts: &[usize], sink: &mut Sink<'_>) {
        if self.items.len() < ids.len() {
            self.place(sink);
        }
        self.begun = ids;
        for at in with_parts {
            let Some(item) = self.items.get_mut(*at) else { continue };
            item.parts.iter_mut().for_each(|part| part.announced = true);
        }
    }

    /// Items at these places were told as done by another.
    pub(super) fn were_done(&mut self, places: &[usize]) {
        for at in places {
            let Some(item) = self.items.get_mut(*at) else { continue };
            item.done = true;
            item.parts.iter_mut().for_each(|part| (part.announced, part.closed) = (true, true));
        }
        self.current = self.current.filter(|at| !places.contains(at));
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
                let (name, carry) = self.named(name, carry);
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

    /// A tool's name as the client declared it, within its namespace.
    fn named(&self, name: String, carry: Option<Json>) -> (String, Option<Json>) {
        if let Some(space) = carry.as_ref().and_then(namespace::of) {
            return (namespace::within(&space, &name).to_owned(), carry);
        }
        match self.spaces.get(&name) {
            Some((space, within)) => (within.clone(), namespace::carry(space, None).map(|c| c.raw)),
            None => (name, carry),
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
        // A provider that names two items alike would confuse clients.
        let id = id.filter(|id| self.items.iter().all(|item| item.id != *id));
        let id = id.unwrap_or_else(|| make_id(kind.prefix(), &self.stem, at));
        let (parts, arguments) = (Vec::new(), String::new());
        let item = Item { kind, id, extra, parts, encrypted: None, arguments, done: false };
        if self.begun.get(at) != Some(&item.id) {
            sink.event("response.output_item.added", |o| {
                o.uint("output_index", at as u64);
                item.write_at(o, "item", "in_progress", false);
            });
        }
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
}

/// The `id` that carried fields name.
fn id_in(raw: &Json) -> Option<String> {
    Node::read(raw.as_str().as_bytes())?.text("id").map(str::to_owned)
}
