//! OpenAI's legacy completions: handed to the target's own `/completions` where it has one, else over its chat.

use bytes::Bytes;
use http::StatusCode;
use tollgate_core::route::Target;
use tollgate_ir::{Dialect, Fault, FaultKind, Losses};
use tollgate_wire::json::Envelope;
use tollgate_wire::ops::completions::{self, Chats};

use super::chat::Chat;
use super::dispatch::{Attempts, Body, Failed, Served};
use super::exchange::{Answered, Exchange};
use super::handed::Handed;
use super::headers;
use super::memory::Known;
use super::prepare::{Outgoing, Upload, relayed_body};
use super::receive::Call;
use super::settle::Settlement;
use super::source::Source;
use crate::app::Gateway;
use crate::provider::Provider;

/// A completion request as it came, beside the chat request that the call holds.
pub struct Legacy {
    /// The client's bytes.
    pub body: Bytes,
    /// Where its members stand.
    pub envelope: Envelope,
    /// As chats; a fault where no chat can do it.
    pub chats: Result<Chats, Fault>,
    /// What of it no chat has.
    pub losses: Losses,
}

impl Legacy {
    /// Takes the request apart: the body that the call holds from here on is the first prompt's chat.
    pub fn of(body: &Bytes, envelope: &Envelope) -> Self {
        let mut losses = Losses::new(|_| "");
        let chats = completions::to_chats(body, &mut losses);
        Self { body: body.clone(), envelope: envelope.clone(), chats, losses }
    }
}

/// A completion on its way to some target.
pub struct Complete<'a> {
    gateway: &'a Gateway,
    call: &'a Call,
    legacy: &'a Legacy,
}

impl<'a> Complete<'a> {
    /// Of a call that came as a completion.
    pub fn new(gateway: &'a Gateway, call: &'a Call, legacy: &'a Legacy) -> Self {
        Self { gateway, call, legacy }
    }
}

impl Attempts for Complete<'_> {
    type Served = Served;

    async fn attempt(
        &mut self,
        target: &Target,
        provider: &Provider,
        settlement: &mut Settlement,
    ) -> Result<Served, Failed> {
        let completes = !provider.simulated && provider.operations.completes(Dialect::OpenAiChat, &target.model);
        if completes && provider.way_in(Dialect::OpenAiChat).is_some() {
            match self.hand_on(target, provider, settlement).await {
                Err(failed) if lacks_completions(&failed.fault) => settlement.attempt_failed(&failed.fault),
                answer => return answer,
            }
        }
        let chats = self.legacy.chats.as_ref().map_err(Fault::clone)?;
        let mut served = match chats.bodies.as_slice() {
            [_] => {
                let mut served = chat(self.gateway, self.call, target, provider, settlement).await?;
                if let Body::Whole { bytes, .. } = &mut served.body {
                    *bytes = completions::from_chats(&[&bytes], chats).into();
                }
                served
            }
            _ => self.all(chats, target, provider, settlement).await?,
        };
        self.legacy.losses.all().iter().for_each(|loss| served.losses.path(loss.path.clone(), loss.reason));
        Ok(served)
    }
}

impl Complete<'_> {
    /// To the target's own endpoint.
    async fn hand_on(
        &self,
        target: &Target,
        provider: &Provider,
        settlement: &mut Settlement,
    ) -> Result<Served, Failed> {
        let (gateway, call, legacy) = (self.gateway, self.call, self.legacy);
        let way = provider.way_in(Dialect::OpenAiChat).ok_or_else(|| super::prepare::not_offered(provider))?;
        settlement.attempt(target, way.dialect);
        let mut losses = Losses::new(|_| "");
        let body = relayed_body(&legacy.body, &legacy.envelope, provider, Some(&*target.model), &mut losses);
        let path = way.carriage.openai_path("/completions", &target.model);
        let outgoing = Outgoing { dialect: way.dialect, base_url: &way.base_url, path: &path, betas: &[] };
        let upward = outgoing.request(call, provider, target, Upload::Json(body.into()))?;
        let exchange = Exchange { gateway, call, provider, upstream: way.dialect, stream: false };
        let Answered { status, headers, source } = exchange.send(upward, settlement).await?;
        Ok(Served {
            target: target.clone(),
            headers: headers::forwarded(&headers),
            body: Body::Handed(Box::new(Handed::new(status, &headers, source))),
            losses,
        })
    }

    /// Several prompts are as many chats, one after the other.
    async fn all(
        &self,
        chats: &Chats,
        target: &Target,
        provider: &Provider,
        settlement: &mut Settlement,
    ) -> Result<Served, Failed> {
        let mut replies = Vec::new();
        let mut last = None;
        for body in &chats.bodies {
            let call = self.call.with_body(self.gateway, body.clone().into(), false).await?;
            let served = chat(self.gateway, &call, target, provider, settlement).await?;
            if let Body::Whole { bytes, outcome } = &served.body {
                replies.push(bytes.clone());
                if replies.len() < chats.bodies.len() {
                    settlement.attempt_served(outcome, Some(provider), None);
                }
            }
            last = Some(served);
        }
        let mut served = last.ok_or_else(|| Fault::field("prompt", "`prompt` must hold something."))?;
        let whole = completions::from_chats(&replies, chats);
        if let Body::Whole { bytes, outcome } = &mut served.body {
            *bytes = whole.into();
            if self.call.stream {
                let events = Bytes::from(completions::as_events(bytes));
                let mut handed = Handed::new(200, &http::HeaderMap::new(), Source::piece(events));
                handed.content_type("text/event-stream");
                handed.known = Some(std::mem::take(outcome));
                served.body = Body::Handed(Box::new(handed));
            }
        }
        Ok(served)
    }
}

async fn chat(
    gateway: &Gateway,
    call: &Call,
    target: &Target,
    provider: &Provider,
    settlement: &mut Settlement,
) -> Result<Served, Failed> {
    Chat::new(gateway, call, Known::nothing(), false).attempt(target, provider, settlement).await
}

/// There is no such endpoint, or not for this model.
fn lacks_completions(fault: &Fault) -> bool {
    let statuses = [StatusCode::NOT_FOUND, StatusCode::METHOD_NOT_ALLOWED, StatusCode::NOT_IMPLEMENTED];
    statuses.iter().any(|status| fault.status == status.as_u16())
        && !matches!(fault.provider_code.as_deref(), Some("model_not_found"))
        && fault.kind != FaultKind::NoSuchModel
}
