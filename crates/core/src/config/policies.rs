//! Raw virtual models → policies whose every name is resolved: references to other virtual models are replaced by what
//! those stand for, so that a tree has no cycles and routing has nothing left to look up.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::providers::weight;
use super::raw::Named;
use super::raw_policy::{RawBranch, RawPolicy, RawRule, Speed};
use super::report::Report;
use super::reserved::why_not_model;
use super::shape::WordOr;
use super::{Branch, Catalogue, Config, Leaf, Measure, Policy, Resume, Rule, Terms, VirtualModel, known, terms};
use crate::near::nearest;
use crate::route::{Condition, Meaning, resolve};

/// Most targets of one virtual model, references followed: a bound on trees that name each other again and again.
const MOST_TARGETS: usize = 256;

type Raw = BTreeMap<String, WordOr<RawPolicy>>;

/// Checks virtual models against a configuration whose providers are checked already.
pub(super) fn check(
    raw: Named<WordOr<RawPolicy>>,
    config: &Config,
    catalogue: &dyn Catalogue,
    report: &mut Report<'_>,
) -> BTreeMap<String, Arc<VirtualModel>> {
    let raw: Raw = raw.0.into_iter().collect();
    let mut checked = BTreeMap::new();
    for (name, policy) in &raw {
        let path = format!("models.{name}");
        if let Some(why) = why_not_model(name) {
            report.path(&path, why);
            continue;
        }
        let mut walk = Walk { raw: &raw, config, catalogue, stack: vec![name], targets: 0 };
        if let Some(model) = walk.model(name, policy, &path, report) {
            checked.insert(name.clone(), Arc::new(model));
        }
    }
    checked
}

struct Walk<'a> {
    raw: &'a Raw,
    config: &'a Config,
    catalogue: &'a dyn Catalogue,
    /// The virtual models that are being followed.
    stack: Vec<&'a str>,
    targets: usize,
}

/// The nodes under a key, as they are written.
type Nodes<'a> = &'a [WordOr<RawPolicy>];

