//! A provider's chunks → events.
//!
//! A chunk holds whole parts, and neighbouring texts are one block. A signature ends its block for what comes after,
//! since it seals those words only. There is no terminal marker, and chunks may follow a finish reason (seen with code
//! execution), so finishes are said when the body ends.

use std::collections::BTreeMap;

use tollgate_ir::{
    Block, BlockStart, CallKind, Carry, Content, Delta, Dialect, Event, Fault, FaultKind, Finish, ReplyHead,
};

use super::args::Arguments;
use crate::frame::Frame;
use crate::gemini::proto::{get, text};
use crate::gemini::{answer, contents, fault, grounding, media};
use crate::ids;
use crate::json::Node;
use crate::time::unix_seconds;

/// See [`crate::codec::StreamDecoder`].
#[derive(Default)]
pub struct StreamDecoder {
    started: bool,
    over: bool,
    /// What made-up call ids are made from: the answer's id, or its first chunk.
    seed: String,
    counts: answer::Counts,
    choices: BTreeMap<u32, Choice>,
}

impl StreamDecoder {
    /// See [`crate::codec::StreamDecoder::frame`].
    pub fn frame(&mut self, frame: &Frame, out: &mut Vec<Event>) {
        if self.over || frame.data.is_empty() || &frame.data[..] == b"[DONE]" {
            return;
        }
        match Node::read(&frame.data) {
            Some(Node::Array(chunks)) => chunks.iter().for_each(|chunk| self.chunk(chunk, out)),
            Some(chunk) => self.chunk(&chunk, out),
            None => {
                self.fault(Fault::new(FaultKind::ProviderGarbage, "The provider sent an event that is no JSON."), out)
            }
        }
    }

    /// See [`crate::codec::StreamDecoder::end`].
    pub fn end(&mut self, out: &mut Vec<Event>) {
        if self.over {
            return;
        }
        if self.choices.values().any(|c| c.finish.is_some()) {
            self.finish(out);
            self.over = true;
            out.push(Event::End);
        } else {
            self.fault(Fault::new(FaultKind::ProviderCut, "The provider's answer ended before it was complete."), out);
        }
    }

    /// Closes what is open and says the finishes that are known.
    pub(in crate::gemini) fn finish(&mut self, out: &mut Vec<Event>) {
        for (&choice, state) in &mut self.choices {
            state.close(choice, out);
            if let Some(finish) = state.finish.take() {
                let finish = finish.with_calls(state.calls > 0);
                out.push(Event::Finish { choice, finish });
            }
        }
    }

    fn fault(&mut self, fault: Fault, out: &mut Vec<Event>) {
        self.over = true;
        out.push(Event::Fault(Box::new(fault)));
    }

    /// One `GenerateContentResponse`.
    pub(in crate::gemini) fn chunk(&mut self, chunk: &Node<'_>, out: &mut Vec<Event>) {
        if self.over {
            return;
        }
        if chunk.get("error").is_some() {
            return self.fault(fault::in_band(chunk), out);
        }
        let usage = get(chunk, "usageMetadata");
        if !self.started {
            self.started = true;
            self.start(chunk, usage, out);
        }
        for (place, candidate) in (0..).zip(chunk.get("candidates").map(Node::items).unwrap_or_default()) {
            let index = candidate.uint("index").and_then(|i| u32::try_from(i).ok()).unwrap_or(place);
            let choice = self.choices.entry(index).or_default();
            if let Err(fault) = choice.candidate(index, candidate, &self.seed, out) {
                return self.fault(fault, out);
            }
        }
        if get(chunk, "promptFeedback").and_then(|f| text(f, "blockReason")).is_some_and(|r| !r.is_empty()) {
            self.choices.entry(0).or_default().finish = Some(Finish::ContentFilter);
        }
        if let Some(usage) = usage {
            let before = self.counts.usage();
            self.counts.add(usage);
            out.extend(self.counts.usage().filter(|now| Some(*now) != before).map(Event::Usage));
        }
    }

