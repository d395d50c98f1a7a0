//! The answer goes to the client: headers at the commit point, then the body, then the end is settled exactly once.

use std::pin::{Pin, pin};
use std::time::Duration;

use http::header::{ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, VARY};
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use tokio::time::{Instant, Sleep, sleep};
use tokio_util::sync::WaitForCancellationFutureOwned;
use tollgate_core::trail::Trail;
use tollgate_ir::{Dialect, Fault, FaultKind};
use tollgate_wire::codec;

use super::answer::Stream;
use super::conclusion::status_of;
use super::dispatch::{Body, Failed, Remember, Served};
use super::headers;
use super::memory;
use super::outlet::{Outlet, ReplyBodyOut};
use super::owners;
use super::reasoning;
use super::receive::Call;
use super::reframe::Reframe;
use super::resume::Resumption;
use super::settle::Settlement;
use crate::app::Gateway;
use crate::body::compress;
use crate::routes::FaceCarriage;

/// What keeps a silent stream open: a comment of server-sent events; white space before the next line or element of JSON,
/// which every reader of JSON skips. AWS's frames have nothing that a client would not take for an event.
pub const fn filler(face: Dialect, carriage: FaceCarriage) -> Option<&'static [u8]> {
    match (carriage, face) {
        (FaceCarriage::OllamaGenerate | FaceCarriage::JsonArray, _) => Some(b" "),
        (FaceCarriage::BedrockInvoke, _) | (FaceCarriage::Own, Dialect::Bedrock) => None,
        (FaceCarriage::Own, Dialect::Ollama) => Some(b" "),
        (FaceCarriage::Own | FaceCarriage::Completions, _) => Some(b": keepalive\n\n"),
    }
}

/// What is known only at the end of a stream.
const TRAILERS: &str = "x-tollgate-attempts, x-tollgate-cost";

/// A reply of ours.
pub type Reply = Response<ReplyBodyOut>;

/// A fault in the face's envelope.
pub fn fault(face: Dialect, id: &str, failed: Failed, settlement: Option<Settlement>) -> Reply {
    let Failed { fault, raw } = failed;
    let body = raw.unwrap_or_else(|| codec::encode_fault(face, &fault, id).into());
    let mut response = Response::new(ReplyBodyOut::whole(body));
    *response.status_mut() = status_of(&fault);
    headers::of_fault(response.headers_mut(), face, &fault);
    match settlement {
        Some(mut settlement) => {
            let explains = settlement.manner().explains;
            let trail = settlement.trail();
            trail.status = fault.status;
            headers::explained(response.headers_mut(), explains, trail);
            headers::of_call(response.headers_mut(), face, id, Some(trail));
            settlement.failed(&fault);
        }
        None => headers::of_call(response.headers_mut(), face, id, None),
    }
    response
}

/// The answer of a target that serves.
pub fn served(gateway: &Gateway, call: Box<Call>, served: Served, mut settlement: Box<Settlement>) -> Reply {
    settlement.trail().losses = served.losses.all().to_vec();
    settlement.trail().status = 200;
    match served.body {
        Body::Whole { bytes, outcome } => {
            settlement.attempt_served(&outcome, call.state.providers.get(&served.target.provider), None);
            settlement.first_token();
            settlement.trail().overhead = settlement.overhead();
            let mut response = whole(&call, bytes);
            commit_headers(&mut response, &call, served.headers, &mut settlement);
            settlement.done();
            response
        }
        Body::Handed(handed) => {
            settlement.trail().status = handed.status().as_u16();
            settlement.trail().overhead = settlement.overhead();
            let mut head = Response::new(());
            commit_headers(&mut head, &call, served.headers, &mut settlement);
            handed.reply(gateway, head.into_parts().0.headers, *settlement)
        }
        Body::Stream { stream, held, remember, resume } => {
            settlement.trail().overhead = settlement.overhead();
            let mut head = Response::new(());
            commit_headers(&mut head, &call, served.headers, &mut settlement);
            if call.wishes.trailers {
                // HTTP/1.1 wants them announced.
                headers::put(head.headers_mut(), "trailer", TRAILERS);
            }
            let (face, carriage) = (call.face, call.carriage);
            let gateway = gateway.clone();
            let body = ReplyBodyOut::driven(move |outlet| {
                Box::new(Writer::new(gateway, call, outlet, *stream, remember, resume, settlement)).write_all(held)
            });
            let mut response = head.map(|()| body);
            stream_headers(response.headers_mut(), face, carriage);
            response
        }
    }
}

