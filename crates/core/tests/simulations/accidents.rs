//! What befalls providers, by chance and yet the same for the same seed. One target is always healthy.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::provider::Draws;
use crate::scenario::{Nature, Spell};

/// What happens to a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// 429, mostly with a word how long.
    RateLimit,
    /// 503.
    Overloaded,
    /// 500 after a while.
    Failing,
    /// Ten times slower.
    Slow,
    /// Nothing comes after the head, or drop by drop: the timeout ends it.
    Stall,
    /// The connection breaks somewhere in the answer.
    Reset,
    /// What comes cannot be read.
    Garbage,
    /// The name has no address, or TLS fails.
    Unreachable,
    /// The key is refused.
    Refused,
}

/// Accidents by chance.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Accidents {
    /// Seconds from one to the next on average, over all targets.
    pub every: f64,
    /// Seconds that one lasts, at least and at most.
    pub lasts: [f64; 2],
    /// Which.
    pub kinds: Vec<Kind>,
    /// Shares of calls that are hit, at least and at most: a brownout hits some, an outage all.
    pub share: [f64; 2],
}

impl Accidents {
    /// Adds them to targets, up to an end.
    pub fn befall(&self, targets: &mut BTreeMap<String, Nature>, end: f64, draws: &mut Draws) {
        let names: Vec<String> = targets.keys().cloned().collect();
        let mut at = 0.0;
        loop {
            at += draws.gap(1.0 / self.every);
            if at > end {
                return;
            }
            let (name, what) = (&names[draws.below(names.len())], self.kinds[draws.below(self.kinds.len())]);
            let to = at + draws.within(self.lasts);
            // Hit too few calls to be noticed or all: both ends of a brownout.
            let share = draws.within(self.share);
            let overlaps = |nature: &Nature| nature.but.iter().any(|spell| spell.from < to && at < spell.to);
            let others_down = targets.iter().filter(|(other, nature)| *other != name && overlaps(nature)).count();
            if others_down + 1 < names.len()
                && let Some(nature) = targets.get_mut(name).filter(|nature| !overlaps(nature))
            {
                nature.but.push(Spell { from: at, to, what, share });
            }
        }
    }
}
