//! Continuity in the memory of one process: weighted least-recently-used caches whose entries expire.
//!
//! Invariant: no more than its bounds is held, and nothing is handed out after its time. What a call left is kept for so
//! long after its last use, since every turn of a conversation asks for it again; a response for so long after it was
//! made. Kept by the contract suite and the tests below.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use quick_cache::sync::{Cache, DefaultLifecycle};
use quick_cache::{DefaultHashBuilder, OptionsBuilder, Weighter};
use tollgate_core::Now;
use tollgate_core::continuity::{Saved, StoredResponse};
use tollgate_core::ports::{Answer, Continuity};
use tollgate_core::route::Pin;

/// How much is held and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Most bytes of what calls left.
    pub calls: u64,
    /// How long that is kept after its last use.
    pub calls_for: Duration,
    /// Most bytes of responses.
    pub responses: u64,
    /// How long they are kept.
    pub responses_for: Duration,
}

impl Default for Bounds {
    /// decisions.md 5 and 6.
    fn default() -> Self {
        Self {
            calls: 64 << 20,
            calls_for: Duration::from_secs(2 * 3600),
            responses: 256 << 20,
            responses_for: Duration::from_secs(24 * 3600),
        }
    }
}

/// Caller and id.
type Key = (Box<str>, Box<str>);

/// Continuity in memory.
pub struct MemoryContinuity {
    bounds: Bounds,
    calls: Shelf<Arc<Saved>>,
    responses: Shelf<Arc<StoredResponse>>,
    owners: Shelf<Pin>,
}

impl MemoryContinuity {
    /// Empty, with these bounds.
    pub fn new(bounds: Bounds) -> Self {
        Self {
            bounds,
            calls: Shelf::new(bounds.calls),
            responses: Shelf::new(bounds.responses),
            // An owner is as small as its key; a sixteenth of the calls' room is some ten thousand.
            owners: Shelf::new(bounds.calls / 16),
        }
    }

    /// Lets go of what has expired. Nothing depends on it but memory: call it every few minutes.
    pub fn sweep(&self, now: Now) {
        self.calls.sweep(now);
        self.responses.sweep(now);
        self.owners.sweep(now);
    }
}

impl Continuity for MemoryContinuity {
    fn put_calls<'a>(&'a self, caller: &'a str, saved: Vec<(String, Arc<Saved>)>, now: Now) -> Answer<'a, ()> {
        for (id, saved) in saved {
            let weight = saved.weight();
            self.calls.put(caller, &id, saved, weight, now.plus(self.bounds.calls_for));
        }
        ready(())
    }

    fn get_calls<'a>(&'a self, caller: &'a str, ids: &'a [String], now: Now) -> Answer<'a, Vec<(String, Arc<Saved>)>> {
        let until = Some(now.plus(self.bounds.calls_for));
        ready(ids.iter().filter_map(|id| Some((id.clone(), self.calls.get(caller, id, now, until)?))).collect())
    }

    fn put_response<'a>(
        &'a self,
        caller: &'a str,
        id: &'a str,
        response: Arc<StoredResponse>,
        now: Now,
    ) -> Answer<'a, ()> {
        let weight = response.weight();
        self.responses.put(caller, id, response, weight, now.plus(self.bounds.responses_for));
        ready(())
    }

    fn get_response<'a>(&'a self, caller: &'a str, id: &'a str, now: Now) -> Answer<'a, Option<Arc<StoredResponse>>> {
        ready(self.responses.get(caller, id, now, None))
    }

    fn delete_response<'a>(&'a self, caller: &'a str, id: &'a str, now: Now) -> Answer<'a, bool> {
        ready(self.responses.remove(caller, id, now))
    }

    fn put_owner<'a>(&'a self, caller: &'a str, seal: &'a str, owner: Pin, now: Now) -> Answer<'a, ()> {
        let weight = owner.provider.len() as u64;
        self.owners.put(caller, seal, owner, weight, now.plus(self.bounds.calls_for));
        ready(())
    }

    fn get_owner<'a>(&'a self, caller: &'a str, seal: &'a str, now: Now) -> Answer<'a, Option<Pin>> {
        ready(self.owners.get(caller, seal, now, Some(now.plus(self.bounds.calls_for))))
    }
}

fn ready<'a, T: Send + 'a>(value: T) -> Answer<'a, T> {
    Box::pin(std::future::ready(value))
}

/// One cache whose entries expire.
struct Shelf<T> {
    cache: Cache<Key, Entry<T>, ByWeight>,
}

#[derive(Clone)]
struct Entry<T> {
    value: T,
    weight: u64,
    /// Milliseconds on the monotonic clock; shared by the copies that the cache hands out.
    expires: Arc<AtomicU64>,
}

