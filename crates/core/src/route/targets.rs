//! What routing knows of a target beside its name: facts of its model and provider, and how it fares.

use crate::config::{Capability, Modality};
use crate::health::Signals;
use crate::money::Price;
use crate::route::Target;

/// Facts of a target. What is `None` is not known, and then nothing is held against it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TargetFacts {
    /// Tokens of its context window: prompt and answer together.
    pub context: Option<u64>,
    /// Most output tokens.
    pub max_output: Option<u64>,
    /// What it takes as input.
    pub modalities: Option<Vec<Modality>>,
    /// What it can do.
    pub capabilities: Option<Vec<Capability>>,
    /// Where it is.
    pub region: Option<String>,
    /// The provider promised not to train on what it is sent.
    pub no_training: bool,
    /// The provider promised to keep nothing.
    pub zero_retention: bool,
    /// Its scores by use case.
    pub quality: Vec<(String, f64)>,
    /// Tokens of the shortest prompt that it caches.
    pub least_cached: Option<u64>,
}

/// Who knows targets: brought by the server, and by simulations.
pub trait Targets {
    /// What is known of a target.
    fn facts(&self, target: &Target) -> TargetFacts;

    /// What it costs.
    fn price(&self, target: &Target) -> Option<Price>;

    /// How it fares.
    fn signals(&self, target: &Target) -> Signals;
}
