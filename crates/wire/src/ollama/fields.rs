use tollgate_ir::Field;

/// See [`crate::codec::path_of`].
pub const fn path_of(field: Field) -> &'static str {
    match field {
        Field::System => "messages",
        Field::Tools => "tools",
        Field::MaxTokens => "options.num_predict",
        Field::Temperature => "options.temperature",
        Field::TopP => "options.top_p",
        Field::TopK => "options.top_k",
        Field::Stop => "options.stop",
        Field::Seed => "options.seed",
        Field::PresencePenalty => "options.presence_penalty",
        Field::FrequencyPenalty => "options.frequency_penalty",
        Field::Logprobs => "logprobs",
        Field::TopLogprobs => "top_logprobs",
        Field::Output => "format",
        Field::Thinking => "think",
        Field::ToolChoice
        | Field::ParallelTools
        | Field::N
        | Field::ServiceTier
        | Field::User
        | Field::Metadata
        | Field::Store
        | Field::PromptCacheKey
        | Field::Verbosity
        | Field::PreviousResponse => "",
    }
}
