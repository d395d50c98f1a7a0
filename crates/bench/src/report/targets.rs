//! The targets, and how far each is met.

use super::Results;

/// One row.
pub struct Target {
    /// What is asked.
    pub what: String,
    /// The most, or least, that it may be.
    pub goal: String,
    /// What it is.
    pub measured: String,
    /// `pass`, how far off, or `not measured`.
    pub verdict: String,
}

/// All of them, in the order of their worth.
pub fn all(results: &Results) -> Vec<Target> {
    let mut all = Vec::new();
    for payload in ["300 B", "8 kB", "100 kB", "1 MB image"] {
        all.push(ratio(results, &format!("call {payload}"), "relay", "cpu_us", 1.5));
    }
    for lane in ["chat→anthropic", "anthropic→chat"] {
        for payload in ["300 B", "8 kB", "20 tools", "100 kB", "1 MB image"] {
            all.push(ratio(results, &format!("call {payload}"), lane, "cpu_us", 2.5));
        }
    }
    for (case, figure) in [("stream paced", "chunk_cpu_us"), ("stream flood", "cpu_us")] {
        all.push(ratio(results, case, "relay", figure, 1.5));
        all.push(ratio(results, case, "chat→anthropic", figure, 3.0));
        all.push(ratio(results, case, "anthropic→chat", figure, 3.0));
    }
    for lane in ["relay", "chat→anthropic"] {
        let case = format!("latency 60 % {lane}");
        all.push(beyond(results, &case, lane, "call_p50_us", 60.0));
        all.push(beyond(results, &case, lane, "call_p99_us", 250.0));
    }
    for lane in ["relay", "chat→anthropic", "anthropic→chat"] {
        all.push(beyond(results, "stream paced", lane, "first_p50_us", 100.0));
        all.push(beyond(results, "stream paced", lane, "chunk_p50_us", 40.0));
    }
    for payload in ["300 B", "8 kB", "100 kB"] {
        all.extend(under_tls(results, &format!("tls call {payload}"), "cpu_us", 2.5));
    }
    all.extend(under_tls(results, "tls stream paced", "chunk_cpu_us", 3.0));
    all.extend(under_tls(results, "tls stream flood", "cpu_us", 3.0));
    for (payload, figure, most) in [
        ("2 kB", "call_p50_us", 1_000.0),
        ("2 kB", "call_p99_us", 5_000.0),
        ("1 MB image", "call_p50_us", 1_000.0),
        ("1 MB image", "call_p99_us", 20_000.0),
    ] {
        all.push(over(results, "direct", &format!("overhead {payload}"), "relay", figure, most));
    }
    let start = |name| results.get("start", "gateway", name);
    all.push(limit("memory when idle, MiB", start("idle_mib"), 20.0));
    all.push(limit("a held stream of 8,000, relayed, KiB", results.get("held 8000", "relay", "kib"), 32.0));
    all.push(limit("a held stream of 8,000, translated, KiB", results.get("held 8000", "chat→anthropic", "kib"), 48.0));
    all.push(limit("start to first answer, ms", start("ms"), 30.0));
    all.push(limit("size of the binary, MiB", start("binary_mib"), 30.0));
    all.push(goodput(results));
    all
}

/// The ways to an upstream under TLS: relays by half as much again as nginx, the translation by so much.
fn under_tls(results: &Results, case: &str, figure: &str, translated: f64) -> Vec<Target> {
    [("relay, TLS", 1.5), ("relay, h2", 1.5), ("chat→anthropic, h2", translated)]
        .into_iter()
        .map(|(lane, most)| times(results, "nginx, TLS", case, lane, figure, most))
        .collect()
}

/// At most so many times what nginx needs in the same run.
fn ratio(results: &Results, case: &str, lane: &str, figure: &str, most: f64) -> Target {
    times(results, "nginx", case, lane, figure, most)
}

fn times(results: &Results, beside: &str, case: &str, lane: &str, figure: &str, most: f64) -> Target {
    let ours = results.get(case, lane, figure);
    let nginx = results.get(case, beside, figure);
    let what = format!("{case}, {lane}: processor time {}", if figure == "cpu_us" { "a call" } else { "a chunk" });
    let goal = format!("≤ {most} × nginx");
    let Some((ours, nginx)) = ours.zip(nginx).filter(|(_, nginx)| *nginx > 0.0) else { return unknown(what, goal) };
    let times = ours / nginx;
    let measured = format!("{ours:.1} µs, {times:.2} × {nginx:.1}");
    Target { what, goal, measured, verdict: verdict(times, most) }
}

/// At most so many microseconds above nginx, of the same run at the same rate.
fn beyond(results: &Results, case: &str, lane: &str, figure: &str, most: f64) -> Target {
    over(results, "nginx", case, lane, figure, most)
}

/// At most so many microseconds above another lane.
fn over(results: &Results, beside: &str, case: &str, lane: &str, figure: &str, most: f64) -> Target {
    let ours = results.get(case, lane, figure);
    let other = results.get(case, beside, figure);
    let name = figure.trim_end_matches("_us").replace('_', " ");
    let what = format!("{case}, {lane}: {name}");
    let goal = format!("≤ {beside} + {most} µs");
    let Some((ours, other)) = ours.zip(other) else { return unknown(what, goal) };
    let measured = format!("{beside} ({other:.0} µs) {:+.0} µs", ours - other);
    Target { what, goal, measured, verdict: verdict(ours - other, most) }
}

fn limit(what: &str, value: Option<f64>, most: f64) -> Target {
    let goal = format!("≤ {most}");
    let Some(value) = value else { return unknown(what.to_owned(), goal) };
    Target { what: what.to_owned(), goal, measured: format!("{value:.1}"), verdict: verdict(value, most) }
}

/// What is served when three times as much is asked as can be.
fn goodput(results: &Results) -> Target {
    let what = "goodput at three times the capacity".to_owned();
    let goal = "≥ 90 % of the maximum".to_owned();
    let served = |case| results.get(case, "chat→anthropic", "per_s");
    let Some((most, thrice)) = served("overload once").zip(served("overload thrice")) else {
        return unknown(what, goal);
    };
    let share = thrice / most.max(1.0) * 100.0;
    let verdict = if share >= 90.0 { "pass".to_owned() } else { format!("{:.0} % short", 90.0 - share) };
    Target { what, goal, measured: format!("{share:.0} %"), verdict }
}

fn verdict(value: f64, most: f64) -> String {
    if value <= most { "pass".to_owned() } else { format!("{:.0} % over", (value / most - 1.0) * 100.0) }
}

fn unknown(what: String, goal: String) -> Target {
    Target { what, goal, measured: String::new(), verdict: "not measured".to_owned() }
}
