//! What a frame tells, by searches instead of a parse. A wrong guess towards “more” costs a parse; towards “content” it
//! would lose usage, so every key that may tell of more counts.

use std::sync::LazyLock;

use memchr::memmem::{self, Finder};
use tollgate_ir::Dialect;

use crate::frame::Frame;
use crate::json::Node;

/// What a frame may tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// Content, a keepalive, a comment: nothing to count.
    Content,
    /// Content and usage so far: the last of these counts.
    Usage,
    /// Finish, error, head, end.
    More,
}

/// Whether a key stands in the text with a value other than null: [`says`] of a search that is prepared once, since every
/// frame of every stream is looked through.
macro_rules! says {
    ($data:expr, $($key:literal)|+) => {
        $({
            static KEY: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(concat!("\"", $key, "\"")));
            says($data, &KEY)
        })||+
    };
}

pub(super) fn class(dialect: Dialect, frame: &Frame) -> Class {
    let data = &frame.data[..];
    if frame.exception {
        return Class::More;
    }
    if data.is_empty() {
        return Class::Content;
    }
    match dialect {
        Dialect::OpenAiChat => {
            if data.starts_with(b"[") || says!(data, "finish_reason" | "error") {
                Class::More
            } else if says!(data, "usage" | "x_groq") {
                Class::Usage
            } else {
                Class::Content
            }
        }
        Dialect::OpenAiResponses => {
            let more = says!(data, "response" | "error") || data.starts_with(b"[");
            if more || frame.event.as_ref() == b"error" { Class::More } else { Class::Content }
        }
        Dialect::Anthropic => {
            by_name(frame, &["content_block_start", "content_block_delta", "content_block_stop", "ping"])
        }
        Dialect::Gemini => {
            // Arguments may come in pieces that only make sense in a row, so calls are read whole.
            if says!(data, "finishReason" | "error" | "blockReason" | "finish_reason" | "functionCall") {
                Class::More
            } else if says!(data, "usageMetadata") {
                Class::Usage
            } else {
                Class::Content
            }
        }
        Dialect::Bedrock => by_name(frame, &["contentBlockStart", "contentBlockDelta", "contentBlockStop"]),
        Dialect::Cohere => by_name(frame, COHERE_CONTENT),
        Dialect::Ollama => {
            let goes_on = says!(data, "done") && !says_true(data, b"\"done\"");
            if goes_on && !says!(data, "error" | "tool_calls" | "done_reason") { Class::Content } else { Class::More }
        }
    }
}

/// Whether a call may begin in this frame. A wrong “yes” costs that the rest of the stream is parsed.
pub(crate) fn begins_call(dialect: Dialect, frame: &Frame) -> bool {
    let data = &frame.data[..];
    match dialect {
        Dialect::OpenAiChat => says!(data, "tool_calls" | "function_call"),
        Dialect::OpenAiResponses => {
            frame.name() == "response.output_item.added" && memmem::find(data, b"_call\"").is_some()
        }
        Dialect::Anthropic => frame.name() == "content_block_start" && memmem::find(data, b"tool_use\"").is_some(),
        Dialect::Gemini => says!(data, "functionCall" | "function_call"),
        Dialect::Bedrock => frame.name() == "contentBlockStart",
        Dialect::Cohere => frame.name() == "tool-call-start",
        Dialect::Ollama => says!(data, "tool_calls"),
    }
}

const COHERE_CONTENT: &[&str] = &[
    "content-start",
    "content-delta",
    "content-end",
    "tool-plan-delta",
    "tool-call-start",
    "tool-call-delta",
    "tool-call-end",
    "citation-start",
    "citation-end",
];

/// Named events: content is what is known to be content.
fn by_name(frame: &Frame, content: &[&str]) -> Class {
    if content.contains(&frame.name()) { Class::Content } else { Class::More }
}

/// Whether the key stands in the text with a value other than null. Within a JSON string its quotes would be escaped,
/// so a key in the model's words does not count.
fn says(data: &[u8], key: &Finder<'_>) -> bool {
    key.find_iter(data).any(|at| {
        let after = data[at + key.needle().len()..].trim_ascii_start();
        after.strip_prefix(b":").is_some_and(|value| !value.trim_ascii_start().starts_with(b"null"))
    })
}

/// Whether the key stands in the text with the value `true`.
fn says_true(data: &[u8], key: &[u8]) -> bool {
    memmem::find_iter(data, key).any(|at| {
        let after = data[at + key.len()..].trim_ascii_start();
        after.strip_prefix(b":").is_some_and(|value| value.trim_ascii_start().starts_with(b"true"))
    })
}

/// A chunk of a chat stream that holds nothing but usage: no choices, or choices that say nothing.
pub(super) fn only_usage(frame: &Frame) -> bool {
    if !says!(&frame.data, "usage") {
        return false;
    }
    let Some(node) = Node::read(&frame.data) else { return false };
    node.get("usage").is_some()
        && node.get("error").is_none()
        && node.get("choices").map_or(&[][..], Node::items).iter().all(says_nothing)
}

fn says_nothing(choice: &Node<'_>) -> bool {
    choice.get("finish_reason").is_none()
        && choice.get("logprobs").is_none()
        && choice.get("delta").map_or(&[][..], Node::entries).iter().all(|(key, value)| match value {
            Node::Null => true,
            Node::Text(text) => key == "role" || text.is_empty(),
            Node::Array(items) => items.is_empty(),
            _ => false,
        })
}
