//! Text as pure meaning. For now: how many tokens a text has, by estimate.

mod framing;
pub mod tokens;
