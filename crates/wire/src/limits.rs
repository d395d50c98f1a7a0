//! What a provider's rate-limit headers say is left, in any of their spellings.
//!
//! The names have one thing in common: words for the kind of limit (`requests`, `input-tokens`), for its part (`limit`,
//! `remaining`, `reset`) and for its window. So they are read word by word and not host by host.

use std::time::Duration;

use crate::time::unix_seconds;

/// What is left of one limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Left {
    /// What is left.
    pub remaining: u64,
    /// Of how much, where it is said.
    pub limit: Option<u64>,
    /// How long until it is full again, where it is said.
    pub reset: Option<Duration>,
}

/// What is left of a provider's limits. Of several windows, and of input and output tokens, the scarcest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RateLimits {
    /// Requests.
    pub requests: Option<Left>,
    /// Tokens.
    pub tokens: Option<Left>,
}

/// Where a header belongs: tokens or requests, and the words around its part, which tell its window from others of the
/// kind.
#[derive(PartialEq)]
struct Window<'h> {
    tokens: bool,
    around: (&'h str, &'h str),
}

impl<'h> Window<'h> {
    /// That of a header's name, and which part of it the header tells.
    fn of(name: &'h str) -> Option<(Self, &'h str)> {
        let (mut at, mut found) = (0, None);
        for word in name.split('-') {
            if matches!(word, "limit" | "remaining" | "reset") {
                found = Some((at, word));
            }
            at += word.len() + 1;
        }
        let (at, part) = found?;
        Some((Self { tokens: name.contains("token"), around: (&name[..at], &name[at + part.len()..]) }, part))
    }
}

#[derive(Default)]
struct Parts {
    remaining: Option<u64>,
    limit: Option<u64>,
    reset: Option<Duration>,
}

/// Reads the headers (lower-case names) of an answer that came at `unix_ms`; `None` where they say nothing.
pub fn rate_limits<'h>(headers: impl Iterator<Item = (&'h str, &'h str)>, unix_ms: u64) -> Option<RateLimits> {
    let mut windows: Vec<(Window<'_>, Parts)> = Vec::new();
    for (name, value) in headers.filter(|(name, _)| is_of_a_limit(name)) {
        let Some((window, part)) = Window::of(name) else { continue };
        let at = windows.iter().position(|(known, _)| *known == window).unwrap_or(windows.len());
        if at == windows.len() {
            windows.push((window, Parts::default()));
        }
        let parts = &mut windows[at].1;
        match part {
            "limit" => parts.limit = number(value),
            "remaining" => parts.remaining = number(value),
            _ => parts.reset = until(value, unix_ms),
        }
    }
    let scarcest = |tokens: bool| {
        let of_kind = windows.iter().filter(|(window, _)| window.tokens == tokens);
        let left = of_kind.filter_map(|(_, Parts { remaining, limit, reset })| {
            Some(Left { remaining: (*remaining)?, limit: *limit, reset: *reset })
        });
        left.min_by(|a, b| share(a).total_cmp(&share(b)))
    };
    let limits = RateLimits { requests: scarcest(false), tokens: scarcest(true) };
    (limits != RateLimits::default()).then_some(limits)
}

/// Most headers are about something else, and are looked through for one word.
fn is_of_a_limit(name: &str) -> bool {
    name.contains("limit") && (name.contains("ratelimit") || name.contains("tokenlimit"))
}

#[expect(clippy::cast_precision_loss, reason = "an order of shares needs no last digit")]
fn share(left: &Left) -> f64 {
    match left.limit {
        Some(limit) if limit > 0 => left.remaining as f64 / limit as f64,
        _ => f64::from(u8::from(left.remaining > 0)),
    }
}

/// A whole number; some write `200.0`, and `200, 200;w=60` of the IETF's first drafts begins with it.
fn number(value: &str) -> Option<u64> {
    let end = value.find(|c: char| !c.is_ascii_digit()).unwrap_or(value.len());
    value[..end].parse().ok()
}

