//! How targets fare, for all calls of the process: the pure records of [`tollgate_core::health`] behind a lock that is held
//! for a look-up only.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tollgate_core::config::Config;
use tollgate_core::health::{Health, HealthKey, Signals};
use tollgate_core::route::{Target, Targets};

use crate::clock::Clock;

/// The health of all targets.
#[derive(Debug, Default)]
pub struct Wellbeing {
    health: Mutex<Health>,
}

impl Wellbeing {
    /// The records.
    pub fn records(&self) -> MutexGuard<'_, Health> {
        self.health.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// As routing asks for it.
    pub fn seen<'a>(&'a self, config: &'a Config, clock: Clock) -> Seen<'a> {
        Seen { wellbeing: self, config, clock }
    }
}

/// The health of targets of one configuration.
#[derive(Clone, Copy)]
pub struct Seen<'a> {
    wellbeing: &'a Wellbeing,
    config: &'a Config,
    clock: Clock,
}

impl Targets for Seen<'_> {
    fn signals(&self, target: &Target) -> Signals {
        self.wellbeing.records().signals(&HealthKey::of(target, self.config), self.clock.now())
    }
}
