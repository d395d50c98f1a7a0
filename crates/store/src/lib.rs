//! Stores behind the ports of core. Each passes the same contract suite (`contract.rs`), so that no caller can tell one
//! from another but by what outlives the process.

#[cfg(test)]
mod contract;
mod memory;

pub use memory::{Bounds, MemoryContinuity};
