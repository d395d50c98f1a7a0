//! What model classes take: one table by prefix of the model's name, from the makers' documents and from recorded
//! refusals. The first row that fits counts; a name that no row fits is a host of open models, which take most.

use tollgate_ir::{Effort, Issuer};

use crate::ids::IdRule;

/// What one class of models takes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rules {
    /// `OpenAI`'s own: takes its labels, custom tools, allowed tools.
    pub openai: bool,
    /// How the output limit is spelled.
    pub max_tokens: &'static str,
    /// Whether temperature, `top_p`, penalties and log probabilities are taken.
    pub sampling: Sampling,
    /// Whether stop sequences are taken.
    pub stop: bool,
    /// How the seed is spelled.
    pub seed: &'static str,
    /// Whether `verbosity` is taken.
    pub verbosity: bool,
    /// Whether custom (grammar) tools and `allowed_tools` are taken.
    pub custom_tools: bool,
    /// Whether `prompt_cache_breakpoint` is taken.
    pub cache_marks: bool,
    /// How reasoning is asked for.
    pub says: Says,
    /// The efforts it knows, rising.
    pub efforts: &'static [Effort],
    /// How reasoning is switched off.
    pub off: Off,
    /// Earlier reasoning goes back as `reasoning_content` in turns with calls.
    pub reasoning_back: bool,
    /// What call ids it admits.
    pub ids: IdRule,
    /// Whether `stream_options` is taken; those that refuse it send usage unasked.
    pub stream_options: bool,
    /// Whose seals it can read.
    pub issuer: Option<Issuer>,
}

/// When sampling parameters are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sampling {
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
pub(super) enum Says {
    /// `reasoning_effort`.
    Effort,
    /// `thinking: {type}`, and `reasoning_effort` beside it.
    Type,
    /// It cannot reason.
    Nothing,
}

