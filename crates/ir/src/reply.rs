use crate::{Block, Content, Usage};

/// A whole answer.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reply {
    /// What stands at its head.
    pub head: ReplyHead,
    /// One answer, or `n` of them; a face without choices takes the first and reports the rest.
    pub choices: Vec<Choice>,
    /// What it used; `None` when the provider did not say.
    pub usage: Option<Usage>,
}

impl Reply {
    /// It says nothing at all: no text, no call, no reasoning, no refusal, and no reason why not.
    pub fn is_empty(&self) -> bool {
        let mut blocks = self.choices.iter().flat_map(|choice| &choice.blocks);
        let nothing = |block: &Block| match &block.content {
            Content::Text { text, .. } => text.is_empty(),
            _ => false,
        };
        let finish = self.choices.first().and_then(|choice| choice.finish.as_ref());
        blocks.all(nothing) && is_silence(finish, self.usage.as_ref())
    }
}

/// Whether an answer without content ended as if it were whole. Where a filter, a refusal or the output limit ended it, or
/// tokens were made that nobody sees, it says something; a single token may be the one that ends an answer.
pub fn is_silence(finish: Option<&Finish>, usage: Option<&Usage>) -> bool {
    matches!(finish, None | Some(Finish::Stop))
        && usage.is_none_or(|usage| usage.output + usage.reasoning.unwrap_or(0) <= 1)
}

/// What a provider says about an answer before it says the answer.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReplyHead {
    /// The provider's id of it.
    pub id: Option<String>,
    /// The model as the provider names it.
    pub model: Option<String>,
    /// When, in Unix seconds.
    pub created: Option<u64>,
    /// The tier that served.
    pub service_tier: Option<String>,
    /// OpenAI's fingerprint of the configuration.
    pub system_fingerprint: Option<String>,
}

/// One of the answers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Choice {
    /// In order.
    pub blocks: Vec<Block>,
    /// Why it ended; `None` if the provider never said.
    pub finish: Option<Finish>,
    /// Log probabilities of the text's tokens.
    pub logprobs: Vec<Logprob>,
}

/// Why an answer ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finish {
    /// The model was done.
    Stop,
    /// A stop sequence came; which one, where it is said.
    StopSequence(Option<String>),
    /// The output limit came.
    Length,
    /// The context window was full.
    ContextWindow,
    /// Tools are to be run.
    ToolCalls,
    /// A filter of the provider stopped it.
    ContentFilter,
    /// The model declined.
    Refusal,
    /// A long turn pauses; send it back to go on (Anthropic's `pause_turn`).
    Pause,
    /// The model wrote a call that is none, or the provider failed; its own word for it.
    Error(String),
}

impl Finish {
    /// `Stop` after calls means that the calls are to be run: Gemini, Ollama and Cohere say it so.
    #[must_use]
    pub fn with_calls(self, calls: bool) -> Self {
        match self {
            Self::Stop if calls => Self::ToolCalls,
            other => other,
        }
    }
}

/// A token's log probability.
#[derive(Clone, Debug, PartialEq)]
pub struct Logprob {
    /// The token.
    pub token: String,
    /// Its natural-log probability.
    pub logprob: f64,
    /// Its bytes, where it is part of a character.
    pub bytes: Option<Vec<u8>>,
    /// The alternatives, themselves without alternatives.
    pub top: Vec<Logprob>,
}
