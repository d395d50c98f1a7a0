//! The simulated provider `sim/…`: what a newcomer without any key sees working, and what load tests ask.
//!
//! It speaks OpenAI's chat and embeddings in-process, through the same pipeline as a real provider. Its answers are a function of the
//! request, so equal requests get equal answers; the model's name chooses latency and faults. It says that it simulates.

mod answer;
mod schema;
mod vectors;

use std::time::Duration;

use bytes::Bytes;
use tollgate_ir::{Delta, Dialect, Event, Fault, Losses, Operation, Reply};
use tollgate_wire::codec::{self, StreamEncoder};
use tollgate_wire::target::{ReplyContext, RequestHead};

/// The provider's id.
pub const ID: &str = "sim";

/// A simulated model: its name, what it does, and what it costs in dollars per million tokens (input, output).
#[derive(Clone, Copy, Debug)]
pub struct SimulatedModel {
    /// Its name behind `sim/`.
    pub name: &'static str,
    /// For people.
    pub about: &'static str,
    /// Before the first token.
    pub first_token: Duration,
    /// Between tokens of a stream.
    pub pace: Duration,
    /// The status that it always fails with.
    pub fails: Option<u16>,
    /// It shows reasoning.
    pub reasons: bool,
}

const fn model(name: &'static str, about: &'static str) -> SimulatedModel {
    SimulatedModel { name, about, first_token: Duration::ZERO, pace: Duration::ZERO, fails: None, reasons: false }
}

/// All simulated models. Any other name behind `sim/` behaves like the first.
pub const MODELS: [SimulatedModel; 6] = [
    model("basic", "answers at once"),
    SimulatedModel { reasons: true, ..model("reasoner", "shows its reasoning") },
    SimulatedModel {
        first_token: Duration::from_millis(400),
        pace: Duration::from_millis(30),
        ..model("slow", "first token after 400 ms, then one each 30 ms")
    },
    SimulatedModel { fails: Some(429), ..model("limited", "always over its rate limit") },
    SimulatedModel { fails: Some(503), ..model("overloaded", "always overloaded") },
    SimulatedModel { fails: Some(500), ..model("broken", "always fails") },
];

/// What the simulated provider does with one request.
pub struct Simulated {
    /// HTTP status.
    pub status: u16,
    /// The body in pieces, each after a pause.
    pub pieces: Vec<(Duration, Bytes)>,
    /// The body is a stream of events.
    pub stream: bool,
}

/// Answers a request in OpenAI's dialect. `created` is now in Unix seconds.
pub fn respond(operation: Operation, body: &[u8], created: u64) -> Simulated {
    match operation {
        Operation::Embed => vectors::respond(body),
        _ => chat(body, created),
    }
}

fn chat(body: &[u8], created: u64) -> Simulated {
    let mut losses = Losses::new(codec::path_of(Dialect::OpenAiChat));
    let request = match codec::decode_request(Dialect::OpenAiChat, body, &RequestHead::default(), &mut losses) {
        Ok(request) => request,
        Err(fault) => return failed(&fault),
    };
    let model = *MODELS.iter().find(|m| m.name == request.model).unwrap_or(&MODELS[0]);
    if let Some(status) = model.fails {
        let kind = codec::decode_fault(Dialect::OpenAiChat, status, &[], b"{}").kind;
        return failed(
            &Fault::new(kind, format!("The simulated model `{}` {}.", model.name, model.about)).status(status),
        );
    }
    let reply = answer::reply(&request, model.reasons);
    let context = ReplyContext {
        id: answer::fingerprint(body),
        model: request.model.clone(),
        created,
        include_usage: request.params.include_usage,
        ..ReplyContext::default()
    };
    if request.stream {
        return Simulated { status: 200, pieces: stream(&reply, &model, context), stream: true };
    }
    let whole = Bytes::from(codec::encode_reply(Dialect::OpenAiChat, &reply, &context));
    Simulated { status: 200, pieces: vec![(model.first_token, whole)], stream: false }
}

fn failed(fault: &Fault) -> Simulated {
    let body = codec::encode_fault(Dialect::OpenAiChat, fault, "");
    Simulated { status: fault.status, pieces: vec![(Duration::ZERO, body.into())], stream: false }
}

/// Each event a piece of its own; each delta after the model's pace.
fn stream(reply: &Reply, model: &SimulatedModel, context: ReplyContext) -> Vec<(Duration, Bytes)> {
    let mut encoder = StreamEncoder::new(Dialect::OpenAiChat, context);
    let mut first = true;
    let mut pieces = Vec::new();
    for event in answer::events(reply) {
        let pause = match &event {
            Event::Delta { delta: Delta::Text(_) | Delta::Arguments(_), .. } if first => {
                first = false;
                model.first_token
            }
            Event::Delta { .. } => model.pace,
            _ => Duration::ZERO,
        };
        let mut out = Vec::new();
        encoder.event(&event, &mut out);
        if !out.is_empty() {
            pieces.push((pause, Bytes::from(out)));
        }
    }
    pieces
}
