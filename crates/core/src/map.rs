//! Maps that each call looks into.

/// A map with a fast hash, keyed anew in each process: for names that are looked up for each call.
pub type Map<K, V> = std::collections::HashMap<K, V, foldhash::fast::RandomState>;
