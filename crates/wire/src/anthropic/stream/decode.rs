//! A provider's stream → events.
//!
//! Lenient as to what hosts leave out: a delta may come without its start, a start without its stop. Steps of tools that
//! the provider runs are gathered and told whole when they end.

use std::borrow::Cow;

use tollgate_ir::{Block, BlockStart, Carry, Content, Delta, Dialect, Event, Fault, FaultKind};

use crate::anthropic::blocks::answer;
use crate::anthropic::{citations, fault, reply, seal, usage::Counts};
use crate::frame::Frame;
use crate::json::{Node, Object};

/// Most bytes gathered of one step of a provider-run tool.
const MAX_GATHERED: usize = 8 << 20;

/// See [`crate::codec::StreamDecoder`].
#[derive(Default)]
pub struct StreamDecoder {
    counts: Counts,
    /// Blocks begun and not ended, by the provider's index.
    open: Vec<(u64, Open)>,
    /// How many blocks have been opened.
    opened: u32,
    started: bool,
    finished: bool,
    over: bool,
}

/// A block that has begun.
enum Open {
    /// Told as it comes, words or a call's arguments; `begun_with` are a call's arguments that stood in its start, used if no delta comes.
    Told { number: u32, call: bool, begun_with: Option<String> },
    /// Gathered: the block as it began, and what of `input` and `content` came since.
    Gathered { block: Box<Block>, more: String },
}

impl StreamDecoder {
    /// See [`crate::codec::StreamDecoder::frame`].
    pub fn frame(&mut self, frame: &Frame, out: &mut Vec<Event>) {
        if self.over || (frame.data.is_empty() && !frame.exception) || &frame.data[..] == b"[DONE]" {
            return;
        }
        let Some(node) = Node::read(&frame.data) else {
            let garbage = Fault::new(FaultKind::ProviderGarbage, "The provider sent an event that is not JSON.");
            return self.fail(garbage, out);
        };
        if frame.exception {
            let said = crate::fault::Words::of_envelope(&node);
            return self.fail(crate::fault::classify(0, Some(frame.name()), None, &said.message, &[]), out);
        }
        match node.text("type").unwrap_or_else(|| frame.name()) {
            "message_start" => self.start(&node, out),
            "content_block_start" => self.open(index(&node), node.get("content_block"), out),
            "content_block_delta" => self.delta(index(&node), node.get("delta"), out),
            "content_block_stop" => self.close(index(&node), out),
            "message_delta" => self.message_delta(&node, out),
            "message_stop" => self.finish(out),
            "ping" => out.push(Event::Ping),
            "error" => self.fail(fault::in_band(&node), out),
            _ if node.get("error").is_some() => self.fail(fault::in_band(&node), out),
            _ => {}
        }
    }

    /// See [`crate::codec::StreamDecoder::end`].
    pub fn end(&mut self, out: &mut Vec<Event>) {
        if self.over {
            return;
        }
        if self.finished {
            self.finish(out);
        } else {
            self.fail(Fault::new(FaultKind::ProviderCut, "The provider's answer ended before it was complete."), out);
        }
    }

    fn fail(&mut self, fault: Fault, out: &mut Vec<Event>) {
        self.over = true;
        out.push(Event::Fault(Box::new(fault)));
    }

    fn finish(&mut self, out: &mut Vec<Event>) {
        self.close_all(out);
        self.over = true;
        out.push(Event::End);
    }

    fn start(&mut self, node: &Node<'_>, out: &mut Vec<Event>) {
        let Some(message) = node.get("message").filter(|_| !self.started) else { return };
        self.started = true;
        out.push(Event::Start(reply::head(message)));
        self.count(message.get("usage"), out);
        // Some hosts begin with what is already there.
        for (i, block) in message.get("content").map(Node::items).unwrap_or_default().iter().enumerate() {
            self.open(i as u64, Some(block), out);
            self.close(i as u64, out);
        }
    }

    fn count(&mut self, usage: Option<&Node<'_>>, out: &mut Vec<Event>) {
        if let Some(usage) = usage {
            self.counts.merge(usage);
            out.extend(self.counts.usage().map(Event::Usage));
        }
    }

    fn message_delta(&mut self, node: &Node<'_>, out: &mut Vec<Event>) {
        self.count(node.get("usage"), out);
        if let Some(finish) = node.get("delta").and_then(reply::finish_of).filter(|_| !self.finished) {
            self.close_all(out);
            self.finished = true;
            out.push(Event::Finish { choice: 0, finish });
        }
    }

    fn open(&mut self, index: u64, node: Option<&Node<'_>>, out: &mut Vec<Event>) {
        self.close(index, out);
        // What comes after the reason for the end belongs to no answer.
        let Some(block) = node.and_then(answer::block).filter(|_| !self.finished) else { return };
        let (start, deltas, begun_with) = match block.content {
            Content::Text { text, citations } => {
                let citations = citations.into_iter().map(|c| Delta::Citation(Box::new(c)));
                (BlockStart::Text, said(text).into_iter().chain(citations).collect(), None)
            }
            Content::Reasoning(r) => {
                let deltas = said(r.text).into_iter().chain(block.seal.map(Delta::Seal)).collect();
                (BlockStart::Reasoning { summary: r.summary, redacted: r.redacted, id: r.id }, deltas, None)
            }
            Content::Call(call) => {
                let start = BlockStart::Call { id: call.id, name: call.name, kind: call.kind };
                (start, block.carry.map(Delta::Carry).into_iter().collect(), Some(call.arguments))
            }
            _ => {
                self.open.push((index, Open::Gathered { block: Box::new(block), more: String::new() }));
                return;
            }
        };
        let number = self.tell(start, out);
        let deltas: Vec<Delta> = deltas;
        out.extend(deltas.into_iter().map(|delta| Event::Delta { choice: 0, block: number, delta }));
        let call = begun_with.is_some();
        self.open.push((index, Open::Told { number, call, begun_with }));
    }

