//! Cohere's embed, versions 1 and 2, and the same body on Bedrock.

use std::borrow::Cow;

use serde::Deserialize;
use tollgate_ir::{
    EmbedContent, EmbedInput, EmbedPart, EmbedReply, EmbedRequest, Fault, Losses, Purpose, Reason, Truncate, Vector,
    VectorForm,
};

use super::openai::image_of;
use super::vector::{Form, Numbers, merge, usage};
use super::{Context, Protocol, Reported, forms_of, no_tokens, picture, purpose, unsupported};
use crate::json::{Fields, Node, ObjectWriter, object};

const FORMS: [(VectorForm, &str); 6] = [
    (VectorForm::Float, "float"),
    (VectorForm::Int8, "int8"),
    (VectorForm::Uint8, "uint8"),
    (VectorForm::Binary, "binary"),
    (VectorForm::Ubinary, "ubinary"),
    (VectorForm::Base64, "base64"),
];

fn word(form: VectorForm) -> &'static str {
    FORMS.iter().find(|(each, _)| *each == form).map_or("float", |(_, word)| word)
}

/// Reads `truncate`.
pub(super) fn truncate(word: &str) -> Option<Truncate> {
    match word.to_ascii_uppercase().as_str() {
        "NONE" => Some(Truncate::Never),
        "START" | "LEFT" => Some(Truncate::Start),
        "END" | "RIGHT" => Some(Truncate::End),
        _ => None,
    }
}

/// Reads a client's request: `texts`, `images`, or `inputs` of both.
pub(super) fn decode_request(face: Protocol, node: Node<'_>, losses: &mut Losses) -> Result<EmbedRequest, Fault> {
    let mut fields = Fields::new(node, "")?;
    fields.ignore(&["model", "priority"]);
    let mut request = EmbedRequest { inputs: inputs(&mut fields)?, ..EmbedRequest::default() };
    if let Some(word) = fields.text("input_type")? {
        request.purpose = purpose::read(&word);
        if request.purpose.is_none() && word != "image" {
            losses.path("input_type", Reason::Dropped);
        }
    }
    for (i, form) in fields.array("embedding_types")?.unwrap_or_default().iter().enumerate() {
        let found = form.as_str().and_then(|word| FORMS.iter().find(|(_, each)| *each == word));
        let (form, _) = found.ok_or_else(|| {
            let path = format!("embedding_types[{i}]");
            Fault::field(path, "`embedding_types` may hold float, int8, uint8, binary, ubinary and base64.")
        })?;
        request.forms.push(*form);
    }
    if request.forms.is_empty() && face == Protocol::Cohere {
        request.forms.push(VectorForm::Float);
    }
    request.truncate = fields.text("truncate")?.and_then(|word| truncate(&word));
    request.dimensions = fields.uint("output_dimension")?;
    request.max_tokens = fields.uint("max_tokens")?;
    fields.report_rest(losses);
    Ok(request)
}

fn inputs(fields: &mut Fields<'_>) -> Result<Vec<EmbedInput>, Fault> {
    let mut inputs = Vec::new();
    for (i, text) in fields.array("texts")?.unwrap_or_default().into_iter().enumerate() {
        let at = format!("texts[{i}]");
        let Node::Text(text) = text else { return Err(crate::json::wrong(&at, "a string", &text)) };
        inputs.push(EmbedInput { at, content: EmbedContent::Text(text.into_owned()) });
    }
    for (i, image) in fields.array("images")?.unwrap_or_default().iter().enumerate() {
        let at = format!("images[{i}]");
        let image = image.as_str().ok_or_else(|| crate::json::wrong(&at, "a data URL", image))?;
        let content = EmbedContent::Parts(vec![EmbedPart::Media(image_of(image, &at)?)]);
        inputs.push(EmbedInput { at, content });
    }
    for (i, input) in fields.array("inputs")?.unwrap_or_default().iter().enumerate() {
        let at = format!("inputs[{i}]");
        let parts = input.get("content").map(Node::items).unwrap_or_default();
        let parts = parts.iter().map(|p| part(p, &format!("{at}.content"))).collect::<Result<_, _>>()?;
        inputs.push(EmbedInput { at, content: EmbedContent::Parts(parts) });
    }
    if inputs.is_empty() {
        return Err(Fault::field("texts", "`texts` must hold at least one text (or `images`, or `inputs`)."));
    }
    Ok(inputs)
}

