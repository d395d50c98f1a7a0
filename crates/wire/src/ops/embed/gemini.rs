//! Google's `embedContent` (one) and `batchEmbedContents` (a list); a list goes up either way.

use serde::Deserialize;
use tollgate_ir::{
    EmbedContent, EmbedInput, EmbedPart, EmbedReply, EmbedRequest, Fault, Losses, Media, MediaKind, MediaSource,
    Reason, VectorForm,
};

use super::vector::{Form, usage};
use super::{Reported, no_tokens, purpose, unsupported};
use crate::json::{ArrayWriter, Fields, Node, object};

/// Whether a body names no other model than this, which its path names, too.
pub(super) fn names_only(body: &[u8], model: &str) -> bool {
    let Some(node) = Node::read(body) else { return false };
    let own = model.strip_prefix("models/").unwrap_or(model);
    let mut named = node
        .get("requests")
        .map(Node::items)
        .unwrap_or_default()
        .iter()
        .chain(std::iter::once(&node))
        .filter_map(|request| request.text("model"));
    named.all(|name| name.strip_prefix("models/").unwrap_or(name) == own)
}

/// Reads a client's request: with `requests` a batch, else one.
pub(super) fn decode_request(node: Node<'_>, losses: &mut Losses) -> Result<EmbedRequest, Fault> {
    let mut fields = Fields::new(node, "")?;
    let Some(batch) = fields.array("requests")? else {
        let mut request = EmbedRequest { single: true, ..EmbedRequest::default() };
        one(fields, &mut request, losses)?;
        return Ok(request);
    };
    if batch.is_empty() {
        return Err(Fault::field("requests", "`requests` must hold at least one request."));
    }
    fields.ignore(&["model"]);
    fields.report_rest(losses);
    let mut all = EmbedRequest::default();
    for (i, each) in batch.into_iter().enumerate() {
        let mut request = EmbedRequest::default();
        one(Fields::new(each, format!("requests[{i}]"))?, &mut request, losses)?;
        let inputs = std::mem::take(&mut request.inputs);
        if i == 0 {
            all = request;
        } else if (request.purpose, request.dimensions) != (all.purpose, all.dimensions) {
            return Err(Fault::field(
                format!("requests[{i}]"),
                "All requests of a batch must have one `taskType` and one `outputDimensionality` for this target.",
            ));
        }
        all.inputs.extend(inputs);
    }
    Ok(all)
}

fn one(mut fields: Fields<'_>, request: &mut EmbedRequest, losses: &mut Losses) -> Result<(), Fault> {
    fields.ignore(&["model"]);
    let at = fields.path("content");
    let content = fields.object("content")?.ok_or_else(|| fields.missing("content"))?;
    request.inputs.push(EmbedInput { content: parts(content, losses)?, at });
    if let Some(mut config) = fields.object("embedContentConfig")? {
        read_settings(&mut config, request, losses)?;
        config.report_rest(losses);
    }
    read_settings(&mut fields, request, losses)?;
    fields.report_rest(losses);
    Ok(())
}

fn read_settings(fields: &mut Fields<'_>, request: &mut EmbedRequest, losses: &mut Losses) -> Result<(), Fault> {
    if let Some(Node::Text(word)) = fields.take_any(&["taskType", "task_type"]) {
        request.purpose = purpose::read(&word);
        if request.purpose.is_none() && word != "TASK_TYPE_UNSPECIFIED" {
            losses.path(fields.path("taskType"), Reason::Dropped);
        }
    }
    if let Some(n) = fields.take_any(&["outputDimensionality", "output_dimensionality"]) {
        let path = fields.path("outputDimensionality");
        request.dimensions = Some(n.as_u64().ok_or_else(|| crate::json::wrong(&path, "a whole number", &n))?);
    }
    if let Some(title) = fields.text("title")? {
        request.title = Some(title);
    }
    Ok(())
}

fn parts(mut content: Fields<'_>, losses: &mut Losses) -> Result<EmbedContent, Fault> {
    content.ignore(&["role"]);
    let at = content.path("parts");
    let nodes = match content.take("parts") {
        Some(Node::Array(nodes)) => nodes,
        Some(one @ Node::Object(_)) => vec![one],
        _ => return Err(content.missing("parts")),
    };
    content.report_rest(losses);
    let mut parts = Vec::new();
    for (i, node) in nodes.into_iter().enumerate() {
        let mut part = Fields::new(node, format!("{at}[{i}]"))?;
        if let Some(text) = part.text("text")? {
            parts.push(EmbedPart::Text(text));
        } else if let Some(media) = part.take_any(&["inlineData", "inline_data", "fileData", "file_data"]) {
            parts.push(EmbedPart::Media(media_of(&media, part.at())?));
        } else {
            return Err(Fault::field(part.at(), format!("`{}` must hold `text` or `inlineData`.", part.at())));
        }
        part.report_rest(losses);
    }
    if parts.iter().all(|part| matches!(part, EmbedPart::Text(_))) {
        let texts: Vec<String> =
            parts.into_iter().filter_map(|p| if let EmbedPart::Text(t) = p { Some(t) } else { None }).collect();
        return Ok(EmbedContent::Text(texts.join("\n")));
    }
    Ok(EmbedContent::Parts(parts))
}

