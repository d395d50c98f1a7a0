//! What a target takes: the class of its model, by one table of the beginnings of names, and over it what its host makes
//! of parameters ([`Takes`], in the providers' records).
//!
//! OpenAI's own models have a table of their own ([`OpenAiModel`]). A name that no row fits is a host of open models,
//! which take most. A host that nobody knows is taken for the model's maker as far as names go; what the maker refuses,
//! and how it is told to reason, may be otherwise there.

use std::sync::LazyLock;

use tollgate_ir::{Effort, Issuer};

use super::takes::{Begun, Off, Sampling, Says, Takes};
use crate::anthropic::rules::ModelClass;
use crate::by_letter::ByLetter;
use crate::ids::IdRule;
use crate::openai_models::{OpenAiModel, bare_name};
use crate::providers;

/// What one model at one host takes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules {
    /// `OpenAI`'s own: takes its labels, custom tools, allowed tools.
    pub openai: bool,
    /// How the output limit is spelled.
    pub max_tokens: &'static str,
    /// The other spelling is known to be refused or ignored.
    pub one_limit: bool,
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
    /// Whether earlier reasoning goes back as `reasoning_content`.
    pub back: Back,
    /// A call can be demanded while it reasons.
    pub forced_calls_think: bool,
    /// What call ids it admits.
    pub ids: IdRule,
    /// Whether `stream_options` is taken; those that refuse it send usage unasked.
    pub stream_options: bool,
    /// Whose seals it can read.
    pub issuer: Option<Issuer>,
    /// The host is a known one, so that what it refuses is known too.
    pub known_host: bool,
    /// How the host is told to go on with an assistant's turn at the end.
    pub begun: Begun,
    /// Top-level members that are refused, by the class and by the host's rows.
    refuses: [&'static [&'static str]; 3],
}

/// What becomes of earlier reasoning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Back {
    /// It is not sent, and what a client sends is left to the host.
    Ignored,
    /// It goes back in turns with calls, and the model does without where it is lost.
    Welcome,
    /// It must go back in turns with calls: 400 without.
    WithCalls,
    /// It must not go back: 400.
    Refused,
}

use Effort::{High, Low, Max, Medium, Minimal, XHigh};

/// Hosts of open models, and names nobody knows.
const OPEN: Rules = Rules {
    openai: false,
    max_tokens: "max_tokens",
    one_limit: false,
    sampling: Sampling::Free,
    stop: true,
    seed: "seed",
    verbosity: false,
    custom_tools: false,
    cache_marks: false,
    says: Says::Effort,
    efforts: &[Low, Medium, High],
    off: Off::Word("none"),
    back: Back::Ignored,
    forced_calls_think: true,
    ids: IdRule::COMMON,
    stream_options: true,
    issuer: None,
    known_host: false,
    begun: Begun::Unsaid,
    refuses: [&[]; 3],
};

/// Mistral's tokenizers, on whatever host, take call ids of nine letters; two efforts (models.dev).
const MISTRAL: Rules = Rules { efforts: &[High], ids: IdRule::NINE, ..OPEN };

/// Models that want their reasoning back while they call tools, switched by `thinking`.
const INTERLEAVED: Rules = Rules {
    says: Says::Type,
    efforts: &[Minimal, Low, Medium, High, XHigh, Max],
    off: Off::Type,
    back: Back::WithCalls,
    ..OPEN
};

