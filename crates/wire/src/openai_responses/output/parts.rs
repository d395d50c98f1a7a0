//! The events of one item's parts: announced, said, done. Texts in `done` events are the sum of the deltas.

use tollgate_ir::{CallKind, Citation, Logprob};

use super::item::{Item, Kind};
use super::{Output, Sink};
use crate::json::ObjectWriter;
use crate::openai_responses::annotations::{self, annotation};

impl Output {
    pub(super) fn announce_part(&mut self, at: usize, part: usize, sink: &mut Sink<'_>) {
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

    pub(super) fn text(&mut self, at: usize, part: usize, text: &str, sink: &mut Sink<'_>) {
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
    pub(super) fn logprobs(&mut self, at: usize, part: usize, logprobs: &[Logprob], sink: &mut Sink<'_>) {
        let Item { kind: Kind::Message, id, parts, .. } = &mut self.items[at] else { return };
        let Some(this) = parts.get_mut(part) else { return };
        this.logprobs.extend_from_slice(logprobs);
        sink.event("response.output_text.delta", |o| {
            place(o, id, at, "content_index", part);
            o.text("delta", "");
            annotations::write_logprobs(o, logprobs);
        });
    }

    pub(super) fn citation(&mut self, at: usize, part: usize, citation: &Citation, sink: &mut Sink<'_>) {
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

    pub(super) fn arguments(&mut self, at: usize, more: &str, sink: &mut Sink<'_>) {
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

    pub(super) fn close_part(&mut self, at: usize, part: usize, sink: &mut Sink<'_>) {
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

    pub(super) fn close_call(&mut self, at: usize, sink: &mut Sink<'_>) {
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

    pub(super) fn close_content(&self, at: usize, part: usize, sink: &mut Sink<'_>) {
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

    pub(super) fn close_reasoning(&self, at: usize, part: usize, summary: bool, sink: &mut Sink<'_>) {
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
