use std::collections::BTreeMap;

use tollgate_ir::{BlockStart, CallKind, Delta, Event, Fault, FaultKind, ReplyHead};

use crate::cohere::{citations, fault, messages, reply, usage};
use crate::frame::Frame;
use crate::ids;
use crate::json::Node;

/// See [`crate::codec::StreamDecoder`].
#[derive(Default)]
pub struct StreamDecoder {
    id: String,
    /// The number of the next block.
    next: u32,
    /// Open blocks of content by `index`, and whether each is text.
    content: BTreeMap<u64, (u32, bool)>,
    /// Open calls by `index`, and arguments held back while they may still turn out to be `null`: none.
    calls: BTreeMap<u64, (u32, String)>,
    /// The open plan.
    plan: Option<u32>,
    started: bool,
    over: bool,
}

impl StreamDecoder {
    /// See [`crate::codec::StreamDecoder::frame`].
    pub fn frame(&mut self, frame: &Frame, out: &mut Vec<Event>) {
        if self.over || frame.data.is_empty() || frame.data.trim_ascii() == b"[DONE]" {
            return;
        }
        let Some(node) = Node::read(&frame.data) else {
            let public = "The provider sent an event that cannot be read.";
            return self.fault(Fault::new(FaultKind::ProviderGarbage, public), out);
        };
        let kind = node.text("type").unwrap_or_else(|| frame.name());
        match kind {
            "message-start" => self.start(&node, out),
            "content-start" | "content-delta" => self.content(&node, out),
            "content-end" => {
                if let Some((block, _)) = self.content.remove(&index(&node)) {
                    out.push(Event::Close { choice: 0, block });
                }
            }
            "tool-plan-delta" => self.plan(&node, out),
            "tool-call-start" | "tool-call-delta" => self.call(&node, out),
            "tool-call-end" => {
                if let Some(call) = self.calls.remove(&index(&node)) {
                    close_call(call, out);
                }
            }
            "citation-start" => self.citation(&node, out),
            "message-end" => self.finish(&node, out),
            "error" => self.fault(fault::in_band(&node), out),
            _ if node.get("message").is_some() || node.get("error").is_some() => {
                self.fault(fault::in_band(&node), out);
            }
            _ => {}
        }
    }

    /// See [`crate::codec::StreamDecoder::end`].
    pub fn end(&mut self, out: &mut Vec<Event>) {
        if !self.over {
            let public = "The provider's answer ended before it was complete.";
            self.fault(Fault::new(FaultKind::ProviderCut, public), out);
        }
    }

    fn fault(&mut self, fault: Fault, out: &mut Vec<Event>) {
        self.over = true;
        out.push(Event::Fault(Box::new(fault)));
    }

    fn start(&mut self, node: &Node<'_>, out: &mut Vec<Event>) {
        // A second start, or one after the first words, is none.
        if self.started || self.next > 0 {
            return;
        }
        self.started = true;
        node.text("id").unwrap_or_default().clone_into(&mut self.id);
        let text = |key: &str| node.text(key).map(str::to_owned);
        out.push(Event::Start(ReplyHead { id: text("id"), model: text("model"), ..ReplyHead::default() }));
    }

    fn open(&mut self, start: BlockStart, out: &mut Vec<Event>) -> u32 {
        let block = self.next;
        self.next += 1;
        out.push(Event::Open { choice: 0, block, start });
        block
    }

    fn content(&mut self, node: &Node<'_>, out: &mut Vec<Event>) {
        self.close_plan(out);
        let content = node.at(&["delta", "message", "content"]);
        let parts = match content {
            Some(Node::Array(parts)) => parts.iter().collect(),
            Some(part) => vec![part],
            None => Vec::new(),
        };
        for part in parts {
            let words = part.text("thinking").or_else(|| part.text("text")).or_else(|| part.as_str());
            let thinks = part.get("thinking").is_some() || part.text("type") == Some("thinking");
            let block = match self.content.get(&index(node)) {
                Some((block, _)) => *block,
                None => {
                    let reasoning = BlockStart::Reasoning { summary: false, redacted: false, id: None };
                    let block = self.open(if thinks { reasoning } else { BlockStart::Text }, out);
                    self.content.insert(index(node), (block, !thinks));
                    block
                }
            };
            if let Some(words) = words.filter(|w| !w.is_empty()) {
                out.push(Event::Delta { choice: 0, block, delta: Delta::Text(words.to_owned()) });
            }
            if let Some(logprob) = node.get("logprobs").and_then(reply::logprob) {
                out.push(Event::Delta { choice: 0, block, delta: Delta::Logprobs(vec![logprob]) });
            }
        }
    }

