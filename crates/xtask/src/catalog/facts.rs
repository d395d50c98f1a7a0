//! What one source says of one offer.

use std::collections::{BTreeMap, BTreeSet};

use tollgate_core::catalogue::{Capability, Mode, Unit};

/// A band of prices: its service tier, and the input above which it holds. The usual one is first in their order.
pub(super) type BandKey = (Option<String>, Option<u64>);

/// Prices of a band in nano-dollars per million.
pub(super) type Band = BTreeMap<Unit, i64>;

/// All prices of an offer.
pub(super) type Bands = BTreeMap<BandKey, Band>;

/// What one source says of one offer, or both together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Facts {
    /// The ids of the sources.
    pub sources: Vec<usize>,
    /// The source names the provider's own page.
    pub own_page: bool,
    pub mode: Option<Mode>,
    pub context: Option<u64>,
    pub max_input: Option<u64>,
    pub max_output: Option<u64>,
    pub dimensions: Option<u64>,
    /// Letters of modalities in and out.
    pub input: Option<String>,
    pub output: Option<String>,
    /// Letters of what it can do, and of what it cannot.
    pub can: BTreeSet<char>,
    pub cannot: BTreeSet<char>,
    /// As in the file: `t,e234,b1024-63999`.
    pub reasoning: Option<String>,
    pub released: Option<String>,
    pub retires: Option<String>,
    pub status: Option<char>,
    pub successor: Option<String>,
    pub bands: Bands,
    /// What the other source says, where it says otherwise.
    pub otherwise: Option<Box<Facts>>,
}

impl Facts {
    /// Notes whether it can; what is not said is not known.
    pub(super) fn says(&mut self, capability: Capability, can: Option<bool>) {
        let Some((letter, can)) = capability.letter().zip(can) else { return };
        if can {
            self.can.insert(letter)
        } else {
            self.cannot.insert(letter)
        };
    }

    /// Notes a price, if there is one.
    pub(super) fn price(&mut self, tier: Option<&str>, above: Option<u64>, unit: Unit, nanos: Option<i64>) {
        if let Some(nanos) = nanos.filter(|nanos| *nanos >= 0) {
            self.bands.entry((tier.map(str::to_owned), above)).or_default().insert(unit, nanos);
        }
    }
}

/// The letters of modalities, in the order of the catalogue's table; words that it has not are left out.
pub(super) fn letters<'a>(words: impl Iterator<Item = &'a str>) -> Option<String> {
    let words: Vec<&str> = words.collect();
    let all = tollgate_core::catalogue::MODALITIES;
    let letters: String =
        all.iter().filter(|(_, _, name)| words.contains(name)).map(|(_, letter, _)| *letter).collect();
    Some(letters).filter(|letters| !letters.is_empty())
}

/// A day as `2026-03-31`; anything else is left out.
pub(super) fn day(text: &str) -> Option<String> {
    let shape = |(i, b): (usize, u8)| if i == 4 || i == 7 { b == b'-' } else { b.is_ascii_digit() };
    (text.len() == 10 && text.bytes().enumerate().all(shape)).then(|| text.to_owned())
}
