//! How targets fare, for all calls of the process: the pure records of [`tollgate_core::health`] behind a lock that is held
//! for a look-up only, and the budgets of further attempts.

mod asked;
mod check;
mod shown;

use std::sync::{Mutex, MutexGuard, PoisonError};

use tollgate_core::config::Config;
use tollgate_core::health::{Health, HealthKey, Signals, Standing};
use tollgate_core::route::{Holders, RetryBudget, Target, Targets, cache_lives};
use tollgate_core::{Map, Now};

pub use asked::Asked;
pub use check::Checks;
pub use shown::shown;

/// Retries that may be made at once after a quiet while, and within ten seconds: enough for small traffic, little for large.
const RETRIES_IN_STOCK: f64 = 100.0;

/// Conversations whose place is remembered.
const CONVERSATIONS: usize = 32_768;

/// The health of all targets.
#[derive(Debug)]
pub struct Wellbeing {
    health: Mutex<Health>,
    retries: Mutex<RetryBudget>,
    /// By target that is hedged; only policies hedge, so their number is bounded by the configuration.
    hedges: Mutex<Map<String, RetryBudget>>,
    /// Who holds which conversation's prompt cache.
    holders: Mutex<Holders>,
}

impl Default for Wellbeing {
    fn default() -> Self {
        let retries = RetryBudget::new(0.0, RETRIES_IN_STOCK);
        Self {
            health: Mutex::default(),
            retries: Mutex::new(retries),
            hedges: Mutex::default(),
            holders: Mutex::new(Holders::new(CONVERSATIONS)),
        }
    }
}

impl Wellbeing {
    /// Puts the breakers of a configuration in force.
    pub fn configure(&self, config: &Config) {
        let apart = config.providers.iter().filter(|provider| provider.breaker.settings != config.breaker.settings);
        let apart = apart.map(|provider| (provider.id.clone(), provider.breaker.settings)).collect();
        self.records().configure(config.breaker.settings, apart);
    }

    /// The records.
    pub fn records(&self) -> MutexGuard<'_, Health> {
        locked(&self.health)
    }

    /// As routing asks for it.
    pub fn seen<'a>(&'a self, config: &'a Config, now: Now) -> Seen<'a> {
        Seen { wellbeing: self, config, now, client: None }
    }

    /// A call makes its first attempt.
    pub fn earn_retries(&self, config: &Config, now: Now) {
        let mut budget = locked(&self.retries);
        budget.set_share(config.retries.budget);
        budget.earn(now);
    }

    /// A retry, if the budget of all calls has one.
    pub fn may_retry(&self, now: Now) -> bool {
        locked(&self.retries).spend(now)
    }

    /// A call begins that may be hedged.
    pub fn earn_hedges(&self, target: &Target, share: f64, now: Now) {
        let mut hedges = locked(&self.hedges);
        let budget = hedges.entry(target.name()).or_insert_with(|| RetryBudget::strict(share));
        budget.set_share(share);
        budget.earn(now);
    }

    /// A target served a conversation whose prompt cache counts.
    pub fn holds(&self, conversation: u64, target: HealthKey, now: Now) {
        let lives = cache_lives(&target.model);
        locked(&self.holders).note(conversation, target, lives, now);
    }

    /// A second attempt beside the first, if the target's budget has one.
    pub fn may_hedge(&self, target: &Target, now: Now) -> bool {
        locked(&self.hedges).get_mut(&target.name()).is_some_and(|budget| budget.spend(now))
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The health of targets of one configuration.
#[derive(Clone, Copy)]
pub struct Seen<'a> {
    wellbeing: &'a Wellbeing,
    config: &'a Config,
    now: Now,
    client: Option<u64>,
}

impl Seen<'_> {
    /// As a client finds them whose own credential goes upstream: the tag of that.
    #[must_use]
    pub fn by_client(self, client: Option<u64>) -> Self {
        Self { client, ..self }
    }

    fn key(&self, target: &Target) -> HealthKey {
        HealthKey::for_client(target, self.config, self.client)
    }
}

impl Targets for Seen<'_> {
    fn standing(&self, target: &Target) -> Standing {
        self.wellbeing.records().standing(&self.key(target), self.now)
    }

    fn signals(&self, target: &Target) -> Signals {
        self.wellbeing.records().signals(&self.key(target), self.now)
    }

    fn holder(&self, prefix: u64) -> Option<HealthKey> {
        locked(&self.wellbeing.holders).of(prefix, self.now).cloned()
    }
}
