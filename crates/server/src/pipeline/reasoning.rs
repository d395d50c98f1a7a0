//! Reasoning in plain words that models of Chat Completions want back in turns with calls (DeepSeek V4, Kimi): kept from
//! a relayed answer, and put back into a relayed request whose client dropped it. Translated calls have the same by
//! [`super::memory`].

use std::collections::HashMap;
use std::sync::Arc;

use tollgate_core::continuity::{Kept, Saved, remember};
use tollgate_ir::{Content, Dialect, Losses, Reply};
use tollgate_wire::json::Patch;
use tollgate_wire::relay::{Unreasoned, unreasoned, wants_reasoning_back, without_reasoning};

use super::receive::Call;
use crate::app::Gateway;
use crate::provider::Provider;

/// Whether the answers of this model are looked into for reasoning that it will want back.
pub fn is_wanted(call: &Call, upstream: Dialect, provider: &Provider, model: &str) -> bool {
    upstream == Dialect::OpenAiChat
        && call.envelope.has_items(&call.body, "tools")
        && wants_reasoning_back(model, &provider.facts(model))
}

/// Keeps the reasoning of a relayed answer, by the ids of its calls.
pub async fn keep(gateway: &Gateway, call: &Call, reply: &Reply) {
    let saved = reply.choices.first().map(|choice| remember(&choice.blocks)).unwrap_or_default();
    if !saved.is_empty() {
        gateway.continuity().put_calls(&call.caller.name, saved, gateway.clock().now()).await;
    }
}

/// The edits that put it back. Where it is lost, the member is there and empty, and the model does without reasoning if it
/// can.
pub async fn restore(
    gateway: &Gateway,
    call: &Call,
    provider: &Provider,
    model: &str,
    losses: &mut Losses,
) -> Vec<Patch> {
    if call.face != Dialect::OpenAiChat || !call.envelope.mentions().calls {
        return Vec::new();
    }
    let facts = provider.facts(model);
    if !wants_reasoning_back(model, &facts) {
        return Vec::new();
    }
    let lacking = unreasoned(&call.body, &call.envelope);
    if lacking.is_empty() {
        return Vec::new();
    }
    let ids: Vec<String> = lacking.iter().flat_map(|message| message.calls.iter().cloned()).collect();
    let now = gateway.clock().now();
    let saved: HashMap<_, _> = gateway.continuity().get_calls(&call.caller.name, &ids, now).await.into_iter().collect();
    let words: Vec<String> = lacking.iter().map(|message| words(message, &saved)).collect();
    let mut edits: Vec<Patch> = lacking.iter().zip(&words).map(|(message, words)| message.with(words)).collect();
    if words.iter().any(String::is_empty) {
        edits.extend(without_reasoning(&call.envelope, model, &facts, losses));
    }
    edits
}

fn words(message: &Unreasoned, saved: &HashMap<String, Arc<Saved>>) -> String {
    let kept = message.calls.iter().filter_map(|id| saved.get(id)).flat_map(|s| s.before.iter().chain(&s.after));
    kept.filter_map(said).collect()
}

fn said(kept: &Kept) -> Option<&str> {
    match &kept.block.content {
        Content::Reasoning(reasoning) => Some(&reasoning.text),
        _ => None,
    }
}
