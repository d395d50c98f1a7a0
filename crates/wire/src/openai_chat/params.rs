//! Sampling, limits and labels, both ways.

use tollgate_ir::{Fault, Field, Losses, Params, Reason};

use super::fields::path_of;
use super::rules::Rules;
use super::takes::Sampling;
use crate::json::{Fields, Node, ObjectWriter};
use crate::unsaid;

/// Most stop sequences that `OpenAI` takes.
const MAX_STOP: usize = 4;

/// Tiers that `OpenAI` documents.
const TIERS: [&str; 6] = ["auto", "default", "flex", "scale", "priority", "fast"];

pub(super) fn decode(fields: &mut Fields<'_>, params: &mut Params, losses: &mut Losses) -> Result<(), Fault> {
    let newer = fields.uint("max_completion_tokens")?;
    let older = fields.uint("max_tokens")?;
    params.max_tokens = newer.or(older);
    params.temperature = fields.float("temperature")?;
    params.top_p = fields.float("top_p")?;
    params.top_k = fields.uint("top_k")?;
    params.stop = stop(fields)?;
    let theirs = fields.int("random_seed")?;
    params.seed = fields.int("seed")?.or(theirs);
    params.presence_penalty = fields.float("presence_penalty")?;
    params.frequency_penalty = fields.float("frequency_penalty")?;
    params.n = fields.uint("n")?;
    params.logprobs = fields.boolean("logprobs")?;
    params.top_logprobs = fields.uint("top_logprobs")?;
    params.service_tier = fields.text("service_tier")?;
    params.user = end_user(fields, losses)?;
    params.metadata = fields.object("metadata")?.map(|f| Node::Object(f.rest()).to_json());
    params.store = fields.boolean("store")?;
    params.prompt_cache_key = fields.text("prompt_cache_key")?;
    params.verbosity = fields.text("verbosity")?;
    if let Some(mut options) = fields.object("stream_options")? {
        params.include_usage = options.boolean("include_usage")?.unwrap_or(false);
        // vLLM's running counts: nothing that an answer lacks.
        options.ignore(&["continuous_usage_stats"]);
        unsaid::obfuscation(&mut options, losses)?;
        options.report_rest(losses);
    }
    if let Some(modalities) = fields.take("modalities")
        && modalities.items().iter().any(|m| m.as_str() != Some("text"))
    {
        losses.path(fields.path("modalities"), Reason::Dropped);
    }
    Ok(())
}

/// `user`, or else the newer `safety_identifier`.
pub(crate) fn end_user(fields: &mut Fields<'_>, losses: &mut Losses) -> Result<Option<String>, Fault> {
    let (user, safety) = (fields.text("user")?, fields.text("safety_identifier")?);
    match (&user, &safety) {
        (None, Some(_)) => losses.spell("user", "safety_identifier"),
        (Some(user), Some(safety)) if user != safety => losses.path("safety_identifier", Reason::Dropped),
        _ => {}
    }
    Ok(user.or(safety))
}

fn stop(fields: &mut Fields<'_>) -> Result<Vec<String>, Fault> {
    if fields.peek_text("stop").is_some() {
        return Ok(fields.text("stop")?.into_iter().filter(|s| !s.is_empty()).collect());
    }
    let wanted = "a string or an array of strings";
    let items = fields.array("stop")?.unwrap_or_default();
    items
        .iter()
        .map(|node| match node.as_str() {
            Some(text) => Ok(text.to_owned()),
            None => Err(crate::json::wrong(&fields.path("stop"), wanted, node)),
        })
        .filter(|text| text.as_ref().map_or(true, |t| !t.is_empty()))
        .collect()
}

