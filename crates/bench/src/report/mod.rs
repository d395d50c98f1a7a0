//! The results, and the page that is made of them. The page's prose is written by hand; between its two marks stands what
//! the last run measured, and nobody edits that.

mod chart;
mod machine;
mod targets;

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::Path;

pub use machine::about;

use crate::{Failure, say};

const BEGIN: &str = "<!-- bench:begin, written by `make bench` -->";
const END: &str = "<!-- bench:end -->";
const SOAK_BEGIN: &str = "<!-- soak:begin, written by `make soak` -->";
const SOAK_END: &str = "<!-- soak:end -->";

/// Figures by case, lane and name, and what is to be known of the run.
#[derive(Debug, Default)]
pub struct Results {
    /// Machine, versions, day.
    pub about: Vec<(String, String)>,
    figures: BTreeMap<(String, String, String), f64>,
}

impl Results {
    /// Takes a figure.
    pub fn set(&mut self, case: &str, lane: &str, name: &str, value: f64) {
        self.figures.insert((case.to_owned(), lane.to_owned(), name.to_owned()), value);
    }

    /// Takes rounds that were made again.
    pub fn add_again(&mut self, rounds: usize) {
        #[expect(clippy::cast_precision_loss, reason = "a count of rounds")]
        let all = self.again() + rounds as f64;
        self.set("rounds", "all", "again", all);
    }

    fn again(&self) -> f64 {
        self.get("rounds", "all", "again").unwrap_or_default()
    }

    /// A figure.
    pub fn get(&self, case: &str, lane: &str, name: &str) -> Option<f64> {
        self.figures.get(&(case.to_owned(), lane.to_owned(), name.to_owned())).copied()
    }

    /// How far the rounds of a case lie apart, over all cases.
    fn spreads(&self) -> String {
        let [middle, most] = self.shares("cpu_spread");
        format!(
            "processor time of a case's rounds: they lie {middle:.0} % apart in the middle case, {most:.0} % in nine of ten"
        )
    }

    /// How much of both cores went to other machines of the host: what a call takes grows by more than that, since caches do not
    /// wait for it.
    fn stolen(&self) -> String {
        let [middle, most] = self.shares("stolen");
        format!(
            "taken away for other machines of the host: {middle:.1} % of the time in the middle case, {most:.1} % in nine of ten, with {} rounds made again of which it took more than it may",
            self.again()
        )
    }

    /// Of a figure that is a share, in per cent: the middle of all cases, and what nine of ten do not pass.
    fn shares(&self, name: &str) -> [f64; 2] {
        let found = self.figures.iter().filter(|((_, _, figure), _)| figure == name);
        let mut all: Vec<f64> = found.map(|(_, value)| value * 100.0).collect();
        all.sort_by(f64::total_cmp);
        [50, 90].map(|share| all.get(all.len() * share / 100).copied().unwrap_or_default())
    }

    /// Writes a line for each figure, parted by tabs.
    pub fn save(&self, file: &Path) -> Result<(), Failure> {
        let mut out = String::new();
        for (name, value) in &self.about {
            let _ = writeln!(out, "about\t{name}\t{value}");
        }
        for ((case, lane, name), value) in &self.figures {
            let _ = writeln!(out, "{case}\t{lane}\t{name}\t{value}");
        }
        Ok(fs::write(file, out)?)
    }

    fn load(file: &Path) -> Result<Self, Failure> {
        let mut results = Self::default();
        for line in fs::read_to_string(file)?.lines() {
            match line.split('\t').collect::<Vec<_>>()[..] {
                ["about", name, value] => results.about.push((name.to_owned(), value.to_owned())),
                [case, lane, name, value] => results.set(case, lane, name, value.parse()?),
                _ => return Err(format!("{}: no figure: {line}", file.display()).into()),
            }
        }
        Ok(results)
    }
}

/// Makes the page anew from saved results.
pub fn rewrite(file: &Path) -> Result<(), Failure> {
    let results = Results::load(file)?;
    say(&text(&results));
    write(&results, Path::new("docs/performance.md"))
}

