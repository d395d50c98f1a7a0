//! `/{provider}/…`: whatever else a provider offers, with its credential and the record of the call, and nothing more.
//!
//! The path must stay within the provider's own: dot segments and encoded slashes are refused. Bodies stream both ways.

use std::sync::Arc;

use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::{Method, Request, request};
use hyper::body::Incoming;
use tokio::time::Instant;
use tollgate_core::caller::Caller;
use tollgate_core::route::Target;
use tollgate_ir::{Dialect, Fault, FaultKind, Operation};
use tollgate_wire::carriage::forwards_request_header;
use tollgate_wire::providers;

use super::handed::Handed;
use super::headers;
use super::prepare::{HOP, hops};
use super::reply::{self, Reply};
use super::settle::Settlement;
use super::source::Source;
use super::wishes::Wishes;
use crate::app::{Gateway, State};
use crate::body::{BodyLimits, Intake};
use crate::call_id::CallId;
use crate::credentials::Outbound;
use crate::provider::Provider;
use crate::routes::PREFIXES;
use crate::upstream::{Deadlines, Payload, ReplyBody};

/// Names the provider of what names no model.
const PROVIDER: &str = "x-tollgate-provider";

/// What is passed on; `CONNECT` and `TRACE` are not.
const METHODS: [Method; 5] = [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE];

/// Whose the rest of the path is.
#[derive(Clone, Copy, Debug)]
pub enum Whose<'a> {
    /// The provider's that the first segment names; then the rest.
    Named(&'a str, &'a str),
    /// A provider's that speaks the face's dialect: the one that `x-tollgate-provider` or `?provider=` names, else the
    /// first one configured.
    Face(&'a str),
}

/// Hands a request through.
#[expect(clippy::too_many_arguments, reason = "the head, already taken apart")]
pub async fn serve(
    gateway: &Gateway,
    state: Arc<State>,
    caller: &Caller,
    id: &CallId,
    face: Dialect,
    operation: Operation,
    whose: Whose<'_>,
    head: request::Parts,
    body: Incoming,
) -> Reply {
    let mut settlement = Settlement::begin(gateway, id, face, operation);
    settlement.trail().caller = Some(Arc::clone(&caller.name));
    settlement.trail().team = caller.team.clone();
    let (found, path, dialect) = match whose {
        Whose::Named(name, path) => (named(&state, name), path, None),
        Whose::Face(path) => (of_face(&state, face, &head), path, Some(face)),
    };
    let result = match found.and_then(|provider| may(caller, provider).map(|()| provider)) {
        Ok(provider) => hand_through(gateway, &state, provider, dialect, path, head, body, &mut settlement).await,
        Err(fault) => Err(fault),
    };
    match result {
        Ok((head, body)) => answered(gateway, face, id, &head, body, settlement),
        Err(fault) => reply::fault(face, id, fault.into(), Some(settlement)),
    }
}

/// The provider that the first segment means: by its id, by another spelling, or by the face that stands there.
fn named<'a>(state: &'a State, name: &str) -> Result<&'a Provider, Fault> {
    let face = PREFIXES.iter().find(|(prefix, _)| *prefix == name).map(|(_, face)| *face);
    let by_alias = || {
        let known = providers::find(if face == Some(Dialect::Gemini) { "google" } else { name })?;
        let id = &state.config.providers.iter().find(|p| p.known == Some(known.id))?.id;
        state.providers.get(id)
    };
    let by_face = || first_of(state, face?);
    state.providers.get(name).or_else(by_alias).or_else(by_face).filter(|p| !p.simulated).ok_or_else(|| {
        Fault::new(FaultKind::NoSuchPath, format!("There is no endpoint here, and no provider `{name}` is configured."))
    })
}

/// The first provider in the order of the configuration that speaks a dialect.
fn first_of(state: &State, face: Dialect) -> Option<&Provider> {
    let mut all = state.config.providers.iter().filter_map(|p| state.providers.get(&p.id));
    all.find(|p| !p.simulated && p.way_in(face).is_some())
}

/// The provider that the client names, else the first one that speaks the dialect.
pub fn of_face<'a>(state: &'a State, face: Dialect, head: &request::Parts) -> Result<&'a Provider, Fault> {
    let by_header = head.headers.get(PROVIDER).and_then(|v| v.to_str().ok());
    let by_query = || head.uri.query()?.split('&').find_map(|pair| pair.strip_prefix("provider="));
    if let Some(name) = by_header.or_else(by_query) {
        return named(state, name);
    }
    first_of(state, face).ok_or_else(|| {
        Fault::new(
            FaultKind::NotServedHere,
            format!("No configured provider speaks `{}`, which this endpoint belongs to.", face.as_str()),
        )
    })
}

/// Whether a caller may use all of a provider.
pub fn may(caller: &Caller, provider: &Provider) -> Result<(), Fault> {
    if caller.models.permits(&format!("{}/*", provider.id)) {
        return Ok(());
    }
    Err(Fault::new(
        FaultKind::ModelNotAllowed,
        format!(
            "The key `{}` may not use all of `{}`; its `models` would have to list `{}/*`.",
            caller.name, provider.id, provider.id
        ),
    ))
}

