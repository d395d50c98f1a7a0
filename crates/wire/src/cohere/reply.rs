//! Whole replies, both ways.

use tollgate_ir::{Block, Call, CallKind, Choice, Content, Fault, FaultKind, Logprob, Reasoning, Reply, ReplyHead};

use super::{citations, fault, history, messages, usage};
use crate::ids;
use crate::json::{ArrayWriter, Node, ObjectWriter, object};
use crate::target::ReplyContext;

/// See [`crate::codec::decode_reply`].
pub fn decode_reply(body: &[u8]) -> Result<Reply, Fault> {
    let garbage = || Fault::new(FaultKind::ProviderGarbage, "The provider's answer is no reply of Cohere's chat.");
    let node = Node::read(body).ok_or_else(garbage)?;
    let Some(message) = node.get("message").filter(|m| matches!(m, Node::Object(_))) else {
        // An error in a body of status 200.
        let error = node.get("message").is_some() || node.get("error").is_some();
        return Err(if error { fault::in_band(&node) } else { garbage() });
    };
    let id = node.text("id").map(str::to_owned);
    let choice = Choice {
        blocks: blocks(message, id.as_deref().unwrap_or_default()),
        finish: node.text("finish_reason").map(usage::decode_finish),
        logprobs: node.get("logprobs").map_or(&[][..], Node::items).iter().filter_map(logprob).collect(),
    };
    Ok(Reply {
        head: ReplyHead { id, model: node.text("model").map(str::to_owned), ..ReplyHead::default() },
        choices: vec![choice],
        usage: node.get("usage").and_then(usage::decode),
    })
}

fn blocks(message: &Node<'_>, answer: &str) -> Vec<Block> {
    let mut blocks: Vec<Block> = match message.get("content") {
        Some(Node::Text(text)) => vec![Block::text(text.as_ref())],
        content => content.map_or(&[][..], Node::items).iter().map(content_block).collect(),
    };
    if let Some(plan) = message.text("tool_plan").filter(|plan| !plan.is_empty()) {
        messages::insert_plan(&mut blocks, plan.to_owned(), String::new());
    }
    if let Some(cited) = message.get("citations") {
        citations::attach(&mut blocks, cited);
    }
    // Empty blocks stand beside calls; they count for `content_index` and say nothing.
    blocks.retain(|b| match &b.content {
        Content::Text { text, .. } => !text.is_empty(),
        Content::Reasoning(r) => !r.text.is_empty(),
        _ => true,
    });
    let calls = message.get("tool_calls").map_or(&[][..], Node::items);
    blocks.extend(calls.iter().enumerate().map(|(i, node)| call(node, answer, i)));
    blocks
}

fn content_block(node: &Node<'_>) -> Block {
    match (node.text("thinking"), node) {
        (Some(text), _) => Block::new(Content::Reasoning(Reasoning { text: text.to_owned(), ..Reasoning::default() })),
        (None, Node::Text(text)) => Block::text(text.as_ref()),
        (None, _) => Block::text(node.text("text").unwrap_or_default()),
    }
}

fn call(node: &Node<'_>, answer: &str, place: usize) -> Block {
    let arguments = match node.at(&["function", "arguments"]) {
        // A tool without parameters is called with the text `null`.
        Some(Node::Text(text)) if text == "null" => "{}".to_owned(),
        Some(Node::Text(text)) => text.to_string(),
        Some(other) => other.to_text(),
        None => String::new(),
    };
    let id = node.text("id").filter(|id| !id.is_empty());
    Block::new(Content::Call(Call {
        id: id.map_or_else(|| ids::made_up(answer, place), str::to_owned),
        name: node.at(&["function", "name"]).and_then(Node::as_str).unwrap_or_default().to_owned(),
        arguments,
        kind: CallKind::Function,
    }))
}

