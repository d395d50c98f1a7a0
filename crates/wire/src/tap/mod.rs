//! The tap: watches a relayed answer without touching it, for usage, finish, model, the first token, in-band errors and
//! the end.
//!
//! It is the dialect's own decoder, fed with few frames: those up to the first token, and then only those that a cheap
//! probe marks as more than content. So a tapped stream and a translated one are counted by the same code, and a chunk
//! of content costs a search and no parse.

mod probe;
mod summary;

use tollgate_ir::{BlockStart, Delta, Dialect, Event, Fault, Finish, Reply, Usage, is_silence};

use crate::codec::{self, StreamDecoder};
use crate::frame::Frame;
use probe::Class;
pub(crate) use probe::begins_call;
pub use summary::Summary;

/// What to do with a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It goes to the client as it is.
    Pass,
    /// It holds nothing but usage that the client did not ask for.
    Drop,
}

/// What was seen of an answer.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Seen {
    /// The model, as the provider names it.
    pub model: Option<String>,
    /// The answer's id at the provider.
    pub id: Option<String>,
    /// The tier that served.
    pub service_tier: Option<String>,
    /// Content came: text, reasoning, a call. From here on no other target can take over unseen.
    pub content: bool,
    /// Reasoning came.
    pub reasoned: bool,
    /// The whole answer says nothing.
    pub empty: bool,
    /// Why the first choice ended.
    pub finish: Option<Finish>,
    /// What it used; `None` when the provider did not say.
    pub usage: Option<Usage>,
    /// The answer is complete by its protocol.
    pub complete: bool,
    /// The provider reported an error in the answer, or the stream broke off.
    pub fault: Option<Box<Fault>>,
}

/// Watches one relayed answer.
pub struct Tap {
    dialect: Dialect,
    decoder: StreamDecoder,
    hide_usage: bool,
    /// The last frame that tells of nothing but usage: read only if no later one replaces it.
    held: Option<Frame>,
    passed: bool,
    seen: Seen,
    events: Vec<Event>,
}

impl Tap {
    /// At the start of an answer. With `hide_usage`, frames that hold nothing but usage are dropped.
    pub fn new(dialect: Dialect, hide_usage: bool) -> Self {
        Self {
            dialect,
            decoder: StreamDecoder::new(dialect),
            hide_usage,
            held: None,
            passed: false,
            seen: Seen::default(),
            events: Vec::new(),
        }
    }

    /// A whole frame came from upstream (unwrapped, if the carriage wraps).
    pub fn frame(&mut self, frame: &Frame) -> Verdict {
        match probe::class(self.dialect, frame) {
            Class::Content if self.seen.content => {}
            Class::Usage if self.seen.content => self.held = Some(frame.clone()),
            _ => {
                self.settle();
                self.feed(frame);
            }
        }
        let drop = self.hide_usage && self.passed && probe::only_usage(frame);
        self.passed |= !drop;
        if drop { Verdict::Drop } else { Verdict::Pass }
    }

    /// The upstream's body ended.
    pub fn end(&mut self) {
        self.settle();
        self.decoder.end(&mut self.events);
        self.take();
    }

    /// A whole reply came.
    pub fn whole(&mut self, body: &[u8]) {
        match Seen::of_whole(self.dialect, body) {
            Ok(seen) => self.seen = seen,
            Err(fault) => self.seen.fault = Some(Box::new(fault)),
        }
    }

    /// What was seen so far.
    pub fn seen(&mut self) -> &Seen {
        self.settle();
        &self.seen
    }

    /// Content came. Cheap: for the check after each frame.
    pub const fn has_content(&self) -> bool {
        self.seen.content
    }

    /// The error that the provider reported in the answer, or its breaking off.
    pub fn fault(&self) -> Option<&Fault> {
        self.seen.fault.as_deref()
    }

    /// The answer is complete and says nothing.
    pub const fn is_empty(&self) -> bool {
        self.seen.empty
    }

    /// The answer is complete by its protocol.
    pub const fn is_complete(&self) -> bool {
        self.seen.complete
    }

    /// Reads the frame that was held, so that usage is known also when the client goes away in the middle.
    fn settle(&mut self) {
        if let Some(held) = self.held.take() {
            self.feed(&held);
        }
    }

    fn feed(&mut self, frame: &Frame) {
        self.decoder.frame(frame, &mut self.events);
        self.take();
    }

    fn take(&mut self) {
        for event in self.events.drain(..) {
            self.seen.event(event);
        }
    }
}

impl Seen {
    /// Of a whole reply: at a glance where it plainly says something, else by a full decode.
    pub fn of_whole(dialect: Dialect, body: &[u8]) -> Result<Self, Fault> {
        match codec::summary(dialect, body) {
            Some(summary) => Ok(summary.into()),
            None => codec::decode_reply(dialect, body).map(Self::from),
        }
    }

    fn event(&mut self, event: Event) {
        match event {
            Event::Start(head) => {
                self.model = head.model.or_else(|| self.model.take());
                self.id = head.id.or_else(|| self.id.take());
                self.service_tier = head.service_tier.or_else(|| self.service_tier.take());
            }
            Event::Open { start: BlockStart::Call { .. } | BlockStart::Whole(_), .. } => self.content = true,
            Event::Delta { delta: Delta::Text(text) | Delta::Arguments(text), .. } => self.content |= !text.is_empty(),
            Event::Usage(usage) => self.usage = Some(usage),
            Event::Finish { choice: 0, finish } => self.finish = Some(finish),
            Event::Open { start: BlockStart::Reasoning { .. }, .. } => self.reasoned = true,
            Event::End => {
                self.complete = true;
                self.empty = !self.content && !self.reasoned && is_silence(self.finish.as_ref(), self.usage.as_ref());
            }
            Event::Fault(fault) => self.fault = Some(fault),
            _ => {}
        }
    }
}

impl From<Summary> for Seen {
    fn from(summary: Summary) -> Self {
        let Summary { id, model, service_tier, finish, usage } = summary;
        Self { model, id, service_tier, content: true, finish, usage, complete: true, ..Self::default() }
    }
}

impl From<Reply> for Seen {
    fn from(reply: Reply) -> Self {
        let empty = reply.is_empty();
        let first = reply.choices.into_iter().next().unwrap_or_default();
        Self {
            model: reply.head.model,
            id: reply.head.id,
            service_tier: reply.head.service_tier,
            content: !first.blocks.is_empty(),
            reasoned: false,
            empty,
            finish: first.finish,
            usage: reply.usage,
            complete: true,
            fault: None,
        }
    }
}
