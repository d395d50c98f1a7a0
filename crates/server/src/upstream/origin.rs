//! Where a request goes, taken from its absolute URI.

use std::sync::Arc;

use http::uri::Authority;
use http::{HeaderValue, Uri};
use tollgate_ir::Fault;

use super::egress::Egress;
use super::fault::misconfigured;
use super::proxy::Proxy;

/// Connections are shared by requests of one key. The egress id covers proxy and TLS.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub(super) https: bool,
    pub(super) authority: Authority,
    pub(super) egress: u64,
}

/// Where a request goes.
#[derive(Debug)]
pub(super) struct Target {
    pub(super) key: Key,
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) proxy: Option<Arc<Proxy>>,
    pub(super) uri: Uri,
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
        Ok(Self {
            host: authority.host().to_owned(),
            port: authority.port_u16().unwrap_or(if https { 443 } else { 80 }),
            proxy: egress.proxy(uri),
            uri: uri.clone(),
            key: Key { https, authority: authority.clone(), egress: egress.id() },
        })
    }

    /// As sent on HTTP/1: the path alone, or all of it to a proxy that forwards.
    pub(super) fn h1_uri(&self) -> Uri {
        if self.forwarded() {
            return self.uri.clone();
        }
        self.uri.path_and_query().map_or_else(|| Uri::from_static("/"), |path| Uri::from(path.clone()))
    }

    /// Plain http through a proxy is forwarded, not tunnelled.
    pub(super) fn forwarded(&self) -> bool {
        self.proxy.is_some() && !self.key.https
    }

    pub(super) fn host_header(&self) -> Result<HeaderValue, Fault> {
        HeaderValue::from_str(self.key.authority.as_str())
            .map_err(|_| misconfigured("the upstream's host is no header value"))
    }
}
