//! Tools and the choice among them, both ways.

use tollgate_ir::{Block, Content, Fault, Json, Losses, Reason, Request, Tool, ToolChoice, ToolKind};

use super::blocks::read::{cache_mark, carry};
use super::blocks::write::{cache_control, own};
use super::rules::ModelClass;
use super::schema;
use crate::json::{ArrayWriter, Fields, Node, ObjectWriter};
use crate::target::Target;
use crate::translate::CUSTOM_INPUT;

/// Fields of a function tool that only Anthropic understands.
const EXTRAS: [&str; 5] =
    ["allowed_callers", "defer_loading", "eager_input_streaming", "input_examples", "toolset_name"];

/// Reads one of `tools`: a function (`custom`, or without a type), or a tool that Anthropic defines, carried whole.
pub(super) fn read(node: Node<'_>, at: String, losses: &mut Losses) -> Result<Tool, Fault> {
    if let Some(kind) = node.text("type").filter(|kind| *kind != "custom" && *kind != "function") {
        let kind = ToolKind::Server { kind: kind.to_owned() };
        let raw = node.to_json();
        let mut fields = Fields::new(node, at.clone())?;
        let cache = cache_mark(&mut fields, losses)?;
        let carry = Some(tollgate_ir::Carry { dialect: tollgate_ir::Dialect::Anthropic, raw });
        return Ok(Tool { kind, cache, carry, at });
    }
    let mut fields = Fields::new(node, at.clone())?;
    fields.ignore(&["type"]);
    let cache = cache_mark(&mut fields, losses)?;
    let kind = ToolKind::Function {
        name: fields.required_text("name")?,
        description: fields.text("description")?,
        parameters: fields.take("input_schema").map(|schema| schema.to_json()),
        strict: fields.boolean("strict")?,
    };
    let carry = carry(&mut fields, &EXTRAS);
    fields.report_rest(losses);
    Ok(Tool { kind, cache, carry, at })
}

/// Reads `tool_choice`: the choice, and whether several calls in one turn are welcome.
pub(super) fn read_choice(
    fields: &mut Fields<'_>,
    losses: &mut Losses,
) -> Result<(Option<ToolChoice>, Option<bool>), Fault> {
    let Some(mut choice) = fields.object("tool_choice")? else { return Ok((None, None)) };
    let parallel = choice.boolean("disable_parallel_tool_use")?.map(|disabled| !disabled);
    let read = match choice.required_text("type")?.as_str() {
        "auto" => ToolChoice::Auto,
        "any" => ToolChoice::Required,
        "none" => ToolChoice::None,
        "tool" => ToolChoice::Named(choice.required_text("name")?),
        other => {
            let path = choice.path("type");
            return Err(Fault::field(
                path.clone(),
                format!("`{path}` must be auto, any, tool or none, but is {other}."),
            ));
        }
    };
    choice.ignore(&["name"]);
    choice.report_rest(losses);
    Ok((Some(read), parallel))
}

/// The tools that are sent: those that the choice allows, and, since calls in the history are refused without any tool
/// declared, the names called there.
pub(super) struct Tools<'a> {
    declared: Vec<&'a Tool>,
    /// Names called in the history of a request that declares no tools.
    remembered: Vec<&'a str>,
}

impl<'a> Tools<'a> {
    /// Of a request. Provider-run tools of other dialects are reported.
    pub fn of(request: &'a Request, losses: &mut Losses) -> Self {
        let mut declared: Vec<_> = request
            .tools
            .iter()
            .filter(|tool| {
                let sayable = !matches!(tool.kind, ToolKind::Server { .. }) || own(tool.carry.as_ref()).is_some();
                if !sayable {
                    losses.path(tool.at.clone(), Reason::Dropped);
                }
                sayable
            })
            .collect();
        if let Some(ToolChoice::Allowed { names, .. }) = &request.tool_choice {
            declared.retain(|tool| tool.name().is_none_or(|name| names.iter().any(|n| n == name)));
        }
        let mut remembered = Vec::new();
        if declared.is_empty() {
            for block in request.turns.iter().flat_map(|turn| &turn.blocks) {
                if let Some(name) = called(block).filter(|name| !remembered.contains(name)) {
                    remembered.push(name);
                }
            }
        }
        Self { declared, remembered }
    }

    /// None at all.
    pub fn is_empty(&self) -> bool {
        self.declared.is_empty() && self.remembered.is_empty()
    }

    /// There are tools that the model may call.
    pub fn callable(&self) -> bool {
        !self.declared.is_empty()
    }

    /// The tools declared by the client that are sent, in order.
    pub fn declared(&self) -> &[&'a Tool] {
        &self.declared
    }

