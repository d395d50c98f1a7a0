//! Token counting. Its requests hold a chat request, wrapped or cut down, so the chat codecs do the work; its replies are
//! one number. What each dialect does is one row of [`FORMS`].

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tollgate_ir::{Dialect, Fault, FaultKind, Losses, Request};

use crate::codec;
use crate::json::{Node, Object, ObjectWriter, object};
use crate::target::RequestHead;

/// How a dialect counts.
struct Form {
    dialect: Dialect,
    /// Fields of a chat request that a count request may have; others are refused with 400.
    keeps: &'static [&'static str],
    /// Where the chat request stands in a client's body.
    unwrap: for<'a> fn(Node<'a>) -> Result<Inner<'a>, Fault>,
    /// Writes the cut-down chat request for a model into the body.
    wrap: fn(&mut ObjectWriter<'_>, &Node<'_>, &str),
    /// The number's name in the reply.
    number: &'static str,
    /// The reply's `object`.
    object: Option<&'static str>,
}

/// A chat request within a client's count request.
struct Inner<'a> {
    /// Mostly the face's own; Bedrock also counts requests in its models' own protocols.
    dialect: Dialect,
    body: Cow<'a, [u8]>,
    /// What stands before its paths in the client's body.
    at: &'static str,
}

/// All dialects that count: Anthropic, “Count tokens in a Message”; Google, `models.countTokens`; AWS, `CountTokens`;
/// OpenAI, “Get input token counts”. Chat and Cohere do not.
const FORMS: &[Form] = &[
    Form {
        dialect: Dialect::Anthropic,
        keeps: &["model", "messages", "system", "tools", "tool_choice", "thinking", "output_config", "cache_control"],
        unwrap: |node| Ok(Inner::whole(Dialect::Anthropic, &node)),
        wrap: |o, chat, _| spread(o, chat),
        number: "input_tokens",
        object: None,
    },
    Form {
        dialect: Dialect::Gemini,
        keeps: &["contents", "systemInstruction", "tools", "toolConfig", "generationConfig"],
        unwrap: gemini_inner,
        wrap: gemini_wrap,
        number: "totalTokens",
        object: None,
    },
    Form {
        dialect: Dialect::Bedrock,
        keeps: &["messages", "system", "toolConfig", "additionalModelRequestFields"],
        unwrap: bedrock_inner,
        wrap: |o, chat, _| o.object("input", |o| o.node("converse", chat)),
        number: "inputTokens",
        object: None,
    },
    Form {
        dialect: Dialect::OpenAiResponses,
        keeps: &[
            "model",
            "input",
            "instructions",
            "tools",
            "tool_choice",
            "parallel_tool_calls",
            "reasoning",
            "text",
            "truncation",
            "conversation",
            "previous_response_id",
        ],
        unwrap: |node| Ok(Inner::whole(Dialect::OpenAiResponses, &node)),
        wrap: |o, chat, _| spread(o, chat),
        number: "input_tokens",
        object: Some("response.input_tokens"),
    },
];

fn form(dialect: Dialect) -> Option<&'static Form> {
    FORMS.iter().find(|form| form.dialect == dialect)
}

/// Reads a client's count request as the chat request that it counts.
pub fn decode_request(
    face: Dialect,
    body: &[u8],
    head: &RequestHead<'_>,
    losses: &mut Losses,
) -> Result<Request, Fault> {
    let form = form(face).ok_or_else(|| {
        Fault::new(FaultKind::NotServedHere, "This protocol has no token counting; use another one's endpoint.")
    })?;
    let inner = (form.unwrap)(Node::parse(body)?)?;
    if inner.at.is_empty() {
        return codec::decode_request(inner.dialect, &inner.body, head, losses);
    }
    let path = |path: &str| if path.is_empty() { inner.at.to_owned() } else { format!("{}.{path}", inner.at) };
    let mut found = Losses::new(codec::path_of(inner.dialect));
    let request = codec::decode_request(inner.dialect, &inner.body, head, &mut found).map_err(|mut fault| {
        fault.param = fault.param.as_deref().map(path);
        fault
    })?;
    found.all().iter().for_each(|loss| losses.path(path(&loss.path), loss.reason));
    Ok(request)
}

