//! Vectors: relayed where the target speaks the client's words and takes so many inputs at once, else translated, and
//! split into as many requests as the target needs.

use bytes::Bytes;
use futures_util::future::try_join_all;
use http::HeaderMap;
use tollgate_core::route::Target;
use tollgate_ir::{EmbedContent, EmbedInput, EmbedPart, EmbedReply, EmbedRequest, Fault, Losses, Usage};
use tollgate_text::tokens;
use tollgate_wire::codec;
use tollgate_wire::ops::embed::{self, Context, Kind, Protocol};
use tollgate_wire::ops::usage::Said;

use super::dispatch::{Attempts, Body, Failed, Served};
use super::exchange::{Answered, Bounds, Exchange, MAX_REPLY, Refused};
use super::outcome::Outcome;
use super::prepare::{Outgoing, Upload, not_offered, patched, refuse_losses};
use super::receive::Call;
use super::settle::Settlement;
use super::{fetch, headers};
use crate::app::Gateway;
use crate::credentials::Outbound;
use crate::provider::{Provider, Way};

/// Requests of one call that are under way at once.
const AT_ONCE: usize = 8;

/// A request for vectors on its way to some target.
pub struct Embed<'a> {
    gateway: &'a Gateway,
    call: &'a Call,
    face: Protocol,
    /// The request in the IR, once it had to be read.
    read: Option<(EmbedRequest, Losses)>,
}

impl<'a> Embed<'a> {
    /// Of a call whose body is in these words.
    pub fn new(gateway: &'a Gateway, call: &'a Call, face: Protocol) -> Self {
        Self { gateway, call, face, read: None }
    }
}

/// One attempt.
struct Attempt<'a> {
    gateway: &'a Gateway,
    call: &'a Call,
    provider: &'a Provider,
    target: &'a Target,
    way: &'a Way,
    face: Protocol,
    upstream: Protocol,
}

impl Attempts for Embed<'_> {
    type Served = Served;

    async fn attempt(
        &mut self,
        target: &Target,
        provider: &Provider,
        settlement: &mut Settlement,
    ) -> Result<Served, Failed> {
        let (gateway, call, face) = (self.gateway, self.call, self.face);
        let (way, upstream) = provider.embeds(face, &target.model).ok_or_else(|| not_offered(provider))?;
        let attempt = Attempt { gateway, call, provider, target, way, face, upstream };
        let few = embed::count_inputs(face, &call.body, &call.envelope) <= upstream.most_inputs(&target.model);
        let relays = few && embed::relays(face, upstream, &call.body, &call.envelope, &target.model);
        // No token is shorter than a byte: most bodies need no count.
        let long = attempt.most_tokens().filter(|most| call.body.len() as u64 > *most);
        if relays && long.is_none() {
            settlement.attempt(target, way.dialect);
            return attempt.relay(settlement).await;
        }
        if self.read.is_none() {
            let mut losses = Losses::new(codec::path_of(call.face));
            let request = embed::decode_request(face, &call.body, &mut losses)?;
            self.read = Some((request, losses));
        }
        let Some((request, losses)) = &mut self.read else { return Err(not_offered(provider).into()) };
        if relays && long.is_some_and(|most| request.inputs.iter().map(tokens_of).sum::<u64>() <= most) {
            settlement.attempt(target, way.dialect);
            return attempt.relay(settlement).await;
        }
        settlement.waiting(attempt.fetch(request)).await?;
        settlement.attempt(target, way.dialect);
        attempt.translate(request, losses.clone(), settlement).await
    }
}

