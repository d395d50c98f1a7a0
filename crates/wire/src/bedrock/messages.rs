//! The IR's turns as Converse's messages: user first, sides in alternation, tool results before anything else that the
//! user says, nothing blank. Within the assistant's turns the order is kept exactly, since Claude's signatures cover it.

use tollgate_ir::{Block, CacheMark, Content, Dialect, Fault, Issuer, Losses, MediaKind, Reason, Request, Role};

use super::models::{Cache, Model};
use super::write::{Writing, is_blank, own_form};
use super::write_cache_point;
use crate::fault::{no_prefill, nothing_said, unsupported};
use crate::json::{ArrayWriter, Node, ObjectWriter};
use crate::target::ModelFacts;

/// What the user says where the protocol wants the user to speak and the client had no such turn. Claude refuses texts
/// without a visible character.
const OPENER: &str = ".";

/// A message to be.
#[derive(Debug)]
pub(super) struct Message<'a> {
    assistant: bool,
    items: Vec<Item<'a>>,
}

/// A piece of a message.
#[derive(Debug)]
enum Item<'a> {
    Block(&'a Block),
    /// A text other than the block's own.
    Text(&'a str, Option<CacheMark>),
}

/// Decides what is said, by whom, in which order. Content that cannot be carried is a fault; what is left out for being
/// another provider's is reported.
pub(super) fn plan<'a>(
    request: &'a Request,
    model: &Model,
    facts: &ModelFacts,
    losses: &mut Losses,
) -> Result<Vec<Message<'a>>, Fault> {
    let mut messages: Vec<Message<'a>> = Vec::new();
    for turn in request.turns.iter().filter(|turn| turn.role != Role::System) {
        let assistant = turn.role == Role::Assistant;
        let mut items = Vec::with_capacity(turn.blocks.len());
        for block in &turn.blocks {
            if is_sent(block, assistant, model, facts, losses)? {
                items.push(Item::Block(block));
            }
        }
        match messages.last_mut() {
            _ if items.is_empty() => {}
            Some(last) if last.assistant == assistant => last.items.extend(items),
            _ => messages.push(Message { assistant, items }),
        }
    }
    for message in messages.iter_mut().filter(|message| !message.assistant) {
        message.items.sort_by_key(|item| !item.is_result());
        message.speak_of_documents();
    }
    if messages.is_empty() && request.system.iter().all(is_blank) {
        return Err(nothing_said());
    }
    if messages.first().is_none_or(|first| first.assistant) {
        messages.insert(0, Message { assistant: false, items: vec![Item::Text(OPENER, None)] });
    }
    end_well(&mut messages, model)?;
    Ok(messages)
}

/// A last turn of the assistant is a beginning that the model goes on with, where it takes one (else a fault); it must
/// not end in white space.
fn end_well(messages: &mut [Message<'_>], model: &Model) -> Result<(), Fault> {
    let last = messages.last_mut().filter(|last| last.assistant).and_then(|last| last.items.last_mut());
    let Some(item) = last else { return Ok(()) };
    let Item::Block(block) = *item else { return Ok(()) };
    match &block.content {
        Content::Text { .. } | Content::Refusal(_) if !model.prefill => return Err(no_prefill(block)),
        Content::Text { text, .. } if text.ends_with(char::is_whitespace) => {
            *item = Item::Text(text.trim_end(), block.cache);
        }
        _ => {}
    }
    Ok(())
}

fn is_sent(
    block: &Block,
    assistant: bool,
    model: &Model,
    facts: &ModelFacts,
    losses: &mut Losses,
) -> Result<bool, Fault> {
    if own_form(block).is_some() {
        return Ok(true);
    }
    report_foreign_fields(block, losses);
    match &block.content {
        Content::Text { .. } | Content::Refusal(_) => Ok(!is_blank(block)),
        Content::Call(_) => Ok(true),
        Content::Media(media) if assistant => {
            Err(unsupported(block, "Bedrock takes media in the user's turns only. Move it there or leave it out."))
        }
        Content::Media(media) if facts.refuses(media.kind) => {
            Err(unsupported(block, "The model does not take it. Use another model or leave it out."))
        }
        Content::Media(media) => {
            if media.detail.as_deref().is_some_and(|detail| detail != "auto") {
                losses.block(block, ".detail", Reason::Dropped);
            }
            Ok(true)
        }
        Content::Result(result) => {
            for inner in &result.content {
                match &inner.content {
                    Content::Media(media) if media.kind == MediaKind::Audio || facts.refuses(media.kind) => {
                        return Err(unsupported(inner, "The model does not take it in a tool's result. Leave it out."));
                    }
                    Content::Text { .. } | Content::Media(_) => {}
                    _ if own_form(inner).is_some() => {}
                    _ => losses.block(inner, "", Reason::Dropped),
                }
            }
            if result.error && !model.result_status {
                losses.block(block, ".status", Reason::Dropped);
            }
            Ok(true)
        }
        Content::Reasoning(_) => {
            let readable = model.claude && block.seal.as_ref().is_some_and(|seal| seal.issuer == Issuer::Anthropic);
            if !readable {
                losses.block(block, "", Reason::Dropped);
            }
            Ok(readable)
        }
        Content::Server(_) | Content::Opaque { .. } => {
            losses.block(block, "", Reason::Dropped);
            Ok(false)
        }
    }
}

/// Fields of another dialect that the block carries have no place here.
fn report_foreign_fields(block: &Block, losses: &mut Losses) {
    let foreign = block.carry.as_ref().filter(|carry| carry.dialect != Dialect::Bedrock);
    let node = foreign.and_then(|carry| Node::read(carry.raw.as_str().as_bytes()));
    if matches!(block.content, Content::Server(_) | Content::Opaque { .. }) {
        return;
    }
    for (key, _) in node.as_ref().map(Node::entries).unwrap_or_default() {
        losses.block(block, &format!(".{key}"), Reason::Dropped);
    }
}

impl Item<'_> {
    const fn is_result(&self) -> bool {
        matches!(self, Self::Block(Block { content: Content::Result(_), .. }))
    }

    const fn is_text(&self) -> bool {
        matches!(self, Self::Text(..) | Self::Block(Block { content: Content::Text { .. }, .. }))
    }

    fn is_document(&self) -> bool {
        matches!(self, Self::Block(Block { content: Content::Media(media), .. }) if media.kind == MediaKind::Document)
    }
}

