//! A client's chat, or prompt to be completed, into the IR.

use tollgate_ir::{
    Block, Effort, Fault, Losses, OutputFormat, Params, Reason, Request, Role, Thinking, ThinkingMode, Turn,
};

use super::{messages, options, tools};
use crate::json::{Fields, Node};
use crate::target::RequestHead;

/// See [`crate::codec::decode_request`]. A body without `messages` is one of `/api/generate`.
pub fn decode_request(body: &[u8], head: &RequestHead<'_>, losses: &mut Losses) -> Result<Request, Fault> {
    let mut fields = Fields::new(Node::parse(body)?, "")?;
    let model = fields.text("model")?.or_else(|| head.model.map(str::to_owned));
    let mut request = Request {
        model: model.ok_or_else(|| fields.missing("model"))?,
        stream: fields.boolean("stream")?.or(head.stream).unwrap_or(true),
        ..Request::default()
    };
    match fields.array("messages")? {
        Some(items) => messages::decode(items, &mut request, losses)?,
        None => prompt(&mut fields, &mut request, losses)?,
    }
    request.tools = tools::decode(fields.array("tools")?.unwrap_or_default(), losses)?;
    request.params = Params {
        logprobs: fields.boolean("logprobs")?,
        top_logprobs: fields.uint("top_logprobs")?.filter(|n| *n > 0),
        ..options::decode(&mut fields, losses)?
    };
    request.output = format(&mut fields)?;
    request.thinking = think(&mut fields)?;
    // How long the model stays in that host's memory concerns no other, and no answer.
    fields.ignore(&["keep_alive"]);
    fields.report_rest(losses);
    Ok(request)
}

/// `prompt`, `system` and `images` as a conversation of one turn. What forms the prompt beyond the model's own template
/// cannot be said in a chat.
fn prompt(fields: &mut Fields<'_>, request: &mut Request, losses: &mut Losses) -> Result<(), Fault> {
    let mut said = |key: &str| Ok::<_, Fault>(fields.text(key)?.filter(|text| !text.is_empty()));
    if let Some(system) = said("system")? {
        request.system.push(Block::text(system).at("system"));
    }
    let mut blocks: Vec<Block> = said("prompt")?.map(|text| Block::text(text).at("prompt")).into_iter().collect();
    for key in ["template", "suffix"] {
        if said(key)?.is_some() {
            losses.path(key, Reason::Dropped);
        }
    }
    if fields.boolean("raw")? == Some(true) {
        losses.path("raw", Reason::Dropped);
    }
    blocks.extend(messages::images(fields)?);
    if !blocks.is_empty() {
        request.turns.push(Turn { role: Role::User, blocks });
    }
    Ok(())
}

/// `json`, or a schema; older clients send the empty text for none.
fn format(fields: &mut Fields<'_>) -> Result<Option<OutputFormat>, Fault> {
    match fields.take("format") {
        None => Ok(None),
        Some(Node::Text(word)) if word.is_empty() => Ok(None),
        Some(Node::Text(word)) if word == "json" => Ok(Some(OutputFormat::Json)),
        Some(schema @ Node::Object(_)) => {
            Ok(Some(OutputFormat::Schema { name: None, description: None, schema: schema.to_json(), strict: None }))
        }
        Some(_) => Err(Fault::field("format", "`format` must be \"json\" or a JSON schema.")),
    }
}

/// `true`, `false`, or how hard.
fn think(fields: &mut Fields<'_>) -> Result<Option<Thinking>, Fault> {
    let (mode, effort) = match fields.take("think") {
        None => return Ok(None),
        Some(Node::Bool(true)) => (ThinkingMode::On, None),
        Some(Node::Bool(false)) => (ThinkingMode::Off, None),
        Some(Node::Text(word)) if word.is_empty() => return Ok(None),
        Some(Node::Text(word)) => match Effort::parse(&word) {
            Some(effort) => (ThinkingMode::On, Some(effort)),
            None => return Err(wrong_think()),
        },
        Some(_) => return Err(wrong_think()),
    };
    Ok(Some(Thinking { mode, effort, budget: None, show: None, summary: None }))
}

fn wrong_think() -> Fault {
    Fault::field("think", "`think` must be true, false, \"low\", \"medium\" or \"high\".")
}
