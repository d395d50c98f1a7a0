//! For tests: upstreams that follow a script, readers of recorded traffic, and the built binary under a test's hand.
//!
//! Everything here fails loudly (it panics), since a test that cannot set up its scene has nothing to say.
#![expect(clippy::expect_used, clippy::panic, reason = "a test that cannot set up its scene must fail at once")]

mod binary;
mod recordings;
mod script;
mod upstream;

pub use binary::{Binary, run_binary, run_binary_at};
pub use recordings::{Recorded, RecordedBody, Recordings};
pub use script::{Script, Step};
pub use upstream::{Received, ScriptedUpstream};
