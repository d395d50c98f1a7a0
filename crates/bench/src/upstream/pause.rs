//! Pauses that end when they should. The runtime's timers end with whole milliseconds, all of a millisecond together: a
//! hundred streams would speak in chorus, and of what a proxy adds to each the queue before it would be told.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::{Condvar, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use crate::clock::now;

static PAUSES: LazyLock<&Pauses> = LazyLock::new(Pauses::begin);

#[derive(Default)]
struct Pauses {
    waiting: Mutex<BinaryHeap<Reverse<Pause>>>,
    earlier: Condvar,
}

/// Ordered by its end.
struct Pause {
    until: Instant,
    over: oneshot::Sender<()>,
}

/// Returns after so long, and some fifty microseconds by which a sleeping thread is late.
pub(super) async fn pause(long: Duration) {
    let (over, is_over) = oneshot::channel();
    PAUSES.add(Pause { until: now() + long, over });
    // Without its thread nothing would end: then the pause is over at once, and the run's figures show it.
    let _ = is_over.await;
}

impl Pauses {
    fn begin() -> &'static Self {
        let pauses: &'static Self = Box::leak(Box::default());
        std::thread::spawn(|| pauses.end_each());
        pauses
    }

    fn lock(&self) -> MutexGuard<'_, BinaryHeap<Reverse<Pause>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, pause: Pause) {
        let mut waiting = self.lock();
        let first = waiting.peek().is_none_or(|Reverse(next)| pause < *next);
        waiting.push(Reverse(pause));
        drop(waiting);
        if first {
            self.earlier.notify_one();
        }
    }

    fn end_each(&self) -> ! {
        let mut waiting = self.lock();
        loop {
            let left = waiting.peek().map(|Reverse(next)| next.until.saturating_duration_since(now()));
            waiting = match left {
                None => self.earlier.wait(waiting).unwrap_or_else(PoisonError::into_inner),
                Some(Duration::ZERO) => {
                    if let Some(Reverse(pause)) = waiting.pop() {
                        // Nobody waits for it if the stream was dropped.
                        let _ = pause.over.send(());
                    }
                    waiting
                }
                Some(left) => self.earlier.wait_timeout(waiting, left).unwrap_or_else(PoisonError::into_inner).0,
            };
        }
    }
}

impl Ord for Pause {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.until.cmp(&other.until)
    }
}

impl PartialOrd for Pause {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Pause {
    fn eq(&self, other: &Self) -> bool {
        self.until == other.until
    }
}

impl Eq for Pause {}