/// How reasoning is switched off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Off {
    /// It does not reason unasked.
    Silent,
    /// By this effort.
    Word(&'static str),
    /// It cannot be; this is least.
    Least(&'static str),
    /// `thinking: {type: disabled}`.
    Type,
}

use Effort::{High, Low, Max, Medium, Minimal, XHigh};

/// Hosts of open models, and names nobody knows.
const OPEN: Rules = Rules {
    openai: false,
    max_tokens: "max_tokens",
    sampling: Sampling::Free,
    stop: true,
    seed: "seed",
    verbosity: false,
    custom_tools: false,
    cache_marks: false,
    says: Says::Effort,
    efforts: &[Low, Medium, High],
    off: Off::Word("none"),
    reasoning_back: false,
    ids: IdRule::COMMON,
    stream_options: true,
    issuer: None,
};

/// GPT-3.5 to GPT-4.1: no reasoning.
const GPT_4: Rules =
    Rules { openai: true, says: Says::Nothing, off: Off::Silent, issuer: Some(Issuer::OpenAi), ..OPEN };

/// The chat variants of GPT-5: no reasoning to set, the newer spelling of the limit.
const GPT_5_CHAT: Rules = Rules { max_tokens: "max_completion_tokens", verbosity: true, ..GPT_4 };

/// o1, o3, o4-mini: refuse sampling and (o3, o4-mini) stop sequences; cannot but reason.
const O_SERIES: Rules = Rules {
    max_tokens: "max_completion_tokens",
    sampling: Sampling::Never,
    stop: false,
    says: Says::Effort,
    efforts: &[Low, Medium, High],
    off: Off::Least("low"),
    ..GPT_4
};

/// gpt-5, -mini, -nano, -codex.
const GPT_5: Rules = Rules {
    verbosity: true,
    custom_tools: true,
    efforts: &[Minimal, Low, Medium, High],
    off: Off::Least("minimal"),
    ..O_SERIES
};

/// gpt-5.1: `none` is an effort, and the one it has unasked.
const GPT_5_1: Rules =
    Rules { sampling: Sampling::WithoutEffort, efforts: &[Low, Medium, High], off: Off::Word("none"), ..GPT_5 };

/// gpt-5.2 to 5.4: `xhigh` too.
const GPT_5_2: Rules = Rules { efforts: &[Low, Medium, High, XHigh], ..GPT_5_1 };

/// gpt-5.5 and whatever comes: reasons unasked.
const GPT_NEWEST: Rules =
    Rules { sampling: Sampling::OnlyOff, efforts: &[Low, Medium, High, XHigh, Max], cache_marks: true, ..GPT_5_2 };

/// Mistral: nine-letter ids, its own word for the seed, two efforts, unknown fields refused.
const MISTRAL: Rules =
    Rules { seed: "random_seed", efforts: &[High], ids: IdRule::NINE, stream_options: false, ..OPEN };

/// Models that want their reasoning back while they call tools, switched by `thinking`.
const INTERLEAVED: Rules = Rules {
    says: Says::Type,
    efforts: &[Minimal, Low, Medium, High, XHigh, Max],
    off: Off::Type,
    reasoning_back: true,
    ..OPEN
};

const TABLE: &[(&str, Rules)] = &[
    ("gpt-3", GPT_4),
    ("gpt-4", GPT_4),
    ("chatgpt", GPT_4),
    ("gpt-oss", Rules { efforts: &[Low, Medium, High], off: Off::Least("low"), ..OPEN }),
    ("gpt-5-chat", GPT_5_CHAT),
    ("gpt-5.1-chat", GPT_5_CHAT),
    ("gpt-5.2-chat", GPT_5_CHAT),
    ("gpt-5.3-chat", GPT_5_CHAT),
    ("gpt-5-pro", Rules { efforts: &[High], off: Off::Least("high"), ..GPT_5 }),
    ("gpt-5.1-codex-max", Rules { efforts: &[Low, Medium, High, XHigh], ..GPT_5_1 }),
    ("gpt-5.1", GPT_5_1),
    ("gpt-5.2", GPT_5_2),
    ("gpt-5.3", GPT_5_2),
    ("gpt-5.4", GPT_5_2),
    ("gpt-5.5", Rules { cache_marks: false, ..GPT_NEWEST }),
    ("gpt-5.", GPT_NEWEST),
    ("gpt-5", GPT_5),
    ("gpt-", GPT_NEWEST),
    ("o1", Rules { stop: true, ..O_SERIES }),
    ("o3", O_SERIES),
    ("o4", O_SERIES),
    ("codex", O_SERIES),
    // R1 answers 400 to reasoning in the history, V3.2 and V4 to its absence in turns with calls.
    ("deepseek-r1", Rules { reasoning_back: false, ..INTERLEAVED }),
    ("deepseek-reasoner", Rules { reasoning_back: false, ..INTERLEAVED }),
    ("deepseek-v3.2", INTERLEAVED),
    ("deepseek-v4", INTERLEAVED),
    ("glm-", INTERLEAVED),
    ("kimi-k2", INTERLEAVED),
    ("minimax-m", Rules { says: Says::Effort, off: Off::Silent, ..INTERLEAVED }),
    ("mistral", MISTRAL),
    ("ministral", MISTRAL),
    ("magistral", MISTRAL),
    ("codestral", MISTRAL),
    ("devstral", MISTRAL),
    ("pixtral", MISTRAL),
    ("voxtral", MISTRAL),
    ("open-mi", MISTRAL),
    ("gemini", Rules { issuer: Some(Issuer::Gemini), ..OPEN }),
    ("claude", Rules { issuer: Some(Issuer::Anthropic), ..OPEN }),
];

impl Rules {
    /// For a model's name at its host; a maker in front (`openai/gpt-5`) does not count.
    pub(super) fn of(model: &str) -> Self {
        let name = model.rsplit('/').next().unwrap_or(model).to_ascii_lowercase();
        TABLE.iter().find(|(prefix, _)| name.starts_with(prefix)).map_or(OPEN, |(_, rules)| *rules)
    }

    /// The effort it knows that is nearest: the same, else the next below, else the least.
    pub(super) fn nearest(&self, wanted: Effort) -> Effort {
        self.efforts.iter().rev().find(|e| **e <= wanted).or_else(|| self.efforts.first()).copied().unwrap_or(wanted)
    }
}
