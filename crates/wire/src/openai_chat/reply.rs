//! A host's whole reply → IR.

use tollgate_ir::{Block, Choice, Citation, Content, Fault, FaultKind, Finish, Reply};

use super::calls::{self, Raw};
use super::{choices, reasoning, usage};
use crate::fault::Words;
use crate::json::Node;

/// See [`crate::codec::decode_reply`].
pub fn decode_reply(body: &[u8]) -> Result<Reply, Fault> {
    let garbage =
        |why: &str| Fault::new(FaultKind::ProviderGarbage, "The provider's answer cannot be read.").detail(why);
    let node = Node::read(body).ok_or_else(|| garbage("no JSON"))?;
    if node.get("error").is_some() {
        return Err(Words::of_envelope(&node).fault(0, &[]));
    }
    let Some(Node::Array(items)) = node.get("choices") else {
        let words = Words::of_envelope(&node);
        return Err(if words.message.is_empty() { garbage("no choices") } else { words.fault(0, &[]) });
    };
    if items.is_empty() {
        // Hosts put their error beside an empty list. Without one, the answer says nothing, and that is told as such.
        let words = Words::of_envelope(&node);
        if !words.message.is_empty() {
            return Err(words.fault(0, &[]));
        }
    }
    // OpenRouter reports an error within the choice that it befell; without any answer, it is the answer's.
    if let [only] = &items[..]
        && let Some(error) = only.get("error")
        && only.at(&["message", "content"]).and_then(Node::as_str).unwrap_or_default().is_empty()
    {
        return Err(Words::of_error(error).fault(0, &[]));
    }
    let head = choices::head(&node);
    let answer = head.id.as_deref().unwrap_or_default();
    let mut all: Vec<_> = items.iter().map(|item| (item.uint("index"), choice(item, answer))).collect();
    all.sort_by_key(|(index, _)| index.unwrap_or(0));
    if let Some((_, first)) = all.first_mut() {
        add_citations(choices::sources(&node), &mut first.blocks);
    }
    Ok(Reply {
        head,
        choices: all.into_iter().map(|(_, choice)| choice).collect(),
        usage: node.get("usage").and_then(usage::read),
    })
}

fn choice(node: &Node<'_>, answer: &str) -> Choice {
    let empty = Node::Null;
    let message = node.get("message").or_else(|| node.get("delta")).unwrap_or(&empty);
    let mut rest = Vec::new();
    content(message, &mut rest);
    // Older completion endpoints say it without a message.
    if let Some(text) = node.text("text").filter(|t| !t.is_empty() && rest.is_empty()) {
        rest.push(Block::text(text));
    }
    add_citations(choices::citations(message), &mut rest);
    if let Some(refusal) = message.text("refusal").filter(|r| !r.is_empty()) {
        rest.push(Block::new(Content::Refusal(refusal.to_owned())));
    }
    rest.extend(choices::media(message));
    let calls = message.get("tool_calls").map(Node::items).unwrap_or_default();
    let mut raws: Vec<_> = calls.iter().map(Raw::read).collect();
    if let (Some(call), true) = (message.get("function_call").map(Raw::read), raws.is_empty()) {
        raws.extend(Some(call).filter(|c| c.name.is_some()));
    }
    rest.extend(raws.into_iter().enumerate().map(|(place, raw)| raw.block(answer, place)));
    calls::seal_message(&mut rest, calls::google_seal(message));
    let details = reasoning::of_message(
        message.get("reasoning_details"),
        message.get("thinking_blocks"),
        message.text("reasoning_content").filter(|r| !r.is_empty()).or_else(|| message.text("reasoning")),
    );
    let details = calls::seal(&mut rest, details);
    let failed = node.at(&["error", "message"]).and_then(Node::as_str);
    Choice {
        blocks: reasoning::arrange(details, rest),
        finish: failed.map(|words| Finish::Error(words.to_owned())).or_else(|| choices::finish(node)),
        logprobs: choices::logprobs(node),
    }
}

/// `content`: a text, parts (Mistral, Databricks), or the parsed JSON of a structured answer (Cloudflare).
fn content(message: &Node<'_>, out: &mut Vec<Block>) {
    match message.get("content") {
        None => {}
        Some(Node::Text(text)) if text.is_empty() => {}
        Some(Node::Text(text)) => out.push(Block::text(text.to_string())),
        Some(Node::Array(parts)) => parts.iter().for_each(|part| content_part(part, out)),
        Some(other) => out.push(Block::text(other.to_text())),
    }
}

fn content_part(part: &Node<'_>, out: &mut Vec<Block>) {
    match part.text("type").unwrap_or("text") {
        "text" | "output_text" => {
            if let Some(text) = part.as_str().or_else(|| part.text("text")).filter(|t| !t.is_empty()) {
                out.push(Block::text(text));
            }
        }
        "refusal" => {
            if let Some(words) = part.text("refusal").filter(|t| !t.is_empty()) {
                out.push(Block::new(Content::Refusal(words.to_owned())));
            }
        }
        kind @ ("thinking" | "reasoning" | "redacted_thinking") => {
            out.extend(reasoning::of_content_part(part, kind).into_iter().map(reasoning::Detail::block));
        }
        _ => {}
    }
}

/// Citations stand on the first text, which nearly always is the only one.
fn add_citations(found: Vec<Citation>, out: &mut [Block]) {
    if let Some(Content::Text { citations, .. }) =
        out.iter_mut().map(|b| &mut b.content).find(|c| matches!(c, Content::Text { .. }))
    {
        citations.extend(found);
    }
}
