/// What a call does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operation {
    /// A conversation's next turn.
    Chat,
    /// How many tokens a chat request has.
    CountTokens,
    /// A prompt's continuation (OpenAI's legacy completions).
    Complete,
    /// Vectors of texts.
    Embed,
    /// Documents in the order in which they answer a query.
    Rerank,
    /// Whether words may be said.
    Moderate,
    /// Pictures.
    Image,
    /// Words spoken.
    Speak,
    /// Speech written down, or translated.
    Transcribe,
    /// A stored file.
    File,
    /// Many requests, answered some time later.
    Batch,
    /// The models that a caller may name, or one of them.
    Models,
    /// A stored response: retrieve, delete, cancel, its input items.
    StoredResponse,
    /// A session both ways over a websocket.
    Realtime,
    /// Anything else, handed through to one provider.
    Passthrough,
}

impl Operation {
    /// The name in logs, metrics and rules.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::CountTokens => "count_tokens",
            Self::Complete => "complete",
            Self::Embed => "embed",
            Self::Rerank => "rerank",
            Self::Moderate => "moderate",
            Self::Image => "image",
            Self::Speak => "speak",
            Self::Transcribe => "transcribe",
            Self::File => "file",
            Self::Batch => "batch",
            Self::Models => "models",
            Self::StoredResponse => "stored_response",
            Self::Realtime => "realtime",
            Self::Passthrough => "passthrough",
        }
    }
}
