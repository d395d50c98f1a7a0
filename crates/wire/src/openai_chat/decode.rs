//! The client's request → IR.

use tollgate_ir::{Fault, Losses, Request};

use super::{messages, output, params, thinking, tool_choice, tools};
use crate::json::{Fields, Node};
use crate::target::RequestHead;

/// See [`crate::codec::decode_request`].
pub fn decode_request(body: &[u8], head: &RequestHead<'_>, losses: &mut Losses) -> Result<Request, Fault> {
    let mut fields = Fields::new(Node::parse_request(body, head.is_scanned)?, "")?;
    let model = match head.model {
        Some(model) => {
            fields.ignore(&["model"]);
            model.to_owned()
        }
        None => fields.required_text("model")?,
    };
    let stream = fields.boolean("stream")?;
    let mut request = Request { model, stream: head.stream.or(stream).unwrap_or(false), ..Request::default() };
    messages::decode(&mut fields, &mut request, losses)?;
    tools::decode(&mut fields, &mut request, losses)?;
    request.tool_choice = tool_choice::decode(&mut fields, losses)?;
    request.parallel_tools = fields.boolean("parallel_tool_calls")?;
    params::decode(&mut fields, &mut request.params, losses)?;
    request.output = output::decode(&mut fields, losses)?;
    request.thinking = thinking::decode(&mut fields, losses)?;
    fields.report_rest(losses);
    Ok(request)
}
