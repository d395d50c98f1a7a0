//! Circuit breakers: raw → checked.

use std::time::Duration;

use super::raw_breaker::{RawBreaker, RawHealthCheck};
use super::report::Report;
use super::scalar::Span;
use super::shape::WordOr;
use crate::health::BreakerSettings;

/// When a provider's targets are left alone, and how they are asked whether they are back.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BreakerTerms {
    /// When a breaker opens and how it comes back.
    pub settings: BreakerSettings,
    /// Requests of the gateway's own; `None`: none.
    pub health_check: Option<HealthCheck>,
}

/// Requests that tell whether a provider answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HealthCheck {
    /// The path on the provider's host; `None`: its list of models.
    pub path: Option<String>,
    /// How often.
    pub every: Duration,
    /// How long an answer may take.
    pub timeout: Duration,
}

/// What is not said is as `above`.
pub(super) fn check(
    raw: Option<WordOr<RawBreaker>>,
    above: &BreakerTerms,
    path: &str,
    report: &mut Report<'_>,
) -> BreakerTerms {
    let raw = match raw {
        None => return above.clone(),
        Some(WordOr::Word(word)) => {
            if word != "off" {
                report.path(path, format!("is `off` or a map of settings, not `{word}`"));
            }
            return BreakerTerms { settings: BreakerSettings::OFF, health_check: None };
        }
        Some(WordOr::Map(raw)) => raw,
    };
    // Settings under one that is off are about a breaker that is on.
    let usual = if above.settings.is_off() { BreakerSettings::default() } else { above.settings };
    let span = |span: Option<Span>, usual| span.map_or(usual, |span| span.0);
    let settings = BreakerSettings {
        failures: raw.failures.unwrap_or(usual.failures),
        share: raw.error_rate.map_or(usual.share, |share| share.0),
        of: raw.of.unwrap_or(usual.of),
        pause: span(raw.pause, usual.pause),
        longest_pause: span(raw.longest_pause, usual.longest_pause).max(span(raw.pause, Duration::ZERO)),
        probes: raw.probes.unwrap_or(usual.probes),
        slow_start: span(raw.slow_start, usual.slow_start),
    };
    for (key, zero) in [
        ("failures", settings.failures == 0),
        ("error_rate", settings.share <= 0.0),
        ("of", settings.of == 0),
        ("pause", settings.pause.is_zero()),
        ("probes", settings.probes == 0),
    ] {
        if zero {
            report.path(&format!("{path}.{key}"), "must be over zero; `breaker: off` asks targets whatever they do");
        }
    }
    let health_check = raw.health_check.map(|raw| health_check(raw, &format!("{path}.health_check"), report));
    BreakerTerms { settings, health_check: health_check.or_else(|| above.health_check.clone()) }
}

fn health_check(raw: RawHealthCheck, path: &str, report: &mut Report<'_>) -> HealthCheck {
    let check = HealthCheck {
        path: raw.path,
        every: raw.every.map_or(Duration::from_secs(10), |span| span.0),
        timeout: raw.timeout.map_or(Duration::from_secs(5), |span| span.0),
    };
    if check.path.as_ref().is_some_and(|path| !path.starts_with('/')) {
        report.path(&format!("{path}.path"), "must begin with `/`, such as `/health`");
    }
    if check.every < Duration::from_secs(1) {
        report.path(&format!("{path}.every"), "must be 1s at least");
    }
    if check.timeout.is_zero() {
        report.path(&format!("{path}.timeout"), "must be over zero");
    }
    check
}
