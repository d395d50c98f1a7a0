//! A tool as `{type: "function", function: {name, description, parameters}}`, for protocols that know no other: a custom
//! (grammar) tool becomes a function with one required text, [`CUSTOM_INPUT`].

use tollgate_ir::{Losses, Reason, Tool, ToolKind};

use crate::json::ArrayWriter;
use crate::target::Target;
use crate::translate::CUSTOM_INPUT;

/// Writes it. Cache marks and grammars have no place there; what becomes of `strict` is the dialect's affair.
pub(crate) fn write(a: &mut ArrayWriter<'_>, tool: &Tool, target: &Target<'_>, losses: &mut Losses) {
    if tool.cache.is_some() {
        losses.path(format!("{}.cache_control", tool.at), Reason::Dropped);
    }
    a.object(|t| {
        t.text("type", "function");
        t.object("function", |f| match &tool.kind {
            ToolKind::Function { name, description, parameters, .. } => {
                f.text("name", target.names.upstream(name));
                f.opt_text("description", description.as_deref());
                match parameters {
                    Some(parameters) => f.json("parameters", parameters),
                    None => f.raw("parameters", r#"{"type":"object","properties":{}}"#),
                }
            }
            ToolKind::Custom { name, description, format } => {
                f.text("name", target.names.upstream(name));
                f.opt_text("description", description.as_deref());
                if format.is_some() {
                    losses.path(format!("{}.format", tool.at), Reason::Dropped);
                }
                f.object("parameters", |p| {
                    p.text("type", "object");
                    p.object("properties", |all| all.object(CUSTOM_INPUT, |input| input.text("type", "string")));
                    p.array("required", |r| r.text(CUSTOM_INPUT));
                });
            }
            ToolKind::Server { .. } => {}
        });
    });
}
