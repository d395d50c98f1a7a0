//! `InvokeModel` with the body of another model than Claude's (Nova, Llama, Titan, Mistral, Cohere …): handed to Bedrock and
//! back as it is, whole or streamed. What was used is read from Bedrock's headers and from the end of its streams.

use tollgate_core::route::Target;
use tollgate_ir::{Dialect, Fault, FaultKind, Losses, Operation};
use tollgate_wire::carriage::Carriage;
use tollgate_wire::codec;

use super::dispatch::{Attempts, Body, Failed, Served};
use super::exchange::{Answered, Exchange};
use super::handed::Handed;
use super::headers;
use super::prepare::{Outgoing, Upload, not_offered};
use super::receive::Call;
use super::settle::Settlement;
use crate::app::Gateway;
use crate::provider::Provider;

/// Such a request on its way to some target.
pub struct Invoke<'a> {
    gateway: &'a Gateway,
    call: &'a Call,
}

impl<'a> Invoke<'a> {
    /// Of a call by `InvokeModel`.
    pub fn new(gateway: &'a Gateway, call: &'a Call) -> Self {
        Self { gateway, call }
    }
}

impl Attempts for Invoke<'_> {
    type Served = Served;

    async fn attempt(
        &mut self,
        target: &Target,
        provider: &Provider,
        settlement: &mut Settlement,
    ) -> Result<Served, Failed> {
        let (gateway, call) = (self.gateway, self.call);
        let way = provider.way_in(Dialect::Bedrock).filter(|_| !provider.simulated);
        let way = way.ok_or_else(|| only_bedrock(provider))?;
        let path = Carriage::BedrockInvoke.path(way.dialect, Operation::Chat, &target.model, call.stream);
        let path = path.ok_or_else(|| not_offered(provider))?;
        settlement.attempt(target, way.dialect);
        let outgoing = Outgoing { dialect: way.dialect, base_url: &way.base_url, path: &path, betas: &[] };
        let upward = outgoing.request(call, provider, target, Upload::Json(call.body.clone().into()))?;
        let exchange = Exchange { gateway, call, provider, upstream: way.dialect, stream: call.stream };
        let Answered { status, headers, source } = exchange.send(upward, settlement).await?;
        Ok(Served {
            target: target.clone(),
            headers: headers::forwarded(&headers),
            body: Body::Handed(Box::new(Handed::new(status, &headers, source))),
            losses: Losses::new(codec::path_of(call.face)),
        })
    }
}

fn only_bedrock(provider: &Provider) -> Fault {
    Fault::new(
        FaultKind::NotServedHere,
        format!(
            "This body for InvokeModel is not Claude's (it has no `anthropic_version`), and only Bedrock reads those of other \
             models; `{}` is another host. Use Converse, which goes to every provider.",
            provider.id
        ),
    )
}