/// A part `{type: text, text}` or `{type: image_url, image_url: {url}}` of an input.
pub(super) fn part(node: &Node<'_>, at: &str) -> Result<EmbedPart, Fault> {
    if let Some(text) = node.text("text") {
        return Ok(EmbedPart::Text(text.to_owned()));
    }
    let url = node.at(&["image_url", "url"]).or_else(|| node.get("image_url")).and_then(Node::as_str);
    match url {
        Some(url) => Ok(EmbedPart::Media(image_of(url, at)?)),
        None => Err(Fault::field(at, format!("`{at}` may hold parts with `text` or `image_url`."))),
    }
}

/// Writes a request. What the vectors are for must be said; of documents, if the client does not say.
pub(super) fn encode_request(
    upstream: Protocol,
    request: &EmbedRequest,
    inputs: &[EmbedInput],
    model: &str,
    losses: &mut Reported<'_>,
) -> Result<Vec<u8>, Fault> {
    losses.rarely_known(request);
    let forms = forms_of(request, &FORMS.map(|(form, _)| form), losses);
    let mut out = Vec::new();
    object(&mut out, |o| {
        if upstream != Protocol::BedrockCohere {
            o.text("model", model);
        }
        let pictures = write_inputs(o, inputs)?;
        let purpose = match request.purpose {
            None if pictures => ("image", true),
            None => {
                losses.defaulted(|s| s.purpose);
                purpose::cohere(Purpose::Document)
            }
            Some(purpose) => purpose::cohere(purpose),
        };
        if !purpose.1 {
            losses.adjusted(|s| s.purpose);
        }
        o.text("input_type", purpose.0);
        o.array("embedding_types", |a| forms.iter().for_each(|form| a.text(word(*form))));
        o.opt_uint("output_dimension", request.dimensions);
        o.opt_uint("max_tokens", request.max_tokens);
        o.opt_text(
            "truncate",
            request.truncate.map(|t| match t {
                Truncate::Never => "NONE",
                Truncate::Start => "START",
                Truncate::End => "END",
            }),
        );
        Ok(())
    })
    .map(|()| out)
}

/// Texts alone, pictures alone, or both by `inputs`; whether they are pictures alone.
fn write_inputs(o: &mut ObjectWriter<'_>, inputs: &[EmbedInput]) -> Result<bool, Fault> {
    let mut texts = Vec::new();
    let mut images = Vec::new();
    for input in inputs {
        match &input.content {
            EmbedContent::Text(text) => texts.push(text.as_str()),
            EmbedContent::Tokens(_) => return Err(no_tokens(&input.at, "Cohere")),
            EmbedContent::Parts(parts) => match parts.as_slice() {
                [EmbedPart::Text(text)] => texts.push(text.as_str()),
                [EmbedPart::Media(media)] => images.push(picture(media, &input.at)?),
                [] => return Err(unsupported(&input.at, "It is empty.")),
                _ => {}
            },
        }
    }
    if texts.len() == inputs.len() {
        o.array("texts", |a| texts.iter().for_each(|text| a.text(text)));
        return Ok(false);
    }
    if images.len() == inputs.len() {
        o.array("images", |a| images.iter().for_each(|image| a.text(image)));
        return Ok(true);
    }
    o.array("inputs", |a| {
        for input in inputs {
            let whole;
            let parts = match &input.content {
                EmbedContent::Parts(parts) => parts.as_slice(),
                EmbedContent::Text(text) => {
                    whole = [EmbedPart::Text(text.clone())];
                    &whole
                }
                EmbedContent::Tokens(_) => &[],
            };
            a.object(|o| o.array("content", |a| parts.iter().try_for_each(|p| write_part(a, p, &input.at))))?;
        }
        Ok(false)
    })
}

fn write_part(a: &mut crate::json::ArrayWriter<'_>, part: &EmbedPart, at: &str) -> Result<(), Fault> {
    match part {
        EmbedPart::Text(text) => a.object(|o| {
            o.text("type", "text");
            o.text("text", text);
        }),
        EmbedPart::Media(media) => {
            let url = picture(media, at)?;
            a.object(|o| {
                o.text("type", "image_url");
                o.object("image_url", |o| o.text("url", &url));
            });
        }
    }
    Ok(())
}

