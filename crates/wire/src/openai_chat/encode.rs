//! IR → a request for a host that speaks Chat Completions.

use tollgate_ir::{Content, Fault, FaultKind, Losses, Request, Role};

use super::rules::Rules;
use super::takes::Begun;
use super::{output, params, thinking, tools, write};
use crate::json;
use crate::target::{Encoded, Target};

/// See [`crate::codec::encode_request`].
pub fn encode_request(request: &Request, target: &Target<'_>, losses: &mut Losses) -> Result<Encoded, Fault> {
    if request.previous_response.is_some() {
        return Err(Fault::new(
            FaultKind::PreviousResponseNotFound,
            "The response to continue from is not known here. Send the conversation's items.",
        ));
    }
    let rules = Rules::of(target.model, target.facts.host);
    let begun = if is_begun(request) { rules.begun } else { Begun::Unsaid };
    let mut body = Vec::with_capacity(1024);
    json::object(&mut body, |o| {
        o.text("model", target.model);
        o.array("messages", |a| write::messages(a, request, target, &rules, begun, losses))?;
        if begun == Begun::Continue {
            o.boolean("continue_final_message", true);
            o.boolean("add_generation_prompt", false);
        }
        tools::encode(o, request, target, &rules, losses);
        let reasons = thinking::encode(o, request, &rules, target, losses);
        params::encode(o, &request.params, &rules, reasons, losses);
        output::encode(o, request.output.as_ref());
        if request.stream {
            o.boolean("stream", true);
            if rules.stream_options {
                // The ledger counts every stream, asked for or not.
                o.object("stream_options", |s| s.boolean("include_usage", true));
            }
        }
        Ok(())
    })?;
    Ok(Encoded { body, begun, ..Encoded::default() })
}

/// The conversation ends with words of the assistant: the beginning of the answer.
fn is_begun(request: &Request) -> bool {
    let last = request.turns.last().filter(|turn| turn.role == Role::Assistant);
    last.and_then(|turn| turn.blocks.last()).is_some_and(|block| matches!(block.content, Content::Text { .. }))
}