    /// Whether a tool of this name is sent.
    pub fn has(&self, name: &str) -> bool {
        self.declared.iter().any(|tool| tool.name() == Some(name)) || self.remembered.contains(&name)
    }

    /// Writes them. `skip_marks` cache marks from the front are left out.
    pub fn write(
        &self,
        a: &mut ArrayWriter<'_>,
        target: &Target<'_>,
        class: &ModelClass,
        mut skip_marks: usize,
        losses: &mut Losses,
    ) {
        for tool in &self.declared {
            let mut cache = tool.cache;
            if cache.is_some() && skip_marks > 0 {
                skip_marks -= 1;
                losses.path(format!("{}.cache_control", tool.at), Reason::Dropped);
                cache = None;
            }
            match (&tool.kind, own(tool.carry.as_ref())) {
                (ToolKind::Server { .. }, Some(carry)) => a.object(|o| {
                    o.spread(&carry.raw, &["cache_control"]);
                    cache_control(o, cache);
                }),
                (ToolKind::Server { .. }, None) => {}
                _ => a.object(|o| {
                    function(o, tool, target, class, losses);
                    cache_control(o, cache);
                }),
            }
        }
        for name in &self.remembered {
            a.object(|o| {
                o.text("name", target.names.upstream(name));
                o.object("input_schema", |o| o.text("type", "object"));
            });
        }
    }
}

fn called(block: &Block) -> Option<&str> {
    match &block.content {
        Content::Call(call) => Some(&call.name),
        _ => None,
    }
}

fn function(o: &mut ObjectWriter<'_>, tool: &Tool, target: &Target<'_>, class: &ModelClass, losses: &mut Losses) {
    match &tool.kind {
        ToolKind::Function { name, description, parameters, strict } => {
            o.text("name", target.names.upstream(name));
            o.opt_text("description", description.as_deref());
            o.json("input_schema", &schema::of_input(parameters.as_ref()));
            if *strict == Some(true) {
                let sayable = class.structured && parameters.as_ref().is_some_and(schema::is_strict);
                if sayable {
                    o.boolean("strict", true);
                } else {
                    losses.path(format!("{}.strict", tool.at), Reason::Dropped);
                }
            }
            if let Some(carry) = own(tool.carry.as_ref()) {
                o.spread(&carry.raw, &[]);
            }
        }
        ToolKind::Custom { name, description, format } => {
            o.text("name", target.names.upstream(name));
            o.opt_text("description", description.as_deref());
            o.object("input_schema", |o| custom_schema(o, format.as_ref()));
        }
        ToolKind::Server { .. } => {}
    }
}

/// The one text argument of a custom tool; its grammar, which nothing enforces here, is told to the model.
fn custom_schema(o: &mut ObjectWriter<'_>, format: Option<&Json>) {
    o.text("type", "object");
    o.object("properties", |o| {
        o.object(CUSTOM_INPUT, |o| {
            o.text("type", "string");
            let node = format.and_then(|f| Node::read(f.as_str().as_bytes()));
            let grammar = node.as_ref().and_then(|node| {
                let part = |key| node.text(key).or_else(|| node.at(&["grammar", key]).and_then(Node::as_str));
                part("definition").map(|definition| (part("syntax").unwrap_or("given"), definition))
            });
            if let Some((syntax, definition)) = grammar {
                o.text("description", &format!("Free text by this {syntax} grammar:\n{definition}"));
            }
        });
    });
    o.array("required", |a| a.text(CUSTOM_INPUT));
}

/// How the model is told to choose, after what thinking and the output tool do to the client's wish.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Choice<'a> {
    /// Nothing is said.
    Unsaid,
    /// As the model sees fit.
    Auto,
    /// None.
    None,
    /// Some tool.
    Any,
    /// This tool, by its name upstream.
    Tool(&'a str),
}

/// Writes `tool_choice`. Parallel calls are welcome unless it is said otherwise, so only that is said.
pub(super) fn write_choice(o: &mut ObjectWriter<'_>, choice: &Choice<'_>, parallel: Option<bool>) {
    let single = parallel == Some(false);
    let kind = match choice {
        Choice::Unsaid if single => "auto",
        Choice::Unsaid => return,
        Choice::Auto => "auto",
        Choice::None => "none",
        Choice::Any => "any",
        Choice::Tool(_) => "tool",
    };
    o.object("tool_choice", |o| {
        o.text("type", kind);
        if let Choice::Tool(name) = choice {
            o.text("name", name);
        }
        if single && *choice != Choice::None {
            o.boolean("disable_parallel_tool_use", true);
        }
    });
}
