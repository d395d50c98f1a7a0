//! Prompt caches: from which length on providers keep a prompt, for how long, and what it is worth to stay where it is.

use std::time::Duration;

use super::fit::expected_cost;
use super::{Facts, Step, Target};
use crate::health::HealthKey;
use crate::money::{Nanos, Price};

/// Beginnings of model names (anywhere in the name: hosts put their own before them) and tokens. Anthropic, prompt
/// caching, "Cache limitations"; OpenAI, prompt caching; Google, context caching (implicit).
const LEAST: &[(&str, u64)] = &[
    ("claude-opus-4-5", 4096),
    ("claude-opus-4-6", 4096),
    ("claude-haiku-4-5", 4096),
    ("claude-3-haiku", 2048),
    ("claude-3-5-haiku", 2048),
    ("gemini-2.5-pro", 4096),
    ("gemini-3", 2048),
];

/// What most providers say.
const USUAL: u64 = 1024;

/// How long a prompt is kept after its last use, at the longest: an hour at Anthropic (`ttl: 1h`) and OpenAI, hours at
/// DeepSeek. To go back for a cache that is gone already costs no more than any other choice.
const LIVES: &[(&str, Duration)] = &[
    ("claude", Duration::from_secs(3600)),
    ("gpt-", Duration::from_secs(3600)),
    ("deepseek", Duration::from_secs(4 * 3600)),
];

/// Where nothing is said.
const USUAL_LIFE: Duration = Duration::from_secs(600);

/// How long a model's provider keeps a prompt after its last use.
pub fn cache_lives(model: &str) -> Duration {
    LIVES.iter().find(|(name, _)| model.contains(name)).map_or(USUAL_LIFE, |(_, lives)| *lives)
}

/// The tokens of the shortest prompt of a model that is cached.
pub(super) fn least_cached(model: &str) -> u64 {
    LEAST.iter().find(|(name, _)| model.contains(name)).map_or(USUAL, |(_, least)| *least)
}

/// Whoever holds the conversation's prompt, if anybody does and a prompt so long is kept there.
pub(super) fn holder(facts: &Facts<'_>) -> Option<HealthKey> {
    let request = facts.request();
    facts.targets.holder(request.prefix?).filter(|holder| request.prompt_tokens >= least_cached(&holder.model))
}

/// What a call is expected to cost on a target: with its prompt from the cache where the target holds it.
pub(super) fn cost_at(price: &Price, target: &Target, facts: &Facts<'_>) -> Nanos {
    let held = price.rates.cache_read.is_some()
        && holder(facts).is_some_and(|holder| holder == HealthKey::of(target, facts.config));
    expected_cost(price, facts.request(), held)
}

/// The target to which a conversation should move although another holds its prompt: one where even a prompt that is new
/// to it costs less. Where a price is not known it stays.
pub(super) fn cheaper_elsewhere<'s>(holder: &Step, others: &[&'s Step], facts: &Facts<'_>) -> Option<&'s Step> {
    let price = |step: &Step| facts.config.model(&step.target.provider, &step.target.model).price();
    let stay = expected_cost(&price(holder)?, facts.request(), true);
    let moves = others.iter().filter(|step| step.last_resort.is_none());
    let moves = moves.filter_map(|step| Some((expected_cost(&price(step)?, facts.request(), false), *step)));
    moves.filter(|(cost, _)| *cost < stay).min_by_key(|(cost, _)| *cost).map(|(_, step)| step)
}
