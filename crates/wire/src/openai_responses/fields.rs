//! How this face spells the IR's fields.

use tollgate_ir::Field;

/// See [`crate::codec::path_of`]. Empty where a Responses request has no such field.
pub const fn path_of(field: Field) -> &'static str {
    match field {
        Field::System => "instructions",
        Field::Tools => "tools",
        Field::ToolChoice => "tool_choice",
        Field::ParallelTools => "parallel_tool_calls",
        Field::MaxTokens => "max_output_tokens",
        Field::Temperature => "temperature",
        Field::TopP => "top_p",
        Field::Logprobs => "include",
        Field::TopLogprobs => "top_logprobs",
        Field::ServiceTier => "service_tier",
        Field::User => "user",
        Field::Metadata => "metadata",
        Field::Store => "store",
        Field::PromptCacheKey => "prompt_cache_key",
        Field::Verbosity => "text.verbosity",
        Field::Output => "text.format",
        Field::Thinking => "reasoning",
        Field::PreviousResponse => "previous_response_id",
        Field::TopK | Field::Stop | Field::Seed | Field::PresencePenalty | Field::FrequencyPenalty | Field::N => "",
    }
}
