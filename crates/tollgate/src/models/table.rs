//! Models as a table for people.

use tollgate_core::catalogue::{Capability, Offer};
use tollgate_core::money::Nanos;

use super::rows::Row;

/// What is worth a column's width of what a model can do.
const SHOWN: &[(Capability, &str)] = &[
    (Capability::Tools, "tools"),
    (Capability::Vision, "vision"),
    (Capability::Audio, "audio"),
    (Capability::Pdf, "pdf"),
    (Capability::StructuredOutput, "json"),
    (Capability::Reasoning, "reasoning"),
    (Capability::PromptCaching, "caching"),
];

/// One line a model under a head.
pub fn list(rows: &[Row<'_>]) -> String {
    let head = ["NAME", "MODE", "CONTEXT", "OUTPUT", "$/M IN", "$/M OUT", "CAN", "SOURCES"].map(str::to_owned).to_vec();
    let lines = rows.iter().map(|row| {
        let model = &row.model;
        let price = model.price().map(|price| price.rates);
        let can: Vec<_> = SHOWN.iter().filter(|(one, _)| model.has(*one)).map(|(_, word)| *word).collect();
        vec![
            row.name.clone(),
            model.mode().as_str().to_owned(),
            count(model.context()),
            count(model.max_output()),
            dollars(price.map(|rates| rates.input)),
            dollars(price.map(|rates| rates.output)),
            can.join(","),
            sources(row),
        ]
    });
    aligned(&std::iter::once(head).chain(lines).collect::<Vec<_>>(), &[2, 3, 4, 5])
}

/// Who says so, in a word each.
fn sources(row: &Row<'_>) -> String {
    let mut words: Vec<&str> = if row.model.own.is_some() { vec!["configuration"] } else { Vec::new() };
    let all = row.model.offer.iter().flat_map(Offer::sources).map(|source| source.from);
    words.extend(all.map(|from| from.split(' ').next().unwrap_or(from)));
    words.join(",")
}

/// A number of tokens: `200k`, `1M`, `8192`.
pub fn count(tokens: Option<u64>) -> String {
    match tokens {
        None => "-".to_owned(),
        Some(n) if n >= 1_000_000 && n.is_multiple_of(1_000_000) => format!("{}M", n / 1_000_000),
        Some(n) if n >= 10_000 && n.is_multiple_of(1_000) => format!("{}k", n / 1_000),
        Some(n) => n.to_string(),
    }
}

/// A price.
pub fn dollars(nanos: Option<Nanos>) -> String {
    nanos.map_or_else(|| "-".to_owned(), |nanos| nanos.to_string())
}

/// Cells in columns as wide as the widest; numbers to the right.
pub fn aligned(lines: &[Vec<String>], right: &[usize]) -> String {
    let columns = lines.iter().map(Vec::len).max().unwrap_or(0);
    let width =
        |i: usize| lines.iter().filter_map(|line| line.get(i)).map(|cell| cell.chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let line = |cells: &Vec<String>| {
        let cells: Vec<_> = cells
            .iter()
            .zip(&widths)
            .enumerate()
            .map(
                |(i, (cell, width))| {
                    if right.contains(&i) { format!("{cell:>width$}") } else { format!("{cell:width$}") }
                },
            )
            .collect();
        cells.join("  ").trim_end().to_owned()
    };
    lines.iter().map(line).collect::<Vec<_>>().join("\n")
}
