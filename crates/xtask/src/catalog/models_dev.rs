//! models.dev's folded TOML files. A provider's entry may hold only what differs from the model that it is based on.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;
use tollgate_core::catalogue::{Capability, EFFORTS, Mode, Unit};

use super::Offers;
use super::decimal::shifted;
use super::facts::{Facts, letters};
use super::pages::MODELS_DEV;

/// What is read of the file.
pub(super) struct ModelsDev {
    pub offers: Offers,
    /// The family of an offer, by `provider/model`.
    pub families: BTreeMap<String, String>,
    /// The model that an offer is based on, as `maker/model`, by `provider/model`.
    pub canonical: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct File<'a> {
    #[serde(borrow)]
    providers: BTreeMap<String, Host<'a>>,
    #[serde(borrow)]
    models: BTreeMap<String, Entry<'a>>,
}

#[derive(Deserialize)]
struct Host<'a> {
    #[serde(borrow)]
    models: BTreeMap<String, Entry<'a>>,
}

#[derive(Clone, Default, Deserialize)]
#[serde(default)]
struct Entry<'a> {
    base_model: Option<String>,
    base_model_omit: Vec<String>,
    family: Option<String>,
    status: Option<String>,
    release_date: Option<String>,
    reasoning: Option<bool>,
    temperature: Option<bool>,
    tool_call: Option<bool>,
    structured_output: Option<bool>,
    open_weights: Option<bool>,
    reasoning_options: Option<Vec<Reasoning>>,
    limit: Limit,
    modalities: Modalities,
    #[serde(borrow)]
    cost: Option<Cost<'a>>,
    #[serde(borrow)]
    experimental: Option<Experimental<'a>>,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(default)]
struct Limit {
    context: Option<u64>,
    input: Option<u64>,
    output: Option<u64>,
}

#[derive(Clone, Default, Deserialize)]
#[serde(default)]
struct Modalities {
    input: Option<Vec<String>>,
    output: Option<Vec<String>>,
}

#[derive(Clone, Deserialize)]
struct Reasoning {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    values: Vec<Option<String>>,
    /// Some say -1 for a budget that the model chooses.
    min: Option<i64>,
    max: Option<i64>,
}

type Number<'a> = Option<&'a RawValue>;

#[derive(Clone, Default, Deserialize)]
#[serde(default)]
struct Cost<'a> {
    #[serde(borrow)]
    input: Number<'a>,
    #[serde(borrow)]
    output: Number<'a>,
    #[serde(borrow, alias = "cache_input", alias = "cached_input")]
    cache_read: Number<'a>,
    #[serde(borrow, alias = "cached_write")]
    cache_write: Number<'a>,
    #[serde(borrow)]
    reasoning: Number<'a>,
    #[serde(borrow)]
    input_audio: Number<'a>,
    #[serde(borrow)]
    output_audio: Number<'a>,
    #[serde(borrow)]
    citation: Number<'a>,
    #[serde(borrow)]
    tiers: Vec<Cost<'a>>,
    /// Of a tier: what it holds for.
    tier: Option<Bound>,
}

#[derive(Clone, Copy, Deserialize)]
struct Bound {
    size: u64,
}

#[derive(Clone, Default, Deserialize)]
#[serde(default)]
struct Experimental<'a> {
    #[serde(borrow)]
    modes: BTreeMap<String, Fast<'a>>,
}

#[derive(Clone, Default, Deserialize)]
#[serde(default)]
struct Fast<'a> {
    #[serde(borrow)]
    cost: Option<Cost<'a>>,
    provider: Switches,
}

/// What a request says to have the mode.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
struct Switches {
    body: Body,
}

#[derive(Clone, Default, Deserialize)]
#[serde(default)]
struct Body {
    service_tier: Option<String>,
}

/// Reads the file.
pub(super) fn read(text: &str) -> Result<ModelsDev, String> {
    let file: File<'_> = serde_json::from_str(text).map_err(|e| format!("models-dev.json: {e}"))?;
    let mut read = ModelsDev { offers: Offers::new(), families: BTreeMap::new(), canonical: BTreeMap::new() };
    for (provider, host) in file.providers {
        for (model, entry) in host.models {
            let name = format!("{provider}/{model}");
            let base = entry.base_model.clone();
            let entry = whole(entry, &file.models);
            if let Some(family) = &entry.family {
                read.families.insert(name.clone(), family.clone());
            }
            if let Some(base) = base {
                read.canonical.insert(name.clone(), base);
            }
            read.offers.insert(name, facts(&model, &entry));
        }
    }
    Ok(read)
}

