//! What a run comes to.

use std::collections::BTreeMap;

use crate::run::Told;
use crate::scenario::Expected;

/// Figures of the calls of a span.
#[derive(Clone, Debug, PartialEq)]
pub struct Figures {
    pub calls: usize,
    /// Served, in percent.
    pub success: f64,
    /// Attempts a call.
    pub attempts: f64,
    /// The same of calls that came when nothing befell any target.
    pub attempts_outside: f64,
    /// Seconds, of calls that were served without a timeout on their path.
    pub p99: f64,
    /// Each target's attempts, in percent.
    pub shares: BTreeMap<String, f64>,
    /// Second attempts beside a late first one, in percent of the calls.
    pub hedges: f64,
}

impl Figures {
    /// Of the calls that an expectation is about, or of all.
    pub fn of(told: &[Told], expected: Option<&Expected>) -> Self {
        let told: Vec<&Told> = told.iter().filter(|call| expected.is_none_or(|e| e.covers(call.came))).collect();
        let percent = |part: usize, whole: usize| 100.0 * part as f64 / whole as f64;
        let attempts = |calls: &mut dyn Iterator<Item = &&Told>| {
            let (calls, attempts) = calls.fold((0, 0), |(c, a), call| (c + 1, a + call.attempts.len()));
            attempts as f64 / calls as f64
        };
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        for target in told.iter().flat_map(|call| &call.attempts) {
            *counts.entry(target.clone()).or_default() += 1;
        }
        let all: usize = counts.values().sum();
        let mut took: Vec<f64> = told.iter().filter(|c| c.served && !c.timed_out).map(|call| call.took).collect();
        took.sort_by(f64::total_cmp);
        let p99 = took.get((took.len() * 99 / 100).min(took.len().saturating_sub(1))).copied();
        Self {
            calls: told.len(),
            success: percent(told.iter().filter(|call| call.served).count(), told.len()),
            attempts: attempts(&mut told.iter()),
            attempts_outside: attempts(&mut told.iter().filter(|call| !call.in_outage)),
            p99: p99.unwrap_or(f64::NAN),
            shares: counts.into_iter().map(|(target, count)| (target, percent(count, all))).collect(),
            hedges: percent(told.iter().filter(|call| call.hedged).count(), told.len()),
        }
    }

    /// For whoever reads the test's output.
    pub fn said(&self, healthy: &Self) -> String {
        format!(
            "{} calls, {:.3} % served, {:.3} attempts a call ({:.3} outside outages), p99 {:.2} s ({:.2} times), hedged {:.2} %, shares {:.1?}",
            self.calls,
            self.success,
            self.attempts,
            self.attempts_outside,
            self.p99,
            self.p99 / healthy.p99,
            self.hedges,
            self.shares,
        )
    }

    /// A row of docs/reliability.md.
    pub fn row(&self, healthy: &Self) -> String {
        format!(
            "{} | {:.3} % | {:.3} | {:.3} | {:.2} s | {:.2} s",
            self.calls, self.success, self.attempts_outside, self.attempts, healthy.p99, self.p99
        )
    }
}
