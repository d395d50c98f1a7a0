//! Parts of a message's content, and documents, as they are written.

use std::borrow::Cow;

use tollgate_ir::{Block, Content, Dialect, Media, MediaSource};

use crate::json::{ArrayWriter, ObjectWriter, object};

/// One part of a message's content.
pub(super) enum Part<'r> {
    Text(&'r str),
    Thinking(&'r str),
    Image(Cow<'r, str>, Option<&'r str>),
    Document(&'r Block),
    Raw(&'r str),
}

impl<'r> Part<'r> {
    /// The words, if it is text.
    pub(super) const fn as_text(&self) -> Option<&'r str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    fn write(&self, a: &mut ArrayWriter<'_>) {
        match self {
            Self::Text(text) => a.object(|p| {
                p.text("type", "text");
                p.text("text", text);
            }),
            Self::Thinking(text) => a.object(|p| {
                p.text("type", "thinking");
                p.text("thinking", text);
            }),
            Self::Image(url, detail) => a.object(|p| {
                p.text("type", "image_url");
                p.object("image_url", |i| {
                    i.text("url", url);
                    i.opt_text("detail", *detail);
                });
            }),
            Self::Document(block) => a.object(|p| {
                p.text("type", "document");
                match (&block.carry, &block.content) {
                    (Some(carry), _) if carry.dialect == Dialect::Cohere => p.json("document", &carry.raw),
                    // A tool's document may be plain text; its id is what citations name.
                    (_, Content::Media(Media { source: MediaSource::Text(text), name, .. })) => {
                        p.object("document", |d| {
                            d.opt_text("id", name.as_deref());
                            d.text("data", text);
                        });
                    }
                    _ => p.null("document"),
                }
            }),
            Self::Raw(json) => a.raw(json),
        }
    }
}

/// Writes `content`: a string if it is one text, else parts.
pub(super) fn content(m: &mut ObjectWriter<'_>, parts: &[Part<'_>]) {
    match parts {
        [Part::Text(text)] => m.text("content", text),
        _ => m.array("content", |a| parts.iter().for_each(|part| part.write(a))),
    }
}

/// Writes one of the request's `documents`.
pub(super) fn document(a: &mut ArrayWriter<'_>, block: &Block) {
    let mut out = Vec::new();
    document_object(&mut out, block);
    a.raw(&String::from_utf8_lossy(&out));
}

/// A document as it came from a client of Cohere, or its title and text.
fn document_object(out: &mut Vec<u8>, block: &Block) {
    if let Some(carry) = block.carry.as_ref().filter(|c| c.dialect == Dialect::Cohere) {
        out.extend_from_slice(carry.raw.as_str().as_bytes());
        return;
    }
    let Content::Media(Media { source: MediaSource::Text(text), name, .. }) = &block.content else { return };
    object(out, |d| {
        d.object("data", |data| {
            data.opt_text("title", name.as_deref());
            data.text("text", text);
        });
    });
}
