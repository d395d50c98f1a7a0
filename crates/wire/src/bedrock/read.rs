//! Converse's content blocks in the IR: the same for messages of a request and for the message of a reply.
//!
//! A block is a union: an object whose one key says what it is. Provider-run tools, guarded content and search results
//! keep themselves whole in `carry`, for the way back to Bedrock.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tollgate_ir::{
    Block, CacheMark, Call, CallKind, Carry, Citation, Content, Dialect, Fault, Issuer, Losses, MediaKind, Reason,
    Reasoning, Seal, ServerItem, ToolResult,
};

use super::media;
use crate::json::{Fields, Node};

/// Reads the blocks of a message, a system prompt or a reply; a cache point marks the block before it.
pub(super) fn blocks(nodes: Vec<Node<'_>>, at: &str, losses: &mut Losses) -> Result<Vec<Block>, Fault> {
    let mut blocks: Vec<Block> = Vec::with_capacity(nodes.len());
    for (i, node) in nodes.into_iter().enumerate() {
        let at = format!("{at}[{i}]");
        if let Some(mark) = cache_mark(&node) {
            match blocks.last_mut() {
                Some(last) => {
                    losses.spell(format!("{}.cache_control", last.at), format!("{at}.cachePoint"));
                    last.cache = Some(mark);
                }
                None => losses.path(at, Reason::Dropped),
            }
        } else {
            blocks.push(block(node, &at, losses)?);
        }
    }
    Ok(blocks)
}

/// A message's content; some clients send a bare text.
pub(super) fn content(fields: &mut Fields<'_>, losses: &mut Losses) -> Result<Vec<Block>, Fault> {
    let at = fields.path("content");
    match fields.take("content") {
        None => Ok(Vec::new()),
        Some(Node::Text(text)) => Ok(vec![Block::text(text).at(at)]),
        Some(Node::Array(nodes)) => blocks(nodes, &at, losses),
        Some(other) => Err(Fault::field(at.clone(), format!("`{at}` must be an array, but is {}.", other.kind()))),
    }
}

/// `{"cachePoint": {"type": "default", "ttl": "1h"}}`.
pub(super) fn cache_mark(node: &Node<'_>) -> Option<CacheMark> {
    let point = node.get("cachePoint")?;
    Some(CacheMark { one_hour: point.text("ttl") == Some("1h") })
}

fn block(node: Node<'_>, at: &str, losses: &mut Losses) -> Result<Block, Fault> {
    if let Some(item) = server_item(&node) {
        return Ok(whole(Content::Server(item), &node, at));
    }
    if let Some(text) = guarded(&node).or_else(|| searched(&node)) {
        if node.at(&["guardContent", "text", "qualifiers"]).is_some_and(|q| !q.items().is_empty()) {
            losses.own(format!("{at}.guardContent.text.qualifiers"), Reason::Dropped);
        }
        if node.at(&["searchResult", "citations", "enabled"]).and_then(Node::as_bool) == Some(true) {
            losses.own(format!("{at}.searchResult.citations"), Reason::Dropped);
        }
        return Ok(whole(Content::Text { text, citations: Vec::new() }, &node, at));
    }
    let known = ["text", "image", "document", "video", "audio", "toolUse", "toolResult", "reasoningContent"]
        .into_iter()
        .chain(["citationsContent"])
        .find(|key| node.get(key).is_some());
    let Some(known) = known else {
        let kind = node.entries().first().map_or("", |(key, _)| key).to_owned();
        return match node {
            Node::Object(_) => Ok(whole(Content::Opaque { kind }, &node, at)),
            other => Err(Fault::field(at, format!("`{at}` must be a content block, but is {}.", other.kind()))),
        };
    };
    let mut fields = Fields::new(node, at)?;
    let content = match known {
        "text" => Content::Text { text: fields.required_text("text")?, citations: Vec::new() },
        "toolUse" => Content::Call(call(inner(&mut fields, known)?, losses)?),
        "toolResult" => {
            losses.spell(format!("{at}.is_error"), format!("{at}.toolResult.status"));
            Content::Result(result(inner(&mut fields, known)?, losses)?)
        }
        "reasoningContent" => return reasoning(inner(&mut fields, known)?, at, losses),
        "citationsContent" => {
            losses.spell(format!("{at}.citations"), format!("{at}.citationsContent.citations"));
            cited(inner(&mut fields, known)?, losses)?
        }
        kind => {
            let kind = match kind {
                "image" => MediaKind::Image,
                "video" => MediaKind::Video,
                "audio" => MediaKind::Audio,
                _ => MediaKind::Document,
            };
            let mut block = media::read(kind, inner(&mut fields, known)?, losses)?;
            block.at = at.to_owned();
            return Ok(block);
        }
    };
    fields.report_rest(losses);
    Ok(Block::new(content).at(at))
}

fn inner<'a>(fields: &mut Fields<'a>, key: &str) -> Result<Fields<'a>, Fault> {
    fields.object(key)?.ok_or_else(|| fields.missing(key))
}

fn whole(content: Content, node: &Node<'_>, at: &str) -> Block {
    let mut block = Block::new(content).at(at);
    block.carry = Some(Carry { dialect: Dialect::Bedrock, raw: node.to_json() });
    block
}

