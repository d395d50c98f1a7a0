//! How a request to a provider is authenticated.
//!
//! Invariants: a secret never prints, and every header that carries one is marked sensitive. A credential is applied
//! last, on the finished request, since some sign it.

mod aws;
mod secret;

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
use http::header::{AUTHORIZATION, HeaderName};
use http::{HeaderValue, Uri, request};
use tollgate_ir::{Fault, FaultKind};

pub use aws::{AwsKeys, AwsSigner};
pub use secret::Secret;

/// A way to authenticate.
#[derive(Clone, Debug, Default)]
pub enum Credential {
    /// None, for local servers.
    #[default]
    None,
    /// `authorization: Bearer …`.
    Bearer(Secret),
    /// A header of its own: `x-api-key`, `x-goog-api-key`, `api-key`.
    Header(HeaderName, Secret),
    /// A query parameter: `key`.
    Query(&'static str, Secret),
    /// AWS Signature Version 4.
    Aws(AwsSigner),
    /// A bearer token that must be fetched and renewed, such as from Google or Entra.
    Token(Arc<dyn TokenSource>),
}

/// Where short-lived bearer tokens come from. The source caches and renews.
pub trait TokenSource: fmt::Debug + Send + Sync {
    /// A token that is valid for the next minute.
    fn token(&self, now: SystemTime) -> Pin<Box<dyn Future<Output = Result<Secret, Fault>> + Send + '_>>;
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

impl Credential {
    /// Authenticates a request whose URI, headers and body are final.
    ///
    /// # Errors
    ///
    /// `ProviderMisconfigured` if the secret cannot be sent, or the fault of a token source.
    pub async fn apply(&self, head: &mut request::Parts, body: SignedBody<'_>, now: SystemTime) -> Result<(), Fault> {
        match self {
            Self::None => Ok(()),
            Self::Bearer(secret) => bearer(head, secret),
            Self::Header(name, secret) => {
                head.headers.insert(name, sensitive(secret.expose())?);
                Ok(())
            }
            Self::Query(name, secret) => with_query(head, name, secret),
            Self::Aws(signer) => signer.sign(head, body, now),
            Self::Token(source) => bearer(head, &source.token(now).await?),
        }
    }
}

fn bearer(head: &mut request::Parts, secret: &Secret) -> Result<(), Fault> {
    head.headers.insert(AUTHORIZATION, sensitive(&format!("Bearer {}", secret.expose()))?);
    Ok(())
}

fn sensitive(value: &str) -> Result<HeaderValue, Fault> {
    let mut value = HeaderValue::from_str(value).map_err(|_| unusable("holds characters that no header may hold"))?;
    value.set_sensitive(true);
    Ok(value)
}

fn with_query(head: &mut request::Parts, name: &str, secret: &Secret) -> Result<(), Fault> {
    let path = head.uri.path();
    let query = head.uri.query().filter(|query| !query.is_empty());
    let mut all = String::with_capacity(path.len() + 64);
    all.push_str(path);
    all.push('?');
    if let Some(query) = query {
        all.push_str(query);
        all.push('&');
    }
    all.push_str(name);
    all.push('=');
    push_escaped(&mut all, secret.expose());
    let mut parts = std::mem::take(&mut head.uri).into_parts();
    parts.path_and_query = Some(all.try_into().map_err(|_| unusable("does not fit into a query"))?);
    head.uri = Uri::from_parts(parts).map_err(|_| unusable("does not fit into a query"))?;
    Ok(())
}

/// All but the unreserved characters of RFC 3986.
fn push_escaped(out: &mut String, text: &str) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
}

fn unusable(what: &str) -> Fault {
    Fault::new(FaultKind::ProviderMisconfigured, "The provider's configuration is not complete.")
        .detail(format!("credential: the key {what}"))
}

#[cfg(test)]
mod tests;
