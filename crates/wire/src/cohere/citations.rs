//! Citations: Cohere keeps them beside the content, each with all its sources, and counts characters of the block that
//! `content_index` names. In the IR they stand at their text, one for each source.

use tollgate_ir::{Block, Carry, Citation, Content, Dialect};

use crate::json::{Node, Object, ObjectWriter, object};

/// Puts a message's citations at the texts that they point into. Blocks are those of `content`, perhaps with the plan.
pub(super) fn attach(blocks: &mut [Block], cited: &Node<'_>) {
    for node in cited.items() {
        let index = index_of(blocks, node);
        let Some(Content::Text { citations, .. }) = index.and_then(|i| blocks.get_mut(i)).map(|b| &mut b.content)
        else {
            continue;
        };
        citations.extend(decode(node));
    }
}

/// The block that a citation points into.
fn index_of(blocks: &[Block], node: &Node<'_>) -> Option<usize> {
    let plan = |b: &Block| super::messages::is_plan(b.carry.as_ref());
    if node.text("type") == Some("PLAN") {
        return blocks.iter().position(plan);
    }
    let of_content = || blocks.iter().enumerate().filter(|(_, b)| !plan(b));
    let told = node.uint("content_index").and_then(|n| usize::try_from(n).ok());
    told.and_then(|n| of_content().nth(n)).or_else(|| of_content().find(|(_, b)| b.as_text().is_some())).map(|(i, _)| i)
}

/// One citation for each source.
pub(super) fn decode(node: &Node<'_>) -> Vec<Citation> {
    let range = node.uint("start").zip(node.uint("end"));
    let mut sources: Vec<Option<&Node<'_>>> =
        node.get("sources").map_or(&[][..], Node::items).iter().map(Some).collect();
    if sources.is_empty() {
        sources.push(None);
    }
    let of = |source: Option<&Node<'_>>| {
        let facts = source.and_then(|s| s.get("document").or_else(|| s.get("tool_output")));
        let text = |keys: &[&str]| keys.iter().find_map(|k| facts?.text(k)).map(str::to_owned);
        let id = source.and_then(|s| s.text("id"));
        Citation {
            url: text(&["url", "link"]).or_else(|| id.filter(|id| id.starts_with("http")).map(str::to_owned)),
            title: text(&["title", "name"]).or_else(|| id.map(str::to_owned)),
            quote: text(&["text", "snippet", "content"]),
            range,
            carry: Some(Carry { dialect: Dialect::Cohere, raw: with_one_source(node, source).to_json() }),
        }
    };
    sources.into_iter().map(of).collect()
}

/// The citation with this source alone, for the way back; which block it points into is known then.
fn with_one_source<'a>(node: &Node<'a>, source: Option<&Node<'a>>) -> Node<'a> {
    let entries = node.entries().iter().filter(|(key, _)| key != "content_index").map(|(key, value)| match source {
        Some(source) if key == "sources" => (key.clone(), Node::Array(vec![source.clone()])),
        _ => (key.clone(), value.clone()),
    });
    Node::Object(Object(entries.collect()))
}

/// Writes one citation of a text in content block `index`.
pub(super) fn encode(out: &mut Vec<u8>, citation: &Citation, text: &str, index: u64) {
    object(out, |o| match citation.carry.as_ref().filter(|c| c.dialect == Dialect::Cohere) {
        Some(carry) => {
            o.spread(&carry.raw, &[]);
            o.uint("content_index", index);
        }
        None => foreign(o, citation, text, index),
    });
}

fn foreign(o: &mut ObjectWriter<'_>, citation: &Citation, text: &str, index: u64) {
    // Others cite for a whole block where they name no range.
    let (start, end) = citation.range.unwrap_or((0, text.chars().count() as u64));
    let from = usize::try_from(start).unwrap_or(usize::MAX);
    let many = usize::try_from(end.saturating_sub(start)).unwrap_or(usize::MAX);
    o.uint("start", start);
    o.uint("end", end);
    o.text("text", &text.chars().skip(from).take(many).collect::<String>());
    o.array("sources", |a| {
        a.object(|s| {
            s.text("type", "document");
            let id = citation.url.as_deref().or(citation.title.as_deref());
            s.opt_text("id", id);
            s.object("document", |d| {
                d.opt_text("id", id);
                d.opt_text("title", citation.title.as_deref());
                d.opt_text("url", citation.url.as_deref());
                d.opt_text("text", citation.quote.as_deref());
            });
        });
    });
    o.uint("content_index", index);
    o.text("type", "TEXT_CONTENT");
}
