use tollgate_ir::{BlockStart, CallKind, Delta, Event, Fault, FaultKind};

use crate::frame::Frame;
use crate::json::Node;
use crate::ollama::{fault, words};
use crate::openai_responses::read_logprobs;

/// See [`crate::codec::StreamDecoder`]. Lines of `/api/generate` read too.
#[derive(Default)]
pub struct StreamDecoder {
    /// The number of the next block.
    next: u32,
    /// The open block of words, and whether they are thinking.
    open: Option<(u32, bool)>,
    /// How many calls came.
    calls: usize,
    started: bool,
    over: bool,
}

impl StreamDecoder {
    /// See [`crate::codec::StreamDecoder::frame`].
    pub fn frame(&mut self, frame: &Frame, out: &mut Vec<Event>) {
        if self.over || frame.data.is_empty() {
            return;
        }
        let Some(node) = Node::read(&frame.data).filter(|node| matches!(node, Node::Object(_))) else {
            let public = "The provider sent an event that cannot be read.";
            return self.fault(Fault::new(FaultKind::ProviderGarbage, public), out);
        };
        if node.get("error").is_some() {
            return self.fault(fault::in_band(&node), out);
        }
        if !self.started {
            self.started = true;
            out.push(Event::Start(words::head(&node)));
        }
        self.message(node.get("message").unwrap_or(&node), &node, out);
        if node.get("done").and_then(Node::as_bool) == Some(true) {
            self.done(&node, out);
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

    fn message(&mut self, message: &Node<'_>, line: &Node<'_>, out: &mut Vec<Event>) {
        self.words(message.text("thinking"), true, out);
        self.words(message.text("content").or_else(|| message.text("response")), false, out);
        if let Some((block, false)) = self.open {
            let logprobs = read_logprobs(line);
            if !logprobs.is_empty() {
                out.push(Event::Delta { choice: 0, block, delta: Delta::Logprobs(logprobs) });
            }
        }
        for image in words::images(message) {
            self.close(out);
            let block = self.open(BlockStart::Whole(Box::new(image)), out);
            out.push(Event::Close { choice: 0, block });
        }
        for node in message.get("tool_calls").map_or(&[][..], Node::items) {
            self.close(out);
            let call = words::call(node, line, self.calls);
            self.calls += 1;
            let block = self.open(BlockStart::Call { id: call.id, name: call.name, kind: CallKind::Function }, out);
            if !call.arguments.is_empty() {
                out.push(Event::Delta { choice: 0, block, delta: Delta::Arguments(call.arguments) });
            }
            out.push(Event::Close { choice: 0, block });
        }
    }

    /// More words; an empty text opens no block, so that a call may be the first.
    fn words(&mut self, words: Option<&str>, thinks: bool, out: &mut Vec<Event>) {
        let Some(words) = words.filter(|w| !w.is_empty()) else { return };
        let block = match self.open {
            Some((block, kind)) if kind == thinks => block,
            _ => {
                self.close(out);
                let reasoning = BlockStart::Reasoning { summary: false, redacted: false, id: None };
                let block = self.open(if thinks { reasoning } else { BlockStart::Text }, out);
                self.open = Some((block, thinks));
                block
            }
        };
        out.push(Event::Delta { choice: 0, block, delta: Delta::Text(words.to_owned()) });
    }

    fn open(&mut self, start: BlockStart, out: &mut Vec<Event>) -> u32 {
        let block = self.next;
        self.next += 1;
        out.push(Event::Open { choice: 0, block, start });
        block
    }

    fn close(&mut self, out: &mut Vec<Event>) {
        if let Some((block, _)) = self.open.take() {
            out.push(Event::Close { choice: 0, block });
        }
    }

    fn done(&mut self, node: &Node<'_>, out: &mut Vec<Event>) {
        self.close(out);
        out.extend(words::usage(node).map(Event::Usage));
        // Versions before 0.1.40 gave no reason.
        let finish = words::finish(node.text("done_reason").filter(|w| !w.is_empty()).unwrap_or("stop"));
        out.push(Event::Finish { choice: 0, finish });
        self.over = true;
        out.push(Event::End);
    }
}
