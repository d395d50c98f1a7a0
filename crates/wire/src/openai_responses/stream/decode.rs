//! A provider's stream → the IR's events.
//!
//! Deltas are believed first; what a host gives only in `.done` or in the last response is taken from there, never both.
//! A block is a content part, a summary part or a call; other items come whole when they are done.

use tollgate_ir::{Event, Fault, FaultKind};

use super::steps::{Items, Part};
use crate::frame::Frame;
use crate::json::Node;
use crate::openai_responses::{fault, item, reply, usage};

/// See [`crate::codec::StreamDecoder`].
#[derive(Default)]
pub struct StreamDecoder {
    started: bool,
    over: bool,
    items: Items,
}

impl StreamDecoder {
    /// See [`crate::codec::StreamDecoder::frame`].
    pub fn frame(&mut self, frame: &Frame, out: &mut Vec<Event>) {
        if self.over || frame.data.is_empty() {
            return;
        }
        if &frame.data[..] == b"[DONE]" {
            return self.end(out);
        }
        let Some(node) = Node::read(&frame.data) else { return };
        let kind = node.text("type").unwrap_or_else(|| frame.name());
        match kind.strip_prefix("response.") {
            Some("created" | "queued" | "in_progress") => self.start(&node, out),
            Some("completed" | "incomplete" | "failed" | "cancelled" | "done") => self.terminal(&node, out),
            Some(kind) => {
                let before = out.len();
                self.step(kind, &node, out);
                // A head that comes after its answer is late: a stream's start is its first event or none.
                self.started |= out.len() > before;
            }
            None if kind == "error" || node.get("error").is_some() => {
                let fault = fault::of_error(node.get("error").unwrap_or(&node));
                self.break_off(fault, out);
            }
            None if kind == "keepalive" || kind == "ping" => out.push(Event::Ping),
            None => {}
        }
    }

    /// See [`crate::codec::StreamDecoder::end`].
    pub fn end(&mut self, out: &mut Vec<Event>) {
        if !self.over {
            let fault = Fault::new(FaultKind::ProviderCut, "The provider's answer ended before it was complete.");
            self.break_off(fault, out);
        }
    }

    fn break_off(&mut self, fault: Fault, out: &mut Vec<Event>) {
        out.push(Event::Fault(Box::new(fault)));
        self.over = true;
    }

    fn start(&mut self, node: &Node<'_>, out: &mut Vec<Event>) {
        if !self.started
            && let Some(response) = node.get("response")
        {
            self.started = true;
            out.push(Event::Start(reply::head(response)));
        }
    }

    fn terminal(&mut self, node: &Node<'_>, out: &mut Vec<Event>) {
        self.start(node, out);
        let response = node.get("response").unwrap_or(node);
        let streamed = !self.items.is_empty();
        let items = response.get("output").map(Node::items).unwrap_or_default();
        for item in items.iter().filter(|_| !streamed) {
            item::blocks(item).into_iter().for_each(|block| self.items.whole(block, out));
        }
        self.items.close_all(out);
        if let Some(usage) = response.get("usage") {
            out.push(Event::Usage(usage::read(usage)));
        }
        let failed = response.text("status") == Some("failed") || node.text("type") == Some("response.failed");
        if failed || response.get("error").is_some() {
            let said = response.get("error").map(fault::of_error);
            let unsaid = || Fault::new(FaultKind::ProviderFailed, "The provider's answer failed without explanation.");
            return self.break_off(said.unwrap_or_else(unsaid), out);
        }
        if let Some(finish) = reply::finish(response) {
            out.push(Event::Finish { choice: 0, finish });
        }
        out.push(Event::End);
        self.over = true;
    }

    /// An event of one item.
    fn step(&mut self, kind: &str, node: &Node<'_>, out: &mut Vec<Event>) {
        let items = &mut self.items;
        let index = node.uint("output_index").unwrap_or(0);
        let part = node.uint("content_index").or_else(|| node.uint("summary_index")).unwrap_or(0);
        let words = |key: &str| node.text(key).unwrap_or_default();
        match kind {
            "output_item.added" => items.added(index, node, out),
            "output_item.done" => items.done(index, node, out),
            "content_part.added" => match node.at(&["part", "type"]).and_then(Node::as_str) {
                Some("output_text") => _ = items.said(index, Part::Text, part, out),
                Some("refusal") => _ = items.said(index, Part::Refusal, part, out),
                _ => {}
            },
            "output_text.delta" => {
                items.words(index, Part::Text, part, words("delta"), out);
                items.logprobs(index, part, node, out);
            }
            "output_text.done" => items.unsaid(index, Part::Text, part, words("text"), out),
            "output_text.annotation.added" => {
                if let Some(annotation) = node.get("annotation") {
                    items.annotation(index, part, annotation, out);
                }
            }
            "refusal.delta" => items.words(index, Part::Refusal, part, words("delta"), out),
            "refusal.done" => items.unsaid(index, Part::Refusal, part, words("refusal"), out),
            "content_part.done" => {
                if let Some(this) = node.get("part") {
                    items.part_done(index, part, this, out);
                }
            }
            "reasoning_summary_text.delta" => items.words(index, Part::Summary, part, words("delta"), out),
            "reasoning_summary_text.done" => items.unsaid(index, Part::Summary, part, words("text"), out),
            "reasoning_text.delta" => items.words(index, Part::Reasoning, part, words("delta"), out),
            "reasoning_text.done" => items.unsaid(index, Part::Reasoning, part, words("text"), out),
            "function_call_arguments.delta" | "custom_tool_call_input.delta" => {
                items.arguments(index, words("delta"), false, out);
            }
            "function_call_arguments.done" => items.arguments(index, words("arguments"), true, out),
            "custom_tool_call_input.done" => items.arguments(index, words("input"), true, out),
            _ => {}
        }
    }
}