    fn start(&mut self, chunk: &Node<'_>, usage: Option<&Node<'_>>, out: &mut Vec<Event>) {
        let own = |key| text(chunk, key).filter(|t| !t.is_empty()).map(str::to_owned);
        let head = ReplyHead {
            id: own("responseId"),
            model: own("modelVersion"),
            created: text(chunk, "createTime").and_then(unix_seconds),
            service_tier: usage.and_then(|u| text(u, "serviceTier")).map(str::to_owned),
            system_fingerprint: None,
        };
        self.seed = head.id.clone().unwrap_or_else(|| chunk.to_text());
        out.push(Event::Start(head));
    }
}

/// One candidate so far.
#[derive(Default)]
struct Choice {
    next: u32,
    open: Option<Open>,
    calls: usize,
    finish: Option<Finish>,
}

/// The open block.
struct Open {
    block: u32,
    kind: Kind,
    /// A signature came: the block takes no more words.
    sealed: bool,
}

enum Kind {
    /// Its words so far, for citations.
    Text(String),
    Reasoning,
    Call {
        name: String,
        arguments: Arguments,
    },
}

impl Choice {
    fn candidate(&mut self, choice: u32, node: &Node<'_>, seed: &str, out: &mut Vec<Event>) -> Result<(), Fault> {
        for part in get(node, "content").and_then(|c| c.get("parts")).map(Node::items).unwrap_or_default() {
            self.part(choice, part, seed, out)?;
        }
        self.cite(choice, node, out);
        if let Some(finish) = text(node, "finishReason").and_then(answer::finish) {
            self.finish = Some(finish);
        }
        Ok(())
    }

    fn part(&mut self, choice: u32, part: &Node<'_>, seed: &str, out: &mut Vec<Event>) -> Result<(), Fault> {
        let seal = contents::seal(part);
        if let Some(call) = get(part, "functionCall") {
            return self.call(choice, part, call, seed, out);
        }
        if let Some(block) = contents::whole(part, &seal) {
            self.whole(choice, block, out);
        } else if let Some(words) = part.text("text") {
            let thought = part.get("thought").and_then(Node::as_bool) == Some(true);
            self.words(choice, words, thought, seal.is_some(), out);
            self.seal(choice, part, out);
        } else if let Some(media) = media::decode(part) {
            let mut block = Block::new(Content::Media(media));
            block.seal = seal;
            self.whole(choice, block, out);
        } else if let Some((kind, _)) = part.entries().iter().find(|(k, v)| !is_signature(k) && *v != Node::Null) {
            let mut block = Block::new(Content::Opaque { kind: kind.to_string() });
            block.carry = Some(Carry { dialect: Dialect::Gemini, raw: part.to_json() });
            block.seal = seal;
            self.whole(choice, block, out);
        } else if seal.is_some() {
            self.words(choice, "", false, true, out);
            self.seal(choice, part, out);
        }
        Ok(())
    }

    /// Words go on in the open block if they are of its kind. A signature alone seals the words before it, or stands as
    /// reasoning without words.
    fn words(&mut self, choice: u32, words: &str, thought: bool, sealed: bool, out: &mut Vec<Event>) {
        let goes_on = self.open.as_ref().is_some_and(|open| {
            !open.sealed
                && match open.kind {
                    Kind::Text(_) => !thought,
                    Kind::Reasoning => thought || words.is_empty(),
                    Kind::Call { .. } => false,
                }
        });
        if !goes_on {
            let Some(content) = contents::text_content(words.to_owned(), thought, sealed) else { return };
            let (kind, start) = match content {
                Content::Text { .. } => (Kind::Text(String::new()), BlockStart::Text),
                _ => (Kind::Reasoning, BlockStart::Reasoning { summary: false, redacted: false, id: None }),
            };
            self.open(choice, kind, start, out);
        }
        let Some(open) = self.open.as_mut().filter(|_| !words.is_empty()) else { return };
        if let Kind::Text(said) = &mut open.kind {
            said.push_str(words);
        }
        out.push(Event::Delta { choice, block: open.block, delta: Delta::Text(words.to_owned()) });
    }

