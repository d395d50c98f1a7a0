//! Citations of text blocks both ways.

use tollgate_ir::{Carry, Citation, Dialect};

use crate::json::{ArrayWriter, Node, ObjectWriter};

/// Reads one citation; it is kept whole, since its places (pages, characters, blocks) are in this protocol's terms.
pub(super) fn read(node: &Node<'_>) -> Citation {
    let text = |keys: &[&str]| keys.iter().find_map(|key| node.text(key)).map(str::to_owned);
    Citation {
        url: text(&["url", "source"]),
        title: text(&["title", "document_title"]),
        quote: text(&["cited_text"]).filter(|quote| !quote.is_empty()),
        range: None,
        carry: Some(Carry { dialect: Dialect::Anthropic, raw: node.to_json() }),
    }
}

fn own(citation: &Citation) -> Option<&Carry> {
    citation.carry.as_ref().filter(|carry| carry.dialect == Dialect::Anthropic)
}

/// Whether a text block of a request may hold it: only what Claude itself has written.
pub(super) fn is_own(citation: &Citation) -> bool {
    own(citation).is_some()
}

/// Whether a reply can hold it.
pub(super) fn can_say(citation: &Citation) -> bool {
    is_own(citation) || citation.url.is_some()
}

/// Writes one that [`can_say`].
pub(super) fn write(a: &mut ArrayWriter<'_>, citation: &Citation) {
    match own(citation) {
        Some(carry) => a.json(&carry.raw),
        None => a.object(|o| found(o, citation)),
    }
}

/// Writes one that [`can_say`] as a field.
pub(super) fn write_field(o: &mut ObjectWriter<'_>, key: &str, citation: &Citation) {
    match own(citation) {
        Some(carry) => o.json(key, &carry.raw),
        None => o.object(key, |o| found(o, citation)),
    }
}

/// Another maker's, as a search result's.
fn found(o: &mut ObjectWriter<'_>, citation: &Citation) {
    o.text("type", "web_search_result_location");
    o.text("url", citation.url.as_deref().unwrap_or_default());
    o.text_or_null("title", citation.title.as_deref());
    o.text("encrypted_index", "");
    o.text("cited_text", citation.quote.as_deref().unwrap_or_default());
}
