//! The IR's blocks as Converse's content blocks: the same for messages of a request and for the message of a reply.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tollgate_ir::{
    Block, Call, CallKind, Citation, Content, Dialect, Fault, Issuer, Json, Reasoning, Seal, ToolResult,
};

use super::media::{self, DocumentNames};
use crate::ids::IdRule;
use crate::json::{ArrayWriter, Node, ObjectWriter, object};
use crate::translate::CUSTOM_INPUT;

/// What writing depends on besides the block.
pub(super) struct Writing<'a> {
    /// Tools' names as the other side knows them.
    pub name_of: &'a dyn Fn(&'a str) -> &'a str,
    /// Document names given so far.
    pub documents: DocumentNames,
    /// `toolResult.status` is understood.
    pub status: bool,
    /// Documents may come as text.
    pub plain: bool,
}

impl Writing<'_> {
    /// For what goes to a client, who knows every form.
    pub(super) fn to_client() -> Self {
        Self { name_of: &|name| name, documents: DocumentNames::default(), status: true, plain: true }
    }
}

impl<'a> Writing<'a> {
    /// Appends a block that is known to have a form here; anything else is left out.
    pub(super) fn block(&mut self, a: &mut ArrayWriter<'_>, block: &'a Block) -> Result<(), Fault> {
        if let Some(raw) = own_form(block) {
            a.json(raw);
            return Ok(());
        }
        match &block.content {
            Content::Text { text, citations } if citations.is_empty() => a.object(|o| o.text("text", text)),
            Content::Text { text, citations } => a.object(|o| cited(o, text, citations)),
            Content::Refusal(text) => a.object(|o| o.text("text", text)),
            Content::Media(media) => a.object(|o| media::write(o, block, media, &mut self.documents, self.plain))?,
            Content::Call(call) => a.object(|o| self.call(o, call)),
            Content::Result(result) => a.object(|o| self.result(o, result))?,
            Content::Reasoning(reasoning) => a.object(|o| self::reasoning(o, reasoning, block.seal.as_ref())),
            Content::Server(_) | Content::Opaque { .. } => {}
        }
        Ok(())
    }

    fn call(&self, o: &mut ObjectWriter<'_>, call: &'a Call) {
        o.object("toolUse", |o| {
            o.text("toolUseId", &IdRule::WIDE.apply(&call.id));
            o.text("name", (self.name_of)(&call.name));
            o.raw("input", &input(call));
        });
    }

    fn result(&mut self, o: &mut ObjectWriter<'_>, result: &'a ToolResult) -> Result<(), Fault> {
        o.object("toolResult", |o| {
            o.text("toolUseId", &IdRule::WIDE.apply(&result.call));
            o.array("content", |a| match result.json.as_ref().filter(|json| is_object(json)) {
                Some(json) => {
                    a.object(|o| o.json("json", json));
                    let media = result.content.iter().filter(|b| matches!(b.content, Content::Media(_)));
                    media.into_iter().try_for_each(|block| self.block(a, block))
                }
                None => result.content.iter().filter(|b| !is_blank(b)).try_for_each(|block| self.block(a, block)),
            })?;
            if result.error && self.status {
                o.text("status", "error");
            }
            Ok(())
        })
    }
}

/// Bedrock refuses texts without a word in them.
pub(super) fn is_blank(block: &Block) -> bool {
    match &block.content {
        Content::Text { text, .. } | Content::Refusal(text) => text.trim().is_empty(),
        _ => false,
    }
}

/// A block of Bedrock's own that the IR keeps whole.
pub(super) fn own_form(block: &Block) -> Option<&Json> {
    let whole = match block.content {
        Content::Text { .. } | Content::Server(_) | Content::Opaque { .. } => true,
        Content::Media(_) | Content::Call(_) | Content::Result(_) | Content::Reasoning(_) | Content::Refusal(_) => {
            false
        }
    };
    block.carry.as_ref().filter(|carry| whole && carry.dialect == Dialect::Bedrock).map(|carry| &carry.raw)
}

/// Converse takes no JSON but objects in a tool's result.
fn is_object(json: &Json) -> bool {
    json.as_str().trim_start().starts_with('{')
}

/// A call's arguments as a JSON value; free text, and what is no JSON (cut off by a limit), in the object that stands for
/// free text everywhere.
fn input(call: &Call) -> Cow<'_, str> {
    let arguments = call.arguments.trim();
    let parsed = match call.kind {
        CallKind::Custom => None,
        CallKind::Function if arguments.is_empty() || arguments == "null" => return Cow::Borrowed("{}"),
        CallKind::Function => Node::read(arguments.as_bytes()).filter(|node| !matches!(node, Node::Text(_))),
    };
    if parsed.is_some() {
        return Cow::Borrowed(arguments);
    }
    let mut out = Vec::new();
    object(&mut out, |o| o.text(CUSTOM_INPUT, &call.arguments));
    Cow::Owned(String::from_utf8(out).unwrap_or_default())
}

fn reasoning(o: &mut ObjectWriter<'_>, reasoning: &Reasoning, seal: Option<&Seal>) {
    let seal = seal.filter(|seal| seal.issuer == Issuer::Anthropic);
    o.object("reasoningContent", |o| match seal {
        Some(seal) if reasoning.redacted => o.text("redactedContent", &STANDARD.encode(&seal.data)),
        seal => o.object("reasoningText", |o| {
            o.text("text", &reasoning.text);
            o.opt_text("signature", seal.map(|s| s.data.as_str()));
        }),
    });
}

fn cited(o: &mut ObjectWriter<'_>, text: &str, citations: &[Citation]) {
    o.object("citationsContent", |o| {
        if !text.is_empty() {
            o.array("content", |a| a.object(|o| o.text("text", text)));
        }
        o.array("citations", |a| citations.iter().for_each(|citation| a.object(|o| self::citation(o, citation))));
    });
}

/// One source, in a reply or as a delta of a stream.
pub(super) fn citation(o: &mut ObjectWriter<'_>, citation: &Citation) {
    if let Some(carry) = citation.carry.as_ref().filter(|c| c.dialect == Dialect::Bedrock) {
        o.spread(&carry.raw, &[]);
        return;
    }
    o.opt_text("title", citation.title.as_deref());
    if let Some(quote) = &citation.quote {
        o.array("sourceContent", |a| a.object(|o| o.text("text", quote)));
    }
    if let Some(url) = &citation.url {
        o.object("location", |o| o.object("web", |o| o.text("url", url)));
    }
}
