//! Turns into messages: a text, images beside it, calls with their arguments as objects.

use std::borrow::Cow;
use std::collections::HashMap;

use tollgate_ir::{
    Block, Call, CallKind, Content, Fault, Losses, Media, MediaKind, MediaSource, Reason, Request, Role, ToolResult,
    Turn,
};

use crate::fault::unsupported;
use crate::json::{ArrayWriter, Node, ObjectWriter, object};
use crate::target::Target;
use crate::translate::CUSTOM_INPUT;

/// Writes `messages`.
pub(super) fn encode(
    o: &mut ObjectWriter<'_>,
    request: &Request,
    target: &Target<'_>,
    losses: &mut Losses,
) -> Result<(), Fault> {
    let mut writer = Writer { target, losses, called: HashMap::new() };
    o.array("messages", |a| {
        writer.said(a, "system", &request.system.iter().collect::<Vec<_>>())?;
        request.turns.iter().try_for_each(|turn| writer.turn(a, turn))
    })
}

struct Writer<'w, 'r> {
    target: &'w Target<'w>,
    losses: &'w mut Losses,
    /// The names of the calls so far, by their ids.
    called: HashMap<&'r str, &'r str>,
}

/// What a message says.
#[derive(Default)]
struct Said<'r> {
    texts: Vec<&'r str>,
    images: Vec<&'r str>,
}

impl<'r> Writer<'_, 'r> {
    fn turn(&mut self, a: &mut ArrayWriter<'_>, turn: &'r Turn) -> Result<(), Fault> {
        match turn.role {
            Role::Assistant => self.assistant(a, &turn.blocks),
            Role::System => self.said(a, "system", &turn.blocks.iter().collect::<Vec<_>>()),
            Role::User => {
                // Results answer the calls before them, so they come before any words.
                for block in &turn.blocks {
                    if let Content::Result(result) = &block.content {
                        self.result(a, block, result)?;
                    }
                }
                let words = turn.blocks.iter().filter(|b| !matches!(b.content, Content::Result(_)));
                self.said(a, "user", &words.collect::<Vec<_>>())
            }
        }
    }

    /// A message of system or user; none if nothing is said.
    fn said(&mut self, a: &mut ArrayWriter<'_>, role: &str, blocks: &[&'r Block]) -> Result<(), Fault> {
        let mut said = Said::default();
        for block in blocks {
            self.part(block, &mut said)?;
        }
        if !said.texts.is_empty() || !said.images.is_empty() {
            a.object(|m| {
                m.text("role", role);
                said.write(m, "\n\n");
            });
        }
        Ok(())
    }

    fn part(&mut self, block: &'r Block, said: &mut Said<'r>) -> Result<(), Fault> {
        if block.cache.is_some() {
            self.losses.block(block, ".cache_control", Reason::Dropped);
        }
        match &block.content {
            Content::Text { text, .. } | Content::Refusal(text) => {
                said.texts.extend(Some(text.as_str()).filter(|t| !t.is_empty()));
            }
            // A document's text is text; that it is one of its own is lost.
            Content::Media(Media { source: MediaSource::Text(text), .. }) => {
                self.losses.block(block, "", Reason::Adjusted);
                said.texts.push(text);
            }
            Content::Media(media) => said.images.push(self.image(block, media)?),
            Content::Opaque { .. }
            | Content::Reasoning(_)
            | Content::Server(_)
            | Content::Call(_)
            | Content::Result(_) => self.losses.block(block, "", Reason::Dropped),
        }
        Ok(())
    }

    /// An image's bytes in base64.
    fn image(&self, block: &Block, media: &'r Media) -> Result<&'r str, Fault> {
        let takes = media.kind == MediaKind::Image && !self.target.facts.refuses(MediaKind::Image);
        if let MediaSource::Base64(data) = &media.source
            && takes
        {
            return Ok(data);
        }
        Err(unsupported(
            block,
            match (&media.source, media.kind) {
                (MediaSource::FileId { .. }, _) => "It lies in another provider's file store. Send its bytes.",
                (MediaSource::Url(_), MediaKind::Image) => "Ollama takes no addresses. Send the image's bytes.",
                (_, MediaKind::Image) => "The model does not take it. Leave it out, or ask a model that takes it.",
                _ => "Ollama's chat does not take it. Send its text, or ask another model.",
            },
        ))
    }

    fn assistant(&mut self, a: &mut ArrayWriter<'_>, blocks: &'r [Block]) -> Result<(), Fault> {
        let mut said = Said::default();
        let (mut thinking, mut calls) = (String::new(), Vec::new());
        for block in blocks {
            match &block.content {
                Content::Call(call) => {
                    self.called.insert(&call.id, &call.name);
                    calls.push(call);
                }
                // Thinking is plain text here, whoever thought it.
                Content::Reasoning(reasoning) if !reasoning.redacted && !reasoning.text.is_empty() => {
                    thinking.push_str(&reasoning.text);
                }
                _ => self.part(block, &mut said)?,
            }
        }
        if said.texts.is_empty() && said.images.is_empty() && thinking.is_empty() && calls.is_empty() {
            return Ok(());
        }
        a.object(|m| {
            m.text("role", "assistant");
            said.write(m, "");
            m.opt_text("thinking", Some(thinking.as_str()).filter(|t| !t.is_empty()));
            if !calls.is_empty() {
                m.array("tool_calls", |c| {
                    for (index, call) in calls.iter().enumerate() {
                        write_call(c, call, self.target.names.upstream(&call.name), index as u64);
                    }
                });
            }
        });
        Ok(())
    }

    fn result(&mut self, a: &mut ArrayWriter<'_>, block: &'r Block, result: &'r ToolResult) -> Result<(), Fault> {
        if block.cache.is_some() {
            self.losses.block(block, ".cache_control", Reason::Dropped);
        }
        if result.error {
            // There is no mark for a failure; the words say it.
            self.losses.block(block, ".is_error", Reason::Adjusted);
        }
        let mut said = Said::default();
        for inner in &result.content {
            self.part(inner, &mut said)?;
        }
        let name = self.called.get(result.call.as_str()).copied().or(result.name.as_deref());
        a.object(|m| {
            m.text("role", "tool");
            said.write(m, "\n\n");
            m.opt_text("tool_name", name.map(|name| self.target.names.upstream(name)));
            m.opt_text("tool_call_id", Some(result.call.as_str()).filter(|id| !id.is_empty()));
        });
        Ok(())
    }
}

