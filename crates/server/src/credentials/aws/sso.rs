//! The keys of an SSO session (IAM Identity Center): the token that `aws sso login` left, for a role's keys.
//!
//! The token is not renewed here: its refresh token belongs to the command line, which would lose it.

use std::time::Duration;

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use serde::Deserialize;
use tollgate_ir::{Fault, FaultKind};

use super::AwsKeys;
use super::ini::{Profiles, Section};
use crate::credentials::ask::{Ask, form};
use crate::credentials::{Grant, Miss, Secret, Transport, time};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Cached {
    access_token: String,
    expires_at: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    role_credentials: RoleKeys,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RoleKeys {
    access_key_id: String,
    secret_access_key: String,
    session_token: String,
    /// Milliseconds since 1970.
    expiration: u64,
}

/// What a profile says of SSO: the name of the cached token, the region, the account, the role.
pub(super) struct Sso<'a> {
    name: &'a str,
    region: &'a str,
    account: &'a str,
    role: &'a str,
}

impl<'a> Sso<'a> {
    /// `None` if the profile has none.
    pub fn of(profile: &'a Section, all: &'a Profiles) -> Option<Result<Self, Miss>> {
        let session = profile.get("sso_session");
        if session.is_none() && !profile.contains_key("sso_start_url") {
            return None;
        }
        let of_session = session.and_then(|name| all.session(name));
        let get = |key: &str| {
            let value = of_session.and_then(|section| section.get(key)).or_else(|| profile.get(key));
            value.map(String::as_str).ok_or_else(|| Miss::wrong(format!("the profile has no `{key}`")))
        };
        let sso = || {
            Ok(Self {
                name: match session {
                    Some(name) => name,
                    None => get("sso_start_url")?,
                },
                region: get("sso_region")?,
                account: get("sso_account_id")?,
                role: get("sso_role_name")?,
            })
        };
        Some(sso())
    }

    /// The role's keys, by the cached token.
    pub async fn keys(
        &self,
        cache: Option<&str>,
        url: impl Fn(&str) -> String,
        transport: Transport<'_>,
    ) -> Result<Grant<AwsKeys>, Miss> {
        let hash = digest(&SHA1_FOR_LEGACY_USE_ONLY, self.name.as_bytes());
        let hash: String = hash.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        let path = format!("{}/{hash}.json", cache.unwrap_or("~/.aws/sso/cache"));
        let login = |what: &str| {
            Miss::from(Fault::new(
                FaultKind::ProviderAuth,
                format!("the SSO session `{}` {what}; run `aws sso login`", self.name),
            ))
        };
        let text = tokio::fs::read(&path).await.map_err(|_| login(&format!("has no token in `{path}`")))?;
        let cached: Cached = serde_json::from_slice(&text).map_err(|_| login("has a token that cannot be read"))?;
        if time::rfc3339(&cached.expires_at).is_none_or(|end| end <= transport.now) {
            return Err(login("has ended"));
        }
        let query = form([("role_name", self.role), ("account_id", self.account)].into_iter());
        let ask = Ask::get(format!("{}/federation/credentials?{query}", url(self.region)))
            .secret("x-amz-sso_bearer_token", &Secret::new(cached.access_token))?;
        let Answer { role_credentials: keys } = ask.send(transport).await?.read()?;
        let value = AwsKeys {
            access_key_id: keys.access_key_id,
            secret_access_key: Secret::new(keys.secret_access_key),
            session_token: Some(Secret::new(keys.session_token)),
        };
        Ok(Grant { value, expires: Some(time::unix(0) + Duration::from_millis(keys.expiration)) })
    }
}
