//! What befalls whom, and when: a function of the seed and of the call's number alone, so that it does not matter when the
//! call comes and who else is asked.
//!
//! Invariant: in each epoch one provider is healthy, and the one that is in the next epoch is so already: a provider that
//! is still remembered as full cannot be the only one.

/// Providers.
pub const PROVIDERS: usize = 4;

/// Calls of an epoch; the weather changes with it. Each fourth is calm.
const EPOCH: usize = 400;

/// How a provider fares for one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weather {
    Fair,
    /// 429, with a second to wait.
    Limited,
    /// 429 without a word how long.
    LimitedSilently,
    /// 429, and it is the credit that is used up.
    UsedUp,
    Overloaded,
    Failing,
    /// The key is refused.
    Refused,
    /// Late, and then well.
    Slow,
    /// The head, and nothing more.
    StalledAfterHead,
    /// Some words, and nothing more.
    StalledAfterWords,
    /// The head drop by drop.
    Loris,
    /// A reset at any byte.
    Reset,
    /// An orderly close at any byte.
    Cut,
    /// Framing that ends well around words that do not.
    Unfinished,
    /// An error within the stream, before or after words.
    ErrorInside,
    /// Bytes that mean nothing.
    Garbage,
    /// A page for people.
    Page,
    /// 200 without a word.
    Empty,
}

/// All that is not fair.
const FOUL: [Weather; 17] = [
    Weather::Limited,
    Weather::LimitedSilently,
    Weather::UsedUp,
    Weather::Overloaded,
    Weather::Failing,
    Weather::Refused,
    Weather::Slow,
    Weather::StalledAfterHead,
    Weather::StalledAfterWords,
    Weather::Loris,
    Weather::Reset,
    Weather::Cut,
    Weather::Unfinished,
    Weather::ErrorInside,
    Weather::Garbage,
    Weather::Page,
    Weather::Empty,
];

/// A number that depends on these alone (the finaliser of SplitMix64).
pub fn hash(of: &[u64]) -> u64 {
    of.iter().fold(0x9e37_79b9_7f4a_7c15, |hash, part| {
        let mut x = (hash ^ part).wrapping_add(0x9e37_79b9_7f4a_7c15);
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ (x >> 31)
    })
}

/// In [0, 1).
pub fn unit(of: &[u64]) -> f64 {
    (hash(of) >> 11) as f64 / (1u64 << 53) as f64
}

const fn epoch(call: usize) -> u64 {
    (call / EPOCH) as u64
}

/// Nothing befalls anybody then.
pub const fn is_calm(call: usize) -> bool {
    epoch(call).is_multiple_of(4)
}

/// Who is healthy throughout an epoch.
fn steady(seed: u64, epoch: u64) -> usize {
    (hash(&[seed, 1, epoch]) % PROVIDERS as u64) as usize
}

/// How a provider fares for the `attempt`-th request of a call that it gets.
pub fn weather(seed: u64, call: usize, provider: usize, attempt: usize) -> Weather {
    let epoch = epoch(call);
    let is_steady = [epoch, epoch + 1].iter().any(|epoch| steady(seed, *epoch) == provider);
    let place = [seed, 2, epoch, provider as u64];
    if is_calm(call) || is_steady || unit(&place) < 0.2 {
        return Weather::Fair;
    }
    let kind = FOUL[(hash(&[seed, 3, epoch, provider as u64]) % FOUL.len() as u64) as usize];
    // From brownouts to outages.
    let share = [0.1, 0.3, 0.7, 1.0][(hash(&[seed, 4, epoch, provider as u64]) % 4) as usize];
    let struck = unit(&[seed, 5, call as u64, provider as u64, attempt as u64]) < share;
    if struck { kind } else { Weather::Fair }
}

#[test]
fn one_provider_is_always_healthy_and_every_kind_of_accident_happens() {
    let mut seen = Vec::new();
    for seed in 0..20 {
        for call in (0..40_000).step_by(EPOCH) {
            let all = |call: usize, p: usize| (0..30).all(|attempt| weather(seed, call, p, attempt) == Weather::Fair);
            let healthy = (0..PROVIDERS).filter(|p| (0..5).all(|i| all(call + i, *p)));
            assert!(healthy.count() >= 1, "seed {seed}, call {call}");
            seen.extend((0..PROVIDERS).flat_map(|p| (0..5).map(move |i| weather(seed, call + i, p, 0))));
        }
    }
    for kind in FOUL {
        assert!(seen.contains(&kind), "{kind:?} never happens");
    }
}
