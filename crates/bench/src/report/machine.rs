//! What is to be known of a run to repeat it.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::clock::today;
use crate::process::QUIET;

/// Machine, versions, day, and whether the machine was quiet.
pub fn about(quick: bool, idle: f64, tollgate: &Path, nginx: &Path) -> Vec<(String, String)> {
    let percent = idle * 100.0;
    let quiet = if idle >= QUIET {
        format!("idle for {percent:.0} % of the time: quiet")
    } else {
        format!(
            "idle for {percent:.0} % of the time: **NOT QUIET**, other work ran beside the benchmark; trust ratios of \
             processor time, no latencies"
        )
    };
    let command = if quick { "`make bench ARGS=--quick`" } else { "`make bench`" };
    [
        ("day", today()),
        ("command", command.to_owned()),
        ("the machine before it", quiet),
        ("processor", cpu()),
        ("cores", crate::process::cores().len().to_string()),
        ("kernel", read("/proc/sys/kernel/osrelease")),
        ("gateway", version(tollgate, "--version")),
        ("nginx", version(nginx, "-v").trim_start_matches("nginx version: ").to_owned()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .to_vec()
}

fn cpu() -> String {
    let info = read("/proc/cpuinfo");
    let model = info.lines().find_map(|line| line.strip_prefix("model name")?.split(':').nth(1));
    model.unwrap_or("unknown").trim().to_owned()
}

fn read(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_default().trim_end().to_owned()
}

fn version(program: &Path, flag: &str) -> String {
    let Ok(output) = Command::new(program).arg(flag).output() else { return "unknown".to_owned() };
    let printed = if output.stdout.is_empty() { output.stderr } else { output.stdout };
    String::from_utf8_lossy(&printed).trim().to_owned()
}
