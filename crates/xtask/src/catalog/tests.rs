//! The committed catalogue against the sources, which lie beside the repository (or the worktree).

use std::collections::BTreeMap;

use serde_json::value::RawValue;
use tollgate_core::catalogue::{Catalogue, Offer, Unit};

use super::*;
use crate::root;

/// The folder of the sources; says so where there is none.
fn sources() -> Option<PathBuf> {
    let folder = root().join("../shared/catalog");
    if !folder.join("models-dev.json").exists() {
        eprintln!("skipped: {} is not there", folder.display());
        return None;
    }
    Some(folder)
}

#[test]
fn the_committed_file_is_what_the_generator_makes() {
    let Some(folder) = sources() else { return };
    let fresh = generate(&folder).unwrap();
    let committed = fs::read_to_string(root().join(FILE)).unwrap();
    assert!(fresh == committed, "run `cargo xtask catalog --from {}`", folder.display());
    assert!(fresh.len() <= MOST_BYTES);
}

#[test]
fn there_are_offers_enough_and_every_price_has_a_source_and_a_date() {
    let catalogue = Catalogue::bundled();
    assert!(catalogue.offers().count() >= 4_000);
    for offer in catalogue.offers() {
        let sources: Vec<_> = offer.sources().chain(offer.otherwise().iter().flat_map(Offer::sources)).collect();
        assert!(!sources.is_empty(), "{}", offer.name());
        assert!(sources.iter().all(|source| source.date.len() == 10), "{}", offer.name());
        if let Some(sheet) = offer.sheet() {
            // What cannot be read back would be lost in silence.
            let text = offer.price().unwrap();
            let input = sheet.unit(Unit::Input).unwrap_or_default();
            assert_eq!(text.rates.input, input, "{}", offer.name());
        }
    }
}

/// The whole file is one that an operator could have written.
#[test]
fn the_committed_file_is_valid_line_by_line() {
    let committed = fs::read_to_string(root().join(FILE)).unwrap();
    if let Err(mistakes) = Catalogue::with_file(&committed, false) {
        panic!("{mistakes:?}");
    }
}

/// Nano-dollars per million from a number of the source, by another way than the generator's: through the shortest
/// decimal text of the float.
fn nanos(number: &RawValue, power: i32) -> i64 {
    let float: f64 = number.get().parse().unwrap();
    (float * 10_f64.powi(power)).round() as i64
}

/// Whether the catalogue says this price of an offer, first or beside.
fn says(offer: &Offer<'_>, unit: Unit, price: i64) -> bool {
    let near = |known: i64| (known - price).abs() <= (price / 1_000_000_000_000).max(1);
    let of = |offer: &Offer<'_>| offer.sheet().and_then(|sheet| sheet.unit(unit)).is_some_and(|known| near(known.0));
    of(offer) || offer.otherwise().is_some_and(|other| of(&other))
}

#[test]
fn a_sample_of_prices_is_equal_to_the_sources() {
    let Some(folder) = sources() else { return };
    let catalogue = Catalogue::bundled();
    let mut seen = 0;
    let text = fs::read_to_string(folder.join("models-dev.json")).unwrap();
    type Map<'a> = BTreeMap<String, &'a RawValue>;
    let map = |raw: &'static str| serde_json::from_str::<Map<'_>>(raw).unwrap();
    let text: &'static str = text.leak();
    let file = map(text);
    for (provider, host) in map(file["providers"].get()) {
        let models = map(map(host.get())["models"].get());
        for (model, entry) in models.iter().step_by(41) {
            let Some(cost) = map(entry.get()).get("cost").copied() else { continue };
            let offer = catalogue.offer(&provider, model).unwrap_or_else(|| panic!("{provider}/{model}"));
            for (key, unit) in [("input", Unit::Input), ("output", Unit::Output), ("cache_read", Unit::CacheRead)] {
                let Some(price) = map(cost.get()).get(key).map(|number| nanos(number, 9)) else { continue };
                let freed = price == 0;
                assert!(freed || says(&offer, unit, price), "{provider}/{model} {key} {price}");
                seen += usize::from(!freed);
            }
        }
    }
    assert!(seen >= 100, "{seen}");
    let text: &'static str = fs::read_to_string(folder.join("litellm-prices.json")).unwrap().leak();
    for (key, fields) in map(text).iter().step_by(23) {
        let fields = map(fields.get());
        let word = |key: &str| fields.get(key).and_then(|raw| serde_json::from_str::<String>(raw.get()).ok());
        let provider = word("litellm_provider").unwrap_or_default();
        let Some((id, model)) = spellings::offer(&provider, key) else { continue };
        let Some(offer) = catalogue.offer(&id, &model) else { continue };
        for (key, unit) in [
            ("input_cost_per_token", Unit::Input),
            ("output_cost_per_token", Unit::Output),
            ("cache_read_input_token_cost", Unit::CacheRead),
            ("cache_creation_input_token_cost", Unit::CacheWrite),
            ("input_cost_per_second", Unit::SecondsIn),
            ("output_cost_per_image", Unit::ImagesOut),
        ] {
            let Some(price) = fields.get(key).map(|number| nanos(number, 15)).filter(|price| *price > 0) else {
                continue;
            };
            assert!(says(&offer, unit, price), "{id}/{model} {key} {price}");
            seen += 1;
        }
    }
    assert!(seen >= 200, "{seen}");
}
