//! AWS: who signs, and where the keys come from, in the order of AWS's SDKs: environment, web identity, profile (with
//! its role, SSO session or keys), container, instance metadata. No program is run for them.

mod container;
mod environment;
mod imds;
mod ini;
mod profile;
mod role;
mod signer;
mod sso;
mod sts;

use tollgate_core::config::{AwsAuth, Surroundings};

use super::{Chain, Renewing, Secret, Source};
use crate::upstream::{Egress, EgressConfig};
use environment::{Environment, Fixed};
use tollgate_ir::Fault;

pub use signer::AwsSigner;

pub(super) use signer::sign_request;

/// A key pair, with a token if it is temporary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AwsKeys {
    /// `AKIA…`.
    pub access_key_id: String,
    /// The key.
    pub secret_access_key: Secret,
    /// With temporary keys.
    pub session_token: Option<Secret>,
}

impl AwsKeys {
    /// `ID:SECRET` or `ID:SECRET:TOKEN`, as an `api_key` says them.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.splitn(3, ':');
        let id = parts.next().filter(|id| id.starts_with("AKIA") || id.starts_with("ASIA"))?;
        let secret = parts.next().filter(|secret| !secret.is_empty())?;
        Some(Self {
            access_key_id: id.to_owned(),
            secret_access_key: Secret::new(secret),
            session_token: parts.next().map(Secret::new),
        })
    }

    /// As they are, for ever.
    pub fn fixed(self, provider: &str) -> Renewing<Self> {
        Renewing::new(Chain::of(provider, Fixed(self)))
    }
}

/// What the environment says of AWS, read once.
#[derive(Clone, Debug)]
pub struct AwsSettings {
    provider: String,
    region: Option<String>,
    profile: Option<String>,
    config_file: Option<String>,
    credentials_file: Option<String>,
    /// `~/.aws/sso/cache`.
    sso_cache: Option<String>,
    keys: Environment,
    web_identity: Option<sts::WebIdentity>,
    container: container::Container,
    metadata: imds::Imds,
    sts_url: Option<String>,
    sso_url: Option<String>,
}

impl AwsSettings {
    /// Reads the variables. The fault is a transport that cannot be made.
    pub fn new(provider: &str, region: Option<String>, around: &dyn Surroundings) -> Result<Self, Fault> {
        let set = |name: &str| around.variable(name).filter(|value| !value.trim().is_empty());
        let home = set("HOME");
        let beneath = |path: &str| home.as_ref().map(|home| format!("{home}/.aws/{path}"));
        let url =
            |name: &str| set(name).or_else(|| set("AWS_ENDPOINT_URL")).map(|url| url.trim_end_matches('/').to_owned());
        let local = Egress::new(&EgressConfig { http2: false, ..EgressConfig::default() })?;
        let session_name = set("AWS_ROLE_SESSION_NAME").unwrap_or_else(|| role::SESSION.to_owned());
        Ok(Self {
            provider: provider.to_owned(),
            region,
            profile: set("AWS_PROFILE").or_else(|| set("AWS_DEFAULT_PROFILE")),
            config_file: set("AWS_CONFIG_FILE").or_else(|| beneath("config")),
            credentials_file: set("AWS_SHARED_CREDENTIALS_FILE").or_else(|| beneath("credentials")),
            sso_cache: beneath("sso/cache"),
            keys: Environment::new(around),
            web_identity: set("AWS_WEB_IDENTITY_TOKEN_FILE").map(|token_file| sts::WebIdentity {
                token_file,
                role_arn: set("AWS_ROLE_ARN"),
                session_name,
            }),
            container: container::Container::new(around, local.clone()),
            metadata: imds::Imds::new(around, local),
            sts_url: url("AWS_ENDPOINT_URL_STS"),
            sso_url: url("AWS_ENDPOINT_URL_SSO"),
        })
    }

    /// The region that the profile names.
    pub fn profile_region(&self, auth: &AwsAuth, around: &dyn Surroundings) -> Option<String> {
        let text = self.config_file.as_ref().and_then(|path| around.file(path).ok())?;
        let name = auth.profile.as_ref().or(self.profile.as_ref()).map_or("default", String::as_str);
        ini::Profiles::of(&text, "").get(name)?.get("region").cloned()
    }

    /// The keys that a provider's configuration means.
    pub fn keys(self, auth: &AwsAuth) -> Renewing<AwsKeys> {
        let provider = self.provider.clone();
        let chain = self.clone().chain(auth);
        let Some(role_arn) = &auth.role_arn else { return Renewing::new(chain) };
        let role = role::Assumed {
            base: chain,
            role: sts::Role {
                arn: role_arn.clone(),
                session_name: auth.session_name.clone().unwrap_or_else(|| role::SESSION.to_owned()),
                external_id: auth.external_id.clone(),
                duration: None,
            },
            sts: self.sts(None),
        };
        Renewing::new(Chain::of(&provider, role))
    }

    fn chain(self, auth: &AwsAuth) -> Chain<AwsKeys> {
        let provider = self.provider.clone();
        if let (Some(id), Some(secret)) = (&auth.access_key_id, &auth.secret_access_key) {
            let keys = AwsKeys {
                access_key_id: id.clone(),
                secret_access_key: Secret::new(secret.expose()),
                session_token: auth.session_token.as_ref().map(|token| Secret::new(token.expose())),
            };
            return Chain::of(&provider, Fixed(keys));
        }
        if let Some(name) = &auth.profile {
            return Chain::of(&provider, profile::Profile { name: name.clone(), settings: self });
        }
        let name = self.profile.clone().unwrap_or_else(|| "default".to_owned());
        let sources: Vec<Box<dyn Source<AwsKeys>>> = vec![
            Box::new(self.keys.clone()),
            Box::new(sts::FromWebIdentity { identity: self.web_identity.clone(), sts: self.sts(None) }),
            Box::new(profile::Profile { name, settings: self.clone() }),
            Box::new(self.container.clone()),
            Box::new(self.metadata),
        ];
        Chain { provider, sources }
    }

    /// Where roles are assumed, in a region if there is none of ours.
    fn sts(&self, region: Option<&str>) -> sts::Sts {
        let region = region.or(self.region.as_deref()).unwrap_or("us-east-1").to_owned();
        let url = self.sts_url.clone().unwrap_or_else(|| format!("https://sts.{region}.{}", suffix(&region)));
        sts::Sts { url, region }
    }

    fn sso_url(&self, region: &str) -> String {
        self.sso_url.clone().unwrap_or_else(|| format!("https://portal.sso.{region}.{}", suffix(region)))
    }
}

/// The domain of a region's partition.
fn suffix(region: &str) -> &'static str {
    if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" }
}
