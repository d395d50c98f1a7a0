//! Which targets serve a call: a name becomes a meaning ([`resolve()`]), the meaning an ordered list of targets
//! ([`plan()`]), and a failed attempt a decision what follows ([`next`], [`conclude`]).
//!
//! All of it is pure: facts, time and random draws come in, so that any choice can be explained and replayed.

mod cached;
mod condition;
mod explain;
mod facts;
mod fit;
mod holders;
mod plan;
#[cfg(test)]
mod policy_tests;
mod rank;
mod resolve;
mod retry;
mod targets;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod verdict;
mod walk;
mod wishes;

pub use cached::cache_lives;
pub use condition::Condition;
pub use explain::{Explanation, FactsTold, Ground, LastResort, Quote};
pub use facts::{ESTIMATED_COST, FACTS, Fact, RequestFacts};
pub use fit::dearest;
pub use holders::Holders;
pub use plan::{Facts, Lookup, Pin, Plan, Skipped, Step, Target, Unfit, plan, plan_chain};
pub use resolve::{Meaning, Resolved, further_hosts, resolve};
pub use retry::{FaultClass, Next, RetryBudget, RetryTerms, next};
pub use targets::Targets;
pub use verdict::{conclude, moves_on};
pub(crate) use verdict::{retry_after, says_quota};
pub use wishes::RouteWishes;