/// An entry with what it takes over from the model that it is based on.
fn whole<'a>(entry: Entry<'a>, models: &BTreeMap<String, Entry<'a>>) -> Entry<'a> {
    let Some(base) = entry.base_model.as_ref().and_then(|base| models.get(base)).cloned() else { return entry };
    let omitted = |path: &str| entry.base_model_omit.iter().any(|omitted| omitted == path);
    Entry {
        family: entry.family.or(base.family),
        status: entry.status,
        release_date: entry.release_date.or(base.release_date),
        reasoning: entry.reasoning.or(base.reasoning),
        temperature: entry.temperature.or(base.temperature),
        tool_call: entry.tool_call.or(base.tool_call),
        structured_output: entry.structured_output.or(base.structured_output.filter(|_| !omitted("structured_output"))),
        open_weights: entry.open_weights.or(base.open_weights),
        limit: Limit {
            context: entry.limit.context.or(base.limit.context),
            input: entry.limit.input.or(base.limit.input.filter(|_| !omitted("limit.input"))),
            output: entry.limit.output.or(base.limit.output),
        },
        modalities: Modalities {
            input: entry.modalities.input.or(base.modalities.input),
            output: entry.modalities.output.or(base.modalities.output),
        },
        ..entry
    }
}

fn facts(model: &str, entry: &Entry<'_>) -> Facts {
    let known = |n: &u64| *n > 0;
    let of = |words: &Option<Vec<String>>| words.as_ref().and_then(|all| letters(all.iter().map(String::as_str)));
    let mode = mode(model, entry);
    let mut facts = Facts {
        sources: vec![MODELS_DEV],
        mode: Some(mode),
        context: entry.limit.context.filter(known),
        max_input: entry.limit.input.filter(known).filter(|n| Some(*n) != entry.limit.context),
        max_output: entry.limit.output.filter(known),
        input: of(&entry.modalities.input),
        output: of(&entry.modalities.output),
        reasoning: entry.reasoning_options.as_deref().and_then(reasoning),
        released: entry.release_date.clone().filter(|d| d.bytes().all(|b| b.is_ascii_digit() || b == b'-')),
        status: entry.status.as_deref().and_then(|status| status.chars().next()).filter(|c| "dab".contains(*c)),
        ..Facts::default()
    };
    if mode == Mode::Embed {
        // The output of an embedding model is the length of its vectors.
        facts.dimensions = facts.max_output.take();
    }
    facts.says(Capability::Tools, entry.tool_call);
    facts.says(Capability::Reasoning, entry.reasoning);
    facts.says(Capability::StructuredOutput, entry.structured_output);
    facts.says(Capability::Sampling, entry.temperature);
    facts.says(Capability::OpenWeights, entry.open_weights.filter(|open| *open));
    if let Some(cost) = &entry.cost {
        prices(&mut facts, None, cost);
    }
    for (name, fast) in entry.experimental.iter().flat_map(|experimental| &experimental.modes) {
        let tier = fast.provider.body.service_tier.as_deref().unwrap_or(name);
        if let Some(cost) = &fast.cost {
            prices(&mut facts, Some(tier), cost);
        }
    }
    facts
}

fn prices(facts: &mut Facts, tier: Option<&str>, cost: &Cost<'_>) {
    let above = cost.tier.map(|bound| bound.size);
    for (unit, number) in [
        (Unit::Input, cost.input),
        (Unit::Output, cost.output),
        (Unit::CacheRead, cost.cache_read),
        (Unit::CacheWrite, cost.cache_write),
        (Unit::Reasoning, cost.reasoning),
        (Unit::AudioInput, cost.input_audio),
        (Unit::AudioOutput, cost.output_audio),
        (Unit::Citation, cost.citation),
    ] {
        facts.price(tier, above, unit, number.and_then(|number| shifted(number.get(), 9)));
    }
    for inner in &cost.tiers {
        prices(facts, tier, inner);
    }
}

/// How reasoning is asked for, as in the file.
fn reasoning(options: &[Reasoning]) -> Option<String> {
    let mut parts = Vec::new();
    for option in options {
        match option.kind.as_str() {
            "toggle" => parts.push("t".to_owned()),
            "effort" => {
                let has = |name: &str| option.values.iter().flatten().any(|value| value == name);
                let letters: String = EFFORTS.iter().filter(|(_, name)| has(name)).map(|(letter, _)| *letter).collect();
                parts.push(format!("e{letters}"));
            }
            "budget_tokens" => {
                let most = option.max.filter(|most| *most > 0).map(|most| format!("-{most}")).unwrap_or_default();
                parts.push(format!("b{}{most}", option.min.unwrap_or(0).max(0)));
            }
            _ => {}
        }
    }
    (!parts.is_empty()).then(|| parts.join(","))
}

/// What an entry is for: the source does not say, its name and what comes out do.
fn mode(model: &str, entry: &Entry<'_>) -> Mode {
    let name = model.to_lowercase();
    let family = entry.family.as_deref().unwrap_or_default();
    let outputs: Vec<&str> = entry.modalities.output.iter().flatten().map(String::as_str).collect();
    let has = |words: &[&str]| words.iter().any(|word| name.contains(word));
    if has(&["embed", "bge-", "e5-mistral", "gte-"]) || family.contains("embed") {
        return Mode::Embed;
    }
    if has(&["rerank"]) {
        return Mode::Rerank;
    }
    if has(&["moderation"]) {
        return Mode::Moderation;
    }
    if has(&["whisper", "transcribe"]) {
        return Mode::Transcription;
    }
    match outputs.as_slice() {
        ["image"] => Mode::Image,
        ["video"] => Mode::Video,
        ["audio"] => Mode::Speech,
        _ => Mode::Chat,
    }
}
