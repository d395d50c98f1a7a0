//! What model classes on Bedrock take beyond what Converse itself says, by the model's id.
//!
//! Sources: the Bedrock user guide (“Supported models and model features”, “Prompt caching”, “Structured outputs”, “Extended
//! thinking”), the API reference's notes on `ToolChoice` and `ToolResultBlock.status`, and refusals that the service
//! itself words (“This model doesn't support the stopSequences field”).

/// What one class takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Model {
    /// Reads Claude's signatures, and takes Claude's own fields.
    pub claude: bool,
    /// How it is asked to reason.
    pub reasoning: Reasoning,
    /// Where `top_k` goes.
    pub top_k: TopK,
    /// `outputConfig.textFormat` and `strict` tools.
    pub native_schema: bool,
    /// The strongest tool choice.
    pub choice: Choice,
    /// `stopSequences`.
    pub stop: bool,
    /// `temperature` and `topP`.
    pub sampling: Sampling,
    /// Cache points.
    pub cache: Cache,
    /// `toolResult.status`.
    pub result_status: bool,
    /// A last turn of the assistant that it goes on with.
    pub prefill: bool,
    /// `tool_choice.disable_parallel_tool_use` among the additional fields.
    pub one_call: bool,
}

/// How a class is asked to reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reasoning {
    /// Not at all, or it cannot be told to.
    No,
    /// `thinking: {type: enabled, budget_tokens}`.
    Budget,
    /// The same, or `{type: adaptive}` with `output_config.effort`.
    Either,
    /// `{type: adaptive}` with `output_config.effort` only.
    Adaptive,
    /// `reasoningConfig: {type: enabled, maxReasoningEffort}`.
    Nova,
    /// `reasoning_effort`.
    Effort,
}

/// Where `top_k` goes among the additional fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TopK {
    /// Nowhere.
    No,
    /// Under this name.
    Named(&'static str),
    /// `inferenceConfig: {topK}`.
    Nova,
}

/// The strongest tool choice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Choice {
    /// Only `auto`.
    Auto,
    /// `any`.
    Any,
    /// One by name.
    Named,
}

/// Which of `temperature` and `topP`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sampling {
    /// Both.
    Both,
    /// One of them.
    One,
    /// None.
    None,
}

/// Which cache points.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Cache {
    /// None.
    No,
    /// In system and messages.
    Messages,
    /// In tools too.
    All,
    /// With a lifetime of an hour if asked for.
    Hour,
}

/// Whatever is not known: what Converse documents for all models.
const PLAIN: Model = Model {
    claude: false,
    reasoning: Reasoning::No,
    top_k: TopK::No,
    native_schema: false,
    choice: Choice::Named,
    stop: true,
    sampling: Sampling::Both,
    cache: Cache::No,
    result_status: false,
    prefill: true,
    one_call: false,
};

/// Open-weight models with native structured outputs.
const OPEN: Model = Model { native_schema: true, ..PLAIN };

/// By a part of the id, first match first; regions (`us.`) and ARNs stand before it.
const MODELS: &[(&str, Model)] = &[
    (
        "amazon.nova-2",
        Model {
            reasoning: Reasoning::Nova,
            top_k: TopK::Nova,
            cache: Cache::Messages,
            result_status: true,
            prefill: false,
            ..PLAIN
        },
    ),
    ("amazon.nova", Model { top_k: TopK::Nova, cache: Cache::Messages, result_status: true, ..PLAIN }),
    ("openai.gpt", Model { reasoning: Reasoning::Effort, stop: false, native_schema: true, ..PLAIN }),
    ("qwen.", Model { stop: false, ..OPEN }),
    ("mistral.mistral-large-3", OPEN),
    ("mistral.ministral", OPEN),
    ("mistral.magistral", OPEN),
    ("mistral.voxtral", OPEN),
    ("mistral.", Model { top_k: TopK::Named("top_k"), choice: Choice::Any, ..PLAIN }),
    ("meta.llama", Model { choice: Choice::Auto, ..PLAIN }),
    ("cohere.", Model { top_k: TopK::Named("k"), choice: Choice::Auto, ..PLAIN }),
    ("ai21.", Model { choice: Choice::Auto, ..PLAIN }),
    ("deepseek.r1", Model { choice: Choice::Auto, ..PLAIN }),
    ("deepseek.", OPEN),
    ("google.gemma", OPEN),
    ("minimax.", OPEN),
    ("moonshot", OPEN),
    ("nvidia.", OPEN),
    ("zai.", OPEN),
];

