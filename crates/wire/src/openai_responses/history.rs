//! System blocks and turns → `instructions` and input items.

use tollgate_ir::{
    Block, Call, CallKind, Content, Fault, Issuer, Losses, Reason, Reasoning, Request, Role, ToolResult, Turn,
};

use super::{namespace, parts, reasoning};
use crate::fault::unsupported;
use crate::ids::IdRule;
use crate::json::{ArrayWriter, ObjectWriter};
use crate::target::Target;

/// One plain system text goes into `instructions`; several, or marked ones, into a message of the system.
pub(super) fn write_instructions(o: &mut ObjectWriter<'_>, request: &Request) {
    if let Some(text) = plain(&request.system) {
        o.text("instructions", text);
    }
}

/// Writes the items of `input`.
pub(super) fn write(
    a: &mut ArrayWriter<'_>,
    request: &Request,
    target: &Target<'_>,
    losses: &mut Losses,
) -> Result<(), Fault> {
    if plain(&request.system).is_none() {
        write_message(a, "system", &request.system, target, losses)?;
    }
    request.turns.iter().try_for_each(|turn| write_turn(a, turn, target, losses))
}

fn plain(blocks: &[Block]) -> Option<&str> {
    match blocks {
        [block] if block.cache.is_none() => block.as_text(),
        _ => None,
    }
}

/// Writes the items of one turn.
pub(super) fn write_turn(
    a: &mut ArrayWriter<'_>,
    turn: &Turn,
    target: &Target<'_>,
    losses: &mut Losses,
) -> Result<(), Fault> {
    let mut rest = &turn.blocks[..];
    while let Some(first) = rest.first() {
        let taken = match &first.content {
            Content::Text { .. } | Content::Refusal(_) | Content::Media(_) => {
                let run = message_len(rest);
                write_message(a, role_of(turn.role), &rest[..run], target, losses)?;
                run
            }
            Content::Reasoning(head) => {
                let run = reasoning_len(rest, head);
                write_reasoning(a, &rest[..run], head, losses);
                run
            }
            _ => {
                write_item(a, first, target, losses)?;
                1
            }
        };
        rest = &rest[taken..];
    }
    Ok(())
}

const fn role_of(role: Role) -> &'static str {
    match role {
        Role::User => "user",
        Role::Assistant => "assistant",
        Role::System => "system",
    }
}

/// How many blocks from the first on are one message: up to another kind, or to one that was a message of its own.
fn message_len(blocks: &[Block]) -> usize {
    let more = |b: &Block| {
        let own = reasoning::carried(b).is_some_and(|raw| !raw.as_str().contains("prompt_cache_breakpoint"));
        matches!(b.content, Content::Text { .. } | Content::Refusal(_) | Content::Media(_)) && !own
    };
    1 + blocks[1..].iter().take_while(|b| more(b)).count()
}

/// How many blocks are parts of one reasoning item: those of one id.
fn reasoning_len(blocks: &[Block], head: &Reasoning) -> usize {
    let more = |b: &Block| matches!(&b.content, Content::Reasoning(r) if r.id.is_some() && r.id == head.id);
    1 + blocks[1..].iter().take_while(|b| more(b)).count()
}

fn write_message(
    a: &mut ArrayWriter<'_>,
    role: &str,
    blocks: &[Block],
    target: &Target<'_>,
    losses: &mut Losses,
) -> Result<(), Fault> {
    // Empty texts say nothing, and some hosts refuse them.
    let blocks: Vec<_> = blocks.iter().filter(|b| b.as_text() != Some("")).collect();
    let Some(first) = blocks.first() else { return Ok(()) };
    let carried = if role == "assistant" { reasoning::carried(first) } else { None };
    a.object(|o| {
        if carried.is_some() {
            o.text("type", "message");
        }
        o.text("role", role);
        match blocks[..] {
            [Block { content: Content::Text { text, citations }, cache: None, .. }]
                if carried.is_none() && citations.is_empty() =>
            {
                o.text("content", text);
            }
            _ if role == "assistant" => {
                o.array("content", |a| blocks.iter().try_for_each(|block| write_said(a, block)))?
            }
            _ => o.array("content", |a| blocks.iter().try_for_each(|block| parts::write(a, block, target, losses)))?,
        }
        if let Some(raw) = carried {
            o.spread(raw, &[]);
        }
        Ok(())
    })
}