/// Puts the figures between the page's marks, and the chart beside it.
pub fn write(results: &Results, page: &Path) -> Result<(), Failure> {
    put(&text(results), page, BEGIN, END)?;
    let folder = page.with_extension("");
    fs::create_dir_all(&folder)?;
    fs::write(folder.join("calls.svg"), chart::calls(results))?;
    Ok(())
}

/// Puts the table of a long run into the page.
pub fn write_soak(table: &str, page: &Path) -> Result<(), Failure> {
    put(table, page, SOAK_BEGIN, SOAK_END)
}

fn put(text: &str, page: &Path, begin: &str, end: &str) -> Result<(), Failure> {
    let old = fs::read_to_string(page)?;
    let missing = |mark: &str| format!("{} has no line {mark}", page.display());
    let (before, rest) = old.split_once(begin).ok_or_else(|| missing(begin))?;
    let (_, after) = rest.split_once(end).ok_or_else(|| missing(end))?;
    Ok(fs::write(page, format!("{before}{begin}\n\n{text}\n{end}{after}"))?)
}

/// The figures as Markdown.
pub fn text(results: &Results) -> String {
    let mut out = String::from("### The run\n\n");
    for (name, value) in &results.about {
        let _ = writeln!(out, "- {name}: {value}");
    }
    let _ = writeln!(out, "- {}", results.spreads());
    let _ = writeln!(out, "- {}", results.stolen());
    out.push_str("\n### Targets\n\n| target | goal | measured | |\n|---|---|---|---|\n");
    for target in targets::all(results) {
        let _ = writeln!(out, "| {} | {} | {} | {} |", target.what, target.goal, target.measured, target.verdict);
    }
    out.push_str("\n### Processor time a call (µs, of the proxy alone)\n\n");
    table(&mut out, results, "call ", "cpu_us", 1);
    out.push_str("\n### Calls a second, 64 connections (8 for images)\n\n");
    out.push_str("Load and upstream share one core, and nginx outruns them: a low figure of nginx's is theirs.\n\n");
    table(&mut out, results, "call ", "per_s", 0);
    out.push_str("\n### By connections, 300 B\n\n");
    for (name, title) in
        [("cpu_us", "processor time a call, µs"), ("call_p50_us", "p50, µs"), ("call_p99_us", "p99, µs")]
    {
        let _ = writeln!(out, "{title}:\n");
        table(&mut out, results, "connections ", name, 1);
        out.push('\n');
    }
    out.push_str("### Streams\n\n");
    out.push_str("flood: 200 chunks as fast as they are taken; paced: 50 chunks 20 ms apart, 101 streams begin each second, evenly spread; burst: a hundred of those begin at the same instant.\n\n");
    streams(&mut out, results, "stream ");
    out.push_str("### Upstream under TLS\n\n");
    out.push_str("nginx checks the certificate as the gateway does, and keeps connections and sessions; it speaks no HTTP/2 to upstreams. Processor time a call, µs:\n\n");
    table(&mut out, results, "tls call ", "cpu_us", 1);
    out.push_str("\ncalls a second:\n\n");
    table(&mut out, results, "tls call ", "per_s", 0);
    out.push('\n');
    streams(&mut out, results, "tls stream ");
    out.push_str("Connections, as the upstream saw them, of all calls of this section:\n\n");
    for (name, title) in [
        ("requests", "calls"),
        ("full", "handshakes from scratch"),
        ("resumed", "handshakes that went on with an earlier session"),
    ] {
        let _ = writeln!(out, "{title}:\n");
        table(&mut out, results, "kept ", name, 0);
        out.push('\n');
    }
    out.push_str(
        "### Added latency (PF01): a provider that takes 50 ms, 1,009 calls of 2 kB or 101 of 1 MB a second\n\n",
    );
    for (name, title) in [("call_p50_us", "p50, µs"), ("call_p99_us", "p99, µs"), ("errors", "errors")] {
        let _ = writeln!(out, "{title}:\n");
        table(&mut out, results, "overhead ", name, 0);
        out.push('\n');
    }
    out.push_str("### Latency in the open loop (from when each call was due)\n\n");
    for (name, title) in [("call_p50_us", "p50, µs"), ("call_p99_us", "p99, µs"), ("late", "calls due and never sent")]
    {
        let _ = writeln!(out, "{title}:\n");
        table(&mut out, results, "latency ", name, 0);
        out.push('\n');
    }
    out.push_str("### Memory of held streams (KiB each)\n\n");
    table(&mut out, results, "held ", "kib", 1);
    out
}

