//! A whole reply at a glance: one candidate of plain texts, keys in camelCase as Google writes them.

use tollgate_ir::Finish;

use super::answer;
use super::proto::text;
use crate::json::Glance;
use crate::tap::Summary;

/// See [`crate::codec::summary`].
pub fn summary(body: &[u8]) -> Option<Summary> {
    let (mut summary, mut finish) = (Summary::default(), None);
    Glance::through(body, |reply| {
        reply.members(|key, value| {
            match key {
                "responseId" => summary.id = value.words()?.map(Into::into),
                "modelVersion" => summary.model = value.words()?.map(Into::into),
                "usageMetadata" => {
                    let usage = value.node()?;
                    let mut counts = answer::Counts::default();
                    usage.iter().for_each(|usage| counts.add(usage));
                    summary.usage = counts.usage();
                    summary.service_tier = usage.as_ref().and_then(|u| text(u, "serviceTier")).map(str::to_owned);
                }
                "candidates" => finish = Some(value.only(candidate)?),
                "error" | "promptFeedback" => value.null()?,
                key if key.contains('_') => return None,
                _ => value.skip()?,
            }
            Some(())
        })
    })?;
    Some(Summary { finish: Some(finish?), ..summary })
}

/// The finish of a candidate that says something.
fn candidate(value: &mut Glance<'_>) -> Option<Finish> {
    let (mut says, mut finish) = (false, None);
    value.members(|key, value| {
        match key {
            "content" => says = content(value)?,
            "finishReason" => finish = value.text()?.as_deref().and_then(answer::finish),
            key if key.contains('_') => return None,
            _ => value.skip()?,
        }
        Some(())
    })?;
    finish.filter(|_| says)
}

/// Whether there are words beside thoughts. Parts of other kinds are left to the decoder.
fn content(value: &mut Glance<'_>) -> Option<bool> {
    let mut says = false;
    value.members(|key, value| {
        if key != "parts" {
            return value.skip();
        }
        says = false;
        value.items(|part| {
            let (mut words, mut thought) = (false, false);
            part.members(|key, value| {
                match key {
                    "text" => words = value.has_words()?,
                    "thought" => thought = value.raw()? != b"false",
                    "thoughtSignature" => value.skip()?,
                    _ => return None,
                }
                Some(())
            })?;
            says |= words && !thought;
            Some(())
        })
    })?;
    Some(says)
}
