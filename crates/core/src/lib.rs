//! Our decisions, pure: what the configuration means, who calls and may call what, which targets a call goes to, what
//! is remembered between calls, what a call cost and what the log says of it.
//!
//! Nothing here touches a socket, a file, a clock, the environment or randomness: those come in as arguments
//! ([`Now`], draws, [`config::Surroundings`]), so that every decision can be tested, explained and replayed on plain
//! values. Nothing here knows a dialect's bytes either: providers come in as data ([`config::Catalogue`]). I/O meets
//! decisions at the traits of [`ports`].

pub mod authorize;
pub mod caller;
pub mod catalogue;
pub mod config;
pub mod continuity;
pub mod fold;
pub mod health;
mod map;
pub mod money;
mod near;
mod now;
pub mod ports;
pub mod route;
#[cfg(test)]
mod testing;
pub mod trail;

pub use map::Map;
pub use now::Now;
