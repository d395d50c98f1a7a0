//! What became of the attempts of the last minutes: how many there were and how many failed by the target's own fault.

use std::collections::VecDeque;

use tollgate_ir::FaultKind;

use super::latency::{SLICES, slice_of};
use crate::Now;

/// Counts of the last minutes.
#[derive(Clone, Debug, Default)]
pub struct Outcomes {
    slices: VecDeque<Slice>,
}

#[derive(Clone, Debug, Default)]
struct Slice {
    at: u64,
    served: u32,
    failed: Vec<(FaultKind, u32)>,
}

impl Outcomes {
    /// An attempt served.
    pub fn served(&mut self, now: Now) {
        self.slice(now).served += 1;
    }

    /// An attempt failed by the target's fault.
    pub fn failed(&mut self, kind: FaultKind, now: Now) {
        let failed = &mut self.slice(now).failed;
        match failed.iter_mut().find(|(known, _)| *known == kind) {
            Some((_, count)) => *count += 1,
            None => failed.push((kind, 1)),
        }
    }

    /// The share that failed, and of how many attempts.
    pub fn error_rate(&self, now: Now) -> (f64, u32) {
        let failed: u32 = self.by_kind(now).iter().map(|(_, count)| count).sum();
        let served: u32 = self.live(now).map(|slice| slice.served).sum();
        let all = failed + served;
        (if all == 0 { 0.0 } else { f64::from(failed) / f64::from(all) }, all)
    }

    /// How many failed of each kind.
    pub fn by_kind(&self, now: Now) -> Vec<(FaultKind, u32)> {
        let mut kinds: Vec<(FaultKind, u32)> = Vec::new();
        for (kind, count) in self.live(now).flat_map(|slice| slice.failed.iter().copied()) {
            match kinds.iter_mut().find(|(known, _)| *known == kind) {
                Some((_, sum)) => *sum += count,
                None => kinds.push((kind, count)),
            }
        }
        kinds
    }

    fn live(&self, now: Now) -> impl Iterator<Item = &Slice> {
        let at = slice_of(now);
        self.slices.iter().filter(move |slice| slice.at + SLICES > at)
    }

    fn slice(&mut self, now: Now) -> &mut Slice {
        let at = slice_of(now);
        while self.slices.front().is_some_and(|slice| slice.at + SLICES <= at) {
            self.slices.pop_front();
        }
        if self.slices.back().is_none_or(|slice| slice.at < at) {
            self.slices.push_back(Slice { at, ..Slice::default() });
        }
        let last = self.slices.len() - 1;
        &mut self.slices[last]
    }
}
