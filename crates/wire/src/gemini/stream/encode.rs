//! Events → a client's chunks.
//!
//! Words go out as they come; a call goes out whole when it closes, since clients that did not ask for `partialArgs`
//! cannot read them. Finishes, usage and grounding go into the last chunk, as Google does.

use std::collections::BTreeMap;

use tollgate_ir::{BlockStart, CallKind, Content, Delta, Event, Finish, Issuer, Logprob, ReplyHead, Seal, Usage};

use crate::frame::sse_object;
use crate::gemini::grounding::Grounds;
use crate::gemini::{answer, fault, parts, reply};
use crate::json::{ArrayWriter, ObjectWriter};
use crate::target::ReplyContext;

/// See [`crate::codec::StreamEncoder`].
pub struct StreamEncoder {
    context: ReplyContext,
    head: ReplyHead,
    open: BTreeMap<(u32, u32), Open>,
    choices: BTreeMap<u32, Choice>,
    usage: Option<Usage>,
    over: bool,
}

/// A block that has not closed.
enum Open {
    /// Text with its words so far, for citations.
    Text(String),
    Reasoning,
    Call {
        id: String,
        name: String,
        kind: CallKind,
        arguments: String,
        seal: Option<String>,
    },
    Whole,
}

/// What is kept of a choice for its last chunk.
#[derive(Default)]
struct Choice {
    finish: Option<Finish>,
    grounds: Grounds,
    logprobs: Vec<Logprob>,
}

impl StreamEncoder {
    /// See [`crate::codec::StreamEncoder::new`].
    pub fn new(context: ReplyContext) -> Self {
        Self {
            context,
            head: ReplyHead::default(),
            open: BTreeMap::new(),
            choices: BTreeMap::new(),
            usage: None,
            over: false,
        }
    }

    /// See [`crate::codec::StreamEncoder::event`].
    pub fn event(&mut self, event: &Event, out: &mut Vec<u8>) {
        if self.over {
            return;
        }
        match event {
            Event::Start(head) => self.head = head.clone(),
            Event::Open { choice, block, start } => self.open(*choice, *block, start, out),
            Event::Delta { choice, block, delta } => self.delta((*choice, *block), delta, out),
            Event::Close { choice, block } => self.close((*choice, *block), out),
            Event::Usage(usage) => self.usage = Some(*usage),
            Event::Finish { choice, finish } => {
                self.choices.entry(*choice).or_default().finish = Some(finish.clone());
            }
            Event::Ping => {}
            Event::End => {
                self.over = true;
                self.last(out);
            }
            Event::Fault(fault) => {
                self.over = true;
                out.extend_from_slice(&fault::fault_frame(fault));
            }
        }
    }

    fn open(&mut self, choice: u32, block: u32, start: &BlockStart, out: &mut Vec<u8>) {
        self.choices.entry(choice).or_default();
        let open = match start {
            BlockStart::Text | BlockStart::Refusal => Open::Text(String::new()),
            BlockStart::Reasoning { .. } => Open::Reasoning,
            BlockStart::Call { id, name, kind } => {
                Open::Call { id: id.clone(), name: name.clone(), kind: *kind, arguments: String::new(), seal: None }
            }
            BlockStart::Whole(whole) => {
                // A block that came whole carries its words with it.
                if let Content::Text { citations, text } = &whole.content {
                    let grounds = &mut self.choices.entry(choice).or_default().grounds;
                    citations.iter().for_each(|c| grounds.add(0, c, text));
                }
                if reply::sayable(whole) {
                    self.chunk(choice, out, |a| reply::part(a, whole));
                }
                Open::Whole
            }
        };
        self.open.insert((choice, block), open);
    }

    fn delta(&mut self, at: (u32, u32), delta: &Delta, out: &mut Vec<u8>) {
        match (self.open.get_mut(&at), delta) {
            (Some(Open::Text(said)), Delta::Text(more)) if !more.is_empty() => {
                said.push_str(more);
                self.chunk(at.0, out, |a| parts::text(a, more, false, None));
            }
            (Some(Open::Reasoning), Delta::Text(more)) if !more.is_empty() => {
                self.chunk(at.0, out, |a| parts::text(a, more, true, None));
            }
            (Some(Open::Call { arguments, .. }), Delta::Arguments(more)) => arguments.push_str(more),
            (Some(Open::Call { seal, .. }), Delta::Seal(new)) => {
                if let Some(data) = own(new) {
                    *seal = Some(data.to_owned());
                }
            }
            (Some(Open::Text(_) | Open::Reasoning), Delta::Seal(new)) => {
                if let Some(data) = own(new) {
                    self.chunk(at.0, out, |a| parts::text(a, "", false, Some(data)));
                }
            }
            (Some(Open::Text(said)), Delta::Citation(citation)) => {
                self.choices.entry(at.0).or_default().grounds.add(0, citation, said);
            }
            (_, Delta::Logprobs(more)) => self.choices.entry(at.0).or_default().logprobs.extend_from_slice(more),
            _ => {}
        }
    }

    fn close(&mut self, at: (u32, u32), out: &mut Vec<u8>) {
        if let Some(Open::Call { id, name, kind, arguments, seal }) = self.open.remove(&at) {
            let arguments = parts::arguments_of(&arguments, kind);
            self.chunk(at.0, out, |a| parts::call(a, &id, &name, &arguments, seal.as_deref()));
        }
    }

    /// A chunk with one part of one choice.
    fn chunk(&self, choice: u32, out: &mut Vec<u8>, part: impl FnOnce(&mut ArrayWriter<'_>)) {
        self.write(out, |o| {
            o.array("candidates", |a| {
                a.object(|c| {
                    c.object("content", |content| {
                        content.array("parts", part);
                        content.text("role", "model");
                    });
                    c.uint("index", u64::from(choice));
                });
            });
        });
    }

    /// The chunk that ends the answer.
    fn last(&mut self, out: &mut Vec<u8>) {
        self.choices.entry(0).or_default();
        self.write(out, |o| {
            o.array("candidates", |a| {
                for (index, choice) in &self.choices {
                    a.object(|c| {
                        c.object("content", |content| {
                            content.array("parts", |p| parts::text(p, "", false, None));
                            content.text("role", "model");
                        });
                        c.text("finishReason", answer::reason(choice.finish.as_ref().unwrap_or(&Finish::Stop)));
                        c.uint("index", u64::from(*index));
                        choice.grounds.write(c);
                        answer::write_logprobs(c, &choice.logprobs);
                    });
                }
            });
            answer::write_usage(o, self.usage.as_ref());
        });
    }

    fn write(&self, out: &mut Vec<u8>, fill: impl FnOnce(&mut ObjectWriter<'_>)) {
        sse_object(out, None, |o| {
            fill(o);
            reply::head(o, &self.head, &self.context);
        });
    }
}

fn own(seal: &Seal) -> Option<&str> {
    (seal.issuer == Issuer::Gemini).then_some(seal.data.as_str())
}
