//! An answer that goes to the client as it is, while it comes: uploads' answers, files, sound, whatever a provider has.
//! What it says of itself is noted on the way.

use bytes::Bytes;
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE, HeaderName, LOCATION};
use http::{HeaderMap, HeaderValue, StatusCode};
use tollgate_ir::{Fault, FaultKind};
use tollgate_wire::ops::usage::Watch;

use super::embed::counted;
use super::outcome::Outcome;
use super::outlet::ReplyBodyOut;
use super::reply::Reply;
use super::settle::Settlement;
use super::source::Source;
use crate::app::Gateway;

/// Headers that say what a body is, beside those that any answer hands on.
const OF_BODY: [HeaderName; 5] = [
    CONTENT_TYPE,
    CONTENT_DISPOSITION,
    LOCATION,
    HeaderName::from_static("x-goog-upload-status"),
    HeaderName::from_static("accept-ranges"),
];

/// Such an answer.
pub struct Handed {
    status: StatusCode,
    headers: HeaderMap,
    source: Source,
    watch: Watch,
    /// What is known of it without looking.
    pub known: Option<Box<Outcome>>,
}

impl Handed {
    /// Of the head of a provider's answer.
    pub fn new(status: u16, provider: &HeaderMap, source: Source) -> Self {
        let mut headers = HeaderMap::new();
        for name in OF_BODY {
            if let Some(value) = provider.get(&name) {
                headers.insert(name, value.clone());
            }
        }
        // No length: a body of known length is not polled past its last byte, and then its end would not be seen.
        let kind = provider.get(CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or("");
        let known = counted(provider).map(|usage| Box::new(Outcome { usage: Some(usage), ..Outcome::default() }));
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
        Self { status, headers, source, watch: Watch::new(kind), known }
    }

    /// Says what the body is.
    pub fn content_type(&mut self, kind: &'static str) {
        self.headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    }

    /// Its status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The reply, with these headers beside those of the body; its end is settled.
    pub fn reply(self, gateway: &Gateway, headers: HeaderMap, settlement: Settlement) -> Reply {
        let Self { status, headers: of_body, source, watch, known } = self;
        let ending = gateway.tasks().ending().clone();
        let mut response = http::Response::new(ReplyBodyOut::driven(move |outlet| async move {
            let mut writing = Writing { source, watch, known, settlement };
            loop {
                let next = tokio::select! {
                    biased;
                    next = writing.source.chunk() => next,
                    () = ending.cancelled() => Err(Fault::new(
                        FaultKind::ShuttingDown,
                        "The gateway is shutting down; send the request again.",
                    )),
                };
                match next {
                    Ok(Some(chunk)) => {
                        writing.seen(&chunk);
                        outlet.send(chunk).await;
                    }
                    Ok(None) => return writing.done(),
                    Err(fault) => {
                        writing.broken(&fault);
                        return outlet.break_off().await;
                    }
                }
            }
        }));
        *response.status_mut() = status;
        response.headers_mut().extend(headers);
        response.headers_mut().extend(of_body);
        response
    }
}

struct Writing {
    source: Source,
    watch: Watch,
    known: Option<Box<Outcome>>,
    settlement: Settlement,
}

impl Writing {
    fn seen(&mut self, chunk: &Bytes) {
        self.settlement.first_token();
        self.watch.push(chunk);
    }

    fn done(mut self) {
        let said = self.watch.end();
        let mut outcome = self.known.map_or_else(Outcome::default, |known| *known);
        outcome.usage = outcome.usage.or(said.usage);
        outcome.model = outcome.model.or(said.model);
        outcome.id = outcome.id.or(said.id);
        self.settlement.attempt_handed(&outcome);
        self.settlement.done();
    }

    fn broken(self, fault: &Fault) {
        let mut settlement = self.settlement;
        settlement.attempt_failed(fault);
        settlement.failed(fault);
    }
}
