//! Reranking: relayed where the target speaks the client's words, else translated.

use bytes::Bytes;
use tollgate_core::route::Target;
use tollgate_ir::{Losses, RerankRequest};
use tollgate_wire::codec;
use tollgate_wire::ops::rerank::{self, Protocol};
use tollgate_wire::ops::usage::Said;

use super::dispatch::{Attempts, Body, Failed, Served};
use super::exchange::{Answered, Exchange, MAX_REPLY};
use super::headers;
use super::outcome::Outcome;
use super::prepare::{Outgoing, Upload, not_offered, patched, refuse_losses};
use super::receive::Call;
use super::settle::Settlement;
use crate::app::Gateway;
use crate::provider::Provider;

/// A ranking on its way to some target.
pub struct Rerank<'a> {
    gateway: &'a Gateway,
    call: &'a Call,
    face: Protocol,
    /// The request in the IR, once it had to be read.
    read: Option<(RerankRequest, Losses)>,
}

impl<'a> Rerank<'a> {
    /// Of a call whose body is in these words.
    pub fn new(gateway: &'a Gateway, call: &'a Call, face: Protocol) -> Self {
        Self { gateway, call, face: face.of_client(&call.envelope), read: None }
    }

    /// The request, read once, and what the IR has no word for.
    fn read(&mut self) -> Result<(RerankRequest, Losses), Failed> {
        if let Some(read) = &self.read {
            return Ok(read.clone());
        }
        let mut losses = Losses::new(codec::path_of(self.call.face));
        let request = rerank::decode_request(self.face, &self.call.body, &mut losses)?;
        self.read = Some((request.clone(), losses.clone()));
        Ok((request, losses))
    }
}

impl Attempts for Rerank<'_> {
    type Served = Served;

    async fn attempt(
        &mut self,
        target: &Target,
        provider: &Provider,
        settlement: &mut Settlement,
    ) -> Result<Served, Failed> {
        let (gateway, call, face) = (self.gateway, self.call, self.face);
        let model = &*target.model;
        let (way, upstream) = provider.reranks(face, model).ok_or_else(|| not_offered(provider))?;
        if provider.simulated {
            return Err(not_offered(provider).into());
        }
        let (request, body, losses) = if rerank::relays(face, upstream) {
            let mut losses = Losses::new(codec::path_of(call.face));
            let names_model = !upstream.model_in_path();
            (None, patched(call, provider, names_model.then_some(model), &mut losses), losses)
        } else {
            let (request, mut losses) = self.read()?;
            let body = Bytes::from(rerank::encode_request(face, upstream, &request, model, &mut losses));
            (Some(request), body, losses)
        };
        settlement.attempt(target, way.dialect);
        refuse_losses(call, provider, &losses)?;
        let path = upstream.path(model);
        let outgoing = Outgoing { dialect: way.dialect, base_url: &way.base_url, path: &path, betas: &[] };
        let upward = outgoing.request(call, provider, target, Upload::Json(body.into()))?;
        let exchange = Exchange { gateway, call, provider, upstream: way.dialect, stream: false };
        let Answered { headers, source, .. } = exchange.send(upward, settlement).await?;
        let answer = settlement.waiting(source.whole(MAX_REPLY)).await?;
        let (bytes, outcome) = match request {
            None => {
                let said = Said::of(&answer);
                let outcome = Outcome { model: said.model, id: said.id, usage: said.usage, ..Outcome::default() };
                (answer, outcome)
            }
            Some(request) => {
                let reply = rerank::decode_reply(request.documents.len(), &answer)?;
                let id = settlement.id().to_owned();
                let bytes = Bytes::from(rerank::encode_reply(face, &request, &reply, &id, model));
                (bytes, Outcome { model: reply.model, id: reply.id, usage: reply.usage, ..Outcome::default() })
            }
        };
        let body = Body::Whole { bytes, outcome: Box::new(outcome) };
        Ok(Served { target: target.clone(), headers: headers::forwarded(&headers), body, losses })
    }
}
