//! Zhipu (Z.ai abroad). Sources: docs.z.ai (Chat Completion: `thinking: {type}`, `tool_choice` auto alone, `do_sample`),
//! toggles and efforts of models.dev, recordings of both base URLs.

use tollgate_ir::Dialect::{Anthropic, OpenAiChat};
use tollgate_ir::Effort::{High, Max};

use super::record::{Provider, Speaks, at, own, plain};
use crate::openai_chat::{Off, Says, Takes};

const TAKES: &[Takes] = &[
    Takes {
        limit: Some("max_tokens"),
        seed: Some("seed"),
        stream_options: Some(true),
        says: Some(Says::Type),
        off: Some(Off::Type),
        efforts: Some(&[]),
        refuses: &["logprobs", "top_logprobs", "logit_bias"],
        ..Takes::ALL
    },
    Takes { models: "glm-5.2", efforts: Some(&[High, Max]), ..Takes::ALL },
];

const ABROAD: &[Speaks] = &[own(OpenAiChat), at(Anthropic, "https://api.z.ai/api/anthropic/v1")];
const CHINA: &[Speaks] = &[own(OpenAiChat), at(Anthropic, "https://open.bigmodel.cn/api/anthropic/v1")];

const fn row(id: &'static str, name: &'static str, base_url: &'static str, speaks: &'static [Speaks]) -> Provider {
    Provider { chat: TAKES, speaks, ..plain(id, name, base_url, &["ZAI_API_KEY", "ZHIPU_API_KEY"]) }
}

pub(super) const RECORDS: &[Provider] = &[
    Provider {
        aliases: &["z-ai", "z.ai"],
        makes: &["glm-"],
        url_variables: &["ZAI_BASE_URL", "ZAI_API_BASE"],
        ..row("zai", "Z.ai", "https://api.z.ai/api/paas/v4", ABROAD)
    },
    row("zai-coding-plan", "Z.ai Coding Plan", "https://api.z.ai/api/coding/paas/v4", ABROAD),
    Provider {
        aliases: &["zhipu", "bigmodel"],
        ..row("zhipuai", "Zhipu AI", "https://open.bigmodel.cn/api/paas/v4", CHINA)
    },
    row("zhipuai-coding-plan", "Zhipu AI Coding Plan", "https://open.bigmodel.cn/api/coding/paas/v4", CHINA),
];
