//! A client's Converse request in the IR.

use tollgate_ir::{
    Block, Content, Effort, Fault, Json, Losses, OutputFormat, Reason, Request, Role, Thinking, ThinkingMode, Turn,
};

use super::{read, tools};
use crate::json::{Fields, Node};
use crate::target::RequestHead;
use crate::unsaid;

/// See [`crate::codec::decode_request`].
pub fn decode_request(body: &[u8], head: &RequestHead<'_>, losses: &mut Losses) -> Result<Request, Fault> {
    let mut fields = Fields::new(Node::parse(body)?, "")?;
    let named = fields.text("modelId")?;
    let mut request = Request {
        model: head.model.map(str::to_owned).or(named).unwrap_or_default(),
        stream: head.stream.unwrap_or(false),
        ..Request::default()
    };
    request.turns = turns(&mut fields, losses)?;
    request.system = system(&mut fields, losses)?;
    inference(&mut fields, &mut request, losses)?;
    if let Some(config) = fields.object("toolConfig")? {
        tools::read(config, &mut request, losses)?;
    }
    if let Some(mut config) = fields.object("outputConfig")? {
        request.thinking = effort(&mut config, "effort", losses)?;
        if let Some(format) = config.object("textFormat")? {
            request.output = text_format(format, losses)?;
        }
        config.report_rest(losses);
    }
    if let Some(more) = fields.object("additionalModelRequestFields")? {
        additional(more, &mut request, losses)?;
    }
    if let Some(mut tier) = fields.object("serviceTier")? {
        request.params.service_tier = tier.text("type")?;
    }
    request.params.metadata = fields.take("requestMetadata").map(|node| node.to_json());
    fields.report_rest(losses);
    Ok(request)
}

fn system(fields: &mut Fields<'_>, losses: &mut Losses) -> Result<Vec<Block>, Fault> {
    match fields.take("system") {
        None => Ok(Vec::new()),
        Some(Node::Text(text)) => Ok(vec![Block::text(text).at("system")]),
        Some(Node::Array(nodes)) => read::blocks(nodes, "system", losses),
        Some(other) => Err(Fault::field("system", format!("`system` must be an array, but is {}.", other.kind()))),
    }
}

fn turns(fields: &mut Fields<'_>, losses: &mut Losses) -> Result<Vec<Turn>, Fault> {
    let messages = fields.array("messages")?.ok_or_else(|| fields.missing("messages"))?;
    let mut turns: Vec<Turn> = Vec::with_capacity(messages.len());
    for (i, message) in messages.into_iter().enumerate() {
        let mut message = Fields::new(message, format!("messages[{i}]"))?;
        let role = match message.text("role")?.as_deref() {
            Some("user") | None => Role::User,
            Some("assistant") => Role::Assistant,
            Some("system") => Role::System,
            Some(other) => {
                let path = message.path("role");
                return Err(Fault::field(
                    path.clone(),
                    format!("`{path}` must be `user` or `assistant`, not `{other}`."),
                ));
            }
        };
        let blocks = read::content(&mut message, losses)?;
        message.report_rest(losses);
        // Replies are read more leniently, by the same reader.
        if let Some(nameless) = blocks.iter().find(|b| matches!(&b.content, Content::Call(call) if call.id.is_empty()))
        {
            let path = format!("{}.toolUse.toolUseId", nameless.at);
            return Err(Fault::field(path.clone(), format!("Missing required field: `{path}`.")));
        }
        turns.push(Turn { role, blocks });
    }
    Ok(turns)
}

fn inference(fields: &mut Fields<'_>, request: &mut Request, losses: &mut Losses) -> Result<(), Fault> {
    let Some(mut config) = fields.object("inferenceConfig")? else { return Ok(()) };
    request.params.max_tokens = config.uint("maxTokens")?;
    request.params.temperature = config.float("temperature")?;
    request.params.top_p = config.float("topP")?;
    request.params.stop = texts(&mut config, "stopSequences")?;
    config.report_rest(losses);
    Ok(())
}

fn texts(fields: &mut Fields<'_>, key: &str) -> Result<Vec<String>, Fault> {
    let path = fields.path(key);
    let nodes = fields.array(key)?.unwrap_or_default();
    let read = |node: Node<'_>| match node {
        Node::Text(text) => Ok(text.into_owned()),
        other => Err(Fault::field(path.clone(), format!("`{path}` must hold strings, but holds {}.", other.kind()))),
    };
    nodes.into_iter().map(read).collect()
}