#[expect(clippy::too_many_arguments, reason = "the head, already taken apart")]
async fn hand_through(
    gateway: &Gateway,
    state: &State,
    provider: &Provider,
    dialect: Option<Dialect>,
    path: &str,
    head: request::Parts,
    body: Incoming,
    settlement: &mut Settlement,
) -> Result<(http::response::Parts, Box<ReplyBody>), Fault> {
    if !METHODS.contains(&head.method) {
        return Err(Fault::new(FaultKind::MethodNotAllowed, format!("{} is not passed on.", head.method)));
    }
    let way = dialect.and_then(|dialect| provider.way_in(dialect)).unwrap_or_else(|| provider.main_way());
    let uri =
        format!("{}{}{}", joined(&way.base_url, path)?, if query(&head).is_empty() { "" } else { "?" }, query(&head));
    let target = Target { provider: provider.id.clone(), model: Arc::default(), key: None };
    settlement.attempt(&target, way.dialect);
    let max = usize::try_from(state.config.limits.multipart).unwrap_or(usize::MAX);
    let limits = BodyLimits { max, idle: state.config.server.body_timeout };
    let mut out = Request::builder()
        .method(head.method.clone())
        .uri(uri)
        .header(HOP, hops(&head.headers) + 1)
        .body(())
        .map_err(|e| Fault::new(FaultKind::NoSuchPath, "The path is not valid.").source(e))?;
    for (name, value) in &head.headers {
        if forwards_request_header(way.dialect, name.as_str()) || *name == CONTENT_TYPE || name == "accept" {
            out.headers_mut().append(name.clone(), value.clone());
        }
    }
    out.headers_mut().extend(provider.headers.iter().cloned());
    let mut intake = Intake::open(&head, body, limits, gateway.bodies(), gateway.tasks())?;
    let (out, ()) = out.into_parts();
    let has_body =
        head.headers.get(CONTENT_LENGTH).is_some_and(|v| v != "0") || head.headers.contains_key("transfer-encoding");
    let credential = provider.credentials.first().cloned().unwrap_or_default();
    let signs = credential.signs();
    let payload = match has_body {
        false => Payload::Empty,
        // A signature covers the body.
        true if signs => Payload::from(intake.whole().await?.bytes),
        true => Payload::stream(intake.stream()),
    };
    let deadlines = deadlines(provider, &head)?;
    let transport = gateway.transport(&provider.egress);
    let sent =
        settlement.waiting(Outbound { head: Box::new(out), payload, credential }.send(transport, &deadlines)).await?;
    let (head, body) = sent.into_parts();
    settlement.attempt_status(head.status.as_u16());
    Ok((head, body))
}

fn deadlines(provider: &Provider, head: &request::Parts) -> Result<Deadlines, Fault> {
    let now = Instant::now();
    Ok(Deadlines {
        connect: provider.timeouts.connect,
        first_token: None,
        idle: Some(provider.timeouts.idle),
        end: Some(now + provider.timeouts.total),
        client_end: Wishes::of(&head.headers)?.timeout.map(|limit| now + limit),
    })
}

/// Base URL and path; a version that both have stands once.
fn joined(base: &str, path: &str) -> Result<String, Fault> {
    let lower = path.to_ascii_lowercase();
    let escapes = lower.contains("%2f") || lower.contains("%5c") || lower.contains("%2e") || path.contains('\\');
    if escapes || path.split('/').any(|segment| segment == "." || segment == "..") {
        return Err(Fault::new(FaultKind::NoSuchPath, "The path may not hold dot segments or encoded slashes."));
    }
    let version = base.rsplit('/').next().unwrap_or("");
    // Google's uploads stand beside its API and not in it.
    if let (true, Some(root)) =
        (path.starts_with("/upload/"), base.strip_suffix(version).filter(|_| version.starts_with('v')))
    {
        return Ok(format!("{}{path}", root.trim_end_matches('/')));
    }
    let rest = path
        .strip_prefix('/')
        .and_then(|p| p.strip_prefix(version))
        .filter(|rest| rest.starts_with('/') && version.starts_with('v'));
    Ok(format!("{base}{}", rest.unwrap_or(path)))
}

/// The query without the client's credential and its choice of a provider.
fn query(head: &request::Parts) -> String {
    let ours = |pair: &&str| pair.starts_with("key=") || pair.starts_with("provider=");
    let pairs = head.uri.query().unwrap_or("").split('&').filter(|pair| !ours(pair));
    pairs.collect::<Vec<_>>().join("&")
}

fn answered(
    gateway: &Gateway,
    face: Dialect,
    id: &str,
    head: &http::response::Parts,
    body: Box<ReplyBody>,
    mut settlement: Settlement,
) -> Reply {
    settlement.trail().status = head.status.as_u16();
    settlement.trail().overhead = settlement.overhead();
    let mut headers = headers::forwarded(&head.headers);
    headers::of_call(&mut headers, face, id, Some(settlement.trail()));
    if let Some(attempt) = settlement.trail().attempts.last() {
        let provider = attempt.target.provider.clone();
        headers::put(&mut headers, "x-tollgate-provider", &provider);
    }
    let source = Source::remote(body, false);
    Handed::new(head.status.as_u16(), &head.headers, source).reply(gateway, headers, settlement)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_stay_within_the_provider() {
        assert_eq!(joined("https://api.x/v1", "/v1/fim/completions").unwrap(), "https://api.x/v1/fim/completions");
        assert_eq!(joined("https://api.x/v1", "/fim/completions").unwrap(), "https://api.x/v1/fim/completions");
        assert_eq!(joined("https://api.x/v1", "/v1beta/x").unwrap(), "https://api.x/v1/v1beta/x");
        assert_eq!(joined("https://g.x/v1beta", "/upload/v1beta/files").unwrap(), "https://g.x/upload/v1beta/files");
        for path in ["/../admin", "/a/%2e%2e/b", "/a%2Fb", "/./x", "/a\\b"] {
            assert!(joined("https://api.x/v1", path).is_err(), "{path}");
        }
    }
}
