//! Names that stand for something already.

use super::{Catalogue, known};

/// First segments of our own paths: `/{provider}/…` would never reach a provider of such a name, and a model of such a
/// name could not be told from a path.
const PATHS: &[&str] = &[
    "v1",
    "v1beta",
    "v2",
    "model",
    "models",
    "chat",
    "completions",
    "responses",
    "messages",
    "embeddings",
    "embed",
    "rerank",
    "images",
    "audio",
    "moderations",
    "batches",
    "files",
    "realtime",
    "api",
    "ui",
    "healthz",
    "readyz",
    "metrics",
    "deployments",
];

/// First segments that are faces: no names of virtual models, and of providers only where they mean that provider.
const FACES: &[&str] = &["openai", "anthropic", "genai", "bedrock", "cohere"];

/// Why a virtual model may not have this name.
pub(super) fn why_not_model(name: &str) -> Option<String> {
    if name.is_empty() || name.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Some("a model's name is not empty and has no spaces".to_owned());
    }
    let taken = PATHS.contains(&name) || FACES.contains(&name);
    taken
        .then(|| format!("`{name}` is reserved: it is the first segment of a path of the gateway; choose another name"))
}

/// Why a provider may not have this id.
pub(super) fn why_not_provider(id: &str, catalogue: &dyn Catalogue) -> Option<String> {
    if id.is_empty() || !id.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b)) {
        return Some(format!("`{id}` is no id of a provider; use letters, digits, `.`, `_` and `-`"));
    }
    let taken = PATHS.contains(&id) || FACES.contains(&id) && known(catalogue, id).is_none();
    taken.then(|| format!("`{id}` is reserved: it is the first segment of a path of the gateway; choose another id"))
}
