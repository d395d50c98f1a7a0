//! Embeddings: a request for vectors and their numbers, in the words of each protocol that serves them, both ways.
//!
//! Invariant: the vectors come back in the order of the inputs, one for each, however the request was split; what a
//! protocol cannot say is reported, and input that it cannot carry (token ids of a foreign vocabulary, pictures for a
//! model of texts) is a fault. Kept by the tests of `tests/all/embed.rs`, which go over every pair.

mod bedrock;
mod cohere;
mod gemini;
mod ollama;
mod openai;
mod purpose;
mod split;
mod vector;
mod vertex;

use tollgate_ir::{
    Dialect, EmbedContent, EmbedInput, EmbedPart, EmbedReply, EmbedRequest, Fault, FaultKind, Losses, Media, MediaKind,
    MediaSource, Reason, Usage, VectorForm,
};

pub use self::split::parts;
use crate::carriage::{Carriage, Segment};
use crate::json::{Envelope, Node};
use crate::media::data_url;

/// How a host embeds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// `POST …/embeddings`, as OpenAI has it; all whose dialects are OpenAI's.
    OpenAi,
    /// The same with Mistral's fields.
    Mistral,
    /// The same with Voyage's.
    Voyage,
    /// The same with Jina's.
    Jina,
    /// The same with Perplexity's: vectors are base64 of bytes.
    Perplexity,
    /// Google's `embedContent` and `batchEmbedContents`.
    Gemini,
    /// Vertex's `predict`.
    Vertex,
    /// Cohere's `/v2/embed`.
    Cohere,
    /// Cohere's `/v1/embed`.
    CohereV1,
    /// Titan's body by Bedrock's `InvokeModel`.
    Titan,
    /// Cohere's body by Bedrock's `InvokeModel`.
    BedrockCohere,
    /// Ollama's `/api/embed`.
    Ollama,
    /// Ollama's older `/api/embeddings`: one prompt, one vector.
    OllamaPrompt,
}

impl Protocol {
    /// All of them.
    pub const ALL: [Self; 13] = [
        Self::OpenAi,
        Self::Mistral,
        Self::Voyage,
        Self::Jina,
        Self::Perplexity,
        Self::Gemini,
        Self::Vertex,
        Self::Cohere,
        Self::CohereV1,
        Self::Titan,
        Self::BedrockCohere,
        Self::Ollama,
        Self::OllamaPrompt,
    ];

    /// How a host of this dialect embeds with a model, where its record says nothing else. `None`: not at all.
    pub fn of(dialect: Dialect, model: &str) -> Option<Self> {
        match dialect {
            Dialect::OpenAiChat => Some(Self::OpenAi),
            Dialect::Gemini => Some(Self::Gemini),
            Dialect::Cohere => Some(Self::Cohere),
            Dialect::Ollama => Some(Self::Ollama),
            Dialect::Bedrock if model.contains("cohere.embed") => Some(Self::BedrockCohere),
            Dialect::Bedrock if model.contains("titan-embed") => Some(Self::Titan),
            _ => None,
        }
    }

    /// The dialect whose base URL, credentials, headers and errors it shares.
    pub const fn dialect(self) -> Dialect {
        match self {
            Self::OpenAi | Self::Mistral | Self::Voyage | Self::Jina | Self::Perplexity => Dialect::OpenAiChat,
            Self::Ollama | Self::OllamaPrompt => Dialect::Ollama,
            Self::Gemini | Self::Vertex => Dialect::Gemini,
            Self::Cohere | Self::CohereV1 => Dialect::Cohere,
            Self::Titan | Self::BedrockCohere => Dialect::Bedrock,
        }
    }

    /// Path and query after the provider's base URL.
    pub fn path(self, carriage: &Carriage, model: &str, kind: Kind) -> String {
        let m = Segment(model.strip_prefix("models/").unwrap_or(model));
        match (self, carriage) {
            (Self::OpenAi, Carriage::AzureDeployments { api_version }) => {
                format!("/deployments/{m}/embeddings?api-version={}", Segment(api_version))
            }
            (Self::Voyage, _) if kind == Kind::Media => "/multimodalembeddings".to_owned(),
            (Self::OpenAi | Self::Mistral | Self::Voyage | Self::Jina | Self::Perplexity, _) => {
                "/embeddings".to_owned()
            }
            (Self::Gemini, _) if kind == Kind::One => format!("/models/{m}:embedContent"),
            (Self::Gemini, _) => format!("/models/{m}:batchEmbedContents"),
            (Self::Vertex, _) => format!("/models/{m}:predict"),
            (Self::Cohere, _) => "/v2/embed".to_owned(),
            (Self::CohereV1, _) => "/v1/embed".to_owned(),
            (Self::Titan | Self::BedrockCohere, _) => format!("/model/{m}/invoke"),
            (Self::Ollama, _) => "/api/embed".to_owned(),
            (Self::OllamaPrompt, _) => "/api/embeddings".to_owned(),
        }
    }

