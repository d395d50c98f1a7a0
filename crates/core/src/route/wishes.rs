//! What a request may ask of routing, in the fields that users of other gateways know. It narrows and orders what the
//! caller may use; it never widens it.

use crate::config::{Measure, Terms};

/// What a request asks of routing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RouteWishes {
    /// These providers first, in this order.
    pub order: Vec<String>,
    /// Only these providers.
    pub only: Vec<String>,
    /// Not these providers.
    pub ignore: Vec<String>,
    /// The best by this measure first.
    pub sort: Option<Measure>,
    /// Only the first target (OpenRouter's `allow_fallbacks: false`).
    pub no_fallbacks: bool,
    /// Demands beyond the policy's: prices, data policy, capabilities, retries.
    pub terms: Terms,
}

impl RouteWishes {
    /// Whether it is about some providers and not about others.
    pub(super) const fn names_providers(&self) -> bool {
        !self.only.is_empty() || !self.ignore.is_empty()
    }

    /// Whether a provider may serve, by its id in the configuration or its known id.
    pub(super) fn refuse(&self, ids: &[&str]) -> Option<String> {
        let named = |list: &[String]| list.iter().any(|name| ids.iter().any(|id| same(name, id)));
        if !self.only.is_empty() && !named(&self.only) {
            return Some("the request wants other providers only".to_owned());
        }
        named(&self.ignore).then(|| "the request does not want this provider".to_owned())
    }

    /// The place that the request gives a provider.
    pub(super) fn place(&self, ids: &[&str]) -> usize {
        self.order.iter().position(|name| ids.iter().any(|id| same(name, id))).unwrap_or(self.order.len())
    }
}

/// OpenRouter writes `deepinfra/turbo` for an endpoint of a provider, and is lenient about case.
fn same(name: &str, id: &str) -> bool {
    name.split('/').next().unwrap_or(name).eq_ignore_ascii_case(id)
}
