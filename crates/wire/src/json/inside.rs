//! Members and items of a value within a scanned body, by their places: for patches deeper than the top level.

use std::ops::Range;

use super::envelope::{Member, key_of};
use super::scan::Scanner;
use super::skip::past_container;

/// The members of the object at `span`; none if there is no object. `body` has passed [`super::Envelope::scan`].
pub fn members(body: &[u8], span: Range<usize>) -> Vec<Member> {
    let mut found = Vec::new();
    each(body, span, b'{', |scanner| {
        let key = scanner.key().ok()?;
        let value_at = value(scanner)?;
        found.push(Member { key: key_of(body, &key).ok()?, key_at: key.at(), value_at });
        Some(())
    });
    found
}

/// The items of the array at `span`; none if there is no array.
pub fn items(body: &[u8], span: Range<usize>) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    each(body, span, b'[', |scanner| {
        found.push(value(scanner)?);
        Some(())
    });
    found
}

/// Takes what stands between the commas of a container.
fn each<'a>(body: &'a [u8], span: Range<usize>, opens: u8, mut take: impl FnMut(&mut Scanner<'a>) -> Option<()>) {
    if body.get(span.start) != Some(&opens) || span.end > body.len() {
        return;
    }
    let mut scanner = Scanner::at(&body[..span.end], span.start + 1);
    loop {
        scanner.white_space();
        if matches!(scanner.peek(), None | Some(b'}' | b']')) || take(&mut scanner).is_none() {
            return;
        }
        scanner.white_space();
        if scanner.peek() == Some(b',') && scanner.expect(b',', "").is_err() {
            return;
        }
    }
}

/// Passes a value.
fn value(scanner: &mut Scanner<'_>) -> Option<Range<usize>> {
    let (bytes, from) = (scanner.bytes(), scanner.position());
    if !matches!(scanner.peek(), Some(b'{' | b'[')) {
        return scanner.value(1).ok();
    }
    let end = past_container(bytes, from)?;
    scanner.go_to(end);
    Some(from..end)
}

/// The spans that take these members out of their object, commas included.
pub fn cuts(members: &[Member], gone: impl Fn(&Member) -> bool) -> Vec<Range<usize>> {
    let kept = members.iter().rposition(|m| !gone(m)).map_or(0, |i| i + 1);
    let mut spans: Vec<_> = members
        .windows(2)
        .take(kept)
        .filter(|pair| gone(&pair[0]))
        .map(|pair| pair[0].key_at.start..pair[1].key_at.start)
        .collect();
    if let Some(last) = members.last().filter(|_| kept < members.len()) {
        let from = if kept == 0 { members[0].key_at.start } else { members[kept - 1].value_at.end };
        spans.push(from..last.value_at.end);
    }
    spans
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_and_items_are_found_and_cut() {
        let body = br#"{"x":[ {"a":1, "b":[2,3] ,"c":"}"} , 4,[] ],"y":{ }}"#;
        let found = items(body, 5..43);
        let text = |span: &Range<usize>| std::str::from_utf8(&body[span.clone()]).unwrap().to_owned();
        assert_eq!(found.iter().map(text).collect::<Vec<_>>(), [r#"{"a":1, "b":[2,3] ,"c":"}"}"#, "4", "[]"]);
        let inside = members(body, found[0].clone());
        assert_eq!(inside.iter().map(|m| m.key.as_ref()).collect::<Vec<_>>(), ["a", "b", "c"]);
        assert!(members(body, found[1].clone()).is_empty() && items(body, found[2].clone()).is_empty());
        for (gone, left) in [
            (&["a"][..], r#"{"b":[2,3] ,"c":"}"}"#),
            (&["b"], r#"{"a":1, "c":"}"}"#),
            (&["b", "c"], r#"{"a":1}"#),
            (&["a", "b", "c"], "{}"),
            (&["a", "c"], r#"{"b":[2,3]}"#),
            (&[], r#"{"a":1, "b":[2,3] ,"c":"}"}"#),
        ] {
            let mut rest = text(&found[0]);
            for span in cuts(&inside, |m| gone.contains(&m.key.as_ref())).into_iter().rev() {
                rest.replace_range(span.start - found[0].start..span.end - found[0].start, "");
            }
            assert_eq!(rest, left, "{gone:?}");
        }
    }
}
