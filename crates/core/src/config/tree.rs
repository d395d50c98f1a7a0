//! YAML → a tree in which every node knows its place and its path, so that any later check can say where.
//!
//! Invariant: a scalar's text is what stands in the file (a price of `10.00` is not first made a float), and a key that
//! comes twice is a problem and not a silent choice.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::options::DuplicateKeyPolicy;
use serde_saphyr::{Location, Spanned};

use super::report::{Place, Report};

/// A node of the tree.
#[derive(Debug)]
pub(super) struct Node {
    pub value: Value,
    pub place: Place,
    pub path: String,
}

#[derive(Debug)]
pub(super) enum Value {
    Null,
    Scalar { text: String, kind: Kind },
    List(Vec<Node>),
    Map(Vec<Entry>),
}

/// What YAML takes a scalar for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Bool,
    Number,
    /// Text in which references were replaced.
    Expanded,
}

#[derive(Debug)]
pub(super) struct Entry {
    pub key: String,
    pub key_place: Place,
    pub node: Node,
}

/// Parses a file. `None` after a mistake in the YAML itself, which is in the report; an empty file is an empty map.
pub(super) fn parse(source: &str, report: &mut Report<'_>) -> Option<Node> {
    let options = serde_saphyr::options! {
        // Deep enough for any policy, and for the stack of a thread with 2 MiB.
        budget: serde_saphyr::budget! { max_depth: 40, flow_nesting_limit: 40 },
        alias_limits: serde_saphyr::alias_limits! { max_total_replayed_events: 20_000 },
        duplicate_keys: DuplicateKeyPolicy::PassThrough,
        strict_booleans: true,
        with_snippet: false,
    };
    match serde_saphyr::from_str_with_options::<Spanned<Bare>>(source, options) {
        Ok(bare) => Some(place(bare, String::new(), source, report)),
        Err(error) => {
            report.is_unreadable();
            let place = error.location().map(|at| place_of(&at)).unwrap_or_default();
            let message = error.without_snippet().to_string();
            let line = usize::try_from(place.line.saturating_sub(1)).ok().and_then(|line| source.lines().nth(line));
            let hint = match line.is_some_and(|line| line.contains(": ${") || line.contains("[${")) {
                true => "; within { } and [ ] write references in quotes: \"${VAR}\"",
                false => "",
            };
            report.at(place, "", format!("the YAML cannot be read: {message}{hint}"), Vec::new());
            None
        }
    }
}

/// The tree as the parser gives it.
enum Bare {
    Null,
    Text(String),
    Bool,
    Number,
    List(Vec<Spanned<Bare>>),
    Map(Vec<(Spanned<String>, Spanned<Bare>)>),
}

fn place(bare: Spanned<Bare>, path: String, source: &str, report: &mut Report<'_>) -> Node {
    let at = place_of(&bare.referenced);
    let as_written = || slice(source, &bare.defined).to_owned();
    let value = match bare.value {
        Bare::Null => Value::Null,
        Bare::Text(text) => Value::Scalar { text, kind: Kind::Text },
        Bare::Bool => Value::Scalar { text: as_written(), kind: Kind::Bool },
        Bare::Number => Value::Scalar { text: as_written(), kind: Kind::Number },
        Bare::List(items) => {
            let items = items.into_iter().enumerate();
            Value::List(items.map(|(i, item)| place(item, format!("{path}[{i}]"), source, report)).collect())
        }
        Bare::Map(entries) => {
            let mut placed: Vec<Entry> = Vec::with_capacity(entries.len());
            for (key, value) in entries {
                let (key_place, key) = (place_of(&key.referenced), key.value);
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                match placed.iter().find(|entry| entry.key == key) {
                    Some(first) => {
                        let line = first.key_place.line;
                        report.at(
                            key_place,
                            &path,
                            format!("the key comes twice; it is first on line {line}"),
                            Vec::new(),
                        );
                    }
                    None => placed.push(Entry { key, key_place, node: place(value, path, source, report) }),
                }
            }
            Value::Map(placed)
        }
    };
    Node { value, place: at, path }
}

fn place_of(location: &Location) -> Place {
    let bytes = |n: Option<u64>| n.and_then(|n| usize::try_from(n).ok()).unwrap_or(0);
    let span = location.span();
    let start = bytes(span.byte_offset());
    Place { line: location.line(), column: location.column(), bytes: start..start + bytes(span.byte_len()) }
}

fn slice<'a>(source: &'a str, location: &Location) -> &'a str {
    source.get(place_of(location).bytes).unwrap_or_default().trim()
}

impl<'de> Deserialize<'de> for Bare {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(BareVisitor)
    }
}

struct BareVisitor;

impl<'de> Visitor<'de> for BareVisitor {
    type Value = Bare;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_unit<E>(self) -> Result<Bare, E> {
        Ok(Bare::Null)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Bare, E> {
        Ok(Bare::Bool)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Bare, E> {
        Ok(Bare::Number)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Bare, E> {
        Ok(Bare::Number)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Bare, E> {
        Ok(Bare::Number)
    }

    fn visit_str<E>(self, text: &str) -> Result<Bare, E> {
        Ok(Bare::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Bare, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(Bare::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Bare, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(Bare::Map(entries))
    }
}
