//! Figures that almost every call counts, kept by what the call's record says, so that a call neither makes labels nor looks
//! into each family.
//!
//! Invariant: only what has a label of its own is kept; so there are no more than there are series, whatever clients write.

use std::hash::Hash;
use std::sync::atomic::AtomicU64;
use std::sync::{OnceLock, PoisonError, RwLock};

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::histogram::Histogram;
use tollgate_core::Map;
use tollgate_core::trail::Attempt;
use tollgate_ir::Usage;

use super::{AttemptLabels, Metrics, TargetLabels, TokenLabels};

/// Tokens are counted in so many classes.
const CLASSES: usize = 6;

/// What is kept, by what it is of.
pub(super) struct Kept<K, V>(RwLock<Map<K, V>>);

impl<K, V> Default for Kept<K, V> {
    fn default() -> Self {
        Self(RwLock::default())
    }
}

impl<K: Eq + Hash, V: Clone> Kept<K, V> {
    pub(super) fn get(&self, key: &K) -> Option<V> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(key).cloned()
    }

    pub(super) fn keep(&self, key: K, value: V) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).insert(key, value);
    }

    pub(super) fn clear(&self) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

/// A target's figures. A series begins when something is counted in it.
pub(super) struct OfTarget {
    pub(super) labels: TargetLabels,
    served: OnceLock<Counter>,
    tokens: [OnceLock<Counter>; CLASSES],
    cost: OnceLock<Counter<f64, AtomicU64>>,
    first_token: OnceLock<Histogram>,
    total: OnceLock<Histogram>,
}

impl OfTarget {
    pub(super) fn new(labels: TargetLabels) -> Self {
        Self {
            labels,
            served: OnceLock::new(),
            tokens: [const { OnceLock::new() }; CLASSES],
            cost: OnceLock::new(),
            first_token: OnceLock::new(),
            total: OnceLock::new(),
        }
    }

    /// Counts an attempt, its tokens and what it cost.
    pub(super) fn attempt(&self, metrics: &Metrics, attempt: &Attempt) {
        let labels = |fault| {
            let TargetLabels { provider, model } = self.labels.clone();
            AttemptLabels { provider, model, fault }
        };
        let fault = match &attempt.fault {
            Some(note) => note.kind.slug(),
            None if attempt.overtaken => "overtaken",
            None => "",
        };
        if fault.is_empty() {
            self.served.get_or_init(|| metrics.attempts.get_or_create_owned(&labels(fault))).inc();
        } else {
            metrics.attempts.get_or_create(&labels(fault)).inc();
        }
        if let Some(usage) = &attempt.usage {
            self.count_tokens(metrics, usage);
        }
        if let Some(cost) = attempt.cost {
            let counter = self.cost.get_or_init(|| metrics.cost.get_or_create_owned(&self.labels));
            #[expect(clippy::cast_precision_loss, reason = "a figure for charts; the ledger is exact")]
            counter.inc_by(cost.0 as f64 / 1e9);
        }
    }

    fn count_tokens(&self, metrics: &Metrics, usage: &Usage) {
        let classes: [_; CLASSES] = [
            ("input", Some(usage.input)),
            ("cache_read", usage.cache_read),
            ("cache_write", usage.cache_write),
            ("cache_write_1h", usage.cache_write_1h),
            ("output", Some(usage.output)),
            ("reasoning", usage.reasoning),
        ];
        for ((class, tokens), counter) in classes.into_iter().zip(&self.tokens) {
            let Some(tokens) = tokens.filter(|tokens| *tokens > 0) else { continue };
            let begin = || {
                let TargetLabels { provider, model } = self.labels.clone();
                metrics.tokens.get_or_create_owned(&TokenLabels { provider, model, class })
            };
            counter.get_or_init(begin).inc_by(tokens);
        }
    }

    /// Notes how long a call took that this target served.
    pub(super) fn timed(&self, metrics: &Metrics, first_token: Option<f64>, total: f64) {
        if let Some(first) = first_token {
            self.first_token.get_or_init(|| metrics.first_token.get_or_create_owned(&self.labels)).observe(first);
        }
        self.total.get_or_init(|| metrics.total.get_or_create_owned(&self.labels)).observe(total);
    }
}
