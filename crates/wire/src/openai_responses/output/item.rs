//! One output item as JSON: the form in `output_item.added` (empty), in `.done` and in the whole response.

use tollgate_ir::{CallKind, Json, Logprob};

use crate::json::{ArrayWriter, ObjectWriter};
use crate::openai_responses::annotations;

/// An output item under construction.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) kind: Kind,
    pub(super) id: String,
    /// Fields that only this dialect knows (`phase`, `namespace`), as one object.
    pub(super) extra: Option<Json>,
    /// Content parts or summary parts.
    pub(super) parts: Vec<Part>,
    /// The seal, as `encrypted_content`.
    pub(super) encrypted: Option<String>,
    /// Arguments or input of a call.
    pub(super) arguments: String,
    /// `output_item.done` is out.
    pub(super) done: bool,
}

/// What an item is.
#[derive(Debug)]
pub(super) enum Kind {
    Message,
    /// In summary parts, or in reasoning text (hosts of open models).
    Reasoning {
        summary: bool,
    },
    Call {
        kind: CallKind,
        call_id: String,
        name: String,
    },
    /// Written as it is.
    Whole(Json),
}

/// A part of a message or of a reasoning item.
#[derive(Debug, Default)]
pub(super) struct Part {
    pub(super) refusal: bool,
    pub(super) text: String,
    pub(super) annotations: Vec<Json>,
    pub(super) logprobs: Vec<Logprob>,
    /// Its `added` event is out.
    pub(super) announced: bool,
    /// Its `done` events are out.
    pub(super) closed: bool,
}

impl Kind {
    /// How OpenAI's ids of such items begin.
    pub(super) const fn prefix(&self) -> &'static str {
        match self {
            Self::Message => "msg",
            Self::Reasoning { .. } => "rs",
            Self::Call { kind: CallKind::Function, .. } => "fc",
            Self::Call { kind: CallKind::Custom, .. } => "ctc",
            Self::Whole(_) => "item",
        }
    }

    /// The field that counts its parts.
    pub(super) const fn index(&self) -> &'static str {
        match self {
            Self::Reasoning { summary: true } => "summary_index",
            _ => "content_index",
        }
    }
}

impl Item {
    /// Nothing of it can come any more.
    pub(super) fn is_closed(&self) -> bool {
        self.parts.iter().all(|part| part.closed)
    }

    /// Writes the item; `full` with what it says, else as it is announced.
    pub(super) fn write(&self, a: &mut ArrayWriter<'_>, status: &str, full: bool) {
        match &self.kind {
            Kind::Whole(raw) => a.json(raw),
            _ => a.object(|o| self.fill(o, status, full)),
        }
    }

    /// Writes the item under a key.
    pub(super) fn write_at(&self, o: &mut ObjectWriter<'_>, key: &str, status: &str, full: bool) {
        match &self.kind {
            Kind::Whole(raw) => o.json(key, raw),
            _ => o.object(key, |o| self.fill(o, status, full)),
        }
    }

    fn fill(&self, o: &mut ObjectWriter<'_>, status: &str, full: bool) {
        o.text("id", &self.id);
        match &self.kind {
            Kind::Message => {
                o.text("type", "message");
                o.text("status", status);
                o.array("content", |a| {
                    for part in self.parts.iter().filter(|_| full) {
                        a.object(|o| part.fill(o));
                    }
                });
                o.text("role", "assistant");
            }
            Kind::Reasoning { summary } => self.fill_reasoning(o, *summary, full),
            Kind::Call { kind, call_id, name } => {
                let custom = *kind == CallKind::Custom;
                o.text("type", if custom { "custom_tool_call" } else { "function_call" });
                o.text("status", status);
                let said = if full { self.arguments.as_str() } else { "" };
                o.text(if custom { "input" } else { "arguments" }, said);
                o.text("call_id", call_id);
                o.text("name", name);
            }
            Kind::Whole(_) => {}
        }
        if let Some(extra) = &self.extra {
            o.spread(extra, &["id"]);
        }
    }

    fn fill_reasoning(&self, o: &mut ObjectWriter<'_>, summary: bool, full: bool) {
        let texts = |a: &mut ArrayWriter<'_>, kind: &str| {
            for part in self.parts.iter().filter(|p| full && p.announced) {
                a.object(|o| {
                    o.text("type", kind);
                    o.text("text", &part.text);
                });
            }
        };
        o.text("type", "reasoning");
        if summary {
            o.array("summary", |a| texts(a, "summary_text"));
        } else {
            o.array("summary", |_| ());
            o.array("content", |a| texts(a, "reasoning_text"));
        }
        if full {
            o.opt_text("encrypted_content", self.encrypted.as_deref());
        }
    }
}

impl Part {
    /// Writes a content part with what it says so far.
    pub(super) fn fill(&self, o: &mut ObjectWriter<'_>) {
        if self.refusal {
            o.text("type", "refusal");
            o.text("refusal", &self.text);
            return;
        }
        o.text("type", "output_text");
        o.array("annotations", |a| self.annotations.iter().for_each(|annotation| a.json(annotation)));
        annotations::write_logprobs(o, &self.logprobs);
        o.text("text", &self.text);
    }
}
