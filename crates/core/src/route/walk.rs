//! The walk through a policy: every node becomes an ordered list of steps.

use std::sync::Arc;

use tollgate_ir::{Fault, FaultKind};

use super::cached::{cheaper_elsewhere, holder, least_cached};
use super::fit::{Misfit, misfit};
use super::rank::{draws_of, measure, vitality, weighted_order};
use super::{Facts, Ground, LastResort, Skipped, Step, Target};
use crate::Now;
use crate::config::{ApiKey, Config, Leaf, Measure, Policy, Provider, StickTo, Terms};
use crate::health::{HealthKey, Signals};

pub(super) struct Walk<'a, 'd> {
    facts: &'a Facts<'a>,
    draw: &'d mut dyn FnMut() -> f64,
    pub(super) skipped: Vec<Skipped>,
    pub(super) back: Option<(Now, Arc<Fault>)>,
    /// Targets that are cooling down, and until when.
    pub(super) cooling: Vec<(Now, Step)>,
    /// A target was skipped because its window does not hold the prompt.
    pub(super) too_long: bool,
    /// The conditions that held.
    pub(super) rules: Vec<Arc<str>>,
    /// The conversation, where its prompt cache counted.
    pub(super) conversation: Option<u64>,
}

/// Why a target is left out; until when, where it is cooling down and of what.
struct Left {
    reason: String,
    cooling: Option<(Now, FaultKind)>,
}

impl From<String> for Left {
    fn from(reason: String) -> Self {
        Self { reason, cooling: None }
    }
}

impl<'a, 'd> Walk<'a, 'd> {
    pub(super) fn new(facts: &'a Facts<'a>, draw: &'d mut dyn FnMut() -> f64) -> Self {
        Self {
            facts,
            draw,
            skipped: Vec::new(),
            back: None,
            cooling: Vec::new(),
            too_long: false,
            rules: Vec::new(),
            conversation: None,
        }
    }

    pub(super) fn policy(&mut self, policy: &Policy) -> Vec<Step> {
        match policy {
            Policy::Target(Leaf { provider, model, terms }) => self.target(provider, model, terms),
            Policy::Fallback(nodes) => nodes.iter().flat_map(|node| self.policy(node)).collect(),
            Policy::Split { branches, stick_to } => {
                let lists: Vec<_> = branches.iter().map(|branch| self.policy(&branch.policy)).collect();
                let weights: Vec<f64> = branches.iter().map(|branch| branch.weight).collect();
                self.by_weight(lists, &weights, *stick_to)
            }
            Policy::Ranked { by: Measure::PromptCache, among } => {
                let lists = among.iter().flat_map(|node| self.apart(node)).filter(|list| !list.is_empty()).collect();
                self.sticky(lists)
            }
            Policy::Ranked { by, among } => {
                let lists = among.iter().map(|node| self.policy(node)).filter(|list| !list.is_empty()).collect();
                self.ranked(lists, *by)
            }
            Policy::Rules { rules, otherwise } => {
                match rules.iter().find(|rule| rule.when.holds(self.facts.request())) {
                    Some(rule) => {
                        self.rules.push(Arc::clone(rule.when.source()));
                        self.policy(&rule.policy)
                    }
                    None => {
                        self.rules.push("else".into());
                        otherwise.as_deref().map(|rest| self.policy(rest)).unwrap_or_default()
                    }
                }
            }
        }
    }

    /// One step for each key of the provider: the first by weight, the others behind it.
    pub(super) fn target(&mut self, id: &Arc<str>, model: &Arc<str>, terms: &Arc<Terms>) -> Vec<Step> {
        let Some(provider) = self.facts.config.provider(id) else { return Vec::new() };
        let keys = keys(provider);
        if keys.len() < 2 {
            let key = (!keys.is_empty()).then_some(0);
            let only = Target { provider: Arc::clone(id), model: Arc::clone(model), key };
            return self.step(only, terms).into_iter().collect();
        }
        let lists = self.by_key(id, model, terms);
        let weights: Vec<f64> = keys.iter().map(|key| key.weight).collect();
        self.by_weight(lists, &weights, StickTo::Request)
    }

    /// A list for each of the provider's keys.
    fn by_key(&mut self, id: &Arc<str>, model: &Arc<str>, terms: &Arc<Terms>) -> Vec<Vec<Step>> {
        let keys = self.facts.config.provider(id).map_or(&[][..], |provider| keys(provider));
        let target = |key| Target { provider: Arc::clone(id), model: Arc::clone(model), key: Some(key) };
        (0..keys.len()).map(|i| self.step(target(i), terms).into_iter().collect()).collect()
    }

