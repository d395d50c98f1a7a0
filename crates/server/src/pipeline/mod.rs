//! The life of one call, read top to bottom: identify → receive → recall → plan → dispatch → reply → settle.
//!
//! Each step's argument proves that the step before it ran. A fault at any step ends the call in the face's own envelope;
//! the record is written exactly once, also when the client goes away.

mod answer;
mod chat;
mod codex;
mod count;
mod dispatch;
mod exchange;
mod fetch;
pub(crate) mod headers;
pub(crate) mod identify;
mod memory;
mod models;
pub(crate) mod outlet;
mod owners;
mod passthrough;
mod prepare;
mod receive;
mod reframe;
mod refuse;
pub(crate) mod reply;
mod settle;
mod stored;
mod wishes;

use std::time::Duration;

use http::request;
use hyper::body::Incoming;
use tollgate_core::caller::Caller;
use tollgate_core::route::{Facts, plan};
use tollgate_ir::Operation;
use tollgate_wire::codec;

use crate::app::Gateway;
use crate::routes::{Endpoint, FaceCarriage, Route};
use chat::Chat;
use dispatch::{Failed, Served, walk};
use receive::{Asked, Call};
use reply::Reply;
use settle::Settlement;

/// Serves a client's request to a known endpoint. `id` is the call's id.
pub async fn serve(gateway: &Gateway, id: &str, route: Route, head: request::Parts, body: Incoming) -> Reply {
    let state = gateway.state();
    let face = route.face;
    let envelope = match &route.endpoint {
        Endpoint::Chat { carriage, .. } => carriage.envelope(face),
        _ => face,
    };
    let caller = match refuse::refuse(gateway, &head).and_then(|()| identify::identify(&state, &head)) {
        Ok(caller) => caller,
        Err(fault) => return reply::fault(envelope, id, fault.into(), None),
    };
    let asked = match route.endpoint {
        Endpoint::Chat { model, stream, carriage } => {
            Asked { face, carriage, operation: Operation::Chat, model, stream }
        }
        Endpoint::CountTokens { model } => {
            Asked { face, carriage: FaceCarriage::Own, operation: Operation::CountTokens, model, stream: Some(false) }
        }
        Endpoint::Models { id: model, codex } => {
            return models::reply(&state, &caller, face, id, model.as_deref(), codex);
        }
        Endpoint::StoredResponse { id: response, action } => {
            return stored::reply(gateway, &caller, id, &response, action, head.uri.query()).await;
        }
        Endpoint::Passthrough { provider, path } => {
            return passthrough::serve(gateway, state, &caller, id, face, &provider, &path, head, body).await;
        }
    };
    chat(gateway, id, caller, asked, head, body).await
}

/// A call for a model.
async fn chat(
    gateway: &Gateway,
    id: &str,
    caller: std::sync::Arc<Caller>,
    asked: Asked,
    head: request::Parts,
    body: Incoming,
) -> Reply {
    let face = asked.face;
    let envelope = asked.carriage.envelope(face);
    let mut settlement = Settlement::begin(gateway, id, face, asked.operation);
    settlement.trail().caller = Some(caller.name.to_string());
    settlement.trail().team = caller.team.as_deref().map(str::to_owned);
    let receiving = receive::receive(gateway, gateway.state(), caller, asked, head, body);
    let call = match settlement.waiting(receiving).await {
        Ok(call) => call,
        Err(fault) => return reply::fault(envelope, id, fault.into(), Some(settlement)),
    };
    let trail = settlement.trail();
    trail.stream = call.stream;
    trail.asked.clone_from(&call.resolved.asked);
    trail.model = Some(call.resolved.canonical());

    let keepalive = call.state.config.server.keepalive;
    let early = (call.stream && !keepalive.is_zero() && codec::is_sse(face) && call.carriage == FaceCarriage::Own)
        .then_some(keepalive);
    match early {
        None => {
            let (result, settlement, call) = answer(gateway.clone(), call, settlement).await;
            finish(gateway, id, call, result, settlement)
        }
        Some(keepalive) => with_keepalive(gateway, id, call, settlement, keepalive).await,
    }
}

/// Answers once a target serves, or with comments from the first silence on.
async fn with_keepalive(gateway: &Gateway, id: &str, call: Call, settlement: Settlement, keepalive: Duration) -> Reply {
    let face = call.face;
    let mut answering = Box::pin(answer(gateway.clone(), call, settlement));
    tokio::select! {
        (result, settlement, call) = &mut answering => finish(gateway, id, call, result, settlement),
        () = tokio::time::sleep(keepalive) => reply::early(gateway, face, keepalive, id, answering),
    }
}

fn finish(gateway: &Gateway, id: &str, call: Call, result: Result<Served, Failed>, settlement: Settlement) -> Reply {
    match result {
        Ok(served) => reply::served(gateway, call, served, settlement),
        Err(mut failed) => {
            let envelope = call.carriage.envelope(call.face);
            if envelope != call.face {
                // The provider's own words are in the dialect's envelope, which this carriage does not have.
                failed.raw = None;
            }
            reply::fault(envelope, id, failed, Some(settlement))
        }
    }
}

/// Recall, plan, dispatch.
async fn answer(
    gateway: Gateway,
    call: Call,
    mut settlement: Settlement,
) -> (Result<Served, Failed>, Settlement, Call) {
    let result = async {
        let known = memory::recall(&gateway, &call).await?.understand(&gateway, &call).await?;
        let facts = Facts { only: known.recalled.pin.as_ref(), first: known.owners.first(), ..Facts::default() };
        let plan = plan(&call.resolved, &call.state.config, &facts, &mut crate::draw::uniform);
        walk(&call.state, &plan, &mut Chat::new(&gateway, &call, known), &mut settlement).await
    }
    .await;
    (result, settlement, call)
}
