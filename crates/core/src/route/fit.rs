//! Whether a target can and may serve a call: what its model takes, and what the policy demands. Each reason is a sentence
//! for explanations.

use tollgate_ir::Usage;

use super::{Facts, RequestFacts, Resolved, Target};
use crate::catalogue::Model;
use crate::config::{Config, DEFAULT_USE, MaxPrice, Modality, Provider, Terms};
use crate::money::{NANOS_PER_DOLLAR, Nanos, Price};

/// Output tokens that a call is expected to have where it names no limit, for estimates of its cost.
const EXPECTED_OUTPUT: u64 = 500;

/// Why a target is not for a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Misfit {
    /// The prompt is longer than its window.
    TooLong(String),
    /// Anything else.
    Other(String),
}

/// Why a target cannot or may not serve a call, if so.
pub(super) fn misfit(target: &Target, terms: &Terms, facts: &Facts<'_>) -> Option<Misfit> {
    let provider = facts.config.provider(&target.provider)?;
    let known = &facts.config.model(&target.provider, &target.model);
    if let Some(reason) = too_long(known, facts) {
        return Some(Misfit::TooLong(reason));
    }
    let missing = if facts.may_have_media { cannot_read(known, facts.request()) } else { None };
    let found = missing
        .or_else(|| demands(known, provider, terms))
        .or_else(|| quality(known, &terms.min_quality))
        .or_else(|| too_dear(known, &terms.max_price, facts));
    found.map(Misfit::Other)
}

/// The prompt is too long for the window. A body has no more tokens than bytes, so that most need no estimate.
fn too_long(known: &Model<'_>, facts: &Facts<'_>) -> Option<String> {
    let window = known.context().filter(|window| *window < facts.body_bytes)?;
    let prompt = facts.request().prompt_tokens;
    (prompt > window).then(|| format!("its window of {window} tokens does not hold the prompt of about {prompt}"))
}

fn cannot_read(known: &Model<'_>, request: &RequestFacts) -> Option<String> {
    let takes = known.input()?;
    let missing = request.modalities.iter().find(|kind| !takes.contains(kind) && **kind != Modality::Text)?;
    Some(format!("it takes no {}", missing.as_str()))
}

fn demands(known: &Model<'_>, provider: &Provider, terms: &Terms) -> Option<String> {
    let require = &terms.require;
    if let Some(least) = require.context
        && known.context().is_none_or(|window| window < least)
    {
        return Some(format!("its window is not known to hold {least} tokens"));
    }
    if let Some(wanted) = require.capabilities.iter().find(|wanted| !known.has(**wanted)) {
        return Some(format!("it is not known to have `{}`", wanted.as_str()));
    }
    if !require.regions.is_empty() && !provider.region.as_ref().is_some_and(|region| require.regions.contains(region)) {
        return Some(format!("it is not known to be in {}", require.regions.join(" or ")));
    }
    if require.no_training && !provider.no_training {
        return Some("its provider did not promise not to train on requests".to_owned());
    }
    (require.zero_retention && !provider.zero_retention)
        .then(|| "its provider did not promise to keep nothing".to_owned())
}

fn quality(known: &Model<'_>, least: &[(String, f64)]) -> Option<String> {
    let score = |case: &str| {
        let scores = known.own.map_or(&[][..], |own| &own.quality);
        let of = |name: &str| scores.iter().find(|(known, _)| known == name).map(|(_, score)| *score);
        of(case).or_else(|| of(DEFAULT_USE))
    };
    least.iter().find_map(|(case, least)| match score(case) {
        Some(score) if score >= *least => None,
        Some(score) => Some(format!("its score for `{case}` is {score}, under {least}")),
        None => Some(format!("it has no score for `{case}`")),
    })
}

fn too_dear(known: &Model<'_>, most: &MaxPrice, facts: &Facts<'_>) -> Option<String> {
    if *most == MaxPrice::default() {
        return None;
    }
    let Some(price) = known.price() else { return Some("its price is not known".to_owned()) };
    let over = |found: Nanos, most: Option<Nanos>, what: &str| {
        let most = most.filter(|most| found > *most)?;
        Some(format!("it costs {found} dollars {what}, over {most}"))
    };
    over(price.rates.input, most.input, "per million input tokens")
        .or_else(|| over(price.rates.output, most.output, "per million output tokens"))
        .or_else(|| {
            most.call.and_then(|most| over(expected_cost(&price, facts.request(), false), Some(most), "for this call"))
        })
}

/// Dollars that a call is expected to cost on the dearest target that its model may choose; 0 where no price is known.
pub fn dearest(model: &Resolved, config: &Config, request: &RequestFacts) -> f64 {
    let prices = model.targets().into_iter().filter_map(|(provider, name)| config.model(provider, name).price());
    let dearest = prices.map(|price| expected_cost(&price, request, false)).max().unwrap_or_default();
    #[expect(clippy::cast_precision_loss, reason = "a condition on dollars needs no last digit")]
    let dollars = dearest.0 as f64 / NANOS_PER_DOLLAR as f64;
    dollars
}

/// What a call is expected to cost: its prompt, read from a cache or not, and the output that it allows up to what is
/// usual.
pub(super) fn expected_cost(price: &Price, request: &RequestFacts, cached: bool) -> Nanos {
    let output = request.max_tokens.unwrap_or(EXPECTED_OUTPUT).min(EXPECTED_OUTPUT.max(request.prompt_tokens));
    let prompt = request.prompt_tokens;
    let (input, cache_read) = if cached { (0, Some(prompt)) } else { (prompt, None) };
    price.cost(&Usage { input, cache_read, output, ..Usage::default() }, None)
}
