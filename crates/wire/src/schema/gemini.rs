//! Google's `Schema` (a part of OpenAPI 3.0: upper-case types, `nullable`, no references) ↔ JSON Schema.

use std::borrow::Cow;

use tollgate_ir::Fault;

use super::inline_refs;
use crate::json::{Node, Object};

type Entries<'a> = Vec<(Cow<'a, str>, Node<'a>)>;

/// Google's `Schema` as JSON Schema. What is JSON Schema already stays as it is.
pub fn from_gemini<'a>(schema: &Node<'a>) -> Node<'a> {
    let Node::Object(Object(entries)) = schema else { return schema.clone() };
    let nullable = entries.iter().any(|(k, v)| k == "nullable" && v.as_bool() == Some(true));
    let mut out: Entries<'a> = Vec::with_capacity(entries.len());
    for (key, value) in entries {
        let key = standard_key(key);
        let value = match key.as_ref() {
            "nullable" => continue,
            // The order of the properties says the same, once they stand in it.
            "propertyOrdering" => continue,
            "type" => match type_down(value) {
                Some(value) => value,
                None => continue,
            },
            "properties" | "$defs" => map_values(value, from_gemini),
            "anyOf" | "oneOf" | "allOf" | "prefixItems" => map_items(value, from_gemini),
            "items" | "additionalProperties" | "not" => from_gemini(value),
            "minItems" | "maxItems" | "minLength" | "maxLength" | "minProperties" | "maxProperties" => count(value),
            "example" => {
                out.push((Cow::Borrowed("examples"), Node::Array(vec![value.clone()])));
                continue;
            }
            // Says only that there is an `enum`.
            "format" if value.as_str() == Some("enum") => continue,
            _ => value.clone(),
        };
        out.push((key, value));
    }
    order_properties(schema, &mut out);
    if nullable {
        make_nullable(&mut out);
    }
    Node::Object(Object(out))
}

/// The keys that Google spells in snake_case or otherwise than JSON Schema does.
fn standard_key<'a>(key: &Cow<'a, str>) -> Cow<'a, str> {
    Cow::Borrowed(match key.as_ref() {
        "any_of" => "anyOf",
        "min_items" => "minItems",
        "max_items" => "maxItems",
        "min_length" => "minLength",
        "max_length" => "maxLength",
        "min_properties" => "minProperties",
        "max_properties" => "maxProperties",
        "property_ordering" => "propertyOrdering",
        "additional_properties" => "additionalProperties",
        "prefix_items" => "prefixItems",
        "defs" => "$defs",
        "ref" => "$ref",
        _ => return key.clone(),
    })
}

fn type_down<'a>(value: &Node<'a>) -> Option<Node<'a>> {
    match value {
        Node::Text(t) if t.eq_ignore_ascii_case("TYPE_UNSPECIFIED") => None,
        Node::Text(t) => Some(Node::Text(Cow::Owned(t.to_ascii_lowercase()))),
        Node::Array(items) => Some(Node::Array(items.iter().filter_map(type_down).collect())),
        other => Some(other.clone()),
    }
}

/// Counts are int64 there, which proto3 JSON writes as text.
fn count<'a>(value: &Node<'a>) -> Node<'a> {
    value.as_str().and_then(|t| t.parse::<u64>().ok()).map_or_else(|| value.clone(), |n| Node::Number(n.into()))
}

fn order_properties<'a>(schema: &Node<'a>, out: &mut Entries<'a>) {
    let ordering = schema.get("propertyOrdering").or_else(|| schema.get("property_ordering"));
    let order: Vec<&str> = ordering.map(Node::items).unwrap_or_default().iter().filter_map(Node::as_str).collect();
    if let Some((_, Node::Object(Object(properties)))) = out.iter_mut().find(|(k, _)| k == "properties") {
        properties.sort_by_key(|(name, _)| order.iter().position(|o| o == name).unwrap_or(order.len()));
    }
}

fn make_nullable(out: &mut Entries<'_>) {
    let null = || Node::Text(Cow::Borrowed("null"));
    let find = |out: &mut Entries<'_>, key: &str| out.iter().position(|(k, _)| k == key);
    if let Some(i) = find(out, "enum")
        && let Node::Array(items) = &mut out[i].1
        && !items.contains(&Node::Null)
    {
        items.push(Node::Null);
    }
    if let Some(i) = find(out, "type") {
        match &mut out[i].1 {
            Node::Array(types) if !types.contains(&null()) => types.push(null()),
            Node::Array(_) => {}
            one if *one == null() => {}
            one => *one = Node::Array(vec![one.clone(), null()]),
        }
    } else if let Some(i) = find(out, "anyOf")
        && let Node::Array(alternatives) = &mut out[i].1
    {
        alternatives.push(Node::Object(Object(vec![(Cow::Borrowed("type"), null())])));
    }
}

/// JSON Schema as Google's `Schema`, and whether it says all that the original said. References are put in place first.
pub fn to_gemini<'a>(schema: &Node<'a>, at: &str) -> Result<(Node<'a>, bool), Fault> {
    let inlined = inline_refs(schema, at)?;
    let mut lossless = true;
    let reduced = reduce(&inlined, &mut lossless);
    // An object without properties is refused there; to leave the parameters out says the same.
    let empty = reduced.text("type") == Some("OBJECT") && reduced.get("properties").is_none();
    Ok((if empty { Node::Object(Object::default()) } else { reduced }, lossless))
}

