//! The record of one call: every attempt, time, count and cost; rendered once as a log line, metrics, a row.
//!
//! Invariant: no content and no credential is ever in it. Names that clients choose freely are cut to a bound, and
//! become label values of metrics only when they are known ([`ModelNames`]).

mod labels;
mod line;
mod object;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use tollgate_ir::{Dialect, Fault, FaultKind, Finish, Loss, Operation, Usage};

pub use labels::{ModelNames, OTHER};

use crate::Now;
use crate::health::Change;
use crate::money::Nanos;
use crate::route::{Plan, Target};

/// Most candidates, and most targets that were left out, in a log line.
const MOST_LOGGED: usize = 16;

/// The record of one call.
#[derive(Clone, Debug)]
pub struct Trail {
    /// The call's id, as in `x-tollgate-request-id`.
    pub id: String,
    /// When the request's head was read.
    pub began: Now,
    /// The dialect that the client spoke.
    pub face: Dialect,
    /// What the call did.
    pub operation: Operation,
    /// The client asked for a stream.
    pub stream: bool,
    /// The model's name as the client wrote it; empty before the body was read.
    pub asked: Arc<str>,
    /// The name that it resolved to ([`crate::route::Resolved::canonical`]).
    pub model: Option<Arc<str>>,
    /// Whose key; `None` before the caller is known.
    pub caller: Option<Arc<str>>,
    /// The key's team.
    pub team: Option<Arc<str>>,
    /// How its targets were chosen; `None` before they were.
    pub plan: Option<Arc<Plan>>,
    /// In order; the last one served, if any did.
    pub attempts: Vec<Attempt>,
    /// Why the answer ended.
    pub finish: Option<Finish>,
    /// Fields that were not sent on as they came.
    pub losses: Vec<Loss>,
    /// From the head's last byte to the first token that was sent.
    pub first_token: Option<Duration>,
    /// From the head's last byte to the end.
    pub total: Duration,
    /// The part of `total` that was spent in the gateway and not waiting for client or provider.
    pub overhead: Duration,
    /// The status that the client got.
    pub status: u16,
    /// Of a session over a websocket: the bytes from the client and to it.
    pub carried: Option<(u64, u64)>,
    /// How it ended.
    pub end: End,
}

/// One request to one target.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// Where it went.
    pub target: Target,
    /// The dialect that it spoke there.
    pub dialect: Dialect,
    /// After the call's begin.
    pub began: Duration,
    /// How long it took.
    pub took: Duration,
    /// The provider's status, if it answered.
    pub status: Option<u16>,
    /// What went wrong.
    pub fault: Option<FaultNote>,
    /// It was given up since another attempt, made beside it, was faster.
    pub overtaken: bool,
    /// What it did to its target's circuit breaker at its begin or, of two changes, at its end.
    pub breaker: Option<Change>,
    /// What it used.
    pub usage: Option<Usage>,
    /// What that cost; `None` where no price is known.
    pub cost: Option<Nanos>,
}

/// What the record keeps of a fault: words of its kind, none of its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FaultNote {
    /// What went wrong.
    pub kind: FaultKind,
    /// The provider's error code or type, cut to 64 characters.
    pub provider: Option<String>,
}

impl FaultNote {
    /// Of a fault.
    pub fn of(fault: &Fault) -> Self {
        let said = fault.provider_code.as_deref().or(fault.provider_type.as_deref());
        Self { kind: fault.kind, provider: said.map(|word| cut(word, 64).to_owned()) }
    }
}

/// How a call ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// Completely.
    Done,
    /// With a fault that the client was told.
    Fault(FaultNote),
    /// The client went away.
    Cancelled,
}

impl Trail {
    /// The record of a call that has just begun; `end` is `Cancelled` until it is known better, since a dropped call
    /// is one whose client went away.
    pub fn begin(id: impl Into<String>, face: Dialect, operation: Operation, now: Now) -> Self {
        Self {
            id: id.into(),
            began: now,
            face,
            operation,
            stream: false,
            asked: Arc::default(),
            model: None,
            caller: None,
            team: None,
            plan: None,
            attempts: Vec::new(),
            finish: None,
            losses: Vec::new(),
            first_token: None,
            carried: None,
            total: Duration::ZERO,
            overhead: Duration::ZERO,
            status: 0,
            end: End::Cancelled,
        }
    }

    /// What all attempts cost together; `None` if no price is known of any.
    pub fn cost(&self) -> Option<Nanos> {
        self.attempts.iter().filter_map(|attempt| attempt.cost).reduce(Nanos::plus)
    }

    /// What the last attempt used: the answer's.
    pub fn usage(&self) -> Option<&Usage> {
        self.attempts.last().and_then(|attempt| attempt.usage.as_ref())
    }

    /// The target that served, if the call got an answer.
    pub fn served(&self) -> Option<&Target> {
        let last = self.attempts.last()?;
        (last.fault.is_none() || self.first_token.is_some()).then_some(&last.target)
    }

    /// The record as one line of JSON, without a line break: for logs, which need not be told that one target of one was
    /// chosen, nor of the hundredth that was not.
    pub fn to_json(&self) -> String {
        line::render(self, self.plan.as_deref().filter(|plan| !plan.is_plain()), MOST_LOGGED)
    }

    /// The same with all that is known of how its targets were chosen.
    pub fn whole(&self) -> String {
        line::render(self, self.plan.as_deref(), usize::MAX)
    }

    /// How the call was decided and what became of it so far: JSON of at most so many bytes, with fewer candidates and
    /// attempts where all of them have no room.
    pub fn explanation(&self, most: usize) -> String {
        let lists = [usize::MAX, 32, 16, 8, 4, 2, 1].into_iter();
        let mut told = lists.map(|listed| line::explanation(self, listed));
        told.find(|text| text.len() <= most).unwrap_or_else(|| line::explanation(self, 0))
    }
}

/// The word for why an answer ended, in logs and metrics.
pub const fn finish_word(finish: &Finish) -> &'static str {
    match finish {
        Finish::Stop => "stop",
        Finish::StopSequence(_) => "stop_sequence",
        Finish::Length => "length",
        Finish::ContextWindow => "context_window",
        Finish::ToolCalls => "tool_calls",
        Finish::ContentFilter => "content_filter",
        Finish::Refusal => "refusal",
        Finish::Pause => "pause",
        Finish::Error(_) => "error",
    }
}

/// At most so many characters of a text that somebody else wrote.
fn cut(text: &str, most: usize) -> &str {
    if text.len() <= most {
        return text;
    }
    text.char_indices().nth(most).map_or(text, |(at, _)| &text[..at])
}
