//! Parts as they are written, in requests and in replies alike.

use std::borrow::Cow;

use tollgate_ir::{Block, Call, CallKind, Carry, Dialect, Issuer, Json};

use super::proto::get;
use crate::json::{ArrayWriter, Node, object};
use crate::translate::CUSTOM_INPUT;

/// The signature of a block that Gemini made.
pub(super) fn seal(block: &Block) -> Option<&str> {
    block.seal.as_ref().filter(|s| s.issuer == Issuer::Gemini).map(|s| s.data.as_str())
}

/// A block's raw fields, if they are Gemini's.
pub(super) fn own(block: &Block) -> Option<&Json> {
    block.carry.as_ref().filter(|c: &&Carry| c.dialect == Dialect::Gemini).map(|c| &c.raw)
}

/// Words or thoughts.
pub(super) fn text(parts: &mut ArrayWriter<'_>, text: &str, thought: bool, seal: Option<&str>) {
    parts.object(|part| {
        part.text("text", text);
        if thought {
            part.boolean("thought", true);
        }
        part.opt_text("thoughtSignature", seal);
    });
}

/// A call.
pub(super) fn call(parts: &mut ArrayWriter<'_>, id: &str, name: &str, arguments: &str, seal: Option<&str>) {
    parts.object(|part| {
        part.object("functionCall", |o| {
            o.text("name", name);
            o.raw("args", arguments);
            o.opt_text("id", Some(id).filter(|id| !id.is_empty()));
        });
        part.opt_text("thoughtSignature", seal);
    });
}

/// A part that is kept whole: its own JSON, with the signature that it came with.
pub(super) fn whole(parts: &mut ArrayWriter<'_>, raw: &Json, seal: Option<&str>) {
    let sealed = Node::read(raw.as_str().as_bytes()).is_some_and(|node| get(&node, "thoughtSignature").is_some());
    if sealed || seal.is_none() {
        return parts.json(raw);
    }
    parts.object(|part| {
        part.spread(raw, &[]);
        part.opt_text("thoughtSignature", seal);
    });
}

/// A call's arguments as the JSON object that Gemini wants, on one line.
pub(super) fn arguments(call: &Call) -> Cow<'_, str> {
    arguments_of(&call.arguments, call.kind)
}

/// See [`arguments`]. What is no object (free text, a call cut short) is put into one.
pub(super) fn arguments_of(text: &str, kind: CallKind) -> Cow<'_, str> {
    if kind == CallKind::Function {
        match Node::read(text.as_bytes()) {
            // An event of a stream is one line, and JSON holds line breaks only where they mean nothing.
            Some(Node::Object(_)) if text.contains(['\n', '\r']) => return Cow::Owned(text.replace(['\n', '\r'], "")),
            Some(Node::Object(_)) => return Cow::Borrowed(text),
            Some(Node::Null) => return Cow::Borrowed("{}"),
            None if text.trim().is_empty() => return Cow::Borrowed("{}"),
            _ => {}
        }
    }
    let mut out = Vec::new();
    object(&mut out, |o| o.text(CUSTOM_INPUT, text));
    Cow::Owned(String::from_utf8(out).unwrap_or_default())
}
