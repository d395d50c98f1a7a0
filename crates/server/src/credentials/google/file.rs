//! A credential file of Google Cloud: of a service account, of a user, of a workload's federated identity, or of one
//! account that acts as another.

use serde::Deserialize;
use serde_json::value::RawValue;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use super::aws_subject::AwsSubject;
use super::external::External;
use super::service_account::ServiceAccount;
use crate::credentials::ask::Ask;
use crate::credentials::{Fetching, Grant, Miss, Secret, Source, Token, Transport, time};

pub(super) const TOKEN_URI: &str = "https://oauth2.googleapis.com/token";

/// Where a file's text is.
#[derive(Clone, Debug)]
pub(super) enum Origin {
    /// In the configuration.
    Text(Secret),
    /// In a file, which `must` be there if it is named.
    File { path: Option<String>, place: &'static str, must: bool },
}

/// A credential file as a source.
#[derive(Debug)]
pub(super) struct CredentialFile {
    pub origin: Origin,
    pub scope: String,
    pub aws: AwsSubject,
}

#[derive(Deserialize)]
struct Kind {
    #[serde(rename = "type")]
    kind: String,
    quota_project_id: Option<String>,
}

/// `gcloud auth application-default login`.
#[derive(Deserialize)]
struct AuthorizedUser {
    client_id: String,
    client_secret: String,
    refresh_token: String,
    token_uri: Option<String>,
}

/// `gcloud auth application-default login --impersonate-service-account`.
#[derive(Deserialize)]
struct Impersonated<'a> {
    service_account_impersonation_url: String,
    #[serde(borrow)]
    source_credentials: &'a RawValue,
    #[serde(default)]
    delegates: Vec<String>,
}

impl Source<Token> for CredentialFile {
    fn place(&self) -> String {
        match &self.origin {
            Origin::Text(_) => "the configuration's credential".to_owned(),
            Origin::File { place, .. } => (*place).to_owned(),
        }
    }

    fn fetch<'a>(&'a self, transport: Transport<'a>) -> Fetching<'a, Token> {
        Box::pin(async move {
            let text = match &self.origin {
                Origin::Text(text) => text.expose().to_owned(),
                Origin::File { path: None, .. } => return Err(Miss::Absent("not set".to_owned())),
                Origin::File { path: Some(path), must, .. } => match tokio::fs::read_to_string(path).await {
                    Ok(text) => text,
                    Err(error) if *must => return Err(Miss::wrong(format!("`{path}` cannot be read: {error}"))),
                    Err(_) => return Err(Miss::Absent("no such file".to_owned())),
                },
            };
            self.tokens_of(&text, &self.scope, transport).await
        })
    }
}

impl CredentialFile {
    fn tokens_of<'a>(
        &'a self,
        text: &'a str,
        scope: &'a str,
        transport: Transport<'a>,
    ) -> Pin<Box<dyn Future<Output = Result<Grant<Token>, Miss>> + Send + 'a>> {
        Box::pin(async move {
            let Kind { kind, quota_project_id } = parsed(text)?;
            let mut grant = match kind.as_str() {
                "service_account" => parsed::<ServiceAccount>(text)?.token(scope, transport).await?,
                "authorized_user" => parsed::<AuthorizedUser>(text)?.token(transport).await?,
                "external_account" => parsed::<External>(text)?.token(scope, &self.aws, transport).await?,
                "impersonated_service_account" => {
                    let other: Impersonated<'_> = parsed(text)?;
                    let base = self.tokens_of(other.source_credentials.get(), super::SCOPE, transport).await?;
                    let url = &other.service_account_impersonation_url;
                    impersonate(url, &other.delegates, scope, 3600, &base.value.bearer, transport).await?
                }
                other => return Err(Miss::wrong(format!("the credential's type `{other}` is not supported"))),
            };
            if kind != "service_account" {
                grant.value.quota_project = quota_project_id;
            }
            Ok(grant)
        })
    }
}

/// Says nothing of the text but what is missing in it.
fn parsed<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, Miss> {
    serde_json::from_str(text).map_err(|error| {
        let what = if error.is_data() { error.to_string() } else { "it is no JSON".to_owned() };
        Miss::wrong(format!("the credential file cannot be read: {what}"))
    })
}

impl AuthorizedUser {
    async fn token(&self, transport: Transport<'_>) -> Result<Grant<Token>, Miss> {
        let url = self.token_uri.as_deref().unwrap_or(TOKEN_URI);
        let (secret, refresh) = (Secret::new(self.client_secret.as_str()), Secret::new(self.refresh_token.as_str()));
        let fields = [("grant_type", "refresh_token"), ("client_id", self.client_id.as_str())];
        let ask = Ask::form(url, &fields, &[("client_secret", &secret), ("refresh_token", &refresh)]);
        ask.send(transport).await?.token(transport)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Generated {
    access_token: String,
    expire_time: String,
}

/// A service account's token for somebody who may act as it (IAM Credentials API, `generateAccessToken`).
pub(super) async fn impersonate(
    url: &str,
    delegates: &[String],
    scope: &str,
    lifetime: u64,
    base: &Secret,
    transport: Transport<'_>,
) -> Result<Grant<Token>, Miss> {
    #[derive(serde::Serialize)]
    struct Wanted<'a> {
        scope: Vec<&'a str>,
        lifetime: String,
        #[serde(skip_serializing_if = "<[String]>::is_empty")]
        delegates: &'a [String],
    }
    let wanted = Wanted { scope: scope.split(' ').collect(), lifetime: format!("{lifetime}s"), delegates };
    let body = serde_json::to_string(&wanted).map_err(|_| Miss::wrong("the request for a token cannot be written"))?;
    let Generated { access_token, expire_time } =
        Ask::json(url, body).authorized("Bearer", base)?.send(transport).await?.read()?;
    let expires = time::rfc3339(&expire_time).unwrap_or(transport.now + Duration::from_secs(lifetime));
    Ok(Grant { value: Token::new(access_token), expires: Some(expires) })
}
