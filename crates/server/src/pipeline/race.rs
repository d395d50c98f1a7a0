//! Two attempts of one call, the second begun because the first was late: the first content wins, the other is dropped,
//! which closes its connection.
//!
//! Invariant: the record holds both, the one that served last; whoever lost is marked as overtaken.

use std::time::Duration;

use tollgate_core::route::Step;

use super::dispatch::{Attempts, Failed};
use super::settle::Settlement;
use crate::app::{Gateway, State};
use crate::provider::Provider;

/// Who runs against whom.
pub struct Race<'a> {
    /// The state that the call began with.
    pub state: &'a State,
    /// The gateway.
    pub gateway: &'a Gateway,
    /// The first choice.
    pub first: (&'a Step, &'a Provider),
    /// The next one.
    pub second: (&'a Step, &'a Provider),
}

/// How it went.
pub enum Ran<S> {
    /// One of them served.
    Served(S),
    /// The first failed before there was a second.
    FirstFailed(Box<Failed>),
    /// Both did; the second is still to be recorded.
    BothFailed(Box<Failed>, Box<Failed>),
}

impl<S> Ran<S> {
    /// What the walk goes on with.
    pub fn result(self) -> Result<S, Failed> {
        match self {
            Self::Served(served) => Ok(served),
            Self::FirstFailed(failed) | Self::BothFailed(_, failed) => Err(*failed),
        }
    }
}

/// Who came first.
enum Came<S> {
    First(Result<S, Failed>),
    Second(Result<S, Failed>),
}

impl Race<'_> {
    /// Runs the first attempt, and after a while the second beside it.
    pub async fn run<A: Attempts>(
        &self,
        after: Duration,
        attempts: &mut A,
        mut twin: A,
        settlement: &mut Settlement,
    ) -> Ran<A::Served> {
        let mut aside = settlement.aside();
        let mut first = Box::pin(attempts.attempt(&self.first.0.target, self.first.1, settlement));
        tokio::select! {
            biased;
            done = &mut first => return alone(done),
            () = tokio::time::sleep(after) => {}
        }
        if !self.may_begin(&mut aside) {
            return alone(first.await);
        }
        aside.on_terms(self.second.0.terms.timeouts);
        let mut second = Box::pin(twin.attempt(&self.second.0.target, self.second.1, &mut aside));
        let came = tokio::select! {
            biased;
            done = &mut first => Came::First(done),
            done = &mut second => Came::Second(done),
        };
        // Whoever lost is dropped before the records are joined: its end is known then.
        let (ran, won) = match came {
            Came::First(Ok(served)) => {
                drop((first, second));
                settlement.was_faster_than(aside);
                (Ran::Served(served), "lost")
            }
            Came::Second(Ok(served)) => {
                drop((first, second));
                settlement.was_overtaken_by(aside);
                (Ran::Served(served), "won")
            }
            Came::First(Err(failed)) => {
                drop(first);
                settlement.attempt_failed(&failed.fault);
                let done = second.await;
                settlement.is_followed_by(aside);
                (joined(failed, done), "failed")
            }
            Came::Second(Err(failed)) => {
                drop(second);
                aside.attempt_failed(&failed.fault);
                let done = first.await;
                settlement.follows(aside);
                match done {
                    Ok(served) => (Ran::Served(served), "failed"),
                    Err(also) => (Ran::BothFailed(failed.into(), also.into()), "failed"),
                }
            }
        };
        self.gateway.metrics().hedged(&self.first.0.target, won);
        ran
    }

    /// There is budget for a second attempt, and a turn is free at once.
    fn may_begin(&self, aside: &mut Settlement) -> bool {
        let target = &self.second.0.target;
        if let Some(bounds) = self.state.config.provider(&target.provider).and_then(|provider| provider.concurrency) {
            let Some(turn) = self.gateway.turns().now(&target.provider, &bounds) else { return false };
            aside.took_turn(turn);
        }
        let may = self.gateway.health().may_hedge(&self.first.0.target, self.gateway.clock());
        if !may {
            aside.gives_turn_back();
        }
        may
    }
}

fn alone<S>(done: Result<S, Failed>) -> Ran<S> {
    match done {
        Ok(served) => Ran::Served(served),
        Err(failed) => Ran::FirstFailed(failed.into()),
    }
}

fn joined<S>(first: Failed, second: Result<S, Failed>) -> Ran<S> {
    match second {
        Ok(served) => Ran::Served(served),
        Err(second) => Ran::BothFailed(first.into(), second.into()),
    }
}
