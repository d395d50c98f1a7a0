//! The fuzz targets' invariants without a fuzzer: on what fuzzing has found, and on mutated recordings.
//!
//! A finding is a file in `fuzz_findings/<target>/`, named after what broke; `scripts/fuzz` says where a new one lies.

#![expect(clippy::panic, clippy::unwrap_used, reason = "invariants fail as the tests that check them do")]

#[path = "../../../fuzz/src/checks/mod.rs"]
mod checks;

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use checks::replay::{self, Numbers};
use checks::seeds::{self, Seed};

/// Mutations of each target's seeds: what a debug build does in some seconds.
const MUTATIONS: usize = 150;

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
    paths.sort();
    paths
}

/// Checks an input; a failure names it.
fn check(target: &str, name: &str, input: &[u8]) {
    let checked = catch_unwind(AssertUnwindSafe(|| replay::check(target, input)));
    assert!(checked.is_ok(), "{target}: {name} breaks an invariant (said above): {:?}", String::from_utf8_lossy(input));
}

#[test]
fn findings_stay_fixed() {
    let mut count = 0;
    for target in files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz_findings")) {
        let name = target.file_name().unwrap().to_string_lossy().into_owned();
        for file in files(&target) {
            check(&name, &file.display().to_string(), &std::fs::read(&file).unwrap());
            count += 1;
        }
    }
    assert!(count > 0, "no findings were found to replay");
}

#[test]
fn mutated_recordings_keep_the_invariants() {
    let seeds = seeds::all(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/recordings"));
    if seeds.is_empty() {
        println!("skipped: no recordings beside the repository");
        return;
    }
    let mut by_target: BTreeMap<&str, Vec<&Seed>> = BTreeMap::new();
    seeds.iter().for_each(|seed| by_target.entry(seed.target).or_default().push(seed));
    assert_eq!(by_target.len(), 9, "a target without seeds");
    for (target, seeds) in by_target {
        let mut numbers = Numbers::new(0x7011_6a7e);
        for i in 0..MUTATIONS {
            let input = replay::mutated(&seeds, &mut numbers);
            check(target, &format!("mutation {i} (of {}, …)", seeds[0].name), &input);
        }
    }
}

/// The checks themselves can fail.
#[test]
fn a_broken_invariant_is_seen() {
    use tollgate_ir::{BlockStart, Event};
    let open = Event::Open { choice: 0, block: 0, start: BlockStart::Text };
    let close = Event::Close { choice: 0, block: 0 };
    for events in [
        vec![open.clone(), Event::End],
        vec![open.clone(), close.clone(), close.clone(), Event::End],
        vec![open.clone(), close.clone(), open.clone(), close.clone(), Event::End],
        vec![Event::End, Event::Ping],
        vec![open.clone(), close.clone()],
    ] {
        let seen = catch_unwind(AssertUnwindSafe(|| checks::nesting::check("made up", &events, false)));
        assert!(seen.is_err(), "{events:?}");
    }
    checks::nesting::check("made up", &[open, close, Event::End], true);
    for broken in ["{\"a\":NaN}", "{", "[]", ""] {
        assert!(catch_unwind(|| checks::output::object("made up", broken.as_bytes())).is_err(), "{broken}");
    }
    let half = catch_unwind(|| checks::output::events(tollgate_ir::Dialect::OpenAiChat, "made up", b"data: {}\n"));
    assert!(half.is_err());
}
