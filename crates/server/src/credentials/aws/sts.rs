//! STS: roles assumed with keys, and with a web identity's token.

use super::{AwsKeys, sign_request};
use crate::credentials::ask::{Ask, tag};
use crate::credentials::{Fetching, Grant, Miss, Secret, SignedBody, Source, Transport, time};

const VERSION: (&str, &str) = ("Version", "2011-06-15");

/// Where STS is.
#[derive(Clone, Debug)]
pub(super) struct Sts {
    pub url: String,
    pub region: String,
}

/// A role to assume.
#[derive(Clone, Debug)]
pub(super) struct Role {
    pub arn: String,
    pub session_name: String,
    pub external_id: Option<String>,
    /// Seconds; an hour by default.
    pub duration: Option<String>,
}

/// A token of an OIDC provider in a file, as EKS mounts it, and the role that it is for.
#[derive(Clone, Debug)]
pub(super) struct WebIdentity {
    pub token_file: String,
    pub role_arn: Option<String>,
    pub session_name: String,
}

impl Sts {
    /// `AssumeRole`, signed with keys.
    pub async fn assume(&self, role: &Role, keys: &AwsKeys, transport: Transport<'_>) -> Result<Grant<AwsKeys>, Miss> {
        let mut fields =
            vec![("Action", "AssumeRole"), VERSION, ("RoleArn", &*role.arn), ("RoleSessionName", &*role.session_name)];
        fields.extend(role.external_id.as_deref().map(|id| ("ExternalId", id)));
        fields.extend(role.duration.as_deref().map(|seconds| ("DurationSeconds", seconds)));
        let ask = Ask::form(format!("{}/", self.url), &fields, &[]);
        let mut parts = ask.parts()?;
        sign_request(&mut parts, SignedBody::Whole(ask.body()), keys, &self.region, "sts", transport.now)?;
        self.keys(ask.with_headers(parts.headers), transport).await
    }

    /// `AssumeRoleWithWebIdentity`, which needs no signature.
    pub async fn assume_with(&self, identity: &WebIdentity, transport: Transport<'_>) -> Result<Grant<AwsKeys>, Miss> {
        let WebIdentity { token_file, role_arn, session_name } = identity;
        let role_arn = role_arn.as_deref().ok_or_else(|| Miss::wrong("the role is not named; set AWS_ROLE_ARN"))?;
        let token = tokio::fs::read_to_string(token_file)
            .await
            .map_err(|error| Miss::wrong(format!("the token's file `{token_file}` cannot be read: {error}")))?;
        let fields = [
            ("Action", "AssumeRoleWithWebIdentity"),
            VERSION,
            ("RoleArn", role_arn),
            ("RoleSessionName", session_name.as_str()),
        ];
        let token = Secret::new(token.trim());
        self.keys(Ask::form(format!("{}/", self.url), &fields, &[("WebIdentityToken", &token)]), transport).await
    }

    async fn keys(&self, ask: Ask, transport: Transport<'_>) -> Result<Grant<AwsKeys>, Miss> {
        let answer = ask.send(transport).await?;
        if answer.status != 200 {
            return Err(answer.refusal().into());
        }
        let text = String::from_utf8_lossy(&answer.body);
        let field = |name: &str| tag(&text, name).filter(|value| !value.is_empty());
        let (Some(id), Some(secret)) = (field("AccessKeyId"), field("SecretAccessKey")) else {
            return Err(Miss::wrong("STS gave no keys"));
        };
        let value = AwsKeys {
            access_key_id: id,
            secret_access_key: Secret::new(secret),
            session_token: field("SessionToken").map(Secret::new),
        };
        Ok(Grant { value, expires: field("Expiration").as_deref().and_then(time::rfc3339) })
    }
}

/// The environment's web identity, if there is one.
#[derive(Clone, Debug)]
pub(super) struct FromWebIdentity {
    pub identity: Option<WebIdentity>,
    pub sts: Sts,
}

impl Source<AwsKeys> for FromWebIdentity {
    fn place(&self) -> String {
        "AWS_WEB_IDENTITY_TOKEN_FILE with AWS_ROLE_ARN".to_owned()
    }

    fn fetch<'a>(&'a self, transport: Transport<'a>) -> Fetching<'a, AwsKeys> {
        Box::pin(async move {
            match &self.identity {
                Some(identity) => self.sts.assume_with(identity, transport).await,
                None => Err(Miss::Absent("not set".to_owned())),
            }
        })
    }
}
