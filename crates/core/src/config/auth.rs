//! How a provider is authenticated with, as written and as checked: one word, or a map of the one way and its settings.

use schemars::JsonSchema;
use serde::Deserialize;

use super::Secret;
use super::report::Report;
use super::shape::WordOr;
use crate::near::nearest;

/// The words that stand for a way without settings.
const WORDS: &[&str] = &["none", "bearer", "aws", "google", "azure"];

/// How a provider is authenticated with.
#[derive(Clone, Debug, PartialEq)]
pub enum Auth {
    /// Not at all.
    None,
    /// `authorization: SCHEME key`; the scheme is mostly `Bearer`.
    Scheme(String),
    /// The key in a header of its own, its name in lower case.
    Header(String),
    /// The key as a parameter of the query.
    Query(String),
    /// AWS Signature Version 4.
    Aws(AwsAuth),
    /// A token of Google Cloud.
    Google(GoogleAuth),
    /// A token of Entra.
    Azure(AzureAuth),
    /// OAuth 2.0 client credentials.
    OAuth2(OAuth2),
}

/// A way to authenticate with its settings: exactly one of these keys.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct RawAuth {
    /// The header that carries the key, such as `api-key`.
    pub header: Option<String>,
    /// The query's parameter that carries the key.
    pub query: Option<String>,
    /// The word before the key in `authorization`, where it is not `Bearer`.
    pub scheme: Option<String>,
    /// AWS signatures.
    pub aws: Option<AwsAuth>,
    /// Tokens of Google Cloud.
    pub google: Option<GoogleAuth>,
    /// Tokens of Entra.
    pub azure: Option<AzureAuth>,
    /// OAuth 2.0 client credentials.
    pub oauth2: Option<OAuth2>,
}

/// AWS signatures. Without keys and profile, the credentials are looked for where AWS's SDKs look.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct AwsAuth {
    /// The id of an access key, such as `${AWS_ACCESS_KEY_ID}`.
    pub access_key_id: Option<String>,
    /// Its secret.
    pub secret_access_key: Option<Secret>,
    /// With temporary keys.
    pub session_token: Option<Secret>,
    /// A profile of `~/.aws/config` and `~/.aws/credentials`; no other source is asked then.
    pub profile: Option<String>,
    /// A role to assume with what was found.
    pub role_arn: Option<String>,
    /// What the role's trust policy asks for.
    pub external_id: Option<String>,
    /// The session's name in CloudTrail; `tollgate` by default.
    pub session_name: Option<String>,
    /// The service in the signature; `bedrock` by default.
    pub service: Option<String>,
}

/// Tokens of Google Cloud. Without a file, they are looked for where Google's libraries look.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct GoogleAuth {
    /// Path of a credential file: service account, workload identity federation, or of a user.
    pub credentials_file: Option<String>,
    /// The file's text, such as `${file:/run/secrets/google.json}`.
    pub credentials: Option<Secret>,
    /// The scope; `https://www.googleapis.com/auth/cloud-platform` by default.
    pub scope: Option<String>,
}

/// Tokens of Entra. Without a client secret they are looked for where Azure's libraries look.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct AzureAuth {
    /// The tenant; `AZURE_TENANT_ID` by default.
    pub tenant_id: Option<String>,
    /// The application, or a user-assigned managed identity; `AZURE_CLIENT_ID` by default.
    pub client_id: Option<String>,
    /// The application's secret.
    pub client_secret: Option<Secret>,
    /// Path of a federated token, for workload identity.
    pub federated_token_file: Option<String>,
    /// Where tokens come from; `AZURE_AUTHORITY_HOST`, else `https://login.microsoftonline.com` by default.
    pub authority: Option<String>,
    /// The scope; `https://cognitiveservices.azure.com/.default` by default.
    pub scope: Option<String>,
}

/// OAuth 2.0 client credentials (RFC 6749, section 4.4).
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct OAuth2 {
    /// Where tokens come from.
    pub token_url: String,
    /// Who asks.
    pub client_id: String,
    /// The client's secret.
    pub client_secret: Secret,
    /// Scopes, with spaces between them.
    pub scope: Option<String>,
    /// The API that the token is for, where the server wants it named.
    pub audience: Option<String>,
    /// How the client names itself: `basic` (the default) in the header, or `post` in the form.
    pub client_auth: Option<ClientAuth>,
}

