use tollgate_ir::{Fault, Field, Losses, OutputFormat, Params, Reason, Request, Thinking, ThinkingMode};

use super::{history, rules, tools};
use crate::json::{ObjectWriter, object};
use crate::target::{Encoded, Target};

/// See [`crate::codec::encode_request`].
pub fn encode_request(request: &Request, target: &Target<'_>, losses: &mut Losses) -> Result<Encoded, Fault> {
    let mut body = Vec::with_capacity(1024);
    object(&mut body, |o| {
        o.text("model", target.model);
        history::encode(o, request, target, losses)?;
        tools::encode(o, request, target, losses);
        output(o, request, losses);
        params(o, &request.params, losses);
        thinking(o, request, target, losses);
        unsaid(request, losses);
        o.boolean("stream", request.stream);
        Ok(())
    })?;
    Ok(Encoded { body, ..Encoded::default() })
}

fn output(o: &mut ObjectWriter<'_>, request: &Request, losses: &mut Losses) {
    let Some(output) = &request.output else { return };
    o.object("response_format", |f| {
        f.text("type", "json_object");
        if let OutputFormat::Schema { schema, strict, .. } = output {
            f.json("json_schema", schema);
            // It always must fit; a client that wanted less gets more.
            if *strict == Some(false) {
                losses.field(Field::Output, Reason::Adjusted);
            }
        }
    });
}

fn params(o: &mut ObjectWriter<'_>, params: &Params, losses: &mut Losses) {
    let mut capped = |field, value: Option<f64>, min: f64, max: f64| {
        value.map(|v| {
            if !(min..=max).contains(&v) {
                losses.field(field, Reason::Adjusted);
            }
            v.clamp(min, max)
        })
    };
    let temperature = capped(Field::Temperature, params.temperature, 0.0, rules::MAX_TEMPERATURE);
    let frequency = capped(Field::FrequencyPenalty, params.frequency_penalty, 0.0, rules::MAX_PENALTY);
    let presence = capped(Field::PresencePenalty, params.presence_penalty, 0.0, rules::MAX_PENALTY);
    let p = capped(Field::TopP, params.top_p, rules::MIN_TOP_P, 1.0);
    o.opt_uint("max_tokens", params.max_tokens);
    if !params.stop.is_empty() {
        if params.stop.len() > rules::MAX_STOPS {
            losses.field(Field::Stop, Reason::Adjusted);
        }
        o.array("stop_sequences", |a| params.stop.iter().take(rules::MAX_STOPS).for_each(|s| a.text(s)));
    }
    o.opt_float("temperature", temperature);
    match params.seed {
        Some(seed) if seed < 0 => losses.field(Field::Seed, Reason::Dropped),
        seed => o.opt_int("seed", seed),
    }
    o.opt_float("frequency_penalty", frequency);
    o.opt_float("presence_penalty", presence);
    if let Some(k) = params.top_k {
        if k > rules::MAX_TOP_K {
            losses.field(Field::TopK, Reason::Adjusted);
        }
        o.uint("k", k.min(rules::MAX_TOP_K));
    }
    o.opt_float("p", p);
    o.opt_boolean("logprobs", params.logprobs);
}

fn thinking(o: &mut ObjectWriter<'_>, request: &Request, target: &Target<'_>, losses: &mut Losses) {
    let Some(thinking) = &request.thinking else { return };
    match thinking.mode {
        // By default models that can reason do; the word is harmless to the others.
        ThinkingMode::Off => o.object("thinking", |t| t.text("type", "disabled")),
        ThinkingMode::Unsaid => {}
        ThinkingMode::On | ThinkingMode::Adaptive if !rules::reasons(target.model) => {
            losses.field(Field::Thinking, Reason::Dropped);
        }
        ThinkingMode::On | ThinkingMode::Adaptive => o.object("thinking", |t| {
            t.text("type", "enabled");
            if let Some(budget) = budget(thinking, request, target, losses) {
                t.uint("token_budget", budget);
            }
        }),
    }
    if thinking.show == Some(false) {
        losses.field(Field::Thinking, Reason::Adjusted);
    }
}

/// The client's budget, or what stands for its effort.
fn budget(thinking: &Thinking, request: &Request, target: &Target<'_>, losses: &mut Losses) -> Option<u64> {
    thinking.budget.or_else(|| {
        let effort = thinking.effort?;
        losses.field(Field::Thinking, Reason::Adjusted);
        let limit = target.room(&request.params, None);
        Some(effort.budget(limit))
    })
}

/// What Cohere has no field for.
fn unsaid(request: &Request, losses: &mut Losses) {
    let p = &request.params;
    for (field, said) in [
        (Field::N, p.n.is_some_and(|n| n > 1)),
        (Field::TopLogprobs, p.top_logprobs.is_some_and(|n| n > 0)),
        (Field::ServiceTier, p.service_tier.as_deref().is_some_and(|tier| tier != "auto")),
        (Field::User, p.user.is_some()),
        (Field::Metadata, p.metadata.is_some()),
        (Field::Store, p.store == Some(true)),
        (Field::PromptCacheKey, p.prompt_cache_key.is_some()),
        (Field::Verbosity, p.verbosity.is_some()),
        (Field::PreviousResponse, request.previous_response.is_some()),
    ] {
        if said {
            losses.field(field, Reason::Dropped);
        }
    }
}
