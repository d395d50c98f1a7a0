//! A whole reply at a glance, of `/api/generate` too.

use super::words;
use crate::json::{Glance, Node};
use crate::tap::Summary;

/// See [`crate::codec::summary`].
pub fn summary(body: &[u8]) -> Option<Summary> {
    let (mut summary, mut message, mut response) = (Summary::default(), None, false);
    let (mut input, mut output) = (None, None);
    Glance::through(body, |reply| {
        reply.members(|key, value| {
            match key {
                "model" => summary.model = value.text()?.map(Into::into),
                "message" => message = Some(says_something(value)?),
                "response" => response = value.has_words()?,
                "done_reason" => summary.finish = value.text()?.as_deref().map(words::finish),
                "prompt_eval_count" => input = value.node()?.as_ref().and_then(Node::as_u64),
                "eval_count" => output = value.node()?.as_ref().and_then(Node::as_u64),
                "error" => value.null()?,
                _ => value.skip()?,
            }
            Some(())
        })
    })?;
    summary.usage = words::usage_of(input, output);
    message.unwrap_or(response).then_some(summary)
}

fn says_something(message: &mut Glance<'_>) -> Option<bool> {
    let (mut words, mut calls) = (false, false);
    message.members(|key, value| {
        match key {
            "content" => words = value.has_words()?,
            "tool_calls" => calls = value.has_items()?,
            _ => value.skip()?,
        }
        Some(())
    })?;
    Some(words || calls)
}
