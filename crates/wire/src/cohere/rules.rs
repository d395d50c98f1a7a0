//! What Cohere's models take, by the beginnings of their names, and the bounds of its parameters (API reference, v2/chat).

/// Most stop sequences.
pub(super) const MAX_STOPS: usize = 5;
/// Highest temperature that is of use; the API's own default is 0.3.
pub(super) const MAX_TEMPERATURE: f64 = 1.0;
/// Lowest `p`.
pub(super) const MIN_TOP_P: f64 = 0.01;
/// Highest `k`.
pub(super) const MAX_TOP_K: u64 = 500;
/// Highest penalty; the lowest is 0.
pub(super) const MAX_PENALTY: f64 = 1.0;

/// Families that do not reason. Newer ones do, so a name that is not here is taken to.
const WITHOUT_REASONING: &[&str] = &[
    "command-r",
    "command-a-03",
    "command-a-vision",
    "command-a-translate",
    "command-light",
    "command-nightly",
    "c4ai-",
];

/// Whether a model takes `thinking`.
pub(super) fn reasons(model: &str) -> bool {
    // Hosts put themselves before the name: `cohere.command-r-v1:0`, `cohere/command-a-03-2025`.
    let name = model.rsplit('/').next().unwrap_or(model);
    let name = name.split_once("cohere.").map_or(name, |(_, name)| name);
    name != "command" && !WITHOUT_REASONING.iter().any(|family| name.starts_with(family))
}
