//! The blocks of one choice that are open while its chunks come: exact opens, deltas and closes out of deltas that
//! say neither.
//!
//! Text, reasoning and refusal follow one another: a delta of another kind closes the block before it. Calls stay
//! open until their arguments are one whole JSON value and something else begins, or until the end, since hosts may
//! interleave them.

use tollgate_ir::{Block, BlockStart, CallKind, Citation, Delta, Event, Finish, Logprob, Seal};

use super::super::calls::Raw;
use super::super::reasoning::Detail;
use crate::ids;

/// One choice.
#[derive(Debug, Default)]
pub(super) struct Choice {
    number: u32,
    next: u32,
    flow: Option<Flow>,
    calls: Vec<Call>,
    /// Seals that name a call that has not come yet.
    waiting: Vec<Detail>,
    /// Why it ended, told at the end: hosts repeat it, and some go on after it.
    pub finish: Option<Finish>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Text,
    Reasoning,
    Refusal,
}

#[derive(Debug)]
struct Flow {
    block: u32,
    kind: Kind,
    /// Of a reasoning block: which one of the host's.
    index: Option<u64>,
    sealed: bool,
}

#[derive(Debug)]
struct Call {
    index: Option<u64>,
    id: Option<String>,
    /// `None` until the name is known.
    block: Option<u32>,
    /// Arguments that came before the name.
    early: String,
    open: bool,
    end: JsonEnd,
}

impl Choice {
    pub(super) fn new(number: u32) -> Self {
        Self { number, ..Self::default() }
    }

    fn open(&mut self, start: BlockStart, out: &mut Vec<Event>) -> u32 {
        let block = self.next;
        self.next += 1;
        out.push(Event::Open { choice: self.number, block, start });
        block
    }

    fn delta(&self, block: u32, delta: Delta, out: &mut Vec<Event>) {
        out.push(Event::Delta { choice: self.number, block, delta });
    }

    fn close(&self, block: u32, out: &mut Vec<Event>) {
        out.push(Event::Close { choice: self.number, block });
    }

    fn close_flow(&mut self, out: &mut Vec<Event>) {
        if let Some(flow) = self.flow.take() {
            self.close(flow.block, out);
        }
    }

    /// Closes the calls whose arguments are whole, since something else begins.
    fn close_whole_calls(&mut self, out: &mut Vec<Event>) {
        let number = self.number;
        for call in self.calls.iter_mut().filter(|c| c.open && c.end.whole()) {
            if let Some(block) = call.block {
                call.open = false;
                out.push(Event::Close { choice: number, block });
            }
        }
    }

    /// The open block of a kind, opened if another is open.
    fn flow(
        &mut self,
        kind: Kind,
        start: impl FnOnce() -> BlockStart,
        index: Option<u64>,
        out: &mut Vec<Event>,
    ) -> u32 {
        if let Some(flow) = &mut self.flow
            && flow.kind == kind
            && !flow.sealed
            && (index.is_none() || flow.index.is_none() || flow.index == index)
        {
            flow.index = flow.index.or(index);
            return flow.block;
        }
        self.close_flow(out);
        self.close_whole_calls(out);
        let block = self.open(start(), out);
        self.flow = Some(Flow { block, kind, index, sealed: false });
        block
    }

    pub(super) fn text(&mut self, text: &str, out: &mut Vec<Event>) {
        if !text.is_empty() {
            let block = self.flow(Kind::Text, || BlockStart::Text, None, out);
            self.delta(block, Delta::Text(text.to_owned()), out);
        }
    }

    pub(super) fn refusal(&mut self, text: &str, out: &mut Vec<Event>) {
        if !text.is_empty() {
            let block = self.flow(Kind::Refusal, || BlockStart::Refusal, None, out);
            self.delta(block, Delta::Text(text.to_owned()), out);
        }
    }

    /// Citations and log probabilities belong to the text that has just come, if it is still open.
    pub(super) fn about_text(&mut self, citations: Vec<Citation>, logprobs: Vec<Logprob>, out: &mut Vec<Event>) {
        let Some(flow) = self.flow.as_ref().filter(|f| f.kind != Kind::Reasoning) else { return };
        let block = flow.block;
        let text = flow.kind == Kind::Text;
        for citation in citations.into_iter().filter(|_| text) {
            self.delta(block, Delta::Citation(Box::new(citation)), out);
        }
        if !logprobs.is_empty() {
            self.delta(block, Delta::Logprobs(logprobs), out);
        }
    }

    pub(super) fn reasoning(&mut self, detail: Detail, out: &mut Vec<Event>) {
        if !detail.says_something() {
            return;
        }
        if detail.text.is_empty()
            && detail.id.is_some()
            && detail.seal.as_ref().is_some_and(|s| s.issuer == tollgate_ir::Issuer::Gemini)
        {
            return self.waiting.push(detail);
        }
        let (summary, redacted, id) = (detail.summary, detail.redacted, detail.id.clone());
        if redacted {
            // Withheld reasoning is a block of its own.
            self.close_flow(out);
        }
        let block = self.flow(Kind::Reasoning, || BlockStart::Reasoning { summary, redacted, id }, detail.index, out);
        if !detail.text.is_empty() {
            self.delta(block, Delta::Text(detail.text.clone()), out);
        }
        if let Some(seal) = detail.seal.clone() {
            self.delta(block, Delta::Seal(seal), out);
            if let Some(flow) = &mut self.flow {
                flow.sealed = true;
            }
        } else if let Some(carry) = detail.block().carry {
            self.delta(block, Delta::Carry(carry), out);
        }
    }