/// A streamed call whose headers go out before any target has answered, since the client must hear something: comments
/// until then, and in-band errors from then on.
pub fn early<F>(gateway: &Gateway, face: Dialect, keepalive: Duration, id: &str, mut answering: Pin<Box<F>>) -> Reply
where
    F: Future<Output = (Result<Served, Failed>, Box<Settlement>, Box<Call>)> + Send + 'static,
{
    let gateway = gateway.clone();
    let body = ReplyBodyOut::driven(move |outlet| async move {
        // The silence before was one keepalive long.
        let filler = filler(face, FaceCarriage::Own).unwrap_or_default();
        outlet.send(filler).await;
        let (result, mut settlement, call) = loop {
            tokio::select! {
                done = &mut answering => break done,
                () = tokio::time::sleep(keepalive) => outlet.send(filler).await,
            }
        };
        settlement.trail().status = 200;
        if codec::is_sse(face) {
            let explains = settlement.manner().explains;
            outlet.send(headers::explained_in_a_comment(explains, settlement.trail())).await;
        }
        match result {
            Ok(Served { body: Body::Stream { stream, held, remember, resume }, losses, .. }) => {
                settlement.trail().losses = losses.all().to_vec();
                let writer = Writer::new(gateway, call, outlet, *stream, remember, resume, settlement);
                Box::pin(Box::new(writer).write_all(held)).await;
            }
            Ok(_) => settlement.failed(&Fault::new(FaultKind::Internal, "A streamed call was answered in one piece.")),
            Err(Failed { fault, .. }) => {
                outlet.send(codec::fault_frame(face, &fault)).await;
                settlement.failed(&fault);
            }
        }
    });
    let mut response = Response::new(body);
    stream_headers(response.headers_mut(), face, FaceCarriage::Own);
    headers::of_call(response.headers_mut(), face, id, None);
    response
}

fn commit_headers<B>(response: &mut Response<B>, call: &Call, provider: HeaderMap, settlement: &mut Settlement) {
    // The provider's are many and have room for ours.
    let ours = std::mem::replace(response.headers_mut(), provider);
    response.headers_mut().extend(ours);
    let explains = settlement.manner().explains;
    let trail = &*settlement.trail();
    headers::of_call(response.headers_mut(), call.face, &trail.id, Some(trail));
    headers::of_target(response.headers_mut(), trail);
    headers::explained(response.headers_mut(), explains, trail);
    if let Some(note) = trail.attempts.last().and_then(|attempt| attempt.fault.as_ref()) {
        // An answer that says nothing, from the last target that there was.
        headers::put(response.headers_mut(), "x-tollgate-fault", &note.kind.code());
    }
}

fn stream_headers(headers: &mut HeaderMap, face: Dialect, carriage: FaceCarriage) {
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(Reframe::content_type(face, carriage)));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    // nginx in front would hold events back.
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
}

fn whole(call: &Call, bytes: bytes::Bytes) -> Reply {
    let accepts = call.head.headers.get(ACCEPT_ENCODING).and_then(|v| v.to_str().ok()).unwrap_or("");
    let (bytes, coding) = match compress(&bytes, accepts) {
        Some(compressed) => (compressed.bytes, Some(compressed.coding)),
        None => (bytes, None),
    };
    let mut response = Response::new(ReplyBodyOut::whole(bytes));
    *response.status_mut() = StatusCode::OK;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if let Some(coding) = coding {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static(coding.name()));
        headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
    }
    response
}

/// What is heard beside the upstream. Set up once and not for each chunk: a timer that rings early (something was sent
/// since) is set again.
struct Pace<'a> {
    ending: Pin<&'a mut WaitForCancellationFutureOwned>,
    silence: Pin<&'a mut Sleep>,
    quiet_since: Instant,
    keepalive: Duration,
    filler: &'static [u8],
}

impl Pace<'_> {
    /// Drives what the client waits for, with comments in the silence. `None`: the gateway is shutting down.
    async fn keeping<F: Future>(&mut self, outlet: &Outlet, mut future: Pin<&mut F>) -> Option<F::Output> {
        loop {
            tokio::select! {
                biased;
                done = &mut future => {
                    self.quiet_since = Instant::now();
                    return Some(done);
                }
                () = &mut self.silence => {
                    if self.quiet_since.elapsed() >= self.keepalive {
                        outlet.send(self.filler).await;
                        self.quiet_since = Instant::now();
                    }
                    self.silence.as_mut().reset(self.quiet_since + self.keepalive);
                }
                () = &mut self.ending => return None,
            }
        }
    }
}

fn shutting_down() -> Fault {
    Fault::new(FaultKind::ShuttingDown, "The gateway is shutting down; send the request again.")
}

/// Writes one streamed reply. Boxed: a future has room for what it is given and for what it makes of it, and this one lives
/// as long as the stream.
struct Writer {
    gateway: Gateway,
    call: Box<Call>,
    outlet: Outlet,
    reframe: Option<Reframe>,
    /// The silence after which something is sent that is nothing; a day stands for never.
    keepalive: Duration,
    /// What that is.
    filler: &'static [u8],
    stream: Stream,
    remember: Option<Box<Remember>>,
    resume: Option<Box<Resumption>>,
    settlement: Box<Settlement>,
}

