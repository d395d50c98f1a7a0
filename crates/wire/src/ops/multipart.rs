//! One field of a `multipart/form-data` body, found in its beginning while the body streams through.
//!
//! Invariant: what is found does not depend on where the network cut the body, and a long file before the field is
//! searched once. Sources: RFC 7578, RFC 2046 section 5.1.

use std::ops::Range;

use memchr::memmem;

/// Most bytes of a part's header, and of the field's value.
const MAX_HEADER: usize = 16 * 1024;
const MAX_VALUE: usize = 4 * 1024;

/// The boundary that a content type names; `None`: no multipart body.
pub fn boundary(content_type: &str) -> Option<&str> {
    let (kind, parameters) = content_type.split_once(';')?;
    if !kind.trim().to_ascii_lowercase().starts_with("multipart/") {
        return None;
    }
    let value = parameters.split(';').find_map(|p| {
        let (name, value) = p.split_once('=')?;
        name.trim().eq_ignore_ascii_case("boundary").then(|| value.trim().trim_matches('"'))
    })?;
    (!value.is_empty() && value.len() <= 70).then_some(value)
}

/// A search for a field.
#[derive(Clone, Debug)]
pub struct Search {
    delimiter: Vec<u8>,
    name: String,
    /// All before is done with.
    from: usize,
}

/// What a search found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// The field's value stands here.
    At(Range<usize>),
    /// There is no such field.
    Absent,
    /// More of the body has to come.
    More,
}

impl Search {
    /// For a field of a body with this boundary.
    pub fn new(boundary: &str, name: &str) -> Self {
        Self { delimiter: format!("\r\n--{boundary}").into_bytes(), name: name.to_owned(), from: 0 }
    }

    /// Looks at the body's beginning; each time at a longer one.
    pub fn look(&mut self, body: &[u8]) -> Found {
        loop {
            let after = match self.delimiter_end(body) {
                Some(after) => after,
                None => return Found::More,
            };
            match body.get(after..after + 2) {
                Some(b"--") => return Found::Absent,
                Some(_) => {}
                None => return Found::More,
            }
            let Some(length) = memmem::find(&body[after..], b"\r\n\r\n") else {
                return if body.len() - after > MAX_HEADER { Found::Absent } else { Found::More };
            };
            let inside = after + length + 4;
            if names(&body[after..inside], &self.name) {
                return match memmem::find(&body[inside..], &self.delimiter) {
                    Some(length) => Found::At(inside..inside + length),
                    None if body.len() - inside > MAX_VALUE + self.delimiter.len() => Found::Absent,
                    None => Found::More,
                };
            }
            // An empty part's delimiter begins with the header's last line end.
            self.from = inside - 2;
        }
    }

    /// Where the next delimiter ends; it stays the next until its part is done with.
    fn delimiter_end(&mut self, body: &[u8]) -> Option<usize> {
        if self.from == 0 && body.len() < self.delimiter.len() - 2 {
            return None;
        }
        // The first one may stand at the very beginning.
        if self.from == 0 && body.starts_with(&self.delimiter[2..]) {
            return Some(self.delimiter.len() - 2);
        }
        match memmem::find(body.get(self.from..)?, &self.delimiter) {
            Some(at) => {
                self.from += at;
                Some(self.from + self.delimiter.len())
            }
            None => {
                let safe = body.len().saturating_sub(self.delimiter.len());
                self.from = self.from.max(safe);
                None
            }
        }
    }
}

/// Whether a part's header names the field, and no file.
fn names(header: &[u8], field: &str) -> bool {
    let header = String::from_utf8_lossy(header);
    let line = header.split("\r\n").find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.trim().eq_ignore_ascii_case("content-disposition").then_some(value)
    });
    line.unwrap_or_default().split(';').any(|parameter| {
        let Some((name, value)) = parameter.split_once('=') else { return false };
        name.trim().eq_ignore_ascii_case("name") && value.trim().trim_matches('"') == field
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &str = "--XX\r\nContent-Disposition: form-data; name=\"file\"; filename=\"model\"\r\nContent-Type: audio/wav\r\n\r\nRIFF\r\n--X name=\"model\"\r\n\r\nno\r\n--XX\r\ncontent-disposition: form-data; name=\"model\"\r\n\r\nopenai/whisper-1\r\n--XX--\r\n";

    #[test]
    fn boundaries_are_read_from_content_types() {
        for (text, wanted) in [
            ("multipart/form-data; boundary=abc", Some("abc")),
            ("Multipart/Form-Data; charset=utf-8; Boundary=\"a b\"", Some("a b")),
            ("application/json", None),
            ("multipart/form-data", None),
            ("text/plain; boundary=abc", None),
        ] {
            assert_eq!(boundary(text), wanted, "{text}");
        }
    }

    #[test]
    fn the_field_is_found_wherever_the_body_is_cut() {
        let whole = BODY.find("openai/").unwrap()..BODY.find("\r\n--XX--").unwrap();
        for first in 0..BODY.len() {
            let mut search = Search::new("XX", "model");
            let mut found = search.look(&BODY.as_bytes()[..first]);
            if found == Found::More {
                found = search.look(BODY.as_bytes());
            }
            assert_eq!(found, Found::At(whole.clone()), "cut at {first}");
        }
        // Byte by byte.
        let mut search = Search::new("XX", "model");
        let found = (0..=BODY.len()).map(|end| search.look(&BODY.as_bytes()[..end])).find(|f| *f != Found::More);
        assert_eq!(found, Some(Found::At(whole)));
    }

    #[test]
    fn a_field_that_is_not_there_is_absent() {
        assert_eq!(Search::new("XX", "prompt").look(BODY.as_bytes()), Found::Absent);
        assert_eq!(Search::new("XX", "file").look(BODY.as_bytes()), {
            let from = BODY.find("RIFF").unwrap();
            Found::At(from..BODY.find("\r\n--XX\r\ncontent").unwrap())
        });
        let empty = "--XX\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n\r\n--XX\r\nContent-Disposition: form-data; name=\"b\"\r\n\r\n1\r\n--XX--";
        assert!(matches!(Search::new("XX", "b").look(empty.as_bytes()), Found::At(at) if &empty[at.clone()] == "1"));
    }
}
