//! Reranking: which documents answer a query best, in the words of each protocol that serves it, both ways.
//!
//! Cohere's first version, Jina's and vLLM's are nearly one; Voyage names two fields otherwise. A reply to `/v1/rerank`
//! holds what clients of any of them read.

use std::borrow::Cow;

use serde::Deserialize;
use tollgate_ir::{Dialect, Document, Fault, FaultKind, Losses, Ranked, Reason, RerankReply, RerankRequest, Usage};

use crate::carriage::Segment;
use crate::json::{Envelope, Fields, Node, ObjectWriter, object, wrong};

/// How a host reranks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// Cohere's `/v2/rerank`: documents are texts.
    Cohere,
    /// Cohere's `/v1/rerank`.
    CohereV1,
    /// `…/rerank` of Jina, vLLM, llama.cpp, OpenRouter.
    Jina,
    /// `…/rerank` of Voyage.
    Voyage,
    /// Cohere's and Amazon's models by Bedrock's `InvokeModel`.
    Bedrock,
}

impl Protocol {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Cohere, Self::CohereV1, Self::Jina, Self::Voyage, Self::Bedrock];

    /// How a host of this dialect reranks with a model, where its record says nothing else. `None`: not at all.
    pub fn of(dialect: Dialect, model: &str) -> Option<Self> {
        match dialect {
            Dialect::OpenAiChat => Some(Self::Jina),
            Dialect::Cohere => Some(Self::Cohere),
            Dialect::Bedrock if model.contains("rerank") => Some(Self::Bedrock),
            _ => None,
        }
    }

    /// The dialect whose base URL, credentials, headers and errors it shares.
    pub const fn dialect(self) -> Dialect {
        match self {
            Self::Cohere | Self::CohereV1 => Dialect::Cohere,
            Self::Jina | Self::Voyage => Dialect::OpenAiChat,
            Self::Bedrock => Dialect::Bedrock,
        }
    }

    /// Path after the provider's base URL.
    pub fn path(self, model: &str) -> String {
        match self {
            Self::Cohere => "/v2/rerank".to_owned(),
            Self::CohereV1 => "/v1/rerank".to_owned(),
            Self::Jina | Self::Voyage => "/rerank".to_owned(),
            Self::Bedrock => format!("/model/{}/invoke", Segment(model)),
        }
    }

    /// Whether the model's name stands in the path and not in the body.
    pub const fn model_in_path(self) -> bool {
        matches!(self, Self::Bedrock)
    }

    const fn top(self) -> &'static str {
        if matches!(self, Self::Voyage) { "top_k" } else { "top_n" }
    }

    /// The client of `/v1/rerank`: Voyage's SDK sends fields of its own there.
    pub fn of_client(self, envelope: &Envelope) -> Self {
        let voyages = envelope.member("top_k").is_some() || envelope.member("truncation").is_some();
        if matches!(self, Self::Jina | Self::CohereV1) && voyages { Self::Voyage } else { self }
    }
}

/// Reads a client's request.
pub fn decode_request(face: Protocol, body: &[u8], losses: &mut Losses) -> Result<RerankRequest, Fault> {
    let mut fields = Fields::new(Node::parse(body)?, "")?;
    fields.ignore(&["model", "api_version", "priority"]);
    let query = match fields.take("query") {
        Some(Node::Text(query)) => query.into_owned(),
        Some(Node::Object(object)) => object.get("text").and_then(Node::as_str).unwrap_or_default().to_owned(),
        Some(other) => return Err(wrong("query", "a string", &other)),
        None => return Err(fields.missing("query")),
    };
    let rank_fields: Option<Vec<String>> =
        fields.array("rank_fields")?.map(|names| names.iter().filter_map(Node::as_str).map(str::to_owned).collect());
    let documents = fields.array("documents")?.ok_or_else(|| fields.missing("documents"))?;
    if documents.is_empty() {
        return Err(Fault::field("documents", "`documents` must hold at least one document."));
    }
    let documents = documents.into_iter().enumerate().map(|(i, node)| document(node, i, rank_fields.as_deref()));
    let documents = documents.collect::<Result<Vec<_>, _>>()?;
    let top = fields.take_any(&[face.top(), "top_n", "top_k"]);
    let top = top.map(|n| n.as_u64().ok_or_else(|| wrong(face.top(), "a whole number", &n))).transpose()?;
    let truncate = match fields.take_any(&["truncation", "truncate"]) {
        Some(Node::Bool(cut)) => Some(cut),
        _ => None,
    };
    let request = RerankRequest {
        query,
        documents,
        top,
        return_documents: fields.boolean("return_documents")?,
        rank_fields,
        max_tokens: fields.uint("max_tokens_per_doc")?,
        max_chunks: fields.uint("max_chunks_per_doc")?,
        truncate,
    };
    fields.report_rest(losses);
    Ok(request)
}

