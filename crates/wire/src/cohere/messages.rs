//! The client's messages into turns.

use tollgate_ir::{
    Block, Call, CallKind, Carry, Content, Dialect, Fault, Json, Losses, MediaSource, Reason, Request, Role,
    ToolResult, Turn,
};

use super::{citations, parts};
use crate::ids;
use crate::json::{Fields, Node, array};

pub(super) fn decode(items: Vec<Node<'_>>, request: &mut Request, losses: &mut Losses) -> Result<(), Fault> {
    for (i, item) in items.into_iter().enumerate() {
        let mut fields = Fields::new(item, format!("messages[{i}]"))?;
        let role = fields.text("role")?.unwrap_or_else(|| "user".to_owned());
        let (role, blocks) = match role.to_ascii_lowercase().as_str() {
            "user" => (Role::User, parts::content(&mut fields, losses)?),
            "system" | "developer" => (Role::System, parts::content(&mut fields, losses)?),
            "assistant" | "chatbot" => (Role::Assistant, assistant(&mut fields, losses)?),
            "tool" => (Role::User, vec![result(&mut fields, losses)?]),
            other => {
                let path = fields.path("role");
                let public = format!("`{path}` is `{other}`; use user, assistant, system or tool.");
                return Err(Fault::field(path, public));
            }
        };
        fields.report_rest(losses);
        if role == Role::System && request.turns.is_empty() {
            request.system.extend(blocks);
        } else if !blocks.is_empty() {
            request.turns.push(Turn { role, blocks });
        }
    }
    Ok(())
}

/// Thinking, the plan, text, calls: the order in which the model wrote them.
fn assistant(fields: &mut Fields<'_>, losses: &mut Losses) -> Result<Vec<Block>, Fault> {
    let mut blocks = parts::content(fields, losses)?;
    let at = fields.path("tool_plan");
    if let Some(plan) = fields.text("tool_plan")?.filter(|plan| !plan.is_empty()) {
        insert_plan(&mut blocks, plan, at);
    }
    if let Some(cited) = fields.take("citations") {
        citations::attach(&mut blocks, &cited);
        let path = fields.path("citations");
        let held = |b: &&Block| matches!(&b.content, Content::Text { citations, .. } if !citations.is_empty());
        blocks.iter().filter(held).for_each(|b| losses.spell(format!("{}.citations", b.at), path.clone()));
        if !blocks.iter().any(|b| held(&b)) && !cited.items().is_empty() {
            losses.path(path, Reason::Dropped);
        }
    }
    for (i, node) in fields.array("tool_calls")?.unwrap_or_default().into_iter().enumerate() {
        let mut item = Fields::new(node, format!("{}.tool_calls[{i}]", fields.at()))?;
        blocks.push(call(&mut item, fields.at(), i)?);
        item.report_rest(losses);
    }
    Ok(blocks)
}

/// The plan comes after the thinking and before all else.
pub(super) fn insert_plan(blocks: &mut Vec<Block>, plan: String, at: String) {
    let thinking = blocks.iter().take_while(|b| matches!(b.content, Content::Reasoning(_))).count();
    let mut block = Block::text(plan).at(at);
    block.carry = Some(plan_mark());
    blocks.insert(thinking, block);
}

/// Marks a text as `tool_plan`.
pub(super) fn plan_mark() -> Carry {
    Carry { dialect: Dialect::Cohere, raw: Json::parse(r#"{"tool_plan":true}"#).unwrap_or_else(|_| Json::null()) }
}

/// Whether a block, or a delta of one, is marked as `tool_plan`.
pub(super) fn is_plan(carry: Option<&Carry>) -> bool {
    carry.is_some_and(|c| *c == plan_mark())
}

fn call(item: &mut Fields<'_>, message: &str, place: usize) -> Result<Block, Fault> {
    item.ignore(&["type"]);
    let id = item.text("id")?.filter(|id| !id.is_empty()).unwrap_or_else(|| ids::made_up(message, place));
    let at = item.at().to_owned();
    let mut function = item.object("function")?.ok_or_else(|| item.missing("function"))?;
    let name = function.required_text("name")?;
    let arguments = match function.take("arguments") {
        None => String::new(),
        Some(Node::Text(text)) => text.into_owned(),
        Some(node) => node.to_text(),
    };
    Ok(Block::new(Content::Call(Call { id, name, arguments, kind: CallKind::Function })).at(at))
}

/// A tool's answer. One document of JSON is the answer as JSON; several are a list.
fn result(fields: &mut Fields<'_>, losses: &mut Losses) -> Result<Block, Fault> {
    let call = fields.required_text("tool_call_id")?;
    let at = fields.at().to_owned();
    let mut content = parts::content(fields, losses)?;
    let documents: Vec<Node<'_>> = content.iter().filter_map(data_of).collect();
    let mut json = None;
    let mut carry = None;
    if !documents.is_empty() && documents.len() == content.len() {
        let plain = documents.len() == 1 && documents[0].as_str().is_some();
        if !plain {
            json = Some(if documents.len() == 1 { documents[0].to_json() } else { list(&documents) });
        }
        carry = Some(Carry { dialect: Dialect::Cohere, raw: as_parts(&content) });
        let named = |b: &&Block| b.carry.as_ref().is_some_and(|c| c.raw.as_str().contains("\"id\""));
        // What citations would name.
        content.iter().filter(named).for_each(|b| losses.own(format!("{}.document.id", b.at), Reason::Dropped));
        let text = json.as_ref().map_or_else(|| documents[0].as_str().unwrap_or_default(), Json::as_str).to_owned();
        content = vec![Block::text(text).at(content[0].at.clone())];
    }
    let result = ToolResult { call, name: None, content, json, error: false, kind: CallKind::Function };
    let mut block = Block::new(Content::Result(result)).at(at);
    block.carry = carry;
    Ok(block)
}

/// The data of a document block.
fn data_of(block: &Block) -> Option<Node<'_>> {
    let Content::Media(media) = &block.content else { return None };
    let MediaSource::Text(_) = media.source else { return None };
    let node = Node::read(block.carry.as_ref()?.raw.as_str().as_bytes())?;
    Some(node.get("data").cloned().unwrap_or(node))
}

fn list(documents: &[Node<'_>]) -> Json {
    Node::Array(documents.to_vec()).to_json()
}

/// The documents as the parts they came in.
fn as_parts(blocks: &[Block]) -> Json {
    let mut out = Vec::new();
    array(&mut out, |a| {
        for carry in blocks.iter().filter_map(|b| b.carry.as_ref()) {
            a.object(|o| {
                o.text("type", "document");
                o.json("document", &carry.raw);
            });
        }
    });
    String::from_utf8(out).ok().and_then(|text| Json::parse(text).ok()).unwrap_or_else(Json::null)
}
