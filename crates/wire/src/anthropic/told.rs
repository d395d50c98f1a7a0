//! Calls told in words, for models that always think: they take no tool loop whose thinking the client has lost, and
//! thinking cannot be switched off for them. So the loop's calls and results are told to them as the user's text; the
//! conversation goes on, and each block so told is reported as adjusted.
//!
//! All of it is the user's, also what was called: a model that finds calls as words of its own goes on to write such words
//! where it should call.

use std::borrow::Cow;
use std::collections::HashMap;

use tollgate_ir::{Block, Call, Content, Issuer, Losses, Reason, Request, Role, ToolResult, Turn};

use super::blocks::write::says_something;
use super::rules::{ModelClass, ThinkingForm};

/// The request as a class of models can take it.
pub(crate) fn lost_calls<'r>(request: &'r Request, class: &ModelClass, losses: &mut Losses) -> Cow<'r, Request> {
    if class.thinking != ThinkingForm::Always {
        return Cow::Borrowed(request);
    }
    match loop_without_thinking(&request.turns) {
        Some(from) => Cow::Owned(tell(request, from, losses)),
        None => Cow::Borrowed(request),
    }
}

/// The first turn of the tool loop that the conversation ends in, if that turn does not begin with thinking that Claude
/// can read.
fn loop_without_thinking(turns: &[Turn]) -> Option<usize> {
    let mut first = None;
    // Of the neighbouring turns of the user after the one that is looked at: whether one holds a result.
    let mut answered = false;
    let mut last = Role::Assistant;
    for (i, turn) in turns.iter().enumerate().rev().filter(|(_, turn)| turn.role != Role::System) {
        if turn.role == Role::User {
            let results = turn.blocks.iter().any(|b| matches!(b.content, Content::Result(_)));
            answered = results || (answered && last == Role::User);
        } else if answered {
            first = Some(i);
        } else {
            break;
        }
        last = turn.role;
    }
    let begin = first?;
    let mut said = turns[begin..].iter().flat_map(|turn| &turn.blocks);
    let signed = |b: &Block| b.seal.as_ref().is_some_and(|seal| seal.issuer == Issuer::Anthropic);
    let counts = said.find(|b| if matches!(b.content, Content::Reasoning(_)) { signed(b) } else { says_something(b) });
    counts.is_none_or(|b| !matches!(b.content, Content::Reasoning(_))).then_some(begin)
}

fn tell(request: &Request, from: usize, losses: &mut Losses) -> Request {
    let mut told = request.clone();
    let mut calls = HashMap::new();
    for turn in &mut told.turns[from..] {
        for block in std::mem::take(&mut turn.blocks) {
            match block.content {
                Content::Call(call) => {
                    calls.insert(call.id.clone(), (call, block.at));
                }
                Content::Result(result) => {
                    losses.path(block.at.clone(), Reason::Adjusted);
                    let called = calls.remove(&result.call);
                    if let Some((_, at)) = &called {
                        losses.path(at.clone(), Reason::Adjusted);
                    }
                    tell_result(&mut turn.blocks, called.map(|(call, _)| call), result, &block.at);
                    if let Some(end) = turn.blocks.last_mut() {
                        end.cache = end.cache.or(block.cache);
                    }
                }
                _ => turn.blocks.push(block),
            }
        }
    }
    // A call that nothing answers would be refused in any form.
    for (_, at) in calls.into_values() {
        losses.path(at, Reason::Dropped);
    }
    told
}

/// The call and what came of it, as blocks of the user's turn.
fn tell_result(blocks: &mut Vec<Block>, call: Option<Call>, result: ToolResult, at: &str) {
    let name = call.as_ref().map(|call| call.name.as_str()).or(result.name.as_deref()).unwrap_or("a tool");
    let with = match call.as_ref().map(|call| call.arguments.trim()) {
        None | Some("" | "{}" | "null") => "without arguments".to_owned(),
        Some(arguments) => format!("with {arguments}"),
    };
    let content: Vec<Block> = result.content.into_iter().filter(says_something).collect();
    let came = match (result.error, content.is_empty()) {
        (false, false) => "Its result:",
        (false, true) => "Its result was empty.",
        (true, false) => "It failed:",
        (true, true) => "It failed.",
    };
    blocks.push(Block::text(format!("You have called the tool {name} {with}. {came}")).at(at));
    blocks.extend(content);
}
