//! Fetches media by address for providers that take no addresses, without becoming a way into the operator's network.
//!
//! Invariants: only public addresses are connected to, and the address that was checked is the one connected to (the name
//! is resolved once, so that rebinding finds nothing to rebind); each redirect is checked anew; size, time and type are
//! bounded before bytes are held. Proxies are not used: behind one, the connected address could not be checked.

mod fetch;
mod policy;
mod sniff;

use std::time::Duration;

use bytes::Bytes;
use tollgate_ir::Fault;

pub use policy::{AddressPolicy, is_public};

use crate::upstream::{Egress, EgressConfig};

/// What may be fetched.
#[derive(Clone, Debug)]
pub struct MediaSettings {
    /// Which addresses may be connected to.
    pub addresses: AddressPolicy,
    /// Bytes, decoded.
    pub max: usize,
    /// For all of it, redirects included.
    pub time: Duration,
    /// Redirects followed.
    pub redirects: usize,
}

impl Default for MediaSettings {
    fn default() -> Self {
        Self { addresses: AddressPolicy::Public, max: 20 * 1024 * 1024, time: Duration::from_secs(10), redirects: 3 }
    }
}

/// What was fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetched {
    /// Lower case, without parameters: `image/png`.
    pub mime: String,
    /// The content.
    pub bytes: Bytes,
}

/// Fetches media. Cheap to clone.
#[derive(Clone, Debug)]
pub struct MediaFetcher {
    settings: MediaSettings,
    egress: Egress,
}

impl MediaFetcher {
    /// With the trust of an egress; its proxies are not used.
    ///
    /// # Errors
    ///
    /// As [`Egress::new`].
    pub fn new(settings: MediaSettings, egress: &EgressConfig) -> Result<Self, Fault> {
        let egress = Egress::new(&EgressConfig { http2: false, ..egress.clone() })?;
        Ok(Self { settings, egress })
    }

    /// Fetches an image, a PDF or audio from an http or https address.
    ///
    /// # Errors
    ///
    /// `MediaNotFetched`, saying what the client can do; the caller adds the block at fault.
    pub async fn fetch(&self, address: &str) -> Result<Fetched, Fault> {
        let fetching = fetch::follow(address, &self.settings, &self.egress);
        match tokio::time::timeout(self.settings.time, fetching).await {
            Ok(result) => result,
            Err(_) => Err(fetch::not_fetched("it took too long")),
        }
    }
}

#[cfg(test)]
mod tests;
