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

use tollgate_core::catalogue::Capability;
use tollgate_core::config::Resume;
use tollgate_core::route::{Plan, Step, Target, moves_on};
use tollgate_ir::{Block, Dialect, Fault, FaultKind, Operation, Role, Side, Turn, Usage};
use tollgate_text::tokens;
use tollgate_wire::resume::{Delivered, Kind, Splice};

use super::answer::Stream;
use super::chat::{self, Chat};
use super::dispatch::{Attempts, Failed, Remember, walk};
use super::memory::{self, Known, Understood};
use super::outcome::Outcome;
use super::owners;
use super::receive::Call;
use super::settle::Settlement;
use crate::app::Gateway;
use crate::provider::Provider;

/// What a model is told that is to go on with another's answer.
const GO_ON: &str = "Your answer above was cut off in the middle. Go on from exactly where it ends: write only what comes \
    next, without repeating anything, without a remark and without beginning anew. If a space or a line break belongs \
    between the two, begin with it.";

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
        let tried = |target: &Target, settlement: &mut Settlement| {
            settlement.trail().attempts.iter().any(|attempt| !attempt.overtaken && attempt.target == *target)
        };
        self.steps.retain(|step| !tried(&step.target, settlement));
        let moves = stream.fault().is_some_and(moves_on) && !settlement.manner().left().is_zero();
        if !moves || self.steps.is_empty() {
            return;
        }
        let (Some(fault), Some(known)) = (stream.fault().cloned(), self.known.take()) else { return };
        let mut chat = Chat::new(gateway, call, known).resumable(true);
        let mut outcome = stream.outcome();
        if stream.is_relayed() {
            *remember = chat.replay(stream, settlement).await;
        }
        let delivered = stream.delivered().cloned();
        chat.complete_usage(&mut outcome, delivered.as_ref()).await;
        settle(gateway, call, &outcome, &fault, settlement).await;
        self.settled = true;
        let Some(delivered) = delivered else { return };
        let plan = Plan { steps: std::mem::take(&mut self.steps), ..Plan::default() };
        let mut again = Again { chat, delivered: &delivered };
        let next = walk(&call.state, &plan, &mut again, settlement).await;
        self.known = Some(again.chat.into_known());
        self.steps = plan.steps;
        if let Ok(next) = next {
            settlement.first_token();
            stream.go_on(next, out);
            self.settled = false;
        }
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
        keep.then(|| Box::new(Remember { request: Arc::new(request.clone()), before: *before, context }))
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

/// The same call once more, for a client that has the beginning of the answer.
struct Again<'a> {
    chat: Chat<'a>,
    delivered: &'a Delivered,
}

impl Attempts for Again<'_> {
    type Served = Stream;

    async fn attempt(
        &mut self,
        target: &Target,
        provider: &Provider,
        settlement: &mut Settlement,
    ) -> Result<Stream, Failed> {
        if self.takes_a_beginning(target, provider)
            && let Some(made) = self.asked(target, provider, Asked::Begun, settlement).await
        {
            match made {
                Err(failed) if failed.fault.kind.side() != Side::Provider => settlement.attempt_failed(&failed.fault),
                made => return made,
            }
        }
        let (attempt, understood) = self.chat.ready(target, provider, false, settlement).await?;
        let failed = match attempt.go_on(Splice::repeating(self.delivered), understood, settlement).await {
            Err(failed) if failed.fault.kind == FaultKind::AnswerDiverged => failed,
            made => return made,
        };
        settlement.attempt_failed(&failed.fault);
        self.asked(target, provider, Asked::ToGoOn, settlement).await.unwrap_or(Err(failed))
    }
}

/// How a model is asked to go on with what it did not begin.
#[derive(Clone, Copy, PartialEq)]
enum Asked {
    /// It finds its own answer begun.
    Begun,
    /// It is told to.
    ToGoOn,
}

impl Again<'_> {
    /// Whether the model goes on with a last turn of its own: by the operator's word or the catalogue, and by a protocol in which that is what such
    /// a turn means.
    fn takes_a_beginning(&self, target: &Target, provider: &Provider) -> bool {
        let means = provider
            .way(self.chat.call.face, &target.model)
            .is_some_and(|way| matches!(way.dialect, Dialect::Anthropic | Dialect::Bedrock));
        let config = self.chat.call.state.config.provider(&target.provider);
        let set = config.and_then(|provider| provider.models.get(&target.model)?.prefill);
        let known = || provider.offer(&target.model)?.can(Capability::Prefill);
        means && set.or_else(known) == Some(true)
    }

    /// Asks the target to go on from what was delivered. `None`: that cannot be said.
    async fn asked(
        &mut self,
        target: &Target,
        provider: &Provider,
        how: Asked,
        settlement: &mut Settlement,
    ) -> Option<Result<Stream, Failed>> {
        let delivered = self.delivered;
        let (attempt, understood) = match self.chat.ready(target, provider, true, settlement).await {
            Ok(ready) => ready,
            Err(failed) => return Some(Err(failed)),
        };
        let asked = understood.and_then(|understood| asked_to_go_on(understood, delivered, how))?;
        Some(attempt.go_on(Splice::continuing(delivered), Some(&asked), settlement).await)
    }
}

/// The request that asks to go on from what was delivered. `None`: it cannot be said so, since the answer is more than
/// text, or its form would begin anew.
fn asked_to_go_on(understood: &Understood, delivered: &Delivered, how: Asked) -> Option<Understood> {
    let text = delivered.text();
    let only_text = delivered.blocks().iter().all(|said| matches!(said.kind, Kind::Text | Kind::Reasoning));
    if !only_text || text.trim().is_empty() || understood.request.output.is_some() {
        return None;
    }
    let mut asked = understood.clone();
    let turn = |role, text: &str| Turn { role, blocks: vec![Block::text(text)] };
    asked.request.turns.push(turn(Role::Assistant, &text));
    match how {
        // White space at the end is refused, and a model that reasons does so before its first word.
        Asked::Begun if text.ends_with(char::is_whitespace) || asked.request.thinking.is_some() => return None,
        Asked::Begun => {}
        Asked::ToGoOn => asked.request.turns.push(turn(Role::User, GO_ON)),
    }
    Some(asked)
}
