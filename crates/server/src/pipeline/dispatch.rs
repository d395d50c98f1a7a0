//! Target by target along the plan, until one serves; then nothing can be taken back. What an attempt is, each operation
//! says for itself ([`Attempts`]): the order, how often, what moves on, and which fault is told in the end are the same for
//! all.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use tollgate_core::Now;
use tollgate_core::config::{After, Concurrency};
use tollgate_core::route::{Next, Plan, RetryTerms, Step, Target, moves_on, next};
use tollgate_ir::{Fault, FaultKind, Losses};
use tollgate_wire::target::ReplyContext;

use super::answer::Stream;
use super::conclusion::{Elsewhere, cannot_serve, concluded};
use super::handed::Handed;
use super::outcome::Outcome;
use super::race::{Both, Race, Ran};
use super::resume::Resumption;
use super::settle::Settlement;
use crate::app::{Gateway, State};
use crate::provider::Provider;

/// A target that serves.
pub struct Served {
    /// Which.
    pub target: Target,
    /// The provider's headers that the client gets.
    pub headers: HeaderMap,
    /// The answer.
    pub body: Body,
    /// What could not be kept.
    pub losses: Losses,
}

/// An answer in the client's dialect.
pub enum Body {
    /// In one piece.
    Whole {
        /// The bytes.
        bytes: Bytes,
        /// What it is.
        outcome: Box<Outcome>,
    },
    /// As it comes.
    Stream {
        /// The rest.
        stream: Box<Stream>,
        /// What came already.
        held: Vec<u8>,
        /// What is needed to remember a translated answer.
        remember: Option<Box<Remember>>,
        /// Who goes on with it if it breaks off.
        resume: Option<Box<Resumption>>,
    },
    /// As it is.
    Handed(Box<Handed>),
}

impl Body {
    /// The whole answer says nothing.
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Whole { outcome, .. } => outcome.empty,
            Self::Stream { stream, .. } => stream.is_empty(),
            Self::Handed(_) => false,
        }
    }
}

/// What is needed to remember a translated answer once it is whole.
pub struct Remember {
    /// What was asked.
    pub request: std::sync::Arc<tollgate_ir::Request>,
    /// How many of its turns came from the response before it.
    pub before: usize,
    /// How the answer was written.
    pub context: ReplyContext,
}

/// Why no target serves.
pub struct Failed {
    /// For the client.
    pub fault: Fault,
    /// The provider's own body, where it speaks the client's dialect.
    pub raw: Option<Bytes>,
}

impl From<Fault> for Failed {
    fn from(fault: Fault) -> Self {
        Self { fault, raw: None }
    }
}

/// What is asked of each target: a chat's next turn, vectors, a ranking.
pub trait Attempts: Send {
    /// What a target that serves gives.
    type Served: Send;

    /// Asks one target. Nothing may have reached the client yet when this fails.
    fn attempt(
        &mut self,
        target: &Target,
        provider: &Provider,
        settlement: &mut Settlement,
    ) -> impl Future<Output = Result<Self::Served, Failed>> + Send;

    /// The same call once more, for an attempt beside this one's. `None`: it is never hedged.
    fn twin(&self) -> Option<Self>
    where
        Self: Sized,
    {
        None
    }

    /// The last answer that held nothing: told when no other target has more to say.
    fn empty(&mut self) -> Option<Self::Served> {
        None
    }
}

/// Tries the plan's targets in order.
pub async fn walk<A: Attempts>(
    state: &State,
    plan: &Plan,
    attempts: &mut A,
    settlement: &mut Settlement,
) -> Result<A::Served, Failed> {
    let gateway = settlement.gateway().clone();
    gateway.health().earn_retries(&state.config, settlement.now());
    let mut walk = Walk {
        state,
        gateway,
        attempts,
        settlement,
        failures: Vec::new(),
        tried: Vec::new(),
        hedged: Vec::new(),
        cooling: plan.cooling.iter().collect(),
    };
    let mut line: VecDeque<&Step> = plan.steps.iter().collect();
    let mut elsewhere = Elsewhere::of(plan);
    while let Some(step) = line.pop_front() {
        match walk.step(step, &mut line).await {
            Then::Served(served) => return Ok(served),
            Then::Other => {}
            Then::Stop => match elsewhere.after(walk.failures.last().map(|failed| failed.fault.kind)) {
                [] => break,
                others => line = others.iter().filter(|step| !walk.tried.contains(&&step.target)).collect(),
            },
        }
    }
    if let Some(served) = walk.attempts.empty() {
        walk.settlement.tells_empty();
        return Ok(served);
    }
    Err(concluded(walk.failures, plan, walk.settlement.now()))
}

