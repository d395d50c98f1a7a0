//! Events → chunks for the client.
//!
//! The role stands in each choice's first chunk, a call's id, type and name in the call's first, seals in the chunk that
//! closes their block, usage (only if asked for) in one chunk without choices before `[DONE]`.

use std::collections::BTreeMap;

use tollgate_ir::{
    Block, BlockStart, CallKind, Content, Delta, Event, Finish, Logprob, Reasoning, ReplyHead, Seal, Usage,
};

use super::super::reasoning::{self, Place};
use super::super::{choices, fault, legacy, usage};
use crate::frame::{sse_event, sse_object};
use crate::json::{self, ObjectWriter};
use crate::target::ReplyContext;

/// See [`crate::codec::StreamEncoder`].
pub struct StreamEncoder {
    context: ReplyContext,
    /// The client reads `function_call`.
    legacy: bool,
    /// What every chunk begins with, as an object.
    head: Vec<u8>,
    choices: BTreeMap<u32, Choice>,
    usage: Option<Usage>,
    over: bool,
}

#[derive(Default)]
struct Choice {
    spoke: bool,
    finished: bool,
    refused: bool,
    calls: u64,
    thoughts: u64,
    others: bool,
    /// Characters of the text blocks before the open one, and of it.
    text_before: u64,
    text_now: u64,
    open: BTreeMap<u32, Open>,
}

enum Open {
    Text { seal: Option<Seal> },
    Refusal,
    Reasoning { reasoning: Reasoning, place: Place, seal: Option<Seal> },
    Call { index: u64, id: String, kind: CallKind, said: bool, seal: Option<Seal>, place: Place },
    Whole,
}

impl StreamEncoder {
    /// See [`crate::codec::StreamEncoder::new`].
    pub fn new(context: ReplyContext) -> Self {
        let legacy = legacy::asked(&context);
        let head = head(&ReplyHead::default(), &context);
        Self { context, legacy, head, choices: BTreeMap::new(), usage: None, over: false }
    }

    /// See [`crate::codec::StreamEncoder::event`].
    pub fn event(&mut self, event: &Event, out: &mut Vec<u8>) {
        if self.over {
            return;
        }
        match event {
            Event::Start(said) => self.head = head(said, &self.context),
            Event::Open { choice, block, start } => self.open(*choice, *block, start, out),
            Event::Delta { choice, block, delta } => self.delta(*choice, *block, delta, out),
            Event::Close { choice, block } => self.close(*choice, *block, out),
            Event::Usage(used) => self.usage = Some(*used),
            Event::Finish { choice, finish } => self.finish(*choice, Some(finish), out),
            Event::Ping => out.extend_from_slice(b": ping\n\n"),
            Event::End => self.end(out),
            Event::Fault(broken) => {
                self.over = true;
                out.extend_from_slice(&fault::fault_frame(broken));
            }
        }
    }

    fn open(&mut self, number: u32, block: u32, start: &BlockStart, out: &mut Vec<u8>) {
        let choice = self.choices.entry(number).or_default();
        let position = choice.others.then_some(u64::from(block));
        let place = Place { index: choice.thoughts, position };
        choice.others |= !matches!(start, BlockStart::Reasoning { .. });
        let open = match start {
            BlockStart::Text => {
                choice.text_before += std::mem::take(&mut choice.text_now);
                Open::Text { seal: None }
            }
            BlockStart::Refusal => {
                choice.refused = true;
                Open::Refusal
            }
            BlockStart::Reasoning { summary, redacted, id } => {
                choice.thoughts += 1;
                let reasoning =
                    Reasoning { text: String::new(), summary: *summary, redacted: *redacted, id: id.clone() };
                Open::Reasoning { reasoning, place, seal: None }
            }
            BlockStart::Call { id, name, kind } => {
                let index = choice.calls;
                choice.calls += 1;
                if !self.legacy {
                    self.chunk(number, out, |d| call_start(d, index, id, name, *kind));
                } else if index == 0 {
                    self.chunk(number, out, |d| legacy::piece(d, Some(name), ""));
                }
                Open::Call { index, id: id.clone(), kind: *kind, said: false, seal: None, place }
            }
            BlockStart::Whole(whole) => {
                self.whole(number, block, whole, out);
                Open::Whole
            }
        };
        self.choices.entry(number).or_default().open.insert(block, open);
    }

