//! A whole response at a glance: it repeats the request, tools and all, which nobody asks for here.

use tollgate_ir::Finish;

use super::usage;
use crate::json::Glance;
use crate::tap::Summary;

/// See [`crate::codec::summary`].
pub fn summary(body: &[u8]) -> Option<Summary> {
    let (mut summary, mut says, mut completed) = (Summary::default(), false, false);
    Glance::through(body, |response| {
        response.members(|key, value| {
            match key {
                "id" => summary.id = value.words()?.map(Into::into),
                "model" => summary.model = value.words()?.map(Into::into),
                "service_tier" => summary.service_tier = value.words()?.map(Into::into),
                "usage" => summary.usage = value.node()?.as_ref().map(usage::read),
                "output" => says = value.any(item)?,
                "status" => completed = value.text()?.as_deref() == Some("completed"),
                "error" => value.null()?,
                _ => value.skip()?,
            }
            Some(())
        })
    })?;
    summary.finish = Some(Finish::Stop);
    (says && completed).then_some(summary)
}

/// Whether an output item is a call, or a message with words.
fn item(value: &mut Glance<'_>) -> Option<bool> {
    let (mut kind, mut words) = (None, false);
    value.members(|key, value| {
        match key {
            "type" => kind = value.text()?,
            "content" if value.is_array() => words = value.any(part)?,
            "content" => words = value.has_words()?,
            _ => value.skip()?,
        }
        Some(())
    })?;
    Some(match kind.as_deref() {
        Some("function_call" | "custom_tool_call") => true,
        Some("message") => words,
        _ => false,
    })
}

fn part(value: &mut Glance<'_>) -> Option<bool> {
    let (mut is_text, mut words) = (false, false);
    value.members(|key, value| {
        match key {
            "type" => is_text = value.text()?.as_deref() == Some("output_text"),
            "text" => words = value.has_words()?,
            _ => value.skip()?,
        }
        Some(())
    })?;
    Some(is_text && words)
}