impl Model {
    /// By the model's id, an inference profile's, or an ARN that holds one. An ARN that says nothing (an application
    /// profile) is taken for Claude 4.5, which is what most of them stand for.
    pub(super) fn of(id: &str) -> Self {
        if let Some((_, rest)) = id.split_once("claude") {
            return claude(version(rest));
        }
        if let Some((_, model)) = MODELS.iter().find(|(part, _)| id.contains(part)) {
            return *model;
        }
        if id.starts_with("arn:") { claude((4, 5)) } else { PLAIN }
    }
}

fn claude(version: (u32, u32)) -> Model {
    Model {
        claude: true,
        reasoning: match version {
            v if v >= (4, 7) => Reasoning::Adaptive,
            v if v >= (4, 6) => Reasoning::Either,
            v if v >= (3, 7) => Reasoning::Budget,
            _ => Reasoning::No,
        },
        top_k: if version >= (4, 7) { TopK::No } else { TopK::Named("top_k") },
        native_schema: version >= (4, 5),
        choice: Choice::Named,
        stop: true,
        sampling: match version {
            v if v >= (4, 7) => Sampling::None,
            v if v >= (4, 1) => Sampling::One,
            _ => Sampling::Both,
        },
        cache: match version {
            v if v >= (4, 5) => Cache::Hour,
            v if v >= (3, 5) => Cache::All,
            _ => Cache::No,
        },
        result_status: true,
        prefill: version < (4, 6),
        one_call: version >= (4, 5),
    }
}

/// `-sonnet-4-5-20250929-v1:0` → (4, 5), `-3-7-sonnet` → (3, 7), `-opus-5` → (5, 0), `-v2` → (2, 0).
fn version(rest: &str) -> (u32, u32) {
    let mut parts = rest.split(['-', '.', ':']).map(|part| part.trim_start_matches('v'));
    let short = |part: &str| part.parse().ok().filter(|n: &u32| *n < 100);
    let Some(major) = parts.by_ref().find_map(short) else { return (4, 5) };
    (major, parts.next().and_then(short).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_claude_by_every_spelling() {
        for (id, wanted) in [
            ("-v2", (2, 0)),
            ("-instant-v1", (1, 0)),
            ("-3-haiku-20240307-v1:0", (3, 0)),
            ("-3-5-sonnet-20240620-v1:0", (3, 5)),
            ("-opus-4-20250514-v1:0", (4, 0)),
            ("-opus-4-1-20250805-v1:0", (4, 1)),
            ("-sonnet-4-5-20250929-v1:0", (4, 5)),
            ("-opus-4-6-v1", (4, 6)),
            ("-sonnet-4-6", (4, 6)),
            ("-sonnet-5", (5, 0)),
            ("-of-the-future", (4, 5)),
        ] {
            assert_eq!(version(id), wanted, "{id}");
        }
    }

    #[test]
    fn classes_are_found_behind_regions_and_arns() {
        assert!(Model::of("us.anthropic.claude-sonnet-4-5-20250929-v1:0").native_schema);
        assert!(!Model::of("us.anthropic.claude-3-7-sonnet-20250219-v1:0").native_schema);
        assert!(Model::of("arn:aws:bedrock:us-east-1:1:inference-profile/global.anthropic.claude-opus-4-6-v1").claude);
        assert!(Model::of("arn:aws:bedrock:us-east-1:1:application-inference-profile/abc").claude);
        assert_eq!(Model::of("us.amazon.nova-2-lite-v1:0").reasoning, Reasoning::Nova);
        assert_eq!(Model::of("us.amazon.nova-micro-v1:0").reasoning, Reasoning::No);
        assert!(!Model::of("openai.gpt-oss-120b-1:0").stop);
        assert_eq!(Model::of("us.meta.llama4-maverick-17b-instruct-v1:0").choice, Choice::Auto);
        assert_eq!(Model::of("somebody.new-v1"), PLAIN);
    }
}
