//! Whether two answers say the same: arguments by what they mean, words by how one begins and the other ends.

use crate::json::Node;

/// The fewest bytes of a repetition that count as one: shorter ones are chance.
const LEAST: usize = 12;

/// How far back a repetition may begin.
const LOOK_BACK: usize = 400;

/// What went out, of which an answer that was asked to go on may say the last words once more, or all.
pub(super) struct Tail {
    text: String,
    /// Where the last words begin.
    from: usize,
    /// The host is known to say all of it once more: then a short text is no chance either.
    echoes: bool,
}

impl Tail {
    pub(super) fn of(text: &str, echoes: bool) -> Self {
        let mut from = text.len().saturating_sub(LOOK_BACK);
        while !text.is_char_boundary(from) {
            from += 1;
        }
        Self { text: text.to_owned(), from, echoes }
    }

    /// What was said so far may be the beginning of a repetition.
    pub(super) fn may_be_repeated_by(&self, said: &str) -> bool {
        self.ends().any(|end| end.len() >= said.len() && end.starts_with(said))
    }

    /// How many bytes of the beginning repeat the end of what went out. `None`: what begins with all of so short a text may
    /// go on from it or begin anew.
    pub(super) fn repeated_by(&self, said: &str) -> Option<usize> {
        let repeated = self.ends().find(|end| said.starts_with(end)).map_or(0, str::len);
        (repeated == 0 || repeated >= LEAST || self.echoes).then_some(repeated)
    }

    fn ends(&self) -> impl Iterator<Item = &str> {
        let last = self.text[self.from..].char_indices().map(|(at, _)| &self.text[self.from + at..]);
        let long = last.filter(|end| end.len() >= LEAST);
        Some(self.text.as_str()).filter(|whole| !whole.is_empty()).into_iter().chain(long)
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
        let tail = Tail::of("The quick brown fox jumps over", false);
        assert!(tail.may_be_repeated_by("fox jumps"));
        assert_eq!(tail.repeated_by("fox jumps over the lazy dog"), Some("fox jumps over".len()));
        assert_eq!(tail.repeated_by(" the lazy dog"), Some(0));
        // Too short to be more than chance.
        assert!(!tail.may_be_repeated_by("over the"));
        assert_eq!(tail.repeated_by("over the lazy dog"), Some(0));
    }

    #[test]
    fn all_that_went_out_may_be_said_once_more() {
        let long = "word ".repeat(200);
        let tail = Tail::of(&long, false);
        assert!(tail.may_be_repeated_by(&long[..700]));
        assert_eq!(tail.repeated_by(&format!("{long}and on")), Some(long.len()));
        // "Hello, Hello there"?
        for (echoes, repeated) in [(true, Some(5)), (false, None)] {
            let tail = Tail::of("Hello", echoes);
            assert!(tail.may_be_repeated_by("Hel"));
            assert_eq!(tail.repeated_by("Hello there"), repeated);
            assert_eq!(tail.repeated_by(" there"), Some(0));
        }
    }
}
