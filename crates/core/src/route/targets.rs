//! What routing knows of a target beside the configuration: how it fares.

use super::Target;
use crate::health::Signals;

/// Who knows how targets fare: the server, and simulations.
pub trait Targets {
    /// How a target fares now.
    fn signals(&self, target: &Target) -> Signals;
}
