//! Whether memory stays flat. Invariant: the first part of the run does not count, as pools, caches and allocators fill
//! then; of the rest the first quarter is held against the last, median against median, so that one large body at the
//! wrong time changes nothing.

/// A share of the run that warms up.
const WARM: f64 = 0.25;

/// The most that memory may grow over the part that counts: a twentieth, and what a few large bodies make.
const GROWTH: f64 = 0.05;
const SLACK: f64 = 1.5;

/// What was seen of memory, in MiB.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Memory {
    /// The median of the first quarter that counts.
    pub early: f64,
    /// The median of the last.
    pub late: f64,
    /// The most at any time.
    pub peak: f64,
}

impl Memory {
    /// From samples at equal distances.
    pub fn of(samples: &[f64]) -> Self {
        let counts = &samples[part(samples.len(), WARM).min(samples.len())..];
        let quarter = (counts.len() / 4).max(1).min(counts.len());
        Self {
            early: median(&counts[..quarter]),
            late: median(&counts[counts.len() - quarter..]),
            peak: samples.iter().copied().fold(0.0, f64::max),
        }
    }

    /// The most that it may be at the end.
    pub fn allowed(self) -> f64 {
        self.early * (1.0 + GROWTH) + SLACK
    }

    /// It did not grow.
    pub fn is_flat(self) -> bool {
        self.late <= self.allowed()
    }
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or_default()
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "counts of samples"
)]
fn part(count: usize, share: f64) -> usize {
    (count as f64 * share) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 60 samples that begin at 20 MiB, warm up to 40, and then grow by so much a sample; each fifth has a large body.
    fn run(leak: f64) -> Memory {
        let sample = |i: u32| {
            let warm = f64::from(i.min(10)) * 2.0;
            let body = if i.is_multiple_of(5) { 6.0 } else { 0.0 };
            20.0 + warm + body + f64::from(i) * leak
        };
        Memory::of(&(0..60).map(sample).collect::<Vec<_>>())
    }

    #[test]
    fn a_leak_is_found_and_warming_up_is_none() {
        assert!(run(0.0).is_flat(), "{:?}", run(0.0));
        // 100 calls a second that leave 2 KiB each.
        assert!(!run(0.2).is_flat(), "{:?}", run(0.2));
        assert!(Memory::of(&[]).is_flat());
    }
}
