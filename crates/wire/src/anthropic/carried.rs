//! Fields that are carried along for Anthropic alone, reported when another provider is asked.

use tollgate_ir::{Block, Carry, Content, Losses, Reason, Request, ToolKind};

use super::blocks::write::own;
use crate::json::Node;

/// See [`crate::codec::report_carried`]. Provider-run tools and unknown blocks are reported by the encoder that leaves
/// them out.
pub fn report_carried(request: &Request, losses: &mut Losses) {
    for tool in request.tools.iter().filter(|tool| !matches!(tool.kind, ToolKind::Server { .. })) {
        report(tool.carry.as_ref(), &tool.at, losses);
    }
    for block in request.system.iter().chain(request.turns.iter().flat_map(|turn| &turn.blocks)) {
        of_block(block, losses);
    }
}

fn of_block(block: &Block, losses: &mut Losses) {
    match &block.content {
        Content::Server(_) | Content::Opaque { .. } => return,
        Content::Result(result) => result.content.iter().for_each(|inner| of_block(inner, losses)),
        _ => {}
    }
    report(block.carry.as_ref(), &block.at, losses);
}

fn report(carry: Option<&Carry>, at: &str, losses: &mut Losses) {
    let Some(node) = own(carry).and_then(|carry| Node::read(carry.raw.as_str().as_bytes())) else { return };
    // Of a block that is carried whole the words are in the IR as well, and only these are not.
    let whole = node.get("type").is_some();
    let lost = |key: &str| !whole || matches!(key, "citations" | "context");
    for (key, value) in node.entries().iter().filter(|(key, _)| lost(key)) {
        let says_nothing = match value {
            // `{"type":"direct"}` is how every call of the model itself is marked.
            Node::Object(_) => value.text("type") == Some("direct") || value.get("enabled") == Some(&Node::Bool(false)),
            Node::Bool(false) | Node::Null => true,
            _ => false,
        };
        if !says_nothing {
            losses.path(format!("{at}.{key}"), Reason::Dropped);
        }
    }
}
