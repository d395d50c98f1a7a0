//! Attempt by attempt along the plan, until a target gives a good first event; then nothing can be taken back.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, StatusCode};
use tokio::time::Instant;
use tollgate_core::config::Timeouts;
use tollgate_core::route::{Plan, Target, conclude, moves_on};
use tollgate_ir::{Dialect, Fault, FaultKind, Losses, Operation};
use tollgate_wire::frame::Deframer;
use tollgate_wire::target::ReplyContext;
use tollgate_wire::{codec, ops};

use super::answer::{Outcome, Source, Stream};
use super::memory::{self, Known, Understood};
use super::owners::{self, Owners};
use super::prepare::{Back, Prepared, prepare};
use super::receive::Call;
use super::settle::Settlement;
use super::{count, fetch, headers};
use crate::app::Gateway;
use crate::credentials;
use crate::provider::{Provider, Way};
use crate::simulate;
use crate::upstream::Deadlines;

/// Most bytes of a whole reply, and of an error.
const MAX_REPLY: usize = 64 << 20;
const MAX_ERROR: usize = 1 << 20;

/// A target that serves.
pub struct Served {
    /// Which.
    pub target: Target,
    /// The provider's headers that the client gets.
    pub headers: HeaderMap,
    /// The answer.
    pub body: Body,
    /// What could not be kept.
    pub losses: Losses,
}

/// An answer in the client's dialect.
pub enum Body {
    /// In one piece.
    Whole {
        /// The bytes.
        bytes: Bytes,
        /// What it is.
        outcome: Box<Outcome>,
    },
    /// As it comes.
    Stream {
        /// The rest.
        stream: Box<Stream>,
        /// What came already.
        held: Vec<u8>,
        /// What is needed to remember a translated answer.
        remember: Option<Box<Remember>>,
    },
}

/// What is needed to remember a translated answer once it is whole.
pub struct Remember {
    /// What was asked.
    pub request: std::sync::Arc<tollgate_ir::Request>,
    /// How many of its turns came from the response before it.
    pub before: usize,
    /// How the answer was written.
    pub context: ReplyContext,
}

/// Why no target serves.
pub struct Failed {
    /// For the client.
    pub fault: Fault,
    /// The provider's own body, where it speaks the client's dialect.
    pub raw: Option<Bytes>,
}

impl From<Fault> for Failed {
    fn from(fault: Fault) -> Self {
        Self { fault, raw: None }
    }
}

/// Tries the plan's targets in order.
pub async fn dispatch(
    gateway: &Gateway,
    call: &Call,
    plan: &Plan,
    known: Known,
    settlement: &mut Settlement,
) -> Result<Served, Failed> {
    let Known { recalled, owners, mut understood } = known;
    let mut failures: Vec<Failed> = Vec::new();
    for target in &plan.targets {
        let Some(provider) = call.state.providers.get(&target.provider) else { continue };
        let way = match way(call, provider, target) {
            Ok(way) => way,
            Err(fault) => {
                failures.push(fault.into());
                continue;
            }
        };
        let translates =
            way.dialect != call.face || recalled.continues() || codec::must_translate(call.face, &call.body);
        if translates && understood.is_none() {
            understood = Some(Understood::of(gateway, call, &recalled).await?);
        }
        let mut understood = understood.as_mut().filter(|_| translates);
        if let Some(understood) = &mut understood {
            settlement.waiting(fetch::media(gateway, call, way.dialect, &mut understood.request)).await?;
        }
        let attempt = Attempt { gateway, call, provider, target, way, owners: &owners };
        match attempt.run(understood.as_deref(), settlement).await {
            Ok(served) => return Ok(served),
            Err(failed) => {
                settlement.attempt_failed(&failed.fault);
                let on = moves_on(&failed.fault);
                failures.push(failed);
                if !on {
                    break;
                }
            }
        }
    }
    Err(concluded(failures, plan))
}

/// The first target's fault is told, with the smallest wait when all were rate limits; a single provider's own words
/// are handed on as they are.
fn concluded(mut failures: Vec<Failed>, plan: &Plan) -> Failed {
    let raw = if failures.len() == 1 { failures[0].raw.take() } else { None };
    // A refusal that ended the walk says more than the outage that began it.
    let last_refused = failures.last().is_some_and(|f| !moves_on(&f.fault));
    if last_refused && failures.len() > 1 {
        failures.drain(..failures.len() - 1);
    }
    match conclude(failures.into_iter().map(|f| f.fault).collect()) {
        Some(fault) => Failed { fault, raw },
        None => {
            let why: Vec<_> = plan.skipped.iter().map(|s| format!("{}: {}", s.target.name(), s.reason)).collect();
            Fault::new(FaultKind::NoTarget, format!("No target of this model can serve the call. {}", why.join("; ")))
                .into()
        }
    }
}

