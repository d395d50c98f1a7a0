//! Providers as data: who they are, which dialects they speak where, how they are paid their credential.
//!
//! One slice; documents, CLI and checks derive from it. A provider that only speaks OpenAI's chat is one row of one of
//! the tables; one with quirks is one file. Facts are those of the providers' own documents and of models.dev, autumn
//! 2026; `(k)` marks what is from general knowledge and was seen nowhere.

pub mod address;
mod alibaba;
mod amazon_bedrock;
mod anthropic;
mod asia;
mod auth;
mod azure;
mod clouds;
mod cohere;
mod deepseek;
mod gateways;
mod github;
mod google;
mod google_vertex;
mod groq;
mod hosts;
mod local;
mod makers;
mod media;
mod minimax;
mod mistral;
mod moonshot;
mod openai;
mod openrouter;
mod operations;
mod record;
#[cfg(test)]
mod tests;
mod xai;
mod zhipu;

pub use auth::{Auth, Exchange, GITHUB_COPILOT, IBM_IAM, KeyIn};
pub use record::{Provider, Speaks, serves};

pub use operations::{Completions, Operations};

use std::sync::LazyLock;

use crate::by_letter::ByLetter;
use crate::openai_models::OpenAiModel;

const PARTS: &[&[Provider]] = &[
    &[openai::RECORD, anthropic::RECORD, google::RECORD, cohere::RECORD, mistral::RECORD, deepseek::RECORD],
    &[xai::RECORD, groq::RECORD, openrouter::RECORD],
    amazon_bedrock::RECORDS,
    google_vertex::RECORDS,
    azure::RECORDS,
    alibaba::RECORDS,
    moonshot::RECORDS,
    zhipu::RECORDS,
    minimax::RECORDS,
    github::RECORDS,
    clouds::ROWS,
    makers::ROWS,
    hosts::ROWS,
    asia::ROWS,
    gateways::ROWS,
    media::ROWS,
    local::ROWS,
];

const COUNT: usize = {
    let (mut count, mut part) = (0, 0);
    while part < PARTS.len() {
        count += PARTS[part].len();
        part += 1;
    }
    count
};

static JOINED: [Provider; COUNT] = {
    let mut all = [openai::RECORD; COUNT];
    let (mut at, mut part) = (0, 0);
    while part < PARTS.len() {
        let mut row = 0;
        while row < PARTS[part].len() {
            all[at] = PARTS[part][row];
            at += 1;
            row += 1;
        }
        part += 1;
    }
    all
};

/// All providers.
pub static ALL: &[Provider] = &JOINED;

/// The provider of this id or alias.
pub fn find(id: &str) -> Option<&'static Provider> {
    ALL.iter().find(|p| p.id == id).or_else(|| ALL.iter().find(|p| p.aliases.contains(&id)))
}

/// Who makes the model of this bare name, by the beginning of the name; the longest beginning wins.
pub fn maker(model: &str) -> Option<&'static Provider> {
    /// The longest beginnings first.
    static MAKERS: LazyLock<ByLetter<&Provider>> = LazyLock::new(|| {
        let mut all: Vec<_> = ALL.iter().flat_map(|p| p.makes.iter().map(move |start| (*start, p))).collect();
        // Of two that claim the same, the last.
        all.reverse();
        all.sort_by_key(|(start, _)| std::cmp::Reverse(start.len()));
        ByLetter::new(all)
    });
    MAKERS.first(model).copied()
}

/// Whether a model of OpenAI reasons, by its name (with or without a provider's prefix): then it keeps its reasoning
/// between calls only over Responses.
pub fn is_openai_reasoner(model: &str) -> bool {
    OpenAiModel::of(model).is_some_and(OpenAiModel::reasons)
}
