/// What a call does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operation {
    /// A conversation's next turn.
    Chat,
    /// How many tokens a chat request has.
    CountTokens,
    /// The models that a caller may name, or one of them.
    Models,
    /// A stored response: retrieve, delete, cancel, its input items.
    StoredResponse,
    /// Anything else, handed through to one provider.
    Passthrough,
}

impl Operation {
    /// The name in logs, metrics and rules.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::CountTokens => "count_tokens",
            Self::Models => "models",
            Self::StoredResponse => "stored_response",
            Self::Passthrough => "passthrough",
        }
    }
}
