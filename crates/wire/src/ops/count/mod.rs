//! Token counting. Its requests hold a chat request, wrapped or cut down, so the chat codecs do the work; its replies are
//! one number. What each dialect makes of a client's request is one row of [`FORMS`], what a provider's counter takes one
//! [`Counter`].

mod counter;

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tollgate_ir::{Dialect, Fault, FaultKind, Losses, Request};

pub use self::counter::{Counter, KIMI, VERTEX_GEMINI, VLLM, ZHIPU};
use crate::codec;
use crate::json::{Node, object};
use crate::target::RequestHead;

/// How a dialect's clients ask for a count.
struct Form {
    dialect: Dialect,
    /// Where the chat request stands in a client's body.
    unwrap: for<'a> fn(Node<'a>) -> Result<Inner<'a>, Fault>,
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
/// OpenAI, “Get input token counts”. Chat, Cohere (whose `/v1/tokenize` cuts a text) and Ollama do not.
const FORMS: &[Form] = &[
    Form {
        dialect: Dialect::Anthropic,
        unwrap: |node| Ok(Inner::whole(Dialect::Anthropic, &node)),
        number: "input_tokens",
        object: None,
    },
    Form { dialect: Dialect::Gemini, unwrap: gemini_inner, number: "totalTokens", object: None },
    Form { dialect: Dialect::Bedrock, unwrap: bedrock_inner, number: "inputTokens", object: None },
    Form {
        dialect: Dialect::OpenAiResponses,
        unwrap: |node| Ok(Inner::whole(Dialect::OpenAiResponses, &node)),
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

/// Either a chat request under a name of its own, or (and on Vertex always) its fields at the top.
fn gemini_inner(node: Node<'_>) -> Result<Inner<'_>, Fault> {
    Ok(match node.get("generateContentRequest").or_else(|| node.get("generate_content_request")) {
        Some(chat) => Inner::part(Dialect::Gemini, chat, "generateContentRequest"),
        None => Inner::whole(Dialect::Gemini, &node),
    })
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
            let head = RequestHead { model: Some("m"), stream: Some(false), is_scanned: false };
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
        let head = RequestHead { model: Some("m"), stream: None, is_scanned: false };
        let fault = decode_request(Dialect::Bedrock, body.as_bytes(), &head, &mut losses).unwrap_err();
        assert_eq!(fault.param.as_deref(), Some("input.converse.messages"));
    }

    #[test]
    fn a_count_is_written_in_the_clients_words() {
        for (face, wanted) in [
            (Dialect::Anthropic, r#"{"input_tokens":2048}"#),
            (Dialect::Gemini, r#"{"totalTokens":2048}"#),
            (Dialect::Bedrock, r#"{"inputTokens":2048}"#),
            (Dialect::OpenAiResponses, r#"{"object":"response.input_tokens","input_tokens":2048}"#),
        ] {
            assert_eq!(String::from_utf8(encode_reply(face, 2048)).unwrap(), wanted, "{face}");
        }
    }
}
