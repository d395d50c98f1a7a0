//! JSON Schemas under this protocol's rules.
//!
//! A tool's `input_schema` must say `type: object` and may say anything else. `output_config.format` and `strict` tools
//! compile the schema into a grammar that knows less: closed objects, no bounds on numbers and lengths, no recursion
//! (Anthropic, “JSON Schema limitations”). Key order is kept.

use std::borrow::Cow;
use std::collections::HashSet;

use tollgate_ir::Json;

use crate::json::{Glance, Node, Object};

/// A schema as a tool's `input_schema`.
pub(crate) fn of_input(schema: Option<&Json>) -> Cow<'_, Json> {
    let Some(schema) = schema else { return Cow::Owned(empty_object()) };
    if kind_at_a_glance(schema).as_deref() == Some("object") {
        return Cow::Borrowed(schema);
    }
    match Node::read(schema.as_str().as_bytes()) {
        Some(node) if node.text("type") == Some("object") => Cow::Borrowed(schema),
        Some(node @ Node::Object(_)) => Cow::Owned(typed_object(node).to_json()),
        _ => Cow::Owned(empty_object()),
    }
}

/// The `type` that a schema says, if that is plain to see: most are large, and say it first. It is known to be JSON, so
/// that what follows need not be read.
fn kind_at_a_glance(schema: &Json) -> Option<Cow<'_, str>> {
    let mut kind = None;
    Glance::through_text(schema.as_str(), |schema| {
        schema.members(|key, value| match key {
            "type" => {
                kind = value.text()?;
                None
            }
            _ => value.skip(),
        })
    });
    kind
}

fn empty_object() -> Json {
    Json::parse(r#"{"type":"object","properties":{}}"#).unwrap_or_else(|_| Json::empty_object())
}

/// The same with `"type":"object"` in front, in place of any other type.
fn typed_object(node: Node<'_>) -> Node<'_> {
    let Node::Object(Object(fields)) = node else { return node };
    let rest = fields.into_iter().filter(|(key, _)| key != "type");
    Node::Object(Object([("type".into(), Node::Text("object".into()))].into_iter().chain(rest).collect()))
}

/// Whether its top is an object, as an output tool's input must be.
pub(crate) fn is_object(schema: &Json) -> bool {
    Node::read(schema.as_str().as_bytes()).is_some_and(|node| {
        node.text("type") == Some("object") || (node.get("type").is_none() && node.get("properties").is_some())
    })
}

/// Whether a grammar can be made of it exactly as it is.
pub(crate) fn is_strict(schema: &Json) -> bool {
    grammar(schema).is_some_and(|(_, exact)| exact)
}

/// The schema as a grammar takes it. `None`: it would mean something else (open maps, bounds, recursion). The flag: it is
/// the schema itself; else objects that said nothing of further properties were closed, or annotations left out.
pub(crate) fn grammar(schema: &Json) -> Option<(Json, bool)> {
    let node = Node::read(schema.as_str().as_bytes())?;
    let mut made = Grammar { exact: true, whole: true };
    let out = made.schema(&node);
    (made.whole && References::resolve(&node)).then(|| (out.to_json(), made.exact))
}

/// The schema as a grammar takes it, whatever has to go: what does not fit is told in the description.
pub(crate) fn forced_grammar(schema: &Json) -> Json {
    let Some(node) = Node::read(schema.as_str().as_bytes()) else { return empty_object() };
    Grammar { exact: true, whole: true }.schema(&node).to_json()
}

struct Grammar {
    exact: bool,
    whole: bool,
}

/// What a grammar takes of a schema besides the keys that hold schemas.
const PLAIN: [&str; 8] = ["type", "description", "title", "default", "enum", "const", "required", "$ref"];
/// Keys that mean nothing to the answer.
const ANNOTATIONS: [&str; 9] =
    ["$schema", "$id", "$comment", "examples", "example", "strict", "deprecated", "readOnly", "writeOnly"];
const FORMATS: [&str; 10] =
    ["date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid"];

impl Grammar {
    fn schema<'s>(&mut self, node: &Node<'s>) -> Node<'s> {
        let Node::Object(Object(fields)) = node else {
            // `true` and `false` as schemas.
            self.whole = false;
            return node.clone();
        };
        let mut out = Vec::with_capacity(fields.len() + 1);
        let mut told = Vec::new();
        for (key, value) in fields {
            match key.as_ref() {
                "additionalProperties" if *value == Node::Bool(false) => out.push((key.clone(), value.clone())),
                "additionalProperties" => {
                    self.exact = false;
                    // Open beside named properties: a closed object fits it as well; a map of any keys does not.
                    self.whole &= *value == Node::Bool(true) && node.get("properties").is_some();
                }
                "properties" | "$defs" | "definitions" => out.push((key.clone(), self.each(value))),
                "items" => out.push((key.clone(), self.schema(value))),
                "anyOf" | "allOf" => out.push((key.clone(), self.all(value))),
                "oneOf" => {
                    self.exact = false;
                    out.push(("anyOf".into(), self.all(value)));
                }
                "format" if value.as_str().is_some_and(|f| FORMATS.contains(&f)) => {
                    out.push((key.clone(), value.clone()));
                }
                "minItems" if value.as_u64().is_some_and(|n| n < 2) => out.push((key.clone(), value.clone())),
                plain if PLAIN.contains(&plain) => out.push((key.clone(), value.clone())),
                note if ANNOTATIONS.contains(&note) => self.exact = false,
                _ => {
                    self.whole = false;
                    told.push(format!("{key}: {}", value.to_text()));
                }
            }
        }
        self.close(node, &mut out);
        tell(&mut out, &told);
        Node::Object(Object(out))
    }

    /// An object is closed; one without named properties could then only be empty.
    fn close<'s>(&mut self, node: &Node<'s>, out: &mut Vec<(Cow<'s, str>, Node<'s>)>) {
        let is_object = match node.get("type") {
            Some(Node::Text(kind)) => kind == "object",
            Some(Node::Array(kinds)) => kinds.iter().any(|k| k.as_str() == Some("object")),
            _ => node.get("properties").is_some(),
        };
        if is_object && !out.iter().any(|(key, _)| key == "additionalProperties") {
            self.exact = false;
            self.whole &= node.get("properties").is_some_and(|p| !p.entries().is_empty());
            out.push(("additionalProperties".into(), Node::Bool(false)));
        }
    }

    fn each<'s>(&mut self, node: &Node<'s>) -> Node<'s> {
        let entries = node.entries().iter().map(|(key, value)| (key.clone(), self.schema(value)));
        Node::Object(Object(entries.collect()))
    }

    fn all<'s>(&mut self, node: &Node<'s>) -> Node<'s> {
        Node::Array(node.items().iter().map(|item| self.schema(item)).collect())
    }
}

