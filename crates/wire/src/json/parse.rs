//! JSON text into a tree, in one pass by the scanner.
//!
//! Invariant: what is read here, serde_json reads as the same tree (what stays unread may hold numbers beyond a double).
//! What cannot be read here (broken text, and corners such as lone surrogates) is `None`: the caller asks serde_json,
//! whose error tells line and column.

use std::borrow::Cow;

use memchr::memchr2;
use serde_json::Number;

use super::glance::has_halves;
use super::marks::ESCAPED;
use super::node::{Node, Object};
use super::scan::{self, Scanner};
use super::skip::past_container;

/// Deeper text is left to serde_json, which draws the line.
const MAX_DEPTH: u32 = 120;

/// The members of a request that hold tools, and the keys of their schemas.
const TOOLS: [&str; 2] = ["tools", "functions"];
const SCHEMAS: [&str; 2] = ["parameters", "input_schema"];

/// Whole numbers of so many characters fit into 64 bits.
const DIGITS: usize = 18;

/// Room for the members of most outermost objects.
const USUAL_MEMBERS: usize = 8;

/// Reads one value that is all of the text.
pub(super) fn parse(bytes: &[u8]) -> Option<Node<'_>> {
    whole(Parser::new(std::str::from_utf8(bytes).ok()?))
}

/// The same of a request, of whose tools the schemas stay unread; if it has passed the envelope's scan, they are JSON.
pub(super) fn parse_request(bytes: &[u8], is_scanned: bool) -> Option<Node<'_>> {
    whole(Parser { is_request: true, is_scanned, ..Parser::new(std::str::from_utf8(bytes).ok()?) })
}

fn whole(mut parser: Parser<'_>) -> Option<Node<'_>> {
    parser.scanner.white_space();
    let node = parser.value(0)?;
    parser.scanner.white_space();
    (parser.scanner.position() == parser.text.len()).then_some(node)
}

/// Reads values of a text one after the other.
pub(super) struct Parser<'a> {
    pub text: &'a str,
    pub scanner: Scanner<'a>,
    /// Where strings with escapes are put together.
    unescaped: String,
    /// The schemas of its tools stay unread.
    is_request: bool,
    /// The text is known to be JSON.
    is_scanned: bool,
    /// Within the tools of a request.
    in_tools: bool,
}

impl<'a> Parser<'a> {
    pub(super) const fn new(text: &'a str) -> Self {
        Self {
            text,
            scanner: Scanner::new(text.as_bytes()),
            unescaped: String::new(),
            is_request: false,
            is_scanned: false,
            in_tools: false,
        }
    }

