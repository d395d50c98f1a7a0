//! How targets fare: latencies and failures of the last minutes, calls in flight, cool-downs, breakers, and what is left
//! of the providers' own limits. Passive: it is learned from the calls themselves and costs none.
//!
//! All of it is pure steps over [`Now`]. Whoever sends an attempt says [`Health::asked`], and then exactly one of
//! [`Health::served`], [`Health::failed`] and [`Health::cancelled`]; so calls in flight are counted right. What a failure
//! means for the target is in one table ([`meaning`]): a refusal of the client's own request is none of its faults.

mod breaker;
mod latency;
mod outcomes;
mod quota;
mod target;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use tollgate_ir::{Fault, FaultKind, Retry};

pub use breaker::{Breaker, BreakerSettings, Change};
pub use latency::Latencies;
pub use outcomes::Outcomes;
pub use quota::{Bucket, Quota};
pub use target::{Cooling, Signals, Standing, TargetHealth};

use crate::config::Config;
use crate::route::{Pin, Target};
use crate::{Map, Now};

/// A key that was refused is left alone for so long: operators renew keys by hand.
const REFUSED_KEY: Duration = Duration::from_secs(30);
/// A used-up quota is asked about again after this.
const USED_UP: Duration = Duration::from_secs(60);
/// A rate limit without a word when it ends.
const RATE_LIMITED: Duration = Duration::from_secs(5);
/// No cool-down is longer: providers have been seen to say days for minutes.
const LONGEST: Duration = Duration::from_secs(15 * 60);

/// What a failed attempt says of its target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// Nothing: the request was at fault, or the client left.
    Nothing,
    /// The target fails: counts for its breaker.
    Failure,
    /// This model with this key is to be left alone for a while.
    CoolTarget(Duration),
    /// Every model with this key is to be left alone for a while.
    CoolKey(Duration),
}

/// What a fault says of the target that it came from.
pub fn meaning(fault: &Fault) -> Meaning {
    let told = match fault.retry {
        Retry::After(after) => Some(after.min(LONGEST)),
        _ => crate::route::retry_after(fault).map(|after| after.min(LONGEST)),
    };
    match fault.kind {
        FaultKind::ProviderRateLimited => Meaning::CoolTarget(told.unwrap_or(RATE_LIMITED)),
        FaultKind::ProviderQuota => Meaning::CoolKey(told.unwrap_or(USED_UP)),
        FaultKind::ProviderAuth => Meaning::CoolKey(REFUSED_KEY),
        FaultKind::ProviderOverloaded => told.map_or(Meaning::Failure, Meaning::CoolTarget),
        FaultKind::ProviderFailed
        | FaultKind::ProviderTimeout
        | FaultKind::ProviderUnreachable
        | FaultKind::ProviderGarbage
        | FaultKind::ProviderEmpty
        | FaultKind::ProviderCut => Meaning::Failure,
        _ if crate::route::says_quota(fault) => Meaning::CoolKey(told.unwrap_or(USED_UP)),
        _ => Meaning::Nothing,
    }
}

/// A target whatever the configuration's order of keys: it outlives a reload.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct HealthKey {
    /// The provider and the tag of its key.
    pub pin: Pin,
    /// The model's name there.
    pub model: Arc<str>,
}

impl HealthKey {
    /// Of a target.
    pub fn of(target: &Target, config: &Config) -> Self {
        Self { pin: target.pin(config), model: Arc::clone(&target.model) }
    }

    /// Of a target as a client reaches it: where its own credential goes upstream, that has a health of its own.
    pub fn for_client(target: &Target, config: &Config, client: Option<u64>) -> Self {
        let mut key = Self::of(target, config);
        if key.pin.key.is_none() && config.provider(&target.provider).is_some_and(|provider| provider.passthrough) {
            key.pin.key = client;
        }
        key
    }
}

/// An attempt that served, as health sees it.
#[derive(Clone, Copy, Debug)]
pub struct Timing {
    /// Until the first token; `None` of a whole answer.
    pub first_token: Option<Duration>,
    /// Until the end.
    pub total: Duration,
}

/// The health of all targets.
#[derive(Debug, Default)]
pub struct Health {
    settings: BreakerSettings,
    /// Of providers with settings of their own.
    apart: Map<Arc<str>, BreakerSettings>,
    /// Requests of the gateway's own that a provider did not answer, one after the other.
    silent: Map<String, u32>,
    targets: Map<HealthKey, TargetHealth>,
    keys: Map<Pin, Cooling>,
}

impl Health {
    /// With other settings of its breakers.
    pub fn new(settings: BreakerSettings) -> Self {
        Self { settings, ..Self::default() }
    }

    /// Puts settings in force: for all, and for providers with settings of their own.
    pub fn configure(&mut self, settings: BreakerSettings, apart: Map<Arc<str>, BreakerSettings>) {
        (self.settings, self.apart) = (settings, apart);
        let Self { settings, apart, targets, silent, .. } = self;
        for (key, target) in targets {
            if apart.get(&*key.pin.provider).unwrap_or(settings).is_off() {
                target.close();
            }
        }
        silent.clear();
    }

