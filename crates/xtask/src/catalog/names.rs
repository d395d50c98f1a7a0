//! The bare names of models, and under which other names hosts serve them: `claude-sonnet-4-5` is
//! `us.anthropic.claude-sonnet-4-5-20250929-v1:0` at one host and `anthropic/claude-sonnet-4.5` at the next.

use std::collections::{BTreeMap, BTreeSet};

use super::Offers;

/// The lines of the catalogue's list of names.
pub(super) fn index(offers: &Offers, canonical: &BTreeMap<String, String>) -> Vec<String> {
    let makers: BTreeSet<&str> = canonical.values().filter_map(|base| Some(base.split_once('/')?.0)).collect();
    // Every name that a maker gives, by its plain form.
    let mut given: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    for name in offers.keys().map(String::as_str).chain(canonical.values().map(String::as_str)) {
        let Some((provider, model)) = name.split_once('/') else { continue };
        if makers.contains(provider) && !model.contains('/') {
            given.entry(plain(model)).or_default().insert(model);
        }
    }
    let mut index: BTreeMap<&str, BTreeMap<&str, &str>> = BTreeMap::new();
    for name in offers.keys() {
        let Some((provider, model)) = name.split_once('/') else { continue };
        let base = canonical.get(name).and_then(|base| Some(base.split_once('/')?.1));
        let own = plain(model);
        let by_name = [own.clone(), undated(&own).to_owned()];
        let by_name = by_name.iter().filter_map(|form| given.get(form)).flatten().copied();
        for bare in base.into_iter().chain(by_name) {
            if offers.contains_key(&format!("{provider}/{bare}")) {
                continue;
            }
            let best = index.entry(bare).or_default().entry(provider).or_insert(model);
            if rank(model) < rank(best) {
                *best = model;
            }
        }
    }
    let line = |(bare, hosts): (&str, BTreeMap<&str, &str>)| {
        let hosts: Vec<_> = hosts.iter().map(|(provider, model)| format!("{provider}/{model}")).collect();
        format!("{bare} {}", hosts.join(" "))
    };
    index.into_iter().map(line).collect()
}

/// A name without its host's ornaments: what stands before the last slash or a maker's dot, versions of deployments,
/// dots for dashes.
fn plain(model: &str) -> String {
    let tail = model.rsplit('/').next().unwrap_or(model).to_lowercase();
    let regions = ["global.", "us.", "eu.", "apac.", "au.", "jp.", "us-gov."];
    let tail = regions.iter().find_map(|region| tail.strip_prefix(region)).unwrap_or(&tail);
    let vendors = ["anthropic.", "amazon.", "openai.", "deepseek.", "mistral.", "moonshotai.", "qwen.", "zai."];
    let tail = vendors.iter().find_map(|vendor| tail.strip_prefix(vendor)).unwrap_or(tail);
    let tail = tail.split_once('@').map_or_else(
        || tail.to_owned(),
        |(stem, pin)| {
            if pin == "default" { stem.to_owned() } else { format!("{stem}-{pin}") }
        },
    );
    let tail = tail.strip_suffix(":0").unwrap_or(&tail);
    let tail = ["-v1", "-v2"].iter().find_map(|version| tail.strip_suffix(version)).unwrap_or(tail);
    tail.replace(['.', ' '], "-")
}

/// A plain name without its date.
fn undated(plain: &str) -> &str {
    let digits = |text: &str| text.len() == 8 && text.starts_with("20") && text.bytes().all(|b| b.is_ascii_digit());
    plain.rsplit_once('-').filter(|(_, date)| digits(date)).map_or(plain, |(stem, _)| stem)
}

/// Of several names at one host: the one of all regions, then the shortest without a region.
fn rank(model: &str) -> (u8, usize, &str) {
    let region = match model.split_once('.').map_or("", |(region, _)| region) {
        "global" => 0,
        "us" | "eu" | "apac" | "au" | "jp" | "us-gov" => 2,
        _ => 1,
    };
    // A variant (`:free`) is another offer than the model itself.
    let variant = u8::from(model.rsplit('/').next().is_some_and(|tail| tail.contains(':') && !tail.ends_with(":0")));
    (region + variant * 4, model.len(), model)
}