/// What follows a step.
enum Then<S> {
    Served(S),
    Other,
    Stop,
}

/// One call on its way along a plan.
struct Walk<'a, A> {
    state: &'a State,
    gateway: Gateway,
    attempts: &'a mut A,
    settlement: &'a mut Settlement,
    failures: Vec<Failed>,
    tried: Vec<&'a Target>,
    /// Targets that were asked once already, beside another one.
    hedged: Vec<&'a Target>,
    /// Targets that were cooling down when the plan was made, and until when.
    cooling: Vec<&'a (Now, Step)>,
}

impl<'a, A: Attempts> Walk<'a, A> {
    /// Asks one target, again where that may help.
    async fn step(&mut self, step: &'a Step, line: &mut VecDeque<&'a Step>) -> Then<A::Served> {
        let Some(provider) = self.state.providers.get(&step.target.provider) else { return Then::Other };
        let mut terms = self.terms(step);
        self.tried.push(&step.target);
        let mut count = 0;
        if self.hedged.contains(&&step.target) {
            count = 1;
            if !self.gateway.health().may_retry(self.settlement.now()) {
                return Then::Other;
            }
        }
        let (mut before_this, mut beside) = (None, None);
        loop {
            count += 1;
            let before = self.settlement.attempts();
            let (failed, asked) = match self.attempt(step, provider, line, count == 1).await {
                Ran::Served(served) => return Then::Served(served),
                Ran::Failed(failed) => {
                    let asked = self.settlement.attempts() > before;
                    if asked {
                        self.settlement.attempt_failed(&failed.fault);
                    } else {
                        self.settlement.gives_turn_back();
                    }
                    (*failed, asked)
                }
                Ran::BothFailed(both) => {
                    let Both { first, second } = *both;
                    if self.stopped_by(&second.fault, line) {
                        self.failures.extend([first, second]);
                        return Then::Stop;
                    }
                    beside = Some(second);
                    (first, true)
                }
            };
            self.back(line);
            let next = if asked {
                self.after(&failed.fault, count, !line.is_empty(), &mut terms)
            } else {
                self.unasked(&failed.fault, !line.is_empty())
            };
            // A request that cannot be sent again says less than how it was answered.
            let failed = before_this.take().filter(|_| !asked).unwrap_or(failed);
            let Next::Same(pause) = next else {
                // Of two, the first target's fault is told, unless it ended the walk by what it refused.
                let refused = next == Next::Stop && !moves_on(&failed.fault);
                let (one, other) = if refused { (beside, Some(failed)) } else { (Some(failed), beside) };
                self.failures.extend(one.into_iter().chain(other));
                return if next == Next::Other { Then::Other } else { Then::Stop };
            };
            self.gateway.metrics().retried(&step.target);
            self.settlement.waiting(tokio::time::sleep(pause)).await;
            // Only the last word of a target counts.
            before_this = Some(failed);
        }
    }

