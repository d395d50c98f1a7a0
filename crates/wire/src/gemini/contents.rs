//! `contents` of a client's request → turns.

use std::collections::VecDeque;

use tollgate_ir::{
    Block, Call, CallKind, Carry, Content, Dialect, Fault, Issuer, Losses, Reason, Reasoning, Role, Seal, ServerItem,
    Turn,
};

use super::proto::{self, Proto, wrong};
use super::{media, results};
use crate::ids;
use crate::json::Node;

/// Keys of parts that are steps of tools that Google runs.
pub(super) const SERVER_PARTS: [&str; 4] = ["executableCode", "codeExecutionResult", "toolCall", "toolResponse"];

/// Reads `contents`: a text, one content, or a list of either, or of parts, as the SDKs take them.
pub(super) fn decode(path: String, node: Node<'_>, losses: &mut Losses) -> Result<Vec<Turn>, Fault> {
    let mut history = History::default();
    let items = match node {
        Node::Array(items) => items.into_iter().enumerate().map(|(i, item)| (format!("{path}[{i}]"), item)).collect(),
        one => vec![(path, one)],
    };
    let mut turns: Vec<Turn> = Vec::with_capacity(items.len());
    for (at, item) in items {
        let turn = turn(at, item, &mut history, losses)?;
        match turns.last_mut() {
            // Google's SDK keeps each chunk of a stream as a content of its own: pieces of one answer.
            Some(last) if last.role == Role::Assistant && turn.role == Role::Assistant => {
                last.blocks.extend(turn.blocks);
            }
            _ => turns.push(turn),
        }
    }
    Ok(turns)
}

/// The calls so far, to join results to them: by id, or else by name in order.
#[derive(Default)]
pub(super) struct History {
    calls: usize,
    open: VecDeque<(String, String)>,
}

impl History {
    fn call(&mut self, id: Option<String>, name: &str) -> String {
        let id = id.filter(|id| !id.is_empty()).unwrap_or_else(|| ids::made_up("history", self.calls));
        self.calls += 1;
        self.open.push_back((id.clone(), name.to_owned()));
        id
    }

    /// The id of the call that a result answers.
    pub(super) fn answer(&mut self, id: Option<String>, name: &str) -> String {
        let by_id = id.as_ref().and_then(|id| self.open.iter().position(|(open, _)| open == id));
        let by_name = || self.open.iter().position(|(_, open)| open == name);
        match (by_id.or_else(by_name).and_then(|i| self.open.remove(i)), id) {
            // A client that renamed the id in its answer is still understood by the name.
            (Some((call, _)), _) => call,
            (None, Some(id)) => id,
            (None, None) => ids::made_up("history", self.calls),
        }
    }
}

fn turn(at: String, item: Node<'_>, history: &mut History, losses: &mut Losses) -> Result<Turn, Fault> {
    let is_content = item.entries().iter().any(|(key, _)| matches!(key.as_ref(), "parts" | "role"));
    if !is_content {
        let block = part(at, item, history, losses)?;
        return Ok(Turn { role: Role::User, blocks: block.into_iter().collect() });
    }
    let mut fields = Proto::new(item, at)?;
    let role = match fields.text("role")?.as_deref() {
        Some("model" | "assistant") => Role::Assistant,
        Some("system") => Role::System,
        _ => Role::User,
    };
    let blocks = parts(&mut fields, history, losses)?;
    fields.report_rest(losses);
    Ok(Turn { role, blocks })
}

/// The blocks of a content's `parts`.
pub(super) fn parts(fields: &mut Proto<'_>, history: &mut History, losses: &mut Losses) -> Result<Vec<Block>, Fault> {
    let mut blocks = Vec::new();
    for (path, node) in fields.list("parts") {
        blocks.extend(part(path, node, history, losses)?);
    }
    Ok(blocks)
}

