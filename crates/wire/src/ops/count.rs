//! Token counting. (Interim.)

use tollgate_ir::{Dialect, Fault, FaultKind, Losses, Request};

use crate::json::{self, Node};
use crate::target::RequestHead;

/// Interim.
pub fn decode_request(face: Dialect, body: &[u8], head: &RequestHead<'_>, losses: &mut Losses) -> Result<Request, Fault> {
    crate::codec::decode_request(face, body, head, losses)
}

/// Interim.
pub fn wrap_request(_upstream: Dialect, body: &[u8]) -> Vec<u8> {
    body.to_vec()
}

/// Interim.
pub fn decode_reply(_upstream: Dialect, body: &[u8]) -> Result<u64, Fault> {
    let node = Node::read(body);
    ["input_tokens", "totalTokens", "inputTokens"]
        .iter()
        .find_map(|k| node.as_ref()?.uint(k))
        .ok_or_else(|| Fault::new(FaultKind::ProviderGarbage, "The provider's count cannot be read."))
}

/// Interim.
pub fn encode_reply(face: Dialect, tokens: u64) -> Vec<u8> {
    let mut out = Vec::new();
    json::object(&mut out, |o| match face {
        Dialect::Gemini => o.uint("totalTokens", tokens),
        Dialect::Bedrock => o.uint("inputTokens", tokens),
        _ => o.uint("input_tokens", tokens),
    });
    out
}
