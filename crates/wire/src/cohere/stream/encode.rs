use std::borrow::Cow;

use tollgate_ir::{Block, BlockStart, CallKind, Citation, Content, Delta, Event, Fault, Finish, Logprob, Usage};

use super::END_OF_STREAM;
use crate::cohere::{citations, fault, messages, reply, usage};
use crate::frame::sse_object;
use crate::json::{self, ObjectWriter};
use crate::target::ReplyContext;
use crate::translate::CUSTOM_INPUT;

/// See [`crate::codec::StreamEncoder`]. The sequencer before it lets one block be open at a time.
pub struct StreamEncoder {
    context: ReplyContext,
    started: bool,
    over: bool,
    open: Option<((u32, u32), Open)>,
    contents: u64,
    calls: u64,
    citations: u64,
    usage: Option<Usage>,
    finish: Option<Finish>,
}

/// The block that is open.
enum Open {
    /// Content whose start waits for the first words: an empty block is none, and a mark may make it the plan.
    Waiting { kind: &'static str },
    /// Content that has begun, with its text so far, into which citations point.
    Content { kind: &'static str, index: u64, text: String },
    /// The plan, which has no start and no end.
    Plan,
    /// A call, and whether it has arguments yet. Free text goes into a JSON object of one text.
    Call { index: u64, argued: bool, free: bool },
    /// What Cohere has no place for.
    Nothing,
}

impl StreamEncoder {
    /// See [`crate::codec::StreamEncoder::new`].
    pub const fn new(context: ReplyContext) -> Self {
        Self {
            context,
            started: false,
            over: false,
            open: None,
            contents: 0,
            calls: 0,
            citations: 0,
            usage: None,
            finish: None,
        }
    }

    /// See [`crate::codec::StreamEncoder::event`].
    pub fn event(&mut self, event: &Event, out: &mut Vec<u8>) {
        if self.over {
            return;
        }
        match event {
            Event::Start(head) => self.start(head.id.as_deref(), out),
            Event::Open { choice: 0, block, start } => {
                self.start(None, out);
                self.close(out);
                self.open((0, *block), start, out);
            }
            Event::Delta { choice: 0, block, delta } if self.is_open((0, *block)) => self.delta(delta, out),
            Event::Close { choice: 0, block } if self.is_open((0, *block)) => self.close(out),
            Event::Usage(usage) => self.usage = Some(*usage),
            Event::Finish { choice: 0, finish } => self.finish = Some(finish.clone()),
            Event::End => self.end(out),
            Event::Fault(fault) => self.fault(fault, out),
            _ => {}
        }
    }

    fn is_open(&self, at: (u32, u32)) -> bool {
        self.open.as_ref().is_some_and(|(open, _)| *open == at)
    }

    fn start(&mut self, id: Option<&str>, out: &mut Vec<u8>) {
        if std::mem::replace(&mut self.started, true) {
            return;
        }
        sse_object(out, Some("message-start"), |o| {
            o.text("id", id.unwrap_or(&self.context.id));
            o.text("type", "message-start");
            o.object("delta", |d| {
                d.object("message", |m| {
                    m.text("role", "assistant");
                    m.array("content", |_| {});
                    m.text("tool_plan", "");
                    m.array("tool_calls", |_| {});
                    m.array("citations", |_| {});
                });
            });
        });
    }

    fn open(&mut self, at: (u32, u32), start: &BlockStart, out: &mut Vec<u8>) {
        let open = match start {
            BlockStart::Text | BlockStart::Refusal => Open::Waiting { kind: "text" },
            BlockStart::Reasoning { .. } => Open::Waiting { kind: "thinking" },
            BlockStart::Call { id, name, kind } => self.open_call(id, name, *kind, out),
            BlockStart::Whole(_) => Open::Nothing,
        };
        self.open = Some((at, open));
        if let BlockStart::Whole(block) = start {
            self.whole(at, block, out);
        }
    }

    fn open_call(&mut self, id: &str, name: &str, kind: CallKind, out: &mut Vec<u8>) -> Open {
        let index = self.calls;
        self.calls += 1;
        event(out, "tool-call-start", Some(index), |m| {
            m.object("tool_calls", |c| {
                c.text("id", id);
                c.text("type", "function");
                c.object("function", |f| {
                    f.text("name", name);
                    f.text("arguments", "");
                });
            });
        });
        Open::Call { index, argued: false, free: kind == CallKind::Custom }
    }

    /// A block that comes at once, as the events of its kind.
    fn whole(&mut self, at: (u32, u32), block: &Block, out: &mut Vec<u8>) {
        let (start, words) = match &block.content {
            Content::Text { text, .. } | Content::Refusal(text) => (BlockStart::Text, Delta::Text(text.clone())),
            Content::Reasoning(r) => {
                (BlockStart::Reasoning { summary: false, redacted: false, id: None }, Delta::Text(r.text.clone()))
            }
            Content::Call(call) => {
                let start = BlockStart::Call { id: call.id.clone(), name: call.name.clone(), kind: call.kind };
                (start, Delta::Arguments(call.arguments.clone()))
            }
            Content::Media(_) | Content::Result(_) | Content::Server(_) | Content::Opaque { .. } => return,
        };
        self.open(at, &start, out);
        self.delta(&words, out);
    }

    fn delta(&mut self, delta: &Delta, out: &mut Vec<u8>) {
        match delta {
            Delta::Text(words) => self.words(words, out),
            Delta::Arguments(words) if !words.is_empty() => {
                if let Some((_, Open::Call { index, argued, free })) = &mut self.open {
                    let first = !std::mem::replace(argued, true);
                    arguments(
                        out,
                        *index,
                        &if *free { Cow::Owned(wrapped(words, first)) } else { Cow::Borrowed(words) },
                    );
                }
            }
            Delta::Citation(citation) => self.citation(citation, out),
            Delta::Logprobs(logprobs) => self.logprobs(logprobs, out),
            Delta::Carry(carry) if messages::is_plan(Some(carry)) => {
                if let Some((_, open @ Open::Waiting { .. })) = &mut self.open {
                    *open = Open::Plan;
                }
            }
            Delta::Arguments(_) | Delta::Seal(_) | Delta::Carry(_) => {}
        }
    }

    fn words(&mut self, words: &str, out: &mut Vec<u8>) {
        if words.is_empty() {
            return;
        }
        if let Some((_, open @ Open::Waiting { .. })) = &mut self.open
            && let Open::Waiting { kind } = *open
        {
            let index = self.contents;
            self.contents += 1;
            *open = Open::Content { kind, index, text: String::new() };
            event(out, "content-start", Some(index), |m| {
                m.object("content", |c| {
                    c.text("type", kind);
                    c.text(kind, "");
                });
            });
        }
        match &mut self.open {
            Some((_, Open::Content { kind, index, text })) => {
                text.push_str(words);
                event(out, "content-delta", Some(*index), |m| m.object("content", |c| c.text(kind, words)));
            }
            Some((_, Open::Plan)) => event(out, "tool-plan-delta", None, |m| m.text("tool_plan", words)),
            _ => {}
        }
    }

    fn citation(&mut self, citation: &Citation, out: &mut Vec<u8>) {
        let Some((_, Open::Content { index, text, kind: "text" })) = &self.open else { return };
        let mut cited = Vec::new();
        citations::encode(&mut cited, citation, text, *index);
        let at = self.citations;
        self.citations += 1;
        event(out, "citation-start", Some(at), |m| m.raw("citations", &String::from_utf8_lossy(&cited)));
        end_event(out, "citation-end", at);
    }

    fn logprobs(&self, logprobs: &[Logprob], out: &mut Vec<u8>) {
        let Some((_, Open::Content { index, kind, .. })) = &self.open else { return };
        sse_object(out, Some("content-delta"), |o| {
            o.text("type", "content-delta");
            o.uint("index", *index);
            o.object("delta", |d| d.object("message", |m| m.object("content", |c| c.text(kind, ""))));
            o.object("logprobs", |l| reply::write_logprobs(l, &logprobs.iter().collect::<Vec<_>>()));
        });
    }

    fn close(&mut self, out: &mut Vec<u8>) {
        match self.open.take() {
            Some((_, Open::Content { index, .. })) => end_event(out, "content-end", index),
            Some((_, Open::Call { index, argued, free })) => {
                match (argued, free) {
                    (true, true) => arguments(out, index, "\"}"),
                    (true, false) => {}
                    (false, _) => arguments(out, index, "{}"),
                }
                end_event(out, "tool-call-end", index);
            }
            Some((_, Open::Waiting { .. } | Open::Plan | Open::Nothing)) | None => {}
        }
    }

    fn end(&mut self, out: &mut Vec<u8>) {
        self.start(None, out);
        self.close(out);
        self.over = true;
        sse_object(out, Some("message-end"), |o| {
            o.text("type", "message-end");
            o.object("delta", |d| {
                d.text("finish_reason", usage::encode_finish(self.finish.as_ref(), self.calls > 0));
                usage::encode(d, self.usage.as_ref());
            });
        });
        out.extend_from_slice(END_OF_STREAM);
    }

    fn fault(&mut self, fault: &Fault, out: &mut Vec<u8>) {
        self.start(None, out);
        self.close(out);
        self.over = true;
        fault::end_with_error(out, fault, |d| usage::encode(d, self.usage.as_ref()));
    }
}

/// An event whose delta is a message.
fn event(out: &mut Vec<u8>, kind: &str, index: Option<u64>, fill: impl FnOnce(&mut ObjectWriter<'_>)) {
    sse_object(out, Some(kind), |o| {
        o.text("type", kind);
        o.opt_uint("index", index);
        o.object("delta", |d| d.object("message", fill));
    });
}

fn arguments(out: &mut Vec<u8>, index: u64, words: &str) {
    event(out, "tool-call-delta", Some(index), |m| {
        m.object("tool_calls", |c| c.object("function", |f| f.text("arguments", words)));
    });
}

/// Free text as the inside of `{"input":"…"}`; the end is written when the block closes.
fn wrapped(words: &str, first: bool) -> String {
    let mut quoted = Vec::new();
    json::text(&mut quoted, words);
    let quoted = String::from_utf8_lossy(&quoted);
    let inside = &quoted[1..quoted.len() - 1];
    let before = if first { format!("{{\"{CUSTOM_INPUT}\":\"") } else { String::new() };
    before + inside
}

fn end_event(out: &mut Vec<u8>, kind: &str, index: u64) {
    sse_object(out, Some(kind), |o| {
        o.text("type", kind);
        o.uint("index", index);
    });
}
