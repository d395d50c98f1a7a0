//! xAI. Sources: docs.x.ai (Chat: "reasoning models do not support presencePenalty, frequencyPenalty and stop";
//! `reasoning_effort` is an error where a model does not take it), efforts of models.dev.

use tollgate_ir::Dialect::{Anthropic, OpenAiChat, OpenAiResponses};
use tollgate_ir::Effort::{High, Low, Medium, XHigh};

use super::record::{Provider, own, plain};
use crate::openai_chat::{Off, Says, Takes};

/// Reasons unasked, and cannot be told how hard.
const REASONS: Takes = Takes {
    models: "grok-4",
    says: Some(Says::Nothing),
    off: Some(Off::Silent),
    refuses: &["presence_penalty", "frequency_penalty", "stop"],
    ..Takes::ALL
};

const TAKES: &[Takes] = &[
    Takes { seed: Some("seed"), stream_options: Some(true), ..Takes::ALL },
    REASONS,
    Takes { models: "grok-build", ..REASONS },
    Takes { models: "grok-code", ..REASONS },
    Takes {
        models: "grok-3-mini",
        says: Some(Says::Effort),
        off: Some(Off::Least("low")),
        efforts: Some(&[Low, High]),
        ..REASONS
    },
    Takes {
        models: "grok-4.3",
        says: Some(Says::Effort),
        off: Some(Off::Word("none")),
        efforts: Some(&[Low, Medium, High]),
        ..REASONS
    },
    Takes {
        models: "grok-4.20-multi-agent",
        says: Some(Says::Effort),
        off: Some(Off::Least("low")),
        efforts: Some(&[Low, Medium, High, XHigh]),
        ..REASONS
    },
];

pub(super) const RECORD: Provider = Provider {
    speaks: &[own(OpenAiChat), own(OpenAiResponses), own(Anthropic)],
    makes: &["grok-"],
    url_variables: &["XAI_BASE_URL", "XAI_API_BASE"],
    chat: TAKES,
    ..plain("xai", "xAI", "https://api.x.ai/v1", &["XAI_API_KEY"])
};