/// The first row that fits is the model's class.
const CLASSES: &[(&str, Rules)] = &[
    // OpenAI's model card: low, medium, high; it cannot but reason.
    ("gpt-oss", Rules { efforts: &[Low, Medium, High], off: Off::Least("low"), ..OPEN }),
    // api-docs.deepseek.com (Reasoning Model): R1 answers 400 to reasoning in the history …
    ("deepseek-r1", Rules { says: Says::Nothing, off: Off::Silent, back: Back::Refused, ..INTERLEAVED }),
    ("deepseek-reasoner", Rules { back: Back::Refused, ..INTERLEAVED }),
    // … V3.2 and V4 (Thinking Mode: Tool Calls) to its absence in turns with calls.
    ("deepseek-v3.2", INTERLEAVED),
    ("deepseek-v4", INTERLEAVED),
    // `interleaved` of models.dev; docs.z.ai (Preserved Thinking), platform.moonshot.ai (Thinking models),
    // platform.minimax.io (Interleaved Thinking), Xiaomi's as DeepSeek's.
    ("glm-", Rules { back: Back::Welcome, ..INTERLEAVED }),
    ("kimi-k2", INTERLEAVED),
    ("minimax-m", Rules { says: Says::Effort, off: Off::Silent, back: Back::Welcome, ..INTERLEAVED }),
    ("mimo-", INTERLEAVED),
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
    /// For a model's name at its host; a maker in front (`openai/gpt-5`) does not count. `host` is what the host's record
    /// says, where it is known.
    pub(crate) fn of(model: &str, host: Option<&'static [Takes]>) -> Self {
        let name = bare_name(model);
        let mut rules = match OpenAiModel::of_name(&name) {
            Some(class) => Self::of_openai(class),
            None => Self::of_name(&name),
        };
        rules.known_host = host.is_some();
        let maker = || providers::maker(&name).map_or(&[][..], |maker| maker.chat);
        let fitting = host.unwrap_or_else(maker).iter().filter(|row| name.starts_with(row.models));
        fitting.for_each(|row| rules.lay(row, host.is_some()));
        rules
    }

    /// Whether earlier reasoning goes back in turns with calls.
    pub(crate) fn reasoning_goes_back(&self) -> bool {
        matches!(self.back, Back::Welcome | Back::WithCalls)
    }

    /// Whether a call whose earlier reasoning is lost must do without reasoning, and can.
    pub(crate) fn stops_when_lost(&self) -> bool {
        self.back == Back::WithCalls && self.off == Off::Type
    }

    /// Whether a top-level member is taken, as far as is known.
    pub(crate) fn takes(&self, key: &str) -> bool {
        !self.refuses.iter().any(|list| list.contains(&key))
    }

    fn of_name(name: &str) -> Self {
        static BY_LETTER: LazyLock<ByLetter<&Rules>> =
            LazyLock::new(|| ByLetter::new(CLASSES.iter().map(|(start, rules)| (*start, rules))));
        // Hosts put themselves before the name: `databricks-claude-…`, `zai-glm-4.7`.
        let inner = name.split_once(['-', '.']).map_or("", |(_, rest)| rest);
        let mut rules = BY_LETTER.first(name).or_else(|| BY_LETTER.first(inner)).map_or(OPEN, |rules| **rules);
        if name.contains("claude") && !ModelClass::of(name).sampling {
            rules.sampling = Sampling::Never;
        }
        rules
    }

    /// Lays a row over the class; of a maker's row for a host that is not the maker's only names count.
    fn lay(&mut self, row: &Takes, all: bool) {
        if let Some(limit) = row.limit {
            (self.max_tokens, self.one_limit) = (limit, true);
        }
        self.seed = row.seed.unwrap_or(self.seed);
        self.stream_options = row.stream_options.unwrap_or(self.stream_options);
        self.forced_calls_think = row.forced_calls_think.unwrap_or(self.forced_calls_think);
        if all {
            self.says = row.says.unwrap_or(self.says);
            self.off = row.off.unwrap_or(self.off);
            self.efforts = row.efforts.unwrap_or(self.efforts);
            self.sampling = row.sampling.unwrap_or(self.sampling);
            self.begun = row.begun.unwrap_or(self.begun);
            if let Some(free) = self.refuses.iter_mut().find(|list| list.is_empty()) {
                *free = row.refuses;
            }
        }
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
            // The newer name is right for all of OpenAI's models.
            one_limit: class.newer_limit,
            sampling,
            stop: class.stop,
            verbosity: class.verbosity,
            custom_tools: class.custom_tools,
            cache_marks: class.cache_marks,
            says: if class.reasons() { Says::Effort } else { Says::Nothing },
            efforts: class.efforts,
            off,
            issuer: Some(Issuer::OpenAi),
            refuses: [if class.parallel_calls { &[] } else { &["parallel_tool_calls"] }, &[], &[]],
            ..OPEN
        }
    }
}
