//! How long work waits for a processor: a task sleeps, and sees how much later than it should it is woken.
//!
//! Invariant: what counts is the shorter of the last two waits, so that one pause of the machine is no rush; and nobody
//! looks where nobody asks (`limits.lag` is 0).

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::tasks::Tasks;

/// How often it is looked at.
const EVERY: Duration = Duration::from_millis(10);

/// The wait, as it was seen last.
#[derive(Clone, Debug, Default)]
pub struct Lag {
    micros: Arc<AtomicU64>,
    /// Held while somebody looks: who finds it gone ends.
    watcher: Arc<Mutex<Option<Arc<()>>>>,
}

impl Lag {
    /// Begins to look, or ends: as the configuration in force wants it.
    pub fn watch(&self, wanted: bool, tasks: &Tasks) {
        let mut watcher = self.watcher.lock().unwrap_or_else(PoisonError::into_inner);
        if wanted == watcher.is_some() {
            return;
        }
        let token = wanted.then(Arc::default);
        let still_wanted = token.as_ref().map(Arc::downgrade).unwrap_or_default();
        *watcher = token;
        drop(watcher);
        self.micros.store(0, Ordering::Relaxed);
        if !wanted {
            return;
        }
        let seen = Arc::clone(&self.micros);
        tasks.background("lag", async move {
            let mut before = Duration::ZERO;
            loop {
                let asleep = Instant::now();
                sleep(EVERY).await;
                let late = asleep.elapsed().saturating_sub(EVERY);
                if still_wanted.strong_count() == 0 {
                    return;
                }
                seen.store(u64::try_from(late.min(before).as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
                before = late;
            }
        });
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
        let (lag, tasks) = (Lag::default(), Tasks::new());
        lag.watch(true, &tasks);
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
        lag.watch(false, &tasks);
        for _ in 0..3 {
            std::thread::sleep(pause);
            sleep(Duration::from_millis(1)).await;
        }
        assert_eq!(lag.now(), Duration::ZERO, "nobody looks any more");
    }
}
