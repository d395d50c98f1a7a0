//! What the benchmark and the counts share: the bodies that clients send.

pub mod payload;
