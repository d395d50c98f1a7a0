//! Money, exact: prices are whole nano-dollars per *million* tokens (some offers are no whole nano per token), products
//! are summed in `i128` and rounded once per attempt (half away from zero). Nothing here is a float.
//!
//! Kept by the tests in `tests.rs`: the published sums of cached and tiered calls, to the nano-dollar.

use std::fmt;
use std::str::FromStr;

use tollgate_ir::Usage;

#[cfg(test)]
mod tests;

/// Nano-dollars in a dollar.
pub const NANOS_PER_DOLLAR: i64 = 1_000_000_000;

/// An amount in nano-dollars (10⁻⁹ dollars).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Nanos(pub i64);

impl Nanos {
    /// The sum, at most the largest amount there is.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl fmt::Display for Nanos {
    /// Decimal dollars without trailing zeros: `0.054399`, `12`, `0`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, rest) = (self.0.unsigned_abs() / 1_000_000_000, self.0.unsigned_abs() % 1_000_000_000);
        let sign = if self.0 < 0 { "-" } else { "" };
        if rest == 0 {
            return write!(f, "{sign}{whole}");
        }
        let digits = format!("{rest:09}");
        write!(f, "{sign}{whole}.{}", digits.trim_end_matches('0'))
    }
}

/// Why a text is no amount of dollars.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` is no amount in dollars: write a decimal number such as 0.25, with at most nine digits after the point"
)]
pub struct BadDollars {
    text: String,
}

impl FromStr for Nanos {
    type Err = BadDollars;

    /// Decimal dollars: `3`, `0.25`, `-1.5`; exact, so more than nine decimals are refused rather than rounded.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse_dollars(text).map(Self).ok_or_else(|| BadDollars { text: text.to_owned() })
    }
}

fn parse_dollars(text: &str) -> Option<i64> {
    let (negative, digits) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let numeric = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
    let fraction = fraction.trim_end_matches('0');
    if !numeric(whole) || !(fraction.is_empty() || numeric(fraction)) || fraction.len() > 9 || digits.ends_with('.') {
        return None;
    }
    let whole: i64 = whole.parse().ok()?;
    let nanos: i64 = format!("{fraction:0<9}").parse().ok()?;
    let sum = whole.checked_mul(NANOS_PER_DOLLAR)?.checked_add(nanos)?;
    Some(if negative { -sum } else { sum })
}

/// What tokens cost: nano-dollars per million tokens of each class of [`Usage`]. A class without a rate of its own has
/// the rate that its documentation names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rates {
    /// Plain input, and tokens that the provider's own tools added.
    pub input: Nanos,
    /// Plain output.
    pub output: Nanos,
    /// Input read from a prompt cache; else as plain input.
    pub cache_read: Option<Nanos>,
    /// Input written to a cache of the default lifetime; else as plain input.
    pub cache_write: Option<Nanos>,
    /// Input written to a cache of one hour; else as a write of the default lifetime.
    pub cache_write_1h: Option<Nanos>,
    /// Reasoning; else as plain output.
    pub reasoning: Option<Nanos>,
    /// Audio in; else as plain input.
    pub audio_input: Option<Nanos>,
    /// Audio out; else as plain output.
    pub audio_output: Option<Nanos>,
}

/// What a model costs: rates, and other rates for large requests or other service tiers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Price {
    /// The usual rates.
    pub rates: Rates,
    /// Rates for requests with more input; the highest bound that the whole request passes decides for all its tokens.
    pub above: Vec<(u64, Rates)>,
    /// Rates by the service tier that the answer names (`flex`, `batch`, `priority`).
    pub tiers: Vec<(String, Rates)>,
    /// Rates of a service tier for requests with more input.
    pub tiers_above: Vec<(String, u64, Rates)>,
}

impl Price {
    /// The rates for one answer: by the tier that it says served, else by its whole input.
    pub fn rates(&self, usage: &Usage, service_tier: Option<&str>) -> &Rates {
        let input = usage.input_total();
        let is_tier = |tier: &str| Some(tier) == service_tier;
        let passed = self.tiers_above.iter().filter(|(tier, bound, _)| is_tier(tier) && input > *bound);
        let of_tier = passed.max_by_key(|(_, bound, _)| *bound).map(|(_, _, rates)| rates);
        let of_tier = of_tier.or_else(|| self.tiers.iter().find(|(tier, _)| is_tier(tier)).map(|(_, rates)| rates));
        if let Some(rates) = of_tier {
            return rates;
        }
        let passed = self.above.iter().filter(|(bound, _)| input > *bound).max_by_key(|(bound, _)| *bound);
        passed.map_or(&self.rates, |(_, rates)| rates)
    }

    /// What an attempt cost, rounded once.
    pub fn cost(&self, usage: &Usage, service_tier: Option<&str>) -> Nanos {
        let rates = self.rates(usage, service_tier);
        if let Some(billed) = usage.billed {
            return total([(billed.input, rates.input), (billed.output, rates.output)]);
        }
        let audio_in = usage.audio_input.unwrap_or(0).min(usage.input);
        let audio_out = usage.audio_output.unwrap_or(0).min(usage.output);
        let write = rates.cache_write.unwrap_or(rates.input);
        total([
            (usage.input - audio_in, rates.input),
            (usage.tool_input.unwrap_or(0), rates.input),
            (audio_in, rates.audio_input.unwrap_or(rates.input)),
            (usage.cache_read.unwrap_or(0), rates.cache_read.unwrap_or(rates.input)),
            (usage.cache_write.unwrap_or(0), write),
            (usage.cache_write_1h.unwrap_or(0), rates.cache_write_1h.unwrap_or(write)),
            (usage.output - audio_out, rates.output),
            (audio_out, rates.audio_output.unwrap_or(rates.output)),
            (usage.reasoning.unwrap_or(0), rates.reasoning.unwrap_or(rates.output)),
        ])
    }
}

/// Tokens times their rates, rounded once, halves away from zero.
fn total<const N: usize>(classes: [(u64, Nanos); N]) -> Nanos {
    let sum: i128 = classes.into_iter().map(|(tokens, rate)| i128::from(tokens) * i128::from(rate.0)).sum();
    let rounded = (sum + 500_000 * sum.signum()) / 1_000_000;
    Nanos(i64::try_from(rounded).unwrap_or(i64::MAX))
}
