//! What a node of the policy tree demands: raw → checked.

use super::effort::at_most;
use super::raw::Named;
use super::raw_policy::{OnOff, RawPolicy, RawRequire};
use super::report::Report;
use super::shape::WordOr;
use super::{Hedge, MaxPrice, Require, Terms, TimeoutTerms};
use crate::catalogue::Capability;
use crate::near::nearest;

/// The use case of a score or a demand that names none.
pub const DEFAULT_USE: &str = "default";

/// Second attempts as a share of the calls, where nothing is said.
const HEDGES: f64 = 0.03;

/// Most attempts beyond the first on one target that anybody can ask for.
pub const MOST_RETRIES: u32 = 20;

pub(super) fn of(raw: &RawPolicy, path: &str, report: &mut Report<'_>) -> Terms {
    if let Some(retries) = raw.retries {
        at_most(retries, &format!("{path}.retries"), report);
    }
    let timeouts = raw.timeouts.as_ref().map(|t| {
        let span = |span: &Option<super::scalar::Span>| span.map(|span| span.0);
        TimeoutTerms {
            connect: span(&t.connect),
            first_token: span(&t.first_token),
            idle: span(&t.idle),
            total: span(&t.total),
        }
    });
    let max_price = raw.max_price.as_ref().map(|price| MaxPrice {
        input: price.input.map(|d| d.0),
        output: price.output.map(|d| d.0),
        call: price.call.map(|d| d.0),
    });
    Terms {
        timeouts: timeouts.unwrap_or_default(),
        retries: raw.retries,
        on: raw.on.clone(),
        max_price: max_price.unwrap_or_default(),
        min_quality: raw
            .min_quality
            .as_ref()
            .map(|q| scores(q, &format!("{path}.min_quality"), report))
            .unwrap_or_default(),
        require: raw.require.as_ref().map(|raw| require(raw, &format!("{path}.require"), report)).unwrap_or_default(),
        breaker: raw.breaker.map(|breaker| breaker == OnOff::On),
        hedge: raw
            .hedge
            .as_ref()
            .map(|hedge| Hedge { after: hedge.after.0, budget: hedge.budget.map_or(HEDGES, |b| b.0) }),
    }
}

/// Scores by use case: one number is the default's.
pub(super) fn scores(raw: &WordOr<Named<f64>>, path: &str, report: &mut Report<'_>) -> Vec<(String, f64)> {
    let scores = match raw {
        WordOr::Word(text) => match text.trim().parse() {
            Ok(score) => vec![(DEFAULT_USE.to_owned(), score)],
            Err(_) => {
                report.path(path, format!("must be a number from 0 to 1, or numbers by use case, not `{text}`"));
                Vec::new()
            }
        },
        WordOr::Map(named) => named.0.clone(),
    };
    if let Some((_, wrong)) = scores.iter().find(|(_, score)| !(0.0..=1.0).contains(score)) {
        report.path(path, format!("must be from 0 to 1, not {wrong}"));
    }
    scores
}

fn require(raw: &RawRequire, path: &str, report: &mut Report<'_>) -> Require {
    let mut capabilities = Vec::new();
    for (i, name) in raw.capabilities.iter().flatten().enumerate() {
        match Capability::of(name) {
            Some(capability) => capabilities.push(capability),
            None => {
                let near = nearest(name, Capability::ALL.iter().map(|(_, _, name)| *name), 2);
                report.path_near(&format!("{path}.capabilities[{i}]"), format!("`{name}` is no capability"), near);
            }
        }
    }
    Require {
        capabilities,
        context: raw.context,
        regions: raw.regions.clone().unwrap_or_default(),
        no_training: raw.no_training.unwrap_or(false),
        zero_retention: raw.zero_retention.unwrap_or(false),
    }
}
