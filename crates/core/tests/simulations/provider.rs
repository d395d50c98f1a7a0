//! How a simulated provider answers a call.

use std::time::Duration;

use tollgate_ir::{Fault, FaultKind, LimitHeader};

use crate::accidents::Kind;
use crate::scenario::Nature;

/// A stream of draws that depends on its seed alone (SplitMix64).
#[derive(Clone, Debug)]
pub struct Draws(u64);

impl Draws {
    pub const fn new(seed: u64) -> Self {
        Self(seed ^ 0x5851_f42d_4c95_7f2d)
    }

    /// In [0, 1).
    pub fn unit(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut x = self.0;
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((x ^ (x >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Between two bounds.
    pub fn within(&mut self, [least, most]: [f64; 2]) -> f64 {
        self.unit().mul_add(most - least, least)
    }

    /// An index.
    pub fn below(&mut self, count: usize) -> usize {
        (self.unit() * count as f64) as usize
    }

    /// The time to the next of so many a second.
    pub fn gap(&mut self, rate: f64) -> f64 {
        -(1.0 - self.unit()).ln() / rate
    }
}

/// How an attempt ends.
#[derive(Debug)]
pub struct Fate {
    /// After how long.
    pub after: Duration,
    /// How it failed, if it did.
    pub fault: Option<Fault>,
}

impl Nature {
    /// Whether something befalls the target then.
    pub fn is_struck(&self, at: f64) -> bool {
        self.but.iter().any(|spell| (spell.from..spell.to).contains(&at))
    }

    /// What becomes of an attempt.
    pub fn answer(&self, at: f64, timeout: f64, draws: &mut Draws) -> Fate {
        let takes = draws.within(self.takes);
        let hit = draws.unit();
        let spell = self.but.iter().find(|spell| (spell.from..spell.to).contains(&at) && hit < spell.share);
        let (after, kind) = match spell.map(|spell| spell.what) {
            None => (takes, None),
            Some(Kind::Slow) => (takes * 10.0, None),
            Some(Kind::Stall) => (f64::INFINITY, None),
            Some(Kind::RateLimit) => (0.02, Some(FaultKind::ProviderRateLimited)),
            Some(Kind::Overloaded) => (0.02, Some(FaultKind::ProviderOverloaded)),
            Some(Kind::Failing) => (takes * 0.3, Some(FaultKind::ProviderFailed)),
            Some(Kind::Reset) => (takes * draws.unit(), Some(FaultKind::ProviderCut)),
            Some(Kind::Garbage) => (0.05, Some(FaultKind::ProviderGarbage)),
            Some(Kind::Unreachable) => (0.01, Some(FaultKind::ProviderUnreachable)),
            Some(Kind::Refused) => (0.02, Some(FaultKind::ProviderAuth)),
        };
        let (after, kind) = if after > timeout { (timeout, Some(FaultKind::ProviderTimeout)) } else { (after, kind) };
        let fault = kind.map(|kind| {
            let mut fault = Fault::new(kind, "simulated");
            // Half of those who limit a rate say how long.
            if kind == FaultKind::ProviderRateLimited && draws.unit() < 0.5 {
                fault.headers.push(LimitHeader { name: "retry-after".to_owned(), value: "3".to_owned() });
            }
            fault
        });
        Fate { after: Duration::from_secs_f64(after), fault }
    }
}
