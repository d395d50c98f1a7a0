//! Ollama's `/api/embed`, and the older `/api/embeddings`.

use std::borrow::Cow;

use serde::Deserialize;
use tollgate_ir::{EmbedContent, EmbedInput, EmbedReply, EmbedRequest, Fault, Losses, Truncate, Vector, VectorForm};

use super::vector::{Form, usage};
use super::{Context, Reported, forms_of, texts};
use crate::json::{Fields, Node, object, wrong};

/// Reads a client's request.
pub(super) fn decode_request(node: Node<'_>, losses: &mut Losses) -> Result<EmbedRequest, Fault> {
    let mut fields = Fields::new(node, "")?;
    fields.ignore(&["model", "keep_alive"]);
    let mut request = EmbedRequest::default();
    match fields.take("input").ok_or_else(|| fields.missing("input"))? {
        Node::Text(text) => {
            request.single = true;
            request.inputs.push(EmbedInput { at: "input".to_owned(), content: EmbedContent::Text(text.into_owned()) });
        }
        Node::Array(items) => {
            for (i, item) in items.into_iter().enumerate() {
                let at = format!("input[{i}]");
                let Node::Text(text) = item else { return Err(wrong(&at, "a string", &item)) };
                request.inputs.push(EmbedInput { at, content: EmbedContent::Text(text.into_owned()) });
            }
        }
        other => return Err(wrong("input", "a text or a list of texts", &other)),
    }
    request.dimensions = fields.uint("dimensions")?;
    let cut = fields.boolean("truncate")?;
    request.truncate = cut.map(|cut| if cut { Truncate::End } else { Truncate::Never });
    fields.report_rest(losses);
    Ok(request)
}

/// Reads a client's request of the older kind.
pub(super) fn decode_prompt(node: Node<'_>, losses: &mut Losses) -> Result<EmbedRequest, Fault> {
    let mut fields = Fields::new(node, "")?;
    fields.ignore(&["model", "keep_alive"]);
    let prompt = match fields.take("prompt").ok_or_else(|| fields.missing("prompt"))? {
        Node::Text(text) => EmbedContent::Text(text.into_owned()),
        other => return Err(wrong("prompt", "a string", &other)),
    };
    fields.report_rest(losses);
    let input = EmbedInput { at: "prompt".to_owned(), content: prompt };
    Ok(EmbedRequest { single: true, inputs: vec![input], ..EmbedRequest::default() })
}

/// Writes a request of the older kind.
pub(super) fn encode_prompt(
    request: &EmbedRequest,
    inputs: &[EmbedInput],
    model: &str,
    losses: &mut Reported<'_>,
) -> Result<Vec<u8>, Fault> {
    losses.rarely_known(request);
    losses.dropped(|s| s.purpose, request.purpose.is_some());
    losses.dropped(|s| s.dimensions, request.dimensions.is_some());
    losses.dropped(|s| s.truncate, request.truncate.is_some());
    forms_of(request, &[VectorForm::Float], losses);
    let texts = texts(inputs, "Ollama")?;
    let mut out = Vec::new();
    object(&mut out, |o| {
        o.text("model", model);
        o.text("prompt", texts.first().copied().unwrap_or_default());
    });
    Ok(out)
}

/// Writes a request.
pub(super) fn encode_request(
    request: &EmbedRequest,
    inputs: &[EmbedInput],
    model: &str,
    losses: &mut Reported<'_>,
) -> Result<Vec<u8>, Fault> {
    losses.rarely_known(request);
    losses.dropped(|s| s.purpose, request.purpose.is_some());
    forms_of(request, &[VectorForm::Float], losses);
    let texts = texts(inputs, "Ollama")?;
    let mut out = Vec::new();
    object(&mut out, |o| {
        o.text("model", model);
        match texts.as_slice() {
            [one] if request.single => o.text("input", one),
            all => o.array("input", |a| all.iter().for_each(|text| a.text(text))),
        }
        o.opt_uint("dimensions", request.dimensions);
        o.opt_boolean("truncate", request.truncate.map(|t| t != Truncate::Never));
    });
    Ok(out)
}

#[derive(Deserialize)]
struct Reply<'a> {
    #[serde(borrow, default)]
    model: Option<Cow<'a, str>>,
    embeddings: Vec<Vec<f64>>,
    #[serde(default)]
    prompt_eval_count: Option<u64>,
}

/// Reads a reply.
pub(super) fn decode_reply(body: &[u8]) -> Result<EmbedReply, serde_json::Error> {
    let reply: Reply<'_> = serde_json::from_slice(body)?;
    let vector = |float| Vector { float: Some(float), ..Vector::default() };
    Ok(EmbedReply {
        id: None,
        model: reply.model.map(Cow::into_owned),
        vectors: reply.embeddings.into_iter().map(vector).collect(),
        usage: usage(reply.prompt_eval_count),
    })
}

#[derive(Deserialize)]
struct One {
    embedding: Vec<f64>,
}

/// Reads a reply of the older kind.
pub(super) fn decode_one(body: &[u8]) -> Result<EmbedReply, serde_json::Error> {
    let one: One = serde_json::from_slice(body)?;
    let vectors = vec![Vector { float: Some(one.embedding), ..Vector::default() }];
    Ok(EmbedReply { id: None, model: None, vectors, usage: None })
}

/// Writes a reply of the older kind.
pub(super) fn encode_one(reply: &EmbedReply) -> Vec<u8> {
    let mut out = Vec::new();
    object(&mut out, |o| match reply.vectors.first() {
        Some(vector) => Form::of(vector, VectorForm::Float).write(o, "embedding", false),
        None => o.array("embedding", |_| {}),
    });
    out
}

/// Writes a reply.
pub(super) fn encode_reply(reply: &EmbedReply, context: &Context) -> Vec<u8> {
    let mut out = Vec::new();
    object(&mut out, |o| {
        o.text("model", reply.model.as_deref().unwrap_or(&context.model));
        o.array("embeddings", |a| {
            reply.vectors.iter().for_each(|v| Form::of(v, VectorForm::Float).write_item(a, false));
        });
        o.opt_uint("prompt_eval_count", reply.usage.as_ref().map(tollgate_ir::Usage::input_total));
    });
    out
}
