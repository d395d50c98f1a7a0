use std::collections::BTreeSet;
use std::sync::Arc;

/// The label of every name that is not known.
pub const OTHER: &str = "other";

/// Model names that may be label values of metrics. Clients write names freely, and every new value is a new series;
/// so a name is known from the configuration, or learnt from an answer that a provider gave, up to a bound.
#[derive(Clone, Debug)]
pub struct ModelNames {
    known: BTreeSet<Arc<str>>,
    most: usize,
}

impl ModelNames {
    /// The names of the configuration, and room for others up to `most` in all.
    pub fn new(configured: impl IntoIterator<Item = String>, most: usize) -> Self {
        Self { known: configured.into_iter().map(Into::into).collect(), most }
    }

    /// Takes a name that a provider has answered to.
    pub fn learn(&mut self, name: &str) {
        if self.known.len() < self.most && name.len() <= 128 && !self.known.contains(name) {
            self.known.insert(name.into());
        }
    }

    /// The name if it is known, else [`OTHER`].
    pub fn label(&self, name: Option<&str>) -> Arc<str> {
        name.and_then(|name| self.known.get(name)).cloned().unwrap_or_else(|| OTHER.into())
    }
}
