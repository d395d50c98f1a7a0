//! How a provider is reached: proxy, trust, client certificate.

use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, OnceLock};

use http::Uri;
use rustls::ClientConfig;
use tollgate_ir::{Fault, FaultKind};

use super::proxy::{Proxy, ProxyRules};
use super::tls::{self, ClientIdentity, TlsSettings, Trust};

/// As configured; the values of `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY` come in here.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct EgressConfig {
    /// Proxy for https, such as `http://user:password@proxy:3128`.
    pub https_proxy: Option<String>,
    /// Proxy for http.
    pub http_proxy: Option<String>,
    /// What goes without a proxy: `*`, names, `.suffixes`, addresses, networks; with a port or without; by commas.
    pub no_proxy: String,
    /// Which roots are trusted.
    pub trust: Trust,
    /// More roots, PEM.
    pub extra_ca: Option<Vec<u8>>,
    /// Who we are to the provider.
    pub identity: Option<ClientIdentity>,
    /// Offer HTTP/2 in ALPN.
    pub http2: bool,
}

impl Default for EgressConfig {
    fn default() -> Self {
        Self {
            https_proxy: None,
            http_proxy: None,
            no_proxy: String::new(),
            trust: Trust::default(),
            extra_ca: None,
            identity: None,
            http2: true,
        }
    }
}

/// A checked way out. Cheap to clone. Two of equal configuration share connections, also across reloads.
#[derive(Clone)]
pub struct Egress {
    inner: Arc<Inner>,
}

struct Inner {
    id: u64,
    proxies: ProxyRules,
    tls: TlsSettings,
    /// Made at the first https connection: loading the system's roots costs tens of milliseconds.
    client: OnceLock<Result<Arc<ClientConfig>, String>>,
}

impl Egress {
    /// Checks proxies, certificates and keys.
    ///
    /// # Errors
    ///
    /// `ConfigInvalid`, saying what is wrong.
    pub fn new(config: &EgressConfig) -> Result<Self, Fault> {
        let invalid = |what: String| Fault::new(FaultKind::ConfigInvalid, what);
        let mut hasher = DefaultHasher::new();
        config.hash(&mut hasher);
        let proxies = ProxyRules::new(config).map_err(invalid)?;
        let tls = TlsSettings::new(config.trust, config.extra_ca.as_deref(), config.identity.as_ref(), config.http2)
            .map_err(invalid)?;
        Ok(Self { inner: Arc::new(Inner { id: hasher.finish(), proxies, tls, client: OnceLock::new() }) })
    }

    pub(super) fn id(&self) -> u64 {
        self.inner.id
    }

    pub(super) fn proxy(&self, uri: &Uri) -> Option<Arc<Proxy>> {
        self.inner.proxies.pick(uri)
    }

    pub(crate) fn tls(&self) -> Result<Arc<ClientConfig>, String> {
        self.inner.client.get_or_init(|| tls::client_config(&self.inner.tls)).clone()
    }
}

impl fmt::Debug for Egress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Egress").field("id", &self.inner.id).finish_non_exhaustive()
    }
}
