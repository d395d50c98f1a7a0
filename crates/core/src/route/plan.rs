//! A meaning → the targets in the order in which they are tried, each at most once.

use std::collections::HashSet;

use super::{Meaning, Resolved};
use crate::config::{ApiKey, Config, Policy, Provider};

/// What one attempt is sent to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Target {
    /// The provider's id in the configuration.
    pub provider: String,
    /// The model's name there.
    pub model: String,
    /// Which of the provider's keys; `None` where it has none, or the client's own goes upstream.
    pub key: Option<usize>,
}

impl Target {
    /// `provider/model`, as in `x-tollgate-model`.
    pub fn name(&self) -> String {
        format!("{}/{}", self.provider, self.model)
    }

    /// Where state that this target made lives.
    pub fn pin(&self, config: &Config) -> Pin {
        let key = self.key.and_then(|i| config.provider(&self.provider)?.keys.get(i));
        Pin { provider: self.provider.clone(), key: key.map(ApiKey::tag) }
    }
}

/// The provider and key that hold a piece of state (a response, encrypted reasoning): only they can read it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Pin {
    /// The provider's id in the configuration.
    pub provider: String,
    /// The key's tag ([`ApiKey::tag`]), which outlives a reload where an index does not.
    pub key: Option<u64>,
}

impl Pin {
    /// Whether a target is where the state is.
    pub fn holds(&self, target: &Target, config: &Config) -> bool {
        target.provider == self.provider && (self.key.is_none() || target.pin(config).key == self.key)
    }
}

/// Says why a target cannot serve a call, if it cannot.
pub type Unfit<'a> = &'a (dyn Fn(&Target) -> Option<String> + Sync);

/// What a plan depends on beside the policy.
#[derive(Default)]
pub struct Facts<'a> {
    /// The call continues state that only this pin can read: no other target is tried.
    pub only: Option<&'a Pin>,
    /// The call carries state that this pin can read and others must do without: its targets come first.
    pub first: Option<&'a Pin>,
    /// Why a target cannot serve this call at all (it takes no images, speaks no embeddings); `None`: it can.
    pub unfit: Option<Unfit<'a>>,
}

/// The targets in the order in which they are tried.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// In order; no two are equal.
    pub targets: Vec<Target>,
    /// Those left out, and why.
    pub skipped: Vec<Skipped>,
}

/// A target that is not tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// Which.
    pub target: Target,
    /// Why, for logs and explanations.
    pub reason: String,
}

/// Orders the targets of a name. `draw` gives numbers in [0, 1), one for each weighted choice; an empty plan means that
/// every target was skipped.
pub fn plan(resolved: &Resolved, config: &Config, facts: &Facts<'_>, draw: &mut dyn FnMut() -> f64) -> Plan {
    plan_chain(std::slice::from_ref(resolved), config, facts, draw)
}

/// The same for several names, those of each before those of the next: a client's own list of fallbacks. The caller
/// must have the right to each name that is given here.
pub fn plan_chain(names: &[Resolved], config: &Config, facts: &Facts<'_>, draw: &mut dyn FnMut() -> f64) -> Plan {
    let mut ordered = Vec::new();
    for resolved in names {
        match &resolved.meaning {
            Meaning::Virtual(model) => walk(&model.policy, config, draw, &mut ordered),
            Meaning::Direct { provider, model } => by_key(provider, model, config, draw, &mut ordered),
        }
    }
    let mut seen = HashSet::new();
    ordered.retain(|target| seen.insert(target.clone()));
    if let Some(pin) = facts.first {
        ordered.sort_by_key(|target| !pin.holds(target, config));
    }
    let mut plan = Plan::default();
    for target in ordered {
        let reason = match facts.only {
            Some(pin) if !pin.holds(&target, config) => {
                Some("the state that the call continues is elsewhere".to_owned())
            }
            _ => facts.unfit.and_then(|unfit| unfit(&target)),
        };
        match reason {
            Some(reason) => plan.skipped.push(Skipped { target, reason }),
            None => plan.targets.push(target),
        }
    }
    plan
}

fn walk(policy: &Policy, config: &Config, draw: &mut dyn FnMut() -> f64, into: &mut Vec<Target>) {
    match policy {
        Policy::Target { provider, model } => by_key(provider, model, config, draw, into),
        Policy::Fallback(steps) => steps.iter().for_each(|step| walk(step, config, draw, into)),
        Policy::Split(branches) => {
            let weights: Vec<f64> = branches.iter().map(|branch| branch.weight).collect();
            for i in weighted_order(&weights, draw) {
                walk(&branches[i].policy, config, draw, into);
            }
        }
    }
}

/// One target for each key of the provider: the first by weight, the others behind it.
fn by_key(id: &str, model: &str, config: &Config, draw: &mut dyn FnMut() -> f64, into: &mut Vec<Target>) {
    let Some(provider) = config.provider(id) else { return };
    let target = |key| Target { provider: id.to_owned(), model: model.to_owned(), key };
    match keys(provider) {
        [] => into.push(target(None)),
        keys => {
            let weights: Vec<f64> = keys.iter().map(|key| key.weight).collect();
            into.extend(weighted_order(&weights, draw).into_iter().map(|i| target(Some(i))));
        }
    }
}

fn keys(provider: &Provider) -> &[ApiKey] {
    if provider.passthrough { &[] } else { &provider.keys }
}

/// All indices, drawn by weight without replacement: so the load of a failed branch spreads by weight too. Draws only
/// where there is a choice.
fn weighted_order(weights: &[f64], draw: &mut dyn FnMut() -> f64) -> Vec<usize> {
    let mut left: Vec<usize> = (0..weights.len()).collect();
    let mut order = Vec::with_capacity(left.len());
    while left.len() > 1 {
        let total: f64 = left.iter().map(|&i| weights[i]).sum();
        let mut mark = draw().clamp(0.0, 1.0) * total;
        let chosen = left.iter().position(|&i| {
            mark -= weights[i];
            mark < 0.0
        });
        // Rounding can leave the mark at zero after the last: the last it is.
        order.push(left.remove(chosen.unwrap_or(left.len() - 1)));
    }
    order.extend(left);
    order
}
