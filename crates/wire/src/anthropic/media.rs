//! Images and documents: `source` objects both ways.
//!
//! Images come by base64, address or file id; documents also as plain text. What else a request holds (recordings,
//! films, office files) has no place in this protocol and is refused by name.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use memchr::{memchr2, memchr3};
use tollgate_ir::{Block, Dialect, Fault, Media, MediaKind, MediaSource};

use crate::fault::unsupported;
use crate::json::{Fields, Node, ObjectWriter};
use crate::media::mime_of_bytes;
use crate::target::ModelFacts;

/// The image types that Claude reads.
const IMAGES: [&str; 4] = ["image/jpeg", "image/png", "image/gif", "image/webp"];

/// Reads the `source` of an `image` or `document` block.
pub(super) fn read(kind: MediaKind, source: &mut Fields<'_>) -> Result<Media, Fault> {
    let form = source.required_text("type")?;
    let (mime, source) = match form.as_str() {
        "base64" => {
            let mime = source.text("media_type")?;
            (mime, MediaSource::Base64(without_breaks(source.required_text("data")?)))
        }
        "url" => (None, MediaSource::Url(source.required_text("url")?)),
        "file" => (None, MediaSource::FileId { id: source.required_text("file_id")?, dialect: Dialect::Anthropic }),
        "text" => {
            let mime = source.text("media_type")?;
            (mime.or_else(|| Some("text/plain".into())), MediaSource::Text(source.required_text("data")?))
        }
        "content" => (Some("text/plain".into()), MediaSource::Text(text_of(source.take("content").as_ref()))),
        other => {
            let message =
                format!("`{}` must be base64, url, file, text or content, but is {other}.", source.path("type"));
            return Err(Fault::field(source.path("type"), message));
        }
    };
    Ok(Media { kind, mime, source, name: None, detail: None })
}

fn without_breaks(data: String) -> String {
    // Hardly any data has breaks, and a library's search is fast whatever the compiler's profile makes of this place.
    let bytes = data.as_bytes();
    let breaks = memchr3(b'\n', b'\r', b' ', bytes).or_else(|| memchr2(b'\t', b'\x0c', bytes));
    if breaks.is_some() { data.split_ascii_whitespace().collect() } else { data }
}

/// The words of a content that is a text or a list of text blocks.
pub(super) fn text_of(content: Option<&Node<'_>>) -> String {
    match content {
        Some(Node::Text(text)) => text.to_string(),
        Some(node) => node.items().iter().filter_map(|part| part.text("text")).collect::<Vec<_>>().join("\n"),
        None => String::new(),
    }
}

/// The `type` of the block that holds the media.
pub(super) const fn block_type(media: &Media) -> &'static str {
    match media.kind {
        MediaKind::Image => "image",
        _ => "document",
    }
}

/// Refuses media that the model or the protocol cannot take, before anything is written.
pub(super) fn check(block: &Block, media: &Media, facts: &ModelFacts) -> Result<(), Fault> {
    if facts.refuses(media.kind) {
        return Err(unsupported(block, &format!("The model takes no {} input. Leave it out.", media.kind.as_str())));
    }
    match (&media.source, media.kind) {
        (_, MediaKind::Audio | MediaKind::Video) => {
            Err(unsupported(block, &format!("Claude takes no {} input. Send its text instead.", media.kind.as_str())))
        }
        (MediaSource::FileId { dialect, .. }, _) if *dialect != Dialect::Anthropic => {
            Err(unsupported(block, &format!("The file is in {dialect}'s store. Send its bytes or an address.")))
        }
        (MediaSource::Base64(data), MediaKind::Image) => match image_type(media, data) {
            Some(_) => Ok(()),
            None => Err(unsupported(block, "Claude takes JPEG, PNG, GIF and WebP images.")),
        },
        (MediaSource::Base64(data), MediaKind::Document) => match document(media, data) {
            Some(_) => Ok(()),
            None => Err(unsupported(block, "Claude takes PDF and plain-text documents.")),
        },
        _ => Ok(()),
    }
}

/// Writes the `source`; [`check`] has been passed.
pub(super) fn write(o: &mut ObjectWriter<'_>, media: &Media) {
    o.object("source", |o| match &media.source {
        MediaSource::Base64(data) if media.kind == MediaKind::Image => {
            base64_source(o, image_type(media, data).unwrap_or(IMAGES[1]), data);
        }
        MediaSource::Base64(data) => match document(media, data) {
            Some(Document::Text(text)) => text_source(o, &text),
            Some(Document::Pdf) | None => base64_source(o, "application/pdf", data),
        },
        MediaSource::Url(url) => {
            o.text("type", "url");
            o.text("url", url);
        }
        MediaSource::FileId { id, .. } => {
            o.text("type", "file");
            o.text("file_id", id);
        }
        MediaSource::Text(text) => text_source(o, text),
    });
}

fn base64_source(o: &mut ObjectWriter<'_>, mime: &str, data: &str) {
    o.text("type", "base64");
    o.text("media_type", mime);
    o.text("data", data);
}

fn text_source(o: &mut ObjectWriter<'_>, text: &str) {
    o.text("type", "text");
    o.text("media_type", "text/plain");
    o.text("data", text);
}

/// The image's type as it is told, or as its first bytes tell where nothing useful is said.
fn image_type(media: &Media, data: &str) -> Option<&'static str> {
    let said = media.mime.as_deref().map(bare);
    if said.as_deref() == Some("image/jpg") {
        return Some("image/jpeg");
    }
    let known = IMAGES.into_iter().find(|mime| said.as_deref() == Some(*mime));
    let sniffed = || IMAGES.into_iter().find(|mime| mime_of_bytes(data) == Some(*mime));
    known.or_else(|| match said.as_deref() {
        None | Some("image/*" | "image" | "application/octet-stream" | "") => sniffed(),
        Some(_) => None,
    })
}

enum Document {
    Pdf,
    Text(String),
}

fn document(media: &Media, data: &str) -> Option<Document> {
    const TEXTS: [&str; 7] = [
        "application/json",
        "application/xml",
        "application/x-yaml",
        "application/yaml",
        "application/javascript",
        "application/csv",
        "application/markdown",
    ];
    let said = media.mime.as_deref().map(bare).unwrap_or_default();
    // `%PDF` in base64.
    if said == "application/pdf" || (data.starts_with("JVBERi") && !said.starts_with("text/")) {
        return Some(Document::Pdf);
    }
    if said.starts_with("text/") || TEXTS.contains(&said.as_str()) {
        return STANDARD.decode(data).ok().and_then(|bytes| String::from_utf8(bytes).ok()).map(Document::Text);
    }
    // Bedrock and others name no type at all: bytes that nobody vouches for go as what documents mostly are.
    said.is_empty().then_some(Document::Pdf)
}

/// A MIME type without parameters, in lower case.
fn bare(mime: &str) -> String {
    mime.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_is_freed_of_every_break() {
        for data in ["QUJDREVG", "QUJD\nREVG", "QUJD\r\nREVG\r\n", " QUJD\tREVG", "QUJDREVG\x0c"] {
            assert_eq!(without_breaks(data.to_owned()), "QUJDREVG", "{data:?}");
        }
    }
}
