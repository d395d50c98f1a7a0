use tollgate_ir::Field;

/// See [`crate::codec::path_of`].
pub const fn path_of(field: Field) -> &'static str {
    match field {
        Field::System => "messages",
        Field::Tools => "tools",
        Field::ToolChoice => "tool_choice",
        Field::MaxTokens => "max_tokens",
        Field::Temperature => "temperature",
        Field::TopP => "p",
        Field::TopK => "k",
        Field::Stop => "stop_sequences",
        Field::Seed => "seed",
        Field::PresencePenalty => "presence_penalty",
        Field::FrequencyPenalty => "frequency_penalty",
        Field::Logprobs => "logprobs",
        Field::Output => "response_format",
        Field::Thinking => "thinking",
        Field::ParallelTools
        | Field::N
        | Field::TopLogprobs
        | Field::ServiceTier
        | Field::User
        | Field::Metadata
        | Field::Store
        | Field::PromptCacheKey
        | Field::Verbosity
        | Field::PreviousResponse => "",
    }
}
