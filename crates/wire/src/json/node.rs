use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Number;
use tollgate_ir::{Fault, FaultKind, Json};

use super::{parse, write};

/// A JSON value that borrows its texts from the body where they hold no escapes. Keys keep their order; a key that
/// comes twice is kept twice, and lookups take the last (as every provider does).
///
/// Depth is bounded by serde_json at 128 levels.
#[derive(Clone, Debug, PartialEq)]
pub enum Node<'a> {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number.
    Number(Number),
    /// A string.
    Text(Cow<'a, str>),
    /// An array.
    Array(Vec<Node<'a>>),
    /// An object.
    Object(Object<'a>),
    /// An object that nobody looks into, as its text on one line: what [`Node::parse_request`] leaves of a tool's schema.
    Unread(&'a str),
}

/// A JSON object, keys in order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Object<'a>(pub Vec<(Cow<'a, str>, Node<'a>)>);

impl<'a> Node<'a> {
    /// Parses one JSON value. The fault is the client's (`InvalidBody`), with line and column.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Fault> {
        Self::parsed(parse::parse(bytes), bytes)
    }

    /// The same of a request, whose tools' schemas are large and only handed on: they stay as they are written, unread; and
    /// unchecked, if the text has passed [`Envelope::scan`](super::Envelope::scan).
    pub(crate) fn parse_request(bytes: &'a [u8], is_scanned: bool) -> Result<Self, Fault> {
        Self::parsed(parse::parse_request(bytes, is_scanned), bytes)
    }

    fn parsed(node: Option<Self>, bytes: &'a [u8]) -> Result<Self, Fault> {
        if let Some(node) = node {
            return Ok(node);
        }
        serde_json::from_slice(bytes).map_err(|e| {
            Fault::new(
                FaultKind::InvalidBody,
                format!("The request's body is not valid JSON: {e}. Send one JSON object in UTF-8."),
            )
        })
    }

    /// Parses what a provider sent; `None` if it is no JSON.
    pub fn read(bytes: &'a [u8]) -> Option<Self> {
        parse::parse(bytes).or_else(|| serde_json::from_slice(bytes).ok())
    }

    /// The value under a key of an object; `None` also for `null`.
    pub fn get(&self, key: &str) -> Option<&Self> {
        match self {
            Self::Object(object) => object.get(key),
            _ => None,
        }
    }

    /// The value at a path of keys.
    pub fn at(&self, path: &[&str]) -> Option<&Self> {
        path.iter().try_fold(self, |node, key| node.get(key))
    }

    /// The text, if it is one.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The number, if it is a whole one and not negative (`12.0` counts).
    pub fn as_u64(&self) -> Option<u64> {
        match self {
            Self::Number(n) => n.as_u64().or_else(|| whole(n.as_f64()?).and_then(|f| u64::try_from(f).ok())),
            _ => None,
        }
    }

    /// The number, if it is a whole one.
    pub fn as_i64(&self) -> Option<i64> {
        match self {
            Self::Number(n) => n.as_i64().or_else(|| whole(n.as_f64()?)),
            _ => None,
        }
    }

    /// The number.
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Self::Number(n) => n.as_f64(),
            _ => None,
        }
    }

    /// The truth value.
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(b) => Some(*b),
            _ => None,
        }
    }

    /// The items of an array; nothing for anything else.
    pub fn items(&self) -> &[Self] {
        match self {
            Self::Array(items) => items,
            _ => &[],
        }
    }

    /// The entries of an object; nothing for anything else.
    pub fn entries(&self) -> &[(Cow<'a, str>, Self)] {
        match self {
            Self::Object(object) => &object.0,
            _ => &[],
        }
    }

    /// A short cut for `get(key)?.as_str()`.
    pub fn text(&self, key: &str) -> Option<&str> {
        self.get(key)?.as_str()
    }

    /// A short cut for `get(key)?.as_u64()`.
    pub fn uint(&self, key: &str) -> Option<u64> {
        self.get(key)?.as_u64()
    }

    /// What it is, for messages: `a string`, `an object`.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Number(_) => "a number",
            Self::Text(_) => "a string",
            Self::Array(_) => "an array",
            Self::Object(_) | Self::Unread(_) => "an object",
        }
    }

    /// Written compactly, keys in order; what is unread, as it is.
    pub fn to_json(&self) -> Json {
        String::from_utf8(self.written()).map_or_else(|_| Json::null(), Json::written)
    }

    /// Written compactly as text.
    pub fn to_text(&self) -> String {
        String::from_utf8(self.written()).unwrap_or_default()
    }

    fn written(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(256);
        write::node(&mut out, self);
        out
    }
}

/// The whole number that a float is, within the range where floats are exact.
fn whole(f: f64) -> Option<i64> {
    #[expect(clippy::cast_possible_truncation, reason = "checked: whole and within 2^53")]
    (f.fract() == 0.0 && f.abs() <= 9_007_199_254_740_992.0).then_some(f as i64)
}

impl<'a> Object<'a> {
    /// The value under a key, the last one if it comes twice; `None` also for `null`.
    pub fn get(&self, key: &str) -> Option<&Node<'a>> {
        self.0.iter().rev().find(|(k, _)| k == key).map(|(_, v)| v).filter(|v| !matches!(v, Node::Null))
    }
}

impl<'de> Deserialize<'de> for Node<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Tree;
        impl<'de> Visitor<'de> for Tree {
            type Value = Node<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON value")
            }
            fn visit_unit<E>(self) -> Result<Self::Value, E> {
                Ok(Node::Null)
            }
            fn visit_bool<E>(self, v: bool) -> Result<Self::Value, E> {
                Ok(Node::Bool(v))
            }
            fn visit_u64<E>(self, v: u64) -> Result<Self::Value, E> {
                Ok(Node::Number(v.into()))
            }
            fn visit_i64<E>(self, v: i64) -> Result<Self::Value, E> {
                Ok(Node::Number(v.into()))
            }
            fn visit_f64<E>(self, v: f64) -> Result<Self::Value, E> {
                Ok(Number::from_f64(v).map_or(Node::Null, Node::Number))
            }
            fn visit_borrowed_str<E>(self, v: &'de str) -> Result<Self::Value, E> {
                Ok(Node::Text(Cow::Borrowed(v)))
            }
            fn visit_str<E>(self, v: &str) -> Result<Self::Value, E> {
                Ok(Node::Text(Cow::Owned(v.to_owned())))
            }
            fn visit_string<E>(self, v: String) -> Result<Self::Value, E> {
                Ok(Node::Text(Cow::Owned(v)))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                let mut items = Vec::new();
                while let Some(item) = seq.next_element()? {
                    items.push(item);
                }
                Ok(Node::Array(items))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut entries = Vec::new();
                while let Some((Key(key), value)) = map.next_entry()? {
                    entries.push((key, value));
                }
                Ok(Node::Object(Object(entries)))
            }
        }
        deserializer.deserialize_any(Tree)
    }
}

/// A key that borrows where it can; `Cow`'s own `Deserialize` never does.
struct Key<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl<'de> Visitor<'de> for Text {
            type Value = Key<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a key")
            }
            fn visit_borrowed_str<E>(self, v: &'de str) -> Result<Self::Value, E> {
                Ok(Key(Cow::Borrowed(v)))
            }
            fn visit_str<E>(self, v: &str) -> Result<Self::Value, E> {
                Ok(Key(Cow::Owned(v.to_owned())))
            }
        }
        deserializer.deserialize_str(Text)
    }
}
