//! The record as one line of JSON. Keys are stable: operators' queries rest on them.

use serde::Serialize;
use tollgate_ir::Usage;

use super::{Attempt, End, FaultNote, Trail, cut, finish_word};
use crate::health::Change;
use crate::route::{Explanation, Plan};

#[derive(Serialize)]
struct Line<'a> {
    at_ms: u64,
    id: &'a str,
    face: &'static str,
    operation: &'static str,
    stream: bool,
    asked: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    caller: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    team: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    provider: Option<&'a str>,
    status: u16,
    end: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    fault: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    finish: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    decision: Option<Explanation<'a>>,
    attempts: Vec<AttemptLine<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<UsageLine>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cost_nanos: Option<i64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    losses: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    first_token_ms: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes_up: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes_down: Option<u64>,
    total_ms: f64,
    overhead_us: u64,
}

#[derive(Serialize)]
struct AttemptLine<'a> {
    target: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<usize>,
    dialect: &'a str,
    began_ms: f64,
    took_ms: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fault: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    said: Option<&'a str>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    overtaken: bool,
    /// Of each where there are several; the last one's is the answer's.
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<UsageLine>,
    #[serde(skip_serializing_if = "Option::is_none")]
    breaker: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cost_nanos: Option<i64>,
}

#[derive(Serialize)]
struct UsageLine {
    input: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    cache_read: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cache_write: Option<u64>,
    output: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning: Option<u64>,
    estimated: bool,
}

pub(super) fn render(trail: &Trail, plan: Option<&Plan>, most: usize) -> String {
    let (end, fault) = match &trail.end {
        End::Done => ("done", None),
        End::Fault(note) => ("fault", Some(word(note))),
        End::Cancelled => ("cancelled", None),
    };
    let line = Line {
        at_ms: trail.began.unix_ms,
        id: &trail.id,
        face: trail.face.as_str(),
        operation: trail.operation.as_str(),
        stream: trail.stream,
        asked: cut(&trail.asked, 128),
        model: trail.model.as_deref().map(|model| cut(model, 128)),
        caller: trail.caller.as_deref(),
        team: trail.team.as_deref(),
        provider: trail.served().map(|target| target.provider.as_str()),
        status: trail.status,
        end,
        fault,
        finish: trail.finish.as_ref().map(finish_word),
        decision: plan.map(|plan| Explanation::of(plan, most)),
        attempts: trail.attempts.iter().map(|each| attempt(each, trail.attempts.len() > 1)).collect(),
        usage: trail.usage().map(usage),
        cost_nanos: trail.cost().map(|cost| cost.0),
        losses: trail.losses.iter().take(32).map(|l| format!("{};{}", cut(&l.path, 128), l.reason.as_str())).collect(),
        first_token_ms: trail.first_token.map(millis),
        bytes_up: trail.carried.map(|(up, _)| up),
        bytes_down: trail.carried.map(|(_, down)| down),
        total_ms: millis(trail.total),
        overhead_us: u64::try_from(trail.overhead.as_micros()).unwrap_or(u64::MAX),
    };
    written(&line)
}

/// What a caller reads of a decision.
#[derive(Serialize)]
struct Told<'a> {
    id: &'a str,
    asked: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    decision: Option<Explanation<'a>>,
    attempts: Vec<AttemptLine<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cost_nanos: Option<i64>,
}

pub(super) fn explanation(trail: &Trail, most: usize) -> String {
    let told = Told {
        id: &trail.id,
        asked: cut(&trail.asked, 128),
        model: trail.model.as_deref().map(|model| cut(model, 128)),
        decision: trail.plan.as_deref().map(|plan| Explanation::of(plan, most)),
        attempts: trail.attempts.iter().take(most).map(|each| attempt(each, trail.attempts.len() > 1)).collect(),
        cost_nanos: trail.cost().map(|cost| cost.0),
    };
    written(&told)
}

fn written(line: &impl Serialize) -> String {
    // Most are no longer, and so never move while they grow.
    let mut out = Vec::with_capacity(1024);
    // Nothing in it can fail to serialise: strings, numbers, no maps with odd keys.
    let _ = serde_json::to_writer(&mut out, line);
    String::from_utf8(out).unwrap_or_default()
}

fn attempt(attempt: &Attempt, one_of_several: bool) -> AttemptLine<'_> {
    AttemptLine {
        target: cut(&attempt.target.name(), 128).to_owned(),
        key: attempt.target.key,
        dialect: attempt.dialect.as_str(),
        began_ms: millis(attempt.began),
        took_ms: millis(attempt.took),
        status: attempt.status,
        fault: attempt.fault.as_ref().map(word),
        said: attempt.fault.as_ref().and_then(|note| note.provider.as_deref()),
        overtaken: attempt.overtaken,
        usage: attempt.usage.as_ref().filter(|_| one_of_several).map(usage),
        breaker: attempt.breaker.map(Change::as_str),
        cost_nanos: attempt.cost.map(|cost| cost.0),
    }
}

fn usage(usage: &Usage) -> UsageLine {
    UsageLine {
        input: usage.input_total(),
        cache_read: usage.cache_read,
        cache_write: usage.cache_writes(),
        output: usage.output_total(),
        reasoning: usage.reasoning,
        estimated: usage.estimated,
    }
}

/// `TG4004 provider_rate_limited`.
fn word(note: &FaultNote) -> String {
    format!("TG{:04} {}", note.kind.number(), note.kind.slug())
}

fn millis(duration: std::time::Duration) -> f64 {
    // Whole microseconds: finer is noise, and shorter to read.
    duration.as_micros() as f64 / 1000.0
}
