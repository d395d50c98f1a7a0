//! Vertex's `predict`: instances in, predictions out. Google's embedding models of texts, and the one for pictures.

use serde::Deserialize;
use tollgate_ir::{
    EmbedContent, EmbedInput, EmbedPart, EmbedReply, EmbedRequest, Fault, Losses, MediaSource, Truncate, Vector,
    VectorForm,
};

use super::gemini::Values;
use super::vector::{Form, usage};
use super::{Reported, forms_of, purpose, text, unsupported};
use crate::json::{Fields, Node, object};

/// Reads a client's request.
pub(super) fn decode_request(node: Node<'_>, losses: &mut Losses) -> Result<EmbedRequest, Fault> {
    let mut fields = Fields::new(node, "")?;
    let instances = fields.array("instances")?.ok_or_else(|| fields.missing("instances"))?;
    let mut request = EmbedRequest::default();
    for (i, instance) in instances.into_iter().enumerate() {
        let mut each = Fields::new(instance, format!("instances[{i}]"))?;
        let at = each.path("content");
        let content = EmbedContent::Text(each.required_text("content")?);
        request.inputs.push(EmbedInput { at, content });
        if let Some(Node::Text(word)) = each.take_any(&["task_type", "taskType"]) {
            request.purpose = purpose::read(&word);
        }
        request.title = each.text("title")?.or(request.title);
        each.report_rest(losses);
    }
    if request.inputs.is_empty() {
        return Err(Fault::field("instances", "`instances` must hold at least one instance."));
    }
    if let Some(mut parameters) = fields.object("parameters")? {
        request.dimensions = parameters.uint("outputDimensionality")?;
        let cut = parameters.boolean("autoTruncate")?;
        request.truncate = cut.map(|cut| if cut { Truncate::End } else { Truncate::Never });
        parameters.report_rest(losses);
    }
    fields.report_rest(losses);
    Ok(request)
}

/// Writes a request.
pub(super) fn encode_request(
    request: &EmbedRequest,
    inputs: &[EmbedInput],
    losses: &mut Reported<'_>,
) -> Result<Vec<u8>, Fault> {
    losses.dropped(|s| s.user, request.user.is_some());
    forms_of(request, &[VectorForm::Float], losses);
    let mut out = Vec::new();
    object(&mut out, |o| {
        o.array("instances", |a| {
            for input in inputs {
                if let EmbedContent::Parts(parts) = &input.content {
                    picture_instance(a, parts, &input.at)?;
                    continue;
                }
                let content = text(input, "Vertex")?;
                a.object(|o| {
                    o.text("content", content);
                    o.opt_text("task_type", request.purpose.map(purpose::gemini));
                    o.opt_text("title", request.title.as_deref());
                });
            }
            Ok::<_, Fault>(())
        })?;
        if request.dimensions.is_some() || request.truncate.is_some() {
            o.object("parameters", |o| {
                o.opt_uint("outputDimensionality", request.dimensions);
                o.opt_boolean("autoTruncate", request.truncate.map(|t| t != Truncate::Never));
            });
        }
        Ok(())
    })
    .map(|()| out)
}

/// An instance of the multimodal model: a text or a picture, each with a vector of its own.
fn picture_instance(a: &mut crate::json::ArrayWriter<'_>, parts: &[EmbedPart], at: &str) -> Result<(), Fault> {
    match parts {
        [EmbedPart::Media(media)] => match &media.source {
            MediaSource::Base64(data) => a.object(|o| o.object("image", |o| o.text("bytesBase64Encoded", data))),
            MediaSource::Url(url) if url.starts_with("gs://") => {
                a.object(|o| o.object("image", |o| o.text("gcsUri", url)));
            }
            _ => return Err(unsupported(at, "Send the picture's bytes in base64.")),
        },
        [EmbedPart::Text(text)] => a.object(|o| o.text("text", text)),
        _ => return Err(unsupported(at, "There text and pictures have vectors of their own.")),
    }
    Ok(())
}

#[derive(Deserialize)]
struct Reply {
    predictions: Vec<Prediction>,
}

#[derive(Deserialize)]
struct Prediction {
    #[serde(default)]
    embeddings: Option<Counted>,
    #[serde(default, rename = "textEmbedding")]
    text: Option<Vec<f64>>,
    #[serde(default, rename = "imageEmbedding")]
    image: Option<Vec<f64>>,
}

#[derive(Deserialize)]
struct Counted {
    #[serde(flatten)]
    values: Values,
    #[serde(default)]
    statistics: Option<Statistics>,
}

#[derive(Deserialize)]
struct Statistics {
    #[serde(default)]
    token_count: Option<f64>,
}

/// Reads a reply.
pub(super) fn decode_reply(body: &[u8]) -> Result<EmbedReply, serde_json::Error> {
    let reply: Reply = serde_json::from_slice(body)?;
    let mut tokens = None;
    let vectors = reply.predictions.into_iter().map(|p| {
        let counted = p.embeddings.as_ref().and_then(|e| e.statistics.as_ref()?.token_count);
        if let Some(count) = counted.filter(|count| *count >= 0.0) {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count, not negative")]
            let count = count as u64;
            tokens = Some(tokens.unwrap_or(0) + count);
        }
        let float = p.embeddings.map(|e| e.values.values).or(p.image).or(p.text);
        Vector { float, ..Vector::default() }
    });
    let vectors = vectors.collect();
    Ok(EmbedReply { vectors, usage: usage(tokens), ..EmbedReply::default() })
}

/// Writes a reply.
pub(super) fn encode_reply(reply: &EmbedReply) -> Vec<u8> {
    let mut out = Vec::new();
    object(&mut out, |o| {
        o.array("predictions", |a| {
            for vector in &reply.vectors {
                a.object(|o| {
                    o.object("embeddings", |o| Form::of(vector, VectorForm::Float).write(o, "values", false));
                });
            }
        });
    });
    out
}
