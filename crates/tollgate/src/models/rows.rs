//! The models that can be shown: those of the configuration, and all that the catalogue offers.

use std::collections::HashSet;

use tollgate_core::catalogue::Model;
use tollgate_core::config::Policy;
use tollgate_core::route::{Meaning, resolve};
use tollgate_server::app::State;
use tollgate_server::catalogue::BuiltIn;

/// Where a name comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A policy gives it a meaning.
    Virtual,
    /// The simulated provider's.
    Simulated,
    /// A provider of the configuration has it.
    Configured,
    /// Its provider is not configured.
    Catalogue,
}

impl Kind {
    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Virtual => "virtual",
            Self::Simulated => "simulated",
            Self::Configured => "configured",
            Self::Catalogue => "catalogue",
        }
    }
}

/// A model that can be shown.
pub struct Row<'a> {
    /// What to ask for.
    pub name: String,
    /// Where the name comes from.
    pub kind: Kind,
    /// What is known of it.
    pub model: Model<'a>,
}

impl Row<'_> {
    /// The provider's id in the name.
    pub fn provider(&self) -> &str {
        if self.kind == Kind::Virtual { "" } else { self.name.split_once('/').map_or("", |(provider, _)| provider) }
    }
}

/// All, virtual models first, then by name.
pub fn all(state: &State) -> Vec<Row<'_>> {
    let config = &state.config;
    let row = |name: String, kind, model| Row { name, kind, model };
    let mut rows: Vec<_> = config
        .models
        .iter()
        .map(|(name, model)| row(name.clone(), Kind::Virtual, target(state, &model.policy)))
        .collect();
    let virtuals = rows.len();
    for provider in state.providers.values() {
        let kind = if provider.simulated { Kind::Simulated } else { Kind::Configured };
        let own =
            provider.model_names().map(|model| (format!("{}/{model}", provider.id), config.model(&provider.id, model)));
        rows.extend(own.map(|(name, model)| row(name, kind, model)));
    }
    for offer in config.catalogue.offers() {
        let hosts = || config.providers.iter().filter(|provider| provider.catalogued == Some(offer.provider()));
        let model = Model { own: None, offer: Some(offer) };
        let named = hosts().map(|host| row(format!("{}/{}", host.id, offer.model()), Kind::Configured, model));
        rows.extend(named);
        if hosts().next().is_none() {
            rows.push(row(offer.name().to_owned(), Kind::Catalogue, model));
        }
    }
    // What the operator names comes before what the catalogue offers by the same name.
    let mut seen = HashSet::new();
    rows.retain(|row| seen.insert(row.name.clone()));
    rows[virtuals..].sort_by(|a, b| a.name.cmp(&b.name));
    rows
}

/// The one of this name.
pub fn named<'a>(state: &'a State, name: &str) -> Result<Row<'a>, String> {
    let (kind, model) = match resolve(name, &state.config, &BuiltIn) {
        Ok(resolved) => match resolved.meaning {
            Meaning::Virtual(model) => (Kind::Virtual, target(state, &model.policy)),
            Meaning::Direct { provider, model } => (Kind::Configured, state.config.model(&provider, &model)),
        },
        Err(fault) => {
            let offer =
                name.split_once('/').and_then(|(provider, model)| state.config.catalogue.offer(provider, model));
            (Kind::Catalogue, Model { own: None, offer: Some(offer.ok_or_else(|| fault.public.clone())?) })
        }
    };
    Ok(Row { name: name.to_owned(), kind, model })
}

/// What is known of a policy's first target.
fn target<'a>(state: &'a State, policy: &Policy) -> Model<'a> {
    policy.leaves().first().map(|(provider, model)| state.config.model(provider, model)).unwrap_or_default()
}
