//! `/api/generate`: a prompt in, `response` out, on the client's side only. It travels as a chat; here the answer is put
//! into its form, and requests that only load a model are answered.

use super::words::Clock;
use crate::json::{Envelope, Node, object};
use crate::target::ReplyContext;

/// A chat's reply or line as one of `/api/generate`; `None` if it is none of a chat (an error, or already so).
pub fn as_generate(body: &[u8]) -> Option<Vec<u8>> {
    let node = Node::read(body)?;
    node.get("message")?;
    let mut out = Vec::with_capacity(body.len());
    object(&mut out, |o| {
        for (key, value) in node.entries() {
            if key != "message" {
                o.node(key, value);
                continue;
            }
            o.text("response", value.text("content").unwrap_or_default());
            if let Some(thinking) = value.get("thinking") {
                o.node("thinking", thinking);
            }
            if let Some(images) = value.get("images") {
                o.node("images", images);
            }
        }
    });
    Some(out)
}

/// Whether a request says nothing: then Ollama loads the model, or with `keep_alive: 0` lets it go.
pub fn only_loads(body: &[u8], envelope: &Envelope) -> bool {
    let empty = |key: &str| envelope.text(body, key).is_none_or(|text| text.is_empty());
    !envelope.has_items(body, "messages") && empty("prompt") && !envelope.has_items(body, "images")
}

/// The answer to a request that only loads a model: there is nothing to be loaded at a provider's.
pub fn loaded(body: &[u8], envelope: &Envelope, context: &ReplyContext, generate: bool) -> Vec<u8> {
    let leaves = envelope.node(body, "keep_alive").is_some_and(|keep| match keep {
        Node::Number(n) => n.as_f64() == Some(0.0),
        Node::Text(text) => matches!(text.as_ref(), "0" | "0s" | "0m"),
        _ => false,
    });
    let mut out = Vec::new();
    object(&mut out, |o| {
        o.text("model", &context.model);
        o.text("created_at", &Clock::new(context).now());
        if generate {
            o.text("response", "");
        } else {
            o.object("message", |m| {
                m.text("role", "assistant");
                m.text("content", "");
            });
        }
        o.boolean("done", true);
        o.text("done_reason", if leaves { "unload" } else { "load" });
    });
    out
}