/// A call or a result of a tool that the provider runs itself (Nova's grounding and code interpreter).
fn server_item(node: &Node<'_>) -> Option<ServerItem> {
    let (key, item) = ["toolUse", "toolResult"].into_iter().find_map(|key| Some((key, node.get(key)?)))?;
    let kind = item.text("type")?;
    let of_server = if key == "toolUse" { kind == "server_tool_use" } else { kind != "tool_result" };
    of_server.then(|| ServerItem { kind: kind.to_owned(), id: item.text("toolUseId").map(str::to_owned) })
}

/// The words of a block that a guardrail is to look at.
fn guarded(node: &Node<'_>) -> Option<String> {
    node.at(&["guardContent", "text"])?.text("text").map(str::to_owned)
}

/// A search result: its source, its title and its words.
fn searched(node: &Node<'_>) -> Option<String> {
    let found = node.get("searchResult")?;
    let parts = found.get("content").map(Node::items).unwrap_or_default();
    let words = parts.iter().filter_map(|part| part.text("text"));
    let all: Vec<_> = found.text("title").into_iter().chain(found.text("source")).chain(words).collect();
    Some(all.join("\n"))
}

fn call(mut fields: Fields<'_>, losses: &mut Losses) -> Result<Call, Fault> {
    let call = Call {
        id: fields.text("toolUseId")?.unwrap_or_default(),
        name: fields.required_text("name")?,
        arguments: match fields.take("input") {
            None => String::new(),
            // Some clients send the arguments as text.
            Some(Node::Text(text)) => text.into_owned(),
            Some(input) => input.to_text(),
        },
        kind: CallKind::Function,
    };
    fields.ignore(&["type"]);
    fields.report_rest(losses);
    Ok(call)
}

fn result(mut fields: Fields<'_>, losses: &mut Losses) -> Result<ToolResult, Fault> {
    let call = fields.required_text("toolUseId")?;
    let error = fields.text("status")?.as_deref() == Some("error");
    let at = fields.path("content");
    let nodes = match fields.take("content") {
        None => Vec::new(),
        Some(Node::Text(text)) => vec![Node::Object(crate::json::Object(vec![("text".into(), Node::Text(text))]))],
        Some(Node::Array(nodes)) => nodes,
        Some(other) => {
            return Err(Fault::field(at.clone(), format!("`{at}` must be an array, but is {}.", other.kind())));
        }
    };
    let json = match &nodes[..] {
        [only] => only.get("json").map(Node::to_json),
        _ => None,
    };
    let mut content = Vec::with_capacity(nodes.len());
    for (i, node) in nodes.into_iter().enumerate() {
        let at = format!("{at}[{i}]");
        content.push(match node.get("json") {
            Some(json) => Block::text(json.to_text()).at(at),
            None => block(node, &at, losses)?,
        });
    }
    fields.ignore(&["type"]);
    fields.report_rest(losses);
    Ok(ToolResult { call, name: None, content, json, error, kind: CallKind::Function })
}

fn reasoning(mut fields: Fields<'_>, at: &str, losses: &mut Losses) -> Result<Block, Fault> {
    let mut block = Block::new(Content::Reasoning(Reasoning::default())).at(at);
    if let Some(data) = fields.text("redactedContent")? {
        block.content = Content::Reasoning(Reasoning { redacted: true, ..Reasoning::default() });
        block.seal = Some(redacted_seal(&data));
    } else if let Some(mut words) = fields.object("reasoningText")? {
        let text = words.text("text")?.unwrap_or_default();
        block.content = Content::Reasoning(Reasoning { text, ..Reasoning::default() });
        block.seal = words.text("signature")?.filter(|s| !s.is_empty()).map(signature);
        words.report_rest(losses);
    }
    fields.report_rest(losses);
    Ok(block)
}

/// Claude's signature, spelled as everywhere.
pub(super) fn signature(data: String) -> Seal {
    Seal { issuer: Issuer::Anthropic, data }
}

/// What Anthropic calls the `data` of redacted thinking is a blob in Converse, so one base64 more is around it.
pub(super) fn redacted_seal(blob: &str) -> Seal {
    let inside = STANDARD.decode(blob).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    signature(inside.unwrap_or_else(|| blob.to_owned()))
}

fn cited(mut fields: Fields<'_>, losses: &mut Losses) -> Result<Content, Fault> {
    let parts = fields.array("content")?.unwrap_or_default();
    let citations = fields.array("citations")?.unwrap_or_default();
    fields.report_rest(losses);
    let text = parts.iter().filter_map(|part| part.text("text")).collect();
    Ok(Content::Text { text, citations: citations.iter().map(citation).collect() })
}

/// One source, in a reply or as a delta of a stream.
pub(super) fn citation(node: &Node<'_>) -> Citation {
    let location = node.get("location");
    let web = location.and_then(|l| l.get("web").or_else(|| l.get("webLocation")));
    let source = node.text("source").filter(|s| s.contains("://"));
    let quotes: Vec<_> = node.get("sourceContent").map(Node::items).unwrap_or_default().iter().collect();
    let quote: String = quotes.iter().filter_map(|part| part.text("text")).collect();
    Citation {
        url: web.and_then(|w| w.text("url")).or(source).map(str::to_owned),
        title: node.text("title").map(str::to_owned),
        quote: (!quote.is_empty()).then_some(quote),
        range: None,
        carry: Some(Carry { dialect: Dialect::Bedrock, raw: node.to_json() }),
    }
}
