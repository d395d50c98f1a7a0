//! What a client asks of the gateway itself, by headers.

use std::time::Duration;

use http::HeaderMap;
use tollgate_ir::{Fault, FaultKind};

/// What the request's headers ask for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wishes {
    /// Most time for the whole call; can only shorten what is configured.
    pub timeout: Option<Duration>,
    /// Refuse rather than drop a field.
    pub strict: bool,
    /// The client reads trailers.
    pub trailers: bool,
    /// Further attempts on each target.
    pub retries: Option<u32>,
    /// Never two attempts at once.
    pub no_hedge: bool,
    /// Tell how its targets were chosen.
    pub explain: bool,
}

impl Wishes {
    /// Reads them; a value that cannot be read is the client's fault.
    pub fn of(headers: &HeaderMap) -> Result<Self, Fault> {
        if !headers.keys().any(|name| asks(name.as_str())) {
            return Ok(Self::default());
        }
        let text = |name: &str| headers.get(name).and_then(|v| v.to_str().ok()).map(str::trim);
        let is_true = |name: &str| text(name).is_some_and(|v| v.eq_ignore_ascii_case("true") || v == "1");
        let timeout = ["x-tollgate-timeout", "x-litellm-timeout"].iter().find_map(|name| Some((*name, text(name)?)));
        Ok(Self {
            timeout: timeout.map(|(name, value)| duration(name, value)).transpose()?,
            strict: is_true("x-tollgate-strict"),
            explain: is_true("x-tollgate-explain"),
            retries: super::manner::retries(headers)?,
            no_hedge: text("x-tollgate-hedge").is_some_and(|v| v.eq_ignore_ascii_case("never")),
            trailers: text("te").is_some_and(|v| v.split(',').any(|t| t.trim().eq_ignore_ascii_case("trailers"))),
        })
    }
}

/// Whether a header of this name may be read here. Most requests have none, and are looked through once.
fn asks(name: &str) -> bool {
    name == "te" || name.starts_with("x-tollgate-") || name.starts_with("x-litellm-")
}

/// `30s`, `1500ms`, `2m`, or a bare number of seconds.
fn duration(name: &str, value: &str) -> Result<Duration, Fault> {
    let split = value.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(value.len());
    let (number, unit) = value.split_at(split);
    let scale = match unit.trim() {
        "" | "s" => 1.0,
        "ms" => 0.001,
        "m" => 60.0,
        _ => f64::NAN,
    };
    number
        .parse::<f64>()
        .ok()
        .map(|n| n * scale)
        .filter(|s| *s > 0.0 && *s < 1e9)
        .map(Duration::from_secs_f64)
        .ok_or_else(|| {
            Fault::new(
                FaultKind::InvalidField,
                format!("`{name}: {value}` is no time. Send `30s`, `1500ms` or seconds."),
            )
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_in_every_spelling() {
        for (text, ms) in [("30s", 30_000), ("1500ms", 1_500), ("30", 30_000), ("0.5", 500), ("2m", 120_000)] {
            assert_eq!(duration("x", text).unwrap(), Duration::from_millis(ms), "{text}");
        }
        for text in ["", "soon", "-1", "0", "5h ago", "NaN"] {
            assert!(duration("x", text).is_err(), "{text}");
        }
    }
}
