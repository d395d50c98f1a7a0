//! How long work waits for a processor: a task sleeps, and sees how much later than it should it is woken.
//!
//! Invariant: what counts is the shorter of the last two waits, so that one pause of the machine is no rush.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::tasks::Tasks;

/// How often it is looked at.
const EVERY: Duration = Duration::from_millis(10);

/// The wait, as it was seen last.
#[derive(Clone, Debug, Default)]
pub struct Lag {
    micros: Arc<AtomicU64>,
}

impl Lag {
    /// Begins to look.
    pub fn watch(tasks: &Tasks) -> Self {
        let lag = Self::default();
        let seen = Arc::downgrade(&lag.micros);
        tasks.background("lag", async move {
            let mut before = Duration::ZERO;
            loop {
                let asleep = Instant::now();
                sleep(EVERY).await;
                let late = asleep.elapsed().saturating_sub(EVERY);
                let Some(seen) = seen.upgrade() else { return };
                seen.store(u64::try_from(late.min(before).as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
                before = late;
            }
        });
        lag
    }

    /// The wait now.
    pub fn now(&self) -> Duration {
        Duration::from_micros(self.micros.load(Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_rush_is_seen_and_one_pause_is_none() {
        let lag = Lag::watch(&Tasks::new());
        sleep(EVERY * 5).await;
        let pause = Duration::from_millis(200);
        std::thread::sleep(pause);
        sleep(Duration::from_millis(1)).await;
        assert!(lag.now() < pause / 2, "{:?}", lag.now());
        let mut most = Duration::ZERO;
        for _ in 0..6 {
            std::thread::sleep(pause);
            sleep(Duration::from_millis(1)).await;
            most = most.max(lag.now());
        }
        assert!(most >= pause / 2, "{most:?}");
    }
}
