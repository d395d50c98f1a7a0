//! Groq. Source: console.groq.com/docs/openai ("unsupported: logprobs, logit_bias, top_logprobs, n over 1") and
//! …/docs/reasoning.

use tollgate_ir::Effort::{High, Low, Medium};

use super::record::{CHAT_AND_RESPONSES, Provider, plain};
use crate::openai_chat::{Off, Says, Takes};

const TAKES: &[Takes] = &[
    Takes {
        seed: Some("seed"),
        stream_options: Some(true),
        says: Some(Says::Nothing),
        off: Some(Off::Silent),
        refuses: &["logprobs", "top_logprobs", "logit_bias"],
        ..Takes::ALL
    },
    Takes {
        models: "gpt-oss",
        says: Some(Says::Effort),
        off: Some(Off::Least("low")),
        efforts: Some(&[Low, Medium, High]),
        ..Takes::ALL
    },
    // `none` and `default` are its only words; on is what it does unasked.
    Takes { models: "qwen3", says: Some(Says::Nothing), off: Some(Off::Word("none")), ..Takes::ALL },
];

pub(super) const RECORD: Provider = Provider {
    speaks: CHAT_AND_RESPONSES,
    url_variables: &["GROQ_BASE_URL", "GROQ_API_BASE"],
    chat: TAKES,
    ..plain("groq", "Groq", "https://api.groq.com/openai/v1", &["GROQ_API_KEY"])
};
