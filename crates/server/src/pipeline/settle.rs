//! The record of a call, written exactly once: at its end, or when it is dropped because its client went away.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderMap;
use tollgate_core::Now;
use tollgate_core::config::TimeoutTerms;
use tollgate_core::health::HealthKey;
use tollgate_core::route::Target;
use tollgate_core::trail::{Attempt, End, FaultNote, Trail};
use tollgate_ir::{Dialect, Fault, FaultKind, Operation};
use tollgate_wire::limits::rate_limits;
use tollgate_wire::target::Stopwatch;

use super::exchange::Bounds;
use super::manner::Manner;
use super::outcome::Outcome;
use super::receive::Call;
use crate::app::{Gateway, State};
use crate::call_id::CallId;
use crate::health::Asked;
use crate::provider::Provider;
use crate::turns::Turn;

/// A call's record in the making. Dropped without [`Settlement::done`] or [`Settlement::failed`], the call counts as
/// cancelled by its client.
pub struct Settlement {
    gateway: Gateway,
    trail: Trail,
    /// When the call last went on: when it began, or after what it last waited for. What is done in between is mostly short, and
    /// needs no clock of its own.
    now: Now,
    /// Time spent waiting for client or provider.
    waited: Duration,
    /// The same when the last attempt began.
    waited_before: Duration,
    written: bool,
    state: Arc<State>,
    manner: Manner,
    /// What the policy says of the times of the target that is asked.
    times: TimeoutTerms,
    /// The attempt under way, as health counts it.
    asked: Option<Asked>,
    /// Its turn at a provider that takes so many at once.
    turn: Option<Turn>,
}

impl Settlement {
    /// Of a call, from when it came.
    pub fn begin(gateway: &Gateway, id: &CallId, face: Dialect, operation: Operation) -> Self {
        let trail = Trail::begin(&**id, face, operation, id.began);
        Self::new(gateway, trail, gateway.state(), Manner::default())
    }

    fn new(gateway: &Gateway, trail: Trail, state: Arc<State>, manner: Manner) -> Self {
        Self {
            gateway: gateway.clone(),
            now: trail.began,
            trail,
            waited: Duration::ZERO,
            waited_before: Duration::ZERO,
            written: false,
            state,
            manner,
            times: TimeoutTerms::default(),
            asked: None,
            turn: None,
        }
    }

    /// The call is known from here on.
    pub fn of_call(&mut self, call: &Call) {
        self.state = Arc::clone(&call.state);
        self.manner = Manner::of(call, self.elapsed());
    }

    /// The gateway.
    pub fn gateway(&self) -> &Gateway {
        &self.gateway
    }

    /// How the call wants its attempts made.
    pub fn manner(&self) -> &Manner {
        &self.manner
    }

    /// Attempts from here on are made on these terms.
    pub fn on_terms(&mut self, times: TimeoutTerms) {
        self.times = times;
    }

    /// The next attempt has its turn.
    pub fn took_turn(&mut self, turn: Turn) {
        self.turn = Some(turn);
    }

    /// There is no next attempt.
    pub fn gives_turn_back(&mut self) {
        self.turn = None;
    }

    /// How long the attempt may take.
    pub fn bounds(&self) -> Bounds {
        Bounds { times: self.times, client_end: self.manner.client_end, end: self.manner.end }
    }

    /// Under which name health knows a target of this call.
    pub fn health_key(&self, target: &Target) -> HealthKey {
        HealthKey::for_client(target, &self.state.config, self.manner.client)
    }

    /// The record, to add what becomes known.
    pub fn trail(&mut self) -> &mut Trail {
        &mut self.trail
    }

    /// The call's id.
    pub fn id(&self) -> &str {
        &self.trail.id
    }

    /// The model that the call asked for, as it is known here.
    pub fn model(&self) -> Option<&str> {
        self.trail.model.as_deref()
    }

    /// When the call last went on.
    pub const fn now(&self) -> Now {
        self.now
    }