    /// One entry of `delta.tool_calls`. `index` is the host's, where it gives one.
    pub(super) fn call(&mut self, index: Option<u64>, raw: Raw, answer: &str, out: &mut Vec<Event>) {
        let place = match self.place(index, &raw) {
            Some(place) => place,
            None => {
                self.close_flow(out);
                self.close_whole_calls(out);
                let end = JsonEnd { custom: raw.kind == CallKind::Custom, ..JsonEnd::default() };
                self.calls.push(Call {
                    index,
                    id: raw.id.clone(),
                    block: None,
                    early: String::new(),
                    open: false,
                    end,
                });
                self.calls.len() - 1
            }
        };
        if self.calls[place].block.is_none()
            && let Some(name) = raw.name
        {
            let id = self.calls[place].id.clone().or(raw.id).unwrap_or_else(|| ids::made_up(answer, place));
            let block = self.open(BlockStart::Call { id: id.clone(), name, kind: raw.kind }, out);
            let call = &mut self.calls[place];
            (call.block, call.open, call.id) = (Some(block), true, Some(id));
            let early = std::mem::take(&mut call.early);
            self.arguments(place, early, out);
        }
        if let Some(arguments) = raw.arguments {
            self.arguments(place, arguments, out);
        }
        if let (Some(seal), Some(block)) = (raw.seal, self.calls[place].block) {
            self.delta(block, Delta::Seal(seal), out);
        }
    }

    /// Which call the entry goes on: by index, else by id, else the last. A new id and name under an old index begin
    /// a new call (hosts that leave every index at 0).
    fn place(&self, index: Option<u64>, raw: &Raw) -> Option<usize> {
        let found = match (index, &raw.id) {
            (Some(_), _) => self.calls.iter().rposition(|c| c.index == index),
            (None, Some(id)) => self.calls.iter().rposition(|c| c.id.as_ref() == Some(id)),
            (None, None) if raw.name.is_some() => None,
            (None, None) => self.calls.len().checked_sub(1),
        }?;
        let call = &self.calls[found];
        let other = raw.name.is_some() && call.block.is_some() && raw.id.is_some() && raw.id != call.id;
        (!other).then_some(found)
    }

    fn arguments(&mut self, place: usize, more: String, out: &mut Vec<Event>) {
        let call = &mut self.calls[place];
        match call.block {
            _ if more.is_empty() => {}
            None => call.early.push_str(&more),
            // After its end: white space at most.
            Some(_) if !call.open => {}
            Some(block) => {
                call.end.push(&more);
                self.delta(block, Delta::Arguments(more), out);
            }
        }
    }

    /// Gives waiting seals to their calls. `last`: no call will come any more.
    pub(super) fn seal_calls(&mut self, last: bool, out: &mut Vec<Event>) {
        for detail in std::mem::take(&mut self.waiting) {
            let block = self.calls.iter().find(|c| c.open && c.id == detail.id).and_then(|c| c.block);
            match (block, detail.seal.clone()) {
                (Some(block), Some(seal)) => self.delta(block, Delta::Seal(seal), out),
                _ if last => self.sealed(detail, out),
                _ => self.waiting.push(detail),
            }
        }
    }

    fn sealed(&mut self, detail: Detail, out: &mut Vec<Event>) {
        self.close_flow(out);
        let start = BlockStart::Reasoning { summary: false, redacted: false, id: detail.id };
        let block = self.open(start, out);
        if let Some(seal) = detail.seal {
            self.delta(block, Delta::Seal(seal), out);
        }
        self.close(block, out);
    }

    /// The seal of a whole message stands on its first call, else on its text.
    pub(super) fn seal_message(&mut self, seal: Seal, out: &mut Vec<Event>) {
        let call = self.calls.iter().find(|c| c.open).and_then(|c| c.block);
        let text = self.flow.as_ref().filter(|f| f.kind == Kind::Text).map(|f| f.block);
        if let Some(block) = call.or(text) {
            self.delta(block, Delta::Seal(seal), out);
        }
    }

    /// A block that comes at once.
    pub(super) fn whole(&mut self, whole: Block, out: &mut Vec<Event>) {
        self.close_flow(out);
        let block = self.open(BlockStart::Whole(Box::new(whole)), out);
        self.close(block, out);
    }

    /// The end of the stream: closes what is open and says why it ended. A host that never said so ended it well.
    pub(super) fn end(&mut self, out: &mut Vec<Event>) {
        self.seal_calls(true, out);
        self.close_flow(out);
        for call in &mut self.calls {
            if call.open
                && let Some(block) = call.block
            {
                call.open = false;
                out.push(Event::Close { choice: self.number, block });
            }
        }
        let finish = self.finish.take().unwrap_or(Finish::Stop);
        out.push(Event::Finish { choice: self.number, finish });
    }
}

/// Whether a JSON text that comes in pieces is whole.
#[derive(Clone, Copy, Debug, Default)]
struct JsonEnd {
    depth: u32,
    begun: bool,
    in_text: bool,
    escaped: bool,
    /// Free text has no end of its own.
    custom: bool,
}

impl JsonEnd {
    fn push(&mut self, more: &str) {
        for byte in more.bytes() {
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' if self.in_text => self.escaped = true,
                b'"' => self.in_text = !self.in_text,
                _ if self.in_text => {}
                b'{' | b'[' => {
                    self.begun = true;
                    self.depth += 1;
                }
                b'}' | b']' => self.depth = self.depth.saturating_sub(1),
                _ => {}
            }
        }
    }

    const fn whole(self) -> bool {
        self.begun && self.depth == 0 && !self.custom
    }
}
