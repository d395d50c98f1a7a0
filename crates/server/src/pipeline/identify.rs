//! Who calls: the gateway key in any dialect's header, and what a gateway without keys asks of a request instead.

use std::sync::Arc;

use http::header::{AUTHORIZATION, HOST, HeaderName, ORIGIN};
use http::{HeaderMap, Uri, request};
use tollgate_core::caller::Caller;
use tollgate_ir::{Fault, FaultKind};

use crate::app::{State, hash};

/// The header that is the gateway's own: it wins over all others.
const OWN: HeaderName = HeaderName::from_static("x-tollgate-key");
/// Where the dialects' SDKs put their keys, beside `authorization`.
static OTHERS: [HeaderName; 3] = [
    HeaderName::from_static("x-api-key"),
    HeaderName::from_static("x-goog-api-key"),
    HeaderName::from_static("api-key"),
];

/// Finds the caller.
pub fn identify(state: &State, head: &request::Parts) -> Result<Arc<Caller>, Fault> {
    if state.is_open() {
        open(state, head)?;
        return Ok(Arc::new(Caller::anonymous()));
    }
    let credential = credential(head)?;
    match state.directory.find(&hash(&credential)) {
        Some(caller) => Ok(Arc::clone(caller)),
        None if state.directory.is_empty() => Err(Fault::new(
            FaultKind::BadCredential,
            "No gateway key exists yet. Declare one under `keys` in the configuration.",
        )),
        None => Err(Fault::new(
            FaultKind::BadCredential,
            "The gateway key is not known. Send a key that is declared under `keys` in the gateway's configuration.",
        )),
    }
}

/// The one credential that the request carries for the gateway.
fn credential(head: &request::Parts) -> Result<String, Fault> {
    if let Some(own) = text(&head.headers, &OWN) {
        return Ok(own.to_owned());
    }
    let mut found = client_credentials(head);
    let Some(first) = found.next() else {
        return Err(Fault::new(
            FaultKind::NoCredential,
            "The request carries no gateway key. Send it as your SDK's API key, or in `x-tollgate-key`.",
        ));
    };
    if found.any(|other| other != first) {
        return Err(Fault::new(
            FaultKind::BadCredential,
            "The request carries two different credentials. Send the gateway key in `x-tollgate-key`, or only one of them.",
        ));
    }
    Ok(first)
}

/// The credentials that clients' SDKs send, the standard one first.
pub fn client_credentials(head: &request::Parts) -> impl Iterator<Item = String> + '_ {
    let authorization = text(&head.headers, &AUTHORIZATION).and_then(of_authorization);
    let headers = OTHERS.iter().filter_map(|name| Some(text(&head.headers, name)?.to_owned()));
    let query = head.uri.query().into_iter().flat_map(|q| q.split('&')).filter_map(|pair| pair.strip_prefix("key="));
    authorization.into_iter().chain(headers).chain(query.map(str::to_owned)).filter(|key| !key.is_empty())
}

/// `Bearer KEY`, or the access key id of an AWS signature: SDKs that can only sign bring the gateway key as that.
fn of_authorization(value: &str) -> Option<String> {
    if let Some((scheme, rest)) = value.split_once(' ') {
        if scheme.eq_ignore_ascii_case("bearer") {
            return Some(rest.trim().to_owned());
        }
        if scheme == "AWS4-HMAC-SHA256" {
            let credential = rest.split(',').find_map(|part| part.trim().strip_prefix("Credential="))?;
            return credential.split('/').next().map(str::to_owned);
        }
        return None;
    }
    Some(value.to_owned())
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok().map(str::trim).filter(|v| !v.is_empty())
}

/// Without keys anybody on this machine may call, but no web page that a browser on it shows: the host must be a
/// loopback name (DNS rebinding), the origin absent or allowed.
fn open(state: &State, head: &request::Parts) -> Result<(), Fault> {
    let headers = &head.headers;
    let host = host(headers, &head.uri);
    if !is_loopback_name(host) {
        return Err(Fault::new(
            FaultKind::ForbiddenOrigin,
            format!(
                "Without keys only loopback names are served, and not `{host}`. Declare `keys` to serve other names."
            ),
        ));
    }
    let Some(origin) = text(headers, &ORIGIN) else { return Ok(()) };
    let cors = &state.config.server.cors;
    if cors.iter().any(|allowed| allowed == "*" || allowed == origin) {
        return Ok(());
    }
    Err(Fault::new(
        FaultKind::ForbiddenOrigin,
        format!(
            "Web pages of `{origin}` may not call. Allow the origin under `server.cors.origins`, or declare `keys`."
        ),
    ))
}

/// The name by which the client reached us; HTTP/2 has it in the address.
fn host<'a>(headers: &'a HeaderMap, uri: &'a Uri) -> &'a str {
    text(headers, &HOST).or_else(|| uri.host()).unwrap_or("localhost")
}

/// The client reached us by a name that no web page on another machine can have.
pub fn by_loopback_name(headers: &HeaderMap, uri: &Uri) -> bool {
    is_loopback_name(host(headers, uri))
}

fn is_loopback_name(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or(rest),
        None => host.rsplit_once(':').map_or(host, |(name, _)| name),
    };
    name.eq_ignore_ascii_case("localhost") || name.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn head(headers: &[(&str, &str)], uri: &str) -> request::Parts {
        let mut request = Request::builder().uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(()).unwrap().into_parts().0
    }

    #[test]
    fn keys_are_found_wherever_an_sdk_puts_them() {
        for (headers, uri) in [
            (&[("authorization", "Bearer k1")][..], "/"),
            (&[("authorization", "bearer  k1")], "/"),
            (&[("x-api-key", "k1")], "/"),
            (&[("x-goog-api-key", "k1"), ("authorization", "Bearer k1")], "/"),
            (&[("api-key", "k1")], "/"),
            (&[], "/v1beta/models?alt=sse&key=k1"),
            (&[("x-tollgate-key", "k1"), ("authorization", "Bearer sk-real")], "/"),
            (
                &[(
                    "authorization",
                    "AWS4-HMAC-SHA256 Credential=k1/20260101/us-east-1/bedrock/aws4_request, SignedHeaders=host, Signature=0",
                )],
                "/",
            ),
        ] {
            assert_eq!(credential(&head(headers, uri)).unwrap(), "k1", "{headers:?} {uri}");
        }
    }

    #[test]
    fn none_and_two_are_refused() {
        assert_eq!(credential(&head(&[], "/")).unwrap_err().kind, FaultKind::NoCredential);
        let two = head(&[("authorization", "Bearer a"), ("x-api-key", "b")], "/");
        assert_eq!(credential(&two).unwrap_err().kind, FaultKind::BadCredential);
    }

    #[test]
    fn loopback_names_are_told_from_others() {
        for (host, loopback) in [
            ("localhost:4000", true),
            ("127.0.0.1:4000", true),
            ("127.1.2.3", true),
            ("[::1]:4000", true),
            ("evil.example:4000", false),
            ("localhost.evil.example", false),
            ("10.0.0.1", false),
        ] {
            assert_eq!(is_loopback_name(host), loopback, "{host}");
        }
    }
}
