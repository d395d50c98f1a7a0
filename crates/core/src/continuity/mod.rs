//! What is remembered between the calls of one conversation, as pure functions; keeping it is the port's.
//!
//! Two kinds: *opaque state* that many clients drop but providers demand back (thinking signatures, thought
//! signatures, encrypted reasoning; decisions.md 5), found again by the ids of the turn's calls; and *responses*, for
//! clients that continue by `previous_response_id` (decisions.md 6).

mod calls;
mod foreign;
mod responses;
mod size;
#[cfg(test)]
mod tests;

pub use calls::{Kept, Restored, Saved, remember, restore, wanted};
pub use foreign::{has_foreign, report_foreign, seal_id, seal_ids, strip_foreign};
pub use responses::{Conversation, StoredResponse, keep, resume, unknown_response};
