//! How much effort goes into a call: attempts after the first, waiting for targets, and how many calls a provider is
//! sent at once. Raw → checked.

use std::time::Duration;

use super::raw::{RawConcurrency, RawRetries};
use super::report::Report;
use super::scalar::Span;
use super::terms::MOST_RETRIES;

/// How often a failed attempt is made again.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Retries {
    /// Further attempts on each target, where neither call nor node nor provider says.
    pub default: u32,
    /// Further attempts as a share of first ones, over all calls: so that an outage is not amplified.
    pub budget: f64,
    /// The longest first pause; each further one may be twice as long,
    pub base: Duration,
    /// up to this.
    pub most: Duration,
}

impl Default for Retries {
    fn default() -> Self {
        Self { default: 1, budget: 0.2, base: Duration::from_millis(250), most: Duration::from_secs(8) }
    }
}

/// How many calls a provider is sent at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Concurrency {
    /// So many, over 0.
    pub concurrent: usize,
    /// So many more may wait for their turn,
    pub queue: usize,
    /// for so long.
    pub wait: Duration,
}

pub(super) fn retries(raw: RawRetries, report: &mut Report<'_>) -> Retries {
    let usual = Retries::default();
    let given = raw.default.unwrap_or(usual.default);
    at_most(given, "retries.default", report);
    let span = |span: Option<Span>, usual| span.map_or(usual, |span| span.0);
    let retries = Retries {
        default: given,
        budget: raw.budget.map_or(usual.budget, |share| share.0),
        base: span(raw.base, usual.base),
        most: span(raw.most, usual.most),
    };
    if retries.base > retries.most {
        report.path("retries.base", "is over `retries.most` (8s by default); no pause is longer than that");
    }
    retries
}

/// Nobody asks one target more often.
pub(super) fn at_most(retries: u32, path: &str, report: &mut Report<'_>) {
    if retries > MOST_RETRIES {
        report.path(path, format!("must be at most {MOST_RETRIES}"));
    }
}

pub(super) fn concurrency(raw: RawConcurrency, path: &str, report: &mut Report<'_>) -> Concurrency {
    if raw.concurrent == 0 {
        report.path(&format!("{path}.limits.concurrent"), "must be over 0; to send nothing, take the provider out");
    }
    let size = |n: u32| usize::try_from(n).unwrap_or(usize::MAX);
    Concurrency {
        concurrent: size(raw.concurrent),
        queue: raw.queue.map_or_else(|| size(raw.concurrent), size),
        wait: raw.wait.map_or(Duration::from_secs(5), |span| span.0),
    }
}
