//! Sampling and limits: read from a client, and fitted to what a class of models takes.

use tollgate_ir::{Fault, Field, Losses, Params, Reason, Request};

use super::rules::ModelClass;
use super::thinking::{Mode, Plan};
use crate::json::{Fields, Node, ObjectWriter};
use crate::target::ModelFacts;

/// The least `top_p` that is taken beside thinking.
const THINKING_TOP_P: f64 = 0.95;

/// Reads them.
pub(super) fn read(fields: &mut Fields<'_>, losses: &mut Losses) -> Result<Params, Fault> {
    let mut params = Params {
        max_tokens: fields.uint("max_tokens")?,
        temperature: fields.float("temperature")?,
        top_p: fields.float("top_p")?,
        top_k: fields.uint("top_k")?,
        service_tier: fields.text("service_tier")?,
        ..Params::default()
    };
    for (i, stop) in fields.array("stop_sequences")?.unwrap_or_default().into_iter().enumerate() {
        match stop {
            Node::Text(text) => params.stop.push(text.into_owned()),
            other => return Err(crate::json::wrong(&fields.item("stop_sequences", i), "a string", &other)),
        }
    }
    if let Some(mut metadata) = fields.object("metadata")? {
        params.user = metadata.text("user_id")?;
        metadata.report_rest(losses);
    }
    Ok(params)
}

/// The most output tokens of the model.
pub(super) fn most(class: &ModelClass, facts: &ModelFacts) -> u64 {
    facts.max_output.unwrap_or(class.max_output).max(1)
}

/// `max_tokens`, which must be said and must leave room beside a budget of thinking.
pub(super) fn max_tokens(request: &Request, plan: &Plan, most: u64, losses: &mut Losses) -> u64 {
    let asked = request.params.max_tokens;
    let limit = match asked {
        None => {
            losses.field(Field::MaxTokens, Reason::Defaulted);
            most
        }
        Some(asked) => asked,
    };
    let fitted = match plan.mode {
        // The client's limit, or the least that is worth thinking for, is left for the answer.
        Mode::Budget(budget) if limit <= budget => budget + limit.min(most.saturating_sub(budget)).max(1),
        _ => limit.min(most).max(1),
    };
    if asked.is_some_and(|asked| asked != fitted) {
        losses.field(Field::MaxTokens, Reason::Adjusted);
    }
    fitted
}

/// Writes what there is beside `max_tokens`, and reports what this protocol has no word for.
pub(super) fn write(o: &mut ObjectWriter<'_>, request: &Request, class: &ModelClass, plan: &Plan, losses: &mut Losses) {
    let params = &request.params;
    sampling(o, params, class, plan, losses);
    let stops: Vec<_> = params.stop.iter().filter(|stop| !stop.trim().is_empty()).collect();
    if stops.len() < params.stop.len() {
        losses.field(Field::Stop, if stops.is_empty() { Reason::Dropped } else { Reason::Adjusted });
    }
    if !stops.is_empty() {
        o.array("stop_sequences", |a| stops.into_iter().for_each(|stop| a.text(stop)));
    }
    user(o, params, losses);
    service_tier(o, params, losses);
    unsayable(params, losses);
}

/// Sampling is refused by newer models and, but for its defaults, while thinking; 4.1 to 4.6 take one of the two.
fn sampling(o: &mut ObjectWriter<'_>, params: &Params, class: &ModelClass, plan: &Plan, losses: &mut Losses) {
    let free = class.sampling && !plan.is_on();
    let mut drop_unless = |default: bool, field| {
        if !default {
            losses.field(field, Reason::Dropped);
        }
    };
    let mut said = false;
    match params.temperature {
        Some(t) if free => {
            said = true;
            o.float("temperature", t.clamp(0.0, 1.0));
        }
        Some(t) => drop_unless(same(t, 1.0), Field::Temperature),
        None => {}
    }
    match params.top_p {
        Some(p) if (free && (class.both_samplings || !said)) || (class.sampling && !free && p >= THINKING_TOP_P) => {
            o.float("top_p", p);
        }
        Some(p) => drop_unless(same(p, 1.0), Field::TopP),
        None => {}
    }
    match params.top_k {
        Some(k) if free => o.uint("top_k", k),
        Some(_) => drop_unless(false, Field::TopK),
        None => {}
    }
    if said && params.temperature.is_some_and(|t| !(0.0..=1.0).contains(&t)) {
        losses.field(Field::Temperature, Reason::Adjusted);
    }
}

fn same(a: f64, b: f64) -> bool {
    (a - b).abs() < 1e-9
}

/// The end user, also where a client has put it among its labels.
fn user(o: &mut ObjectWriter<'_>, params: &Params, losses: &mut Losses) {
    let labels = params.metadata.as_ref().and_then(|m| Node::read(m.as_str().as_bytes()));
    let labelled = labels.as_ref().and_then(|labels| labels.text("user_id"));
    let user = params.user.as_deref().or(labelled);
    if let Some(user) = user {
        o.object("metadata", |o| o.text("user_id", user));
    }
    let sent = usize::from(labelled.is_some() && params.user.is_none());
    if labels.as_ref().is_some_and(|labels| labels.entries().len() > sent) {
        losses.field(Field::Metadata, Reason::Dropped);
    }
}

/// `auto` may use committed capacity, `standard_only` may not.
fn service_tier(o: &mut ObjectWriter<'_>, params: &Params, losses: &mut Losses) {
    let (tier, loss) = match params.service_tier.as_deref() {
        None => return,
        Some(same @ ("auto" | "standard_only")) => (Some(same), None),
        Some("default" | "standard") => (Some("standard_only"), None),
        Some("priority") => (Some("auto"), Some(Reason::Adjusted)),
        Some(_) => (None, Some(Reason::Dropped)),
    };
    o.opt_text("service_tier", tier);
    if let Some(reason) = loss {
        losses.field(Field::ServiceTier, reason);
    }
}

fn unsayable(params: &Params, losses: &mut Losses) {
    let asked = [
        (Field::Seed, params.seed.is_some()),
        (Field::PresencePenalty, params.presence_penalty.is_some_and(|p| p != 0.0)),
        (Field::FrequencyPenalty, params.frequency_penalty.is_some_and(|p| p != 0.0)),
        (Field::N, params.n.is_some_and(|n| n > 1)),
        (Field::Logprobs, params.logprobs == Some(true)),
        (Field::TopLogprobs, params.top_logprobs.is_some_and(|n| n > 0)),
        (Field::Store, params.store == Some(true)),
        (Field::PromptCacheKey, params.prompt_cache_key.is_some()),
        (Field::Verbosity, params.verbosity.as_deref().is_some_and(|v| v != "medium")),
    ];
    for (field, _) in asked.into_iter().filter(|(_, asked)| *asked) {
        losses.field(field, Reason::Dropped);
    }
}
