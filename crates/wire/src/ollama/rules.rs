//! What models in Ollama's library take, by the beginnings of their names (ollama.com/search?c=thinking, docs/api.md).

/// Families that do not think: asked to, they answer 400. Newer ones do, so a name that is not here is taken to.
const WITHOUT_THINKING: &[&str] = &[
    "llama",
    "codellama",
    "tinyllama",
    "gemma:",
    "gemma2",
    "gemma3",
    "codegemma",
    "mistral",
    "mixtral",
    "codestral",
    "devstral",
    "ministral",
    "phi:",
    "phi3",
    "phi4:",
    "phi4-mini:",
    "qwen:",
    "qwen2",
    "qwen3-coder",
    "qwen3-embedding",
    "deepseek-coder",
    "deepseek-v2",
    "deepseek-v3:",
    "command-r",
    "command-a",
    "granite3.1",
    "granite-code",
    "starcoder",
    "llava",
    "bakllava",
    "moondream",
    "minicpm-v",
    "smollm",
    "falcon",
    "yi:",
    "vicuna",
    "orca",
    "dolphin",
    "hermes3",
    "openhermes",
    "nous-hermes",
    "solar",
    "zephyr",
    "wizard",
    "stablelm",
    "aya",
    "olmo2",
];

/// Families that are told how hard to think; the others only whether.
const WITH_LEVELS: &[&str] = &["gpt-oss"];

/// The name in the library: without a namespace or host, with its tag.
fn named(model: &str) -> String {
    let name = model.rsplit('/').next().unwrap_or(model);
    if name.contains(':') { name.to_owned() } else { format!("{name}:latest") }
}

fn is_of(model: &str, families: &[&str]) -> bool {
    let name = named(model);
    families.iter().any(|family| name.starts_with(family))
}

/// Whether a model takes `think`.
pub(super) fn thinks(model: &str) -> bool {
    !is_of(model, WITHOUT_THINKING)
}

/// Whether a model takes a level in `think`.
pub(super) fn takes_levels(model: &str) -> bool {
    is_of(model, WITH_LEVELS)
}
