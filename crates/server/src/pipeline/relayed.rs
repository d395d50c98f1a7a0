//! Pictures, speech, transcriptions, moderations: relayed in their own dialect to the target that the request's `model`
//! names, JSON or multipart. Of a multipart body no more is held than what stands before the model's name; the rest, half
//! a gigabyte maybe, streams through.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, request};
use hyper::body::Incoming;
use tollgate_core::authorize::authorize;
use tollgate_core::caller::Caller;
use tollgate_core::route::{Meaning, Resolved, Target};
use tollgate_ir::{Fault, FaultKind, Losses};
use tollgate_wire::codec;
use tollgate_wire::json::Envelope;
use tollgate_wire::ops::multipart::{self, Found, Search};
use tollgate_wire::relay::forbidden_overrides;

use super::dispatch::{Attempts, Body, Failed, Served, walk};
use super::exchange::{Answered, Exchange};
use super::handed::Handed;
use super::memory::Known;
use super::prepare::{Outgoing, Upload, not_offered, relayed_body};
use super::receive::{Asked, Call};
use super::reply::{self, Reply};
use super::settle::Settlement;
use super::wishes::Wishes;
use super::{asks, headers, plan};
use crate::app::{Gateway, State};
use crate::body::{BodyLimits, Intake, UploadStream};
use crate::call_id::CallId;
use crate::provider::Provider;
use crate::upstream::Payload;

/// What the client sends.
enum Sent {
    /// JSON, held.
    Json,
    /// Multipart: what was read of it, where the model's name stands in that, and the rest until it is sent.
    Parts { begun: Bytes, model_at: Option<Range<usize>>, rest: Option<Box<UploadStream>>, whole: bool },
}

/// Serves such a call; `path` is what stands after a provider's base URL.
pub async fn serve(
    gateway: &Gateway,
    id: &CallId,
    caller: Arc<Caller>,
    asked: Asked,
    path: &str,
    head: request::Parts,
    body: Incoming,
) -> Reply {
    let face = asked.face;
    let mut settlement = Settlement::begin(gateway, id, face, asked.operation);
    settlement.trail().caller = Some(Arc::clone(&caller.name));
    settlement.trail().team = caller.team.clone();
    let receiving = receive(gateway, gateway.state(), caller, asked, head, body);
    let (call, sent) = match settlement.waiting(receiving).await {
        Ok(received) => received,
        Err(fault) => return reply::fault(face, id, fault.into(), Some(settlement)),
    };
    settlement.trail().asked.clone_from(&call.resolved.asked);
    settlement.trail().model = Some(call.resolved.canonical());
    settlement.of_call(&call);
    let plan = plan::patient(gateway, &call, &Known::nothing(), &mut settlement).await;
    let mut relayed = Relayed { gateway, call: &call, path, sent };
    match walk(&call.state, &plan, &mut relayed, &mut settlement).await {
        Ok(served) => reply::served(gateway, Box::new(call), served, Box::new(settlement)),
        Err(failed) => reply::fault(face, id, failed, Some(settlement)),
    }
}

