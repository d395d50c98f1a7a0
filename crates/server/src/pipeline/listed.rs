//! Which models a caller may name, and what is known of each: virtual models first, then provider by provider in the
//! configuration's order what the operator names and what the catalogue offers.

use std::collections::HashSet;

use tollgate_core::caller::Caller;
use tollgate_core::catalogue::{Mode, Model};
use tollgate_core::config::Policy;
use tollgate_core::route::{Meaning, Resolved};
use tollgate_ir::Dialect;

use crate::app::State;

/// A model that can be named here.
pub struct Listed<'a> {
    /// The name to ask for.
    pub name: String,
    /// What is known of it; of a virtual model, of its first target.
    pub model: Model<'a>,
}

impl<'a> Listed<'a> {
    /// What a resolved name means.
    pub fn of(state: &'a State, name: &str, resolved: &Resolved) -> Self {
        let model = match &resolved.meaning {
            Meaning::Virtual(model) => first(state, &model.policy),
            Meaning::Direct { provider, model } => state.config.model(provider, model),
        };
        Self { name: name.to_owned(), model }
    }

    /// Whether a face has an endpoint for it.
    fn serves(&self, face: Dialect) -> bool {
        let mode = self.model.mode();
        match face {
            Dialect::Anthropic => is_chat(mode),
            Dialect::Gemini | Dialect::Ollama => is_chat(mode) || mode == Mode::Embed,
            Dialect::Cohere => is_chat(mode) || matches!(mode, Mode::Embed | Mode::Rerank),
            _ => true,
        }
    }
}

/// Whether models of this mode hold conversations.
pub fn is_chat(mode: Mode) -> bool {
    matches!(mode, Mode::Chat | Mode::Responses)
}

/// All that a caller may name on a face. Models that are retired on this day are left out, unless the operator names them.
pub fn all<'a>(state: &'a State, caller: &Caller, face: Dialect, today: &str) -> Vec<Listed<'a>> {
    let config = &state.config;
    let mut names = HashSet::new();
    let mut listed = Vec::new();
    let mut add = |name: String, model: Model<'a>| {
        let one = Listed { name, model };
        if caller.models.permits(&one.name) && one.serves(face) && names.insert(one.name.clone()) {
            listed.push(one);
        }
    };
    for (name, model) in &config.models {
        add(name.clone(), first(state, &model.policy));
    }
    for provider in &config.providers {
        let mut own: Vec<&str> = state.providers.get(&provider.id).into_iter().flat_map(|p| p.model_names()).collect();
        own.sort_unstable();
        own.iter().for_each(|model| add(format!("{}/{model}", provider.id), config.model(&provider.id, model)));
        let offers = provider.catalogued.into_iter().flat_map(|id| config.catalogue.of_provider(id));
        for offer in offers.filter(|offer| !offer.is_retired(today)) {
            add(format!("{}/{}", provider.id, offer.model()), Model { own: None, offer: Some(offer) });
        }
    }
    listed
}

/// What is known of a policy's first target.
fn first<'a>(state: &'a State, policy: &Policy) -> Model<'a> {
    policy.leaves().first().map(|(provider, model)| state.config.model(provider, model)).unwrap_or_default()
}
