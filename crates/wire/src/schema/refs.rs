//! `$ref` → what it refers to.

use std::borrow::Cow;

use tollgate_ir::{Fault, FaultKind};

use super::{LISTS, MAPS, SCHEMAS};
use crate::json::{Node, Object};

/// Most values that a schema may have once its references stand in place.
const MAX_VALUES: usize = 20_000;
/// Deepest nesting then; bodies are read to 128.
const MAX_DEPTH: usize = 120;

/// Puts what local references (`#/$defs/…`) refer to in their place and leaves the definitions out. `at` is the schema's
/// path in the client's body, for faults: a reference to itself, or into nowhere, is 400 naming the path.
pub fn inline_refs<'a>(schema: &Node<'a>, at: &str) -> Result<Node<'a>, Fault> {
    if !mentions_ref(schema) {
        return Ok(schema.clone());
    }
    let mut walk = Walk { root: schema, at, within: Vec::new(), left: MAX_VALUES };
    walk.schema(schema, &mut Vec::new(), 0)
}

fn mentions_ref(node: &Node<'_>) -> bool {
    match node {
        Node::Object(Object(entries)) => entries.iter().any(|(key, value)| key == "$ref" || mentions_ref(value)),
        Node::Array(items) => items.iter().any(mentions_ref),
        _ => false,
    }
}

struct Walk<'r, 'a> {
    root: &'r Node<'a>,
    at: &'r str,
    /// The references being followed.
    within: Vec<String>,
    left: usize,
}

type Path<'r> = Vec<Cow<'r, str>>;

impl<'r, 'a> Walk<'r, 'a> {
    fn schema(&mut self, node: &'r Node<'a>, path: &mut Path<'r>, depth: usize) -> Result<Node<'a>, Fault> {
        self.count(path, depth)?;
        let Node::Object(Object(entries)) = node else { return Ok(node.clone()) };
        let mut out: Vec<(Cow<'a, str>, Node<'a>)> = Vec::with_capacity(entries.len());
        let reference = entries.iter().rev().find(|(key, _)| key == "$ref").and_then(|(_, v)| v.as_str());
        if let Some(reference) = reference
            && let Node::Object(Object(found)) = self.follow(reference, path, depth)?
        {
            out = found;
        }
        for (key, value) in entries {
            if matches!(key.as_ref(), "$ref" | "$defs" | "definitions") {
                continue;
            }
            path.push(Cow::Borrowed(key));
            let value = self.keyword(key, value, path, depth + 1)?;
            path.pop();
            // What stands beside a reference holds before what it refers to.
            match out.iter_mut().find(|(k, _)| reference.is_some() && k == key) {
                Some(slot) => slot.1 = value,
                None => out.push((key.clone(), value)),
            }
        }
        Ok(Node::Object(Object(out)))
    }

    fn keyword(
        &mut self,
        key: &str,
        value: &'r Node<'a>,
        path: &mut Path<'r>,
        depth: usize,
    ) -> Result<Node<'a>, Fault> {
        match value {
            Node::Object(Object(entries)) if MAPS.contains(&key) => {
                let mut out = Vec::with_capacity(entries.len());
                for (name, schema) in entries {
                    path.push(Cow::Borrowed(name));
                    out.push((name.clone(), self.schema(schema, path, depth + 1)?));
                    path.pop();
                }
                Ok(Node::Object(Object(out)))
            }
            Node::Array(items) if LISTS.contains(&key) || key == "items" => {
                let mut out = Vec::with_capacity(items.len());
                for (i, schema) in items.iter().enumerate() {
                    path.push(Cow::Owned(i.to_string()));
                    out.push(self.schema(schema, path, depth + 1)?);
                    path.pop();
                }
                Ok(Node::Array(out))
            }
            Node::Object(_) if SCHEMAS.contains(&key) => self.schema(value, path, depth),
            // Values that are data, an enumeration or a default, may hold anything and are no schemas.
            other => Ok(other.clone()),
        }
    }

    fn follow(&mut self, reference: &str, path: &mut Path<'r>, depth: usize) -> Result<Node<'a>, Fault> {
        if self.within.iter().any(|r| r == reference) {
            return Err(self.refuse(path, &format!("refers to itself (`{reference}`); write it without a circle")));
        }
        let Some(target) = lookup(self.root, reference) else {
            return Err(self.refuse(path, &format!("refers to `{reference}`, which is not there")));
        };
        self.within.push(reference.to_owned());
        let found = self.schema(target, path, depth + 1);
        self.within.pop();
        found
    }

    fn count(&mut self, path: &Path<'r>, depth: usize) -> Result<(), Fault> {
        if depth > MAX_DEPTH {
            return Err(self.refuse(path, "is nested too deep once its references stand in place"));
        }
        self.left = match self.left.checked_sub(1) {
            Some(left) => left,
            None => return Err(self.refuse(path, "is too large once its references stand in place")),
        };
        Ok(())
    }

    fn refuse(&self, path: &Path<'r>, why: &str) -> Fault {
        let mut place = self.at.to_owned();
        for step in path {
            if !place.is_empty() {
                place.push('.');
            }
            place.push_str(step);
        }
        let what = if place.is_empty() { "The schema".to_owned() } else { format!("The schema at `{place}`") };
        let mut fault = Fault::new(FaultKind::InvalidField, format!("{what} {why}."));
        fault.param = Some(place).filter(|p| !p.is_empty());
        fault
    }
}

/// What a local reference (a JSON Pointer in a fragment) refers to.
fn lookup<'r, 'a>(root: &'r Node<'a>, reference: &str) -> Option<&'r Node<'a>> {
    let pointer = reference.strip_prefix('#')?;
    if pointer.is_empty() {
        return Some(root);
    }
    pointer.strip_prefix('/')?.split('/').try_fold(root, |node, step| {
        let key = step.replace("~1", "/").replace("~0", "~");
        match node {
            Node::Array(items) => items.get(key.parse::<usize>().ok()?),
            _ => node.get(&key),
        }
    })
}
