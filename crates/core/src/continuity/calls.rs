//! Reasoning and seals of a turn with calls: taken down when the model answers, put back when the client sends the turn
//! again without them.
//!
//! The order survives: each piece of reasoning is remembered with the call that follows it and with the number of
//! visible blocks between the call before and itself, since providers refuse a turn whose reasoning moved.

use std::sync::Arc;

use tollgate_ir::{Block, Content, Request, Role, Seal, Turn};

use super::size;

/// What belongs to one call that a model made.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Saved {
    /// Reasoning since the call before it, or since the turn's begin.
    pub before: Vec<Kept>,
    /// The call's own seal.
    pub seal: Option<Seal>,
    /// Reasoning after it, if it is the turn's last call.
    pub after: Vec<Kept>,
}

/// Reasoning and where it stood.
#[derive(Clone, Debug, PartialEq)]
pub struct Kept {
    /// How many visible blocks stood between the call before it (or the turn's begin) and it.
    pub behind: usize,
    /// The reasoning.
    pub block: Block,
}

impl Saved {
    /// About how many bytes it holds.
    pub fn weight(&self) -> u64 {
        let kept: u64 = self.before.iter().chain(&self.after).map(|kept| size::of_block(&kept.block)).sum();
        64 + kept + self.seal.as_ref().map_or(0, |seal| seal.data.len() as u64)
    }

    fn is_empty(&self) -> bool {
        self.before.is_empty() && self.seal.is_none() && self.after.is_empty()
    }

    fn reasoning(&self) -> impl Iterator<Item = &Kept> {
        self.before.iter().chain(&self.after)
    }
}

/// What is to be remembered of an answer, by the ids of its calls. Nothing for an answer without calls: no provider
/// wants its reasoning back.
pub fn remember(blocks: &[Block]) -> Vec<(String, Arc<Saved>)> {
    let mut found: Vec<(String, Saved)> = Vec::new();
    let mut waiting: Vec<Kept> = Vec::new();
    let mut behind = 0;
    for block in blocks {
        match &block.content {
            Content::Reasoning(_) => waiting.push(Kept { behind, block: block.clone() }),
            Content::Call(call) => {
                let before = std::mem::take(&mut waiting);
                found.push((call.id.clone(), Saved { before, seal: block.seal.clone(), after: Vec::new() }));
                behind = 0;
            }
            _ => behind += 1,
        }
    }
    if let Some((_, last)) = found.last_mut() {
        last.after = waiting;
    }
    found.into_iter().filter(|(_, saved)| !saved.is_empty()).map(|(id, saved)| (id, Arc::new(saved))).collect()
}

/// The ids of calls whose reasoning or seal the client did not send along: worth looking up.
pub fn wanted(request: &Request) -> Vec<String> {
    let mut ids = Vec::new();
    for run in runs(&request.turns) {
        let blocks = || request.turns[run.clone()].iter().flat_map(|turn| &turn.blocks);
        let reasoning_lost = !blocks().any(is_sealed_reasoning);
        for block in blocks() {
            if let Content::Call(call) = &block.content
                && (reasoning_lost || block.seal.is_none())
            {
                ids.push(call.id.clone());
            }
        }
    }
    ids
}

/// What [`restore`] did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Restored {
    /// Calls that got back what they had.
    pub restored: usize,
    /// Calls of which nothing is known: the target's encoder must do without.
    pub missing: usize,
}

/// Puts reasoning and seals back into assistant turns with calls that came without them. A turn whose client sent
/// sealed reasoning keeps what it sent; reasoning in words alone gives way to what was sealed.
pub fn restore(request: &mut Request, saved: impl Fn(&str) -> Option<Arc<Saved>>) -> Restored {
    let mut outcome = Restored::default();
    for run in runs(&request.turns) {
        let turns = &mut request.turns[run];
        let wants = Wants::of(turns, &saved);
        for turn in turns {
            restore_turn(turn, wants, &saved, &mut outcome);
        }
    }
    outcome
}

/// Which of the remembered reasoning a run of assistant turns takes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wants {
    /// None: the client sent its own.
    Seals,
    /// All, beside nothing.
    Reasoning,
    /// All, in place of the words that the client sent.
    Replacement,
}

impl Wants {
    fn of(turns: &[Turn], saved: &impl Fn(&str) -> Option<Arc<Saved>>) -> Self {
        let blocks = || turns.iter().flat_map(|turn| &turn.blocks);
        if blocks().any(is_sealed_reasoning) {
            return Self::Seals;
        }
        if !blocks().any(|block| matches!(block.content, Content::Reasoning(_))) {
            return Self::Reasoning;
        }
        let known = blocks().filter_map(|block| match &block.content {
            Content::Call(call) => saved(&call.id),
            _ => None,
        });
        let sealed = known.into_iter().any(|saved| saved.reasoning().any(|kept| is_sealed_reasoning(&kept.block)));
        if sealed { Self::Replacement } else { Self::Seals }
    }
}

fn restore_turn(turn: &mut Turn, wants: Wants, saved: &impl Fn(&str) -> Option<Arc<Saved>>, outcome: &mut Restored) {
    let mut blocks: Vec<Block> = Vec::with_capacity(turn.blocks.len());
    let mut segment = 0; // where the blocks since the last call begin
    let mut last: Option<Arc<Saved>> = None;
    for mut block in std::mem::take(&mut turn.blocks) {
        if wants == Wants::Replacement && matches!(block.content, Content::Reasoning(_)) {
            continue;
        }
        if let Content::Call(call) = &block.content {
            last = saved(&call.id);
            match &last {
                Some(known) => {
                    outcome.restored += 1;
                    block.seal = block.seal.or_else(|| known.seal.clone());
                    if wants != Wants::Seals {
                        insert(&mut blocks, segment, &known.before, &block.at);
                    }
                }
                None => outcome.missing += 1,
            }
            blocks.push(block);
            segment = blocks.len();
        } else {
            blocks.push(block);
        }
    }
    if let (Some(known), true) = (&last, wants != Wants::Seals) {
        insert(&mut blocks, segment, &known.after, "");
    }
    turn.blocks = blocks;
}

/// Puts reasoning among the blocks from `segment` on, each piece behind as many visible blocks as it was.
fn insert(blocks: &mut Vec<Block>, segment: usize, kept: &[Kept], at: &str) {
    let visible = blocks.len() - segment;
    for (already, kept) in kept.iter().enumerate() {
        let place = segment + kept.behind.min(visible) + already;
        blocks.insert(place, kept.block.clone().at(at));
    }
}

fn is_sealed_reasoning(block: &Block) -> bool {
    matches!(block.content, Content::Reasoning(_)) && block.seal.is_some()
}

/// Stretches of neighbouring assistant turns: some clients send one answer as several turns.
fn runs(turns: &[Turn]) -> Vec<std::ops::Range<usize>> {
    let mut runs: Vec<std::ops::Range<usize>> = Vec::new();
    for (i, turn) in turns.iter().enumerate() {
        if turn.role != Role::Assistant {
            continue;
        }
        match runs.last_mut() {
            Some(run) if run.end == i => run.end = i + 1,
            _ => runs.push(i..i + 1),
        }
    }
    runs
}
