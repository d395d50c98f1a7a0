//! DeepSeek. Sources: api-docs.deepseek.com (Create Chat Completion, Thinking Mode, Anthropic API), models.dev, and
//! recorded refusals.

use tollgate_ir::Dialect::{Anthropic, OpenAiChat, OpenAiResponses};
use tollgate_ir::Effort::{High, Low, Max, Medium, XHigh};

use super::record::{Provider, at, own, plain};
use crate::openai_chat::{Begun, Off, Says, Takes};

const TAKES: &[Takes] = &[
    Takes {
        limit: Some("max_tokens"),
        seed: Some("seed"),
        stream_options: Some(true),
        // Chat Prefix Completion (Beta).
        begun: Some(Begun::PrefixAt("/beta")),
        ..Takes::ALL
    },
    // "logprobs, top_logprobs: setting these will trigger an error."
    Takes { models: "deepseek-reasoner", refuses: &["logprobs", "top_logprobs"], ..Takes::ALL },
    Takes { models: "deepseek-r1", refuses: &["logprobs", "top_logprobs"], ..Takes::ALL },
    Takes { models: "deepseek-chat", says: Some(Says::Type), off: Some(Off::Silent), efforts: Some(&[]), ..Takes::ALL },
    Takes {
        models: "deepseek-v4",
        says: Some(Says::Type),
        off: Some(Off::Type),
        // High and max are its own; low, medium and xhigh are taken for them.
        efforts: Some(&[Low, Medium, High, XHigh, Max]),
        // Recorded: "Thinking mode does not support this tool_choice".
        forced_calls_think: Some(false),
        ..Takes::ALL
    },
];

pub(super) const RECORD: Provider = Provider {
    speaks: &[own(OpenAiChat), at(Anthropic, "https://api.deepseek.com/anthropic/v1"), own(OpenAiResponses)],
    makes: &["deepseek-"],
    url_variables: &["DEEPSEEK_BASE_URL", "DEEPSEEK_API_BASE"],
    chat: TAKES,
    ..plain("deepseek", "DeepSeek", "https://api.deepseek.com", &["DEEPSEEK_API_KEY"])
};