/// A chunk of text with the log probabilities of its tokens; their texts are not told apart, so they add up.
pub(super) fn logprob(node: &Node<'_>) -> Option<Logprob> {
    let values = node.get("logprobs").map_or(&[][..], Node::items).iter().filter_map(Node::as_f64);
    Some(Logprob { token: node.text("text")?.to_owned(), logprob: values.sum(), bytes: None, top: Vec::new() })
}

/// See [`crate::codec::encode_reply`].
pub fn encode_reply(reply: &Reply, context: &ReplyContext) -> Vec<u8> {
    let none = Choice::default();
    let choice = reply.choices.first().unwrap_or(&none);
    let calls = choice.blocks.iter().any(|b| matches!(b.content, Content::Call(_)));
    let mut out = Vec::with_capacity(1024);
    object(&mut out, |o| {
        o.text("id", reply.head.id.as_deref().unwrap_or(&context.id));
        o.object("message", |m| message(m, &choice.blocks));
        o.text("finish_reason", usage::encode_finish(choice.finish.as_ref(), calls));
        usage::encode(o, reply.usage.as_ref());
        if !choice.logprobs.is_empty() {
            o.array("logprobs", |a| choice.logprobs.iter().for_each(|l| a.object(|item| write_logprobs(item, &[l]))));
        }
    });
    out
}

fn message(m: &mut ObjectWriter<'_>, blocks: &[Block]) {
    m.text("role", "assistant");
    let plan = |b: &&Block| messages::is_plan(b.carry.as_ref());
    let plans: Vec<&str> = blocks.iter().filter(plan).filter_map(Block::as_text).collect();
    if !plans.is_empty() {
        m.text("tool_plan", &plans.concat());
    }
    let content: Vec<&Block> = blocks.iter().filter(|b| !plan(b) && words(b).is_some_and(|w| !w.is_empty())).collect();
    if !content.is_empty() {
        m.array("content", |a| content.iter().for_each(|block| write_content(a, block)));
    }
    let calls = blocks.iter().filter_map(|b| if let Content::Call(call) = &b.content { Some(call) } else { None });
    let calls: Vec<&Call> = calls.collect();
    if !calls.is_empty() {
        m.array("tool_calls", |a| calls.iter().for_each(|call| write_call(a, call)));
    }
    let mut cited = Vec::new();
    for (index, block) in content.iter().enumerate() {
        if let Content::Text { text, citations } = &block.content {
            for citation in citations {
                cited.push(b','); // between items; the first is skipped below
                citations::encode(&mut cited, citation, text, index as u64);
            }
        }
    }
    if !cited.is_empty() {
        m.raw("citations", &format!("[{}]", String::from_utf8_lossy(&cited[1..])));
    }
}

/// The words of a block that Cohere's content has a place for.
fn words(block: &Block) -> Option<&str> {
    match &block.content {
        Content::Text { text, .. } | Content::Refusal(text) => Some(text),
        Content::Reasoning(reasoning) => Some(&reasoning.text),
        _ => None,
    }
}

fn write_content(a: &mut ArrayWriter<'_>, block: &Block) {
    let kind = if matches!(block.content, Content::Reasoning(_)) { "thinking" } else { "text" };
    a.object(|c| {
        c.text("type", kind);
        c.text(kind, words(block).unwrap_or_default());
    });
}

fn write_call(a: &mut ArrayWriter<'_>, call: &Call) {
    a.object(|c| {
        c.text("id", &call.id);
        c.text("type", "function");
        c.object("function", |f| {
            f.text("name", &call.name);
            f.text("arguments", &history::arguments(call));
        });
    });
}

pub(super) fn write_logprobs(item: &mut ObjectWriter<'_>, of: &[&Logprob]) {
    item.text("text", &of.iter().map(|l| l.token.as_str()).collect::<String>());
    // The tokens' numbers are not known outside of Cohere.
    item.array("token_ids", |_| {});
    item.array("logprobs", |a| of.iter().for_each(|l| a.float(l.logprob)));
}
