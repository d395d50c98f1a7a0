//! One output item → blocks: for whole replies, and for what a stream gives at once.

use tollgate_ir::{Block, Call, CallKind, Content, Logprob, Media, MediaKind, MediaSource, ServerItem};

use super::{annotations, reasoning};
use crate::json::Node;

/// Fields of a message item that the IR has words for.
pub(super) const MESSAGE: &[&str] = &["type", "role", "status", "content"];
/// Fields of a call item that the IR has words for.
pub(super) const CALL: &[&str] = &["type", "status", "call_id", "name", "arguments", "input"];

/// The blocks of an output item.
pub(super) fn blocks(item: &Node<'_>) -> Vec<Block> {
    match item.text("type").unwrap_or("message") {
        "message" => message(item),
        "reasoning" => reasoning::read(item),
        "function_call" => vec![call(item, CallKind::Function)],
        "custom_tool_call" => vec![call(item, CallKind::Custom)],
        kind => vec![other(item, kind)],
    }
}

/// Log probabilities of an item's texts.
pub(super) fn logprobs(item: &Node<'_>) -> Vec<Logprob> {
    let parts = item.get("content").map(Node::items).unwrap_or_default();
    parts.iter().flat_map(annotations::read_logprobs).collect()
}

fn message(item: &Node<'_>) -> Vec<Block> {
    let mut blocks: Vec<_> = match item.get("content") {
        Some(Node::Text(text)) => vec![Block::text(text.as_ref())],
        Some(content) => content.items().iter().map(part).collect(),
        None => Vec::new(),
    };
    if let Some(first) = blocks.first_mut() {
        first.carry = reasoning::extra(item, MESSAGE);
    }
    blocks
}

/// One content part of a message.
pub(super) fn part(part: &Node<'_>) -> Block {
    match part.text("type") {
        Some("refusal") => Block::new(Content::Refusal(part.text("refusal").unwrap_or_default().to_owned())),
        Some("reasoning_text") => Block::new(Content::Reasoning(tollgate_ir::Reasoning {
            text: part.text("text").unwrap_or_default().to_owned(),
            ..Default::default()
        })),
        _ => Block::new(Content::Text {
            text: part.text("text").unwrap_or_default().to_owned(),
            citations: annotations::read(part),
        }),
    }
}

/// A call item; a provider that gives no `call_id` means the item's own id.
pub(super) fn call(item: &Node<'_>, kind: CallKind) -> Block {
    let arguments = match item.get(if kind == CallKind::Custom { "input" } else { "arguments" }) {
        Some(Node::Text(text)) => text.to_string(),
        Some(other) => other.to_text(),
        None => String::new(),
    };
    let id = ["call_id", "id"].into_iter().find_map(|key| item.text(key).filter(|id| !id.is_empty()));
    let name = item.text("name").unwrap_or_default();
    let mut block = Block::new(Content::Call(Call {
        id: id.unwrap_or_default().to_owned(),
        name: name.to_owned(),
        arguments,
        kind,
    }));
    block.carry = reasoning::extra(item, CALL);
    block
}

/// A step of a provider-run tool; a generated image is media for everybody.
pub(super) fn other(item: &Node<'_>, kind: &str) -> Block {
    let mut block = reasoning::whole(item, kind);
    if let Some(data) = item.text("result").filter(|_| kind == "image_generation_call") {
        let format = item.text("output_format").unwrap_or("png");
        block.content = Content::Media(Media {
            kind: MediaKind::Image,
            mime: Some(format!("image/{format}")),
            source: MediaSource::Base64(data.to_owned()),
            name: None,
            detail: None,
        });
    } else if is_server_item(kind) {
        block.content = Content::Server(ServerItem { kind: kind.to_owned(), id: item.text("id").map(str::to_owned) });
    }
    block
}

/// Whether an item's kind is a step of a tool (`web_search_call`, `mcp_list_tools`, `shell_call_output`).
fn is_server_item(kind: &str) -> bool {
    kind.ends_with("_call") || kind.ends_with("_output") || kind.starts_with("mcp_") || kind == "program"
}
