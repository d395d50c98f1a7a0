//! Figures for Prometheus, named in docs/metrics.md. Labels come from the configuration or from fixed words, never from
//! what clients write: unknown models are `other`, so the number of series is bounded.

mod kept;
mod labels;

use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard};

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use tollgate_core::config::Config;
use tollgate_core::health::{Breaker, HealthKey, Signals};
use tollgate_core::route::Target;
use tollgate_core::trail::{End, ModelNames, OTHER, Trail};
use tollgate_ir::FaultKind;

use kept::{Kept, OfTarget};
use labels::{AttemptLabels, CallLabels, FaultLabels, Label, NotedLabels, ResumedLabels, TargetLabels, TokenLabels};

/// Most model names that become labels.
const MAX_MODELS: usize = 500;

type Seconds = Family<TargetLabels, Histogram, fn() -> Histogram>;

/// The figures.
pub struct Metrics {
    registry: Mutex<Registry>,
    names: RwLock<ModelNames>,
    calls: Family<CallLabels, Counter>,
    attempts: Family<AttemptLabels, Counter>,
    faults: Family<FaultLabels, Counter>,
    tokens: Family<TokenLabels, Counter>,
    cost: Family<TargetLabels, Counter<f64, AtomicU64>>,
    first_token: Seconds,
    total: Seconds,
    overhead: Histogram,
    in_flight: Gauge,
    targets: TargetFigures,
    kept_calls: Kept<CallLabels, Counter>,
    kept_targets: Kept<TargetLabels, Arc<OfTarget>>,
}

/// Figures of how targets fare.
#[derive(Default)]
struct TargetFigures {
    retries: Family<TargetLabels, Counter>,
    hedges: Family<NotedLabels, Counter>,
    resumptions: Family<ResumedLabels, Counter>,
    cooldowns: Family<NotedLabels, Counter>,
    changes: Family<NotedLabels, Counter>,
    in_flight: Family<TargetLabels, Gauge>,
    breaker: Family<TargetLabels, Gauge>,
}

impl TargetFigures {
    fn register(&self, registry: &mut Registry) {
        registry.register("retries", "Further attempts on the same target", self.retries.clone());
        registry.register("hedges", "Second attempts beside a late first one, by how they ended", self.hedges.clone());
        let resumptions = self.resumptions.clone();
        registry.register("resumptions", "Streams that broke off after content, and who was to go on", resumptions);
        registry.register("cooldowns", "Times that a target asked to be left alone", self.cooldowns.clone());
        registry.register("breaker_changes", "Changes of targets' breakers", self.changes.clone());
        registry.register("attempts_in_flight", "Attempts under way", self.in_flight.clone());
        registry.register("breaker", "0 closed, 1 being tried, 2 open", self.breaker.clone());
    }
}

fn latency() -> Histogram {
    Histogram::new([0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 900.0])
}

impl Metrics {
    /// All at zero.
    pub fn new(config: &Config) -> Self {
        let mut registry = Registry::with_prefix("tollgate");
        let calls = Family::default();
        let attempts = Family::default();
        let faults = Family::default();
        let tokens = Family::default();
        let cost = Family::default();
        let first_token = Seconds::new_with_constructor(latency);
        let total = Seconds::new_with_constructor(latency);
        let overhead = Histogram::new([25e-6, 50e-6, 100e-6, 250e-6, 500e-6, 1e-3, 2.5e-3, 5e-3, 10e-3, 50e-3, 250e-3]);
        let in_flight = Gauge::default();
        registry.register("calls", "Calls by clients", Clone::clone(&calls));
        registry.register(
            "attempts",
            "Requests to providers; `fault` is empty for those that served",
            Clone::clone(&attempts),
        );
        registry.register("faults", "Faults that clients were told, by number", Clone::clone(&faults));
        registry.register("tokens", "Tokens by class, as providers report them", Clone::clone(&tokens));
        registry.register("cost_dollars", "What attempts cost, where a price is known", Clone::clone(&cost));
        registry.register_with_unit(
            "first_token",
            "From request to first token",
            Unit::Seconds,
            Clone::clone(&first_token),
        );
        registry.register_with_unit("call_duration", "From request to end", Unit::Seconds, Clone::clone(&total));
        registry.register_with_unit(
            "overhead",
            "Time of the gateway's own until the reply began",
            Unit::Seconds,
            overhead.clone(),
        );
        registry.register("calls_in_flight", "Requests being served", in_flight.clone());
        let targets = TargetFigures::default();
        targets.register(&mut registry);
        let names = RwLock::new(names(config));
        Self {
            registry: Mutex::new(registry),
            names,
            calls,
            attempts,
            faults,
            tokens,
            cost,
            first_token,
            total,
            overhead,
            in_flight,
            targets,
            kept_calls: Kept::default(),
            kept_targets: Kept::default(),
        }
    }

    /// A new configuration is in force: its names may be labels.
    pub fn configured(&self, config: &Config) {
        *self.names.write().unwrap_or_else(PoisonError::into_inner) = names(config);
        // Names that were learnt are not known any more.
        self.kept_calls.clear();
        self.kept_targets.clear();
    }

    /// A request is being served as long as the guard lives.
    pub fn in_flight(&self) -> InFlight {
        self.in_flight.inc();
        InFlight(self.in_flight.clone())
    }

    /// The same target is asked again.
    pub fn retried(&self, target: &Target) {
        self.targets.retries.get_or_create(&self.labels(&target.provider, &target.model)).inc();
    }

