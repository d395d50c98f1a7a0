//! The policy tree, checked: no names left to resolve, no cycles, every demand whole.

use std::sync::Arc;
use std::time::Duration;

use super::Unsupported;
use crate::catalogue::Capability;
use crate::money::Nanos;
use crate::route::{Condition, FaultClass};

/// A name that a policy gives a meaning.
#[derive(Clone, Debug, PartialEq)]
pub struct VirtualModel {
    /// Its name.
    pub name: Arc<str>,
    /// What it stands for.
    pub policy: Policy,
    /// What happens to parameters that the target does not take.
    pub unsupported_params: Option<Unsupported>,
    /// How long a call may take, all its attempts together.
    pub total: Option<Duration>,
    /// How long a call waits for a target that is cooling down, where no other can serve.
    pub wait_for_cooldown: Option<Duration>,
    /// What happens when a stream breaks off after content went out.
    pub resume: Resume,
    /// Where prompts go that are too long for every target.
    pub context_fallback: Option<Policy>,
    /// Where calls go that a content policy refused.
    pub content_policy_fallback: Option<Policy>,
}

/// What happens when a stream breaks off after content went out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Resume {
    /// The next target goes on, where that is possible without a seam.
    #[default]
    Auto,
    /// It ends with an error.
    Never,
}

/// How targets are chosen. References to other virtual models are replaced by their policies when the configuration is
/// checked, and what nodes demand is handed down to the targets below them.
#[derive(Clone, Debug, PartialEq)]
pub enum Policy {
    /// One model of one provider.
    Target(Leaf),
    /// In order, each when those before failed.
    Fallback(Vec<Policy>),
    /// One by weight; the others behind it as fallbacks.
    Split {
        /// The branches.
        branches: Vec<Branch>,
        /// Whose calls take the same branch.
        stick_to: StickTo,
    },
    /// The best by a live measure first.
    Ranked {
        /// Which measure.
        by: Measure,
        /// What is ranked.
        among: Vec<Policy>,
    },
    /// The first rule that holds decides; if none does, the rest.
    Rules {
        /// In order.
        rules: Vec<Rule>,
        /// When none holds; `None`: nothing serves then.
        otherwise: Option<Box<Policy>>,
    },
}

impl Policy {
    /// Provider and model of every target that it may choose.
    pub fn leaves(&self) -> Vec<(&str, &str)> {
        match self {
            Self::Target(leaf) => vec![(&leaf.provider, &leaf.model)],
            Self::Fallback(nodes) | Self::Ranked { among: nodes, .. } => nodes.iter().flat_map(Self::leaves).collect(),
            Self::Split { branches, .. } => branches.iter().flat_map(|branch| branch.policy.leaves()).collect(),
            Self::Rules { rules, otherwise } => {
                let rest = otherwise.iter().flat_map(|rest| rest.leaves());
                rules.iter().flat_map(|rule| rule.policy.leaves()).chain(rest).collect()
            }
        }
    }
}

impl Policy {
    /// Whether a target of it may be hedged.
    pub fn hedges(&self) -> bool {
        match self {
            Self::Target(leaf) => leaf.terms.hedge.is_some(),
            Self::Fallback(nodes) | Self::Ranked { among: nodes, .. } => nodes.iter().any(Self::hedges),
            Self::Split { branches, .. } => branches.iter().any(|branch| branch.policy.hedges()),
            Self::Rules { rules, otherwise } => {
                rules.iter().any(|rule| rule.policy.hedges()) || otherwise.as_ref().is_some_and(|rest| rest.hedges())
            }
        }
    }
}

impl Policy {
    /// Whether one of its rules depends on a fact.
    pub fn mentions(&self, fact: &str) -> bool {
        match self {
            Self::Target(_) => false,
            Self::Fallback(nodes) | Self::Ranked { among: nodes, .. } => nodes.iter().any(|node| node.mentions(fact)),
            Self::Split { branches, .. } => branches.iter().any(|branch| branch.policy.mentions(fact)),
            Self::Rules { rules, otherwise } => {
                rules.iter().any(|rule| rule.when.mentions(fact) || rule.policy.mentions(fact))
                    || otherwise.as_ref().is_some_and(|rest| rest.mentions(fact))
            }
        }
    }
}

/// One model of one provider, and all that is demanded of it on the way down to it.
#[derive(Clone, Debug, PartialEq)]
pub struct Leaf {
    /// The provider's id in the configuration.
    pub provider: Arc<str>,
    /// The model's name there.
    pub model: Arc<str>,
    /// What is demanded.
    pub terms: Arc<Terms>,
}

/// A branch of a split.
#[derive(Clone, Debug, PartialEq)]
pub struct Branch {
    /// Its share, over 0.
    pub weight: f64,
    /// What it stands for.
    pub policy: Policy,
}

