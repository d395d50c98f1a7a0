//! Mistral. Source: docs.mistral.ai, API reference (Chat): fields that it does not name are refused with 422.

use tollgate_ir::Effort::High;

use super::record::{Provider, plain};
use crate::openai_chat::{Begun, Off, Says, Takes};

const TAKES: &[Takes] = &[
    Takes {
        limit: Some("max_tokens"),
        seed: Some("random_seed"),
        stream_options: Some(false),
        begun: Some(Begun::Prefix),
        refuses: &["logit_bias", "user", "store", "service_tier", "logprobs", "top_logprobs", "verbosity"],
        ..Takes::ALL
    },
    // The efforts of models.dev; Magistral reasons unasked and cannot be told how hard.
    Takes {
        models: "magistral",
        says: Some(Says::Nothing),
        off: Some(Off::Silent),
        // It reasons before its first word, which is said already.
        begun: Some(Begun::Unsaid),
        ..Takes::ALL
    },
    Takes { models: "mistral-", efforts: Some(&[High]), ..Takes::ALL },
];

pub(super) const RECORD: Provider = Provider {
    aliases: &["mistralai"],
    makes: &[
        "mistral-",
        "magistral-",
        "ministral-",
        "codestral-",
        "pixtral-",
        "voxtral-",
        "open-mistral",
        "open-mixtral",
        "devstral-",
        "mistral-embed",
    ],
    url_variables: &["MISTRAL_BASE_URL", "MISTRAL_API_BASE"],
    chat: TAKES,
    ..plain("mistral", "Mistral", "https://api.mistral.ai/v1", &["MISTRAL_API_KEY"])
};