fn text_format(mut format: Fields<'_>, losses: &mut Losses) -> Result<Option<OutputFormat>, Fault> {
    let kind = format.text("type")?;
    let structure = format.object("structure")?;
    format.report_rest(losses);
    let Some(mut structure) = structure.filter(|_| kind.as_deref().is_none_or(|kind| kind == "json_schema")) else {
        return Ok(None);
    };
    let Some(mut schema) = structure.object("jsonSchema")? else { return Err(structure.missing("jsonSchema")) };
    structure.report_rest(losses);
    unsaid::spell_output(&schema, losses);
    let path = schema.path("schema");
    let written = match schema.take("schema") {
        Some(Node::Text(text)) => Json::parse(text.into_owned())
            .map_err(|e| Fault::field(path.clone(), format!("`{path}` must be a JSON Schema as text: {e}.")))?,
        Some(node @ Node::Object(_)) => node.to_json(),
        _ => return Err(schema.missing("schema")),
    };
    let format = OutputFormat::Schema {
        name: schema.text("name")?,
        description: schema.text("description")?,
        schema: written,
        strict: None,
    };
    schema.report_rest(losses);
    Ok(Some(format))
}

/// The model's own fields, as far as the IR has words for them: Claude's, Nova's, and those of open-weight models.
fn additional(mut more: Fields<'_>, request: &mut Request, losses: &mut Losses) -> Result<(), Fault> {
    for key in ["top_k", "topK", "k"] {
        request.params.top_k = more.uint(key)?.or(request.params.top_k);
    }
    if let Some(mut nova) = more.object("inferenceConfig")? {
        request.params.top_k = nova.uint("topK")?.or(request.params.top_k);
        nova.report_rest(losses);
    }
    if let Some(mut choice) = more.object("tool_choice")? {
        request.parallel_tools = choice.boolean("disable_parallel_tool_use")?.map(|one| !one);
        choice.ignore(&["type"]);
        choice.report_rest(losses);
    }
    let mut effort = effort(&mut more, "reasoning_effort", losses)?.or(request.thinking.take());
    if let Some(mut config) = more.object("output_config")? {
        effort = effort.or(self::effort(&mut config, "effort", losses)?);
        if let Some(format) = config.object("format")? {
            request.output = claude_format(format, losses)?.or(request.output.take());
        }
        config.report_rest(losses);
    }
    if let Some(format) = more.object("output_format")? {
        request.output = claude_format(format, losses)?.or(request.output.take());
    }
    request.thinking = thinking(&mut more, losses)?;
    match (&mut request.thinking, effort) {
        (Some(thinking), Some(asked)) => thinking.effort = asked.effort.or(thinking.effort),
        (unsaid @ None, asked) => *unsaid = asked,
        (Some(_), None) => {}
    }
    more.report_rest(losses);
    Ok(())
}

/// An effort in words, and what it says of whether to reason.
fn effort(fields: &mut Fields<'_>, key: &str, losses: &mut Losses) -> Result<Option<Thinking>, Fault> {
    let path = fields.path(key);
    Ok(fields.text(key)?.and_then(|word| by_word(&word, path, losses)))
}

fn by_word(word: &str, path: String, losses: &mut Losses) -> Option<Thinking> {
    if word == "none" {
        return Some(of_mode(ThinkingMode::Off));
    }
    let effort = Effort::parse(word);
    if effort.is_none() {
        losses.path(path, Reason::Dropped);
    }
    effort.map(|effort| Thinking { effort: Some(effort), ..of_mode(ThinkingMode::On) })
}

const fn of_mode(mode: ThinkingMode) -> Thinking {
    Thinking { mode, effort: None, budget: None, show: None, summary: None }
}

fn thinking(more: &mut Fields<'_>, losses: &mut Losses) -> Result<Option<Thinking>, Fault> {
    for key in ["thinking", "reasoning_config", "reasoningConfig"] {
        match more.take(key) {
            None => {}
            Some(Node::Text(word)) => return Ok(by_word(&word, more.path(key), losses)),
            Some(node) => {
                let mut config = Fields::new(node, more.path(key))?;
                let mode = match config.text("type")?.as_deref() {
                    Some("disabled") => ThinkingMode::Off,
                    Some("adaptive") => ThinkingMode::Adaptive,
                    _ => ThinkingMode::On,
                };
                let thinking = Thinking {
                    mode,
                    effort: effort(&mut config, "maxReasoningEffort", losses)?.and_then(|asked| asked.effort),
                    budget: config.uint("budget_tokens")?,
                    show: config.text("display")?.map(|display| display != "omitted"),
                    summary: None,
                };
                config.report_rest(losses);
                return Ok(Some(thinking));
            }
        }
    }
    Ok(None)
}

/// Claude's own `{"type": "json_schema", "schema": {…}}`.
fn claude_format(mut format: Fields<'_>, losses: &mut Losses) -> Result<Option<OutputFormat>, Fault> {
    let schema = format.take("schema").map(|node| node.to_json());
    format.ignore(&["type"]);
    let name = format.text("name")?;
    format.report_rest(losses);
    Ok(schema.map(|schema| OutputFormat::Schema { name, description: None, schema, strict: None }))
}
