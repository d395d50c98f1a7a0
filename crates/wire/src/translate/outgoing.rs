//! The client's half of a translated stream: events in, one open block at a time where the face allows no more, the
//! face's bytes out.
//!
//! A stream that may go on by another answer holds calls back until they are whole, remembers what went out, and keeps
//! to itself that the upstream broke: whoever drives it finds another answer, or tells the client.

use tollgate_ir::{Dialect, Event, Fault};

use crate::codec::{self, StreamEncoder};
use crate::frame::Frame;
use crate::resume::{Delivered, HeldCalls};
use crate::sequencer::Sequencer;
use crate::target::ReplyContext;

/// See the module.
pub struct Outgoing {
    resume: Option<Box<Resume>>,
    sequencer: Option<Sequencer>,
    encoder: StreamEncoder,
    sent: Vec<Event>,
    over: bool,
}

/// What a stream keeps that may go on by another answer.
#[derive(Default)]
struct Resume {
    calls: HeldCalls,
    whole: Vec<Event>,
    delivered: Delivered,
    broken: Option<Fault>,
}

impl Outgoing {
    /// At the start of a stream.
    pub fn new(face: Dialect, context: ReplyContext) -> Self {
        Self {
            resume: None,
            sequencer: codec::one_open_block(face).then(Sequencer::new),
            encoder: StreamEncoder::new(face, context),
            sent: Vec::new(),
            over: false,
        }
    }

    /// The same for a stream that may have to go on by another answer.
    pub fn resumable(face: Dialect, context: ReplyContext) -> Self {
        Self { resume: Some(Box::default()), ..Self::new(face, context) }
    }

    /// Appends what the client gets of these events.
    pub fn pass(&mut self, events: &mut Vec<Event>, out: &mut Vec<u8>) {
        self.sent.clear();
        if let Some(Resume { calls, whole, .. }) = self.resume.as_deref_mut() {
            events.drain(..).for_each(|event| calls.event(event, whole));
            std::mem::swap(events, whole);
        }
        for event in events.drain(..) {
            match &mut self.sequencer {
                // A fault jumps the queue: what is held will never be complete.
                Some(sequencer) if !matches!(event, Event::Fault(_)) => sequencer.event(event, &mut self.sent),
                _ => self.sent.push(event),
            }
        }
        for i in 0..self.sent.len() {
            if self.over {
                self.sent.truncate(i);
                return;
            }
            if let Some(resume) = &mut self.resume {
                if matches!(self.sent[i], Event::Fault(_)) {
                    if let Some(Event::Fault(fault)) = self.sent.drain(i..).next() {
                        resume.broken = Some(*fault);
                    }
                    self.over = true;
                    return;
                }
                resume.delivered.event(&self.sent[i]);
            }
            let event = &self.sent[i];
            self.encoder.event(event, out);
            self.over = matches!(event, Event::End | Event::Fault(_));
        }
    }

    /// These events went out already, in these frames of another's.
    pub(crate) fn replay(&mut self, events: &[Event], sent: &[Frame]) {
        self.pass(&mut events.to_vec(), &mut Vec::new());
        self.encoder.count_on(sent);
    }

    /// Ends the stream with a fault, in the face's own form; one that has ended stays as it is, unless it was to go on.
    pub fn tell(&mut self, fault: Fault, out: &mut Vec<u8>) {
        self.sent.clear();
        if self.over && self.resume.is_none() {
            return;
        }
        let fault = Event::Fault(Box::new(fault));
        self.encoder.event(&fault, out);
        self.sent.push(fault);
        self.over = true;
    }

    /// The fault that broke the stream and that the client was not told, if that is how it ended.
    pub fn take_broken(&mut self) -> Option<Fault> {
        self.resume.as_mut().and_then(|resume| resume.broken.take())
    }

    /// What went out, of a stream that may go on by another answer.
    pub fn delivered(&self) -> Option<&Delivered> {
        self.resume.as_ref().map(|resume| &resume.delivered).filter(|delivered| delivered.can_go_on())
    }

    /// Another answer follows: what was held back of the one before is not told.
    pub(super) fn reopen(&mut self) {
        self.over = false;
        if let Some(resume) = &mut self.resume {
            resume.calls = HeldCalls::default();
            let open = resume.delivered.open_block();
            self.sequencer = self.sequencer.take().map(|_| Sequencer::within(open));
        }
    }

    /// The events of the last step, as the client got them.
    pub fn last_events(&self) -> &[Event] {
        &self.sent
    }

    /// The stream has ended, well or not.
    pub const fn is_over(&self) -> bool {
        self.over
    }
}
