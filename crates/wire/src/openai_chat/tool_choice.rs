//! `tool_choice` and the older `function_call`, both ways.

use tollgate_ir::{Fault, Field, Losses, Reason, Request, ToolChoice, ToolKind};

use super::rules::Rules;
use crate::json::{ArrayWriter, Fields, Node, ObjectWriter};
use crate::target::Target;

pub(super) fn decode(fields: &mut Fields<'_>, losses: &mut Losses) -> Result<Option<ToolChoice>, Fault> {
    for key in ["tool_choice", "function_call"] {
        if let Some(node) = fields.take(key) {
            let path = fields.path(key);
            losses.spell("tool_choice", path.clone());
            return of(&node, &path, losses);
        }
    }
    Ok(None)
}

fn of(node: &Node<'_>, path: &str, losses: &mut Losses) -> Result<Option<ToolChoice>, Fault> {
    let kind = node.as_str().or_else(|| node.text("type"));
    let named = [&["function", "name"][..], &["custom", "name"], &["name"]]
        .into_iter()
        .find_map(|way| node.at(way)?.as_str().map(str::to_owned));
    let choice = match (kind, named) {
        (Some("auto"), _) => ToolChoice::Auto,
        (Some("none"), _) => ToolChoice::None,
        (Some("required" | "any"), None) => ToolChoice::Required,
        (Some("allowed_tools"), _) => allowed(node),
        (_, Some(name)) => ToolChoice::Named(name),
        (Some(_), None) if node.get("function").is_none() => {
            // A tool that the host runs itself: no other dialect can be made to call it.
            losses.path(path, Reason::Dropped);
            return Ok(None);
        }
        _ => {
            return Err(Fault::field(
                path,
                format!("`{path}` must be `auto`, `none`, `required` or an object that names a tool."),
            ));
        }
    };
    Ok(Some(choice))
}

fn allowed(node: &Node<'_>) -> ToolChoice {
    let inner = node.get("allowed_tools").unwrap_or(node);
    let names = inner
        .get("tools")
        .map(Node::items)
        .unwrap_or_default()
        .iter()
        .filter_map(|tool| {
            let name =
                tool.at(&["function", "name"]).or_else(|| tool.at(&["custom", "name"])).or_else(|| tool.get("name"));
            name?.as_str().map(str::to_owned)
        })
        .collect();
    ToolChoice::Allowed { names, required: inner.text("mode") == Some("required") }
}

/// Only called when tools are written: `OpenAI` refuses a choice among none.
pub(super) fn encode(
    o: &mut ObjectWriter<'_>,
    request: &Request,
    target: &Target<'_>,
    rules: &Rules,
    losses: &mut Losses,
) {
    match &request.tool_choice {
        None => {}
        Some(ToolChoice::Auto) => o.text("tool_choice", "auto"),
        Some(ToolChoice::None) => o.text("tool_choice", "none"),
        Some(ToolChoice::Required) => o.text("tool_choice", "required"),
        Some(ToolChoice::Named(name)) => o.object("tool_choice", |c| reference(c, name, request, target, rules)),
        Some(ToolChoice::Allowed { names, required }) if rules.custom_tools => o.object("tool_choice", |c| {
            c.text("type", "allowed_tools");
            c.object("allowed_tools", |t| {
                t.text("mode", if *required { "required" } else { "auto" });
                t.array("tools", |a: &mut ArrayWriter<'_>| {
                    names.iter().for_each(|n| a.object(|t| reference(t, n, request, target, rules)));
                });
            });
        }),
        Some(ToolChoice::Allowed { required, .. }) => {
            o.text("tool_choice", if *required { "required" } else { "auto" });
        }
    }
    if rules.takes("parallel_tool_calls") {
        o.opt_boolean("parallel_tool_calls", request.parallel_tools);
    } else if request.parallel_tools == Some(false) {
        losses.field(Field::ParallelTools, Reason::Dropped);
    }
}

fn reference(o: &mut ObjectWriter<'_>, name: &str, request: &Request, target: &Target<'_>, rules: &Rules) {
    let custom = rules.custom_tools
        && request.tools.iter().any(|t| matches!(&t.kind, ToolKind::Custom { name: n, .. } if n == name));
    let kind = if custom { "custom" } else { "function" };
    o.text("type", kind);
    o.object(kind, |f| f.text("name", target.names.upstream(name)));
}
