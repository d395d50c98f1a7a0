//! A circuit breaker: who fails again and again is left alone for a while, then asked with one call at a time, then with
//! more and more.
//!
//! A pure step over time. Closed → open when enough attempts in a row failed, or a large share of many. Open → probing
//! when its pause is over: one attempt at a time is let through. Probing → closed when enough probes served, else open
//! again, for twice as long. After closing the target's share grows from a tenth to all within the slow start.

use std::time::Duration;

use crate::Now;

/// When a breaker opens and how it comes back.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BreakerSettings {
    /// So many failures one after the other open it.
    pub failures: u32,
    /// So large a share of failures opens it,
    pub share: f64,
    /// if there were so many attempts in the last minutes.
    pub of: u32,
    /// The first pause; each further one is twice as long,
    pub pause: Duration,
    /// up to this.
    pub longest_pause: Duration,
    /// So many probes must serve.
    pub probes: u32,
    /// The share grows for so long after closing.
    pub slow_start: Duration,
}

impl BreakerSettings {
    /// One that never opens.
    pub const OFF: Self = Self {
        failures: u32::MAX,
        share: f64::INFINITY,
        of: u32::MAX,
        pause: Duration::ZERO,
        longest_pause: Duration::ZERO,
        probes: 1,
        slow_start: Duration::ZERO,
    };

    /// It never opens.
    pub fn is_off(&self) -> bool {
        *self == Self::OFF
    }
}

impl Default for BreakerSettings {
    fn default() -> Self {
        Self {
            failures: 5,
            share: 0.5,
            of: 20,
            pause: Duration::from_secs(5),
            longest_pause: Duration::from_secs(120),
            probes: 2,
            slow_start: Duration::from_secs(30),
        }
    }
}

/// A breaker's state.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Breaker {
    /// Calls go through.
    #[default]
    Closed,
    /// Calls go through, fewer at first.
    Returning {
        /// Since when.
        since: Now,
    },
    /// No call goes through.
    Open {
        /// Until when.
        until: Now,
        /// How often it opened without closing in between.
        times: u32,
    },
    /// One call at a time goes through.
    Probing {
        /// How often it opened without closing in between.
        times: u32,
        /// Since when: what began before says nothing new.
        since: Now,
        /// Probes that served.
        served: u32,
        /// When the probe that is under way began. One that never ends is given up after the longest pause.
        asked: Option<Now>,
    },
}

/// Something happened that operators want to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// The target is left alone.
    Opened,
    /// The target is tried.
    Probing,
    /// The target serves again.
    Closed,
}

impl Change {
    /// The word for it in logs, metrics and records.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Opened => "opened",
            Self::Probing => "probing",
            Self::Closed => "closed",
        }
    }
}

impl Breaker {
    /// Whether a call may go through now.
    pub fn admits(&self, settings: &BreakerSettings, now: Now) -> bool {
        match *self {
            Self::Closed | Self::Returning { .. } => true,
            Self::Open { until, .. } => now >= until,
            Self::Probing { asked, .. } => asked.is_none_or(|at| now.since(at) > settings.longest_pause),
        }
    }

    /// The share of its usual calls that it should get, in 0..=1.
    pub fn share(&self, settings: &BreakerSettings, now: Now) -> f64 {
        match *self {
            Self::Closed => 1.0,
            Self::Returning { since } => {
                let grown = now.since(since).as_secs_f64() / settings.slow_start.as_secs_f64().max(f64::EPSILON);
                (0.1 + 0.9 * grown).min(1.0)
            }
            Self::Open { .. } | Self::Probing { .. } => 0.0,
        }
    }

    /// A call goes through now.
    pub fn asked(&mut self, settings: &BreakerSettings, now: Now) -> Option<Change> {
        match *self {
            Self::Open { until, times } if now >= until => {
                *self = Self::Probing { times, since: now, served: 0, asked: Some(now) };
                Some(Change::Probing)
            }
            Self::Probing { times, since, served, .. } => {
                *self = Self::Probing { times, since, served, asked: Some(now) };
                None
            }
            Self::Returning { since } if now.since(since) >= settings.slow_start => {
                *self = Self::Closed;
                None
            }
            _ => None,
        }
    }

    /// A call that began then served.
    pub fn served(&mut self, settings: &BreakerSettings, began: Now, now: Now) -> Option<Change> {
        let Self::Probing { times, since, served, .. } = *self else { return None };
        if began.monotonic < since.monotonic {
            return None;
        }
        if served + 1 < settings.probes {
            *self = Self::Probing { times, since, served: served + 1, asked: None };
            return None;
        }
        *self = Self::Returning { since: now };
        Some(Change::Closed)
    }

    /// A call that began then failed by the target's fault; `in_a_row` counts this one, `rate` is the share of failures of
    /// how many.
    pub fn failed(
        &mut self,
        settings: &BreakerSettings,
        in_a_row: u32,
        rate: (f64, u32),
        began: Now,
        now: Now,
    ) -> Option<Change> {
        let times = match *self {
            Self::Closed | Self::Returning { .. } => {
                let many = rate.1 >= settings.of && rate.0 >= settings.share;
                if in_a_row < settings.failures && !many {
                    return None;
                }
                0
            }
            Self::Probing { times, since, .. } if began.monotonic >= since.monotonic => times,
            // A call that began before it opened says nothing new: whole timeouts end long after.
            Self::Probing { .. } | Self::Open { .. } => return None,
        };
        let pause = settings.pause.saturating_mul(2u32.saturating_pow(times)).min(settings.longest_pause);
        *self = Self::Open { until: now.plus(pause), times: times + 1 };
        Some(Change::Opened)
    }

    /// The provider answered a request of the gateway's own: calls may try.
    pub fn answers(&mut self, now: Now) -> Option<Change> {
        let Self::Open { times, .. } = *self else { return None };
        *self = Self::Probing { times, since: now, served: 0, asked: None };
        Some(Change::Probing)
    }

    /// The provider answers no request of the gateway's own, again and again.
    pub fn is_silent(&mut self, settings: &BreakerSettings, now: Now) -> Option<Change> {
        let (times, opened) = match *self {
            Self::Closed | Self::Returning { .. } => (1, Some(Change::Opened)),
            Self::Open { times, .. } | Self::Probing { times, .. } => (times, None),
        };
        *self = Self::Open { until: now.plus(settings.longest_pause), times };
        opened
    }

    /// A call that began then ended without saying anything of the target (its client went away): a probe is free again.
    pub fn forget(&mut self, began: Now) {
        if let Self::Probing { since, asked, .. } = self
            && began.monotonic >= since.monotonic
        {
            *asked = None;
        }
    }

    /// Nothing is left of it that a call would still want to know, a long while after the last one.
    pub fn is_over(&self, now: Now) -> bool {
        !matches!(self, Self::Open { until, .. } if *until > now)
    }
}
