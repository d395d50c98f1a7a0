//! Whole replies, both ways, and what streams share with them: stop reasons and usage.

use tollgate_ir::{Block, Choice, Content, Fault, Finish, Losses, Reply, ReplyHead, Usage};

use super::fault::decode_fault;
use super::write::Writing;
use super::{media, read};
use crate::ids::made_up;
use crate::json::{Node, ObjectWriter, object};
use crate::target::ReplyContext;

/// See [`crate::codec::decode_reply`].
pub fn decode_reply(body: &[u8]) -> Result<Reply, Fault> {
    let node = Node::read(body).ok_or_else(|| garbage("The provider's answer is no JSON."))?;
    if node.get("output").is_none() && node.get("stopReason").is_none() {
        if ["message", "Message", "__type", "error"].into_iter().any(|key| node.get(key).is_some()) {
            return Err(decode_fault(200, &[], body));
        }
        return Err(garbage("The provider's answer holds no output."));
    }
    let content = node.at(&["output", "message", "content"]).map(Node::items).unwrap_or_default();
    let stop = node.get("additionalModelResponseFields").and_then(stop_sequence);
    let choice = Choice {
        blocks: blocks(content),
        finish: node.text("stopReason").map(|reason| read_finish(reason, stop)),
        logprobs: Vec::new(),
    };
    Ok(Reply {
        head: ReplyHead { service_tier: tier(&node), ..ReplyHead::default() },
        choices: vec![choice],
        usage: node.get("usage").map(read_usage),
    })
}

fn garbage(words: &str) -> Fault {
    Fault::new(tollgate_ir::FaultKind::ProviderGarbage, words)
}

pub(super) fn tier(node: &Node<'_>) -> Option<String> {
    node.at(&["serviceTier", "type"]).and_then(Node::as_str).map(str::to_owned)
}

/// A block that cannot be read is left out rather than the whole answer.
fn blocks(content: &[Node<'_>]) -> Vec<Block> {
    let mut losses = Losses::new(|_| "");
    let mut blocks: Vec<Block> = Vec::with_capacity(content.len());
    for node in content {
        let read = read::blocks(vec![node.clone()], "", &mut losses).unwrap_or_default();
        for mut block in read.into_iter().filter(|block| !is_empty(block)) {
            block.at.clear();
            if let Content::Call(call) = &mut block.content
                && call.id.is_empty()
            {
                call.id = made_up("", blocks.len());
            }
            match (blocks.last_mut().map(|last| &mut last.content), &mut block.content) {
                // Nova gives the sources of a text in blocks without words after it.
                (Some(Content::Text { citations: all, .. }), Content::Text { text, citations }) if text.is_empty() => {
                    all.append(citations);
                }
                _ => blocks.push(block),
            }
        }
    }
    blocks
}

/// One block from its JSON; `None` if it cannot be read.
pub(super) fn one_block(json: &[u8]) -> Option<Block> {
    let node = Node::read(json)?;
    blocks(std::slice::from_ref(&node)).pop()
}

fn is_empty(block: &Block) -> bool {
    matches!(&block.content, Content::Text { text, citations } if text.is_empty() && citations.is_empty())
}

/// The sequence that stopped the model, where `additionalModelResponseFieldPaths` asked for it.
pub(super) fn stop_sequence(fields: &Node<'_>) -> Option<String> {
    let found = fields.text("stop_sequence").or_else(|| fields.get("delta")?.text("stop_sequence"));
    found.map(str::to_owned)
}

pub(super) fn read_finish(reason: &str, stop: Option<String>) -> Finish {
    match reason {
        "end_turn" | "complete" | "finish" => Finish::Stop,
        "stop_sequence" => Finish::StopSequence(stop),
        "max_tokens" | "length" => Finish::Length,
        "model_context_window_exceeded" => Finish::ContextWindow,
        "tool_use" => Finish::ToolCalls,
        "guardrail_intervened" | "content_filtered" => Finish::ContentFilter,
        "refusal" => Finish::Refusal,
        "pause_turn" => Finish::Pause,
        other => Finish::Error(other.to_owned()),
    }
}

/// The stop reasons that the SDKs know.
pub(super) fn write_finish(finish: Option<&Finish>) -> &'static str {
    match finish {
        Some(Finish::Stop | Finish::Pause) | None => "end_turn",
        Some(Finish::StopSequence(_)) => "stop_sequence",
        Some(Finish::Length) => "max_tokens",
        Some(Finish::ContextWindow) => "model_context_window_exceeded",
        Some(Finish::ToolCalls) => "tool_use",
        Some(Finish::ContentFilter | Finish::Refusal) => "content_filtered",
        Some(Finish::Error(word)) => {
            let word = word.to_ascii_lowercase();
            let by_tool = word.contains("tool") || word.contains("function");
            if by_tool { "malformed_tool_use" } else { "malformed_model_output" }
        }
    }
}