    /// Until then, since the call began.
    fn elapsed(&self) -> Duration {
        self.now.since(self.trail.began)
    }

    /// Looks at the clock.
    fn look(&mut self) -> Now {
        let Now { monotonic, .. } = self.trail.began;
        self.now = self.trail.began.plus(self.gateway.clock().monotonic().saturating_sub(monotonic));
        self.now
    }

    /// The same, for who tells it later.
    pub fn stopwatch(&self) -> Stopwatch {
        let (clock, began) = (self.gateway.clock(), self.trail.began);
        Stopwatch::new(move || clock.monotonic().saturating_sub(began.monotonic))
    }

    /// Time of the gateway's own so far.
    pub fn overhead(&mut self) -> Duration {
        self.look();
        self.elapsed().saturating_sub(self.waited)
    }

    /// Runs something that is not the gateway's own work: from when it has to be waited for, its time does not count as overhead.
    /// A large future is pinned by the caller: what is passed by value is held twice.
    pub async fn waiting<F: Future>(&mut self, future: F) -> F::Output {
        let mut future = pin!(future);
        let mut since = None;
        let output = poll_fn(|cx| {
            let polled = future.as_mut().poll(cx);
            if polled.is_pending() {
                since.get_or_insert_with(|| self.look());
            }
            polled
        })
        .await;
        if let Some(since) = since {
            let waited = self.look().since(since);
            self.waited += waited;
        }
        output
    }

