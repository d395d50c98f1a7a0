//! `inlineData` and `fileData` ↔ media.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tollgate_ir::{Dialect, Losses, Media, MediaKind, MediaSource};

use super::proto;
use crate::json::{ArrayWriter, Node};
use crate::media::{mime_of_bytes, mime_of_name};

/// Reads `inlineData` or `fileData` of a part; `None` if it has neither, or one without its bytes or address.
pub(super) fn decode(part: &Node<'_>) -> Option<Media> {
    if let Some(blob) = proto::get(part, "inlineData") {
        let data = proto::text(blob, "data")?;
        return Some(media(blob, MediaSource::Base64(standard(data)), ""));
    }
    let file = proto::get(part, "fileData")?;
    let uri = proto::text(file, "fileUri")?;
    Some(media(file, source_of_uri(uri), uri))
}

/// Tells how the client wrote what is read of a part at `at`.
pub(super) fn spell(part: &Node<'_>, at: &str, losses: &mut Losses) {
    for key in ["inlineData", "fileData"] {
        if let Some((spelled, inner)) = proto::entry(part, key) {
            for (name, field) in [("name", "displayName"), ("mime", "mimeType")] {
                if let Some((field, _)) = proto::entry(inner, field) {
                    losses.spell(format!("{at}.{name}"), format!("{at}.{spelled}.{field}"));
                }
            }
        }
    }
}

fn media(node: &Node<'_>, source: MediaSource, uri: &str) -> Media {
    let mime = proto::text(node, "mimeType").filter(|m| !m.is_empty()).map(str::to_owned);
    let kind = match &mime {
        Some(mime) => MediaKind::of_mime(mime),
        None if is_video_page(uri) => MediaKind::Video,
        None => mime_of_name(uri).map_or(MediaKind::Document, MediaKind::of_mime),
    };
    Media { kind, mime, source, name: proto::text(node, "displayName").map(str::to_owned), detail: None }
}

/// An address is open to everybody who may read it; `gs://…` and `files/…` are in Google's own stores.
fn source_of_uri(uri: &str) -> MediaSource {
    if uri.starts_with("https://") || uri.starts_with("http://") {
        MediaSource::Url(uri.to_owned())
    } else {
        MediaSource::FileId { id: uri.to_owned(), dialect: Dialect::Gemini }
    }
}

fn is_video_page(uri: &str) -> bool {
    ["https://www.youtube.com/", "https://youtube.com/", "https://youtu.be/"].iter().any(|p| uri.starts_with(p))
}

/// Base64 in the standard alphabet, padded; proto3 JSON also takes the URL-safe one and line breaks.
fn standard(data: &str) -> String {
    let clean = data.len().is_multiple_of(4)
        && data.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'='));
    if clean {
        return data.to_owned();
    }
    let mut out: String = data
        .chars()
        .filter(|c| !c.is_ascii_whitespace() && *c != '=')
        .map(|c| match c {
            '-' => '+',
            '_' => '/',
            other => other,
        })
        .collect();
    while !out.len().is_multiple_of(4) {
        out.push('=');
    }
    out
}

/// Whether Gemini has a place for it.
pub(super) const fn sayable(media: &Media) -> bool {
    !matches!(&media.source, MediaSource::FileId { dialect, .. } if !matches!(dialect, Dialect::Gemini))
}

/// Writes the part's data; `false` if Gemini has no place for it (another provider's file).
pub(super) fn encode(parts: &mut ArrayWriter<'_>, media: &Media, seal: Option<&str>) -> bool {
    let (inline, data) = match &media.source {
        MediaSource::Base64(data) => (true, std::borrow::Cow::Borrowed(data.as_str())),
        MediaSource::Text(text) => (true, std::borrow::Cow::Owned(STANDARD.encode(text))),
        MediaSource::Url(uri) | MediaSource::FileId { id: uri, dialect: Dialect::Gemini } => {
            (false, std::borrow::Cow::Borrowed(uri.as_str()))
        }
        MediaSource::FileId { .. } => return false,
    };
    let mime = mime(media);
    parts.object(|part| {
        part.object(if inline { "inlineData" } else { "fileData" }, |o| {
            o.opt_text("mimeType", mime);
            o.text(if inline { "data" } else { "fileUri" }, &data);
            // Only the file form has a name on both hosts.
            if !inline {
                o.opt_text("displayName", media.name.as_deref());
            }
        });
        part.opt_text("thoughtSignature", seal);
    });
    true
}

/// The MIME type that Gemini wants for everything but pages: given, or known from the first bytes or the name.
fn mime(media: &Media) -> Option<&str> {
    if let Some(mime) = media.mime.as_deref() {
        return Some(mime);
    }
    match &media.source {
        MediaSource::Text(_) => Some("text/plain"),
        MediaSource::Base64(data) => Some(mime_of_bytes(data).unwrap_or(match media.kind {
            MediaKind::Image => "image/jpeg",
            MediaKind::Document => "application/pdf",
            MediaKind::Audio => "audio/wav",
            MediaKind::Video => "video/mp4",
        })),
        MediaSource::Url(uri) | MediaSource::FileId { id: uri, .. } => mime_of_name(uri),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mime_types_are_known_from_bytes_and_names() {
        for (source, want) in [
            (MediaSource::Base64("iVBORw0KGgoAAAA".into()), Some("image/png")),
            (MediaSource::Base64("UklGRiQAAABXRUJQVlA4".into()), Some("image/webp")),
            (MediaSource::Base64("UklGRiQAAABXQVZFZm10".into()), Some("audio/wav")),
            (MediaSource::Base64("QUJD".into()), Some("image/jpeg")),
            (MediaSource::Url("https://a.example/x/y.PNG?z=1".into()), Some("image/png")),
            (MediaSource::Url("https://a.example/x".into()), None),
        ] {
            let media = Media { kind: MediaKind::Image, mime: None, source, name: None, detail: None };
            assert_eq!(mime(&media), want, "{media:?}");
        }
    }

    #[test]
    fn url_safe_base64_becomes_standard() {
        assert_eq!(standard("-_8"), "+/8=");
        assert_eq!(standard("QUJD\nREVG"), "QUJDREVG");
        assert_eq!(standard("+/8="), "+/8=");
    }
}
