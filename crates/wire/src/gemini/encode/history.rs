//! Turns → `contents`: neighbours of one role merged, all results of a step in one content before any words, in the
//! order of its calls (Gemini counts and compares), late system messages hoisted.

use std::borrow::Cow;
use std::collections::HashMap;

use tollgate_ir::{Block, Call, Content, Fault, Field, Losses, Media, Reason, Request, Role, ToolResult, Turn};

use crate::fault::unsupported;
use crate::gemini::unsigned::NO_SEAL;
use crate::gemini::{media, parts, results, rules};
use crate::json::{ArrayWriter, ObjectWriter, array};
use crate::target::Target;

/// Writes `systemInstruction` and `contents`.
pub(super) fn encode(
    out: &mut ObjectWriter<'_>,
    request: &Request,
    target: &Target<'_>,
    losses: &mut Losses,
) -> Result<(), Fault> {
    let system = system(request, losses)?;
    let spoken: Vec<&Turn> = request.turns.iter().filter(|t| t.role != Role::System).collect();
    let instruct = |a: &mut ArrayWriter<'_>| system.iter().for_each(|t| parts::text(a, t, false, None));
    if spoken.is_empty() && !system.is_empty() {
        // Gemini refuses to answer to instructions alone, where others do: they are what the user says.
        losses.field(Field::System, Reason::Adjusted);
        out.array("contents", |contents| {
            contents.object(|o| {
                o.text("role", "user");
                o.array("parts", instruct);
            });
        });
        return Ok(());
    }
    if !system.is_empty() {
        out.object("systemInstruction", |o| o.array("parts", instruct));
    }
    let mut writer = Writer { target, losses, names: HashMap::new(), step: Vec::new() };
    out.array("contents", |contents| {
        for group in spoken.chunk_by(|a, b| a.role == b.role) {
            let blocks: Vec<&Block> = group.iter().flat_map(|t| &t.blocks).collect();
            match group[0].role {
                Role::Assistant => writer.model(contents, &blocks)?,
                _ => writer.user(contents, &blocks)?,
            }
        }
        Ok(())
    })
}

/// The words of the system blocks, then of system messages within the conversation, which have no place there.
fn system<'r>(request: &'r Request, losses: &mut Losses) -> Result<Vec<&'r str>, Fault> {
    let late = request.turns.iter().filter(|t| t.role == Role::System).flat_map(|t| &t.blocks);
    for block in late.clone() {
        losses.block(block, "", Reason::Adjusted);
    }
    let mut texts = Vec::new();
    for block in request.system.iter().chain(late) {
        report_cache(block, losses);
        match &block.content {
            Content::Text { text, .. } if text.is_empty() => {}
            Content::Text { text, .. } => texts.push(text.as_str()),
            Content::Media(_) => {
                return Err(unsupported(block, "Gemini's instructions are text only. Send it as the user's."));
            }
            _ => losses.block(block, "", Reason::Dropped),
        }
    }
    Ok(texts)
}

struct Writer<'w> {
    target: &'w Target<'w>,
    losses: &'w mut Losses,
    /// The names of the calls so far by id; where an id comes again, the last call counts.
    names: HashMap<&'w str, &'w str>,
    /// Ids of the calls of the model's last turn, in order.
    step: Vec<&'w str>,
}

