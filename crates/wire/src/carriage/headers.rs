//! Which headers cross, as data: an allow-list per dialect on the way up, one list on the way back. What is on no list
//! stays here: cookies, credentials, `Forwarded`, hop-by-hop headers, the client's organisation.

use std::sync::LazyLock;

use tollgate_ir::Dialect;

use crate::by_letter::ByLetter;
use crate::providers;

/// Names (lower case) that go up in every dialect.
const ANY: &[&str] = &["idempotency-key", "traceparent", "tracestate", "baggage"];

/// Names or, with a `*`, prefixes that go up in one dialect.
const fn of(dialect: Dialect) -> &'static [&'static str] {
    match dialect {
        Dialect::OpenAiChat => &["openai-beta", "http-referer", "x-title", "x-grok-conv-id", "x-client-request-id"],
        Dialect::OpenAiResponses => {
            &["openai-beta", "x-grok-conv-id", "x-client-request-id", "session_id", "conversation_id", "originator"]
        }
        Dialect::Anthropic => &["anthropic-*", "x-claude-code-session-id"],
        Dialect::Gemini => &["x-goog-api-client", "x-server-timeout"],
        Dialect::Bedrock => &["x-amzn-bedrock-*"],
        Dialect::Cohere => &["x-client-name"],
        Dialect::Ollama => &[],
    }
}

/// Headers of the reply, and prefixes of such, that the client gets: limits, retry hints, request ids.
const BACK: &[&str] = &[
    "retry-after",
    "retry-after-ms",
    "x-should-retry",
    "x-ratelimit-*",
    "ratelimit-*",
    "anthropic-ratelimit-*",
    "request-id",
    "x-request-id",
    "x-amzn-requestid",
    "x-amzn-errortype",
    "x-amzn-bedrock-*",
    "apim-request-id",
    "x-goog-request-id",
    "x-debug-trace-id",
    "openai-processing-ms",
    "openai-version",
    "x-codex-*",
];

/// Never, even if a prefix above matched.
const NEVER: &[&str] = &["anthropic-organization-id", "openai-organization", "openai-project", "set-cookie"];

/// Whether a header is the one that an entry of a list names, or one of those.
fn fits(entry: &str, name: &str) -> bool {
    entry.strip_suffix('*').map_or(entry == name, |prefix| name.starts_with(prefix))
}

/// Whether a client's header goes upstream in this dialect. `name` is in lower case.
pub fn forwards_request_header(dialect: Dialect, name: &str) -> bool {
    static ALL: LazyLock<ByLetter<Option<Dialect>>> = LazyLock::new(|| {
        let some = Dialect::ALL.iter().flat_map(|dialect| of(*dialect).iter().map(|entry| (*entry, Some(*dialect))));
        ByLetter::new(ANY.iter().map(|entry| (*entry, None)).chain(some))
    });
    let up = |(entry, of): &(&str, Option<Dialect>)| of.is_none_or(|of| of == dialect) && fits(entry, name);
    ALL.like(name).iter().any(up) && !NEVER.contains(&name)
}

/// Whether a provider's header goes back to the client. `name` is in lower case.
pub fn forwards_response_header(name: &str) -> bool {
    static ALL: LazyLock<ByLetter<()>> = LazyLock::new(|| table(BACK.iter().copied().chain(limits_of_providers())));
    ALL.like(name).iter().any(|(entry, ())| fits(entry, name)) && !NEVER.contains(&name)
}

/// Whether a provider's record names the header among those about its limits.
pub(crate) fn is_limit_of_a_provider(name: &str) -> bool {
    limits_of_providers().any(|entry| fits(entry, name))
}

fn limits_of_providers() -> impl Iterator<Item = &'static str> {
    providers::ALL.iter().flat_map(|p| p.limit_headers).copied()
}

fn table(entries: impl Iterator<Item = &'static str>) -> ByLetter<()> {
    ByLetter::new(entries.map(|entry| (entry, ())))
}
