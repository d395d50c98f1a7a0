//! Raw virtual models → policies whose every name is resolved: references to other virtual models are replaced by what
//! those stand for, so that a tree has no cycles and routing has nothing left to look up.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::providers::weight;
use super::raw::{Named, RawPolicy};
use super::report::Report;
use super::reserved::why_not_model;
use super::shape::WordOr;
use super::{Branch, Catalogue, Config, Policy, VirtualModel, known};
use crate::near::nearest;
use crate::route::{Meaning, resolve};

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
        let unsupported_params = match policy {
            WordOr::Map(raw) => raw.unsupported_params,
            WordOr::Word(_) => None,
        };
        if let Some(policy) = walk.policy(policy, &path, report) {
            checked.insert(name.clone(), Arc::new(VirtualModel { name: name.clone(), policy, unsupported_params }));
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

impl<'a> Walk<'a> {
    fn policy(&mut self, raw: &'a WordOr<RawPolicy>, path: &str, report: &mut Report<'_>) -> Option<Policy> {
        // What is over the bound is told once and not walked on: the rest of such a tree may be exponential.
        if self.targets > MOST_TARGETS {
            return None;
        }
        match raw {
            WordOr::Word(name) => self.name(name, path, report),
            WordOr::Map(RawPolicy { fallback: Some(steps), split: None, .. }) => {
                let path = format!("{path}.fallback");
                let steps = steps.iter().enumerate();
                let steps: Vec<_> = steps.map(|(i, step)| self.inner(step, &format!("{path}[{i}]"), report)).collect();
                self.not_empty(steps, &path, report).map(Policy::Fallback)
            }
            WordOr::Map(RawPolicy { fallback: None, split: Some(branches), .. }) => {
                let path = format!("{path}.split");
                let branches = branches.iter().enumerate();
                let branches: Vec<_> = branches
                    .map(|(i, raw)| {
                        let weight = weight(raw.weight, &format!("{path}[{i}].weight"), report);
                        let policy = self.inner(&raw.target, &format!("{path}[{i}].use"), report)?;
                        Some(Branch { weight, policy })
                    })
                    .collect();
                self.not_empty(branches, &path, report).map(Policy::Split)
            }
            WordOr::Map(_) => {
                report.path(path, "a policy has exactly one of `fallback` and `split`");
                None
            }
        }
    }

    /// A policy below the topmost.
    fn inner(&mut self, raw: &'a WordOr<RawPolicy>, path: &str, report: &mut Report<'_>) -> Option<Policy> {
        if let WordOr::Map(RawPolicy { unsupported_params: Some(_), .. }) = raw {
            report.path(
                &format!("{path}.unsupported_params"),
                "`unsupported_params` stands directly under the model's name",
            );
        }
        self.policy(raw, path, report)
    }

    fn not_empty<T>(&self, parts: Vec<Option<T>>, path: &str, report: &mut Report<'_>) -> Option<Vec<T>> {
        if parts.is_empty() {
            report.path(path, "must name one target at least");
            return None;
        }
        parts.into_iter().collect()
    }

    /// Another virtual model, else a target. A virtual model that has the name of a target stands before it, and means
    /// the target where it names itself.
    fn name(&mut self, name: &'a str, path: &str, report: &mut Report<'_>) -> Option<Policy> {
        let referred = self.raw.get_key_value(name);
        if let Some((key, raw)) = referred
            && !self.stack.contains(&name)
        {
            self.stack.push(key);
            let policy = self.policy(raw, path, report);
            self.stack.pop();
            return policy;
        }
        match resolve(name, self.config, self.catalogue).map(|resolved| resolved.meaning) {
            Ok(Meaning::Direct { provider, model }) => {
                self.targets += 1;
                if self.targets == MOST_TARGETS + 1 {
                    report.path(path, format!("the model has over {MOST_TARGETS} targets, references followed"));
                }
                (self.targets <= MOST_TARGETS).then_some(Policy::Target { provider, model })
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
            let ids = self.config.providers.iter().map(|p| p.id.as_str());
            names.extend(nearest(first, ids, 1).into_iter().map(|id| format!("{id}/{rest}")));
        }
        let near = nearest(name, names.iter().map(String::as_str), 2);
        report.path_near(path, format!("`{name}` is no virtual model and no model of a configured provider"), near);
    }
}
