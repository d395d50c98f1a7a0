//! What hosts of Chat Completions make of parameters: the vocabulary of the model classes ([`super::rules`]) and the
//! overlays that providers' records lay over them, each with its source beside it.

use std::borrow::Cow;

use tollgate_ir::Effort;

/// What a host's chat endpoint makes of parameters for some models, where that differs from the models' own class.
/// `None`: as the class has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Takes {
    /// For models whose names, without the maker in front and in lower case, begin so; empty: for all.
    pub models: &'static str,
    /// The one name of the limit on output tokens.
    pub limit: Option<&'static str>,
    /// The name of the seed.
    pub seed: Option<&'static str>,
    /// Whether `stream_options` is taken; those that refuse it send usage unasked.
    pub stream_options: Option<bool>,
    /// When temperature, `top_p`, penalties and log probabilities are taken.
    pub sampling: Option<Sampling>,
    /// How reasoning is asked for.
    pub says: Option<Says>,
    /// How it is switched off.
    pub off: Option<Off>,
    /// The efforts that it knows, rising; none: it can be switched, and no more.
    pub efforts: Option<&'static [Effort]>,
    /// Whether a call can be demanded (`required`, or by name) while it reasons.
    pub forced_calls_think: Option<bool>,
    /// How it is told to go on with an assistant's turn at the end.
    pub begun: Option<Begun>,
    /// Top-level members that are refused.
    pub refuses: &'static [&'static str],
}

impl Takes {
    /// For all models, nothing special: the base of the records' rows.
    pub const ALL: Self = Self {
        models: "",
        limit: None,
        seed: None,
        stream_options: None,
        sampling: None,
        says: None,
        off: None,
        efforts: None,
        forced_calls_think: None,
        begun: None,
        refuses: &[],
    };
}

/// How a host is told that a conversation's last turn, the assistant's, is the beginning of the answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Begun {
    /// It cannot be told, or how is not known.
    #[default]
    Unsaid,
    /// `prefix: true` on that message. The answer begins with it once more.
    Prefix,
    /// `prefix: true` on that message, beneath this path of the host (`/beta`). The answer goes on from it.
    PrefixAt(&'static str),
    /// `continue_final_message: true` and `add_generation_prompt: false` beside the messages.
    Continue,
    /// Nothing needs to be said: such a turn is a beginning to models that take one.
    Plain,
}

impl Begun {
    /// It is a mark on the message.
    pub(super) const fn marks(self) -> bool {
        matches!(self, Self::Prefix | Self::PrefixAt(_))
    }

    /// Where a request goes that is to go on from a beginning: the host's address, which may end in a version that the
    /// path replaces.
    pub fn base_url(self, base_url: &str) -> Cow<'_, str> {
        match self {
            Self::PrefixAt(path) if !base_url.ends_with(path) => {
                let root = base_url.strip_suffix("/v1").unwrap_or(base_url);
                Cow::Owned(format!("{root}{path}"))
            }
            _ => Cow::Borrowed(base_url),
        }
    }
}

/// When sampling parameters are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sampling {
    /// Always.
    Free,
    /// Unless asked to reason.
    WithoutEffort,
    /// Only when reasoning is switched off in so many words.
    OnlyOff,
    /// Never.
    Never,
}

/// How reasoning is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Says {
    /// `reasoning_effort`.
    Effort,
    /// `thinking: {type}`, and `reasoning_effort` beside it where it knows efforts.
    Type,
    /// `enable_thinking`, and `thinking_budget` beside it.
    Enable,
    /// `reasoning: {effort}` or `{max_tokens}`.
    Routed,
    /// It cannot be asked: it does not reason, or always does.
    Nothing,
}

/// How reasoning is switched off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Off {
    /// It cannot be, or need not.
    Silent,
    /// By this effort.
    Word(&'static str),
    /// It cannot be; this is least.
    Least(&'static str),
    /// `thinking: {type: disabled}`.
    Type,
    /// `enable_thinking: false`.
    Enable,
    /// `reasoning: {enabled: false}`.
    Routed,
}