/// Writes what the model takes; the rest is reported. `reasons` says whether it is asked to reason.
pub(super) fn encode(
    o: &mut ObjectWriter<'_>,
    params: &Params,
    rules: &Rules,
    reasons: Option<bool>,
    losses: &mut Losses,
) {
    o.opt_uint(rules.max_tokens, params.max_tokens);
    let mut say = Sayer { o, rules, losses };
    let sampling = match rules.sampling {
        Sampling::Free => true,
        Sampling::Never => false,
        Sampling::WithoutEffort => reasons != Some(true),
        Sampling::OnlyOff => reasons == Some(false),
    };
    // One is the default, and the only temperature that the others take.
    let one = |value: f64| (value - 1.0).abs() < f64::EPSILON;
    say.float("temperature", params.temperature, sampling || params.temperature.is_some_and(one), Field::Temperature);
    say.float("top_p", params.top_p.filter(|v| sampling || !one(*v)), sampling, Field::TopP);
    say.float(
        "presence_penalty",
        params.presence_penalty.filter(|v| sampling || *v != 0.0),
        sampling,
        Field::PresencePenalty,
    );
    say.float(
        "frequency_penalty",
        params.frequency_penalty.filter(|v| sampling || *v != 0.0),
        sampling,
        Field::FrequencyPenalty,
    );
    let logprobs = params.logprobs.filter(|on| sampling || *on);
    if say.may(logprobs.is_some(), sampling, Field::Logprobs) {
        say.o.opt_boolean("logprobs", logprobs);
    }
    if say.may(params.top_logprobs.is_some(), sampling, Field::TopLogprobs) {
        say.o.opt_uint("top_logprobs", params.top_logprobs);
    }
    say.may(params.top_k.is_some(), false, Field::TopK);
    if say.may(!params.stop.is_empty(), rules.stop, Field::Stop) {
        stops(say.o, &params.stop, say.losses);
    }
    if say.may(params.seed.is_some(), true, Field::Seed) {
        say.o.opt_int(rules.seed, params.seed);
    }
    if say.may(params.n.is_some(), true, Field::N) {
        say.o.opt_uint("n", params.n);
    }
    labels(&mut say, params, rules);
}

fn stops(o: &mut ObjectWriter<'_>, stop: &[String], losses: &mut Losses) {
    o.array("stop", |a| stop.iter().take(MAX_STOP).for_each(|s| a.text(s)));
    if stop.len() > MAX_STOP {
        losses.field(Field::Stop, Reason::Adjusted);
    }
}

fn labels(say: &mut Sayer<'_, '_>, params: &Params, rules: &Rules) {
    match params.service_tier.as_deref() {
        Some(tier) if TIERS.contains(&tier) && rules.takes("service_tier") => say.o.text("service_tier", tier),
        Some("standard_only" | "standard") if rules.takes("service_tier") => {
            say.o.text("service_tier", "default");
            say.losses.field(Field::ServiceTier, Reason::Adjusted);
        }
        other => {
            say.may(other.is_some(), false, Field::ServiceTier);
        }
    }
    if say.may(params.user.is_some(), true, Field::User) {
        say.o.opt_text("user", params.user.as_deref());
    }
    // Not keeping is what every host does unasked; `false` is refused by those that do not know the field.
    let store = params.store == Some(true);
    if say.may(store, rules.openai, Field::Store) {
        say.o.boolean("store", true);
    }
    // OpenAI takes labels only on what it stores.
    if say.may(params.metadata.is_some(), rules.openai && store, Field::Metadata) {
        say.o.opt_json("metadata", params.metadata.as_ref());
    }
    if say.may(params.prompt_cache_key.is_some(), rules.openai, Field::PromptCacheKey) {
        say.o.opt_text("prompt_cache_key", params.prompt_cache_key.as_deref());
    }
    if say.may(params.verbosity.is_some(), rules.verbosity, Field::Verbosity) {
        say.o.opt_text("verbosity", params.verbosity.as_deref());
    }
}

struct Sayer<'s, 'b> {
    o: &'s mut ObjectWriter<'b>,
    rules: &'s Rules,
    losses: &'s mut Losses,
}

impl Sayer<'_, '_> {
    /// Whether the field is to be written; reports it when it is there and may not. What the host refuses is not.
    fn may(&mut self, there: bool, takes: bool, field: Field) -> bool {
        let takes = takes && self.rules.takes(path_of(field));
        if there && !takes {
            self.losses.field(field, Reason::Dropped);
        }
        there && takes
    }

    fn float(&mut self, key: &str, value: Option<f64>, takes: bool, field: Field) {
        if self.may(value.is_some(), takes, field) {
            self.o.opt_float(key, value);
        }
    }
}
