//! Our own fixtures after Anthropic's documents, one table per rule; the recorded traffic is in `tests/all/anthropic.rs`.

mod answers;
mod conversations;
mod identity;
mod limits;
mod media;
mod streams;
mod thinking;
mod tools;

use tollgate_ir::{Block, Call, CallKind, Content, Issuer, Losses, Reasoning, Request, Role, Seal, ToolResult, Turn};

use crate::ids::{IdRule, ToolNames};
use crate::json::Node;
use crate::target::{Encoded, ModelFacts, RequestHead, Target};

/// A Claude that takes sampling, budgets, prefill and schemas.
const CLAUDE: &str = "claude-sonnet-4-5";
/// One that thinks as it sees fit and takes no sampling.
const NEW: &str = "claude-opus-4-8";

/// A client's body in the IR, and the paths reported.
fn decode(body: &str) -> (Request, Vec<String>) {
    let mut losses = Losses::new(super::path_of);
    let head = RequestHead { model: Some("m"), stream: None, is_scanned: false };
    let request = super::decode_request(body.as_bytes(), &head, &mut losses).expect("a body that reads");
    (request, reported(&losses))
}

fn reported(losses: &Losses) -> Vec<String> {
    losses.all().iter().map(|loss| format!("{};{}", loss.path, loss.reason.as_str())).collect()
}

/// A request for a model: the body, and what was reported but for an invented output limit.
fn encode_all(model: &str, request: &Request) -> (Encoded, Vec<String>) {
    let names = ToolNames::new(request, IdRule::WIDE);
    let target = Target { model, names: &names, facts: &ModelFacts::default() };
    let mut losses = Losses::new(super::path_of);
    let encoded = super::encode_request(request, &target, &mut losses).expect("a request that can be said");
    let mut reported = reported(&losses);
    reported.retain(|path| path != "max_tokens;defaulted");
    (encoded, reported)
}

fn encode(model: &str, request: &Request) -> (String, Vec<String>) {
    let (encoded, reported) = encode_all(model, request);
    (String::from_utf8(encoded.body).expect("UTF-8"), reported)
}

/// A field of what was written, as text; `null` if it is not there.
fn field(body: &str, path: &[&str]) -> String {
    let node = Node::read(body.as_bytes()).expect("JSON");
    node.at(path).map_or_else(|| "null".to_owned(), Node::to_text)
}

fn refusal(model: &str, request: &Request) -> tollgate_ir::Fault {
    let names = ToolNames::new(request, IdRule::WIDE);
    let target = Target { model, names: &names, facts: &ModelFacts::default() };
    super::encode_request(request, &target, &mut Losses::new(super::path_of)).expect_err("a refusal")
}

fn turn(role: Role, blocks: Vec<Block>) -> Turn {
    let blocks = blocks.into_iter().enumerate().map(|(i, block)| block.at(format!("m[{i}]"))).collect();
    Turn { role, blocks }
}

fn conversation(turns: Vec<Turn>) -> Request {
    Request { model: "m".into(), turns, ..Request::default() }
}

fn hello() -> Request {
    conversation(vec![turn(Role::User, vec![Block::text("Hello")])])
}

fn call(id: &str) -> Block {
    let arguments = format!(r#"{{"of":"{id}"}}"#);
    Block::new(Content::Call(Call { id: id.into(), name: "look".into(), arguments, kind: CallKind::Function }))
}

fn result(id: &str) -> Block {
    let content = vec![Block::text(format!("seen {id}"))];
    let call = id.to_owned();
    Block::new(Content::Result(ToolResult {
        call,
        name: None,
        content,
        json: None,
        error: false,
        kind: CallKind::Function,
    }))
}

fn thought(text: &str, issuer: Issuer, data: &str) -> Block {
    let reasoning = Reasoning { text: text.into(), redacted: text.is_empty(), ..Reasoning::default() };
    let mut block = Block::new(Content::Reasoning(reasoning));
    block.seal = Some(Seal { issuer, data: data.into() });
    block
}