    fn call(
        &mut self,
        choice: u32,
        part: &Node<'_>,
        call: &Node<'_>,
        seed: &str,
        out: &mut Vec<Event>,
    ) -> Result<(), Fault> {
        let partial = get(call, "partialArgs");
        let args = call.get("args").filter(|a| !a.entries().is_empty());
        let name = call.text("name").filter(|n| !n.is_empty());
        let going_on = match &self.open {
            Some(Open { kind: Kind::Call { name: open, .. }, .. }) => {
                name.is_none() || (name == Some(open) && args.is_none() && partial.is_some())
            }
            _ => false,
        };
        if !going_on {
            let Some(name) = name else { return Ok(()) };
            let id = call.text("id").filter(|id| !id.is_empty()).map(str::to_owned);
            let id = id.unwrap_or_else(|| ids::made_up(seed, self.calls));
            self.calls += 1;
            let kind = Kind::Call { name: name.to_owned(), arguments: Arguments::default() };
            let start = BlockStart::Call { id, name: name.to_owned(), kind: CallKind::Function };
            self.open(choice, kind, start, out);
        }
        self.seal(choice, part, out);
        let Some(Open { kind: Kind::Call { arguments, .. }, block, .. }) = &mut self.open else { return Ok(()) };
        for value in partial.map(Node::items).unwrap_or_default() {
            arguments.add(value).ok_or_else(|| {
                Fault::new(FaultKind::ProviderGarbage, "The provider sent arguments that cannot be put together.")
            })?;
        }
        if let Some(args) = args {
            let block = *block;
            out.push(Event::Delta { choice, block, delta: Delta::Arguments(args.to_text()) });
            self.open = None;
            out.push(Event::Close { choice, block });
        } else if get(call, "willContinue").and_then(Node::as_bool) != Some(true) {
            self.close(choice, out);
        }
        Ok(())
    }

    fn open(&mut self, choice: u32, kind: Kind, start: BlockStart, out: &mut Vec<Event>) {
        self.close(choice, out);
        let block = self.next;
        self.next += 1;
        self.open = Some(Open { block, kind, sealed: false });
        out.push(Event::Open { choice, block, start });
    }

    fn whole(&mut self, choice: u32, block: Block, out: &mut Vec<Event>) {
        self.close(choice, out);
        out.push(Event::Open { choice, block: self.next, start: BlockStart::Whole(Box::new(block)) });
        out.push(Event::Close { choice, block: self.next });
        self.next += 1;
    }

    fn close(&mut self, choice: u32, out: &mut Vec<Event>) {
        let Some(Open { block, kind, .. }) = self.open.take() else { return };
        if let Kind::Call { arguments, .. } = kind {
            out.push(Event::Delta { choice, block, delta: Delta::Arguments(arguments.to_text()) });
        }
        out.push(Event::Close { choice, block });
    }

    fn seal(&mut self, choice: u32, part: &Node<'_>, out: &mut Vec<Event>) {
        if let (Some(open), Some(seal)) = (&mut self.open, contents::seal(part)) {
            open.sealed = true;
            out.push(Event::Delta { choice, block: open.block, delta: Delta::Seal(seal) });
        }
    }

    /// Citations and log probabilities belong to the open text.
    fn cite(&self, choice: u32, node: &Node<'_>, out: &mut Vec<Event>) {
        let Some(Open { block, kind: Kind::Text(said), .. }) = &self.open else { return };
        let block = *block;
        for citation in grounding::citations(node, said) {
            out.push(Event::Delta { choice, block, delta: Delta::Citation(Box::new(citation)) });
        }
        let logprobs = get(node, "logprobsResult").map(answer::logprobs).unwrap_or_default();
        if !logprobs.is_empty() {
            out.push(Event::Delta { choice, block, delta: Delta::Logprobs(logprobs) });
        }
    }
}

fn is_signature(key: &str) -> bool {
    matches!(key, "thoughtSignature" | "thought_signature" | "thought")
}
