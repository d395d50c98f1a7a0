//! A chat's attempt at one target: the request relayed or translated, the answer read until it is good.

use std::pin::pin;

use bytes::Bytes;
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use tollgate_core::route::Target;
use tollgate_ir::{Dialect, Fault, FaultKind, Losses, Operation};
use tollgate_wire::codec;
use tollgate_wire::frame::Deframer;
use tollgate_wire::resume::{Continuation, Splice};
use tollgate_wire::tap::Seen;
use tollgate_wire::target::ReplyContext;
use tollgate_wire::translate::Incoming;

use super::answer::Stream;
use super::dispatch::{Attempts, Body, Failed, Remember, Served};
use super::exchange::{Answered, Exchange, MAX_ERROR, MAX_REPLY};
use super::memory::{self, Known, Understood};
use super::outcome::Outcome;
use super::owners;
use super::prepare::{Back, Prepared, prepare};
use super::reasoning;
use super::receive::Call;
use super::settle::Settlement;
use super::source::Source;
use super::{fetch, headers, ollama_host};
use crate::app::Gateway;
use crate::provider::{Provider, Way};
use crate::tasks::{boxed, in_box};

/// A chat request on its way to some target.
pub struct Chat<'a> {
    pub(super) gateway: &'a Gateway,
    pub(super) call: &'a Call,
    known: Known,
    /// Whether the body holds what its own dialect's provider would refuse: all of it is looked through for that, so once.
    foreign: Option<bool>,
    /// A stream that breaks off may go on elsewhere.
    resumable: bool,
    /// The last answer that said nothing.
    empty: Option<Box<Served>>,
}

impl<'a> Chat<'a> {
    /// Of a call of which this is known; `resumable`: a stream that breaks off may go on elsewhere.
    pub fn new(gateway: &'a Gateway, call: &'a Call, known: Known, resumable: bool) -> Self {
        Self { gateway, call, known, foreign: None, resumable, empty: None }
    }

    /// What is known of the call.
    pub fn into_known(self) -> Known {
        self.known
    }

    /// An attempt on a target, and the request in the IR where it is translated: because the target needs that, or because
    /// `changed` is to say something else than the client did.
    pub(super) async fn ready<'s>(
        &'s mut self,
        target: &'s Target,
        provider: &'s Provider,
        changed: bool,
        settlement: &mut Settlement,
    ) -> Result<(Attempt<'s>, Option<&'s Understood>), Failed> {
        let (gateway, call, resumable) = (self.gateway, self.call, self.resumable);
        let way = way(call, provider, target)?;
        let (understood, owners) = self.read_or_change(way.dialect, changed, settlement).await?;
        Ok((Attempt { gateway, call, provider, target, way, owners, resumable }, understood))
    }

    /// What a target of this dialect is asked: the request in the IR where it must be translated, with the media that
    /// the dialect takes as bytes only; and who made the encrypted reasoning in it.
    pub async fn read(
        &mut self,
        upstream: Dialect,
        settlement: &mut Settlement,
    ) -> Result<(Option<&Understood>, &owners::Owners), Fault> {
        self.read_or_change(upstream, false, settlement).await
    }

    async fn read_or_change(
        &mut self,
        upstream: Dialect,
        changed: bool,
        settlement: &mut Settlement,
    ) -> Result<(Option<&Understood>, &owners::Owners), Fault> {
        let (gateway, call) = (self.gateway, self.call);
        let Known { recalled, owners, understood } = &mut self.known;
        let translates = changed
            || upstream != call.face
            || recalled.continues()
            || *self.foreign.get_or_insert_with(|| codec::must_translate(call.face, &call.body));
        if !translates {
            return Ok((None, owners));
        }
        if understood.is_none() {
            *understood = Some(Box::new(boxed(|| Understood::of(gateway, call, recalled)).await?));
        }
        if let Some(understood) = understood {
            let fetching = fetch::media(gateway, call, upstream, &mut understood.request);
            settlement.waiting(Box::pin(fetching)).await?;
        }
        Ok((understood.as_deref(), owners))
    }

    /// The request in the IR.
    pub async fn understand(&mut self) -> Result<&Understood, Fault> {
        let Known { recalled, understood, .. } = &mut self.known;
        let read = match understood.take() {
            Some(read) => read,
            None => Box::new(Understood::of(self.gateway, self.call, recalled).await?),
        };
        Ok(understood.insert(read))
    }
}

