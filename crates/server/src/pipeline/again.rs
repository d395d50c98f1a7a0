//! The same call once more, for a client that has the beginning of an answer: in which ways a target is asked for the rest.
//!
//! Invariant: each way is asked at most once more than the policy's retries say: what a target has answered in vain is not
//! asked of it again.

use std::sync::Arc;

use tollgate_core::catalogue::{Capability, Model};
use tollgate_core::route::Target;
use tollgate_ir::{Block, Dialect, Fault, FaultKind, Role, Turn};
use tollgate_wire::openai_chat::{self, Begun};
use tollgate_wire::resume::{Delivered, Kind, Splice};

use super::answer::Stream;
use super::chat::Chat;
use super::dispatch::{Attempts, Failed};
use super::memory::{Known, Understood};
use super::settle::Settlement;
use crate::provider::Provider;

/// What a model is told that is to go on with another's answer.
const GO_ON: &str = "Your answer above was cut off in the middle. Go on from exactly where it ends: write only what comes \
    next, without repeating anything, without a remark and without beginning anew. If a space or a line break belongs \
    between the two, begin with it.";

/// How a model is asked for the rest of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// It finds its own answer begun. `echoes`: its host says the beginning once more.
    Begun {
        /// See there.
        echoes: bool,
    },
    /// It is asked the same again.
    Anew,
    /// It is told to go on.
    ToGoOn,
}

impl Asked {
    /// The word for it in logs and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Begun { .. } => "prefill",
            Self::Anew => "regenerate",
            Self::ToGoOn => "asked",
        }
    }
}

/// See the module.
pub struct Again<'a> {
    chat: Chat<'a>,
    delivered: &'a Delivered,
    in_vain: Vec<(Target, Asked)>,
    went_on: Option<Asked>,
}

impl<'a> Again<'a> {
    /// For a client that has this.
    pub const fn new(chat: Chat<'a>, delivered: &'a Delivered) -> Self {
        Self { chat, delivered, in_vain: Vec::new(), went_on: None }
    }

    /// How the answer that went on was asked for, and what is known of the call.
    pub fn into_parts(self) -> (Option<Asked>, Known) {
        (self.went_on, self.chat.into_known())
    }
}

impl Attempts for Again<'_> {
    type Served = Stream;

    async fn attempt(
        &mut self,
        target: &Target,
        provider: &Provider,
        settlement: &mut Settlement,
    ) -> Result<Stream, Failed> {
        let begun = self.takes_a_beginning(target, provider).map(|echoes| Asked::Begun { echoes });
        let mut last = None;
        for how in begun.into_iter().chain([Asked::Anew, Asked::ToGoOn]) {
            if self.in_vain.iter().any(|(asked, so)| asked == target && *so == how) {
                continue;
            }
            let failed = match self.asked(target, provider, how, settlement).await {
                None => continue,
                Some(Ok(stream)) => {
                    self.went_on = Some(how);
                    return Ok(stream);
                }
                Some(Err(failed)) => failed,
            };
            if !is_in_vain(how, &failed.fault) {
                return Err(failed);
            }
            settlement.attempt_failed(&failed.fault);
            settlement.gateway().metrics().resumed(settlement.model(), how.as_str(), failed.fault.kind.slug());
            self.in_vain.push((target.clone(), how));
            last = Some(failed);
        }
        Err(last.unwrap_or_else(|| Fault::new(FaultKind::AnswerDiverged, "The target cannot go on.").into()))
    }
}

/// Asked in another way the target may answer better: what it was given as its beginning it refused, or it said something
/// else than the client has.
fn is_in_vain(how: Asked, fault: &Fault) -> bool {
    use FaultKind::{AnswerDiverged, ProviderBadRequest, ProviderNotFound, UnsupportedContent};
    let refused = matches!(fault.kind, ProviderBadRequest | ProviderNotFound | UnsupportedContent);
    fault.kind == AnswerDiverged || (refused && matches!(how, Asked::Begun { .. }))
}

