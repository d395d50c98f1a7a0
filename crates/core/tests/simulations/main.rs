//! Routing and health in simulated time: calls come, are planned, sent, fail and are sent elsewhere by the decisions of
//! `core` alone, between providers that fare as a scenario says. Hours pass in seconds.
//!
//! Each file of `scenarios/` is a simulation and what is expected of it ([`scenario::Scenario`]). Nothing here is random
//! but by the scenario's seed: the same seed gives the same calls, to the last attempt.
#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail as the tests themselves do")]
#![expect(clippy::print_stdout, reason = "whoever runs a simulation wants to see its figures")]

mod accidents;
mod figures;
mod provider;
mod run;
mod scenario;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use figures::Figures;
use scenario::Scenario;

/// So many calls stand in the table: hours of accidents.
const IN_THE_TABLE: usize = 50_000;

/// The scenario of a file.
fn scenario(name: &str) -> Scenario {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/simulations/scenarios").join(name);
    let text = std::fs::read_to_string(&path).unwrap();
    serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// What the same calls would have come to had nothing happened.
fn healthy(scenario: &Scenario) -> Figures {
    Figures::of(&run::run(&scenario.without_accidents()), None)
}

/// Runs a scenario and says what was not as expected.
fn judge(name: &str) {
    let scenario = scenario(name);
    let told = run::run(&scenario);
    let compared = scenario.expect.iter().any(|expected| expected.p99.is_some());
    let healthy = if compared { healthy(&scenario) } else { Figures::of(&told, None) };
    let mut complaints = String::new();
    for expected in &scenario.expect {
        let found = Figures::of(&told, Some(expected));
        println!("{name}: {} {}", expected.span(), found.said(&healthy));
        expected.complain(&found, &healthy, &mut complaints);
    }
    assert!(complaints.is_empty(), "{name} ({}):\n{complaints}", scenario.about);
}

#[test]
fn every_scenario_goes_as_expected() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/simulations/scenarios");
    let mut names: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .filter(|name| !name.starts_with("chaos"))
        .collect();
    names.sort();
    assert!(names.len() >= 8, "{names:?}");
    names.iter().for_each(|name| judge(name));
}

#[test]
fn chaos_among_equals_costs_no_call() {
    judge("chaos_split.yaml");
}

#[test]
fn chaos_under_a_ranked_list_costs_no_call() {
    judge("chaos_fallback.yaml");
}

#[test]
fn the_same_seed_gives_the_same_calls() {
    let mut scenario = scenario("chaos_split.yaml");
    scenario.calls = 5_000;
    let first = run::run(&scenario);
    assert_eq!(first, run::run(&scenario));
    scenario.seed += 1;
    assert_ne!(first, run::run(&scenario), "the seed changes nothing");
}

/// Many short runs: what one seed hides another shows. One target is healthy at any moment, and yet a call can meet each of
/// them ill: while it waits for one that hangs, those that it asked before come back, and those that it asks next fall ill. Its
/// attempts are used up then, and more would be an outage's amplifier. That is rare, and nothing else costs a call.
#[test]
fn a_call_is_lost_only_where_it_met_every_target_ill() {
    #[expect(clippy::disallowed_methods, reason = "whoever looks for a rare loss asks for more seeds")]
    let seeds = std::env::var("CHAOS_SEEDS").map_or(5, |seeds| seeds.parse().unwrap());
    let (mut calls, mut lost, mut complaints) = (0, 0, String::new());
    for name in ["chaos_split.yaml", "chaos_fallback.yaml"] {
        let mut scenario = scenario(name);
        scenario.calls = 2_000;
        for seed in 1..=seeds {
            scenario.seed = seed;
            calls += scenario.calls;
            for call in run::run(&scenario).iter().filter(|call| !call.served) {
                lost += 1;
                let met: BTreeSet<_> = call.attempts.iter().collect();
                if met.len() < scenario.targets.len() || !call.timed_out {
                    let _ = writeln!(complaints, "{name}, seed {seed}: {call:?}");
                }
            }
        }
    }
    println!("{lost} of {calls} calls met every target ill");
    assert!(complaints.is_empty(), "{complaints}");
    assert!(lost * 10_000 <= calls, "{lost} of {calls}");
}

/// The rows of docs/reliability.md, into the file that `CHAOS_SIMULATED` names (`make chaos`).
#[test]
fn the_table_is_written() {
    #[expect(clippy::disallowed_methods, reason = "`make chaos` says where the table goes")]
    let Ok(file) = std::env::var("CHAOS_SIMULATED") else { return };
    let mut rows = String::new();
    for (policy, name) in [("`split` of four", "chaos_split.yaml"), ("`fallback` of four", "chaos_fallback.yaml")] {
        let mut scenario = scenario(name);
        scenario.calls = IN_THE_TABLE;
        let all = Figures::of(&run::run(&scenario), None);
        let _ = writeln!(rows, "| {policy} | {} |", all.row(&healthy(&scenario)));
    }
    std::fs::write(file, rows).unwrap();
}
