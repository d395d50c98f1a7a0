//! Tools and the choice of tools, both ways.

use tollgate_ir::{Dialect, Fault, Field, Json, Losses, Reason, Request, Tool, ToolChoice, ToolKind};

use super::{namespace, reasoning};
use crate::json::{ArrayWriter, Fields, Node, ObjectWriter};
use crate::target::Target;

/// Reads an array of tools; those of a namespace come one by one.
pub(super) fn read_all(tools: Vec<Node<'_>>, at: &str, losses: &mut Losses) -> Result<Vec<Tool>, Fault> {
    let mut all = Vec::with_capacity(tools.len());
    for (i, tool) in tools.into_iter().enumerate() {
        let at = format!("{at}[{i}]");
        if tool.text("type") == Some("namespace") {
            read_namespace(tool, &at, &mut all, losses)?;
        } else {
            all.push(read(tool, &at, losses)?);
        }
    }
    Ok(all)
}

fn read_namespace(tool: Node<'_>, at: &str, all: &mut Vec<Tool>, losses: &mut Losses) -> Result<(), Fault> {
    let mut f = Fields::new(tool, at)?;
    f.ignore(&["type"]);
    let space = f.required_text("name")?;
    let description = f.text("description")?;
    if description.is_some() {
        losses.own(f.path("description"), Reason::Dropped);
    }
    let carry = namespace::carry(&space, description.as_deref());
    let path = f.path("tools");
    for mut tool in read_all(f.array("tools")?.unwrap_or_default(), &path, losses)? {
        if let ToolKind::Function { name, .. } | ToolKind::Custom { name, .. } = &mut tool.kind {
            *name = namespace::qualified(&space, name);
            tool.carry.clone_from(&carry);
        }
        all.push(tool);
    }
    f.report_rest(losses);
    Ok(())
}

/// Reads one tool. Chat's nested form is taken too, and a tool without a type is a function.
fn read(tool: Node<'_>, at: &str, losses: &mut Losses) -> Result<Tool, Fault> {
    let whole = tool.clone();
    let mut f = Fields::new(tool, at)?;
    let kind = f.text("type")?.unwrap_or_else(|| "function".to_owned());
    let kind = match kind.as_str() {
        "function" => match f.object("function")? {
            Some(mut nested) => {
                let kind = function(&mut nested)?;
                nested.report_rest(losses);
                kind
            }
            None => function(&mut f)?,
        },
        "custom" => {
            let name = f.required_text("name")?;
            let (description, format) = (f.text("description")?, f.take("format").map(|n| n.to_json()));
            ToolKind::Custom { name, description, format }
        }
        _ => return Ok(server(&whole, kind, at)),
    };
    f.report_rest(losses);
    Ok(Tool { kind, cache: None, carry: None, at: at.to_owned() })
}

fn function(f: &mut Fields<'_>) -> Result<ToolKind, Fault> {
    Ok(ToolKind::Function {
        name: f.required_text("name")?,
        description: f.text("description")?,
        parameters: f.take("parameters").map(|n| n.to_json()),
        strict: f.boolean("strict")?,
    })
}

fn server(tool: &Node<'_>, kind: String, at: &str) -> Tool {
    let carry = Some(reasoning::ours(tool.to_json()));
    Tool { kind: ToolKind::Server { kind }, cache: None, carry, at: at.to_owned() }
}

/// Reads `tool_choice`. A choice of a provider-run tool is a loss: the IR names tools that the client runs.
pub(super) fn read_choice(choice: &Node<'_>, losses: &mut Losses) -> Option<ToolChoice> {
    let name = |node: &Node<'_>| {
        node.text("name").or_else(|| node.at(&["function", "name"]).and_then(Node::as_str)).map(str::to_owned)
    };
    let word = choice.as_str().or_else(|| choice.text("type"));
    let choice = match word {
        Some("auto") => Some(ToolChoice::Auto),
        Some("none") => Some(ToolChoice::None),
        Some("required" | "any") => Some(ToolChoice::Required),
        Some("allowed_tools") => {
            // Chat nests mode and tools once more.
            let inner = choice.get("allowed_tools").unwrap_or(choice);
            let names = inner.get("tools").map(|t| t.items().iter().filter_map(name).collect()).unwrap_or_default();
            Some(ToolChoice::Allowed { names, required: inner.text("mode") == Some("required") })
        }
        Some("function" | "custom") => name(choice).map(ToolChoice::Named),
        _ => None,
    };
    if choice.is_none() {
        losses.field(Field::ToolChoice, Reason::Dropped);
    }
    choice
}

