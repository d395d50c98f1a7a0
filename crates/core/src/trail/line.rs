//! The record as one line of JSON. Keys are stable: operators' queries rest on them.

use tollgate_ir::Usage;

use super::object::Object;
use super::{Attempt, End, FaultNote, Trail, cut, finish_word};
use crate::health::Change;
use crate::route::{Explanation, Plan};

/// Most losses in a line.
const MOST_LOSSES: usize = 32;

pub(super) fn render(trail: &Trail, plan: Option<&Plan>, most: usize) -> String {
    let (end, fault) = match &trail.end {
        End::Done => ("done", None),
        End::Fault(note) => ("fault", Some(word(note))),
        End::Cancelled => ("cancelled", None),
    };
    written(|line| {
        line.value("at_ms", &trail.began.unix_ms);
        line.text("id", &trail.id);
        line.word("face", trail.face.as_str());
        line.word("operation", trail.operation.as_str());
        line.value("stream", &trail.stream);
        names(line, trail);
        line.opt_text("caller", trail.caller.as_deref());
        line.opt_text("team", trail.team.as_deref());
        line.opt_text("provider", trail.served().map(|target| &*target.provider));
        line.value("status", &trail.status);
        line.word("end", end);
        line.opt_text("fault", fault.as_deref());
        if let Some(finish) = &trail.finish {
            line.word("finish", finish_word(finish));
        }
        decision(line, plan, most);
        attempts(line, trail, usize::MAX);
        if let Some(used) = trail.usage() {
            line.object("usage", |o| usage(o, used));
        }
        line.opt("cost_nanos", trail.cost().map(|cost| cost.0));
        if !trail.losses.is_empty() {
            let losses = trail.losses.iter().take(MOST_LOSSES);
            let told = losses.map(|loss| format!("{};{}", cut(&loss.path, 128), loss.reason.as_str()));
            line.value("losses", &told.collect::<Vec<_>>());
        }
        if let Some(first) = trail.first_token {
            line.millis("first_token_ms", first);
        }
        line.opt("bytes_up", trail.carried.map(|(up, _)| up));
        line.opt("bytes_down", trail.carried.map(|(_, down)| down));
        line.millis("total_ms", trail.total);
        line.value("overhead_us", &u64::try_from(trail.overhead.as_micros()).unwrap_or(u64::MAX));
    })
}

/// What a caller reads of a decision.
pub(super) fn explanation(trail: &Trail, most: usize) -> String {
    written(|told| {
        told.text("id", &trail.id);
        names(told, trail);
        decision(told, trail.plan.as_deref(), most);
        attempts(told, trail, most);
        told.opt("cost_nanos", trail.cost().map(|cost| cost.0));
    })
}

fn written(fill: impl FnOnce(&mut Object<'_>)) -> String {
    // Most are no longer, and so never move while they grow.
    let mut out = Vec::with_capacity(1024);
    Object::write(&mut out, fill);
    String::from_utf8(out).unwrap_or_default()
}

fn names(o: &mut Object<'_>, trail: &Trail) {
    o.text("asked", cut(&trail.asked, 128));
    o.opt_text("model", trail.model.as_deref().map(|model| cut(model, 128)));
}

fn decision(o: &mut Object<'_>, plan: Option<&Plan>, most: usize) {
    o.opt("decision", plan.map(|plan| Explanation::of(plan, most)));
}

fn attempts(o: &mut Object<'_>, trail: &Trail, most: usize) {
    let several = trail.attempts.len() > 1;
    o.objects("attempts", trail.attempts.iter().take(most), |o, made| attempt(o, made, several));
}

fn attempt(o: &mut Object<'_>, attempt: &Attempt, one_of_several: bool) {
    o.text("target", cut(&attempt.target.name(), 128));
    o.opt("key", attempt.target.key);
    o.word("dialect", attempt.dialect.as_str());
    o.millis("began_ms", attempt.began);
    o.millis("took_ms", attempt.took);
    o.opt("status", attempt.status);
    o.opt_text("fault", attempt.fault.as_ref().map(word).as_deref());
    o.opt_text("said", attempt.fault.as_ref().and_then(|note| note.provider.as_deref()));
    if attempt.overtaken {
        o.value("overtaken", &true);
    }
    // Of each where there are several; the last one's is the answer's.
    if let Some(used) = attempt.usage.as_ref().filter(|_| one_of_several) {
        o.object("usage", |o| usage(o, used));
    }
    if let Some(change) = attempt.breaker {
        o.word("breaker", Change::as_str(change));
    }
    o.opt("cost_nanos", attempt.cost.map(|cost| cost.0));
}

fn usage(o: &mut Object<'_>, usage: &Usage) {
    o.value("input", &usage.input_total());
    o.opt("cache_read", usage.cache_read);
    o.opt("cache_write", usage.cache_writes());
    o.value("output", &usage.output_total());
    o.opt("reasoning", usage.reasoning);
    o.value("estimated", &usage.estimated);
}

/// `TG4004 provider_rate_limited`.
fn word(note: &FaultNote) -> String {
    format!("{} {}", note.kind.code(), note.kind.slug())
}
