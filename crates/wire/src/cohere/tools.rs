//! Tools and the choice among them, both ways.

use tollgate_ir::{Carry, Dialect, Fault, Field, Losses, Reason, Request, Tool, ToolChoice, ToolKind};

use crate::function_tool;
use crate::json::{Fields, Node, ObjectWriter};
use crate::target::Target;

pub(super) fn decode(items: Vec<Node<'_>>, strict: Option<bool>, losses: &mut Losses) -> Result<Vec<Tool>, Fault> {
    let mut tools = Vec::new();
    for (i, item) in items.into_iter().enumerate() {
        tools.push(tool(item, format!("tools[{i}]"), strict, losses)?);
    }
    Ok(tools)
}

fn tool(item: Node<'_>, at: String, strict: Option<bool>, losses: &mut Losses) -> Result<Tool, Fault> {
    let whole = item.clone();
    let mut fields = Fields::new(item, at)?;
    let at = fields.at().to_owned();
    let kind = fields.text("type")?.unwrap_or_else(|| "function".to_owned());
    if kind != "function" {
        let carry = Some(Carry { dialect: Dialect::Cohere, raw: whole.to_json() });
        return Ok(Tool { kind: ToolKind::Server { kind }, cache: None, carry, at });
    }
    // Some clients leave the wrapper out.
    let mut function = match fields.object("function")? {
        Some(function) => {
            fields.report_rest(losses);
            function
        }
        None => fields,
    };
    let kind = ToolKind::Function {
        name: function.required_text("name")?,
        description: function.text("description")?,
        parameters: function.take("parameters").map(|p| p.to_json()),
        strict: function.boolean("strict")?.or(strict),
    };
    if strict.is_some() {
        losses.spell(format!("{at}.strict"), "strict_tools");
    }
    function.report_rest(losses);
    Ok(Tool { kind, cache: None, carry: None, at })
}

pub(super) fn decode_choice(fields: &mut Fields<'_>) -> Result<Option<ToolChoice>, Fault> {
    let path = fields.path("tool_choice");
    let Some(choice) = fields.text("tool_choice")? else { return Ok(None) };
    match choice.to_ascii_uppercase().as_str() {
        "REQUIRED" | "ANY" => Ok(Some(ToolChoice::Required)),
        "NONE" => Ok(Some(ToolChoice::None)),
        "AUTO" => Ok(Some(ToolChoice::Auto)),
        _ => Err(Fault::field(path, "`tool_choice` must be REQUIRED or NONE; leave it out to let the model choose.")),
    }
}

/// Writes tools and choice.
pub(super) fn encode(o: &mut ObjectWriter<'_>, request: &Request, target: &Target<'_>, losses: &mut Losses) {
    let tools: Vec<&Tool> = request.tools.iter().filter(|tool| admitted(tool, request)).collect();
    let functions: Vec<&Tool> = tools.iter().filter(|t| t.name().is_some()).copied().collect();
    for tool in tools.iter().filter(|t| t.name().is_none()) {
        // A server tool of Cohere's own kind would be in `carry`; there is none in v2 today.
        losses.path(tool.at.as_str(), Reason::Dropped);
    }
    if functions.is_empty() {
        if matches!(request.tool_choice, Some(ToolChoice::Required | ToolChoice::Named(_))) {
            losses.field(Field::ToolChoice, Reason::Dropped);
        }
        return;
    }
    o.array("tools", |a| functions.iter().for_each(|tool| function_tool::write(a, tool, target, losses)));
    strict(o, &functions, losses);
    match &request.tool_choice {
        None | Some(ToolChoice::Auto | ToolChoice::Allowed { required: false, .. }) => {}
        Some(ToolChoice::None) => o.text("tool_choice", "NONE"),
        Some(ToolChoice::Required | ToolChoice::Allowed { required: true, .. }) => o.text("tool_choice", "REQUIRED"),
        Some(ToolChoice::Named(_)) => {
            // It must call some tool; which one cannot be said.
            if functions.len() > 1 {
                losses.field(Field::ToolChoice, Reason::Adjusted);
            }
            o.text("tool_choice", "REQUIRED");
        }
    }
    if request.parallel_tools == Some(false) {
        losses.field(Field::ParallelTools, Reason::Dropped);
    }
}

/// A choice among some tools is said by sending no others.
fn admitted(tool: &Tool, request: &Request) -> bool {
    match &request.tool_choice {
        Some(ToolChoice::Allowed { names, .. }) => tool.name().is_some_and(|n| names.iter().any(|name| name == n)),
        _ => true,
    }
}

/// `strict_tools` is one switch for all tools, and each must have a required parameter (Cohere, “Structured outputs”).
fn strict(o: &mut ObjectWriter<'_>, tools: &[&Tool], losses: &mut Losses) {
    let wants = |tool: &Tool| matches!(&tool.kind, ToolKind::Function { strict: Some(true), .. });
    let can = |tool: &Tool| match &tool.kind {
        ToolKind::Function { parameters: Some(parameters), .. } => Node::read(parameters.as_str().as_bytes())
            .is_some_and(|schema| !schema.get("required").map_or(&[][..], Node::items).is_empty()),
        _ => false,
    };
    if tools.iter().all(|tool| wants(tool) && can(tool)) {
        o.boolean("strict_tools", true);
        return;
    }
    for tool in tools.iter().filter(|tool| wants(tool)) {
        losses.path(format!("{}.strict", tool.at), Reason::Dropped);
    }
}
