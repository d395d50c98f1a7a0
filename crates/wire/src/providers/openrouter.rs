//! OpenRouter. Source: openrouter.ai/docs (API reference, reasoning tokens): one form of reasoning for all models,
//! parameters that a model does not take are left out there.

use tollgate_ir::Effort::{High, Low, Max, Medium, Minimal, XHigh};

use super::record::{OPENAI_AND_ANTHROPIC, Provider, plain};
use crate::openai_chat::{Begun, Off, Sampling, Says, Takes};
use crate::relay::ControlFields;

const TAKES: &[Takes] = &[Takes {
    seed: Some("seed"),
    stream_options: Some(true),
    sampling: Some(Sampling::Free),
    says: Some(Says::Routed),
    off: Some(Off::Routed),
    efforts: Some(&[Minimal, Low, Medium, High, XHigh, Max]),
    // "Assistant prefill": by an assistant's message at the end, for models that take one.
    begun: Some(Begun::Plain),
    ..Takes::ALL
}];

pub(super) const RECORD: Provider = Provider {
    speaks: OPENAI_AND_ANTHROPIC,
    control: ControlFields::OpenRouter,
    url_variables: &["OPENROUTER_BASE_URL", "OPENROUTER_API_BASE"],
    chat: TAKES,
    ..plain("openrouter", "OpenRouter", "https://openrouter.ai/api/v1", &["OPENROUTER_API_KEY"])
};
