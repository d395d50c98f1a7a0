use tollgate_ir::{Fault, Losses, OutputFormat, Params, Reason, Request, Role, Thinking, ThinkingMode, Turn};

use super::{messages, parts, tools};
use crate::json::{Fields, Node};
use crate::target::RequestHead;

/// See [`crate::codec::decode_request`].
pub fn decode_request(body: &[u8], head: &RequestHead<'_>, losses: &mut Losses) -> Result<Request, Fault> {
    let mut fields = Fields::new(Node::parse(body)?, "")?;
    let model = fields.text("model")?.or_else(|| head.model.map(str::to_owned));
    let mut request = Request {
        model: model.ok_or_else(|| fields.missing("model"))?,
        stream: fields.boolean("stream")?.or(head.stream).unwrap_or(false),
        ..Request::default()
    };
    let items = fields.array("messages")?.ok_or_else(|| fields.missing("messages"))?;
    messages::decode(items, &mut request, losses)?;
    documents(&mut fields, &mut request, losses)?;
    let strict = fields.boolean("strict_tools")?;
    request.tools = tools::decode(fields.array("tools")?.unwrap_or_default(), strict, losses)?;
    request.tool_choice = tools::decode_choice(&mut fields)?;
    request.params = params(&mut fields)?;
    request.output = output(&mut fields, losses)?;
    request.thinking = thinking(&mut fields, losses)?;
    fields.report_rest(losses);
    Ok(request)
}

/// Documents for the whole request stand at the head of the user's last words.
fn documents(fields: &mut Fields<'_>, request: &mut Request, losses: &mut Losses) -> Result<(), Fault> {
    let documents = fields.array("documents")?.unwrap_or_default();
    for (i, document) in documents.iter().enumerate() {
        let key = if document.at(&["data", "title"]).is_some() { "data.title" } else { "id" };
        losses.spell(format!("documents[{i}].name"), format!("documents[{i}].{key}"));
        if key == "data.title" && document.get("id").is_some() {
            losses.own(format!("documents[{i}].id"), Reason::Dropped);
        }
    }
    let blocks: Vec<_> =
        documents.iter().enumerate().map(|(i, d)| parts::document(d).at(format!("documents[{i}]"))).collect();
    if blocks.is_empty() {
        return Ok(());
    }
    let says = |turn: &Turn| turn.role == Role::User && turn.blocks.iter().any(|b| b.as_text().is_some());
    match request.turns.iter_mut().rev().find(|turn| says(turn)) {
        Some(turn) => drop(turn.blocks.splice(0..0, blocks)),
        None => request.turns.push(Turn { role: Role::User, blocks }),
    }
    Ok(())
}

fn params(fields: &mut Fields<'_>) -> Result<Params, Fault> {
    let mut stop = Vec::new();
    for (i, item) in fields.array("stop_sequences")?.unwrap_or_default().into_iter().enumerate() {
        match item {
            Node::Text(text) => stop.push(text.into_owned()),
            _ => {
                let path = format!("stop_sequences[{i}]");
                return Err(Fault::field(path.clone(), format!("`{path}` must be a string.")));
            }
        }
    }
    Ok(Params {
        max_tokens: fields.uint("max_tokens")?,
        temperature: fields.float("temperature")?,
        top_p: fields.float("p")?,
        top_k: fields.uint("k")?,
        stop,
        seed: fields.int("seed")?,
        presence_penalty: fields.float("presence_penalty")?,
        frequency_penalty: fields.float("frequency_penalty")?,
        logprobs: fields.boolean("logprobs")?,
        ..Params::default()
    })
}

fn output(fields: &mut Fields<'_>, losses: &mut Losses) -> Result<Option<OutputFormat>, Fault> {
    let Some(mut format) = fields.object("response_format")? else { return Ok(None) };
    let kind = format.text("type")?;
    let schema = format.take_any(&["json_schema", "schema"]);
    let output = match (kind.as_deref(), schema) {
        (Some("text"), _) => None,
        (_, Some(schema)) => {
            Some(OutputFormat::Schema { name: None, description: None, schema: schema.to_json(), strict: None })
        }
        (_, None) => Some(OutputFormat::Json),
    };
    format.report_rest(losses);
    Ok(output)
}

fn thinking(fields: &mut Fields<'_>, losses: &mut Losses) -> Result<Option<Thinking>, Fault> {
    let Some(mut thinking) = fields.object("thinking")? else { return Ok(None) };
    let mode = match thinking.text("type")?.as_deref() {
        Some("disabled") => ThinkingMode::Off,
        _ => ThinkingMode::On,
    };
    let budget = thinking.uint("token_budget")?;
    thinking.report_rest(losses);
    Ok(Some(Thinking { mode, effort: None, budget, show: None, summary: None }))
}
