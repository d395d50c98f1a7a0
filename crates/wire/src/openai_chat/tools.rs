//! Tools, both ways: functions (nested, flat, without a type), custom tools, and those that the host runs itself.

use tollgate_ir::{CacheMark, Carry, Dialect, Fault, Json, Losses, Reason, Request, Tool, ToolChoice, ToolKind};

use super::parts::cache_mark;
use super::rules::Rules;
use crate::json::{self, ArrayWriter, Fields, Node, ObjectWriter};
use crate::target::Target;
use crate::translate::CUSTOM_INPUT;

/// The kind of the server tool that `web_search_options` asks for.
const WEB_SEARCH: &str = "web_search_options";

pub(super) fn decode(fields: &mut Fields<'_>, request: &mut Request, losses: &mut Losses) -> Result<(), Fault> {
    for (i, node) in fields.array("tools")?.unwrap_or_default().into_iter().enumerate() {
        request.tools.push(tool(node, fields.item("tools", i), losses)?);
    }
    for (i, node) in fields.array("functions")?.unwrap_or_default().into_iter().enumerate() {
        let at = fields.item("functions", i);
        let kind = function(Fields::new(node, at.clone())?, losses)?;
        request.tools.push(Tool { kind, cache: None, carry: None, at });
    }
    if let Some(options) = fields.take(WEB_SEARCH) {
        request.tools.push(server(WEB_SEARCH, options.to_json(), fields.path(WEB_SEARCH)));
    }
    Ok(())
}

fn tool(node: Node<'_>, at: String, losses: &mut Losses) -> Result<Tool, Fault> {
    if let Some(kind) = node.text("type").filter(|kind| !matches!(*kind, "function" | "custom")) {
        let (kind, raw) = (kind.to_owned(), node.to_json());
        let cache = cache_mark(&mut Fields::new(node, at.clone())?, losses)?;
        return Ok(Tool { cache, ..server(&kind, raw, at) });
    }
    let mut fields = Fields::new(node, at.clone())?;
    let cache = cache_mark(&mut fields, losses)?;
    // An Anthropic switch for how arguments stream; they always stream here.
    fields.ignore(&["eager_input_streaming"]);
    let kind = fields.word("type")?;
    let kind = match kind.as_deref() {
        Some("function") | None if fields.has("function") => nested(&mut fields, "function", function, losses)?,
        Some("custom") if fields.has("custom") => nested(&mut fields, "custom", custom, losses)?,
        Some("function") => return flat(fields, cache, at, function, losses),
        None if fields.has("name") => return flat(fields, cache, at, function, losses),
        Some(_) if fields.has("input_schema") => return flat(fields, cache, at, function, losses),
        Some(_) => return flat(fields, cache, at, custom, losses),
        None => {
            return Err(Fault::field(
                at.clone(),
                format!(
                    "`{at}` has neither `type` nor `function` nor `name`. Send `{{\"type\": \"function\", \"function\": {{…}}}}`."
                ),
            ));
        }
    };
    fields.report_rest(losses);
    Ok(Tool { kind, cache, carry: None, at })
}

