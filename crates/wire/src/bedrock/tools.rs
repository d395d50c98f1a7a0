//! `toolConfig`, both ways.

use std::collections::HashSet;

use tollgate_ir::{
    Carry, Content, Dialect, Fault, Field, Json, Losses, OutputFormat, Reason, Request, Tool, ToolChoice, ToolKind,
};

use super::models::{Cache, Choice, Model};
use super::read::cache_mark;
use super::write_cache_point;
use crate::anthropic::schema;
use crate::ids::{IdRule, ToolNames};
use crate::json::{ArrayWriter, Fields, Node, ObjectWriter};
use crate::translate::CUSTOM_INPUT;

/// Reads the tools and the choice.
pub(super) fn read(mut config: Fields<'_>, request: &mut Request, losses: &mut Losses) -> Result<(), Fault> {
    let at = config.path("tools");
    for (i, node) in config.array("tools")?.unwrap_or_default().into_iter().enumerate() {
        let at = format!("{at}[{i}]");
        match (cache_mark(&node), request.tools.last_mut()) {
            (Some(mark), Some(last)) => {
                losses.spell(format!("{}.cache_control", last.at), format!("{at}.cachePoint"));
                last.cache = Some(mark);
            }
            (Some(_), None) => losses.path(at, Reason::Dropped),
            (None, _) => request.tools.push(tool(node, at, losses)?),
        }
    }
    if let Some(mut choice) = config.object("toolChoice")? {
        request.tool_choice = if let Some(mut named) = choice.object("tool")? {
            Some(ToolChoice::Named(named.required_text("name")?))
        } else if choice.take("any").is_some() {
            Some(ToolChoice::Required)
        } else {
            choice.take("auto").map(|_| ToolChoice::Auto)
        };
        choice.report_rest(losses);
    }
    config.report_rest(losses);
    Ok(())
}

fn tool(node: Node<'_>, at: String, losses: &mut Losses) -> Result<Tool, Fault> {
    if node.get("toolSpec").is_none() {
        // A tool that the provider runs (`systemTool`), or one that this version does not know.
        let raw = node.to_json();
        let first = node.entries().first();
        let kind = first.map(|(key, tool)| tool.text("name").unwrap_or(key.as_ref()).to_owned());
        let kind = ToolKind::Server { kind: kind.unwrap_or_default() };
        return Ok(Tool { kind, cache: None, carry: Some(Carry { dialect: Dialect::Bedrock, raw }), at });
    }
    let mut fields = Fields::new(node, at.clone())?;
    let mut spec = fields.object("toolSpec")?.ok_or_else(|| fields.missing("toolSpec"))?;
    let kind = ToolKind::Function {
        name: spec.required_text("name")?,
        description: spec.text("description")?,
        parameters: match spec.object("inputSchema")? {
            None => None,
            Some(mut schema) => match schema.take("json") {
                // Some clients send the schema as text.
                Some(Node::Text(text)) => Json::parse(text.into_owned()).ok(),
                other => other.map(|node| node.to_json()),
            },
        },
        strict: spec.boolean("strict")?,
    };
    losses.spell(format!("{at}.strict"), spec.path("strict"));
    spec.report_rest(losses);
    fields.report_rest(losses);
    Ok(Tool { kind, cache: None, carry: None, at })
}

/// A tool whose arguments are the answer.
#[derive(Clone, Copy, Debug)]
pub(super) struct OutputTool<'a> {
    /// None of the client's tools has it.
    pub name: &'a str,
    /// What the client says of the form.
    pub description: Option<&'a str>,
    /// Its input.
    pub schema: &'a Json,
}

/// What `toolConfig` will say.
#[derive(Debug, Default)]
pub(super) struct Plan<'a> {
    tools: Vec<&'a Tool>,
    /// Tools that only the history knows: calls without declarations are refused.
    remembered: Vec<&'a str>,
    /// The tool that stands for structured output.
    output: Option<OutputTool<'a>>,
    choice: Option<ToolChoice>,
    /// What Claude's own `tool_choice` says beside it.
    pub(super) claude_choice: Option<&'static str>,
}

