//! From a path to a face and an endpoint: one table, and the tolerance for how users write base URLs.
//!
//! All client endpoints stand at their standard path and under the face's own prefix; a missing `/v1`, a doubled one and
//! a trailing slash work. A `/` in a model's name may come as it is or as `%2F`; a path's verb follows the last colon.

use http::{HeaderMap, Method};
use tollgate_ir::{Dialect, Fault, FaultKind, Operation};
use tollgate_wire::ops::{embed, rerank};

/// Where a request goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// The client's dialect: decides how errors look, too.
    pub face: Dialect,
    /// What is asked for.
    pub endpoint: Endpoint,
}

/// What a client endpoint does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// A conversation's next turn.
    Chat {
        /// The model in the path (Gemini, Bedrock, Azure).
        model: Option<String>,
        /// Whether to stream, where the path says so.
        stream: Option<bool>,
        /// How the client's side is carried.
        carriage: FaceCarriage,
    },
    /// Counts a chat request's tokens.
    CountTokens {
        /// The model in the path.
        model: Option<String>,
    },
    /// Vectors.
    Embed {
        /// The model in the path.
        model: Option<String>,
        /// In whose words.
        protocol: embed::Protocol,
    },
    /// Documents in the order in which they answer.
    Rerank {
        /// In whose words.
        protocol: rerank::Protocol,
    },
    /// Something that is relayed in its own dialect to the target that the model names.
    Relayed {
        /// The model in the path.
        model: Option<String>,
        /// What it does.
        operation: Operation,
        /// What stands after a provider's base URL.
        path: String,
    },
    /// Something that names no model, of one provider that speaks the face's dialect.
    Hosted {
        /// What it does.
        operation: Operation,
        /// The path, with its leading slash.
        path: String,
    },
    /// Lists models, or shows one.
    Models {
        /// The one.
        id: Option<String>,
        /// Asked by Codex, which says its version and reads a list of its own.
        codex: bool,
    },
    /// A stored response.
    StoredResponse {
        /// Its id.
        id: String,
        /// What is wanted of it.
        action: StoredAction,
    },
    /// A session both ways over a websocket.
    Realtime {
        /// The path, where the session's model stands in its first message (Gemini's); else it stands in the query.
        path: Option<String>,
    },
    /// What tools ask of an Ollama host beside chats and models.
    OllamaHost(OllamaQuestion),
    /// Anything else of one provider.
    Passthrough {
        /// The path's first segment.
        provider: String,
        /// The rest, with its leading slash.
        path: String,
    },
}

/// How the client's side of a dialect is carried.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FaceCarriage {
    /// The dialect's own API.
    #[default]
    Own,
    /// Claude by Bedrock's InvokeModel: its body without model and stream, its stream in AWS frames.
    BedrockInvoke,
    /// Gemini's stream as one JSON array.
    JsonArray,
    /// OpenAI's legacy completions: a prompt instead of messages, texts instead of answers.
    Completions,
    /// Ollama's `/api/generate`: a prompt instead of messages.
    OllamaGenerate,
}

impl FaceCarriage {
    /// The dialect in whose envelope errors are told: AWS's SDKs read Bedrock's, whatever the model's body is.
    pub const fn envelope(self, face: Dialect) -> Dialect {
        match self {
            Self::BedrockInvoke => Dialect::Bedrock,
            Self::Own | Self::JsonArray | Self::Completions | Self::OllamaGenerate => face,
        }
    }
}

/// What tools ask of an Ollama host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OllamaQuestion {
    /// Whether it is there.
    Alive,
    /// Its version.
    Version,
    /// The models in its memory.
    Running,
    /// What one model is, by its name in the body.
    Show,
}

/// What is wanted of a stored response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoredAction {
    /// The response.
    Retrieve,
    /// Forget it.
    Delete,
    /// Stop it (only background responses run on).
    Cancel,
    /// What it was asked.
    InputItems,
}

/// Prefixes under which the faces stand, and the face that a path there speaks unless it says otherwise.
pub const PREFIXES: [(&str, Dialect); 5] = [
    ("openai", Dialect::OpenAiChat),
    ("anthropic", Dialect::Anthropic),
    ("genai", Dialect::Gemini),
    ("bedrock", Dialect::Bedrock),
    ("cohere", Dialect::Cohere),
];

