//! What media are, where the protocol does not say: data URLs, first bytes, names of files.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tollgate_ir::{Fault, MediaSource};

/// Bytes in base64 as an address, in pieces: they are large.
pub(crate) const fn data_url<'a>(mime: &'a str, data: &'a str) -> [&'a str; 4] {
    ["data:", mime, ";base64,", data]
}

/// The type, if it is told, and the base64 of a data URL; `None` for other addresses, and for data in another coding.
pub(crate) fn of_data_url(url: &str) -> Option<(Option<&str>, &str)> {
    let (head, data) = url.strip_prefix("data:")?.split_once(',')?;
    let head = head.strip_suffix(";base64")?;
    Some((head.split(';').next().filter(|mime| !mime.is_empty()), data))
}

/// An address in a client's body, or the bytes that a data URL holds; a data URL in another coding than base64 is refused,
/// since no two providers agree on it.
pub(crate) fn located(url: &str, path: &str) -> Result<(Option<String>, MediaSource), Fault> {
    match of_data_url(url) {
        Some((mime, data)) => Ok((mime.map(str::to_owned), MediaSource::Base64(data.to_owned()))),
        None if url.starts_with("data:") => {
            Err(Fault::field(path, format!("`{path}` must be an address or a data URL in base64.")))
        }
        None => Ok((None, MediaSource::Url(url.to_owned()))),
    }
}

/// The type by the first bytes, as base64 spells them.
pub(crate) fn mime_of_bytes(data: &str) -> Option<&'static str> {
    const MAGIC: [(&str, &str); 8] = [
        ("iVBOR", "image/png"),
        ("/9j/", "image/jpeg"),
        ("R0lGOD", "image/gif"),
        ("JVBERi", "application/pdf"),
        ("SUQz", "audio/mp3"),
        ("//uQ", "audio/mp3"),
        ("T2dnUw", "audio/ogg"),
        ("ZkxhQ", "audio/flac"),
    ];
    if data.starts_with("UklGR") {
        // RIFF: the form type stands in bytes 8 to 11.
        let head = STANDARD.decode(data.get(..16)?).ok()?;
        return match head.get(8..12)? {
            b"WEBP" => Some("image/webp"),
            b"WAVE" => Some("audio/wav"),
            _ => None,
        };
    }
    MAGIC.iter().find(|(start, _)| data.starts_with(start)).map(|(_, mime)| *mime)
}

/// The type by the ending of an address or a file's name.
pub(crate) fn mime_of_name(name: &str) -> Option<&'static str> {
    const KNOWN: [(&str, &str); 18] = [
        ("png", "image/png"),
        ("jpg", "image/jpeg"),
        ("jpeg", "image/jpeg"),
        ("gif", "image/gif"),
        ("webp", "image/webp"),
        ("heic", "image/heic"),
        ("pdf", "application/pdf"),
        ("txt", "text/plain"),
        ("md", "text/markdown"),
        ("csv", "text/csv"),
        ("html", "text/html"),
        ("json", "application/json"),
        ("docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
        ("wav", "audio/wav"),
        ("mp3", "audio/mp3"),
        ("mp4", "video/mp4"),
        ("mov", "video/mov"),
        ("webm", "video/webm"),
    ];
    let path = name.split(['?', '#']).next()?;
    let (_, extension) = path.rsplit('/').next()?.rsplit_once('.')?;
    KNOWN.iter().find(|(e, _)| e.eq_ignore_ascii_case(extension)).map(|(_, mime)| *mime)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_urls_are_taken_apart_and_put_together() {
        for (url, parts) in [
            (data_url("image/png", "QUJD").concat(), Some((Some("image/png"), "QUJD"))),
            ("data:text/plain;charset=utf-8;base64,QUJD".into(), Some((Some("text/plain"), "QUJD"))),
            ("data:;base64,QUJD".into(), Some((None, "QUJD"))),
            ("data:text/plain,ABC".into(), None),
            ("https://a.example/data:image/png;base64,QUJD".into(), None),
        ] {
            assert_eq!(of_data_url(&url), parts, "{url}");
        }
    }

    #[test]
    fn types_are_known_from_bytes_and_names() {
        for (data, mime) in [
            ("iVBORw0KGgoAAAA", Some("image/png")),
            ("UklGRiQAAABXRUJQVlA4", Some("image/webp")),
            ("UklGRiQAAABXQVZFZm10", Some("audio/wav")),
            ("UklGR", None),
            ("QUJD", None),
        ] {
            assert_eq!(mime_of_bytes(data), mime, "{data}");
        }
        for (name, mime) in [
            ("https://a.example/x/y.PNG?z=1", Some("image/png")),
            ("notes.md", Some("text/markdown")),
            ("https://a.example/x", None),
        ] {
            assert_eq!(mime_of_name(name), mime, "{name}");
        }
    }
}
