//! A model of a configured provider: what the operator says of it, and where nothing, what the catalogue says.

use super::{Capability, Mode, Offer};
use crate::config::{Modality, ModelFacts};
use crate::money::Price;

/// What is known of a model here.
#[derive(Clone, Copy, Debug, Default)]
pub struct Model<'a> {
    /// The operator's facts, which always win.
    pub own: Option<&'a ModelFacts>,
    /// The catalogue's.
    pub offer: Option<Offer<'a>>,
}

impl Model<'_> {
    /// What it is for.
    pub fn mode(&self) -> Mode {
        self.offer.map(|offer| offer.mode()).unwrap_or_default()
    }

    /// Most tokens of a prompt and its answer together.
    pub fn context(&self) -> Option<u64> {
        self.own.and_then(|own| own.context).or_else(|| self.offer?.context())
    }

    /// Most output tokens.
    pub fn max_output(&self) -> Option<u64> {
        self.own.and_then(|own| own.max_output).or_else(|| self.offer?.max_output())
    }

    /// What it takes; `None`: not known.
    pub fn input(&self) -> Option<Vec<Modality>> {
        self.own.and_then(|own| own.modalities.clone()).or_else(|| self.offer?.input())
    }

    /// Whether it is known to take this.
    pub fn takes(&self, modality: Modality) -> bool {
        match self.own.and_then(|own| own.modalities.as_ref()) {
            Some(own) => own.contains(&modality),
            None => self.offer.is_some_and(|offer| offer.takes(modality)),
        }
    }

    /// Whether it is known to be able to.
    pub fn has(&self, capability: Capability) -> bool {
        self.can(capability) == Some(true)
    }

    /// Whether it is able to; `None`: not known.
    pub fn can(&self, capability: Capability) -> Option<bool> {
        self.own.and_then(|own| own.can(capability)).or_else(|| self.offer?.can(capability))
    }

    /// What attempts are billed by; `None`: not known.
    pub fn price(&self) -> Option<Price> {
        self.own.and_then(|own| own.price.clone()).or_else(|| self.offer?.price())
    }
}

impl ModelFacts {
    /// Whether the operator says that the model is able to.
    fn can(&self, capability: Capability) -> Option<bool> {
        if let Some((_, can)) = self.capabilities.iter().find(|(one, _)| *one == capability) {
            return Some(*can);
        }
        match capability {
            Capability::Reasoning => self.reasoning,
            Capability::Prefill => self.prefill,
            _ => {
                let (side, modality) = capability.modality()?;
                let all = self.modalities.as_ref().filter(|_| side == super::words::Side::Input)?;
                Some(all.contains(&modality))
            }
        }
    }
}
