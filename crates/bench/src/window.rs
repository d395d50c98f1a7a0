//! One measurement: a load on one core, and the subject's processor time over just the span that counts.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Lines};
use std::process::{ChildStdout, Stdio};
use std::time::Duration;

use crate::Failure;
use crate::cases::{Case, Lane};
use crate::process::{Pinned, stolen, taskset};
use crate::subjects::{Bench, Running};
use tollgate_bench::payload::Payload;

/// What one measurement gave: names of figures, as the report reads them.
pub type Figures = HashMap<String, f64>;

/// How long to warm up and to count.
#[derive(Clone, Copy, Debug)]
pub struct Spans {
    /// Before it counts.
    pub warm: Duration,
    /// What counts.
    pub count: Duration,
}

/// A load that runs.
struct Load {
    _process: Pinned,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Load {
    fn start(bench: &Bench, port: u16, lane: Lane, case: &Case, spans: Spans) -> Result<Self, Failure> {
        let me = std::env::current_exe()?;
        let payload = match case.payload {
            Payload::Small => "small",
            Payload::Short => "short",
            Payload::Talk => "talk",
            Payload::Document => "document",
            Payload::Tools => "tools",
            Payload::Image => "image",
        };
        let face = if lane.face() == tollgate_bench::payload::Face::Chat { "chat" } else { "anthropic" };
        let mut child = taskset(bench.load_core, &me)
            .args(["load", "--face", face, "--payload", payload])
            .args(["--port", &port.to_string(), "--model", &format!("{}/{}", lane.provider(), case.model)])
            .args(["--connections", &case.connections.to_string(), "--rate", &case.rate.to_string()])
            .args(["--warm", &spans.warm.as_millis().to_string(), "--count", &spans.count.as_millis().to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()?;
        let out = child.stdout.take().ok_or("the load has no output")?;
        Ok(Self { _process: Pinned::of(child), lines: BufReader::new(out).lines() })
    }

    fn until(&mut self, word: &str) -> Result<String, Failure> {
        for line in self.lines.by_ref() {
            let line = line?;
            if line.starts_with(word) {
                return Ok(line);
            }
        }
        Err(format!("the load ended before it said `{word}`").into())
    }
}

/// Measures one lane of a case on a subject that runs.
pub fn measure(bench: &Bench, running: &Running, lane: Lane, case: &Case, spans: Spans) -> Result<Figures, Failure> {
    let mut load = Load::start(bench, lane.port(running), lane, case, spans)?;
    let processor = || running.process.as_ref().map_or(Ok(Duration::ZERO), Pinned::processor);
    let taken = || Ok::<_, Failure>(stolen(bench.subject_core)? + stolen(bench.load_core)?);
    load.until("begin")?;
    let (before, taken_before) = (processor()?, taken()?);
    load.until("end")?;
    let (after, taken_after) = (processor()?, taken()?);
    let raw = figures(&load.until("result")?);
    let get = |name: &str| raw.get(name).copied().unwrap_or_default();
    let mut out = Figures::new();
    let calls = get("calls");
    let busy = after.saturating_sub(before);
    out.insert("calls".into(), calls);
    out.insert("errors".into(), get("errors"));
    out.insert("late".into(), get("late"));
    if calls > 0.0 {
        out.insert("cpu_us".into(), busy.as_secs_f64() * 1e6 / calls);
    }
    let seconds = (get("nanos") / 1e9).max(0.001);
    out.insert("busy".into(), busy.as_secs_f64() / seconds);
    // Of both cores.
    out.insert("stolen".into(), taken_after.saturating_sub(taken_before).as_secs_f64() / seconds / 2.0);
    out.insert("per_s".into(), get("calls") / seconds);
    if get("chunks") > 0.0 {
        out.insert("chunk_cpu_us".into(), busy.as_secs_f64() * 1e6 / get("chunks"));
    }
    for (name, value) in &raw {
        if name.contains("_p") {
            out.insert(format!("{name}_us"), value / 1e3);
        }
    }
    Ok(out)
}

/// Resident memory per held stream in bytes, on a subject that has just started.
pub fn held(bench: &Bench, running: &Running, lane: Lane, streams: usize) -> Result<f64, Failure> {
    let process = running.process.as_ref().ok_or("there is no process to look at")?;
    let before = process.memory()?;
    let case = Case {
        name: String::new(),
        lanes: Vec::new(),
        payload: Payload::Small,
        model: "h",
        connections: streams,
        rate: 0,
    };
    let spans = Spans { warm: Duration::ZERO, count: Duration::ZERO };
    let mut load = Load::start(bench, running.port, lane, &case, spans)?;
    load.until("begin")?;
    // Allocators give back late.
    std::thread::sleep(Duration::from_millis(500));
    let after = process.memory()?;
    #[expect(clippy::cast_precision_loss, reason = "a figure for a report")]
    Ok(after.saturating_sub(before) as f64 / streams as f64)
}

fn figures(line: &str) -> Figures {
    line.split(' ')
        .filter_map(|pair| pair.split_once('='))
        .filter_map(|(name, value)| Some((name.to_owned(), value.parse().ok()?)))
        .collect()
}
