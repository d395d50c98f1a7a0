//! Carriages: how a dialect travels to one host. Path, version field, betas in header or body, fields that the host
//! takes, framing of streams. The words of the request stay the dialect's.

use std::fmt;
use std::fmt::Write as _;
use std::str::FromStr;

use tollgate_ir::{Dialect, Operation};

mod claude;
mod headers;
mod nested;
mod unwrap;

pub use claude::Carried;
pub(crate) use headers::is_limit_of_a_provider;
pub use headers::{forwards_request_header, forwards_response_header};

/// The API version of Azure's deployment paths where the configuration names none: the last stable one.
pub const AZURE_API_VERSION: &str = "2024-10-21";

/// How a dialect travels to one host.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum Carriage {
    /// As the dialect's maker has it. Also Bedrock's `…/anthropic` and `…/openai/v1` paths, Azure's `/openai/v1` and
    /// Foundry's `/anthropic/v1`, and Gemini on Vertex (base URL up to `publishers/google`).
    #[default]
    Own,
    /// Claude on Bedrock's `InvokeModel`: the model in the path, `anthropic_version` and betas in the body, streams
    /// in AWS frames. The base URL is the host.
    BedrockInvoke,
    /// Claude on Vertex: the model in the path, `anthropic_version` in the body. The base URL goes up to
    /// `publishers/anthropic`.
    VertexRawPredict,
    /// OpenAI's dialects on Azure's older paths. The base URL ends in `/openai`.
    AzureDeployments {
        /// `api-version` of the query.
        api_version: String,
    },
    /// The dialect's chat at a path of the host's own, model and query in it as the host wants.
    Path {
        /// What follows the base URL; `{model}` is the model's name.
        path: String,
    },
}

impl fmt::Display for Carriage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Own => f.write_str("own"),
            Self::BedrockInvoke => f.write_str("bedrock-invoke"),
            Self::VertexRawPredict => f.write_str("vertex-raw-predict"),
            Self::AzureDeployments { api_version } => write!(f, "azure-deployments:{api_version}"),
            Self::Path { path } => write!(f, "path:{path}"),
        }
    }
}

impl FromStr for Carriage {
    type Err = String;

    fn from_str(s: &str) -> Result<Self, Self::Err> {
        match s.split_once(':').unwrap_or((s, "")) {
            ("own", "") => Ok(Self::Own),
            ("bedrock-invoke", "") => Ok(Self::BedrockInvoke),
            ("vertex-raw-predict", "") => Ok(Self::VertexRawPredict),
            ("azure-deployments", version) => Ok(Self::AzureDeployments {
                api_version: if version.is_empty() { AZURE_API_VERSION } else { version }.to_owned(),
            }),
            ("path", path) if path.starts_with('/') => Ok(Self::Path { path: path.to_owned() }),
            _ => Err(format!(
                "unknown carriage `{s}`; use one of own, bedrock-invoke, vertex-raw-predict, \
                 azure-deployments:API_VERSION, path:/PATH/AFTER/THE/BASE/URL"
            )),
        }
    }
}

impl Carriage {
    /// Path and query after the provider's base URL; `None` where the host does not serve the operation.
    pub fn path(&self, dialect: Dialect, operation: Operation, model: &str, stream: bool) -> Option<String> {
        let count = match operation {
            Operation::Chat | Operation::Complete => false,
            Operation::CountTokens => true,
            _ => return None,
        };
        // Google's SDKs say `models/…`, which the path says already.
        let m =
            Segment(if dialect == Dialect::Gemini { model.strip_prefix("models/").unwrap_or(model) } else { model });
        match self {
            Self::Own => own_path(dialect, count, m, stream),
            Self::BedrockInvoke if count => own_path(Dialect::Bedrock, count, m, stream),
            Self::BedrockInvoke if stream => Some(format!("/model/{m}/invoke-with-response-stream")),
            Self::BedrockInvoke => Some(format!("/model/{m}/invoke")),
            Self::VertexRawPredict if count => Some("/models/count-tokens:rawPredict".to_owned()),
            Self::VertexRawPredict if stream => Some(format!("/models/{m}:streamRawPredict")),
            Self::VertexRawPredict => Some(format!("/models/{m}:rawPredict")),
            Self::AzureDeployments { api_version } => match dialect {
                Dialect::OpenAiChat if !count => {
                    Some(format!("/deployments/{m}/chat/completions?api-version={}", Segment(api_version)))
                }
                Dialect::OpenAiResponses if !count => Some(format!("/responses?api-version={}", Segment(api_version))),
                _ => None,
            },
            Self::Path { .. } if count => None,
            Self::Path { path } => Some(path.replace("{model}", &m.to_string())),
        }
    }