/// How a client names itself to a token endpoint.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ClientAuth {
    /// In the header `authorization`.
    #[default]
    Basic,
    /// In the form.
    Post,
}

pub(super) fn check(raw: WordOr<RawAuth>, path: &str, report: &mut Report<'_>) -> Auth {
    match raw {
        WordOr::Word(word) => from_word(&word, path, report),
        WordOr::Map(raw) => from_map(raw, path, report),
    }
}

fn from_word(word: &str, path: &str, report: &mut Report<'_>) -> Auth {
    match word {
        "none" => Auth::None,
        "bearer" => Auth::Scheme("Bearer".to_owned()),
        "aws" => Auth::Aws(AwsAuth::default()),
        "google" => Auth::Google(GoogleAuth::default()),
        "azure" => Auth::Azure(AzureAuth::default()),
        _ => {
            let near = nearest(word, WORDS.iter().copied(), 1);
            let message = format!(
                "is none of {}; or a map with header, query, scheme, aws, google, azure or oauth2",
                WORDS.join(", ")
            );
            report.path_near(path, message, near);
            Auth::None
        }
    }
}

fn from_map(raw: RawAuth, path: &str, report: &mut Report<'_>) -> Auth {
    let RawAuth { header, query, scheme, aws, google, azure, oauth2 } = raw;
    let ways = [
        header.map(|name| Auth::Header(name.to_lowercase())),
        query.map(Auth::Query),
        scheme.map(Auth::Scheme),
        aws.map(Auth::Aws),
        google.map(Auth::Google),
        azure.map(Auth::Azure),
        oauth2.map(Auth::OAuth2),
    ];
    let mut ways = ways.into_iter().flatten();
    let (Some(auth), None) = (ways.next(), ways.next()) else {
        report.path(path, "must have exactly one of header, query, scheme, aws, google, azure, oauth2");
        return Auth::None;
    };
    if let Err((key, message)) = whole(&auth) {
        report.path(&format!("{path}.{key}"), message);
    }
    auth
}

/// The key that is wrong or missing, and what is wrong with it.
fn whole(auth: &Auth) -> Result<(), (&'static str, &'static str)> {
    let token = |text: &str| {
        !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b))
    };
    let url = |text: &str| text.starts_with("https://") || text.starts_with("http://");
    match auth {
        Auth::Header(name) if !token(name) => Err(("header", "is no name of a header")),
        Auth::Scheme(name) if !token(name) => Err(("scheme", "must be one word, such as Token")),
        Auth::Query(name)
            if name.is_empty() || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b)) =>
        {
            Err(("query", "must be one word, such as key"))
        }
        Auth::Aws(aws) if aws.access_key_id.is_some() != aws.secret_access_key.is_some() => {
            Err(("aws", "`access_key_id` and `secret_access_key` come together"))
        }
        Auth::Aws(aws) if aws.access_key_id.is_some() && aws.profile.is_some() => {
            Err(("aws.profile", "a profile and an access key exclude each other; keep one"))
        }
        Auth::Aws(aws) if aws.session_token.is_some() && aws.access_key_id.is_none() => {
            Err(("aws.session_token", "belongs to an `access_key_id`"))
        }
        Auth::Aws(aws) if aws.external_id.is_some() && aws.role_arn.is_none() => {
            Err(("aws.external_id", "belongs to a `role_arn`"))
        }
        Auth::Google(google) if google.credentials_file.is_some() && google.credentials.is_some() => {
            Err(("google.credentials", "`credentials` and `credentials_file` exclude each other; keep one"))
        }
        Auth::Azure(azure) if azure.client_secret.is_some() && azure.federated_token_file.is_some() => {
            Err(("azure.client_secret", "`client_secret` and `federated_token_file` exclude each other; keep one"))
        }
        Auth::Azure(azure) if !azure.authority.as_deref().is_none_or(url) => {
            Err(("azure.authority", "must be a URL that begins with https://"))
        }
        Auth::OAuth2(oauth) if !url(&oauth.token_url) => {
            Err(("oauth2.token_url", "must be a URL that begins with https://"))
        }
        _ => Ok(()),
    }
}

/// The credential is said under `auth` or found: keys beside it would have no effect.
pub(super) fn contradicts_keys(auth: &Auth) -> bool {
    matches!(auth, Auth::None | Auth::Aws(_) | Auth::Google(_) | Auth::Azure(_) | Auth::OAuth2(_))
}
