//! Providers as data: who they are, which dialects they speak where, how they are paid their credential.
//!
//! One slice; documents, CLI and checks derive from it. A provider that only speaks OpenAI's chat is one row of `table`.

mod operations;
mod table;

use tollgate_ir::Dialect;

pub use operations::{Completions, Operations};

use crate::openai_models::OpenAiModel;
use crate::relay::ControlFields;

/// A provider that Tollgate knows.
#[derive(Clone, Copy, Debug)]
pub struct Provider {
    /// Its id, that of models.dev.
    pub id: &'static str,
    /// For people.
    pub name: &'static str,
    /// Other spellings that users' code has (LiteLLM's, OpenRouter's).
    pub aliases: &'static [&'static str],
    /// What stands before an operation's path; `{region}` is replaced. Empty: the operator must say.
    pub base_url: &'static str,
    /// The dialects it speaks, the preferred one first.
    pub speaks: &'static [Speaks],
    /// How its key is sent.
    pub auth: Auth,
    /// Environment variables that usually hold its key; the first that is set wins.
    pub key_variables: &'static [&'static str],
    /// Environment variables that usually hold another base URL.
    pub url_variables: &'static [&'static str],
    /// Beginnings of model names of which it is the maker.
    pub makes: &'static [&'static str],
    /// What it makes of other gateways' control fields.
    pub control: ControlFields,
}

/// A dialect that a provider speaks.
#[derive(Clone, Copy, Debug)]
pub struct Speaks {
    /// Which.
    pub dialect: Dialect,
    /// How it travels, as in the configuration.
    pub carriage: &'static str,
    /// Another base URL than the provider's.
    pub base_url: Option<&'static str>,
    /// Only for models whose names begin so; empty: for all.
    pub models: &'static [&'static str],
}

/// How a key is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Auth {
    /// Not at all: local servers.
    None,
    /// `authorization: Bearer …`.
    Bearer,
    /// A header of its own.
    Header(&'static str),
    /// AWS Signature Version 4, or a bearer token where there is one.
    Aws,
}

impl Auth {
    /// What a host of this dialect usually wants, where nothing else is known.
    pub const fn usual(dialect: Dialect) -> Self {
        match dialect {
            Dialect::OpenAiChat | Dialect::OpenAiResponses | Dialect::Cohere => Self::Bearer,
            Dialect::Anthropic => Self::Header("x-api-key"),
            Dialect::Gemini => Self::Header("x-goog-api-key"),
            Dialect::Bedrock => Self::Aws,
        }
    }
}

/// All providers.
pub const ALL: &[Provider] = table::ROWS;

/// The provider of this id or alias.
pub fn find(id: &str) -> Option<&'static Provider> {
    ALL.iter().find(|p| p.id == id).or_else(|| ALL.iter().find(|p| p.aliases.contains(&id)))
}

/// Who makes the model of this bare name, by the beginning of the name; the longest beginning wins.
pub fn maker(model: &str) -> Option<&'static Provider> {
    let fit = |p: &'static Provider| {
        let longest = p.makes.iter().filter(|start| model.starts_with(**start)).map(|start| start.len()).max()?;
        Some((longest, p))
    };
    ALL.iter().filter_map(fit).max_by_key(|(length, _)| *length).map(|(_, p)| p)
}

/// Whether a model of OpenAI reasons, by its name (with or without a provider's prefix): then it keeps its reasoning
/// between calls only over Responses.
pub fn is_openai_reasoner(model: &str) -> bool {
    OpenAiModel::of(model).is_some_and(OpenAiModel::reasons)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::carriage::Carriage;

    #[test]
    fn every_record_is_whole() {
        let mut seen = HashSet::new();
        for p in ALL {
            for id in std::iter::once(&p.id).chain(p.aliases) {
                assert!(seen.insert(*id), "{id} comes twice");
            }
            assert!(!p.speaks.is_empty(), "{} speaks nothing", p.id);
            assert!(p.auth == Auth::None || !p.key_variables.is_empty(), "{} has no key variable", p.id);
            for way in p.speaks {
                way.carriage.parse::<Carriage>().unwrap();
                let base = way.base_url.unwrap_or(p.base_url);
                assert!(base.is_empty() || base.starts_with("https://") || p.auth == Auth::None, "{}: {base}", p.id);
                assert!(!base.ends_with('/'), "{}: {base}", p.id);
            }
        }
    }

    #[test]
    fn makers_are_told_by_names() {
        for (model, maker_id) in [
            ("gpt-5.5", Some("openai")),
            ("claude-sonnet-4-5", Some("anthropic")),
            ("gemini-2.5-flash", Some("google")),
            ("command-a-03-2025", Some("cohere")),
            ("mistral-large-latest", Some("mistral")),
            ("nobody-1", None),
        ] {
            assert_eq!(maker(model).map(|p| p.id), maker_id, "{model}");
        }
        assert_eq!(find("vertex_ai").map(|p| p.id), Some("google-vertex"));
        assert!(is_openai_reasoner("openai/gpt-5-mini") && !is_openai_reasoner("gpt-4.1"));
    }
}