fn way<'a>(call: &Call, provider: &'a Provider, target: &Target) -> Result<&'a Way, Fault> {
    provider.way(call.face, &target.model).ok_or_else(|| {
        Fault::new(
            FaultKind::NoTarget,
            format!("The provider `{}` does not serve `{}`.", target.provider, target.model),
        )
    })
}

/// One attempt.
struct Attempt<'a> {
    gateway: &'a Gateway,
    call: &'a Call,
    provider: &'a Provider,
    target: &'a Target,
    way: &'a Way,
    owners: &'a Owners,
}

impl Attempt<'_> {
    async fn run(&self, understood: Option<&Understood>, settlement: &mut Settlement) -> Result<Served, Failed> {
        settlement.attempt(self.target, self.way.dialect);
        let way = self.way;
        if self.call.operation == Operation::CountTokens
            && (way.carriage.path(way.dialect, Operation::CountTokens, &self.target.model, false).is_none()
                || self.provider.simulated)
        {
            return count::estimate(self.gateway, self.call, self.target, understood).await.map_err(Failed::from);
        }
        let prepared = prepare(self.call, self.provider, self.target, way, understood, self.owners)?;
        let Prepared { head, body, credential, back, losses } = prepared;
        let (status, provider_headers, source) = if self.provider.simulated {
            let created = self.gateway.clock().now().unix_ms / 1000;
            let simulated = simulate::respond(&body, created);
            let kind = if simulated.stream { "text/event-stream" } else { "application/json" };
            let mut headers = HeaderMap::new();
            headers::put(&mut headers, "content-type", kind);
            (simulated.status, headers, Source::Simulated(VecDeque::from(simulated.pieces)))
        } else {
            let deadlines = self.deadlines(settlement);
            let transport = self.gateway.transport(&self.provider.egress);
            let sent = credentials::send(transport, &credential, &head, &body, &deadlines);
            let (head, body) = settlement.waiting(sent).await?.into_parts();
            (head.status.as_u16(), head.headers, Source::remote(body, self.call.stream))
        };
        settlement.attempt_status(status);
        if !(200..300).contains(&status) {
            return Err(self.refused(status, &provider_headers, source, settlement).await);
        }
        let headers = headers::forwarded(&provider_headers);
        let body = if self.call.stream {
            self.stream(provider_headers, source, back, understood, settlement).await?
        } else {
            self.whole(source, back, understood, settlement).await?
        };
        Ok(Served { target: self.target.clone(), headers, body, losses })
    }

    fn deadlines(&self, settlement: &Settlement) -> Deadlines {
        let Timeouts { connect, first_token, idle, total } = self.provider.timeouts;
        let now = Instant::now();
        let left = |limit: Duration| limit.saturating_sub(settlement.elapsed());
        let deadlines = Deadlines {
            connect,
            first_token: Some(first_token),
            idle: Some(idle),
            end: Some(now + total),
            client_end: self.call.wishes.timeout.map(|limit| now + left(limit)),
        };
        if self.call.stream { deadlines } else { deadlines.whole() }
    }

    /// The provider refused: its words, and its body as it is where it speaks the client's dialect.
    async fn refused(&self, status: u16, headers: &HeaderMap, source: Source, settlement: &mut Settlement) -> Failed {
        let body = match settlement.waiting(source.whole(MAX_ERROR)).await {
            Ok(body) => body,
            Err(fault) => return fault.into(),
        };
        let lines: Vec<(&str, &str)> =
            headers.iter().filter_map(|(n, v)| Some((n.as_str(), v.to_str().ok()?))).collect();
        let fault = codec::decode_fault(self.way.dialect, status, &lines, &body);
        let is_json = body.first() == Some(&b'{') || body.first() == Some(&b'[');
        let raw = (self.way.dialect == self.call.face && is_json && !self.provider.simulated).then_some(body);
        Failed { fault, raw }
    }

    async fn whole(
        &self,
        source: Source,
        back: Back,
        understood: Option<&Understood>,
        settlement: &mut Settlement,
    ) -> Result<Body, Failed> {
        let body = settlement.waiting(source.whole(MAX_REPLY)).await?;
        if self.call.operation == Operation::CountTokens {
            let bytes = match back {
                Back::Relay { .. } => body,
                Back::Translate { .. } => {
                    ops::count::encode_reply(self.call.face, ops::count::decode_reply(self.way.dialect, &body)?).into()
                }
            };
            return Ok(Body::Whole { bytes, outcome: Box::default() });
        }
        match back {
            Back::Relay { .. } => {
                let mut tap = tollgate_wire::tap::Tap::new(self.call.face, false);
                tap.whole(&body);
                if let Some(fault) = tap.fault() {
                    return Err(Failed { fault: fault.clone(), raw: None });
                }
                let seen = tap.seen();
                let outcome = Outcome {
                    model: seen.model.clone(),
                    id: seen.id.clone(),
                    service_tier: seen.service_tier.clone(),
                    usage: seen.usage,
                    finish: seen.finish.clone(),
                    seals: if self.call.face == Dialect::OpenAiResponses { owners::made(&body) } else { Vec::new() },
                    reply: None,
                };
                owners::remember(self.gateway, self.call, self.target, &outcome.seals).await;
                memory::remember_pin(self.gateway, self.call, self.target, outcome.id.as_deref()).await;
                Ok(Body::Whole { bytes: body, outcome: Box::new(outcome) })
            }
            Back::Translate { translation, request } => {
                let reply = translation.reply(&body)?;
                let context = self.context(settlement, &request);
                let bytes = Bytes::from(codec::encode_reply(self.call.face, &reply, &context));
                let before = understood.map_or(0, |u| u.before);
                memory::remember_reply(self.gateway, self.call, &request, before, &reply, &bytes).await;
                let outcome = Outcome::of(reply);
                owners::remember(self.gateway, self.call, self.target, &outcome.seals).await;
                Ok(Body::Whole { bytes, outcome: Box::new(outcome) })
            }
        }
    }

    /// Reads until content comes, so that an error in the first events can still move on.
    async fn stream(
        &self,
        provider_headers: HeaderMap,
        source: Source,
        back: Back,
        understood: Option<&Understood>,
        settlement: &mut Settlement,
    ) -> Result<Body, Failed> {
        let content_type =
            provider_headers.get(CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or("text/event-stream");
        if content_type.starts_with("application/json") && self.way.dialect != Dialect::Gemini {
            return self.not_a_stream(source, settlement).await;
        }
        let deframer = Deframer::for_content_type(content_type);
        let carriage = self.way.carriage.clone();
        let face = self.call.face;
        let (mut stream, remember) = match back {
            Back::Relay { hide_usage } => (Stream::relayed(source, deframer, carriage, face, hide_usage), None),
            Back::Translate { translation, request } => {
                let context = self.context(settlement, &request);
                let keep = memory::wants_reply(self.call, self.way.dialect, &request);
                let translator = translation.stream(context.clone());
                let stream = Stream::translated(source, deframer, carriage, face, translator, keep);
                let before = understood.map_or(0, |u| u.before);
                (stream, keep.then(|| Box::new(Remember { request, before, context })))
            }
        };
        let mut held = Vec::new();
        while !stream.has_content() && !stream.is_over() {
            settlement.waiting(stream.step(&mut held)).await;
            if let Some(fault) = stream.fault() {
                return Err(Failed { fault: fault.clone(), raw: None });
            }
        }
        Ok(Body::Stream { stream: Box::new(stream), held, remember })
    }

    /// A stream was asked for and one JSON body came: an error in it, or nothing that can be read.
    async fn not_a_stream(&self, source: Source, settlement: &mut Settlement) -> Result<Body, Failed> {
        let body = settlement.waiting(source.whole(MAX_ERROR)).await?;
        let garbage =
            || Fault::new(FaultKind::ProviderGarbage, "The provider answered a streamed call without a stream.");
        Err(codec::decode_reply(self.way.dialect, &body).err().unwrap_or_else(garbage).into())
    }

    fn context(&self, settlement: &Settlement, request: &tollgate_ir::Request) -> ReplyContext {
        let echo = codec::echo(self.call.face, request);
        ReplyContext {
            id: settlement.id().replace('-', ""),
            model: self.target.model.clone(),
            created: self.gateway.clock().now().unix_ms / 1000,
            include_usage: request.params.include_usage,
            echo,
        }
    }
}

/// The status of a fault for the client.
pub fn status_of(fault: &Fault) -> StatusCode {
    StatusCode::from_u16(fault.status)
        .ok()
        .filter(|s| s.is_client_error() || s.is_server_error())
        .unwrap_or(StatusCode::BAD_GATEWAY)
}
