//! Reasoning in its many spellings, and the side field by which seals travel through chat clients.
//!
//! A [`Detail`] is one entry of `reasoning_details` (`OpenRouter`), of `thinking_blocks` (`LiteLLM`) or a content part
//! (Mistral, Databricks). Entries of one `index` are pieces of one block. `position`, ours, says before how many other
//! blocks of the turn it stood, where it was not first, so that interleaved thinking comes back in order.

use tollgate_ir::{Block, Carry, Content, Dialect, Issuer, Json, Reasoning, Seal};

use crate::json::{ArrayWriter, Fields, Node, ObjectWriter};

/// One entry, or several of one block put together.
#[derive(Clone, Debug, Default)]
pub(super) struct Detail {
    /// The words.
    pub text: String,
    /// They are a summary.
    pub summary: bool,
    /// The words are withheld.
    pub redacted: bool,
    /// The item's id, or the call's that the seal belongs to.
    pub id: Option<String>,
    /// Its seal.
    pub seal: Option<Seal>,
    /// Which block it is a piece of.
    pub index: Option<u64>,
    /// Where in the turn the block stands.
    pub position: Option<u64>,
    /// The entry as it came, where its seal's issuer is not known.
    pub raw: Option<Json>,
}

impl Detail {
    /// Plain words.
    pub(super) fn of_text(text: String) -> Self {
        Self { text, ..Self::default() }
    }

    /// As the IR has it.
    pub(super) fn reasoning(&self) -> Reasoning {
        Reasoning { text: self.text.clone(), summary: self.summary, redacted: self.redacted, id: self.id.clone() }
    }

    /// As a block.
    pub(super) fn block(self) -> Block {
        let reasoning = self.reasoning();
        let carry = self.raw.map(|raw| Carry { dialect: Dialect::OpenAiChat, raw });
        Block { seal: self.seal, carry, ..Block::new(Content::Reasoning(reasoning)) }
    }

    /// Whether it says anything at all.
    pub(super) fn says_something(&self) -> bool {
        !self.text.is_empty() || self.seal.is_some() || self.raw.is_some()
    }

    /// Whether the other is a piece of the same block.
    fn continues(&self, next: &Self) -> bool {
        self.index.is_some() && self.index == next.index
    }

    fn join(&mut self, next: Self) {
        self.text.push_str(&next.text);
        self.summary |= next.summary;
        self.redacted &= next.text.is_empty() && next.redacted;
        self.id = next.id.or(self.id.take());
        self.seal = next.seal.or(self.seal.take());
        self.position = self.position.or(next.position);
        self.raw = next.raw.or(self.raw.take());
    }
}

/// The `format` that names an issuer.
pub(super) const fn format_of(issuer: Issuer) -> &'static str {
    match issuer {
        Issuer::Anthropic => "anthropic-claude-v1",
        Issuer::Gemini => "google-gemini-v1",
        Issuer::OpenAi => "openai-responses-v1",
    }
}

fn issuer_of(format: Option<&str>, unsaid: Option<Issuer>) -> Option<Issuer> {
    match format {
        Some(f) if f.starts_with("anthropic") => Some(Issuer::Anthropic),
        Some(f) if f.starts_with("google") => Some(Issuer::Gemini),
        Some(f) if f.starts_with("openai") || f.starts_with("azure-openai") => Some(Issuer::OpenAi),
        None | Some("unknown") => unsaid,
        Some(_) => None,
    }
}

/// Reads one entry of `reasoning_details` or `thinking_blocks`.
pub(super) fn of_entry(node: &Node<'_>) -> Detail {
    of_part(node, node.text("type").unwrap_or("reasoning.text"))
}

/// Reads one entry whose type is known.
pub(super) fn of_part(node: &Node<'_>, kind: &str) -> Detail {
    let text = |keys: &[&str]| keys.iter().find_map(|k| node.get(k).map(words)).filter(|t| !t.is_empty());
    let mut detail = Detail {
        id: node.text("id").map(str::to_owned),
        index: node.uint("index"),
        position: node.uint("position"),
        ..Detail::default()
    };
    // OpenRouter documents signatures for Claude; elsewhere `format` says whose they are.
    let (sealed, unsaid) = match kind {
        "reasoning.encrypted" | "redacted_thinking" => (node.text("data"), guess(node.text("data"), kind)),
        _ => (node.text("signature"), Some(Issuer::Anthropic)),
    };
    detail.text = text(&["text", "summary", "thinking", "content"]).unwrap_or_default();
    detail.summary = kind == "reasoning.summary" || (node.get("summary").is_some() && node.get("text").is_none());
    if let Some(data) = sealed.filter(|s| !s.is_empty()) {
        match issuer_of(node.text("format"), unsaid) {
            Some(issuer) => detail.seal = Some(Seal { issuer, data: data.to_owned() }),
            None => detail.raw = Some(node.to_json()),
        }
    }
    detail.redacted = matches!(kind, "redacted_thinking")
        || (kind == "reasoning.encrypted" && detail.seal.as_ref().is_some_and(|s| s.issuer == Issuer::Anthropic));
    detail
}

/// OpenAI's encrypted reasoning begins as all Fernet tokens do.
fn guess(data: Option<&str>, kind: &str) -> Option<Issuer> {
    match data {
        Some(data) if data.starts_with("gAAAA") => Some(Issuer::OpenAi),
        _ if kind == "redacted_thinking" => Some(Issuer::Anthropic),
        _ => None,
    }
}

