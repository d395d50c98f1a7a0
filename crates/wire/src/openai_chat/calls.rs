//! Tool calls as messages and replies have them → blocks.

use tollgate_ir::{Block, Call, CallKind, Content, Issuer, Seal};

use super::reasoning::Detail;
use crate::ids;
use crate::json::Node;

/// A call as it came: what is missing is `None`.
#[derive(Clone, Debug, Default)]
pub(super) struct Raw {
    pub id: Option<String>,
    pub name: Option<String>,
    pub arguments: Option<String>,
    pub kind: CallKind,
    pub seal: Option<Seal>,
}

impl Raw {
    /// Reads `{id, type, function: {name, arguments}}`, `{id, type, custom: {name, input}}`, or the inside alone.
    pub(super) fn read(node: &Node<'_>) -> Self {
        let custom =
            node.get("custom").filter(|_| node.text("type") == Some("custom") || node.get("function").is_none());
        let inner = custom.or_else(|| node.get("function")).unwrap_or(node);
        let kind = if custom.is_some() { CallKind::Custom } else { CallKind::Function };
        let text = |key: &str| node.text(key).filter(|t| !t.is_empty()).map(str::to_owned);
        Self {
            id: text("id"),
            name: inner.text("name").filter(|n| !n.is_empty()).map(str::to_owned),
            arguments: inner.get("arguments").or_else(|| inner.get("input")).map(|arguments| match arguments {
                Node::Text(text) => text.to_string(),
                // Some hosts send the arguments parsed.
                other => other.to_text(),
            }),
            kind,
            seal: google_seal(node),
        }
    }

    /// As a block; `answer` and `place` make the id of a call that has none.
    pub(super) fn block(self, answer: &str, place: usize) -> Block {
        let call = Call {
            id: self.id.unwrap_or_else(|| ids::made_up(answer, place)),
            name: self.name.unwrap_or_default(),
            arguments: self.arguments.unwrap_or_default(),
            kind: self.kind,
        };
        Block { seal: self.seal, ..Block::new(Content::Call(call)) }
    }
}

/// Gemini's signature, where Google's own chat endpoint puts it.
pub(super) fn google_seal(node: &Node<'_>) -> Option<Seal> {
    let found = node.at(&["extra_content", "google", "thought_signature"]).or_else(|| node.get("thought_signature"))?;
    let data = found.as_str().filter(|d| !d.is_empty())?;
    Some(Seal { issuer: Issuer::Gemini, data: data.to_owned() })
}

/// Gives seals that name a call to that call; the other details stay.
pub(super) fn seal(blocks: &mut [Block], details: Vec<Detail>) -> Vec<Detail> {
    let mut kept = Vec::new();
    for detail in details {
        let call = blocks.iter_mut().find(|block| match &block.content {
            Content::Call(call) => detail.text.is_empty() && detail.id.as_deref() == Some(&call.id),
            _ => false,
        });
        match (call, &detail.seal) {
            (Some(block), Some(seal)) => {
                block.seal.get_or_insert_with(|| seal.clone());
            }
            _ => kept.push(detail),
        }
    }
    kept
}

/// Gives a message's own signature to its first call, else to its last text.
pub(super) fn seal_message(blocks: &mut [Block], seal: Option<Seal>) {
    let Some(seal) = seal else { return };
    let place = blocks
        .iter()
        .position(|b| matches!(b.content, Content::Call(_)))
        .or_else(|| blocks.iter().rposition(|b| b.as_text().is_some()));
    if let Some(block) = place.and_then(|i| blocks.get_mut(i)) {
        block.seal.get_or_insert(seal);
    }
}
