use schemars::JsonSchema;
use serde::Deserialize;

/// The variants of a value that may be one word or a map; [`super::read`] chooses by what stands there, so that mistakes
/// inside keep their place (serde's untagged enums lose it).
pub(super) const SHAPES: &[&str] = &["scalar", "map"];

/// One word, or a map.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[schemars(untagged)]
pub(super) enum WordOr<T> {
    #[serde(rename = "scalar")]
    Word(String),
    #[serde(rename = "map")]
    Map(T),
}
