//! Bedrock Converse by the protocol's rules and by recorded traffic.

mod identity;
mod recorded;
mod replies;
mod requests;
mod streams;

use tollgate_ir::{Dialect, Fault, Json, Loss, Losses, Request};
use tollgate_wire::codec;
use tollgate_wire::ids::{IdRule, ToolNames};
use tollgate_wire::json::Node;
use tollgate_wire::target::{Encoded, ModelFacts, RequestHead, Target};

const CLAUDE: &str = "us.anthropic.claude-sonnet-4-5-20250929-v1:0";
const OLD_CLAUDE: &str = "us.anthropic.claude-3-7-sonnet-20250219-v1:0";
const NEW_CLAUDE: &str = "us.anthropic.claude-opus-4-7-v1";
const NOVA: &str = "us.amazon.nova-2-lite-v1:0";
const LLAMA: &str = "us.meta.llama4-maverick-17b-instruct-v1:0";

/// A request as Bedrock's face reads it.
fn decoded(body: &str) -> (Request, Vec<Loss>) {
    let mut losses = Losses::new(codec::path_of(Dialect::Bedrock));
    let head = RequestHead { model: Some("m"), stream: Some(false), is_scanned: false };
    let request = codec::decode_request(Dialect::Bedrock, body.as_bytes(), &head, &mut losses).unwrap();
    (request, losses.all().to_vec())
}

/// A request as one model is sent it, and what was lost, as `path;reason`.
fn try_encoded(request: &Request, model: &str) -> Result<(Encoded, Vec<String>), Fault> {
    let mut losses = Losses::new(|field| match field {
        tollgate_ir::Field::MaxTokens => "max_tokens",
        tollgate_ir::Field::Thinking => "thinking",
        tollgate_ir::Field::ToolChoice => "tool_choice",
        tollgate_ir::Field::Temperature => "temperature",
        tollgate_ir::Field::TopP => "top_p",
        tollgate_ir::Field::Tools => "tools",
        _ => "other",
    });
    let names = ToolNames::new(request, IdRule::WIDE);
    let target = Target { model, names: &names, facts: &ModelFacts::default() };
    let encoded = codec::encode_request(Dialect::Bedrock, request, &target, &mut losses)?;
    let lost = losses.all().iter().map(|loss| format!("{};{}", loss.path, loss.reason.as_str())).collect();
    Ok((encoded, lost))
}

fn encoded(request: &Request, model: &str) -> (String, Vec<String>) {
    let (encoded, lost) = try_encoded(request, model).unwrap();
    let body = String::from_utf8(encoded.body).unwrap();
    Node::parse(body.as_bytes()).expect("valid JSON");
    (body, lost)
}

/// One top-level field of what a model is sent.
fn field(request: &Request, model: &str, path: &[&str]) -> Option<String> {
    let (body, _) = encoded(request, model);
    Node::parse(body.as_bytes()).unwrap().at(path).map(Node::to_text)
}

fn json(text: &str) -> Json {
    Json::parse(text).unwrap()
}