/// Finds the route of a request. The fault is a 404 or 405; [`face_of`] says in which envelope.
pub fn route(method: &Method, path: &str, query: Option<&str>, headers: &HeaderMap) -> Result<Route, Fault> {
    let segments: Vec<&str> = path.split('/').filter(|s| !s.is_empty()).collect();
    let (prefix, rest) = match segments.split_first() {
        Some((first, rest)) if PREFIXES.iter().any(|(p, _)| p == first) => (Some(*first), rest),
        _ => (None, &segments[..]),
    };
    let rest = without_versions(rest);
    if let Some(route) = beside_chat(rest, prefix, headers) {
        return match &route.endpoint {
            Endpoint::Hosted { .. } => Ok(route),
            _ if *method == Method::POST => Ok(route),
            _ => Err(Fault::new(FaultKind::MethodNotAllowed, format!("{path} takes POST, not {method}."))),
        };
    }
    if let Some(found) = endpoint(method, rest, prefix, query, headers) {
        let (allowed, route) = found?;
        return if allowed == *method {
            Ok(route)
        } else {
            Err(Fault::new(FaultKind::MethodNotAllowed, format!("{path} takes {allowed}, not {method}.")))
        };
    }
    match segments.split_first() {
        Some((provider, rest)) if !rest.is_empty() => Ok(Route {
            face: face_of(path, headers),
            endpoint: Endpoint::Passthrough { provider: (*provider).to_owned(), path: format!("/{}", rest.join("/")) },
        }),
        _ => Err(Fault::new(
            FaultKind::NoSuchPath,
            format!("There is no endpoint at {path}. See the list of endpoints in the README."),
        )),
    }
}

/// The face whose envelope an answer to this path takes, also where no endpoint is found.
pub fn face_of(path: &str, headers: &HeaderMap) -> Dialect {
    let mut segments = path.split('/').filter(|s| !s.is_empty());
    let first = segments.next().unwrap_or("");
    if let Some((_, face)) = PREFIXES.iter().find(|(p, _)| *p == first) {
        return *face;
    }
    match first {
        "v1beta" | "v1alpha" => Dialect::Gemini,
        "model" => Dialect::Bedrock,
        "ws" => Dialect::Gemini,
        "v2" => Dialect::Cohere,
        "api" if segments.next().is_some_and(|second| !matches!(second, "v1" | "v1beta")) => Dialect::Ollama,
        _ if path.contains("/messages") || headers.contains_key("anthropic-version") => Dialect::Anthropic,
        _ if path.contains("/responses") => Dialect::OpenAiResponses,
        _ if headers.contains_key("x-goog-api-key") => Dialect::Gemini,
        _ => Dialect::OpenAiChat,
    }
}

/// Drops `api` (OpenRouter's root) and every leading version segment of OpenAI and Anthropic, so that `/v1/v1` and no
/// version at all are the same path. Gemini's and Cohere's versions stay: they tell the endpoint.
fn without_versions<'a, 'b>(mut segments: &'b [&'a str]) -> &'b [&'a str] {
    if let ["api", "v1", rest @ ..] = segments
        && !rest.is_empty()
    {
        segments = rest;
    }
    while let ["v1", rest @ ..] = segments
        && !rest.is_empty()
    {
        segments = rest;
    }
    segments
}

type Found = Result<(Method, Route), Fault>;

