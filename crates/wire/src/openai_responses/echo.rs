//! What a response repeats of its request.

use tollgate_ir::{CallKind, Effort, Json, OutputFormat, Request, Thinking, ThinkingMode, Tool, ToolChoice, ToolKind};

use super::namespace;
use crate::json::{ArrayWriter, ObjectWriter, object};

/// The fields of a request that its response repeats, for [`crate::target::ReplyContext::echo`]: a JSON object.
pub fn echo(request: &Request) -> Json {
    let mut out = Vec::new();
    object(&mut out, |o| fill(o, request));
    String::from_utf8(out).ok().and_then(|text| Json::parse(text).ok()).unwrap_or_else(Json::empty_object)
}

/// OpenAI says the defaults where the client said nothing, and SDKs' types want most of these fields.
fn fill(o: &mut ObjectWriter<'_>, request: &Request) {
    let params = &request.params;
    let instructions: Vec<_> =
        request.system.iter().filter(|b| b.at == "instructions").filter_map(|b| b.as_text()).collect();
    o.text_or_null("instructions", instructions.first().copied());
    match params.max_tokens {
        Some(max) => o.uint("max_output_tokens", max),
        None => o.null("max_output_tokens"),
    }
    o.null("max_tool_calls");
    o.boolean("parallel_tool_calls", request.parallel_tools.unwrap_or(true));
    o.text_or_null("previous_response_id", request.previous_response.as_deref());
    o.text_or_null("prompt_cache_key", params.prompt_cache_key.as_deref());
    write_reasoning(o, request.thinking.as_ref());
    o.null("safety_identifier");
    o.boolean("store", params.store.unwrap_or(true));
    o.float("temperature", params.temperature.unwrap_or(1.0));
    write_text(o, request);
    write_choice(o, request);
    o.array("tools", |a| {
        for (space, tools) in namespace::groups(&request.tools) {
            match space {
                None => tools.iter().for_each(|tool| write_tool(a, tool, "")),
                Some(raw) => a.object(|o| {
                    let space = namespace::write_head(o, raw);
                    o.array("tools", |a| tools.iter().for_each(|tool| write_tool(a, tool, &space)));
                }),
            }
        }
    });
    o.uint("top_logprobs", params.top_logprobs.unwrap_or(0));
    o.float("top_p", params.top_p.unwrap_or(1.0));
    o.float("presence_penalty", 0.0);
    o.float("frequency_penalty", 0.0);
    o.text("truncation", "disabled");
    o.text_or_null("user", params.user.as_deref());
    match &params.metadata {
        Some(metadata) => o.json("metadata", metadata),
        None => o.raw("metadata", "{}"),
    }
}

fn write_reasoning(o: &mut ObjectWriter<'_>, thinking: Option<&Thinking>) {
    let effort = thinking.and_then(|t| match t.mode {
        ThinkingMode::Off => Some("none"),
        _ => t.effort.map(Effort::as_str),
    });
    o.object("reasoning", |o| {
        o.text_or_null("effort", effort);
        o.text_or_null("summary", thinking.and_then(|t| t.summary.as_deref()));
    });
}

fn write_text(o: &mut ObjectWriter<'_>, request: &Request) {
    o.object("text", |o| {
        o.object("format", |o| match &request.output {
            None => o.text("type", "text"),
            Some(OutputFormat::Json) => o.text("type", "json_object"),
            Some(OutputFormat::Schema { name, description, schema, strict }) => {
                o.text("type", "json_schema");
                o.text_or_null("description", description.as_deref());
                o.text("name", name.as_deref().unwrap_or("response"));
                o.json("schema", schema);
                o.boolean("strict", strict.unwrap_or(false));
            }
        });
        o.opt_text("verbosity", request.params.verbosity.as_deref());
    });
}

fn write_choice(o: &mut ObjectWriter<'_>, request: &Request) {
    let entry = |o: &mut ObjectWriter<'_>, name: &str| {
        o.text("type", if kind_of(request, name) == CallKind::Custom { "custom" } else { "function" });
        o.text("name", name);
    };
    match &request.tool_choice {
        None | Some(ToolChoice::Auto) => o.text("tool_choice", "auto"),
        Some(ToolChoice::None) => o.text("tool_choice", "none"),
        Some(ToolChoice::Required) => o.text("tool_choice", "required"),
        Some(ToolChoice::Named(name)) => o.object("tool_choice", |o| entry(o, name)),
        Some(ToolChoice::Allowed { names, required }) => o.object("tool_choice", |o| {
            o.text("type", "allowed_tools");
            o.text("mode", if *required { "required" } else { "auto" });
            o.array("tools", |a| names.iter().for_each(|name| a.object(|o| entry(o, name))));
        }),
    }
}

fn kind_of(request: &Request, name: &str) -> CallKind {
    let custom = |tool: &Tool| matches!(&tool.kind, ToolKind::Custom { name: n, .. } if n == name);
    if request.tools.iter().any(custom) { CallKind::Custom } else { CallKind::Function }
}

fn write_tool(a: &mut ArrayWriter<'_>, tool: &Tool, space: &str) {
    let known = |name| if space.is_empty() { name } else { namespace::within(space, name) };
    match &tool.kind {
        ToolKind::Function { name, description, parameters, strict } => a.object(|o| {
            o.text("type", "function");
            o.text_or_null("description", description.as_deref());
            o.text("name", known(name));
            match parameters {
                Some(schema) => o.json("parameters", schema),
                None => o.null("parameters"),
            }
            o.boolean("strict", strict.unwrap_or(false));
        }),
        ToolKind::Custom { name, description, format } => a.object(|o| {
            o.text("type", "custom");
            o.text_or_null("description", description.as_deref());
            o.opt_json("format", format.as_ref());
            o.text("name", known(name));
        }),
        ToolKind::Server { .. } => {
            if let Some(carry) = &tool.carry {
                a.json(&carry.raw);
            }
        }
    }
}
