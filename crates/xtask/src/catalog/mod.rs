//! `cargo xtask catalog --from DIR`: Tollgate's own catalogue, made from public ones (models-dev.json and
//! litellm-prices.json in a folder). The same sources give the same bytes; docs/catalogue.md says which source decides.

mod decimal;
mod facts;
mod litellm;
mod merge;
mod models_dev;
mod names;
mod pages;
mod spellings;
mod successors;
#[cfg(test)]
mod tests;
mod write;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use facts::Facts;

/// Where the catalogue lies in the repository.
const FILE: &str = "crates/core/data/catalogue.txt";

/// Most bytes of it: it is part of every binary.
const MOST_BYTES: usize = 1 << 20;

/// Offers by `provider/model`.
type Offers = BTreeMap<String, Facts>;

/// Makes the file; `arguments` are those after the command.
pub fn run(root: &Path, arguments: &[String]) -> Result<(), Vec<String>> {
    let [flag, from] = arguments else { return Err(vec!["usage: cargo xtask catalog --from DIR".to_owned()]) };
    if flag != "--from" {
        return Err(vec![format!("`{flag}` is not known; usage: cargo xtask catalog --from DIR")]);
    }
    let from = PathBuf::from(from);
    let from = if from.is_absolute() { from } else { root.join(from) };
    let text = generate(&from).map_err(|e| vec![e])?;
    if text.len() > MOST_BYTES {
        return Err(vec![format!("the catalogue has {} bytes; more than {MOST_BYTES} are too many", text.len())]);
    }
    let path = root.join(FILE);
    fs::write(&path, text).map_err(|e| vec![format!("{}: {e}", path.display())])
}

/// The catalogue's text, from the sources in a folder.
fn generate(from: &Path) -> Result<String, String> {
    let read = |name: &str| {
        let path = from.join(name);
        fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))
    };
    let dev = models_dev::read(&read("models-dev.json")?)?;
    let mut pages = pages::Pages::default();
    let lite = litellm::read(&read("litellm-prices.json")?, &mut pages)?;
    let mut merged = merge::merge(&dev.offers, &lite);
    successors::fill(&mut merged, &dev.families);
    let names = names::index(&merged, &dev.canonical);
    Ok(write::write(&merged, names, &pages))
}
