//! Other names of the same model: with and without a date, `latest`, a dot for a dash.

/// A name without what only pins a snapshot of the model: `-latest`, `-20250929`, `-2025-08-07`, `@20250929`, `@default`.
pub(super) fn stem(name: &str) -> &str {
    if let Some((stem, _)) = name.split_once('@').filter(|(stem, pin)| !stem.is_empty() && is_pin(pin)) {
        return stem;
    }
    let undated = |length: usize| {
        let (stem, pin) = name.split_at_checked(name.len().checked_sub(length)?)?;
        pin.strip_prefix('-').filter(|pin| is_pin(pin)).and(Some(stem)).filter(|stem| !stem.is_empty())
    };
    ["-latest".len(), "-20250929".len(), "-2025-09-29".len()].into_iter().find_map(undated).unwrap_or(name)
}

/// Whether this is all that pins a snapshot.
fn is_pin(text: &str) -> bool {
    matches!(text, "latest" | "default") || date(text).is_some()
}

/// The digits of a date, `20250929`.
fn date(text: &str) -> Option<String> {
    let digits: String = text.bytes().filter(u8::is_ascii_digit).map(char::from).collect();
    let dashed = text.len() == 10 && text.bytes().enumerate().all(|(i, b)| (i == 4 || i == 7) == (b == b'-'));
    (digits.len() == 8 && digits.starts_with("20") && (dashed || text.len() == 8)).then_some(digits)
}

/// Whether a name asks for the newest snapshot, whatever it is.
pub(super) fn is_latest(name: &str) -> bool {
    name.ends_with("-latest")
}

/// The date that a name pins, of names with the same stem: `None` for another model's.
pub(super) fn snapshot(name: &str, stem: &str) -> Option<String> {
    date(name.strip_prefix(stem)?.strip_prefix(['-', '@'])?)
}

/// The name with dashes between figures where it has dots (`claude-sonnet-4.5`); `None` where it has none.
pub(super) fn dashed(name: &str) -> Option<String> {
    let bytes = name.as_bytes();
    let digit = |i: Option<usize>| i.and_then(|i| bytes.get(i)).is_some_and(u8::is_ascii_digit);
    let change =
        |(i, c): (usize, char)| if c == '.' && digit(i.checked_sub(1)) && digit(Some(i + 1)) { '-' } else { c };
    let dashed: String = name.char_indices().map(change).collect();
    (dashed != name).then_some(dashed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_pins_a_snapshot_is_told_from_the_name() {
        for (name, expected) in [
            ("claude-sonnet-4-5-20250929", "claude-sonnet-4-5"),
            ("claude-sonnet-4-5@20250929", "claude-sonnet-4-5"),
            ("claude-opus-4-8@default", "claude-opus-4-8"),
            ("gpt-5-2025-08-07", "gpt-5"),
            ("mistral-large-latest", "mistral-large"),
            ("gpt-5", "gpt-5"),
            ("command-r-08-2024", "command-r-08-2024"),
            ("model-12345678", "model-12345678"),
            ("-latest", "-latest"),
            ("é-latest", "é"),
        ] {
            assert_eq!(stem(name), expected, "{name}");
        }
        assert_eq!(snapshot("gpt-5-2025-08-07", "gpt-5").as_deref(), Some("20250807"));
        assert_eq!(snapshot("gpt-5-mini-2025-08-07", "gpt-5"), None);
        assert_eq!(dashed("claude-sonnet-4.5").as_deref(), Some("claude-sonnet-4-5"));
        assert_eq!(dashed("v1.a"), None);
    }
}