fn reduce<'a>(schema: &Node<'a>, lossless: &mut bool) -> Node<'a> {
    let Node::Object(Object(entries)) = schema else {
        *lossless &= *schema == Node::Bool(true);
        return Node::Object(Object::default());
    };
    let mut out: Entries<'a> = Vec::with_capacity(entries.len());
    for (key, value) in entries {
        match key.as_ref() {
            "type" => types(value, &mut out),
            "properties" if value.entries().is_empty() => {}
            "properties" => out.push((key.clone(), map_values(value, |v| reduce(v, lossless)))),
            "items" => out.push((key.clone(), reduce(value, lossless))),
            "anyOf" | "oneOf" => alternatives(value, &mut out, lossless),
            "allOf" => match value.items() {
                [one] => merge(reduce(one, lossless), &mut out),
                _ => *lossless = false,
            },
            "const" => enumerate(std::slice::from_ref(value), &mut out, lossless),
            "enum" => enumerate(value.items(), &mut out, lossless),
            "format" if matches!(value.as_str(), Some("date-time" | "int32" | "int64" | "float" | "double")) => {
                out.push((key.clone(), value.clone()));
            }
            "description" | "title" | "required" | "minimum" | "maximum" | "minItems" | "maxItems" | "minLength"
            | "maxLength" | "minProperties" | "maxProperties" | "pattern" | "default" | "nullable" => {
                out.push((key.clone(), value.clone()));
            }
            // These say nothing that changes what is valid.
            "$schema" | "$id" | "$comment" | "examples" | "strict" => {}
            "additionalProperties" if *value == Node::Bool(true) => {}
            _ => *lossless = false,
        }
    }
    Node::Object(Object(out))
}

/// A type in upper case; `null` among several is `nullable`, several others are alternatives.
fn types<'a>(value: &Node<'a>, out: &mut Entries<'a>) {
    let upper = |t: &str| Node::Text(Cow::Owned(t.to_ascii_uppercase()));
    match value {
        Node::Text(t) => out.push((Cow::Borrowed("type"), upper(t))),
        Node::Array(items) => {
            let named: Vec<&str> = items.iter().filter_map(Node::as_str).filter(|t| *t != "null").collect();
            if named.len() < items.len() {
                set_nullable(out);
            }
            match named.as_slice() {
                [one] => out.push((Cow::Borrowed("type"), upper(one))),
                many => {
                    let each = many.iter().map(|t| Node::Object(Object(vec![(Cow::Borrowed("type"), upper(t))])));
                    out.push((Cow::Borrowed("anyOf"), Node::Array(each.collect())));
                }
            }
        }
        _ => {}
    }
}

fn alternatives<'a>(value: &Node<'a>, out: &mut Entries<'a>, lossless: &mut bool) {
    let is_null = |n: &Node<'_>| n.entries().len() == 1 && n.text("type") == Some("null");
    let mut kept: Vec<Node<'a>> = value.items().iter().filter(|n| !is_null(n)).map(|n| reduce(n, lossless)).collect();
    if kept.len() < value.items().len() {
        set_nullable(out);
    }
    match kept.len() {
        1 => merge(kept.remove(0), out),
        _ => out.push((Cow::Borrowed("anyOf"), Node::Array(kept))),
    }
}

/// Enumerations hold texts only there.
fn enumerate<'a>(values: &[Node<'a>], out: &mut Entries<'a>, lossless: &mut bool) {
    let texts: Vec<Node<'a>> = values.iter().filter(|v| v.as_str().is_some()).cloned().collect();
    if values.contains(&Node::Null) {
        set_nullable(out);
    }
    *lossless &= texts.len() + values.iter().filter(|v| **v == Node::Null).count() == values.len();
    if !texts.is_empty() {
        if !out.iter().any(|(k, _)| k == "type") {
            out.push((Cow::Borrowed("type"), Node::Text(Cow::Borrowed("STRING"))));
        }
        out.push((Cow::Borrowed("enum"), Node::Array(texts)));
    }
}

fn set_nullable(out: &mut Entries<'_>) {
    if !out.iter().any(|(k, _)| k == "nullable") {
        out.push((Cow::Borrowed("nullable"), Node::Bool(true)));
    }
}

/// Adds what is not there yet.
fn merge<'a>(more: Node<'a>, out: &mut Entries<'a>) {
    let Node::Object(Object(more)) = more else { return };
    for (key, value) in more {
        if !out.iter().any(|(k, _)| *k == key) {
            out.push((key, value));
        }
    }
}

fn map_values<'a>(node: &Node<'a>, mut convert: impl FnMut(&Node<'a>) -> Node<'a>) -> Node<'a> {
    match node {
        Node::Object(Object(entries)) => {
            Node::Object(Object(entries.iter().map(|(k, v)| (k.clone(), convert(v))).collect()))
        }
        other => other.clone(),
    }
}

fn map_items<'a>(node: &Node<'a>, mut convert: impl FnMut(&Node<'a>) -> Node<'a>) -> Node<'a> {
    match node {
        Node::Array(items) => Node::Array(items.iter().map(&mut convert).collect()),
        other => other.clone(),
    }
}