impl Writer {
    fn new(
        gateway: Gateway,
        mut call: Box<Call>,
        outlet: Outlet,
        stream: Stream,
        remember: Option<Box<Remember>>,
        resume: Option<Box<Resumption>>,
        settlement: Box<Settlement>,
    ) -> Self {
        let reframe = Reframe::new(call.face, call.carriage).map(|r| r.echoing(call.echo()));
        let set = call.state.config.server.keepalive;
        let filler = filler(call.face, call.carriage).filter(|_| !set.is_zero());
        let keepalive = if filler.is_some() { set } else { Duration::from_secs(86_400) };
        call.is_answered(resume.is_some());
        let filler = filler.unwrap_or_default();
        Self { gateway, call, outlet, reframe, keepalive, filler, stream, remember, resume, settlement }
    }

    async fn write_all(mut self: Box<Self>, held: Vec<u8>) {
        self.settlement.first_token();
        self.write(held).await;
        self.run().await;
        let fault = self.stream.fault().cloned();
        let settled = self.resume.as_ref().is_some_and(|resume| resume.is_settled());
        if !settled {
            Box::pin(self.settle(fault.as_ref())).await;
        }
        if let Some(reframe) = &mut self.reframe {
            self.outlet.send(reframe.end()).await;
        }
        let outlet = self.outlet.clone();
        if let Some(trailers) = self.end(fault) {
            // The last: once a connection has the trailers it asks for no more, and this future is dropped.
            outlet.trailers(trailers).await;
        }
    }

    /// Settles the end; gives the trailers that are wanted.
    fn end(self: Box<Self>, fault: Option<Fault>) -> Option<HeaderMap> {
        let Self { call, mut settlement, .. } = *self;
        let trailers = call.wishes.trailers.then(|| trailers(settlement.trail()));
        match fault {
            None => settlement.done(),
            Some(fault) => settlement.failed(&fault),
        }
        trailers
    }

    /// Until the stream is over, by whomever it goes on.
    async fn run(&mut self) {
        let mut pace = Pace {
            ending: pin!(self.gateway.tasks().ending().clone().cancelled_owned()),
            silence: pin!(sleep(self.keepalive)),
            quiet_since: Instant::now(),
            keepalive: self.keepalive,
            filler: self.filler,
        };
        loop {
            let mut out = Vec::new();
            if !self.stream.is_over() {
                if pace.keeping(&self.outlet, pin!(self.stream.step(&mut out))).await.is_none() {
                    self.stream.break_off(shutting_down(), &mut out);
                }
            } else if self.stream.is_untold() {
                let Self { gateway, call, stream, remember, settlement, .. } = self;
                if let Some(resume) = &mut self.resume {
                    // Few streams break: they have no room for this. Whether another goes on or the gateway ends: what is
                    // still untold then is told.
                    let going = resume.go_on(gateway, call, stream, remember, settlement, &mut out);
                    pace.keeping(&self.outlet, Box::pin(going).as_mut()).await;
                }
                self.stream.tell(&mut out);
            } else {
                break;
            }
            self.write(out).await;
        }
    }

    async fn settle(&mut self, fault: Option<&Fault>) {
        let outcome = self.stream.outcome();
        let target = self.settlement.trail().attempts.last().map(|a| a.target.clone());
        let provider = target.as_ref().and_then(|t| self.call.state.providers.get(&t.provider));
        self.settlement.attempt_served(&outcome, provider, fault);
        if let Some(target) = &target {
            owners::remember(&self.gateway, &self.call, target, &outcome.seals).await;
        }
        if fault.is_some() {
            return;
        }
        match (self.remember.take(), &outcome.reply) {
            (Some(remember), Some(reply)) => {
                let body = codec::encode_reply(self.call.face, reply, &remember.context);
                memory::remember_reply(&self.gateway, &self.call, &remember.request, remember.before, reply, &body)
                    .await;
            }
            (Some(_), None) => {}
            (None, reply) => {
                if let Some(reply) = reply {
                    reasoning::keep(&self.gateway, &self.call, reply).await;
                }
                if let Some(target) = &target {
                    memory::remember_pin(&self.gateway, &self.call, target, outcome.id.as_deref()).await;
                }
            }
        }
    }

    async fn write(&mut self, events: Vec<u8>) {
        if events.is_empty() {
            return;
        }
        let bytes = match &mut self.reframe {
            None => events,
            Some(reframe) => reframe.put_over(events).unwrap_or_default(),
        };
        self.outlet.send(bytes).await;
    }
}

/// For who reads trailers: what is known only now.
fn trailers(trail: &Trail) -> HeaderMap {
    let mut trailers = HeaderMap::new();
    headers::put(&mut trailers, "x-tollgate-attempts", &trail.attempts.len().to_string());
    if let Some(cost) = trail.cost() {
        headers::put(&mut trailers, "x-tollgate-cost", &cost.to_string());
    }
    trailers
}
