//! A whole reply at a glance.

use super::usage;
use crate::json::Glance;
use crate::tap::Summary;

/// See [`crate::codec::summary`].
pub fn summary(body: &[u8]) -> Option<Summary> {
    let (mut summary, mut says) = (Summary::default(), false);
    Glance::through(body, |reply| {
        reply.members(|key, value| {
            match key {
                "id" => summary.id = value.text()?.map(Into::into),
                "model" => summary.model = value.text()?.map(Into::into),
                "usage" => summary.usage = value.node()?.as_ref().and_then(usage::decode),
                "finish_reason" => summary.finish = value.text()?.as_deref().map(usage::decode_finish),
                "message" => says = says_something(value)?,
                _ => value.skip()?,
            }
            Some(())
        })
    })?;
    says.then_some(summary)
}

fn says_something(message: &mut Glance<'_>) -> Option<bool> {
    let (mut words, mut calls) = (false, false);
    message.members(|key, value| {
        match key {
            "content" if value.is_array() => words = value.any(block)?,
            "content" => words = value.has_words()?,
            "tool_calls" => calls = value.has_items()?,
            _ => value.skip()?,
        }
        Some(())
    })?;
    Some(words || calls)
}

/// Whether a block is a text with words.
fn block(block: &mut Glance<'_>) -> Option<bool> {
    let (mut words, mut thinks) = (false, false);
    block.members(|key, value| {
        match key {
            "text" => words = value.has_words()?,
            "thinking" => thinks = value.text()?.is_some(),
            _ => value.skip()?,
        }
        Some(())
    })?;
    Some(words && !thinks)
}
