//! Whole replies, both ways.

use tollgate_ir::{Block, Choice, Content, Fault, FaultKind, MediaSource, Reasoning, Reply};

use super::words::Clock;
use super::{fault, history, words};
use crate::json::{Node, ObjectWriter, object};
use crate::openai_responses::{read_logprobs, write_logprobs};
use crate::target::ReplyContext;

/// See [`crate::codec::decode_reply`]. A reply of `/api/generate` reads too.
pub fn decode_reply(body: &[u8]) -> Result<Reply, Fault> {
    let garbage = || Fault::new(FaultKind::ProviderGarbage, "The provider's answer is no reply of Ollama's.");
    let node = Node::read(body).ok_or_else(garbage)?;
    if node.get("error").is_some() {
        return Err(fault::in_band(&node));
    }
    let message = match node.get("message") {
        Some(message @ Node::Object(_)) => message,
        None if node.get("response").is_some() => &node,
        _ => return Err(garbage()),
    };
    let choice = Choice {
        blocks: blocks(message, &node),
        finish: node.text("done_reason").map(words::finish),
        logprobs: read_logprobs(&node),
    };
    Ok(Reply { head: words::head(&node), choices: vec![choice], usage: words::usage(&node) })
}

/// Thinking, text, images, calls.
fn blocks(message: &Node<'_>, answer: &Node<'_>) -> Vec<Block> {
    let text = |key: &str| message.text(key).filter(|t| !t.is_empty()).map(str::to_owned);
    let mut blocks = Vec::new();
    if let Some(text) = text("thinking") {
        blocks.push(Block::new(Content::Reasoning(Reasoning { text, ..Reasoning::default() })));
    }
    blocks.extend(text("content").or_else(|| text("response")).map(Block::text));
    blocks.extend(words::images(message));
    let calls = message.get("tool_calls").map_or(&[][..], Node::items).iter().enumerate();
    blocks.extend(calls.map(|(i, node)| Block::new(Content::Call(words::call(node, answer, i)))));
    blocks
}

/// See [`crate::codec::encode_reply`].
pub fn encode_reply(reply: &Reply, context: &ReplyContext) -> Vec<u8> {
    let none = Choice::default();
    let choice = reply.choices.first().unwrap_or(&none);
    let mut out = Vec::with_capacity(1024);
    object(&mut out, |o| {
        o.text("model", reply.head.model.as_deref().unwrap_or(&context.model));
        let clock = Clock::new(context);
        o.text("created_at", &clock.now());
        o.object("message", |m| message(m, &choice.blocks));
        if !choice.logprobs.is_empty() {
            write_logprobs(o, &choice.logprobs);
        }
        clock.write_end(o, choice.finish.as_ref(), reply.usage.as_ref());
    });
    out
}

fn message(m: &mut ObjectWriter<'_>, blocks: &[Block]) {
    m.text("role", "assistant");
    let mut thinking = String::new();
    let mut content = String::new();
    let (mut images, mut calls) = (Vec::new(), Vec::new());
    for block in blocks {
        match &block.content {
            Content::Text { text, .. } | Content::Refusal(text) => content.push_str(text),
            Content::Reasoning(reasoning) => thinking.push_str(&reasoning.text),
            Content::Call(call) => calls.push(call),
            Content::Media(media) => {
                if let MediaSource::Base64(data) = &media.source {
                    images.push(data);
                }
            }
            Content::Result(_) | Content::Server(_) | Content::Opaque { .. } => {}
        }
    }
    m.text("content", &content);
    m.opt_text("thinking", Some(thinking.as_str()).filter(|t| !t.is_empty()));
    if !images.is_empty() {
        m.array("images", |a| images.iter().for_each(|data| a.text(data)));
    }
    if !calls.is_empty() {
        m.array("tool_calls", |a| {
            for (index, call) in calls.iter().enumerate() {
                history::write_call(a, call, &call.name, index as u64);
            }
        });
    }
}