    /// A provider answered a request of the gateway's own, or did not. One answer lets calls try its targets again; as
    /// many silences as failures open a breaker open those of all its targets.
    pub fn checked(&mut self, provider: &str, answers: bool, now: Now) -> Vec<(HealthKey, Change)> {
        let settings = self.settings_of(provider);
        let silent = self.silent.entry(provider.to_owned()).or_default();
        *silent = if answers { 0 } else { silent.saturating_add(1) };
        if settings.is_off() || !answers && *silent < settings.failures {
            return Vec::new();
        }
        let of_provider = self.targets.iter_mut().filter(|(key, _)| *key.pin.provider == *provider);
        of_provider.filter_map(|(key, target)| Some((key.clone(), target.checked(answers, &settings, now)?))).collect()
    }

    /// Requests of the gateway's own that providers did not answer, one after the other; 0 of those that answer.
    pub fn checks(&self) -> Vec<(&str, u32)> {
        let mut all: Vec<_> = self.silent.iter().map(|(provider, silent)| (provider.as_str(), *silent)).collect();
        all.sort_unstable();
        all
    }

    fn settings_of(&self, provider: &str) -> BreakerSettings {
        // Most configurations have none apart, and every attempt asks.
        if self.apart.is_empty() { self.settings } else { *self.apart.get(provider).unwrap_or(&self.settings) }
    }

    /// An attempt begins.
    pub fn asked(&mut self, key: &HealthKey, now: Now) -> Option<Change> {
        let settings = self.settings_of(&key.pin.provider);
        self.target(key).asked(&settings, now)
    }

    /// The attempt served.
    pub fn served(&mut self, key: &HealthKey, timing: Timing, now: Now) -> Option<Change> {
        let settings = self.settings_of(&key.pin.provider);
        if !self.keys.is_empty() {
            self.keys.remove(&key.pin);
        }
        self.target(key).served(timing, &settings, now)
    }

    /// The attempt that began then failed.
    pub fn failed(&mut self, key: &HealthKey, fault: &Fault, began: Now, now: Now) -> Option<Change> {
        let settings = self.settings_of(&key.pin.provider);
        let meaning = meaning(fault);
        if let Meaning::CoolKey(span) = meaning {
            self.keys.insert(key.pin.clone(), Cooling { until: now.plus(span), said: Arc::new(fault.clone()) });
        }
        self.target(key).failed(fault, meaning, &settings, began, now)
    }

    /// The attempt that began then ended without a word about the target: its client went away, or another one was faster.
    pub fn cancelled(&mut self, key: &HealthKey, began: Now) {
        self.target(key).cancelled(began);
    }

    /// The provider's rate-limit headers of an answer.
    pub fn limits(&mut self, key: &HealthKey, quota: Quota) {
        self.target(key).quota = Some(quota);
    }

    /// How a target fares now.
    pub fn signals(&self, key: &HealthKey, now: Now) -> Signals {
        let mut signals =
            self.targets.get(key).map(|t| t.signals(&self.settings_of(&key.pin.provider), now)).unwrap_or_default();
        signals.cooling = self.with_its_keys(signals.cooling, key, now);
        signals
    }

    /// Whether a target is to be asked now.
    pub fn standing(&self, key: &HealthKey, now: Now) -> Standing {
        let mut standing =
            self.targets.get(key).map(|t| t.standing(&self.settings_of(&key.pin.provider), now)).unwrap_or_default();
        standing.cooling = self.with_its_keys(standing.cooling, key, now);
        standing
    }

    /// The longer of a target's own cool-down and that of its key.
    fn with_its_keys(&self, own: Option<Cooling>, key: &HealthKey, now: Now) -> Option<Cooling> {
        if self.keys.is_empty() {
            return own;
        }
        let Some(keys) = self.keys.get(&key.pin).filter(|cooling| cooling.until > now) else { return own };
        own.filter(|own| own.until > keys.until).or_else(|| Some(keys.clone()))
    }

    /// The time within which a share of the target's answers of the last minutes came: their first token, or, of whole
    /// answers, all of them. `None` while too little is known.
    pub fn usually(&self, key: &HealthKey, share: f64, stream: bool, now: Now) -> Option<Duration> {
        self.targets.get(key)?.usually(share, stream, now)
    }

    /// All that is known, for operators.
    pub fn all(&self, now: Now) -> Vec<(HealthKey, Signals)> {
        let mut all: Vec<_> = self.targets.keys().map(|key| (key.clone(), self.signals(key, now))).collect();
        all.sort_by(|(a, _), (b, _)| {
            (&a.pin.provider, &a.model, a.pin.key).cmp(&(&b.pin.provider, &b.model, b.pin.key))
        });
        all
    }

    /// Forgets targets that nothing was heard of for long and that nobody asks: client-chosen names must not fill memory.
    pub fn sweep(&mut self, now: Now) {
        self.targets.retain(|_, target| !target.is_idle(now));
        self.keys.retain(|_, cooling| cooling.until > now);
    }

    fn target(&mut self, key: &HealthKey) -> &mut TargetHealth {
        // Names are shared: to clone the key copies none.
        self.targets.entry(key.clone()).or_default()
    }
}
