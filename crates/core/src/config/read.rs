//! The tree → the raw structs, with every mistake of the file found in one go.
//!
//! serde stops at the first mistake. So each one is noted, the node it stands in is set aside, and the tree is read
//! again without it, until nothing is wrong or all is set aside. Thus a config key is one field of a raw struct: its
//! type, its name, its place in the nearest-key table and in the schema all follow from it.

use std::cell::RefCell;
use std::collections::HashSet;

use serde::de::value::StrDeserializer;
use serde::de::{self, Deserialize, DeserializeSeed, IntoDeserializer, Visitor};

use super::report::Report;
use super::secret::SECRET;
use super::shape::SHAPES;
use super::tree::{Entry, Kind, Node, Value};
use super::unbuilt;
use super::wrong::Wrong;
use crate::near::nearest;

/// After so many mistakes the rest is not looked for.
const MOST_PROBLEMS: usize = 200;

/// Reads a tree but for what is set `aside` because it is known to be wrong. `None`: too much is wrong for even an empty value.
pub(super) fn read<'de, T: Deserialize<'de>>(
    root: &'de Node,
    report: &mut Report<'_>,
    mut aside: HashSet<String>,
) -> Option<T> {
    for _ in 0..MOST_PROBLEMS {
        let pass = Pass { aside: &aside, report: RefCell::new(&mut *report) };
        match T::deserialize(Reader { node: root, pass: &pass }) {
            Ok(value) => return Some(value),
            Err(Wrong { mut message, nearest, missing, at }) => {
                let node = at.and_then(|path| find(root, &path)).unwrap_or(root);
                // What a reference stands for may be secret wherever it stands.
                if let Value::Scalar { text, kind: Kind::Expanded } = &node.value {
                    message = message.replace(&format!("`{text}`"), "what it expands to");
                }
                // A field that is missing because it was set aside has been told already.
                if !(missing && holds_any(node, &aside)) {
                    report.at(node.place.clone(), &node.path, message, nearest);
                }
                if std::ptr::eq(node, root) || !aside.insert(node.path.clone()) {
                    return None;
                }
            }
        }
    }
    None
}

fn find<'de>(node: &'de Node, path: &str) -> Option<&'de Node> {
    if node.path == path {
        return Some(node);
    }
    let mut children: Box<dyn Iterator<Item = &Node>> = match &node.value {
        Value::List(items) => Box::new(items.iter()),
        Value::Map(entries) => Box::new(entries.iter().map(|entry| &entry.node)),
        Value::Null | Value::Scalar { .. } => return None,
    };
    children.find_map(|child| find(child, path))
}

fn holds_any(node: &Node, aside: &HashSet<String>) -> bool {
    match &node.value {
        Value::Map(entries) => entries.iter().any(|entry| aside.contains(&entry.node.path)),
        _ => false,
    }
}

/// One reading of the tree.
struct Pass<'p, 'r, 's> {
    aside: &'p HashSet<String>,
    report: RefCell<&'r mut Report<'s>>,
}

#[derive(Clone, Copy)]
struct Reader<'de, 'p, 'r, 's> {
    node: &'de Node,
    pass: &'p Pass<'p, 'r, 's>,
}

