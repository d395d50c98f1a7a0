//! What classes of Gemini models take, by the beginning of their names. Source: ai.google.dev/gemini-api/docs/thinking,
//! …/function-calling, …/structured-output and the model pages, autumn 2026.

use tollgate_ir::Effort;

/// What one class of models takes.
#[derive(Debug)]
pub(super) struct Rules {
    /// Model names that begin so.
    prefix: &'static str,
    /// How it is told to think.
    pub(super) thinking: Thinking,
    /// It wants a signature on the first call of each step, and takes the documented placeholder where none is known;
    /// and it takes media in function responses. Both came with Gemini 3.
    pub(super) third: bool,
    /// It takes JSON Schema; else only the reduced `Schema`.
    pub(super) json_schema: bool,
    /// Most output tokens, thoughts included.
    pub(super) max_output: u64,
}

/// How a class of models is told to think.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Thinking {
    /// It does not think.
    None,
    /// By a budget of tokens within bounds; 0 switches it off where that can be done.
    Budget {
        /// Least budget other than 0 and −1.
        min: u64,
        /// Greatest.
        max: u64,
        /// It can be switched off.
        off: bool,
    },
    /// By a level, one of these, rising.
    Level(&'static [Effort]),
}

const LOW_HIGH: Thinking = Thinking::Level(&[Effort::Low, Effort::High]);
const LOW_TO_HIGH: Thinking = Thinking::Level(&[Effort::Low, Effort::Medium, Effort::High]);
const ALL_LEVELS: Thinking = Thinking::Level(&[Effort::Minimal, Effort::Low, Effort::Medium, Effort::High]);

/// The first row whose prefix fits holds; the last fits every name.
const ROWS: &[Rules] = &[
    row("gemini-1", Thinking::None, false, false, 8_192),
    row("gemini-2.0", Thinking::None, false, false, 8_192),
    row("gemini-2.5-pro", Thinking::Budget { min: 128, max: 32_768, off: false }, false, true, 65_536),
    row("gemini-2.5-flash-lite", Thinking::Budget { min: 512, max: 24_576, off: true }, false, true, 65_536),
    row("gemini-2.5-flash-image", Thinking::None, false, true, 32_768),
    row("gemini-2", Thinking::Budget { min: 1, max: 24_576, off: true }, false, true, 65_536),
    row("gemini-3-flash", ALL_LEVELS, true, true, 65_536),
    row("gemini-3-", LOW_HIGH, true, true, 65_536),
    row("gemini-3.1-pro", LOW_TO_HIGH, true, true, 65_536),
    row("gemma", Thinking::None, false, true, 8_192),
    row("", ALL_LEVELS, true, true, 65_536),
];

const fn row(prefix: &'static str, thinking: Thinking, third: bool, json_schema: bool, max_output: u64) -> Rules {
    Rules { prefix, thinking, third, json_schema, max_output }
}

/// The rules for a model's name, however it is qualified (`models/…`, `publishers/google/models/…`, `google/…`).
pub(super) fn of_model(model: &str) -> &'static Rules {
    let name = model.rsplit('/').next().unwrap_or(model);
    ROWS.iter().find(|row| name.starts_with(row.prefix)).unwrap_or(&ROWS[ROWS.len() - 1])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_find_their_class() {
        for (model, prefix) in [
            ("gemini-2.5-flash", "gemini-2"),
            ("models/gemini-2.5-flash-lite-preview", "gemini-2.5-flash-lite"),
            ("publishers/google/models/gemini-2.5-pro", "gemini-2.5-pro"),
            ("gemini-2.0-flash-001", "gemini-2.0"),
            ("google/gemini-3-pro-preview", "gemini-3-"),
            ("gemini-3-flash-preview", "gemini-3-flash"),
            ("gemini-3.1-pro-preview", "gemini-3.1-pro"),
            ("gemini-3.5-flash", ""),
            ("gemini-flash-latest", ""),
        ] {
            assert_eq!(of_model(model).prefix, prefix, "{model}");
        }
    }
}
