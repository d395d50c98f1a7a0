//! A stream that broke off after content went out goes on by the next target, where that is possible without a seam.
//!
//! A model that goes on with a beginning of its own gets what the client has as such. Others are asked the same again, and
//! the answer is held back until it has said what the client has already; where it says something else, the model is asked
//! once more, to go on from there. Nothing reaches the client before an
//! answer has caught up, so that as many targets are tried as the plan has left; if none goes on, the client is told of
//! the first break in its own dialect.
//!
//! Invariant: each attempt has one end in the record, with what it used; what nobody reported is estimated.

use std::sync::Arc;

use tollgate_core::config::Resume;
use tollgate_core::route::{Plan, Step, Target, moves_on};
use tollgate_ir::{Fault, Operation, Usage};
use tollgate_text::tokens;
use tollgate_wire::resume::Delivered;

use super::again::{Again, Asked};
use super::answer::Stream;
use super::chat::{self, Chat};
use super::dispatch::{Remember, walk};
use super::memory::{self, Known, Understood};
use super::outcome::Outcome;
use super::owners;
use super::receive::Call;
use super::settle::Settlement;
use crate::app::Gateway;

/// Whether streams of a call may go on elsewhere.
pub fn may_resume(call: &Call, plan: &Plan) -> bool {
    let resume = call.resolved.virtual_model().map(|model| model.resume).unwrap_or_default();
    call.stream && call.operation == Operation::Chat && plan.steps.len() > 1 && resume == Resume::Auto
}

/// Who goes on with a stream.
pub struct Resumption {
    steps: Vec<Step>,
    known: Option<Known>,
    settled: bool,
}

impl Resumption {
    /// These steps, as far as they were not tried.
    pub const fn new(steps: Vec<Step>, known: Known) -> Self {
        Self { steps, known: Some(known), settled: false }
    }

    /// The attempt that broke has its end in the record already.
    pub const fn is_settled(&self) -> bool {
        self.settled
    }

    /// Another target goes on with a stream that broke off, if one can: appends what the client gets.
    pub async fn go_on(
        &mut self,
        gateway: &Gateway,
        call: &Call,
        stream: &mut Stream,
        remember: &mut Option<Box<Remember>>,
        settlement: &mut Settlement,
        out: &mut Vec<u8>,
    ) {
        let how = self.taken_over(gateway, call, stream, remember, settlement, out).await;
        let (manner, outcome) = how.map_or(("none", "ended"), |how| (how.as_str(), "went_on"));
        gateway.metrics().resumed(settlement.model(), manner, outcome);
        tracing::info!(target: "tollgate::fault", id = settlement.id(), manner, outcome, "a stream had broken off");
    }

    /// How the answer was asked for that goes on with the stream; `None`: there is none.
    async fn taken_over(
        &mut self,
        gateway: &Gateway,
        call: &Call,
        stream: &mut Stream,
        remember: &mut Option<Box<Remember>>,
        settlement: &mut Settlement,
        out: &mut Vec<u8>,
    ) -> Option<Asked> {
        let tried = |target: &Target, settlement: &mut Settlement| {
            settlement.trail().attempts.iter().any(|attempt| !attempt.overtaken && attempt.target == *target)
        };
        self.steps.retain(|step| !tried(&step.target, settlement));
        let moves = stream.fault().is_some_and(moves_on) && !settlement.manner().left().is_zero();
        if !moves || self.steps.is_empty() {
            return None;
        }
        let (fault, known) = (stream.fault().cloned()?, self.known.take()?);
        let mut chat = Chat::new(gateway, call, known, true);
        let mut outcome = stream.outcome();
        if stream.is_relayed() {
            *remember = chat.replay(stream, settlement).await;
        }
        let delivered = stream.delivered().cloned();
        chat.complete_usage(&mut outcome, delivered.as_ref()).await;
        settle(gateway, call, &outcome, &fault, settlement).await;
        self.settled = true;
        let delivered = delivered?;
        let plan = Plan { steps: std::mem::take(&mut self.steps), ..Plan::default() };
        let mut again = Again::new(chat, &delivered);
        let next = walk(&call.state, &plan, &mut again, settlement).await;
        let (how, known) = again.into_parts();
        self.known = Some(known);
        self.steps = plan.steps;
        let next = next.ok()?;
        settlement.first_token();
        stream.go_on(next, out);
        self.settled = false;
        how
    }
}

/// The record of the attempt that broke.
async fn settle(gateway: &Gateway, call: &Call, outcome: &Outcome, fault: &Fault, settlement: &mut Settlement) {
    let Some(target) = settlement.trail().attempts.last().map(|attempt| attempt.target.clone()) else { return };
    tracing::info!(target: "tollgate::fault", id = settlement.id(), %fault, "another target is to go on");
    settlement.attempt_served(outcome, call.state.providers.get(&target.provider), Some(fault));
    owners::remember(gateway, call, &target, &outcome.seals).await;
}

impl Chat<'_> {
    /// A relayed stream that broke is read, so that another answer can go on with it. Gives what is needed to remember the
    /// whole, where the conversation was the provider's to keep: it is nobody's there now.
    async fn replay(&mut self, stream: &mut Stream, settlement: &mut Settlement) -> Option<Box<Remember>> {
        let (gateway, call) = (self.gateway, self.call);
        let model = settlement.trail().attempts.last().map(|attempt| attempt.target.model.clone()).unwrap_or_default();
        let Understood { request, before, .. } = self.understand().await.ok()?;
        let context = chat::context(gateway, call, &model, settlement, request);
        let keep = memory::keeps_response(call, request);
        stream.understand(context.clone(), keep);
        keep.then(|| Box::new(Remember { request: Arc::clone(request), before: *before, context }))
    }

    /// What an attempt used that broke off before it said so: the prompt, and what it had delivered.
    async fn complete_usage(&mut self, outcome: &mut Outcome, delivered: Option<&Delivered>) {
        let said: u64 = delivered.into_iter().flat_map(Delivered::all_text).map(tokens::estimate).sum();
        let reported = outcome.usage;
        let input = match reported {
            Some(_) => 0,
            None => self.understand().await.map_or(0, |understood| tokens::estimate_request(&understood.request)),
        };
        let usage = reported.unwrap_or(Usage { input, ..Usage::default() });
        if reported.is_none() || usage.output_total() < said {
            let output = said.saturating_sub(usage.reasoning.unwrap_or(0));
            outcome.usage = Some(Usage { output, estimated: true, ..usage });
        }
    }
}
