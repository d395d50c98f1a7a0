//! Counts instructions of the hot path's parts: each case runs once warm, and then once within [`measured`], where callgrind
//! collects (`scripts/counts`). There is no clock, no socket and no randomness of ours in it, so that the numbers repeat.

mod decisions;
mod relays;
mod translations;

use std::io::Write;

/// Where callgrind collects.
#[inline(never)]
fn measured(run: &mut dyn FnMut()) {
    dumped(run);
    // Else this would be a jump, and no call that callgrind sees.
    std::hint::black_box(());
}

/// Where callgrind dumps its counters at each return; it does so only for calls that were made while it collected.
#[inline(never)]
fn dumped(run: &mut dyn FnMut()) {
    run();
    std::hint::black_box(());
}

/// Which cases to run; prints the names of those it ran, in order.
pub struct Counter {
    prefix: String,
}

impl Counter {
    /// Runs a case: what `prepare` makes is not counted, nor is letting go of the result.
    pub fn case<T, R>(&self, name: &str, prepare: impl Fn() -> T, run: impl Fn(T) -> R) {
        if !name.starts_with(&self.prefix) {
            return;
        }
        drop(std::hint::black_box(run(prepare())));
        let mut ready = Some(prepare());
        let mut result = None;
        measured(&mut || result = ready.take().map(|ready| std::hint::black_box(run(ready))));
        drop(result);
        let _ = writeln!(std::io::stdout().lock(), "{name}");
    }
}

fn main() {
    let counter = Counter { prefix: std::env::args().nth(1).unwrap_or_default() };
    relays::count(&counter);
    decisions::count(&counter);
    translations::count(&counter);
}
