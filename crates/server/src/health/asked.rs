//! An attempt under way, as health counts it.
//!
//! Invariant: exactly one end is told of each begin; an attempt that is dropped was cancelled.

use std::time::Duration;

use tollgate_core::Now;
use tollgate_core::health::{Bucket, Change, HealthKey, Quota, Timing};
use tollgate_ir::Fault;
use tollgate_wire::limits::{Left, RateLimits};

use crate::app::Gateway;

/// An attempt under way.
pub struct Asked {
    gateway: Gateway,
    key: HealthKey,
    began: Now,
    first_token: Option<Duration>,
    /// What its begin did to the breaker.
    change: Option<Change>,
    over: bool,
}

impl Asked {
    /// It begins.
    pub fn begin(gateway: &Gateway, key: HealthKey, began: Now) -> Self {
        let change = gateway.health().records().asked(&key, began);
        let asked = Self { gateway: gateway.clone(), key, began, first_token: None, change, over: false };
        asked.tell(change, None);
        asked
    }

    /// The first token came.
    pub fn first_token(&mut self, now: Now) {
        self.first_token.get_or_insert(now.since(self.began));
    }

    /// The provider's rate-limit headers.
    pub fn limits(&self, limits: &RateLimits, now: Now) {
        let bucket = |left: Left| Bucket {
            remaining: left.remaining,
            limit: left.limit,
            reset: left.reset.map(|reset| now.plus(reset)),
        };
        let quota = Quota { requests: limits.requests.map(bucket), tokens: limits.tokens.map(bucket) };
        self.gateway.health().records().limits(&self.key, quota);
    }

    /// It served. What the attempt did to the breaker.
    pub fn served(mut self, now: Now) -> Option<Change> {
        self.over = true;
        let timing = Timing { first_token: self.first_token, total: now.since(self.began) };
        let change = self.gateway.health().records().served(&self.key, timing, now);
        self.tell(change, None);
        change.or(self.change)
    }

    /// It failed. What the attempt did to the breaker.
    pub fn failed(mut self, fault: &Fault, now: Now) -> Option<Change> {
        self.over = true;
        let (change, cooling) = {
            let mut records = self.gateway.health().records();
            let change = records.failed(&self.key, fault, self.began, now);
            (change, records.signals(&self.key, now).cooling)
        };
        self.tell(change, Some(fault));
        if let Some(cooling) = cooling.filter(|cooling| *cooling.said == *fault) {
            let (provider, model) = (&self.key.pin.provider, &self.key.model);
            let for_ms = u64::try_from(cooling.until.since(now).as_millis()).unwrap_or(u64::MAX);
            tracing::info!(target: "tollgate::health", %provider, %model, for_ms, why = fault.kind.slug(), "cooling down");
            self.gateway.metrics().cooled(provider, model, fault.kind);
        }
        change.or(self.change)
    }

    fn tell(&self, change: Option<Change>, fault: Option<&Fault>) {
        if let Some(change) = change {
            tell(&self.gateway, &self.key, change, fault.map_or("", |fault| fault.kind.slug()));
        }
    }
}

/// Tells operators that a breaker changed.
pub(super) fn tell(gateway: &Gateway, key: &HealthKey, change: Change, why: &str) {
    let (provider, model) = (&key.pin.provider, &key.model);
    let change = change.as_str();
    tracing::warn!(target: "tollgate::health", %provider, %model, breaker = change, why, "the breaker changed");
    gateway.metrics().breaker(provider, model, change);
}

impl Drop for Asked {
    fn drop(&mut self) {
        if !self.over {
            self.gateway.health().records().cancelled(&self.key, self.began);
        }
    }
}
