//! Realtime sessions: a websocket's handshake goes to the provider with its credential, and from then on bytes go both ways
//! as they are. The session ends when either side does, and is one record: how long, how many bytes.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use http::header::{CONNECTION, HeaderName, UPGRADE};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, request};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tollgate_core::authorize::authorize;
use tollgate_core::caller::Caller;
use tollgate_core::route::{Target, resolve};
use tollgate_ir::{Dialect, Fault, FaultKind, Operation};
use tollgate_wire::carriage::forwards_request_header;
use tollgate_wire::codec;

use super::exchange::MAX_ERROR;
use super::headers;
use super::outcome::Outcome;
use super::outlet::ReplyBodyOut;
use super::passthrough::{may, of_face};
use super::prepare::{HOP, hops, not_offered};
use super::reply::{self, Reply};
use super::settle::Settlement;
use crate::app::{Gateway, State};
use crate::call_id::CallId;
use crate::catalogue::BuiltIn;
use crate::credentials::Outbound;
use crate::provider::{Provider, Way};
use crate::routes::decoded;
use crate::upstream::{Deadlines, Payload, ReplyBody};

/// Headers of a handshake, up and down.
const HANDSHAKE: [HeaderName; 5] = [
    HeaderName::from_static("sec-websocket-key"),
    HeaderName::from_static("sec-websocket-version"),
    HeaderName::from_static("sec-websocket-extensions"),
    HeaderName::from_static("sec-websocket-protocol"),
    HeaderName::from_static("sec-websocket-accept"),
];

/// What is read at once.
const PIECE: usize = 16 * 1024;

/// Opens a session; `path` is there where the model is named within it.
pub async fn serve(
    gateway: &Gateway,
    state: &State,
    caller: &Caller,
    id: &CallId,
    face: Dialect,
    path: Option<&str>,
    mut head: request::Parts,
) -> Reply {
    let mut settlement = Settlement::begin(gateway, id, face, Operation::Realtime);
    settlement.trail().caller = Some(Arc::clone(&caller.name));
    settlement.trail().team = caller.team.clone();
    let client = head.extensions.remove::<OnUpgrade>();
    let opening = open(gateway, state, caller, face, path, &head, &mut settlement);
    let opened = match (client, opening.await) {
        (_, Err(fault)) => Err(fault),
        (None, Ok(_)) => Err(no_handshake()),
        (Some(client), Ok(opened)) => Ok((client, opened)),
    };
    let (client, mut opened) = match opened {
        Ok(opened) => opened,
        Err(fault) => return reply::fault(face, id, fault.into(), Some(settlement)),
    };
    let mut response = Response::new(ReplyBodyOut::empty());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let trail = settlement.trail();
    trail.status = StatusCode::SWITCHING_PROTOCOLS.as_u16();
    headers::of_call(response.headers_mut(), face, id, Some(trail));
    headers::of_target(response.headers_mut(), trail);
    upgrades(response.headers_mut());
    copy(opened.headers(), response.headers_mut());
    let upstream = hyper::upgrade::on(&mut opened);
    let ending = gateway.tasks().ending().clone();
    gateway.tasks().spawn("realtime", session(client, upstream, settlement, ending));
    response
}

/// Asks target by target until one takes the session.
async fn open(
    gateway: &Gateway,
    state: &State,
    caller: &Caller,
    face: Dialect,
    path: Option<&str>,
    head: &request::Parts,
    settlement: &mut Settlement,
) -> Result<Response<Box<ReplyBody>>, Fault> {
    if !head.headers.get(UPGRADE).is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"websocket")) {
        return Err(no_handshake());
    }
    let mut last = None;
    for (provider, model) in targets(state, caller, face, path, head, settlement)? {
        let (way, uri) = match address(provider, face, path, &model, head) {
            Ok(found) => found,
            Err(fault) => {
                last.get_or_insert(fault);
                continue;
            }
        };
        let target = Target { provider: provider.id.clone(), model: model.into(), key: None };
        settlement.attempt(&target, way.dialect);
        let asked = ask(gateway, provider, way, &uri, head);
        match settlement.waiting(Box::pin(asked)).await {
            Ok(response) => {
                settlement.attempt_status(response.status().as_u16());
                return Ok(response);
            }
            Err(fault) => {
                settlement.attempt_failed(&fault);
                last.get_or_insert(fault);
            }
        }
    }
    Err(last.unwrap_or_else(|| Fault::new(FaultKind::NoTarget, "No target of this model can take the session.")))
}

