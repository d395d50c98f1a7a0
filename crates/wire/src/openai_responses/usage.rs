//! Usage: OpenAI's input counts cache reads and writes within it, its output counts the reasoning; the IR holds them apart.

use tollgate_ir::Usage;

use crate::json::{Node, ObjectWriter};

/// Reads the `usage` of a response.
pub(super) fn read(usage: &Node<'_>) -> Usage {
    let class = |details: &str, key: &str| usage.at(&[details, key]).and_then(Node::as_u64);
    let input = usage.uint("input_tokens").unwrap_or(0);
    let output = usage.uint("output_tokens").unwrap_or(0);
    // A part is never more than the whole, whatever hosts say.
    let cache_read = class("input_tokens_details", "cached_tokens").map(|n| n.min(input));
    let uncached = input - cache_read.unwrap_or(0);
    let cache_write = class("input_tokens_details", "cache_write_tokens").map(|n| n.min(uncached));
    let reasoning = class("output_tokens_details", "reasoning_tokens").map(|n| n.min(output));
    Usage {
        input: uncached - cache_write.unwrap_or(0),
        cache_read,
        cache_write,
        audio_input: class("input_tokens_details", "audio_tokens"),
        output: output - reasoning.unwrap_or(0),
        reasoning,
        audio_output: class("output_tokens_details", "audio_tokens"),
        ..Usage::default()
    }
}

/// Writes `usage`; every field that the SDK's type requires is there.
pub(super) fn write(o: &mut ObjectWriter<'_>, usage: Option<&Usage>) {
    let Some(usage) = usage else { return o.null("usage") };
    o.object("usage", |o| {
        o.uint("input_tokens", usage.input_total());
        o.object("input_tokens_details", |o| {
            o.uint("cache_write_tokens", usage.cache_writes().unwrap_or(0));
            o.uint("cached_tokens", usage.cache_read.unwrap_or(0));
        });
        o.uint("output_tokens", usage.output_total());
        o.object("output_tokens_details", |o| o.uint("reasoning_tokens", usage.reasoning.unwrap_or(0)));
        o.uint("total_tokens", usage.total());
    });
}
