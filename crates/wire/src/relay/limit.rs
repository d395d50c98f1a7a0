//! The output limit's name: OpenAI's reasoning models refuse `max_tokens`, many other hosts know nothing else.

use crate::json::{Envelope, Patch};
use crate::openai_models::OpenAiModel;

/// What a target calls the limit on output tokens in chat completions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LimitName {
    /// As the client wrote it: nothing is known of the host.
    #[default]
    AsSent,
    /// `max_tokens` only.
    MaxTokens,
    /// `max_completion_tokens` only.
    MaxCompletionTokens,
}

impl LimitName {
    /// For a model of OpenAI, on its own API or Azure. The o-series and GPT-5 refuse `max_tokens` (OpenAI, API
    /// reference: “not compatible with o-series models”).
    pub fn of_openai_model(model: &str) -> Self {
        // `max_completion_tokens` is right for all of OpenAI's models; it is put in where the other name is wrong.
        let renamed = OpenAiModel::of(model).is_some_and(|class| class.newer_limit);
        if renamed { Self::MaxCompletionTokens } else { Self::AsSent }
    }

    /// The patch that renames the limit; none if it is right, or if both are there.
    pub(super) fn patch(self, envelope: &Envelope) -> Option<Patch> {
        let (from, to) = match self {
            Self::AsSent => return None,
            Self::MaxTokens => ("max_completion_tokens", "max_tokens"),
            Self::MaxCompletionTokens => ("max_tokens", "max_completion_tokens"),
        };
        let renames = envelope.member(from).is_some() && envelope.member(to).is_none();
        renames.then(|| Patch::Rename { key: from.into(), to: to.into() })
    }
}
