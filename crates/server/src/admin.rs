//! What operators ask: figures, recent calls, decisions, a reload. Off loopback every answer needs the admin key.

use http::header::{AUTHORIZATION, CONTENT_TYPE, ORIGIN};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use tollgate_core::config;
use tollgate_ir::{Dialect, Fault, FaultKind};
use tollgate_wire::json;

use crate::app::{Gateway, State, hash};
use crate::health;
use crate::listen::Peer;
use crate::pipeline::outlet::ReplyBodyOut;
use crate::pipeline::reply;
use crate::pipeline::{self, identify};

/// How many calls a page has, unless `limit` says otherwise.
const PAGE: usize = 50;

/// Where a decision is asked for.
const DECIDE: &str = "/api/v1/decide";

/// Whether a path is an operator's.
pub fn is_path(path: &str) -> bool {
    const WHOLE: [&str; 5] = ["/metrics", "/api/v1/reload", "/api/v1/health", "/api/v1/calls", DECIDE];
    WHOLE.contains(&path) || path.starts_with("/api/v1/calls/")
}

/// Answers an operator.
pub async fn serve(gateway: &Gateway, id: &str, request: Request<Incoming>, peer: Peer) -> Response<ReplyBodyOut> {
    let state = gateway.state();
    let answered = match (request.method(), request.uri().path()) {
        (&Method::POST, DECIDE) => decide(gateway, &state, request, peer).await,
        _ => answer(gateway, &state, &request, peer),
    };
    match answered {
        Ok(response) => response,
        Err(fault) => reply::fault(Dialect::OpenAiChat, id, fault.into(), None),
    }
}

/// How a call's targets would be chosen.
async fn decide(
    gateway: &Gateway,
    state: &State,
    request: Request<Incoming>,
    peer: Peer,
) -> Result<Response<ReplyBodyOut>, Fault> {
    may(state, &request, peer)?;
    let (head, body) = request.into_parts();
    let decided = Box::pin(pipeline::decide::decide(gateway, head, body)).await?;
    Ok(text(decided, "application/json"))
}

fn answer(
    gateway: &Gateway,
    state: &State,
    request: &Request<Incoming>,
    peer: Peer,
) -> Result<Response<ReplyBodyOut>, Fault> {
    let path = request.uri().path();
    may(state, request, peer)?;
    match (request.method(), path) {
        (&Method::GET, "/metrics") => {
            gateway.metrics().fare(&gateway.health().records().all(gateway.clock().now()));
            Ok(text(gateway.metrics().text(), "application/openmetrics-text; version=1.0.0; charset=utf-8"))
        }
        (&Method::POST, "/api/v1/reload") => reload(gateway),
        (&Method::GET, "/api/v1/health") => Ok(text(health::shown(gateway, &state.config), "application/json")),
        (&Method::GET, "/api/v1/calls") => Ok(calls(gateway, request.uri().query())),
        (&Method::GET, path) if path.starts_with("/api/v1/calls/") => {
            let id = path.trim_start_matches("/api/v1/calls/");
            let found = gateway.recent().into_iter().find(|trail| trail.id == id);
            let trail = found.ok_or_else(|| Fault::new(FaultKind::NoSuchPath, "No call of this id is remembered."))?;
            Ok(text(trail.whole(), "application/json"))
        }
        _ => Err(Fault::new(FaultKind::MethodNotAllowed, format!("{path} does not take {}.", request.method()))),
    }
}

/// The admin key opens everything. Without one, this machine may read the figures, and where no keys are declared at all
/// it may do the rest; no web page may.
fn may(state: &State, request: &Request<Incoming>, peer: Peer) -> Result<(), Fault> {
    let (path, headers) = (request.uri().path(), request.headers());
    let page = headers.contains_key(ORIGIN) || !identify::by_loopback_name(headers, request.uri());
    let local = peer.local.ip().is_loopback() && peer.address.ip().is_loopback() && !page;
    let free = path == "/metrics" || state.admins.is_empty();
    if local && free && (path == "/metrics" || config::serves_admin(&state.config)) {
        return Ok(());
    }
    if state.admins.is_empty() {
        return Err(Fault::new(
            FaultKind::AdminKeyRequired,
            "There is no admin API without an admin key. Declare one under `admin.keys`, or in TOLLGATE_ADMIN_KEY.",
        ));
    }
    let bearer = headers.get(AUTHORIZATION).and_then(|v| v.to_str().ok()).and_then(|v| v.split_once(' '));
    let key = bearer.map(|(_, key)| key.trim()).or_else(|| headers.get("x-tollgate-key").and_then(|v| v.to_str().ok()));
    if key.is_some_and(|key| state.admins.contains(&hash(key))) {
        return Ok(());
    }
    Err(Fault::new(FaultKind::AdminKeyRequired, "Send the admin key as `Authorization: Bearer …`."))
}

fn reload(gateway: &Gateway) -> Result<Response<ReplyBodyOut>, Fault> {
    let restart = gateway.reload().map_err(|why| Fault::new(FaultKind::ConfigInvalid, why).status(400))?;
    let mut out = Vec::new();
    json::object(&mut out, |o| {
        o.boolean("reloaded", true);
        o.array("needs_restart", |a| restart.iter().for_each(|key| a.text(key)));
    });
    Ok(text(out, "application/json"))
}

/// Newest first; `cursor` is the id of the last call of the page before.
fn calls(gateway: &Gateway, query: Option<&str>) -> Response<ReplyBodyOut> {
    let field = |name: &str| {
        query?.split('&').find_map(|pair| pair.split_once('=').filter(|(k, _)| *k == name).map(|(_, v)| v))
    };
    let limit = field("limit").and_then(|v| v.parse().ok()).unwrap_or(PAGE).clamp(1, 500);
    let recent = gateway.recent();
    let from = field("cursor").and_then(|id| recent.iter().position(|trail| trail.id == id)).map_or(0, |i| i + 1);
    let page = &recent[from..recent.len().min(from + limit)];
    let mut out = b"{\"data\":[".to_vec();
    for (i, trail) in page.iter().enumerate() {
        if i > 0 {
            out.push(b',');
        }
        out.extend_from_slice(trail.whole().as_bytes());
    }
    out.extend_from_slice(b"],\"next_cursor\":");
    match page.last().filter(|_| from + page.len() < recent.len()) {
        Some(last) => json::text(&mut out, &last.id),
        None => out.extend_from_slice(b"null"),
    }
    out.push(b'}');
    text(out, "application/json")
}

fn text(body: impl Into<bytes::Bytes>, content_type: &'static str) -> Response<ReplyBodyOut> {
    let mut response = Response::new(ReplyBodyOut::whole(body));
    *response.status_mut() = StatusCode::OK;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}
