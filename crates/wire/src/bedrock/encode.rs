//! The IR's request as a Converse request for one target. The model and whether to stream are in the path, not here.

use tollgate_ir::{Block, CacheMark, Fault, Field, Json, Losses, OutputFormat, Reason, Request, Role};

use super::media::DocumentNames;
use super::models::{Cache, Model};
use super::write::{Writing, is_blank, own_form};
use super::{messages, params, tools};
use crate::anthropic::rules::ModelClass;
use crate::anthropic::{schema, told};
use crate::json::{ArrayWriter, Node, ObjectWriter, object};
use crate::target::{Encoded, Target};

/// How structured output is asked for.
enum Output {
    /// Not at all.
    Plain,
    /// By `outputConfig.textFormat`, with this schema.
    Native(Json),
    /// By a tool that must be called, with this input.
    Tool(Json),
}

/// See [`crate::codec::encode_request`].
pub fn encode_request(request: &Request, target: &Target<'_>, losses: &mut Losses) -> Result<Encoded, Fault> {
    let model = Model::of(target.model);
    let request = &*told::lost_calls(request, ModelClass::of(target.model), losses);
    let messages = messages::plan(request, &model, target.facts, losses)?;
    let broken = messages::loop_lacks_reasoning(&messages);
    let mut thought = params::plan(request, &model, target.facts.max_output, broken, losses);
    let output = output(request, &model, thought.manual, losses);
    let name = tools::output_name(request);
    let output_tool = match &output {
        Output::Tool(schema) => {
            let description = match &request.output {
                Some(OutputFormat::Schema { description, .. }) => description.as_deref(),
                _ => None,
            };
            Some(tools::OutputTool { name: &name, description, schema })
        }
        Output::Plain | Output::Native(_) => None,
    };
    if output_tool.is_some() && thought.manual {
        // A forced tool and a budget exclude each other; the form of the answer is the harder wish.
        thought = params::Thought::none(request);
        losses.field(Field::Thinking, Reason::Adjusted);
    }
    let facts = tools::Facts { model: &model, manual: thought.manual, output: output_tool };
    let tools = tools::plan(request, &facts, losses);

    let mut body = Vec::with_capacity(1024);
    let name_of = |name| target.names.upstream(name);
    let mut writing = Writing {
        name_of: &name_of,
        documents: DocumentNames::default(),
        status: model.result_status,
        plain: model.claude,
    };
    object(&mut body, |o| {
        messages::write(o, &messages, &mut writing, &model, losses)?;
        write_system(o, request, &model, losses);
        params::write_inference(o, request, &model, &thought, losses);
        tools.write(o, target.names, &model, losses);
        if let (Output::Native(schema), Some(format)) = (&output, &request.output) {
            write_format(o, schema, format);
        }
        params::write_additional(o, request, &model, &thought, tools.claude_choice, losses);
        write_tier(o, request, losses);
        write_metadata(o, request, losses);
        Ok::<_, Fault>(())
    })?;
    let output_tool = output_tool.map(|tool| tool.name.to_owned());
    Ok(Encoded { body, output_tool, ..Encoded::default() })
}

