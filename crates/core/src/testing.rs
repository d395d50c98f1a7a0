//! What tests stand on: a small catalogue, a fixed environment, and configurations from text.

use std::collections::HashMap;

use tollgate_ir::Dialect;

use crate::config::{Catalogue, Config, Host, KnownProvider, Problems, Surroundings, load};

/// A few known providers.
pub(crate) struct Few(Vec<KnownProvider>);

const fn known(
    id: &'static str,
    aliases: &'static [&'static str],
    dialect: Dialect,
    base_url: &'static str,
    key_variables: &'static [&'static str],
    url_variables: &'static [&'static str],
) -> KnownProvider {
    KnownProvider {
        id,
        aliases,
        catalogued: id,
        dialect,
        base_url,
        key_variables,
        url_variables,
        pointers: &[],
        address_variables: Vec::new(),
    }
}

impl Few {
    pub(crate) fn new() -> Self {
        use Dialect::{Anthropic, Gemini, OpenAiChat};
        Self(vec![
            known("openai", &[], OpenAiChat, "https://api.openai.com/v1", &["OPENAI_API_KEY"], &["OPENAI_BASE_URL"]),
            known("anthropic", &[], Anthropic, "https://api.anthropic.com/v1", &["ANTHROPIC_API_KEY"], &[]),
            known(
                "google",
                &["gemini"],
                Gemini,
                "https://generativelanguage.googleapis.com/v1beta",
                &["GEMINI_API_KEY"],
                &[],
            ),
            known("azure", &[], OpenAiChat, "", &["AZURE_API_KEY"], &["AZURE_BASE_URL"]),
            known("ollama", &[], OpenAiChat, "http://localhost:11434/v1", &[], &["OLLAMA_BASE_URL"]),
        ])
    }
}

impl Catalogue for Few {
    fn providers(&self) -> &[KnownProvider] {
        &self.0
    }

    fn hosts(&self, model: &str) -> Vec<Host> {
        let host = |provider: &str, model: &str| Host { provider: provider.into(), model: model.into() };
        match model {
            "gpt-5" => vec![host("openai", "gpt-5"), host("azure", "gpt-5")],
            "gemini-3-pro" => vec![host("google", "gemini-3-pro")],
            _ => Vec::new(),
        }
    }

    fn names(&self) -> Vec<String> {
        ["openai/gpt-5", "azure/gpt-5", "google/gemini-3-pro"].map(Into::into).into()
    }
}

/// A fixed environment without files but one.
#[derive(Default)]
pub(crate) struct Fixed(HashMap<String, String>);

impl Fixed {
    pub(crate) fn new(variables: &[(&str, &str)]) -> Self {
        Self(variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }
}

impl Surroundings for Fixed {
    fn variable(&self, name: &str) -> Option<String> {
        self.0.get(name).cloned()
    }

    fn file(&self, path: &str) -> Result<String, String> {
        if path == "/run/secrets/key" { Ok("sk-from-file\n".to_owned()) } else { Err("no such file".to_owned()) }
    }
}

/// Loads a text in an environment.
pub(crate) fn load_in(source: &str, variables: &[(&str, &str)]) -> Result<Config, Problems> {
    load(source, &Fixed::new(variables), &Few::new())
}

/// A configuration that must be valid.
pub(crate) fn config(source: &str) -> Config {
    load_in(source, &[]).unwrap_or_else(|problems| panic!("{problems}"))
}
