//! What the dialect does, idea by idea, on fixtures written after Google's reference.

use bytes::Bytes;
use tollgate_ir::{
    Block, BlockStart, Call, CallKind, Choice, Content, Delta, Effort, Event, Fault, FaultKind, Finish, Issuer, Losses,
    Media, MediaKind, MediaSource, OutputFormat, Reason, Reasoning, Reply, Request, Retry, Role, Seal, Thinking,
    ThinkingMode, Tool, ToolChoice, ToolKind, ToolResult, Turn, Usage,
};

use super::*;
use crate::frame::Frame;
use crate::ids::{IdRule, ToolNames};
use crate::json::Node;
use crate::target::{ModelFacts, ReplyContext, RequestHead, Target};

mod identity;
mod replies;
mod requests;

fn decode(body: &str) -> (Request, Vec<String>) {
    let mut losses = Losses::new(path_of);
    let head = RequestHead { model: Some("m"), stream: Some(false), is_scanned: false };
    let request = decode_request(body.as_bytes(), &head, &mut losses).unwrap();
    (request, lost(&losses))
}

fn lost(losses: &Losses) -> Vec<String> {
    losses.all().iter().map(|l| format!("{};{}", l.path, l.reason.as_str())).collect()
}

fn encode_for(model: &str, request: &Request) -> Result<(String, Vec<String>), Fault> {
    let mut losses = Losses::new(path_of);
    let names = ToolNames::new(request, IdRule::WIDE);
    let target = Target { model, names: &names, facts: &ModelFacts::default() };
    let encoded = encode_request(request, &target, &mut losses)?;
    Ok((String::from_utf8(encoded.body).unwrap(), lost(&losses)))
}

fn encode(model: &str, request: &Request) -> String {
    encode_for(model, request).unwrap().0
}

/// A part of the body at a path, as text.
fn at(body: &str, path: &[&str]) -> String {
    let node = Node::read(body.as_bytes()).unwrap();
    node.at(path).map_or_else(|| "absent".to_owned(), Node::to_text)
}

fn turn(role: Role, blocks: Vec<Block>) -> Turn {
    Turn { role, blocks }
}

fn call(id: &str, name: &str) -> Block {
    let call = Call { id: id.into(), name: name.into(), arguments: r#"{"x":1}"#.into(), kind: CallKind::Function };
    Block::new(Content::Call(call)).at(format!("call.{id}"))
}

fn result(call: &str, content: Vec<Block>) -> Block {
    let result =
        ToolResult { call: call.into(), name: None, content, json: None, error: false, kind: CallKind::Function };
    Block::new(Content::Result(result))
}

fn sealed(mut block: Block, issuer: Issuer, data: &str) -> Block {
    block.seal = Some(Seal { issuer, data: data.into() });
    block
}

fn events(chunks: &[&str]) -> Vec<Event> {
    let (mut decoder, mut out) = (StreamDecoder::default(), Vec::new());
    for chunk in chunks {
        let data = Bytes::copy_from_slice(chunk.as_bytes());
        decoder.frame(&Frame { raw: data.clone(), event: Bytes::new(), data, exception: false }, &mut out);
    }
    decoder.end(&mut out);
    out
}

fn context() -> ReplyContext {
    ReplyContext { id: "r1".into(), model: "m1".into(), ..ReplyContext::default() }
}
