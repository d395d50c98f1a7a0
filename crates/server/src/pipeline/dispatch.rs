//! Target by target along the plan, until one serves; then nothing can be taken back. What an attempt is, each operation
//! says for itself ([`Attempts`]): the order, how often, what moves on, and which fault is told in the end are the same for
//! all.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use tollgate_core::Now;
use tollgate_core::config::After;
use tollgate_core::route::{Next, Plan, RetryTerms, Step, Target, conclude, moves_on, next};
use tollgate_ir::{Fault, FaultKind, LimitHeader, Losses, Retry, Side};
use tollgate_wire::target::ReplyContext;

use super::answer::Stream;
use super::handed::Handed;
use super::outcome::Outcome;
use super::race::{Race, Ran};
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
    gateway.health().earn_retries(&state.config, gateway.clock());
    let mut walk = Walk { state, gateway, attempts, settlement, failures: Vec::new(), tried: Vec::new() };
    let mut line: VecDeque<&Step> = plan.steps.iter().collect();
    let mut elsewhere = Elsewhere { too_long: &plan.if_too_long, refused: &plan.if_refused };
    while let Some(step) = line.pop_front() {
        match walk.step(step, &mut line).await {
            Then::Served(served) => return Ok(served),
            Then::Other => {}
            Then::Stop => match elsewhere.after(walk.failures.last()) {
                [] => break,
                others => line = others.iter().filter(|step| !walk.tried.contains(&step.target)).collect(),
            },
        }
    }
    if let Some(served) = walk.attempts.empty() {
        walk.settlement.tells_empty();
        return Ok(served);
    }
    Err(concluded(walk.failures, plan, walk.gateway.clock().now()))
}

/// Targets for calls that the plan's own cannot serve; each list is taken once.
struct Elsewhere<'p> {
    too_long: &'p [Step],
    refused: &'p [Step],
}

impl<'p> Elsewhere<'p> {
    fn after(&mut self, failed: Option<&Failed>) -> &'p [Step] {
        match failed.map(|failed| failed.fault.kind) {
            Some(FaultKind::ContextLength) => std::mem::take(&mut self.too_long),
            Some(FaultKind::ContentPolicy) => std::mem::take(&mut self.refused),
            _ => &[],
        }
    }
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
    tried: Vec<Target>,
}

