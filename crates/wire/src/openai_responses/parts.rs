//! Content parts of input messages and tool outputs ↔ blocks.

use tollgate_ir::{Block, CacheMark, Content, Dialect, Fault, Losses, Media, MediaKind, MediaSource, Reason};

use super::{annotations, reasoning};
use crate::fault::unsupported;
use crate::json::{ArrayWriter, Fields, Node, ObjectWriter};
use crate::media::{data_url, located};
use crate::target::Target;

/// Reads `content` or `output`: a string, one part, or parts.
pub(super) fn read_all(content: Node<'_>, at: &str, losses: &mut Losses) -> Result<Vec<Block>, Fault> {
    match content {
        Node::Text(text) => Ok(vec![Block::text(text).at(at)]),
        Node::Array(parts) => {
            parts.into_iter().enumerate().map(|(i, part)| read(part, &format!("{at}[{i}]"), losses)).collect()
        }
        part @ Node::Object(_) => Ok(vec![read(part, at, losses)?]),
        other => {
            Err(Fault::field(at, format!("`{at}` must be a string or an array of parts, but is {}.", other.kind())))
        }
    }
}

fn read(part: Node<'_>, at: &str, losses: &mut Losses) -> Result<Block, Fault> {
    if let Node::Text(text) = part {
        return Ok(Block::text(text).at(at));
    }
    let whole = part.clone();
    let mut f = Fields::new(part, at)?;
    let kind = f.text("type")?.unwrap_or_else(|| "input_text".to_owned());
    let content = match kind.as_str() {
        "input_text" | "output_text" | "text" | "summary_text" => {
            f.ignore(&["annotations"]);
            f.own(&["logprobs"], losses);
            losses.spell(format!("{at}.citations"), f.path("annotations"));
            Content::Text { text: f.text("text")?.unwrap_or_default(), citations: annotations::read(&whole) }
        }
        "refusal" => Content::Refusal(f.text("refusal")?.unwrap_or_default()),
        "input_image" | "image_url" => Content::Media(image(&mut f)?),
        "input_file" => {
            losses.spell(format!("{at}.name"), f.path("filename"));
            losses.spell(format!("{at}.detail"), f.path("detail"));
            Content::Media(file(&mut f)?)
        }
        "input_audio" => Content::Media(audio(&mut f)?),
        _ => return Ok(reasoning::whole(&whole, &kind).at(at)),
    };
    let mut block = Block::new(content).at(at);
    if f.has("prompt_cache_breakpoint") {
        losses.spell(format!("{at}.cache_control"), f.path("prompt_cache_breakpoint"));
        let ttl = f.take("prompt_cache_breakpoint");
        let one_hour = matches!(ttl.as_ref().and_then(|b| b.text("ttl")), Some("1h" | "12h"));
        block.cache = Some(CacheMark { one_hour });
        block.carry = reasoning::extra(&whole, ALL_BUT_BREAKPOINT);
    }
    f.report_rest(losses);
    Ok(block)
}

/// Fields of parts that the IR has words for, or that are reported; a cache breakpoint alone is carried.
const ALL_BUT_BREAKPOINT: &[&str] = &[
    "type",
    "text",
    "annotations",
    "logprobs",
    "refusal",
    "image_url",
    "detail",
    "file_id",
    "file_data",
    "file_url",
    "filename",
    "input_audio",
];

fn image(f: &mut Fields<'_>) -> Result<Media, Fault> {
    let detail = f.text("detail")?;
    let path = f.path("image_url");
    let url = match f.take("image_url") {
        Some(Node::Text(url)) => Some(url),
        Some(node) => Some(Fields::new(node, path.clone())?.required_word("url")?),
        None => None,
    };
    let (mime, source) = match (url, f.text("file_id")?) {
        (Some(url), _) => located(&url, &path)?,
        (None, Some(id)) => (None, MediaSource::FileId { id, dialect: Dialect::OpenAiResponses }),
        (None, None) => return Err(f.missing("image_url")),
    };
    Ok(Media { kind: MediaKind::Image, mime, source, name: None, detail })
}

fn file(f: &mut Fields<'_>) -> Result<Media, Fault> {
    let (name, detail, path) = (f.text("filename")?, f.text("detail")?, f.path("file_data"));
    let (data, url, id) = (f.word("file_data")?, f.word("file_url")?, f.text("file_id")?);
    let (mime, source) = match (data, url, id) {
        (Some(data), ..) if data.starts_with("data:") || data.starts_with("http") => located(&data, &path)?,
        (Some(data), ..) => (Some("application/pdf".to_owned()), MediaSource::Base64(data.into_owned())),
        (None, Some(url), _) => located(&url, &f.path("file_url"))?,
        (None, None, Some(id)) => (None, MediaSource::FileId { id, dialect: Dialect::OpenAiResponses }),
        (None, None, None) => return Err(f.missing("file_data")),
    };
    let kind = mime.as_deref().map_or(MediaKind::Document, MediaKind::of_mime);
    Ok(Media { kind, mime, source, name, detail })
}

