//! Content blocks: what a client sends ([`read`]), what a provider answers ([`answer`]), and how both are written
//! ([`write`]).

pub(super) mod answer;
pub(super) mod read;
pub(super) mod write;

/// Whether a block of this `type` is a step of a tool that Anthropic runs itself (`server_tool_use`,
/// `web_search_tool_result`, `mcp_tool_use`, …); what else is not known is opaque.
fn is_server(kind: &str) -> bool {
    kind.ends_with("_tool_use") || kind.ends_with("_tool_result") || kind == "container_upload"
}
