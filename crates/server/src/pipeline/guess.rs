//! Which dialect a body speaks, where nothing but the body tells: by members that no other dialect has.

use tollgate_ir::Dialect;
use tollgate_wire::json::{Envelope, Node};

/// Members at the top that only one dialect has.
const OWN: &[(&str, Dialect)] = &[
    ("contents", Dialect::Gemini),
    ("generationConfig", Dialect::Gemini),
    ("inferenceConfig", Dialect::Bedrock),
    ("toolConfig", Dialect::Bedrock),
    ("additionalModelRequestFields", Dialect::Bedrock),
    ("input", Dialect::OpenAiResponses),
    ("previous_response_id", Dialect::OpenAiResponses),
    ("anthropic_version", Dialect::Anthropic),
    ("system", Dialect::Anthropic),
    ("stop_sequences", Dialect::Anthropic),
    ("options", Dialect::Ollama),
    ("keep_alive", Dialect::Ollama),
    ("safety_mode", Dialect::Cohere),
    ("citation_options", Dialect::Cohere),
];

/// The dialect of a chat's body; OpenAI's where nothing says otherwise, which most providers speak.
pub fn dialect(body: &[u8], envelope: &Envelope) -> Dialect {
    if let Some((_, dialect)) = OWN.iter().find(|(key, _)| envelope.member(key).is_some()) {
        return *dialect;
    }
    let tools = envelope.node(body, "tools");
    if tools.iter().flat_map(Node::items).any(|tool| tool.get("input_schema").is_some()) {
        return Dialect::Anthropic;
    }
    let messages = envelope.node(body, "messages");
    let mut blocks = messages.iter().flat_map(Node::items).filter_map(|m| m.get("content")).flat_map(Node::items);
    let Some(block) = blocks.next() else { return Dialect::OpenAiChat };
    match (block.get("type"), block.text("type")) {
        (None, _) if block.as_str().is_none() => Dialect::Bedrock,
        (_, Some("tool_use" | "tool_result" | "image" | "document" | "thinking")) => Dialect::Anthropic,
        _ => Dialect::OpenAiChat,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_dialect_is_known_by_its_own_words() {
        for (body, expected) in [
            (r#"{"model":"m","messages":[{"role":"user","content":"Hi"}]}"#, Dialect::OpenAiChat),
            (
                r#"{"model":"m","messages":[{"role":"user","content":[{"type":"text","text":"Hi"}]}]}"#,
                Dialect::OpenAiChat,
            ),
            (r#"{"model":"m","messages":[{"role":"user","content":[{"text":"Hi"}]}]}"#, Dialect::Bedrock),
            (r#"{"model":"m","messages":[{"role":"user","content":[{"type":"image"}]}]}"#, Dialect::Anthropic),
            (r#"{"model":"m","max_tokens":9,"system":"be brief","messages":[]}"#, Dialect::Anthropic),
            (r#"{"model":"m","messages":[],"tools":[{"name":"f","input_schema":{}}]}"#, Dialect::Anthropic),
            (r#"{"model":"m","input":"Hi"}"#, Dialect::OpenAiResponses),
            (r#"{"contents":[{"parts":[{"text":"Hi"}]}]}"#, Dialect::Gemini),
            (r#"{"model":"m","messages":[],"options":{"num_ctx":9}}"#, Dialect::Ollama),
            (r#"{"model":"m","messages":[],"safety_mode":"NONE"}"#, Dialect::Cohere),
        ] {
            let envelope = Envelope::scan(body.as_bytes()).unwrap();
            assert_eq!(dialect(body.as_bytes(), &envelope), expected, "{body}");
        }
    }
}
