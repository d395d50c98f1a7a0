//! LiteLLM's prices: one flat map a model, most of whose keys are prices with the tier and the bound in their names
//! (`cache_creation_input_token_cost_above_1hr_above_200k_tokens_priority`).

use std::collections::{BTreeMap, BTreeSet};

use serde_json::value::RawValue;
use tollgate_core::catalogue::{Capability, Mode, Unit};

use super::decimal::shifted;
use super::facts::{Facts, day, letters};
use super::pages::{Pages, is_own};
use super::{Offers, spellings};

type Fields<'a> = BTreeMap<String, &'a RawValue>;

/// The beginning of a price's key, and what it is the price of. The longest that fits decides.
const PRICES: &[(&str, Unit)] = &[
    ("input_cost_per_token", Unit::Input),
    ("output_cost_per_token", Unit::Output),
    ("cache_read_input_token_cost", Unit::CacheRead),
    ("input_cost_per_token_cache_hit", Unit::CacheRead),
    ("cache_creation_input_token_cost", Unit::CacheWrite),
    ("cache_creation_input_token_cost_above_1hr", Unit::CacheWrite1h),
    ("output_cost_per_reasoning_token", Unit::Reasoning),
    ("input_cost_per_audio_token", Unit::AudioInput),
    ("output_cost_per_audio_token", Unit::AudioOutput),
    ("cache_read_input_audio_token_cost", Unit::AudioCacheRead),
    ("cache_creation_input_audio_token_cost", Unit::AudioCacheWrite),
    ("input_cost_per_image_token", Unit::ImageInput),
    ("output_cost_per_image_token", Unit::ImageOutput),
    ("cache_read_input_image_token_cost", Unit::ImageCacheRead),
    ("input_cost_per_video_token", Unit::VideoInput),
    ("output_cost_per_video_token", Unit::VideoOutput),
    ("citation_cost_per_token", Unit::Citation),
    ("input_cost_per_image", Unit::ImagesIn),
    ("output_cost_per_image", Unit::ImagesOut),
    ("input_cost_per_second", Unit::SecondsIn),
    ("output_cost_per_second", Unit::SecondsOut),
    ("input_cost_per_audio_per_second", Unit::AudioSecondsIn),
    ("input_cost_per_video_per_second", Unit::VideoSecondsIn),
    ("output_cost_per_video_per_second", Unit::VideoSecondsOut),
    ("input_cost_per_character", Unit::CharactersIn),
    ("output_cost_per_character", Unit::CharactersOut),
    ("input_cost_per_pixel", Unit::PixelsIn),
    ("output_cost_per_pixel", Unit::PixelsOut),
    ("input_cost_per_query", Unit::Queries),
    ("ocr_cost_per_page", Unit::Pages),
    ("input_cost_per_request", Unit::Requests),
];

/// Switches and what they say.
const SWITCHES: &[(&str, Capability)] = &[
    ("supports_function_calling", Capability::Tools),
    ("supports_parallel_function_calling", Capability::ParallelTools),
    ("supports_tool_choice", Capability::ForcedTool),
    ("supports_response_schema", Capability::StructuredOutput),
    ("supports_reasoning", Capability::Reasoning),
    ("thinking_always_on", Capability::AlwaysReasons),
    ("supports_adaptive_thinking", Capability::AdaptiveReasoning),
    ("supports_prompt_caching", Capability::PromptCaching),
    ("supports_assistant_prefill", Capability::Prefill),
    ("supports_system_messages", Capability::SystemMessages),
    ("supports_sampling_params", Capability::Sampling),
    ("supports_web_search", Capability::WebSearch),
    ("supports_url_context", Capability::UrlContext),
    ("supports_computer_use", Capability::ComputerUse),
];

/// Switches of modalities.
const MEDIA: &[(&str, &str)] = &[
    ("supports_vision", "image"),
    ("supports_image_input", "image"),
    ("supports_pdf_input", "pdf"),
    ("supports_audio_input", "audio"),
    ("supports_video_input", "video"),
];

/// Reads the file, and the pages that it names.
pub(super) fn read(text: &str, pages: &mut Pages) -> Result<Offers, String> {
    let file: BTreeMap<String, Fields<'_>> =
        serde_json::from_str(text).map_err(|e| format!("litellm-prices.json: {e}"))?;
    let all: BTreeSet<String> = file.values().filter_map(page).collect();
    *pages = Pages::new(all);
    let mut offers: BTreeMap<String, (usize, Facts)> = BTreeMap::new();
    for (key, fields) in &file {
        let Some(mode) = words(fields, "mode").as_deref().and_then(mode) else { continue };
        let provider = words(fields, "litellm_provider").unwrap_or_default();
        let Some((id, model)) = spellings::offer(&provider, key) else { continue };
        let name = format!("{id}/{model}");
        // Two keys may be one offer (`bedrock/x` and `x`): the one that says more counts.
        if offers.get(&name).is_none_or(|(said, _)| *said < fields.len()) {
            offers.insert(name, (fields.len(), facts(&id, mode, fields, pages)));
        }
    }
    Ok(offers.into_iter().map(|(name, (_, facts))| (name, facts)).collect())
}

