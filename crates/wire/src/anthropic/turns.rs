//! The turns as this protocol wants them: system text hoisted, neighbours of one side merged, all tool results of a turn
//! before its text, blocks that cannot be said left out and reported.
//!
//! The order of an assistant's blocks is never changed: signatures are checked against it. A conversation may begin with
//! the assistant (anthropics/anthropic-sdk-typescript#622), so no turn of the user is invented.

use tollgate_ir::{Block, Content, Fault, Field, Issuer, Losses, Reason, Request, Role};

use super::blocks::write::says_something;
use super::media;
use super::rules::{ModelClass, ThinkingForm};
use crate::fault::{no_prefill, nothing_said};
use crate::target::ModelFacts;

/// One turn, its blocks those of one or more of the client's turns.
pub(super) struct Laid<'a> {
    /// Whose.
    pub role: Role,
    /// In order; never empty.
    pub blocks: Vec<&'a Block>,
}

/// A request's system text and turns.
pub(super) struct Turns<'a> {
    /// The system prompt, late messages included where the model takes them nowhere else.
    pub system: Vec<&'a Block>,
    /// The conversation; it is never empty.
    pub turns: Vec<Laid<'a>>,
}

impl<'a> Turns<'a> {
    /// Lays out a request. A fault: content that cannot be carried, or a last turn that the model does not go on with.
    pub fn of(
        request: &'a Request,
        class: &ModelClass,
        facts: &ModelFacts,
        losses: &mut Losses,
    ) -> Result<Self, Fault> {
        let mut laid = Self { system: Vec::new(), turns: Vec::new() };
        laid.system.extend(request.system.iter().filter(|b| is_system_text(b, losses)));
        for turn in &request.turns {
            let is_sent = |b: &&Block| match turn.role {
                Role::System if !class.late_system => is_system_text(b, losses),
                _ => is_sent(b, class, losses),
            };
            let blocks: Vec<_> = turn.blocks.iter().filter(is_sent).collect();
            for block in &blocks {
                check(block, facts)?;
            }
            laid.add(turn.role, blocks, class);
        }
        for turn in &mut laid.turns {
            if turn.role == Role::User {
                turn.blocks.sort_by_key(|block| !matches!(block.content, Content::Result(_)));
            }
        }
        if laid.turns.is_empty() && !laid.system.is_empty() {
            // At least one message is required, and instructions alone are a prompt as well.
            losses.field(Field::System, Reason::Adjusted);
            laid.turns.push(Laid { role: Role::User, blocks: std::mem::take(&mut laid.system) });
        }
        laid.check_ends(class)?;
        Ok(laid)
    }

    fn add(&mut self, role: Role, blocks: Vec<&'a Block>, class: &ModelClass) {
        if blocks.is_empty() {
            return;
        }
        // Results must follow their calls at once: a system message between them goes up.
        let between = role == Role::User
            && self.turns.last().is_some_and(|last| last.role == Role::System)
            && blocks.iter().any(|b| matches!(b.content, Content::Result(_)));
        if let Some(late) = self.turns.pop_if(|_| between) {
            self.system.extend(late.blocks);
        }
        match self.turns.last_mut() {
            Some(last) if last.role == role => last.blocks.extend(blocks),
            // A system message is taken right after a user's turn only.
            Some(last) if role == Role::System && class.late_system && last.role == Role::User => {
                self.turns.push(Laid { role, blocks });
            }
            _ if role == Role::System => self.system.extend(blocks),
            _ => self.turns.push(Laid { role, blocks }),
        }
    }

    fn check_ends(&self, class: &ModelClass) -> Result<(), Fault> {
        let Some(last) = self.turns.last() else { return Err(nothing_said()) };
        match last.blocks.last() {
            Some(block) if last.role == Role::Assistant && !class.prefill && block_is_words(block) => {
                Err(no_prefill(block))
            }
            _ => Ok(()),
        }
    }

    /// The turns of user and assistant, and late system messages, in order.
    pub fn conversation(&self) -> impl DoubleEndedIterator<Item = &Laid<'a>> {
        self.turns.iter()
    }
}

fn block_is_words(block: &Block) -> bool {
    matches!(block.content, Content::Text { .. } | Content::Refusal(_))
}

/// Only text stands in a system prompt.
fn is_system_text(block: &Block, losses: &mut Losses) -> bool {
    if !block_is_words(block) {
        report(block, losses);
        return false;
    }
    says_something(block)
}

/// Whether a block is sent; what is lost by not sending it is reported.
fn is_sent(block: &Block, class: &ModelClass, losses: &mut Losses) -> bool {
    let sent = match &block.content {
        Content::Reasoning(_) => {
            class.thinking != ThinkingForm::None && block.seal.as_ref().is_some_and(|s| s.issuer == Issuer::Anthropic)
        }
        _ => says_something(block),
    };
    if let Content::Result(result) = &block.content {
        for inner in result.content.iter().filter(|inner| !says_something(inner)) {
            report(inner, losses);
        }
    }
    if let Content::Media(media) = &block.content
        && matches!(media.detail.as_deref(), Some(detail) if detail != "auto")
    {
        losses.block(block, ".detail", Reason::Dropped);
    }
    if !sent {
        report(block, losses);
    }
    sent
}

/// An empty text says nothing, so that leaving it out loses nothing.
fn report(block: &Block, losses: &mut Losses) {
    if !matches!(block.content, Content::Text { .. } | Content::Refusal(_)) {
        losses.block(block, "", Reason::Dropped);
    }
}

/// Refuses media that cannot be sent, also within tool results.
fn check(block: &Block, facts: &ModelFacts) -> Result<(), Fault> {
    match &block.content {
        Content::Media(media) => media::check(block, media, facts),
        Content::Result(result) => result.content.iter().try_for_each(|inner| check(inner, facts)),
        _ => Ok(()),
    }
}
