//! IR → a request for a host that speaks Chat Completions.

use tollgate_ir::{Fault, FaultKind, Losses, Request};

use super::rules::Rules;
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
    let mut body = Vec::new();
    json::object(&mut body, |o| {
        o.text("model", target.model);
        o.array("messages", |a| write::messages(a, request, target, &rules, losses))?;
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
    Ok(Encoded { body, ..Encoded::default() })
}
