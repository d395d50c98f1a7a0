//! `tools` and `toolConfig` ↔ tools and their choice.

use tollgate_ir::{Carry, Dialect, Fault, Field, Json, Losses, Reason, Request, Tool, ToolChoice, ToolKind};

use super::proto::{self, Proto, wrong};
use super::{config, rules};
use crate::json::{ArrayWriter, Node, ObjectWriter};
use crate::schema;
use crate::target::Target;
use crate::translate::CUSTOM_INPUT;

/// Reads one element of `tools`: function declarations, and tools that Google runs.
pub(super) fn decode(at: &str, node: Node<'_>, tools: &mut Vec<Tool>, losses: &mut Losses) -> Result<(), Fault> {
    let mut fields = Proto::new(node, at)?;
    for (path, declaration) in fields.list("functionDeclarations") {
        tools.push(declared(path, declaration, losses)?);
    }
    for (key, value) in fields.rest().entries().iter().filter(|(_, value)| *value != Node::Null) {
        let mut raw = Vec::new();
        crate::json::object(&mut raw, |o| o.node(key, value));
        let carry = Carry { dialect: Dialect::Gemini, raw: json(raw) };
        tools.push(Tool {
            kind: ToolKind::Server { kind: key.to_string() },
            cache: None,
            carry: Some(carry),
            at: format!("{at}.{key}"),
        });
    }
    Ok(())
}

fn declared(at: String, node: Node<'_>, losses: &mut Losses) -> Result<Tool, Fault> {
    let carry = Carry { dialect: Dialect::Gemini, raw: node.to_json() };
    let mut fields = Proto::new(node, at)?;
    let Some(name) = fields.text("name")? else {
        let path = fields.path("name");
        return Err(Fault::field(path.clone(), format!("Missing required field: `{path}`.")));
    };
    let description = fields.text("description")?.filter(|d| !d.is_empty());
    let parameters = match fields.take("parametersJsonSchema") {
        Some((_, schema)) => Some(schema.to_json()),
        None => fields.take("parameters").map(|(_, schema)| schema::from_gemini(&schema).to_json()),
    };
    let at = fields.at().to_owned();
    fields.report_rest(losses);
    Ok(Tool {
        kind: ToolKind::Function { name, description, parameters, strict: None },
        cache: None,
        carry: Some(carry),
        at,
    })
}

fn json(raw: Vec<u8>) -> Json {
    String::from_utf8(raw).ok().and_then(|text| Json::parse(text).ok()).unwrap_or_else(Json::empty_object)
}

/// Reads `toolConfig`.
pub(super) fn decode_choice(mut config: Proto<'_>, losses: &mut Losses) -> Result<Option<ToolChoice>, Fault> {
    let inner = config.object("functionCallingConfig")?;
    config.report_rest(losses);
    let Some(mut calling) = inner else { return Ok(None) };
    let mode_path = calling.path("mode");
    let mode = calling.text("mode")?.unwrap_or_default().to_ascii_uppercase();
    let mut names = calling.texts("allowedFunctionNames")?;
    // How arguments come in streams is no matter of meaning.
    calling.ignore(&["streamFunctionCallArguments"]);
    calling.report_rest(losses);
    let allowed = |names, required| ToolChoice::Allowed { names, required };
    Ok(match mode.as_str() {
        "ANY" if names.len() == 1 => names.pop().map(ToolChoice::Named),
        "ANY" if names.is_empty() => Some(ToolChoice::Required),
        "ANY" => Some(allowed(names, true)),
        "NONE" => Some(ToolChoice::None),
        "VALIDATED" => {
            losses.path(mode_path, Reason::Adjusted);
            Some(if names.is_empty() { ToolChoice::Auto } else { allowed(names, false) })
        }
        "AUTO" if names.is_empty() => Some(ToolChoice::Auto),
        "AUTO" => Some(allowed(names, false)),
        "" | "MODE_UNSPECIFIED" => None,
        _ => {
            let got = Node::Text(mode.into());
            return Err(wrong(&mode_path, "AUTO, ANY, NONE or VALIDATED", &got));
        }
    })
}

/// Writes `tools`: neighbouring functions share one element, a tool that Google runs is an element of its own.
pub(super) fn encode(
    out: &mut ObjectWriter<'_>,
    request: &Request,
    target: &Target<'_>,
    losses: &mut Losses,
) -> Result<(), Fault> {
    let kept: Vec<&Tool> = request.tools.iter().filter(|tool| keep(tool, losses)).collect();
    if kept.is_empty() {
        return Ok(());
    }
    out.array("tools", |elements| {
        for run in kept.chunk_by(|a, b| a.name().is_some() && b.name().is_some()) {
            match run {
                [Tool { kind: ToolKind::Server { .. }, carry: Some(carry), .. }] => elements.json(&carry.raw),
                functions => elements.object(|element| {
                    element.array("functionDeclarations", |a| {
                        functions.iter().try_for_each(|tool| declaration(a, tool, target, losses))
                    })
                })?,
            }
        }
        Ok(())
    })
}