/// The figures of streams.
fn streams(out: &mut String, results: &Results, prefix: &str) {
    for (name, title) in [
        ("cpu_us", "processor time a stream, µs"),
        ("chunk_cpu_us", "processor time a chunk, µs"),
        ("first_p50_us", "first token, p50, µs"),
        ("chunk_p50_us", "a chunk's way from upstream to client, p50, µs"),
        ("chunk_p99_us", "the same, p99, µs"),
    ] {
        let _ = writeln!(out, "{title}:\n");
        table(out, results, prefix, name, 1);
        out.push('\n');
    }
}

/// One figure: a row for each case whose name begins so, a column for each lane.
fn table(out: &mut String, results: &Results, prefix: &str, name: &str, digits: usize) {
    const LANES: [&str; 10] = [
        "direct",
        "nginx",
        "relay",
        "chat→anthropic",
        "anthropic→chat",
        "chat→gemini",
        "nginx, TLS",
        "relay, TLS",
        "relay, h2",
        "chat→anthropic, h2",
    ];
    let rows: Vec<(&String, &String)> = results
        .figures
        .keys()
        .filter(|(case, _, figure)| case.starts_with(prefix) && figure == name)
        .map(|(case, lane, _)| (case, lane))
        .collect();
    let lanes: Vec<&str> = LANES.into_iter().filter(|lane| rows.iter().any(|(_, l)| l == lane)).collect();
    let mut cases: Vec<&String> = rows.iter().map(|(case, _)| *case).collect();
    cases.dedup();
    cases.sort_by_key(|case| order(case));
    let _ = writeln!(out, "| | {} |\n|---|{}", lanes.join(" | "), "---:|".repeat(lanes.len()));
    for case in cases {
        let cells: Vec<String> = lanes
            .iter()
            .map(|lane| results.get(case, lane, name).map_or_else(String::new, |v| format!("{v:.digits$}")))
            .collect();
        let _ = writeln!(out, "| {} | {} |", case.trim_start_matches(prefix), cells.join(" | "));
    }
}

/// Sizes by size, counts by count.
fn order(case: &str) -> u64 {
    let number: u64 = case.chars().filter(char::is_ascii_digit).collect::<String>().parse().unwrap_or_default();
    let unit = if case.ends_with("MB image") {
        1_000_000
    } else if case.ends_with("kB") {
        1_000
    } else {
        1
    };
    if case.ends_with("tools") { 10_000 } else { number * unit }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_back_and_make_a_table() {
        let mut results = Results::default();
        results.about.push(("day".into(), "2026-11-25".into()));
        results.set("call 300 B", "nginx", "cpu_us", 12.8);
        results.set("call 8 kB", "nginx", "cpu_us", 14.0);
        results.set("call 300 B", "relay", "cpu_us", 19.0);
        let file = std::env::temp_dir().join(format!("bench-results-{}", std::process::id()));
        results.save(&file).unwrap();
        let back = Results::load(&file).unwrap();
        fs::remove_file(&file).unwrap();
        assert_eq!(back.figures, results.figures);
        let mut out = String::new();
        table(&mut out, &back, "call ", "cpu_us", 1);
        assert_eq!(out, "| | nginx | relay |\n|---|---:|---:|\n| 300 B | 12.8 | 19.0 |\n| 8 kB | 14.0 |  |\n");
    }
}
