//! Images, documents, recordings and films: Converse names a format where others give a MIME type, takes bytes or an
//! S3 location and no other address, and wants a name for every document.

use std::collections::HashSet;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tollgate_ir::{Block, Carry, Content, Dialect, Fault, Losses, Media, MediaKind, MediaSource, Reason};

use crate::fault::unsupported;
use crate::json::{Fields, Node, ObjectWriter, object};
use crate::media::mime_of_bytes;

/// Formats, with the MIME types that they stand for; the first of a format is the one it is read as.
const FORMATS: &[(MediaKind, &str, &str)] = &[
    (MediaKind::Image, "png", "image/png"),
    (MediaKind::Image, "jpeg", "image/jpeg"),
    (MediaKind::Image, "jpeg", "image/jpg"),
    (MediaKind::Image, "gif", "image/gif"),
    (MediaKind::Image, "webp", "image/webp"),
    (MediaKind::Document, "pdf", "application/pdf"),
    (MediaKind::Document, "txt", "text/plain"),
    (MediaKind::Document, "md", "text/markdown"),
    (MediaKind::Document, "html", "text/html"),
    (MediaKind::Document, "csv", "text/csv"),
    (MediaKind::Document, "doc", "application/msword"),
    (MediaKind::Document, "docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    (MediaKind::Document, "xls", "application/vnd.ms-excel"),
    (MediaKind::Document, "xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    (MediaKind::Video, "mp4", "video/mp4"),
    (MediaKind::Video, "mov", "video/quicktime"),
    (MediaKind::Video, "mkv", "video/x-matroska"),
    (MediaKind::Video, "webm", "video/webm"),
    (MediaKind::Video, "flv", "video/x-flv"),
    (MediaKind::Video, "mpeg", "video/mpeg"),
    (MediaKind::Video, "mpg", "video/mpg"),
    (MediaKind::Video, "wmv", "video/x-ms-wmv"),
    (MediaKind::Video, "three_gp", "video/3gpp"),
    (MediaKind::Audio, "mp3", "audio/mpeg"),
    (MediaKind::Audio, "mp3", "audio/mp3"),
    (MediaKind::Audio, "wav", "audio/wav"),
    (MediaKind::Audio, "wav", "audio/x-wav"),
    (MediaKind::Audio, "flac", "audio/flac"),
    (MediaKind::Audio, "ogg", "audio/ogg"),
    (MediaKind::Audio, "opus", "audio/opus"),
    (MediaKind::Audio, "aac", "audio/aac"),
    (MediaKind::Audio, "m4a", "audio/m4a"),
    (MediaKind::Audio, "mp4", "audio/mp4"),
    (MediaKind::Audio, "webm", "audio/webm"),
    (MediaKind::Audio, "mkv", "audio/x-matroska"),
    (MediaKind::Audio, "mka", "audio/mka"),
    (MediaKind::Audio, "x-aac", "audio/x-aac"),
    (MediaKind::Audio, "mpeg", "audio/x-mpeg"),
    (MediaKind::Audio, "mpga", "audio/mpga"),
    (MediaKind::Audio, "pcm", "audio/pcm"),
];

fn mime_of(kind: MediaKind, format: &str) -> String {
    let known = FORMATS.iter().find(|(k, f, _)| *k == kind && *f == format);
    let class = if kind == MediaKind::Document { "application" } else { kind.as_str() };
    known.map_or_else(|| format!("{class}/{format}"), |(_, _, mime)| (*mime).to_owned())
}

/// By MIME type; where none is given, by how the file begins or how it is named.
fn format_of(media: &Media) -> Option<&'static str> {
    let of_kind = || FORMATS.iter().filter(|(kind, ..)| *kind == media.kind);
    let by_mime = |mime: &str| of_kind().find(|(.., m)| m.eq_ignore_ascii_case(mime)).map(|(_, format, _)| *format);
    if let Some(mime) = &media.mime {
        let mime = mime.split(';').next().unwrap_or(mime).trim();
        // Other texts (`text/x-python`, `application/json`) are text all the same.
        let text = media.kind == MediaKind::Document && (mime.starts_with("text/") || mime == "application/json");
        return by_mime(mime).or(text.then_some("txt"));
    }
    let begins = match &media.source {
        MediaSource::Base64(data) => mime_of_bytes(data),
        MediaSource::Text(_) => return Some("txt"),
        MediaSource::Url(_) | MediaSource::FileId { .. } => None,
    };
    let address = match &media.source {
        MediaSource::Url(url) => Some(url),
        _ => media.name.as_ref(),
    };
    let ending = address.and_then(|name| name.rsplit_once('.')).map(|(_, ending)| ending.to_ascii_lowercase());
    let named = ending.and_then(|ending| of_kind().find(|(_, format, _)| *format == ending));
    begins.and_then(by_mime).or(named.map(|(_, format, _)| *format))
}

/// Reads `image`, `document`, `video` or `audio`.
pub(super) fn read(kind: MediaKind, mut fields: Fields<'_>, losses: &mut Losses) -> Result<Block, Fault> {
    let at = fields.at().to_owned();
    let format = fields.text("format")?;
    let name = fields.text("name")?;
    let outer = at.rsplit_once('.').map_or(at.as_str(), |(outer, _)| outer);
    losses.spell(format!("{outer}.name"), fields.path("name"));
    let mut source = fields.object("source")?.ok_or_else(|| fields.missing("source"))?;
    let mut kept = Vec::new();
    let found = if let Some(bytes) = source.text("bytes")? {
        MediaSource::Base64(bytes)
    } else if let Some(mut s3) = source.object("s3Location")? {
        let uri = s3.required_text("uri")?;
        if let Some(owner) = s3.take("bucketOwner") {
            losses.own(s3.path("bucketOwner"), Reason::Dropped);
            kept.push(("bucketOwner", owner));
        }
        s3.report_rest(losses);
        MediaSource::Url(uri)
    } else if let Some(text) = source.text("text")? {
        MediaSource::Text(text)
    } else if let Some(parts) = source.array("content")? {
        losses.path(source.path("content"), Reason::Adjusted);
        MediaSource::Text(parts.iter().filter_map(|p| p.text("text")).collect::<Vec<_>>().join("\n"))
    } else {
        return Err(source.missing("bytes"));
    };
    source.report_rest(losses);
    for key in ["context", "citations"] {
        if let Some(node) = fields.take(key) {
            if node.get("enabled") != Some(&Node::Bool(false)) {
                losses.own(fields.path(key), Reason::Dropped);
            }
            kept.push((key, node));
        }
    }
    fields.own(&["error"], losses);
    fields.report_rest(losses);
    let mime = format.map(|f| mime_of(kind, &f.to_ascii_lowercase()));
    let mut block = Block::new(Content::Media(Media { kind, mime, source: found, name, detail: None })).at(at);
    block.carry = carry(&kept);
    Ok(block)
}

fn carry(kept: &[(&str, Node<'_>)]) -> Option<Carry> {
    if kept.is_empty() {
        return None;
    }
    let mut out = Vec::new();
    object(&mut out, |o| kept.iter().for_each(|(key, node)| o.node(key, node)));
    let raw = tollgate_ir::Json::parse(String::from_utf8(out).ok()?).ok()?;
    Some(Carry { dialect: Dialect::Bedrock, raw })
}

/// The names that one request's documents are given: by the service's rule, and no name twice.
#[derive(Default)]
pub(super) struct DocumentNames {
    given: HashSet<String>,
}

impl DocumentNames {
    /// Letters, digits, single spaces, hyphens, parentheses, brackets; at most 200 of them.
    fn give(&mut self, name: Option<&str>, format: &str) -> String {
        let plain = name.map(|n| n.strip_suffix(format).and_then(|n| n.strip_suffix('.')).unwrap_or(n));
        let mut base = plain.map(sanitise).unwrap_or_default();
        if base.is_empty() {
            base = "Document".to_owned();
        }
        let mut name = base.clone();
        let mut n = 2;
        while !self.given.insert(name.clone()) {
            name = format!("{base} {n}");
            n += 1;
        }
        name
    }
}

fn sanitise(name: &str) -> String {
    let mut out = String::new();
    for c in name.chars() {
        let c = if c.is_ascii_alphanumeric() || "-()[]".contains(c) {
            c
        } else if c.is_whitespace() {
            ' '
        } else {
            '-'
        };
        if !(c == ' ' && (out.is_empty() || out.ends_with(' '))) {
            out.push(c);
        }
    }
    // Room for a number that makes it unlike another.
    out.truncate(190);
    out.trim_end().to_owned()
}

/// Whether [`write`] has a form for them.
pub(super) fn is_writable(media: &Media) -> bool {
    let reachable = match &media.source {
        MediaSource::Base64(_) | MediaSource::Text(_) => true,
        MediaSource::Url(url) => url.starts_with("s3://"),
        MediaSource::FileId { .. } => false,
    };
    reachable && (format_of(media).is_some() || (media.kind == MediaKind::Document && media.mime.is_none()))
}

/// Writes the member of the union that the media are. `plain`: documents may come as text, not only as files.
pub(super) fn write(
    o: &mut ObjectWriter<'_>,
    block: &Block,
    media: &Media,
    names: &mut DocumentNames,
    plain: bool,
) -> Result<(), Fault> {
    let kept = block.carry.as_ref().filter(|c| c.dialect == Dialect::Bedrock).map(|c| &c.raw);
    let format = format_of(media);
    // Only documents may leave their format to the service.
    if format.is_none() && (media.mime.is_some() || media.kind != MediaKind::Document) {
        let mime = media.mime.as_deref().unwrap_or("of no stated type");
        return Err(unsupported(
            block,
            &format!("`{mime}` is no format that Bedrock takes. Send {}.", takes(media.kind)),
        ));
    }
    o.object(media.kind.as_str(), |o| {
        o.opt_text("format", format);
        if media.kind == MediaKind::Document {
            o.text("name", &names.give(media.name.as_deref(), format.unwrap_or_default()));
        }
        o.object("source", |o| source(o, block, media, plain))?;
        if let Some(kept) = kept {
            o.spread(kept, &["bucketOwner"]);
        }
        Ok(())
    })
}

fn source(o: &mut ObjectWriter<'_>, block: &Block, media: &Media, plain: bool) -> Result<(), Fault> {
    match &media.source {
        MediaSource::Base64(data) => o.text("bytes", data),
        MediaSource::Text(text) if plain => o.text("text", text),
        MediaSource::Text(text) => o.text("bytes", &STANDARD.encode(text)),
        MediaSource::Url(url) if url.starts_with("s3://") => o.object("s3Location", |o| {
            o.text("uri", url);
            let kept = block.carry.as_ref().filter(|c| c.dialect == Dialect::Bedrock);
            let kept = kept.and_then(|c| Node::read(c.raw.as_str().as_bytes()));
            o.opt_text("bucketOwner", kept.as_ref().and_then(|k| k.text("bucketOwner")));
        }),
        MediaSource::Url(_) => {
            return Err(unsupported(block, "Bedrock takes no addresses. Send its bytes in base64."));
        }
        MediaSource::FileId { .. } => {
            return Err(unsupported(
                block,
                "Bedrock cannot read another provider's file store. Send its bytes in base64.",
            ));
        }
    }
    Ok(())
}

fn takes(kind: MediaKind) -> String {
    let mut formats: Vec<_> = FORMATS.iter().filter(|(k, ..)| *k == kind).map(|(_, f, _)| *f).collect();
    formats.dedup();
    formats.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_keep_the_rule_and_are_given_once() {
        let mut names = DocumentNames::default();
        for (name, wanted) in [
            (Some("report.pdf"), "report"),
            (Some("report.pdf"), "report 2"),
            (Some("a_b  c/d (1).pdf"), "a-b c-d (1)"),
            (Some("日本"), "--"),
            (Some("  "), "Document"),
            (None, "Document 2"),
            (Some("report"), "report 3"),
        ] {
            assert_eq!(names.give(name, "pdf"), wanted);
        }
        assert!(names.give(Some(&"x".repeat(999)), "pdf").len() <= 200);
    }

    #[test]
    fn formats_by_type_or_by_how_the_file_begins() {
        let media = |kind, mime: Option<&str>, source| Media {
            kind,
            mime: mime.map(str::to_owned),
            source,
            name: None,
            detail: None,
        };
        let bytes = |data: &str| MediaSource::Base64(data.to_owned());
        assert_eq!(format_of(&media(MediaKind::Image, Some("image/jpg"), bytes(""))), Some("jpeg"));
        assert_eq!(format_of(&media(MediaKind::Image, None, bytes("R0lGODlh"))), Some("gif"));
        assert_eq!(format_of(&media(MediaKind::Document, Some("text/x-rust; charset=utf-8"), bytes(""))), Some("txt"));
        assert_eq!(format_of(&media(MediaKind::Document, None, MediaSource::Text(String::new()))), Some("txt"));
        assert_eq!(format_of(&media(MediaKind::Video, None, MediaSource::Url("s3://a/b.MOV".into()))), Some("mov"));
        assert_eq!(format_of(&media(MediaKind::Document, None, bytes("QUJD"))), None);
        assert_eq!(format_of(&media(MediaKind::Image, Some("image/tiff"), bytes(""))), None);
        assert_eq!(format_of(&media(MediaKind::Image, Some("application/pdf"), bytes(""))), None);
    }
}
