//! Invariants of `wire`. A violation panics with the words for whoever reads the finding.
//!
//! An input of a dialect's target is `[operation, choice, body…]` ([`dialect`]); of the frames' and envelope's targets,
//! some choosing bytes and the body. [`seeds`] makes such inputs of recordings.

pub mod dialect;
pub mod envelope;
pub mod frames;
pub mod nesting;
pub mod output;
pub mod replay;
pub mod seeds;
pub mod stream;
