//! What classes of Gemini models take, by the beginning of their names. Source: ai.google.dev/gemini-api/docs/thinking,
//! …/function-calling, …/structured-output, …/whats-new-gemini-3.6, and the guides to 3.1 Pro to 3.8 Flash, autumn 2026.

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
    /// It takes presence and frequency penalties; else they are an error.
    pub(super) penalties: bool,
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

const FIRST: Rules = Rules {
    prefix: "",
    thinking: Thinking::None,
    third: false,
    json_schema: false,
    penalties: true,
    max_output: 8_192,
};
const SECOND: Rules = Rules { json_schema: true, max_output: 65_536, ..FIRST };
const THIRD: Rules = Rules { thinking: LOW_TO_HIGH, third: true, ..SECOND };
/// Since 3.6 Flash and 3.5 Flash-Lite sampling is the model's own.
const LATEST: Rules = Rules { penalties: false, ..THIRD };

const fn budget(min: u64, max: u64, off: bool) -> Thinking {
    Thinking::Budget { min, max, off }
}

/// The first row whose prefix fits holds; the last fits every name, so that a model newer than this table is taken for
/// one of the latest.
const ROWS: &[Rules] = &[
    Rules { prefix: "gemini-1", ..FIRST },
    Rules { prefix: "gemini-2.0", ..FIRST },
    Rules { prefix: "gemini-2.5-pro", thinking: budget(128, 32_768, false), ..SECOND },
    Rules { prefix: "gemini-2.5-flash-lite", thinking: budget(512, 24_576, true), ..SECOND },
    Rules { prefix: "gemini-2.5-flash-image", max_output: 32_768, ..SECOND },
    Rules { prefix: "gemini-2", thinking: budget(1, 24_576, true), ..SECOND },
    Rules { prefix: "gemini-3-flash", thinking: ALL_LEVELS, ..THIRD },
    Rules { prefix: "gemini-3-", thinking: LOW_HIGH, ..THIRD },
    Rules { prefix: "gemini-3.1-flash", thinking: ALL_LEVELS, ..THIRD },
    Rules { prefix: "gemini-3.1-", ..THIRD },
    Rules { prefix: "gemini-3.5-flash-lite", thinking: ALL_LEVELS, ..LATEST },
    Rules { prefix: "gemini-3.5-", thinking: ALL_LEVELS, ..THIRD },
    Rules { prefix: "gemini-3.6-", thinking: ALL_LEVELS, ..LATEST },
    Rules { prefix: "gemma", json_schema: true, ..FIRST },
    Rules { prefix: "", ..LATEST },
];

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
            ("gemini-3.1-pro-preview", "gemini-3.1-"),
            ("gemini-3.5-flash", "gemini-3.5-"),
            ("gemini-3.5-flash-lite", "gemini-3.5-flash-lite"),
            ("gemini-3.8-flash", ""),
            ("gemini-flash-latest", ""),
        ] {
            assert_eq!(of_model(model).prefix, prefix, "{model}");
        }
    }
}
