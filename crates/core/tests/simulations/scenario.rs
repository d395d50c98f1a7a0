//! What a file says: a configuration, how calls come, how its targets fare, and what is expected.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Deserialize;

use crate::accidents::{Accidents, Kind};
use crate::figures::Figures;

/// A simulation. Times are in seconds.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// What it shows.
    pub about: String,
    /// The configuration, as an operator writes it. The virtual model `m` is called.
    pub config: String,
    /// How many calls come.
    pub calls: usize,
    /// So many a second on average; they come as strangers do (Poisson).
    pub rate: f64,
    /// Of all draws.
    #[serde(default)]
    pub seed: u64,
    /// An attempt that has no answer by then has failed.
    pub timeout: f64,
    /// How the targets fare.
    pub targets: BTreeMap<String, Nature>,
    /// What befalls them by chance.
    pub accidents: Option<Accidents>,
    /// What is expected.
    pub expect: Vec<Expected>,
}

/// How a target fares.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Nature {
    /// The shortest and the longest of its answers; a first token comes after a third.
    pub takes: [f64; 2],
    /// What befalls it.
    #[serde(default)]
    pub but: Vec<Spell>,
}

/// A while in which a target does not fare as usual.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spell {
    /// From when
    pub from: f64,
    /// until when
    pub to: f64,
    /// what happens
    pub what: Kind,
    /// to which share of its calls.
    #[serde(default = "whole")]
    pub share: f64,
}

const fn whole() -> f64 {
    1.0
}

/// What is expected of the calls that came within a span.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Expected {
    /// From when
    pub from: f64,
    /// until when, if not to the end.
    pub to: Option<f64>,
    /// Each target's least and most share of the attempts, in percent.
    pub shares: BTreeMap<String, [f64; 2]>,
    /// Least share of calls that were served, in percent.
    pub success: Option<f64>,
    /// Most attempts a call.
    pub attempts: Option<f64>,
    /// Most attempts a call, of calls that came when no target was in a spell.
    pub attempts_outside_outages: Option<f64>,
    /// Most of the 99th percentile, as a multiple of what it would be without accidents; calls with a timeout on their
    /// path are left out.
    pub p99: Option<f64>,
    /// Most second attempts beside a late first one, in percent of the calls.
    pub hedges: Option<f64>,
}

impl Scenario {
    /// The same without anything that befalls its targets.
    pub fn without_accidents(&self) -> Self {
        let mut healthy = self.clone();
        healthy.accidents = None;
        healthy.targets.values_mut().for_each(|nature| nature.but.clear());
        healthy
    }
}

impl Expected {
    /// Whether a call that came then is meant.
    pub fn covers(&self, at: f64) -> bool {
        at >= self.from && self.to.is_none_or(|to| at < to)
    }

    /// For messages.
    pub fn span(&self) -> String {
        self.to.map_or(format!("{}s…", self.from), |to| format!("{}s…{to}s", self.from))
    }

    /// Says what is not as expected.
    pub fn complain(&self, found: &Figures, healthy: &Figures, complaints: &mut String) {
        let span = self.span();
        let mut most = |what: &str, most: Option<f64>, found: f64| {
            if let Some(most) = most.filter(|most| found.is_nan() || found > *most) {
                let _ = writeln!(complaints, "{span}: {what} {found:.3} is over {most}");
            }
        };
        most("attempts a call", self.attempts, found.attempts);
        most("attempts a call outside outages", self.attempts_outside_outages, found.attempts_outside);
        most("p99 as a multiple", self.p99, found.p99 / healthy.p99);
        most("hedges in percent", self.hedges, found.hedges);
        if let Some(least) = self.success.filter(|least| found.success < *least) {
            let _ = writeln!(complaints, "{span}: success {:.3} % is under {least} %", found.success);
        }
        for (target, [least, most]) in &self.shares {
            let share = found.shares.get(target).copied().unwrap_or_default();
            if !(*least..=*most).contains(&share) {
                let _ = writeln!(complaints, "{span}: {target} has {share:.2} %, not {least} to {most} %");
            }
        }
    }
}
