//! A client's `generateContent` request → the IR.

use tollgate_ir::{Fault, Losses, Request, Turn};

use super::proto::Proto;
use super::{config, contents, tools};
use crate::json::Node;
use crate::target::RequestHead;

/// See [`crate::codec::decode_request`].
///
/// Safety settings, cached contents, labels and the like are Google's own: they are reported and not carried, since a
/// call that stays with Gemini is relayed.
pub fn decode_request(body: &[u8], head: &RequestHead<'_>, losses: &mut Losses) -> Result<Request, Fault> {
    let mut fields = Proto::new(Node::parse(body)?, "")?;
    let in_body = fields.text("model")?.unwrap_or_default();
    let mut request = Request {
        model: head.model.map_or(in_body, str::to_owned),
        stream: head.stream.unwrap_or(false),
        ..Request::default()
    };
    if let Some((path, node)) = fields.take("systemInstruction") {
        request.system = contents::system(path, node, losses)?;
    }
    let Some((path, node)) = fields.take("contents") else {
        return Err(Fault::field("contents", "Missing required field: `contents`."));
    };
    request.turns = contents::decode(path, node, losses)?;
    request.turns.retain(|turn: &Turn| !turn.blocks.is_empty());
    for (path, node) in fields.list("tools") {
        tools::decode(&path, node, &mut request.tools, losses)?;
    }
    if let Some(choice) = fields.object("toolConfig")? {
        request.tool_choice = tools::decode_choice(choice, losses)?;
    }
    if let Some(inner) = fields.object("generationConfig")? {
        config::decode(inner, &mut request, losses)?;
    }
    request.params.store = fields.boolean("store")?;
    request.params.service_tier = fields.text("serviceTier")?.and_then(tier);
    fields.report_rest(losses);
    Ok(request)
}

/// `standard` is what others call the default.
fn tier(tier: String) -> Option<String> {
    match tier.to_ascii_lowercase().as_str() {
        "" | "unspecified" => None,
        "standard" => Some("default".to_owned()),
        other => Some(other.to_owned()),
    }
}
