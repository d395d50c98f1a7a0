//! A whole reply of Converse at a glance.

use super::reply::{read_finish, read_usage};
use crate::json::{Glance, Node};
use crate::tap::Summary;

/// See [`crate::codec::summary`].
pub fn summary(body: &[u8]) -> Option<Summary> {
    let (mut summary, mut says) = (Summary::default(), false);
    Glance::through(body, |reply| {
        reply.members(|key, value| {
            match key {
                "output" => {
                    says = within(value, "message", |message| within(message, "content", |content| content.any(block)))?
                }
                "usage" => summary.usage = value.node()?.as_ref().map(read_usage),
                "stopReason" => summary.finish = value.text()?.map(|reason| read_finish(&reason, None)),
                "serviceTier" => {
                    let tier = value.node()?;
                    let kind = tier.as_ref().and_then(|tier| tier.get("type")).and_then(Node::as_str);
                    summary.service_tier = kind.map(str::to_owned);
                }
                // It may name the sequence that ended the answer.
                "additionalModelResponseFields" => value.null()?,
                _ => value.skip()?,
            }
            Some(())
        })
    })?;
    says.then_some(summary)
}

/// What `take` finds in one member of an object.
fn within(value: &mut Glance<'_>, name: &str, take: impl Fn(&mut Glance<'_>) -> Option<bool>) -> Option<bool> {
    let mut found = false;
    value.members(|key, value| {
        if key == name {
            found = take(value)?;
            return Some(());
        }
        value.skip()
    })?;
    Some(found)
}

/// Whether a block is nothing but a text with words.
fn block(block: &mut Glance<'_>) -> Option<bool> {
    let (mut words, mut other) = (false, false);
    block.members(|key, value| {
        if key == "text" {
            words = value.has_words()?;
            return Some(());
        }
        other = true;
        value.skip()
    })?;
    Some(words && !other)
}
