//! Facts → lines of the catalogue's format (docs/catalogue.md).

use std::fmt::Write;

use tollgate_core::catalogue::{Lists, Mode};
use tollgate_core::money::Nanos;

use super::Offers;
use super::facts::{Bands, Facts};
use super::pages::{NEWEST, Pages};

/// The file.
pub(super) fn write(offers: &Offers, names: Vec<String>, pages: &Pages) -> String {
    let offers = offers.iter().map(|(name, facts)| format!("{name} {}", line(facts))).collect();
    Lists { offers, names, sources: pages.lines() }.write(NEWEST)
}

fn line(facts: &Facts) -> String {
    let mut line = fields(facts).join(" ");
    if let Some(other) = &facts.otherwise {
        // Writing to a String cannot fail.
        let _ = write!(line, " | {}", fields(other).join(" "));
    }
    line
}

fn fields(facts: &Facts) -> Vec<String> {
    let sources: Vec<_> = facts.sources.iter().map(usize::to_string).collect();
    let mut fields = vec![format!("s{}", sources.join("+"))];
    let mut put = |tag: &str, value: Option<String>| fields.extend(value.map(|value| format!("{tag}{value}")));
    let number = |n: Option<u64>| n.map(|n| n.to_string());
    let letters = |set: &std::collections::BTreeSet<char>| {
        let letters: String = set.iter().collect();
        Some(letters).filter(|letters| !letters.is_empty())
    };
    put("x", facts.mode.filter(|mode| *mode != Mode::Chat).map(|mode| mode.as_str().to_owned()));
    put("c", number(facts.context));
    put("i", number(facts.max_input));
    put("o", number(facts.max_output));
    put("d", number(facts.dimensions));
    if facts.input.is_some() || facts.output.is_some() {
        let side = |side: &Option<String>| side.clone().unwrap_or_default();
        put("m", Some(format!("{}>{}", side(&facts.input), side(&facts.output))));
    }
    put("k", letters(&facts.can));
    put("n", letters(&facts.cannot));
    put("r", facts.reasoning.clone());
    put("B", facts.released.clone());
    put("D", facts.retires.clone());
    put("q", facts.status.map(String::from));
    put(">", facts.successor.clone());
    put("$", prices(&facts.bands));
    fields
}

/// `i3o15r.3;200000:i6o22.5`.
fn prices(bands: &Bands) -> Option<String> {
    if bands.is_empty() {
        return None;
    }
    // What has no usual price has the empty band first: the usual one always leads.
    let usual = bands.get(&(None, None)).map(band).unwrap_or_default();
    let rest = bands.iter().filter(|(key, _)| **key != (None, None)).map(|((tier, above), prices)| {
        let head = match (tier, above) {
            (Some(tier), Some(above)) => format!("{tier}+{above}"),
            (Some(tier), None) => tier.clone(),
            (None, above) => above.unwrap_or_default().to_string(),
        };
        format!("{head}:{}", band(prices))
    });
    Some(std::iter::once(usual).chain(rest).collect::<Vec<_>>().join(";"))
}

fn band(prices: &super::facts::Band) -> String {
    prices.iter().map(|(unit, nanos)| format!("{}{}", unit.letter(), dollars(*nanos))).collect()
}

/// `.3` for 0.3: every byte counts a thousandfold.
fn dollars(nanos: i64) -> String {
    let text = Nanos(nanos).to_string();
    text.strip_prefix('0').filter(|rest| rest.starts_with('.')).map_or_else(|| text.clone(), str::to_owned)
}
