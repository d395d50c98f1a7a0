use std::collections::BTreeMap;

use tollgate_ir::{BlockStart, Call, Content, Delta, Event, Finish, MediaSource, Usage};

use crate::json::{ObjectWriter, object};
use crate::ollama::words::Clock;
use crate::ollama::{fault, history};
use crate::openai_responses::write_logprobs;
use crate::target::ReplyContext;

/// See [`crate::codec::StreamEncoder`]. Lines are independent of each other, so blocks may interleave; a call is told
/// whole.
pub struct StreamEncoder {
    model: String,
    clock: Clock,
    over: bool,
    open: BTreeMap<u32, Open>,
    calls: u64,
    usage: Option<Usage>,
    finish: Option<Finish>,
}

/// A block that is open.
enum Open {
    Text,
    Thinking,
    Call(Call),
}

impl StreamEncoder {
    /// See [`crate::codec::StreamEncoder::new`].
    pub fn new(context: ReplyContext) -> Self {
        let clock = Clock::new(&context);
        Self { model: context.model, clock, over: false, open: BTreeMap::new(), calls: 0, usage: None, finish: None }
    }

    /// See [`crate::codec::StreamEncoder::event`].
    pub fn event(&mut self, event: &Event, out: &mut Vec<u8>) {
        if self.over {
            return;
        }
        match event {
            Event::Start(head) => {
                if let Some(model) = &head.model {
                    self.model.clone_from(model);
                }
            }
            Event::Open { choice: 0, block, start } => self.open(*block, start, out),
            Event::Delta { choice: 0, block, delta } => self.delta(*block, delta, out),
            Event::Close { choice: 0, block } => self.close(*block, out),
            Event::Usage(usage) => self.usage = Some(*usage),
            Event::Finish { choice: 0, finish } => self.finish = Some(finish.clone()),
            Event::End => self.end(out),
            Event::Fault(fault) => {
                self.over = true;
                out.extend_from_slice(&fault::fault_frame(fault));
            }
            Event::Open { .. } | Event::Delta { .. } | Event::Close { .. } | Event::Finish { .. } | Event::Ping => {}
        }
    }

    fn open(&mut self, block: u32, start: &BlockStart, out: &mut Vec<u8>) {
        let open = match start {
            BlockStart::Text | BlockStart::Refusal => Open::Text,
            BlockStart::Reasoning { .. } => Open::Thinking,
            BlockStart::Call { id, name, kind } => {
                Open::Call(Call { id: id.clone(), name: name.clone(), arguments: String::new(), kind: *kind })
            }
            BlockStart::Whole(whole) => return self.whole(&whole.content, out),
        };
        self.open.insert(block, open);
    }

    /// A block that comes at once.
    fn whole(&mut self, content: &Content, out: &mut Vec<u8>) {
        match content {
            Content::Call(call) => self.call(call, out),
            Content::Text { text, .. } | Content::Refusal(text) => self.line(out, |_| {}, |m| m.text("content", text)),
            Content::Media(media) => {
                if let MediaSource::Base64(data) = &media.source {
                    self.line(
                        out,
                        |_| {},
                        |m| {
                            m.text("content", "");
                            m.array("images", |a| a.text(data));
                        },
                    );
                }
            }
            Content::Reasoning(_) | Content::Result(_) | Content::Server(_) | Content::Opaque { .. } => {}
        }
    }

    fn delta(&mut self, block: u32, delta: &Delta, out: &mut Vec<u8>) {
        match (delta, self.open.get_mut(&block)) {
            (Delta::Arguments(more), Some(Open::Call(call))) => call.arguments.push_str(more),
            (Delta::Text(text), Some(Open::Text)) if !text.is_empty() => {
                self.line(out, |_| {}, |m| m.text("content", text));
            }
            (Delta::Text(text), Some(Open::Thinking)) if !text.is_empty() => self.line(
                out,
                |_| {},
                |m| {
                    m.text("content", "");
                    m.text("thinking", text);
                },
            ),
            (Delta::Logprobs(logprobs), Some(Open::Text)) => {
                self.line(out, |o| write_logprobs(o, logprobs), |m| m.text("content", ""));
            }
            _ => {}
        }
    }

    fn close(&mut self, block: u32, out: &mut Vec<u8>) {
        if let Some(Open::Call(call)) = self.open.remove(&block) {
            self.call(&call, out);
        }
    }

    fn call(&mut self, call: &Call, out: &mut Vec<u8>) {
        let index = self.calls;
        self.calls += 1;
        self.line(
            out,
            |_| {},
            |m| {
                m.text("content", "");
                m.array("tool_calls", |a| history::write_call(a, call, &call.name, index));
            },
        );
    }

    /// Calls that never closed are told all the same.
    fn end(&mut self, out: &mut Vec<u8>) {
        for open in std::mem::take(&mut self.open).into_values() {
            if let Open::Call(call) = open {
                self.call(&call, out);
            }
        }
        self.over = true;
        self.write(out, |o, this| {
            o.object("message", |m| {
                m.text("role", "assistant");
                m.text("content", "");
            });
            this.clock.write_end(o, this.finish.as_ref(), this.usage.as_ref());
        });
    }

    /// A line within the answer.
    fn line(
        &mut self,
        out: &mut Vec<u8>,
        beside: impl FnOnce(&mut ObjectWriter<'_>),
        message: impl FnOnce(&mut ObjectWriter<'_>),
    ) {
        self.clock.first_words();
        self.write(out, |o, _| {
            o.object("message", |m| {
                m.text("role", "assistant");
                message(m);
            });
            beside(o);
            o.boolean("done", false);
        });
    }

    fn write(&self, out: &mut Vec<u8>, fill: impl FnOnce(&mut ObjectWriter<'_>, &Self)) {
        object(out, |o| {
            o.text("model", &self.model);
            o.text("created_at", &self.clock.now());
            fill(o, self);
        });
        out.push(b'\n');
    }
}
