//! The shortest prompts that providers cache. Shorter ones are in no cache, so that nothing is lost by spreading them.

/// Beginnings of model names (anywhere in the name: hosts put their own before them) and tokens. Anthropic, prompt
/// caching, "Cache limitations"; OpenAI, prompt caching; Google, context caching (implicit).
const LEAST: &[(&str, u64)] = &[
    ("claude-opus-4-5", 4096),
    ("claude-opus-4-6", 4096),
    ("claude-haiku-4-5", 4096),
    ("claude-3-haiku", 2048),
    ("claude-3-5-haiku", 2048),
    ("gemini-2.5-pro", 4096),
    ("gemini-3", 2048),
];

/// What most providers say.
const USUAL: u64 = 1024;

/// The tokens of the shortest prompt of a model that is cached.
pub(super) fn least_cached(model: &str) -> u64 {
    LEAST.iter().find(|(name, _)| model.contains(name)).map_or(USUAL, |(_, least)| *least)
}