impl<'a> Walk<'a> {
    fn model(
        &mut self,
        name: &str,
        raw: &'a WordOr<RawPolicy>,
        path: &str,
        report: &mut Report<'_>,
    ) -> Option<VirtualModel> {
        let none = Terms::default();
        let mut model = VirtualModel {
            name: name.into(),
            policy: self.policy(raw, &none, path, report)?,
            unsupported_params: None,
            total: None,
            wait_for_cooldown: None,
            resume: Resume::default(),
            context_fallback: None,
            content_policy_fallback: None,
        };
        if let WordOr::Map(raw) = raw {
            model.unsupported_params = raw.unsupported_params;
            model.total = raw.timeouts.as_ref().and_then(|timeouts| timeouts.total).map(|span| span.0);
            model.wait_for_cooldown = raw.wait_for_cooldown.map(|span| span.0);
            model.resume = raw.resume.unwrap_or_default();
            let mut other = |raw: &'a Option<Box<WordOr<RawPolicy>>>, key: &str| {
                raw.as_deref().and_then(|raw| self.inner(raw, &none, &format!("{path}.{key}"), report))
            };
            model.context_fallback = other(&raw.context_fallback, "context_fallback");
            model.content_policy_fallback = other(&raw.content_policy_fallback, "content_policy_fallback");
        }
        Some(model)
    }

    fn policy(
        &mut self,
        raw: &'a WordOr<RawPolicy>,
        above: &Terms,
        path: &str,
        report: &mut Report<'_>,
    ) -> Option<Policy> {
        // What is over the bound is told once and not walked on: the rest of such a tree may be exponential.
        if self.targets > MOST_TARGETS {
            return None;
        }
        match raw {
            WordOr::Word(name) => self.name(name, above, path, report),
            WordOr::Map(raw) => self.node(raw, above, path, report),
        }
    }

    fn node(&mut self, raw: &'a RawPolicy, above: &Terms, path: &str, report: &mut Report<'_>) -> Option<Policy> {
        let kinds = kinds(raw);
        let [kind] = kinds[..] else {
            let keys: Vec<_> = KINDS.iter().map(|kind| format!("`{kind}`")).collect();
            report.path(path, format!("a policy has exactly one of {}", keys.join(", ")));
            return None;
        };
        self.stray_keys(raw, kind, path, report);
        let terms = &terms::of(raw, path, report).under(above);
        let below = format!("{path}.{kind}");
        let ranked = |by, among: Option<Vec<Policy>>| among.map(|among| Policy::Ranked { by, among });
        match raw {
            RawPolicy { target: Some(name), .. } => self.name(name, terms, &below, report),
            RawPolicy { fallback: Some(steps), .. } => self.nodes(steps, terms, &below, report).map(Policy::Fallback),
            RawPolicy { split: Some(branches), stick_to, .. } => {
                let branches = self.branches(branches, terms, &below, report)?;
                Some(Policy::Split { branches, stick_to: stick_to.unwrap_or_default() })
            }
            RawPolicy { cheapest: Some(nodes), .. } => ranked(Measure::Price, self.nodes(nodes, terms, &below, report)),
            RawPolicy { fastest: Some(nodes), by, .. } => {
                let by = match by.unwrap_or_default() {
                    Speed::FirstToken => Measure::FirstToken,
                    Speed::Total => Measure::Total,
                };
                ranked(by, self.nodes(nodes, terms, &below, report))
            }
            RawPolicy { least_busy: Some(nodes), .. } => {
                ranked(Measure::InFlight, self.nodes(nodes, terms, &below, report))
            }
            RawPolicy { quota_aware: Some(nodes), .. } => {
                ranked(Measure::Quota, self.nodes(nodes, terms, &below, report))
            }
            RawPolicy { sticky: Some(nodes), .. } => {
                ranked(Measure::PromptCache, self.nodes(nodes, terms, &below, report))
            }
            RawPolicy { rules: Some(rules), otherwise, .. } => {
                self.rules(rules, otherwise.as_deref(), terms, path, report)
            }
            _ => None,
        }
    }

    /// Keys that mean something only beside another key, or only directly under a model's name.
    fn stray_keys(&self, raw: &RawPolicy, kind: &str, path: &str, report: &mut Report<'_>) {
        for (key, given, belongs) in [
            ("stick_to", raw.stick_to.is_some(), "split"),
            ("by", raw.by.is_some(), "fastest"),
            ("else", raw.otherwise.is_some(), "rules"),
        ] {
            if given && kind != belongs {
                report.path(&format!("{path}.{key}"), format!("`{key}` belongs to `{belongs}`"));
            }
        }
    }

    /// A policy below the topmost.
    fn inner(
        &mut self,
        raw: &'a WordOr<RawPolicy>,
        above: &Terms,
        path: &str,
        report: &mut Report<'_>,
    ) -> Option<Policy> {
        if let WordOr::Map(raw) = raw {
            for (key, given) in [
                ("unsupported_params", raw.unsupported_params.is_some()),
                ("wait_for_cooldown", raw.wait_for_cooldown.is_some()),
                ("resume", raw.resume.is_some()),
                ("context_fallback", raw.context_fallback.is_some()),
                ("content_policy_fallback", raw.content_policy_fallback.is_some()),
            ] {
                if given {
                    report.path(&format!("{path}.{key}"), format!("`{key}` stands directly under the model's name"));
                }
            }
        }
        self.policy(raw, above, path, report)
    }

    fn nodes(&mut self, raw: Nodes<'a>, terms: &Terms, path: &str, report: &mut Report<'_>) -> Option<Vec<Policy>> {
        let nodes = raw.iter().enumerate();
        let nodes: Vec<_> = nodes.map(|(i, node)| self.inner(node, terms, &format!("{path}[{i}]"), report)).collect();
        not_empty(nodes, path, report)
    }

    fn branches(
        &mut self,
        raw: &'a [RawBranch],
        terms: &Terms,
        path: &str,
        report: &mut Report<'_>,
    ) -> Option<Vec<Branch>> {
        let branches = raw.iter().enumerate();
        let branches: Vec<_> = branches
            .map(|(i, raw)| {
                let weight = weight(raw.weight, &format!("{path}[{i}].weight"), report);
                let policy = self.inner(&raw.target, terms, &format!("{path}[{i}].use"), report)?;
                Some(Branch { weight, policy })
            })
            .collect();
        not_empty(branches, path, report)
    }

    fn rules(
        &mut self,
        raw: &'a [RawRule],
        otherwise: Option<&'a WordOr<RawPolicy>>,
        terms: &Terms,
        path: &str,
        report: &mut Report<'_>,
    ) -> Option<Policy> {
        let rules = raw.iter().enumerate();
        let rules: Vec<_> = rules
            .map(|(i, raw)| {
                let path = format!("{path}.rules[{i}]");
                let when = Condition::compile(&raw.when)
                    .map_err(|why| report.path(&format!("{path}.when"), format!("is no condition: {why}")));
                let policy = self.inner(&raw.target, terms, &format!("{path}.use"), report);
                Some(Rule { when: when.ok()?, policy: policy? })
            })
            .collect();
        let rest = otherwise.map(|raw| self.inner(raw, terms, &format!("{path}.else"), report));
        let rules = not_empty(rules, &format!("{path}.rules"), report)?;
        let otherwise = match rest {
            // Its mistake is told.
            Some(None) => return None,
            Some(Some(rest)) => Some(Box::new(rest)),
            None => None,
        };
        Some(Policy::Rules { rules, otherwise })
    }

    /// Another virtual model, else a target. A virtual model that has the name of a target stands before it, and means
    /// the target where it names itself.
    fn name(&mut self, name: &'a str, terms: &Terms, path: &str, report: &mut Report<'_>) -> Option<Policy> {
        let referred = self.raw.get_key_value(name);
        if let Some((key, raw)) = referred
            && !self.stack.contains(&name)
        {
            self.stack.push(key);
            let policy = self.policy(raw, terms, path, report);
            self.stack.pop();
            return policy;
        }
        match resolve(name, self.config, self.catalogue).map(|resolved| resolved.meaning) {
            Ok(Meaning::Direct { provider, model }) => {
                self.targets += 1;
                if self.targets == MOST_TARGETS + 1 {
                    report.path(path, format!("the model has over {MOST_TARGETS} targets, references followed"));
                }
                (self.targets <= MOST_TARGETS)
                    .then(|| Policy::Target(Leaf { provider, model, terms: Arc::new(terms.clone()) }))
            }
            _ if referred.is_some() => {
                let circle = self.stack.iter().chain([&name]).copied().collect::<Vec<_>>().join(" → ");
                report.path(path, format!("the virtual models go round in a circle: {circle}"));
                None
            }
            _ => {
                self.unknown(name, path, report);
                None
            }
        }
    }

    fn unknown(&self, name: &str, path: &str, report: &mut Report<'_>) {
        let first = name.split_once('/').map(|(first, _)| first);
        if let Some(provider) = first.and_then(|first| known(self.catalogue, first)) {
            let message = format!("the provider of `{name}` is not configured; add `providers.{}`", provider.id);
            return report.path(path, message);
        }
        let mut names: Vec<String> =
            self.raw.keys().filter(|key| !self.stack.contains(&key.as_str())).cloned().collect();
        names.extend(
            self.config.providers.iter().flat_map(|p| p.models.keys().map(|model| format!("{}/{model}", p.id))),
        );
        names.extend(self.catalogue.names());
        if let Some((first, rest)) = name.split_once('/') {
            let ids = self.config.providers.iter().map(|p| &*p.id);
            names.extend(nearest(first, ids, 1).into_iter().map(|id| format!("{id}/{rest}")));
        }
        let near = nearest(name, names.iter().map(String::as_str), 2);
        report.path_near(path, format!("`{name}` is no virtual model and no model of a configured provider"), near);
    }
}

/// The keys of which a policy has exactly one.
const KINDS: &[&str] =
    &["use", "fallback", "split", "cheapest", "fastest", "least_busy", "quota_aware", "sticky", "rules"];

/// Those that a policy has.
fn kinds(raw: &RawPolicy) -> Vec<&'static str> {
    let given = [
        raw.target.is_some(),
        raw.fallback.is_some(),
        raw.split.is_some(),
        raw.cheapest.is_some(),
        raw.fastest.is_some(),
        raw.least_busy.is_some(),
        raw.quota_aware.is_some(),
        raw.sticky.is_some(),
        raw.rules.is_some(),
    ];
    KINDS.iter().zip(given).filter_map(|(kind, given)| given.then_some(*kind)).collect()
}

fn not_empty<T>(parts: Vec<Option<T>>, path: &str, report: &mut Report<'_>) -> Option<Vec<T>> {
    if parts.is_empty() {
        report.path(path, "must name one target at least");
        return None;
    }
    parts.into_iter().collect()
}
