//! Clients of the old `functions`: they read one `function_call` and know no `tool_calls`.
//!
//! [`echo`] marks their requests in the reply's context; further parallel calls have no place in their replies.

use tollgate_ir::{Call, Json, Request};

use crate::json::{Node, ObjectWriter};
use crate::target::ReplyContext;

/// What a reply's context has to say of a request, for [`ReplyContext::echo`]: `None` unless it declares functions the
/// old way.
pub fn echo(request: &Request) -> Option<Json> {
    let old = request.tools.iter().any(|tool| tool.at.starts_with("functions["));
    old.then(|| Json::parse(r#"{"functions":true}"#).unwrap_or_else(|_| Json::empty_object()))
}

/// Whether the client reads `function_call`.
pub(super) fn asked(context: &ReplyContext) -> bool {
    let marked = |echo: &Json| Node::read(echo.as_str().as_bytes()).is_some_and(|e| e.get("functions").is_some());
    context.echo.as_ref().is_some_and(marked)
}

/// The finish reason in their words.
pub(super) fn finish_word(word: &'static str, legacy: bool) -> &'static str {
    if legacy && word == "tool_calls" { "function_call" } else { word }
}

/// Writes a whole call.
pub(super) fn call(o: &mut ObjectWriter<'_>, call: &Call) {
    o.object("function_call", |f| {
        f.text("name", &call.name);
        f.text("arguments", if call.arguments.is_empty() { "{}" } else { &call.arguments });
    });
}

/// Writes a piece of a call.
pub(super) fn piece(o: &mut ObjectWriter<'_>, name: Option<&str>, arguments: &str) {
    o.object("function_call", |f| {
        f.opt_text("name", name);
        f.text("arguments", arguments);
    });
}
