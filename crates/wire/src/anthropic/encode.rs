//! IR → a Messages request for a class of Claude models.

use tollgate_ir::{Block, CacheMark, Content, Dialect, Fault, Losses, MediaSource, Reason, Request, Role};

use super::blocks::write::{self, For};
use super::output::{self, Answer};
use super::params;
use super::rules::ModelClass;
use super::thinking::Plan;
use super::told;
use super::tools::{self, Tools};
use super::turns::{Laid, Turns};
use crate::json::{ArrayWriter, ObjectWriter, object};
use crate::target::{Encoded, Target};

/// Most cache breakpoints in a request.
const MAX_MARKS: usize = 4;

/// See [`crate::codec::encode_request`].
pub fn encode_request(request: &Request, target: &Target<'_>, losses: &mut Losses) -> Result<Encoded, Fault> {
    let class = ModelClass::of(target.model);
    let request = &*told::lost_calls(request, class, losses);
    let turns = Turns::of(request, class, target.facts, losses)?;
    let tools = Tools::of(request, losses);
    let most = params::most(class, target.facts);
    let room = request.params.max_tokens.map_or(most, |asked| asked.min(most));
    let plan = Plan::of(request, &turns, class, room, losses);
    let answer = Answer::of(request, class, &plan, &tools, losses);
    let choice = output::choice(request, &tools, &answer, &plan, target, losses);
    let marks = Marks::of(&turns, &tools);
    let mut body = Vec::with_capacity(1024);
    object(&mut body, |o| {
        o.text("model", target.model);
        o.uint("max_tokens", params::max_tokens(request, &plan, most, losses));
        params::write(o, request, class, &plan, losses);
        plan.write(o);
        output_config(o, &plan, &answer);
        if !tools.is_empty() || answer.tool().is_some() {
            o.array("tools", |a| {
                tools.write(a, target, class, marks.skip_in_front, losses);
                answer.write_tool(a);
            });
            tools::write_choice(o, &choice, request.parallel_tools);
        }
        let mut writer = Writer { to: For::Provider(target.names), skip: marks.skip_in_front, losses };
        writer.skip = writer.skip.saturating_sub(marks.tools);
        writer.system(o, &turns.system);
        writer.skip = marks.skip_in_turns;
        writer.messages(o, &turns);
        if request.stream {
            o.boolean("stream", true);
        }
    });
    Ok(Encoded { body, output_tool: answer.tool().map(str::to_owned), betas: betas(request), ..Encoded::default() })
}

fn output_config(o: &mut ObjectWriter<'_>, plan: &Plan, answer: &Answer) {
    let schema = match answer {
        Answer::Native(schema) => Some(schema),
        _ => None,
    };
    if plan.effort.is_none() && schema.is_none() {
        return;
    }
    o.object("output_config", |o| {
        o.opt_text("effort", plan.effort.map(tollgate_ir::Effort::as_str));
        if let Some(schema) = schema {
            o.object("format", |o| {
                o.text("type", "json_schema");
                o.json("schema", schema);
            });
        }
    });
}

/// Files in Anthropic's store are a beta.
fn betas(request: &Request) -> Vec<String> {
    let stored = request.turns.iter().flat_map(|turn| &turn.blocks).any(|block| match &block.content {
        Content::Media(media) => {
            matches!(&media.source, MediaSource::FileId { dialect: Dialect::Anthropic, .. })
        }
        _ => false,
    });
    if stored { vec!["files-api-2025-04-14".to_owned()] } else { Vec::new() }
}

/// Which cache marks are over the limit: those of the earliest messages first, since later ones cover more.
struct Marks {
    tools: usize,
    skip_in_front: usize,
    skip_in_turns: usize,
}