type Reader = fn(Fields<'_>, &mut Losses) -> Result<ToolKind, Fault>;

fn nested(fields: &mut Fields<'_>, key: &str, read: Reader, losses: &mut Losses) -> Result<ToolKind, Fault> {
    match fields.object(key)? {
        Some(inner) => read(inner, losses),
        None => Err(fields.missing(key)),
    }
}

fn flat(
    fields: Fields<'_>,
    cache: Option<CacheMark>,
    at: String,
    read: Reader,
    losses: &mut Losses,
) -> Result<Tool, Fault> {
    Ok(Tool { kind: read(fields, losses)?, cache, carry: None, at })
}

fn server(kind: &str, raw: Json, at: String) -> Tool {
    let carry = Some(Carry { dialect: Dialect::OpenAiChat, raw });
    Tool { kind: ToolKind::Server { kind: kind.to_owned() }, cache: None, carry, at }
}

fn function(mut fields: Fields<'_>, losses: &mut Losses) -> Result<ToolKind, Fault> {
    let name = fields.required_text("name")?;
    if name.is_empty() {
        return Err(Fault::field(fields.path("name"), "A tool's name must not be empty."));
    }
    let description = fields.text("description")?;
    let strict = fields.boolean("strict")?;
    if strict.is_some() {
        let at = fields.at().strip_suffix(".function").unwrap_or(fields.at());
        losses.spell(format!("{at}.strict"), fields.path("strict"));
    }
    let parameters = fields.take_any(&["parameters", "input_schema", "inputSchema"]).map(|p| p.to_json());
    fields.report_rest(losses);
    Ok(ToolKind::Function { name, description, parameters, strict })
}

fn custom(mut fields: Fields<'_>, losses: &mut Losses) -> Result<ToolKind, Fault> {
    let name = fields.required_text("name")?;
    let description = fields.text("description")?;
    let format = fields.take("format").map(|f| flat_grammar(&f));
    let at = fields.at().strip_suffix(".custom").unwrap_or(fields.at());
    losses.spell(format!("{at}.format"), fields.path("format"));
    fields.report_rest(losses);
    Ok(ToolKind::Custom { name, description, format })
}

/// The IR has the grammar as Responses spells it: `{type, syntax, definition}`; Chat nests it once more.
fn flat_grammar(format: &Node<'_>) -> Json {
    let Some(grammar) = format.get("grammar") else { return format.to_json() };
    let mut out = Vec::new();
    json::object(&mut out, |o| {
        o.text("type", "grammar");
        grammar.entries().iter().for_each(|(key, value)| o.node(key, value));
    });
    String::from_utf8(out).ok().and_then(|text| Json::parse(text).ok()).unwrap_or_else(Json::null)
}

/// Writes tools, the choice among them and whether several may be called at once.
pub(super) fn encode(
    o: &mut ObjectWriter<'_>,
    request: &Request,
    target: &Target<'_>,
    rules: &Rules,
    losses: &mut Losses,
) {
    let ours = |tool: &Tool| tool.carry.as_ref().is_some_and(|c| c.dialect == Dialect::OpenAiChat);
    let mut listed = Vec::new();
    for tool in &request.tools {
        match &tool.kind {
            ToolKind::Server { kind } if kind == WEB_SEARCH && ours(tool) => {
                o.opt_json(WEB_SEARCH, tool.carry.as_ref().map(|c| &c.raw));
            }
            ToolKind::Server { .. } if !ours(tool) => losses.path(tool.at.clone(), Reason::Dropped),
            _ if kept(tool, request.tool_choice.as_ref(), rules) => listed.push(tool),
            _ => {}
        }
    }
    if listed.is_empty() {
        return;
    }
    o.array("tools", |a| {
        for tool in &listed {
            if tool.cache.is_some() {
                // The prompt's prefix is cached unasked; a breakpoint cannot stand on a tool.
                losses.path(format!("{}.cache_control", tool.at), Reason::Adjusted);
            }
            write(a, tool, target, rules);
        }
    });
    super::tool_choice::encode(o, request, target, rules, losses);
}

/// Where the model knows no `allowed_tools`, the others are left out instead.
fn kept(tool: &Tool, choice: Option<&ToolChoice>, rules: &Rules) -> bool {
    match (choice, tool.name()) {
        (Some(ToolChoice::Allowed { names, .. }), Some(name)) if !rules.custom_tools => names.iter().any(|n| n == name),
        _ => true,
    }
}

fn write(a: &mut ArrayWriter<'_>, tool: &Tool, target: &Target<'_>, rules: &Rules) {
    match &tool.kind {
        ToolKind::Server { .. } => {
            if let Some(carry) = &tool.carry {
                a.json(&carry.raw);
            }
        }
        ToolKind::Function { name, description, parameters, strict } => a.object(|o| {
            o.text("type", "function");
            o.object("function", |f| {
                f.text("name", target.names.upstream(name));
                f.opt_text("description", description.as_deref());
                f.opt_json("parameters", parameters.as_ref());
                f.opt_boolean("strict", *strict);
            });
        }),
        ToolKind::Custom { name, description, format } if rules.custom_tools => a.object(|o| {
            o.text("type", "custom");
            o.object("custom", |c| {
                c.text("name", target.names.upstream(name));
                c.opt_text("description", description.as_deref());
                if let Some(format) = format {
                    nested_grammar(c, format);
                }
            });
        }),
        ToolKind::Custom { name, description, format } => wrapped(a, target.names.upstream(name), description, format),
    }
}

fn nested_grammar(o: &mut ObjectWriter<'_>, format: &Json) {
    let node = Node::read(format.as_str().as_bytes()).unwrap_or(Node::Null);
    if node.text("type") != Some("grammar") || node.get("grammar").is_some() {
        return o.json("format", format);
    }
    o.object("format", |f| {
        f.text("type", "grammar");
        f.object("grammar", |g| g.spread(format, &["type"]));
    });
}

/// A custom tool as a function of one text, for models that have none.
fn wrapped(a: &mut ArrayWriter<'_>, name: &str, description: &Option<String>, format: &Option<Json>) {
    let grammar = format.as_ref().map(|f| f.as_str().to_owned());
    let words = match (description, grammar) {
        (Some(description), Some(grammar)) => Some(format!("{description}\n\nThe input must follow: {grammar}")),
        (None, Some(grammar)) => Some(format!("The input must follow: {grammar}")),
        (description, None) => description.clone(),
    };
    a.object(|o| {
        o.text("type", "function");
        o.object("function", |f| {
            f.text("name", name);
            f.opt_text("description", words.as_deref());
            f.object("parameters", |p| {
                p.text("type", "object");
                p.object("properties", |q| q.object(CUSTOM_INPUT, |s| s.text("type", "string")));
                p.array("required", |r| r.text(CUSTOM_INPUT));
            });
        });
    });
}
