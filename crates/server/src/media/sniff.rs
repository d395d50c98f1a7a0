//! The type of media: what the server says, if it says something that we take; else what the first bytes say, since
//! object stores often say nothing.

/// First bytes and their type.
const MAGIC: &[(&[u8], &str)] = &[
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"%PDF-", "application/pdf"),
    (b"ID3", "audio/mpeg"),
    (b"OggS", "audio/ogg"),
    (b"fLaC", "audio/flac"),
];

/// Types that say nothing.
const SILENT: [&str; 3] = ["", "application/octet-stream", "binary/octet-stream"];

/// The type that is declared, lower case and without parameters, if it is one that we take or one that says nothing.
pub(super) fn admissible(content_type: &str) -> Option<String> {
    let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let taken = essence.starts_with("image/") || essence.starts_with("audio/") || essence == "application/pdf";
    (taken || SILENT.contains(&essence.as_str())).then_some(essence)
}

/// The final type, from the declared one and the content.
pub(super) fn mime(declared: String, bytes: &[u8]) -> Option<String> {
    if !SILENT.contains(&declared.as_str()) {
        return Some(declared);
    }
    let riff = |kind: &[u8]| bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(kind);
    if riff(b"WEBP") {
        return Some("image/webp".to_owned());
    }
    if riff(b"WAVE") {
        return Some("audio/wav".to_owned());
    }
    MAGIC.iter().find(|(magic, _)| bytes.starts_with(magic)).map(|(_, mime)| (*mime).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_comes_first_and_silence_is_looked_into() {
        for (declared, bytes, expected) in [
            ("image/png", &b"anything"[..], Some("image/png")),
            ("Image/PNG; q=1", b"anything", Some("image/png")),
            ("application/pdf", b"", Some("application/pdf")),
            ("application/octet-stream", b"%PDF-1.7", Some("application/pdf")),
            ("", b"RIFF....WEBPVP8 ", Some("image/webp")),
            ("binary/octet-stream", b"RIFF....WAVEfmt ", Some("audio/wav")),
            ("", b"<html>", None),
            ("text/html", b"\x89PNG\r\n\x1a\n", None),
            ("application/json", b"{}", None),
        ] {
            let found = admissible(declared).and_then(|declared| mime(declared, bytes));
            assert_eq!(found.as_deref(), expected, "{declared}");
        }
    }
}
