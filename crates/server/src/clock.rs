//! The process's clock, for everything that takes [`Now`] as an argument.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tollgate_core::Now;

/// Reads the time.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    start: Instant,
}

impl Clock {
    /// Starts counting.
    #[expect(clippy::disallowed_methods, reason = "this is the place where the server reads clocks")]
    pub fn start() -> Self {
        Self { start: Instant::now() }
    }

    /// Time since the start, for what only measures.
    pub fn monotonic(self) -> Duration {
        self.start.elapsed()
    }

    /// Now.
    pub fn now(self) -> Now {
        Now { monotonic: self.monotonic(), unix_ms: self.unix_ms() }
    }

    /// The wall clock, for signatures.
    #[expect(clippy::disallowed_methods, reason = "this is the place where the server reads clocks")]
    pub fn wall(self) -> SystemTime {
        SystemTime::now()
    }

    /// Milliseconds since 1970, for what only tells the time.
    pub fn unix_ms(self) -> u64 {
        let since = self.wall().duration_since(UNIX_EPOCH).unwrap_or_default();
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    }
}
