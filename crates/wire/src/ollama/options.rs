//! `options`: sampling and limits, both ways.

use tollgate_ir::{Fault, Field, Losses, Params, Reason};

use crate::json::{Fields, Node, ObjectWriter};

/// Options about the host's memory and processors: they mean nothing elsewhere and change no answer.
const OF_THE_HOST: &[&str] = &[
    "numa",
    "num_batch",
    "num_gpu",
    "main_gpu",
    "low_vram",
    "use_mmap",
    "use_mlock",
    "num_thread",
    "num_keep",
    "vocab_only",
    "f16_kv",
    "logits_all",
];

pub(super) fn decode(fields: &mut Fields<'_>, losses: &mut Losses) -> Result<Params, Fault> {
    let Some(mut options) = fields.object("options")? else { return Ok(Params::default()) };
    let params = Params {
        // −1 is no limit, −2 as much as the context holds.
        max_tokens: options.int("num_predict")?.and_then(|n| u64::try_from(n).ok()).filter(|n| *n > 0),
        temperature: options.float("temperature")?,
        top_p: options.float("top_p")?,
        top_k: options.int("top_k")?.and_then(|k| u64::try_from(k).ok()).filter(|k| *k > 0),
        stop: stop(&mut options)?,
        seed: options.int("seed")?,
        presence_penalty: options.float("presence_penalty")?,
        frequency_penalty: options.float("frequency_penalty")?,
        ..Params::default()
    };
    options.ignore(OF_THE_HOST);
    options.report_rest(losses);
    Ok(params)
}

fn stop(options: &mut Fields<'_>) -> Result<Vec<String>, Fault> {
    let path = options.path("stop");
    let items = match options.take("stop") {
        None => return Ok(Vec::new()),
        Some(Node::Array(items)) => items,
        Some(one) => vec![one],
    };
    let word = |item: Node<'_>| match item {
        Node::Text(text) => Ok(text.into_owned()),
        other => Err(Fault::field(&path, format!("`{path}` must be strings, but one is {}.", other.kind()))),
    };
    items.into_iter().map(word).collect()
}

/// Writes what the request says; Ollama bounds none of it.
pub(super) fn encode(o: &mut ObjectWriter<'_>, params: &Params) {
    let said = params.max_tokens.is_some()
        || params.temperature.is_some()
        || params.top_p.is_some()
        || params.top_k.is_some()
        || !params.stop.is_empty()
        || params.seed.is_some()
        || params.presence_penalty.is_some()
        || params.frequency_penalty.is_some();
    if said {
        o.object("options", |p| {
            p.opt_uint("num_predict", params.max_tokens);
            p.opt_float("temperature", params.temperature);
            p.opt_float("top_p", params.top_p);
            p.opt_uint("top_k", params.top_k);
            if !params.stop.is_empty() {
                p.array("stop", |a| params.stop.iter().for_each(|s| a.text(s)));
            }
            p.opt_int("seed", params.seed);
            p.opt_float("presence_penalty", params.presence_penalty);
            p.opt_float("frequency_penalty", params.frequency_penalty);
        });
    }
    o.opt_boolean("logprobs", params.logprobs);
    o.opt_uint("top_logprobs", params.top_logprobs);
}

/// What Ollama has no field for.
pub(super) fn report_unsaid(params: &Params, losses: &mut Losses) {
    for (field, said) in [
        (Field::N, params.n.is_some_and(|n| n > 1)),
        (Field::ServiceTier, params.service_tier.as_deref().is_some_and(|t| !matches!(t, "auto" | "default"))),
        (Field::User, params.user.is_some()),
        (Field::Metadata, params.metadata.is_some()),
        (Field::Store, params.store == Some(true)),
        (Field::PromptCacheKey, params.prompt_cache_key.is_some()),
        (Field::Verbosity, params.verbosity.is_some()),
    ] {
        if said {
            losses.field(field, Reason::Dropped);
        }
    }
}
