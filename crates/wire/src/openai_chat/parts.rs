//! Content parts of messages → blocks.

use tollgate_ir::{Block, CacheMark, Carry, Content, Dialect, Fault, Losses, Media, MediaKind, MediaSource};

use super::reasoning;
use crate::json::{self, Fields, Node};
use crate::media::{located, mime_of_name};

/// A message's `content`: a text, parts, or one part.
pub(super) fn content(message: &mut Fields<'_>, losses: &mut Losses) -> Result<Vec<Block>, Fault> {
    let path = message.path("content");
    let mut blocks = Vec::new();
    match message.take("content") {
        None => {}
        Some(Node::Text(text)) if text.is_empty() => {}
        Some(Node::Text(text)) => blocks.push(Block::text(text).at(path)),
        Some(Node::Array(parts)) => {
            for (i, node) in parts.into_iter().enumerate() {
                blocks.extend(part(node, message.item("content", i), losses)?);
            }
        }
        Some(node @ Node::Object(_)) => blocks.extend(part(node, path, losses)?),
        Some(other) => return Err(json::wrong(&path, "a string or an array of content parts", &other)),
    }
    if let (Some(mark), Some(last)) = (cache_mark(message, losses)?, blocks.last_mut()) {
        losses.spell(format!("{}.cache_control", last.at), message.path("cache_control"));
        last.cache.get_or_insert(mark);
    }
    Ok(blocks)
}

/// `cache_control` (`OpenRouter`, `LiteLLM`) and OpenAI's `prompt_cache_breakpoint`.
pub(super) fn cache_mark(fields: &mut Fields<'_>, losses: &mut Losses) -> Result<Option<CacheMark>, Fault> {
    let mut mark = None;
    for key in ["cache_control", "prompt_cache_breakpoint"] {
        if let Some(mut inner) = fields.object(key)? {
            losses.spell(format!("{}.cache_control", fields.at()), inner.at());
            let ttl = inner.text("ttl")?;
            inner.ignore(&["type", "mode"]);
            inner.report_rest(losses);
            mark = Some(CacheMark { one_hour: matches!(ttl.as_deref(), Some("1h" | "12h")) });
        }
    }
    Ok(mark)
}

/// Kinds of parts that are read; others are carried as they came.
const READ: [&str; 16] = [
    "text",
    "input_text",
    "output_text",
    "refusal",
    "image_url",
    "input_image",
    "video_url",
    "document_url",
    "file_url",
    "audio_url",
    "input_audio",
    "file",
    "input_file",
    "thinking",
    "reasoning",
    "redacted_thinking",
];

fn part(node: Node<'_>, at: String, losses: &mut Losses) -> Result<Option<Block>, Fault> {
    if let Node::Text(text) = node {
        return Ok((!text.is_empty()).then(|| Block::text(text).at(at)));
    }
    let said = node.text("type").or_else(|| node.get("text").map(|_| "text")).unwrap_or("");
    let carried = (!READ.contains(&said)).then(|| Carry { dialect: Dialect::OpenAiChat, raw: node.to_json() });
    let kind = said.to_owned();
    let mut fields = Fields::new(node, at.clone())?;
    let cache = cache_mark(&mut fields, losses)?;
    fields.text("type")?;
    if carried.is_some() {
        return Ok(Some(Block { cache, carry: carried, ..Block::new(Content::Opaque { kind }).at(at) }));
    }
    let content = match kind.as_str() {
        "text" | "input_text" | "output_text" => {
            let text = fields.text("text")?.unwrap_or_default();
            fields.own(&["annotations", "logprobs"], losses);
            if text.is_empty() {
                return Ok(None);
            }
            Content::Text { text, citations: Vec::new() }
        }
        "refusal" => Content::Refusal(fields.text("refusal")?.unwrap_or_default()),
        "image_url" | "input_image" => Content::Media(linked(&mut fields, "image_url", MediaKind::Image, losses)?),
        "video_url" => Content::Media(linked(&mut fields, "video_url", MediaKind::Video, losses)?),
        "document_url" => {
            let name = fields.text("document_name")?;
            Content::Media(Media { name, ..linked(&mut fields, "document_url", MediaKind::Document, losses)? })
        }
        "file_url" => Content::Media(linked(&mut fields, "file_url", MediaKind::Document, losses)?),
        "audio_url" => Content::Media(linked(&mut fields, "audio_url", MediaKind::Audio, losses)?),
        "input_audio" => Content::Media(audio(&mut fields, losses)?),
        "file" | "input_file" => Content::Media(file(&mut fields, losses)?),
        // `thinking`, `reasoning` or `redacted_thinking`.
        _ => {
            let detail = reasoning::of_part(&Node::Object(fields.rest()), &kind);
            let reasoning = detail.reasoning();
            return Ok(Some(Block { seal: detail.seal, cache, ..Block::new(Content::Reasoning(reasoning)).at(at) }));
        }
    };
    fields.report_rest(losses);
    Ok(Some(Block { cache, ..Block::new(content).at(at) }))
}

