//! The walk through a policy: every node becomes an ordered list of steps.

use std::sync::Arc;

use tollgate_ir::Fault;

use super::cached::least_cached;
use super::fit::{Misfit, misfit};
use super::rank::{draws_of, measure, vitality, weighted_order};
use super::{Facts, Skipped, Step, Target};
use crate::Now;
use crate::config::{ApiKey, Config, Leaf, Measure, Policy, Provider, StickTo, Terms};
use crate::health::Signals;

pub(super) struct Walk<'a, 'd> {
    facts: &'a Facts<'a>,
    draw: &'d mut dyn FnMut() -> f64,
    pub(super) skipped: Vec<Skipped>,
    pub(super) back: Option<(Now, Arc<Fault>)>,
    /// A target was skipped because its window does not hold the prompt.
    pub(super) too_long: bool,
}

impl<'a, 'd> Walk<'a, 'd> {
    pub(super) fn new(facts: &'a Facts<'a>, draw: &'d mut dyn FnMut() -> f64) -> Self {
        Self { facts, draw, skipped: Vec::new(), back: None, too_long: false }
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
            Policy::Ranked { by, among } => {
                let lists = among.iter().map(|node| self.policy(node)).filter(|list| !list.is_empty()).collect();
                self.ranked(lists, *by)
            }
            Policy::Rules { rules, otherwise } => {
                match rules.iter().find(|rule| rule.when.holds(self.facts.request())) {
                    Some(rule) => self.policy(&rule.policy),
                    None => otherwise.as_deref().map(|rest| self.policy(rest)).unwrap_or_default(),
                }
            }
        }
    }

    /// One step for each key of the provider: the first by weight, the others behind it.
    pub(super) fn target(&mut self, id: &str, model: &str, terms: &Arc<Terms>) -> Vec<Step> {
        let Some(provider) = self.facts.config.provider(id) else { return Vec::new() };
        let target = |key| Target { provider: id.to_owned(), model: model.to_owned(), key };
        let keys = keys(provider);
        if keys.len() < 2 {
            let only = target((!keys.is_empty()).then_some(0));
            return self.step(only, terms).into_iter().collect();
        }
        let lists: Vec<Vec<Step>> =
            (0..keys.len()).map(|i| self.step(target(Some(i)), terms).into_iter().collect()).collect();
        let weights: Vec<f64> = keys.iter().map(|key| key.weight).collect();
        self.by_weight(lists, &weights, StickTo::Request)
    }

    fn step(&mut self, target: Target, terms: &Arc<Terms>) -> Option<Step> {
        match self.judged(&target, terms) {
            Ok(last_resort) => Some(Step { target, terms: Arc::clone(terms), score: None, last_resort }),
            Err(reason) => {
                self.skipped.push(Skipped { target, reason });
                None
            }
        }
    }

    /// Whether a target is only the last resort, or why it is none at all.
    fn judged(&mut self, target: &Target, terms: &Terms) -> Result<bool, String> {
        let facts = self.facts;
        if let Some(pin) = facts.only {
            // Only who holds the state can go on with it, however it fares.
            return if pin.holds(target, facts.config) {
                Ok(false)
            } else {
                Err("the state that the call continues is elsewhere".to_owned())
            };
        }
        if let Some(reason) = facts.unfit.and_then(|unfit| unfit(target)) {
            return Err(reason);
        }
        if let Some(reason) = facts.wishes.refuse(&ids(target, facts.config)) {
            return Err(reason);
        }
        let wanted = &facts.wishes.terms;
        let misfits = [terms, wanted].into_iter().find_map(|terms| misfit(target, terms, facts));
        match misfits {
            Some(Misfit::TooLong(reason)) => {
                self.too_long = true;
                return Err(reason);
            }
            Some(Misfit::Other(reason)) => return Err(reason),
            None => {}
        }
        self.by_health(target, terms)
    }

    fn by_health(&mut self, target: &Target, terms: &Terms) -> Result<bool, String> {
        let standing = self.facts.targets.standing(target);
        if let Some(cooling) = &standing.cooling {
            if !cooling.is_firm() {
                return Ok(true);
            }
            if self.back.as_ref().is_none_or(|(soonest, _)| cooling.until < *soonest) {
                self.back = Some((cooling.until, Arc::clone(&cooling.said)));
            }
            let left = cooling.until.since(self.facts.now);
            return Err(format!("it is cooling down for {:.1} s ({})", left.as_secs_f64(), cooling.said.kind.slug()));
        }
        Ok(terms.breaker != Some(false) && standing.refused_by_breaker)
    }

    /// The first branch by weight, the others behind it. How branches fare bends the weights.
    fn by_weight(&mut self, lists: Vec<Vec<Step>>, weights: &[f64], stick_to: StickTo) -> Vec<Step> {
        let order = match self.sticks(stick_to) {
            // A sticky choice does not move with every change of latency.
            Some(name) => weighted_order(weights, &mut draws_of(&name)),
            None => weighted_order(&self.bent(&lists, weights), self.draw),
        };
        let mut lists: Vec<Option<Vec<Step>>> = lists.into_iter().map(Some).collect();
        order.into_iter().filter_map(|i| lists[i].take()).flatten().collect()
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

    fn ranked(&mut self, mut lists: Vec<Vec<Step>>, by: Measure) -> Vec<Step> {
        if by == Measure::PromptCache && !self.worth_caching(&lists) {
            let even = vec![1.0; lists.len()];
            return self.by_weight(lists, &even, StickTo::Request);
        }
        // Equal measures go in random order, so that idle targets share.
        let even = vec![1.0; lists.len()];
        let shuffled = weighted_order(&even, self.draw);
        let mut order: Vec<(f64, usize)> = shuffled
            .into_iter()
            .map(|i| (lists[i].first().map_or(f64::INFINITY, |first| measure(by, first, self.facts)), i))
            .collect();
        order.sort_by(|(a, _), (b, _)| a.total_cmp(b));
        let mut ranked = Vec::new();
        for (score, i) in order {
            let mut list = std::mem::take(&mut lists[i]);
            if let Some(first) = list.first_mut() {
                first.score = Some(score);
            }
            ranked.extend(list);
        }
        ranked
    }

    /// A prompt under every target's least cached length is in no cache: such calls are spread.
    fn worth_caching(&self, lists: &[Vec<Step>]) -> bool {
        let prompt = self.facts.request().prompt_tokens;
        let mut firsts = lists.iter().filter_map(|list| list.first());
        firsts.any(|step| prompt >= least_cached(&step.target.model))
    }
}

/// Sorts steps by a measure, keeping the order of equals.
pub(super) fn sort_by_measure(steps: &mut [Step], by: Measure, facts: &Facts<'_>) {
    for step in &mut *steps {
        step.score = Some(measure(by, step, facts));
    }
    steps.sort_by(|a, b| a.score.unwrap_or(f64::INFINITY).total_cmp(&b.score.unwrap_or(f64::INFINITY)));
}

/// The names that a request may have for a target's provider.
pub(super) fn ids<'a>(target: &'a Target, config: &Config) -> Vec<&'a str> {
    let known = config.provider(&target.provider).and_then(|provider| provider.known);
    std::iter::once(target.provider.as_str()).chain(known).collect()
}

fn keys(provider: &Provider) -> &[ApiKey] {
    if provider.passthrough { &[] } else { &provider.keys }
}
