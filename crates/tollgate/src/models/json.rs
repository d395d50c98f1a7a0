//! Models as one JSON array. Prices are decimal dollars per million of what is counted, as in the configuration.

use tollgate_core::catalogue::{Band, Capability, MODALITIES, Model, Offer, Sheet};
use tollgate_core::config::Modality;
use tollgate_core::money::{Price, Rates};
use tollgate_wire::json::{self, ObjectWriter};

use super::rows::{Kind, Row};

/// The array.
pub fn array(rows: &[Row<'_>]) -> String {
    let mut out = Vec::new();
    json::array(&mut out, |a| rows.iter().for_each(|row| a.object(|o| write(o, row))));
    String::from_utf8_lossy(&out).into_owned()
}

fn write(o: &mut ObjectWriter<'_>, row: &Row<'_>) {
    let model = &row.model;
    o.text("name", &row.name);
    o.text("kind", row.kind.as_str());
    if row.kind != Kind::Virtual {
        o.text("provider", row.provider());
        o.opt_text("model", row.name.split_once('/').map(|(_, model)| model));
    }
    o.text("mode", model.mode().as_str());
    o.opt_uint("context", model.context());
    o.opt_uint("max_input", model.offer.and_then(|offer| offer.max_input()));
    o.opt_uint("max_output", model.max_output());
    o.opt_uint("dimensions", model.offer.and_then(|offer| offer.dimensions()));
    modalities(o, model.input(), model.offer.and_then(|offer| offer.output()));
    let names = |can: bool| Capability::ALL.iter().filter(move |(one, ..)| model.can(*one) == Some(can));
    o.array("capabilities", |a| names(true).for_each(|(_, _, name)| a.text(name)));
    o.array("lacks", |a| names(false).for_each(|(_, _, name)| a.text(name)));
    reasoning(o, model);
    match (model.own.and_then(|own| own.price.as_ref()), model.offer.and_then(|offer| offer.sheet())) {
        (Some(own), _) => o.object("price", |o| price(o, own)),
        (None, Some(sheet)) => o.object("price", |o| prices(o, sheet)),
        (None, None) => {}
    }
    if let Some(offer) = &model.offer {
        o.opt_text("released", offer.released());
        o.opt_text("retires", offer.retires());
        o.opt_text("status", offer.status());
        o.opt_text("successor", offer.successor());
    }
    o.boolean("overridden", model.own.is_some());
    o.array("sources", |a| {
        for source in model.offer.iter().flat_map(Offer::sources) {
            a.object(|o| {
                o.text("from", source.from);
                o.text("date", source.date);
            });
        }
    });
    if let Some(other) = model.offer.and_then(|offer| offer.otherwise()) {
        o.object("otherwise", |o| otherwise(o, &other));
    }
}

/// What another source says.
fn otherwise(o: &mut ObjectWriter<'_>, other: &Offer<'_>) {
    o.opt_uint("context", other.context());
    o.opt_uint("max_input", other.max_input());
    o.opt_uint("max_output", other.max_output());
    o.opt_uint("dimensions", other.dimensions());
    modalities(o, other.input(), other.output());
    o.opt_text("retires", other.retires());
    if let Some(sheet) = other.sheet() {
        o.object("price", |o| prices(o, sheet));
    }
    o.array("sources", |a| {
        for source in other.sources() {
            a.object(|o| {
                o.text("from", source.from);
                o.text("date", source.date);
            });
        }
    });
}

fn modalities(o: &mut ObjectWriter<'_>, input: Option<Vec<Modality>>, output: Option<Vec<Modality>>) {
    let input = input.filter(|all| !all.is_empty());
    let output = output.filter(|all| !all.is_empty());
    if input.is_none() && output.is_none() {
        return;
    }
    let names =
        |all: Vec<Modality>| MODALITIES.iter().filter(move |(one, ..)| all.contains(one)).map(|(_, _, name)| *name);
    o.object("modalities", |o| {
        for (key, side) in [("input", input), ("output", output)] {
            if let Some(all) = side {
                o.array(key, |a| names(all).for_each(|name| a.text(name)));
            }
        }
    });
}

fn reasoning(o: &mut ObjectWriter<'_>, model: &Model<'_>) {
    let Some(form) = model.offer.and_then(|offer| offer.reasoning()) else { return };
    o.object("reasoning", |o| {
        o.boolean("toggle", form.toggle);
        if form.efforts().next().is_some() {
            o.array("efforts", |a| form.efforts().for_each(|effort| a.text(effort)));
        }
        if let Some((least, most)) = form.budget {
            o.object("budget", |o| {
                o.uint("min", least);
                o.opt_uint("max", most);
            });
        }
    });
}

/// All prices of an offer.
fn prices(o: &mut ObjectWriter<'_>, sheet: Sheet<'_>) {
    let bands: Vec<Band<'_>> = sheet.bands().collect();
    for band in bands.iter().filter(|band| band.tier.is_none() && band.above.is_none()) {
        units(o, *band);
    }
    above(o, &bands, None);
    let mut tiers: Vec<&str> = bands.iter().filter_map(|band| band.tier).collect();
    tiers.dedup();
    if tiers.is_empty() {
        return;
    }
    o.object("tiers", |o| {
        for tier in tiers {
            o.object(tier, |o| {
                bands.iter().filter(|b| b.tier == Some(tier) && b.above.is_none()).for_each(|band| units(o, *band));
                above(o, &bands, Some(tier));
            });
        }
    });
}

fn above(o: &mut ObjectWriter<'_>, bands: &[Band<'_>], tier: Option<&str>) {
    let above: Vec<_> =
        bands.iter().filter_map(|band| Some((band.above?, band))).filter(|(_, b)| b.tier == tier).collect();
    if above.is_empty() {
        return;
    }
    o.array("above", |a| {
        for (bound, band) in above {
            a.object(|o| {
                o.uint("tokens", bound);
                units(o, *band);
            });
        }
    });
}

fn units(o: &mut ObjectWriter<'_>, band: Band<'_>) {
    band.units().for_each(|(unit, nanos)| o.raw(unit.as_str(), &nanos.to_string()));
}

/// The operator's price.
fn price(o: &mut ObjectWriter<'_>, price: &Price) {
    rates(o, &price.rates);
    if !price.above.is_empty() {
        o.array("above", |a| {
            for (bound, above) in &price.above {
                a.object(|o| {
                    o.uint("tokens", *bound);
                    rates(o, above);
                });
            }
        });
    }
    if !price.tiers.is_empty() {
        o.object("tiers", |o| price.tiers.iter().for_each(|(tier, of_tier)| o.object(tier, |o| rates(o, of_tier))));
    }
}

fn rates(o: &mut ObjectWriter<'_>, rates: &Rates) {
    let all = [
        ("input", Some(rates.input)),
        ("output", Some(rates.output)),
        ("cache_read", rates.cache_read),
        ("cache_write", rates.cache_write),
        ("cache_write_1h", rates.cache_write_1h),
        ("reasoning", rates.reasoning),
        ("audio_input", rates.audio_input),
        ("audio_output", rates.audio_output),
    ];
    for (key, nanos) in all {
        if let Some(nanos) = nanos {
            o.raw(key, &nanos.to_string());
        }
    }
}
