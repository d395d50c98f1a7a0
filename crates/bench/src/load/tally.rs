//! What a load saw.

use std::fmt::Write;
use std::time::Duration;

/// Counts and times, in nanoseconds.
#[derive(Default)]
pub struct Tally {
    /// Calls that failed.
    pub errors: usize,
    /// Calls that were due and not sent when the time was over.
    pub late: usize,
    calls: Vec<u64>,
    first: Vec<u64>,
    chunks: Vec<u64>,
}

impl Tally {
    /// A call was answered.
    pub fn answered(&mut self, took: Duration, first: Option<Duration>, chunks: &[u64]) {
        self.calls.push(nanos(took));
        self.first.extend(first.map(nanos));
        self.chunks.extend_from_slice(chunks);
    }

    /// All of it in one line.
    pub fn line(&mut self, took: Duration) -> String {
        let mut out = format!(
            "result calls={} errors={} late={} nanos={} chunks={}",
            self.calls.len(),
            self.errors,
            self.late,
            nanos(took),
            self.chunks.len()
        );
        for (name, times) in [("call", &mut self.calls), ("first", &mut self.first), ("chunk", &mut self.chunks)] {
            times.sort_unstable();
            for (quantile, share) in [("p50", 0.5), ("p99", 0.99)] {
                #[expect(
                    clippy::cast_precision_loss,
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "an index into fewer than 2^52 times"
                )]
                let at = (times.len() as f64 * share) as usize;
                if let Some(time) = times.get(at) {
                    let _ = write!(out, " {name}_{quantile}={time}");
                }
            }
        }
        out
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