impl Message<'_> {
    /// “If you include a ContentBlock with a document field in the array, you must also include a ContentBlock with a text
    /// field” (API reference, Message).
    fn speak_of_documents(&mut self) {
        if self.items.iter().any(Item::is_document) && !self.items.iter().any(Item::is_text) {
            self.items.push(Item::Text(OPENER, None));
        }
    }

    fn begins_with_reasoning(&self) -> bool {
        matches!(self.items.first(), Some(Item::Block(Block { content: Content::Reasoning(_), .. })))
    }
}

/// Whether the tool loop that the request goes on with was begun without reasoning that the model can read (a stock client
/// dropped it, or another provider did it).
pub(super) fn loop_lacks_reasoning(messages: &[Message<'_>]) -> bool {
    let in_loop = messages.iter().rev().take_while(|m| m.assistant || m.items.iter().any(Item::is_result));
    let first = in_loop.filter(|message| message.assistant).last();
    messages.last().is_some_and(|last| !last.assistant) && first.is_some_and(|m| !m.begins_with_reasoning())
}

/// Writes `messages`.
pub(super) fn write<'a>(
    o: &mut ObjectWriter<'_>,
    messages: &[Message<'a>],
    writing: &mut Writing<'a>,
    model: &Model,
    losses: &mut Losses,
) -> Result<(), Fault> {
    o.array("messages", |a| {
        messages.iter().try_for_each(|message| {
            a.object(|o| {
                o.text("role", if message.assistant { "assistant" } else { "user" });
                o.array("content", |a| {
                    message.items.iter().try_for_each(|item| write_item(a, item, writing, model, losses))
                })
            })
        })
    })
}

fn write_item<'a>(
    a: &mut ArrayWriter<'_>,
    item: &Item<'a>,
    writing: &mut Writing<'a>,
    model: &Model,
    losses: &mut Losses,
) -> Result<(), Fault> {
    match *item {
        Item::Text(text, mark) => {
            a.object(|o| o.text("text", text));
            if let Some(mark) = mark {
                write_cache_point(a, mark, model, "", losses);
            }
        }
        Item::Block(block) => {
            writing.block(a, block)?;
            if let Some(mark) = mark_after(block) {
                if model.cache == Cache::No {
                    losses.block(block, ".cache_control", Reason::Dropped);
                } else {
                    write_cache_point(a, mark, model, &block.at, losses);
                }
            }
        }
    }
    Ok(())
}

/// A cache point stands among a message's blocks, so one inside a tool's result moves behind the result.
fn mark_after(block: &Block) -> Option<CacheMark> {
    match &block.content {
        Content::Result(result) => block.cache.or_else(|| result.content.iter().find_map(|inner| inner.cache)),
        _ => block.cache,
    }
}
