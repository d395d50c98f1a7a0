//! `functionResponse` ↔ tool results.

use std::borrow::Cow;

use tollgate_ir::{Block, CallKind, Content, Fault, Losses, Media, MediaSource, ToolResult};

use super::contents::History;
use super::media as data;
use super::proto::{Proto, wrong};
use crate::json::{Node, object};

/// The documented keys of a response that holds a text only, and the one most SDKs use.
const WRAPPERS: [&str; 3] = ["result", "output", "error"];

/// Reads a `functionResponse`.
pub(super) fn decode(mut fields: Proto<'_>, history: &mut History, losses: &mut Losses) -> Result<Content, Fault> {
    let name = fields.text("name")?;
    let id = fields.text("id")?.filter(|id| !id.is_empty());
    let call = history.answer(id, name.as_deref().unwrap_or_default());
    let mut result = ToolResult { call, name, content: Vec::new(), json: None, error: false, kind: CallKind::Function };
    if let Some((path, response)) = fields.take("response") {
        result.content.push(Block::text(words(&response)).at(path));
        result.error = matches!(response.entries(), [(key, _)] if key == "error");
        result.json = Some(response.to_json());
    }
    for (path, part) in fields.list("parts") {
        let Some(media) = data::decode(&part) else {
            return Err(wrong(&path, "an object with `inlineData` or `fileData`", &part));
        };
        data::spell(&part, &path, losses);
        let mut rest = Proto::new(part, path.clone())?;
        rest.ignore(&["inlineData", "fileData"]);
        rest.own_rest(losses);
        result.content.push(Block::new(Content::Media(media)).at(path));
    }
    // How to go on while the tool still runs is Gemini's Live API only.
    fields.own(&["willContinue", "scheduling"], losses);
    fields.report_rest(losses);
    Ok(Content::Result(result))
}

/// The response as text: what a wrapper wraps, if that is a text, else the JSON.
fn words(response: &Node<'_>) -> String {
    match response.entries() {
        [(key, Node::Text(text))] if WRAPPERS.contains(&key.as_ref()) => text.to_string(),
        _ => response.to_text(),
    }
}

/// A result as the object that Gemini wants: JSON objects as they are, anything else under one key. Text documents are
/// words, too, and stand beside it.
pub(super) fn response(result: &ToolResult) -> String {
    if let Some(json) = result.json.as_ref().filter(|json| json.as_str().trim_start().starts_with('{')) {
        return json.as_str().to_owned();
    }
    let (text, documents) = (text(result), documents(result));
    if !result.error && documents.is_empty() && is_object(&text) {
        return text.into_owned();
    }
    let key = match (result.error, documents.is_empty()) {
        (true, _) => "error",
        (false, true) => "result",
        (false, false) => "content",
    };
    let mut out = Vec::new();
    object(&mut out, |o| {
        match &result.json {
            Some(json) => o.json(key, json),
            None => o.text(key, &text),
        }
        if !documents.is_empty() {
            o.array("documents", |a| {
                for (name, text) in &documents {
                    a.object(|d| {
                        d.opt_text("name", *name);
                        d.text("text", text);
                    });
                }
            });
        }
    });
    String::from_utf8(out).unwrap_or_default()
}

fn is_object(text: &str) -> bool {
    text.trim_start().starts_with('{') && Node::read(text.as_bytes()).is_some()
}

/// The words of a result, its texts joined.
fn text(result: &ToolResult) -> Cow<'_, str> {
    match result.content.as_slice() {
        [one] => Cow::Borrowed(one.as_text().unwrap_or_default()),
        many => Cow::Owned(many.iter().filter_map(Block::as_text).collect()),
    }
}

fn documents(result: &ToolResult) -> Vec<(Option<&str>, &str)> {
    result
        .content
        .iter()
        .filter_map(|block| match &block.content {
            Content::Media(Media { source: MediaSource::Text(text), name, .. }) => {
                Some((name.as_deref(), text.as_str()))
            }
            _ => None,
        })
        .collect()
}

/// Media of a result that are more than words.
pub(super) fn media(result: &ToolResult) -> impl Iterator<Item = (&Block, &Media)> {
    result.content.iter().filter_map(|block| match &block.content {
        Content::Media(media) if !matches!(media.source, MediaSource::Text(_)) => Some((block, media)),
        _ => None,
    })
}
