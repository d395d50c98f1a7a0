//! Events → a client's stream.
//!
//! One block is open at a time (the sequencer sees to it); indices are counted here, since blocks that have no place in
//! this protocol are left out. `message_start` says 0 tokens where nobody knows yet, `message_delta` says all of them.

use tollgate_ir::{Block, BlockStart, Call, CallKind, Delta, Event, Fault, Finish, ReplyHead, Usage};

use crate::anthropic::blocks::write::{self, For};
use crate::anthropic::{citations, fault, finish, reply, seal, usage};
use crate::frame::{sse_event, sse_object};
use crate::json::{Node, ObjectWriter, array};
use crate::target::ReplyContext;

/// See [`crate::codec::StreamEncoder`].
pub struct StreamEncoder {
    context: ReplyContext,
    head: ReplyHead,
    started: bool,
    /// The index of the next block.
    next: u64,
    open: Option<Open>,
    usage: Option<Usage>,
    finish: Option<Finish>,
    over: bool,
}

/// The block that is open.
struct Open {
    block: (u32, u32),
    kind: Kind,
    /// `content_block_start` has gone out. A redacted block waits for its data, an empty text for a word.
    begun: bool,
}

enum Kind {
    Text,
    Thinking {
        id: Option<String>,
    },
    Redacted {
        id: Option<String>,
    },
    Call,
    /// A custom tool's: its text is gathered, since what goes out must be a JSON object.
    Custom(Call),
    /// It came whole; deltas to it mean nothing.
    Whole,
}

impl StreamEncoder {
    /// See [`crate::codec::StreamEncoder::new`].
    pub fn new(context: ReplyContext) -> Self {
        Self {
            context,
            head: ReplyHead::default(),
            started: false,
            next: 0,
            open: None,
            usage: None,
            finish: None,
            over: false,
        }
    }