fn audio(f: &mut Fields<'_>) -> Result<Media, Fault> {
    let Some(mut audio) = f.object("input_audio")? else { return Err(f.missing("input_audio")) };
    let data = audio.required_text("data")?;
    let mime = match audio.text("format")?.as_deref() {
        Some("mp3") => "audio/mpeg".to_owned(),
        format => format!("audio/{}", format.unwrap_or("wav")),
    };
    Ok(Media { kind: MediaKind::Audio, mime: Some(mime), source: MediaSource::Base64(data), name: None, detail: None })
}

/// Writes a part of a user's message or a tool's output.
pub(super) fn write(
    a: &mut ArrayWriter<'_>,
    block: &Block,
    target: &Target<'_>,
    losses: &mut Losses,
) -> Result<(), Fault> {
    match &block.content {
        Content::Text { text, .. } => a.object(|o| {
            o.text("type", "input_text");
            o.text("text", text);
            write_breakpoint(o, block, losses);
        }),
        Content::Refusal(text) => a.object(|o| {
            o.text("type", "input_text");
            o.text("text", text);
        }),
        Content::Media(media) => return write_media(a, block, media, target, losses),
        _ => match reasoning::carried(block) {
            Some(raw) => a.json(raw),
            None => losses.block(block, "", Reason::Dropped),
        },
    }
    Ok(())
}

/// A cache breakpoint of ours goes back as it came. Others are dropped: OpenAI caches by itself, and most models
/// refuse the field.
fn write_breakpoint(o: &mut ObjectWriter<'_>, block: &Block, losses: &mut Losses) {
    match (block.cache, reasoning::carried(block)) {
        (Some(_), Some(raw)) => o.spread(raw, &[]),
        (Some(_), None) => losses.block(block, ".cache_control", Reason::Dropped),
        (None, _) => {}
    }
}

fn write_media(
    a: &mut ArrayWriter<'_>,
    block: &Block,
    media: &Media,
    target: &Target<'_>,
    losses: &mut Losses,
) -> Result<(), Fault> {
    if target.facts.refuses(media.kind) || matches!(media.kind, MediaKind::Audio | MediaKind::Video) {
        return Err(unsupported(block, "The model does not take it. Ask a model that takes it, or leave it out."));
    }
    if let MediaSource::FileId { dialect, .. } = &media.source
        && !matches!(dialect, Dialect::OpenAiChat | Dialect::OpenAiResponses)
    {
        return Err(unsupported(block, "It lies in another provider's file store. Send its bytes or an address."));
    }
    if let MediaSource::Text(text) = &media.source {
        losses.block(block, "", Reason::Adjusted);
        a.object(|o| {
            o.text("type", "input_text");
            match &media.name {
                Some(name) => o.text("text", &format!("{name}\n\n{text}")),
                None => o.text("text", text),
            }
        });
        return Ok(());
    }
    a.object(|o| match media.kind {
        MediaKind::Image => write_image(o, media),
        _ => write_file(o, media),
    });
    Ok(())
}

fn write_image(o: &mut ObjectWriter<'_>, media: &Media) {
    o.text("type", "input_image");
    match &media.source {
        MediaSource::Base64(data) => {
            o.joined("image_url", &data_url(media.mime.as_deref().unwrap_or("image/png"), data));
        }
        MediaSource::Url(url) => o.text("image_url", url),
        MediaSource::FileId { id, .. } => o.text("file_id", id),
        MediaSource::Text(_) => {}
    }
    o.opt_text("detail", media.detail.as_deref());
}

/// `filename` must stand with `file_data` and may not with `file_url`.
fn write_file(o: &mut ObjectWriter<'_>, media: &Media) {
    o.text("type", "input_file");
    match &media.source {
        MediaSource::Base64(data) => {
            o.text("filename", media.name.as_deref().unwrap_or("document.pdf"));
            o.joined("file_data", &data_url(media.mime.as_deref().unwrap_or("application/pdf"), data));
        }
        MediaSource::Url(url) => o.text("file_url", url),
        MediaSource::FileId { id, .. } => o.text("file_id", id),
        MediaSource::Text(_) => {}
    }
}
