//! Figures for Prometheus, named in docs/metrics.md. Labels come from the configuration or from fixed words, never from
//! what clients write: unknown models are `other`, so the number of series is bounded.

use std::sync::atomic::AtomicU64;
use std::sync::{Mutex, PoisonError, RwLock};

use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder};
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

/// Most model names that become labels.
const MAX_MODELS: usize = 500;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CallLabels {
    face: &'static str,
    operation: &'static str,
    model: Label,
    status: u32,
    end: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct AttemptLabels {
    provider: Label,
    model: Label,
    fault: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct TokenLabels {
    provider: Label,
    model: Label,
    class: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct TargetLabels {
    provider: Label,
    model: Label,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct FaultLabels {
    code: String,
    kind: &'static str,
}

/// A label that is shared and not copied.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Label(std::sync::Arc<str>);

impl EncodeLabelValue for Label {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> Result<(), std::fmt::Error> {
        (&*self.0).encode(encoder)
    }
}

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

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct NotedLabels {
    provider: Label,
    model: Label,
    what: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ResumedLabels {
    model: Label,
    manner: &'static str,
    outcome: &'static str,
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
        }
    }

    /// A new configuration is in force: its names may be labels.
    pub fn configured(&self, config: &Config) {
        *self.names.write().unwrap_or_else(PoisonError::into_inner) = names(config);
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
        let model = Label(self.names.read().unwrap_or_else(PoisonError::into_inner).label(model));
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
        let names = self.names.read().unwrap_or_else(PoisonError::into_inner);
        let name = format!("{provider}/{model}");
        TargetLabels { provider: Label(provider.into()), model: Label(names.label(Some(&name))) }
    }

    fn noted(&self, provider: &str, model: &str, what: &'static str) -> NotedLabels {
        let TargetLabels { provider, model } = self.labels(provider, model);
        NotedLabels { provider, model, what }
    }

    /// Takes the record of a call that has ended.
    pub fn record(&self, trail: &Trail) {
        self.learn(trail);
        let names = self.names.read().unwrap_or_else(PoisonError::into_inner);
        let end = match &trail.end {
            End::Done => "done",
            End::Fault(note) => {
                let labels = FaultLabels { code: format!("TG{:04}", note.kind.number()), kind: note.kind.slug() };
                self.faults.get_or_create(&labels).inc();
                "fault"
            }
            End::Cancelled => "cancelled",
        };
        self.calls
            .get_or_create(&CallLabels {
                face: trail.face.as_str(),
                operation: trail.operation.as_str(),
                model: Label(names.label(trail.model.as_deref())),
                status: u32::from(trail.status),
                end,
            })
            .inc();
        self.overhead.observe(trail.overhead.as_secs_f64());
        let mut last = None;
        for attempt in &trail.attempts {
            let provider = Label(attempt.target.provider.as_str().into());
            let model = Label(names.label(Some(&attempt.target.name())));
            let fault =
                attempt.fault.as_ref().map_or(if attempt.overtaken { "overtaken" } else { "" }, |n| n.kind.slug());
            self.attempts
                .get_or_create(&AttemptLabels { provider: provider.clone(), model: model.clone(), fault })
                .inc();
            let target = TargetLabels { provider, model };
            if let Some(usage) = &attempt.usage {
                self.count_tokens(&target, usage);
            }
            if let Some(cost) = attempt.cost {
                #[expect(clippy::cast_precision_loss, reason = "a figure for charts; the ledger is exact")]
                self.cost.get_or_create(&target).inc_by(cost.0 as f64 / 1e9);
            }
            last = Some(target);
        }
        // Who served is who was asked last.
        if let Some(target) = last.filter(|_| trail.served().is_some()) {
            if let Some(first) = trail.first_token {
                self.first_token.get_or_create(&target).observe(first.as_secs_f64());
            }
            self.total.get_or_create(&target).observe(trail.total.as_secs_f64());
        }
    }

    /// A provider answered to the name, so it is a real one.
    fn learn(&self, trail: &Trail) {
        if let Some(served) = trail.served() {
            let name = served.name();
            if &*self.names.read().unwrap_or_else(PoisonError::into_inner).label(Some(&name)) == OTHER {
                self.names.write().unwrap_or_else(PoisonError::into_inner).learn(&name);
            }
        }
    }

    fn count_tokens(&self, target: &TargetLabels, usage: &tollgate_ir::Usage) {
        let classes = [
            ("input", Some(usage.input)),
            ("cache_read", usage.cache_read),
            ("cache_write", usage.cache_write),
            ("cache_write_1h", usage.cache_write_1h),
            ("output", Some(usage.output)),
            ("reasoning", usage.reasoning),
        ];
        for (class, tokens) in classes {
            if let Some(tokens) = tokens.filter(|t| *t > 0) {
                let labels = TokenLabels { provider: target.provider.clone(), model: target.model.clone(), class };
                self.tokens.get_or_create(&labels).inc_by(tokens);
            }
        }
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