impl Attempts for Chat<'_> {
    type Served = Served;

    async fn attempt(
        &mut self,
        target: &Target,
        provider: &Provider,
        settlement: &mut Settlement,
    ) -> Result<Served, Failed> {
        let operation = self.call.operation;
        let (attempt, understood) = self.ready(target, provider, false, settlement).await?;
        let served = attempt.run(understood, settlement).await?;
        if operation == Operation::Chat && served.body.is_empty() {
            self.empty = Some(Box::new(served));
            return Err(Fault::new(FaultKind::ProviderEmpty, "The provider answered without any content.").into());
        }
        Ok(served)
    }

    fn twin(&self) -> Option<Self> {
        let Self { gateway, call, ref known, foreign, resumable, .. } = *self;
        Some(Self { gateway, call, known: known.clone(), foreign, resumable, empty: None })
    }

    fn empty(&mut self) -> Option<Served> {
        self.empty.take().map(|served| *served)
    }
}

/// The way to a target's model.
pub fn way<'a>(call: &Call, provider: &'a Provider, target: &Target) -> Result<&'a Way, Fault> {
    provider.way(call.face, &target.model).ok_or_else(|| {
        Fault::new(
            FaultKind::NoTarget,
            format!("The provider `{}` does not serve `{}`.", target.provider, target.model),
        )
    })
}

/// One attempt.
pub(super) struct Attempt<'a> {
    gateway: &'a Gateway,
    call: &'a Call,
    provider: &'a Provider,
    target: &'a Target,
    way: &'a Way,
    owners: &'a owners::Owners,
    resumable: bool,
}

/// A good answer's head, and how to read the rest.
struct Answer {
    headers: HeaderMap,
    source: Source,
    back: Back,
    losses: Losses,
}

