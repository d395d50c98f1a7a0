//! A provider's content blocks → IR, leniently: what is missing is empty, what is unknown is carried whole.

use tollgate_ir::{Block, Call, CallKind, Carry, Content, Dialect, ServerItem};

use super::{is_server, read};
use crate::anthropic::citations;
use crate::json::{Node, Object};

/// One block of a whole reply, or of a `content_block_start`.
pub(in crate::anthropic) fn block(node: &Node<'_>) -> Option<Block> {
    let kind = node.text("type").or_else(|| node.text("text").map(|_| "text"))?;
    let text = |key: &str| node.text(key).unwrap_or_default().to_owned();
    Some(match kind {
        "text" => {
            let citations = node.get("citations").map(Node::items).unwrap_or_default();
            let citations = citations.iter().map(citations::read).collect();
            Block::new(Content::Text { text: text("text"), citations })
        }
        "thinking" => read::reasoning(text("thinking"), &text("signature"), false),
        "redacted_thinking" => read::reasoning(String::new(), &text("data"), true),
        "tool_use" => {
            let mut block = Block::new(Content::Call(call(node)));
            block.carry = call_extras(node);
            block
        }
        other => {
            let id = node.text("id").or_else(|| node.text("tool_use_id")).map(str::to_owned);
            let mut block = Block::new(if is_server(other) {
                Content::Server(ServerItem { kind: other.to_owned(), id })
            } else {
                Content::Opaque { kind: other.to_owned() }
            });
            block.carry = Some(Carry { dialect: Dialect::Anthropic, raw: node.to_json() });
            block
        }
    })
}

fn call(node: &Node<'_>) -> Call {
    let text = |key: &str| node.text(key).unwrap_or_default().to_owned();
    let arguments = match node.get("input") {
        None => String::new(),
        Some(Node::Text(text)) => text.to_string(),
        Some(input) => input.to_text(),
    };
    Call { id: text("id"), name: text("name"), arguments, kind: CallKind::Function }
}

/// Who called and from which set of tools, unless it is the plain case.
fn call_extras(node: &Node<'_>) -> Option<Carry> {
    let plain = node.at(&["caller", "type"]).and_then(Node::as_str) == Some("direct");
    let found: Vec<_> = ["caller", "toolset_name"]
        .into_iter()
        .filter(|key| !(plain && *key == "caller"))
        .filter_map(|key| node.get(key).map(|value| (key.into(), value.clone())))
        .collect();
    (!found.is_empty()).then(|| Carry { dialect: Dialect::Anthropic, raw: Node::Object(Object(found)).to_json() })
}
