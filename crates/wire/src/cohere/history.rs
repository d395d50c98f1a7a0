//! Turns into messages: tool results right after their calls, one assistant message per turn of the model's.

use std::borrow::Cow;

use tollgate_ir::{
    Block, Call, CallKind, Content, Dialect, Fault, Losses, Media, MediaKind, MediaSource, Reason, Request, Role,
    ToolResult, Turn,
};

use super::content::{Part, content, document};
use super::rules;
use crate::fault::unsupported;
use crate::ids::IdRule;
use crate::json::{ArrayWriter, ObjectWriter, object};
use crate::media::data_url;
use crate::target::Target;
use crate::translate::CUSTOM_INPUT;

/// Writes `messages`, and `documents` if the turns hold any.
pub(super) fn encode(
    o: &mut ObjectWriter<'_>,
    request: &Request,
    target: &Target<'_>,
    losses: &mut Losses,
) -> Result<(), Fault> {
    let mut documents = Vec::new();
    let mut writer = Writer { target, losses, documents: &mut documents };
    o.array("messages", |a| {
        if !request.system.is_empty() {
            writer.said(a, "system", &request.system.iter().collect::<Vec<_>>())?;
        }
        for group in request.turns.chunk_by(|x, y| x.role == y.role) {
            writer.group(a, group)?;
        }
        Ok(())
    })?;
    if !documents.is_empty() {
        o.array("documents", |a| documents.iter().for_each(|block| document(a, block)));
    }
    Ok(())
}

struct Writer<'w, 'r> {
    target: &'w Target<'w>,
    losses: &'w mut Losses,
    documents: &'w mut Vec<&'r Block>,
}