/// A text, or the texts of parts.
fn words(node: &Node<'_>) -> String {
    match node {
        Node::Text(text) => text.to_string(),
        other => other.items().iter().filter_map(|part| part.as_str().or_else(|| part.text("text"))).collect(),
    }
}

/// The entries of a whole message, put together by block.
pub(super) fn of_message(details: Option<&Node<'_>>, blocks: Option<&Node<'_>>, plain: Option<&str>) -> Vec<Detail> {
    let entries = details.map(Node::items).filter(|i| !i.is_empty()).or_else(|| blocks.map(Node::items));
    let mut out: Vec<Detail> = Vec::new();
    for next in entries.unwrap_or_default().iter().map(of_entry).filter(Detail::says_something) {
        match out.iter_mut().rev().find(|d| d.continues(&next)) {
            Some(before) => before.join(next),
            None => out.push(next),
        }
    }
    let Some(plain) = plain.filter(|p| !p.is_empty()) else { return out };
    if out.iter().all(|d| d.text.is_empty()) {
        // Only seals: the words stand beside them, and belong to the first that can have any.
        match out.iter_mut().find(|d| !d.redacted && d.seal.as_ref().is_some_and(|s| s.issuer != Issuer::Gemini)) {
            Some(sealed) => {
                sealed.text = plain.to_owned();
                sealed.summary = sealed.seal.as_ref().is_some_and(|s| s.issuer == Issuer::OpenAi);
            }
            None => out.insert(0, Detail::of_text(plain.to_owned())),
        }
    }
    out
}

/// Takes them from a client's message.
pub(super) fn take(message: &mut Fields<'_>) -> Vec<Detail> {
    let details = message.take("reasoning_details");
    let blocks = message.take("thinking_blocks");
    let plain = message.take_any(&["reasoning_content", "reasoning"]);
    of_message(details.as_ref(), blocks.as_ref(), plain.as_ref().and_then(Node::as_str))
}

/// Puts the blocks of a turn in order: reasoning first, but for what says where it stood.
pub(super) fn arrange(details: Vec<Detail>, rest: Vec<Block>) -> Vec<Block> {
    if details.is_empty() {
        return rest;
    }
    let mut out = Vec::with_capacity(details.len() + rest.len());
    let mut rest = rest.into_iter();
    for detail in details {
        let position = detail.position.and_then(|p| usize::try_from(p).ok()).unwrap_or(0);
        while out.len() < position {
            match rest.next() {
                Some(block) => out.push(block),
                None => break,
            }
        }
        out.push(detail.block());
    }
    out.extend(rest);
    out
}

/// Writes a block's entries: its words, its seal, or both. A sealed summary takes two, as with `OpenRouter`.
pub(super) fn write(a: &mut ArrayWriter<'_>, reasoning: &Reasoning, text: &str, seal: Option<&Seal>, place: Place) {
    let encrypted =
        |seal: &Seal| reasoning.redacted || (seal.issuer == Issuer::OpenAi && (reasoning.summary || text.is_empty()));
    let apart = seal.filter(|s| encrypted(s));
    if !text.is_empty() || apart.is_none() {
        let signature = if apart.is_some() { None } else { seal };
        a.object(|o| {
            if reasoning.summary {
                o.text("type", "reasoning.summary");
                o.text("summary", text);
            } else {
                o.text("type", "reasoning.text");
                if !text.is_empty() {
                    o.text("text", text);
                }
            }
            o.opt_text("signature", signature.map(|s| s.data.as_str()));
            rest(o, reasoning.id.as_deref(), signature, place);
        });
    }
    if let Some(seal) = apart {
        encrypted_entry(a, seal, reasoning.id.as_deref(), place);
    }
}

/// Writes an entry that is nothing but a seal; `id` says whose.
pub(super) fn encrypted_entry(a: &mut ArrayWriter<'_>, seal: &Seal, id: Option<&str>, place: Place) {
    a.object(|o| {
        o.text("type", "reasoning.encrypted");
        o.text("data", &seal.data);
        rest(o, id, Some(seal), place);
    });
}

fn rest(o: &mut ObjectWriter<'_>, id: Option<&str>, seal: Option<&Seal>, place: Place) {
    o.opt_text("id", id);
    o.opt_text("format", seal.map(|s| format_of(s.issuer)));
    o.uint("index", place.index);
    o.opt_uint("position", place.position);
}

/// Where an entry stands.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Place {
    /// The how-manieth reasoning block of the turn.
    pub index: u64,
    /// The how-manieth block of all, where others stand before it.
    pub position: Option<u64>,
}

/// Writes Gemini's signature where Google's own chat endpoint puts it.
pub(super) fn google(o: &mut ObjectWriter<'_>, seal: &Seal) {
    if seal.issuer == Issuer::Gemini {
        o.object("extra_content", |e| e.object("google", |g| g.text("thought_signature", &seal.data)));
    }
}

/// Reads a content part of reasoning. Databricks puts entries of its own into `summary`, each perhaps signed.
pub(super) fn of_content_part(part: &Node<'_>, kind: &str) -> Vec<Detail> {
    match part.get("summary") {
        Some(Node::Array(entries)) => {
            entries.iter().map(|entry| of_part(entry, "reasoning.text")).filter(Detail::says_something).collect()
        }
        _ => Some(of_part(part, kind)).filter(Detail::says_something).into_iter().collect(),
    }
}
