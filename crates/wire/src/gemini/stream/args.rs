//! `partialArgs`: arguments that come value by value, each under its path (`$.recipe.items[0].name`), texts in pieces.
//!
//! They are put together and given out when the call is complete: a path may come back to a container that was left,
//! so what looks like the end of an object may not be one. Bounded: a path cannot make a list long by its index alone.

use std::borrow::Cow;

use crate::gemini::proto::{get, text};
use crate::json::{Node, Object};

/// Most values that one call's arguments may have.
const MAX_VALUES: usize = 100_000;
/// Deepest path: what is written must be readable again, and bodies are read to a depth of 128.
const MAX_DEPTH: usize = 100;

/// A call's arguments so far.
#[derive(Debug)]
pub(super) struct Arguments {
    root: Node<'static>,
    values: usize,
}

impl Default for Arguments {
    fn default() -> Self {
        Self { root: Node::Object(Object::default()), values: 0 }
    }
}

/// A step of a path.
#[derive(Debug, PartialEq)]
enum Step {
    Key(String),
    Index(usize),
}

impl Arguments {
    /// Takes in one element of `partialArgs`; `None` if it cannot be followed.
    pub(super) fn add(&mut self, part: &Node<'_>) -> Option<()> {
        let value = value(part)?;
        let steps = steps(text(part, "jsonPath").unwrap_or("$"))?;
        self.values += 1;
        if self.values > MAX_VALUES || steps.len() > MAX_DEPTH {
            return None;
        }
        let place = steps.iter().try_fold(&mut self.root, |at, step| enter(at, step))?;
        match (place, value) {
            (Node::Text(said), Node::Text(more)) => said.to_mut().push_str(&more),
            (place, value) => *place = value,
        }
        Some(())
    }

    /// The arguments as JSON.
    pub(super) fn to_text(&self) -> String {
        self.root.to_text()
    }
}

/// The value of an element; a null is one too.
fn value(part: &Node<'_>) -> Option<Node<'static>> {
    if let Some(said) = text(part, "stringValue") {
        return Some(Node::Text(Cow::Owned(said.to_owned())));
    }
    if let Some(n) = get(part, "numberValue") {
        return number(n);
    }
    if let Some(truth) = get(part, "boolValue").and_then(Node::as_bool) {
        return Some(Node::Bool(truth));
    }
    let has_null = part.entries().iter().any(|(key, _)| matches!(key.as_ref(), "nullValue" | "null_value"));
    has_null.then_some(Node::Null)
}

/// Numbers travel as doubles; whole ones are meant whole.
fn number(node: &Node<'_>) -> Option<Node<'static>> {
    let n = match node {
        Node::Number(n) => n.clone(),
        other => other.as_str()?.parse().ok()?,
    };
    let whole = Node::Number(n.clone()).as_i64();
    Some(Node::Number(whole.map_or(n, Into::into)))
}

/// The place under a step, made if it is not there; what stands in the way of a container gives way.
fn enter<'n>(at: &'n mut Node<'static>, step: &Step) -> Option<&'n mut Node<'static>> {
    match step {
        Step::Key(key) => {
            if !matches!(at, Node::Object(_)) {
                *at = Node::Object(Object::default());
            }
            let Node::Object(Object(entries)) = at else { return None };
            let i = entries.iter().position(|(k, _)| k == key).unwrap_or_else(|| {
                entries.push((Cow::Owned(key.clone()), Node::Null));
                entries.len() - 1
            });
            entries.get_mut(i).map(|(_, value)| value)
        }
        Step::Index(index) => {
            if !matches!(at, Node::Array(_)) {
                *at = Node::Array(Vec::new());
            }
            let Node::Array(items) = at else { return None };
            // Elements come in order; a gap is a mistake and not worth memory.
            if *index > items.len() {
                return None;
            }
            if *index == items.len() {
                items.push(Node::Null);
            }
            items.get_mut(*index)
        }
    }
}

/// The steps of a JSONPath of names and indices: `$.a.b[0]['c d']`.
fn steps(path: &str) -> Option<Vec<Step>> {
    let mut rest = path.strip_prefix('$').unwrap_or(path);
    let mut steps = Vec::new();
    while !rest.is_empty() {
        let (step, after) = match rest.strip_prefix('[') {
            Some(inner) => bracketed(inner)?,
            None => {
                let name = rest.strip_prefix('.').unwrap_or(rest);
                let end = name.find(['.', '[']).unwrap_or(name.len());
                (Step::Key(name[..end].to_owned()), &name[end..])
            }
        };
        if step == Step::Key(String::new()) {
            return None;
        }
        steps.push(step);
        rest = after;
    }
    Some(steps)
}

/// The step after an opening bracket, and what follows the closing one.
fn bracketed(inner: &str) -> Option<(Step, &str)> {
    for quote in ['\'', '"'] {
        if let Some(quoted) = inner.strip_prefix(quote) {
            let (key, after) = quoted.split_once(quote)?;
            return Some((Step::Key(key.to_owned()), after.strip_prefix(']')?));
        }
    }
    let (index, after) = inner.split_once(']')?;
    Some((Step::Index(index.parse().ok()?), after))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(parts: &[&str]) -> Option<String> {
        let mut arguments = Arguments::default();
        for part in parts {
            arguments.add(&Node::read(part.as_bytes()).unwrap())?;
        }
        Some(arguments.to_text())
    }

    #[test]
    fn values_find_their_places_and_texts_grow() {
        let got = all(&[
            r#"{"jsonPath":"$.r.items[0].n","stringValue":"a","willContinue":true}"#,
            r#"{"jsonPath":"$.r.items[0].n","stringValue":"b"}"#,
            r#"{"jsonPath":"$.r.items[0].k","numberValue":2.0}"#,
            r#"{"jsonPath":"$.r.items[1]","boolValue":true}"#,
            r#"{"jsonPath":"$['x y']","nullValue":"NULL_VALUE"}"#,
            r#"{"jsonPath":"$.z","numberValue":1.5}"#,
        ]);
        assert_eq!(got.unwrap(), r#"{"r":{"items":[{"n":"ab","k":2},true]},"x y":null,"z":1.5}"#);
    }

    #[test]
    fn a_path_cannot_cost_memory() {
        assert_eq!(all(&[r#"{"jsonPath":"$.a[4000000000]","stringValue":"x"}"#]), None);
        let deep = format!(r#"{{"jsonPath":"${}","stringValue":"x"}}"#, ".a".repeat(200));
        assert_eq!(all(&[&deep]), None);
        assert_eq!(all(&[r#"{"jsonPath":"$..a","stringValue":"x"}"#]), None);
    }
}
