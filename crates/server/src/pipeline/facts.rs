//! What is known of a request for rules and filters. Only what a decision asks for costs time: a plain relay to one
//! model asks for nothing (`plan.rs`), and the body is decoded here only where it was not already.

use std::collections::BTreeMap;
use std::fmt::{self, Write};
use std::hash::{DefaultHasher, Hasher};

use http::HeaderMap;
use memchr::memmem;
use tollgate_core::Now;
use tollgate_core::config::Modality;
use tollgate_core::route::{ESTIMATED_COST, RequestFacts, dearest};
use tollgate_ir::{Block, Content, Losses, MediaKind, Operation, OutputFormat, Request, Role, ThinkingMode};
use tollgate_wire::codec;
use tollgate_wire::json::Node;

use super::memory::Known;
use super::receive::{Call, Task};

/// How the dialects begin what is no text. That one stands in a text only costs a closer look.
const MEDIA: &[&[u8]] = &[
    b"image",
    b"\"document\"",
    b"input_audio",
    b"input_file",
    b"\"file\"",
    b"nlineData",
    b"nline_data",
    b"ileData",
    b"ile_data",
    b"\"video",
    b"\"audio",
];

/// Whether a body may hold something else than text.
pub fn may_have_media(body: &[u8]) -> bool {
    MEDIA.iter().any(|word| memmem::find(body, word).is_some())
}

/// The facts of a call.
pub fn of(call: &Call, known: &Known, now: Now) -> RequestFacts {
    let headers = &call.head.headers;
    let said = call.envelope.node(&call.body, "metadata");
    let seconds = now.unix_ms / 1000;
    let mut facts = RequestFacts {
        operation: call.operation,
        stream: call.stream,
        max_tokens: call.envelope.max_tokens(&call.body),
        key: call.caller.name.to_string(),
        team: call.caller.team.as_deref().unwrap_or_default().to_owned(),
        tags: tags(call, said.as_ref()),
        metadata: metadata(headers, said.as_ref()),
        session: session(call),
        region: header(headers, "x-tollgate-region").unwrap_or_default().to_owned(),
        hour: (seconds / 3600 % 24) as u32,
        // 1970-01-01 was a Thursday.
        weekday: ((seconds / 86_400 + 3) % 7 + 1) as u32,
        ..RequestFacts::default()
    };
    read_prompt(&mut facts, call, known);
    if call.resolved.virtual_model().is_some_and(|model| model.policy.mentions(ESTIMATED_COST)) {
        facts.estimated_cost = dearest(&call.resolved, &call.state.config, &facts);
    }
    facts
}

/// What the prompt says: of the request in the IR where there is one, else of the body's text.
fn read_prompt(facts: &mut RequestFacts, call: &Call, known: &Known) {
    let is_chat = call.task == Task::Chat && matches!(call.operation, Operation::Chat | Operation::Complete);
    if let Some(understood) = &known.understood {
        of_request(facts, &understood.request);
        return;
    }
    let mut losses = Losses::new(codec::path_of(call.face));
    let decoded = is_chat.then(|| codec::decode_request(call.face, &call.body, &call.request_head(), &mut losses));
    let Some(Ok(mut request)) = decoded else {
        let text = String::from_utf8_lossy(&call.body);
        facts.prompt_tokens = tollgate_text::tokens::estimate(&text);
        facts.prompt_chars = text.chars().count() as u64;
        return;
    };
    if let Some(before) = known.recalled.stored.as_ref().and_then(|stored| stored.conversation.as_ref()) {
        request.turns.splice(0..0, before.turns.iter().cloned());
    }
    of_request(facts, &request);
}

fn of_request(facts: &mut RequestFacts, request: &Request) {
    facts.prompt_tokens = tollgate_text::tokens::estimate_request(request);
    facts.max_tokens = request.params.max_tokens.or(facts.max_tokens);
    facts.turns = u32::try_from(request.turns.len()).unwrap_or(u32::MAX);
    facts.tools = u32::try_from(request.tools.len()).unwrap_or(u32::MAX);
    facts.schema = matches!(request.output, Some(OutputFormat::Schema { .. }));
    facts.reasoning =
        request.thinking.as_ref().is_some_and(|t| matches!(t.mode, ThinkingMode::On | ThinkingMode::Adaptive));
    for block in request.system.iter().chain(request.turns.iter().flat_map(|turn| &turn.blocks)) {
        of_block(facts, block);
    }
    facts.prefix = Some(prefix(request));
}

fn of_block(facts: &mut RequestFacts, block: &Block) {
    let text = match &block.content {
        Content::Text { text, .. } | Content::Refusal(text) => text,
        Content::Reasoning(reasoning) => &reasoning.text,
        Content::Call(call) => &call.arguments,
        Content::Result(result) => return result.content.iter().for_each(|inner| of_block(facts, inner)),
        Content::Media(media) => {
            let kind = match media.kind {
                MediaKind::Image => Modality::Image,
                MediaKind::Document => Modality::Document,
                MediaKind::Audio => Modality::Audio,
                MediaKind::Video => Modality::Video,
            };
            if !facts.modalities.contains(&kind) {
                facts.modalities.push(kind);
            }
            return;
        }
        Content::Server(_) | Content::Opaque { .. } => return,
    };
    facts.prompt_chars += text.chars().count() as u64;
}