impl<'de> Reader<'de, '_, '_, '_> {
    /// The scalar's text, whatever YAML takes it for.
    fn text(&self, wanted: &str) -> Result<&'de str, Wrong> {
        match &self.node.value {
            Value::Scalar { text, .. } => Ok(text),
            _ => Err(self.misshaped(wanted)),
        }
    }

    /// The node has another shape than is wanted; what its values are is not known, so none is shown.
    fn misshaped(&self, wanted: &str) -> Wrong {
        self.pass.report.borrow_mut().hide_all(self.node);
        Wrong::new(format!("must be {wanted}, not {}", shape_of(&self.node.value)))
    }

    fn number<T: std::str::FromStr>(&self, wanted: &str) -> Result<T, Wrong> {
        let text = self.text(wanted)?;
        text.trim().replace('_', "").parse().map_err(|_| Wrong::new(format!("must be {wanted}, not `{text}`")))
    }

    fn entries(&self) -> Result<&'de [Entry], Wrong> {
        match &self.node.value {
            Value::Map(entries) => Ok(entries),
            Value::Null => Ok(&[]),
            _ => Err(self.misshaped("a map of keys")),
        }
    }

    /// The entries that are left, after those whose key `fields` does not have are reported.
    fn known_entries(&self, name: &str, fields: &'static [&'static str]) -> Result<Vec<&'de Entry>, Wrong> {
        let entries = self.entries()?.iter();
        let known = |entry: &&Entry| {
            let is_known = fields.contains(&entry.key.as_str());
            if !is_known {
                self.report_unknown(name, fields, entry);
            }
            is_known && !self.pass.aside.contains(&entry.node.path)
        };
        Ok(entries.filter(known).collect())
    }

    fn report_unknown(&self, name: &str, fields: &'static [&'static str], entry: &Entry) {
        let mut report = self.pass.report.borrow_mut();
        report.hide_all(&entry.node);
        let (key, place) = (&entry.key, entry.key_place.clone());
        if unbuilt::is_unbuilt(name, key) {
            return report.at(place, &entry.node.path, format!("`{key}` is not built yet; take it out"), Vec::new());
        }
        let near = nearest(key, fields.iter().copied(), 2);
        let known = if fields.is_empty() { "nothing".to_owned() } else { fields.join(", ") };
        // `api_key:sk-…` without a space is one word to YAML, and a key: so it is shown only if it looks like ours.
        if !near.is_empty() || key.bytes().all(|b| b.is_ascii_alphabetic() || b == b'_') {
            return report.at(place, &entry.node.path, format!("unknown key `{key}`; known here: {known}"), near);
        }
        report.hide(&place);
        let message = format!("unknown key; known here: {known}; a colon needs a space behind it");
        report.at(place, &self.node.path, message, Vec::new());
    }
}

fn shape_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "empty",
        Value::Scalar { kind: Kind::Text | Kind::Expanded, .. } => "text",
        Value::Scalar { kind: Kind::Bool, .. } => "true or false",
        Value::Scalar { kind: Kind::Number, .. } => "a number",
        Value::List(_) => "a list",
        Value::Map(_) => "a map",
    }
}

macro_rules! numbers {
    ($($method:ident, $visit:ident, $kind:ty, $wanted:literal;)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
            self.number::<$kind>($wanted).and_then(|n| visitor.$visit(n)).map_err(|wrong| wrong.place(self.node))
        })*
    };
}

