//! `groundingMetadata` and `citationMetadata` ↔ citations. Google counts in bytes of UTF-8, the IR in characters.

use tollgate_ir::{Carry, Citation, Dialect};

use super::proto::{get, text, uint};
use crate::json::{Node, ObjectWriter};

/// The citations of a candidate that stand behind `said`, the text they are to be hung on.
pub(super) fn citations(candidate: &Node<'_>, said: &str) -> Vec<Citation> {
    let mut found = Vec::new();
    if let Some(grounding) = get(candidate, "groundingMetadata") {
        grounded(grounding, said, &mut found);
    }
    let cited =
        get(candidate, "citationMetadata").and_then(|m| get(m, "citations")).map(Node::items).unwrap_or_default();
    for citation in cited {
        let bounds = (uint(citation, "startIndex").unwrap_or(0), uint(citation, "endIndex").unwrap_or(0));
        found.push(Citation {
            url: text(citation, "uri").map(str::to_owned),
            title: text(citation, "title").map(str::to_owned),
            quote: None,
            range: characters(said, bounds, None),
            carry: Some(Carry { dialect: Dialect::Gemini, raw: citation.to_json() }),
        });
    }
    found
}

fn grounded(grounding: &Node<'_>, said: &str, found: &mut Vec<Citation>) {
    let chunks = get(grounding, "groundingChunks").map(Node::items).unwrap_or_default();
    for support in get(grounding, "groundingSupports").map(Node::items).unwrap_or_default() {
        let Some(segment) = get(support, "segment") else { continue };
        let words = text(segment, "text");
        let bounds = (uint(segment, "startIndex").unwrap_or(0), uint(segment, "endIndex").unwrap_or(0));
        let range = characters(said, bounds, words);
        for index in get(support, "groundingChunkIndices").map(Node::items).unwrap_or_default() {
            let Some(chunk) = index.as_u64().and_then(|i| chunks.get(usize::try_from(i).ok()?)) else { continue };
            let Some((_, source)) = chunk.entries().first() else { continue };
            found.push(Citation {
                url: text(source, "uri").map(str::to_owned),
                title: text(source, "title").map(str::to_owned),
                quote: words.map(str::to_owned),
                range,
                carry: None,
            });
        }
    }
}

/// A range of bytes as a range of characters. Where `words` are given and do not stand there (the bounds may count from
/// the start of the whole answer), the one place where they stand is taken.
fn characters(said: &str, (start, end): (u64, u64), words: Option<&str>) -> Option<(u64, u64)> {
    let at = |n: u64| usize::try_from(n).ok();
    let stated = at(start).zip(at(end)).filter(|(s, e)| said.get(*s..*e).is_some_and(|t| words.is_none_or(|w| w == t)));
    let (start, end) = stated.or_else(|| {
        let words = words.filter(|w| !w.is_empty())?;
        let first = said.find(words)?;
        (said.rfind(words) == Some(first)).then_some((first, first + words.len()))
    })?;
    let count = |text: &str| u64::try_from(text.chars().count()).ok();
    let before = count(&said[..start])?;
    Some((before, before + count(&said[start..end])?))
}

/// Citations of one candidate, to be written behind its content.
#[derive(Debug, Default)]
pub(super) struct Grounds {
    found: Vec<Ground>,
}

/// A citation, the part whose text it stands behind, and the bytes of that text.
#[derive(Debug)]
struct Ground {
    part: u64,
    citation: Citation,
    bytes: Option<(usize, usize)>,
}

impl Grounds {
    /// Adds a citation of the text in part `part`.
    pub(super) fn add(&mut self, part: u64, citation: &Citation, said: &str) {
        let bytes = citation.range.and_then(|(start, end)| Some((byte_of(said, start)?, byte_of(said, end)?)));
        self.found.push(Ground { part, citation: citation.clone(), bytes });
    }

    /// Writes `groundingMetadata`, if there is anything to say.
    pub(super) fn write(&self, out: &mut ObjectWriter<'_>) {
        if self.found.is_empty() {
            return;
        }
        let mut chunks: Vec<(Option<&str>, Option<&str>)> = Vec::new();
        for Ground { citation, .. } in &self.found {
            let chunk = (citation.url.as_deref(), citation.title.as_deref());
            if !chunks.contains(&chunk) {
                chunks.push(chunk);
            }
        }
        out.object("groundingMetadata", |o| {
            o.array("groundingChunks", |a| {
                for (url, title) in &chunks {
                    a.object(|c| {
                        c.object("web", |w| {
                            w.opt_text("uri", *url);
                            w.opt_text("title", *title);
                        });
                    });
                }
            });
            o.array("groundingSupports", |a| {
                for Ground { part, citation, bytes } in &self.found {
                    let chunk = (citation.url.as_deref(), citation.title.as_deref());
                    let index = chunks.iter().position(|c| *c == chunk).and_then(|i| u64::try_from(i).ok());
                    a.object(|s| {
                        s.object("segment", |o| segment(o, *part, citation, *bytes));
                        s.array("groundingChunkIndices", |i| i.uint(index.unwrap_or(0)));
                    });
                }
            });
        });
    }
}

fn segment(out: &mut ObjectWriter<'_>, part: u64, citation: &Citation, bytes: Option<(usize, usize)>) {
    if part > 0 {
        out.uint("partIndex", part);
    }
    if let Some((start, end)) = bytes {
        out.uint("startIndex", u64::try_from(start).unwrap_or(0));
        out.uint("endIndex", u64::try_from(end).unwrap_or(0));
    }
    out.opt_text("text", citation.quote.as_deref());
}

/// The byte at which the character with this number begins, or the end.
fn byte_of(text: &str, character: u64) -> Option<usize> {
    let n = usize::try_from(character).ok()?;
    text.char_indices().map(|(i, _)| i).chain([text.len()]).nth(n)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_become_characters() {
        let said = "Zürich ist schön.";
        assert_eq!(characters(said, (0, 7), Some("Zürich")), Some((0, 6)));
        assert_eq!(characters(said, (40, 47), Some("schön")), Some((11, 16)));
        assert_eq!(characters(said, (2, 3), None), None);
        assert_eq!(characters("a a", (9, 10), Some("a")), None);
        assert_eq!(byte_of(said, 6), Some(7));
        assert_eq!(byte_of(said, 17), Some(said.len()));
    }
}
