//! OpenAI Chat Completions, both ways: our own fixtures per idea, and properties over recorded traffic.

mod identity;
mod recorded;
mod replies;
mod requests;
mod streams;
mod upstream;

use serde_json::Value;
use tollgate_ir::{Dialect, Event, Fault, Losses, Request};
use tollgate_wire::codec;
use tollgate_wire::ids::{IdRule, ToolNames};
use tollgate_wire::target::{ModelFacts, ReplyContext, RequestHead, Target};

const CHAT: Dialect = Dialect::OpenAiChat;

fn losses() -> Losses {
    Losses::new(codec::path_of(CHAT))
}

fn context() -> ReplyContext {
    ReplyContext { id: "abc".into(), model: "m".into(), created: 7, ..ReplyContext::default() }
}

/// A request of the client, and what was lost of it: `path;reason`.
fn decode(body: &str) -> Result<(Request, Vec<String>), Fault> {
    let mut losses = losses();
    let request = codec::decode_request(CHAT, body.as_bytes(), &RequestHead::default(), &mut losses)?;
    Ok((request, said(&losses)))
}

/// What a host gets, byte for byte, and what was lost on the way there.
fn encode_text(request: &Request, model: &str) -> Result<(String, Vec<String>), Fault> {
    let names = ToolNames::new(request, IdRule::WIDE);
    let facts = ModelFacts::default();
    let mut losses = losses();
    let encoded = codec::encode_request(CHAT, request, &Target { model, names: &names, facts: &facts }, &mut losses)?;
    Ok((String::from_utf8(encoded.body).unwrap(), said(&losses)))
}

/// The same, parsed.
fn encode(request: &Request, model: &str) -> Result<(Value, Vec<String>), Fault> {
    encode_text(request, model).map(|(body, lost)| (serde_json::from_str(&body).unwrap(), lost))
}

fn said(losses: &Losses) -> Vec<String> {
    losses.all().iter().map(|l| format!("{};{}", l.path, l.reason.as_str())).collect()
}

/// The events of a body that comes in pieces of `cut` bytes, without signs of life.
fn events(body: &[u8], cut: usize) -> Vec<Event> {
    let mut out = crate::streams::events(CHAT, body, "text/event-stream", cut);
    out.retain(|event| *event != Event::Ping);
    out
}

/// The data of each event that is sent for these.
fn sent(events: &[Event], context: ReplyContext) -> Vec<String> {
    let body = String::from_utf8(crate::streams::bytes(CHAT, events, context)).unwrap();
    body.split("\n\n").filter_map(|e| e.strip_prefix("data: ")).map(str::to_owned).collect()
}
