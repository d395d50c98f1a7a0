//! Refusals in the IR's words: a provider's, by one classification of status, type, code and phrase for all dialects,
//! and ours of content that a dialect or a model cannot carry ([`unsupported`]).
//!
//! Each dialect reads its own envelope and calls [`classify`]; [`Words::read`] reads the envelopes that hosts share.
//! The provider's status and words are kept. Whether to try elsewhere follows the status (401, 403, 408, 429, 5xx),
//! and otherwise only phrases about credentials and quota: no other 4xx would be answered differently.

mod phrases;

use tollgate_ir::{Block, Content, Fault, FaultKind, LimitHeader, Retry};

use self::phrases::PHRASES;
use crate::carriage::is_limit_of_a_provider;
use crate::json::Node;

/// Most bytes of a provider's words that are handed on.
const MAX_WORDS: usize = 4096;

/// What an error body says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Words {
    /// For people.
    pub message: String,
    /// `type` (or Google's `status`).
    pub kind: Option<String>,
    /// `code`, numbers as text.
    pub code: Option<String>,
    /// The field at fault, as the provider names it.
    pub param: Option<String>,
}

impl Words {
    /// Reads `{"error": {…}}`, `{"error": "…"}`, `{"message": …}`, `{"detail": …}` and plain text.
    pub fn read(body: &[u8]) -> Self {
        match Node::read(body) {
            Some(Node::Text(text)) => Self { message: text.into_owned(), ..Self::default() },
            Some(node) => Self::of_envelope(&node),
            None => Self { message: plain(body), ..Self::default() },
        }
    }

    /// Reads the same from JSON.
    pub fn of_envelope(body: &Node<'_>) -> Self {
        // Google streams wrap the envelope in an array.
        let body = body.items().first().unwrap_or(body);
        match body.get("error") {
            Some(Node::Text(message)) => {
                Self { message: message.to_string(), code: scalar(body, "code"), ..Self::default() }
            }
            Some(error) => Self::of_error(error),
            None => Self::of_error(body),
        }
    }

    /// Reads the error object itself.
    pub fn of_error(error: &Node<'_>) -> Self {
        let message = ["message", "detail", "Message", "error_description", "msg"]
            .into_iter()
            .find_map(|key| match error.get(key)? {
                Node::Text(text) if text.is_empty() => None,
                Node::Text(text) => Some(text.to_string()),
                other => Some(other.to_text()),
            })
            .unwrap_or_default();
        let mut words = Self {
            message,
            kind: ["type", "status", "error_type", "__type"].into_iter().find_map(|key| scalar(error, key)),
            code: scalar(error, "code"),
            param: scalar(error, "param"),
        };
        words.add_upstream(error);
        words
    }

    /// `OpenRouter` says only "Provider returned error"; the host's own words are in the metadata.
    fn add_upstream(&mut self, error: &Node<'_>) {
        if let Some(raw) = error.at(&["metadata", "raw"]) {
            let raw = raw.as_str().map_or_else(|| raw.to_text(), str::to_owned);
            if !raw.is_empty() && !self.message.contains(&raw) {
                self.message = format!("{}: {raw}", self.message);
            }
        }
    }

    /// The fault that these words and a status mean.
    pub fn fault(self, status: u16, headers: &[(&str, &str)]) -> Fault {
        let mut fault = classify(status, self.kind.as_deref(), self.code.as_deref(), &self.message, headers);
        fault.param = self.param;
        fault
    }
}

/// A text or number as text.
fn scalar(node: &Node<'_>, key: &str) -> Option<String> {
    match node.get(key)? {
        Node::Text(text) if !text.is_empty() => Some(text.to_string()),
        Node::Number(n) => Some(n.to_string()),
        _ => None,
    }
}

/// A body that is no JSON: its text, unless it is a proxy's HTML page.
fn plain(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(&body[..body.len().min(MAX_WORDS)]);
    let text = text.trim();
    if text.starts_with('<') { String::new() } else { text.to_owned() }
}

