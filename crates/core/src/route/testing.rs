//! What tests of routing stand on: a state of the world with defaults.

use std::time::Duration;

use super::{Facts, Pin, Plan, RequestFacts, Resolved, RouteWishes, Target, Targets, Unfit, plan_chain};
use crate::Now;
use crate::config::Config;
use crate::health::{Health, HealthKey, Signals, Standing};

/// Everything that a plan depends on.
#[derive(Default)]
pub(super) struct State<'a> {
    pub(super) request: RequestFacts,
    pub(super) body_bytes: u64,
    pub(super) only: Option<&'a Pin>,
    pub(super) first: Option<&'a Pin>,
    pub(super) holder: Option<&'a Target>,
    pub(super) explain: bool,
    pub(super) unfit: Option<Unfit<'a>>,
    pub(super) wishes: RouteWishes,
    pub(super) health: Health,
    pub(super) now: Now,
}

impl State<'_> {
    pub(super) fn plan(&self, names: &[Resolved], config: &Config, draw: &mut dyn FnMut() -> f64) -> Plan {
        let look = || self.request.clone();
        let request = super::Lookup::new(&look);
        let world = World { state: self, config };
        let facts = Facts {
            config,
            targets: &world,
            request: &request,
            body_bytes: self.body_bytes,
            may_have_media: !self.request.modalities.is_empty(),
            now: self.now,
            only: self.only,
            first: self.first,
            unfit: self.unfit,
            wishes: &self.wishes,
            explain: self.explain,
        };
        plan_chain(names, &facts, draw)
    }
}

struct World<'a> {
    state: &'a State<'a>,
    config: &'a Config,
}

impl Targets for World<'_> {
    fn standing(&self, target: &Target) -> Standing {
        self.state.health.standing(&HealthKey::of(target, self.config), self.state.now)
    }

    fn signals(&self, target: &Target) -> Signals {
        self.state.health.signals(&HealthKey::of(target, self.config), self.state.now)
    }

    fn holder(&self, _prefix: u64) -> Option<HealthKey> {
        self.state.holder.map(|target| HealthKey::of(target, self.config))
    }
}

pub(super) fn at(seconds: u64) -> Now {
    Now { monotonic: Duration::from_secs(seconds), unix_ms: seconds * 1000 }
}
