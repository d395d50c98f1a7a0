//! Ids of calls: UUIDs of version 7, which sort by time. Their random bits are a keyed hash of a counter, with a key that the
//! system's generator gave once: no system call for each call, unlike the `uuid` crate's own.

use std::hash::{BuildHasher, RandomState};
use std::ops::Deref;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use tollgate_core::Now;
use uuid::{Builder, Uuid};

/// The id of a call, and when the call came.
#[derive(Debug)]
pub struct CallId {
    text: String,
    /// When it came.
    pub began: Now,
}

impl Deref for CallId {
    type Target = str;

    fn deref(&self) -> &str {
        &self.text
    }
}

/// The id of a call that comes now.
pub fn next(now: Now) -> CallId {
    static KEY: LazyLock<RandomState> = LazyLock::new(RandomState::new);
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let mut random = [0; 10];
    random[..8].copy_from_slice(&KEY.hash_one(count).to_le_bytes());
    random[8..].copy_from_slice(&KEY.hash_one(!count).to_le_bytes()[..2]);
    let id = Builder::from_unix_timestamp_millis(now.unix_ms, &random).into_uuid();
    CallId { text: id.hyphenated().encode_lower(&mut Uuid::encode_buffer()).to_owned(), began: now }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::time::Duration;

    use super::*;

    #[test]
    fn ids_differ_and_sort_by_time() {
        let at = |unix_ms| next(Now { monotonic: Duration::ZERO, unix_ms }).text;
        let same: HashSet<String> = (0..1000).map(|_| at(1_764_000_000_000)).collect();
        assert_eq!(same.len(), 1000);
        let (earlier, later) = (at(1_764_000_000_000), at(1_764_000_000_001));
        assert!(earlier < later, "{earlier} {later}");
        assert_eq!(uuid::Uuid::parse_str(&later).unwrap().get_version_num(), 7);
    }
}
