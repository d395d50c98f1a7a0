//! How Gemini spells the fields that the IR has words for.

use tollgate_ir::Field;

/// See [`crate::codec::path_of`].
pub const fn path_of(field: Field) -> &'static str {
    match field {
        Field::System => "systemInstruction",
        Field::Tools => "tools",
        Field::ToolChoice => "toolConfig.functionCallingConfig",
        Field::MaxTokens => "generationConfig.maxOutputTokens",
        Field::Temperature => "generationConfig.temperature",
        Field::TopP => "generationConfig.topP",
        Field::TopK => "generationConfig.topK",
        Field::Stop => "generationConfig.stopSequences",
        Field::Seed => "generationConfig.seed",
        Field::PresencePenalty => "generationConfig.presencePenalty",
        Field::FrequencyPenalty => "generationConfig.frequencyPenalty",
        Field::N => "generationConfig.candidateCount",
        Field::Logprobs => "generationConfig.responseLogprobs",
        Field::TopLogprobs => "generationConfig.logprobs",
        Field::ServiceTier => "serviceTier",
        Field::Store => "store",
        Field::Output => "generationConfig.responseSchema",
        Field::Thinking => "generationConfig.thinkingConfig",
        Field::ParallelTools
        | Field::User
        | Field::Metadata
        | Field::PromptCacheKey
        | Field::Verbosity
        | Field::PreviousResponse => "",
    }
}
