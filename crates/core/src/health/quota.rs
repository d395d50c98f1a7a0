//! What a provider says is left of its limits, from the rate-limit headers of its last answer.

use crate::Now;

/// One limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bucket {
    /// What is left.
    pub remaining: u64,
    /// Of how much, where it says.
    pub limit: Option<u64>,
    /// When it is full again, where it says.
    pub reset: Option<Now>,
}

/// The limits of a target.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Quota {
    /// Requests.
    pub requests: Option<Bucket>,
    /// Tokens (input and output together, or the scarcer of the two).
    pub tokens: Option<Bucket>,
}

impl Quota {
    /// The share that is left of the scarcest limit, in 0..=1; a limit that was reset since counts as whole.
    pub fn left(&self, now: Now) -> f64 {
        let share = |bucket: &Bucket| {
            if bucket.reset.is_some_and(|reset| reset <= now) {
                return 1.0;
            }
            #[expect(clippy::cast_precision_loss, reason = "a share needs no last digit")]
            bucket.limit.filter(|limit| *limit > 0).map_or(if bucket.remaining > 0 { 1.0 } else { 0.0 }, |limit| {
                (bucket.remaining as f64 / limit as f64).min(1.0)
            })
        };
        [&self.requests, &self.tokens].into_iter().flatten().map(share).fold(1.0, f64::min)
    }

    /// Whether a call of so many tokens is within what is left.
    pub fn admits(&self, tokens: u64, now: Now) -> bool {
        let enough = |bucket: &Option<Bucket>, needed: u64| {
            bucket.is_none_or(|b| b.remaining >= needed || b.reset.is_some_and(|reset| reset <= now))
        };
        enough(&self.requests, 1) && enough(&self.tokens, tokens)
    }
}
