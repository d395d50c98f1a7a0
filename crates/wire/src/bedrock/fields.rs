//! Where Converse spells what the IR has a word for.

use tollgate_ir::Field;

/// The path of a field in a Converse request; empty where Converse has no such field.
pub const fn path_of(field: Field) -> &'static str {
    match field {
        Field::System => "system",
        Field::Tools => "toolConfig.tools",
        Field::ToolChoice => "toolConfig.toolChoice",
        Field::ParallelTools => "additionalModelRequestFields.tool_choice",
        Field::MaxTokens => "inferenceConfig.maxTokens",
        Field::Temperature => "inferenceConfig.temperature",
        Field::TopP => "inferenceConfig.topP",
        Field::Stop => "inferenceConfig.stopSequences",
        Field::TopK => "additionalModelRequestFields.top_k",
        Field::ServiceTier => "serviceTier",
        Field::Metadata => "requestMetadata",
        Field::Output => "outputConfig.textFormat",
        Field::Thinking => "additionalModelRequestFields.thinking",
        Field::Seed
        | Field::PresencePenalty
        | Field::FrequencyPenalty
        | Field::N
        | Field::Logprobs
        | Field::TopLogprobs
        | Field::User
        | Field::Store
        | Field::PromptCacheKey
        | Field::Verbosity
        | Field::PreviousResponse => "",
    }
}
