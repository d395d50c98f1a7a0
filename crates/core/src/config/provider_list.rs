//! The providers in the order of the file, and each by its id: there may be hundreds, and each call asks for some several
//! times.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use super::Provider;
use crate::map::Map;

/// So few are gone through sooner than an id is hashed.
const FEW: usize = 16;

/// The configured providers; as a slice, in the order of the file.
#[derive(Clone, Default)]
pub struct Providers {
    in_order: Vec<Arc<Provider>>,
    places: Map<Arc<str>, usize>,
    longest: Duration,
    pass_through: bool,
}

impl Providers {
    /// The provider of this id, as the file spells it.
    #[inline]
    pub fn of(&self, id: &str) -> Option<&Arc<Provider>> {
        if self.in_order.len() <= FEW {
            return self.in_order.iter().find(|provider| *provider.id == *id);
        }
        self.in_order.get(*self.places.get(id)?)
    }

    /// The longest that any of them may take for a call.
    pub const fn longest(&self) -> Duration {
        self.longest
    }

    /// Whether to any of them the client's own credential goes.
    pub const fn pass_through(&self) -> bool {
        self.pass_through
    }

    /// A host was found to have these models, too.
    pub fn add_models<'m>(&mut self, host: &str, models: impl Iterator<Item = &'m String> + Clone) {
        for provider in self.in_order.iter_mut().filter(|provider| provider.known == Some(host)) {
            for model in models.clone() {
                Arc::make_mut(provider).models.entry(model.clone()).or_default();
            }
        }
    }
}

impl From<Vec<Arc<Provider>>> for Providers {
    fn from(in_order: Vec<Arc<Provider>>) -> Self {
        Self {
            places: in_order.iter().enumerate().map(|(place, provider)| (Arc::clone(&provider.id), place)).collect(),
            longest: in_order.iter().map(|provider| provider.timeouts.total).max().unwrap_or_default(),
            pass_through: in_order.iter().any(|provider| provider.passthrough),
            in_order,
        }
    }
}

impl fmt::Debug for Providers {
    /// In order: all else follows from them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.in_order.fmt(f)
    }
}

impl Deref for Providers {
    type Target = [Arc<Provider>];

    fn deref(&self) -> &Self::Target {
        &self.in_order
    }
}

impl<'p> IntoIterator for &'p Providers {
    type Item = &'p Arc<Provider>;
    type IntoIter = std::slice::Iter<'p, Arc<Provider>>;

    fn into_iter(self) -> Self::IntoIter {
        self.in_order.iter()
    }
}