/// `1m30s`, `20ms`, seconds, a moment in Unix seconds or milliseconds, or an RFC 3339 time.
fn until(value: &str, unix_ms: u64) -> Option<Duration> {
    let value = value.trim();
    let from_now = |at_ms: u64| Duration::from_millis(at_ms.saturating_sub(unix_ms));
    if value.contains('T') {
        return Some(from_now(unix_seconds(value)?.checked_mul(1_000)?));
    }
    match value.parse::<f64>() {
        Ok(seconds) if !(0.0..1e15).contains(&seconds) => None,
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 10^15")]
        Ok(ms) if ms >= 1e11 => Some(from_now(ms as u64)),
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 10^11")]
        Ok(moment) if moment >= 1e9 => Some(from_now((moment * 1e3) as u64)),
        Ok(seconds) => Some(Duration::from_secs_f64(seconds)),
        Err(_) => span(value),
    }
}

/// Numbers with their units, one after the other: `1h2m3.5s`.
fn span(mut text: &str) -> Option<Duration> {
    let mut sum = 0.0;
    while !text.is_empty() {
        let (number, rest) = text.split_at(text.find(|c: char| c.is_ascii_alphabetic())?);
        let (unit, rest) = rest.split_at(rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len()));
        let scale = match unit {
            "ms" => 1e-3,
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3_600.0,
            "d" => 86_400.0,
            _ => return None,
        };
        sum += number.parse::<f64>().ok().filter(|n| (0.0..1e9).contains(n))? * scale;
        text = rest;
    }
    Some(Duration::from_secs_f64(sum))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn left(remaining: u64, limit: Option<u64>, reset_ms: Option<u64>) -> Option<Left> {
        Some(Left { remaining, limit, reset: reset_ms.map(Duration::from_millis) })
    }

    #[test]
    fn what_is_left_in_every_spelling() {
        type Case<'a> = (&'a [(&'a str, &'a str)], Option<Left>, Option<Left>);
        let cases: [Case<'_>; 7] = [
            (
                &[
                    ("x-ratelimit-limit-requests", "60"),
                    ("x-ratelimit-remaining-requests", "59"),
                    ("x-ratelimit-reset-requests", "1m30s"),
                    ("x-ratelimit-limit-tokens", "150000"),
                    ("x-ratelimit-remaining-tokens", "149984"),
                    ("x-ratelimit-reset-tokens", "6ms"),
                ],
                left(59, Some(60), Some(90_000)),
                left(149_984, Some(150_000), Some(6)),
            ),
            (
                &[
                    ("anthropic-ratelimit-requests-limit", "50"),
                    ("anthropic-ratelimit-requests-remaining", "49"),
                    ("anthropic-ratelimit-requests-reset", "1970-01-01T00:01:00Z"),
                    ("anthropic-ratelimit-input-tokens-limit", "100"),
                    ("anthropic-ratelimit-input-tokens-remaining", "90"),
                    ("anthropic-ratelimit-output-tokens-limit", "100"),
                    ("anthropic-ratelimit-output-tokens-remaining", "10"),
                ],
                left(49, Some(50), Some(50_000)),
                left(10, Some(100), None),
            ),
            (
                &[("x-ratelimit-limit", "20"), ("x-ratelimit-remaining", "3"), ("x-ratelimit-reset", "1741305600000")],
                left(3, Some(20), Some(1_741_305_590_000)),
                None,
            ),
            (&[("ratelimit-remaining", "7"), ("ratelimit-reset", "12")], left(7, None, Some(12_000)), None),
            (
                &[
                    ("x-ratelimit-limit-requests-day", "1000"),
                    ("x-ratelimit-remaining-requests-day", "10"),
                    ("x-ratelimit-limit-tokens-minute", "60000"),
                    ("x-ratelimit-remaining-tokens-minute", "100"),
                    ("x-ratelimit-reset-tokens-minute", "11.382"),
                ],
                left(10, Some(1000), None),
                left(100, Some(60_000), Some(11_382)),
            ),
            (&[("x-tokenlimit-limit", "9"), ("x-tokenlimit-remaining", "4")], None, left(4, Some(9), None)),
            (&[("x-ratelimit-remaining-requests", "many"), ("content-type", "text/html")], None, None),
        ];
        for (headers, requests, tokens) in cases {
            let found = rate_limits(headers.iter().copied(), 10_000).unwrap_or_default();
            assert_eq!((found.requests, found.tokens), (requests, tokens), "{headers:?}");
        }
    }

    #[test]
    fn a_reset_that_makes_no_sense_is_left_out() {
        for text in ["soon", "-1", "1x", "99999999999999999999999999s", "NaN", "1e400"] {
            assert_eq!(until(text, 0), None, "{text}");
        }
    }
}