    /// The lists of a node among which prompt caches are told apart: each key is an account of its own, with its own cache.
    fn apart(&mut self, node: &Policy) -> Vec<Vec<Step>> {
        match node {
            Policy::Target(Leaf { provider, model, terms })
                if self.facts.config.provider(provider).is_some_and(|provider| keys(provider).len() > 1) =>
            {
                self.by_key(provider, model, terms)
            }
            node => vec![self.policy(node)],
        }
    }

    fn step(&mut self, target: Target, terms: &Arc<Terms>) -> Option<Step> {
        let step = |target, last_resort| Step {
            target,
            terms: Arc::clone(terms),
            grounds: Vec::new(),
            last_resort,
            quote: None,
        };
        match self.judged(&target, terms) {
            Ok(last_resort) => Some(step(target, last_resort)),
            Err(Left { reason, cooling }) => {
                if let Some((until, kind)) = cooling {
                    self.cooling.push((until, step(target.clone(), Some(LastResort::Cooling(kind)))));
                }
                self.skipped.push(Skipped { target, reason });
                None
            }
        }
    }

    /// Whether a target is only the last resort, or why it is none at all.
    fn judged(&mut self, target: &Target, terms: &Terms) -> Result<Option<LastResort>, Left> {
        let facts = self.facts;
        if let Some(pin) = facts.only {
            // Only who holds the state can go on with it, however it fares.
            return if pin.holds(target, facts.config) {
                Ok(None)
            } else {
                Err("the state that the call continues is elsewhere".to_owned().into())
            };
        }
        if let Some(reason) = facts.unfit.and_then(|unfit| unfit(target)) {
            return Err(reason.into());
        }
        if facts.wishes.names_providers()
            && let Some(reason) = facts.wishes.refuse(&ids(target, facts.config))
        {
            return Err(reason.into());
        }
        let wanted = &facts.wishes.terms;
        let misfits = [terms, wanted].into_iter().find_map(|terms| misfit(target, terms, facts));
        match misfits {
            Some(Misfit::TooLong(reason)) => {
                self.too_long = true;
                return Err(reason.into());
            }
            Some(Misfit::Other(reason)) => return Err(reason.into()),
            None => {}
        }
        self.by_health(target, terms)
    }

    fn by_health(&mut self, target: &Target, terms: &Terms) -> Result<Option<LastResort>, Left> {
        let standing = self.facts.targets.standing(target);
        if let Some(cooling) = &standing.cooling {
            if !cooling.is_firm() {
                return Ok(Some(LastResort::Cooling(cooling.said.kind)));
            }
            if self.back.as_ref().is_none_or(|(soonest, _)| cooling.until < *soonest) {
                self.back = Some((cooling.until, Arc::clone(&cooling.said)));
            }
            let (left, kind) = (cooling.until.since(self.facts.now), cooling.said.kind);
            let reason = format!("it is cooling down for {:.1} s ({})", left.as_secs_f64(), kind.slug());
            return Err(Left { reason, cooling: Some((cooling.until, kind)) });
        }
        Ok((terms.breaker != Some(false) && standing.refused_by_breaker).then_some(LastResort::Breaker))
    }

    /// The first branch by weight, the others behind it. How branches fare bends the weights.
    fn by_weight(&mut self, mut lists: Vec<Vec<Step>>, weights: &[f64], stick_to: StickTo) -> Vec<Step> {
        let (order, weights) = match self.sticks(stick_to) {
            // A sticky choice does not move with every change of latency.
            Some(name) => (weighted_order(weights, &mut draws_of(&name)), weights.to_vec()),
            None => {
                let bent = self.bent(&lists, weights);
                (weighted_order(&bent, self.draw), bent)
            }
        };
        let total: f64 = weights.iter().sum();
        if lists.len() > 1 {
            for (list, weight) in lists.iter_mut().zip(&weights) {
                note(list, Ground::Weighed(weight / total));
            }
        }
        order.into_iter().flat_map(|i| std::mem::take(&mut lists[i])).collect()
    }

    /// The weights by how the branches fare beside each other.
    fn bent(&self, lists: &[Vec<Step>], weights: &[f64]) -> Vec<f64> {
        let first = |list: &Vec<Step>| list.first().map(|step| self.facts.targets.signals(&step.target));
        let signals: Vec<Signals> = lists.iter().map(|list| first(list).unwrap_or_default()).collect();
        weights.iter().zip(vitality(&signals)).map(|(weight, share)| weight * share).collect()
    }

