//! TLS towards providers: which roots, who we are, which protocols.

use std::fmt;
use std::sync::{Arc, OnceLock};

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};

/// Which roots are trusted, besides the extra ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Trust {
    /// Mozilla's, built in, and the system's where there is a store.
    #[default]
    Both,
    /// The built in alone.
    BuiltIn,
    /// The system's alone.
    System,
    /// The extra ones alone.
    ExtraOnly,
}

/// A client certificate.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct ClientIdentity {
    /// The chain, PEM, leaf first.
    pub chain: Vec<u8>,
    /// The key, PEM: PKCS#8, PKCS#1 or SEC1.
    pub key: Vec<u8>,
}

impl fmt::Debug for ClientIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientIdentity(..)")
    }
}

/// Parsed, so that a mistake shows when the configuration is loaded and not at the first call.
pub(super) struct TlsSettings {
    trust: Trust,
    extra: Vec<CertificateDer<'static>>,
    identity: Option<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)>,
    http2: bool,
}

impl TlsSettings {
    pub(super) fn new(
        trust: Trust,
        extra_ca: Option<&[u8]>,
        identity: Option<&ClientIdentity>,
        http2: bool,
    ) -> Result<Self, String> {
        let extra = extra_ca.map(|pem| chain(pem, "the extra CA")).transpose()?.unwrap_or_default();
        let identity = identity
            .map(|given| {
                let key = PrivateKeyDer::from_pem_slice(&given.key)
                    .map_err(|error| format!("the client certificate's key is not PEM that can be read: {error}"))?;
                Ok::<_, String>((chain(&given.chain, "the client certificate")?, key))
            })
            .transpose()?;
        let settings = Self { trust, extra, identity, http2 };
        // The pair is checked without the roots of the system, which take long to load.
        settings.build(RootCertStore::empty())?;
        Ok(settings)
    }

    fn build(&self, roots: RootCertStore) -> Result<ClientConfig, String> {
        let builder = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?
            .with_root_certificates(roots);
        let mut config = match &self.identity {
            None => builder.with_no_client_auth(),
            Some((chain, key)) => builder
                .with_client_auth_cert(chain.clone(), key.clone_key())
                .map_err(|error| format!("the client certificate cannot be used: {error}"))?,
        };
        if self.http2 {
            config.alpn_protocols.push(b"h2".to_vec());
        }
        config.alpn_protocols.push(b"http/1.1".to_vec());
        Ok(config)
    }
}

pub(super) fn client_config(settings: &TlsSettings) -> Result<Arc<ClientConfig>, String> {
    let mut roots = RootCertStore::empty();
    if matches!(settings.trust, Trust::Both | Trust::BuiltIn) {
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    }
    if matches!(settings.trust, Trust::Both | Trust::System) {
        roots.roots.extend(system_roots().roots.iter().cloned());
    }
    for certificate in &settings.extra {
        roots.add(certificate.clone()).map_err(|error| format!("the extra CA cannot be used: {error}"))?;
    }
    settings.build(roots).map(Arc::new)
}

/// Loaded once a process.
fn system_roots() -> &'static RootCertStore {
    static ROOTS: OnceLock<RootCertStore> = OnceLock::new();
    ROOTS.get_or_init(|| {
        let found = rustls_native_certs::load_native_certs();
        for error in &found.errors {
            tracing::debug!(%error, "a part of the system's certificate store cannot be read");
        }
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(found.certs);
        roots
    })
}

/// The certificates of a PEM file; at least one.
pub(crate) fn chain(pem: &[u8], what: &str) -> Result<Vec<CertificateDer<'static>>, String> {
    let chain = CertificateDer::pem_slice_iter(pem)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| format!("{what} is not PEM that can be read: {error}"))?;
    if chain.is_empty() { Err(format!("{what} holds no certificate")) } else { Ok(chain) }
}
