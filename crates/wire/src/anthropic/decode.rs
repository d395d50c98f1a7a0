//! A client's Messages request → IR.

use tollgate_ir::{CacheMark, Effort, Fault, Losses, Reason, Request, Role, Turn};

use super::blocks::read;
use super::{output, params, thinking, tools};
use crate::json::{Fields, Node};
use crate::target::RequestHead;

/// See [`crate::codec::decode_request`].
pub fn decode_request(body: &[u8], head: &RequestHead<'_>, losses: &mut Losses) -> Result<Request, Fault> {
    let mut fields = Fields::new(Node::parse_request(body, head.is_scanned)?, "")?;
    // The version and betas stand in the body on Bedrock and Vertex.
    fields.ignore(&["anthropic_version", "anthropic_beta", "betas"]);
    let model = fields.text("model")?;
    let stream = fields.boolean("stream")?;
    let mut request = Request {
        model: match (head.model, model) {
            (Some(model), _) => model.to_owned(),
            (None, Some(model)) => model,
            (None, None) => return Err(fields.missing("model")),
        },
        stream: head.stream.or(stream).unwrap_or(false),
        params: params::read(&mut fields, losses)?,
        system: read::content(fields.take("system"), "system".to_owned(), losses)?,
        turns: turns(&mut fields, losses)?,
        ..Request::default()
    };
    for (i, tool) in fields.array("tools")?.unwrap_or_default().into_iter().enumerate() {
        request.tools.push(tools::read(tool, format!("tools[{i}]"), losses)?);
    }
    (request.tool_choice, request.parallel_tools) = tools::read_choice(&mut fields, losses)?;
    output_fields(&mut fields, &mut request, losses)?;
    if let Some(mark) = read::cache_mark(&mut fields, losses)? {
        mark_last(&mut request, mark);
        let marked = request.turns.iter().rev().flat_map(|turn| turn.blocks.iter().rev()).find(|b| b.cache.is_some());
        if let Some(block) = marked {
            losses.spell(format!("{}.cache_control", block.at), "cache_control");
        }
    }
    fields.report_rest(losses);
    Ok(request)
}

fn turns(fields: &mut Fields<'_>, losses: &mut Losses) -> Result<Vec<Turn>, Fault> {
    let messages = fields.array("messages")?.ok_or_else(|| fields.missing("messages"))?;
    messages.into_iter().enumerate().map(|(i, message)| turn(message, fields.item("messages", i), losses)).collect()
}

fn turn(message: Node<'_>, at: String, losses: &mut Losses) -> Result<Turn, Fault> {
    let mut fields = Fields::new(message, at)?;
    let role = match fields.word("role")?.ok_or_else(|| fields.missing("role"))?.as_ref() {
        "user" => Role::User,
        "assistant" => Role::Assistant,
        "system" => Role::System,
        other => {
            let path = fields.path("role");
            return Err(Fault::field(path.clone(), format!("`{path}` must be user or assistant, but is {other}.")));
        }
    };
    let blocks = read::content(fields.take("content"), fields.path("content"), losses)?;
    fields.report_rest(losses);
    Ok(Turn { role, blocks })
}

/// `thinking`, and `output_config` with the effort and the form of the answer.
fn output_fields(fields: &mut Fields<'_>, request: &mut Request, losses: &mut Losses) -> Result<(), Fault> {
    let mut effort = None;
    let mut format = fields.object("output_format")?;
    if let Some(mut config) = fields.object("output_config")? {
        if let Some(word) = config.text("effort")? {
            effort = Effort::parse(&word);
            if effort.is_none() {
                losses.path(config.path("effort"), Reason::Dropped);
            }
        }
        format = config.object("format")?.or(format);
        config.report_rest(losses);
    }
    request.output = output::read(format, losses)?;
    request.thinking = thinking::read(fields, effort, losses)?;
    Ok(())
}

/// A mark on the request as a whole stands for one on its last block.
fn mark_last(request: &mut Request, mark: CacheMark) {
    let last = request.turns.iter_mut().rev().find_map(|turn| turn.blocks.last_mut());
    if let Some(block) = last {
        block.cache.get_or_insert(mark);
    }
}
