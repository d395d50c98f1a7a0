//! The certificate that clients see, reloaded from its files without a restart.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use arc_swap::ArcSwap;
use rustls::ServerConfig;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tollgate_ir::{Fault, FaultKind};

use crate::upstream::tls_chain;

/// Where a certificate lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateFiles {
    /// The chain, PEM, leaf first.
    pub chain: PathBuf,
    /// The key, PEM.
    pub key: PathBuf,
}

/// A certificate in use. Cheap to clone; [`reload`](Self::reload) reaches all clones and every new connection.
#[derive(Clone)]
pub struct Certificate {
    files: Arc<CertificateFiles>,
    current: Arc<Current>,
    config: Arc<ServerConfig>,
}

#[derive(Debug)]
struct Current(ArcSwap<CertifiedKey>);

impl Certificate {
    /// Reads a certificate and its key.
    ///
    /// # Errors
    ///
    /// `ConfigInvalid`, if a file cannot be read or the two do not belong together.
    pub fn load(files: CertificateFiles) -> Result<Self, Fault> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let current = Arc::new(Current(ArcSwap::from_pointee(read(&files, &provider)?)));
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| invalid(&error.to_string()))?
            .with_no_client_auth()
            .with_cert_resolver(Arc::clone(&current) as Arc<dyn ResolvesServerCert>);
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Self { files: Arc::new(files), current, config: Arc::new(config) })
    }

    /// Reads the files again. On an error the old certificate stays.
    ///
    /// # Errors
    ///
    /// As [`load`](Self::load).
    pub fn reload(&self) -> Result<(), Fault> {
        let fresh = read(&self.files, self.config.crypto_provider())?;
        self.current.0.store(Arc::new(fresh));
        Ok(())
    }

    /// The files to watch.
    pub fn files(&self) -> &CertificateFiles {
        &self.files
    }

    pub(super) fn config(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.config)
    }
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificate").field("files", &self.files).finish_non_exhaustive()
    }
}

impl ResolvesServerCert for Current {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.load_full())
    }
}

fn read(files: &CertificateFiles, provider: &CryptoProvider) -> Result<CertifiedKey, Fault> {
    let file = |path: &PathBuf| {
        std::fs::read(path).map_err(|error| invalid(&format!("{} cannot be read: {error}", path.display())))
    };
    let chain = tls_chain(&file(&files.chain)?, "the certificate").map_err(|error| invalid(&error))?;
    let key = PrivateKeyDer::from_pem_slice(&file(&files.key)?)
        .map_err(|error| invalid(&format!("the certificate's key is not PEM that can be read: {error}")))?;
    CertifiedKey::from_der(chain, key, provider)
        .map_err(|error| invalid(&format!("the certificate and its key cannot be used together: {error}")))
}

fn invalid(what: &str) -> Fault {
    Fault::new(FaultKind::ConfigInvalid, format!("TLS: {what}."))
}