#[derive(Deserialize)]
struct Reply<'a> {
    #[serde(borrow, default)]
    id: Option<Cow<'a, str>>,
    embeddings: Embeddings,
    #[serde(default)]
    meta: Option<Meta>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Embeddings {
    Floats(Vec<Vec<f64>>),
    ByType(ByType),
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ByType {
    float: Option<Vec<Numbers>>,
    int8: Option<Vec<Numbers>>,
    uint8: Option<Vec<Numbers>>,
    binary: Option<Vec<Numbers>>,
    ubinary: Option<Vec<Numbers>>,
    base64: Option<Vec<Numbers>>,
}

#[derive(Deserialize)]
struct Meta {
    #[serde(default)]
    billed_units: Option<Billed>,
}

#[derive(Deserialize)]
struct Billed {
    #[serde(default)]
    input_tokens: Option<f64>,
    #[serde(default)]
    image_tokens: Option<f64>,
    #[serde(default)]
    images: Option<f64>,
}

/// Reads a reply of any version.
pub(super) fn decode_reply(body: &[u8]) -> Result<EmbedReply, serde_json::Error> {
    let reply: Reply<'_> = serde_json::from_slice(body)?;
    let mut vectors: Vec<Vector> = Vec::new();
    match reply.embeddings {
        Embeddings::Floats(all) => {
            vectors = all.into_iter().map(|float| Vector { float: Some(float), ..Vector::default() }).collect();
        }
        Embeddings::ByType(all) => {
            for (form, numbers) in [
                (VectorForm::Float, all.float),
                (VectorForm::Int8, all.int8),
                (VectorForm::Uint8, all.uint8),
                (VectorForm::Binary, all.binary),
                (VectorForm::Ubinary, all.ubinary),
                (VectorForm::Base64, all.base64),
            ] {
                let numbers = numbers.unwrap_or_default();
                vectors.resize(vectors.len().max(numbers.len()), Vector::default());
                for (vector, numbers) in vectors.iter_mut().zip(numbers) {
                    merge(vector, numbers.of_form(form));
                }
            }
        }
    }
    let billed = reply.meta.and_then(|m| m.billed_units);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "counts, never negative")]
    let tokens = billed.and_then(|b| match (b.input_tokens, b.image_tokens, b.images) {
        (None, None, _) => None,
        (text, image, _) => Some((text.unwrap_or(0.0) + image.unwrap_or(0.0)).max(0.0) as u64),
    });
    Ok(EmbedReply { id: reply.id.map(Cow::into_owned), model: None, vectors, usage: usage(tokens) })
}

/// Writes a reply; without `embedding_types` the older versions have bare lists.
pub(super) fn encode_reply(face: Protocol, request: &EmbedRequest, reply: &EmbedReply, context: &Context) -> Vec<u8> {
    let mut out = Vec::with_capacity(reply.vectors.len() * 16 * 1024);
    object(&mut out, |o| {
        o.text("id", reply.id.as_deref().unwrap_or(&context.id));
        o.array("texts", |a| {
            for input in &request.inputs {
                if let EmbedContent::Text(text) = &input.content {
                    a.text(text);
                }
            }
        });
        if request.forms.is_empty() {
            o.array("embeddings", |a| {
                reply.vectors.iter().for_each(|v| Form::of(v, VectorForm::Float).write_item(a, false));
            });
        } else {
            o.object("embeddings", |o| {
                for form in &request.forms {
                    let packed = *form == VectorForm::Base64;
                    o.array(word(*form), |a| {
                        reply.vectors.iter().for_each(|v| Form::of(v, *form).write_item(a, packed));
                    });
                }
            });
        }
        if face != Protocol::BedrockCohere {
            o.object("meta", |o| {
                let version = if face == Protocol::CohereV1 { "1" } else { "2" };
                o.object("api_version", |o| o.text("version", version));
                if let Some(usage) = &reply.usage {
                    o.object("billed_units", |o| o.uint("input_tokens", usage.input_total()));
                }
            });
        }
        o.text("response_type", if request.forms.is_empty() { "embeddings_floats" } else { "embeddings_by_type" });
    });
    out
}
