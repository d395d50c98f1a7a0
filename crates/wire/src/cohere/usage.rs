//! Usage and the reason of the end, both ways.
//!
//! Cohere counts twice: `tokens` is what the model processed (its own preamble too), `billed_units` what is charged;
//! `cached_tokens` is a share of the former. Classes are taken from `tokens`, so that they add up (images are missing
//! there, and then what is billed is the better count); the charge is kept beside them.

use tollgate_ir::{Billed, Finish, Usage};

use crate::json::{Node, ObjectWriter};

pub(super) fn decode(usage: &Node<'_>) -> Option<Usage> {
    let of = |set: &str, key: &str| usage.at(&[set, key]).and_then(Node::as_u64);
    let tokens = (of("tokens", "input_tokens"), of("tokens", "output_tokens"));
    let charged = (of("billed_units", "input_tokens"), of("billed_units", "output_tokens"));
    let images = of("tokens", "image_tokens").unwrap_or(0) > 0;
    let input = if images { tokens.0.max(charged.0) } else { tokens.0.or(charged.0) };
    let output = tokens.1.or(charged.1);
    if input.is_none() && output.is_none() {
        return None;
    }
    let cached = usage.uint("cached_tokens").map(|cached| cached.min(input.unwrap_or(0)));
    let reasoning = of("tokens", "reasoning_tokens");
    Some(Usage {
        input: input.unwrap_or(0).saturating_sub(cached.unwrap_or(0)),
        cache_read: cached,
        output: output.unwrap_or(0).saturating_sub(reasoning.unwrap_or(0)),
        reasoning,
        billed: charged.0.zip(charged.1).map(|(input, output)| Billed { input, output }),
        ..Usage::default()
    })
}

/// Writes `usage`; an empty object if nothing is known, since SDKs read into it.
pub(super) fn encode(o: &mut ObjectWriter<'_>, usage: Option<&Usage>) {
    o.object("usage", |u| {
        let Some(usage) = usage else { return };
        let all = Billed { input: usage.input_total(), output: usage.output_total() };
        let billed = usage.billed.unwrap_or(all);
        u.object("billed_units", |b| {
            b.uint("input_tokens", billed.input);
            b.uint("output_tokens", billed.output);
        });
        u.object("tokens", |t| {
            t.uint("input_tokens", all.input);
            t.uint("output_tokens", all.output);
            t.opt_uint("reasoning_tokens", usage.reasoning);
        });
        u.opt_uint("cached_tokens", usage.cache_read);
    });
}

pub(super) fn decode_finish(word: &str) -> Finish {
    match word.to_ascii_uppercase().as_str() {
        "COMPLETE" => Finish::Stop,
        "STOP_SEQUENCE" => Finish::StopSequence(None),
        "MAX_TOKENS" => Finish::Length,
        "TOOL_CALL" => Finish::ToolCalls,
        // v1's words, which older hosts still say.
        "ERROR_TOXIC" => Finish::ContentFilter,
        "ERROR_LIMIT" => Finish::ContextWindow,
        _ => Finish::Error(word.to_owned()),
    }
}

/// Cohere's word; calls without a reason ended the answer so that they are run.
pub(super) const fn encode_finish(finish: Option<&Finish>, calls: bool) -> &'static str {
    match finish {
        Some(Finish::ToolCalls) => "TOOL_CALL",
        None if calls => "TOOL_CALL",
        None | Some(Finish::Stop | Finish::Refusal | Finish::Pause) => "COMPLETE",
        Some(Finish::StopSequence(_)) => "STOP_SEQUENCE",
        Some(Finish::Length | Finish::ContextWindow) => "MAX_TOKENS",
        Some(Finish::ContentFilter | Finish::Error(_)) => "ERROR",
    }
}
