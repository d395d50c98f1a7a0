//! A model's name → what it means (decisions.md 11). Case-sensitive; the first rule that fits decides:
//! virtual model, configured provider, other spelling of one, bare name.

use std::sync::Arc;

use tollgate_ir::{Fault, FaultKind};

use crate::config::{Catalogue, Config, Host, Provider, VirtualModel, known};
use crate::near::nearest;

/// A name that was asked for, and what it means.
#[derive(Clone, Debug, PartialEq)]
pub struct Resolved {
    /// The name as the client wrote it.
    pub asked: Arc<str>,
    /// What it means.
    pub meaning: Meaning,
}

/// What a name means.
#[derive(Clone, Debug, PartialEq)]
pub enum Meaning {
    /// A virtual model: its policy picks.
    Virtual(Arc<VirtualModel>),
    /// One model of one provider.
    Direct {
        /// The provider's id in the configuration.
        provider: Arc<str>,
        /// The model's name there: all after the first slash, verbatim.
        model: Arc<str>,
    },
}

impl Resolved {
    /// The virtual model that it is, if it is one.
    pub fn virtual_model(&self) -> Option<&VirtualModel> {
        match &self.meaning {
            Meaning::Virtual(model) => Some(model),
            Meaning::Direct { .. } => None,
        }
    }

    /// Provider and model of every target that may serve it.
    pub fn targets(&self) -> Vec<(&str, &str)> {
        match &self.meaning {
            Meaning::Virtual(model) => {
                let others = [&model.context_fallback, &model.content_policy_fallback].into_iter().flatten();
                std::iter::once(&model.policy).chain(others).flat_map(|policy| policy.leaves()).collect()
            }
            Meaning::Direct { provider, model } => vec![(provider, model)],
        }
    }

    /// The name that rights are about: the virtual model's, or `provider/model` by the provider's id in the
    /// configuration, however the client spelled it.
    pub fn canonical(&self) -> Arc<str> {
        match &self.meaning {
            Meaning::Virtual(model) => Arc::clone(&model.name),
            Meaning::Direct { provider, model } => match self.asked.split_once('/') {
                Some(spelled) if spelled == (&**provider, &**model) => Arc::clone(&self.asked),
                _ => super::plan::name_of(provider, model).into(),
            },
        }
    }
}

/// What a name means, or the fault that says which names are near.
pub fn resolve(name: &str, config: &Config, catalogue: &dyn Catalogue) -> Result<Resolved, Fault> {
    let meaning = config
        .models
        .get(name)
        .cloned()
        .map(Meaning::Virtual)
        .or_else(|| by_provider(name, config, catalogue))
        .or_else(|| by_bare_name(name, config, catalogue));
    match meaning {
        Some(meaning) => Ok(Resolved { asked: name.into(), meaning }),
        None => Err(no_such_model(name, config, catalogue)),
    }
}

/// `provider/model`: the provider by its id in the configuration, else by any spelling of the known provider it is.
fn by_provider(name: &str, config: &Config, catalogue: &dyn Catalogue) -> Option<Meaning> {
    let (first, model) = name.split_once('/')?;
    if model.is_empty() {
        return None;
    }
    let provider = match config.provider(first) {
        Some(provider) => provider,
        None => {
            let meant = known(catalogue, first)?.id;
            config.providers.iter().find(|p| p.known == Some(meant))?
        }
    };
    Some(direct(provider, model))
}

/// A bare name: its maker if configured, else the first configured provider that lists it or is known to serve it; one
/// whose key is there before one whose key is missing.
fn by_bare_name(name: &str, config: &Config, catalogue: &dyn Catalogue) -> Option<Meaning> {
    let known = catalogue.hosts(name);
    let ready = hosts(name, config, &known).find(|(provider, _)| !provider.lacks_key);
    let (provider, model) = ready.or_else(|| hosts(name, config, &known).next())?;
    Some(direct(provider, model))
}

/// Who serves a bare name, and what it is called there: its maker first, then the others in the order of the
/// configuration. The maker is believed to know a name that the catalogue does not: models are newer than catalogues.
fn hosts<'a>(
    name: &'a str,
    config: &'a Config,
    known: &'a [Host],
) -> impl Iterator<Item = (&'a Arc<Provider>, &'a str)> {
    let maker = known.first().and_then(|maker| {
        let provider = config.providers.iter().find(|p| p.known == Some(maker.provider.as_str()))?;
        let listed = provider.models.contains_key(name).then_some(name);
        let model = listed.or_else(|| config.catalogue.name_at(&maker.provider, name)).unwrap_or(&maker.model);
        Some((provider, model))
    });
    let others = config.providers.iter().filter_map(move |provider| {
        if provider.models.contains_key(name) {
            return Some((provider, name));
        }
        let id = provider.catalogued?;
        let host = known.iter().find(|host| host.provider == id).map(|host| host.model.as_str());
        Some((provider, host.or_else(|| config.catalogue.name_at(id, name))?))
    });
    maker.into_iter().chain(others)
}

