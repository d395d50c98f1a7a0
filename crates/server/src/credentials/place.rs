//! Where a key stands in a request.

use std::borrow::Cow;
use std::sync::Arc;

use http::header::{AUTHORIZATION, HeaderName};
use http::{HeaderValue, Uri, request};
use tollgate_ir::Fault;

use super::{Secret, sensitive, unusable};

/// Where a key stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// `authorization: SCHEME key`, mostly `Bearer`.
    Authorization(Cow<'static, str>),
    /// A header of its own: `x-api-key`, `x-goog-api-key`, `api-key`.
    Header(HeaderName),
    /// A query parameter: `key`.
    Query(Arc<str>),
}

impl Place {
    /// `authorization: Bearer …`.
    pub const BEARER: Self = Self::Authorization(Cow::Borrowed("Bearer"));
}

/// A key where it stands: written once, and put into each request.
#[derive(Clone, Debug)]
pub enum Key {
    /// A header.
    Header(HeaderName, HeaderValue),
    /// A query parameter and its value.
    Query(Arc<str>, Secret),
    /// No header may hold it.
    Unusable,
}

impl Key {
    pub(super) fn new(place: Place, key: &Secret) -> Self {
        let (name, value) = match place {
            Place::Authorization(scheme) => (AUTHORIZATION, sensitive(&format!("{scheme} {}", key.expose()))),
            Place::Header(name) => (name, sensitive(key.expose())),
            Place::Query(name) => return Self::Query(name, key.clone()),
        };
        value.map_or(Self::Unusable, |value| Self::Header(name, value))
    }

    /// Puts it there.
    pub(super) fn put(&self, head: &mut request::Parts) -> Result<(), Fault> {
        match self {
            Self::Header(name, value) => _ = head.headers.insert(name, value.clone()),
            Self::Query(name, key) => with_query(head, name, key)?,
            Self::Unusable => return Err(unusable("holds characters that no header may hold")),
        }
        Ok(())
    }
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
pub(super) fn push_escaped(out: &mut String, text: &str) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
}