    /// An attempt begins.
    pub fn attempt(&mut self, target: &Target, dialect: Dialect) {
        // What came before it (counting tokens, as a rule the longest) is not the target's time.
        let now = self.look();
        let began = self.elapsed();
        self.waited_before = self.waited;
        self.asked = Some(Asked::begin(&self.gateway, self.health_key(target), now));
        // Most calls need one, and room for four would be held as long as their answers.
        self.trail.attempts.reserve_exact(1);
        self.trail.attempts.push(Attempt {
            target: target.clone(),
            dialect,
            began,
            took: Duration::ZERO,
            status: None,
            fault: None,
            overtaken: false,
            breaker: None,
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

    /// The provider's headers of the answer, for what they say of its limits.
    pub fn attempt_headers(&self, headers: &HeaderMap) {
        let lines = headers.iter().filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
        if let (Some(asked), Some(limits)) = (&self.asked, rate_limits(lines, self.now.unix_ms)) {
            asked.limits(&limits, self.now);
        }
    }

    /// The attempt failed.
    pub fn attempt_failed(&mut self, fault: &Fault) {
        let now = self.look();
        let mut breaker = None;
        if let Some(asked) = self.asked.take() {
            let lines = fault.headers.iter().map(|header| (header.name.as_str(), header.value.as_str()));
            if let Some(limits) = rate_limits(lines, now.unix_ms) {
                asked.limits(&limits, now);
            }
            breaker = asked.failed(fault, now);
        }
        self.turn = None;
        self.close_attempt(|attempt| {
            attempt.fault = Some(FaultNote::of(fault));
            attempt.breaker = breaker;
        });
    }

    /// The attempt served: what it used and cost.
    pub fn attempt_served(&mut self, outcome: &Outcome, provider: Option<&Provider>, fault: Option<&Fault>) {
        let now = self.look();
        self.trail.finish.clone_from(&outcome.finish);
        let breaker = match (self.asked.take(), fault) {
            // What is not the model's work says nothing of how fast that is: such attempts only end.
            (Some(_), None)
                if matches!(
                    self.trail.operation,
                    Operation::CountTokens | Operation::Passthrough | Operation::Realtime
                ) =>
            {
                None
            }
            (Some(asked), None) => asked.served(now),
            (Some(asked), Some(fault)) => asked.failed(fault, now),
            (None, _) => None,
        };
        self.turn = None;
        let conversation = self.trail.plan.as_ref().and_then(|plan| plan.conversation).filter(|_| fault.is_none());
        if let (Some(conversation), Some(attempt)) = (conversation, self.trail.attempts.last()) {
            let target = HealthKey::of(&attempt.target, &self.state.config);
            self.gateway.health().holds(conversation, target, now);
        }
        self.close_attempt(|attempt| {
            attempt.usage = outcome.usage;
            attempt.breaker = breaker;
            if let Some(fault) = fault {
                attempt.fault = Some(FaultNote::of(fault));
            }
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
            attempt.target.model = model.as_str().into();
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

    /// The record of an attempt beside the one that is under way, to be joined with this one.
    pub fn aside(&self) -> Self {
        let trail = Trail { attempts: Vec::new(), ..self.trail.clone() };
        let mut aside = Self::new(&self.gateway, trail, Arc::clone(&self.state), self.manner);
        // It is no record of its own.
        aside.written = true;
        aside
    }

    /// The attempt under way served; the one beside it was given up.
    pub fn was_faster_than(&mut self, mut aside: Self) {
        aside.overtaken();
        self.follows(aside);
    }

    /// The attempt beside the one under way served; this one was given up.
    pub fn was_overtaken_by(&mut self, aside: Self) {
        self.overtaken();
        self.is_followed_by(aside);
    }

    /// The attempt under way is the last word, the one beside it was over before.
    pub fn follows(&mut self, mut aside: Self) {
        let at = self.trail.attempts.len().saturating_sub(1);
        self.trail.attempts.splice(at..at, std::mem::take(&mut aside.trail.attempts));
    }

    /// The attempt beside the one under way is the last word: it is this record's from here on.
    pub fn is_followed_by(&mut self, mut aside: Self) {
        self.trail.attempts.append(&mut aside.trail.attempts);
        self.asked = aside.asked.take();
        self.turn = aside.turn.take();
        self.times = aside.times;
    }

    fn overtaken(&mut self) {
        self.look();
        // Dropped, it counts as cancelled.
        self.asked = None;
        self.turn = None;
        self.close_attempt(|attempt| attempt.overtaken = true);
        // What it waited for was not waited out.
        let took = self.trail.attempts.last().map(|attempt| attempt.took);
        self.waited = self.waited_before + took.unwrap_or_default();
    }

    /// An answer that held nothing is told after all, and marked: the attempt that it came from is the last word.
    pub fn tells_empty(&mut self) {
        let empty =
            |attempt: &Attempt| attempt.fault.as_ref().is_some_and(|note| note.kind == FaultKind::ProviderEmpty);
        if let Some(at) = self.trail.attempts.iter().rposition(empty) {
            let attempt = self.trail.attempts.remove(at);
            self.trail.attempts.push(attempt);
        }
    }

    /// The first token goes out.
    pub fn first_token(&mut self) {
        let now = self.look();
        if let Some(asked) = &mut self.asked {
            asked.first_token(now);
        }
        if self.trail.first_token.is_none() {
            self.trail.first_token = Some(self.elapsed());
        }
    }

    /// The call ended well. What is said of it from here on is not told any more.
    pub fn done(&mut self) {
        self.write(End::Done);
    }

    /// The call ended with a fault that the client was told. What is said of it from here on is not told any more.
    pub fn failed(&mut self, fault: &Fault) {
        tracing::warn!(target: "tollgate::fault", id = %self.trail.id, %fault);
        self.write(End::Fault(FaultNote::of(fault)));
    }

    fn write(&mut self, end: End) {
        if self.written {
            return;
        }
        self.written = true;
        self.trail.end = end;
        let overhead = self.overhead();
        if self.trail.overhead.is_zero() {
            self.trail.overhead = overhead;
        }
        self.trail.total = self.elapsed();
        let spent = Trail::begin(String::new(), self.trail.face, self.trail.operation, self.trail.began);
        let trail = Arc::new(std::mem::replace(&mut self.trail, spent));
        self.gateway.record(trail, self.now);
    }
}

impl Drop for Settlement {
    fn drop(&mut self) {
        self.write(End::Cancelled);
    }
}
