//! Where a request goes, taken from its absolute URI.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use http::uri::Authority;
use http::{HeaderValue, Uri};
use tollgate_ir::Fault;

use super::egress::Egress;
use super::fault::misconfigured;
use super::proxy::Proxy;

/// Connections are shared by requests of one key. The egress id covers proxy and TLS. An address that is spelt in another
/// case is another one: to compare authorities as they are meant would be done letter by letter, for each call.
#[derive(Clone, Debug)]
pub(super) struct Key {
    pub(super) https: bool,
    pub(super) authority: Authority,
    pub(super) egress: u64,
}

impl Key {
    fn parts(&self) -> (bool, &str, u64) {
        (self.https, self.authority.as_str(), self.egress)
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.parts() == other.parts()
    }
}

impl Eq for Key {}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.parts().hash(state);
    }
}

/// Where a request goes.
#[derive(Debug)]
pub(super) struct Target {
    pub(super) key: Key,
    pub(super) proxy: Option<Arc<Proxy>>,
}

impl Target {
    pub(super) fn of(uri: &Uri, egress: &Egress) -> Result<Self, Fault> {
        let https = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err(misconfigured("the upstream's address is neither http nor https")),
        };
        let authority = uri.authority().ok_or_else(|| misconfigured("the upstream's address has no host"))?;
        if authority.as_str().contains('@') {
            return Err(misconfigured("the upstream's address holds a user; put credentials into the provider's key"));
        }
        let key = Key { https, authority: authority.clone(), egress: egress.id() };
        Ok(Self { key, proxy: egress.proxy(uri) })
    }

    pub(super) fn host(&self) -> &str {
        self.key.authority.host()
    }

    pub(super) fn port(&self) -> u16 {
        self.key.authority.port_u16().unwrap_or(if self.key.https { 443 } else { 80 })
    }

    /// What `host` says.
    pub(super) fn authority(&self) -> &str {
        self.key.authority.as_str()
    }

    /// The proxy, if plain http goes through one: that is forwarded, not tunnelled.
    pub(super) fn forwards(&self) -> Option<&Proxy> {
        self.proxy.as_deref().filter(|_| !self.key.https)
    }

    /// As sent on HTTP/1: the path alone, or all of it to a proxy that forwards.
    pub(super) fn h1_uri(&self, uri: &Uri) -> Uri {
        if self.forwards().is_some() {
            return uri.clone();
        }
        uri.path_and_query().map_or_else(|| Uri::from_static("/"), |path| Uri::from(path.clone()))
    }

    pub(super) fn host_header(&self) -> Result<HeaderValue, Fault> {
        HeaderValue::from_str(self.authority()).map_err(|_| misconfigured("the upstream's host is no header value"))
    }
}
