//! `ConverseStream` events in the IR.
//!
//! Real wires open texts and reasoning by their first delta, calls by `contentBlockStart`. What the provider runs itself
//! comes whole in the IR, so it is gathered until its block stops. The stream is over when both `messageStop` and
//! `metadata` came.

use std::collections::BTreeMap;

use tollgate_ir::{BlockStart, CallKind, Delta, Event, Fault, FaultKind, Finish, Json, ReplyHead};

use crate::bedrock::fault::decode_exception;
use crate::bedrock::read;
use crate::bedrock::reply::{one_block, read_finish, read_usage, stop_sequence};
use crate::frame::Frame;
use crate::ids::made_up;
use crate::json::{Node, Object, ObjectWriter, object};

/// Most bytes of a block that is gathered.
const MAX_GATHERED: usize = 8 << 20;

/// See [`crate::codec::StreamDecoder`].
#[derive(Debug, Default)]
pub struct StreamDecoder {
    started: bool,
    over: bool,
    finished: bool,
    measured: bool,
    next: u32,
    /// By `contentBlockIndex`.
    open: BTreeMap<u64, Open>,
}

/// A block that has begun.
#[derive(Debug)]
enum Open {
    /// In the IR too, under this number.
    Passed { block: u32, kind: Kind, seal: String },
    /// Held until it stops.
    Gathered(Gathered),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Text,
    Reasoning { redacted: bool },
    Call,
}

/// A provider-run tool's call or result, or an image: the start's fields as JSON, and what the deltas add.
#[derive(Debug)]
struct Gathered {
    member: &'static str,
    start: String,
    input: String,
    content: Vec<String>,
}

impl StreamDecoder {
    /// See [`crate::codec::StreamDecoder::frame`].
    pub fn frame(&mut self, frame: &Frame, out: &mut Vec<Event>) {
        if self.over {
            return;
        }
        if frame.exception {
            self.over = true;
            out.push(Event::Fault(Box::new(decode_exception(frame.name(), &frame.data))));
            return;
        }
        let Some(body) = Node::read(&frame.data) else { return };
        let index = body.uint("contentBlockIndex").unwrap_or(0);
        match frame.name() {
            "messageStart" => self.start(out),
            // After the finish nothing can be added to the answer.
            "contentBlockStart" | "contentBlockDelta" | "contentBlockStop" if self.finished => {}
            "contentBlockStart" => self.block_start(index, &body, out),
            "contentBlockDelta" => self.block_delta(index, &body, out),
            "contentBlockStop" => self.block_stop(index, out),
            "messageStop" => self.message_stop(&body, out),
            "metadata" => {
                self.start(out);
                self.measured = true;
                out.extend(body.get("usage").map(read_usage).map(Event::Usage));
            }
            _ => {}
        }
        if self.finished && self.measured {
            self.over = true;
            out.push(Event::End);
        }
    }

    /// See [`crate::codec::StreamDecoder::end`].
    pub fn end(&mut self, out: &mut Vec<Event>) {
        if self.over {
            return;
        }
        self.over = true;
        if self.finished {
            out.push(Event::End);
        } else {
            let words = "The provider's answer ended before it was complete.";
            out.push(Event::Fault(Box::new(Fault::new(FaultKind::ProviderCut, words))));
        }
    }

    fn start(&mut self, out: &mut Vec<Event>) {
        if !self.started {
            self.started = true;
            out.push(Event::Start(ReplyHead::default()));
        }
    }

    fn block_start(&mut self, index: u64, body: &Node<'_>, out: &mut Vec<Event>) {
        self.start(out);
        self.block_stop(index, out);
        let Some((member, start)) = body.get("start").and_then(|s| s.entries().first()) else { return };
        let server = start.text("type").is_some_and(|kind| kind != "tool_use" && kind != "tool_result");
        match member.as_ref() {
            "toolUse" if !server => {
                let id = start.text("toolUseId").filter(|id| !id.is_empty()).map(str::to_owned);
                let start = BlockStart::Call {
                    id: id.unwrap_or_else(|| made_up("", self.next as usize)),
                    name: start.text("name").unwrap_or_default().to_owned(),
                    kind: CallKind::Function,
                };
                self.open(index, Kind::Call, start, out);
            }
            "toolUse" => self.gather(index, "toolUse", start),
            "toolResult" => self.gather(index, "toolResult", start),
            "image" => self.gather(index, "image", start),
            _ => {}
        }
    }

    fn open(&mut self, index: u64, kind: Kind, start: BlockStart, out: &mut Vec<Event>) {
        let block = self.next;
        self.next += 1;
        self.open.insert(index, Open::Passed { block, kind, seal: String::new() });
        out.push(Event::Open { choice: 0, block, start });
    }

    fn gather(&mut self, index: u64, member: &'static str, start: &Node<'_>) {
        let start = start.to_text();
        self.open.insert(index, Open::Gathered(Gathered { member, start, input: String::new(), content: Vec::new() }));
    }

    fn block_delta(&mut self, index: u64, body: &Node<'_>, out: &mut Vec<Event>) {
        self.start(out);
        let Some((member, delta)) = body.get("delta").and_then(|d| d.entries().first()) else { return };
        match (self.open.get_mut(&index), member.as_ref()) {
            (Some(Open::Gathered(gathered)), _) => {
                let size = gathered.add(delta);
                self.refuse_if(size > MAX_GATHERED, out);
            }
            (_, "text") => self.text(index, delta.as_str().unwrap_or_default(), out),
            (_, "reasoningContent") => self.reasoning(index, delta, out),
            (Some(Open::Passed { block, kind: Kind::Call, .. }), "toolUse") => {
                let arguments = delta.text("input").unwrap_or_default();
                if !arguments.is_empty() {
                    let delta = Delta::Arguments(arguments.to_owned());
                    out.push(Event::Delta { choice: 0, block: *block, delta });
                }
            }
            (_, "citation") => {
                let block = self.passed(index, Kind::Text, out);
                let delta = Delta::Citation(Box::new(read::citation(delta)));
                out.push(Event::Delta { choice: 0, block, delta });
            }
            _ => {}
        }
    }