/// Writes `tools`, `tool_choice` and `parallel_tool_calls`: the latter two only beside tools, where they mean something.
pub(super) fn write(o: &mut ObjectWriter<'_>, request: &Request, target: &Target<'_>, losses: &mut Losses) {
    if request.tools.is_empty() {
        return;
    }
    o.array("tools", |a| {
        for (space, tools) in namespace::groups(&request.tools) {
            match space {
                None => tools.iter().for_each(|tool| write_tool(a, tool, None, target, losses)),
                Some(raw) => a.object(|o| {
                    let space = namespace::write_head(o, raw);
                    o.array("tools", |a| {
                        tools.iter().for_each(|tool| write_tool(a, tool, Some(&space), target, losses));
                    });
                }),
            }
        }
    });
    if let Some(choice) = &request.tool_choice {
        write_choice(o, choice, request, target);
    }
    o.opt_boolean("parallel_tool_calls", request.parallel_tools);
}

fn write_tool(a: &mut ArrayWriter<'_>, tool: &Tool, space: Option<&str>, target: &Target<'_>, losses: &mut Losses) {
    let known = |name| space.map_or_else(|| target.names.upstream(name), |space| namespace::within(space, name));
    if tool.cache.is_some() {
        losses.path(format!("{}.cache_control", tool.at), Reason::Dropped);
    }
    match &tool.kind {
        ToolKind::Function { name, description, parameters, strict } => a.object(|o| {
            o.text("type", "function");
            o.text("name", known(name));
            o.opt_text("description", description.as_deref());
            match parameters {
                Some(schema) => o.json("parameters", schema),
                None => o.raw("parameters", NO_PARAMETERS),
            }
            // Left out, it would mean true here and false in every other dialect.
            o.boolean("strict", strict.unwrap_or(false));
        }),
        ToolKind::Custom { name, description, format } => a.object(|o| {
            o.text("type", "custom");
            o.text("name", known(name));
            o.opt_text("description", description.as_deref());
            o.opt_json("format", format.as_ref());
        }),
        ToolKind::Server { .. } => match own(tool) {
            Some(raw) => a.json(raw),
            None => losses.path(tool.at.clone(), Reason::Dropped),
        },
    }
}

/// A function without parameters.
const NO_PARAMETERS: &str = r#"{"type":"object","properties":{}}"#;

fn own(tool: &Tool) -> Option<&Json> {
    tool.carry.as_ref().filter(|c| c.dialect == Dialect::OpenAiResponses).map(|c| &c.raw)
}

fn write_choice(o: &mut ObjectWriter<'_>, choice: &ToolChoice, request: &Request, target: &Target<'_>) {
    let entry = |o: &mut ObjectWriter<'_>, name: &str| {
        o.text("type", kind_of(request, name));
        o.text("name", target.names.upstream(name));
    };
    match choice {
        ToolChoice::Auto => o.text("tool_choice", "auto"),
        ToolChoice::None => o.text("tool_choice", "none"),
        ToolChoice::Required => o.text("tool_choice", "required"),
        ToolChoice::Named(name) => o.object("tool_choice", |o| entry(o, name)),
        ToolChoice::Allowed { names, required } => o.object("tool_choice", |o| {
            o.text("type", "allowed_tools");
            o.text("mode", if *required { "required" } else { "auto" });
            o.array("tools", |a| names.iter().for_each(|name| a.object(|o| entry(o, name))));
        }),
    }
}

/// Whether a name is a function or a custom tool.
fn kind_of(request: &Request, name: &str) -> &'static str {
    let custom = |tool: &Tool| matches!(&tool.kind, ToolKind::Custom { name: n, .. } if n == name);
    if request.tools.iter().any(custom) { "custom" } else { "function" }
}
