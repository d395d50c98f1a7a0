//! Scalars with a form of their own: `500ms`, `16MiB`, decimal dollars, addresses (decisions.md 25).

use std::borrow::Cow;
use std::net::SocketAddr;
use std::str::FromStr;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer};
use tollgate_ir::Dialect;

use super::After;
use crate::money::Nanos;

/// A scalar that is read from its text, and how it is described.
macro_rules! scalars {
    ($($name:ident($inner:ty) = $parse:expr, $word:literal, $about:literal;)*) => {
        $(
            #[doc = $about]
            #[derive(Clone, Copy, Debug, PartialEq)]
            pub(super) struct $name(pub $inner);

            impl<'de> Deserialize<'de> for $name {
                fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                    let text = <Cow<'de, str>>::deserialize(deserializer)?;
                    let parse: fn(&str) -> Result<$inner, String> = $parse;
                    parse(text.trim()).map(Self).map_err(serde::de::Error::custom)
                }
            }

            impl JsonSchema for $name {
                fn schema_name() -> Cow<'static, str> {
                    $word.into()
                }

                fn json_schema(_: &mut SchemaGenerator) -> Schema {
                    json_schema!({ "type": ["string", "number"], "description": $about })
                }
            }
        )*
    };
}

scalars! {
    Span(Duration) = duration, "Duration", "A time with its unit: `500ms`, `2s`, `10m`, `24h`.";
    Bytes(u64) = bytes, "Size", "A number of bytes with its unit: `64KiB`, `16MiB`, `1GiB`.";
    Dollars(Nanos) = dollars, "Dollars", "Decimal dollars, exact: `0.25`.";
    Share(f64) = share, "Share", "A share: `3%`, `0.5%`.";
    HedgeAfter(After) = hedge_after, "After", "A time with its unit, or a quantile: `800ms`, `p95`.";
    Address(SocketAddr) = address, "Address", "An address and port: `127.0.0.1:4000`, `[::]:4000`, `localhost:4000`.";
    DialectName(Dialect) = Dialect::from_str, "Dialect", "One of openai-chat, openai-responses, anthropic, gemini, bedrock, cohere, ollama.";
}

/// The number before a unit and the unit.
fn split_unit(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    (&text[..end], text[end..].trim_start())
}

fn duration(text: &str) -> Result<Duration, String> {
    let (number, unit) = split_unit(text);
    let millis = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => 0,
    };
    let product = number.parse::<u64>().ok().and_then(|n| n.checked_mul(millis));
    match product {
        Some(product) if millis > 0 => Ok(Duration::from_millis(product)),
        _ => Err(format!("`{text}` is no duration; write a whole number and its unit, such as 500ms, 30s, 10m or 24h")),
    }
}

fn bytes(text: &str) -> Result<u64, String> {
    let (number, unit) = split_unit(text);
    let size = match unit {
        "" | "B" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => 0,
    };
    let product = number.parse::<u64>().ok().and_then(|n| n.checked_mul(size));
    match product {
        Some(product) if size > 0 => Ok(product),
        _ => Err(format!("`{text}` is no size; write a whole number and its unit, such as 64KiB, 16MiB or 1GiB")),
    }
}

fn dollars(text: &str) -> Result<Nanos, String> {
    let amount: Nanos = text.parse().map_err(|bad: crate::money::BadDollars| bad.to_string())?;
    if amount.0 < 0 { Err(format!("`{text}` is negative; a price is not")) } else { Ok(amount) }
}

fn share(text: &str) -> Result<f64, String> {
    let number = text.strip_suffix('%').and_then(|n| n.trim().parse::<f64>().ok()).map(|percent| percent / 100.0);
    number
        .filter(|share| (0.0..=1.0).contains(share))
        .ok_or_else(|| format!("`{text}` is no share; write a percentage such as 3%"))
}

fn hedge_after(text: &str) -> Result<After, String> {
    match text.strip_prefix('p').map(str::parse::<f64>) {
        Some(Ok(percent)) if (1.0..100.0).contains(&percent) => Ok(After::Quantile(percent / 100.0)),
        Some(_) => Err(format!("`{text}` is no quantile; write one such as p95")),
        None => duration(text).map(After::Time),
    }
}

pub(super) fn address(text: &str) -> Result<SocketAddr, String> {
    let numeric = text.strip_prefix("localhost:").map_or_else(|| text.to_owned(), |port| format!("127.0.0.1:{port}"));
    numeric
        .parse()
        .map_err(|_| format!("`{text}` is no address; write an IP address and a port, such as 127.0.0.1:4000"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_a_unit() {
        for (text, millis) in
            [("500ms", 500), ("2s", 2_000), ("10m", 600_000), ("24h", 86_400_000), ("0s", 0), ("7d", 604_800_000)]
        {
            assert_eq!(duration(text), Ok(Duration::from_millis(millis)), "{text}");
        }
        for bad in ["", "5", "s", "1.5s", "-1s", "5sec", "99999999999999999999s", "18446744073709551615h"] {
            assert!(duration(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn sizes_are_binary() {
        for (text, expected) in
            [("16MiB", 16 << 20), ("1GiB", 1 << 30), ("64 KiB", 64 << 10), ("512", 512), ("512B", 512)]
        {
            assert_eq!(bytes(text), Ok(expected), "{text}");
        }
        for bad in ["", "16MB", "MiB", "1.5MiB", "-1"] {
            assert!(bytes(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn shares_and_moments_of_a_hedge() {
        assert_eq!((share("3%"), share("0.5%")), (Ok(0.03), Ok(0.005)));
        assert_eq!(hedge_after("p95"), Ok(After::Quantile(0.95)));
        assert_eq!(hedge_after("800ms"), Ok(After::Time(Duration::from_millis(800))));
        assert!(
            share("3").is_err() && share("101%").is_err() && hedge_after("p100").is_err() && hedge_after("p").is_err()
        );
    }

    #[test]
    fn addresses_have_a_port() {
        for (text, expected) in
            [("127.0.0.1:4000", "127.0.0.1:4000"), ("localhost:80", "127.0.0.1:80"), ("[::]:1", "[::]:1")]
        {
            assert_eq!(address(text).map(|a| a.to_string()).as_deref(), Ok(expected), "{text}");
        }
        for bad in ["4000", ":4000", "127.0.0.1", "example.com:80"] {
            assert!(address(bad).is_err(), "{bad}");
        }
    }
}
