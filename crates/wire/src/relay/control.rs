//! Fields that are meant for a gateway and not for a model: other gateways' users send them, makers of models refuse
//! them with 400 (field-notes: “conventions that users' code already uses”).

use crate::json::{Envelope, Patch};

/// What the target makes of other gateways' control fields.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ControlFields {
    /// It refuses or misreads them: cut. Right for the makers of models.
    #[default]
    Cut,
    /// It is a gateway itself, or a host that nobody knows: left as they are.
    Keep,
    /// It understands those of OpenRouter: the others are cut.
    OpenRouter,
}

const OPEN_ROUTER: &[&str] = &["models", "provider", "plugins", "transforms", "route", "session_id"];
const OTHERS: &[&str] = &[
    // LiteLLM
    "fallbacks",
    "context_window_fallbacks",
    "content_policy_fallbacks",
    "num_retries",
    "mock_response",
    "mock_tool_calls",
    "guardrails",
    "litellm_metadata",
    "litellm_call_id",
    "litellm_trace_id",
    "litellm_session_id",
    "litellm_params",
    "litellm_logging_obj",
    "drop_params",
    "additional_drop_params",
    "custom_llm_provider",
    "allowed_openai_params",
    "request_timeout",
    "tags",
    "no-log",
    "caching",
    "cache",
    // Vercel's gateway
    "providerOptions",
];

/// Whether a top-level member is meant for a gateway.
pub fn is_control_field(key: &str) -> bool {
    OPEN_ROUTER.contains(&key) || OTHERS.contains(&key) || key.starts_with("tensorzero::")
}

/// The patches that cut control fields.
pub(super) fn cuts(envelope: &Envelope, fields: ControlFields) -> impl Iterator<Item = Patch> {
    envelope
        .members()
        .iter()
        .filter(move |m| match fields {
            ControlFields::Cut => is_control_field(&m.key),
            ControlFields::Keep => false,
            ControlFields::OpenRouter => is_control_field(&m.key) && !OPEN_ROUTER.contains(&m.key.as_ref()),
        })
        .map(|m| Patch::delete(m.key.clone()))
}
