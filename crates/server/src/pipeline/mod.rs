//! The life of one call, read top to bottom: identify → receive → recall → plan → dispatch → reply → settle.
//!
//! Each step's argument proves that the step before it ran. A fault at any step ends the call in the face's own envelope;
//! the record is written exactly once, also when the client goes away.

mod again;
mod answer;
mod asks;
mod chat;
mod codex;
mod completions;
mod conclusion;
mod count;
pub(crate) mod decide;
mod dispatch;
mod embed;
mod exchange;
mod facts;
mod fetch;
mod guess;
mod handed;
pub(crate) mod headers;
pub(crate) mod identify;
mod invoke;
mod listed;
mod manner;
mod memory;
mod models;
mod ollama_host;
mod outcome;
pub(crate) mod outlet;
mod owners;
mod passthrough;
mod plan;
mod prepare;
mod race;
mod realtime;
mod reasoning;
mod receive;
mod reframe;
mod refuse;
mod relayed;
pub(crate) mod reply;
mod rerank;
mod resume;
mod settle;
mod source;
mod stored;
mod wishes;

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use http::request;
use hyper::body::Incoming;
use tollgate_core::caller::Caller;
use tollgate_ir::{FaultKind, Operation};

use crate::app::Gateway;
use crate::call_id::CallId;
use crate::routes::{Endpoint, FaceCarriage, Route};
use crate::tasks::{boxed, in_box};
use chat::Chat;
use completions::Complete;
use count::Count;
use dispatch::{Body, Failed, Served, walk};
use embed::Embed;
use invoke::Invoke;
use memory::Known;
use passthrough::Whose;
use receive::{Asked, Call, Task};
use reply::Reply;
use rerank::Rerank;
use resume::Resumption;
use settle::Settlement;

/// Serves a client's request to a known endpoint. `id` is the call's id. What few calls do is boxed: a future is as large as
/// its largest branch, and every call pays for that.
pub async fn serve(gateway: &Gateway, id: &CallId, route: Route, head: request::Parts, body: Incoming) -> Reply {
    let state = gateway.state();
    let face = route.face;
    let envelope = match &route.endpoint {
        Endpoint::Chat { carriage, .. } => carriage.envelope(face),
        _ => face,
    };
    let caller = match refuse::refuse(gateway, &state, &head).and_then(|()| identify::identify(&state, &head)) {
        Ok(caller) => caller,
        Err(fault) => {
            if fault.kind == FaultKind::GatewayBusy {
                Box::pin(refuse::read_away(&head, body)).await;
            }
            return reply::fault(envelope, id, fault.into(), None);
        }
    };
    let asked = |operation, model| Asked {
        face,
        carriage: FaceCarriage::Own,
        operation,
        task: Task::Chat,
        model,
        stream: Some(false),
    };
    let asked = match route.endpoint {
        Endpoint::Chat { model, stream, carriage } => {
            let legacy = carriage == FaceCarriage::Completions;
            let operation = if legacy { Operation::Complete } else { Operation::Chat };
            Asked { carriage, stream, ..asked(operation, model) }
        }
        Endpoint::CountTokens { model } => asked(Operation::CountTokens, model),
        Endpoint::Embed { model, protocol } => Asked { task: Task::Embed(protocol), ..asked(Operation::Embed, model) },
        Endpoint::Rerank { protocol } => Asked { task: Task::Rerank(protocol), ..asked(Operation::Rerank, None) },
        Endpoint::Relayed { model, operation, path } => {
            let asked = asked(operation, model);
            return Box::pin(relayed::serve(gateway, id, caller, asked, &path, head, body)).await;
        }
        Endpoint::Models { id: model, codex } => {
            let today = gateway.clock().now().day();
            return models::reply(&state, &caller, face, id, model.as_deref(), &today, codex);
        }
        Endpoint::StoredResponse { id: response, action } => {
            return Box::pin(stored::reply(gateway, &caller, id, &response, action, head.uri.query())).await;
        }
        Endpoint::OllamaHost(question) => {
            return Box::pin(ollama_host::reply(gateway, &state, &caller, id, question, head, body)).await;
        }
        Endpoint::Realtime { path } => {
            return Box::pin(realtime::serve(gateway, &state, &caller, id, face, path.as_deref(), head)).await;
        }
        Endpoint::Hosted { operation, path } => {
            let whose = Whose::Face(&path);
            let handing = passthrough::serve(gateway, state, &caller, id, face, operation, whose, head, body);
            return Box::pin(handing).await;
        }
        Endpoint::Passthrough { provider, path } => {
            let whose = Whose::Named(&provider, &path);
            let operation = Operation::Passthrough;
            let handing = passthrough::serve(gateway, state, &caller, id, face, operation, whose, head, body);
            return Box::pin(handing).await;
        }
    };
    chat(gateway, id, caller, asked, head, body).await
}

