//! Claude on Bedrock and Vertex: what these hosts take of the Messages API, as data. They refuse unknown fields and
//! beta flags with 400, and lag behind Anthropic's own API, so what they are not known to take is left out and reported.
//!
//! Sources: AWS, “Anthropic Claude Messages API: request and response”; Google Cloud, “Claude models: REST reference”;
//! Anthropic's Python SDK 0.75 (`lib/bedrock`, `lib/vertex`).

use tollgate_ir::{Dialect, Losses, Operation, Reason};

use super::{Carriage, nested};
use crate::json::{Envelope, Node, Patch, array};

/// What one host takes.
struct Host {
    version: &'static str,
    /// `anthropic_beta` goes into the body; else the flags stay in the header.
    betas_in_body: bool,
    fields: &'static [&'static str],
}

const BEDROCK: Host = Host {
    version: "bedrock-2023-05-31",
    betas_in_body: true,
    fields: &[
        "anthropic_version",
        "anthropic_beta",
        "max_tokens",
        "messages",
        "system",
        "stop_sequences",
        "temperature",
        "top_p",
        "top_k",
        "tools",
        "tool_choice",
        "thinking",
        "output_config",
    ],
};

const VERTEX: Host = Host {
    version: "vertex-2023-10-16",
    betas_in_body: false,
    fields: &[
        "anthropic_version",
        "max_tokens",
        "messages",
        "metadata",
        "system",
        "stop_sequences",
        "stream",
        "temperature",
        "top_p",
        "top_k",
        "tools",
        "tool_choice",
        "thinking",
        "output_config",
    ],
};

/// The beta flags that both hosts are documented to take.
const BETAS: &[&str] = &[
    "computer-use-2024-10-22",
    "computer-use-2025-01-24",
    "computer-use-2025-11-24",
    "token-efficient-tools-2025-02-19",
    "output-128k-2025-02-19",
    "interleaved-thinking-2025-05-14",
    "dev-full-thinking-2025-05-14",
    "fine-grained-tool-streaming-2025-05-14",
    "context-1m-2025-08-07",
    "tool-search-tool-2025-10-19",
    "tool-examples-2025-10-29",
    "effort-2025-11-24",
];

/// What a carriage makes of a body.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Carried {
    /// The body's edits.
    pub patches: Vec<Patch>,
    /// The beta flags for the `anthropic-beta` header.
    pub header_betas: Vec<String>,
}

impl Carriage {
    /// Whether [`carry`](Self::carry) ever demands edits.
    pub const fn edits_claude(&self) -> bool {
        matches!(self, Self::BedrockInvoke | Self::VertexRawPredict)
    }

    /// The edits that this carriage demands of an Anthropic body, and the beta flags that stay in the header. `betas`
    /// are the client's, or those an encoder relies on. Fields and flags that the host is not known to take are left
    /// out and reported.
    pub fn carry(
        &self,
        operation: Operation,
        body: &[u8],
        envelope: &Envelope,
        betas: &[String],
        losses: &mut Losses,
    ) -> Carried {
        let host = match self {
            Self::Own | Self::AzureDeployments { .. } | Self::Path { .. } => {
                return Carried { patches: Vec::new(), header_betas: betas.to_vec() };
            }
            Self::BedrockInvoke => &BEDROCK,
            Self::VertexRawPredict => &VERTEX,
        };
        let mut carried = Carried::default();
        let counting = operation == Operation::CountTokens;
        for member in envelope.members() {
            let key = member.key.as_ref();
            if host.fields.contains(&key)
                || (key == "model" && counting && !self.model_in_path(Dialect::Anthropic, operation))
            {
                continue;
            }
            carried.patches.push(Patch::delete(key.to_owned()));
            if !matches!(key, "model" | "stream") {
                losses.path(key, Reason::Dropped);
            }
        }
        if (!counting || host.betas_in_body) && envelope.member("anthropic_version").is_none() {
            carried.patches.push(Patch::set_text("anthropic_version", host.version));
        }
        if counting && host.betas_in_body && envelope.member("max_tokens").is_none() {
            // What is counted there is a whole body for InvokeModel, which must have a limit above what may be thought.
            let budget = envelope.node(body, "thinking").and_then(|thinking| thinking.uint("budget_tokens"));
            carried.patches.push(Patch::set("max_tokens", (budget.unwrap_or(0) + 1).to_string()));
        }
        let flags = admitted(body, envelope, betas, losses);
        carried.patches.extend(nested::cuts(body, envelope, &flags, losses));
        if !host.betas_in_body {
            carried.header_betas = flags;
        } else if !flags.is_empty() {
            let mut list = Vec::new();
            array(&mut list, |a| flags.iter().for_each(|flag| a.text(flag)));
            carried.patches.push(Patch::set("anthropic_beta", list));
        } else if envelope.member("anthropic_beta").is_some() {
            carried.patches.push(Patch::delete("anthropic_beta"));
        }
        carried
    }
}

/// The flags of header and body that the host takes, each once, in order; the others are reported by name.
fn admitted(body: &[u8], envelope: &Envelope, betas: &[String], losses: &mut Losses) -> Vec<String> {
    let in_body = envelope.node(body, "anthropic_beta");
    let in_body = in_body.iter().flat_map(Node::items).filter_map(Node::as_str);
    let mut flags: Vec<String> = Vec::new();
    for flag in betas.iter().map(String::as_str).chain(in_body) {
        // AWS spells one of them with a capital.
        let known = BETAS.iter().any(|b| b.eq_ignore_ascii_case(flag));
        if !known {
            losses.path(format!("anthropic-beta.{flag}"), Reason::Dropped);
        } else if !flags.iter().any(|f| f == flag) {
            flags.push(flag.to_owned());
        }
    }
    flags
}
