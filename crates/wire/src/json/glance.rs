//! Chosen members of a JSON text, read on the way through it: for what is looked at and not kept.
//!
//! Invariant: a text that is gone through to its end is one that [`Node::read`] reads too (numbers beyond a double
//! aside), and what is taken of it is what the tree would hold. What is odd (escaped keys, halves of characters, great
//! depth, another kind of value than asked for) is `None`: the caller reads the tree.

use std::borrow::Cow;

use memchr::memchr_iter;

use super::Node;
use super::parse::Parser;
use super::scan::Quoted;

/// Deeper values are left to the tree's reader, which draws the line.
const MAX_DEPTH: u32 = 100;

/// A place in a JSON text, at a value that is to be taken.
pub(crate) struct Glance<'a> {
    parser: Parser<'a>,
    depth: u32,
}

impl<'a> Glance<'a> {
    /// Goes through a text that is one value, which `take` takes.
    pub(crate) fn through<T>(bytes: &'a [u8], take: impl FnOnce(&mut Self) -> Option<T>) -> Option<T> {
        Self::through_text(std::str::from_utf8(bytes).ok()?, take)
    }

    /// The same of what is known to be text.
    pub(crate) fn through_text<T>(text: &'a str, take: impl FnOnce(&mut Self) -> Option<T>) -> Option<T> {
        if has_halves(text.as_bytes()) {
            return None;
        }
        let mut glance = Self { parser: Parser::new(text), depth: 0 };
        glance.parser.scanner.white_space();
        let taken = take(&mut glance)?;
        glance.parser.scanner.white_space();
        (glance.parser.scanner.position() == text.len()).then_some(taken)
    }

    /// Takes an object: `take` takes each member's value. Of a key that comes twice the last counts.
    pub(crate) fn members(&mut self, mut take: impl FnMut(&'a str, &mut Self) -> Option<()>) -> Option<()> {
        self.each(b'{', b'}', |glance| {
            let key = glance.parser.scanner.key().ok().filter(Quoted::is_plain)?;
            take(&glance.parser.text[key.inside], glance)
        })
    }

    /// Takes an array: `take` takes each item.
    pub(crate) fn items(&mut self, take: impl FnMut(&mut Self) -> Option<()>) -> Option<()> {
        self.each(b'[', b']', take)
    }

    /// Takes an array: whether `says` finds something in any item.
    pub(crate) fn any(&mut self, says: impl Fn(&mut Self) -> Option<bool>) -> Option<bool> {
        let mut any = false;
        self.items(|item| {
            any |= says(item)?;
            Some(())
        })?;
        Some(any)
    }

    /// Takes an array of one item: what `take` finds in it.
    pub(crate) fn only<T>(&mut self, take: impl Fn(&mut Self) -> Option<T>) -> Option<T> {
        let mut found = None;
        self.items(|item| {
            let is_first = found.is_none();
            found = Some(take(item).filter(|_| is_first)?);
            Some(())
        })?;
        found
    }

    fn each(&mut self, opens: u8, closes: u8, mut take: impl FnMut(&mut Self) -> Option<()>) -> Option<()> {
        self.parser.scanner.expect(opens, "").ok()?;
        self.depth += 1;
        self.parser.scanner.white_space();
        let mut next = self.parser.scanner.peek() != Some(closes) && self.depth < MAX_DEPTH;
        while next {
            take(self)?;
            self.parser.scanner.white_space();
            next = self.parser.scanner.peek() == Some(b',');
            if next {
                self.parser.scanner.expect(b',', "").ok()?;
                self.parser.scanner.white_space();
            }
        }
        self.depth -= 1;
        self.parser.scanner.expect(closes, "").ok()
    }

    /// Takes any value, as it is written.
    pub(crate) fn raw(&mut self) -> Option<&'a [u8]> {
        let outside = self.depth + 128 - MAX_DEPTH;
        let span = self.parser.scanner.value(outside).ok()?;
        self.parser.text.as_bytes().get(span)
    }

    /// Takes any value.
    pub(crate) fn skip(&mut self) -> Option<()> {
        self.raw().map(drop)
    }

    /// Takes `null`, and nothing else.
    pub(crate) fn null(&mut self) -> Option<()> {
        (self.raw()? == b"null").then_some(())
    }

    /// Takes any value as a tree; `null` is nothing.
    pub(crate) fn node(&mut self) -> Option<Option<Node<'a>>> {
        let node = self.parser.value(self.depth)?;
        Some(Some(node).filter(|node| *node != Node::Null))
    }

    /// Takes any value, and tells it if it is a text.
    pub(crate) fn text(&mut self) -> Option<Option<Cow<'a, str>>> {
        if self.parser.scanner.peek() == Some(b'"') {
            self.parser.string().map(Some)
        } else {
            self.skip().map(|()| None)
        }
    }

    /// Takes any value, and tells it if it is a text that is not empty.
    pub(crate) fn words(&mut self) -> Option<Option<Cow<'a, str>>> {
        Some(self.text()?.filter(|text| !text.is_empty()))
    }

    /// Takes any value: whether it is a text that is not empty.
    pub(crate) fn has_words(&mut self) -> Option<bool> {
        let raw = self.raw()?;
        Some(raw.first() == Some(&b'"') && raw.len() > 2)
    }

    /// Takes any value: whether it is an array that is not empty.
    pub(crate) fn has_items(&mut self) -> Option<bool> {
        let raw = self.raw()?;
        Some(raw.first() == Some(&b'[') && raw[1..].trim_ascii_start() != b"]")
    }

    /// Whether the value to be taken is an array.
    pub(crate) fn is_array(&self) -> bool {
        self.parser.scanner.peek() == Some(b'[')
    }
}

/// Whether characters beyond the first plane are written as escapes, of which one half might be missing.
pub(super) fn has_halves(bytes: &[u8]) -> bool {
    memchr_iter(b'\\', bytes).any(|at| matches!(bytes.get(at + 1..at + 3), Some([b'u', b'd' | b'D'])))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_gone_through_is_json_and_what_is_odd_is_left_to_the_tree() {
        for (text, taken) in [
            (r#" {"a":"x","b":[1,{"a":"y"}],"c":{}} "#, Some(Some("x"))),
            (r#"{"a":"x","a":"é\n"}"#, Some(Some("é\n"))),
            (r#"{"a":"x","a":null}"#, Some(None)),
            (r#"{"a":7}"#, Some(None)),
            ("{}", Some(None)),
            (r#"{"a":"x",}"#, None),
            (r#"{"a":"x"} 1"#, None),
            (r#"{"a":"x""#, None),
            (r#"{"a":"x","b":"\ud83d"}"#, None),
            (r#"{"\u0061":"x"}"#, None),
            (r#"["a"]"#, None),
            ("", None),
        ] {
            let mut a = None;
            let through = Glance::through(text.as_bytes(), |value| {
                value.members(|key, value| {
                    if key == "a" {
                        a = value.text()?;
                        return Some(());
                    }
                    value.skip()
                })
            });
            assert_eq!(through.map(|()| a.as_deref()), taken, "{text}");
            if taken.is_some() {
                assert!(Node::read(text.as_bytes()).is_some(), "{text}");
            }
        }
    }

    #[test]
    fn no_deeper_than_the_tree_is_gone() {
        for levels in [90, 127, 128, 100_000] {
            let text = format!("{}{}", "[".repeat(levels), "]".repeat(levels));
            let through = Glance::through(text.as_bytes(), Glance::skip).is_some();
            assert_eq!(through, levels == 90, "{levels}");
            assert!(!through || Node::read(text.as_bytes()).is_some(), "{levels}");
        }
    }
}
