//! Token counts: by the provider's own counter where there is one, in the counter's words; else an estimate. The header
//! `x-tollgate-count` says which.

use http::{HeaderMap, StatusCode};
use tollgate_core::route::Target;
use tollgate_ir::{Fault, FaultKind};
use tollgate_text::tokens;
use tollgate_wire::ops::count::{self, Counter};

use super::chat::{Chat, way};
use super::dispatch::{Attempts, Body, Failed, Served};
use super::exchange::{Answered, Exchange, MAX_REPLY};
use super::headers;
use super::prepare::{Back, Prepared, prepare};
use super::receive::Call;
use super::settle::Settlement;
use crate::app::Gateway;
use crate::provider::{Provider, Way};

/// Who counted.
const COUNT: &str = "x-tollgate-count";

/// A chat request that is counted by some target.
pub struct Count<'a> {
    gateway: &'a Gateway,
    call: &'a Call,
    chat: Chat<'a>,
}

impl<'a> Count<'a> {
    /// Of a call whose chat is read so far.
    pub fn new(gateway: &'a Gateway, call: &'a Call, chat: Chat<'a>) -> Self {
        Self { gateway, call, chat }
    }
}

impl Attempts for Count<'_> {
    type Served = Served;

    async fn attempt(
        &mut self,
        target: &Target,
        provider: &Provider,
        settlement: &mut Settlement,
    ) -> Result<Served, Failed> {
        let usual = way(self.call, provider, target)?;
        let Some((way, counter)) = provider.counts(self.call.face, &target.model).filter(|_| !provider.simulated)
        else {
            settlement.attempt(target, usual.dialect);
            return self.estimate(target).await;
        };
        match self.ask(target, provider, way, counter, settlement).await {
            Err(failed) if lacks_counter(&failed.fault, &target.model) => self.estimate(target).await,
            answer => answer,
        }
    }

    fn twin(&self) -> Option<Self> {
        Some(Self { chat: self.chat.twin()?, ..*self })
    }
}

impl Count<'_> {
    async fn ask(
        &mut self,
        target: &Target,
        provider: &Provider,
        way: &Way,
        counter: &Counter,
        settlement: &mut Settlement,
    ) -> Result<Served, Failed> {
        let (gateway, call) = (self.gateway, self.call);
        let (understood, owners) = self.chat.read(way.dialect, settlement).await?;
        settlement.attempt(target, way.dialect);
        let Prepared { request, back, losses } =
            prepare(gateway, call, provider, target, way, understood, owners).await?;
        let exchange = Exchange { gateway, call, provider, upstream: way.dialect, stream: false };
        let Answered { headers, source, .. } = exchange.send(request, settlement).await?;
        let reply = settlement.waiting(source.whole(MAX_REPLY)).await?;
        let tools =
            understood.map(|read| tokens::estimate_tools(&read.request.tools)).filter(|_| !counter.counts_tools);
        let bytes = match back {
            Back::Relay { .. } if counter.answers(call.face) => reply,
            _ => count::encode_reply(call.face, counter.read(&reply)? + tools.unwrap_or(0)).into(),
        };
        let mut headers = headers::forwarded(&headers);
        headers::put(&mut headers, COUNT, if tools.unwrap_or(0) == 0 { "provider" } else { "estimate" });
        let body = Body::Whole { bytes, outcome: Box::default() };
        Ok(Served { target: target.clone(), headers, body, losses })
    }

    /// Counts as well as can be done here.
    async fn estimate(&mut self, target: &Target) -> Result<Served, Failed> {
        let face = self.call.face;
        let understood = self.chat.understand().await?;
        let bytes = count::encode_reply(face, tokens::estimate_for(&target.model, &understood.request)).into();
        let mut headers = HeaderMap::new();
        headers::put(&mut headers, COUNT, "estimate");
        let losses = understood.losses.clone();
        Ok(Served { target: target.clone(), headers, body: Body::Whole { bytes, outcome: Box::default() }, losses })
    }
}

