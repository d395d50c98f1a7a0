//! A client's content blocks → IR. Every field is taken, carried along for Anthropic, or reported; blocks of unknown
//! types are carried whole.

use tollgate_ir::{
    Block, CacheMark, Call, CallKind, Carry, Content, Dialect, Fault, Issuer, Losses, MediaKind, Reason, Reasoning,
    ServerItem, ToolResult,
};

use super::is_server;
use crate::anthropic::{citations, media, seal};
use crate::json::{Fields, Node, Object};

/// Reads a content that is a text or a list of blocks; `null` and absence are an empty one.
pub(in crate::anthropic) fn content(
    content: Option<Node<'_>>,
    at: String,
    losses: &mut Losses,
) -> Result<Vec<Block>, Fault> {
    match content {
        None => Ok(Vec::new()),
        Some(Node::Text(text)) => Ok(vec![Block::text(text).at(at)]),
        Some(Node::Array(items)) => {
            items.into_iter().enumerate().map(|(i, item)| block(item, format!("{at}[{i}]"), losses)).collect()
        }
        Some(other) => Err(crate::json::wrong(&at, "a string or an array of blocks", &other)),
    }
}

/// Reads one block. A block without a type but with a text is text, and a bare string likewise.
fn block(node: Node<'_>, at: String, losses: &mut Losses) -> Result<Block, Fault> {
    if let Node::Text(text) = node {
        return Ok(Block::text(text).at(at));
    }
    let kind = node.text("type").unwrap_or("text").to_owned();
    if !matches!(
        kind.as_str(),
        "text" | "image" | "document" | "search_result" | "tool_use" | "tool_result" | "thinking" | "redacted_thinking"
    ) {
        return opaque(node, &kind, at);
    }
    let of_blocks = kind == "search_result" || node.at(&["source", "type"]).and_then(Node::as_str) == Some("content");
    let whole = of_blocks.then(|| node.to_json());
    if of_blocks {
        own_of_blocks(&node, &at, losses);
    }
    let mut fields = Fields::new(node, at.clone())?;
    fields.ignore(&["type"]);
    let cache = cache_mark(&mut fields, losses)?;
    let mut block = match kind.as_str() {
        "image" => image(&mut fields, losses)?,
        "document" => document(&mut fields, losses)?,
        "search_result" => search_result(&mut fields)?,
        "tool_use" => call(&mut fields)?,
        "tool_result" => result(&mut fields, losses)?,
        "thinking" | "redacted_thinking" => thinking(&mut fields, kind == "redacted_thinking")?,
        _ => text(&mut fields)?,
    };
    if let Some(raw) = whole {
        block.carry = Some(Carry { dialect: Dialect::Anthropic, raw });
    }
    block.cache = cache;
    block.at = at;
    fields.report_rest(losses);
    Ok(block)
}

fn opaque(node: Node<'_>, kind: &str, at: String) -> Result<Block, Fault> {
    if !matches!(node, Node::Object(_)) {
        return Err(crate::json::wrong(&at, "a content block", &node));
    }
    let content = if is_server(kind) {
        Content::Server(ServerItem { kind: kind.to_owned(), id: node.text("id").map(str::to_owned) })
    } else {
        Content::Opaque { kind: kind.to_owned() }
    };
    let mut block = Block::new(content).at(at);
    let one_hour = |control: &Node<'_>| control.text("ttl") == Some("1h");
    block.cache = node.get("cache_control").map(|control| CacheMark { one_hour: one_hour(control) });
    block.carry = Some(Carry { dialect: Dialect::Anthropic, raw: node.to_json() });
    Ok(block)
}

/// Takes `cache_control`.
pub(in crate::anthropic) fn cache_mark(
    fields: &mut Fields<'_>,
    losses: &mut Losses,
) -> Result<Option<CacheMark>, Fault> {
    let Some(mut control) = fields.object("cache_control")? else { return Ok(None) };
    control.ignore(&["type"]);
    let ttl = control.text("ttl")?;
    if !matches!(ttl.as_deref(), None | Some("5m" | "1h")) {
        losses.path(control.path("ttl"), Reason::Adjusted);
    }
    control.report_rest(losses);
    Ok(Some(CacheMark { one_hour: ttl.as_deref() == Some("1h") }))
}

fn text(fields: &mut Fields<'_>) -> Result<Block, Fault> {
    let text = fields.required_text("text")?;
    let citations = fields.array("citations")?.unwrap_or_default();
    Ok(Block::new(Content::Text { text, citations: citations.iter().map(citations::read).collect() }))
}

