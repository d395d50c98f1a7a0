//! What a running gateway holds: what outlives a reload, and behind one swap what a reload replaces.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use tollgate_core::caller::{Directory, KeyHash};
use tollgate_core::config::{self, Config, Trust};
use tollgate_core::ports::Continuity;
use tollgate_core::trail::Trail;
use tollgate_core::{Map, Now};
use tollgate_ir::Fault;

use crate::body::BodyBudget;
use crate::clock::Clock;
use crate::credentials::Transport;
use crate::health::{Checks, Wellbeing};
use crate::lag::Lag;
use crate::media::{MediaFetcher, MediaSettings};
use crate::metrics::Metrics;
use crate::provider::Provider;
use crate::retired::Retired;
use crate::tasks::Tasks;
use crate::turns::Turns;
use crate::upstream::{Egress, EgressConfig, PoolSettings, Upstream};

/// Most records of finished calls that are kept for `GET /api/v1/calls`, until there is a store for them.
const RECENT: usize = 1_000;

/// How often what nobody asks any more is forgotten.
const SWEEP: Duration = Duration::from_secs(60);

/// A running gateway. Cheap to clone; all clones are one.
#[derive(Clone)]
pub struct Gateway {
    inner: Arc<Inner>,
}

struct Inner {
    tasks: Tasks,
    clock: Clock,
    upstream: Upstream,
    bodies: BodyBudget,
    continuity: Arc<dyn Continuity>,
    media: MediaFetcher,
    health: Wellbeing,
    lag: Lag,
    turns: Turns,
    metrics: Metrics,
    state: ArcSwap<State>,
    recent: Mutex<VecDeque<Arc<Trail>>>,
    retired: Retired,
    reload: Box<dyn Fn() -> Result<Vec<String>, String> + Send + Sync>,
}

/// What a configuration means, ready for use. Calls hold the one they began with.
pub struct State {
    /// The configuration.
    pub config: Arc<Config>,
    /// Who may call.
    pub directory: Directory,
    /// Hashes of the admin keys.
    pub admins: Vec<KeyHash>,
    /// Whom to ask, by id.
    pub providers: Map<Arc<str>, Provider>,
}

impl State {
    /// From a configuration and its providers.
    pub fn new(config: Arc<Config>, providers: Map<Arc<str>, Provider>) -> Self {
        let directory = Directory::new(&config.keys, hash);
        let admins = config.admin_keys.iter().map(|key| hash(key.expose())).collect();
        Self { config, directory, admins, providers }
    }

    /// No keys are declared and only this machine reaches the listener: whoever does may call.
    pub fn is_open(&self) -> bool {
        config::trust(&self.config) == Trust::Loopback
    }
}

/// SHA-256 of a credential: keys are held and compared as hashes only.
pub fn hash(credential: &str) -> KeyHash {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, credential.as_bytes());
    let mut hash = [0; 32];
    hash.copy_from_slice(digest.as_ref());
    hash
}

impl Gateway {
    /// A gateway with its first state. `reload` reads the configuration anew, puts it in force by [`Gateway::swap`] and
    /// says what needs a restart. The fault is a client certificate or proxy that cannot be used.
    pub fn new(
        state: State,
        tasks: Tasks,
        continuity: Arc<dyn Continuity>,
        reload: impl Fn() -> Result<Vec<String>, String> + Send + Sync + 'static,
    ) -> Result<Self, Fault> {
        let media = MediaFetcher::new(MediaSettings::default(), &EgressConfig::default())?;
        let bodies = BodyBudget::new(usize::try_from(state.config.limits.bodies).unwrap_or(usize::MAX));
        let metrics = Metrics::new(&state.config);
        let health = Wellbeing::default();
        health.configure(&state.config);
        let background = tasks.clone();
        let gateway = Self {
            inner: Arc::new(Inner {
                upstream: Upstream::new(PoolSettings::default(), &tasks),
                lag: Lag::default(),
                clock: Clock::start(),
                tasks,
                bodies,
                continuity,
                media,
                health,
                turns: Turns::default(),
                metrics,
                state: ArcSwap::from_pointee(state),
                recent: Mutex::new(VecDeque::with_capacity(64)),
                retired: Retired::default(),
                reload: Box::new(reload),
            }),
        };
        gateway.watch_lag();
        gateway.sweep(&background);
        gateway.check_health(&background);
        Ok(gateway)
    }

