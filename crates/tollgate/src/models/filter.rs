//! Which models are shown, in which order.

use clap::{Args, ValueEnum};
use tollgate_core::catalogue::{Capability, Mode};
use tollgate_core::money::Nanos;

use super::rows::{Kind, Row};

/// What a model must be to be shown.
#[derive(Args, Default)]
pub struct Filter {
    /// Able to do this (again for more): tools, vision, audio, pdf, reasoning, structured-output, prompt-caching …
    #[arg(long)]
    capability: Vec<String>,
    /// Of this provider (again for more).
    #[arg(long)]
    provider: Vec<String>,
    /// For this: chat, responses, completion, embed, rerank, image, speech, transcription, moderation …
    #[arg(long)]
    mode: Option<String>,
    /// With this in its name.
    #[arg(long)]
    search: Option<String>,
    /// With a context of at least so many tokens: 200k, 1M, 8192.
    #[arg(long, value_parser = tokens)]
    context: Option<u64>,
    /// Input costs at most so many dollars per million tokens.
    #[arg(long, value_parser = str::parse::<Nanos>)]
    max_input_price: Option<Nanos>,
    /// Output costs at most so many dollars per million tokens.
    #[arg(long, value_parser = str::parse::<Nanos>)]
    max_output_price: Option<Nanos>,
    /// Only what can be asked for here: of configured providers.
    #[arg(long)]
    available: bool,
    /// The order.
    #[arg(long, value_enum, default_value_t)]
    sort: Sort,
}

/// An order of models.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Sort {
    /// By name, virtual models first.
    #[default]
    Name,
    /// The cheapest first, by a million tokens in and a million out.
    Price,
    /// The largest context first.
    Context,
}

impl Filter {
    /// Leaves and orders what is wanted.
    pub fn apply(&self, rows: &mut Vec<Row<'_>>) -> Result<(), String> {
        let capabilities = self.capability.iter().map(|name| capability(name)).collect::<Result<Vec<_>, _>>()?;
        let mode = self.mode.as_deref().map(mode).transpose()?;
        let at_most = |bound: Option<Nanos>, price: Option<Nanos>| bound.is_none_or(|b| price.is_some_and(|p| p <= b));
        rows.retain(|row| {
            let price = || row.model.price().map(|price| price.rates);
            (self.provider.is_empty() || self.provider.iter().any(|id| id == row.provider()))
                && self.search.as_ref().is_none_or(|word| row.name.to_lowercase().contains(&word.to_lowercase()))
                && mode.is_none_or(|mode| row.model.mode() == mode)
                && !(self.available && row.kind == Kind::Catalogue)
                && self.context.is_none_or(|least| row.model.context().is_some_and(|context| context >= least))
                && capabilities.iter().all(|capability| row.model.has(*capability))
                && at_most(self.max_input_price, self.max_input_price.and_then(|_| price()).map(|rates| rates.input))
                && at_most(self.max_output_price, self.max_output_price.and_then(|_| price()).map(|rates| rates.output))
        });
        match self.sort {
            Sort::Name => {}
            Sort::Price => rows.sort_by_cached_key(|row| {
                row.model.price().map_or(i64::MAX, |price| price.rates.input.plus(price.rates.output).0)
            }),
            Sort::Context => rows.sort_by_key(|row| std::cmp::Reverse(row.model.context())),
        }
        Ok(())
    }
}

/// A number of tokens: `200k`, `1M`, `8192`.
fn tokens(text: &str) -> Result<u64, String> {
    let (number, unit) = match text.strip_suffix(['k', 'K']) {
        Some(number) => (number, 1_000),
        None => text.strip_suffix(['m', 'M']).map_or((text, 1), |number| (number, 1_000_000)),
    };
    let tokens = number.parse::<u64>().ok().and_then(|number| number.checked_mul(unit));
    tokens.ok_or_else(|| "write a number of tokens, such as 200k, 1M or 8192".to_owned())
}

fn capability(name: &str) -> Result<Capability, String> {
    let names = || Capability::ALL.iter().map(|(_, _, name)| *name).collect::<Vec<_>>().join(", ");
    Capability::of(name).ok_or_else(|| format!("`{name}` is no capability; there are: {}", names()))
}

fn mode(name: &str) -> Result<Mode, String> {
    let names = || Mode::ALL.iter().map(|(_, name)| *name).collect::<Vec<_>>().join(", ");
    Mode::of(name).ok_or_else(|| format!("`{name}` is no mode; there are: {}", names()))
}

#[cfg(test)]
mod tests {
    use super::tokens;

    #[test]
    fn tokens_have_units() {
        for (text, expected) in
            [("200k", Some(200_000)), ("1M", Some(1_000_000)), ("8192", Some(8_192)), ("x", None), ("k", None)]
        {
            assert_eq!(tokens(text).ok(), expected, "{text}");
        }
    }
}