/// A text, or an object with one: under `text`, or under the fields that the request ranks by.
fn document(node: Node<'_>, index: usize, rank_fields: Option<&[String]>) -> Result<Document, Fault> {
    let at = || format!("documents[{index}]");
    match node {
        Node::Text(text) => Ok(Document { text: text.into_owned(), object: None }),
        Node::Object(_) => {
            let json = node.to_json();
            let text = match rank_fields {
                Some(names) if !names.is_empty() => {
                    let lines = names.iter().filter_map(|name| Some(format!("{name}: {}", node.text(name)?)));
                    lines.collect::<Vec<_>>().join("\n")
                }
                _ => match node.text("text") {
                    Some(text) => text.to_owned(),
                    // As Cohere advises for structured documents: all of it, as it is.
                    None => json.as_str().to_owned(),
                },
            };
            Ok(Document { text, object: Some(json) })
        }
        other => Err(wrong(&at(), "a text or an object", &other)),
    }
}

/// Writes a request for a provider. Documents go as texts, which all take.
pub fn encode_request(
    face: Protocol,
    upstream: Protocol,
    request: &RerankRequest,
    model: &str,
    losses: &mut Losses,
) -> Vec<u8> {
    let mut drop = |path: &str, is_there: bool| {
        if is_there {
            losses.path(path, Reason::Dropped);
        }
    };
    let truncation = if face == Protocol::Voyage { "truncation" } else { "truncate" };
    drop("max_chunks_per_doc", request.max_chunks.is_some() && upstream != Protocol::CohereV1);
    drop("max_tokens_per_doc", request.max_tokens.is_some() && upstream != Protocol::Cohere);
    drop(truncation, request.truncate.is_some() && upstream != Protocol::Voyage);
    let mut out = Vec::new();
    object(&mut out, |o| {
        if upstream != Protocol::Bedrock {
            o.text("model", model);
        }
        o.text("query", &request.query);
        o.array("documents", |a| request.documents.iter().for_each(|d| a.text(&d.text)));
        o.opt_uint(upstream.top(), request.top);
        match upstream {
            Protocol::Cohere => o.opt_uint("max_tokens_per_doc", request.max_tokens),
            Protocol::CohereV1 => o.opt_uint("max_chunks_per_doc", request.max_chunks),
            Protocol::Voyage => o.opt_boolean("truncation", request.truncate),
            // Amazon's own model takes no version, Cohere's must have one.
            Protocol::Bedrock if model.contains("cohere") => o.uint("api_version", 2),
            // The documents are put back here from the request.
            Protocol::Jina | Protocol::Bedrock => {}
        }
    });
    out
}

#[derive(Deserialize)]
struct Reply<'a> {
    #[serde(borrow, default)]
    id: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    model: Option<Cow<'a, str>>,
    #[serde(alias = "data")]
    results: Vec<Item>,
    #[serde(default)]
    usage: Option<Counted>,
    #[serde(default)]
    meta: Option<Meta>,
}

#[derive(Deserialize)]
struct Item {
    index: u64,
    #[serde(alias = "relevanceScore", alias = "score")]
    relevance_score: f64,
}

#[derive(Deserialize)]
struct Counted {
    #[serde(default)]
    total_tokens: Option<u64>,
    #[serde(default)]
    prompt_tokens: Option<u64>,
}

#[derive(Deserialize)]
struct Meta {
    #[serde(default)]
    billed_units: Option<Billed>,
    #[serde(default)]
    tokens: Option<Tokens>,
}

#[derive(Deserialize)]
struct Billed {
    #[serde(default)]
    search_units: Option<f64>,
}