    /// Whether the model's name stands in the path and not in the body.
    pub const fn model_in_path(self) -> bool {
        matches!(self, Self::Gemini | Self::Vertex | Self::Titan | Self::BedrockCohere)
    }

    /// Most inputs of one request. Sources: OpenAI, Mistral (its refusal of 257), Voyage, Jina, Cohere, AWS and Google,
    /// each in its reference of the endpoint. Ollama has no limit; the number keeps its requests short.
    pub fn most_inputs(self, model: &str) -> usize {
        match self {
            Self::OpenAi => 2048,
            Self::Mistral => 256,
            Self::Voyage => 1000,
            Self::Jina | Self::Perplexity | Self::Ollama => 512,
            Self::Gemini => 100,
            Self::Vertex if model.contains("gemini-embedding") || model.contains("multimodalembedding") => 1,
            Self::Vertex => 250,
            Self::Cohere | Self::CohereV1 | Self::BedrockCohere => 96,
            Self::Titan | Self::OllamaPrompt => 1,
        }
    }

    /// Most tokens of one request with all its inputs; `None`: it is not limited, or nobody says how. Sources: OpenAI, “Create
    /// embeddings” (“a maximum of 300,000 tokens summed across all inputs”); Voyage, “Text embeddings” (by model); Google
    /// Cloud, “Get text embeddings” (20,000); Mistral's refusal of more than 16,384 (“split into more batches”).
    pub fn most_tokens(self, model: &str) -> Option<u64> {
        match self {
            Self::OpenAi if model.contains("text-embedding-") => Some(300_000),
            Self::Mistral => Some(16_384),
            Self::Voyage if model.contains("lite") => Some(1_000_000),
            Self::Voyage if model.contains("voyage-3.5") || model == "voyage-2" => Some(320_000),
            Self::Voyage => Some(120_000),
            Self::Vertex => Some(20_000),
            _ => None,
        }
    }

    fn is_openai_shaped(self) -> bool {
        openai::flavour(self).is_some()
    }
}

/// What a request holds, where its path depends on that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Some inputs.
    List,
    /// Google's form of one input.
    One,
    /// Not texts alone.
    Media,
}

impl Kind {
    /// Of a client's body in words of its own.
    pub fn of(face: Protocol, envelope: &Envelope) -> Self {
        let one = face == Protocol::Gemini && envelope.member("requests").is_none();
        if one { Self::One } else { Self::List }
    }

    /// Of inputs that are written anew.
    pub fn of_inputs(inputs: &[EmbedInput]) -> Self {
        if has_media(inputs) { Self::Media } else { Self::List }
    }
}

/// Whether a client's body can go up as it is (but for the model's name): both sides read the same fields alike.
pub fn relays(face: Protocol, upstream: Protocol, body: &[u8], envelope: &Envelope, model: &str) -> bool {
    if (face, upstream) == (Protocol::Gemini, Protocol::Gemini) {
        return gemini::names_only(body, model);
    }
    match openai::flavour(upstream) {
        Some(flavour) if face.is_openai_shaped() => {
            upstream == Protocol::OpenAi || envelope.members().iter().all(|m| flavour.relayed.contains(&m.key.as_ref()))
        }
        _ => face == upstream,
    }
}

/// How many inputs a client's body has, without reading them: more than a provider takes are split.
pub fn count_inputs(face: Protocol, body: &[u8], envelope: &Envelope) -> usize {
    let items = |key: &str| {
        let member = envelope.member(key)?;
        Some(crate::json::inside::items(body, member.value_at.clone()))
    };
    let key = match face {
        Protocol::Gemini => "requests",
        Protocol::Vertex => "instances",
        Protocol::Cohere | Protocol::CohereV1 | Protocol::BedrockCohere => "texts",
        Protocol::Titan | Protocol::OllamaPrompt => return 1,
        _ => "input",
    };
    let list = items(key).unwrap_or_default();
    // One input as token ids is a list, too.
    let is_tokens = list.first().is_some_and(|at| body.get(at.start).is_some_and(u8::is_ascii_digit));
    if is_tokens { 1 } else { list.len().max(1) }
}

/// Reads a client's request. A fault is the client's, with the field's path.
pub fn decode_request(face: Protocol, body: &[u8], losses: &mut Losses) -> Result<EmbedRequest, Fault> {
    let node = Node::parse(body)?;
    match face {
        Protocol::Gemini => gemini::decode_request(node, losses),
        Protocol::Vertex => vertex::decode_request(node, losses),
        Protocol::Cohere | Protocol::CohereV1 | Protocol::BedrockCohere => cohere::decode_request(face, node, losses),
        Protocol::Titan => bedrock::decode_request(node, losses),
        Protocol::Ollama => ollama::decode_request(node, losses),
        Protocol::OllamaPrompt => ollama::decode_prompt(node, losses),
        _ => openai::decode_request(node, losses),
    }
}

