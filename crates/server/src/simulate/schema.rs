//! The smallest value that fits a JSON Schema, for simulated arguments and structured answers.

use tollgate_ir::Json;
use tollgate_wire::json::{self, ArrayWriter, Node, ObjectWriter};

/// How deep an example goes before it stops (schemas may refer to themselves).
const MAX_DEPTH: usize = 8;

/// An example as JSON text.
pub(super) fn example(schema: &Json) -> String {
    let mut out = Vec::new();
    if let Some(root) = Node::read(schema.as_str().as_bytes()) {
        json::object(&mut out, |o| properties(o, &resolved(&root, &root), &root, 0));
    } else {
        out.extend_from_slice(b"{}");
    }
    String::from_utf8(out).unwrap_or_default()
}

fn properties(out: &mut ObjectWriter<'_>, schema: &Node<'_>, root: &Node<'_>, depth: usize) {
    let required: Vec<&str> =
        schema.get("required").map(|r| r.items().iter().filter_map(Node::as_str).collect()).unwrap_or_default();
    for (name, property) in schema.get("properties").map(Node::entries).unwrap_or_default() {
        if required.contains(&name.as_ref()) {
            let mut slot = Slot::Field(out, name);
            value(&mut slot, property, name, root, depth + 1);
        }
    }
}

/// Where a value is written.
enum Slot<'a, 'b> {
    Field(&'a mut ObjectWriter<'b>, &'a str),
    Item(&'a mut ArrayWriter<'b>),
}

impl Slot<'_, '_> {
    fn node(&mut self, node: &Node<'_>) {
        match self {
            Self::Field(out, key) => out.node(key, node),
            Self::Item(out) => out.node(node),
        }
    }

    fn text(&mut self, text: &str) {
        match self {
            Self::Field(out, key) => out.text(key, text),
            Self::Item(out) => out.text(text),
        }
    }

    fn object(&mut self, fill: impl FnOnce(&mut ObjectWriter<'_>)) {
        match self {
            Self::Field(out, key) => out.object(key, fill),
            Self::Item(out) => out.object(fill),
        }
    }

    fn array(&mut self, fill: impl FnOnce(&mut ArrayWriter<'_>)) {
        match self {
            Self::Field(out, key) => out.array(key, fill),
            Self::Item(out) => out.array(fill),
        }
    }
}

fn value(slot: &mut Slot<'_, '_>, schema: &Node<'_>, name: &str, root: &Node<'_>, depth: usize) {
    let schema = resolved(schema, root);
    if let Some(fixed) =
        schema.get("const").or_else(|| schema.get("enum")?.items().first()).or_else(|| schema.get("default"))
    {
        return slot.node(fixed);
    }
    if let Some(first) = ["anyOf", "oneOf"].iter().find_map(|k| schema.get(k)?.items().first())
        && depth < MAX_DEPTH
    {
        return value(slot, first, name, root, depth + 1);
    }
    let kind = schema
        .get("type")
        .and_then(|t| t.as_str().or_else(|| t.items().iter().filter_map(Node::as_str).find(|t| *t != "null")));
    match kind.map(str::to_lowercase).as_deref() {
        Some("object") => slot.object(|o| {
            if depth < MAX_DEPTH {
                properties(o, &schema, root, depth);
            }
        }),
        Some("array") => {
            let items = schema.get("items").filter(|_| schema.uint("minItems").unwrap_or(0) > 0 && depth < MAX_DEPTH);
            slot.array(|a| {
                if let Some(items) = items {
                    value(&mut Slot::Item(a), items, name, root, depth + 1);
                }
            });
        }
        Some("integer" | "number") => slot.node(schema.get("minimum").unwrap_or(&Node::Number(1.into()))),
        Some("boolean") => slot.node(&Node::Bool(true)),
        Some("null") => slot.node(&Node::Null),
        _ => slot.text(name),
    }
}

/// The schema that a local `$ref` names; the schema itself without one.
fn resolved<'a>(schema: &Node<'a>, root: &Node<'a>) -> Node<'a> {
    let mut current = schema;
    for _ in 0..MAX_DEPTH {
        let Some(path) = current.text("$ref").and_then(|r| r.strip_prefix("#/")) else { break };
        match path.split('/').try_fold(root, |node, key| node.get(key)) {
            Some(found) => current = found,
            None => break,
        }
    }
    current.clone()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn examples_fit() {
        for (schema, expected) in [
            (
                r#"{"type":"object","properties":{"a":{"type":"string"},"b":{"type":"number"}},"required":["a"]}"#,
                r#"{"a":"a"}"#,
            ),
            (
                r#"{"properties":{"k":{"enum":["x","y"]},"l":{"type":["null","boolean"]}},"required":["k","l"]}"#,
                r#"{"k":"x","l":true}"#,
            ),
            (
                r##"{"$defs":{"n":{"type":"object","properties":{"n":{"$ref":"#/$defs/n"}},"required":["n"]}},"$ref":"#/$defs/n"}"##,
                r#"{"n":{"n":{"n":{"n":{"n":{"n":{"n":{"n":{}}}}}}}}}"#,
            ),
            (
                r#"{"properties":{"l":{"type":"array","items":{"type":"integer"},"minItems":1}},"required":["l"]}"#,
                r#"{"l":[1]}"#,
            ),
        ] {
            assert_eq!(example(&Json::parse(schema).unwrap()), expected);
        }
    }
}
