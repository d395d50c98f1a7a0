//! The policy tree as it is written: one field a key.

use schemars::JsonSchema;
use serde::Deserialize;

use super::raw::{Named, RawTimeouts};
use super::scalar::{Dollars, HedgeAfter, Share, Span};
use super::shape::WordOr;
use super::{Resume, StickTo, Unsupported};
use crate::route::FaultClass;

/// A policy: exactly one of `use`, `fallback`, `split`, `cheapest`, `fastest`, `least_busy`, `quota_aware`, `sticky` and `rules`, and what it demands; or in one word a target (`provider/model`) or another virtual model. Policies nest freely.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct RawPolicy {
    /// One target or virtual model, where something is demanded of it.
    #[serde(rename = "use")]
    pub target: Option<String>,
    /// In order, each when those before it failed.
    pub fallback: Option<Vec<WordOr<RawPolicy>>>,
    /// One by weight, the others behind it as fallbacks.
    pub split: Option<Vec<RawBranch>>,
    /// With `split`: the same branch for all calls of a `key`, a `session`, or for each `request` anew (the default).
    pub stick_to: Option<StickTo>,
    /// The one that this call costs least on, by live prices and expected tokens, first.
    pub cheapest: Option<Vec<WordOr<RawPolicy>>>,
    /// The one that answered soonest in the last minutes first.
    pub fastest: Option<Vec<WordOr<RawPolicy>>>,
    /// With `fastest`: until the `first_token` (the default) or in `total`.
    pub by: Option<Speed>,
    /// The one with the fewest calls in flight first.
    pub least_busy: Option<Vec<WordOr<RawPolicy>>>,
    /// The one that has most left of its provider's rate limits first, as its answers' headers say.
    pub quota_aware: Option<Vec<WordOr<RawPolicy>>>,
    /// Each conversation has an order of its own among them, the same at every turn, so that its prompt cache is found again; prompts too short for a cache are spread.
    pub sticky: Option<Vec<WordOr<RawPolicy>>>,
    /// The first rule whose `when` holds decides.
    pub rules: Option<Vec<RawRule>>,
    /// With `rules`: what serves when none holds.
    #[serde(rename = "else")]
    pub otherwise: Option<Box<WordOr<RawPolicy>>>,
    /// How long to wait for what, below here; shorter limits of the provider stay. Directly under the model's name, `total` is for all attempts of a call together.
    pub timeouts: Option<RawTimeouts>,
    /// Further attempts on each target, after failures that may pass; 1 by default, 0 for one attempt a target.
    pub retries: Option<u32>,
    /// Which failures move on to the next target; by default network, timeout, rate_limit, quota, overloaded, server_error, auth and empty.
    pub on: Option<Vec<FaultClass>>,
    /// Targets that cost more are skipped.
    pub max_price: Option<RawMaxPrice>,
    /// Targets of a lower score (`providers.….models.….quality`) are skipped: a number from 0 to 1, or numbers by use case.
    pub min_quality: Option<WordOr<Named<f64>>>,
    /// What a target must offer; others are skipped.
    pub require: Option<RawRequire>,
    /// `off` asks targets whatever their circuit breaker says.
    pub breaker: Option<OnOff>,
    /// A second attempt when the first is late; the first that answers wins.
    pub hedge: Option<RawHedge>,
    /// What happens to parameters that the target does not take: `drop` or `refuse`. Directly under the model's name.
    pub unsupported_params: Option<Unsupported>,
    /// How long a call waits for a target that is cooling down, where no other can serve. Directly under the model's name.
    pub wait_for_cooldown: Option<Span>,
    /// What happens when a stream breaks off after content went out: `auto` (the default) goes on with the next target, where that is possible without a seam; `never` ends it with an error. Where there is a next target, a call's arguments go out once they are complete. Directly under the model's name.
    pub resume: Option<Resume>,
    /// Where prompts go that are too long for every target. Directly under the model's name.
    pub context_fallback: Option<Box<WordOr<RawPolicy>>>,
    /// Where calls go that a content policy refused. Directly under the model's name.
    pub content_policy_fallback: Option<Box<WordOr<RawPolicy>>>,
}

/// A branch of a split.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct RawBranch {
    /// Its share, beside the others'.
    pub weight: f64,
    /// What it stands for.
    #[serde(rename = "use")]
    pub target: WordOr<RawPolicy>,
}

/// A rule.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct RawRule {
    /// A condition in CEL over the facts of the request, such as `prompt_tokens > 8000 && !tools`; docs/routing.md lists the facts.
    pub when: String,
    /// What serves when it holds.
    #[serde(rename = "use")]
    pub target: WordOr<RawPolicy>,
}

/// What speed is measured by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Speed {
    /// Until the first token.
    #[default]
    FirstToken,
    /// Until the end.
    Total,
}

/// The most that a target may cost.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct RawMaxPrice {
    /// Dollars per million input tokens.
    pub input: Option<Dollars>,
    /// Dollars per million output tokens.
    pub output: Option<Dollars>,
    /// Dollars for this call, by its prompt and the output that it may have.
    pub call: Option<Dollars>,
}

/// What a target must offer.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct RawRequire {
    /// Abilities of the model; the names are those of `tollgate models --capability`.
    pub capabilities: Option<Vec<String>>,
    /// So large a context window, in tokens.
    pub context: Option<u64>,
    /// One of these regions (`providers.….region`).
    pub regions: Option<Vec<String>>,
    /// The provider does not train on what it is sent (`providers.….data.training: false`).
    pub no_training: Option<bool>,
    /// The provider keeps nothing (`providers.….data.retention: zero`).
    pub zero_retention: Option<bool>,
}

/// A second attempt when the first is late.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct RawHedge {
    /// When: a time, or a quantile of the target's own times to the first token, such as `p95`.
    pub after: HedgeAfter,
    /// Most second attempts, as a share of the calls; 3% by default.
    pub budget: Option<Share>,
}

/// On or off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum OnOff {
    /// On.
    On,
    /// Off.
    Off,
}
