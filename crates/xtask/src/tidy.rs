//! The house rules that no compiler checks: which crate may see which, how long a file may be, what it may be called, what
//! must stand in no file, and that the generated pages are those that `cargo xtask docs` would write.

use std::fs;
use std::path::{Path, PathBuf};

use tollgate_wire::providers;

use crate::docs;

/// What each crate may depend on, among ours. Arrows point one way only (ARCHITECTURE.md).
const ARROWS: &[(&str, &[&str])] = &[
    ("ir", &[]),
    ("wire", &["ir"]),
    ("text", &["ir"]),
    ("core", &["ir", "text"]),
    ("store", &["core", "ir"]),
    ("server", &["core", "ir", "text", "wire"]),
    ("tollgate", &["core", "ir", "server", "store", "wire"]),
    ("testkit", &[]),
    ("bench", &["core", "ir", "wire"]),
    ("xtask", &["core", "ir", "wire"]),
];

/// Most lines of a source file before its tests; past it there are two ideas in it.
const MAX_LINES: usize = 600;

/// File names that say nothing.
const EMPTY_NAMES: &[&str] = &["util", "utils", "helper", "helpers", "common", "manager", "misc"];

/// Runs every check; all findings at once.
pub fn run(root: &Path) -> Result<(), Vec<String>> {
    let mut found = Vec::new();
    arrows(root, &mut found);
    let sources = sources(&root.join("crates"));
    for file in &sources {
        let Ok(text) = fs::read_to_string(file) else { continue };
        let name = file.strip_prefix(root).unwrap_or(file).display().to_string();
        size_and_name(file, &name, &text, &mut found);
        provider_ids(&name, &text, &mut found);
    }
    docs::stale(root, &mut found);
    if found.is_empty() { Ok(()) } else { Err(found) }
}

fn arrows(root: &Path, found: &mut Vec<String>) {
    for (krate, allowed) in ARROWS {
        let manifest = fs::read_to_string(root.join("crates").join(krate).join("Cargo.toml")).unwrap_or_default();
        let dependencies = manifest.split("[dev-dependencies]").next().unwrap_or_default();
        for line in dependencies.lines().filter(|line| line.starts_with("tollgate-")) {
            let other = line.trim_start_matches("tollgate-").split([' ', '=', '.']).next().unwrap_or_default();
            if !allowed.contains(&other) {
                found.push(format!(
                    "crates/{krate}/Cargo.toml: `{krate}` may not depend on `{other}` (ARCHITECTURE.md, the arrows)"
                ));
            }
        }
    }
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() && !path.ends_with("target") && !path.ends_with("examples") {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                all.push(path);
            }
        }
    }
    all.sort();
    all
}

fn is_test(name: &str) -> bool {
    name.contains("/tests/") || name.ends_with("tests.rs")
}

fn size_and_name(file: &Path, name: &str, text: &str, found: &mut Vec<String>) {
    let stem = file.file_stem().and_then(|s| s.to_str()).unwrap_or_default();
    if EMPTY_NAMES.contains(&stem) {
        found.push(format!("{name}: the name says nothing; name the idea"));
    }
    let lines = text.split("\n#[cfg(test)]").next().unwrap_or_default().lines().count();
    if !is_test(name) && lines > MAX_LINES {
        found.push(format!("{name}: {lines} lines; past {MAX_LINES} there are two ideas in it"));
    }
    if !text.starts_with("//!") && !is_test(name) && (stem == "lib" || stem == "main" || stem == "mod") {
        found.push(format!("{name}: say in a `//!` comment what it is and what invariant it keeps"));
    }
}

/// A provider's id in a string outside of the providers' own folder is a special case that belongs into its record.
/// Ids that are also names of dialects or of other things cannot be told apart and are left.
fn provider_ids(name: &str, text: &str, found: &mut Vec<String>) {
    // Tables of model classes go by the beginnings of models' names, which may be those of their makers.
    let classes = name.ends_with("/rules.rs") || name.ends_with("/models.rs");
    let allowed = classes || name.contains("/providers/") || is_test(name) || name.starts_with("crates/xtask");
    if allowed {
        return;
    }
    let words = [
        "openai",
        "anthropic",
        "google",
        "bedrock",
        "cohere",
        "perplexity",
        "azure",
        "alibaba",
        "minimax",
        "nvidia",
        "ollama",
        "vertex",
        // Families of models, which many hosts serve.
        "deepseek",
        "llama",
    ];
    let code = text.split("\n#[cfg(test)]").next().unwrap_or_default();
    for provider in providers::ALL.iter().filter(|p| !words.contains(&p.id)) {
        let quoted = format!("\"{}\"", provider.id);
        let line = code.lines().position(|line| line.contains(&quoted) && !line.trim_start().starts_with("//"));
        if let Some(line) = line {
            found.push(format!(
                "{name}:{}: the provider `{}` is named; put what is special about it into its record",
                line + 1,
                provider.id
            ));
        }
    }
}
