//! How the Messages API spells the fields that the IR has words for, for the report of losses.

use tollgate_ir::Field;

/// See [`crate::codec::path_of`].
pub const fn path_of(field: Field) -> &'static str {
    match field {
        Field::System => "system",
        Field::Tools => "tools",
        Field::ToolChoice => "tool_choice",
        Field::ParallelTools => "tool_choice.disable_parallel_tool_use",
        Field::MaxTokens => "max_tokens",
        Field::Temperature => "temperature",
        Field::TopP => "top_p",
        Field::TopK => "top_k",
        Field::Stop => "stop_sequences",
        Field::ServiceTier => "service_tier",
        Field::User => "metadata.user_id",
        Field::Output => "output_config.format",
        Field::Thinking => "thinking",
        Field::Metadata
        | Field::Seed
        | Field::PresencePenalty
        | Field::FrequencyPenalty
        | Field::N
        | Field::Logprobs
        | Field::TopLogprobs
        | Field::Store
        | Field::PromptCacheKey
        | Field::Verbosity
        | Field::PreviousResponse => "",
    }
}
