//! A client's stream goes on by another answer, after the one that it began with broke off.
//!
//! What went out is kept ([`Delivered`]). The next target is asked the same again; its answer is held back while it
//! repeats what the client has, and goes on where that ends ([`Splice`]). Calls go out whole only ([`HeldCalls`]), so
//! that what breaks never leaves half a call behind.
//!
//! Invariant: the client's blocks nest as if nothing had happened, no text is doubled and none is missing; an answer
//! that says something else than what went out is given up ([`Splice::has_diverged`]). Tests: `tests/all/resume.rs`
//! breaks recorded streams at every event.

mod alike;
mod calls;
mod delivered;
mod expected;
mod relayed;
mod splice;

use tollgate_ir::Event;

pub use calls::HeldCalls;
pub use delivered::{Delivered, Kind, Said};
pub use relayed::Relayed;
pub use splice::Splice;

use crate::frame::Frame;
use crate::translate::{Incoming, is_content};

/// Another answer on its way to the client's stream: read as it comes, held back until it has caught up.
pub struct Continuation {
    incoming: Incoming,
    splice: Splice,
    /// What it said in the last step, before it was joined.
    said: Vec<Event>,
    /// What the client is to get once this answer takes over.
    ready: Vec<Event>,
    content: bool,
}

impl Continuation {
    /// Of an answer that is read so, to a stream of which this went out.
    pub fn new(incoming: Incoming, splice: Splice) -> Self {
        Self { incoming, splice, said: Vec::new(), ready: Vec::new(), content: false }
    }

    /// A whole frame came.
    pub fn frame(&mut self, frame: &Frame) {
        self.said.clear();
        self.incoming.frame(frame, &mut self.said);
        self.join();
    }

    /// The body ended.
    pub fn end(&mut self) {
        self.said.clear();
        self.incoming.end(&mut self.said);
        self.join();
    }

    /// What the answer said in the last step, also what the client has already.
    pub fn last_events(&self) -> &[Event] {
        &self.said
    }

    /// Content came, if only to be held back.
    pub const fn has_content(&self) -> bool {
        self.content
    }

    /// It has something to say that the client does not have yet.
    pub const fn has_caught_up(&self) -> bool {
        self.splice.has_begun()
    }

    /// It says something else than what went out.
    pub const fn has_diverged(&self) -> bool {
        self.splice.has_diverged()
    }

    /// The answer and what the client is to get of it.
    pub(crate) fn into_parts(self) -> (Incoming, Splice, Vec<Event>) {
        (self.incoming, self.splice, self.ready)
    }

    fn join(&mut self) {
        self.content |= self.said.iter().any(is_content);
        for event in &self.said {
            // Its end is told by whoever drives it: the client's stream is not this answer's to end.
            if !matches!(event, Event::Fault(_)) {
                self.splice.event(event.clone(), &mut self.ready);
            }
        }
    }
}
