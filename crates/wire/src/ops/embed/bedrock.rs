//! Amazon's Titan by Bedrock's `InvokeModel`: one input a request.

use serde::Deserialize;
use tollgate_ir::{
    EmbedContent, EmbedInput, EmbedPart, EmbedReply, EmbedRequest, Fault, Losses, MediaSource, Vector, VectorForm,
};

use super::openai::image_of;
use super::vector::{Form, floats, usage};
use super::{Reported, forms_of, no_tokens, unsupported};
use crate::json::{Fields, Node, ObjectWriter, object};

/// Reads a client's request.
pub(super) fn decode_request(node: Node<'_>, losses: &mut Losses) -> Result<EmbedRequest, Fault> {
    let mut fields = Fields::new(node, "")?;
    let mut parts = Vec::new();
    let text = fields.text("inputText")?;
    let image = fields.text("inputImage")?;
    let (at, content) = match (text, image) {
        (Some(text), None) => ("inputText", EmbedContent::Text(text)),
        (text, Some(image)) => {
            parts.extend(text.map(EmbedPart::Text));
            parts.push(EmbedPart::Media(image_of(&image, "inputImage")?));
            ("inputImage", EmbedContent::Parts(parts))
        }
        (None, None) => return Err(fields.missing("inputText")),
    };
    let mut request = EmbedRequest { single: true, ..EmbedRequest::default() };
    request.inputs.push(EmbedInput { at: at.to_owned(), content });
    request.dimensions = fields.uint("dimensions")?;
    if let Some(mut config) = fields.object("embeddingConfig")? {
        request.dimensions = config.uint("outputEmbeddingLength")?.or(request.dimensions);
        config.report_rest(losses);
    }
    request.normalize = fields.boolean("normalize")?;
    for form in fields.array("embeddingTypes")?.unwrap_or_default() {
        match form.as_str() {
            Some("binary") => request.forms.push(VectorForm::Ubinary),
            Some("float") => request.forms.push(VectorForm::Float),
            _ => return Err(Fault::field("embeddingTypes", "`embeddingTypes` may hold float and binary.")),
        }
    }
    fields.report_rest(losses);
    Ok(request)
}

/// Writes a request. Only version 2 takes dimensions and normalisation, only the model for pictures pictures.
pub(super) fn encode_request(
    request: &EmbedRequest,
    inputs: &[EmbedInput],
    model: &str,
    losses: &mut Reported<'_>,
) -> Result<Vec<u8>, Fault> {
    losses.dropped(|s| s.purpose, request.purpose.is_some());
    losses.dropped(|s| s.truncate, request.truncate.is_some());
    losses.dropped(|s| s.title, request.title.is_some());
    losses.dropped(|s| s.user, request.user.is_some());
    forms_of(request, &[VectorForm::Float, VectorForm::Binary, VectorForm::Ubinary], losses);
    let (v2, sees) = (model.contains("embed-text-v2"), model.contains("embed-image"));
    losses.dropped(|s| s.dimensions, request.dimensions.is_some() && !v2 && !sees);
    let [input] = inputs else { return Err(unsupported("input", "Titan takes one input at a time.")) };
    let mut out = Vec::new();
    object(&mut out, |o| {
        match &input.content {
            EmbedContent::Text(text) => o.text("inputText", text),
            EmbedContent::Tokens(_) => return Err(no_tokens(&input.at, "Titan")),
            EmbedContent::Parts(parts) => write_parts(o, parts, &input.at)?,
        }
        if v2 {
            o.opt_uint("dimensions", request.dimensions);
            o.opt_boolean("normalize", request.normalize);
        } else if let (true, Some(n)) = (sees, request.dimensions) {
            o.object("embeddingConfig", |o| o.uint("outputEmbeddingLength", n));
        }
        Ok(())
    })
    .map(|()| out)
}

fn write_parts(o: &mut ObjectWriter<'_>, parts: &[EmbedPart], at: &str) -> Result<(), Fault> {
    let texts: Vec<&str> =
        parts.iter().filter_map(|p| if let EmbedPart::Text(t) = p { Some(t.as_str()) } else { None }).collect();
    if !texts.is_empty() {
        o.text("inputText", &texts.join("\n"));
    }
    let mut media = parts.iter().filter_map(|p| if let EmbedPart::Media(m) = p { Some(m) } else { None });
    match (media.next(), media.next()) {
        (None, _) => Ok(()),
        (Some(one), None) => match &one.source {
            MediaSource::Base64(data) => {
                o.text("inputImage", data);
                Ok(())
            }
            _ => Err(unsupported(at, "Send the picture's bytes in base64.")),
        },
        _ => Err(unsupported(at, "Titan takes one picture at a time.")),
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Reply {
    #[serde(default)]
    embedding: Option<Vec<f64>>,
    #[serde(default)]
    embeddings_by_type: Option<ByType>,
    #[serde(default)]
    input_text_token_count: Option<u64>,
}

#[derive(Deserialize)]
struct ByType {
    #[serde(default)]
    float: Option<Vec<f64>>,
}

/// Reads a reply.
pub(super) fn decode_reply(body: &[u8]) -> Result<EmbedReply, serde_json::Error> {
    let reply: Reply = serde_json::from_slice(body)?;
    let float = reply.embedding.or_else(|| reply.embeddings_by_type.and_then(|b| b.float));
    let vectors = float.map(|float| Vector { float: Some(float), ..Vector::default() });
    Ok(EmbedReply {
        vectors: vectors.into_iter().collect(),
        usage: usage(reply.input_text_token_count),
        ..EmbedReply::default()
    })
}

/// Writes a reply. Titan's binary form is a list of bits.
pub(super) fn encode_reply(request: &EmbedRequest, reply: &EmbedReply) -> Vec<u8> {
    let empty = Vector::default();
    let vector = reply.vectors.first().unwrap_or(&empty);
    let mut out = Vec::new();
    object(&mut out, |o| {
        Form::of(vector, VectorForm::Float).write(o, "embedding", false);
        if !request.forms.is_empty() {
            o.object("embeddingsByType", |o| {
                for form in &request.forms {
                    match form {
                        VectorForm::Ubinary => o.array("binary", |a| {
                            floats(vector).iter().for_each(|n| a.uint(u64::from(*n > 0.0)));
                        }),
                        _ => Form::of(vector, VectorForm::Float).write(o, "float", false),
                    }
                }
            });
        }
        o.opt_uint("inputTextTokenCount", reply.usage.as_ref().map(tollgate_ir::Usage::input_total));
    });
    out
}
