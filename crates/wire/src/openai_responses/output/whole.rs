//! Blocks that come at once: of whole replies, and items that a stream gives in one piece.

use tollgate_ir::{Block, BlockStart, Carry, Content, Delta, Dialect, Json, MediaKind, MediaSource};

use super::item::Kind;
use super::{Output, Sink};
use crate::json::object;
use crate::openai_responses::reasoning::make_id;

impl Output {
    /// A block that comes at once.
    pub(in super::super) fn whole(&mut self, block: u32, whole: &Block, sink: &mut Sink<'_>) {
        let Some(start) = start_of(whole) else {
            if let Some(raw) = raw_item(whole, &make_id("ig", &self.stem, self.items.len())) {
                self.item(Kind::Whole(raw), None, None, sink);
                self.finish(self.items.len() - 1, sink);
            }
            return;
        };
        self.open(block, &start, sink);
        if let Some(carry) = &whole.carry {
            self.delta(block, &Delta::Carry(carry.clone()), sink);
        }
        match &whole.content {
            Content::Text { text, citations } => {
                self.some_text(block, text, sink);
                for citation in citations {
                    self.delta(block, &Delta::Citation(Box::new(citation.clone())), sink);
                }
            }
            Content::Refusal(text) => self.some_text(block, text, sink),
            Content::Reasoning(reasoning) => self.some_text(block, &reasoning.text, sink),
            Content::Call(call) => self.delta(block, &Delta::Arguments(call.arguments.clone()), sink),
            _ => {}
        }
        if let Some(seal) = &whole.seal {
            self.delta(block, &Delta::Seal(seal.clone()), sink);
        }
        self.close(block, sink);
    }

    fn some_text(&mut self, block: u32, text: &str, sink: &mut Sink<'_>) {
        if !text.is_empty() {
            self.delta(block, &Delta::Text(text.to_owned()), sink);
        }
    }
}

/// How a whole block would have opened; `None` for what is an item as it is.
fn start_of(block: &Block) -> Option<BlockStart> {
    Some(match &block.content {
        Content::Text { .. } => BlockStart::Text,
        Content::Refusal(_) => BlockStart::Refusal,
        Content::Reasoning(r) => BlockStart::Reasoning { summary: r.summary, redacted: r.redacted, id: r.id.clone() },
        Content::Call(call) => BlockStart::Call { id: call.id.clone(), name: call.name.clone(), kind: call.kind },
        _ => return None,
    })
}

/// An item of ours as it came, a picture as a generated image; others' steps are not for this face.
fn raw_item(block: &Block, id: &str) -> Option<Json> {
    if let Some(Carry { dialect: Dialect::OpenAiResponses, raw }) = &block.carry {
        return Some(raw.clone());
    }
    let Content::Media(media) = &block.content else { return None };
    let (MediaKind::Image, MediaSource::Base64(data)) = (media.kind, &media.source) else { return None };
    let mut out = Vec::new();
    object(&mut out, |o| {
        o.text("id", id);
        o.text("type", "image_generation_call");
        o.text("status", "completed");
        o.opt_text("output_format", media.mime.as_deref().and_then(|m| m.strip_prefix("image/")));
        o.text("result", data);
    });
    Json::parse(String::from_utf8(out).ok()?).ok()
}