fn media_of(node: &Node<'_>, at: &str) -> Result<Media, Fault> {
    let mime = node.text("mimeType").or_else(|| node.text("mime_type")).map(str::to_owned);
    let source = match (node.text("data"), node.text("fileUri").or_else(|| node.text("file_uri"))) {
        (Some(data), _) => MediaSource::Base64(data.to_owned()),
        (None, Some(uri)) => MediaSource::Url(uri.to_owned()),
        (None, None) => return Err(Fault::field(at, format!("`{at}` must hold `data` or `fileUri`."))),
    };
    let kind = mime.as_deref().map_or(MediaKind::Image, MediaKind::of_mime);
    Ok(Media { kind, mime, source, name: None, detail: None })
}

/// Writes a batch.
pub(super) fn encode_request(
    request: &EmbedRequest,
    inputs: &[EmbedInput],
    model: &str,
    losses: &mut Reported<'_>,
) -> Result<Vec<u8>, Fault> {
    losses.dropped(|s| s.user, request.user.is_some());
    losses.dropped(|s| s.truncate, request.truncate.is_some());
    super::forms_of(request, &[VectorForm::Float], losses);
    let name = format!("models/{}", model.strip_prefix("models/").unwrap_or(model));
    let mut out = Vec::new();
    object(&mut out, |o| {
        o.array("requests", |a| {
            inputs.iter().try_for_each(|input| {
                a.object(|o| {
                    o.text("model", &name);
                    o.object("content", |o| o.array("parts", |a| write_parts(a, input)))?;
                    o.opt_text("taskType", request.purpose.map(purpose::gemini));
                    o.opt_text("title", request.title.as_deref());
                    o.opt_uint("outputDimensionality", request.dimensions);
                    Ok(())
                })
            })
        })
    })
    .map(|()| out)
}

fn write_parts(a: &mut ArrayWriter<'_>, input: &EmbedInput) -> Result<(), Fault> {
    match &input.content {
        EmbedContent::Text(text) => a.object(|o| o.text("text", text)),
        EmbedContent::Tokens(_) => return Err(no_tokens(&input.at, "Google")),
        EmbedContent::Parts(parts) => {
            for part in parts {
                match part {
                    EmbedPart::Text(text) => a.object(|o| o.text("text", text)),
                    EmbedPart::Media(media) => match &media.source {
                        MediaSource::Base64(data) => a.object(|o| {
                            o.object("inlineData", |o| {
                                o.text("mimeType", media.mime.as_deref().unwrap_or("image/png"));
                                o.text("data", data);
                            });
                        }),
                        MediaSource::Url(url) => a.object(|o| {
                            o.object("fileData", |o| {
                                o.opt_text("mimeType", media.mime.as_deref());
                                o.text("fileUri", url);
                            });
                        }),
                        _ => return Err(unsupported(&input.at, "Send the bytes in base64.")),
                    },
                }
            }
        }
    }
    Ok(())
}

#[derive(Deserialize)]
struct Reply {
    #[serde(default)]
    embeddings: Vec<Values>,
    #[serde(default)]
    embedding: Option<Values>,
    #[serde(default, rename = "usageMetadata")]
    usage: Option<Counted>,
}

#[derive(Deserialize)]
pub(super) struct Values {
    #[serde(default)]
    pub(super) values: Vec<f64>,
}

#[derive(Deserialize)]
struct Counted {
    #[serde(default, rename = "promptTokenCount")]
    prompt: Option<u64>,
}

/// Reads a reply of either method.
pub(super) fn decode_reply(body: &[u8]) -> Result<EmbedReply, serde_json::Error> {
    let reply: Reply = serde_json::from_slice(body)?;
    let all = reply.embedding.into_iter().chain(reply.embeddings);
    let vector = |v: Values| tollgate_ir::Vector { float: Some(v.values), ..Default::default() };
    Ok(EmbedReply {
        vectors: all.map(vector).collect(),
        usage: usage(reply.usage.and_then(|u| u.prompt)),
        ..EmbedReply::default()
    })
}

/// Writes a reply of the method that was called.
pub(super) fn encode_reply(request: &EmbedRequest, reply: &EmbedReply) -> Vec<u8> {
    let mut out = Vec::with_capacity(reply.vectors.len() * 16 * 1024);
    object(&mut out, |o| {
        let values = |o: &mut crate::json::ObjectWriter<'_>, vector| {
            Form::of(vector, VectorForm::Float).write(o, "values", false);
        };
        match reply.vectors.as_slice() {
            [one] if request.single => o.object("embedding", |o| values(o, one)),
            all => o.array("embeddings", |a| all.iter().for_each(|v| a.object(|o| values(o, v)))),
        }
        if let Some(usage) = &reply.usage {
            o.object("usageMetadata", |o| o.uint("promptTokenCount", usage.input_total()));
        }
    });
    out
}