impl Attempt<'_> {
    async fn run(&self, understood: Option<&Understood>, settlement: &mut Settlement) -> Result<Served, Failed> {
        settlement.attempt(self.target, self.way.dialect);
        let way = self.way;
        if let Some(served) = ollama_host::loaded(self.gateway, self.call, self.target, way, settlement) {
            return Ok(served);
        }
        let Answer { headers: provider_headers, source, back, losses } = self.ask(understood, settlement).await?;
        let headers = headers::forwarded(&provider_headers);
        let body = if self.call.stream {
            self.stream(&provider_headers, source, back, understood, settlement).await?
        } else {
            self.whole(source, back, understood, settlement).await?
        };
        Ok(Served { target: self.target.clone(), headers, body, losses })
    }

    /// Sends the request.
    async fn ask(&self, understood: Option<&Understood>, settlement: &mut Settlement) -> Result<Answer, Failed> {
        let way = self.way;
        let prepared =
            prepare(self.gateway, self.call, self.provider, self.target, way, understood, self.owners).await?;
        let Prepared { request, back, losses } = prepared;
        let exchange = Exchange {
            gateway: self.gateway,
            call: self.call,
            provider: self.provider,
            upstream: way.dialect,
            stream: self.call.stream,
        };
        let Answered { headers, source, .. } = exchange.send(request, settlement).await?;
        Ok(Answer { headers, source, back, losses })
    }

    /// Asks for an answer that takes over a stream which another one began, and reads until it has caught up.
    pub(super) async fn go_on(
        &self,
        splice: Splice,
        understood: Option<&Understood>,
        settlement: &mut Settlement,
    ) -> Result<Stream, Failed> {
        settlement.attempt(self.target, self.way.dialect);
        let Answer { headers, source, back, .. } = self.ask(understood, settlement).await?;
        let Some(deframer) = self.deframer(&headers) else {
            return Err(Box::pin(self.not_a_stream(source, settlement)).await);
        };
        let incoming = match back {
            Back::Relay { .. } => Incoming::own(self.call.face),
            Back::Translate { translation, .. } => Incoming::translated(*translation),
        };
        let (carriage, face) = (self.way.carriage.clone(), self.call.face);
        let mut stream = Stream::continuing(source, deframer, carriage, face, Continuation::new(incoming, splice));
        let mut none = Vec::new();
        while !stream.has_content() && !stream.is_over() {
            settlement.waiting(stream.step(&mut none)).await;
        }
        match stream.fault() {
            Some(fault) => Err(fault.clone().into()),
            None => Ok(stream),
        }
    }

    async fn whole(
        &self,
        source: Source,
        back: Back,
        understood: Option<&Understood>,
        settlement: &mut Settlement,
    ) -> Result<Body, Failed> {
        let body = settlement.waiting(pin!(source.whole(MAX_REPLY))).await?;
        match back {
            Back::Relay { .. } => {
                let seen = Seen::of_whole(self.call.face, &body)?;
                let seals = if self.call.face == Dialect::OpenAiResponses { owners::made(&body) } else { Vec::new() };
                let outcome = in_box(|| Outcome::seen(seen, seals, None));
                if self.keeps_reasoning()
                    && let Ok(reply) = codec::decode_reply(self.call.face, &body)
                {
                    Box::pin(reasoning::keep(self.gateway, self.call, &reply)).await;
                }
                owners::remember(self.gateway, self.call, self.target, &outcome.seals).await;
                memory::remember_pin(self.gateway, self.call, self.target, outcome.id.as_deref()).await;
                Ok(Body::Whole { bytes: body, outcome })
            }
            Back::Translate { translation, request } => {
                let reply = translation.reply(&body)?;
                let context = self.context(settlement, &request);
                let mut bytes = Bytes::from(codec::encode_reply(self.call.face, &reply, &context));
                if let Some(put_over) = ollama_host::as_asked(self.call, &bytes) {
                    bytes = put_over;
                }
                let before = understood.map_or(0, |u| u.before);
                memory::remember_reply(self.gateway, self.call, &request, before, &reply, &bytes).await;
                let outcome = in_box(|| Outcome::of(reply));
                owners::remember(self.gateway, self.call, self.target, &outcome.seals).await;
                Ok(Body::Whole { bytes, outcome })
            }
        }
    }

    /// Reads until content comes, so that an error in the first events can still move on.
    async fn stream(
        &self,
        provider_headers: &HeaderMap,
        source: Source,
        back: Back,
        understood: Option<&Understood>,
        settlement: &mut Settlement,
    ) -> Result<Body, Failed> {
        let Some(deframer) = self.deframer(provider_headers) else {
            return Err(Box::pin(self.not_a_stream(source, settlement)).await);
        };
        let carriage = self.way.carriage.clone();
        let face = self.call.face;
        let (mut stream, remember) = match back {
            Back::Relay { hide_usage } => {
                let keep = self.keeps_reasoning();
                (Stream::relayed(source, deframer, carriage, face, hide_usage, keep, self.resumable), None)
            }
            Back::Translate { translation, request } => {
                let context = self.context(settlement, &request);
                let keep = memory::wants_reply(self.call, self.way.dialect, &request) || self.keeps_reasoning();
                let translator = if self.resumable {
                    translation.resumable_stream(context.clone())
                } else {
                    translation.stream(context.clone())
                };
                let stream = Stream::translated(source, deframer, carriage, face, translator, keep);
                let before = understood.map_or(0, |u| u.before);
                (stream, keep.then(|| Box::new(Remember { request, before, context })))
            }
        };
        let mut held = Vec::new();
        while !stream.has_content() && !stream.is_over() {
            settlement.waiting(pin!(stream.step(&mut held))).await;
            if let Some(fault) = stream.fault() {
                return Err(Failed { fault: fault.clone(), raw: None });
            }
        }
        Ok(Body::Stream { stream: Box::new(stream), held, remember, resume: None })
    }

    /// How the body's frames are found; `None`: it is no stream.
    fn deframer(&self, provider_headers: &HeaderMap) -> Option<Deframer> {
        let usual = codec::stream_content_type(self.way.dialect);
        let content_type = provider_headers.get(CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or(usual);
        // An object alone is a stream of one line.
        let content_type = if self.way.dialect == Dialect::Ollama { usual } else { content_type };
        let is_body = content_type.starts_with("application/json") && self.way.dialect != Dialect::Gemini;
        (!is_body).then(|| Deframer::for_content_type(content_type))
    }

    /// A stream was asked for and one JSON body came: an error in it, or nothing that can be read.
    async fn not_a_stream(&self, source: Source, settlement: &mut Settlement) -> Failed {
        let body = match settlement.waiting(source.whole(MAX_ERROR)).await {
            Ok(body) => body,
            Err(fault) => return fault.into(),
        };
        let garbage =
            || Fault::new(FaultKind::ProviderGarbage, "The provider answered a streamed call without a stream.");
        codec::decode_reply(self.way.dialect, &body).err().unwrap_or_else(garbage).into()
    }

    fn keeps_reasoning(&self) -> bool {
        reasoning::is_wanted(self.call, self.way.dialect, self.provider, &self.target.model)
    }

    fn context(&self, settlement: &Settlement, request: &tollgate_ir::Request) -> ReplyContext {
        context(self.gateway, self.call, &self.target.model, settlement, request)
    }
}

/// What a reply's encoder is told of a call.
pub(super) fn context(
    gateway: &Gateway,
    call: &Call,
    model: &str,
    settlement: &Settlement,
    request: &tollgate_ir::Request,
) -> ReplyContext {
    ReplyContext {
        id: settlement.id().replace('-', ""),
        model: model.to_owned(),
        created: gateway.clock().now().unix_ms / 1000,
        include_usage: request.params.include_usage,
        echo: codec::echo(call.face, request),
        stopwatch: settlement.stopwatch(),
    }
}