impl<'r> Writer<'_, 'r> {
    fn group(&mut self, a: &mut ArrayWriter<'_>, turns: &'r [Turn]) -> Result<(), Fault> {
        match turns[0].role {
            Role::Assistant => self.assistant(a, &turns.iter().flat_map(|t| &t.blocks).collect::<Vec<_>>()),
            Role::System => {
                turns.iter().try_for_each(|turn| self.said(a, "system", &turn.blocks.iter().collect::<Vec<_>>()))
            }
            Role::User => {
                // Results answer the calls before them, so they come before any words. A tool's message holds no
                // image: those of results follow as the user's.
                let mut shown = Vec::new();
                for block in turns.iter().flat_map(|t| &t.blocks) {
                    if let Content::Result(result) = &block.content {
                        shown.extend(self.result(a, block, result)?);
                    }
                }
                message(a, "user", &shown);
                for turn in turns {
                    let words: Vec<&Block> =
                        turn.blocks.iter().filter(|b| !matches!(b.content, Content::Result(_))).collect();
                    self.said(a, "user", &words)?;
                }
                Ok(())
            }
        }
    }

    /// A message of system or user: a string if it is one text, else parts; nothing if nothing is said.
    fn said(&mut self, a: &mut ArrayWriter<'_>, role: &str, blocks: &[&'r Block]) -> Result<(), Fault> {
        let mut parts = Vec::new();
        for block in blocks {
            parts.extend(self.part(block)?);
        }
        message(a, role, &parts);
        Ok(())
    }

    /// What a block of system or user becomes; documents go beside the messages.
    fn part(&mut self, block: &'r Block) -> Result<Option<Part<'r>>, Fault> {
        if block.cache.is_some() {
            self.losses.block(block, ".cache_control", Reason::Dropped);
        }
        match &block.content {
            Content::Text { text, .. } | Content::Refusal(text) => {
                Ok(Some(Part::Text(text)).filter(|_| !text.is_empty()))
            }
            Content::Media(media) if matches!(media.source, MediaSource::Text(_)) => {
                self.documents.push(block);
                Ok(None)
            }
            Content::Media(media) => Ok(Some(Part::Image(self.image(block, media)?, media.detail.as_deref()))),
            Content::Opaque { .. } => match &block.carry {
                Some(carry) if carry.dialect == Dialect::Cohere => Ok(Some(Part::Raw(carry.raw.as_str()))),
                _ => Ok(self.dropped(block)),
            },
            Content::Reasoning(_) | Content::Server(_) | Content::Call(_) | Content::Result(_) => {
                Ok(self.dropped(block))
            }
        }
    }

    fn dropped(&mut self, block: &Block) -> Option<Part<'r>> {
        self.losses.block(block, "", Reason::Dropped);
        None
    }

    /// An image's address, or its bytes as a data URL.
    fn image(&self, block: &Block, media: &'r Media) -> Result<Cow<'r, str>, Fault> {
        if media.kind == MediaKind::Image && !self.target.facts.refuses(MediaKind::Image) {
            match &media.source {
                MediaSource::Url(url) => return Ok(Cow::Borrowed(url)),
                MediaSource::Base64(data) => {
                    let mime = media.mime.as_deref().unwrap_or("image/png");
                    return Ok(Cow::Owned(data_url(mime, data).concat()));
                }
                MediaSource::FileId { .. } | MediaSource::Text(_) => {}
            }
        }
        Err(unsupported(
            block,
            match (&media.source, media.kind) {
                (MediaSource::FileId { .. }, _) => "It lies in another provider's file store. Send its bytes.",
                (_, MediaKind::Image) => "The model does not take it. Leave it out, or ask a model that takes it.",
                _ => "Cohere's chat does not take it. Send its text, or ask another model.",
            },
        ))
    }

    /// Thinking and text are content; with calls, text is the plan before them.
    fn assistant(&mut self, a: &mut ArrayWriter<'_>, blocks: &[&'r Block]) -> Result<(), Fault> {
        let mut parts = Vec::new();
        let mut calls = Vec::new();
        for block in blocks {
            match &block.content {
                Content::Call(call) => calls.push(call),
                Content::Reasoning(r) if !r.redacted && !r.text.is_empty() && rules::reasons(self.target.model) => {
                    parts.push(Part::Thinking(&r.text));
                }
                _ => parts.extend(self.part(block)?),
            }
        }
        if parts.is_empty() && calls.is_empty() {
            return Ok(());
        }
        let texts: Vec<&str> = parts.iter().filter_map(Part::as_text).collect();
        let plan = (!calls.is_empty() && !texts.is_empty()).then(|| texts.concat());
        if plan.is_some() {
            parts.retain(|p| p.as_text().is_none());
        }
        a.object(|m| {
            m.text("role", "assistant");
            m.opt_text("tool_plan", plan.as_deref());
            if !parts.is_empty() {
                content(m, &parts);
            }
            if !calls.is_empty() {
                m.array("tool_calls", |c| calls.iter().for_each(|call| self.call(c, call)));
            }
        });
        Ok(())
    }

    fn call(&self, a: &mut ArrayWriter<'_>, call: &Call) {
        a.object(|c| {
            c.text("id", &IdRule::WIDE.apply(&call.id));
            c.text("type", "function");
            c.object("function", |f| {
                f.text("name", self.target.names.upstream(&call.name));
                f.text("arguments", &arguments(call));
            });
        });
    }

    /// Writes a tool's message; gives back the images that have no place in it.
    fn result(
        &mut self,
        a: &mut ArrayWriter<'_>,
        block: &'r Block,
        result: &'r ToolResult,
    ) -> Result<Vec<Part<'r>>, Fault> {
        if block.cache.is_some() {
            self.losses.block(block, ".cache_control", Reason::Dropped);
        }
        if result.error {
            // There is no mark for a failure; the words say it.
            self.losses.block(block, ".is_error", Reason::Adjusted);
        }
        let (mut parts, mut shown) = (Vec::new(), Vec::new());
        for inner in &result.content {
            match &inner.content {
                Content::Media(Media { source: MediaSource::Text(_), .. }) => parts.push(Part::Document(inner)),
                Content::Media(_) => {
                    shown.extend(self.part(inner)?);
                    self.losses.block(inner, "", Reason::Adjusted);
                }
                _ => parts.extend(self.part(inner)?),
            }
        }
        a.object(|m| {
            m.text("role", "tool");
            m.text("tool_call_id", &IdRule::WIDE.apply(&result.call));
            match (&block.carry, &result.json) {
                (Some(carry), _) if carry.dialect == Dialect::Cohere => m.json("content", &carry.raw),
                (_, Some(json)) if parts.is_empty() => m.text("content", json.as_str()),
                _ if parts.is_empty() => m.text("content", ""),
                _ => content(m, &parts),
            }
        });
        Ok(shown)
    }
}

/// A message that says something, or none.
fn message(a: &mut ArrayWriter<'_>, role: &str, parts: &[Part<'_>]) {
    if !parts.is_empty() {
        a.object(|m| {
            m.text("role", role);
            content(m, parts);
        });
    }
}

/// A call's arguments as a JSON object in text; a custom tool's free text is wrapped.
pub(super) fn arguments(call: &Call) -> Cow<'_, str> {
    match call.kind {
        CallKind::Function if call.arguments.trim().is_empty() => Cow::Borrowed("{}"),
        CallKind::Function => Cow::Borrowed(&call.arguments),
        CallKind::Custom => {
            let mut out = Vec::new();
            object(&mut out, |o| o.text(CUSTOM_INPUT, &call.arguments));
            Cow::Owned(String::from_utf8(out).unwrap_or_default())
        }
    }
}
