//! Reasoning items ↔ blocks: one block a summary (or content) part, the seal on the last.
//!
//! A seal that another provider made is shown to clients as `encrypted_content` under our prefix, so that clients
//! without state at the provider (`store: false`) give it back and its maker gets it; OpenAI itself never does.

use tollgate_ir::{Block, Carry, Content, Dialect, Issuer, Json, Reasoning, Seal};

use crate::json::{Node, Object};

const PREFIX: &str = "tollgate.";
const ISSUERS: [(Issuer, &str); 2] = [(Issuer::Anthropic, "anthropic."), (Issuer::Gemini, "gemini.")];

/// `encrypted_content` as a seal.
pub(super) fn seal(encrypted: &str) -> Seal {
    let foreign = encrypted.strip_prefix(PREFIX).and_then(|rest| {
        let (issuer, data) = ISSUERS.iter().find_map(|(i, name)| Some((*i, rest.strip_prefix(name)?)))?;
        Some(Seal { issuer, data: data.to_owned() })
    });
    foreign.unwrap_or_else(|| Seal { issuer: Issuer::OpenAi, data: encrypted.to_owned() })
}

/// A seal as `encrypted_content` for a client.
pub(super) fn encrypted(seal: &Seal) -> String {
    match ISSUERS.iter().find(|(issuer, _)| *issuer == seal.issuer) {
        Some((_, name)) => format!("{PREFIX}{name}{}", seal.data),
        None => seal.data.clone(),
    }
}

/// Reads a reasoning item. One that says nothing is kept whole for its own dialect: its id may be referred to.
pub(super) fn read(item: &Node<'_>) -> Vec<Block> {
    let id = item.text("id").filter(|id| !is_made_up(id)).map(str::to_owned);
    let seal = item.text("encrypted_content").map(seal);
    let parts = |key: &str| -> Vec<String> {
        let parts = item.get(key).map(Node::items).unwrap_or_default();
        parts.iter().filter_map(|p| p.text("text")).filter(|t| !t.is_empty()).map(str::to_owned).collect()
    };
    let (mut texts, mut summary) = (parts("summary"), true);
    if texts.is_empty() {
        texts = parts("content");
        summary = texts.is_empty() && seal.is_some();
    }
    if texts.is_empty() {
        if seal.is_none() {
            return vec![whole(item, "reasoning")];
        }
        texts.push(String::new());
    }
    let last = texts.len() - 1;
    let mut blocks: Vec<_> = texts
        .into_iter()
        .map(|text| Block::new(Content::Reasoning(Reasoning { text, summary, redacted: false, id: id.clone() })))
        .collect();
    blocks[last].seal = seal;
    blocks
}

/// An item as a block that only its own dialect can say.
pub(super) fn whole(item: &Node<'_>, kind: &str) -> Block {
    let mut block = Block::new(Content::Opaque { kind: kind.to_owned() });
    block.carry = Some(ours(item.to_json()));
    block
}

/// Raw JSON of this dialect.
pub(super) const fn ours(raw: Json) -> Carry {
    Carry { dialect: Dialect::OpenAiResponses, raw }
}

/// The raw fields of a block, if they are this dialect's.
pub(super) fn carried(block: &Block) -> Option<&Json> {
    block.carry.as_ref().filter(|c| c.dialect == Dialect::OpenAiResponses).map(|c| &c.raw)
}

/// The fields of an item beyond those named, as carry; `None` when there are none.
pub(super) fn extra(item: &Node<'_>, known: &[&str]) -> Option<Carry> {
    let rest: Vec<_> = item
        .entries()
        .iter()
        .filter(|(key, value)| !known.contains(&key.as_ref()) && *value != Node::Null)
        .filter(|(key, value)| key != "id" || !value.as_str().is_some_and(is_made_up))
        .cloned()
        .collect();
    (!rest.is_empty()).then(|| ours(Node::Object(Object(rest)).to_json()))
}

/// For a relay to OpenAI after answers of others: the request's `input` without reasoning items that we made, which
/// OpenAI would look up or try to read, and refuse the whole request. `None`: there are none, the bytes may stay.
pub fn input_without_foreign_reasoning(body: &[u8]) -> Option<Json> {
    // Nearly every body holds none, and a search costs far less than a parse.
    memchr::memmem::find(body, b"\"rs_tg").or_else(|| memchr::memmem::find(body, b"\"tollgate."))?;
    let body = Node::read(body)?;
    let items = body.get("input")?.items();
    let foreign = |item: &&Node<'_>| {
        let sealed = item.text("encrypted_content").is_some_and(|e| seal(e).issuer != Issuer::OpenAi);
        item.text("type") == Some("reasoning") && (sealed || item.text("id").is_some_and(is_made_up))
    };
    let own: Vec<_> = items.iter().filter(|item| !foreign(item)).cloned().collect();
    (own.len() < items.len()).then(|| Node::Array(own).to_json())
}

/// An item's id that we make: `msg_tg…_0`, with the response's id and the place in it. OpenAI's have hexadecimal digits there, so ours are known when clients give them
/// back, and taken out: OpenAI looks ids up.
pub(super) fn make_id(prefix: &str, stem: &str, place: usize) -> String {
    format!("{prefix}_{MADE_UP}{stem}_{place}")
}

fn is_made_up(id: &str) -> bool {
    id.split_once('_').is_some_and(|(_, rest)| rest.starts_with(MADE_UP))
}

/// What ids of our making begin with, after the kind.
pub(super) const MADE_UP: &str = "tg";
