//! What providers do beside chat, and in whose words, where their dialect alone does not tell.

use tollgate_ir::Dialect;

use crate::carriage::Carriage;
use crate::ops::count::{Counter, KIMI, VERTEX_GEMINI, VLLM, ZHIPU};
use crate::ops::{embed, rerank};

/// What a provider does beside chat.
#[derive(Clone, Copy, Debug)]
pub struct Operations {
    /// How it embeds; `None`: as hosts of its dialect do.
    pub embed: Option<embed::Protocol>,
    /// How it reranks; `None`: as hosts of its dialect do.
    pub rerank: Option<rerank::Protocol>,
    /// Whether it has `/completions`.
    pub completions: Completions,
    /// Its own counter of tokens; `None`: as hosts of its dialects do.
    pub counter: Option<&'static Counter>,
}

/// Whether a host has OpenAI's `/completions`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Completions {
    /// For all models, or nobody knows: it is asked, and if it has none, its chat is.
    Asked,
    /// For models whose names begin so.
    Only(&'static [&'static str]),
    /// It has none.
    None,
}

impl Operations {
    /// Of a host of which nothing else is known.
    pub const USUAL: Self = Self { embed: None, rerank: None, completions: Completions::Asked, counter: None };

    /// Of a known provider.
    pub fn of(id: &str) -> Self {
        TABLE.iter().find(|(each, _)| *each == id).map_or(Self::USUAL, |(_, operations)| *operations)
    }

    /// Who counts the tokens of chats that go this way.
    pub fn counter(&self, dialect: Dialect, carriage: &Carriage, base_url: &str) -> Option<&'static Counter> {
        let own = self.counter.filter(|counter| counter.dialect == dialect);
        own.or_else(|| Counter::of(dialect, carriage, base_url))
    }

    /// Whether `/completions` is asked for a model.
    pub fn completes(&self, dialect: Dialect, model: &str) -> bool {
        dialect == Dialect::OpenAiChat
            && match self.completions {
                Completions::Asked => true,
                Completions::Only(names) => names.iter().any(|name| model.starts_with(name)),
                Completions::None => false,
            }
    }
}

const NO_COMPLETIONS: Operations = Operations { completions: Completions::None, ..Operations::USUAL };

/// Sources: each provider's reference of its endpoints.
const TABLE: &[(&str, Operations)] = &[
    (
        "openai",
        Operations {
            completions: Completions::Only(&["gpt-3.5-turbo-instruct", "davinci-002", "babbage-002"]),
            ..Operations::USUAL
        },
    ),
    ("anthropic", NO_COMPLETIONS),
    ("amazon-bedrock", NO_COMPLETIONS),
    ("google", NO_COMPLETIONS),
    (
        "google-vertex",
        Operations { embed: Some(embed::Protocol::Vertex), counter: Some(&VERTEX_GEMINI), ..NO_COMPLETIONS },
    ),
    ("moonshotai", Operations { counter: Some(&KIMI), ..Operations::USUAL }),
    ("moonshotai-cn", Operations { counter: Some(&KIMI), ..Operations::USUAL }),
    ("zai", Operations { counter: Some(&ZHIPU), ..Operations::USUAL }),
    ("zhipuai", Operations { counter: Some(&ZHIPU), ..Operations::USUAL }),
    ("vllm", Operations { counter: Some(&VLLM), ..Operations::USUAL }),
    ("mistral", Operations { embed: Some(embed::Protocol::Mistral), ..NO_COMPLETIONS }),
    (
        "voyage",
        Operations { embed: Some(embed::Protocol::Voyage), rerank: Some(rerank::Protocol::Voyage), ..NO_COMPLETIONS },
    ),
    ("jina", Operations { embed: Some(embed::Protocol::Jina), rerank: Some(rerank::Protocol::Jina), ..NO_COMPLETIONS }),
    ("perplexity", Operations { embed: Some(embed::Protocol::Perplexity), ..NO_COMPLETIONS }),
    ("groq", NO_COMPLETIONS),
    ("xai", NO_COMPLETIONS),
    (
        "cohere",
        Operations { embed: Some(embed::Protocol::Cohere), rerank: Some(rerank::Protocol::Cohere), ..NO_COMPLETIONS },
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn completions_are_asked_of_who_may_have_them() {
        for (id, model, asked) in [
            ("openai", "gpt-3.5-turbo-instruct", true),
            ("openai", "gpt-5", false),
            ("mistral", "mistral-large", false),
            ("vllm", "opt-125m", true),
            ("somebody", "m", true),
        ] {
            assert_eq!(Operations::of(id).completes(Dialect::OpenAiChat, model), asked, "{id} {model}");
        }
        assert!(!Operations::USUAL.completes(Dialect::Anthropic, "m"));
    }
}