    /// Media stand in a chunk of their own; text, reasoning and calls that come at once are played as if they came in pieces.
    fn whole(&mut self, number: u32, block: u32, whole: &Block, out: &mut Vec<u8>) {
        let id = self.context.id.clone();
        let (start, delta) = match &whole.content {
            Content::Media(_) => {
                return self.chunk(number, out, |d| choices::write_media(d, std::iter::once(whole), &id));
            }
            Content::Text { text, .. } => (BlockStart::Text, Delta::Text(text.clone())),
            Content::Refusal(text) => (BlockStart::Refusal, Delta::Text(text.clone())),
            Content::Reasoning(r) => {
                let (summary, redacted, id) = (r.summary, r.redacted, r.id.clone());
                (BlockStart::Reasoning { summary, redacted, id }, Delta::Text(r.text.clone()))
            }
            Content::Call(call) => {
                let (id, name, kind) = (call.id.clone(), call.name.clone(), call.kind);
                (BlockStart::Call { id, name, kind }, Delta::Arguments(call.arguments.clone()))
            }
            // A chat message has no place for what a provider's own tools did.
            Content::Server(_) | Content::Opaque { .. } | Content::Result(_) => return,
        };
        self.open(number, block, &start, out);
        self.delta(number, block, &delta, out);
        if let Some(seal) = &whole.seal {
            self.delta(number, block, &Delta::Seal(seal.clone()), out);
        }
        self.close(number, block, out);
    }

    fn delta(&mut self, number: u32, block: u32, delta: &Delta, out: &mut Vec<u8>) {
        let Some(choice) = self.choices.get_mut(&number) else { return };
        let shift = choice.text_before;
        let Some(open) = choice.open.get_mut(&block) else { return };
        match (open, delta) {
            (_, Delta::Text(text)) if text.is_empty() => {}
            (Open::Text { .. }, Delta::Text(text)) => {
                choice.text_now += text.chars().count() as u64;
                self.chunk(number, out, |d| d.text("content", text));
            }
            (Open::Refusal, Delta::Text(text)) => self.chunk(number, out, |d| d.text("refusal", text)),
            (Open::Reasoning { reasoning, place, .. }, Delta::Text(text)) => {
                let (reasoning, place) = (reasoning.clone(), *place);
                self.chunk(number, out, |d| {
                    d.text("reasoning_content", text);
                    d.array("reasoning_details", |a| reasoning::write(a, &reasoning, text, None, place));
                });
            }
            (Open::Call { index, kind, said, .. }, Delta::Arguments(more)) if !more.is_empty() => {
                *said = true;
                let (index, kind) = (*index, *kind);
                self.call_more(number, index, kind, more, out);
            }
            (Open::Text { seal } | Open::Reasoning { seal, .. } | Open::Call { seal, .. }, Delta::Seal(given)) => {
                *seal = Some(given.clone());
            }
            (Open::Text { .. }, Delta::Citation(citation)) if citation.url.is_some() => {
                self.chunk(number, out, |d| d.array("annotations", |a| choices::write_citation(a, citation, shift)));
            }
            (Open::Text { .. } | Open::Refusal, Delta::Logprobs(logprobs)) => {
                self.full_chunk(number, out, |_| {}, logprobs, None);
            }
            _ => {}
        }
    }

    fn call_more(&mut self, number: u32, index: u64, kind: CallKind, more: &str, out: &mut Vec<u8>) {
        if !self.legacy {
            self.chunk(number, out, |d| call_more(d, index, kind, more));
        } else if index == 0 {
            self.chunk(number, out, |d| legacy::piece(d, None, more));
        }
    }

    fn close(&mut self, number: u32, block: u32, out: &mut Vec<u8>) {
        let Some(open) = self.choices.get_mut(&number).and_then(|c| c.open.remove(&block)) else { return };
        match open {
            Open::Text { seal: Some(seal) } => self.chunk(number, out, |d| reasoning::google(d, &seal)),
            Open::Reasoning { reasoning, place, seal: Some(seal) } => self.chunk(number, out, |d| {
                d.array("reasoning_details", |a| reasoning::write(a, &reasoning, "", Some(&seal), place));
            }),
            Open::Call { index, id, kind, said, seal, place } => {
                if !said && kind == CallKind::Function {
                    // Clients parse the arguments, and the empty text is no JSON.
                    self.call_more(number, index, kind, "{}", out);
                }
                if let Some(seal) = seal.filter(|_| !self.legacy) {
                    if let Some(choice) = self.choices.get_mut(&number) {
                        choice.thoughts += 1;
                    }
                    self.chunk(number, out, |d| call_seal(d, index, kind, &id, &seal, place));
                }
            }
            _ => {}
        }
    }