/// The facts that the choice of tools depends on.
pub(super) struct Facts<'a> {
    /// The model's class.
    pub model: &'a Model,
    /// Claude reasons by a budget, and then cannot be made to call.
    pub manual: bool,
    /// The tool that stands for structured output.
    pub output: Option<OutputTool<'a>>,
}

/// Decides which tools are declared and which choice is said.
pub(super) fn plan<'a>(request: &'a Request, facts: &Facts<'a>, losses: &mut Losses) -> Plan<'a> {
    let history = calls(request);
    let mut plan = Plan { output: facts.output, ..Plan::default() };
    let wanted = request.tool_choice.as_ref();
    let silent = wanted == Some(&ToolChoice::None);
    if !silent || !history.is_empty() {
        plan.tools = declared(request, losses);
    }
    if plan.tools.is_empty() {
        plan.remembered = history;
        if !plan.remembered.is_empty() {
            losses.field(Field::Tools, Reason::Defaulted);
        }
    }
    let any = !plan.tools.is_empty() || !plan.remembered.is_empty() || plan.output.is_some();
    if any {
        choose(&mut plan, request, facts, losses);
    }
    plan
}

fn choose(plan: &mut Plan<'_>, request: &Request, facts: &Facts<'_>, losses: &mut Losses) {
    let model = facts.model;
    let alone = plan.tools.is_empty();
    let wanted = match (&request.tool_choice, plan.output) {
        (Some(ToolChoice::None), Some(tool)) => Some(ToolChoice::Named(tool.name.to_owned())),
        (Some(ToolChoice::Auto) | None, Some(tool)) if alone => Some(ToolChoice::Named(tool.name.to_owned())),
        (Some(ToolChoice::Auto) | None, Some(_)) => Some(ToolChoice::Required),
        (wanted, _) => wanted.clone(),
    };
    plan.choice = match wanted {
        Some(ToolChoice::Allowed { required, .. }) => {
            losses.field(Field::ToolChoice, Reason::Adjusted);
            Some(if required { ToolChoice::Required } else { ToolChoice::Auto })
        }
        Some(ToolChoice::None) => {
            // The history needs the tools, but the model is to leave them alone. Converse has no such choice.
            if model.one_call {
                plan.claude_choice = Some(r#"{"type":"none"}"#);
            } else {
                losses.field(Field::ToolChoice, Reason::Dropped);
            }
            None
        }
        other => other,
    };
    let forced = match plan.choice {
        Some(ToolChoice::Named(_)) => Choice::Named,
        Some(ToolChoice::Required) => Choice::Any,
        _ => Choice::Auto,
    };
    if forced > model.choice || (forced > Choice::Auto && facts.manual) {
        let weaker = if model.choice == Choice::Any && !facts.manual { ToolChoice::Required } else { ToolChoice::Auto };
        plan.choice = Some(weaker);
        losses.field(Field::ToolChoice, Reason::Adjusted);
    }
    if request.parallel_tools == Some(false) {
        if model.one_call && plan.claude_choice.is_none() {
            // `type` is Claude's own and must not contradict what `toolChoice` says.
            plan.claude_choice = Some(match plan.choice {
                None | Some(ToolChoice::Auto) => r#"{"type":"auto","disable_parallel_tool_use":true}"#,
                _ => r#"{"disable_parallel_tool_use":true}"#,
            });
        } else if !model.one_call {
            losses.field(Field::ParallelTools, Reason::Dropped);
        }
    }
}

/// The client's tools that have a form here, narrowed to those that the choice allows.
fn declared<'a>(request: &'a Request, losses: &mut Losses) -> Vec<&'a Tool> {
    let allowed = match &request.tool_choice {
        Some(ToolChoice::Allowed { names, .. }) => Some(names),
        _ => None,
    };
    let mut out = Vec::new();
    for tool in &request.tools {
        let own = tool.carry.as_ref().is_some_and(|carry| carry.dialect == Dialect::Bedrock);
        match (&tool.kind, tool.name()) {
            (ToolKind::Server { .. }, _) if !own => losses.path(&tool.at, Reason::Dropped),
            (_, Some(name)) if allowed.is_some_and(|names| !names.iter().any(|n| n == name)) => {}
            _ => out.push(tool),
        }
    }
    out
}

