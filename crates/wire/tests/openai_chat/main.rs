//! OpenAI Chat Completions, both ways: our own fixtures per idea, and properties over recorded traffic.

#![expect(
    clippy::disallowed_types,
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::panic,
    reason = "tests judge by another parser than ours, and may fail and speak"
)]

mod fold;
mod identity;
mod recorded;
mod replies;
mod requests;
mod streams;
mod upstream;

use serde_json::Value;
use tollgate_ir::{Dialect, Fault, Losses, Request};
use tollgate_wire::codec;
use tollgate_wire::ids::{IdRule, ToolNames};
use tollgate_wire::target::{ModelFacts, ReplyContext, RequestHead, Target};

const CHAT: Dialect = Dialect::OpenAiChat;

fn losses() -> Losses {
    Losses::new(codec::path_of(CHAT))
}

fn context() -> ReplyContext {
    ReplyContext { id: "abc".into(), model: "m".into(), created: 7, include_usage: false, echo: None }
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
