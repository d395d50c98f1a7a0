//! Workload identity federation: a token of elsewhere for one of Google's (RFC 8693,
//! <https://google.aip.dev/auth/4117>), and with that, if the file says so, a service account's.

use std::collections::BTreeMap;

use http::header::{HeaderName, HeaderValue};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::aws_subject::AwsSubject;
use super::file::impersonate;
use crate::credentials::ask::Ask;
use crate::credentials::{Grant, Miss, Secret, Token, Transport};

const GRANT: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const WANTED: &str = "urn:ietf:params:oauth:token-type:access_token";

/// The federation's file.
#[derive(Deserialize)]
pub(super) struct External {
    audience: String,
    subject_token_type: String,
    token_url: String,
    credential_source: CredentialSource,
    service_account_impersonation_url: Option<String>,
    service_account_impersonation: Option<Lifetime>,
    client_id: Option<String>,
    client_secret: Option<String>,
    workforce_pool_user_project: Option<String>,
}

#[derive(Deserialize)]
struct Lifetime {
    token_lifetime_seconds: Option<u64>,
}

#[derive(Deserialize)]
struct CredentialSource {
    file: Option<String>,
    url: Option<String>,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    format: Option<Format>,
    environment_id: Option<String>,
    regional_cred_verification_url: Option<String>,
    executable: Option<Box<RawValue>>,
}

#[derive(Deserialize)]
struct Format {
    #[serde(rename = "type")]
    kind: String,
    subject_token_field_name: Option<String>,
}

impl External {
    /// A token for a scope.
    pub async fn token(&self, scope: &str, aws: &AwsSubject, transport: Transport<'_>) -> Result<Grant<Token>, Miss> {
        let subject = self.credential_source.subject(&self.audience, aws, transport).await?;
        // Federated tokens are for all of Google Cloud where they are only the step before a service account's.
        let exchanged = if self.service_account_impersonation_url.is_some() { super::SCOPE } else { scope };
        let options = self.workforce_pool_user_project.as_ref().filter(|_| self.client_id.is_none()).map(|project| {
            let project = serde_json::to_string(project).unwrap_or_default();
            format!("{{\"userProject\":{project}}}")
        });
        let mut fields = vec![
            ("grant_type", GRANT),
            ("audience", self.audience.as_str()),
            ("scope", exchanged),
            ("requested_token_type", WANTED),
            ("subject_token_type", self.subject_token_type.as_str()),
        ];
        fields.extend(options.as_deref().map(|options| ("options", options)));
        let mut ask = Ask::form(self.token_url.as_str(), &fields, &[("subject_token", &subject)]);
        if let (Some(id), Some(secret)) = (&self.client_id, &self.client_secret) {
            ask = ask.basic(id, &Secret::new(secret.as_str()))?;
        }
        let grant = ask.send(transport).await?.token(transport)?;
        let Some(url) = &self.service_account_impersonation_url else { return Ok(grant) };
        let lifetime =
            self.service_account_impersonation.as_ref().and_then(|l| l.token_lifetime_seconds).unwrap_or(3600);
        impersonate(url, &[], scope, lifetime, &grant.value.bearer, transport).await
    }
}

impl CredentialSource {
    async fn subject(&self, audience: &str, aws: &AwsSubject, transport: Transport<'_>) -> Result<Secret, Miss> {
        if self.executable.is_some() {
            return Err(Miss::wrong("`credential_source.executable` is not supported: Tollgate runs no programs"));
        }
        if self.environment_id.as_deref().is_some_and(|id| id.starts_with("aws")) {
            let url = self.regional_cred_verification_url.as_deref();
            return aws.subject(url, audience, transport).await;
        }
        let text = match (&self.file, &self.url) {
            (Some(path), _) => tokio::fs::read_to_string(path)
                .await
                .map_err(|error| Miss::wrong(format!("`credential_source.file` (`{path}`) cannot be read: {error}")))?,
            (None, Some(url)) => self.ask(url, transport).await?,
            (None, None) => return Err(Miss::wrong("`credential_source` has neither `file` nor `url`")),
        };
        self.of_text(&text)
    }

    async fn ask(&self, url: &str, transport: Transport<'_>) -> Result<String, Miss> {
        let ask = Ask::get(url);
        let mut headers = ask.parts()?.headers;
        for (name, value) in &self.headers {
            let bad = || Miss::wrong(format!("`credential_source.headers.{name}` is no valid header"));
            let mut value = HeaderValue::from_str(value).map_err(|_| bad())?;
            value.set_sensitive(true);
            headers.insert(HeaderName::from_bytes(name.as_bytes()).map_err(|_| bad())?, value);
        }
        let answer = ask.with_headers(headers).send(transport).await?;
        if answer.status != 200 {
            return Err(answer.refusal().into());
        }
        Ok(String::from_utf8_lossy(&answer.body).into_owned())
    }

    /// The token in the text: all of it, or a field of its JSON.
    fn of_text(&self, text: &str) -> Result<Secret, Miss> {
        let field = match &self.format {
            Some(Format { kind, subject_token_field_name }) if kind == "json" => {
                subject_token_field_name.as_deref().unwrap_or("access_token")
            }
            _ => return Ok(Secret::new(text.trim())),
        };
        let all: BTreeMap<String, Box<RawValue>> =
            serde_json::from_str(text).map_err(|_| Miss::wrong("the subject token's text is no JSON object"))?;
        let token = all.get(field).and_then(|raw| serde_json::from_str::<String>(raw.get()).ok());
        token.map(Secret::new).ok_or_else(|| Miss::wrong(format!("the subject token's text has no `{field}`")))
    }
}
