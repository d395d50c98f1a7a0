//! Circuit breakers as they are written: one field a key.

use schemars::JsonSchema;
use serde::Deserialize;

use super::scalar::{Share, Span};

/// When a target that fails is left alone, and how it comes back.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct RawBreaker {
    /// So many failures one after the other open it; 5 by default.
    pub failures: Option<u32>,
    /// So large a share of failed attempts in the last minutes opens it too; 50% by default,
    pub error_rate: Option<Share>,
    /// if there were so many attempts; 20 by default.
    pub of: Option<u32>,
    /// How long it stays open at first; each further time twice as long. 5s by default.
    pub pause: Option<Span>,
    /// No pause is longer; 2m by default.
    pub longest_pause: Option<Span>,
    /// So many calls, one at a time, must serve before it closes; 2 by default.
    pub probes: Option<u32>,
    /// After closing the target's share of calls grows to all within this; 30s by default.
    pub slow_start: Option<Span>,
    /// Requests of the gateway's own that cost nothing and tell whether the provider answers; none by default.
    pub health_check: Option<RawHealthCheck>,
}

/// Requests of the gateway's own.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct RawHealthCheck {
    /// The path on the provider's host, such as `/health`; by default its list of models, which Bedrock does not have.
    pub path: Option<String>,
    /// How often; 10s by default.
    pub every: Option<Span>,
    /// How long an answer may take; 5s by default.
    pub timeout: Option<Span>,
}