    /// Who sticks to a branch.
    fn sticks(&self, to: StickTo) -> Option<String> {
        let request = || self.facts.request();
        match to {
            StickTo::Request => None,
            StickTo::Key => Some(request().key.clone()),
            StickTo::Session => Some(request().session.clone().unwrap_or_else(|| request().key.clone())),
        }
    }

    /// By who holds the conversation's prompt, then by the conversation's own order of targets.
    fn sticky(&mut self, lists: Vec<Vec<Step>>) -> Vec<Step> {
        let even = vec![1.0; lists.len()];
        if !self.worth_caching(&lists) {
            return self.by_weight(lists, &even, StickTo::Request);
        }
        self.conversation = self.facts.request().prefix;
        let place = |list: &Vec<Step>| {
            list.first().map_or(f64::INFINITY, |step| measure(Measure::PromptCache, step, self.facts))
        };
        let mut scores: Vec<f64> = lists.iter().map(place).collect();
        if let Some(best) = self.best_cached(&lists) {
            scores[best] = -1.0;
        }
        let order = weighted_order(&even, self.draw);
        by_score(lists, &scores, order, Measure::PromptCache)
    }

    /// The list whose first target holds the conversation's prompt, unless another is cheaper even without it.
    fn best_cached(&self, lists: &[Vec<Step>]) -> Option<usize> {
        let holder = holder(self.facts)?;
        let firsts: Vec<&Step> = lists.iter().filter_map(|list| list.first()).collect();
        let held = firsts.iter().position(|step| HealthKey::of(&step.target, self.facts.config) == holder)?;
        let moves = cheaper_elsewhere(firsts[held], &firsts, self.facts);
        moves.and_then(|to| firsts.iter().position(|step| step.target == to.target)).or(Some(held))
    }

    fn ranked(&mut self, lists: Vec<Vec<Step>>, by: Measure) -> Vec<Step> {
        if by == Measure::Price {
            self.conversation = self.facts.request().prefix;
        }
        let score = |list: &Vec<Step>| list.first().map_or(f64::INFINITY, |first| measure(by, first, self.facts));
        let scores: Vec<f64> = lists.iter().map(score).collect();
        // Equal measures go in random order, so that idle targets share.
        let shuffled = weighted_order(&vec![1.0; lists.len()], self.draw);
        by_score(lists, &scores, shuffled, by)
    }

    /// A prompt under every target's least cached length is in no cache: such calls are spread.
    fn worth_caching(&self, lists: &[Vec<Step>]) -> bool {
        let prompt = self.facts.request().prompt_tokens;
        let mut firsts = lists.iter().filter_map(|list| list.first());
        firsts.any(|step| prompt >= least_cached(&step.target.model))
    }
}

/// Lists in the order of their scores; equals in the order that is given.
fn by_score(mut lists: Vec<Vec<Step>>, scores: &[f64], mut order: Vec<usize>, by: Measure) -> Vec<Step> {
    order.sort_by(|a, b| scores[*a].total_cmp(&scores[*b]));
    let mut ranked = Vec::new();
    for i in order {
        note(&mut lists[i], Ground::Ranked { by, score: scores[i] });
        ranked.append(&mut lists[i]);
    }
    ranked
}

/// A list stands where its first target belongs.
fn note(list: &mut [Step], ground: Ground) {
    if let Some(first) = list.first_mut() {
        first.grounds.push(ground);
    }
}

/// Sorts steps by a measure, keeping the order of equals.
pub(super) fn sort_by_measure(steps: &mut Vec<Step>, by: Measure, facts: &Facts<'_>) {
    let scores: Vec<f64> = steps.iter().map(|step| measure(by, step, facts)).collect();
    let order = (0..steps.len()).collect();
    let lists = std::mem::take(steps).into_iter().map(|step| vec![step]).collect();
    *steps = by_score(lists, &scores, order, by);
}

/// The names that a request may have for a target's provider.
pub(super) fn ids<'a>(target: &'a Target, config: &Config) -> Vec<&'a str> {
    let known = config.provider(&target.provider).and_then(|provider| provider.known);
    std::iter::once(&*target.provider).chain(known).collect()
}

fn keys(provider: &Provider) -> &[ApiKey] {
    if provider.passthrough { &[] } else { &provider.keys }
}