    fn refuse_if(&mut self, too_large: bool, out: &mut Vec<Event>) {
        if too_large {
            self.over = true;
            let words = "The provider sends a block that is too large.";
            out.push(Event::Fault(Box::new(Fault::new(FaultKind::StreamTooWide, words))));
        }
    }

    /// An empty text opens no block: Nova begins with one even where nothing but calls follow.
    fn text(&mut self, index: u64, text: &str, out: &mut Vec<Event>) {
        if !text.is_empty() {
            let block = self.passed(index, Kind::Text, out);
            out.push(Event::Delta { choice: 0, block, delta: Delta::Text(text.to_owned()) });
        }
    }

    fn reasoning(&mut self, index: u64, delta: &Node<'_>, out: &mut Vec<Event>) {
        let redacted = delta.text("redactedContent");
        let words = delta.text("text").unwrap_or_default();
        let signature = delta.text("signature").unwrap_or_default();
        let sealed = redacted.unwrap_or(signature);
        if words.is_empty() && sealed.is_empty() {
            return;
        }
        let block = self.passed(index, Kind::Reasoning { redacted: redacted.is_some() }, out);
        if !words.is_empty() {
            out.push(Event::Delta { choice: 0, block, delta: Delta::Text(words.to_owned()) });
        }
        let Some(Open::Passed { seal, .. }) = self.open.get_mut(&index) else { return };
        if !sealed.is_empty() {
            seal.push_str(sealed);
            let seal = if redacted.is_some() { read::redacted_seal(seal) } else { read::signature(seal.clone()) };
            out.push(Event::Delta { choice: 0, block, delta: Delta::Seal(seal) });
        }
    }

    /// The number of the block of this kind under the index, opened now if it has not begun.
    fn passed(&mut self, index: u64, wanted: Kind, out: &mut Vec<Event>) -> u32 {
        match self.open.get(&index) {
            Some(Open::Passed { block, kind, .. }) if wanted == *kind => return *block,
            Some(_) => self.block_stop(index, out),
            None => {}
        }
        let block = self.next;
        let start = match wanted {
            Kind::Reasoning { redacted } => BlockStart::Reasoning { summary: false, redacted, id: None },
            _ => BlockStart::Text,
        };
        self.open(index, wanted, start, out);
        block
    }

    fn block_stop(&mut self, index: u64, out: &mut Vec<Event>) {
        match self.open.remove(&index) {
            Some(Open::Passed { block, .. }) => out.push(Event::Close { choice: 0, block }),
            Some(Open::Gathered(gathered)) => self.whole(&gathered, out),
            None => {}
        }
    }

    fn whole(&mut self, gathered: &Gathered, out: &mut Vec<Event>) {
        let mut json = Vec::new();
        object(&mut json, |o| o.object(gathered.member, |o| gathered.write(o)));
        let Some(mut block) = one_block(&json) else { return };
        block.at.clear();
        let number = self.next;
        self.next += 1;
        out.push(Event::Open { choice: 0, block: number, start: BlockStart::Whole(Box::new(block)) });
        out.push(Event::Close { choice: 0, block: number });
    }

    fn message_stop(&mut self, body: &Node<'_>, out: &mut Vec<Event>) {
        self.start(out);
        let open: Vec<_> = self.open.keys().copied().collect();
        for index in open {
            self.block_stop(index, out);
        }
        if self.finished {
            return;
        }
        self.finished = true;
        let stop = body.get("additionalModelResponseFields").and_then(stop_sequence);
        let finish = body.text("stopReason").map_or(Finish::Stop, |reason| read_finish(reason, stop));
        out.push(Event::Finish { choice: 0, finish });
    }
}

impl Gathered {
    /// Takes a delta; how large the block is now.
    fn add(&mut self, delta: &Node<'_>) -> usize {
        match delta {
            Node::Array(items) => self.content.extend(items.iter().map(Node::to_text)),
            Node::Object(_) if self.member == "toolUse" => {
                self.input.push_str(delta.text("input").unwrap_or_default());
            }
            Node::Object(_) => self.content.push(delta.to_text()),
            _ => {}
        }
        self.input.len() + self.content.iter().map(String::len).sum::<usize>()
    }

    fn write(&self, o: &mut ObjectWriter<'_>) {
        let Ok(start) = Json::parse(self.start.as_str()) else { return };
        o.spread(&start, &[]);
        match self.member {
            "toolUse" => {
                let input = Node::read(self.input.as_bytes()).filter(|node| matches!(node, Node::Object(_)));
                o.node("input", &input.unwrap_or(Node::Object(Object::default())));
            }
            // An image's deltas are `{"source": {"bytes": …}}`.
            "image" => {
                for part in &self.content {
                    if let Ok(part) = Json::parse(part.as_str()) {
                        o.spread(&part, &["error"]);
                    }
                }
            }
            _ => o.array("content", |a| {
                for part in &self.content {
                    if let Ok(part) = Json::parse(part.as_str()) {
                        a.json(&part);
                    }
                }
            }),
        }
    }
}
