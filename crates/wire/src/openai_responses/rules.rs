//! What OpenAI's model classes take, by the beginning of the model's name.
//!
//! Source: OpenAI's reasoning guide and model pages, and recorded refusals ("Unsupported parameter: 'temperature' is
//! not supported with this model."). Names that match no row belong to other hosts: they are sent what the client said.

use tollgate_ir::Effort;

use Effort::{High, Low, Medium, Minimal, XHigh};

/// What a class of models takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// Reasons: takes these efforts, and `none` if `off`; sampling parameters only when reasoning is off.
    Reasoning { efforts: &'static [Effort], off: bool },
    /// Does not reason: takes sampling parameters, refuses `reasoning`.
    Plain,
    /// Somebody else's model.
    Unknown,
}

const CLASSIC: &[Effort] = &[Low, Medium, High];

/// First match wins, so the more special names come first.
const CLASSES: &[(&str, Class)] = &[
    ("gpt-5-chat", Class::Plain),
    ("gpt-5-pro", Class::Reasoning { efforts: &[High], off: false }),
    ("gpt-5-codex", Class::Reasoning { efforts: CLASSIC, off: false }),
    ("gpt-5.1-codex-max", Class::Reasoning { efforts: &[Low, Medium, High, XHigh], off: true }),
    ("gpt-5.1-codex", Class::Reasoning { efforts: CLASSIC, off: false }),
    ("gpt-5.1", Class::Reasoning { efforts: CLASSIC, off: true }),
    ("gpt-5.", Class::Reasoning { efforts: &[Low, Medium, High, XHigh], off: true }),
    ("gpt-5", Class::Reasoning { efforts: &[Minimal, Low, Medium, High], off: false }),
    ("codex-", Class::Reasoning { efforts: CLASSIC, off: false }),
    ("o1", Class::Reasoning { efforts: CLASSIC, off: false }),
    ("o3", Class::Reasoning { efforts: CLASSIC, off: false }),
    ("o4", Class::Reasoning { efforts: CLASSIC, off: false }),
    ("gpt-4", Class::Plain),
    ("gpt-3.5", Class::Plain),
    ("chatgpt-", Class::Plain),
];

/// The class of a model; a host's prefix (`openai/gpt-5`) does not matter.
pub(super) fn class_of(model: &str) -> Class {
    let name = model.rsplit('/').next().unwrap_or(model);
    CLASSES.iter().find(|(prefix, _)| name.starts_with(prefix)).map_or(Class::Unknown, |(_, class)| *class)
}

/// The nearest effort that a class takes, and whether it is the one asked for.
pub(super) fn nearest(efforts: &[Effort], wanted: Effort) -> (Effort, bool) {
    let found = efforts.iter().copied().min_by_key(|e| (*e as i32).abs_diff(wanted as i32)).unwrap_or(wanted);
    (found, found == wanted)
}

/// Fewest output tokens that the API takes.
pub(super) const MIN_OUTPUT: u64 = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_by_name() {
        for (model, reasons) in [
            ("gpt-5", Some(true)),
            ("openai/gpt-5.2-2025-12-11", Some(true)),
            ("o3-mini", Some(true)),
            ("gpt-5-chat-latest", Some(false)),
            ("gpt-4.1", Some(false)),
            ("grok-4", None),
        ] {
            let got = match class_of(model) {
                Class::Reasoning { .. } => Some(true),
                Class::Plain => Some(false),
                Class::Unknown => None,
            };
            assert_eq!(got, reasons, "{model}");
        }
    }

    #[test]
    fn efforts_go_to_the_nearest() {
        assert_eq!(nearest(CLASSIC, Minimal), (Low, false));
        assert_eq!(nearest(CLASSIC, Effort::Max), (High, false));
        assert_eq!(nearest(CLASSIC, Medium), (Medium, true));
    }
}
