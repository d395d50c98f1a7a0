//! The open loop's clock: a thread that says when calls are due. The runtime's own timers count milliseconds; a sleeping
//! thread is late by some fifty microseconds, the same for every subject.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;

use crate::clock::now;

/// Calls that are due. All clones are one.
#[derive(Clone)]
pub struct Pacer {
    inner: Arc<Inner>,
}

struct Inner {
    due: Mutex<VecDeque<Instant>>,
    waiting: Semaphore,
    stopped: AtomicBool,
}

impl Pacer {
    /// So many a second, from now on.
    pub fn start(rate: u64) -> Self {
        let inner =
            Arc::new(Inner { due: Mutex::default(), waiting: Semaphore::new(0), stopped: AtomicBool::new(false) });
        let pacer = Self { inner };
        let clock = pacer.clone();
        std::thread::spawn(move || clock.tick(rate));
        pacer
    }

    fn tick(&self, rate: u64) {
        let began = now();
        let mut sent = 0;
        while !self.inner.stopped.load(Ordering::Relaxed) {
            let due = began + Duration::from_nanos(sent * 1_000_000_000 / rate.max(1));
            let left = due.saturating_duration_since(now());
            if !left.is_zero() {
                std::thread::sleep(left);
            }
            self.inner.due.lock().unwrap_or_else(PoisonError::into_inner).push_back(due);
            self.inner.waiting.add_permits(1);
            sent += 1;
        }
    }

    /// When the next call was due; returns once it is.
    pub async fn next(&self) -> Instant {
        if let Ok(permit) = self.inner.waiting.acquire().await {
            permit.forget();
        }
        self.inner.due.lock().unwrap_or_else(PoisonError::into_inner).pop_front().unwrap_or_else(now)
    }

    /// Calls due since then that nobody has sent.
    pub fn late_since(&self, began: Instant) -> usize {
        self.inner.due.lock().unwrap_or_else(PoisonError::into_inner).iter().filter(|due| **due >= began).count()
    }

    /// No more calls.
    pub fn stop(&self) {
        self.inner.stopped.store(true, Ordering::Relaxed);
    }
}
