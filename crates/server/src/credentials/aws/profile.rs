//! The keys of a profile: the role it assumes, its SSO session, or its own keys. A program that would print keys is
//! refused: Tollgate runs none.

use std::future::Future;
use std::pin::Pin;

use super::ini::{Profiles, Section};
use super::sso::Sso;
use super::sts::{Role, WebIdentity};
use super::{AwsKeys, AwsSettings, role};
use crate::credentials::{Fetching, Grant, Miss, Secret, Source, Transport};

/// A profile of AWS's files.
#[derive(Debug)]
pub(super) struct Profile {
    pub name: String,
    pub settings: AwsSettings,
}

type Keys<'a> = Pin<Box<dyn Future<Output = Result<Grant<AwsKeys>, Miss>> + Send + 'a>>;

impl Source<AwsKeys> for Profile {
    fn place(&self) -> String {
        format!("the profile `{}` of ~/.aws/config and ~/.aws/credentials", self.name)
    }

    fn fetch<'a>(&'a self, transport: Transport<'a>) -> Fetching<'a, AwsKeys> {
        Box::pin(async move {
            let config = read(self.settings.config_file.as_deref()).await?;
            let credentials = read(self.settings.credentials_file.as_deref()).await?;
            if config.is_none() && credentials.is_none() {
                return Err(Miss::Absent("no such files".to_owned()));
            }
            let all = Profiles::of(&config.unwrap_or_default(), &credentials.unwrap_or_default());
            let walk = Walk { settings: &self.settings, all: &all, transport };
            walk.keys(&self.name, Vec::new()).await
        })
    }
}

/// `None` if there is no such file.
async fn read(path: Option<&str>) -> Result<Option<String>, Miss> {
    let Some(path) = path else { return Ok(None) };
    match tokio::fs::read_to_string(path).await {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Miss::wrong(format!("`{path}` cannot be read: {error}"))),
    }
}

/// From profile to profile, along `source_profile`.
#[derive(Clone, Copy)]
struct Walk<'a> {
    settings: &'a AwsSettings,
    all: &'a Profiles,
    transport: Transport<'a>,
}

impl<'a> Walk<'a> {
    fn keys(self, name: &'a str, mut seen: Vec<&'a str>) -> Keys<'a> {
        Box::pin(async move {
            let profile = self.all.get(name).ok_or_else(|| {
                if seen.is_empty() {
                    Miss::Absent("no such profile".to_owned())
                } else {
                    wrong(name, "there is no such profile")
                }
            })?;
            if profile.contains_key("role_arn") && !seen.contains(&name) {
                seen.push(name);
                return self.role(name, profile, seen).await;
            }
            if let Some(sso) = Sso::of(profile, self.all) {
                let cache = self.settings.sso_cache.as_deref();
                return sso?.keys(cache, |region| self.settings.sso_url(region), self.transport).await;
            }
            if let Some(keys) = written(name, profile)? {
                return Ok(Grant { value: keys, expires: None });
            }
            if seen.contains(&name) {
                return Err(wrong(name, "`source_profile` leads back to it"));
            }
            if profile.contains_key("credential_process") {
                return Err(wrong(name, "`credential_process` is not supported: Tollgate runs no programs"));
            }
            Err(Miss::Absent("the profile holds no credential".to_owned()))
        })
    }

    /// The keys of the profile's role.
    async fn role(self, name: &'a str, profile: &'a Section, seen: Vec<&'a str>) -> Result<Grant<AwsKeys>, Miss> {
        let get = |key: &str| profile.get(key).cloned();
        let sts = self.settings.sts(profile.get("region").map(String::as_str));
        let session_name = get("role_session_name").unwrap_or_else(|| role::SESSION.to_owned());
        if profile.contains_key("mfa_serial") {
            return Err(wrong(name, "`mfa_serial` asks for a second factor, which a server does not have"));
        }
        if let Some(token_file) = get("web_identity_token_file") {
            let identity = WebIdentity { token_file, role_arn: get("role_arn"), session_name };
            return sts.assume_with(&identity, self.transport).await;
        }
        let base = match (profile.get("source_profile"), profile.get("credential_source").map(String::as_str)) {
            (Some(source), _) => self.keys(source, seen).await,
            (None, Some("Environment")) => self.settings.keys.fetch(self.transport).await,
            (None, Some("Ec2InstanceMetadata")) => self.settings.metadata.fetch(self.transport).await,
            (None, Some("EcsContainer")) => self.settings.container.fetch(self.transport).await,
            (None, Some(_)) => {
                return Err(wrong(
                    name,
                    "`credential_source` is none of Environment, Ec2InstanceMetadata, EcsContainer",
                ));
            }
            (None, None) => return Err(wrong(name, "`role_arn` needs a `source_profile` or a `credential_source`")),
        };
        let base = base.map_err(|miss| match miss {
            Miss::Absent(why) => wrong(name, &format!("the source of its role has no credential ({why})")),
            failed => failed,
        })?;
        let role = Role {
            arn: get("role_arn").unwrap_or_default(),
            session_name,
            external_id: get("external_id"),
            duration: get("duration_seconds"),
        };
        sts.assume(&role, &base.value, self.transport).await
    }
}

fn wrong(name: &str, what: &str) -> Miss {
    Miss::wrong(format!("the profile `{name}`: {what}"))
}

/// The keys that stand in the profile itself.
fn written(name: &str, profile: &Section) -> Result<Option<AwsKeys>, Miss> {
    let get = |key: &str| profile.get(key).filter(|value| !value.is_empty());
    match (get("aws_access_key_id"), get("aws_secret_access_key")) {
        (None, None) => Ok(None),
        (Some(id), Some(secret)) => Ok(Some(AwsKeys {
            access_key_id: id.clone(),
            secret_access_key: Secret::new(secret.as_str()),
            session_token: get("aws_session_token").map(|token| Secret::new(token.as_str())),
        })),
        _ => Err(wrong(name, "`aws_access_key_id` and `aws_secret_access_key` come together")),
    }
}
