//! Whole replies both ways.

use tollgate_ir::{Block, Choice, Content, Fault, FaultKind, Finish, Reply, ReplyHead};

use super::blocks::answer;
use super::blocks::write::{self, For};
use super::usage::{self, Counts};
use super::{fault, finish};
use crate::json::{Node, ObjectWriter, object};
use crate::target::ReplyContext;

/// See [`crate::codec::decode_reply`].
pub fn decode_reply(body: &[u8]) -> Result<Reply, Fault> {
    let garbage = || Fault::new(FaultKind::ProviderGarbage, "The provider's answer is not a message in JSON.");
    let node = Node::read(body).ok_or_else(garbage)?;
    if node.text("type") == Some("error") || node.get("error").is_some() {
        return Err(fault::in_band(&node));
    }
    if node.get("content").is_none() && node.get("stop_reason").is_none() {
        return Err(garbage());
    }
    let blocks = match node.get("content") {
        Some(Node::Text(text)) => vec![Block::text(text.as_ref())],
        Some(content) => content.items().iter().filter_map(answer::block).collect(),
        None => Vec::new(),
    };
    let mut counts = Counts::default();
    if let Some(usage) = node.get("usage") {
        counts.merge(usage);
    }
    let choice = Choice { blocks, finish: finish_of(&node), logprobs: Vec::new() };
    Ok(Reply { head: head(&node), choices: vec![choice], usage: counts.usage() })
}

/// What stands at the head of a message, whole or as a stream begins.
pub(super) fn head(message: &Node<'_>) -> ReplyHead {
    let text = |key: &str| message.text(key).filter(|t| !t.is_empty()).map(str::to_owned);
    ReplyHead {
        id: text("id"),
        model: text("model"),
        created: None,
        service_tier: message.at(&["usage", "service_tier"]).and_then(Node::as_str).map(str::to_owned),
        system_fingerprint: None,
    }
}

/// Why an answer ended, by a message or the `delta` of a `message_delta`.
pub(super) fn finish_of(node: &Node<'_>) -> Option<Finish> {
    node.text("stop_reason").map(|reason| finish::read(reason, node.text("stop_sequence")))
}

/// See [`crate::codec::encode_reply`].
pub fn encode_reply(reply: &Reply, context: &ReplyContext) -> Vec<u8> {
    let choice = reply.choices.first();
    let mut body = Vec::with_capacity(1024);
    object(&mut body, |o| {
        write_head(o, &reply.head, context);
        o.array("content", |a| {
            for block in choice.iter().flat_map(|c| &c.blocks).filter(|b| !is_empty(b)) {
                write::block(a, block, None, For::Client);
            }
        });
        let finish = choice.and_then(|c| c.finish.as_ref());
        o.text("stop_reason", finish::reason(finish));
        o.text_or_null("stop_sequence", finish::sequence(finish));
        o.object("usage", |o| {
            usage::write(o, &reply.usage.unwrap_or_default());
            write_tier(o, &reply.head);
        });
    });
    body
}

/// `id`, `type`, `role` and `model`.
pub(super) fn write_head(o: &mut ObjectWriter<'_>, head: &ReplyHead, context: &ReplyContext) {
    match head.id.as_deref().filter(|id| id.starts_with("msg_")) {
        Some(id) => o.text("id", id),
        None => o.text("id", &format!("msg_{}", context.id)),
    }
    o.text("type", "message");
    o.text("role", "assistant");
    o.text("model", head.model.as_deref().unwrap_or(&context.model));
}

/// The tier that served, if it is one that this protocol knows.
pub(super) fn write_tier(o: &mut ObjectWriter<'_>, head: &ReplyHead) {
    match head.service_tier.as_deref() {
        Some(tier @ ("standard" | "priority" | "batch")) => o.text("service_tier", tier),
        Some("default") => o.text("service_tier", "standard"),
        _ => {}
    }
}

/// An empty text block makes some clients stumble and tells nobody anything.
fn is_empty(block: &Block) -> bool {
    match &block.content {
        Content::Text { text, citations } => text.is_empty() && citations.is_empty(),
        Content::Refusal(text) => text.is_empty(),
        _ => false,
    }
}