/// The table. `None`: no endpoint of ours.
fn endpoint(
    method: &Method,
    segments: &[&str],
    prefix: Option<&str>,
    query: Option<&str>,
    headers: &HeaderMap,
) -> Option<Found> {
    use Dialect::{Anthropic, Bedrock, Cohere, Gemini, OpenAiChat, OpenAiResponses};
    let chat =
        |face| Route { face, endpoint: Endpoint::Chat { model: None, stream: None, carriage: FaceCarriage::Own } };
    let count = |face| Route { face, endpoint: Endpoint::CountTokens { model: None } };
    let stored = |id: &str, action| Route {
        face: OpenAiResponses,
        endpoint: Endpoint::StoredResponse { id: id.to_owned(), action },
    };
    let post = |route| Some(Ok((Method::POST, route)));
    match segments {
        ["chat", "completions"] => post(chat(OpenAiChat)),
        ["responses"] => post(chat(OpenAiResponses)),
        ["responses", "input_tokens"] => post(count(OpenAiResponses)),
        ["responses", id] if *method == Method::DELETE => Some(Ok((Method::DELETE, stored(id, StoredAction::Delete)))),
        ["responses", id] => Some(Ok((Method::GET, stored(id, StoredAction::Retrieve)))),
        ["responses", id, "cancel"] => post(stored(id, StoredAction::Cancel)),
        ["responses", id, "input_items"] => Some(Ok((Method::GET, stored(id, StoredAction::InputItems)))),
        ["messages"] => post(chat(Anthropic)),
        ["messages", "count_tokens"] => post(count(Anthropic)),
        ["v2", "chat"] => post(chat(Cohere)),
        ["api", rest @ ..] if prefix.is_none() => ollama(rest),
        [] if *method == Method::HEAD && prefix.is_none() => {
            Some(Ok((Method::HEAD, Endpoint::OllamaHost(OllamaQuestion::Alive).of(Dialect::Ollama))))
        }
        ["chat"] if prefix == Some("cohere") => post(chat(Cohere)),
        ["deployments", deployment, "chat", "completions"] if prefix == Some("openai") => {
            post(deployment_chat(OpenAiChat, deployment))
        }
        ["deployments", deployment, "responses"] if prefix == Some("openai") => {
            post(deployment_chat(OpenAiResponses, deployment))
        }
        ["realtime"] => Some(Ok((Method::GET, Endpoint::Realtime { path: None }.of(OpenAiChat)))),
        ["ws", service] if service.contains("GenerativeService.") => {
            Some(Ok((Method::GET, Endpoint::Realtime { path: Some(format!("/ws/{service}")) }.of(Gemini))))
        }
        ["model", rest @ ..] => bedrock(rest, Bedrock),
        ["v1beta" | "v1alpha", "models", rest @ ..] => Some(gemini(method, rest, query, Gemini)),
        // A model with a slash is a resource's name to some clients, which then put no `models/` before it.
        ["v1beta" | "v1alpha", rest @ ..] if rest.last().is_some_and(|last| is_gemini_verb(last)) => {
            Some(gemini(method, rest, query, Gemini))
        }
        ["models", rest @ ..] if rest.last().is_some_and(|last| last.contains(':') && is_gemini_verb(last)) => {
            Some(gemini(method, rest, query, Gemini))
        }
        ["models"] if query.is_some_and(|q| q.split('&').any(|p| p.starts_with("client_version="))) => Some(Ok((
            Method::GET,
            Route { face: OpenAiResponses, endpoint: Endpoint::Models { id: None, codex: true } },
        ))),
        ["models", rest @ ..] => Some(Ok((Method::GET, models(rest, models_face(prefix, headers))))),
        _ => None,
    }
}