impl Attempt<'_> {
    fn exchange(&self) -> Exchange<'_> {
        Exchange {
            gateway: self.gateway,
            call: self.call,
            provider: self.provider,
            upstream: self.way.dialect,
            stream: false,
        }
    }

    /// Most tokens of one request by our estimate, which may be somewhat short.
    fn most_tokens(&self) -> Option<u64> {
        Some(self.upstream.most_tokens(&self.target.model)? / 5 * 4)
    }

    fn request(&self, kind: Kind, body: Bytes) -> Result<Outbound, Fault> {
        let path = self.upstream.path(&self.way.carriage, &self.target.model, kind);
        let outgoing = Outgoing { dialect: self.way.dialect, base_url: &self.way.base_url, path: &path, betas: &[] };
        outgoing.request(self.call, self.provider, self.target, Upload::Json(body.into()))
    }

    async fn relay(&self, settlement: &mut Settlement) -> Result<Served, Failed> {
        let mut losses = Losses::new(codec::path_of(self.call.face));
        let names_model = !self.upstream.model_in_path();
        let body = patched(self.call, self.provider, names_model.then_some(&*self.target.model), &mut losses);
        refuse_losses(self.call, self.provider, &losses)?;
        let request = self.request(Kind::of(self.face, &self.call.envelope), body)?;
        let Answered { headers, source, .. } = self.exchange().send(request, settlement).await?;
        let bytes = settlement.waiting(source.whole(MAX_REPLY)).await?;
        let said = Said::of(&bytes);
        let usage = said.usage.or_else(|| counted(&headers));
        let outcome = Outcome { model: said.model, id: said.id, usage, ..Outcome::default() };
        Ok(self.served(&headers, bytes, outcome, losses))
    }

    /// Fetches pictures by their addresses, for those who take none.
    async fn fetch(&self, request: &mut EmbedRequest) -> Result<(), Fault> {
        use Protocol::{BedrockCohere, Cohere, CohereV1, Titan, Vertex};
        if !matches!(self.upstream, Cohere | CohereV1 | BedrockCohere | Titan | Vertex) {
            return Ok(());
        }
        let mut count = 0;
        for input in &mut request.inputs {
            let EmbedContent::Parts(parts) = &mut input.content else { continue };
            for part in parts {
                let EmbedPart::Media(media) = part else { continue };
                fetch::one(self.gateway, self.call, &input.at, &mut count, media).await?;
            }
        }
        Ok(())
    }

    async fn translate(
        &self,
        request: &EmbedRequest,
        mut losses: Losses,
        settlement: &mut Settlement,
    ) -> Result<Served, Failed> {
        let model = &self.target.model;
        let mut parts = Vec::new();
        for inputs in embed::parts(&request.inputs, self.upstream.most_inputs(model), self.most_tokens(), tokens_of) {
            let body = embed::encode_request(self.face, self.upstream, request, inputs, model, &mut losses)?;
            parts.push((inputs, Bytes::from(body)));
        }
        refuse_losses(self.call, self.provider, &losses)?;
        let bounds = settlement.bounds();
        let mut replies = Vec::with_capacity(parts.len());
        let mut first_headers = None;
        for some in parts.chunks(AT_ONCE) {
            let asked = some.iter().map(|(inputs, body)| self.part(request, inputs, body, &bounds));
            match settlement.waiting(try_join_all(asked)).await {
                Ok(answered) => {
                    for (headers, reply) in answered {
                        first_headers.get_or_insert(headers);
                        replies.push(reply);
                    }
                }
                Err(refused) => {
                    if let Some(status) = refused.status {
                        settlement.attempt_status(status);
                    }
                    return Err(refused.failed);
                }
            }
        }
        settlement.attempt_status(200);
        let reply = embed::join(replies);
        let context = Context { id: settlement.id().to_owned(), model: model.to_string() };
        let bytes = Bytes::from(embed::encode_reply(self.face, request, &reply, &context));
        let outcome = Outcome { model: reply.model, id: reply.id, usage: reply.usage, ..Outcome::default() };
        Ok(self.served(&first_headers.unwrap_or_default(), bytes, outcome, losses))
    }

    /// Asks for the vectors of some inputs.
    async fn part(
        &self,
        request: &EmbedRequest,
        inputs: &[EmbedInput],
        body: &Bytes,
        bounds: &Bounds,
    ) -> Result<(HeaderMap, EmbedReply), Refused> {
        let upward = self.request(Kind::of_inputs(inputs), body.clone())?;
        let Answered { headers, source, .. } = self.exchange().ask(upward, bounds).await?;
        let bytes = source.whole(MAX_REPLY).await?;
        let mut reply = embed::decode_reply(self.upstream, request, inputs.len(), &bytes)?;
        reply.usage = reply.usage.or_else(|| counted(&headers)).or_else(|| Some(estimated(inputs)));
        Ok((headers, reply))
    }

    fn served(&self, provider: &HeaderMap, bytes: Bytes, outcome: Outcome, losses: Losses) -> Served {
        Served {
            target: self.target.clone(),
            headers: headers::forwarded(provider),
            body: Body::Whole { bytes, outcome: Box::new(outcome) },
            losses,
        }
    }
}

/// Bedrock counts in headers.
pub fn counted(headers: &HeaderMap) -> Option<Usage> {
    let count = |name: &str| headers.get(name)?.to_str().ok()?.parse().ok();
    let input = count("x-amzn-bedrock-input-token-count")?;
    let output = count("x-amzn-bedrock-output-token-count").unwrap_or(0);
    Some(Usage { input, output, ..Usage::default() })
}

fn estimated(inputs: &[EmbedInput]) -> Usage {
    Usage { input: inputs.iter().map(tokens_of).sum(), estimated: true, ..Usage::default() }
}

/// An estimate, but of token ids, which are counted.
fn tokens_of(input: &EmbedInput) -> u64 {
    match &input.content {
        EmbedContent::Text(text) => tokens::estimate(text),
        EmbedContent::Tokens(ids) => ids.len() as u64,
        EmbedContent::Parts(parts) => {
            parts.iter().map(|p| if let EmbedPart::Text(text) = p { tokens::estimate(text) } else { 0 }).sum()
        }
    }
}