impl<T> Entry<T> {
    fn is_over(&self, now: Now) -> bool {
        self.expires.load(Ordering::Relaxed) <= millis(now)
    }
}

#[derive(Clone, Copy, Default)]
struct ByWeight;

impl<T> Weighter<Key, Entry<T>> for ByWeight {
    fn weight(&self, (caller, id): &Key, entry: &Entry<T>) -> u64 {
        // 128: what the cache and the allocations take beside the bytes.
        128 + (caller.len() + id.len()) as u64 + entry.weight
    }
}

impl<T: Clone> Shelf<T> {
    /// Few shards: each has its share of the room, and one conversation must fit into a share. Half of the room is for
    /// what is new: by default the cache gives it 3 %, and a turn would be gone before its conversation goes on.
    fn new(bytes: u64) -> Self {
        let items = usize::try_from(bytes / 4096).unwrap_or(usize::MAX).max(16);
        let options = OptionsBuilder::new()
            .estimated_items_capacity(items)
            .weight_capacity(bytes)
            .hot_allocation(0.5)
            .shards(4)
            .build();
        let cache = match options {
            Ok(options) => {
                Cache::with_options(options, ByWeight, DefaultHashBuilder::default(), DefaultLifecycle::default())
            }
            Err(_) => Cache::with_weighter(items, bytes, ByWeight),
        };
        Self { cache }
    }

    fn put(&self, caller: &str, id: &str, value: T, weight: u64, until: Now) {
        let expires = Arc::new(AtomicU64::new(millis(until)));
        self.cache.insert((caller.into(), id.into()), Entry { value, weight, expires });
    }

    /// The value if its time is not over; `until` puts its end off.
    fn get(&self, caller: &str, id: &str, now: Now, until: Option<Now>) -> Option<T> {
        let key = (caller.into(), id.into());
        let entry = self.cache.get(&key)?;
        if entry.is_over(now) {
            self.cache.remove_if(&key, |entry| entry.is_over(now));
            return None;
        }
        if let Some(until) = until {
            entry.expires.fetch_max(millis(until), Ordering::Relaxed);
        }
        Some(entry.value)
    }

    fn remove(&self, caller: &str, id: &str, now: Now) -> bool {
        let removed = self.cache.remove(&(caller.into(), id.into()));
        removed.is_some_and(|(_, entry)| !entry.is_over(now))
    }

    fn sweep(&self, now: Now) {
        self.cache.retain(|_, entry| !entry.is_over(now));
    }
}

fn millis(now: Now) -> u64 {
    u64::try_from(now.monotonic.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use tollgate_ir::{Issuer, Seal};

    use super::*;
    use crate::contract::{self, at_once};

    fn memory() -> MemoryContinuity {
        MemoryContinuity::new(Bounds::default())
    }

    #[test]
    fn it_keeps_the_contract() {
        at_once(contract::continuity(&memory(), Bounds::default().calls_for, Bounds::default().responses_for));
    }

    fn saved(bytes: usize) -> Arc<Saved> {
        let seal = Seal { issuer: Issuer::Gemini, data: "x".repeat(bytes) };
        Arc::new(Saved { seal: Some(seal), ..Saved::default() })
    }

    #[test]
    fn its_bounds_hold_and_the_newest_stays() {
        let store = MemoryContinuity::new(Bounds { calls: 1 << 20, ..Bounds::default() });
        let now = Now::default();
        for i in 0..1000 {
            at_once(store.put_calls("a", vec![(format!("call_{i}"), saved(10_000))], now));
        }
        assert!(store.calls.cache.weight() <= 1 << 20, "{}", store.calls.cache.weight());
        let newest: Vec<String> = (980..1000).map(|i| format!("call_{i}")).collect();
        assert_eq!(at_once(store.get_calls("a", &newest, now)).len(), 20);
    }

    #[test]
    fn a_long_conversation_fits() {
        let store = memory();
        let response = StoredResponse {
            model: "m".into(),
            pin: None,
            conversation: Some(tollgate_core::continuity::Conversation {
                body: "x".repeat(30 << 20),
                ..Default::default()
            }),
        };
        at_once(store.put_response("a", "r", Arc::new(response), Now::default()));
        assert!(at_once(store.get_response("a", "r", Now::default())).is_some());
    }

    #[test]
    fn what_has_expired_is_let_go() {
        let store = memory();
        at_once(store.put_calls("a", vec![("c".into(), saved(10_000))], Now::default()));
        store.sweep(Now::default().plus(Bounds::default().calls_for / 2));
        assert!(store.calls.cache.weight() > 10_000);
        store.sweep(Now::default().plus(Bounds::default().calls_for));
        assert_eq!(store.calls.cache.weight(), 0);
    }
}
