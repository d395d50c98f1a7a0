//! Whether two answers say the same: arguments by what they mean, words by how one begins and the other ends.

use crate::json::Node;

/// The fewest bytes of a repetition that count as one: shorter ones are chance.
const LEAST: usize = 12;

/// How far back a repetition may begin.
const LOOK_BACK: usize = 400;

/// The last words of what went out, which an answer that was asked to go on from them may say once more.
pub(super) struct Tail(String);

impl Tail {
    pub(super) fn of(text: &str) -> Self {
        let mut from = text.len().saturating_sub(LOOK_BACK);
        while !text.is_char_boundary(from) {
            from += 1;
        }
        Self(text[from..].to_owned())
    }

    /// What was said so far may be the beginning of a repetition.
    pub(super) fn may_be_repeated_by(&self, said: &str) -> bool {
        self.ends().any(|end| end.len() >= said.len() && end.starts_with(said))
    }

    /// How many bytes of the beginning repeat the end of what went out.
    pub(super) fn repeated_by(&self, said: &str) -> usize {
        self.ends().find(|end| said.starts_with(end)).map_or(0, str::len)
    }

    fn ends(&self) -> impl Iterator<Item = &str> {
        self.0.char_indices().map(|(at, _)| &self.0[at..]).filter(|end| end.len() >= LEAST)
    }
}

/// Arguments are the same by what they say: spaces and the spelling of escapes are the model's. None at all are an
/// empty object.
pub(super) fn same_arguments(one: &str, other: &str) -> bool {
    let read = |text: &str| match text.trim() {
        "" => Some("{}".to_owned()),
        text => Node::read(text.as_bytes()).map(|node| node.to_text()),
    };
    one == other || read(one).is_some_and(|one| Some(one) == read(other))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_the_same_by_what_they_say() {
        for (one, other, same) in [
            (r#"{"a":1}"#, r#"{ "a": 1 }"#, true),
            (r#"{"a":"ü"}"#, r#"{"a":"\u00fc"}"#, true),
            ("", "{}", true),
            (r#"{"a":1}"#, r#"{"a":2}"#, false),
            ("free text", "free text", true),
            ("free text", "other text", false),
        ] {
            assert_eq!(same_arguments(one, other), same, "{one} {other}");
        }
    }

    #[test]
    fn a_repetition_is_the_end_of_what_went_out() {
        let tail = Tail::of("The quick brown fox jumps over");
        assert!(tail.may_be_repeated_by("fox jumps"));
        assert_eq!(tail.repeated_by("fox jumps over the lazy dog"), "fox jumps over".len());
        assert_eq!(tail.repeated_by(" the lazy dog"), 0);
        // Too short to be more than chance.
        assert!(!tail.may_be_repeated_by("over the"));
        assert_eq!(tail.repeated_by("over the lazy dog"), 0);
    }
}
