//! JSON Schema as dialects need it: references put in place, and Google's reduced `Schema` both ways.
//!
//! Every function ends within fixed bounds on any input: a reference that leads back to itself, a schema too deep or too
//! large once its references stand in place, are faults that name the path. Key order is kept.

mod gemini;
mod refs;

pub use gemini::{from_gemini, to_gemini};
pub use refs::inline_refs;

/// Keywords whose value maps names to schemas.
pub(crate) const MAPS: [&str; 4] = ["properties", "patternProperties", "dependentSchemas", "$defs"];
/// Keywords whose value is a list of schemas.
pub(crate) const LISTS: [&str; 4] = ["anyOf", "oneOf", "allOf", "prefixItems"];
/// Keywords whose value is a schema.
pub(crate) const SCHEMAS: [&str; 9] = [
    "items",
    "additionalProperties",
    "not",
    "if",
    "then",
    "else",
    "contains",
    "propertyNames",
    "unevaluatedProperties",
];

#[cfg(test)]
mod tests;
