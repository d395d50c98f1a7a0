//! One target's health.

use std::sync::Arc;
use std::time::Duration;

use tollgate_ir::{Fault, FaultKind};

use super::latency::{SLICE, SLICES};
use super::{Breaker, BreakerSettings, Change, Latencies, Meaning, Outcomes, Quota, Timing};
use crate::Now;

/// A quantile of fewer answers says nothing of what is usual.
const JUDGED_FROM: u64 = 20;

/// A target that is left alone for a while since it said so.
#[derive(Clone, Debug, PartialEq)]
pub struct Cooling {
    /// Until when.
    pub until: Now,
    /// What it said: told again to whoever asks meanwhile.
    pub said: Arc<Fault>,
}

impl Cooling {
    /// Whether asking is in vain until then: the provider named a limit of its rate. A refused key or a used-up credit may
    /// be mended at any time, so these targets are only asked last.
    pub fn is_firm(&self) -> bool {
        matches!(self.said.kind, FaultKind::ProviderRateLimited | FaultKind::ProviderOverloaded)
    }
}

/// How a target fares.
#[derive(Clone, Debug, Default)]
pub struct TargetHealth {
    first_token: Latencies,
    total: Latencies,
    outcomes: Outcomes,
    in_flight: u32,
    in_a_row: u32,
    cooling: Option<Cooling>,
    breaker: Breaker,
    last: Now,
    pub(super) quota: Option<Quota>,
}

/// Whether a target is to be asked now: what every call wants to know, and cheap to tell.
#[derive(Clone, Debug, Default)]
pub struct Standing {
    /// It said that it is to be left alone.
    pub cooling: Option<Cooling>,
    /// Its breaker lets no call through.
    pub refused_by_breaker: bool,
}

/// A target's health as routing among several and operators see it.
#[derive(Clone, Debug, Default)]
pub struct Signals {
    /// Attempts that are under way.
    pub in_flight: u32,
    /// Median and 95th and 99th percentile of the time to the first token.
    pub first_token: Option<[Duration; 3]>,
    /// The same of the whole time.
    pub total: Option<[Duration; 3]>,
    /// The share of attempts that failed by the target's fault, and of how many.
    pub error_rate: (f64, u32),
    /// Failures by kind.
    pub errors: Vec<(FaultKind, u32)>,
    /// It said that it is to be left alone.
    pub cooling: Option<Cooling>,
    /// Its breaker.
    pub breaker: Breaker,
    /// Its breaker lets no call through.
    pub refused_by_breaker: bool,
    /// The share of its usual calls that its breaker grants; meaningful unless refused.
    pub reduced_to: Option<f64>,
    /// What is left of the provider's limits.
    pub quota: Option<Quota>,
}

impl TargetHealth {
    pub(super) fn asked(&mut self, settings: &BreakerSettings, now: Now) -> Option<Change> {
        self.in_flight += 1;
        self.last = now;
        self.breaker.asked(settings, now)
    }

    pub(super) fn served(&mut self, timing: Timing, settings: &BreakerSettings, now: Now) -> Option<Change> {
        self.over(now);
        self.in_a_row = 0;
        self.cooling = None;
        self.outcomes.served(now);
        self.total.note(timing.total, now);
        if let Some(first) = timing.first_token {
            self.first_token.note(first, now);
        }
        self.breaker.served(settings, now.before(timing.total), now)
    }

    pub(super) fn failed(
        &mut self,
        fault: &Fault,
        meaning: Meaning,
        settings: &BreakerSettings,
        began: Now,
        now: Now,
    ) -> Option<Change> {
        let kind = fault.kind;
        self.over(now);
        match meaning {
            Meaning::Nothing => {
                // It answered, and that is what a probe wants to know.
                self.breaker.served(settings, began, now)
            }
            Meaning::CoolTarget(span) => {
                self.outcomes.failed(kind, now);
                self.cooling = Some(Cooling { until: now.plus(span), said: Arc::new(fault.clone()) });
                self.breaker.forget(began);
                None
            }
            Meaning::CoolKey(_) => {
                self.outcomes.failed(kind, now);
                self.breaker.forget(began);
                None
            }
            Meaning::Failure => {
                self.in_a_row += 1;
                self.outcomes.failed(kind, now);
                let rate = self.outcomes.error_rate(now);
                self.breaker.failed(settings, self.in_a_row, rate, began, now)
            }
        }
    }

    /// The provider answered a request of the gateway's own, or did not, again and again.
    pub(super) fn checked(&mut self, answers: bool, settings: &BreakerSettings, now: Now) -> Option<Change> {
        if answers { self.breaker.answers(now) } else { self.breaker.is_silent(settings, now) }
    }

    /// Its breaker is not to be minded any more.
    pub(super) fn close(&mut self) {
        self.breaker = Breaker::Closed;
    }

    pub(super) fn cancelled(&mut self, began: Now) {
        self.in_flight = self.in_flight.saturating_sub(1);
        self.breaker.forget(began);
    }

    pub(super) fn standing(&self, settings: &BreakerSettings, now: Now) -> Standing {
        Standing {
            cooling: self.cooling.clone().filter(|cooling| cooling.until > now),
            refused_by_breaker: !self.breaker.admits(settings, now),
        }
    }

    pub(super) fn signals(&self, settings: &BreakerSettings, now: Now) -> Signals {
        let quantiles = |of: &Latencies| of.quantiles([0.5, 0.95, 0.99], now);
        let share = self.breaker.share(settings, now);
        let standing = self.standing(settings, now);
        Signals {
            in_flight: self.in_flight,
            first_token: quantiles(&self.first_token),
            total: quantiles(&self.total),
            error_rate: self.outcomes.error_rate(now),
            errors: self.outcomes.by_kind(now),
            cooling: standing.cooling,
            breaker: self.breaker,
            refused_by_breaker: standing.refused_by_breaker,
            reduced_to: (share > 0.0 && share < 1.0).then_some(share),
            quota: self.quota.clone(),
        }
    }

    pub(super) fn usually(&self, share: f64, stream: bool, now: Now) -> Option<Duration> {
        let of = if stream { &self.first_token } else { &self.total };
        (of.count(now) >= JUDGED_FROM).then(|| of.quantile(share, now)).flatten()
    }

    pub(super) fn is_idle(&self, now: Now) -> bool {
        let remembered = SLICE.saturating_mul(u32::try_from(SLICES).unwrap_or(u32::MAX)).saturating_mul(2);
        self.in_flight == 0
            && now.since(self.last) > remembered
            && self.breaker.is_over(now)
            && self.cooling.as_ref().is_none_or(|cooling| cooling.until <= now)
    }

    fn over(&mut self, now: Now) {
        self.in_flight = self.in_flight.saturating_sub(1);
        self.last = now;
    }
}
