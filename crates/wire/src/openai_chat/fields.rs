//! How the face spells the fields that the IR has a word for.

use tollgate_ir::Field;

/// See [`crate::codec::path_of`].
pub const fn path_of(field: Field) -> &'static str {
    match field {
        Field::System => "messages",
        Field::Tools => "tools",
        Field::ToolChoice => "tool_choice",
        Field::ParallelTools => "parallel_tool_calls",
        Field::MaxTokens => "max_completion_tokens",
        Field::Temperature => "temperature",
        Field::TopP => "top_p",
        Field::TopK => "top_k",
        Field::Stop => "stop",
        Field::Seed => "seed",
        Field::PresencePenalty => "presence_penalty",
        Field::FrequencyPenalty => "frequency_penalty",
        Field::N => "n",
        Field::Logprobs => "logprobs",
        Field::TopLogprobs => "top_logprobs",
        Field::ServiceTier => "service_tier",
        Field::User => "user",
        Field::Metadata => "metadata",
        Field::Store => "store",
        Field::PromptCacheKey => "prompt_cache_key",
        Field::Verbosity => "verbosity",
        Field::Output => "response_format",
        Field::Thinking => "reasoning_effort",
        Field::PreviousResponse => "",
    }
}
