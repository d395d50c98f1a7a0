//! What routing knows of a target beside the configuration: how it fares.

use super::Target;
use crate::health::{HealthKey, Signals, Standing};

/// Who knows how targets fare: the server, and simulations.
pub trait Targets {
    /// Whether a target is to be asked now: wanted of every target of every call.
    fn standing(&self, target: &Target) -> Standing;

    /// How a target fares beside others: wanted where there is a choice.
    fn signals(&self, target: &Target) -> Signals;

    /// Who holds the prompt cache of a conversation, by the hash of its beginning.
    fn holder(&self, prefix: u64) -> Option<HealthKey> {
        let _ = prefix;
        None
    }
}
