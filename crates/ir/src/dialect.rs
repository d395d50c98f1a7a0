use std::fmt;
use std::str::FromStr;

/// A wire protocol: spoken by clients (a *face*) and by providers (an *upstream*).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Dialect {
    /// OpenAI Chat Completions, and the many hosts that speak it.
    OpenAiChat,
    /// OpenAI Responses.
    OpenAiResponses,
    /// Anthropic Messages, over its own API, Bedrock Invoke, Vertex and others.
    Anthropic,
    /// Gemini `generateContent`, on Google AI and Vertex.
    Gemini,
    /// Bedrock Converse and ConverseStream.
    Bedrock,
    /// Cohere Chat v2.
    Cohere,
    /// Ollama's own API.
    Ollama,
}

impl Dialect {
    /// All dialects, in the order of every table.
    pub const ALL: [Self; 7] = [
        Self::OpenAiChat,
        Self::OpenAiResponses,
        Self::Anthropic,
        Self::Gemini,
        Self::Bedrock,
        Self::Cohere,
        Self::Ollama,
    ];

    /// The name in configuration, logs and documents.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OpenAiChat => "openai-chat",
            Self::OpenAiResponses => "openai-responses",
            Self::Anthropic => "anthropic",
            Self::Gemini => "gemini",
            Self::Bedrock => "bedrock",
            Self::Cohere => "cohere",
            Self::Ollama => "ollama",
        }
    }
}

impl fmt::Display for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Dialect {
    type Err = String;

    fn from_str(s: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|d| d.as_str() == s).ok_or_else(|| {
            let all: Vec<_> = Self::ALL.iter().map(|d| d.as_str()).collect();
            format!("unknown dialect `{s}`; use one of {}", all.join(", "))
        })
    }
}