/// An encoded chat request as the upstream's count request for a model; as it is where the upstream counts none.
pub fn wrap_request(upstream: Dialect, model: &str, body: &[u8]) -> Vec<u8> {
    let (Some(form), Some(Node::Object(Object(mut fields)))) = (form(upstream), Node::read(body)) else {
        return body.to_vec();
    };
    fields.retain(|(key, _)| form.keeps.contains(&key.as_ref()));
    let mut out = Vec::new();
    object(&mut out, |o| (form.wrap)(o, &Node::Object(Object(fields)), model));
    out
}

/// Reads an upstream's count.
pub fn decode_reply(upstream: Dialect, body: &[u8]) -> Result<u64, Fault> {
    let number = form(upstream).map_or("input_tokens", |form| form.number);
    let node = Node::read(body);
    node.as_ref().and_then(|node| node.uint(number)).ok_or_else(|| {
        Fault::new(FaultKind::ProviderGarbage, "The provider's token count cannot be read.")
            .detail(format!("no number `{number}`"))
    })
}

/// Writes a count for a client.
pub fn encode_reply(face: Dialect, tokens: u64) -> Vec<u8> {
    let form = form(face);
    let mut out = Vec::new();
    object(&mut out, |o| {
        o.opt_text("object", form.and_then(|form| form.object));
        o.uint(form.map_or("input_tokens", |form| form.number), tokens);
    });
    out
}

impl Inner<'_> {
    /// The body itself.
    fn whole(dialect: Dialect, node: &Node<'_>) -> Self {
        Self::part(dialect, node, "")
    }

    fn part(dialect: Dialect, node: &Node<'_>, at: &'static str) -> Self {
        Self { dialect, body: Cow::Owned(node.to_text().into_bytes()), at }
    }
}

fn spread(o: &mut ObjectWriter<'_>, chat: &Node<'_>) {
    chat.entries().iter().for_each(|(key, value)| o.node(key, value));
}