/// Whom the session may be with, in order.
fn targets<'a>(
    state: &'a State,
    caller: &Caller,
    face: Dialect,
    path: Option<&str>,
    head: &request::Parts,
    settlement: &mut Settlement,
) -> Result<Vec<(&'a Provider, String)>, Fault> {
    if path.is_some() {
        let provider = of_face(state, face, head)?;
        may(caller, provider)?;
        return Ok(vec![(provider, String::new())]);
    }
    let pairs = head.uri.query().unwrap_or("").split('&');
    let named = |key: &str| pairs.clone().find_map(|pair| pair.strip_prefix(key)?.strip_prefix('='));
    let name = named("model").or_else(|| named("deployment")).map(decoded).filter(|name| !name.is_empty());
    let name = name.ok_or_else(|| {
        Fault::field("model", "Missing query parameter: `model`. Name a model, such as `?model=openai/gpt-realtime`.")
    })?;
    let resolved = resolve(&name, &state.config, &BuiltIn)?;
    authorize(caller, &resolved)?;
    settlement.trail().asked.clone_from(&resolved.asked);
    settlement.trail().model = Some(resolved.canonical());
    let ready = |(provider, model): (&str, &str)| Some((state.providers.get(provider)?, model.to_owned()));
    Ok(resolved.targets().into_iter().filter_map(ready).collect())
}

/// The way to a session, and its address there.
fn address<'a>(
    provider: &'a Provider,
    face: Dialect,
    path: Option<&str>,
    model: &str,
    head: &request::Parts,
) -> Result<(&'a Way, String), Fault> {
    let ours = |pair: &&str| {
        let key = pair.split('=').next().unwrap_or_default();
        pair.is_empty() || matches!(key, "model" | "deployment" | "key" | "provider" | "api-version")
    };
    let others: Vec<_> = head.uri.query().unwrap_or("").split('&').filter(|pair| !ours(pair)).collect();
    let others = others.join("&");
    let speaks = |dialect| provider.way_in(dialect).filter(|_| !provider.simulated);
    match path {
        Some(path) => {
            let way = speaks(face).ok_or_else(|| not_offered(provider))?;
            // Google's sessions stand beside its API and not in it.
            let version =
                way.base_url.rsplit('/').next().filter(|version| version.starts_with('v')).unwrap_or_default();
            let root = way.base_url.strip_suffix(version).unwrap_or(&way.base_url).trim_end_matches('/');
            Ok((way, format!("{root}{path}{}{others}", if others.is_empty() { "" } else { "?" })))
        }
        None => {
            let way = speaks(Dialect::OpenAiChat).or_else(|| speaks(Dialect::OpenAiResponses));
            let way = way.ok_or_else(|| not_offered(provider))?;
            Ok((way, format!("{}{}", way.base_url, way.carriage.realtime_path(model, &others))))
        }
    }
}