/// The table of what is no chat. Files and the like take any method.
fn beside_chat(segments: &[&str], prefix: Option<&str>, headers: &HeaderMap) -> Option<Route> {
    use Dialect::{Anthropic, Cohere, Gemini, OpenAiChat};
    let (segments, model) = match segments {
        ["deployments", deployment, rest @ ..] if prefix == Some("openai") => (rest, Some(decoded(deployment))),
        _ => (segments, None),
    };
    let embed = |protocol: embed::Protocol| Endpoint::Embed { model: None, protocol }.of(protocol.dialect());
    let rerank = |face, protocol| Endpoint::Rerank { protocol }.of(face);
    let relayed = |operation| {
        let path = format!("/{}", segments.join("/"));
        Endpoint::Relayed { model: model.clone(), operation, path }.of(OpenAiChat)
    };
    let hosted = |face, operation, version: &str| {
        Endpoint::Hosted { operation, path: format!("{version}/{}", segments.join("/")) }.of(face)
    };
    // Two SDKs have the same paths.
    let files = || if models_face(prefix, headers) == Anthropic { Anthropic } else { OpenAiChat };
    Some(match segments {
        ["embeddings"] => Endpoint::Embed { model, protocol: embed::Protocol::OpenAi }.of(OpenAiChat),
        ["v2", "embed"] => embed(embed::Protocol::Cohere),
        ["embed"] => embed(embed::Protocol::CohereV1),
        ["api", "embed"] => embed(embed::Protocol::Ollama),
        ["api", "embeddings"] => embed(embed::Protocol::OllamaPrompt),
        ["v2", "rerank"] => rerank(Cohere, rerank::Protocol::Cohere),
        ["rerank"] if prefix == Some("cohere") => rerank(Cohere, rerank::Protocol::CohereV1),
        ["rerank"] => rerank(OpenAiChat, rerank::Protocol::Jina),
        ["tokenize" | "detokenize"] => {
            let path = format!("/v1/{}", segments.join("/"));
            Endpoint::Relayed { model: None, operation: Operation::CountTokens, path }.of(Cohere)
        }
        ["completions"] => Endpoint::Chat { model, stream: None, carriage: FaceCarriage::Completions }.of(OpenAiChat),
        ["moderations"] => relayed(Operation::Moderate),
        ["images", "generations" | "edits" | "variations"] => relayed(Operation::Image),
        ["audio", "speech"] => relayed(Operation::Speak),
        ["audio", "transcriptions" | "translations"] => relayed(Operation::Transcribe),
        ["messages", "batches", ..] => hosted(Anthropic, Operation::Batch, "/v1"),
        ["batches", ..] => hosted(OpenAiChat, Operation::Batch, "/v1"),
        ["files" | "uploads", ..] => hosted(files(), Operation::File, "/v1"),
        ["fine_tuning" | "vector_stores" | "containers" | "videos" | "conversations" | "evals", _, ..]
        | ["vector_stores" | "containers" | "videos" | "conversations" | "evals"] => {
            hosted(OpenAiChat, Operation::Passthrough, "/v1")
        }
        ["v1beta" | "v1alpha", "files" | "fileSearchStores", ..] | ["upload", "v1beta", ..] => {
            hosted(Gemini, Operation::File, "")
        }
        ["v1beta" | "v1alpha", "batches", ..] => hosted(Gemini, Operation::Batch, ""),
        ["v1beta" | "v1alpha", "cachedContents" | "interactions" | "operations" | "tunedModels", ..] => {
            hosted(Gemini, Operation::Passthrough, "")
        }
        _ => return None,
    })
}

/// `/api/…`, the paths of an Ollama host.
fn ollama(rest: &[&str]) -> Option<Found> {
    let chat = |carriage| Endpoint::Chat { model: None, stream: None, carriage };
    let (method, endpoint) = match rest {
        ["chat"] => (Method::POST, chat(FaceCarriage::Own)),
        ["generate"] => (Method::POST, chat(FaceCarriage::OllamaGenerate)),
        ["tags"] => (Method::GET, Endpoint::Models { id: None, codex: false }),
        ["show"] => (Method::POST, Endpoint::OllamaHost(OllamaQuestion::Show)),
        ["version"] => (Method::GET, Endpoint::OllamaHost(OllamaQuestion::Version)),
        ["ps"] => (Method::GET, Endpoint::OllamaHost(OllamaQuestion::Running)),
        _ => return None,
    };
    Some(Ok((method, endpoint.of(Dialect::Ollama))))
}

fn deployment_chat(face: Dialect, deployment: &str) -> Route {
    Route {
        face,
        endpoint: Endpoint::Chat { model: Some(decoded(deployment)), stream: None, carriage: FaceCarriage::Own },
    }
}

fn models(rest: &[&str], face: Dialect) -> Route {
    let id = (!rest.is_empty()).then(|| decoded(&rest.join("/")));
    Route { face, endpoint: Endpoint::Models { id, codex: false } }
}

/// `/v1/models` is one path of three faces: their SDKs' headers tell which.
fn models_face(prefix: Option<&str>, headers: &HeaderMap) -> Dialect {
    match prefix {
        Some("anthropic") => Dialect::Anthropic,
        Some("genai") => Dialect::Gemini,
        Some("cohere") => Dialect::Cohere,
        _ if headers.contains_key("anthropic-version") => Dialect::Anthropic,
        _ if headers.contains_key("x-goog-api-key") => Dialect::Gemini,
        _ => Dialect::OpenAiChat,
    }
}

/// `{id…}/converse`: the model's id may hold slashes, the verb is the last segment.
fn bedrock(rest: &[&str], face: Dialect) -> Option<Found> {
    let (verb, id) = rest.split_last().filter(|(_, id)| !id.is_empty())?;
    let model = Some(decoded(&id.join("/")));
    let chat =
        |face, stream, carriage| Endpoint::Chat { model: model.clone(), stream: Some(stream), carriage }.of(face);
    let route = match *verb {
        "converse" => chat(face, false, FaceCarriage::Own),
        "converse-stream" => chat(face, true, FaceCarriage::Own),
        "invoke" => chat(Dialect::Anthropic, false, FaceCarriage::BedrockInvoke),
        "invoke-with-response-stream" => chat(Dialect::Anthropic, true, FaceCarriage::BedrockInvoke),
        "count-tokens" => Endpoint::CountTokens { model }.of(face),
        _ => return None,
    };
    Some(Ok((Method::POST, route)))
}