/// Natively where model and schema allow it; else by a tool, whose input can only be an object.
fn output(request: &Request, model: &Model, manual: bool, losses: &mut Losses) -> Output {
    let schema = match &request.output {
        None => return Output::Plain,
        Some(OutputFormat::Json) if manual => {
            losses.field(Field::Output, Reason::Dropped);
            return Output::Plain;
        }
        // Any object: its keys are the client's to say, in words.
        Some(OutputFormat::Json) => {
            let any = Json::parse(r#"{"type":"object","additionalProperties":true}"#);
            return any.map_or(Output::Plain, Output::Tool);
        }
        Some(OutputFormat::Schema { schema, .. }) => schema,
    };
    if model.native_schema {
        if let Some((grammar, _)) = schema::grammar(schema) {
            return Output::Native(grammar);
        }
        if manual || !schema::is_object(schema) {
            losses.field(Field::Output, Reason::Adjusted);
            return Output::Native(schema::forced_grammar(schema));
        }
    }
    if schema::is_object(schema) {
        return Output::Tool(schema::of_input(Some(schema)).into_owned());
    }
    losses.field(Field::Output, Reason::Dropped);
    Output::Plain
}

/// The system prompt, and the instructions that came later: Converse has no place for them among the messages.
fn write_system(o: &mut ObjectWriter<'_>, request: &Request, model: &Model, losses: &mut Losses) {
    let late = request.turns.iter().filter(|turn| turn.role == Role::System).flat_map(|turn| &turn.blocks);
    let (said, lost): (Vec<&Block>, Vec<&Block>) =
        request.system.iter().chain(late).partition(|block| block.as_text().is_some());
    for block in lost {
        losses.block(block, "", Reason::Dropped);
    }
    if said.iter().all(|block| is_blank(block)) {
        return;
    }
    o.array("system", |a| {
        for block in said.into_iter().filter(|block| !is_blank(block)) {
            // Of Bedrock's own forms the system prompt takes guarded words only.
            match own_form(block).filter(|raw| raw.as_str().starts_with(r#"{"guardContent""#)) {
                Some(raw) => a.json(raw),
                None => a.object(|o| o.text("text", block.as_text().unwrap_or_default())),
            }
            if let Some(mark) = block.cache {
                if model.cache == Cache::No {
                    losses.block(block, ".cache_control", Reason::Dropped);
                } else {
                    write_cache_point(a, mark, model, &block.at, losses);
                }
            }
        }
    });
}

/// A cache point after what has just been written. `at` is the path of that in the client's body.
pub(super) fn write_cache_point(
    a: &mut ArrayWriter<'_>,
    mark: CacheMark,
    model: &Model,
    at: &str,
    losses: &mut Losses,
) {
    let hour = mark.one_hour && model.cache == Cache::Hour;
    if mark.one_hour && !hour && !at.is_empty() {
        losses.path(format!("{at}.cache_control.ttl"), Reason::Adjusted);
    }
    a.object(|o| {
        o.object("cachePoint", |o| {
            o.text("type", "default");
            if hour {
                o.text("ttl", "1h");
            }
        });
    });
}

fn write_format(o: &mut ObjectWriter<'_>, schema: &Json, format: &OutputFormat) {
    let OutputFormat::Schema { name, description, .. } = format else { return };
    o.object("outputConfig", |o| {
        o.object("textFormat", |o| {
            o.text("type", "json_schema");
            o.object("structure", |o| {
                o.object("jsonSchema", |o| {
                    o.text("schema", schema.as_str());
                    o.opt_text("name", name.as_deref());
                    o.opt_text("description", description.as_deref());
                });
            });
        });
    });
}

fn write_tier(o: &mut ObjectWriter<'_>, request: &Request, losses: &mut Losses) {
    let Some(tier) = request.params.service_tier.as_deref() else { return };
    let tier = match tier {
        "priority" | "flex" | "default" | "reserved" => tier,
        "standard" | "standard_only" => "default",
        // Whatever the account has: what Converse does unasked.
        "auto" => return,
        _ => return losses.field(Field::ServiceTier, Reason::Dropped),
    };
    o.object("serviceTier", |o| o.text("type", tier));
}

/// `requestMetadata` takes up to 16 short texts under short names.
fn write_metadata(o: &mut ObjectWriter<'_>, request: &Request, losses: &mut Losses) {
    let Some(node) = request.params.metadata.as_ref().and_then(|json| Node::read(json.as_str().as_bytes())) else {
        return;
    };
    let fits =
        |text: &str| text.len() <= 256 && text.chars().all(|c| c.is_ascii_alphanumeric() || " :_@$#=/+,-.".contains(c));
    let mut said: Vec<(&str, &str)> = Vec::new();
    for (key, value) in node.entries() {
        said.extend(value.as_str().filter(|v| fits(v) && fits(key) && !key.is_empty()).map(|v| (key.as_ref(), v)));
    }
    said.truncate(16);
    if said.len() < node.entries().len() {
        losses.field(Field::Metadata, if said.is_empty() { Reason::Dropped } else { Reason::Adjusted });
    }
    if !said.is_empty() {
        o.object("requestMetadata", |o| said.iter().for_each(|(key, value)| o.text(key, value)));
    }
}
