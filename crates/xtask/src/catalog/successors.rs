//! What a model that goes is followed by: the newest of its family at the same provider that is not going itself.

use std::collections::BTreeMap;

use super::Offers;
use super::facts::Facts;

/// Notes successors of offers that retire or are deprecated.
pub(super) fn fill(offers: &mut Offers, families: &BTreeMap<String, String>) {
    // What one provider says of a model's family holds for the model anywhere.
    let by_model: BTreeMap<&str, &str> = families.iter().map(|(name, family)| (tail(name), family.as_str())).collect();
    let family = |name: &str| families.get(name).map(String::as_str).or_else(|| by_model.get(tail(name)).copied());
    // So does the day on which it came out.
    let days: BTreeMap<String, String> =
        offers.iter().filter_map(|(name, facts)| Some((tail(name).to_lowercase(), facts.released.clone()?))).collect();
    let mut newest: BTreeMap<(String, String), (String, String)> = BTreeMap::new();
    for (name, facts) in offers.iter().filter(|(_, facts)| !goes(facts)) {
        let (Some(family), Some(released)) = (family(name), &facts.released) else { continue };
        let Some((provider, model)) = name.split_once('/') else { continue };
        let key = (provider.to_owned(), format!("{family} {:?}", facts.mode));
        let candidate = (released.clone(), model.to_owned());
        let best = newest.entry(key).or_insert_with(|| candidate.clone());
        // Of those of one day the shorter name: `gpt-5` before `gpt-5-codex`.
        let better = (&candidate.0, std::cmp::Reverse(candidate.1.len())) > (&best.0, std::cmp::Reverse(best.1.len()));
        if better {
            *best = candidate;
        }
    }
    for (name, facts) in offers.iter_mut().filter(|(_, facts)| goes(facts)) {
        let Some((provider, _)) = name.split_once('/') else { continue };
        let Some(family) = family(name) else { continue };
        let next = newest.get(&(provider.to_owned(), format!("{family} {:?}", facts.mode)));
        let mine = facts.released.as_ref().or_else(|| days.get(&tail(name).to_lowercase()));
        let next =
            next.filter(|(released, _)| mine.is_some_and(|mine| released > mine)).map(|(_, model)| model.clone());
        // What a source says counts before what the family makes likely.
        facts.successor = facts.successor.take().or(next);
    }
}

fn goes(facts: &Facts) -> bool {
    facts.retires.is_some() || facts.status == Some('d')
}

fn tail(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}
