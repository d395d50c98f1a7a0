//! A certificate authority for one run: the gateway and nginx trust it, the upstream shows what it issued.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::Failure;

/// The name that the certificate is for.
pub const NAME: &str = "localhost";

/// Files in PEM.
#[derive(Clone, Debug)]
pub struct Files {
    /// The authority's certificate.
    pub ca: PathBuf,
    /// The upstream's certificate.
    pub certificate: PathBuf,
    /// Its key.
    pub key: PathBuf,
}

impl Files {
    /// Where they are in a folder.
    pub fn within(folder: &Path) -> Self {
        Self {
            ca: folder.join("ca.pem"),
            certificate: folder.join("upstream.pem"),
            key: folder.join("upstream-key.pem"),
        }
    }

    /// Makes them anew.
    pub fn make(folder: &Path) -> Result<Self, Failure> {
        let mut authority = CertificateParams::new(Vec::new())?;
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        // Of one name with what it issues, OpenSSL would take that for its own issuer.
        authority.distinguished_name.push(DnType::CommonName, "authority of the benchmark");
        let issuer = CertifiedIssuer::self_signed(authority, KeyPair::generate()?)?;
        let mut own = CertificateParams::new(vec![NAME.to_owned()])?;
        own.extended_key_usages.push(ExtendedKeyUsagePurpose::ServerAuth);
        let key = KeyPair::generate()?;
        let files = Self::within(folder);
        fs::write(&files.ca, issuer.pem())?;
        fs::write(&files.certificate, own.signed_by(&key, &issuer)?.pem())?;
        fs::write(&files.key, key.serialize_pem())?;
        Ok(files)
    }

    /// A server's side that speaks one protocol.
    pub fn server(&self, protocol: &[u8]) -> Result<Arc<ServerConfig>, Failure> {
        let chain = CertificateDer::pem_file_iter(&self.certificate)?.collect::<Result<Vec<_>, _>>()?;
        let key = PrivateKeyDer::from_pem_file(&self.key)?;
        let mut config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(chain, key)?;
        config.alpn_protocols.push(protocol.to_vec());
        // nginx keeps sessions in tickets, which the default leaves out for TLS 1.2.
        config.ticketer = rustls::crypto::aws_lc_rs::Ticketer::new()?;
        Ok(Arc::new(config))
    }
}