/// Adds to the description what the grammar cannot hold.
fn tell<'s>(out: &mut Vec<(Cow<'s, str>, Node<'s>)>, told: &[String]) {
    if told.is_empty() {
        return;
    }
    let told = format!("{{{}}}", told.join(", "));
    match out.iter_mut().find(|(key, _)| key == "description") {
        Some((_, Node::Text(text))) => *text = format!("{text}\n\n{told}").into(),
        _ => out.push(("description".into(), Node::Text(told.into()))),
    }
}

/// Walks the references of a schema, each definition once.
struct References<'s> {
    root: &'s Node<'s>,
    open: Vec<&'s str>,
    done: HashSet<&'s str>,
}

impl<'s> References<'s> {
    /// Whether every reference points into the schema and none comes back to itself.
    fn resolve(root: &'s Node<'s>) -> bool {
        Self { root, open: Vec::new(), done: HashSet::new() }.walk(root)
    }

    fn walk(&mut self, node: &'s Node<'s>) -> bool {
        match node {
            Node::Object(Object(fields)) => fields.iter().all(|(key, value)| match value {
                Node::Text(path) if key == "$ref" => self.follow(path),
                _ => self.walk(value),
            }),
            Node::Array(items) => items.iter().all(|item| self.walk(item)),
            _ => true,
        }
    }

    fn follow(&mut self, path: &'s str) -> bool {
        if self.done.contains(path) {
            return true;
        }
        let target = path.strip_prefix("#/").and_then(|steps| {
            steps.split('/').try_fold(self.root, |at, step| at.get(&step.replace("~1", "/").replace("~0", "~")))
        });
        let Some(target) = target.filter(|_| !self.open.contains(&path)) else { return false };
        self.open.push(path);
        let ends = self.walk(target);
        self.open.pop();
        self.done.insert(path);
        ends
    }
}
