//! A host's whole reply at a glance.

use tollgate_ir::Finish;

use super::{choices, usage};
use crate::json::Glance;
use crate::tap::Summary;

/// See [`crate::codec::summary`].
pub fn summary(body: &[u8]) -> Option<Summary> {
    let (mut summary, mut finish) = (Summary::default(), None);
    Glance::through(body, |reply| {
        reply.members(|key, value| {
            match key {
                "id" => summary.id = value.words()?.map(Into::into),
                "model" => summary.model = value.words()?.map(Into::into),
                "service_tier" => summary.service_tier = value.words()?.map(Into::into),
                "usage" => summary.usage = value.node()?.as_ref().and_then(usage::read),
                "choices" => finish = Some(value.only(choice)?),
                "error" => value.null()?,
                _ => value.skip()?,
            }
            Some(())
        })
    })?;
    Some(Summary { finish: Some(finish?), ..summary })
}

/// The finish of a choice that says something.
fn choice(value: &mut Glance<'_>) -> Option<Finish> {
    let (mut says, mut word, mut sequence) = (false, None, None);
    value.members(|key, value| {
        match key {
            "message" => says = says_something(value)?,
            "finish_reason" => word = value.words()?,
            "stop_reason" => sequence = value.text()?,
            "error" => value.null()?,
            _ => value.skip()?,
        }
        Some(())
    })?;
    let finish = choices::finish_of(&word?, sequence.as_deref());
    says.then_some(finish)
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