/// One part. An empty text without a signature says nothing and is no block.
fn part(at: String, node: Node<'_>, history: &mut History, losses: &mut Losses) -> Result<Option<Block>, Fault> {
    if let Node::Text(text) = node {
        return Ok((!text.is_empty()).then(|| Block::text(text).at(at)));
    }
    let seal = seal(&node);
    if let Some(block) = whole(&node, &seal) {
        return Ok(Some(block.at(at)));
    }
    let media = media::decode(&node);
    media::spell(&node, &at, losses);
    let mut fields = Proto::new(node, at.clone())?;
    losses.spell(format!("{at}.seal"), fields.path("thoughtSignature"));
    fields.ignore(&["thoughtSignature"]);
    let thought = fields.boolean("thought")?.unwrap_or(false);
    let content = if let Some(call) = fields.object("functionCall")? {
        function_call(call, history, losses)?
    } else if let Some(response) = fields.object("functionResponse")? {
        results::decode(response, history, losses)?
    } else if fields.has("inlineData") || fields.has("fileData") {
        media_content(&mut fields, media)?
    } else if let Some(text) = fields.text("text")? {
        match text_content(text, thought, seal.is_some()) {
            Some(content) => content,
            None => return Ok(None),
        }
    } else {
        return Ok(unknown(fields, seal, at));
    };
    let mut block = Block::new(content).at(at);
    if thought {
        // Says that the words are Gemini's own, also where no signature does.
        block.carry =
            tollgate_ir::Json::parse(r#"{"thought":true}"#).ok().map(|raw| Carry { dialect: Dialect::Gemini, raw });
    }
    block.seal = seal;
    fields.report_rest(losses);
    Ok(Some(block))
}

/// The signature of a part, for Gemini only.
pub(super) fn seal(part: &Node<'_>) -> Option<Seal> {
    let data = proto::text(part, "thoughtSignature").filter(|s| !s.is_empty())?;
    Some(Seal { issuer: Issuer::Gemini, data: data.to_owned() })
}

/// A part that is kept whole, for Gemini only: a step of a tool that Google runs, or a picture among the thoughts.
pub(super) fn whole(part: &Node<'_>, seal: &Option<Seal>) -> Option<Block> {
    let step = SERVER_PARTS.into_iter().find_map(|key| Some((key, proto::get(part, key)?)));
    let (kind, id) = match step {
        Some((key, data)) => (key, data.text("id").map(str::to_owned)),
        None if proto::get(part, "thought").and_then(Node::as_bool) == Some(true) && part.get("text").is_none() => {
            ("thought", None)
        }
        None => return None,
    };
    let mut block = Block::new(Content::Server(ServerItem { kind: kind.to_owned(), id }));
    block.carry = Some(Carry { dialect: Dialect::Gemini, raw: part.to_json() });
    block.seal.clone_from(seal);
    Some(block)
}

/// Words, or reasoning. A signature without words seals what came before it: the state of the model's reasoning.
pub(super) fn text_content(text: String, thought: bool, sealed: bool) -> Option<Content> {
    if thought || (text.is_empty() && sealed) {
        return Some(Content::Reasoning(Reasoning { text, ..Reasoning::default() }));
    }
    (!text.is_empty()).then_some(Content::Text { text, citations: Vec::new() })
}

fn media_content(fields: &mut Proto<'_>, media: Option<tollgate_ir::Media>) -> Result<Content, Fault> {
    let key = if fields.has("inlineData") { "inlineData" } else { "fileData" };
    let path = fields.path(key);
    fields.ignore(&[key]);
    media.map(Content::Media).ok_or_else(|| {
        let (inner, what) = if key == "inlineData" { ("data", "bytes in base64") } else { ("fileUri", "an address") };
        Fault::field(format!("{path}.{inner}"), format!("`{path}` must hold {what} in `{inner}`."))
    })
}

fn function_call(mut call: Proto<'_>, history: &mut History, losses: &mut Losses) -> Result<Content, Fault> {
    let Some(name) = call.text("name")? else {
        let path = call.path("name");
        return Err(Fault::field(path.clone(), format!("Missing required field: `{path}`.")));
    };
    let arguments = match call.take("args") {
        None => "{}".to_owned(),
        Some((_, args @ Node::Object(_))) => args.to_text(),
        Some((path, other)) => return Err(wrong(&path, "an object", &other)),
    };
    let id = history.call(call.text("id")?, &name);
    call.report_rest(losses);
    Ok(Content::Call(Call { id, name, arguments, kind: CallKind::Function }))
}

/// A part of a kind that this version does not know.
fn unknown(fields: Proto<'_>, seal: Option<Seal>, at: String) -> Option<Block> {
    let rest = fields.rest();
    let (kind, _) = rest.entries().iter().find(|(_, value)| *value != Node::Null)?;
    let mut block = Block::new(Content::Opaque { kind: kind.to_string() }).at(at);
    block.carry = Some(Carry { dialect: Dialect::Gemini, raw: rest.to_json() });
    block.seal = seal;
    Some(block)
}

/// Reads `systemInstruction`: a content, its parts, or a text.
pub(super) fn system(path: String, node: Node<'_>, losses: &mut Losses) -> Result<Vec<Block>, Fault> {
    let mut history = History::default();
    let blocks = match node {
        Node::Array(items) => {
            let mut blocks = Vec::new();
            for (i, item) in items.into_iter().enumerate() {
                blocks.extend(turn(format!("{path}[{i}]"), item, &mut history, losses)?.blocks);
            }
            blocks
        }
        one => turn(path, one, &mut history, losses)?.blocks,
    };
    let (kept, lost): (Vec<_>, Vec<_>) = blocks.into_iter().partition(|b| matches!(b.content, Content::Text { .. }));
    for block in lost {
        losses.block(&block, "", Reason::Dropped);
    }
    Ok(kept)
}
