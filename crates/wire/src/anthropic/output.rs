//! The form of the answer: natively by a schema where the model and the schema allow it, else by a forced tool whose
//! arguments are the answer.

use tollgate_ir::{Field, Json, Losses, OutputFormat, Reason, Request, ToolChoice};

use super::rules::ModelClass;
use super::schema;
use super::thinking::Plan;
use super::tools::{Choice, Tools};
use crate::ids::IdRule;
use crate::json::{ArrayWriter, Fields};
use crate::target::Target;

/// The output tool's name where the client's schema has none.
const TOOL: &str = "json_answer";

/// Reads `output_format` or `output_config.format`; the schema may stand in a `json_schema` as with OpenAI.
pub(super) fn read(
    format: Option<Fields<'_>>,
    losses: &mut Losses,
) -> Result<Option<OutputFormat>, tollgate_ir::Fault> {
    let Some(mut format) = format else { return Ok(None) };
    format.ignore(&["type"]);
    let mut inner = format.object("json_schema")?;
    let mut found = OutputFormat::Json;
    for fields in [Some(&mut format), inner.as_mut()].into_iter().flatten() {
        if let Some(schema) = fields.take("schema") {
            found = OutputFormat::Schema {
                name: fields.text("name")?,
                description: fields.text("description")?,
                schema: schema.to_json(),
                strict: fields.boolean("strict")?,
            };
        }
    }
    if let Some(inner) = inner {
        inner.report_rest(losses);
    }
    format.report_rest(losses);
    Ok(Some(found))
}

/// How the form is asked for.
pub(super) enum Answer {
    /// It is not.
    Plain,
    /// By `output_config.format`, with this schema.
    Native(Json),
    /// By a tool that must be called.
    Tool {
        /// Its name; none of the client's tools has it.
        name: String,
        /// What the client says of the form.
        description: Option<String>,
        /// Its input.
        schema: Json,
    },
}

impl Answer {
    /// For a request.
    pub fn of(request: &Request, class: &ModelClass, plan: &Plan, tools: &Tools<'_>, losses: &mut Losses) -> Self {
        let Some(output) = &request.output else { return Self::Plain };
        if let OutputFormat::Schema { schema, .. } = output
            && class.structured
        {
            if let Some((grammar, _)) = schema::grammar(schema) {
                return Self::Native(grammar);
            }
            if plan.forbids_forcing() || !schema::is_object(schema) {
                losses.field(Field::Output, Reason::Adjusted);
                return Self::Native(schema::forced_grammar(schema));
            }
        }
        let named = matches!(request.tool_choice, Some(ToolChoice::Named(_))) && tools.callable();
        let tool = match output {
            OutputFormat::Json => Some((None, None, Json::parse(r#"{"type":"object"}"#).ok())),
            OutputFormat::Schema { name, description, schema, .. } if schema::is_object(schema) => {
                Some((name.as_deref(), description.clone(), Some(schema::of_input(Some(schema)).into_owned())))
            }
            OutputFormat::Schema { .. } => None,
        };
        match tool {
            Some((name, description, Some(schema))) if !named && !plan.forbids_forcing() => {
                Self::Tool { name: free_name(name, tools), description, schema }
            }
            _ => {
                losses.field(Field::Output, Reason::Dropped);
                Self::Plain
            }
        }
    }

    /// The name of the output tool.
    pub fn tool(&self) -> Option<&str> {
        match self {
            Self::Tool { name, .. } => Some(name),
            _ => None,
        }
    }

    /// Writes the output tool beside the client's.
    pub fn write_tool(&self, a: &mut ArrayWriter<'_>) {
        if let Self::Tool { name, description, schema } = self {
            let how = "Gives the answer. Call this tool once, with the whole answer as its input.";
            let text = description.as_ref().map_or_else(|| how.to_owned(), |what| format!("{how} {what}"));
            a.object(|o| {
                o.text("name", name);
                o.text("description", &text);
                o.json("input_schema", schema);
            });
        }
    }
}

fn free_name(wanted: Option<&str>, tools: &Tools<'_>) -> String {
    let mut name = IdRule::WIDE.apply(wanted.filter(|n| !n.is_empty()).unwrap_or(TOOL)).into_owned();
    if tools.has(&name) {
        name = TOOL.to_owned();
    }
    while tools.has(&name) {
        name.push('_');
    }
    name
}

/// What the client's choice of tools becomes beside thinking and the output tool.
pub(super) fn choice<'a>(
    request: &'a Request,
    tools: &Tools<'_>,
    answer: &'a Answer,
    plan: &Plan,
    target: &Target<'a>,
    losses: &mut Losses,
) -> Choice<'a> {
    let wish = match &request.tool_choice {
        None => Choice::Unsaid,
        Some(ToolChoice::Auto | ToolChoice::Allowed { required: false, .. }) => Choice::Auto,
        Some(ToolChoice::None) => Choice::None,
        Some(ToolChoice::Required | ToolChoice::Allowed { required: true, .. }) => Choice::Any,
        Some(ToolChoice::Named(name)) => Choice::Tool(target.names.upstream(name)),
    };
    let forced = matches!(wish, Choice::Any | Choice::Tool(_));
    if let Some(name) = answer.tool() {
        return if tools.callable() && wish != Choice::None { Choice::Any } else { Choice::Tool(name) };
    }
    if !tools.callable() {
        if forced {
            losses.field(Field::ToolChoice, Reason::Dropped);
        }
        return if tools.is_empty() { Choice::Unsaid } else { Choice::None };
    }
    if forced && plan.forbids_forcing() {
        losses.field(Field::ToolChoice, Reason::Adjusted);
        return Choice::Auto;
    }
    wish
}