    fn plan(&mut self, node: &Node<'_>, out: &mut Vec<Event>) {
        let words = node.at(&["delta", "message", "tool_plan"]).or_else(|| node.at(&["delta", "tool_plan"]));
        let Some(words) = words.and_then(Node::as_str).filter(|w| !w.is_empty()) else { return };
        let block = match self.plan {
            Some(block) => block,
            None => {
                let block = self.open(BlockStart::Text, out);
                out.push(Event::Delta { choice: 0, block, delta: Delta::Carry(messages::plan_mark()) });
                self.plan = Some(block);
                block
            }
        };
        out.push(Event::Delta { choice: 0, block, delta: Delta::Text(words.to_owned()) });
    }

    fn close_plan(&mut self, out: &mut Vec<Event>) {
        if let Some(block) = self.plan.take() {
            out.push(Event::Close { choice: 0, block });
        }
    }

    fn call(&mut self, node: &Node<'_>, out: &mut Vec<Event>) {
        self.close_plan(out);
        let Some(calls) = node.at(&["delta", "message", "tool_calls"]) else { return };
        let call = calls.items().first().unwrap_or(calls);
        let text = |key: &str| call.at(&["function", key]).and_then(Node::as_str).filter(|t| !t.is_empty());
        if !self.calls.contains_key(&index(node)) {
            let place = usize::try_from(self.next).unwrap_or(usize::MAX);
            let id = call.text("id").filter(|id| !id.is_empty());
            let id = id.map_or_else(|| ids::made_up(&self.id, place), str::to_owned);
            let name = text("name").unwrap_or_default().to_owned();
            let block = self.open(BlockStart::Call { id, name, kind: CallKind::Function }, out);
            self.calls.insert(index(node), (block, String::new()));
        }
        if let (Some(arguments), Some((block, held))) = (text("arguments"), self.calls.get_mut(&index(node))) {
            let arguments = std::mem::take(held) + arguments;
            if NO_ARGUMENTS.starts_with(&arguments) {
                *held = arguments;
            } else {
                out.push(Event::Delta { choice: 0, block: *block, delta: Delta::Arguments(arguments) });
            }
        }
    }

    /// A citation goes to the open text that it points into; one that comes after its text has closed is lost.
    fn citation(&mut self, node: &Node<'_>, out: &mut Vec<Event>) {
        let Some(cited) = node.at(&["delta", "message", "citations"]) else { return };
        let cited = cited.items().first().unwrap_or(cited);
        let text = |(block, is_text): &(u32, bool)| is_text.then_some(*block);
        let block = match (cited.text("type"), cited.uint("content_index")) {
            (Some("PLAN"), _) => self.plan,
            (_, Some(at)) => self.content.get(&at).and_then(text),
            (_, None) => self.content.values().rev().find_map(text),
        };
        let Some(block) = block else { return };
        for citation in citations::decode(cited) {
            out.push(Event::Delta { choice: 0, block, delta: Delta::Citation(Box::new(citation)) });
        }
    }

    fn finish(&mut self, node: &Node<'_>, out: &mut Vec<Event>) {
        std::mem::take(&mut self.calls).into_values().for_each(|call| close_call(call, out));
        let mut open: Vec<u32> = self.content.values().map(|(block, _)| *block).chain(self.plan).collect();
        open.sort_unstable();
        out.extend(open.into_iter().map(|block| Event::Close { choice: 0, block }));
        if let Some(usage) = node.at(&["delta", "usage"]).and_then(usage::decode) {
            out.push(Event::Usage(usage));
        }
        if let Some(error) = node.at(&["delta", "error"]) {
            return self.fault(fault::in_band(error), out);
        }
        if let Some(word) = node.at(&["delta", "finish_reason"]).and_then(Node::as_str) {
            out.push(Event::Finish { choice: 0, finish: usage::decode_finish(word) });
        }
        self.over = true;
        out.push(Event::End);
    }
}

/// What a call without arguments may say.
const NO_ARGUMENTS: &str = "null";

fn close_call((block, held): (u32, String), out: &mut Vec<Event>) {
    if !held.is_empty() && held != NO_ARGUMENTS {
        out.push(Event::Delta { choice: 0, block, delta: Delta::Arguments(held) });
    }
    out.push(Event::Close { choice: 0, block });
}

fn index(node: &Node<'_>) -> u64 {
    node.uint("index").unwrap_or(0)
}
