//! Durations of the last minutes: quantiles within a tenth, in memory that does not depend on traffic.
//!
//! A histogram of logarithmic buckets (eight an octave: neighbours differ by 9 %), kept in slices of time, so that what is
//! old falls away whole. Only buckets that were hit are stored.

use std::collections::VecDeque;
use std::time::Duration;

use crate::Now;

/// Slices and their length: the last three minutes in steps of thirty seconds.
pub(super) const SLICES: u64 = 6;
pub(super) const SLICE: Duration = Duration::from_secs(30);

/// Buckets an octave.
const PER_OCTAVE: f64 = 8.0;

/// The slice that a moment belongs to.
pub(super) fn slice_of(now: Now) -> u64 {
    now.monotonic.as_secs() / SLICE.as_secs()
}

/// Durations of the last minutes.
#[derive(Clone, Debug, Default)]
pub struct Latencies {
    slices: VecDeque<Slice>,
}

#[derive(Clone, Debug)]
struct Slice {
    at: u64,
    /// Bucket and count, in order of the bucket.
    hits: Vec<(u16, u32)>,
}

impl Latencies {
    /// Notes one.
    pub fn note(&mut self, took: Duration, now: Now) {
        let at = slice_of(now);
        self.forget(at);
        if self.slices.back().is_none_or(|slice| slice.at < at) {
            self.slices.push_back(Slice { at, hits: Vec::new() });
        }
        let Some(slice) = self.slices.back_mut() else { return };
        let bucket = bucket(took);
        match slice.hits.binary_search_by_key(&bucket, |(b, _)| *b) {
            Ok(i) => slice.hits[i].1 += 1,
            Err(i) => slice.hits.insert(i, (bucket, 1)),
        }
    }

    /// The duration that a share of the last minutes' calls stayed within; `None` without calls.
    pub fn quantile(&self, share: f64, now: Now) -> Option<Duration> {
        self.quantiles([share], now).map(|[found]| found)
    }

    /// The same for several shares at once: what was noted is put in order for all of them together.
    pub fn quantiles<const N: usize>(&self, shares: [f64; N], now: Now) -> Option<[Duration; N]> {
        let mut merged: Vec<(u16, u32)> = self.live(now).flat_map(|slice| slice.hits.iter().copied()).collect();
        merged.sort_unstable_by_key(|(bucket, _)| *bucket);
        let (longest, _) = *merged.last()?;
        let total: u64 = merged.iter().map(|(_, count)| u64::from(*count)).sum();
        Some(shares.map(|share| {
            #[expect(clippy::cast_precision_loss, reason = "counts of minutes are far below 2^52")]
            let wanted = (total as f64 * share.clamp(0.0, 1.0)).ceil().max(1.0);
            let mut seen = 0.0;
            let found = merged.iter().find(|(_, count)| {
                seen += f64::from(*count);
                seen >= wanted
            });
            middle(found.map_or(longest, |(bucket, _)| *bucket))
        }))
    }

    /// How many are known.
    pub fn count(&self, now: Now) -> u64 {
        self.live(now).flat_map(|slice| &slice.hits).map(|(_, count)| u64::from(*count)).sum()
    }

    fn live(&self, now: Now) -> impl Iterator<Item = &Slice> {
        let at = slice_of(now);
        self.slices.iter().filter(move |slice| slice.at + SLICES > at)
    }

    fn forget(&mut self, at: u64) {
        while self.slices.front().is_some_and(|slice| slice.at + SLICES <= at) {
            self.slices.pop_front();
        }
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "eight times a logarithm of at most 64 bits"
)]
fn bucket(took: Duration) -> u16 {
    (took.as_secs_f64().mul_add(1e6, 1.0).log2() * PER_OCTAVE) as u16
}

fn middle(bucket: u16) -> Duration {
    let micros = ((f64::from(bucket) + 0.5) / PER_OCTAVE).exp2() - 1.0;
    Duration::from_secs_f64(micros.max(0.0) / 1e6)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Now {
        Now { monotonic: Duration::from_secs(seconds), unix_ms: 0 }
    }

    #[test]
    fn quantiles_are_within_a_tenth_and_old_ones_are_forgotten() {
        let mut latencies = Latencies::default();
        assert_eq!(latencies.quantile(0.5, at(0)), None);
        for ms in 1..=1000 {
            latencies.note(Duration::from_millis(ms), at(ms / 10));
        }
        for (share, ms) in [(0.5, 500.0), (0.95, 950.0), (0.99, 990.0), (1.0, 1000.0)] {
            let found = latencies.quantile(share, at(100)).unwrap().as_secs_f64() * 1e3;
            assert!((found / ms - 1.0).abs() < 0.1, "{share}: {found} ms");
        }
        assert_eq!(latencies.count(at(100)), 1000);
        // After three minutes more only the last slice's are left, then none.
        assert!(latencies.count(at(265)) < 200);
        assert_eq!(latencies.quantile(0.5, at(400)), None);
    }

    #[test]
    fn any_duration_has_a_bucket() {
        let mut latencies = Latencies::default();
        for took in [Duration::ZERO, Duration::from_nanos(1), Duration::from_secs(86_400), Duration::MAX] {
            latencies.note(took, at(0));
        }
        assert_eq!(latencies.count(at(0)), 4);
        assert!(latencies.quantile(0.1, at(0)).unwrap() < Duration::from_micros(1));
    }
}