/// Either a chat request under a name of its own, or (and on Vertex always) its fields at the top.
fn gemini_inner(node: Node<'_>) -> Result<Inner<'_>, Fault> {
    Ok(match node.get("generateContentRequest").or_else(|| node.get("generate_content_request")) {
        Some(chat) => Inner::part(Dialect::Gemini, chat, "generateContentRequest"),
        None => Inner::whole(Dialect::Gemini, &node),
    })
}

/// Contents alone stand at the top, which every host of Gemini takes; what else there is has a place only in the wrapped
/// form of Google's own API.
fn gemini_wrap(o: &mut ObjectWriter<'_>, chat: &Node<'_>, model: &str) {
    if let [(key, contents)] = chat.entries()
        && key == "contents"
    {
        return o.node("contents", contents);
    }
    o.object("generateContentRequest", |o| {
        let name = if model.contains('/') { model.to_owned() } else { format!("models/{model}") };
        o.text("model", &name);
        spread(o, chat);
    });
}

/// A Converse request, or the base64 of a body for `InvokeModel`, which for Claude is a Messages request.
fn bedrock_inner(node: Node<'_>) -> Result<Inner<'_>, Fault> {
    if let Some(chat) = node.at(&["input", "converse"]) {
        return Ok(Inner::part(Dialect::Bedrock, chat, "input.converse"));
    }
    let path = "input.invokeModel.body";
    let Some(body) = node.at(&["input", "invokeModel", "body"]) else {
        return Err(Fault::field("input", "`input` must hold `converse` or `invokeModel`."));
    };
    let body = body
        .as_str()
        .and_then(|text| STANDARD.decode(text).ok())
        .ok_or_else(|| Fault::field(path, format!("`{path}` must be a JSON body in base64.")))?;
    Ok(Inner { dialect: Dialect::Anthropic, body: Cow::Owned(body), at: path })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The same words, counted over each dialect's endpoint.
    const ASKED: [(Dialect, &str); 6] = [
        (Dialect::Anthropic, r#"{"model":"m","messages":[{"role":"user","content":"How many?"}]}"#),
        (Dialect::Gemini, r#"{"contents":[{"role":"user","parts":[{"text":"How many?"}]}]}"#),
        (
            Dialect::Gemini,
            r#"{"generateContentRequest":{"model":"models/m","contents":[{"role":"user","parts":[{"text":"How many?"}]}]}}"#,
        ),
        (Dialect::Bedrock, r#"{"input":{"converse":{"messages":[{"role":"user","content":[{"text":"How many?"}]}]}}}"#),
        (
            Dialect::Bedrock,
            r#"{"input":{"invokeModel":{"body":"eyJtZXNzYWdlcyI6W3sicm9sZSI6InVzZXIiLCJjb250ZW50IjoiSG93IG1hbnk/In1dfQ=="}}}"#,
        ),
        (Dialect::OpenAiResponses, r#"{"model":"m","input":"How many?"}"#),
    ];

    #[test]
    fn tr27_every_counting_dialect_is_read_as_the_chat_it_counts() {
        for (face, body) in ASKED {
            let mut losses = Losses::new(codec::path_of(face));
            let head = RequestHead { model: Some("m"), stream: Some(false) };
            let request = decode_request(face, body.as_bytes(), &head, &mut losses)
                .unwrap_or_else(|fault| panic!("{face} {body}: {fault}"));
            let words: Vec<_> = request.turns.iter().flat_map(|t| &t.blocks).filter_map(|b| b.as_text()).collect();
            assert_eq!(words, ["How many?"], "{face} {body}");
        }
    }

    #[test]
    fn a_path_within_a_wrapper_is_a_path_in_the_clients_body() {
        let body = r#"{"input":{"converse":{"messages":7}}}"#;
        let mut losses = Losses::new(codec::path_of(Dialect::Bedrock));
        let head = RequestHead { model: Some("m"), stream: None };
        let fault = decode_request(Dialect::Bedrock, body.as_bytes(), &head, &mut losses).unwrap_err();
        assert_eq!(fault.param.as_deref(), Some("input.converse.messages"));
    }

    #[test]
    fn a_count_request_has_only_what_is_counted() {
        let table = [
            (
                Dialect::Anthropic,
                r#"{"model":"m","max_tokens":9,"temperature":1,"messages":[],"stream":true}"#,
                r#"{"model":"m","messages":[]}"#,
            ),
            (Dialect::Gemini, r#"{"contents":[1]}"#, r#"{"contents":[1]}"#),
            (
                Dialect::Gemini,
                r#"{"contents":[1],"safetySettings":[],"tools":[2]}"#,
                r#"{"generateContentRequest":{"model":"models/m","contents":[1],"tools":[2]}}"#,
            ),
            (
                Dialect::Bedrock,
                r#"{"messages":[1],"inferenceConfig":{"maxTokens":1}}"#,
                r#"{"input":{"converse":{"messages":[1]}}}"#,
            ),
            (
                Dialect::OpenAiResponses,
                r#"{"model":"m","input":[],"store":false,"max_output_tokens":9}"#,
                r#"{"model":"m","input":[]}"#,
            ),
            (Dialect::Cohere, r#"{"model":"m"}"#, r#"{"model":"m"}"#),
        ];
        for (upstream, chat, wanted) in table {
            let wrapped = wrap_request(upstream, "m", chat.as_bytes());
            assert_eq!(String::from_utf8(wrapped).unwrap(), wanted, "{upstream}");
        }
    }

    #[test]
    fn a_count_is_read_as_it_is_written() {
        for dialect in Dialect::ALL {
            let written = encode_reply(dialect, 2048);
            assert_eq!(decode_reply(dialect, &written).unwrap(), 2048, "{dialect}");
            assert!(decode_reply(dialect, br#"{"count":1}"#).is_err());
        }
        let written = encode_reply(Dialect::OpenAiResponses, 1);
        assert_eq!(written, br#"{"object":"response.input_tokens","input_tokens":1}"#);
    }
}