/// A rule.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// When it holds.
    pub when: Condition,
    /// What serves then.
    pub policy: Policy,
}

/// Whose calls take the same branch of a split.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum StickTo {
    /// Nobody's: each is drawn anew.
    #[default]
    Request,
    /// A key's.
    Key,
    /// A session's (`x-tollgate-session`, `x-session-id`, `session_id`), else a key's.
    Session,
}

/// What targets are ranked by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// What this call is expected to cost.
    Price,
    /// The time to the first token.
    FirstToken,
    /// The time to the end.
    Total,
    /// Calls in flight.
    InFlight,
    /// What is left of the provider's rate limits.
    Quota,
    /// Who holds the conversation's prompt cache.
    PromptCache,
}

impl Measure {
    /// The word for it in explanations.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Price => "price",
            Self::FirstToken => "first_token",
            Self::Total => "total",
            Self::InFlight => "in_flight",
            Self::Quota => "quota",
            Self::PromptCache => "prompt_cache",
        }
    }
}

/// What a node demands and allows of everything below it. What is `None` or empty is left to the node above, then to the
/// provider, then to the defaults.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Terms {
    /// How long to wait; a longer limit than the provider's has no effect.
    pub timeouts: TimeoutTerms,
    /// Further attempts on each target.
    pub retries: Option<u32>,
    /// Which failures move on.
    pub on: Option<Vec<FaultClass>>,
    /// The most that a target may cost.
    pub max_price: MaxPrice,
    /// Least scores by use case; `default` where none is named.
    pub min_quality: Vec<(String, f64)>,
    /// What a target must offer.
    pub require: Require,
    /// Whether circuit breakers count.
    pub breaker: Option<bool>,
    /// A second attempt when the first is late.
    pub hedge: Option<Hedge>,
}

/// How long to wait, where a node says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TimeoutTerms {
    /// For a connection.
    pub connect: Option<Duration>,
    /// For a stream's first token.
    pub first_token: Option<Duration>,
    /// For a stream's next event.
    pub idle: Option<Duration>,
    /// For the whole answer.
    pub total: Option<Duration>,
}

/// The most that a target may cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MaxPrice {
    /// Nano-dollars per million input tokens.
    pub input: Option<Nanos>,
    /// Nano-dollars per million output tokens.
    pub output: Option<Nanos>,
    /// Nano-dollars for the call.
    pub call: Option<Nanos>,
}

/// What a target must offer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Require {
    /// Abilities.
    pub capabilities: Vec<Capability>,
    /// Tokens of its context window.
    pub context: Option<u64>,
    /// One of these; empty: any.
    pub regions: Vec<String>,
    /// The provider does not train on what it is sent.
    pub no_training: bool,
    /// The provider keeps nothing.
    pub zero_retention: bool,
}

/// A second attempt when the first is late.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hedge {
    /// When.
    pub after: After,
    /// Most second attempts, as a share of the calls.
    pub budget: f64,
}

/// When a second attempt starts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum After {
    /// After a time.
    Time(Duration),
    /// After a quantile of the target's own times to the first token, in 0..1.
    Quantile(f64),
}

impl Terms {
    /// These terms below those of the node above: the nearer one decides how often and how long, demands add up.
    #[must_use]
    pub fn under(&self, above: &Self) -> Self {
        let nearer = |mine: Option<Duration>, theirs: Option<Duration>| match (mine, theirs) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        let least = |mine: Option<Nanos>, theirs: Option<Nanos>| match (mine, theirs) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        Self {
            timeouts: TimeoutTerms {
                connect: nearer(self.timeouts.connect, above.timeouts.connect),
                first_token: nearer(self.timeouts.first_token, above.timeouts.first_token),
                idle: nearer(self.timeouts.idle, above.timeouts.idle),
                total: nearer(self.timeouts.total, above.timeouts.total),
            },
            retries: self.retries.or(above.retries),
            on: self.on.clone().or_else(|| above.on.clone()),
            max_price: MaxPrice {
                input: least(self.max_price.input, above.max_price.input),
                output: least(self.max_price.output, above.max_price.output),
                call: least(self.max_price.call, above.max_price.call),
            },
            min_quality: [&above.min_quality[..], &self.min_quality].concat(),
            require: Require {
                capabilities: [&above.require.capabilities[..], &self.require.capabilities].concat(),
                context: self.require.context.max(above.require.context),
                regions: match (&self.require.regions[..], &above.require.regions[..]) {
                    ([], theirs) => theirs.to_vec(),
                    (mine, []) => mine.to_vec(),
                    (mine, theirs) => mine.iter().filter(|region| theirs.contains(region)).cloned().collect(),
                },
                no_training: self.require.no_training || above.require.no_training,
                zero_retention: self.require.zero_retention || above.require.zero_retention,
            },
            breaker: self.breaker.or(above.breaker),
            hedge: self.hedge.or(above.hedge),
        }
    }
}
