//! Chores of the repository: `cargo xtask tidy` checks the house rules, `cargo xtask docs` writes the generated pages,
//! `cargo xtask catalog` makes the catalogue of models.

mod catalog;
mod docs;
mod errors;
mod grid;
mod tidy;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

fn main() -> ExitCode {
    let root = root();
    let result = match std::env::args().nth(1).as_deref() {
        Some("tidy") => tidy::run(&root),
        Some("docs") => docs::write(&root),
        Some("catalog") => catalog::run(&root, &std::env::args().skip(2).collect::<Vec<_>>()),
        _ => Err(vec!["usage: cargo xtask tidy | docs | catalog --from DIR".to_owned()]),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(findings) => {
            use std::io::Write;
            let _ = writeln!(std::io::stderr().lock(), "{}", findings.join("\n"));
            ExitCode::FAILURE
        }
    }
}

/// The repository's root: two folders above this crate.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).map(Path::to_path_buf).unwrap_or_default()
}