/// Writes some of the request's inputs for a provider; `face` tells how the client spelled what is reported.
pub fn encode_request(
    face: Protocol,
    upstream: Protocol,
    request: &EmbedRequest,
    inputs: &[EmbedInput],
    model: &str,
    losses: &mut Losses,
) -> Result<Vec<u8>, Fault> {
    let mut losses = Reported { spelled: spelled(face), losses };
    match upstream {
        Protocol::Gemini => gemini::encode_request(request, inputs, model, &mut losses),
        Protocol::Vertex => vertex::encode_request(request, inputs, &mut losses),
        Protocol::Cohere | Protocol::CohereV1 | Protocol::BedrockCohere => {
            cohere::encode_request(upstream, request, inputs, model, &mut losses)
        }
        Protocol::Titan => bedrock::encode_request(request, inputs, model, &mut losses),
        Protocol::Ollama => ollama::encode_request(request, inputs, model, &mut losses),
        Protocol::OllamaPrompt => ollama::encode_prompt(request, inputs, model, &mut losses),
        _ => openai::encode_request(upstream, request, inputs, model, &mut losses),
    }
}

/// Reads a provider's reply to a request with so many inputs.
pub fn decode_reply(
    upstream: Protocol,
    request: &EmbedRequest,
    inputs: usize,
    body: &[u8],
) -> Result<EmbedReply, Fault> {
    let reply = match upstream {
        Protocol::Gemini => gemini::decode_reply(body),
        Protocol::Vertex => vertex::decode_reply(body),
        Protocol::Cohere | Protocol::CohereV1 | Protocol::BedrockCohere => cohere::decode_reply(body),
        Protocol::Titan => bedrock::decode_reply(body),
        Protocol::Ollama => ollama::decode_reply(body),
        Protocol::OllamaPrompt => ollama::decode_one(body),
        _ => openai::decode_reply(upstream, request, body),
    };
    let reply = reply.map_err(|why| {
        Fault::new(FaultKind::ProviderGarbage, "The provider's vectors cannot be read.").detail(why.to_string())
    })?;
    if reply.vectors.len() != inputs {
        return Err(Fault::new(
            FaultKind::ProviderGarbage,
            format!("The provider answered {inputs} inputs with {} vectors.", reply.vectors.len()),
        ));
    }
    Ok(reply)
}

/// Puts the replies to the parts of a request together, in order.
pub fn join(replies: Vec<EmbedReply>) -> EmbedReply {
    let mut replies = replies.into_iter();
    let mut all = replies.next().unwrap_or_default();
    for next in replies {
        all.vectors.extend(next.vectors);
        all.usage = match (all.usage, next.usage) {
            (Some(a), Some(b)) => Some(sum(&a, &b)),
            (a, b) => a.or(b),
        };
    }
    all
}

fn sum(a: &Usage, b: &Usage) -> Usage {
    Usage { input: a.input + b.input, output: a.output + b.output, estimated: a.estimated || b.estimated, ..*a }
}

/// What a reply is told beyond the vectors.
#[derive(Clone, Debug, Default)]
pub struct Context {
    /// An id where the provider gave none.
    pub id: String,
    /// The model, where the provider does not say.
    pub model: String,
}

/// Writes the reply for the client.
pub fn encode_reply(face: Protocol, request: &EmbedRequest, reply: &EmbedReply, context: &Context) -> Vec<u8> {
    match face {
        Protocol::Gemini => gemini::encode_reply(request, reply),
        Protocol::Vertex => vertex::encode_reply(reply),
        Protocol::Cohere | Protocol::CohereV1 | Protocol::BedrockCohere => {
            cohere::encode_reply(face, request, reply, context)
        }
        Protocol::Titan => bedrock::encode_reply(request, reply),
        Protocol::Ollama => ollama::encode_reply(reply, context),
        Protocol::OllamaPrompt => ollama::encode_one(reply),
        _ => openai::encode_reply(request, reply, context),
    }
}

/// How a face spells the request's fields, for what is reported.
struct Spelled {
    dimensions: &'static str,
    purpose: &'static str,
    truncate: &'static str,
    title: &'static str,
    forms: &'static str,
    user: &'static str,
}

