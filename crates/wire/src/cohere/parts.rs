//! Parts of a message's content, and documents, into blocks.

use tollgate_ir::{Block, Carry, Content, Dialect, Fault, Losses, Media, MediaKind, MediaSource, Reasoning};

use crate::json::{Fields, Node};
use crate::media::located;

/// The blocks of a `content` that is text or parts. Empty texts are no blocks: clients put them beside calls.
pub(super) fn content(fields: &mut Fields<'_>, losses: &mut Losses) -> Result<Vec<Block>, Fault> {
    let at = fields.path("content");
    let parts = match fields.take("content") {
        None => return Ok(Vec::new()),
        Some(Node::Text(text)) if text.is_empty() => return Ok(Vec::new()),
        Some(Node::Text(text)) => return Ok(vec![Block::text(text).at(at)]),
        Some(Node::Array(parts)) => parts,
        Some(one @ Node::Object(_)) => vec![one],
        Some(other) => {
            return Err(Fault::field(&at, format!("`{at}` must be a string or an array, but is {}.", other.kind())));
        }
    };
    let mut blocks = Vec::new();
    for (i, part) in parts.into_iter().enumerate() {
        blocks.extend(self::part(part, format!("{at}[{i}]"), losses)?);
    }
    Ok(blocks)
}

fn part(node: Node<'_>, at: String, losses: &mut Losses) -> Result<Option<Block>, Fault> {
    if let Node::Text(text) = node {
        return Ok((!text.is_empty()).then(|| Block::text(text).at(at)));
    }
    let whole = node.clone();
    let mut fields = Fields::new(node, at)?;
    let at = fields.at().to_owned();
    let kind = fields.text("type")?.unwrap_or_else(|| {
        let known = ["text", "thinking", "image_url", "document"];
        known.into_iter().find(|key| fields.has(key)).unwrap_or("text").to_owned()
    });
    let block = match kind.as_str() {
        "text" => fields.text("text")?.filter(|t| !t.is_empty()).map(Block::text),
        "thinking" => fields
            .text("thinking")?
            .filter(|t| !t.is_empty())
            .map(|text| Block::new(Content::Reasoning(Reasoning { text, ..Reasoning::default() }))),
        "image_url" => Some(image(&mut fields, losses)?),
        "document" => fields.take("document").map(|document| self::document(&document)),
        _ => {
            let mut block = Block::new(Content::Opaque { kind });
            block.carry = Some(Carry { dialect: Dialect::Cohere, raw: whole.to_json() });
            return Ok(Some(block.at(at)));
        }
    };
    fields.report_rest(losses);
    Ok(block.map(|block| block.at(at)))
}

fn image(fields: &mut Fields<'_>, losses: &mut Losses) -> Result<Block, Fault> {
    let path = fields.path("image_url");
    losses.spell(format!("{}.detail", fields.at()), format!("{path}.detail"));
    let (url, detail) = match fields.take("image_url") {
        Some(Node::Text(url)) => (url, None),
        Some(node) => {
            let mut image = Fields::new(node, path.clone())?;
            let found = (image.required_word("url")?, image.text("detail")?);
            image.report_rest(losses);
            found
        }
        None => return Err(fields.missing("image_url")),
    };
    let (mime, source) = located(&url, &path)?;
    Ok(Block::new(Content::Media(Media { kind: MediaKind::Image, mime, source, name: None, detail })))
}

/// A document (`{"id", "data": {…}}`, or a text) as a block: its text, what else it says in `carry`.
pub(super) fn document(node: &Node<'_>) -> Block {
    let data = node.get("data").unwrap_or(node);
    let text = match data {
        Node::Text(text) => text.to_string(),
        // What a document is made of is the writer's choice; `text` alone, or beside a title, is the usual.
        _ if data.entries().iter().all(|(k, _)| matches!(k.as_ref(), "text" | "title"))
            && data.text("text").is_some() =>
        {
            data.text("text").unwrap_or_default().to_owned()
        }
        _ => data.to_text(),
    };
    let name = data.text("title").or_else(|| node.text("id")).map(str::to_owned);
    let mut block = Block::new(Content::Media(Media {
        kind: MediaKind::Document,
        mime: Some("text/plain".to_owned()),
        source: MediaSource::Text(text),
        name,
        detail: None,
    }));
    block.carry = Some(Carry { dialect: Dialect::Cohere, raw: node.to_json() });
    block
}
