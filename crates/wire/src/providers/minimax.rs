//! MiniMax. Sources: platform.minimax.io/docs (OpenAI- and Anthropic-compatible APIs: "presence_penalty,
//! frequency_penalty, logit_bias are ignored", `n` is 1 alone), models.dev.

use tollgate_ir::Dialect::{Anthropic, OpenAiChat};

use super::record::{Provider, Speaks, at, own, plain};
use crate::openai_chat::{Off, Says, Takes};

const TAKES: &[Takes] = &[Takes {
    seed: Some("seed"),
    stream_options: Some(true),
    says: Some(Says::Nothing),
    off: Some(Off::Silent),
    refuses: &["presence_penalty", "frequency_penalty", "logit_bias", "logprobs", "top_logprobs"],
    ..Takes::ALL
}];

const ABROAD: &[Speaks] = &[own(OpenAiChat), at(Anthropic, "https://api.minimax.io/anthropic/v1")];
const CHINA: &[Speaks] = &[own(OpenAiChat), at(Anthropic, "https://api.minimaxi.com/anthropic/v1")];

const fn row(id: &'static str, name: &'static str, base_url: &'static str, speaks: &'static [Speaks]) -> Provider {
    Provider { chat: TAKES, speaks, ..plain(id, name, base_url, &["MINIMAX_API_KEY"]) }
}

pub(super) const RECORDS: &[Provider] = &[
    Provider {
        makes: &["MiniMax-", "minimax-"],
        url_variables: &["MINIMAX_BASE_URL", "MINIMAX_API_BASE"],
        ..row("minimax", "MiniMax", "https://api.minimax.io/v1", ABROAD)
    },
    row("minimax-coding-plan", "MiniMax Token Plan", "https://api.minimax.io/v1", ABROAD),
    row("minimax-cn", "MiniMax (China)", "https://api.minimaxi.com/v1", CHINA),
    row("minimax-cn-coding-plan", "MiniMax Token Plan (China)", "https://api.minimaxi.com/v1", CHINA),
];