impl<'de> de::Deserializer<'de> for Reader<'de, '_, '_, '_> {
    type Error = Wrong;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        match &self.node.value {
            Value::Null => visitor.visit_unit(),
            Value::Scalar { text, .. } => visitor.visit_borrowed_str(text),
            Value::List(_) => self.deserialize_seq(visitor),
            Value::Map(_) => self.deserialize_map(visitor),
        }
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        let read = match &self.node.value {
            Value::Scalar { kind: Kind::Bool, .. } => Err(Wrong::new("must be text; write it in quotes")),
            _ => self.text("text").and_then(|text| visitor.visit_borrowed_str(text)),
        };
        read.map_err(|wrong| wrong.place(self.node))
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        self.deserialize_str(visitor)
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        let read = self.text("true or false").and_then(|text| match text {
            "true" => visitor.visit_bool(true),
            "false" => visitor.visit_bool(false),
            other => Err(Wrong::new(format!("must be true or false, not `{other}`"))),
        });
        read.map_err(|wrong| wrong.place(self.node))
    }

    numbers! {
        deserialize_u64, visit_u64, u64, "a whole number, not negative";
        deserialize_u32, visit_u32, u32, "a whole number, not negative";
        deserialize_f64, visit_f64, f64, "a number";
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, name: &'static str, visitor: V) -> Result<V::Value, Wrong> {
        if name == SECRET {
            self.pass.report.borrow_mut().hide_all(self.node);
        }
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        let Value::List(items) = &self.node.value else {
            return Err(self.misshaped("a list").place(self.node));
        };
        let left = items.iter().filter(|item| !self.pass.aside.contains(&item.path));
        let access = Items { left: Box::new(left), pass: self.pass };
        visitor.visit_seq(access).map_err(|wrong| wrong.place(self.node))
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        let read = self.entries().and_then(|entries| {
            let left = entries.iter().filter(|entry| !self.pass.aside.contains(&entry.node.path)).collect();
            visitor.visit_map(Entries::new(left, self.pass))
        });
        read.map_err(|wrong| wrong.place(self.node))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Wrong> {
        let read = self.known_entries(name, fields).and_then(|left| visitor.visit_map(Entries::new(left, self.pass)));
        read.map_err(|wrong| wrong.place(self.node))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Wrong> {
        let variant = match &self.node.value {
            Value::Map(_) if variants == SHAPES => SHAPES[1],
            _ if variants == SHAPES => SHAPES[0],
            _ => self.text("a word").map_err(|wrong| wrong.place(self.node))?,
        };
        visitor.visit_enum(Variant { variant, reader: self }).map_err(|wrong| wrong.place(self.node))
    }

    serde::forward_to_deserialize_any! {
        i8 i16 i32 i64 u8 u16 f32 char bytes byte_buf unit unit_struct tuple tuple_struct identifier ignored_any
    }
}

struct Items<'de, 'p, 'r, 's> {
    left: Box<dyn Iterator<Item = &'de Node> + 'p>,
    pass: &'p Pass<'p, 'r, 's>,
}

impl<'de> de::SeqAccess<'de> for Items<'de, '_, '_, '_> {
    type Error = Wrong;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Wrong> {
        self.left.next().map(|node| seed.deserialize(Reader { node, pass: self.pass })).transpose()
    }
}

struct Entries<'de, 'p, 'r, 's> {
    left: std::vec::IntoIter<&'de Entry>,
    value: Option<&'de Node>,
    pass: &'p Pass<'p, 'r, 's>,
}

impl<'de, 'p, 'r, 's> Entries<'de, 'p, 'r, 's> {
    fn new(left: Vec<&'de Entry>, pass: &'p Pass<'p, 'r, 's>) -> Self {
        Self { left: left.into_iter(), value: None, pass }
    }
}

impl<'de> de::MapAccess<'de> for Entries<'de, '_, '_, '_> {
    type Error = Wrong;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Wrong> {
        let Some(entry) = self.left.next() else { return Ok(None) };
        self.value = Some(&entry.node);
        let key: StrDeserializer<'_, Wrong> = entry.key.as_str().into_deserializer();
        seed.deserialize(key).map(Some).map_err(|wrong| wrong.place(&entry.node))
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Wrong> {
        let node = self.value.take().ok_or_else(|| Wrong::new("a value was asked for before its key"))?;
        seed.deserialize(Reader { node, pass: self.pass }).map_err(|wrong| wrong.place(node))
    }
}

struct Variant<'de, 'p, 'r, 's> {
    variant: &'de str,
    reader: Reader<'de, 'p, 'r, 's>,
}

impl<'de, 'p, 'r, 's> de::EnumAccess<'de> for Variant<'de, 'p, 'r, 's> {
    type Error = Wrong;
    type Variant = Reader<'de, 'p, 'r, 's>;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self::Variant), Wrong> {
        let variant: StrDeserializer<'_, Wrong> = self.variant.into_deserializer();
        Ok((seed.deserialize(variant)?, self.reader))
    }
}

impl<'de> de::VariantAccess<'de> for Reader<'de, '_, '_, '_> {
    type Error = Wrong;

    fn unit_variant(self) -> Result<(), Wrong> {
        Ok(())
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Wrong> {
        seed.deserialize(self)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, _: V) -> Result<V::Value, Wrong> {
        Err(Wrong::new("must be one value"))
    }

    fn struct_variant<V: Visitor<'de>>(self, _: &'static [&'static str], visitor: V) -> Result<V::Value, Wrong> {
        de::Deserializer::deserialize_map(self, visitor)
    }
}