    /// A value of any kind, `depth` levels deep already.
    pub(super) fn value(&mut self, depth: u32) -> Option<Node<'a>> {
        match self.scanner.peek()? {
            b'"' => self.string().map(Node::Text),
            b'{' => self.object(depth),
            b'[' => self.array(depth),
            b'-' | b'0'..=b'9' => self.number(),
            b't' => self.word(b"true", Node::Bool(true)),
            b'f' => self.word(b"false", Node::Bool(false)),
            _ => self.word(b"null", Node::Null),
        }
    }

    /// A value that stays unread, if it is an object. What has lines is read and written on one, since some of it goes into
    /// events, which end with a line; what may hold half a character is not to be handed on.
    fn unread(&mut self, depth: u32) -> Option<Node<'a>> {
        let from = self.scanner.position();
        if self.scanner.peek() == Some(b'{') {
            let end = if self.is_scanned {
                past_container(self.text.as_bytes(), from)?
            } else {
                self.scanner.value(depth + scan::MAX_DEPTH - MAX_DEPTH).ok()?.end
            };
            let text = self.text.get(from..end)?;
            self.scanner.go_to(end);
            if memchr2(b'\n', b'\r', text.as_bytes()).is_none() && !has_halves(text.as_bytes()) {
                return Some(Node::Unread(text));
            }
        }
        self.scanner.go_to(from);
        self.value(depth)
    }

    fn word(&mut self, word: &'static [u8], node: Node<'a>) -> Option<Node<'a>> {
        self.scanner.word(word).ok().map(|()| node)
    }

    fn object(&mut self, depth: u32) -> Option<Node<'a>> {
        // The outermost object of most texts has more members than a vector begins with.
        let mut entries = Vec::with_capacity(if depth == 0 { USUAL_MEMBERS } else { 0 });
        self.open(b'{', depth)?;
        if self.takes(b'}') {
            return Some(Node::Object(Object(entries)));
        }
        loop {
            let key = self.string()?;
            self.scanner.white_space();
            self.scanner.expect(b':', "").ok()?;
            self.scanner.white_space();
            if depth == 0 {
                self.in_tools = self.is_request && TOOLS.contains(&key.as_ref());
            }
            let is_schema = self.in_tools && depth > 0 && SCHEMAS.contains(&key.as_ref());
            let value = if is_schema { self.unread(depth + 1)? } else { self.value(depth + 1)? };
            entries.push((key, value));
            self.scanner.white_space();
            if self.takes(b'}') {
                return Some(Node::Object(Object(entries)));
            }
            self.scanner.expect(b',', "").ok()?;
            self.scanner.white_space();
        }
    }

    fn array(&mut self, depth: u32) -> Option<Node<'a>> {
        let mut items = Vec::new();
        self.open(b'[', depth)?;
        if self.takes(b']') {
            return Some(Node::Array(items));
        }
        loop {
            items.push(self.value(depth + 1)?);
            self.scanner.white_space();
            if self.takes(b']') {
                return Some(Node::Array(items));
            }
            self.scanner.expect(b',', "").ok()?;
            self.scanner.white_space();
        }
    }

    fn open(&mut self, bracket: u8, depth: u32) -> Option<()> {
        self.scanner.expect(bracket, "").ok()?;
        self.scanner.white_space();
        (depth < MAX_DEPTH).then_some(())
    }

    fn takes(&mut self, byte: u8) -> bool {
        self.scanner.peek() == Some(byte) && self.scanner.expect(byte, "").is_ok()
    }

    /// A string.
    pub(super) fn string(&mut self) -> Option<Cow<'a, str>> {
        let start = self.scanner.position() + 1;
        let plain_to = self.scanner.plain_run().ok()?;
        if self.takes(b'"') {
            return Some(Cow::Borrowed(&self.text[start..plain_to]));
        }
        self.unescaped(start).map(Cow::Owned)
    }

    /// The string that begins at `start`, of which the scanner has passed the first run: unescaped on the way to its end.
    #[inline(never)]
    fn unescaped(&mut self, start: usize) -> Option<String> {
        let (text, out) = (self.text, &mut self.unescaped);
        let (mut from, mut halves) = (start, false);
        out.clear();
        // Where it ends is not known yet; it is no longer than what is left, and room that is not used costs nothing.
        out.reserve(text.len() - start);
        let read = self.scanner.past_escapes(|at| {
            out.push_str(&text[from..at]);
            let byte = text.as_bytes()[at + 1];
            let escaped = ESCAPED[usize::from(byte)];
            if escaped == byte {
                // It stands for itself: the next run begins with it.
                from = at + 1;
            } else if escaped != 0 {
                out.push(char::from(escaped));
                from = at + 2;
            } else {
                from = at + 6;
                let character = u32::from_str_radix(&text[at + 2..from], 16).ok().and_then(char::from_u32);
                halves |= character.is_none();
                out.extend(character);
            }
        });
        let end = read.ok().map(|()| self.scanner.position())?;
        self.scanner.expect(b'"', "").ok()?;
        if halves {
            return serde_json::from_str(&text[start - 1..=end]).ok();
        }
        out.push_str(&text[from..end]);
        // What fills most of its room is handed out as it is, and what does not shall not hold the rest.
        Some(if out.len() >= out.capacity() / 2 { std::mem::take(out) } else { out.clone() })
    }

    fn number(&mut self) -> Option<Node<'a>> {
        let start = self.scanner.position();
        self.scanner.number().ok()?;
        let text = &self.text[start..self.scanner.position()];
        let whole = if text.len() <= DIGITS { text.parse::<i64>().ok() } else { None };
        match whole {
            // `-0` is a float.
            Some(0) if text.len() > 1 => serde_json::from_str(text).ok(),
            Some(n) => Some(u64::try_from(n).map_or_else(|_| Number::from(n), Number::from)),
            None => serde_json::from_str(text).ok(),
        }
        .map(Node::Number)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn by_serde(bytes: &[u8]) -> Option<Node<'_>> {
        serde_json::from_slice(bytes).ok()
    }

    #[test]
    fn the_schemas_of_a_requests_tools_stay_as_they_are_written() {
        let text = r#"{"parameters":{"a":1},"tools":[{"function":{"parameters": {"a" : 1.0, "b":{"parameters":{}}} ,"x":{}}},{"input_schema":null},{"parameters":[7]}],"x":[{"parameters":{"a":1}}]}"#;
        let node = parse_request(text.as_bytes(), false).unwrap();
        assert_eq!(parse_request(text.as_bytes(), true).as_ref(), Some(&node), "they end where they end");
        let tools = node.get("tools").unwrap().items();
        assert_eq!(
            tools[0].at(&["function", "parameters"]),
            Some(&Node::Unread(r#"{"a" : 1.0, "b":{"parameters":{}}}"#))
        );
        assert_eq!(tools[1].get("input_schema"), None);
        assert_eq!(tools[2].get("parameters").unwrap().items().len(), 1);
        assert!(matches!(node.get("parameters"), Some(Node::Object(_))), "it is none of a tool");
        assert!(matches!(node.get("x").unwrap().items()[0].get("parameters"), Some(Node::Object(_))));
        assert_eq!(Node::read(node.to_text().as_bytes()), parse(text.as_bytes()), "and nothing else is another");
    }

    #[test]
    fn schemas_of_several_lines_or_with_halves_of_characters_are_read() {
        for schema in ["{\"a\":\n1}", "{\r\"a\":1}", r#"{"a":"\ud83d\ude00"}"#] {
            let text = format!(r#"{{"tools":[{{"parameters":{schema}}}]}}"#);
            for is_scanned in [false, true] {
                assert_eq!(parse_request(text.as_bytes(), is_scanned), parse(text.as_bytes()), "{schema}");
            }
            assert!(parse(text.as_bytes()).is_some(), "{schema}");
        }
        let deep = |levels: usize| format!("{}1{}", "{\"a\":".repeat(levels), "}".repeat(levels));
        for (schema, unread) in [(deep(100), true), (deep(130), false)] {
            let text = format!(r#"{{"tools":[{{"parameters":{schema}}}]}}"#);
            assert_eq!(parse_request(text.as_bytes(), false).is_some(), unread, "{schema}");
        }
        for broken in [r#"{"a":"\ud83d"}"#, r#"{"a":1,}"#] {
            let text = format!(r#"{{"tools":[{{"parameters":{broken}}}]}}"#);
            assert_eq!(parse_request(text.as_bytes(), false), None, "{broken}");
        }
    }

    #[test]
    fn corners_are_read_as_serde_json_reads_them() {
        for (text, here) in [
            (r#" {"a" : [1, -2, 3.5, 1e3, -0, 0, true, false, null, "x"] , "a":{}} "#, true),
            (r#""\" \\ \/ \b \f \n \r \t \u00e9 \u20AC end""#, true),
            (r#""\ud83d\ude00 both halves""#, true),
            (r#""\ud83d one half""#, false),
            (r#""\u12g4""#, false),
            ("18446744073709551615", true),
            ("-9223372036854775808", true),
            ("123456789012345678901234567890", true),
            ("1e999", false),
            ("01", false),
            ("1.", false),
            ("[1,]", false),
            ("{\"a\":1,}", false),
            ("nul", false),
            ("truex", false),
            ("\"a\nb\"", false),
            ("", false),
            ("1 2", false),
            ("{'a':1}", false),
        ] {
            assert_eq!(parse(text.as_bytes()), by_serde(text.as_bytes()), "{text}");
            assert_eq!(parse(text.as_bytes()).is_some(), here, "{text}");
        }
        assert_eq!(parse(b"\"\xff\""), None);
        let deep = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        assert_eq!(parse(deep(100).as_bytes()), by_serde(deep(100).as_bytes()));
        assert_eq!(parse(deep(200_000).as_bytes()), None);
    }

    proptest! {
        #[test]
        fn what_is_read_is_what_serde_json_reads(text in r#"[\[\]{},:"\\/ubnt0-9eE.+\-a-f \x00é]{0,40}"#) {
            if let Some(node) = parse(text.as_bytes()) {
                prop_assert_eq!(Some(node), by_serde(text.as_bytes()));
            }
        }

        #[test]
        fn any_string_is_read(pieces in prop::collection::vec(r#"[\\"nu0é😀\x00-\x20]{0,5}|x{0,300}"#, 0..12), ascii: bool) {
            let mut text = serde_json::to_string(&[pieces.concat(), pieces.concat()]).unwrap();
            if ascii {
                text = text.replace('é', "\\u00e9").replace('😀', "\\ud83d\\ude00").replace('0', "\\/");
            }
            prop_assert_eq!(parse(text.as_bytes()), by_serde(text.as_bytes()));
        }

        #[test]
        fn schemas_of_a_scanned_request_are_those_of_another(schema in any_json(), after in any_json()) {
            let text = format!("{{\"tools\":[{{\"parameters\":{schema} ,\"x\":{after}}}]}}");
            prop_assert_eq!(parse_request(text.as_bytes(), true), parse_request(text.as_bytes(), false), "{}", text);
        }

        #[test]
        fn every_text_is_read(text in any_json()) {
            let node = parse(text.as_bytes());
            prop_assert!(node.is_some(), "{}", text);
            prop_assert_eq!(node, by_serde(text.as_bytes()));
        }
    }

    fn any_json() -> impl Strategy<Value = String> {
        let text = any::<String>().prop_map(|text| serde_json::to_string(&text).unwrap()).boxed();
        let leaf = prop_oneof![
            Just("null".to_owned()),
            any::<bool>().prop_map(|value| value.to_string()),
            any::<i64>().prop_map(|value| value.to_string()),
            any::<u64>().prop_map(|value| value.to_string()),
            any::<f64>().prop_map(|value| serde_json::to_string(&value).unwrap()),
            text.clone(),
        ];
        leaf.prop_recursive(4, 40, 6, move |inner| {
            let member = (text.clone(), inner.clone()).prop_map(|(key, value)| format!("{key} :\n{value}"));
            prop_oneof![
                prop::collection::vec(inner, 0..6).prop_map(|items| format!("[{}]", items.join(", "))),
                prop::collection::vec(member, 0..6).prop_map(|members| format!("{{ {} }}", members.join(",\t"))),
            ]
        })
    }
}
