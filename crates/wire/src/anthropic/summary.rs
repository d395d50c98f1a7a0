//! A whole message at a glance.

use super::finish;
use super::usage::Counts;
use crate::json::{Glance, Node};
use crate::tap::Summary;

/// See [`crate::codec::summary`].
pub fn summary(body: &[u8]) -> Option<Summary> {
    let (mut summary, mut says) = (Summary::default(), false);
    let (mut counts, mut reason, mut sequence) = (None, None, None);
    Glance::through(body, |message| {
        message.members(|key, value| {
            match key {
                "id" => summary.id = value.words()?.map(Into::into),
                "model" => summary.model = value.words()?.map(Into::into),
                "usage" => counts = value.node()?,
                "content" if value.is_array() => says = value.any(block)?,
                "content" => says = value.has_words()?,
                "stop_reason" => reason = value.text()?,
                "stop_sequence" => sequence = value.text()?,
                "type" => value.text()?.filter(|kind| kind != "error").map(drop)?,
                "error" => value.null()?,
                _ => value.skip()?,
            }
            Some(())
        })
    })?;
    summary.finish = reason.map(|reason| finish::read(&reason, sequence.as_deref()));
    if let Some(usage) = &counts {
        let mut counts = Counts::default();
        counts.merge(usage);
        summary.usage = counts.usage();
        summary.service_tier = usage.get("service_tier").and_then(Node::as_str).map(str::to_owned);
    }
    says.then_some(summary)
}

/// Whether a block is a call, or a text with words.
fn block(block: &mut Glance<'_>) -> Option<bool> {
    let (mut kind, mut words) = (None, false);
    block.members(|key, value| {
        match key {
            "type" => kind = value.text()?,
            "text" => words = value.has_words()?,
            _ => value.skip()?,
        }
        Some(())
    })?;
    Some(match kind.as_deref() {
        Some("tool_use") => true,
        Some("text") => words,
        _ => false,
    })
}
