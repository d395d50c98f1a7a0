//! Two attempts of one call, the second begun because the first was late: the first content wins, the other is dropped,
//! which closes its connection.
//!
//! Invariant: the record holds both, the one that served last; whoever lost is marked as overtaken. Where both failed, each
//! has its end in the record, and what follows does not hang on which of them failed first.

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
    /// The first failed before there was a second, and is still to be recorded.
    Failed(Box<Failed>),
    /// Both did, and are recorded.
    BothFailed(Box<Both>),
}

/// How two targets failed.
pub struct Both {
    /// The first choice.
    pub first: Failed,
    /// The next one.
    pub second: Failed,
}

impl<S> From<Result<S, Failed>> for Ran<S> {
    fn from(done: Result<S, Failed>) -> Self {
        match done {
            Ok(served) => Self::Served(served),
            Err(failed) => Self::Failed(failed.into()),
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
            done = &mut first => return done.into(),
            () = tokio::time::sleep(after) => {}
        }
        if !self.may_begin(&mut aside) {
            return first.await.into();
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
                (joined(done, |second| Both { first: failed, second }, |both| &both.second, settlement), "failed")
            }
            Came::Second(Err(failed)) => {
                drop(second);
                aside.attempt_failed(&failed.fault);
                let done = first.await;
                settlement.follows(aside);
                (joined(done, |first| Both { first, second: failed }, |both| &both.first, settlement), "failed")
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
        let may = self.gateway.health().may_hedge(&self.first.0.target, self.gateway.clock().now());
        if !may {
            aside.gives_turn_back();
        }
        may
    }
}

/// One has failed, and the other one is done.
fn joined<S>(
    done: Result<S, Failed>,
    both: impl FnOnce(Failed) -> Both,
    last: impl FnOnce(&Both) -> &Failed,
    settlement: &mut Settlement,
) -> Ran<S> {
    match done {
        Ok(served) => Ran::Served(served),
        Err(failed) => {
            let both = both(failed);
            settlement.attempt_failed(&last(&both).fault);
            Ran::BothFailed(both.into())
        }
    }
}