    fn terms(&self, step: &'a Step) -> RetryTerms<'a> {
        let config = &*self.state.config;
        let provider = config.provider(&step.target.provider).map(|provider| &**provider);
        self.settlement.manner().terms(&step.terms, provider, config)
    }

    /// What follows where a target could not even be asked.
    fn unasked(&self, fault: &Fault, others: bool) -> Next {
        let moves = cannot_serve(fault) && others && !self.settlement.manner().left().is_zero();
        if moves { Next::Other } else { Next::Stop }
    }

    /// The target beside which the first one failed did so, too: whether that ends the walk. If not, it keeps its place where
    /// it may be asked again.
    fn stopped_by(&mut self, fault: &Fault, line: &mut VecDeque<&'a Step>) -> bool {
        let Some(second) = line.front().copied() else { return false };
        let next = next(fault, 1, true, &self.terms(second), 0.0);
        if matches!(next, Next::Same(_)) {
            self.hedged.push(&second.target);
        } else {
            line.pop_front();
            self.tried.push(&second.target);
        }
        next == Next::Stop
    }

    /// Nobody is left but who was cooling down: whoever is back has a turn.
    fn back(&mut self, line: &mut VecDeque<&'a Step>) {
        if line.is_empty() && !self.cooling.is_empty() {
            let now = self.settlement.now();
            let cooling = std::mem::take(&mut self.cooling);
            let (back, still): (Vec<_>, _) = cooling.into_iter().partition(|cooling| cooling.0 <= now);
            line.extend(back.into_iter().map(|(_, step)| step));
            self.cooling = still;
        }
    }

    /// What follows a failed attempt, in the time and within the budget that is left.
    fn after(&self, fault: &Fault, count: u32, others: bool, terms: &mut RetryTerms<'_>) -> Next {
        let left = self.settlement.manner().left();
        if left.is_zero() {
            return Next::Stop;
        }
        match next(fault, count, others, terms, crate::draw::uniform()) {
            Next::Same(pause) if pause >= left || !self.gateway.health().may_retry(self.settlement.now()) => {
                terms.retries = 0;
                next(fault, count, others, terms, 0.0)
            }
            next => next,
        }
    }

    /// One attempt, in its turn; beside it another one on the next target, where the policy hedges.
    async fn attempt(
        &mut self,
        step: &Step,
        provider: &Provider,
        line: &VecDeque<&'a Step>,
        first: bool,
    ) -> Ran<A::Served> {
        if let Err(fault) = self.turn(provider).await {
            return Ran::Failed(Failed::from(fault).into());
        }
        self.settlement.on_terms(step.terms.timeouts);
        if first
            && let Some((after, hedge)) = self.hedge(step)
            && let Some(second) = line.front().copied()
            && let Some(other) = self.state.providers.get(&second.target.provider)
            && let Some(twin) = self.attempts.twin()
        {
            let race =
                Race { state: self.state, gateway: &self.gateway, first: (step, provider), second: (second, other) };
            self.gateway.health().earn_hedges(&step.target, hedge, self.settlement.now());
            return Box::pin(race.run(after, self.attempts, twin, self.settlement)).await;
        }
        self.attempts.attempt(&step.target, provider, self.settlement).await.into()
    }

    /// Waits for a turn at a provider that takes so many at once, no longer than the call may take.
    async fn turn(&mut self, provider: &Provider) -> Result<(), Fault> {
        let Some(bounds) = self.state.config.provider(&provider.id).and_then(|provider| provider.concurrency) else {
            return Ok(());
        };
        let manner = *self.settlement.manner();
        let within = Concurrency { wait: bounds.wait.min(manner.left()), ..bounds };
        let turns = self.gateway.turns();
        match self.settlement.waiting(turns.wait(&provider.id, &within, manner.priority)).await {
            Ok(turn) => {
                self.settlement.took_turn(turn);
                Ok(())
            }
            Err(_) if manner.client_end.is_some() && manner.left().is_zero() => Err(Fault::new(
                FaultKind::DeadlineExceeded,
                "The time that the request allowed is over before its turn came. Allow more in `x-tollgate-timeout`.",
            )),
            Err(fault) => Err(fault),
        }
    }

    /// After how long, and with which budget, a target's first attempt is hedged.
    fn hedge(&self, step: &Step) -> Option<(Duration, f64)> {
        let hedge = step.terms.hedge.filter(|_| self.settlement.manner().may_hedge)?;
        let after = match hedge.after {
            After::Time(after) => after,
            After::Quantile(share) => {
                let key = self.settlement.health_key(&step.target);
                let stream = self.settlement.manner().stream;
                self.gateway.health().records().usually(&key, share, stream, self.settlement.now())?
            }
        };
        Some((after, hedge.budget))
    }
}