impl Endpoint {
    fn of(self, face: Dialect) -> Route {
        Route { face, endpoint: self }
    }
}

fn is_gemini_verb(segment: &str) -> bool {
    matches!(
        segment.rsplit(':').next(),
        Some(
            "generateContent"
                | "streamGenerateContent"
                | "countTokens"
                | "embedContent"
                | "batchEmbedContents"
                | "predict"
        )
    )
}

/// `{model…}:verb`.
fn gemini(method: &Method, rest: &[&str], query: Option<&str>, face: Dialect) -> Found {
    let whole = decoded(&rest.join("/"));
    let Some((model, verb)) = whole.rsplit_once(':') else {
        return Ok((Method::GET, models(rest, face)));
    };
    let model = Some(model.to_owned());
    let endpoint = match verb {
        "generateContent" => Endpoint::Chat { model, stream: Some(false), carriage: FaceCarriage::Own },
        "streamGenerateContent" => {
            let sse = query.is_some_and(|q| q.split('&').any(|p| p == "alt=sse"));
            let carriage = if sse { FaceCarriage::Own } else { FaceCarriage::JsonArray };
            Endpoint::Chat { model, stream: Some(true), carriage }
        }
        "countTokens" => Endpoint::CountTokens { model },
        "embedContent" | "batchEmbedContents" => Endpoint::Embed { model, protocol: embed::Protocol::Gemini },
        "predict" => Endpoint::Embed { model, protocol: embed::Protocol::Vertex },
        // Names of models may hold a colon, as Bedrock's do.
        _ if *method == Method::GET => return Ok((Method::GET, models(rest, face))),
        other => {
            return Err(Fault::new(
                FaultKind::NoSuchPath,
                format!(
                    "There is no method `{other}` of a model here. Use generateContent, streamGenerateContent, countTokens, \
                     embedContent or batchEmbedContents."
                ),
            ));
        }
    };
    Ok((Method::POST, endpoint.of(face)))
}

