//! The IR → a request for a provider. Nothing is kept there: `store` is false unless the client says otherwise.

use tollgate_ir::{Fault, Losses, Request};

use super::{history, sampling, tools};
use crate::json::object;
use crate::target::{Encoded, Target};

/// See [`crate::codec::encode_request`].
pub fn encode_request(request: &Request, target: &Target<'_>, losses: &mut Losses) -> Result<Encoded, Fault> {
    let mut body = Vec::with_capacity(1024);
    object(&mut body, |o| -> Result<(), Fault> {
        o.text("model", target.model);
        history::write_instructions(o, request);
        o.array("input", |a| history::write(a, request, target, losses))?;
        tools::write(o, request, target, losses);
        sampling::write(o, request, target, losses);
        o.opt_text("previous_response_id", request.previous_response.as_deref());
        o.boolean("store", request.params.store.unwrap_or(false));
        if request.stream {
            o.boolean("stream", true);
        }
        Ok(())
    })?;
    Ok(Encoded { body, ..Encoded::default() })
}
