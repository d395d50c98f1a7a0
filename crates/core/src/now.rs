use std::time::Duration;

/// The time, as an argument: decisions that depend on it take a `Now` and never read a clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Now {
    /// Since the process began (or another fixed point), never going back: for spans and expiries.
    pub monotonic: Duration,
    /// Milliseconds since 1970-01-01 UTC: for records and what people read.
    pub unix_ms: u64,
}

impl Now {
    /// How long after an earlier moment; zero if that moment is later.
    pub fn since(self, earlier: Self) -> Duration {
        self.monotonic.saturating_sub(earlier.monotonic)
    }

    /// This moment and a while later, on both clocks.
    #[must_use]
    pub fn plus(self, while_: Duration) -> Self {
        let ms = u64::try_from(while_.as_millis()).unwrap_or(u64::MAX);
        Self { monotonic: self.monotonic.saturating_add(while_), unix_ms: self.unix_ms.saturating_add(ms) }
    }
}