impl Marks {
    fn of(turns: &Turns<'_>, tools: &Tools<'_>) -> Self {
        let count = |blocks: &[&Block]| blocks.iter().filter(|b| takes_mark(b)).count();
        let tool_marks = tools.declared().iter().filter(|tool| tool.cache.is_some()).count();
        let front = tool_marks + count(&turns.system);
        let in_turns: usize = turns.conversation().map(|turn| count(&turn.blocks)).sum();
        let skip_in_front = front.saturating_sub(MAX_MARKS);
        let skip_in_turns = in_turns.saturating_sub(MAX_MARKS - front.min(MAX_MARKS));
        Self { tools: tool_marks, skip_in_front, skip_in_turns }
    }
}

/// Whether a block bears a mark that is sent; thinking takes none.
fn takes_mark(block: &Block) -> bool {
    block.cache.is_some() && !matches!(block.content, Content::Reasoning(_))
}

struct Writer<'a, 'l> {
    to: For<'a>,
    /// Cache marks still to be left out.
    skip: usize,
    losses: &'l mut Losses,
}

impl Writer<'_, '_> {
    fn system(&mut self, o: &mut ObjectWriter<'_>, blocks: &[&Block]) {
        match blocks {
            [] => {}
            [only] if only.cache.is_none() && only.as_text().is_some() => {
                o.text("system", only.as_text().unwrap_or_default());
            }
            blocks => o.array("system", |a| blocks.iter().for_each(|block| self.block(a, block))),
        }
    }

    fn messages(&mut self, o: &mut ObjectWriter<'_>, turns: &Turns<'_>) {
        o.array("messages", |a| {
            let last = turns.turns.len() - 1;
            for (i, turn) in turns.conversation().enumerate() {
                a.object(|o| self.message(o, turn, i == last));
            }
        });
    }

    fn message(&mut self, o: &mut ObjectWriter<'_>, turn: &Laid<'_>, last: bool) {
        let role = match turn.role {
            Role::User => "user",
            Role::Assistant => "assistant",
            Role::System => "system",
        };
        o.text("role", role);
        // White space at the end of what the model is to go on with is refused.
        let trimmed = match turn.blocks.split_last() {
            Some((end, _)) if last && turn.role == Role::Assistant => trim_end(end),
            _ => None,
        };
        if let Some(block) = &trimmed {
            self.losses.block(block, "", Reason::Adjusted);
        }
        match turn.blocks.as_slice() {
            [only] if only.cache.is_none() && is_plain(only) => {
                o.text("content", trimmed.as_ref().unwrap_or(only).as_text().unwrap_or_default());
            }
            blocks => o.array("content", |a| {
                let (end, front) = blocks.split_last().map_or((None, blocks), |(end, front)| (Some(*end), front));
                front.iter().for_each(|block| self.block(a, block));
                if let Some(end) = trimmed.as_ref().or(end) {
                    self.block(a, end);
                }
            }),
        }
    }

    fn block(&mut self, a: &mut ArrayWriter<'_>, block: &Block) {
        if write::input_is_wrapped(block) {
            self.losses.block(block, ".arguments", Reason::Adjusted);
        }
        let cache = self.mark(block);
        write::block(a, block, cache, self.to);
    }

    fn mark(&mut self, block: &Block) -> Option<CacheMark> {
        if !takes_mark(block) {
            return None;
        }
        if self.skip > 0 {
            self.skip -= 1;
            self.losses.block(block, ".cache_control", Reason::Dropped);
            return None;
        }
        block.cache
    }
}

/// Bare text, which a string says as well as a block.
fn is_plain(block: &Block) -> bool {
    block.carry.is_none() && matches!(&block.content, Content::Text { citations, .. } if citations.is_empty())
}

/// The block with its text's end trimmed, if there is anything to trim.
fn trim_end(block: &Block) -> Option<Block> {
    let Content::Text { text, citations } = &block.content else { return None };
    let trimmed = text.trim_end();
    (trimmed.len() < text.len()).then(|| Block {
        content: Content::Text { text: trimmed.to_owned(), citations: citations.clone() },
        ..block.clone()
    })
}
