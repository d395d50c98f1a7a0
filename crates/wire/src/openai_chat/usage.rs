//! Usage: what the hosts say, taken apart into disjoint classes, and summed back for the face.
//!
//! `prompt_tokens` holds cache reads and writes, `completion_tokens` holds reasoning; but xAI counts reasoning beside,
//! and Google's chat endpoint counts it in the total only.

use tollgate_ir::Usage;

use crate::json::{Node, ObjectWriter};

/// Reads `usage`; `None` if it counts nothing (Databricks sends halves of it while it streams).
pub(super) fn read(node: &Node<'_>) -> Option<Usage> {
    let first = |paths: &[&[&str]]| paths.iter().find_map(|path| node.at(path)?.as_u64());
    let prompt = first(&[&["prompt_tokens"], &["input_tokens"]])?;
    let completion = first(&[&["completion_tokens"], &["output_tokens"]])?;
    let cache_read = first(&[
        &["prompt_tokens_details", "cached_tokens"],
        &["prompt_cache_hit_tokens"],
        &["cache_read_input_tokens"],
        &["cached_tokens"],
        &["num_cached_tokens"],
    ]);
    let cache_write = first(&[
        &["prompt_tokens_details", "cache_write_tokens"],
        &["prompt_tokens_details", "cache_creation_tokens"],
        &["cache_creation_input_tokens"],
    ]);
    let told = first(&[&["completion_tokens_details", "reasoning_tokens"], &["reasoning_tokens"]]);
    let total = first(&[&["total_tokens"]]);
    let (output, reasoning) = split_output(prompt, completion, total, told);
    Some(Usage {
        input: prompt.saturating_sub(cache_read.unwrap_or(0)).saturating_sub(cache_write.unwrap_or(0)),
        cache_read,
        cache_write,
        cache_write_1h: None,
        tool_input: None,
        audio_input: first(&[&["prompt_tokens_details", "audio_tokens"]]),
        output,
        reasoning,
        audio_output: first(&[&["completion_tokens_details", "audio_tokens"]]),
        accepted_prediction: first(&[&["completion_tokens_details", "accepted_prediction_tokens"]]),
        rejected_prediction: first(&[&["completion_tokens_details", "rejected_prediction_tokens"]]),
        billed: None,
        estimated: false,
    })
}

fn split_output(prompt: u64, completion: u64, total: Option<u64>, told: Option<u64>) -> (u64, Option<u64>) {
    let beyond = total.and_then(|t| t.checked_sub(prompt)?.checked_sub(completion)).unwrap_or(0);
    match told {
        // Beside the completion: the total says so, or they do not fit into it.
        Some(reasoning) if reasoning > 0 && (beyond >= reasoning || reasoning > completion) => (completion, told),
        Some(reasoning) => (completion.saturating_sub(reasoning), told),
        None if beyond > 0 => (completion, Some(beyond)),
        None => (completion, None),
    }
}

/// Writes `usage` as `OpenAI` sums it.
pub(super) fn write(o: &mut ObjectWriter<'_>, usage: &Usage) {
    o.object("usage", |u| {
        u.uint("prompt_tokens", usage.input_total());
        u.uint("completion_tokens", usage.output_total());
        u.uint("total_tokens", usage.total());
        let written = usage.cache_writes();
        if usage.cache_read.is_some() || written.is_some() || usage.audio_input.is_some() {
            u.object("prompt_tokens_details", |d| {
                d.opt_uint("cached_tokens", usage.cache_read);
                d.opt_uint("cache_write_tokens", written);
                d.opt_uint("audio_tokens", usage.audio_input);
            });
        }
        let details = [
            ("reasoning_tokens", usage.reasoning),
            ("audio_tokens", usage.audio_output),
            ("accepted_prediction_tokens", usage.accepted_prediction),
            ("rejected_prediction_tokens", usage.rejected_prediction),
        ];
        if details.iter().any(|(_, n)| n.is_some()) {
            u.object("completion_tokens_details", |d| details.iter().for_each(|(key, n)| d.opt_uint(key, *n)));
        }
    });
}