    /// A second attempt was made beside a late first one on this target.
    pub fn hedged(&self, target: &Target, what: &'static str) {
        self.targets.hedges.get_or_create(&self.noted(&target.provider, &target.model, what)).inc();
    }

    /// A stream of this model broke off, and a target was asked to go on with it in this manner.
    pub fn resumed(&self, model: Option<&str>, manner: &'static str, outcome: &'static str) {
        let model = Label(self.names().label(model));
        self.targets.resumptions.get_or_create(&ResumedLabels { model, manner, outcome }).inc();
    }

    /// A target is left alone for a while.
    pub fn cooled(&self, provider: &str, model: &str, kind: FaultKind) {
        self.targets.cooldowns.get_or_create(&self.noted(provider, model, kind.slug())).inc();
    }

    /// A target's breaker changed.
    pub fn breaker(&self, provider: &str, model: &str, what: &'static str) {
        self.targets.changes.get_or_create(&self.noted(provider, model, what)).inc();
    }

    /// How targets fare now.
    pub fn fare(&self, all: &[(HealthKey, Signals)]) {
        self.targets.in_flight.clear();
        self.targets.breaker.clear();
        for (key, signals) in all {
            let labels = self.labels(&key.pin.provider, &key.model);
            // Several keys of a provider are one target here.
            self.targets.in_flight.get_or_create(&labels).inc_by(signals.in_flight.into());
            let state = match signals.breaker {
                Breaker::Closed | Breaker::Returning { .. } => 0,
                Breaker::Probing { .. } => 1,
                Breaker::Open { .. } => 2,
            };
            let gauge = self.targets.breaker.get_or_create(&labels);
            gauge.set(gauge.get().max(state));
        }
    }

    fn labels(&self, provider: &str, model: &str) -> TargetLabels {
        let name = format!("{provider}/{model}");
        TargetLabels { provider: Label(provider.into()), model: Label(self.names().label(Some(&name))) }
    }

    fn noted(&self, provider: &str, model: &str, what: &'static str) -> NotedLabels {
        let TargetLabels { provider, model } = self.labels(provider, model);
        NotedLabels { provider, model, what }
    }

    /// Takes the record of a call that has ended.
    pub fn record(&self, trail: &Trail) {
        // Who served is who was asked last; its name is learnt before others are looked for.
        let mut served = trail.served().is_some();
        for attempt in trail.attempts.iter().rev() {
            let target = self.of_target(&attempt.target, served);
            target.attempt(self, attempt);
            if std::mem::take(&mut served) {
                target.timed(self, trail.first_token.map(|first| first.as_secs_f64()), trail.total.as_secs_f64());
            }
        }
        self.count_call(trail);
        self.overhead.observe(trail.overhead.as_secs_f64());
    }

    fn count_call(&self, trail: &Trail) {
        let end = match &trail.end {
            End::Done => "done",
            End::Fault(note) => {
                let labels = FaultLabels { code: note.kind.code(), kind: note.kind.slug() };
                self.faults.get_or_create(&labels).inc();
                "fault"
            }
            End::Cancelled => "cancelled",
        };
        let labels = |model| CallLabels {
            face: trail.face.as_str(),
            operation: trail.operation.as_str(),
            model: Label(model),
            status: u32::from(trail.status),
            end,
        };
        let Some(model) = &trail.model else {
            self.calls.get_or_create(&labels(self.names().label(None))).inc();
            return;
        };
        let asked = labels(Arc::clone(model));
        if let Some(counter) = self.kept_calls.get(&asked) {
            counter.inc();
            return;
        }
        let names = self.names();
        let label = names.label(Some(model));
        let known = &*label != OTHER;
        let counter = self.calls.get_or_create_owned(&labels(label));
        counter.inc();
        if known {
            self.kept_calls.keep(asked, counter);
        }
    }

    /// The figures of a target. One that served is a real one, and its name learnt.
    fn of_target(&self, target: &Target, served: bool) -> Arc<OfTarget> {
        let asked =
            TargetLabels { provider: Label(Arc::clone(&target.provider)), model: Label(Arc::clone(&target.model)) };
        if let Some(kept) = self.kept_targets.get(&asked) {
            return kept;
        }
        let name = target.name();
        if served && &*self.names().label(Some(&name)) == OTHER {
            self.names.write().unwrap_or_else(PoisonError::into_inner).learn(&name);
        }
        let names = self.names();
        let label = names.label(Some(&name));
        let known = &*label != OTHER;
        let labels = TargetLabels { provider: asked.provider.clone(), model: Label(label) };
        let figures = Arc::new(OfTarget::new(labels));
        if known {
            self.kept_targets.keep(asked, Arc::clone(&figures));
        }
        figures
    }

    fn names(&self) -> RwLockReadGuard<'_, ModelNames> {
        self.names.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The figures as OpenMetrics text.
    pub fn text(&self) -> String {
        let mut out = String::new();
        // Writing into a string cannot fail.
        let _ = encode(&mut out, &self.registry.lock().unwrap_or_else(PoisonError::into_inner));
        out
    }
}

fn names(config: &Config) -> ModelNames {
    let virtual_models = config.models.keys().cloned();
    let listed = config.providers.iter().flat_map(|p| p.models.keys().map(|model| format!("{}/{model}", p.id)));
    ModelNames::new(virtual_models.chain(listed), MAX_MODELS)
}

/// Counts a request while it is served.
pub struct InFlight(Gauge);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.dec();
    }
}
