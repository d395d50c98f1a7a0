//! The IR's events as `ConverseStream` events.
//!
//! A block is numbered when it first says something, so one that says nothing leaves no trace. Texts and reasoning have
//! no start of their own, as on Bedrock's own wires; calls have. `messageStop` comes with the finish and `metadata` at
//! the end, always both.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tollgate_ir::{BlockStart, CallKind, Citation, Delta, Event, Finish, Issuer, Seal, Usage};

use crate::bedrock::fault::fault_frame;
use crate::bedrock::reply::{is_sayable, write_finish, write_tier, write_usage};
use crate::bedrock::write::{Writing, citation};
use crate::frame::aws::aws_event_with;
use crate::json::{self, Node, ObjectWriter, object};
use crate::target::ReplyContext;
use crate::translate::CUSTOM_INPUT;

/// See [`crate::codec::StreamEncoder`].
pub struct StreamEncoder {
    started: bool,
    stopped: bool,
    over: bool,
    /// `contentBlockIndex` of the next block.
    next: u64,
    open: Option<Open>,
    usage: Option<Usage>,
    tier: Option<String>,
}

/// The open block: there is one at most, by the sequencer before this encoder.
struct Open {
    block: u32,
    kind: Kind,
    /// Its `contentBlockIndex`, once it has said something.
    index: Option<u64>,
    /// Arguments have been sent.
    argued: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Reasoning {
        redacted: bool,
    },
    Call(CallKind),
    /// Already sent, or without a form here.
    Done,
}

impl StreamEncoder {
    /// See [`crate::codec::StreamEncoder::new`].
    pub fn new(_context: ReplyContext) -> Self {
        Self { started: false, stopped: false, over: false, next: 0, open: None, usage: None, tier: None }
    }

    /// See [`crate::codec::StreamEncoder::event`].
    pub fn event(&mut self, event: &Event, out: &mut Vec<u8>) {
        if self.over {
            return;
        }
        match event {
            Event::Start(head) => {
                self.tier.clone_from(&head.service_tier);
                self.start(out);
            }
            Event::Open { choice: 0, block, start } => self.open(*block, start, out),
            Event::Delta { choice: 0, block, delta } => self.delta(*block, delta, out),
            Event::Close { choice: 0, block } => self.close(*block, out),
            Event::Usage(usage) => self.usage = Some(*usage),
            Event::Finish { choice: 0, finish } => self.stop(Some(finish), out),
            Event::End => {
                self.stop(None, out);
                send(out, "metadata", |o| {
                    write_usage(o, self.usage.as_ref());
                    write_tier(o, self.tier.as_deref());
                });
                self.over = true;
            }
            Event::Fault(fault) => {
                self.start(out);
                out.extend_from_slice(&fault_frame(fault));
                self.over = true;
            }
            _ => {}
        }
    }

    fn start(&mut self, out: &mut Vec<u8>) {
        if !self.started {
            self.started = true;
            send(out, "messageStart", |o| o.text("role", "assistant"));
        }
    }

    fn stop(&mut self, finish: Option<&Finish>, out: &mut Vec<u8>) {
        self.start(out);
        if let Some(open) = &self.open {
            self.close(open.block, out);
        }
        if self.stopped {
            return;
        }
        self.stopped = true;
        send(out, "messageStop", |o| {
            o.text("stopReason", write_finish(finish));
            if let Some(Finish::StopSequence(Some(sequence))) = finish {
                o.object("additionalModelResponseFields", |o| o.text("stop_sequence", sequence));
            }
        });
    }

    fn open(&mut self, block: u32, start: &BlockStart, out: &mut Vec<u8>) {
        self.start(out);
        if let Some(open) = &self.open {
            self.close(open.block, out);
        }
        let kind = match start {
            BlockStart::Text | BlockStart::Refusal => Kind::Text,
            BlockStart::Reasoning { redacted, .. } => Kind::Reasoning { redacted: *redacted },
            BlockStart::Call { kind, .. } => Kind::Call(*kind),
            BlockStart::Whole(_) => Kind::Done,
        };
        self.open = Some(Open { block, kind, index: None, argued: false });
        match start {
            BlockStart::Call { id, name, .. } => {
                let index = self.index();
                send_block(out, "contentBlockStart", index, |o| {
                    o.object("start", |o| {
                        o.object("toolUse", |o| {
                            o.text("toolUseId", id);
                            o.text("name", name);
                        });
                    });
                });
            }
            BlockStart::Whole(whole) if is_sayable(whole) => self.whole(whole, out),
            _ => {}
        }
    }

    /// The open block's index, given to it now if it has none.
    fn index(&mut self) -> u64 {
        let next = self.next;
        let Some(open) = &mut self.open else { return next };
        *open.index.get_or_insert_with(|| {
            self.next += 1;
            next
        })
    }

