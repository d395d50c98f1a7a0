//! A whole reply at a glance: what the record and the policy need of an answer that is relayed as it is.

use tollgate_ir::{Finish, Usage};

/// What a whole reply tells of itself that plainly says something in its first choice.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Summary {
    /// The answer's id at the provider.
    pub id: Option<String>,
    /// The model, as the provider names it.
    pub model: Option<String>,
    /// The tier that served.
    pub service_tier: Option<String>,
    /// Why it ended.
    pub finish: Option<Finish>,
    /// What it used.
    pub usage: Option<Usage>,
}
