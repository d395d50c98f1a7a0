//! How keys are sent: the ways that a record can name.

use tollgate_ir::Dialect;

/// How a key is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Auth {
    /// Not at all: local servers.
    None,
    /// `authorization: Bearer …`.
    Bearer,
    /// A header of its own.
    Header(&'static str),
    /// `authorization` with another scheme than `Bearer`: `Token`, `Key`.
    Scheme(&'static str),
    /// A query parameter.
    Query(&'static str),
    /// AWS Signature Version 4, or a bearer token where there is one.
    Aws,
    /// An OAuth token of Google Cloud, by its application default credentials.
    Google,
    /// The header `api-key`, or a token of Entra.
    Azure,
    /// The key is exchanged for a short-lived token first, which is sent as `authorization: Bearer …`.
    Exchange(&'static Exchange),
}

/// How a key is exchanged for a short-lived token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exchange {
    /// Where.
    pub url: &'static str,
    /// How the key goes there.
    pub key: KeyIn,
}

/// How a key goes to where it is exchanged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyIn {
    /// `POST` with a form: fields as they are, and the field that takes the key.
    Form(&'static [(&'static str, &'static str)], &'static str),
    /// `GET` with `authorization: SCHEME key`.
    Scheme(&'static str),
}

/// IBM Cloud's exchange of an API key, for watsonx
/// (<https://cloud.ibm.com/docs/account?topic=account-iamtoken_from_apikey>).
pub const IBM_IAM: Exchange = Exchange {
    url: "https://iam.cloud.ibm.com/identity/token",
    key: KeyIn::Form(&[("grant_type", "urn:ibm:params:oauth:grant-type:apikey")], "apikey"),
};

/// GitHub Copilot's exchange of a GitHub token, as its editors do it.
pub const GITHUB_COPILOT: Exchange =
    Exchange { url: "https://api.github.com/copilot_internal/v2/token", key: KeyIn::Scheme("token") };

impl Auth {
    /// For lists of providers.
    pub const fn in_words(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Bearer => "bearer",
            Self::Header(name) | Self::Scheme(name) | Self::Query(name) => name,
            Self::Aws => "SigV4 or bearer",
            Self::Google => "Google token",
            Self::Azure => "api-key or Entra token",
            Self::Exchange(_) => "exchanged for a bearer token",
        }
    }

    /// Environment variables that point to a credential other than a key; one that is set means that the provider is to
    /// be used.
    pub const fn pointers(self) -> &'static [&'static str] {
        match self {
            Self::Aws => &[
                "AWS_ACCESS_KEY_ID",
                "AWS_PROFILE",
                "AWS_WEB_IDENTITY_TOKEN_FILE",
                "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
                "AWS_CONTAINER_CREDENTIALS_FULL_URI",
            ],
            Self::Google => &["GOOGLE_APPLICATION_CREDENTIALS", "GOOGLE_GENAI_USE_VERTEXAI", "CLAUDE_CODE_USE_VERTEX"],
            Self::Azure => &["AZURE_CLIENT_SECRET", "AZURE_FEDERATED_TOKEN_FILE", "IDENTITY_ENDPOINT"],
            Self::None | Self::Bearer | Self::Header(_) | Self::Scheme(_) | Self::Query(_) | Self::Exchange(_) => &[],
        }
    }

    /// What a host of this dialect usually wants, where nothing else is known.
    pub const fn usual(dialect: Dialect) -> Self {
        match dialect {
            Dialect::OpenAiChat | Dialect::OpenAiResponses | Dialect::Cohere | Dialect::Ollama => Self::Bearer,
            Dialect::Anthropic => Self::Header("x-api-key"),
            Dialect::Gemini => Self::Header("x-goog-api-key"),
            Dialect::Bedrock => Self::Aws,
        }
    }
}