    /// See [`crate::codec::StreamEncoder::event`].
    pub fn event(&mut self, event: &Event, out: &mut Vec<u8>) {
        if self.over {
            return;
        }
        match event {
            Event::Start(head) => {
                if !self.started {
                    self.head = head.clone();
                }
                self.start(out);
            }
            Event::Open { choice, block, start } => self.open((*choice, *block), start, out),
            Event::Delta { choice, block, delta } => self.delta((*choice, *block), delta, out),
            Event::Close { choice, block } => {
                if self.open.as_ref().is_some_and(|open| open.block == (*choice, *block)) {
                    self.close(out);
                }
            }
            Event::Usage(usage) => self.usage = Some(*usage),
            Event::Finish { finish, .. } => self.finish = self.finish.take().or_else(|| Some(finish.clone())),
            Event::Ping => {
                self.start(out);
                sse_event(out, Some("ping"), br#"{"type":"ping"}"#);
            }
            Event::End => self.end(out),
            Event::Fault(fault) => self.fail(fault, out),
        }
    }

    fn start(&mut self, out: &mut Vec<u8>) {
        if std::mem::replace(&mut self.started, true) {
            return;
        }
        event(out, "message_start", |o| {
            o.object("message", |o| {
                reply::write_head(o, &self.head, &self.context);
                o.array("content", |_| {});
                o.null("stop_reason");
                o.null("stop_sequence");
                o.object("usage", |o| {
                    usage::write(o, &self.usage.unwrap_or_default());
                    reply::write_tier(o, &self.head);
                });
            });
        });
    }

    fn open(&mut self, at: (u32, u32), start: &BlockStart, out: &mut Vec<u8>) {
        self.start(out);
        self.close(out);
        let kind = match start {
            BlockStart::Text | BlockStart::Refusal => Kind::Text,
            BlockStart::Reasoning { redacted: true, id, .. } => Kind::Redacted { id: id.clone() },
            BlockStart::Reasoning { id, .. } => Kind::Thinking { id: id.clone() },
            BlockStart::Call { id, name, kind: kind @ CallKind::Custom } => {
                Kind::Custom(Call { id: id.clone(), name: name.clone(), arguments: String::new(), kind: *kind })
            }
            BlockStart::Call { .. } => Kind::Call,
            BlockStart::Whole(_) => Kind::Whole,
        };
        self.open = Some(Open { block: at, kind, begun: false });
        match start {
            BlockStart::Call { id, name, kind } => {
                let call = Call { id: id.clone(), name: name.clone(), arguments: String::new(), kind: *kind };
                self.begin(out, |o| {
                    o.text("type", "tool_use");
                    write::call_head(o, &call, For::Client);
                    o.object("input", |_| {});
                });
            }
            BlockStart::Whole(block) => self.whole(block, out),
            _ => {}
        }
    }

    /// Sends the start of the open block.
    fn begin(&mut self, out: &mut Vec<u8>, fill: impl FnOnce(&mut ObjectWriter<'_>)) {
        if let Some(open) = &mut self.open
            && !std::mem::replace(&mut open.begun, true)
        {
            event(out, "content_block_start", |o| {
                o.uint("index", self.next);
                o.object("content_block", fill);
            });
        }
    }

    /// A block that comes at once. The input of a provider-run call follows its start, as it does at Anthropic.
    fn whole(&mut self, block: &Block, out: &mut Vec<u8>) {
        let mut written = Vec::new();
        array(&mut written, |a| write::block(a, block, None, For::Client));
        let Some(array) = Node::read(&written) else { return };
        let Some(node) = array.items().first() else { return };
        let input = node.get("input").filter(|input| !input.entries().is_empty());
        self.begin(out, |o| {
            for (key, value) in node.entries() {
                if key == "input" {
                    o.object("input", |_| {});
                } else {
                    o.node(key, value);
                }
            }
        });
        if let Some(input) = input {
            self.block_delta(out, "input_json_delta", |o| o.text("partial_json", &input.to_text()));
        }
    }

    fn delta(&mut self, at: (u32, u32), delta: &Delta, out: &mut Vec<u8>) {
        let Some(open) = self.open.as_mut().filter(|open| open.block == at) else { return };
        match (&mut open.kind, delta) {
            (Kind::Custom(call), Delta::Arguments(more)) => call.arguments.push_str(more),
            (Kind::Text, Delta::Text(text)) if !text.is_empty() => {
                self.begin_words(out);
                self.block_delta(out, "text_delta", |o| o.text("text", text));
            }
            (Kind::Text, Delta::Citation(citation)) if citations::can_say(citation) => {
                self.begin_words(out);
                self.block_delta(out, "citations_delta", |o| citations::write_field(o, "citation", citation));
            }
            (Kind::Thinking { .. }, Delta::Text(text)) if !text.is_empty() => {
                self.begin_words(out);
                self.block_delta(out, "thinking_delta", |o| o.text("thinking", text));
            }
            (Kind::Thinking { id }, Delta::Seal(sealed)) => {
                let signature = seal::write(sealed, id.as_deref());
                self.begin_words(out);
                self.block_delta(out, "signature_delta", |o| o.text("signature", &signature));
            }
            (Kind::Redacted { id }, Delta::Seal(sealed)) => {
                let data = seal::write(sealed, id.as_deref());
                self.begin(out, |o| {
                    o.text("type", "redacted_thinking");
                    o.text("data", &data);
                });
            }
            // `null` for no arguments (Cohere) would take the place of the empty object.
            (Kind::Call, Delta::Arguments(more)) if !more.is_empty() && more != "null" => {
                self.block_delta(out, "input_json_delta", |o| o.text("partial_json", more));
            }
            _ => {}
        }
    }

    /// Begins a block of words when its first ones come, so that none is sent that stays empty.
    fn begin_words(&mut self, out: &mut Vec<u8>) {
        let thinking = self.open.as_ref().is_some_and(|open| matches!(open.kind, Kind::Thinking { .. }));
        self.begin(out, |o| {
            if thinking {
                o.text("type", "thinking");
                o.text("thinking", "");
                o.text("signature", "");
            } else {
                o.text("type", "text");
                o.text("text", "");
            }
        });
    }

    fn block_delta(&self, out: &mut Vec<u8>, kind: &str, fill: impl FnOnce(&mut ObjectWriter<'_>)) {
        event(out, "content_block_delta", |o| {
            o.uint("index", self.next);
            o.object("delta", |o| {
                o.text("type", kind);
                fill(o);
            });
        });
    }

    fn close(&mut self, out: &mut Vec<u8>) {
        if let Some(Open { kind: Kind::Custom(call), .. }) = &self.open {
            let input = write::input(call);
            self.block_delta(out, "input_json_delta", |o| o.text("partial_json", &input));
        }
        if self.open.take().is_some_and(|open| open.begun) {
            event(out, "content_block_stop", |o| o.uint("index", self.next));
            self.next += 1;
        }
    }

    fn end(&mut self, out: &mut Vec<u8>) {
        self.start(out);
        self.close(out);
        self.over = true;
        let finish = self.finish.as_ref();
        event(out, "message_delta", |o| {
            o.object("delta", |o| {
                o.text("stop_reason", finish::reason(finish));
                o.text_or_null("stop_sequence", finish::sequence(finish));
            });
            o.object("usage", |o| usage::write(o, &self.usage.unwrap_or_default()));
        });
        event(out, "message_stop", |_| {});
    }

    fn fail(&mut self, fault: &Fault, out: &mut Vec<u8>) {
        self.over = true;
        out.extend_from_slice(&fault::fault_frame(fault));
    }
}

fn event(out: &mut Vec<u8>, name: &str, fill: impl FnOnce(&mut ObjectWriter<'_>)) {
    sse_object(out, Some(name), |o| {
        o.text("type", name);
        fill(o);
    });
}