/// The host has no counter, or none for this model: who speaks a dialect of another's need not count as its maker does.
fn lacks_counter(fault: &Fault, model: &str) -> bool {
    let said = fault.public.to_ascii_lowercase();
    match StatusCode::from_u16(fault.status) {
        Ok(StatusCode::METHOD_NOT_ALLOWED | StatusCode::NOT_IMPLEMENTED) => true,
        // A path that is not there, unless it is the model.
        Ok(StatusCode::NOT_FOUND) => {
            let code = fault.provider_code.as_deref();
            !said.contains(&model.to_ascii_lowercase()) && !matches!(code, Some("model_not_found"))
        }
        // AWS: “The provided model doesn't support counting tokens.”
        Ok(StatusCode::BAD_REQUEST) => {
            fault.kind == FaultKind::ProviderBadRequest && said.contains("support counting tokens")
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use tollgate_ir::{Block, Content, Dialect, Losses};
    use tollgate_testkit::Recordings;
    use tollgate_wire::codec;
    use tollgate_wire::ops::usage::Watch;
    use tollgate_wire::target::RequestHead;

    use super::*;

    /// How near estimates are to what providers billed, over all recorded chats whose templates are not a host's own secret.
    #[test]
    fn tr27_estimates_are_near_what_is_billed() {
        let Some(recordings) = Recordings::beside(env!("CARGO_MANIFEST_DIR")) else { return };
        let mut ratios = Vec::new();
        for id in recordings.ids("openai-chat") {
            let recorded = recordings.read(id);
            let (Some(sent), Some(model)) = (&recorded.request, &recorded.model) else { continue };
            let kind = if recorded.streaming { "text/event-stream" } else { "application/json" };
            let mut watch = Watch::new(kind);
            watch.push(&recorded.response.body);
            let Some(billed) = watch.end().usage.map(|usage| usage.input_total()).filter(|n| *n > 0) else { continue };
            let head = RequestHead { model: Some(model), stream: None, is_scanned: false };
            let mut losses = Losses::new(|_| "");
            let Ok(request) = codec::decode_request(Dialect::OpenAiChat, &sent.body, &head, &mut losses) else {
                continue;
            };
            let media = |block: &Block| matches!(block.content, Content::Media(_));
            let odd = request.output.is_some() || request.turns.iter().flat_map(|turn| &turn.blocks).any(media);
            if odd || recorded.response.status != 200 {
                continue;
            }
            let ratio = tokens::estimate_for(model, &request) as f64 / billed as f64;
            ratios.push((ratio, id));
        }
        ratios.sort_by(|a, b| a.0.total_cmp(&b.0));
        let near = ratios.iter().filter(|(ratio, _)| (0.9..=1.3).contains(ratio)).count();
        let median = ratios[ratios.len() / 2].0;
        let share = near as f64 / ratios.len() as f64;
        eprintln!("{} chats: {share:.2} within 0.9 to 1.3, median {median:.2}", ratios.len());
        assert!((0.9..1.1).contains(&median) && share > 0.6, "{share} {median} {ratios:?}");
    }

    #[test]
    fn a_host_without_a_counter_is_told_from_a_model_that_is_not_there() {
        for (dialect, status, body, lacks) in [
            (Dialect::Anthropic, 404, r#"{"detail":"Not Found"}"#, true),
            (Dialect::Anthropic, 404, "<html>nothing here</html>", true),
            (Dialect::Anthropic, 405, "{}", true),
            (
                Dialect::Anthropic,
                404,
                r#"{"type":"error","error":{"type":"not_found_error","message":"model: claude-x"}}"#,
                false,
            ),
            (
                Dialect::OpenAiResponses,
                404,
                r#"{"error":{"message":"It does not exist","code":"model_not_found"}}"#,
                false,
            ),
            (Dialect::Bedrock, 400, r#"{"message":"The provided model doesn't support counting tokens."}"#, true),
            (Dialect::Bedrock, 400, r#"{"message":"Malformed input request"}"#, false),
            (Dialect::Anthropic, 500, "{}", false),
            (Dialect::Anthropic, 401, "{}", false),
        ] {
            let fault = codec::decode_fault(dialect, status, &[], body.as_bytes());
            assert_eq!(lacks_counter(&fault, "claude-x"), lacks, "{status} {body}");
        }
    }
}
