//! What model classes on Bedrock take beyond what Converse itself says, by the model's id. Claude's classes are those of the
//! `anthropic` dialect.
//!
//! Sources: the Bedrock user guide (“Supported models and model features”, “Prompt caching”, “Structured outputs”, “Extended
//! thinking”), the API reference's notes on `ToolChoice` and `ToolResultBlock.status`, and refusals that the service
//! itself words (“This model doesn't support the stopSequences field”).

use tollgate_ir::Effort;

use crate::anthropic::rules::{ModelClass, ThinkingForm};

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
    /// The efforts of `output_config`.
    pub efforts: &'static [Effort],
    /// Most output tokens, where the class says.
    pub max_output: Option<u64>,
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
    /// The same, and it cannot be told not to.
    Always,
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
    efforts: &[],
    max_output: None,
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
        match MODELS.iter().find(|(part, _)| id.contains(part)) {
            _ if id.contains("claude") => claude(id),
            Some((_, model)) => *model,
            None if id.starts_with("arn:") => claude("claude-sonnet-4-5"),
            None => PLAIN,
        }
    }
}

/// What Claude takes anywhere, and what of it Converse can say.
fn claude(id: &str) -> Model {
    let class = ModelClass::of(id);
    let thinks = class.thinking != ThinkingForm::None;
    Model {
        claude: true,
        reasoning: match class.thinking {
            ThinkingForm::None => Reasoning::No,
            ThinkingForm::Budget => Reasoning::Budget,
            ThinkingForm::Both => Reasoning::Either,
            ThinkingForm::Adaptive => Reasoning::Adaptive,
            ThinkingForm::Always => Reasoning::Always,
        },
        top_k: if class.sampling { TopK::Named("top_k") } else { TopK::No },
        native_schema: class.structured,
        choice: Choice::Named,
        stop: true,
        sampling: match (class.sampling, class.both_samplings) {
            (false, _) => Sampling::None,
            (true, false) => Sampling::One,
            (true, true) => Sampling::Both,
        },
        cache: match (class.structured, thinks || id.contains("claude-3-5")) {
            (true, _) => Cache::Hour,
            (false, true) => Cache::All,
            (false, false) => Cache::No,
        },
        result_status: true,
        prefill: class.prefill,
        // Known to be taken from 4.5 on; older ones answered “extraneous key”.
        one_call: class.structured,
        efforts: class.efforts,
        max_output: Some(class.max_output),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_are_found_behind_regions_and_arns() {
        let profile = "arn:aws:bedrock:us-east-1:1:inference-profile/global.anthropic.claude-opus-4-6-v1";
        assert_eq!(Model::of(profile).reasoning, Reasoning::Either);
        assert!(Model::of("arn:aws:bedrock:us-east-1:1:application-inference-profile/abc").claude);
        assert!(Model::of("us.anthropic.claude-sonnet-4-5-20250929-v1:0").native_schema);
        assert!(!Model::of("us.anthropic.claude-3-7-sonnet-20250219-v1:0").native_schema);
        assert_eq!(Model::of("anthropic.claude-3-haiku-20240307-v1:0").cache, Cache::No);
        assert_eq!(Model::of("anthropic.claude-3-5-haiku-20241022-v1:0").cache, Cache::All);
        assert_eq!(Model::of("us.amazon.nova-2-lite-v1:0").reasoning, Reasoning::Nova);
        assert_eq!(Model::of("us.amazon.nova-micro-v1:0").reasoning, Reasoning::No);
        assert!(!Model::of("openai.gpt-oss-120b-1:0").stop);
        assert_eq!(Model::of("us.meta.llama4-maverick-17b-instruct-v1:0").choice, Choice::Auto);
        assert_eq!(Model::of("somebody.new-v1"), PLAIN);
    }
}