impl<'w> Writer<'w> {
    fn model(&mut self, contents: &mut ArrayWriter<'_>, blocks: &[&'w Block]) -> Result<(), Fault> {
        self.step = calls(blocks).map(|call| call.id.as_str()).collect();
        self.names.extend(calls(blocks).map(|call| (call.id.as_str(), call.name.as_str())));
        self.content(contents, "model", blocks)
    }

    fn user(&mut self, contents: &mut ArrayWriter<'_>, blocks: &[&'w Block]) -> Result<(), Fault> {
        let (mut answers, words): (Vec<&Block>, Vec<&Block>) =
            blocks.iter().partition(|b| matches!(b.content, Content::Result(_)));
        answers.sort_by_key(|b| match &b.content {
            Content::Result(result) => self.step.iter().position(|id| *id == result.call).unwrap_or(usize::MAX),
            _ => usize::MAX,
        });
        self.content(contents, "user", &answers)?;
        let beside = self.media_beside(&answers);
        let rest: Vec<&Block> = beside.into_iter().chain(words).collect();
        self.content(contents, "user", &rest)
    }

    /// Media of results, for models that take none within a response: they follow the results.
    fn media_beside(&mut self, answers: &[&'w Block]) -> Vec<&'w Block> {
        if rules::of_model(self.target.model).third {
            return Vec::new();
        }
        let results = answers.iter().filter_map(|b| match &b.content {
            Content::Result(result) => Some(result),
            _ => None,
        });
        let found: Vec<&Block> = results.flat_map(results::media).map(|(block, _)| block).collect();
        for block in &found {
            self.losses.block(block, "", Reason::Adjusted);
        }
        found
    }

    /// One content; nothing if its blocks come to nothing.
    fn content(&mut self, contents: &mut ArrayWriter<'_>, role: &str, blocks: &[&Block]) -> Result<(), Fault> {
        let mut written = Vec::new();
        let first_call = blocks.iter().position(|b| matches!(b.content, Content::Call(_)));
        array(&mut written, |a| {
            blocks.iter().enumerate().try_for_each(|(i, block)| self.part(a, block, first_call == Some(i)))
        })?;
        if written != b"[]" {
            contents.object(|o| {
                o.text("role", role);
                o.raw("parts", std::str::from_utf8(&written).unwrap_or("[]"));
            });
        }
        Ok(())
    }

    fn part(&mut self, a: &mut ArrayWriter<'_>, block: &Block, first_call: bool) -> Result<(), Fault> {
        report_cache(block, self.losses);
        let seal = parts::seal(block);
        match &block.content {
            Content::Text { text, .. } | Content::Refusal(text) => {
                if matches!(&block.content, Content::Text { citations, .. } if !citations.is_empty()) {
                    self.losses.block(block, ".citations", Reason::Dropped);
                }
                if !text.is_empty() || seal.is_some() {
                    parts::text(a, text, false, seal);
                }
            }
            Content::Reasoning(reasoning) if seal.is_some() || parts::own(block).is_some() => {
                parts::text(a, &reasoning.text, !reasoning.text.is_empty(), seal);
            }
            Content::Media(media) => self.media(a, block, media, seal)?,
            Content::Call(call) => {
                let seal = self.call_seal(block, seal, first_call);
                let name = self.target.names.upstream(&call.name);
                parts::call(a, &call.id, name, &parts::arguments(call), seal);
            }
            Content::Result(result) => self.result(a, result)?,
            Content::Server(_) | Content::Opaque { .. } | Content::Reasoning(_) => match parts::own(block) {
                Some(raw) => parts::whole(a, raw, seal),
                None => self.losses.block(block, "", Reason::Dropped),
            },
        }
        Ok(())
    }

    /// A call's signature. Gemini 3 refuses a step whose first call has none; the placeholder is for just that case.
    fn call_seal<'b>(&mut self, block: &Block, seal: Option<&'b str>, first: bool) -> Option<&'b str> {
        if seal.is_none() && first && rules::of_model(self.target.model).third {
            self.losses.block(block, "", Reason::Defaulted);
            return Some(NO_SEAL);
        }
        seal
    }

    fn media(
        &mut self,
        a: &mut ArrayWriter<'_>,
        block: &Block,
        media: &Media,
        seal: Option<&str>,
    ) -> Result<(), Fault> {
        if self.target.facts.refuses(media.kind) {
            return Err(unsupported(block, "The model does not take it. Leave it out, or ask a model that takes it."));
        }
        if !media::encode(a, media, seal) {
            return Err(unsupported(block, "It lies in another provider's file store. Send its bytes."));
        }
        if media.detail.as_deref().is_some_and(|d| d != "auto") {
            self.losses.block(block, "", Reason::Adjusted);
        }
        Ok(())
    }

    fn result(&mut self, a: &mut ArrayWriter<'_>, result: &ToolResult) -> Result<(), Fault> {
        let known = self.names.get(result.call.as_str()).copied();
        let name: Cow<'_, str> = match known.or(result.name.as_deref()) {
            Some(name) => self.target.names.upstream(name).into(),
            // The call is not in the history: Gemini wants some name all the same.
            None => result.call.as_str().into(),
        };
        for inner in &result.content {
            report_cache(inner, self.losses);
            if !matches!(inner.content, Content::Text { .. } | Content::Media(_)) {
                self.losses.block(inner, "", Reason::Dropped);
            }
        }
        let response = results::response(result);
        let inside = rules::of_model(self.target.model).third;
        let media: Vec<(&Block, &Media)> = results::media(result).filter(|_| inside).collect();
        a.object(|part| {
            part.object("functionResponse", |o| {
                o.opt_text("id", Some(result.call.as_str()).filter(|id| !id.is_empty()));
                o.text("name", &name);
                o.raw("response", &response);
                if media.is_empty() {
                    return Ok(());
                }
                o.array("parts", |a| media.iter().try_for_each(|(block, media)| self.media(a, block, media, None)))
            })
        })
    }
}

fn calls<'b>(blocks: &[&'b Block]) -> impl Iterator<Item = &'b Call> {
    blocks.iter().filter_map(|b| match &b.content {
        Content::Call(call) => Some(call),
        _ => None,
    })
}

fn report_cache(block: &Block, losses: &mut Losses) {
    if block.cache.is_some() {
        losses.block(block, ".cache_control", Reason::Dropped);
    }
}
