//! Orders among equals: by weight, by price, by speed, by load, by what is left of limits, by who holds the prompt cache.
//!
//! A branch of the tree is measured by the first target that it would be asked on.

use std::time::Duration;

use super::cached::cost_at;
use super::{Facts, Step, Target};
use crate::config::Measure;
use crate::health::Signals;

/// Slower than the fastest by up to this factor is as good: targets of like speed share evenly.
const ALIKE: f64 = 1.5;

/// A target whose 99th percentile is so many attempts away from being known is not judged by it.
const JUDGED_FROM: u32 = 20;

/// What a measure says of a branch: less is better. What is not known yet is tried first, so that it becomes known;
/// unknown prices come last, since nothing makes them known.
pub(super) fn measure(by: Measure, first: &Step, facts: &Facts<'_>) -> f64 {
    let target = &first.target;
    match by {
        Measure::Price => {
            let price = facts.config.model(&target.provider, &target.model).price();
            #[expect(clippy::cast_precision_loss, reason = "an order of amounts needs no last digit")]
            price.map_or(f64::INFINITY, |price| cost_at(&price, target, facts).0 as f64)
        }
        Measure::FirstToken => median(facts.targets.signals(target).first_token),
        Measure::Total => median(facts.targets.signals(target).total),
        Measure::InFlight => f64::from(facts.targets.signals(target).in_flight),
        Measure::Quota => 1.0 - facts.targets.signals(target).quota.map_or(1.0, |quota| quota.left(facts.now)),
        Measure::PromptCache => place(target, facts),
    }
}

fn median(quantiles: Option<[Duration; 3]>) -> f64 {
    quantiles.map_or(0.0, |[median, ..]| median.as_secs_f64())
}

/// Rendezvous hashing: every conversation has its own order of targets, the same on every replica and without memory; a
/// target that comes or goes moves only its own conversations.
fn place(target: &Target, facts: &Facts<'_>) -> f64 {
    let Some(prefix) = facts.request().prefix else { return 0.0 };
    let name = target.provider.bytes().chain(*b"/").chain(target.model.bytes());
    let seed = prefix ^ target.key.map_or(0, |key| (key as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let hash = name.fold(seed, |hash, byte| mix(hash ^ u64::from(byte)));
    #[expect(clippy::cast_precision_loss, reason = "53 bits are enough to order a handful")]
    let place = (mix(hash) >> 11) as f64 / (1u64 << 53) as f64;
    place
}

/// The finaliser of SplitMix64: every bit of the input moves half of the output's.
const fn mix(mut x: u64) -> u64 {
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// How much of its usual share each branch gets, by how it fares beside the others, in 0..=1: less when it fails, when its
/// slowest calls are slower than the others', and while it comes back.
pub(super) fn vitality(signals: &[Signals]) -> Vec<f64> {
    let slowest = |s: &Signals| {
        let [.., p99] = s.first_token.or(s.total)?;
        (s.error_rate.1 >= JUDGED_FROM).then(|| p99.as_secs_f64().max(1e-6))
    };
    let best = signals.iter().filter_map(slowest).fold(f64::INFINITY, f64::min);
    let share = |s: &Signals| {
        let speed = slowest(s).map_or(1.0, |p99| (ALIKE * best / p99).min(1.0));
        let errors = if s.error_rate.1 >= JUDGED_FROM { (1.0 - s.error_rate.0).powi(2) } else { 1.0 };
        (speed * errors * s.reduced_to.unwrap_or(1.0)).max(1e-3)
    };
    signals.iter().map(share).collect()
}

/// All indices, drawn by weight without replacement: so the load of a failed branch spreads by weight too. Draws only
/// where there is a choice.
pub(super) fn weighted_order(weights: &[f64], draw: &mut dyn FnMut() -> f64) -> Vec<usize> {
    let mut left: Vec<usize> = (0..weights.len()).collect();
    let mut order = Vec::with_capacity(left.len());
    while left.len() > 1 {
        let total: f64 = left.iter().map(|&i| weights[i]).sum();
        let mut mark = draw().clamp(0.0, 1.0) * total;
        let chosen = left.iter().position(|&i| {
            mark -= weights[i];
            mark < 0.0
        });
        // Rounding can leave the mark at zero after the last: the last it is.
        order.push(left.remove(chosen.unwrap_or(left.len() - 1)));
    }
    order.extend(left);
    order
}

/// Draws that depend on a name alone: whoever has the name gets the same branch again.
pub(super) fn draws_of(name: &str) -> impl FnMut() -> f64 {
    let mut state = name.bytes().fold(0x9e37_79b9_7f4a_7c15, |hash, byte| mix(hash ^ u64::from(byte)));
    move || {
        state = mix(state.wrapping_add(0x9e37_79b9_7f4a_7c15));
        #[expect(clippy::cast_precision_loss, reason = "53 bits are a whole draw")]
        let draw = (state >> 11) as f64 / (1u64 << 53) as f64;
        draw
    }
}