async fn receive(
    gateway: &Gateway,
    state: Arc<State>,
    caller: Arc<Caller>,
    asked: Asked,
    head: request::Parts,
    body: Incoming,
) -> Result<(Call, Sent), Fault> {
    let wishes = Wishes::of(&head.headers)?;
    let kind = head.headers.get(CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or("").to_owned();
    let idle = state.config.server.body_timeout;
    let held = usize::try_from(state.config.limits.body).unwrap_or(usize::MAX);
    let Some(boundary) = multipart::boundary(&kind) else {
        let limits = BodyLimits { max: held, idle };
        let received = Intake::open(&head, body, limits, gateway.bodies(), gateway.tasks())?.whole().await?;
        let envelope = Envelope::scan(&received.bytes)?;
        if let Some(fault) = forbidden_overrides(&received.bytes, &envelope) {
            return Err(fault);
        }
        let (resolved, sort) = meant(&state, &caller, asked.model.as_deref().or(envelope.model()), &asked)?;
        let asks = asks::of(&head.headers, &received.bytes, &envelope, &resolved, sort, &caller, &state)?;
        let mut call = Call::new(asked, caller, state, head, resolved, wishes, received.reservation);
        (call.body, call.envelope, call.asks) = (received.bytes, envelope, asks);
        return Ok((call, Sent::Json));
    };
    let limits = BodyLimits { max: usize::try_from(state.config.limits.multipart).unwrap_or(usize::MAX), idle };
    let mut intake = Intake::open(&head, body, limits, gateway.bodies(), gateway.tasks())?;
    let mut search = Search::new(boundary, "model");
    let mut found = Found::More;
    intake
        .peek_until(held, |bytes| {
            found = search.look(bytes);
            found != Found::More
        })
        .await?;
    let (begun, rest) = intake.split();
    let model_at = match found {
        Found::At(at) => Some(at),
        Found::Absent => None,
        Found::More if rest.is_some() => return Err(model_too_late(held)),
        Found::More => None,
    };
    let named = model_at.clone().and_then(|at| std::str::from_utf8(&begun[at]).ok());
    let (resolved, sort) = meant(&state, &caller, asked.model.as_deref().or(named), &asked)?;
    // A form's fields are the provider's own: only the name's ending and headers ask something of routing.
    let asks = asks::of(&head.headers, &Bytes::new(), &Envelope::default(), &resolved, sort, &caller, &state)?;
    let reservation = gateway.bodies().reserve(0).await?;
    let mut call = Call::new(asked, caller, state, head, resolved, wishes, reservation);
    call.asks = asks;
    let whole = rest.is_none();
    Ok((call, Sent::Parts { begun, model_at, rest: rest.map(Box::new), whole }))
}

fn model_too_late(held: usize) -> Fault {
    Fault::field(
        "model",
        format!("The field `model` does not stand in the first {held} bytes of the form. Send it before the file."),
    )
}

/// What the model's name means; without one, the first provider of the face's dialect, which has a model of its own for
/// that.
fn meant(state: &State, caller: &Caller, name: Option<&str>, asked: &Asked) -> Result<asks::Found, Fault> {
    let resolved = match name {
        Some(name) => return asks::check(name, caller, state),
        None => {
            let speaks = |p: &&Arc<tollgate_core::config::Provider>| {
                state.providers.get(&p.id).is_some_and(|p| !p.simulated && p.way_in(asked.face).is_some())
            };
            let provider = state.config.providers.iter().find(speaks).ok_or_else(|| {
                Fault::field("model", "Missing required field: `model`. Name a model, such as `openai/gpt-image-1`.")
            })?;
            let meaning = Meaning::Direct { provider: provider.id.clone(), model: Arc::default() };
            Resolved { asked: Arc::default(), meaning }
        }
    };
    authorize(caller, &resolved)?;
    Ok((resolved, None))
}

/// Such a request on its way to some target.
struct Relayed<'a> {
    gateway: &'a Gateway,
    call: &'a Call,
    path: &'a str,
    sent: Sent,
}

impl Attempts for Relayed<'_> {
    type Served = Served;

    async fn attempt(
        &mut self,
        target: &Target,
        provider: &Provider,
        settlement: &mut Settlement,
    ) -> Result<Served, Failed> {
        let (gateway, call) = (self.gateway, self.call);
        let way = provider.way_in(call.face).filter(|_| !provider.simulated).ok_or_else(|| not_offered(provider))?;
        let mut losses = Losses::new(codec::path_of(call.face));
        let model = (!target.model.is_empty()).then_some(&*target.model);
        let upload = match &mut self.sent {
            Sent::Json => Upload::Json(relayed_body(&call.body, &call.envelope, provider, model, &mut losses).into()),
            parts @ Sent::Parts { .. } => parts.upload(call, model)?,
        };
        settlement.attempt(target, way.dialect);
        let path = way.carriage.openai_path(self.path, &target.model);
        let outgoing = Outgoing { dialect: way.dialect, base_url: &way.base_url, path: &path, betas: &[] };
        let upward = outgoing.request(call, provider, target, upload)?;
        let exchange = Exchange { gateway, call, provider, upstream: way.dialect, stream: false };
        let Answered { status, headers, source } = exchange.send(upward, settlement).await?;
        Ok(Served {
            target: target.clone(),
            headers: headers::forwarded(&headers),
            body: Body::Handed(Box::new(Handed::new(status, &headers, source))),
            losses,
        })
    }
}

impl Sent {
    /// The form with the target's name of the model. What streams through can be sent once.
    fn upload(&mut self, call: &Call, model: Option<&str>) -> Result<Upload, Fault> {
        let Self::Parts { begun, model_at, rest, whole } = self else {
            return Err(Fault::new(FaultKind::Internal, "JSON is no form."));
        };
        let pieces = match (model_at, model) {
            (Some(at), Some(model)) => {
                vec![begun.slice(..at.start), Bytes::copy_from_slice(model.as_bytes()), begun.slice(at.end..)]
            }
            _ => vec![begun.clone()],
        };
        let kind = call.head.headers.get(CONTENT_TYPE).cloned();
        let kind = kind.unwrap_or_else(|| HeaderValue::from_static("multipart/form-data"));
        if *whole {
            return Ok(Upload::Stream(kind, Payload::from(pieces)));
        }
        let rest = rest.take().ok_or_else(|| {
            Fault::new(
                FaultKind::ProviderMisconfigured,
                "The upload has gone to the first target already, and was not kept for another.",
            )
        })?;
        Ok(Upload::Stream(kind, Payload::stream(rest.after(pieces))))
    }
}