/// A part of what the model said.
fn write_said(a: &mut ArrayWriter<'_>, block: &Block) -> Result<(), Fault> {
    match &block.content {
        Content::Text { text, citations } => a.object(|o| {
            o.text("type", "output_text");
            o.text("text", text);
            o.array("annotations", |a| {
                for annotation in citations.iter().filter_map(|c| super::annotations::annotation(c, text)) {
                    a.json(&annotation);
                }
            });
        }),
        Content::Refusal(text) => a.object(|o| {
            o.text("type", "refusal");
            o.text("refusal", text);
        }),
        _ => {
            return Err(unsupported(block, "What the model says holds no media. Send it in a message of the user."));
        }
    }
    Ok(())
}

/// Goes back to OpenAI only with OpenAI's seal, or as the item that it was.
fn write_reasoning(a: &mut ArrayWriter<'_>, blocks: &[Block], head: &Reasoning, losses: &mut Losses) {
    let seal = blocks.iter().filter_map(|b| b.seal.as_ref()).find(|s| s.issuer == Issuer::OpenAi);
    let sealed_elsewhere = blocks.iter().any(|b| b.seal.is_some());
    if seal.is_none() && (head.id.is_none() || sealed_elsewhere) {
        blocks.iter().for_each(|block| losses.block(block, "", Reason::Dropped));
        return;
    }
    let texts = blocks.iter().filter_map(|b| match &b.content {
        Content::Reasoning(r) if !r.text.is_empty() => Some(r.text.as_str()),
        _ => None,
    });
    a.object(|o| {
        o.text("type", "reasoning");
        o.opt_text("id", head.id.as_deref());
        let kind = if head.summary { "summary_text" } else { "reasoning_text" };
        if !head.summary {
            o.array("summary", |_| ());
        }
        o.array(if head.summary { "summary" } else { "content" }, |a| {
            for text in texts {
                a.object(|o| {
                    o.text("type", kind);
                    o.text("text", text);
                });
            }
        });
        o.opt_text("encrypted_content", seal.map(|s| s.data.as_str()));
    });
}

fn write_item(a: &mut ArrayWriter<'_>, block: &Block, target: &Target<'_>, losses: &mut Losses) -> Result<(), Fault> {
    match &block.content {
        Content::Call(call) => a.object(|o| write_call(o, block, call, target)),
        Content::Result(result) => return write_result(a, block, result, target, losses),
        _ => match reasoning::carried(block) {
            Some(raw) => a.json(raw),
            None => losses.block(block, "", Reason::Dropped),
        },
    }
    Ok(())
}

fn write_call(o: &mut ObjectWriter<'_>, block: &Block, call: &Call, target: &Target<'_>) {
    let (custom, carried) = (call.kind == CallKind::Custom, reasoning::carried(block));
    o.text("type", if custom { "custom_tool_call" } else { "function_call" });
    o.text("call_id", &IdRule::WIDE.apply(&call.id));
    match carried.and_then(namespace::of) {
        Some(space) => o.text("name", namespace::within(&space, &call.name)),
        None => o.text("name", target.names.upstream(&call.name)),
    }
    match (custom, call.arguments.as_str()) {
        (true, input) => o.text("input", input),
        (false, "") => o.text("arguments", "{}"),
        (false, arguments) => o.text("arguments", arguments),
    }
    if let Some(raw) = carried {
        o.spread(raw, &[]);
    }
}

fn write_result(
    a: &mut ArrayWriter<'_>,
    block: &Block,
    result: &ToolResult,
    target: &Target<'_>,
    losses: &mut Losses,
) -> Result<(), Fault> {
    if result.error {
        losses.block(block, ".is_error", Reason::Dropped);
    }
    if block.cache.is_some() {
        losses.block(block, ".cache_control", Reason::Dropped);
    }
    a.object(|o| {
        let custom = result.kind == CallKind::Custom;
        o.text("type", if custom { "custom_tool_call_output" } else { "function_call_output" });
        o.text("call_id", &IdRule::WIDE.apply(&result.call));
        match &result.content[..] {
            [] => o.text("output", ""),
            [Block { content: Content::Text { text, .. }, cache: None, .. }] => o.text("output", text),
            content => {
                o.array("output", |a| content.iter().try_for_each(|part| parts::write(a, part, target, losses)))?
            }
        }
        Ok(())
    })
}