    fn finish(&mut self, number: u32, finish: Option<&Finish>, out: &mut Vec<u8>) {
        let choice = self.choices.entry(number).or_default();
        if std::mem::replace(&mut choice.finished, true) {
            return;
        }
        let word = choices::finish_word(finish, choice.calls > 0, choice.refused);
        let word = legacy::finish_word(word, self.legacy);
        self.full_chunk(number, out, |_| {}, &[], Some(word));
    }

    fn end(&mut self, out: &mut Vec<u8>) {
        self.choices.entry(0).or_default();
        let unfinished: Vec<_> = self.choices.iter().filter(|(_, c)| !c.finished).map(|(n, _)| *n).collect();
        unfinished.into_iter().for_each(|number| self.finish(number, None, out));
        self.over = true;
        if let Some(used) = self.usage.filter(|_| self.context.include_usage) {
            self.write(out, |o| {
                o.array("choices", |_| {});
                usage::write(o, &used);
            });
        }
        sse_event(out, None, b"[DONE]");
    }

    fn chunk(&mut self, number: u32, out: &mut Vec<u8>, fill: impl FnOnce(&mut ObjectWriter<'_>)) {
        self.full_chunk(number, out, fill, &[], None);
    }

    fn full_chunk(
        &mut self,
        number: u32,
        out: &mut Vec<u8>,
        fill: impl FnOnce(&mut ObjectWriter<'_>),
        logprobs: &[Logprob],
        finish: Option<&str>,
    ) {
        let first = !std::mem::replace(&mut self.choices.entry(number).or_default().spoke, true);
        let ask = self.context.include_usage;
        self.write(out, |o| {
            o.array("choices", |a| {
                a.object(|c| {
                    c.uint("index", u64::from(number));
                    c.object("delta", |d| {
                        if first {
                            d.text("role", "assistant");
                        }
                        fill(d);
                    });
                    choices::write_logprobs(c, logprobs);
                    c.text_or_null("finish_reason", finish);
                });
            });
            if ask {
                o.null("usage");
            }
        });
    }

    fn write(&self, out: &mut Vec<u8>, fill: impl FnOnce(&mut ObjectWriter<'_>)) {
        sse_object(out, None, |o| {
            o.members(&self.head);
            fill(o);
        });
    }
}

fn head(said: &ReplyHead, context: &ReplyContext) -> Vec<u8> {
    let mut out = Vec::new();
    json::object(&mut out, |o| {
        match &said.id {
            Some(id) => o.text("id", id),
            None => o.text("id", &format!("chatcmpl-{}", context.id)),
        }
        o.text("object", "chat.completion.chunk");
        o.uint("created", said.created.unwrap_or(context.created));
        o.text("model", said.model.as_deref().unwrap_or(&context.model));
        o.opt_text("service_tier", said.service_tier.as_deref());
        o.opt_text("system_fingerprint", said.system_fingerprint.as_deref());
    });
    out
}

fn call_start(d: &mut ObjectWriter<'_>, index: u64, id: &str, name: &str, kind: CallKind) {
    let (word, input) = spelling(kind);
    d.array("tool_calls", |a| {
        a.object(|c| {
            c.uint("index", index);
            c.text("id", id);
            c.text("type", word);
            c.object(word, |f| {
                f.text("name", name);
                f.text(input, "");
            });
        });
    });
}

fn call_more(d: &mut ObjectWriter<'_>, index: u64, kind: CallKind, more: &str) {
    let (word, input) = spelling(kind);
    d.array("tool_calls", |a| {
        a.object(|c| {
            c.uint("index", index);
            c.object(word, |f| f.text(input, more));
        });
    });
}

/// The empty piece of input is for openai-python, which takes no delta of a call without one.
fn call_seal(d: &mut ObjectWriter<'_>, index: u64, kind: CallKind, id: &str, seal: &Seal, place: Place) {
    let (word, input) = spelling(kind);
    d.array("tool_calls", |a| {
        a.object(|c| {
            c.uint("index", index);
            c.object(word, |f| f.text(input, ""));
            reasoning::google(c, seal);
        });
    });
    d.array("reasoning_details", |a| reasoning::encrypted_entry(a, seal, Some(id), place));
}

const fn spelling(kind: CallKind) -> (&'static str, &'static str) {
    match kind {
        CallKind::Function => ("function", "arguments"),
        CallKind::Custom => ("custom", "input"),
    }
}
