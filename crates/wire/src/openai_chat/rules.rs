//! What model classes take: OpenAI's own by [`OpenAiModel`], the others by one table by prefix of the model's name, from
//! the makers' documents and from recorded refusals. The first row that fits counts; a name that no row fits is a host
//! of open models, which take most.

use tollgate_ir::{Effort, Issuer};

use crate::ids::IdRule;
use crate::openai_models::OpenAiModel;

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
    ("gpt-oss", Rules { efforts: &[Low, Medium, High], off: Off::Least("low"), ..OPEN }),
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
        if let Some(class) = OpenAiModel::of(model) {
            return Self::of_openai(class);
        }
        let name = model.rsplit('/').next().unwrap_or(model).to_ascii_lowercase();
        TABLE.iter().find(|(prefix, _)| name.starts_with(prefix)).map_or(OPEN, |(_, rules)| *rules)
    }

    fn of_openai(class: &OpenAiModel) -> Self {
        let (sampling, off) = match (class.efforts, class.off) {
            ([], _) => (Sampling::Free, Off::Silent),
            (_, true) if class.unasked => (Sampling::OnlyOff, Off::Word("none")),
            (_, true) => (Sampling::WithoutEffort, Off::Word("none")),
            ([least, ..], false) => (Sampling::Never, Off::Least(least.as_str())),
        };
        Self {
            openai: true,
            max_tokens: if class.newer_limit { "max_completion_tokens" } else { "max_tokens" },
            sampling,
            stop: class.stop,
            verbosity: class.verbosity,
            custom_tools: class.custom_tools,
            cache_marks: class.cache_marks,
            says: if class.reasons() { Says::Effort } else { Says::Nothing },
            efforts: class.efforts,
            off,
            issuer: Some(Issuer::OpenAi),
            ..OPEN
        }
    }
}