    /// Opens a block; its number.
    fn tell(&mut self, start: BlockStart, out: &mut Vec<Event>) -> u32 {
        let block = self.opened;
        self.opened += 1;
        // A start that comes after the first words is none.
        self.started = true;
        out.push(Event::Open { choice: 0, block, start });
        block
    }

    fn delta(&mut self, index: u64, node: Option<&Node<'_>>, out: &mut Vec<Event>) {
        let Some(node) = node.filter(|_| !self.finished) else { return };
        if !self.open.iter().any(|(i, _)| *i == index) {
            // Without a start there is no call to continue; words need none.
            let start = match node.text("type") {
                Some("text_delta") => BlockStart::Text,
                Some("thinking_delta") => BlockStart::Reasoning { summary: false, redacted: false, id: None },
                _ => return,
            };
            let number = self.tell(start, out);
            self.open.push((index, Open::Told { number, call: false, begun_with: None }));
        }
        let Some((_, open)) = self.open.iter_mut().find(|(i, _)| *i == index) else { return };
        match open {
            Open::Told { number, call, begun_with } => {
                let fits = |delta: &Delta| match delta {
                    Delta::Arguments(_) => *call,
                    Delta::Text(_) => !*call,
                    _ => true,
                };
                if let Some(delta) = delta_of(node).filter(fits) {
                    if matches!(delta, Delta::Arguments(_)) {
                        *begun_with = None;
                    }
                    out.push(Event::Delta { choice: 0, block: *number, delta });
                }
            }
            Open::Gathered { more, .. } => {
                let text = node.text("partial_json").or_else(|| node.text("content")).unwrap_or_default();
                if more.len() + text.len() > MAX_GATHERED {
                    let message = "The provider sent a step of its own tool that is too long.";
                    return self.fail(Fault::new(FaultKind::ProviderGarbage, message), out);
                }
                more.push_str(text);
            }
        }
    }

    fn close(&mut self, index: u64, out: &mut Vec<Event>) {
        let Some(at) = self.open.iter().position(|(i, _)| *i == index) else { return };
        match self.open.remove(at).1 {
            Open::Told { number, begun_with, .. } => {
                // `{}` in a start means that the arguments follow; if none did, there are none.
                if let Some(arguments) = begun_with.filter(|a| !a.is_empty()) {
                    let delta = Delta::Arguments(arguments);
                    out.push(Event::Delta { choice: 0, block: number, delta });
                }
                out.push(Event::Close { choice: 0, block: number });
            }
            Open::Gathered { block, more } => {
                let start = BlockStart::Whole(Box::new(completed(*block, &more)));
                let number = self.tell(start, out);
                out.push(Event::Close { choice: 0, block: number });
            }
        }
    }

    fn close_all(&mut self, out: &mut Vec<Event>) {
        while let Some((index, _)) = self.open.first() {
            self.close(*index, out);
        }
    }
}

fn index(node: &Node<'_>) -> u64 {
    node.uint("index").unwrap_or(0)
}

fn said(text: String) -> Option<Delta> {
    (!text.is_empty()).then_some(Delta::Text(text))
}

fn delta_of(node: &Node<'_>) -> Option<Delta> {
    let text = |key: &str| node.text(key).filter(|t| !t.is_empty()).map(str::to_owned);
    match node.text("type")? {
        "text_delta" => text("text").map(Delta::Text),
        "thinking_delta" => text("thinking").map(Delta::Text),
        "input_json_delta" => text("partial_json").map(Delta::Arguments),
        "signature_delta" => seal::read(node.text("signature")?).0.map(Delta::Seal),
        "citations_delta" => Some(Delta::Citation(Box::new(citations::read(node.get("citation")?)))),
        _ => None,
    }
}

/// The gathered block with what came after its start: the `input` of a call, the `content` of a compaction.
fn completed(mut block: Block, more: &str) -> Block {
    let Some(carry) = block.carry.as_ref().filter(|_| !more.is_empty()) else { return block };
    let Some(Node::Object(Object(mut fields))) = Node::read(carry.raw.as_str().as_bytes()) else { return block };
    let is_call = fields.iter().any(|(key, _)| key == "input");
    let key = if is_call { "input" } else { "content" };
    let value = match Node::read(more.as_bytes()) {
        Some(node) if is_call => node,
        _ => Node::Text(Cow::Borrowed(more)),
    };
    match fields.iter_mut().find(|(name, _)| name == key) {
        Some((_, slot)) => *slot = value,
        None => fields.push((key.into(), value)),
    }
    let raw = Node::Object(Object(fields)).to_json();
    block.carry = Some(Carry { dialect: Dialect::Anthropic, raw });
    block
}
