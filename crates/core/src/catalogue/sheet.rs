//! What an offer costs, as it stands in the file: `i3o15r.3;200000:i6o22.5r.6;batch:i1.5o7.5`. Bands are parted by `;`:
//! first the usual one, then those of a bound of input (`200000:`), of a service tier (`batch:`), or of both
//! (`priority+200000:`). In a band each unit's letter stands before its dollars per million.

use super::words::Unit;
use crate::money::{Nanos, Price, Rates};

/// All that an offer costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sheet<'a> {
    text: &'a str,
}

/// The prices for some requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Band<'a> {
    /// The service tier; `None`: the usual.
    pub tier: Option<&'a str>,
    /// For requests with more input tokens than this.
    pub above: Option<u64>,
    units: &'a str,
}

impl<'a> Sheet<'a> {
    /// The sheet in this text, as far as it can be read.
    pub(super) fn new(text: &'a str) -> Self {
        Self { text }
    }

    /// Its bands, the usual one first.
    pub fn bands(self) -> impl Iterator<Item = Band<'a>> {
        self.text.split(';').filter_map(Band::read)
    }

    /// A price of the usual band, in nano-dollars per million.
    pub fn unit(self, unit: Unit) -> Option<Nanos> {
        self.bands().find(|band| band.tier.is_none() && band.above.is_none())?.unit(unit)
    }

    /// What attempts are billed by. What a tier or a bound leaves unsaid costs as usual.
    pub fn price(self) -> Price {
        let mut price = Price::default();
        for band in self.bands() {
            match (band.tier, band.above) {
                (None, None) => price.rates = band.over(Rates::default()),
                (None, Some(bound)) => price.above.push((bound, band.over(price.rates))),
                (Some(tier), None) => price.tiers.push((tier.to_owned(), band.over(price.rates))),
                (Some(tier), Some(bound)) => {
                    let usual = price.tiers.iter().find(|(name, _)| name == tier).map_or(price.rates, |(_, r)| *r);
                    price.tiers_above.push((tier.to_owned(), bound, band.over(usual)));
                }
            }
        }
        price
    }

    /// What is wrong with the text, if anything.
    pub(super) fn check(self) -> Result<(), String> {
        for (i, text) in self.text.split(';').enumerate() {
            let band = Band::read(text).ok_or_else(|| format!("`{text}` is no band of prices"))?;
            if (i == 0) != (band.tier.is_none() && band.above.is_none()) {
                return Err("the usual prices stand first, and once".to_owned());
            }
            for entry in band.entries() {
                entry
                    .map_err(|bad| format!("`{bad}` in `{text}` is no price: a unit's letter and dollars, `i0.25`"))?;
            }
        }
        Ok(())
    }
}

impl<'a> Band<'a> {
    fn read(text: &'a str) -> Option<Self> {
        let Some((head, units)) = text.split_once(':') else {
            return Some(Self { tier: None, above: None, units: text });
        };
        if let Ok(bound) = head.parse() {
            return Some(Self { tier: None, above: Some(bound), units });
        }
        let (tier, above) = match head.split_once('+') {
            Some((tier, bound)) => (tier, Some(bound.parse().ok()?)),
            None => (head, None),
        };
        let named = !tier.is_empty() && tier.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        named.then_some(Self { tier: Some(tier), above, units })
    }

    /// A price, in nano-dollars per million.
    pub fn unit(self, unit: Unit) -> Option<Nanos> {
        self.units().find(|(one, _)| *one == unit).map(|(_, nanos)| nanos)
    }

    /// All of its prices, in nano-dollars per million.
    pub fn units(self) -> impl Iterator<Item = (Unit, Nanos)> + 'a {
        self.entries().map_while(Result::ok)
    }

    fn entries(self) -> impl Iterator<Item = Result<(Unit, Nanos), &'a str>> {
        let mut rest = self.units;
        std::iter::from_fn(move || {
            let letter = rest.chars().next()?;
            let after = &rest[letter.len_utf8()..];
            let end = after.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(after.len());
            let (number, next) = after.split_at(end);
            let entry = &rest[..rest.len() - next.len()];
            rest = next;
            Some(Unit::of_letter(letter).zip(dollars(number)).ok_or(entry))
        })
    }

    /// Other rates with those of this band in their stead.
    fn over(self, usual: Rates) -> Rates {
        let mut rates = usual;
        for (unit, nanos) in self.units() {
            match unit {
                Unit::Input => rates.input = nanos,
                Unit::Output => rates.output = nanos,
                Unit::CacheRead => rates.cache_read = Some(nanos),
                Unit::CacheWrite => rates.cache_write = Some(nanos),
                Unit::CacheWrite1h => rates.cache_write_1h = Some(nanos),
                Unit::Reasoning => rates.reasoning = Some(nanos),
                Unit::AudioInput => rates.audio_input = Some(nanos),
                Unit::AudioOutput => rates.audio_output = Some(nanos),
                _ => {}
            }
        }
        rates
    }
}

/// Decimal dollars without a sign, `.3` for `0.3`, without a copy: it is read for each attempt.
fn dollars(text: &str) -> Option<Nanos> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if fraction.len() > 9 || fraction.contains('.') || (whole.is_empty() && fraction.is_empty()) {
        return None;
    }
    let digits = |text: &str| text.bytes().try_fold(0_i64, |n, b| n.checked_mul(10)?.checked_add(i64::from(b - b'0')));
    let missing = u32::try_from(9 - fraction.len()).ok()?;
    let fraction = digits(fraction)?.checked_mul(10_i64.pow(missing))?;
    Some(Nanos(digits(whole)?.checked_mul(crate::money::NANOS_PER_DOLLAR)?.checked_add(fraction)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_are_read_exactly() {
        for (text, nanos) in [("3", 3_000_000_000), (".3", 300_000_000), ("0.000000001", 1), ("1.50", 1_500_000_000)] {
            assert_eq!(dollars(text), Some(Nanos(nanos)), "{text}");
        }
        for bad in ["", ".", "1.0000000001", "1.2.3", "99999999999"] {
            assert_eq!(dollars(bad), None, "{bad}");
        }
    }

    #[test]
    fn what_a_band_leaves_unsaid_costs_as_usual() {
        let sheet = Sheet::new("i3o15r.3;200000:i6o22.5;batch:i1.5o7.5;batch+200000:i3");
        assert_eq!(sheet.check(), Ok(()));
        let price = sheet.price();
        assert_eq!(price.above[0].1.cache_read, Some(Nanos(300_000_000)));
        assert_eq!(price.tiers[0].1.input, Nanos(1_500_000_000));
        let (tier, bound, rates) = &price.tiers_above[0];
        assert_eq!((tier.as_str(), *bound, rates.output), ("batch", 200_000, Nanos(7_500_000_000)));
        for bad in ["i3;o4", "z3", "i", "i3;:o1", "i3;batch+x:o1", "200000:i3", "i1.2.3"] {
            assert!(Sheet::new(bad).check().is_err(), "{bad}");
        }
    }
}