    fn delta(&mut self, block: u32, delta: &Delta, out: &mut Vec<u8>) {
        let Some(kind) = self.open.as_ref().filter(|open| open.block == block).map(|open| open.kind) else { return };
        match (delta, kind) {
            (Delta::Text(text), Kind::Text) if !text.is_empty() => self.say(out, |o| o.text("text", text)),
            (Delta::Text(text), Kind::Reasoning { .. }) if !text.is_empty() => {
                self.say(out, |o| o.object("reasoningContent", |o| o.text("text", text)));
            }
            (Delta::Seal(seal), Kind::Reasoning { redacted }) => self.seal(seal, redacted, out),
            (Delta::Arguments(more), Kind::Call(kind)) if !more.is_empty() => self.argue(kind, more, out),
            (Delta::Citation(found), Kind::Text) => self.cite(found, out),
            _ => {}
        }
    }

    fn say(&mut self, out: &mut Vec<u8>, fill: impl FnOnce(&mut ObjectWriter<'_>)) {
        let index = self.index();
        send_block(out, "contentBlockDelta", index, |o| o.object("delta", fill));
    }

    /// Only Claude's seals have a place in Converse.
    fn seal(&mut self, seal: &Seal, redacted: bool, out: &mut Vec<u8>) {
        if seal.issuer != Issuer::Anthropic || seal.data.is_empty() {
            return;
        }
        self.say(out, |o| {
            o.object("reasoningContent", |o| {
                if redacted {
                    o.text("redactedContent", &STANDARD.encode(&seal.data));
                } else {
                    o.text("signature", &seal.data);
                }
            });
        });
    }

    /// Free text goes in the object that stands for it, piece by piece.
    fn argue(&mut self, kind: CallKind, more: &str, out: &mut Vec<u8>) {
        let first = self.open.as_mut().is_some_and(|open| !std::mem::replace(&mut open.argued, true));
        let input = match kind {
            CallKind::Function => more.to_owned(),
            CallKind::Custom if first => format!("{}{}", custom_head(), escaped(more)),
            CallKind::Custom => escaped(more),
        };
        self.say(out, |o| o.object("toolUse", |o| o.text("input", &input)));
    }

    fn cite(&mut self, found: &Citation, out: &mut Vec<u8>) {
        self.say(out, |o| o.object("citation", |o| citation(o, found)));
    }

    fn close(&mut self, block: u32, out: &mut Vec<u8>) {
        let Some(open) = self.open.take_if(|open| open.block == block) else { return };
        // SDKs parse what was sent, and nothing is no JSON.
        let rest = match (open.kind, open.argued) {
            (Kind::Call(CallKind::Function), false) => Some("{}".to_owned()),
            (Kind::Call(CallKind::Custom), false) => Some(format!("{}\"}}", custom_head())),
            (Kind::Call(CallKind::Custom), true) => Some("\"}".to_owned()),
            _ => None,
        };
        let Some(index) = open.index else { return };
        if let Some(rest) = rest {
            send_block(out, "contentBlockDelta", index, |o| {
                o.object("delta", |o| o.object("toolUse", |o| o.text("input", &rest)));
            });
        }
        send_block(out, "contentBlockStop", index, |_| {});
    }

    /// A block that comes at once: what a delta can say of it, or start and deltas by its own form.
    fn whole(&mut self, whole: &tollgate_ir::Block, out: &mut Vec<u8>) {
        let mut json = Vec::new();
        let mut writing = Writing::to_client();
        let written = json::array(&mut json, |a| writing.block(a, whole));
        let node = Node::read(&json).filter(|_| written.is_ok());
        let member = node.as_ref().and_then(|node| node.items().first()?.entries().first().cloned());
        let Some((member, value)) = member else { return };
        let (kept, streamed): (Vec<_>, Vec<_>) = value
            .entries()
            .iter()
            .cloned()
            .partition(|(key, _)| !["input", "content", "source"].contains(&key.as_ref()));
        let index = self.index();
        match member.as_ref() {
            "text" => self.say(out, |o| o.node("text", &value)),
            "toolUse" | "toolResult" | "image" => {
                send_block(out, "contentBlockStart", index, |o| {
                    o.object("start", |o| {
                        o.object(&member, |o| kept.iter().for_each(|(key, value)| o.node(key, value)))
                    });
                });
                self.say(out, |o| match (member.as_ref(), streamed.first()) {
                    ("toolUse", Some((_, input))) => o.object("toolUse", |o| o.text("input", &input.to_text())),
                    ("toolResult", Some((_, content))) => o.node("toolResult", content),
                    (_, Some((key, source))) => o.object("image", |o| o.node(key, source)),
                    (other, None) => o.object(other, |_| {}),
                });
            }
            _ => {}
        }
    }
}

fn custom_head() -> String {
    format!("{{\"{CUSTOM_INPUT}\":\"")
}

/// The inside of a JSON string.
fn escaped(text: &str) -> String {
    let mut out = Vec::new();
    json::text(&mut out, text);
    let inside = out.get(1..out.len().saturating_sub(1)).unwrap_or_default();
    String::from_utf8_lossy(inside).into_owned()
}

fn send(out: &mut Vec<u8>, event: &str, fill: impl FnOnce(&mut ObjectWriter<'_>)) {
    aws_event_with(out, event, |out| object(out, fill));
}

fn send_block(out: &mut Vec<u8>, event: &str, index: u64, fill: impl FnOnce(&mut ObjectWriter<'_>)) {
    send(out, event, |o| {
        o.uint("contentBlockIndex", index);
        fill(o);
    });
}
