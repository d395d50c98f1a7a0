//! The configuration's JSON Schema and its reference in Markdown, both from the raw structs.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde::Deserialize;

use super::raw::RawConfig;

/// The JSON Schema of a configuration file, for editors.
pub fn schema() -> String {
    let schema = schemars::schema_for!(RawConfig);
    serde_json::to_string_pretty(&schema).unwrap_or_default()
}

/// The part of JSON Schema that the raw structs make.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Shape {
    description: String,
    properties: BTreeMap<String, Shape>,
    required: Vec<String>,
    items: Option<Box<Shape>>,
    #[serde(rename = "additionalProperties", deserialize_with = "schema_or_bool")]
    values: Option<Box<Shape>>,
    #[serde(rename = "$ref")]
    reference: Option<String>,
    #[serde(rename = "anyOf")]
    any_of: Vec<Shape>,
    #[serde(rename = "oneOf")]
    one_of: Vec<Shape>,
    #[serde(rename = "type")]
    kind: Option<OneOrMany>,
    #[serde(rename = "$defs")]
    definitions: BTreeMap<String, Shape>,
    #[serde(rename = "const")]
    constant: Option<String>,
    #[serde(rename = "enum")]
    words: Vec<Option<String>>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

fn schema_or_bool<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Box<Shape>>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Either {
        #[expect(dead_code, reason = "read only to be told from a schema")]
        Bool(bool),
        Shape(Box<Shape>),
    }
    Ok(match Either::deserialize(deserializer)? {
        Either::Bool(_) => None,
        Either::Shape(shape) => Some(shape),
    })
}

/// The reference of all keys as Markdown, the text of docs/config.md.
pub fn reference() -> String {
    let root: Shape = serde_json::from_str(&schema()).unwrap_or_default();
    let mut text = String::from(
        "# Configuration\n\nEvery key of `tollgate.yaml`. Made from the code; `tollgate schema` prints the same as JSON Schema.\n\n\
         Text may hold `${VAR}`, `${VAR:-default}` and `${file:/path}`; `$$` is a dollar sign. Durations have a unit \
         (`500ms`, `2s`, `10m`, `24h`), sizes too (`16MiB`), prices are decimal dollars per million tokens.\n",
    );
    let mut page = Page { root: &root, text: &mut text, above: Vec::new() };
    page.section("", &root);
    text
}

struct Page<'a> {
    root: &'a Shape,
    text: &'a mut String,
    /// The maps that the one in hand stands in: a policy holds policies, a price prices; one level says it.
    above: Vec<&'a Shape>,
}

impl<'a> Page<'a> {
    /// A table of a map's keys, then a section for each key that is a map of its own.
    fn section(&mut self, path: &str, shape: &'a Shape) {
        let heading = if path.is_empty() { "The file".to_owned() } else { format!("`{path}`") };
        // Writing to a String cannot fail.
        let _ = write!(self.text, "\n## {heading}\n\n{}\n\n| key | value | |\n|---|---|---|\n", shape.description);
        for (name, property) in &shape.properties {
            let must = if shape.required.contains(name) { " **Required.**" } else { "" };
            let about = property.description.replace('\n', " ");
            let _ = writeln!(self.text, "| `{name}` | {} | {about}{must} |", self.kind(property));
        }
        for (name, property) in &shape.properties {
            let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
            if let Some((suffix, inner)) = self.inner(property)
                && !self.above.iter().any(|above| std::ptr::eq(*above, inner))
            {
                self.above.push(inner);
                self.section(&format!("{path}{suffix}"), inner);
                self.above.pop();
            }
        }
    }

    /// The map below a property, behind references, lists and names that the operator chooses.
    fn inner(&self, shape: &'a Shape) -> Option<(&'static str, &'a Shape)> {
        let shape = self.resolved(shape);
        if !shape.properties.is_empty() {
            return Some(("", shape));
        }
        if let Some(items) = &shape.items {
            return self.inner(items).map(|(_, inner)| ("[]", inner));
        }
        if let Some(values) = &shape.values {
            return self.inner(values).map(|(_, inner)| (".<name>", inner));
        }
        shape.any_of.iter().find_map(|one| self.inner(one))
    }

    fn resolved(&self, shape: &'a Shape) -> &'a Shape {
        let name = shape.reference.as_deref().and_then(|path| path.strip_prefix("#/$defs/"));
        name.and_then(|name| self.root.definitions.get(name)).unwrap_or(shape)
    }

    /// What stands as a value, in a word or two.
    fn kind(&self, shape: &'a Shape) -> String {
        if let Some(name) = shape.reference.as_deref().and_then(|path| path.strip_prefix("#/$defs/"))
            && matches!(name, "Duration" | "Size" | "Dollars" | "Address" | "Dialect" | "Secret")
        {
            return name.to_lowercase();
        }
        let shape = self.resolved(shape);
        let words = shape.one_of.iter().filter_map(|one| one.constant.as_deref());
        let words: Vec<&str> = words.chain(shape.words.iter().flatten().map(String::as_str)).collect();
        if !words.is_empty() {
            return words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ");
        }
        if let Some(items) = &shape.items {
            return format!("list of {}", self.kind(items));
        }
        if let Some(values) = &shape.values {
            return format!("{} by name", self.kind(values));
        }
        if !shape.properties.is_empty() {
            return "map".to_owned();
        }
        let choices = shape.any_of.iter().filter(|one| !one.is_null()).map(|one| self.kind(one));
        let choices: Vec<String> = choices.collect();
        if !choices.is_empty() {
            return choices.join(" or ");
        }
        match &shape.kind {
            Some(OneOrMany::One(kind)) => plain(kind).to_owned(),
            Some(OneOrMany::Many(kinds)) => {
                kinds.iter().find(|kind| *kind != "null").map_or("", |kind| plain(kind)).to_owned()
            }
            None => "map".to_owned(),
        }
    }
}

impl Shape {
    fn is_null(&self) -> bool {
        matches!(&self.kind, Some(OneOrMany::One(kind)) if kind == "null")
    }
}

fn plain(kind: &str) -> &str {
    match kind {
        "string" => "text",
        "integer" | "number" => "number",
        "boolean" => "`true`, `false`",
        "object" => "map",
        other => other,
    }
}
