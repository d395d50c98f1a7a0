//! How long work waits for a processor: a task sleeps, goes once to the end of the run queue, and sees how much later than
//! it should it runs again. Without the queue it would see nothing: the runtime runs a task that its timer woke before those
//! that wait.
//!
//! Invariant: what counts is the shortest of the last waits, so that a pause or two of the machine are no rush; and nobody
//! looks where nobody asks (`limits.lag` is 0).

use std::future::{Future, poll_fn};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;
use std::time::Duration;

use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep};

use crate::tasks::Tasks;

/// How often it is looked at.
const EVERY: Duration = Duration::from_millis(10);

/// So many waits in a row make a rush.
const IN_A_ROW: usize = 3;

/// The wait, as it was seen last.
#[derive(Clone, Debug, Default)]
pub struct Lag {
    micros: Arc<AtomicU64>,
    /// Who looks, while somebody does.
    watcher: Arc<Mutex<Option<AbortHandle>>>,
}

impl Lag {
    /// Begins to look, or ends: as the configuration in force wants it.
    pub fn watch(&self, wanted: bool, tasks: &Tasks) {
        let mut watcher = self.watcher.lock().unwrap_or_else(PoisonError::into_inner);
        if wanted == watcher.is_some() {
            return;
        }
        if let Some(watcher) = watcher.take() {
            watcher.abort();
        }
        self.micros.store(0, Ordering::Relaxed);
        if !wanted {
            return;
        }
        let seen = Arc::clone(&self.micros);
        *watcher = Some(tasks.background("lag", async move {
            let mut last = [Duration::ZERO; IN_A_ROW];
            loop {
                let asleep = Instant::now();
                sleep(EVERY).await;
                behind_all_others().await;
                last.rotate_left(1);
                last[IN_A_ROW - 1] = asleep.elapsed().saturating_sub(EVERY);
                let least = last.into_iter().min().unwrap_or_default();
                seen.store(u64::try_from(least.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
            }
        }));
    }

    /// The wait now.
    pub fn now(&self) -> Duration {
        Duration::from_micros(self.micros.load(Ordering::Relaxed))
    }
}

/// Goes to the end of the run queue: there a task is put that wakes itself while it runs.
fn behind_all_others() -> impl Future<Output = ()> {
    let mut went = false;
    poll_fn(move |cx| {
        if std::mem::replace(&mut went, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
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
        for _ in 0..8 {
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

    /// Many tasks that are always ready, none of them long: no timer is late, and yet each waits for all the others.
    #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
    async fn a_long_queue_is_a_rush() {
        let (lag, tasks) = (Lag::default(), Tasks::new());
        lag.watch(true, &tasks);
        let (queue, turn) = (100, Duration::from_millis(1));
        for _ in 0..queue {
            tasks.background("busy", async move {
                loop {
                    std::thread::sleep(turn);
                    behind_all_others().await;
                }
            });
        }
        let until = Instant::now() + Duration::from_secs(20);
        while lag.now() < turn * queue / 2 {
            assert!(Instant::now() < until, "{:?}", lag.now());
            std::thread::sleep(Duration::from_millis(20));
            tokio::task::yield_now().await;
        }
        tasks.drain(Duration::ZERO).await;
    }
}
