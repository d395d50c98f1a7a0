//! Why a plan is as it is, as operators and clients read it.
//!
//! The walk notes what it knew anyway; nothing is put into words until somebody asks ([`Explanation::of`]).

use cel::Value;
use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};
use tollgate_ir::FaultKind;

use super::facts::FACTS;
use super::{Plan, RequestFacts, Skipped, Step};
use crate::config::Measure;
use crate::money::Nanos;

/// What gave a target its place among others.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Ground {
    /// A measure: less is better.
    Ranked {
        /// Of what.
        by: Measure,
        /// Nano-dollars of a price, seconds of a time, calls in flight, the used share of a quota; of prompt caches −1 for
        /// who holds the conversation's, else its place in the conversation's own order.
        score: f64,
    },
    /// Its share of first choices, after how it fares beside the others.
    Weighed(f64),
}

/// Why a target is asked only after all others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LastResort {
    /// It failed in a way that may be mended at any time.
    Cooling(FaultKind),
    /// Its circuit breaker lets no call through.
    Breaker,
}

/// What a target costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quote {
    /// A million plain input tokens.
    pub input: Nanos,
    /// A million plain output tokens.
    pub output: Nanos,
    /// The call, as far as it can be told before.
    pub call: Nanos,
}

/// A plan in words.
#[derive(Serialize)]
pub struct Explanation<'a> {
    /// The estimate that decisions rest on; absent where none asked for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    prompt_tokens: Option<u64>,
    /// The conditions that held, in the order of the tree; `else` where none of a list did.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    rules: Vec<&'a str>,
    /// In the order in which they are tried.
    candidates: Vec<Candidate<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    skipped: Vec<Left<'a>>,
    /// Who serves a prompt that turns out too long.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    context_fallback: Vec<String>,
    /// Who serves what a content policy refuses.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    content_policy_fallback: Vec<String>,
    /// Candidates and skipped ones that are not listed for want of room.
    #[serde(skip_serializing_if = "is_zero")]
    not_listed: usize,
}

#[derive(Serialize)]
struct Candidate<'a> {
    target: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<usize>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    order: Vec<Place>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_resort: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    price: Option<Price>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expected_cost_nanos: Option<i64>,
}

/// Why it stands where it does, the innermost choice first.
#[derive(Serialize)]
struct Place {
    by: &'static str,
    /// Null of what is not known.
    score: f64,
}

/// Of a million tokens.
#[derive(Serialize)]
struct Price {
    input_nanos: i64,
    output_nanos: i64,
}

#[derive(Serialize)]
struct Left<'a> {
    target: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<usize>,
    reason: &'a str,
}

impl<'a> Explanation<'a> {
    /// Of a plan, with at most so many candidates and so many that were skipped.
    pub fn of(plan: &'a Plan, most: usize) -> Self {
        let over = |len: usize| len.saturating_sub(most);
        let names = |steps: &[Step]| steps.iter().take(most).map(|step| step.target.name()).collect();
        Self {
            prompt_tokens: plan.prompt_tokens,
            rules: plan.rules.iter().map(|rule| &**rule).collect(),
            candidates: plan.steps.iter().take(most).map(candidate).collect(),
            skipped: plan.skipped.iter().take(most).map(left).collect(),
            context_fallback: names(&plan.if_too_long),
            content_policy_fallback: names(&plan.if_refused),
            not_listed: over(plan.steps.len()) + over(plan.skipped.len()),
        }
    }
}

fn candidate(step: &Step) -> Candidate<'_> {
    let place = |ground: &Ground| match *ground {
        Ground::Ranked { by, score } => Place { by: by.as_str(), score },
        Ground::Weighed(share) => Place { by: "weight", score: share },
    };
    Candidate {
        target: step.target.name(),
        key: step.target.key,
        order: step.grounds.iter().map(place).collect(),
        last_resort: step.last_resort.map(|why| match why {
            LastResort::Cooling(kind) => kind.slug(),
            LastResort::Breaker => "breaker",
        }),
        price: step.quote.map(|quote| Price { input_nanos: quote.input.0, output_nanos: quote.output.0 }),
        expected_cost_nanos: step.quote.map(|quote| quote.call.0),
    }
}

fn left(skipped: &Skipped) -> Left<'_> {
    Left { target: skipped.target.name(), key: skipped.target.key, reason: &skipped.reason }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks with a reference")]
const fn is_zero(number: &usize) -> bool {
    *number == 0
}

/// The facts of a request under the names that rules have for them.
pub struct FactsTold<'a>(pub &'a RequestFacts);

impl Serialize for FactsTold<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(FACTS.len()))?;
        for fact in FACTS {
            map.serialize_entry(fact.name, &Told(&(fact.value)(self.0)))?;
        }
        map.end()
    }
}

/// A value of a rule.
struct Told<'a>(&'a Value);

impl Serialize for Told<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Bool(value) => serializer.serialize_bool(*value),
            Value::Int(value) => serializer.serialize_i64(*value),
            Value::Float(value) => serializer.serialize_f64(*value),
            Value::String(value) => serializer.serialize_str(value),
            Value::List(values) => serializer.collect_seq(values.iter().map(Told)),
            Value::Map(values) => {
                serializer.collect_map(values.map.iter().map(|(key, value)| (key.to_string(), Told(value))))
            }
            // No fact is anything else.
            _ => serializer.serialize_none(),
        }
    }
}
