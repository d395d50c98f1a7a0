//! Tools, both ways. There is no choice among them: it is said by what is sent, as far as that goes.

use tollgate_ir::{Fault, Field, Losses, Reason, Request, Tool, ToolChoice, ToolKind};

use crate::function_tool;
use crate::json::{ArrayWriter, Fields, Node, ObjectWriter};
use crate::target::Target;

pub(super) fn decode(items: Vec<Node<'_>>, losses: &mut Losses) -> Result<Vec<Tool>, Fault> {
    let tool = |(i, item): (usize, Node<'_>)| tool(item, format!("tools[{i}]"), losses);
    items.into_iter().enumerate().map(tool).collect()
}

fn tool(item: Node<'_>, at: String, losses: &mut Losses) -> Result<Tool, Fault> {
    let mut fields = Fields::new(item, at.clone())?;
    fields.ignore(&["type"]);
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
        strict: function.boolean("strict")?,
    };
    function.report_rest(losses);
    Ok(Tool { kind, cache: None, carry: None, at })
}

/// Writes the tools that may be called.
pub(super) fn encode(o: &mut ObjectWriter<'_>, request: &Request, target: &Target<'_>, losses: &mut Losses) {
    for tool in request.tools.iter().filter(|t| t.name().is_none()) {
        losses.path(tool.at.as_str(), Reason::Dropped);
    }
    match &request.tool_choice {
        // That it must call a tool cannot be said.
        Some(ToolChoice::Required | ToolChoice::Named(_) | ToolChoice::Allowed { required: true, .. }) => {
            losses.field(Field::ToolChoice, Reason::Dropped);
        }
        None | Some(ToolChoice::Auto | ToolChoice::None | ToolChoice::Allowed { required: false, .. }) => {}
    }
    let tools: Vec<&Tool> = request.tools.iter().filter(|tool| may_be_called(tool, request)).collect();
    if tools.is_empty() {
        return;
    }
    o.array("tools", |a| tools.iter().for_each(|tool| function(a, tool, target, losses)));
    if request.parallel_tools == Some(false) {
        losses.field(Field::ParallelTools, Reason::Dropped);
    }
}

fn may_be_called(tool: &Tool, request: &Request) -> bool {
    let Some(name) = tool.name() else { return false };
    match &request.tool_choice {
        Some(ToolChoice::None) => false,
        Some(ToolChoice::Named(only)) => name == only,
        Some(ToolChoice::Allowed { names, .. }) => names.iter().any(|n| n == name),
        None | Some(ToolChoice::Auto | ToolChoice::Required) => true,
    }
}

fn function(a: &mut ArrayWriter<'_>, tool: &Tool, target: &Target<'_>, losses: &mut Losses) {
    function_tool::write(a, tool, target, losses);
    if matches!(tool.kind, ToolKind::Function { strict: Some(true), .. }) {
        losses.path(format!("{}.strict", tool.at), Reason::Dropped);
    }
}