impl Said<'_> {
    fn write(&self, m: &mut ObjectWriter<'_>, between: &str) {
        m.text("content", &self.texts.join(between));
        if !self.images.is_empty() {
            m.array("images", |a| self.images.iter().for_each(|data| a.text(data)));
        }
    }
}

/// Writes a call. Older versions know neither `id` nor `index`, and pass over them.
pub(super) fn write_call(a: &mut ArrayWriter<'_>, call: &Call, name: &str, index: u64) {
    a.object(|c| {
        c.opt_text("id", Some(call.id.as_str()).filter(|id| !id.is_empty()));
        c.object("function", |f| {
            f.uint("index", index);
            f.text("name", name);
            f.raw("arguments", &arguments(call));
        });
    });
}

/// A call's arguments as one JSON object on one line; what is none is wrapped.
fn arguments(call: &Call) -> Cow<'_, str> {
    if call.kind == CallKind::Function {
        if call.arguments.trim().is_empty() {
            return Cow::Borrowed("{}");
        }
        if let Some(node @ Node::Object(_)) = Node::read(call.arguments.as_bytes()) {
            let one_line = !call.arguments.contains(['\n', '\r']);
            return if one_line { Cow::Borrowed(&call.arguments) } else { Cow::Owned(node.to_text()) };
        }
    }
    let mut out = Vec::new();
    object(&mut out, |o| o.text(CUSTOM_INPUT, &call.arguments));
    Cow::Owned(String::from_utf8(out).unwrap_or_default())
}