impl Again<'_> {
    /// Whether the model goes on with a last turn of its own, by the operator's word, the catalogue or the record of its
    /// host, and by a protocol in which that is what such a turn means: then, whether the host says it once more.
    fn takes_a_beginning(&self, target: &Target, provider: &Provider) -> Option<bool> {
        let dialect = provider.way(self.chat.call.face, &target.model)?.dialect;
        let model = self.chat.call.state.config.model(&target.provider, &target.model);
        let can = model.can(Capability::Prefill);
        let said = || Model { offer: None, ..model }.has(Capability::Prefill);
        let begun = openai_chat::begun(&target.model, provider.facts(&target.model).host);
        let takes = match (dialect, begun) {
            (Dialect::Bedrock, _) => can == Some(true),
            // Other makers' models behind Anthropic's protocol are not known to mean the same by it.
            (Dialect::Anthropic, _) => can == Some(true) && (target.model.contains("claude") || said()),
            (Dialect::OpenAiChat, Begun::Prefix | Begun::PrefixAt(_) | Begun::Continue) => can != Some(false),
            (Dialect::OpenAiChat, Begun::Plain) => can == Some(true),
            (Dialect::OpenAiChat, Begun::Unsaid) => said(),
            _ => false,
        };
        takes.then_some(dialect == Dialect::OpenAiChat && begun == Begun::Prefix)
    }

    /// Asks the target for the rest. `None`: it cannot be asked so.
    async fn asked(
        &mut self,
        target: &Target,
        provider: &Provider,
        how: Asked,
        settlement: &mut Settlement,
    ) -> Option<Result<Stream, Failed>> {
        let delivered = self.delivered;
        let (attempt, understood) = match self.chat.ready(target, provider, how != Asked::Anew, settlement).await {
            Ok(ready) => ready,
            Err(failed) => return Some(Err(failed)),
        };
        let (splice, changed) = match how {
            Asked::Anew => (Splice::repeating(delivered), None),
            Asked::Begun { echoes } => (Splice::begun(delivered, echoes), Some(begun(understood?, delivered)?)),
            Asked::ToGoOn => (Splice::continuing(delivered), Some(to_go_on(understood?, delivered)?)),
        };
        Some(attempt.go_on(splice, changed.as_ref().or(understood), settlement).await)
    }
}

/// The request with what was delivered as the beginning of the answer. `None`: white space at the end is refused, and a
/// model that reasons does so before its first word.
fn begun(understood: &Understood, delivered: &Delivered) -> Option<Understood> {
    let thinks = understood.request.thinking.is_some();
    let changed = with_answer(understood, delivered).filter(|_| !thinks)?;
    (!delivered.text().ends_with(char::is_whitespace)).then_some(changed)
}

/// The request that tells to go on from what was delivered.
fn to_go_on(understood: &Understood, delivered: &Delivered) -> Option<Understood> {
    let mut changed = with_answer(understood, delivered)?;
    Arc::make_mut(&mut changed.request).turns.push(Turn { role: Role::User, blocks: vec![Block::text(GO_ON)] });
    Some(changed)
}

/// The request with what was delivered as the last turn. `None`: it cannot be said so, since the answer is more than text,
/// or its form would begin anew.
fn with_answer(understood: &Understood, delivered: &Delivered) -> Option<Understood> {
    let text = delivered.text();
    let only_text = delivered.blocks().iter().all(|said| matches!(said.kind, Kind::Text | Kind::Reasoning));
    if !only_text || text.trim().is_empty() || understood.request.output.is_some() {
        return None;
    }
    let mut changed = understood.clone();
    let block = Block::text(text);
    let turns = &mut Arc::make_mut(&mut changed.request).turns;
    match turns.last_mut() {
        // The client had begun the answer itself.
        Some(last) if last.role == Role::Assistant => last.blocks.push(block),
        _ => turns.push(Turn { role: Role::Assistant, blocks: vec![block] }),
    }
    Some(changed)
}