/// The fault that a provider's error means. `status` is the HTTP status, or anything below 400 for an error inside a
/// stream or a body of status 200: then the kind decides the status. `headers` are lower-case names and values.
pub fn classify(
    status: u16,
    provider_type: Option<&str>,
    provider_code: Option<&str>,
    message: &str,
    headers: &[(&str, &str)],
) -> Fault {
    let said = format!("{}\n{}\n{message}", provider_type.unwrap_or_default(), provider_code.unwrap_or_default())
        .to_ascii_lowercase();
    let in_band = (400..600).contains(&status);
    // Hosts write the status into the code of errors inside streams (OpenRouter, Google, llama.cpp).
    let told = provider_code.and_then(|code| code.parse().ok()).filter(|code| (400..600).contains(code));
    let known = if in_band { Some(status) } else { told };
    let kind = kind_of(known, &said);
    let mut fault = Fault::new(kind, words(known, message));
    if let Some(status) = known {
        fault.status = status;
    }
    fault.retry = retry(kind, fault.status);
    fault.provider_type = provider_type.map(str::to_owned);
    fault.provider_code = provider_code.map(str::to_owned);
    fault.headers = limit_headers(headers);
    fault
}

/// The fault of a block that cannot be carried. `why` says why not, and what to do, in whole sentences.
pub(crate) fn unsupported(block: &Block, why: &str) -> Fault {
    let what = match &block.content {
        Content::Media(media) => media.kind.as_str(),
        Content::Text { .. } | Content::Refusal(_) => "text",
        Content::Reasoning(_) => "reasoning",
        Content::Call(_) => "tool call",
        Content::Result(_) => "tool result",
        Content::Server(_) | Content::Opaque { .. } => "block",
    };
    let at = if block.at.is_empty() { String::new() } else { format!(" at `{}`", block.at) };
    let mut fault = Fault::new(FaultKind::UnsupportedContent, format!("The {what}{at} cannot be sent. {why}"));
    fault.param = (!block.at.is_empty()).then(|| block.at.clone());
    fault
}

/// The fault of a conversation that ends with words of the assistant, for a model that does not go on with them
/// (decisions, “what a translator invents”). Nothing that we could say in the user's name would mean the same.
pub(crate) fn no_prefill(block: &Block) -> Fault {
    unsupported(
        block,
        "The model does not go on with a last message of the assistant. End with a message of the user, or ask a model \
         that takes a prefill.",
    )
}

/// The fault of a conversation of which nothing is left to be sent.
pub(crate) fn nothing_said() -> Fault {
    Fault::new(
        FaultKind::UnsupportedContent,
        "The conversation has no message that says anything. Send at least one message of the user.",
    )
}

/// The headers about limits, to be handed on.
pub fn limit_headers(headers: &[(&str, &str)]) -> Vec<LimitHeader> {
    const PREFIXES: [&str; 3] = ["retry-after", "x-ratelimit-", "anthropic-ratelimit-"];
    headers
        .iter()
        .filter(|(name, _)| {
            PREFIXES.iter().any(|p| name.starts_with(p)) || *name == "x-should-retry" || is_limit_of_a_provider(name)
        })
        .map(|(name, value)| LimitHeader { name: (*name).to_owned(), value: (*value).to_owned() })
        .collect()
}

fn words(status: Option<u16>, message: &str) -> String {
    let message = message.trim();
    if message.is_empty() {
        return match status {
            Some(status) => format!("The provider answered with status {status} and no explanation."),
            None => "The provider reported an error and no explanation.".to_owned(),
        };
    }
    let end = (0..=message.len().min(MAX_WORDS)).rev().find(|i| message.is_char_boundary(*i)).unwrap_or(0);
    message[..end].to_owned()
}

/// `status` is `None` where only the words can tell.
fn kind_of(status: Option<u16>, said: &str) -> FaultKind {
    let by_words = PHRASES
        .iter()
        .filter(|(_, statuses, _)| status.is_none_or(|s| statuses.contains(&s)))
        .find(|(_, _, phrases)| phrases.iter().any(|p| said.contains(p)))
        .map(|(kind, ..)| *kind);
    by_words.unwrap_or(match status {
        Some(401 | 403) => FaultKind::ProviderAuth,
        Some(402) => FaultKind::ProviderQuota,
        Some(404) => FaultKind::ProviderNotFound,
        Some(408 | 504 | 522 | 524) => FaultKind::ProviderTimeout,
        Some(429) => FaultKind::ProviderRateLimited,
        Some(503 | 529) => FaultKind::ProviderOverloaded,
        Some(400..=499) => FaultKind::ProviderBadRequest,
        _ => FaultKind::ProviderFailed,
    })
}

const fn retry(kind: FaultKind, status: u16) -> Retry {
    match (kind, status) {
        (FaultKind::ProviderQuota | FaultKind::ProviderAuth, _) | (_, 401 | 402 | 403 | 408 | 429 | 500..=599) => {
            Retry::NextTarget
        }
        _ => Retry::No,
    }
}

#[cfg(test)]
mod tests;
