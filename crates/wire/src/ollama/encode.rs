use tollgate_ir::{Effort, Fault, Field, Losses, OutputFormat, Reason, Request, Thinking, ThinkingMode};

use super::{history, options, rules, tools};
use crate::json::{ObjectWriter, object};
use crate::target::{Encoded, Target};

/// See [`crate::codec::encode_request`].
pub fn encode_request(request: &Request, target: &Target<'_>, losses: &mut Losses) -> Result<Encoded, Fault> {
    let mut body = Vec::with_capacity(1024);
    object(&mut body, |o| {
        o.text("model", target.model);
        history::encode(o, request, target, losses)?;
        tools::encode(o, request, target, losses);
        output(o, request.output.as_ref(), losses);
        think(o, request.thinking.as_ref(), target.model, losses);
        options::encode(o, &request.params);
        options::report_unsaid(&request.params, losses);
        if request.previous_response.is_some() {
            losses.field(Field::PreviousResponse, Reason::Dropped);
        }
        // Left out, it would be a stream.
        o.boolean("stream", request.stream);
        Ok(())
    })?;
    Ok(Encoded { body, ..Encoded::default() })
}

/// The answer always must fit; a client that wanted less gets more.
fn output(o: &mut ObjectWriter<'_>, output: Option<&OutputFormat>, losses: &mut Losses) {
    match output {
        None => {}
        Some(OutputFormat::Json) => o.text("format", "json"),
        Some(OutputFormat::Schema { schema, strict, .. }) => {
            o.json("format", schema);
            if *strict == Some(false) {
                losses.field(Field::Output, Reason::Adjusted);
            }
        }
    }
}

fn think(o: &mut ObjectWriter<'_>, thinking: Option<&Thinking>, model: &str, losses: &mut Losses) {
    let Some(thinking) = thinking else { return };
    match thinking.mode {
        ThinkingMode::Unsaid => {}
        // By default models that can think do; the word is harmless to the others.
        ThinkingMode::Off => o.boolean("think", false),
        ThinkingMode::On | ThinkingMode::Adaptive if !rules::thinks(model) => {
            losses.field(Field::Thinking, Reason::Dropped);
        }
        ThinkingMode::On | ThinkingMode::Adaptive => match thinking.effort {
            Some(effort) if rules::takes_levels(model) => {
                let level = level(effort);
                if level != effort.as_str() {
                    losses.field(Field::Thinking, Reason::Adjusted);
                }
                o.text("think", level);
            }
            effort => {
                if effort.is_some() || thinking.budget.is_some() {
                    losses.field(Field::Thinking, Reason::Adjusted);
                }
                o.boolean("think", true);
            }
        },
    }
    if thinking.show == Some(false) {
        losses.field(Field::Thinking, Reason::Adjusted);
    }
}

/// The nearest of the three levels.
const fn level(effort: Effort) -> &'static str {
    match effort {
        Effort::Minimal | Effort::Low => "low",
        Effort::Medium => "medium",
        Effort::High | Effort::XHigh | Effort::Max => "high",
    }
}
