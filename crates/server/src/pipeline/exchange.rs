//! One request to one target, and the head of its answer. A refusal comes back as the fault that it is, with the
//! provider's own words where the client reads them.

use std::collections::VecDeque;
use std::pin::pin;
use std::time::Duration;

use http::HeaderMap;
use tokio::time::Instant;
use tollgate_core::config::{TimeoutTerms, Timeouts};
use tollgate_ir::{Dialect, Fault};
use tollgate_wire::codec;

use super::dispatch::Failed;
use super::headers;
use super::receive::Call;
use super::settle::Settlement;
use super::source::Source;
use crate::app::Gateway;
use crate::credentials::Outbound;
use crate::provider::Provider;
use crate::simulate;
use crate::upstream::Deadlines;

/// Most bytes of a whole reply, and of an error.
pub const MAX_REPLY: usize = 64 << 20;
pub const MAX_ERROR: usize = 1 << 20;

/// Who asks whom.
#[derive(Clone, Copy)]
pub struct Exchange<'a> {
    /// The gateway.
    pub gateway: &'a Gateway,
    /// The call that is served.
    pub call: &'a Call,
    /// The target's provider.
    pub provider: &'a Provider,
    /// The dialect of its errors.
    pub upstream: Dialect,
    /// The answer is a stream of tokens: the limit for the first holds until one comes.
    pub stream: bool,
}

/// How long an attempt may take, beside what its provider is given.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// As the policy says: shorter limits of the provider stay.
    pub times: TimeoutTerms,
    /// The end of the call, as the client set it.
    pub client_end: Option<Instant>,
    /// The end of the call with all its attempts, as the operator set it.
    pub end: Option<Instant>,
}

/// The head of a good answer, and where the rest comes from.
pub struct Answered {
    /// HTTP status.
    pub status: u16,
    /// The provider's headers.
    pub headers: HeaderMap,
    /// The body.
    pub source: Source,
}

/// Why there is no good answer.
pub struct Refused {
    /// The status, if the provider answered.
    pub status: Option<u16>,
    /// The failure.
    pub failed: Failed,
}

impl From<Fault> for Refused {
    fn from(fault: Fault) -> Self {
        Self { status: None, failed: fault.into() }
    }
}

impl Exchange<'_> {
    /// Sends a request. A status that is no success is a failure.
    pub async fn send(&self, request: Outbound, settlement: &mut Settlement) -> Result<Answered, Failed> {
        let bounds = settlement.bounds();
        match settlement.waiting(pin!(self.ask(request, &bounds))).await {
            Ok(answered) => {
                settlement.attempt_status(answered.status);
                settlement.attempt_headers(&answered.headers);
                Ok(answered)
            }
            Err(refused) => {
                if let Some(status) = refused.status {
                    settlement.attempt_status(status);
                }
                Err(refused.failed)
            }
        }
    }

    /// The same without the record, for one of several requests that are one attempt together.
    pub async fn ask(&self, request: Outbound, bounds: &Bounds) -> Result<Answered, Refused> {
        let (status, headers, source) = if self.provider.simulated {
            let created = self.gateway.clock().now().unix_ms / 1000;
            let simulated = simulate::respond(self.call.operation, &request.payload.joined(), created);
            let kind = if simulated.stream { "text/event-stream" } else { "application/json" };
            let mut headers = HeaderMap::new();
            headers::put(&mut headers, "content-type", kind);
            (simulated.status, headers, Source::Simulated(VecDeque::from(simulated.pieces)))
        } else {
            let deadlines = self.deadlines(bounds);
            let transport = self.gateway.transport(&self.provider.egress);
            let (head, body) = request.send(transport, &deadlines).await?.into_parts();
            (head.status.as_u16(), head.headers, Source::remote(body, self.stream))
        };
        if (200..300).contains(&status) {
            return Ok(Answered { status, headers, source });
        }
        Err(Refused { status: Some(status), failed: Box::pin(self.refused(status, &headers, source)).await })
    }

    fn deadlines(&self, bounds: &Bounds) -> Deadlines {
        let Timeouts { connect, first_token, idle, total } = self.provider.timeouts;
        let TimeoutTerms { connect: connects, first_token: tokens, idle: silence, total: whole } = bounds.times;
        let nearer = |limit: Duration, term: Option<Duration>| term.map_or(limit, |term| term.min(limit));
        let end = Instant::now() + nearer(total, whole);
        let deadlines = Deadlines {
            connect: nearer(connect, connects),
            first_token: Some(nearer(first_token, tokens)),
            idle: Some(nearer(idle, silence)),
            end: Some(bounds.end.map_or(end, |all| all.min(end))),
            client_end: bounds.client_end,
        };
        if self.stream { deadlines } else { deadlines.whole() }
    }

    /// The provider refused: its words, and its body as it is where it speaks the client's dialect.
    async fn refused(&self, status: u16, headers: &HeaderMap, source: Source) -> Failed {
        let body = match source.whole(MAX_ERROR).await {
            Ok(body) => body,
            Err(fault) => return fault.into(),
        };
        let lines: Vec<(&str, &str)> =
            headers.iter().filter_map(|(n, v)| Some((n.as_str(), v.to_str().ok()?))).collect();
        let fault = codec::decode_fault(self.upstream, status, &lines, &body);
        let is_json = body.first() == Some(&b'{') || body.first() == Some(&b'[');
        let raw = (self.upstream == self.call.face && is_json && !self.provider.simulated).then_some(body);
        Failed { fault, raw }
    }
}
