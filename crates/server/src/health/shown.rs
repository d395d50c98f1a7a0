//! How targets fare, as operators read it (`GET /api/v1/health`).

use std::time::Duration;

use tollgate_core::Now;
use tollgate_core::config::{ApiKey, Config};
use tollgate_core::health::{Breaker, Bucket, HealthKey, Signals};
use tollgate_wire::json::{self, ObjectWriter};

use crate::app::Gateway;

/// All targets of which something is known, and the providers with bounds.
pub fn shown(gateway: &Gateway, config: &Config) -> Vec<u8> {
    let now = gateway.clock().now();
    let all = gateway.health().records().all(now);
    let mut out = Vec::new();
    json::object(&mut out, |o| {
        o.array("data", |a| all.iter().for_each(|(key, signals)| a.object(|o| target(o, key, signals, config, now))));
        o.array("health_checks", |a| {
            for (provider, silent) in gateway.health().records().checks() {
                a.object(|o| {
                    o.text("provider", provider);
                    o.uint("unanswered", silent.into());
                });
            }
        });
        o.array("concurrency", |a| {
            for (provider, running, waiting) in gateway.turns().counts() {
                a.object(|o| {
                    o.text("provider", &provider);
                    o.uint("running", running as u64);
                    o.uint("waiting", waiting as u64);
                });
            }
        });
    });
    out
}

fn target(o: &mut ObjectWriter<'_>, key: &HealthKey, signals: &Signals, config: &Config, now: Now) {
    o.text("target", &format!("{}/{}", key.pin.provider, key.model));
    // Its place in the configuration; the tag is a hash of the key itself.
    if let (Some(tag), Some(provider)) = (key.pin.key, config.provider(&key.pin.provider)) {
        match provider.keys.iter().map(ApiKey::tag).position(|known| known == tag) {
            Some(place) => o.uint("key", place as u64),
            None => o.text("key", if provider.passthrough { "client" } else { "gone" }),
        }
    }
    o.uint("in_flight", signals.in_flight.into());
    o.text("breaker", word(&signals.breaker));
    if let Breaker::Open { until, .. } = signals.breaker {
        o.uint("open_ms", millis(until.since(now)));
    }
    if let Some(share) = signals.reduced_to {
        o.float("reduced_to", share);
    }
    if let Some(cooling) = &signals.cooling {
        o.object("cooling", |o| {
            o.uint("for_ms", millis(cooling.until.since(now)));
            o.text("why", cooling.said.kind.slug());
        });
    }
    o.uint("attempts", signals.error_rate.1.into());
    o.float("error_rate", signals.error_rate.0);
    o.object("errors", |o| signals.errors.iter().for_each(|(kind, count)| o.uint(kind.slug(), (*count).into())));
    for (name, quantiles) in [("first_token_ms", &signals.first_token), ("total_ms", &signals.total)] {
        if let Some([p50, p95, p99]) = quantiles {
            o.object(name, |o| {
                o.uint("p50", millis(*p50));
                o.uint("p95", millis(*p95));
                o.uint("p99", millis(*p99));
            });
        }
    }
    if let Some(quota) = &signals.quota {
        o.object("quota", |o| {
            bucket(o, "requests", quota.requests.as_ref(), now);
            bucket(o, "tokens", quota.tokens.as_ref(), now);
        });
    }
}

fn bucket(o: &mut ObjectWriter<'_>, name: &str, bucket: Option<&Bucket>, now: Now) {
    let Some(bucket) = bucket else { return };
    o.object(name, |o| {
        o.uint("remaining", bucket.remaining);
        if let Some(limit) = bucket.limit {
            o.uint("limit", limit);
        }
        if let Some(reset) = bucket.reset {
            o.uint("reset_ms", millis(reset.since(now)));
        }
    });
}

const fn word(breaker: &Breaker) -> &'static str {
    match breaker {
        Breaker::Closed => "closed",
        Breaker::Returning { .. } => "returning",
        Breaker::Open { .. } => "open",
        Breaker::Probing { .. } => "probing",
    }
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}
