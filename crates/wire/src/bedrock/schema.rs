//! The subset of JSON Schema that Bedrock's native structured output takes (user guide, “Structured outputs”): every
//! object closed, no bounds on numbers, texts and arrays, no recursion. A schema outside of it goes by a forced tool.

use tollgate_ir::Json;

use crate::json::Node;

/// Keywords that are refused with 400.
const REFUSED: &[&str] = &[
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "minLength",
    "maxLength",
    "maxItems",
    "uniqueItems",
    "contains",
    "minContains",
    "maxContains",
    "minProperties",
    "maxProperties",
    "patternProperties",
    "propertyNames",
    "prefixItems",
    "dependentRequired",
    "dependentSchemas",
    "if",
    "then",
    "else",
    "not",
    "oneOf",
];

/// The schema with every object closed, as text; `None` if it says what is refused.
pub(super) fn closed(schema: &Json) -> Option<String> {
    let mut node = Node::read(schema.as_str().as_bytes())?;
    if node.text("type") != Some("object") {
        return None;
    }
    let before = node.clone();
    close(&mut node)?;
    // Untouched, it keeps the bytes that its writer gave it.
    Some(if node == before { schema.as_str().to_owned() } else { node.to_text() })
}

fn close(node: &mut Node<'_>) -> Option<()> {
    let Node::Object(object) = node else { return Some(()) };
    for (key, value) in &mut object.0 {
        match key.as_ref() {
            keyword if REFUSED.contains(&keyword) => return None,
            "properties" | "$defs" | "definitions" => {
                if let Node::Object(named) = value {
                    named.0.iter_mut().try_for_each(|(_, schema)| close(schema))?;
                }
            }
            "items" => close(value)?,
            "anyOf" | "allOf" => {
                if let Node::Array(all) = value {
                    all.iter_mut().try_for_each(close)?;
                }
            }
            "minItems" if value.as_u64().is_some_and(|n| n > 1) => return None,
            "additionalProperties" if *value != Node::Bool(false) => return None,
            // Only references to definitions; one to the schema itself is a recursion.
            "$ref" if value.as_str().is_none_or(|at| !at.starts_with("#/")) => return None,
            _ => {}
        }
    }
    let is_object = object.get("type").and_then(Node::as_str) == Some("object") || object.get("properties").is_some();
    if is_object && object.get("additionalProperties").is_none() {
        object.0.push(("additionalProperties".into(), Node::Bool(false)));
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(text: &str) -> Option<String> {
        closed(&Json::parse(text).unwrap())
    }

    #[test]
    fn objects_are_closed_and_the_rest_keeps_its_order() {
        assert_eq!(
            run(r#"{"type":"object","properties":{"b":{"type":"array","items":{"type":"object","properties":{}}},"a":{"type":"string"}},"required":["b"]}"#).unwrap(),
            r#"{"type":"object","properties":{"b":{"type":"array","items":{"type":"object","properties":{},"additionalProperties":false}},"a":{"type":"string"}},"required":["b"],"additionalProperties":false}"#
        );
        let closed = r#"{"type": "object", "properties": {}, "additionalProperties": false}"#;
        assert_eq!(run(closed).unwrap(), closed);
    }

    #[test]
    fn what_the_service_refuses_is_not_asked_of_it() {
        for schema in [
            r#"{"type":"array","items":{"type":"string"}}"#,
            r#"{"type":"object","properties":{"a":{"type":"integer","minimum":1}}}"#,
            r#"{"type":"object","additionalProperties":{"type":"string"}}"#,
            r##"{"type":"object","properties":{"a":{"$ref":"#"}}}"##,
            r#"{"type":"object","properties":{"a":{"anyOf":[{"type":"string","maxLength":3}]}}}"#,
        ] {
            assert_eq!(run(schema), None, "{schema}");
        }
    }
}