#[derive(Deserialize)]
struct Tokens {
    #[serde(default)]
    input_tokens: Option<f64>,
}

/// Reads a provider's reply to a request with so many documents.
pub fn decode_reply(documents: usize, body: &[u8]) -> Result<RerankReply, Fault> {
    let garbage =
        |why: String| Fault::new(FaultKind::ProviderGarbage, "The provider's ranking cannot be read.").detail(why);
    let reply: Reply<'_> = serde_json::from_slice(body).map_err(|e| garbage(e.to_string()))?;
    if let Some(beyond) = reply.results.iter().find(|r| r.index >= documents as u64) {
        return Err(garbage(format!("document {} of {documents}", beyond.index)));
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "counts, never negative")]
    let count = |n: Option<f64>| n.map(|n| n.max(0.0) as u64);
    let tokens = reply.meta.as_ref().and_then(|m| m.tokens.as_ref());
    let tokens = count(tokens.and_then(|t| t.input_tokens))
        .or_else(|| reply.usage.as_ref().and_then(|u| u.total_tokens.or(u.prompt_tokens)));
    let units = reply.meta.as_ref().and_then(|m| m.billed_units.as_ref());
    let results = reply.results.into_iter().map(|r| Ranked { index: r.index, score: r.relevance_score });
    Ok(RerankReply {
        id: reply.id.map(Cow::into_owned),
        model: reply.model.map(Cow::into_owned),
        results: results.collect(),
        usage: tokens.map(|input| Usage { input, ..Usage::default() }),
        search_units: count(units.and_then(|u| u.search_units)),
    })
}

/// Writes the reply for the client. `id` and `model` where the provider gave none.
pub fn encode_reply(face: Protocol, request: &RerankRequest, reply: &RerankReply, id: &str, model: &str) -> Vec<u8> {
    let mut out = Vec::new();
    object(&mut out, |o| {
        match face {
            Protocol::Voyage => o.text("object", "list"),
            Protocol::Bedrock => {}
            Protocol::Cohere | Protocol::CohereV1 | Protocol::Jina => o.text("id", reply.id.as_deref().unwrap_or(id)),
        }
        let key = if face == Protocol::Voyage { "data" } else { "results" };
        o.array(key, |a| reply.results.iter().for_each(|r| a.object(|o| result(o, face, request, r))));
        match face {
            Protocol::Cohere | Protocol::CohereV1 => meta(o, face, reply),
            Protocol::Jina => {
                o.text("model", reply.model.as_deref().unwrap_or(model));
                usage(o, reply);
                // Clients of Cohere's first version share this path.
                meta(o, Protocol::CohereV1, reply);
            }
            Protocol::Voyage => {
                o.text("model", reply.model.as_deref().unwrap_or(model));
                usage(o, reply);
            }
            Protocol::Bedrock => {}
        }
    });
    out
}

fn result(o: &mut ObjectWriter<'_>, face: Protocol, request: &RerankRequest, ranked: &Ranked) {
    o.uint("index", ranked.index);
    o.float("relevance_score", ranked.score);
    let document = usize::try_from(ranked.index).ok().and_then(|i| request.documents.get(i));
    let Some(document) = document.filter(|_| request.return_documents == Some(true)) else { return };
    match (&document.object, face) {
        (_, Protocol::Voyage) => o.text("document", &document.text),
        (Some(object), _) => o.json("document", object),
        (None, _) => o.object("document", |o| o.text("text", &document.text)),
    }
}

fn meta(o: &mut ObjectWriter<'_>, face: Protocol, reply: &RerankReply) {
    o.object("meta", |o| {
        o.object("api_version", |o| o.text("version", if face == Protocol::Cohere { "2" } else { "1" }));
        if let Some(units) = reply.search_units {
            o.object("billed_units", |o| o.uint("search_units", units));
        }
    });
}

fn usage(o: &mut ObjectWriter<'_>, reply: &RerankReply) {
    let tokens = reply.usage.as_ref().map_or(0, Usage::input_total);
    o.object("usage", |o| {
        o.uint("prompt_tokens", tokens);
        o.uint("total_tokens", tokens);
    });
}

/// Whether a client's body can go up as it is (but for the model's name).
pub fn relays(face: Protocol, upstream: Protocol) -> bool {
    face == upstream
}