fn facts(provider: &str, mode: Mode, fields: &Fields<'_>, pages: &Pages) -> Facts {
    let page = page(fields);
    let number = |key: &str| {
        let number: f64 = fields.get(key)?.get().parse().ok()?;
        (1.0..1e12).contains(&number).then_some(number as u64)
    };
    let mut facts = Facts {
        sources: vec![pages.id(page.as_deref())],
        own_page: page.is_some_and(|page| is_own(&page, provider)),
        mode: Some(mode),
        max_input: number("max_input_tokens").or_else(|| number("max_tokens")),
        max_output: number("max_output_tokens"),
        dimensions: number("output_vector_size"),
        output: list(fields, "supported_output_modalities"),
        retires: words(fields, "deprecation_date").and_then(|date| day(&date)),
        ..Facts::default()
    };
    facts.input = input(fields, mode);
    facts.successor = successor(fields);
    if !matches!(mode, Mode::Chat | Mode::Responses | Mode::Completion | Mode::Realtime) {
        facts.max_output = None;
    }
    for (key, capability) in SWITCHES {
        facts.says(*capability, switch(fields, key));
    }
    for (key, value) in fields {
        price(&mut facts, key, value.get());
    }
    facts.price(None, None, Unit::WebSearches, web_search(fields));
    tiered(&mut facts, fields);
    facts
}

/// A price that stands under a key of its own.
fn price(facts: &mut Facts, key: &str, value: &str) {
    let fits = PRICES.iter().filter(|(start, _)| key.starts_with(start));
    let Some((start, unit)) = fits.max_by_key(|(start, _)| start.len()) else { return };
    let Some((tier, above)) = band(&key[start.len()..]) else { return };
    // Per one there, nano-dollars per million here.
    facts.price(tier, above, *unit, shifted(value, 15));
}

/// The tier and the bound in the rest of a key: `_above_200k_tokens_priority`; `None`: it is another price.
fn band(rest: &str) -> Option<(Option<&str>, Option<u64>)> {
    let (above, rest) = match rest.strip_prefix("_above_").and_then(|rest| rest.split_once("k_tokens")) {
        Some((bound, rest)) => (Some(bound.parse::<u64>().ok()? * 1_000), rest),
        None => (None, rest),
    };
    let tier = match rest {
        "" => None,
        "_batches" => Some("batch"),
        "_flex" | "_priority" | "_ultrafast" | "_balanced" | "_decisions" => Some(&rest[1..]),
        _ => return None,
    };
    Some((tier, above))
}

/// Prices by the size of a request, as a list.
fn tiered(facts: &mut Facts, fields: &Fields<'_>) {
    let Some(list) = fields.get("tiered_pricing") else { return };
    let Ok(tiers) = serde_json::from_str::<Vec<Fields<'_>>>(list.get()) else { return };
    for tier in tiers {
        let range = tier.get("range").and_then(|range| serde_json::from_str::<Vec<f64>>(range.get()).ok());
        let Some(first) = range.and_then(|range| range.first().copied()) else { continue };
        let above = (first > 0.0).then_some(first as u64);
        for (start, unit) in PRICES {
            let value = tier.get(*start).and_then(|value| shifted(value.get(), 15));
            facts.price(None, above, *unit, value);
        }
    }
}

fn web_search(fields: &Fields<'_>) -> Option<i64> {
    let all: Fields<'_> = serde_json::from_str(fields.get("search_context_cost_per_query")?.get()).ok()?;
    shifted(all.get("search_context_size_medium")?.get(), 15)
}

/// What goes in: as it is listed, else what the switches say. Where no switch is thrown, nothing is known.
fn input(fields: &Fields<'_>, mode: Mode) -> Option<String> {
    let listed = list(fields, "supported_modalities");
    let thrown: Vec<&str> =
        MEDIA.iter().filter(|(key, _)| switch(fields, key) == Some(true)).map(|(_, word)| *word).collect();
    if listed.is_none() && thrown.is_empty() {
        let text = matches!(mode, Mode::Embed | Mode::Rerank | Mode::Moderation | Mode::Completion);
        let blind = switch(fields, "supports_vision") == Some(false);
        return (text || blind).then(|| "t".to_owned());
    }
    let listed = listed.unwrap_or_else(|| "t".to_owned());
    let names = tollgate_core::catalogue::MODALITIES;
    let listed = names.iter().filter(|(_, letter, _)| listed.contains(*letter)).map(|(_, _, name)| *name);
    letters(listed.chain(thrown))
}

fn successor(fields: &Fields<'_>) -> Option<String> {
    let metadata: Fields<'_> = serde_json::from_str(fields.get("metadata")?.get()).ok()?;
    let provider = words(fields, "litellm_provider")?;
    spellings::offer(&provider, &words(&metadata, "successor")?).map(|(_, model)| model)
}

fn list(fields: &Fields<'_>, key: &str) -> Option<String> {
    let words: Vec<String> = serde_json::from_str(fields.get(key)?.get()).ok()?;
    letters(words.iter().map(String::as_str))
}

fn words(fields: &Fields<'_>, key: &str) -> Option<String> {
    serde_json::from_str(fields.get(key)?.get()).ok()
}

fn switch(fields: &Fields<'_>, key: &str) -> Option<bool> {
    serde_json::from_str(fields.get(key)?.get()).ok()
}

/// The page that is named, without what would part it from the rest of a line.
fn page(fields: &Fields<'_>) -> Option<String> {
    let page = words(fields, "source")?;
    Some(page.replace(' ', "%20")).filter(|page| page.starts_with("http"))
}

fn mode(word: &str) -> Option<Mode> {
    Some(match word {
        "chat" => Mode::Chat,
        "responses" => Mode::Responses,
        "completion" => Mode::Completion,
        "embedding" => Mode::Embed,
        "rerank" => Mode::Rerank,
        "image_generation" => Mode::Image,
        "image_edit" => Mode::ImageEdit,
        "video_generation" => Mode::Video,
        "audio_speech" => Mode::Speech,
        "audio_transcription" => Mode::Transcription,
        "moderation" => Mode::Moderation,
        "ocr" => Mode::Ocr,
        "realtime" => Mode::Realtime,
        _ => return None,
    })
}
