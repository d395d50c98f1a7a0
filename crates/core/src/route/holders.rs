//! Who holds the prompt cache of which conversation: what `sticky` goes by, and what makes a move dear.
//!
//! Bounded: two generations of conversations, of which the older is forgotten whole when the younger is full. A wrong or
//! missing memory costs a cache miss and nothing else.

use std::collections::HashMap;
use std::time::Duration;

use crate::Now;
use crate::health::HealthKey;

/// Conversations by a hash of what stays the same over their turns.
#[derive(Debug)]
pub struct Holders {
    young: HashMap<u64, Held>,
    old: HashMap<u64, Held>,
    most: usize,
}

#[derive(Clone, Debug)]
struct Held {
    by: HealthKey,
    until: Now,
}

impl Holders {
    /// Remembers at most so many conversations.
    pub fn new(most: usize) -> Self {
        Self { young: HashMap::new(), old: HashMap::new(), most }
    }

    /// A target answered a turn: it holds the conversation's prompt for so long.
    pub fn note(&mut self, prefix: u64, by: HealthKey, lives: Duration, now: Now) {
        if self.young.len() >= self.most.div_ceil(2) && !self.young.contains_key(&prefix) {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(prefix, Held { by, until: now.plus(lives) });
    }

    /// Who holds a conversation's prompt.
    pub fn of(&self, prefix: u64, now: Now) -> Option<&HealthKey> {
        let held = self.young.get(&prefix).or_else(|| self.old.get(&prefix))?;
        (held.until > now).then_some(&held.by)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::route::Pin;

    fn key(model: &str) -> HealthKey {
        HealthKey { pin: Pin { provider: "p".into(), key: None }, model: model.into() }
    }

    fn at(seconds: u64) -> Now {
        Now { monotonic: Duration::from_secs(seconds), unix_ms: seconds * 1000 }
    }

    #[test]
    fn a_conversation_is_where_its_last_turn_was_until_the_cache_is_over() {
        let mut holders = Holders::new(100);
        let minute = Duration::from_secs(60);
        holders.note(1, key("a"), minute, at(0));
        assert_eq!(holders.of(1, at(59)), Some(&key("a")));
        holders.note(1, key("b"), minute, at(59));
        assert_eq!(holders.of(1, at(118)), Some(&key("b")));
        assert_eq!(holders.of(1, at(119)), None);
        assert_eq!(holders.of(2, at(0)), None);
    }

    #[test]
    fn no_more_are_remembered_than_the_bound_and_those_that_go_on_stay() {
        let mut holders = Holders::new(100);
        for i in 0..10_000 {
            holders.note(i, key("a"), Duration::from_secs(60), at(0));
            holders.note(7, key("b"), Duration::from_secs(60), at(0));
            assert!(holders.young.len() + holders.old.len() <= 100);
        }
        assert_eq!(holders.of(7, at(1)), Some(&key("b")));
        assert_eq!(holders.of(8, at(1)), None);
        assert_eq!(holders.of(9_999, at(1)), Some(&key("a")));
    }
}
