//! How a request to a provider is authenticated.
//!
//! Three kinds: a key that stands somewhere in the request, an AWS signature, a token. The last two come from sources
//! ([`source`], one file each) that stand in a chain in the order of the vendor's own SDKs, and are held and renewed by
//! [`Renewing`]. Invariants: a secret never prints, every header that carries one is marked sensitive, and the
//! environment is read where the configuration is loaded, never later; files are read whenever a credential is fetched,
//! since what rotates is in files. A credential is applied last, on the finished request, since some sign it.

mod ask;
mod aws;
mod azure;
mod configured;
mod google;
mod oauth;
mod place;
mod renewing;
mod secret;
mod send;
mod source;
mod time;

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
use http::header::{AUTHORIZATION, HeaderName};
use http::{HeaderValue, request};
use tollgate_ir::{Fault, FaultKind};

use crate::upstream::{Egress, Upstream};

pub use aws::{AwsKeys, AwsSettings, AwsSigner};
pub use azure::AzureSettings;
pub use configured::{Configured, configured, of_tools};
pub use google::GoogleSettings;
pub use oauth::{client_credentials, exchanged};
pub use place::{Key, Place};
pub use renewing::Renewing;
pub use secret::Secret;
pub use send::Outbound;
pub use source::{Chain, Fetching, Grant, Miss, Source};

/// A way to authenticate.
#[derive(Clone, Debug, Default)]
pub enum Credential {
    /// None, for local servers.
    #[default]
    None,
    /// A key as it is.
    Key(Arc<Key>),
    /// AWS Signature Version 4.
    Aws(AwsSigner),
    /// A bearer token that is fetched and renewed.
    Token(Arc<Renewing<Token>>),
    /// One is wanted and there is none; what was looked for, for people.
    Missing(Arc<str>),
}

/// A bearer token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// `ya29.…`, `eyJ…`.
    pub bearer: Secret,
    /// The project that pays for a user's calls, in Google Cloud.
    pub quota_project: Option<String>,
}

impl Token {
    fn new(bearer: impl Into<Arc<str>>) -> Self {
        Self { bearer: Secret::new(bearer), quota_project: None }
    }
}

/// The way to token endpoints, and the time.
#[derive(Clone, Copy)]
pub struct Transport<'a> {
    /// The connections.
    pub upstream: &'a Upstream,
    /// Proxy and trust, those of the provider.
    pub egress: &'a Egress,
    /// Now.
    pub now: SystemTime,
}

impl fmt::Debug for Transport<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transport").field("egress", self.egress).finish_non_exhaustive()
    }
}

/// What of the body is signed.
#[derive(Clone, Copy, Debug)]
pub enum SignedBody<'a> {
    /// In one piece.
    Whole(&'a [u8]),
    /// In pieces, in order.
    Pieces(&'a [Bytes]),
    /// Not signed: a stream.
    Unsigned,
}

/// Which of the credentials that a source gave one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Serial(u64);

impl Credential {
    /// Authenticates a request whose URI, headers and body are final. What can be renewed tells which one it was.
    ///
    /// # Errors
    ///
    /// `ProviderMisconfigured` if there is no credential or it cannot be sent, `ProviderAuth` if a token endpoint refuses,
    /// or the fault of the way there.
    pub async fn apply(
        &self,
        head: &mut request::Parts,
        body: SignedBody<'_>,
        transport: Transport<'_>,
    ) -> Result<Option<Serial>, Fault> {
        match self {
            Self::None | Self::Key(_) | Self::Missing(_) => self.put(head).map(|()| None),
            Self::Aws(signer) => signer.apply(head, body, transport).await.map(Some),
            Self::Token(source) => {
                let (token, serial) = source.get(transport).await?;
                bearer(head, &token)?;
                Ok(Some(serial))
            }
        }
    }

    /// A key that stands there.
    pub fn key(place: Place, key: &Secret) -> Self {
        Self::Key(Arc::new(Key::new(place, key)))
    }

    /// Authenticates a request with a credential that needs no other: nothing is signed, and nothing asked for.
    ///
    /// # Errors
    ///
    /// As [`apply`](Self::apply).
    pub fn put(&self, head: &mut request::Parts) -> Result<(), Fault> {
        match self {
            Self::None | Self::Aws(_) | Self::Token(_) => Ok(()),
            Self::Key(key) => key.put(head),
            Self::Missing(why) => Err(Fault::new(FaultKind::ProviderMisconfigured, why.to_string())),
        }
    }

    /// Whether there may be another one after it: it ends, and is got or signed with anew.
    pub fn renews(&self) -> bool {
        matches!(self, Self::Aws(_) | Self::Token(_))
    }

    /// Gets another one in place of one that the provider refused; whether there is another.
    pub async fn renew(&self, refused: Serial, transport: Transport<'_>) -> bool {
        match self {
            Self::None | Self::Key(_) | Self::Missing(_) => false,
            Self::Aws(signer) => signer.keys.renew(refused, transport).await,
            Self::Token(source) => source.renew(refused, transport).await,
        }
    }

    /// It signs the body, which must be whole then.
    pub fn signs(&self) -> bool {
        matches!(self, Self::Aws(_))
    }
}

fn bearer(head: &mut request::Parts, token: &Token) -> Result<(), Fault> {
    head.headers.insert(AUTHORIZATION, sensitive(&format!("Bearer {}", token.bearer.expose()))?);
    if let Some(project) = &token.quota_project {
        let value = HeaderValue::from_str(project).map_err(|_| unusable("names a project that no header can carry"))?;
        head.headers.insert(HeaderName::from_static("x-goog-user-project"), value);
    }
    Ok(())
}

fn sensitive(value: &str) -> Result<HeaderValue, Fault> {
    let mut value = HeaderValue::from_str(value).map_err(|_| unusable("holds characters that no header may hold"))?;
    value.set_sensitive(true);
    Ok(value)
}

fn unusable(what: &str) -> Fault {
    Fault::new(FaultKind::ProviderMisconfigured, "The provider's configuration is not complete.")
        .detail(format!("credential: the key {what}"))
}

#[cfg(test)]
mod tests;
