//! The form of the answer (`response_format`), both ways.

use tollgate_ir::{Fault, Losses, OutputFormat};

use crate::ids::IdRule;
use crate::json::{Fields, ObjectWriter};
use crate::unsaid;

/// The schema's name where the client gave none; `OpenAI` must have one.
const NAME: &str = "response";

pub(super) fn decode(fields: &mut Fields<'_>, losses: &mut Losses) -> Result<Option<OutputFormat>, Fault> {
    let Some(mut format) = fields.object("response_format")? else { return Ok(None) };
    let kind = format.text("type")?;
    let output = match kind.as_deref() {
        None | Some("text") => None,
        // Together and Fireworks put a schema beside.
        Some("json_object") => Some(match format.take("schema") {
            Some(schema) => {
                OutputFormat::Schema { name: None, description: None, schema: schema.to_json(), strict: None }
            }
            None => OutputFormat::Json,
        }),
        Some("json_schema") => Some(schema(&mut format, losses)?),
        Some(other) => {
            return Err(Fault::field(
                format.path("type"),
                format!("`response_format.type` must be `text`, `json_object` or `json_schema`, but is `{other}`."),
            ));
        }
    };
    format.report_rest(losses);
    Ok(output)
}

fn schema(format: &mut Fields<'_>, losses: &mut Losses) -> Result<OutputFormat, Fault> {
    // Responses writes the same without the nesting.
    let Some(mut inner) = format.object("json_schema")? else {
        return if format.has("schema") { named(format, losses) } else { Err(format.missing("json_schema")) };
    };
    let output = named(&mut inner, losses)?;
    inner.report_rest(losses);
    Ok(output)
}

fn named(inner: &mut Fields<'_>, losses: &mut Losses) -> Result<OutputFormat, Fault> {
    unsaid::spell_output(inner, losses);
    let name = inner.text("name")?;
    let description = inner.text("description")?.filter(|d| !d.is_empty());
    let strict = inner.boolean("strict")?;
    Ok(match inner.take("schema") {
        Some(schema) => OutputFormat::Schema { name, description, schema: schema.to_json(), strict },
        None => OutputFormat::Json,
    })
}

pub(super) fn encode(o: &mut ObjectWriter<'_>, output: Option<&OutputFormat>) {
    match output {
        None => {}
        Some(OutputFormat::Json) => o.object("response_format", |f| f.text("type", "json_object")),
        Some(OutputFormat::Schema { name, description, schema, strict }) => o.object("response_format", |f| {
            f.text("type", "json_schema");
            f.object("json_schema", |s| {
                let name = name.as_deref().filter(|n| !n.is_empty()).unwrap_or(NAME);
                s.text("name", &IdRule::WIDE.apply(name));
                s.opt_text("description", description.as_deref());
                s.json("schema", schema);
                s.opt_boolean("strict", *strict);
            });
        }),
    }
}
