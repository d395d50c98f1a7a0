//! OpenAI's `/v1/embeddings` and its kin. What a relative spells otherwise is one [`Flavour`]; clients of the relatives
//! send their own spellings to the same path, so all are read.

use std::borrow::Cow;

use serde::Deserialize;
use tollgate_ir::{
    EmbedContent, EmbedInput, EmbedPart, EmbedReply, EmbedRequest, Fault, Losses, Media, MediaKind, Purpose, Truncate,
    Vector, VectorForm,
};

use super::vector::{Form, Numbers, usage};
use super::{Context, Protocol, Reported, forms_of, no_tokens, picture, purpose, text, unsupported};
use crate::json::{Fields, Node, ObjectWriter, object, wrong};
use crate::media::located;

/// What a relative spells otherwise.
pub(super) struct Flavour {
    /// For people.
    name: &'static str,
    /// The fields that OpenAI's SDK may send and that mean the same there.
    pub(super) relayed: &'static [&'static str],
    /// How many numbers a vector is to have.
    dimensions: &'static str,
    /// The field of the numbers' form, and how base64 is asked for.
    form: (&'static str, &'static [(VectorForm, &'static str)]),
    /// What the vectors are for.
    purpose: Option<(&'static str, Word)>,
    /// Token ids are taken.
    tokens: bool,
    /// The field that says whether too long input is cut.
    truncate: Option<&'static str>,
    /// The end user.
    user: bool,
    /// Bytes come as base64 whatever was asked for.
    bytes: bool,
}

/// A purpose's word, and whether it means the same.
type Word = fn(Purpose) -> (Option<&'static str>, bool);

const PLAIN: &[&str] = &["model", "input"];
const DTYPES: &[(VectorForm, &str)] = &[
    (VectorForm::Int8, "int8"),
    (VectorForm::Uint8, "uint8"),
    (VectorForm::Binary, "binary"),
    (VectorForm::Ubinary, "ubinary"),
];

const OPENAI: Flavour = Flavour {
    name: "OpenAI",
    relayed: PLAIN,
    dimensions: "dimensions",
    form: ("encoding_format", &[]),
    purpose: None,
    tokens: true,
    truncate: None,
    user: true,
    bytes: false,
};

/// Mistral, “Embeddings”; Voyage, “Text embeddings”; Jina, `/v1/embeddings`; Perplexity, “Create Embeddings”.
static FLAVOURS: [(Protocol, Flavour); 5] = [
    (Protocol::OpenAi, OPENAI),
    (
        Protocol::Mistral,
        Flavour {
            name: "Mistral",
            relayed: &["model", "input", "encoding_format", "metadata", "output_dimension", "output_dtype"],
            dimensions: "output_dimension",
            form: ("output_dtype", DTYPES),
            tokens: false,
            user: false,
            ..OPENAI
        },
    ),
    (
        Protocol::Voyage,
        Flavour {
            name: "Voyage",
            relayed: &["model", "input", "input_type", "truncation", "output_dimension", "output_dtype"],
            dimensions: "output_dimension",
            form: ("output_dtype", DTYPES),
            purpose: Some(("input_type", purpose::voyage)),
            tokens: false,
            truncate: Some("truncation"),
            user: false,
            ..OPENAI
        },
    ),
    (
        Protocol::Jina,
        Flavour {
            name: "Jina",
            relayed: &[
                "model",
                "input",
                "task",
                "dimensions",
                "embedding_type",
                "normalized",
                "truncate",
                "late_chunking",
                "return_multivector",
            ],
            form: ("embedding_type", &[(VectorForm::Binary, "binary"), (VectorForm::Ubinary, "ubinary")]),
            purpose: Some(("task", purpose::jina)),
            tokens: false,
            truncate: Some("truncate"),
            user: false,
            ..OPENAI
        },
    ),
    (
        Protocol::Perplexity,
        Flavour {
            name: "Perplexity",
            relayed: &["model", "input", "dimensions", "encoding_format"],
            tokens: false,
            user: false,
            bytes: true,
            ..OPENAI
        },
    ),
];

/// The flavour of a protocol that has OpenAI's shape.
pub(super) fn flavour(protocol: Protocol) -> Option<&'static Flavour> {
    FLAVOURS.iter().find(|(each, _)| *each == protocol).map(|(_, flavour)| flavour)
}

/// Reads a client's request, in whichever relative's words.
pub(super) fn decode_request(node: Node<'_>, losses: &mut Losses) -> Result<EmbedRequest, Fault> {
    let mut fields = Fields::new(node, "")?;
    fields.ignore(&["model"]);
    let input = fields.take("input").ok_or_else(|| fields.missing("input"))?;
    let (inputs, single) = inputs(input)?;
    let encoding = fields.text("encoding_format")?;
    let dtype = match fields.take_any(&["output_dtype", "embedding_type"]) {
        Some(Node::Text(word)) => Some(word.into_owned()),
        Some(other) => return Err(wrong("output_dtype", "a string", &other)),
        None => None,
    };
    let packed = encoding.as_deref().is_some_and(|e| e.starts_with("base64")) || dtype.as_deref() == Some("base64");
    let mut request = EmbedRequest { inputs, single, packed, ..EmbedRequest::default() };
    for (path, word) in [("encoding_format", &encoding), ("output_dtype", &dtype)] {
        if let Some(word) = word {
            request.forms.extend(form(word, path)?);
        }
    }
    let dimensions = fields.take_any(&["dimensions", "output_dimension"]);
    request.dimensions = match dimensions {
        None => None,
        Some(n) => Some(n.as_u64().ok_or_else(|| wrong("dimensions", "a whole number", &n))?),
    };
    if let Some(Node::Text(word)) = fields.take_any(&["input_type", "task", "task_type"]) {
        request.purpose = purpose::read(&word);
        if request.purpose.is_none() {
            losses.path("input_type", tollgate_ir::Reason::Dropped);
        }
    }
    match fields.take_any(&["truncation", "truncate"]) {
        Some(Node::Bool(cut)) => request.truncate = Some(if cut { Truncate::End } else { Truncate::Never }),
        Some(Node::Text(word)) => request.truncate = super::cohere::truncate(&word),
        _ => {}
    }
    request.normalize = fields.boolean("normalized")?;
    request.user = fields.text("user")?;
    fields.report_rest(losses);
    Ok(request)
}

/// A word for the numbers' form; `None`: floats, or how they are packed alone.
fn form(word: &str, path: &str) -> Result<Option<VectorForm>, Fault> {
    Ok(match word {
        "float" | "base64" => None,
        "int8" | "base64_int8" => Some(VectorForm::Int8),
        "uint8" => Some(VectorForm::Uint8),
        "binary" => Some(VectorForm::Binary),
        "ubinary" | "base64_binary" => Some(VectorForm::Ubinary),
        _ => {
            return Err(Fault::field(
                path,
                format!("`{path}` must be float, base64, int8, uint8, binary or ubinary, but is `{word}`."),
            ));
        }
    })
}

/// A text, a list of them, token ids, lists of those, or objects with text and pictures.
fn inputs(node: Node<'_>) -> Result<(Vec<EmbedInput>, bool), Fault> {
    let at = |content| EmbedInput { at: "input".to_owned(), content };
    match node {
        Node::Text(text) => Ok((vec![at(EmbedContent::Text(text.into_owned()))], true)),
        Node::Array(items) if items.is_empty() => {
            Err(Fault::field("input", "`input` must hold something: a text, or a list of texts."))
        }
        Node::Array(items) if matches!(items[0], Node::Number(_)) => {
            Ok((vec![at(EmbedContent::Tokens(tokens(&items, "input")?))], true))
        }
        Node::Array(items) => {
            let read = items.into_iter().enumerate().map(|(i, item)| input(item, format!("input[{i}]")));
            Ok((read.collect::<Result<_, _>>()?, false))
        }
        other => Err(wrong("input", "a text or a list", &other)),
    }
}

fn tokens(items: &[Node<'_>], at: &str) -> Result<Vec<u64>, Fault> {
    items.iter().map(|n| n.as_u64().ok_or_else(|| wrong(at, "a list of token ids", n))).collect()
}

fn input(node: Node<'_>, at: String) -> Result<EmbedInput, Fault> {
    let content = match node {
        Node::Text(text) => EmbedContent::Text(text.into_owned()),
        Node::Array(items) => EmbedContent::Tokens(tokens(&items, &at)?),
        Node::Object(_) => parts(node, &at)?,
        other => return Err(wrong(&at, "a text", &other)),
    };
    Ok(EmbedInput { at, content })
}

/// Jina's `{text}` and `{image}`, OpenRouter's and Cohere's `{content: […]}`.
fn parts(node: Node<'_>, at: &str) -> Result<EmbedContent, Fault> {
    if let Some(content) = node.get("content") {
        let path = format!("{at}.content");
        let parts =
            content.items().iter().map(|part| super::cohere::part(part, &path)).collect::<Result<Vec<_>, _>>()?;
        return Ok(EmbedContent::Parts(parts));
    }
    match (node.text("text"), node.text("image")) {
        (Some(text), _) => Ok(EmbedContent::Text(text.to_owned())),
        (None, Some(image)) => Ok(EmbedContent::Parts(vec![EmbedPart::Media(image_of(image, at)?)])),
        (None, None) => Err(Fault::field(at, format!("`{at}` must hold `text`, `image` or `content`."))),
    }
}

/// An address, a data URL, or bare base64, as Jina takes it.
pub(super) fn image_of(text: &str, at: &str) -> Result<Media, Fault> {
    let (mime, source) = if text.contains("://") || text.starts_with("data:") {
        located(text, at)?
    } else {
        (None, tollgate_ir::MediaSource::Base64(text.to_owned()))
    };
    Ok(Media { kind: MediaKind::Image, mime, source, name: None, detail: None })
}

/// Writes a request.
pub(super) fn encode_request(
    upstream: Protocol,
    request: &EmbedRequest,
    inputs: &[EmbedInput],
    model: &str,
    losses: &mut Reported<'_>,
) -> Result<Vec<u8>, Fault> {
    let flavour = flavour(upstream).unwrap_or(&OPENAI);
    if upstream == Protocol::Voyage && super::has_media(inputs) {
        return voyage_multimodal(request, inputs, model, losses);
    }
    losses.dropped(|s| s.title, request.title.is_some());
    losses.dropped(|s| s.user, request.user.is_some() && !flavour.user);
    let mut out = Vec::new();
    object(&mut out, |o| {
        o.text("model", model);
        write_inputs(o, upstream, flavour, request.single, inputs)?;
        if let Some(n) = request.dimensions {
            o.uint(flavour.dimensions, n);
        }
        write_form(o, flavour, request, losses);
        match (request.purpose, flavour.purpose) {
            (Some(purpose), Some((key, word))) => {
                let (word, same) = word(purpose);
                o.opt_text(key, word);
                if !same {
                    losses.adjusted(|s| s.purpose);
                }
            }
            (purpose, _) => losses.dropped(|s| s.purpose, purpose.is_some()),
        }
        match (request.truncate, flavour.truncate) {
            (Some(truncate), Some(key)) => o.boolean(key, truncate != Truncate::Never),
            (truncate, _) => losses.dropped(|s| s.truncate, truncate.is_some()),
        }
        if flavour.user {
            o.opt_text("user", request.user.as_deref());
        }
        Ok(())
    })
    .map(|()| out)
}

fn write_inputs(
    o: &mut ObjectWriter<'_>,
    upstream: Protocol,
    flavour: &Flavour,
    single: bool,
    inputs: &[EmbedInput],
) -> Result<(), Fault> {
    if let ([EmbedInput { content: EmbedContent::Text(text), .. }], true) = (inputs, single) {
        o.text("input", text);
        return Ok(());
    }
    // Jina takes objects, and then all of them are.
    let objects = upstream == Protocol::Jina && super::has_media(inputs);
    o.array("input", |a| {
        for input in inputs {
            match &input.content {
                EmbedContent::Tokens(ids) if flavour.tokens => a.array(|a| ids.iter().for_each(|id| a.uint(*id))),
                EmbedContent::Tokens(_) => return Err(no_tokens(&input.at, flavour.name)),
                EmbedContent::Parts(parts) if objects => match parts.as_slice() {
                    [EmbedPart::Media(media)] => {
                        let image = picture(media, &input.at)?;
                        a.object(|o| o.text("image", &image));
                    }
                    _ => return Err(unsupported(&input.at, "There each input is one text or one picture.")),
                },
                _ if objects => {
                    let text = text(input, flavour.name)?;
                    a.object(|o| o.text("text", text));
                }
                _ => a.text(text(input, flavour.name)?),
            }
        }
        Ok(())
    })
}

/// The form that is asked for. OpenAI's own floats are asked for as they are, since base64 is only how they are packed.
fn write_form(o: &mut ObjectWriter<'_>, flavour: &Flavour, request: &EmbedRequest, losses: &mut Reported<'_>) {
    if flavour.bytes {
        return;
    }
    let (key, words) = flavour.form;
    let has: Vec<VectorForm> = words.iter().map(|(form, _)| *form).collect();
    let forms = forms_of(request, &has, losses);
    // These hosts give one form; another is made of it.
    if let Some((_, word)) = words.iter().find(|(form, _)| forms == [*form]) {
        o.text(key, word);
    } else if request.packed && key == "encoding_format" {
        o.text(key, "base64");
    }
}

/// Voyage's own endpoint for pictures: `/v1/multimodalembeddings`.
fn voyage_multimodal(
    request: &EmbedRequest,
    inputs: &[EmbedInput],
    model: &str,
    losses: &mut Reported<'_>,
) -> Result<Vec<u8>, Fault> {
    losses.rarely_known(request);
    losses.dropped(|s| s.dimensions, request.dimensions.is_some());
    let mut out = Vec::new();
    object(&mut out, |o| {
        o.text("model", model);
        o.array("inputs", |a| {
            for input in inputs {
                let whole;
                let parts = match &input.content {
                    EmbedContent::Parts(parts) => parts.as_slice(),
                    _ => {
                        whole = [EmbedPart::Text(text(input, "Voyage")?.to_owned())];
                        &whole
                    }
                };
                a.object(|o| {
                    o.array("content", |a| parts.iter().try_for_each(|part| voyage_part(a, part, &input.at)))
                })?;
            }
            Ok::<_, Fault>(())
        })?;
        if let Some(purpose) = request.purpose {
            let (word, same) = purpose::voyage(purpose);
            o.opt_text("input_type", word);
            if !same {
                losses.adjusted(|s| s.purpose);
            }
        }
        Ok(())
    })
    .map(|()| out)
}

fn voyage_part(a: &mut crate::json::ArrayWriter<'_>, part: &EmbedPart, at: &str) -> Result<(), Fault> {
    match part {
        EmbedPart::Text(text) => a.object(|o| {
            o.text("type", "text");
            o.text("text", text);
        }),
        EmbedPart::Media(media) => {
            let url = picture(media, at)?;
            let key = if url.starts_with("data:") { "image_base64" } else { "image_url" };
            a.object(|o| {
                o.text("type", key);
                o.text(key, &url);
            });
        }
    }
    Ok(())
}

#[derive(Deserialize)]
struct Reply<'a> {
    #[serde(borrow, default)]
    id: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    model: Option<Cow<'a, str>>,
    data: Vec<Item>,
    #[serde(default)]
    usage: Option<Counted>,
}

#[derive(Deserialize)]
struct Item {
    #[serde(default)]
    index: Option<usize>,
    embedding: Numbers,
}

#[derive(Deserialize)]
struct Counted {
    #[serde(default)]
    prompt_tokens: Option<u64>,
    #[serde(default)]
    total_tokens: Option<u64>,
    #[serde(default)]
    input_tokens: Option<u64>,
}

/// Reads a reply; the vectors are put in the order of their indices.
pub(super) fn decode_reply(
    upstream: Protocol,
    request: &EmbedRequest,
    body: &[u8],
) -> Result<EmbedReply, serde_json::Error> {
    let mut reply: Reply<'_> = serde_json::from_slice(body)?;
    reply.data.sort_by_key(|item| item.index.unwrap_or(0));
    let flavour = flavour(upstream).unwrap_or(&OPENAI);
    let form = match request.forms.as_slice() {
        [form] if flavour.form.1.iter().any(|(own, _)| own == form) => *form,
        _ => VectorForm::Float,
    };
    let vector = |item: Item| match &item.embedding {
        Numbers::Bytes(_) if flavour.bytes => item.embedding.of_form(VectorForm::Int8),
        _ => item.embedding.of_form(form),
    };
    let vectors: Vec<Vector> = reply.data.into_iter().map(vector).collect();
    let counted = reply.usage.and_then(|u| u.prompt_tokens.or(u.input_tokens).or(u.total_tokens));
    Ok(EmbedReply {
        id: reply.id.map(Cow::into_owned),
        model: reply.model.map(Cow::into_owned),
        vectors,
        usage: usage(counted),
    })
}

/// Writes a reply.
pub(super) fn encode_reply(request: &EmbedRequest, reply: &EmbedReply, context: &Context) -> Vec<u8> {
    let form = request.forms.first().copied().unwrap_or(VectorForm::Float);
    let mut out = Vec::with_capacity(reply.vectors.len() * 16 * 1024);
    object(&mut out, |o| {
        o.text("object", "list");
        o.array("data", |a| {
            for (index, vector) in reply.vectors.iter().enumerate() {
                a.object(|o| {
                    o.text("object", "embedding");
                    o.uint("index", index as u64);
                    Form::of(vector, form).write(o, "embedding", request.packed);
                });
            }
        });
        o.text("model", reply.model.as_deref().unwrap_or(&context.model));
        let tokens = reply.usage.as_ref().map_or(0, tollgate_ir::Usage::input_total);
        o.object("usage", |o| {
            o.uint("prompt_tokens", tokens);
            o.uint("total_tokens", tokens);
        });
    });
    out
}
