//! Models that are served no more: whoever still asks for one is told in the log, once a model.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use tollgate_core::Now;
use tollgate_core::config::Config;
use tollgate_core::trail::Trail;

/// Which models were told of. Bounded by the catalogue: only its names get in.
#[derive(Debug, Default)]
pub struct Retired {
    told: Mutex<HashSet<String>>,
}

impl Retired {
    /// Tells of the retired models among a call's targets.
    pub fn note(&self, trail: &Trail, config: &Config, now: Now) {
        for target in trail.attempts.iter().map(|attempt| &attempt.target) {
            let Some(known) = config.provider(&target.provider).and_then(|provider| provider.catalogued) else {
                continue;
            };
            let Some(offer) = config.catalogue.offer(known, &target.model) else { continue };
            if offer.retires().is_none() || !offer.is_retired(&now.day()) {
                continue;
            }
            if self.told.lock().unwrap_or_else(PoisonError::into_inner).insert(offer.name().to_owned()) {
                let (model, retired) = (offer.name(), offer.retires().unwrap_or_default());
                tracing::warn!(
                    model,
                    retired,
                    successor = offer.successor().unwrap_or_default(),
                    "the model is retired"
                );
            }
        }
    }
}
