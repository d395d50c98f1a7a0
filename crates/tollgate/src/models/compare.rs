//! Models side by side: a line a fact, a column a model.

use tollgate_core::catalogue::{Capability, Offer, Unit};

use super::rows::Row;
use super::table::{aligned, count, dollars};

/// The table.
pub fn table(rows: &[Row<'_>]) -> String {
    let mut lines = Vec::new();
    let mut line = |title: &str, cell: &dyn Fn(&Row<'_>) -> String| {
        let cells: Vec<String> = rows.iter().map(cell).collect();
        // What nobody says takes no line.
        if cells.iter().any(|cell| !cell.is_empty() && cell != "-") {
            lines.push(std::iter::once(title.to_owned()).chain(cells).collect());
        }
    };
    let text = |text: Option<&str>| text.unwrap_or("-").to_owned();
    line("", &|row| row.name.clone());
    line("mode", &|row| row.model.mode().as_str().to_owned());
    line("context", &|row| count(row.model.context()));
    line("max output", &|row| count(row.model.max_output()));
    line("dimensions", &|row| count(row.model.offer.and_then(|offer| offer.dimensions())));
    for (unit, _, name) in Unit::ALL {
        line(&format!("$/M {}", name.replace('_', " ")), &|row| price(row, *unit));
    }
    line("bands", &|row| {
        let bands = row.model.offer.and_then(|offer| offer.sheet()).into_iter().flat_map(|sheet| sheet.bands());
        let named = bands.filter_map(|band| match (band.tier, band.above) {
            (Some(tier), None) => Some(tier.to_owned()),
            (None, Some(bound)) => Some(format!(">{}", count(Some(bound)))),
            _ => None,
        });
        named.collect::<Vec<_>>().join(",")
    });
    for (capability, _, name) in Capability::ALL {
        line(name, &|row| match row.model.can(*capability) {
            Some(true) => "yes".to_owned(),
            Some(false) => "no".to_owned(),
            None => "-".to_owned(),
        });
    }
    line("released", &|row| text(row.model.offer.and_then(|offer| offer.released())));
    line("retires", &|row| text(row.model.offer.and_then(|offer| offer.retires())));
    line("successor", &|row| text(row.model.offer.and_then(|offer| offer.successor())));
    let sources: Vec<String> = rows
        .iter()
        .flat_map(|row| {
            let of = |offer: &Offer<'_>| {
                offer.sources().map(|s| format!("{}: {}, {}", row.name, s.from, s.date)).collect::<Vec<_>>()
            };
            let other = row.model.offer.and_then(|offer| offer.otherwise());
            let other = other.map(|other| format!("{} says otherwise", of(&other).join("; ")));
            row.model.offer.iter().flat_map(of).chain(other).collect::<Vec<_>>()
        })
        .collect();
    format!("{}\n\n{}", aligned(&lines, &[]), sources.join("\n"))
}

/// The usual price of a unit: the operator's for tokens, else the catalogue's.
fn price(row: &Row<'_>, unit: Unit) -> String {
    let own = row.model.own.and_then(|own| own.price.as_ref()).map(|price| price.rates);
    let nanos = match own {
        Some(rates) => match unit {
            Unit::Input => Some(rates.input),
            Unit::Output => Some(rates.output),
            Unit::CacheRead => rates.cache_read,
            Unit::CacheWrite => rates.cache_write,
            Unit::CacheWrite1h => rates.cache_write_1h,
            Unit::Reasoning => rates.reasoning,
            Unit::AudioInput => rates.audio_input,
            Unit::AudioOutput => rates.audio_output,
            _ => None,
        },
        None => row.model.offer.and_then(|offer| offer.sheet()).and_then(|sheet| sheet.unit(unit)),
    };
    dollars(nanos)
}