/// Whether Gemini can be told of the tool; reports what it cannot.
fn keep(tool: &Tool, losses: &mut Losses) -> bool {
    if tool.cache.is_some() {
        losses.path(format!("{}.cache_control", tool.at), Reason::Dropped);
    }
    let own = tool.carry.as_ref().is_some_and(|c| c.dialect == Dialect::Gemini);
    match &tool.kind {
        ToolKind::Server { .. } if !own => {
            losses.path(tool.at.clone(), Reason::Dropped);
            false
        }
        ToolKind::Function { strict: Some(true), .. } => {
            losses.path(format!("{}.strict", tool.at), Reason::Dropped);
            true
        }
        ToolKind::Custom { format: Some(_), .. } => {
            losses.path(format!("{}.format", tool.at), Reason::Dropped);
            true
        }
        _ => true,
    }
}

fn declaration(out: &mut ArrayWriter<'_>, tool: &Tool, target: &Target<'_>, losses: &mut Losses) -> Result<(), Fault> {
    out.object(|o| match &tool.kind {
        ToolKind::Function { name, description, parameters, .. } => {
            o.text("name", target.names.upstream(name));
            o.opt_text("description", description.as_deref());
            match (own_parameters(tool), parameters) {
                (Some(raw), _) => o.node("parameters", &raw),
                (None, Some(schema)) => write_parameters(o, schema, tool, target, losses)?,
                (None, None) => {}
            }
            Ok(())
        }
        ToolKind::Custom { name, description, .. } => {
            o.text("name", target.names.upstream(name));
            o.opt_text("description", description.as_deref());
            o.object("parameters", |s| {
                s.text("type", "OBJECT");
                s.object("properties", |p| p.object(CUSTOM_INPUT, |i| i.text("type", "STRING")));
                s.array("required", |r| r.text(CUSTOM_INPUT));
            });
            Ok(())
        }
        ToolKind::Server { .. } => Ok(()),
    })
}

/// The parameters as a Gemini client wrote them in Gemini's own `Schema`.
fn own_parameters(tool: &Tool) -> Option<Node<'_>> {
    let carry = tool.carry.as_ref().filter(|c| c.dialect == Dialect::Gemini)?;
    let raw = Node::read(carry.raw.as_str().as_bytes())?;
    proto::get(&raw, "parameters").cloned()
}

fn write_parameters(
    out: &mut ObjectWriter<'_>,
    schema: &Json,
    tool: &Tool,
    target: &Target<'_>,
    losses: &mut Losses,
) -> Result<(), Fault> {
    if rules::of_model(target.model).json_schema {
        out.json("parametersJsonSchema", schema);
        return Ok(());
    }
    let (reduced, lossless) = config::reduced(schema, &tool.at)?;
    if !lossless {
        losses.path(tool.at.clone(), Reason::Adjusted);
    }
    if let Some(reduced) = reduced {
        out.json("parameters", &reduced);
    }
    Ok(())
}

/// Writes `toolConfig`.
pub(super) fn encode_choice(out: &mut ObjectWriter<'_>, request: &Request, target: &Target<'_>, losses: &mut Losses) {
    if request.parallel_tools == Some(false) && !request.tools.is_empty() {
        losses.field(Field::ParallelTools, Reason::Dropped);
    }
    let Some(choice) = &request.tool_choice else { return };
    if request.tools.iter().all(|tool| tool.name().is_none()) {
        // Gemini refuses a choice without functions; to choose none or freely of none says nothing.
        if !matches!(choice, ToolChoice::Auto | ToolChoice::None) {
            losses.field(Field::ToolChoice, Reason::Dropped);
        }
        return;
    }
    let (mode, names): (_, &[String]) = match choice {
        ToolChoice::Auto => ("AUTO", &[]),
        ToolChoice::None => ("NONE", &[]),
        ToolChoice::Required => ("ANY", &[]),
        ToolChoice::Named(name) => ("ANY", std::slice::from_ref(name)),
        ToolChoice::Allowed { names, required: true } => ("ANY", names),
        // AUTO takes no list of names; VALIDATED does, and leaves the model free to answer in words.
        ToolChoice::Allowed { names, required: false } => ("VALIDATED", names),
    };
    out.object("toolConfig", |o| {
        o.object("functionCallingConfig", |c| {
            c.text("mode", mode);
            if !names.is_empty() {
                c.array("allowedFunctionNames", |a| names.iter().for_each(|n| a.text(target.names.upstream(n))));
            }
        });
    });
}