fn image(fields: &mut Fields<'_>, losses: &mut Losses) -> Result<Block, Fault> {
    let mut source = fields.object("source")?.ok_or_else(|| fields.missing("source"))?;
    let mut block = Block::new(Content::Media(media::read(MediaKind::Image, &mut source)?));
    source.report_rest(losses);
    block.carry = carry(fields, &["transformations"]);
    Ok(block)
}

/// One whose content is a list of blocks is carried whole beside its words.
fn document(fields: &mut Fields<'_>, losses: &mut Losses) -> Result<Block, Fault> {
    let mut source = fields.object("source")?.ok_or_else(|| fields.missing("source"))?;
    let mut media = media::read(MediaKind::Document, &mut source)?;
    source.report_rest(losses);
    media.name = fields.text("title")?;
    losses.spell(format!("{}.name", fields.at()), fields.path("title"));
    let mut block = Block::new(Content::Media(media));
    block.carry = carry(fields, &["citations", "context"]);
    Ok(block)
}

/// Of the blocks within a document or a search result other dialects get the words.
fn own_of_blocks(node: &Node<'_>, at: &str, losses: &mut Losses) {
    let (inner, path) = match node.get("source").filter(|source| matches!(source, Node::Object(_))) {
        Some(source) => (source.get("content"), "source.content"),
        None => (node.get("content"), "content"),
    };
    for (i, block) in inner.map(Node::items).unwrap_or_default().iter().enumerate() {
        if block.text("text").is_none() {
            losses.own(format!("{at}.{path}[{i}]"), Reason::Dropped);
            continue;
        }
        for (key, _) in block.entries().iter().filter(|(key, _)| !matches!(key.as_ref(), "type" | "text")) {
            losses.own(format!("{at}.{path}[{i}].{key}"), Reason::Dropped);
        }
    }
}

/// A search result that the client has found itself: its words, which any model can read.
fn search_result(fields: &mut Fields<'_>) -> Result<Block, Fault> {
    let title = fields.text("title")?;
    let source = fields.text("source")?;
    let words = media::text_of(fields.take("content").as_ref());
    fields.ignore(&["citations"]);
    let parts: Vec<_> = [title, source, Some(words)].into_iter().flatten().filter(|part| !part.is_empty()).collect();
    Ok(Block::text(parts.join("\n")))
}

fn call(fields: &mut Fields<'_>) -> Result<Block, Fault> {
    let id = fields.required_text("id")?;
    let name = fields.required_text("name")?;
    let arguments = match fields.take("input") {
        None => String::new(),
        Some(Node::Text(text)) => text.into_owned(),
        Some(node) => node.to_text(),
    };
    let mut block = Block::new(Content::Call(Call { id, name, arguments, kind: CallKind::Function }));
    block.carry = carry(fields, &["caller", "toolset_name"]);
    Ok(block)
}

fn result(fields: &mut Fields<'_>, losses: &mut Losses) -> Result<Block, Fault> {
    let call = fields.required_text("tool_use_id")?;
    let error = fields.boolean("is_error")?.unwrap_or(false);
    let content = content(fields.take("content"), fields.path("content"), losses)?;
    let mut block = Block::new(Content::Result(ToolResult {
        call,
        name: None,
        content,
        json: None,
        error,
        kind: CallKind::Function,
    }));
    block.carry = carry(fields, &["toolset_name"]);
    Ok(block)
}

fn thinking(fields: &mut Fields<'_>, redacted: bool) -> Result<Block, Fault> {
    let text = if redacted { None } else { fields.text("thinking")? };
    let sealed = fields.text(if redacted { "data" } else { "signature" })?.unwrap_or_default();
    Ok(reasoning(text.unwrap_or_default(), &sealed, redacted))
}

/// A reasoning block from its words and its `signature` or `data`.
pub(in crate::anthropic) fn reasoning(text: String, sealed: &str, redacted: bool) -> Block {
    let (seal, id) = seal::read(sealed);
    let summary = seal.as_ref().is_some_and(|s| s.issuer == Issuer::OpenAi);
    let mut block = Block::new(Content::Reasoning(Reasoning { text, summary, redacted, id }));
    block.seal = seal;
    block
}

/// Takes the fields of these names as one JSON object for the way back to Anthropic.
pub(in crate::anthropic) fn carry(fields: &mut Fields<'_>, keys: &[&str]) -> Option<Carry> {
    let found: Vec<_> =
        keys.iter().filter_map(|key| fields.take(key).map(|node| ((*key).to_owned().into(), node))).collect();
    (!found.is_empty()).then(|| Carry { dialect: Dialect::Anthropic, raw: Node::Object(Object(found)).to_json() })
}
