//! IR → content blocks, for a provider's request and for a client's reply.

use tollgate_ir::{Block, CacheMark, Call, CallKind, Carry, Content, Dialect, Issuer, Reasoning, Seal, ToolResult};

use crate::anthropic::{citations, media, seal};
use crate::ids::{IdRule, ToolNames};
use crate::json::{ArrayWriter, Node, ObjectWriter, object};
use crate::target::ModelFacts;
use crate::translate::CUSTOM_INPUT;

/// For whom blocks are written.
#[derive(Clone, Copy)]
pub(in crate::anthropic) enum For<'a> {
    /// Claude: ids and names by its rules, seals and citations of its own only.
    Provider(&'a ToolNames),
    /// A client: ids and names as they are, foreign seals marked.
    Client,
}

/// Writes one block. `cache` is the mark to set, which the caller counts; a block that says nothing writes nothing.
pub(in crate::anthropic) fn block(a: &mut ArrayWriter<'_>, block: &Block, cache: Option<CacheMark>, to: For<'_>) {
    if let Some(carry) = whole(block.carry.as_ref()) {
        return a.object(|o| {
            o.spread(&carry.raw, &["cache_control"]);
            cache_control(o, cache);
        });
    }
    match &block.content {
        Content::Text { text, citations } => a.object(|o| {
            o.text("type", "text");
            o.text("text", text);
            let kept: Vec<_> = citations
                .iter()
                .filter(|c| if matches!(to, For::Client) { citations::can_say(c) } else { citations::is_own(c) })
                .collect();
            if !kept.is_empty() {
                o.array("citations", |a| kept.into_iter().for_each(|c| citations::write(a, c)));
            }
            cache_control(o, cache);
        }),
        Content::Refusal(text) => a.object(|o| {
            o.text("type", "text");
            o.text("text", text);
            cache_control(o, cache);
        }),
        Content::Reasoning(reasoning) => thinking(a, reasoning, block.seal.as_ref(), to),
        Content::Call(call) => a.object(|o| {
            o.text("type", "tool_use");
            call_head(o, call, to);
            o.raw("input", &input(call));
            extras(o, block.carry.as_ref());
            cache_control(o, cache);
        }),
        Content::Result(result) => a.object(|o| tool_result(o, block, result, cache, to)),
        // A request's have been checked; a reply may hold sounds and films, which have no place here.
        Content::Media(media) if media::check(block, media, &ModelFacts::default()).is_err() => {}
        Content::Media(media) => a.object(|o| {
            o.text("type", media::block_type(media));
            media::write(o, media);
            if media::block_type(media) == "document" {
                o.opt_text("title", media.name.as_deref());
            }
            extras(o, block.carry.as_ref());
            cache_control(o, cache);
        }),
        // Another dialect's.
        Content::Server(_) | Content::Opaque { .. } => {}
    }
}

/// `id` and `name` of a call.
pub(in crate::anthropic) fn call_head(o: &mut ObjectWriter<'_>, call: &Call, to: For<'_>) {
    match to {
        For::Provider(names) => {
            o.text("id", &IdRule::WIDE.apply(&call.id));
            o.text("name", names.upstream(&call.name));
        }
        For::Client => {
            o.text("id", &call.id);
            o.text("name", &call.name);
        }
    }
}

/// The arguments as the JSON object that `input` must be: none, and `null`, are an empty one; anything else is wrapped as
/// a custom tool's text is.
pub(in crate::anthropic) fn input(call: &Call) -> String {
    match object_of(call) {
        Some(object) => object.to_owned(),
        None => {
            let mut out = Vec::new();
            object(&mut out, |o| o.text(CUSTOM_INPUT, &call.arguments));
            String::from_utf8(out).unwrap_or_default()
        }
    }
}

fn object_of(call: &Call) -> Option<&str> {
    let arguments = call.arguments.trim();
    match call.kind {
        CallKind::Custom => None,
        CallKind::Function if matches!(arguments, "" | "null") => Some("{}"),
        CallKind::Function => {
            matches!(Node::read(arguments.as_bytes()), Some(Node::Object(_))).then_some(call.arguments.as_str())
        }
    }
}

/// Whether a function's call has arguments that are no JSON object, so that [`input`] wraps them.
pub(in crate::anthropic) fn input_is_wrapped(block: &Block) -> bool {
    matches!(&block.content, Content::Call(call) if call.kind == CallKind::Function && object_of(call).is_none())
}

fn thinking(a: &mut ArrayWriter<'_>, reasoning: &Reasoning, sealed: Option<&Seal>, to: For<'_>) {
    let own = |seal: &&Seal| matches!(to, For::Client) || seal.issuer == Issuer::Anthropic;
    let sealed = sealed.filter(own).map(|s| seal::write(s, reasoning.id.as_deref())).unwrap_or_default();
    if reasoning.redacted && !sealed.is_empty() {
        a.object(|o| {
            o.text("type", "redacted_thinking");
            o.text("data", &sealed);
        });
    } else if !reasoning.text.is_empty() || !sealed.is_empty() {
        a.object(|o| {
            o.text("type", "thinking");
            o.text("thinking", &reasoning.text);
            o.text("signature", &sealed);
        });
    }
}

fn tool_result(o: &mut ObjectWriter<'_>, outer: &Block, result: &ToolResult, cache: Option<CacheMark>, to: For<'_>) {
    o.text("type", "tool_result");
    match to {
        For::Provider(_) => o.text("tool_use_id", &IdRule::WIDE.apply(&result.call)),
        For::Client => o.text("tool_use_id", &result.call),
    }
    // An empty text is refused, an empty result is not.
    let parts: Vec<&Block> = result.content.iter().filter(|b| says_something(b)).collect();
    match parts.as_slice() {
        [] => {}
        [Block { content: Content::Text { text, .. }, cache: None, carry: None, .. }] => o.text("content", text),
        parts => o.array("content", |a| parts.iter().for_each(|part| block(a, part, part.cache, to))),
    }
    if result.error {
        o.boolean("is_error", true);
    }
    extras(o, outer.carry.as_ref());
    cache_control(o, cache);
}

/// Whether a block has anything that this protocol can say.
pub(in crate::anthropic) fn says_something(block: &Block) -> bool {
    match &block.content {
        Content::Text { text, .. } | Content::Refusal(text) => !text.trim().is_empty(),
        Content::Server(_) | Content::Opaque { .. } => whole(block.carry.as_ref()).is_some(),
        Content::Reasoning(_) | Content::Call(_) | Content::Result(_) | Content::Media(_) => true,
    }
}

/// `cache_control`, if the block is marked.
pub(in crate::anthropic) fn cache_control(o: &mut ObjectWriter<'_>, cache: Option<CacheMark>) {
    if let Some(mark) = cache {
        o.object("cache_control", |o| {
            o.text("type", "ephemeral");
            if mark.one_hour {
                o.text("ttl", "1h");
            }
        });
    }
}

/// What Anthropic's own client has sent for Anthropic alone.
pub(in crate::anthropic) fn own(carry: Option<&Carry>) -> Option<&Carry> {
    carry.filter(|carry| carry.dialect == Dialect::Anthropic)
}

/// A carry that holds the whole block, its `type` included, rather than fields beside ours.
fn whole(carry: Option<&Carry>) -> Option<&Carry> {
    own(carry).filter(|carry| Node::read(carry.raw.as_str().as_bytes()).is_some_and(|n| n.text("type").is_some()))
}

fn extras(o: &mut ObjectWriter<'_>, carry: Option<&Carry>) {
    if let Some(carry) = own(carry) {
        o.spread(&carry.raw, &[]);
    }
}
