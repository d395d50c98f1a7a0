//! A client's request → the IR.

use tollgate_ir::{Block, Fault, FaultKind, Losses, Request};

use super::{input, sampling, tools};
use crate::json::{Fields, Node};
use crate::target::RequestHead;
use crate::unsaid;

/// State and work that live at OpenAI: a translation has them not.
const ONLY_THERE: [(&str, &str); 2] = [
    ("conversation", "Send the conversation as `input`, or name the last response in `previous_response_id`."),
    ("prompt", "Send the prompt's text as `instructions` and `input`."),
];

/// See [`crate::codec::decode_request`].
pub fn decode_request(body: &[u8], head: &RequestHead<'_>, losses: &mut Losses) -> Result<Request, Fault> {
    let mut f = Fields::new(Node::parse_request(body, head.is_scanned)?, "")?;
    refuse_state(&mut f)?;
    let named = f.text("model")?;
    let mut request = Request {
        model: named.or_else(|| head.model.map(str::to_owned)).ok_or_else(|| f.missing("model"))?,
        stream: f.boolean("stream")?.or(head.stream).unwrap_or(false),
        previous_response: f.text("previous_response_id")?,
        parallel_tools: f.boolean("parallel_tool_calls")?,
        params: sampling::read(&mut f, losses)?,
        thinking: sampling::read_thinking(&mut f, losses)?,
        ..Request::default()
    };
    if let Some(text) = f.text("instructions")?.filter(|t| !t.is_empty()) {
        request.system.push(Block::text(text).at("instructions"));
    }
    request.tools = tools::read_all(f.array("tools")?.unwrap_or_default(), "tools", losses)?;
    if let Some(choice) = f.take("tool_choice") {
        request.tool_choice = tools::read_choice(&choice, losses);
    }
    sampling::read_text(&mut f, &mut request, losses)?;
    match f.take("input") {
        Some(node) => input::read(node, &mut request, losses)?,
        None if request.previous_response.is_some() => {}
        None => return Err(f.missing("input")),
    }
    if let Some(mut options) = f.object("stream_options")? {
        unsaid::obfuscation(&mut options, losses)?;
        options.report_rest(losses);
    }
    ignore_defaults(&mut f);
    f.report_rest(losses);
    Ok(request)
}

fn refuse_state(f: &mut Fields<'_>) -> Result<(), Fault> {
    for (field, todo) in ONLY_THERE {
        if f.take(field).is_some() {
            return Err(elsewhere(field, todo));
        }
    }
    if f.boolean("background")? == Some(true) {
        return Err(elsewhere("background", "Leave it out, and take the answer as a stream."));
    }
    Ok(())
}

fn elsewhere(field: &str, todo: &str) -> Fault {
    let mut fault = Fault::new(
        FaultKind::InvalidField,
        format!("`{field}` is served by OpenAI only, and this model is served elsewhere. {todo}"),
    );
    fault.param = Some(field.to_owned());
    fault
}

/// What means the same left out.
fn ignore_defaults(f: &mut Fields<'_>) {
    if f.peek_text("truncation") == Some("disabled") {
        f.ignore(&["truncation"]);
    }
}
