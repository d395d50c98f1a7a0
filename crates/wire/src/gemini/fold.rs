//! Events of one answer → the whole reply.

use std::collections::BTreeMap;

use tollgate_ir::{Block, BlockStart, Call, Choice, Content, Delta, Event, Fault, FaultKind, Reasoning, Reply};

/// Puts a stream together. A fault in it is the result.
pub(super) fn fold(events: Vec<Event>) -> Result<Reply, Fault> {
    let mut reply = Reply::default();
    let mut choices: BTreeMap<u32, Choice> = BTreeMap::new();
    for event in events {
        match event {
            Event::Start(head) => reply.head = head,
            Event::Open { choice, start, .. } => choices.entry(choice).or_default().blocks.push(begin(start)),
            Event::Delta { choice, block, delta } => add(choices.entry(choice).or_default(), block, delta),
            Event::Usage(usage) => reply.usage = Some(usage),
            Event::Finish { choice, finish } => choices.entry(choice).or_default().finish = Some(finish),
            Event::Fault(fault) => return Err(*fault),
            Event::Close { .. } | Event::Ping | Event::End => {}
        }
    }
    if choices.is_empty() {
        return Err(Fault::new(FaultKind::ProviderGarbage, "The provider's answer has no candidates."));
    }
    reply.choices = choices.into_values().collect();
    Ok(reply)
}

fn begin(start: BlockStart) -> Block {
    match start {
        BlockStart::Text => Block::text(""),
        BlockStart::Refusal => Block::new(Content::Refusal(String::new())),
        BlockStart::Reasoning { summary, redacted, id } => {
            Block::new(Content::Reasoning(Reasoning { text: String::new(), summary, redacted, id }))
        }
        BlockStart::Call { id, name, kind } => {
            Block::new(Content::Call(Call { id, name, arguments: String::new(), kind }))
        }
        BlockStart::Whole(block) => *block,
    }
}

/// Blocks count up from 0 in the order of opening, so a block's number is its place.
fn add(choice: &mut Choice, block: u32, delta: Delta) {
    if let Delta::Logprobs(more) = delta {
        choice.logprobs.extend(more);
        return;
    }
    let Some(block) = usize::try_from(block).ok().and_then(|i| choice.blocks.get_mut(i)) else { return };
    match (delta, &mut block.content) {
        (Delta::Text(more), Content::Text { text, .. } | Content::Refusal(text)) => text.push_str(&more),
        (Delta::Text(more), Content::Reasoning(reasoning)) => reasoning.text.push_str(&more),
        (Delta::Arguments(more), Content::Call(call)) => call.arguments.push_str(&more),
        (Delta::Citation(citation), Content::Text { citations, .. }) => citations.push(*citation),
        (Delta::Seal(seal), _) => block.seal = Some(seal),
        (Delta::Carry(carry), _) => block.carry = Some(carry),
        _ => {}
    }
}