/// A hash of what stays the same over the turns of a conversation: tools, system prompt, first turn of the user. Marks
/// of prompt caches move from turn to turn, so that only contents count.
fn prefix(request: &Request) -> u64 {
    let mut hash = Hashed(DefaultHasher::new());
    let first = request.turns.iter().find(|turn| turn.role == Role::User);
    let tools = request.tools.iter().map(|tool| &tool.kind);
    let blocks = request.system.iter().chain(first.into_iter().flat_map(|turn| &turn.blocks));
    let _ = tools.into_iter().try_for_each(|kind| write!(hash, "{kind:?}"));
    let _ = blocks.into_iter().try_for_each(|block| write!(hash, "{:?}", block.content));
    hash.0.finish()
}

/// Hashes what is written, so that nothing is built only to be hashed.
struct Hashed(DefaultHasher);

impl Write for Hashed {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.write(text.as_bytes());
        Ok(())
    }
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok().map(str::trim).filter(|text| !text.is_empty())
}

fn tags(call: &Call, said: Option<&Node<'_>>) -> Vec<String> {
    let headers = ["x-tollgate-tags", "x-litellm-tags"].into_iter().filter_map(|n| header(&call.head.headers, n));
    let mut tags: Vec<String> =
        headers.flat_map(|list| list.split(',')).map(|tag| tag.trim().to_owned()).filter(|t| !t.is_empty()).collect();
    let beside = call.envelope.node(&call.body, "tags");
    let lists = [said.and_then(|said| said.get("tags")), beside.as_ref()];
    for tag in lists.into_iter().flatten().flat_map(Node::items).filter_map(Node::as_str) {
        tags.push(tag.to_owned());
    }
    tags
}

/// The body's own metadata, before what headers of other gateways say.
fn metadata(headers: &HeaderMap, said: Option<&Node<'_>>) -> BTreeMap<String, String> {
    let mut metadata = BTreeMap::new();
    for (name, value) in headers {
        if let (Some(key), Ok(value)) = (name.as_str().strip_prefix("helicone-property-"), value.to_str()) {
            metadata.insert(key.to_owned(), value.to_owned());
        }
    }
    let portkey = header(headers, "x-portkey-metadata").and_then(|text| Node::read(text.as_bytes()));
    for (key, value) in [portkey.as_ref(), said].into_iter().flatten().flat_map(Node::entries) {
        let text = value.as_str().map_or_else(|| value.to_text(), str::to_owned);
        metadata.insert(key.to_string(), text);
    }
    metadata
}

fn session(call: &Call) -> Option<String> {
    let names = ["x-tollgate-session", "x-session-id", "helicone-session-id"];
    let head = names.into_iter().find_map(|name| header(&call.head.headers, name)).map(str::to_owned);
    head.or_else(|| {
        let names = ["session_id", "litellm_session_id"];
        names.into_iter().find_map(|name| call.envelope.text(&call.body, name))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use tollgate_ir::{Dialect, Turn};

    fn read(face: Dialect, body: &str) -> RequestFacts {
        let mut losses = Losses::new(codec::path_of(face));
        let head = tollgate_wire::target::RequestHead { model: None, stream: None, is_scanned: false };
        let request = codec::decode_request(face, body.as_bytes(), &head, &mut losses).unwrap();
        let mut facts = RequestFacts::default();
        of_request(&mut facts, &request);
        facts
    }

    #[test]
    fn media_is_seen_in_every_dialect() {
        for (face, body) in [
            (
                Dialect::OpenAiChat,
                r#"{"model":"m","messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"https://x/y.png"}}]}]}"#,
            ),
            (
                Dialect::OpenAiResponses,
                r#"{"model":"m","input":[{"role":"user","content":[{"type":"input_image","image_url":"https://x/y.png"}]}]}"#,
            ),
            (
                Dialect::Anthropic,
                r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":[{"type":"image","source":{"type":"url","url":"https://x/y.png"}}]}]}"#,
            ),
            (
                Dialect::Gemini,
                r#"{"model":"m","contents":[{"role":"user","parts":[{"inlineData":{"mimeType":"image/png","data":"AAAA"}}]}]}"#,
            ),
        ] {
            assert!(may_have_media(body.as_bytes()), "{face}");
            assert_eq!(read(face, body).modalities, [Modality::Image], "{face}");
        }
        assert!(!may_have_media(br#"{"model":"m","messages":[{"role":"user","content":"hello"}]}"#));
    }

    #[test]
    fn a_conversation_keeps_its_prefix() {
        let turn = |role, text: &str| Turn { role, blocks: vec![Block::text(text)] };
        let mut request = Request { turns: vec![turn(Role::User, "one")], ..Request::default() };
        let first = prefix(&request);
        request.turns.extend([turn(Role::Assistant, "two"), turn(Role::User, "three")]);
        assert_eq!(prefix(&request), first);
        request.system.push(Block::text("be brief"));
        assert_ne!(prefix(&request), first);
    }
}