/// `inputTokens` excludes what was read from and written to the cache; `outputTokens` includes reasoning, uncounted.
pub(super) fn read_usage(node: &Node<'_>) -> Usage {
    let either = |a, b| node.uint(a).or_else(|| node.uint(b));
    let written = either("cacheWriteInputTokens", "cacheWriteInputTokenCount");
    let details = node.get("cacheDetails").map(Node::items).unwrap_or_default();
    let hour: u64 = details.iter().filter(|d| d.text("ttl") == Some("1h")).filter_map(|d| d.uint("inputTokens")).sum();
    Usage {
        input: node.uint("inputTokens").unwrap_or(0),
        cache_read: either("cacheReadInputTokens", "cacheReadInputTokenCount"),
        cache_write: written.map(|all| all.saturating_sub(hour)),
        cache_write_1h: (hour > 0).then_some(hour),
        output: node.uint("outputTokens").unwrap_or(0),
        ..Usage::default()
    }
}

/// Writes `usage` and `metrics`; the SDKs read both without asking. How long the provider took is not ours to know.
pub(super) fn write_usage(o: &mut ObjectWriter<'_>, usage: Option<&Usage>) {
    let usage = usage.copied().unwrap_or_default();
    o.object("usage", |o| {
        o.uint("inputTokens", usage.input + usage.tool_input.unwrap_or(0));
        o.uint("outputTokens", usage.output_total());
        o.uint("totalTokens", usage.total());
        o.opt_uint("cacheReadInputTokens", usage.cache_read);
        o.opt_uint("cacheWriteInputTokens", usage.cache_writes());
        if let Some(hour) = usage.cache_write_1h {
            o.array("cacheDetails", |a| {
                for (ttl, tokens) in [("5m", usage.cache_write.unwrap_or(0)), ("1h", hour)] {
                    a.object(|o| {
                        o.text("ttl", ttl);
                        o.uint("inputTokens", tokens);
                    });
                }
            });
        }
    });
    o.object("metrics", |o| o.uint("latencyMs", 0));
}

/// Writes the tier that served, if it is one of Bedrock's.
pub(super) fn write_tier(o: &mut ObjectWriter<'_>, tier: Option<&str>) {
    if let Some(tier) = tier.filter(|t| ["priority", "default", "flex", "reserved"].contains(t)) {
        o.object("serviceTier", |o| o.text("type", tier));
    }
}

/// See [`crate::codec::encode_reply`].
pub fn encode_reply(reply: &Reply, _context: &ReplyContext) -> Vec<u8> {
    let mut out = Vec::with_capacity(1024);
    let first = reply.choices.first();
    let finish = first.and_then(|choice| choice.finish.as_ref());
    let mut writing = Writing::to_client();
    object(&mut out, |o| {
        o.object("output", |o| {
            o.object("message", |o| {
                o.text("role", "assistant");
                o.array("content", |a| {
                    for block in first.map(|choice| &choice.blocks[..]).unwrap_or_default() {
                        if is_sayable(block) {
                            // What cannot be written was sorted out: media without a form here.
                            let _ = writing.block(a, block);
                        }
                    }
                });
            });
        });
        o.text("stopReason", write_finish(finish));
        write_usage(o, reply.usage.as_ref());
        write_tier(o, reply.head.service_tier.as_deref());
        if let Some(Finish::StopSequence(Some(sequence))) = finish {
            o.object("additionalModelResponseFields", |o| o.text("stop_sequence", sequence));
        }
    });
    out
}

/// Whether a block has a form in a reply. White space is an answer too, the empty text is none.
pub(super) fn is_sayable(block: &Block) -> bool {
    match &block.content {
        Content::Text { text, .. } | Content::Refusal(text) => !text.is_empty(),
        Content::Media(media) => media::is_writable(media),
        _ => true,
    }
}
