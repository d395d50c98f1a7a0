//! proto3 JSON as Google reads it: each key in camelCase or snake_case, numbers also as text, one value for a list of
//! one. Requests are read with [`Proto`], replies with [`get`].

use std::borrow::Cow;

use tollgate_ir::{Fault, Losses};

use crate::json::{Fields, Node};

/// `responseSchema` → `response_schema`; borrowed where the two are the same.
fn snake(camel: &str) -> Cow<'_, str> {
    if !camel.bytes().any(|b| b.is_ascii_uppercase()) {
        return Cow::Borrowed(camel);
    }
    let mut out = String::with_capacity(camel.len() + 4);
    for c in camel.chars() {
        if c.is_ascii_uppercase() {
            out.push('_');
        }
        out.push(c.to_ascii_lowercase());
    }
    Cow::Owned(out)
}

/// The value under a key in either spelling; `None` also for `null`.
pub(super) fn get<'n, 'a>(node: &'n Node<'a>, camel: &str) -> Option<&'n Node<'a>> {
    entry(node, camel).map(|(_, value)| value)
}

/// The same with the key as the client spelled it.
pub(super) fn entry<'n, 'a>(node: &'n Node<'a>, camel: &str) -> Option<(&'n str, &'n Node<'a>)> {
    let entries = node.entries().iter().rev().filter(|(_, value)| !matches!(value, Node::Null));
    entries.map(|(key, value)| (key.as_ref(), value)).find(|(key, _)| spells(key, camel))
}

/// Whether `key` is the camelCase name, as it is or in snake_case.
fn spells(key: &str, camel: &str) -> bool {
    if key.len() <= camel.len() {
        return key == camel;
    }
    let mut key = key.bytes();
    let same = camel.bytes().all(|c| match c.is_ascii_uppercase() {
        true => key.next() == Some(b'_') && key.next() == Some(c.to_ascii_lowercase()),
        false => key.next() == Some(c),
    });
    same && key.next().is_none()
}

/// A short cut for `get(…)?.as_str()`.
pub(super) fn text<'n>(node: &'n Node<'_>, camel: &str) -> Option<&'n str> {
    get(node, camel)?.as_str()
}

/// A short cut for a whole number, as a number or as text.
pub(super) fn uint(node: &Node<'_>, camel: &str) -> Option<u64> {
    let value = get(node, camel)?;
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}

/// An object of the client's body, read by camelCase names whichever of the two spellings it has.
pub(super) struct Proto<'a>(Fields<'a>);

impl<'a> Proto<'a> {
    /// The fields of the object at path `at`.
    pub(super) fn new(node: Node<'a>, at: impl Into<String>) -> Result<Self, Fault> {
        Fields::new(node, at).map(Self)
    }

    /// Where the object stands.
    pub(super) fn at(&self) -> &str {
        self.0.at()
    }

    /// The path of a field as the client spelled it.
    pub(super) fn path(&self, camel: &str) -> String {
        self.0.path(&self.spelled(camel))
    }

