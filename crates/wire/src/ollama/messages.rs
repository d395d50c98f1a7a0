//! The client's messages into turns.

use std::collections::VecDeque;

use tollgate_ir::{
    Block, Call, CallKind, Content, Fault, Losses, Media, MediaKind, Reasoning, Request, Role, ToolResult, Turn,
};

use crate::ids;
use crate::json::{Fields, Node};
use crate::media::{located, mime_of_bytes};

pub(super) fn decode(items: Vec<Node<'_>>, request: &mut Request, losses: &mut Losses) -> Result<(), Fault> {
    let mut waiting = Waiting::default();
    for (i, item) in items.into_iter().enumerate() {
        let mut fields = Fields::new(item, format!("messages[{i}]"))?;
        let role = fields.text("role")?.unwrap_or_else(|| "user".to_owned());
        let (role, blocks) = match role.as_str() {
            "user" => (Role::User, said(&mut fields)?),
            "system" | "developer" => (Role::System, said(&mut fields)?),
            "assistant" => (Role::Assistant, assistant(&mut fields, &mut waiting, losses)?),
            "tool" => (Role::User, vec![result(&mut fields, &mut waiting)?]),
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

/// Text and images.
fn said(fields: &mut Fields<'_>) -> Result<Vec<Block>, Fault> {
    let at = fields.path("content");
    let mut blocks: Vec<Block> =
        fields.text("content")?.filter(|t| !t.is_empty()).map(|t| Block::text(t).at(at)).into_iter().collect();
    blocks.extend(images(fields)?);
    Ok(blocks)
}

/// `images`: base64; a data URL is one too.
pub(super) fn images(fields: &mut Fields<'_>) -> Result<Vec<Block>, Fault> {
    let at = fields.path("images");
    let items = fields.array("images")?.unwrap_or_default();
    let image = |(i, item): (usize, Node<'_>)| {
        let at = format!("{at}[{i}]");
        let Node::Text(text) = item else {
            return Err(Fault::field(&at, format!("`{at}` must be an image in base64, but is {}.", item.kind())));
        };
        let is_url = ["data:", "http://", "https://"].iter().any(|scheme| text.starts_with(scheme));
        let url = if is_url { text } else { format!("data:;base64,{text}").into() };
        let (mime, source) = located(&url, &at)?;
        let mime = mime.or_else(|| match &source {
            tollgate_ir::MediaSource::Base64(data) => mime_of_bytes(data).map(str::to_owned),
            _ => None,
        });
        let media = Media { kind: MediaKind::Image, mime, source, name: None, detail: None };
        Ok(Block::new(Content::Media(media)).at(at))
    };
    items.into_iter().enumerate().map(image).collect()
}

/// Thinking, text, calls: the order in which the model wrote them.
fn assistant(fields: &mut Fields<'_>, waiting: &mut Waiting, losses: &mut Losses) -> Result<Vec<Block>, Fault> {
    let at = fields.path("thinking");
    let thinking = fields.text("thinking")?.filter(|t| !t.is_empty());
    let mut blocks: Vec<Block> = thinking
        .map(|text| Block::new(Content::Reasoning(Reasoning { text, ..Reasoning::default() })).at(at))
        .into_iter()
        .collect();
    blocks.extend(said(fields)?);
    waiting.0.clear();
    for (i, node) in fields.array("tool_calls")?.unwrap_or_default().into_iter().enumerate() {
        let mut item = Fields::new(node, format!("{}.tool_calls[{i}]", fields.at()))?;
        let call = call(&mut item, fields.at(), i, losses)?;
        waiting.0.push_back((call.id.clone(), call.name.clone()));
        blocks.push(Block::new(Content::Call(call)).at(item.at()));
        item.report_rest(losses);
    }
    Ok(blocks)
}

fn call(item: &mut Fields<'_>, message: &str, place: usize, losses: &mut Losses) -> Result<Call, Fault> {
    item.ignore(&["type"]);
    let id = item.text("id")?.filter(|id| !id.is_empty()).unwrap_or_else(|| ids::made_up(message, place));
    let mut function = item.object("function")?.ok_or_else(|| item.missing("function"))?;
    let name = function.required_text("name")?;
    let arguments = match function.take("arguments") {
        None => String::new(),
        Some(Node::Text(text)) => text.into_owned(),
        Some(node) => node.to_text(),
    };
    function.ignore(&["index", "description"]);
    function.report_rest(losses);
    Ok(Call { id, name, arguments, kind: CallKind::Function })
}

/// A tool's answer. Where it names no call, it answers the first one open, of its tool where that is named.
fn result(fields: &mut Fields<'_>, waiting: &mut Waiting) -> Result<Block, Fault> {
    let at = fields.at().to_owned();
    let said_id = fields.text("tool_call_id")?.filter(|id| !id.is_empty());
    let said_name = fields.take_any(&["tool_name", "name"]);
    let said_name = said_name.as_ref().and_then(Node::as_str).filter(|name| !name.is_empty()).map(str::to_owned);
    let (call, name) = match waiting.take(said_id.as_deref(), said_name.as_deref()) {
        Some((id, name)) => (id, said_name.or(Some(name))),
        None => (said_id.unwrap_or_else(|| ids::made_up(&at, 0)), said_name),
    };
    let content = said(fields)?;
    let result = ToolResult { call, name, content, json: None, error: false, kind: CallKind::Function };
    Ok(Block::new(Content::Result(result)).at(at))
}

/// Calls of the last assistant turn that have no result yet: id and name.
#[derive(Default)]
struct Waiting(VecDeque<(String, String)>);

impl Waiting {
    fn take(&mut self, id: Option<&str>, name: Option<&str>) -> Option<(String, String)> {
        let at = match (id, name) {
            (Some(id), _) => self.0.iter().position(|(i, _)| i == id)?,
            (None, Some(name)) => self.0.iter().position(|(_, n)| n == name).unwrap_or(0),
            (None, None) => 0,
        };
        self.0.remove(at)
    }
}