/// Percent-decoded; what does not decode to UTF-8 stays as it is.
pub fn decoded(segment: &str) -> String {
    let bytes = segment.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut i = 0;
    while i < bytes.len() {
        let hex = (bytes[i] == b'%').then(|| bytes.get(i + 1..i + 3)).flatten();
        match hex.and_then(|h| std::str::from_utf8(h).ok()).and_then(|h| u8::from_str_radix(h, 16).ok()) {
            Some(byte) => {
                out.push(byte);
                i += 3;
            }
            None => {
                out.push(bytes[i]);
                i += 1;
            }
        }
    }
    String::from_utf8(out).unwrap_or_else(|_| segment.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(method: Method, path: &str) -> Result<Route, Fault> {
        let (path, query) = path.split_once('?').map_or((path, None), |(p, q)| (p, Some(q)));
        route(&method, path, query, &HeaderMap::new())
    }

    #[test]
    fn every_spelling_of_a_base_url_finds_its_face() {
        for (path, face) in [
            ("/v1/chat/completions", Dialect::OpenAiChat),
            ("/chat/completions", Dialect::OpenAiChat),
            ("/v1/v1/chat/completions", Dialect::OpenAiChat),
            ("/api/v1/chat/completions", Dialect::OpenAiChat),
            ("/openai/v1/chat/completions/", Dialect::OpenAiChat),
            ("/openai/chat/completions", Dialect::OpenAiChat),
            ("/v1/responses", Dialect::OpenAiResponses),
            ("/v1/messages", Dialect::Anthropic),
            ("/anthropic/v1/messages", Dialect::Anthropic),
            ("/anthropic/v1/v1/messages", Dialect::Anthropic),
            ("/v2/chat", Dialect::Cohere),
            ("/cohere/v2/chat", Dialect::Cohere),
            ("/api/chat", Dialect::Ollama),
        ] {
            let route = find(Method::POST, path).unwrap();
            assert_eq!(route.face, face, "{path}");
            assert!(matches!(route.endpoint, Endpoint::Chat { model: None, .. }), "{path}");
        }
    }

    #[test]
    fn paths_of_an_ollama_host_are_its_face() {
        for (method, path, wanted) in [
            (Method::POST, "/api/generate", None),
            (Method::GET, "/api/tags", Some(Endpoint::Models { id: None, codex: false })),
            (Method::POST, "/api/show", Some(Endpoint::OllamaHost(OllamaQuestion::Show))),
            (Method::GET, "/api/version", Some(Endpoint::OllamaHost(OllamaQuestion::Version))),
            (Method::GET, "/api/ps", Some(Endpoint::OllamaHost(OllamaQuestion::Running))),
            (Method::HEAD, "/", Some(Endpoint::OllamaHost(OllamaQuestion::Alive))),
        ] {
            let route = find(method, path).unwrap();
            assert_eq!(route.face, Dialect::Ollama, "{path}");
            let generate = Endpoint::Chat { model: None, stream: None, carriage: FaceCarriage::OllamaGenerate };
            assert_eq!(route.endpoint, wanted.unwrap_or(generate), "{path}");
        }
        assert_eq!(face_of("/api/pull", &HeaderMap::new()), Dialect::Ollama);
        assert_eq!(face_of("/api/v1/chat/completions", &HeaderMap::new()), Dialect::OpenAiChat);
        assert_eq!(find(Method::GET, "/api/chat").unwrap_err().kind, FaultKind::MethodNotAllowed);
    }

    #[test]
    fn models_in_paths_keep_slashes_and_colons() {
        for (path, model, stream, carriage) in [
            ("/v1beta/models/gemini-2.5-flash:generateContent", "gemini-2.5-flash", false, FaceCarriage::Own),
            ("/v1beta/models/openai/gpt-5:streamGenerateContent?alt=sse", "openai/gpt-5", true, FaceCarriage::Own),
            (
                "/genai/v1beta/models/openai%2Fgpt-5:free:streamGenerateContent",
                "openai/gpt-5:free",
                true,
                FaceCarriage::JsonArray,
            ),
            ("/v1/models/gemini-2.5-flash:generateContent", "gemini-2.5-flash", false, FaceCarriage::Own),
            ("/v1beta/openai/gpt-5:generateContent", "openai/gpt-5", false, FaceCarriage::Own),
            ("/model/us.anthropic.claude-v1%3A0/converse", "us.anthropic.claude-v1:0", false, FaceCarriage::Own),
            ("/bedrock/model/openai/gpt-5/converse-stream", "openai/gpt-5", true, FaceCarriage::Own),
            ("/model/claude/invoke", "claude", false, FaceCarriage::BedrockInvoke),
            ("/openai/deployments/my-gpt/chat/completions", "my-gpt", false, FaceCarriage::Own),
        ] {
            let Endpoint::Chat { model: m, stream: s, carriage: c } = find(Method::POST, path).unwrap().endpoint else {
                panic!("{path}")
            };
            assert_eq!((m.as_deref(), s.unwrap_or(false), c), (Some(model), stream, carriage), "{path}");
        }
    }

    #[test]
    fn what_is_no_chat_has_its_own_words_and_paths() {
        use embed::Protocol as Embed;
        use rerank::Protocol as Rerank;
        for (path, face, wanted) in [
            ("/v1/embeddings", Dialect::OpenAiChat, Endpoint::Embed { model: None, protocol: Embed::OpenAi }),
            (
                "/openai/deployments/ada/embeddings",
                Dialect::OpenAiChat,
                Endpoint::Embed { model: Some("ada".into()), protocol: Embed::OpenAi },
            ),
            ("/v2/embed", Dialect::Cohere, Endpoint::Embed { model: None, protocol: Embed::Cohere }),
            ("/cohere/v1/embed", Dialect::Cohere, Endpoint::Embed { model: None, protocol: Embed::CohereV1 }),
            (
                "/v1beta/models/openai/te-3:batchEmbedContents",
                Dialect::Gemini,
                Endpoint::Embed { model: Some("openai/te-3".into()), protocol: Embed::Gemini },
            ),
            ("/v1/rerank", Dialect::OpenAiChat, Endpoint::Rerank { protocol: Rerank::Jina }),
            ("/v2/rerank", Dialect::Cohere, Endpoint::Rerank { protocol: Rerank::Cohere }),
            (
                "/v1/images/edits",
                Dialect::OpenAiChat,
                Endpoint::Relayed { model: None, operation: Operation::Image, path: "/images/edits".into() },
            ),
            (
                "/openai/deployments/w/audio/transcriptions",
                Dialect::OpenAiChat,
                Endpoint::Relayed {
                    model: Some("w".into()),
                    operation: Operation::Transcribe,
                    path: "/audio/transcriptions".into(),
                },
            ),
            (
                "/v1/messages/batches",
                Dialect::Anthropic,
                Endpoint::Hosted { operation: Operation::Batch, path: "/v1/messages/batches".into() },
            ),
            (
                "/openai/v1/files/f-1/content",
                Dialect::OpenAiChat,
                Endpoint::Hosted { operation: Operation::File, path: "/v1/files/f-1/content".into() },
            ),
            (
                "/v1beta/cachedContents",
                Dialect::Gemini,
                Endpoint::Hosted { operation: Operation::Passthrough, path: "/v1beta/cachedContents".into() },
            ),
        ] {
            assert_eq!(find(Method::POST, path).unwrap(), Route { face, endpoint: wanted }, "{path}");
        }
        assert_eq!(find(Method::GET, "/v1/embeddings").unwrap_err().kind, FaultKind::MethodNotAllowed);
        assert!(matches!(find(Method::DELETE, "/v1/files/f-1").unwrap().endpoint, Endpoint::Hosted { .. }));
    }

    #[test]
    fn sessions_are_opened_by_get() {
        for (path, face, inside) in [
            ("/v1/realtime", Dialect::OpenAiChat, false),
            ("/openai/v1/realtime", Dialect::OpenAiChat, false),
            ("/openai/realtime", Dialect::OpenAiChat, false),
            ("/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent", Dialect::Gemini, true),
        ] {
            let route = find(Method::GET, path).unwrap();
            let Endpoint::Realtime { path: found } = route.endpoint else { panic!("{path}") };
            assert_eq!((route.face, found.is_some()), (face, inside), "{path}");
            assert_eq!(find(Method::POST, path).unwrap_err().kind, FaultKind::MethodNotAllowed, "{path}");
        }
    }

    #[test]
    fn errors_by_invoke_model_are_bedrocks() {
        assert_eq!(FaceCarriage::BedrockInvoke.envelope(Dialect::Anthropic), Dialect::Bedrock);
        assert_eq!(FaceCarriage::Own.envelope(Dialect::Anthropic), Dialect::Anthropic);
    }

    #[test]
    fn wrong_methods_and_unknown_paths_are_told_apart() {
        assert_eq!(find(Method::GET, "/v1/messages").unwrap_err().kind, FaultKind::MethodNotAllowed);
        assert_eq!(find(Method::POST, "/nothing").unwrap_err().kind, FaultKind::NoSuchPath);
        let route = find(Method::POST, "/mistral/v1/fim/completions").unwrap();
        assert_eq!(
            route.endpoint,
            Endpoint::Passthrough { provider: "mistral".into(), path: "/v1/fim/completions".into() }
        );
    }

    #[test]
    fn a_model_with_a_colon_is_shown() {
        for path in ["/v1beta/models/us.anthropic.claude-v1:0", "/v1beta/models/up/us.anthropic.claude-v1:0"] {
            let Endpoint::Models { id: Some(id), .. } = find(Method::GET, path).unwrap().endpoint else {
                panic!("{path}")
            };
            assert!(id.ends_with("us.anthropic.claude-v1:0"), "{id}");
        }
        assert!(find(Method::POST, "/v1beta/models/us.anthropic.claude-v1:0").is_err());
    }

    #[test]
    fn one_models_path_serves_three_faces() {
        let mut headers = HeaderMap::new();
        headers.insert("anthropic-version", "2023-06-01".parse().unwrap());
        assert_eq!(route(&Method::GET, "/v1/models", None, &headers).unwrap().face, Dialect::Anthropic);
        assert_eq!(find(Method::GET, "/v1beta/models").unwrap().face, Dialect::Gemini);
        assert_eq!(
            find(Method::GET, "/v1/models/openai/gpt-5").unwrap().endpoint,
            Endpoint::Models { id: Some("openai/gpt-5".into()), codex: false }
        );
    }
}
