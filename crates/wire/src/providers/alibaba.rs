//! Alibaba's Qwen (DashScope, Model Studio). Source: alibabacloud.com/help/en/model-studio (OpenAI compatible, deep
//! thinking): `enable_thinking` and `thinking_budget` beside OpenAI's fields, `stream_options` taken.

use tollgate_ir::Dialect::{Anthropic, OpenAiChat};

use super::record::{Provider, at, own, plain};
use crate::openai_chat::{Off, Says, Takes};

const TAKES: &[Takes] = &[
    Takes {
        limit: Some("max_tokens"),
        seed: Some("seed"),
        stream_options: Some(true),
        says: Some(Says::Nothing),
        off: Some(Off::Silent),
        ..Takes::ALL
    },
    Takes { models: "qwen", says: Some(Says::Enable), off: Some(Off::Enable), ..Takes::ALL },
];

/// A row of Alibaba's. Their chat is at …/compatible-mode/v1 or …/v1.
const fn row(id: &'static str, name: &'static str, base_url: &'static str, key: &'static [&'static str]) -> Provider {
    Provider { chat: TAKES, ..plain(id, name, base_url, key) }
}

const KEY: &[&str] = &["DASHSCOPE_API_KEY"];
const CODING: &[&str] = &["ALIBABA_CODING_PLAN_API_KEY"];
const TOKENS: &[&str] = &["ALIBABA_TOKEN_PLAN_API_KEY"];

pub(super) const RECORDS: &[Provider] = &[
    Provider {
        aliases: &["dashscope", "qwen"],
        makes: &["qwen", "qwq-", "qvq-"],
        speaks: &[own(OpenAiChat), at(Anthropic, "https://dashscope-intl.aliyuncs.com/apps/anthropic/v1")],
        ..row("alibaba", "Alibaba Qwen", "https://dashscope-intl.aliyuncs.com/compatible-mode/v1", KEY)
    },
    Provider {
        speaks: &[own(OpenAiChat), at(Anthropic, "https://dashscope.aliyuncs.com/apps/anthropic/v1")],
        ..row("alibaba-cn", "Alibaba Qwen (China)", "https://dashscope.aliyuncs.com/compatible-mode/v1", KEY)
    },
    row("alibaba-coding-plan", "Alibaba Coding Plan", "https://coding-intl.dashscope.aliyuncs.com/v1", CODING),
    row("alibaba-coding-plan-cn", "Alibaba Coding Plan (China)", "https://coding.dashscope.aliyuncs.com/v1", CODING),
    row(
        "alibaba-token-plan",
        "Alibaba Token Plan",
        "https://token-plan.ap-southeast-1.maas.aliyuncs.com/compatible-mode/v1",
        TOKENS,
    ),
    row(
        "alibaba-token-plan-cn",
        "Alibaba Token Plan (China)",
        "https://token-plan.cn-beijing.maas.aliyuncs.com/compatible-mode/v1",
        TOKENS,
    ),
];
