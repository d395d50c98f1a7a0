//! Which targets serve a call: a name becomes a meaning ([`resolve()`]), the meaning an ordered list of targets
//! ([`plan()`]), and a failed attempt a decision whether the next may help ([`moves_on`], [`conclude`]).
//!
//! All of it is pure: random draws come in, so any choice can be replayed. Health, breakers and prices will order and
//! skip targets in `plan.rs`, between the policy's order and the list; nothing else needs to know them.

mod plan;
mod resolve;
mod retry;
#[cfg(test)]
mod tests;
mod verdict;

pub use plan::{Facts, Pin, Plan, Skipped, Target, Unfit, plan, plan_chain};
pub use resolve::{Meaning, Resolved, resolve};
pub use retry::{FaultClass, Next, RetryBudget, RetryTerms, next};
pub use verdict::{conclude, moves_on};
pub(crate) use verdict::{retry_after, says_quota};
