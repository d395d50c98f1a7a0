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

/// Gives seals that name a call to that call; the other details stay. A client may have renamed the call: Gemini signs
/// the first call of a turn, so its seal goes there.
pub(super) fn seal(blocks: &mut [Block], details: Vec<Detail>) -> Vec<Detail> {
    let mut kept = Vec::new();
    for detail in details {
        let is_call = |block: &&mut Block| matches!(block.content, Content::Call(_)) && block.seal.is_none();
        let named =
            |block: &&mut Block| matches!(&block.content, Content::Call(c) if detail.id.as_deref() == Some(&c.id));
        let of_a_call =
            detail.seal.clone().filter(|s| detail.text.is_empty() && detail.id.is_some() && s.issuer == Issuer::Gemini);
        let Some(seal) = of_a_call else {
            kept.push(detail);
            continue;
        };
        let place = match blocks.iter_mut().find(named) {
            Some(block) => Some(block),
            None => blocks.iter_mut().find(is_call),
        };
        match place {
            Some(block) => {
                block.seal.get_or_insert(seal);
            }
            None => kept.push(detail),
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