const fn spelled(face: Protocol) -> &'static Spelled {
    match face {
        Protocol::Gemini => &Spelled {
            dimensions: "outputDimensionality",
            purpose: "taskType",
            truncate: "",
            title: "title",
            forms: "",
            user: "",
        },
        Protocol::Vertex => &Spelled {
            dimensions: "parameters.outputDimensionality",
            purpose: "instances[0].task_type",
            truncate: "parameters.autoTruncate",
            title: "instances[0].title",
            forms: "",
            user: "",
        },
        Protocol::Cohere | Protocol::CohereV1 | Protocol::BedrockCohere => &Spelled {
            dimensions: "output_dimension",
            purpose: "input_type",
            truncate: "truncate",
            title: "",
            forms: "embedding_types",
            user: "",
        },
        Protocol::Titan => &Spelled {
            dimensions: "dimensions",
            purpose: "",
            truncate: "",
            title: "",
            forms: "embeddingTypes",
            user: "",
        },
        _ => &Spelled {
            dimensions: "dimensions",
            purpose: "input_type",
            truncate: "truncation",
            title: "",
            forms: "encoding_format",
            user: "user",
        },
    }
}

/// Losses by the client's own words.
struct Reported<'a> {
    spelled: &'static Spelled,
    losses: &'a mut Losses,
}

impl Reported<'_> {
    /// Reports a field that is there and is not sent.
    fn dropped(&mut self, path: fn(&Spelled) -> &'static str, is_there: bool) {
        if is_there {
            self.losses.path(path(self.spelled), Reason::Dropped);
        }
    }

    fn adjusted(&mut self, path: fn(&Spelled) -> &'static str) {
        self.losses.path(path(self.spelled), Reason::Adjusted);
    }

    /// A field that the client did not send and the provider needs.
    fn defaulted(&mut self, path: fn(&Spelled) -> &'static str) {
        self.losses.path(path(self.spelled), Reason::Defaulted);
    }

    /// Reports what only few protocols know.
    fn rarely_known(&mut self, request: &EmbedRequest) {
        self.dropped(|s| s.title, request.title.is_some());
        self.dropped(|s| s.user, request.user.is_some());
        self.dropped(|s| if s.purpose.is_empty() { "normalize" } else { "" }, request.normalize == Some(false));
    }
}

/// The texts of inputs that are nothing else.
fn texts<'a>(inputs: &'a [EmbedInput], whose: &str) -> Result<Vec<&'a str>, Fault> {
    inputs.iter().map(|input| text(input, whose)).collect()
}

fn text<'a>(input: &'a EmbedInput, whose: &str) -> Result<&'a str, Fault> {
    match &input.content {
        EmbedContent::Text(text) => Ok(text),
        EmbedContent::Tokens(_) => Err(no_tokens(&input.at, whose)),
        EmbedContent::Parts(parts) => match parts.as_slice() {
            [EmbedPart::Text(text)] => Ok(text),
            _ => Err(unsupported(&input.at, &format!("{whose} embeds texts only here."))),
        },
    }
}

fn no_tokens(at: &str, whose: &str) -> Fault {
    unsupported(
        at,
        &format!(
            "It is given as token ids, which mean something only to OpenAI's own models, and {whose} takes text. Send \
             the text itself (LangChain: `check_embedding_ctx_length=False`)."
        ),
    )
}

fn unsupported(at: &str, why: &str) -> Fault {
    let mut fault = Fault::new(FaultKind::UnsupportedContent, format!("`{at}` cannot be sent to this target. {why}"));
    fault.param = Some(at.to_owned());
    fault
}

/// The address of a picture: its own, or its bytes as one.
fn picture(media: &Media, at: &str) -> Result<String, Fault> {
    let mime = || media.mime.as_deref().unwrap_or("image/png");
    match (&media.source, media.kind) {
        (MediaSource::Base64(data), MediaKind::Image) => Ok(data_url(mime(), data).concat()),
        (MediaSource::Url(url), MediaKind::Image) => Ok(url.clone()),
        _ => Err(unsupported(at, "Of media only pictures are embedded there.")),
    }
}

/// Some input is no text.
pub fn has_media(inputs: &[EmbedInput]) -> bool {
    inputs.iter().any(|input| {
        matches!(&input.content, EmbedContent::Parts(parts) if parts.iter().any(|p| matches!(p, EmbedPart::Media(_))))
    })
}

/// The forms in which a provider is asked: those wanted that it has, and floats for those that are made of them here.
fn forms_of(request: &EmbedRequest, has: &[VectorForm], losses: &mut Reported<'_>) -> Vec<VectorForm> {
    let mut forms = Vec::new();
    for form in &request.forms {
        let asked = if has.contains(form) { *form } else { VectorForm::Float };
        if asked != *form && !matches!(form, VectorForm::Base64) {
            losses.adjusted(|s| s.forms);
        }
        if !forms.contains(&asked) {
            forms.push(asked);
        }
    }
    if forms.is_empty() {
        forms.push(VectorForm::Float);
    }
    forms
}
