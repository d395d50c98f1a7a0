//! Whole replies, both ways.

use tollgate_ir::{Choice, Fault, FaultKind, Finish, Reply, ReplyHead};

use super::output::{Line, Output, Sink};
use super::response::{Head, State};
use super::{fault, item, usage};
use crate::json::{Node, object};
use crate::target::ReplyContext;

/// See [`crate::codec::decode_reply`].
pub fn decode_reply(body: &[u8]) -> Result<Reply, Fault> {
    let garbage = || Fault::new(FaultKind::ProviderGarbage, "The provider's answer is no JSON object.");
    let node = Node::read(body).filter(|n| matches!(n, Node::Object(_))).ok_or_else(garbage)?;
    if let Some(error) = node.get("error") {
        return Err(fault::of_error(error));
    }
    if node.get("output").is_none() && node.get("status").is_none() {
        return Err(Fault::new(FaultKind::ProviderGarbage, "The provider's answer is no response object."));
    }
    let items = node.get("output").map(Node::items).unwrap_or_default();
    let choice = Choice {
        blocks: items.iter().flat_map(item::blocks).collect(),
        finish: finish(&node),
        logprobs: items.iter().flat_map(item::logprobs).collect(),
    };
    Ok(Reply { head: head(&node), choices: vec![choice], usage: node.get("usage").map(usage::read) })
}

/// Reads what stands at the head of a response object.
pub(super) fn head(response: &Node<'_>) -> ReplyHead {
    let text = |key: &str| response.text(key).filter(|t| !t.is_empty()).map(str::to_owned);
    ReplyHead {
        id: text("id"),
        model: text("model"),
        created: response.uint("created_at"),
        service_tier: text("service_tier"),
        system_fingerprint: None,
    }
}

/// Why a response ended; `None` while it has not.
pub(super) fn finish(response: &Node<'_>) -> Option<Finish> {
    let status = response.text("status")?;
    Some(match (status, response.at(&["incomplete_details", "reason"]).and_then(Node::as_str)) {
        ("completed" | "complete", _) => Finish::Stop,
        ("incomplete", Some("content_filter")) => Finish::ContentFilter,
        ("incomplete", Some("max_output_tokens" | "max_tokens") | None) => Finish::Length,
        ("incomplete", Some(reason)) => Finish::Error(reason.to_owned()),
        ("failed" | "cancelled", _) => Finish::Error(status.to_owned()),
        _ => return None,
    })
}

/// See [`crate::codec::encode_reply`].
pub fn encode_reply(reply: &Reply, context: &ReplyContext) -> Vec<u8> {
    let head = Head::new(&reply.head, context);
    let (mut output, mut line) = (Output::new(context), Line::default());
    let mut sink = Sink { out: None, line: &mut line };
    let choice = reply.choices.first();
    for (i, block) in choice.map(|c| &c.blocks[..]).unwrap_or_default().iter().enumerate() {
        output.whole(u32::try_from(i).unwrap_or(u32::MAX), block, &mut sink);
    }
    output.end(&mut sink);
    output.all_logprobs(choice.map(|c| &c.logprobs[..]).unwrap_or_default());
    let finish = choice.and_then(|c| c.finish.clone()).unwrap_or(Finish::Stop);
    let mut out = Vec::with_capacity(1024);
    object(&mut out, |o| head.write(o, &State::Done(&output, &finish, reply.usage.as_ref())));
    out
}
