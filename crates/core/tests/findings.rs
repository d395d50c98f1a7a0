//! The `config` fuzz target's invariants without a fuzzer: on what fuzzing has found, and on our own configurations cut
//! off at every byte.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as the tests themselves do")]

#[path = "../../../fuzz/src/config.rs"]
mod config;

use std::path::{Path, PathBuf};

fn files(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
    paths.sort();
    assert!(!paths.is_empty());
    paths
}

#[test]
fn findings_stay_fixed() {
    for file in files("tests/fuzz_findings") {
        println!("{}", file.display());
        config::check(&std::fs::read(&file).unwrap());
    }
}

#[test]
fn a_configuration_cut_off_anywhere_is_refused_in_words() {
    for file in files("../../fuzz/seeds/config") {
        let text = std::fs::read(&file).unwrap();
        for end in (0..text.len()).step_by(3).chain([text.len()]) {
            config::check(&text[..end]);
        }
    }
}