    /// The key as the client spelled it.
    fn spelled<'k>(&self, camel: &'k str) -> Cow<'k, str> {
        let is_other = || self.0.has_one(|key| spells(key, camel));
        if !self.0.has(camel) && is_other() { snake(camel) } else { Cow::Borrowed(camel) }
    }

    /// Whether a field is there and not null.
    pub(super) fn has(&self, camel: &str) -> bool {
        self.0.has(&self.spelled(camel))
    }

    /// Takes a field of any type with its path.
    pub(super) fn take(&mut self, camel: &str) -> Option<(String, Node<'a>)> {
        let key = self.spelled(camel);
        self.0.take(&key).map(|node| (self.0.path(&key), node))
    }

    /// Takes a text.
    pub(super) fn text(&mut self, camel: &str) -> Result<Option<String>, Fault> {
        let key = self.spelled(camel);
        self.0.text(&key)
    }

    /// Takes a truth value.
    pub(super) fn boolean(&mut self, camel: &str) -> Result<Option<bool>, Fault> {
        let key = self.spelled(camel);
        self.0.boolean(&key)
    }

    /// Takes a whole number that is not negative.
    pub(super) fn uint(&mut self, camel: &str) -> Result<Option<u64>, Fault> {
        let key = self.spelled(camel);
        match self.number_as_text(&key, |n| n.as_u64()) {
            None => self.0.uint(&key),
            found => Ok(found),
        }
    }

    /// Takes a whole number.
    pub(super) fn int(&mut self, camel: &str) -> Result<Option<i64>, Fault> {
        let key = self.spelled(camel);
        match self.number_as_text(&key, |n| n.as_i64()) {
            None => self.0.int(&key),
            found => Ok(found),
        }
    }

    /// Takes a number.
    pub(super) fn float(&mut self, camel: &str) -> Result<Option<f64>, Fault> {
        let key = self.spelled(camel);
        match self.number_as_text(&key, |n| n.as_f64()) {
            None => self.0.float(&key),
            found => Ok(found),
        }
    }

    fn number_as_text<T>(&mut self, key: &str, read: impl FnOnce(&Node<'_>) -> Option<T>) -> Option<T> {
        let found = read(&Node::read(self.0.peek_text(key)?.trim().as_bytes())?)?;
        self.0.take(key);
        Some(found)
    }

    /// Takes a list, each item with its path. A single value stands for a list of one.
    pub(super) fn list(&mut self, camel: &str) -> Vec<(String, Node<'a>)> {
        match self.take(camel) {
            None => Vec::new(),
            Some((path, Node::Array(items))) => {
                items.into_iter().enumerate().map(|(i, item)| (format!("{path}[{i}]"), item)).collect()
            }
            Some(one) => vec![one],
        }
    }

    /// Takes a list of texts.
    pub(super) fn texts(&mut self, camel: &str) -> Result<Vec<String>, Fault> {
        self.list(camel)
            .into_iter()
            .map(|(path, item)| match item {
                Node::Text(text) => Ok(text.into_owned()),
                other => Err(wrong(&path, "a string", &other)),
            })
            .collect()
    }

    /// Takes an object.
    pub(super) fn object(&mut self, camel: &str) -> Result<Option<Self>, Fault> {
        self.take(camel).map(|(path, node)| Self::new(node, path)).transpose()
    }

    /// See [`Fields::own`].
    pub(super) fn own(&mut self, camel: &[&str], losses: &mut Losses) {
        for key in camel {
            let key = self.spelled(key).into_owned();
            self.0.own(&[&key], losses);
        }
    }

    /// See [`Fields::own_rest`].
    pub(super) fn own_rest(self, losses: &mut Losses) {
        self.0.own_rest(losses);
    }

    /// Takes fields that mean nothing beyond this face and are no loss.
    pub(super) fn ignore(&mut self, camel: &[&str]) {
        for key in camel {
            self.take(key);
        }
    }

    /// Reports every field that nobody took.
    pub(super) fn report_rest(self, losses: &mut Losses) {
        self.0.report_rest(losses);
    }

    /// What nobody took.
    pub(super) fn rest(self) -> Node<'a> {
        Node::Object(self.0.rest())
    }
}

/// The fault of a field of the wrong type.
pub(super) fn wrong(path: &str, wanted: &str, got: &Node<'_>) -> Fault {
    Fault::field(path, format!("`{path}` must be {wanted}, but is {}.", got.kind()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_in_both_spellings() {
        for (key, camel, want) in [
            ("topP", "topP", true),
            ("top_p", "topP", true),
            ("top_pp", "topP", false),
            ("top", "topP", false),
            ("response_json_schema", "responseJsonSchema", true),
            ("response_jsonSchema", "responseJsonSchema", false),
            ("text", "text", true),
        ] {
            assert_eq!(spells(key, camel), want, "{key} {camel}");
            assert_eq!(snake(camel) == key || camel == key, want, "{key} {camel}");
        }
        let node = Node::read(br#"{"top_p":1,"topP":null}"#).unwrap();
        assert_eq!(get(&node, "topP").and_then(Node::as_u64), Some(1));
    }
}