/// The names of the tools that the history calls, in order; a result without its call counts too.
fn calls(request: &Request) -> Vec<&str> {
    let mut seen = HashSet::new();
    let blocks = request.turns.iter().flat_map(|turn| &turn.blocks);
    let names = blocks.filter_map(|block| match &block.content {
        Content::Call(call) => Some(call.name.as_str()),
        Content::Result(result) => result.name.as_deref(),
        _ => None,
    });
    names.filter(|name| seen.insert(*name)).collect()
}

impl Plan<'_> {
    /// Writes `toolConfig`, if there is anything to say.
    pub(super) fn write(&self, o: &mut ObjectWriter<'_>, names: &ToolNames, model: &Model, losses: &mut Losses) {
        if self.tools.is_empty() && self.remembered.is_empty() && self.output.is_none() {
            return;
        }
        o.object("toolConfig", |o| {
            o.array("tools", |a| {
                for tool in &self.tools {
                    write_tool(a, tool, names, model, losses);
                }
                for name in &self.remembered {
                    spec(a, names.upstream(name), None, None, false);
                }
                if let Some(OutputTool { name, description, schema }) = self.output {
                    let words = description.unwrap_or("Give the final answer in this form.");
                    spec(a, name, Some(words), Some(schema), false);
                }
            });
            if let Some(choice) = &self.choice {
                o.object("toolChoice", |o| match choice {
                    ToolChoice::Named(name) => o.object("tool", |o| o.text("name", names.upstream(name))),
                    ToolChoice::Required => o.object("any", |_| {}),
                    _ => o.object("auto", |_| {}),
                });
            }
        });
    }
}

fn write_tool(a: &mut ArrayWriter<'_>, tool: &Tool, names: &ToolNames, model: &Model, losses: &mut Losses) {
    match &tool.kind {
        ToolKind::Function { name, description, parameters, strict } => {
            let asked = *strict == Some(true);
            // A strict tool is compiled into a grammar, and not every schema can be.
            let strict = asked && model.native_schema && parameters.as_ref().is_some_and(schema::is_strict);
            if asked && !strict {
                losses.path(format!("{}.strict", tool.at), Reason::Dropped);
            }
            spec(a, names.upstream(name), description.as_deref(), parameters.as_ref(), strict);
        }
        ToolKind::Custom { name, description, format } => {
            if format.is_some() {
                losses.path(format!("{}.format", tool.at), Reason::Dropped);
            }
            let schema = format!(
                r#"{{"type":"object","properties":{{"{CUSTOM_INPUT}":{{"type":"string"}}}},"required":["{CUSTOM_INPUT}"],"additionalProperties":false}}"#
            );
            spec(a, names.upstream(name), description.as_deref(), Json::parse(schema).ok().as_ref(), false);
        }
        ToolKind::Server { .. } => {
            if let Some(carry) = &tool.carry {
                a.json(&carry.raw);
            }
        }
    }
    if let Some(mark) = tool.cache {
        if model.cache >= Cache::All {
            write_cache_point(a, mark, model, &tool.at, losses);
        } else {
            losses.path(format!("{}.cache_control", tool.at), Reason::Dropped);
        }
    }
}

fn spec(a: &mut ArrayWriter<'_>, name: &str, description: Option<&str>, schema: Option<&Json>, strict: bool) {
    a.object(|o| {
        o.object("toolSpec", |o| {
            o.text("name", name);
            o.opt_text("description", description.filter(|d| !d.trim().is_empty()));
            o.object("inputSchema", |o| o.json("json", &schema::of_input(schema)));
            if strict {
                o.boolean("strict", true);
            }
        });
    });
}

/// A name for the tool that stands for structured output: the form's own where it has one, and no other tool's.
pub(super) fn output_name(request: &Request) -> String {
    let own = match &request.output {
        Some(OutputFormat::Schema { name, .. }) => name.as_deref().filter(|name| IdRule::WIDE.admits(name)),
        _ => None,
    };
    let mut name = own.unwrap_or("structured_output").to_owned();
    while request.tools.iter().any(|tool| tool.name() == Some(&name)) {
        name.push('_');
    }
    name
}
