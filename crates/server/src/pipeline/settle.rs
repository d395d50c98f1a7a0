//! The record of a call, written exactly once: at its end, or when it is dropped because its client went away.

use std::time::Duration;

use tollgate_core::Now;
use tollgate_core::route::Target;
use tollgate_core::trail::{Attempt, End, FaultNote, Trail};
use tollgate_ir::{Dialect, Fault, Operation};
use tollgate_wire::target::Stopwatch;

use super::answer::Outcome;
use crate::app::Gateway;
use crate::provider::Provider;

/// A call's record in the making. Dropped without [`Settlement::done`] or [`Settlement::failed`], the call counts as
/// cancelled by its client.
pub struct Settlement {
    gateway: Gateway,
    trail: Trail,
    /// Time spent waiting for client or provider.
    waited: Duration,
    written: bool,
}

impl Settlement {
    /// Of a call that has just begun.
    pub fn begin(gateway: &Gateway, id: &str, face: Dialect, operation: Operation) -> Self {
        let trail = Trail::begin(id, face, operation, gateway.clock().now());
        Self { gateway: gateway.clone(), trail, waited: Duration::ZERO, written: false }
    }

    /// The record, to add what becomes known.
    pub fn trail(&mut self) -> &mut Trail {
        &mut self.trail
    }

    /// The call's id.
    pub fn id(&self) -> &str {
        &self.trail.id
    }

    /// Since the call began.
    pub fn elapsed(&self) -> Duration {
        self.now().since(self.trail.began)
    }

    /// The same, for who tells it later.
    pub fn stopwatch(&self) -> Stopwatch {
        let (clock, began) = (self.gateway.clock(), self.trail.began);
        Stopwatch::new(move || clock.now().since(began))
    }

    /// Time of the gateway's own so far.
    pub fn overhead(&self) -> Duration {
        self.elapsed().saturating_sub(self.waited)
    }

    /// Runs something that is not the gateway's own work: its time does not count as overhead.
    pub async fn waiting<F: Future>(&mut self, future: F) -> F::Output {
        let before = self.now();
        let output = future.await;
        self.waited += self.now().since(before);
        output
    }

    /// An attempt begins.
    pub fn attempt(&mut self, target: &Target, dialect: Dialect) {
        let began = self.elapsed();
        self.trail.attempts.push(Attempt {
            target: target.clone(),
            dialect,
            began,
            took: Duration::ZERO,
            status: None,
            fault: None,
            usage: None,
            cost: None,
        });
    }

    /// How many attempts have begun.
    pub fn attempts(&self) -> usize {
        self.trail.attempts.len()
    }

    /// The attempt's provider answered with this status.
    pub fn attempt_status(&mut self, status: u16) {
        if let Some(attempt) = self.trail.attempts.last_mut() {
            attempt.status = Some(status);
        }
    }

    /// The attempt failed.
    pub fn attempt_failed(&mut self, fault: &Fault) {
        self.close_attempt(|attempt| attempt.fault = Some(FaultNote::of(fault)));
    }

    /// The attempt served: what it used and cost.
    pub fn attempt_served(&mut self, outcome: &Outcome, provider: Option<&Provider>, fault: Option<&Fault>) {
        self.trail.finish.clone_from(&outcome.finish);
        self.close_attempt(|attempt| {
            attempt.usage = outcome.usage;
            attempt.fault = fault.map(FaultNote::of);
            let price = provider.and_then(|p| p.price(&attempt.target.model));
            attempt.cost =
                price.zip(outcome.usage.as_ref()).map(|(p, usage)| p.cost(usage, outcome.service_tier.as_deref()));
        });
    }

    /// The attempt's answer was handed on as it is: what it said of itself. Its model is the target's, where the request
    /// named none.
    pub fn attempt_handed(&mut self, outcome: &Outcome) {
        if let (Some(attempt), Some(model)) = (self.trail.attempts.last_mut(), &outcome.model)
            && attempt.target.model.is_empty()
        {
            attempt.target.model.clone_from(model);
        }
        let state = self.gateway.state();
        let provider = self.trail.attempts.last().and_then(|a| state.providers.get(&a.target.provider));
        self.attempt_served(outcome, provider, None);
    }

    fn close_attempt(&mut self, note: impl FnOnce(&mut Attempt)) {
        let now = self.elapsed();
        if let Some(attempt) = self.trail.attempts.last_mut() {
            attempt.took = now.saturating_sub(attempt.began);
            note(attempt);
        }
    }

    /// The first token goes out.
    pub fn first_token(&mut self) {
        if self.trail.first_token.is_none() {
            self.trail.first_token = Some(self.elapsed());
        }
    }

    /// The call ended well.
    pub fn done(mut self) {
        self.write(End::Done);
    }

    /// The call ended with a fault that the client was told.
    pub fn failed(mut self, fault: &Fault) {
        tracing::warn!(target: "tollgate::fault", id = %self.trail.id, %fault);
        self.write(End::Fault(FaultNote::of(fault)));
    }

    fn write(&mut self, end: End) {
        if self.written {
            return;
        }
        self.written = true;
        self.trail.end = end;
        self.trail.total = self.elapsed();
        if self.trail.overhead.is_zero() {
            self.trail.overhead = self.overhead();
        }
        let spent = Trail::begin(String::new(), self.trail.face, self.trail.operation, self.trail.began);
        self.gateway.record(std::mem::replace(&mut self.trail, spent));
    }

    fn now(&self) -> Now {
        self.gateway.clock().now()
    }
}

impl Drop for Settlement {
    fn drop(&mut self) {
        self.write(End::Cancelled);
    }
}