fn direct(provider: &Provider, model: &str) -> Meaning {
    Meaning::Direct { provider: Arc::clone(&provider.id), model: model.into() }
}

fn no_such_model(name: &str, config: &Config, catalogue: &dyn Catalogue) -> Fault {
    let shown: String = name.chars().take(100).collect();
    let mut names: Vec<String> = config.models.keys().cloned().collect();
    for provider in &config.providers {
        names.extend(provider.models.keys().map(|model| format!("{}/{model}", provider.id)));
    }
    let served = |full: &String| full.split_once('/').is_some_and(|(id, _)| config.provider(id).is_some());
    names.extend(catalogue.names().into_iter().filter(served));
    let mut near = nearest(&shown, names.iter().map(String::as_str), 3);
    if near.is_empty() {
        near = offered_near(&shown, config);
    }
    let hint = if let Some(hint) = provider_hint(&shown, config, catalogue) {
        hint
    } else if near.is_empty() {
        format!("ask for a virtual model or `provider/model`; configured providers: {}", provider_ids(config))
    } else {
        format!("did you mean {}?", near.iter().map(|n| format!("`{n}`")).collect::<Vec<_>>().join(" or "))
    };
    let mut fault = Fault::new(FaultKind::NoSuchModel, format!("The model `{shown}` does not exist here; {hint}"));
    fault.param = Some("model".to_owned());
    fault
}

/// Offers of configured providers whose models' names are near.
fn offered_near(name: &str, config: &Config) -> Vec<String> {
    let model = name.split_once('/').map_or(name, |(_, model)| model);
    let offers = || {
        let known = config.providers.iter().filter_map(|provider| Some((&provider.id, provider.catalogued?)));
        known.flat_map(|(id, known)| config.catalogue.of_provider(known).map(move |offer| (id, offer.model())))
    };
    // Comparing a wrong name with every offer in full would cost more than an answer.
    let plausible =
        |other: &str| other.len().abs_diff(model.len()) <= 2 && other.as_bytes().first() == model.as_bytes().first();
    let near = nearest(model, offers().map(|(_, other)| other).filter(|other| plausible(other)), 3);
    let full = |near: String| offers().find(|(_, other)| *other == near).map(|(id, other)| format!("{id}/{other}"));
    near.into_iter().filter_map(full).collect()
}

/// The further hosts of a bare name, in the order in which they serve it when those before them failed; none of a name
/// that says whose model it is.
pub fn further_hosts(resolved: &Resolved, config: &Config, catalogue: &dyn Catalogue) -> Vec<Resolved> {
    let name = &resolved.asked;
    if resolved.virtual_model().is_some() || by_provider(name, config, catalogue).is_some() {
        return Vec::new();
    }
    let mut hosts: Vec<_> =
        hosts(name, config, &catalogue.hosts(name)).map(|(p, model)| (p.lacks_key, direct(p, model))).collect();
    hosts.sort_by_key(|(lacks_key, _)| *lacks_key);
    let others = hosts.into_iter().map(|(_, meaning)| meaning).filter(|meaning| *meaning != resolved.meaning);
    let mut others: Vec<_> = others.map(|meaning| Resolved { asked: Arc::clone(name), meaning }).collect();
    others.dedup();
    others
}

/// What is wrong with the provider in front of the name: known but not configured, or spelled wrong.
fn provider_hint(name: &str, config: &Config, catalogue: &dyn Catalogue) -> Option<String> {
    let (first, model) = name.split_once('/')?;
    if config.provider(first).is_some() || model.is_empty() {
        return None;
    }
    if let Some(meant) = known(catalogue, first) {
        let set = meant.key_variables.first().or(meant.url_variables.first());
        let set = set.map_or_else(String::new, |variable| format!("set {variable} or "));
        return Some(format!("`{first}` is known but not configured: {set}configure `providers.{}`", meant.id));
    }
    let configured = config.providers.iter().map(|p| &*p.id);
    let all = catalogue.providers().iter().flat_map(|p| std::iter::once(&p.id).chain(p.aliases)).copied();
    let near = nearest(first, configured.chain(all), 3);
    let near = near.iter().map(|id| format!("`{id}/{model}`")).collect::<Vec<_>>().join(" or ");
    (!near.is_empty()).then(|| format!("no provider `{first}` is known; did you mean {near}?"))
}

fn provider_ids(config: &Config) -> String {
    config.providers.iter().map(|p| &*p.id).take(20).collect::<Vec<_>>().join(", ")
}