    /// Path and query of a realtime session with a model of OpenAI's; `others` is what else the client says in the query.
    pub fn realtime_path(&self, model: &str, others: &str) -> String {
        let more = if others.is_empty() { "" } else { "&" };
        match self {
            Self::AzureDeployments { api_version } => {
                format!("/realtime?api-version={}&deployment={}{more}{others}", Segment(api_version), Segment(model))
            }
            _ => format!("/realtime?model={}{more}{others}", Segment(model)),
        }
    }

    /// Path and query of another operation of OpenAI's (`/images/generations`).
    pub fn openai_path(&self, operation: &str, model: &str) -> String {
        match self {
            Self::AzureDeployments { api_version } if model.is_empty() => {
                format!("{operation}?api-version={}", Segment(api_version))
            }
            Self::AzureDeployments { api_version } => {
                format!("/deployments/{}{operation}?api-version={}", Segment(model), Segment(api_version))
            }
            _ => operation.to_owned(),
        }
    }

    /// Whether the model's name stands in the path and not in the body. (Vertex counts tokens at a path without one.)
    pub fn model_in_path(&self, dialect: Dialect, operation: Operation) -> bool {
        match self {
            Self::BedrockInvoke => true,
            Self::VertexRawPredict => operation != Operation::CountTokens,
            Self::Own | Self::AzureDeployments { .. } | Self::Path { .. } => {
                matches!(dialect, Dialect::Gemini | Dialect::Bedrock)
            }
        }
    }
}

fn own_path(dialect: Dialect, count: bool, m: Segment<'_>, stream: bool) -> Option<String> {
    Some(match (dialect, count, stream) {
        (Dialect::OpenAiChat, false, _) => "/chat/completions".to_owned(),
        (Dialect::OpenAiResponses, false, _) => "/responses".to_owned(),
        (Dialect::OpenAiResponses, true, _) => "/responses/input_tokens".to_owned(),
        (Dialect::Anthropic, false, _) => "/messages".to_owned(),
        (Dialect::Anthropic, true, _) => "/messages/count_tokens".to_owned(),
        (Dialect::Gemini, true, _) => format!("/models/{m}:countTokens"),
        (Dialect::Gemini, false, true) => format!("/models/{m}:streamGenerateContent?alt=sse"),
        (Dialect::Gemini, false, false) => format!("/models/{m}:generateContent"),
        (Dialect::Bedrock, true, _) => format!("/model/{}/count-tokens", Segment(foundation(m.0))),
        (Dialect::Bedrock, false, true) => format!("/model/{m}/converse-stream"),
        (Dialect::Bedrock, false, false) => format!("/model/{m}/converse"),
        (Dialect::Cohere, false, _) => "/v2/chat".to_owned(),
        (Dialect::Ollama, false, _) => "/api/chat".to_owned(),
        (Dialect::OpenAiChat | Dialect::Cohere | Dialect::Ollama, true, _) => return None,
    })
}

/// A model of Bedrock without the region of its inference profile: `CountTokens` takes no profiles (AWS, “Monitor your
/// token usage by counting tokens”).
fn foundation(model: &str) -> &str {
    const REGIONS: &[&str] = &["us", "us-gov", "eu", "apac", "jp", "au", "ca", "global"];
    match model.split_once('.') {
        Some((region, rest)) if REGIONS.contains(&region) && rest.contains('.') => rest,
        _ => model,
    }
}

/// Text as one path segment or query value: unreserved characters of RFC 3986 as they are, the rest percent-encoded,
/// so that a model's name can neither leave its segment (`../`) nor begin a query. A `:` is encoded too: SigV4 signs
/// the encoded form, and Bedrock takes both.
#[derive(Clone, Copy)]
pub(crate) struct Segment<'a>(pub(crate) &'a str);

impl fmt::Display for Segment<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A segment of dots alone would be resolved away.
        let dots = !self.0.is_empty() && self.0.bytes().all(|b| b == b'.');
        for b in self.0.bytes() {
            match b {
                b'.' if dots => f.write_str("%2E")?,
                b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'@' => f.write_char(b.into())?,
                _ => write!(f, "%{b:02X}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
#[path = "carriage/tests.rs"]
mod tests;