/// A call for a model.
async fn chat(
    gateway: &Gateway,
    id: &CallId,
    caller: Arc<Caller>,
    asked: Asked,
    head: request::Parts,
    body: Incoming,
) -> Reply {
    let face = asked.face;
    let envelope = asked.carriage.envelope(face);
    // Both boxed: they are handed on from step to step.
    let mut settlement = in_box(|| Settlement::begin(gateway, id, face, asked.operation));
    settlement.trail().caller = Some(Arc::clone(&caller.name));
    settlement.trail().team = caller.team.clone();
    let receiving = pin!(receive::receive(gateway, gateway.state(), caller, asked, head, body));
    let call = match settlement.waiting(receiving).await {
        Ok(call) => call,
        Err(fault) => return reply::fault(envelope, id, fault.into(), Some(*settlement)),
    };
    let face = call.face;
    let trail = settlement.trail();
    (trail.face, trail.operation) = (face, call.operation);
    trail.stream = call.stream;
    trail.asked.clone_from(&call.resolved.asked);
    trail.model = Some(call.resolved.canonical());
    settlement.of_call(&call);

    let keepalive = call.state.config.server.keepalive;
    let fills = call.carriage == FaceCarriage::Own && reply::filler(face, call.carriage).is_some();
    let early = (call.stream && !keepalive.is_zero() && fills).then_some(keepalive);
    match early {
        None => {
            // Boxed, so that a call that still waits for its body has no room for all that follows.
            let (result, settlement, call) = boxed(|| answer(gateway.clone(), call, settlement)).await;
            finish(gateway, id, call, result, settlement)
        }
        Some(keepalive) => with_keepalive(gateway, id, call, settlement, keepalive).await,
    }
}

/// Answers once a target serves, or with comments from the first silence on.
async fn with_keepalive(
    gateway: &Gateway,
    id: &str,
    call: Box<Call>,
    settlement: Box<Settlement>,
    keepalive: Duration,
) -> Reply {
    let face = call.face;
    let mut answering = boxed(|| answer(gateway.clone(), call, settlement));
    tokio::select! {
        (result, settlement, call) = &mut answering => finish(gateway, id, call, result, settlement),
        () = tokio::time::sleep(keepalive) => reply::early(gateway, face, keepalive, id, answering),
    }
}

fn finish(
    gateway: &Gateway,
    id: &str,
    call: Box<Call>,
    result: Result<Served, Failed>,
    settlement: Box<Settlement>,
) -> Reply {
    match result {
        Ok(served) => reply::served(gateway, call, served, settlement),
        Err(mut failed) => {
            let envelope = call.carriage.envelope(call.face);
            if envelope != call.face {
                // The provider's own words are in the dialect's envelope, which this carriage does not have.
                failed.raw = None;
            }
            reply::fault(envelope, id, failed, Some(*settlement))
        }
    }
}

/// Recall, plan, dispatch.
async fn answer(
    gateway: Gateway,
    call: Box<Call>,
    mut settlement: Box<Settlement>,
) -> (Result<Served, Failed>, Box<Settlement>, Box<Call>) {
    let result = dispatch(&gateway, &call, &mut settlement).await;
    (result, settlement, call)
}

/// Walks over the targets with what is asked. Only chats continue earlier calls; what else is asked is asked less often, and
/// boxed.
async fn dispatch(gateway: &Gateway, call: &Call, settlement: &mut Settlement) -> Result<Served, Failed> {
    match (call.task, &call.legacy) {
        (Task::Embed(words), _) => {
            let plan = plan::patient(gateway, call, &Known::nothing(), settlement).await;
            Box::pin(walk(&call.state, &plan, &mut Embed::new(gateway, call, words), settlement)).await
        }
        (Task::Invoke, _) => {
            let plan = plan::patient(gateway, call, &Known::nothing(), settlement).await;
            Box::pin(walk(&call.state, &plan, &mut Invoke::new(gateway, call), settlement)).await
        }
        (Task::Rerank(words), _) => {
            let plan = plan::patient(gateway, call, &Known::nothing(), settlement).await;
            Box::pin(walk(&call.state, &plan, &mut Rerank::new(gateway, call, words), settlement)).await
        }
        (Task::Chat, Some(legacy)) => {
            let plan = plan::patient(gateway, call, &Known::nothing(), settlement).await;
            Box::pin(walk(&call.state, &plan, &mut Complete::new(gateway, call, legacy), settlement)).await
        }
        (Task::Chat, None) => {
            let known =
                boxed(|| async { memory::recall(gateway, call).await?.understand(gateway, call).await }).await?;
            let plan = plan::patient(gateway, call, &known, settlement).await;
            let resumable = resume::may_resume(call, &plan);
            let mut chat = Chat::new(gateway, call, known, resumable);
            if call.operation == Operation::CountTokens {
                let mut count = Count::new(gateway, call, chat);
                return Box::pin(walk(&call.state, &plan, &mut count, settlement)).await;
            }
            let mut served = walk(&call.state, &plan, &mut chat, settlement).await?;
            if let (true, Body::Stream { resume, .. }) = (resumable, &mut served.body) {
                *resume = Some(Box::new(Resumption::new(plan.steps.clone(), chat.into_known())));
            }
            Ok(served)
        }
    }
}