/// The handshake with one provider: its switch of protocols, or its refusal as a fault.
async fn ask(
    gateway: &Gateway,
    provider: &Provider,
    way: &Way,
    uri: &str,
    head: &request::Parts,
) -> Result<Response<Box<ReplyBody>>, Fault> {
    let request = Request::builder().method(Method::GET).uri(uri).header(HOP, hops(&head.headers) + 1).body(());
    let (mut out, ()) = request
        .map_err(|e| Fault::new(FaultKind::ProviderMisconfigured, "The provider's address is not valid.").source(e))?
        .into_parts();
    for (name, value) in &head.headers {
        if forwards_request_header(way.dialect, name.as_str()) {
            out.headers.append(name.clone(), value.clone());
        }
    }
    out.headers.extend(provider.headers.iter().cloned());
    upgrades(&mut out.headers);
    copy(&head.headers, &mut out.headers);
    let credential = provider.credentials.first().cloned().unwrap_or_default();
    let deadlines = Deadlines {
        connect: provider.timeouts.connect,
        first_token: None,
        idle: None,
        end: Some(Instant::now() + provider.timeouts.first_token),
        client_end: None,
    };
    let transport = gateway.transport(&provider.upgrades);
    let response =
        Outbound { head: Box::new(out), payload: Payload::Empty, credential }.send(transport, &deadlines).await?;
    if response.status() == StatusCode::SWITCHING_PROTOCOLS {
        return Ok(response);
    }
    let (head, mut body) = response.into_parts();
    let said = body.whole(MAX_ERROR).await?;
    let lines: Vec<_> = head.headers.iter().filter_map(|(n, v)| Some((n.as_str(), v.to_str().ok()?))).collect();
    // A success that is no switch is no answer either.
    let status = if head.status.is_success() { StatusCode::BAD_GATEWAY } else { head.status };
    Err(codec::decode_fault(way.dialect, status.as_u16(), &lines, &said))
}

fn upgrades(headers: &mut HeaderMap) {
    headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
}

/// Copies a handshake's headers. Browsers put their key into the list of protocols; it is the gateway's, and stays here.
fn copy(from: &HeaderMap, to: &mut HeaderMap) {
    const KEY: &str = "openai-insecure-api-key.";
    for name in &HANDSHAKE {
        for value in from.get_all(name) {
            let text = value.to_str().unwrap_or_default();
            if !text.contains(KEY) {
                to.append(name.clone(), value.clone());
                continue;
            }
            let kept: Vec<_> = text.split(',').map(str::trim).filter(|protocol| !protocol.starts_with(KEY)).collect();
            if let Ok(value) = HeaderValue::from_str(&kept.join(", ")) {
                to.append(name.clone(), value);
            }
        }
    }
}

fn no_handshake() -> Fault {
    Fault::new(
        FaultKind::InvalidField,
        "This endpoint takes websockets: open one (`GET` with `upgrade: websocket`, over HTTP/1.1).",
    )
}

/// Bytes both ways until one side ends, whose end is the other's.
async fn session(client: OnUpgrade, upstream: OnUpgrade, mut settlement: Settlement, ending: CancellationToken) {
    let (client, upstream) = match tokio::try_join!(client, upstream) {
        Ok(both) => both,
        Err(error) => {
            let fault = Fault::new(FaultKind::ProviderCut, "The websocket was not opened.").source(error);
            settlement.attempt_failed(&fault);
            return settlement.failed(&fault);
        }
    };
    let (up, down) = (AtomicU64::new(0), AtomicU64::new(0));
    tunnel(client, upstream, &up, &down, ending).await;
    settlement.trail().carried = Some((up.into_inner(), down.into_inner()));
    settlement.attempt_served(&Outcome::default(), None, None);
    settlement.done();
}

async fn tunnel(client: Upgraded, upstream: Upgraded, up: &AtomicU64, down: &AtomicU64, ending: CancellationToken) {
    let (mut from_client, mut to_client) = tokio::io::split(TokioIo::new(client));
    let (mut from_upstream, mut to_upstream) = tokio::io::split(TokioIo::new(upstream));
    tokio::select! {
        () = pump(&mut from_client, &mut to_upstream, up) => {}
        () = pump(&mut from_upstream, &mut to_client, down) => {}
        () = ending.cancelled() => {}
    }
    // What was sent goes out before the connections are dropped.
    let _ = tokio::join!(to_client.shutdown(), to_upstream.shutdown());
}

/// Copies until the end of either.
async fn pump(from: &mut (impl AsyncRead + Unpin), to: &mut (impl AsyncWrite + Unpin), count: &AtomicU64) {
    let mut piece = vec![0; PIECE];
    while let Ok(read @ 1..) = from.read(&mut piece).await {
        if to.write_all(&piece[..read]).await.is_err() || to.flush().await.is_err() {
            return;
        }
        count.fetch_add(read as u64, Ordering::Relaxed);
    }
}