impl<A: Attempts> Walk<'_, A> {
    /// Asks one target, again where that may help.
    async fn step(&mut self, step: &Step, line: &mut VecDeque<&Step>) -> Then<A::Served> {
        let state = self.state;
        let Some(provider) = state.providers.get(&step.target.provider) else { return Then::Other };
        let config = &*state.config;
        let configured = config.provider(&step.target.provider).map(|provider| &**provider);
        let mut terms = self.settlement.manner().terms(&step.terms, configured, config);
        self.tried.push(step.target.clone());
        let mut count = 0;
        let mut before_this = None;
        loop {
            count += 1;
            let before = self.settlement.attempts();
            let failed = match self.attempt(step, provider, line, count == 1).await {
                Ok(served) => return Then::Served(served),
                Err(failed) => failed,
            };
            let asked = self.settlement.attempts() > before;
            if asked {
                self.settlement.attempt_failed(&failed.fault);
            }
            let others = !line.is_empty();
            let next = if asked {
                self.after(&failed.fault, count, others, &mut terms)
            } else if cannot_serve(&failed.fault) && others {
                Next::Other
            } else {
                Next::Stop
            };
            // A request that cannot be sent again says less than how it was answered.
            let failed = before_this.take().filter(|_| !asked).unwrap_or(failed);
            match next {
                Next::Same(pause) => {
                    self.gateway.metrics().retried(&step.target);
                    self.settlement.waiting(tokio::time::sleep(pause)).await;
                    // Only the last word of a target counts.
                    before_this = Some(failed);
                }
                Next::Other => {
                    self.failures.push(failed);
                    return Then::Other;
                }
                Next::Stop => {
                    self.failures.push(failed);
                    return Then::Stop;
                }
            }
        }
    }

    /// What follows a failed attempt, in the time and within the budget that is left.
    fn after(&self, fault: &Fault, count: u32, others: bool, terms: &mut RetryTerms<'_>) -> Next {
        let left = self.settlement.manner().left();
        if left.is_zero() {
            return Next::Stop;
        }
        match next(fault, count, others, terms, crate::draw::uniform()) {
            Next::Same(pause) if pause >= left || !self.gateway.health().may_retry(self.gateway.clock()) => {
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
        line: &mut VecDeque<&Step>,
        first: bool,
    ) -> Result<A::Served, Failed> {
        let bounds = self.state.config.provider(&step.target.provider).and_then(|provider| provider.concurrency);
        if let Some(bounds) = bounds {
            let priority = self.settlement.manner().priority;
            let turns = self.gateway.turns();
            let turn = self.settlement.waiting(turns.wait(&provider.id, &bounds, priority)).await?;
            self.settlement.took_turn(turn);
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
            self.gateway.health().earn_hedges(&step.target, hedge, self.gateway.clock());
            let ran = Box::pin(race.run(after, self.attempts, twin, self.settlement)).await;
            if let Ran::BothFailed(failed, also) = ran {
                line.pop_front();
                self.tried.push(second.target.clone());
                self.failures.push(*failed);
                return Err(*also);
            }
            return ran.result();
        }
        self.attempts.attempt(&step.target, provider, self.settlement).await
    }

    /// After how long, and with which budget, a target's first attempt is hedged.
    fn hedge(&self, step: &Step) -> Option<(Duration, f64)> {
        let hedge = step.terms.hedge.filter(|_| self.settlement.manner().may_hedge)?;
        let after = match hedge.after {
            After::Time(after) => after,
            After::Quantile(share) => {
                let key = self.settlement.health_key(&step.target);
                let stream = self.settlement.manner().stream;
                self.gateway.health().records().usually(&key, share, stream, self.gateway.clock().now())?
            }
        };
        Some((after, hedge.budget))
    }
}

/// A target that could not even be asked says nothing of the others, unless the client's request is at fault.
fn cannot_serve(fault: &Fault) -> bool {
    fault.kind.side() != Side::Client || fault.kind == FaultKind::NotServedHere
}

/// The first target's fault is told, with the smallest wait when all were rate limits; a single provider's own words
/// are handed on as they are.
fn concluded(mut failures: Vec<Failed>, plan: &Plan, now: Now) -> Failed {
    let raw = if failures.len() == 1 { failures[0].raw.take() } else { None };
    // A refusal that ended the walk says more than the outage that began it.
    let last_refused = failures.last().is_some_and(|f| !moves_on(&f.fault) && !cannot_serve(&f.fault));
    if last_refused && failures.len() > 1 {
        failures.drain(..failures.len() - 1);
    }
    match (conclude(failures.into_iter().map(|f| f.fault).collect()), &plan.back) {
        (Some(fault), _) => Failed { fault, raw },
        (None, Some((back, said))) => cooling(said, back.since(now)).into(),
        (None, None) => {
            let why: Vec<_> = plan.skipped.iter().map(|s| format!("{}: {}", s.target.name(), s.reason)).collect();
            Fault::new(FaultKind::NoTarget, format!("No target of this model can serve the call. {}", why.join("; ")))
                .into()
        }
    }
}

/// All targets are cooling down: what the first of them said that comes back, with the time that is left of it.
fn cooling(said: &Fault, left: Duration) -> Fault {
    let mut fault = said.clone();
    fault.retry = Retry::After(left);
    fault.headers.retain(|header| !header.name.starts_with("retry-after"));
    let seconds = left.as_secs() + u64::from(left.subsec_nanos() > 0);
    fault.headers.push(LimitHeader { name: "retry-after".to_owned(), value: seconds.max(1).to_string() });
    fault.detail("told from memory: all targets are cooling down")
}

/// The status of a fault for the client.
pub fn status_of(fault: &Fault) -> StatusCode {
    StatusCode::from_u16(fault.status)
        .ok()
        .filter(|s| s.is_client_error() || s.is_server_error())
        .unwrap_or(StatusCode::BAD_GATEWAY)
}
