//! Moonshot AI (Kimi). Sources: platform.moonshot.ai/docs (Chat; "kimi-k2.5: temperature, top_p, n and the penalties are
//! fixed, any other value is an error"; Thinking models), models.dev.

use tollgate_ir::Dialect::{Anthropic, OpenAiChat};

use super::auth::Auth;
use super::record::{Provider, at, own, plain};
use crate::openai_chat::{Off, Sampling, Says, Takes};

/// Switched by `thinking: {type}`; sampling is the model's own.
const FIXED: Takes = Takes {
    models: "kimi-k2.5",
    sampling: Some(Sampling::Never),
    says: Some(Says::Type),
    off: Some(Off::Type),
    efforts: Some(&[]),
    ..Takes::ALL
};

const TAKES: &[Takes] = &[
    Takes {
        limit: Some("max_tokens"),
        seed: Some("seed"),
        stream_options: Some(true),
        says: Some(Says::Nothing),
        off: Some(Off::Silent),
        refuses: &["logprobs", "top_logprobs", "logit_bias", "service_tier"],
        ..Takes::ALL
    },
    FIXED,
    Takes { models: "kimi-k2.6", ..FIXED },
    Takes { models: "kimi-k2.7", says: Some(Says::Nothing), off: Some(Off::Silent), ..FIXED },
];

const KEY: &[&str] = &["MOONSHOT_API_KEY"];

pub(super) const RECORDS: &[Provider] = &[
    Provider {
        aliases: &["moonshot", "kimi"],
        speaks: &[own(OpenAiChat), at(Anthropic, "https://api.moonshot.ai/anthropic/v1")],
        makes: &["kimi-", "moonshot-"],
        url_variables: &["MOONSHOT_BASE_URL", "MOONSHOT_API_BASE"],
        chat: TAKES,
        ..plain("moonshotai", "Moonshot AI", "https://api.moonshot.ai/v1", KEY)
    },
    Provider {
        speaks: &[own(OpenAiChat), at(Anthropic, "https://api.moonshot.cn/anthropic/v1")],
        chat: TAKES,
        ..plain("moonshotai-cn", "Moonshot AI (China)", "https://api.moonshot.cn/v1", KEY)
    },
    Provider {
        speaks: &[own(Anthropic), own(OpenAiChat)],
        auth: Auth::Header("x-api-key"),
        chat: TAKES,
        ..plain("kimi-for-coding", "Kimi For Coding", "https://api.kimi.com/coding/v1", &["KIMI_API_KEY"])
    },
];
