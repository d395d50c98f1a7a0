//! Token counts both ways. This protocol's `input_tokens` excludes cache reads and writes, as the IR's classes do; its
//! `output_tokens` includes thinking, which is told apart only by newer versions.

use tollgate_ir::Usage;

use crate::json::{Node, ObjectWriter};

/// The counts as they came; those of a stream come in parts, later ones replacing earlier ones.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counts {
    input: Option<u64>,
    output: Option<u64>,
    cache_read: Option<u64>,
    cache_write: Option<u64>,
    write_5m: Option<u64>,
    write_1h: Option<u64>,
    thinking: Option<u64>,
}

impl Counts {
    /// Takes over what `usage` says and keeps the rest.
    pub fn merge(&mut self, usage: &Node<'_>) {
        let take = |slot: &mut Option<u64>, node: Option<&Node<'_>>| {
            if let Some(count) = node.and_then(Node::as_u64) {
                *slot = Some(count);
            }
        };
        take(&mut self.input, usage.get("input_tokens"));
        take(&mut self.output, usage.get("output_tokens"));
        take(&mut self.cache_read, usage.get("cache_read_input_tokens"));
        take(&mut self.cache_write, usage.get("cache_creation_input_tokens"));
        take(&mut self.write_5m, usage.at(&["cache_creation", "ephemeral_5m_input_tokens"]));
        take(&mut self.write_1h, usage.at(&["cache_creation", "ephemeral_1h_input_tokens"]));
        take(&mut self.thinking, usage.at(&["output_tokens_details", "thinking_tokens"]));
        take(&mut self.thinking, usage.at(&["output_tokens_details", "reasoning_tokens"]));
    }

    /// In the IR's classes; `None` if nothing was said.
    pub fn usage(&self) -> Option<Usage> {
        if self.input.is_none() && self.output.is_none() {
            return None;
        }
        let (cache_write, cache_write_1h) = self.cache_writes();
        let output = self.output.unwrap_or(0);
        let reasoning = self.thinking.map(|t| t.min(output));
        Some(Usage {
            input: self.input.unwrap_or(0),
            cache_read: self.cache_read,
            cache_write,
            cache_write_1h,
            output: output - reasoning.unwrap_or(0),
            reasoning,
            ..Usage::default()
        })
    }

    /// The total counts; the split by lifetime may be older than it (streams repeat only the total).
    fn cache_writes(&self) -> (Option<u64>, Option<u64>) {
        let split = match (self.write_5m, self.write_1h) {
            (None, None) => None,
            (a, b) => Some((a.unwrap_or(0), b.unwrap_or(0))),
        };
        match (self.cache_write, split) {
            (Some(total), Some((_, hour))) => {
                let hour = hour.min(total);
                (Some(total - hour), Some(hour))
            }
            (Some(total), None) => (Some(total), None),
            (None, Some((short, hour))) => (Some(short), Some(hour)),
            (None, None) => (None, None),
        }
    }
}

/// The fields of a `usage` object.
pub(super) fn write(o: &mut ObjectWriter<'_>, usage: &Usage) {
    o.uint("input_tokens", usage.input + usage.tool_input.unwrap_or(0));
    o.uint("cache_creation_input_tokens", usage.cache_writes().unwrap_or(0));
    o.uint("cache_read_input_tokens", usage.cache_read.unwrap_or(0));
    if let Some(hour) = usage.cache_write_1h {
        o.object("cache_creation", |o| {
            o.uint("ephemeral_5m_input_tokens", usage.cache_write.unwrap_or(0));
            o.uint("ephemeral_1h_input_tokens", hour);
        });
    }
    o.uint("output_tokens", usage.output_total());
    if let Some(thinking) = usage.reasoning {
        o.object("output_tokens_details", |o| o.uint("thinking_tokens", thinking));
    }
}