    /// Looks how long work waits, where a limit is set.
    fn watch_lag(&self) {
        let wanted = !self.state().config.limits.lag.is_zero();
        self.inner.lag.watch(wanted, &self.inner.tasks);
    }

    /// Forgets, from time to time, targets of which nothing was heard for long.
    fn sweep(&self, tasks: &Tasks) {
        let weak = Arc::downgrade(&self.inner);
        tasks.background("health-sweeper", async move {
            loop {
                tokio::time::sleep(SWEEP).await;
                let Some(inner) = weak.upgrade() else { return };
                inner.health.records().sweep(inner.clock.now());
            }
        });
    }

    /// Asks providers whether they answer, where the configuration says so.
    fn check_health(&self, tasks: &Tasks) {
        let weak = Arc::downgrade(&self.inner);
        tasks.background("health-checker", async move {
            let mut checks = Checks::default();
            loop {
                let Some(inner) = weak.upgrade() else { return };
                let pause = checks.begin(&Self { inner });
                tokio::time::sleep(pause).await;
            }
        });
    }

    /// Puts a new state in force; running calls keep theirs.
    pub fn swap(&self, state: State) {
        self.inner.health.configure(&state.config);
        self.inner.metrics.configured(&state.config);
        self.inner.state.store(Arc::new(state));
        self.watch_lag();
    }

    /// Reads the configuration anew; what needs a restart, or why it was refused.
    pub fn reload(&self) -> Result<Vec<String>, String> {
        (self.inner.reload)()
    }

    /// The state in force.
    pub fn state(&self) -> Arc<State> {
        self.inner.state.load_full()
    }

    /// The process's clock.
    pub fn clock(&self) -> Clock {
        self.inner.clock
    }

    /// Where work is spawned and drained.
    pub fn tasks(&self) -> &Tasks {
        &self.inner.tasks
    }

    /// The way to providers.
    pub fn upstream(&self) -> &Upstream {
        &self.inner.upstream
    }

    /// The way to a provider, for its credential.
    pub fn transport<'a>(&'a self, egress: &'a Egress) -> Transport<'a> {
        Transport { upstream: self.upstream(), egress, now: self.clock().wall() }
    }

    /// The memory for bodies in flight.
    pub fn bodies(&self) -> &BodyBudget {
        &self.inner.bodies
    }

    /// What is remembered between calls.
    pub fn continuity(&self) -> &dyn Continuity {
        &*self.inner.continuity
    }

    /// Fetches media by address, under guard.
    pub fn media(&self) -> &MediaFetcher {
        &self.inner.media
    }

    /// How targets fare.
    pub fn health(&self) -> &Wellbeing {
        &self.inner.health
    }

    /// How long work waits for a processor.
    pub fn lag(&self) -> &Lag {
        &self.inner.lag
    }

    /// Whose turn it is at providers that take so many calls at once.
    pub fn turns(&self) -> &Turns {
        &self.inner.turns
    }

    /// The figures.
    pub fn metrics(&self) -> &Metrics {
        &self.inner.metrics
    }

    /// Takes the record of a call that has ended: log line, figures, recent calls.
    pub fn record(&self, trail: Arc<Trail>, now: Now) {
        tracing::info!(target: "tollgate::call", call = trail.to_json());
        self.inner.metrics.record(&trail);
        self.inner.retired.note(&trail, &self.inner.state.load().config, now);
        let mut recent = self.inner.recent.lock().unwrap_or_else(PoisonError::into_inner);
        if recent.len() == RECENT {
            recent.pop_front();
        }
        recent.push_back(trail);
    }

    /// Records of the last calls, newest first.
    pub fn recent(&self) -> Vec<Arc<Trail>> {
        self.inner.recent.lock().unwrap_or_else(PoisonError::into_inner).iter().rev().cloned().collect()
    }
}
