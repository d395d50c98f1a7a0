//! Providers as data: who they are, which dialects they speak where, how they are paid their credential.
//!
//! One slice; documents, CLI and checks derive from it. A provider that only speaks OpenAI's chat is one row of `table`.

pub mod address;
mod table;

use tollgate_ir::Dialect;

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
    /// What stands before an operation's path; [placeholders](address) are filled in. Empty: the operator must say.
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
    /// `authorization` with another scheme than `Bearer`: `Token`, `Key`.
    Scheme(&'static str),
    /// A query parameter.
    Query(&'static str),
    /// AWS Signature Version 4, or a bearer token where there is one.
    Aws,
    /// An OAuth token of Google Cloud, by its application default credentials.
    Google,
    /// The header `api-key`, or a token of Entra.
    Azure,
    /// The key is exchanged for a short-lived token first, which is sent as `authorization: Bearer …`.
    Exchange(&'static Exchange),
}

/// How a key is exchanged for a short-lived token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exchange {
    /// Where.
    pub url: &'static str,
    /// How the key goes there.
    pub key: KeyIn,
}

/// How a key goes to where it is exchanged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyIn {
    /// `POST` with a form: fields as they are, and the field that takes the key.
    Form(&'static [(&'static str, &'static str)], &'static str),
    /// `GET` with `authorization: SCHEME key`.
    Scheme(&'static str),
}

/// IBM Cloud's exchange of an API key, for watsonx
/// (<https://cloud.ibm.com/docs/account?topic=account-iamtoken_from_apikey>).
pub const IBM_IAM: Exchange = Exchange {
    url: "https://iam.cloud.ibm.com/identity/token",
    key: KeyIn::Form(&[("grant_type", "urn:ibm:params:oauth:grant-type:apikey")], "apikey"),
};

/// GitHub Copilot's exchange of a GitHub token, as its editors do it.
pub const GITHUB_COPILOT: Exchange =
    Exchange { url: "https://api.github.com/copilot_internal/v2/token", key: KeyIn::Scheme("token") };

impl Auth {
    /// Environment variables that point to a credential other than a key; one that is set means that the provider is to
    /// be used.
    pub const fn pointers(self) -> &'static [&'static str] {
        match self {
            Self::Aws => &[
                "AWS_ACCESS_KEY_ID",
                "AWS_PROFILE",
                "AWS_WEB_IDENTITY_TOKEN_FILE",
                "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
                "AWS_CONTAINER_CREDENTIALS_FULL_URI",
            ],
            Self::Google => &["GOOGLE_APPLICATION_CREDENTIALS", "GOOGLE_GENAI_USE_VERTEXAI", "CLAUDE_CODE_USE_VERTEX"],
            Self::Azure => &["AZURE_CLIENT_SECRET", "AZURE_FEDERATED_TOKEN_FILE", "IDENTITY_ENDPOINT"],
            Self::None | Self::Bearer | Self::Header(_) | Self::Scheme(_) | Self::Query(_) | Self::Exchange(_) => &[],
        }
    }

    /// What a host of this dialect usually wants, where nothing else is known.
    pub const fn usual(dialect: Dialect) -> Self {
        match dialect {
            Dialect::OpenAiChat | Dialect::OpenAiResponses | Dialect::Cohere | Dialect::Ollama => Self::Bearer,
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