/// `{"image_url": {"url", "detail"}}` or `{"image_url": "…"}`.
fn linked(fields: &mut Fields<'_>, key: &str, kind: MediaKind, losses: &mut Losses) -> Result<Media, Fault> {
    let path = fields.path(key);
    let (url, mut detail) = match fields.take(key) {
        Some(Node::Text(url)) => (url, None),
        Some(node @ Node::Object(_)) => {
            let mut inner = Fields::new(node, path.clone())?;
            let url = inner.required_word("url")?;
            let detail = inner.text("detail")?;
            losses.spell(format!("{}.detail", fields.at()), inner.path("detail"));
            inner.ignore(&["format"]);
            inner.report_rest(losses);
            (url, detail)
        }
        Some(other) => return Err(json::wrong(&path, "a string or an object with `url`", &other)),
        None => return Err(fields.missing(key)),
    };
    detail = detail.or(fields.text("detail")?);
    Ok(Media { detail, ..of_url(&url, kind, &path)? })
}

/// Media at an address; a data URL is taken apart, and its type decides what it is. `path` is that of the address.
pub(super) fn of_url(url: &str, kind: MediaKind, path: &str) -> Result<Media, Fault> {
    let (mime, source) = located(url, path)?;
    let kind = mime.as_deref().map_or(kind, MediaKind::of_mime);
    Ok(Media { kind, mime, source, name: None, detail: None })
}

/// `{"input_audio": {"data", "format"}}`; Mistral sends the data or an address as a text.
fn audio(fields: &mut Fields<'_>, losses: &mut Losses) -> Result<Media, Fault> {
    let path = fields.path("input_audio");
    let (data, format) = match fields.take("input_audio") {
        Some(Node::Text(data)) => (data.into_owned(), None),
        Some(node) => {
            let mut inner = Fields::new(node, path.clone())?;
            let data = inner.required_text("data")?;
            let format = inner.text("format")?;
            inner.report_rest(losses);
            (data, format)
        }
        None => return Err(fields.missing("input_audio")),
    };
    if data.starts_with("http") || data.starts_with("data:") {
        return of_url(&data, MediaKind::Audio, &path);
    }
    let mime = match format.as_deref() {
        Some("mp3") => Some("audio/mpeg".to_owned()),
        Some(other) => Some(format!("audio/{other}")),
        None => None,
    };
    Ok(Media { kind: MediaKind::Audio, mime, source: MediaSource::Base64(data), name: None, detail: None })
}

/// `{"file": {"file_data" | "file_id" | "file_url", "filename"}}`, or the same without the nesting.
fn file(fields: &mut Fields<'_>, losses: &mut Losses) -> Result<Media, Fault> {
    let name = format!("{}.name", fields.at());
    let Some(mut inner) = fields.object("file")? else {
        losses.spell(name, fields.path("filename"));
        return file_fields(fields);
    };
    losses.spell(name, inner.path("filename"));
    let media = file_fields(&mut inner)?;
    inner.report_rest(losses);
    Ok(media)
}

fn file_fields(inner: &mut Fields<'_>) -> Result<Media, Fault> {
    let name = inner.text("filename")?;
    let format = inner.text("format")?;
    let data = inner.text("file_data")?;
    let id = inner.text("file_id")?;
    let url = inner.text("file_url")?;
    let media = match (data, id, url) {
        (Some(data), ..) if data.starts_with("data:") || data.starts_with("http") => {
            of_url(&data, MediaKind::Document, &inner.path("file_data"))?
        }
        (Some(data), ..) => {
            // What nothing is known of is a PDF, the one type that is documented.
            let named = |name| mime_of_name(name).unwrap_or("application/pdf").to_owned();
            let mime = format.or_else(|| name.as_deref().map(named));
            let kind = mime.as_deref().map_or(MediaKind::Document, MediaKind::of_mime);
            Media { kind, mime, source: MediaSource::Base64(data), name: None, detail: None }
        }
        (None, Some(id), _) if id.starts_with("http") => of_url(&id, MediaKind::Document, &inner.path("file_id"))?,
        (None, Some(id), _) => {
            let source = MediaSource::FileId { id, dialect: Dialect::OpenAiChat };
            Media { kind: MediaKind::Document, mime: None, source, name: None, detail: None }
        }
        (None, None, Some(url)) => of_url(&url, MediaKind::Document, &inner.path("file_url"))?,
        (None, None, None) => return Err(inner.missing("file_data")),
    };
    Ok(Media { name, ..media })
}
