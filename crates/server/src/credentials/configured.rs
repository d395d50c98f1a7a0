//! From a provider's configuration to its credentials: what the operator wrote, then what the provider's users set anyway.

use std::borrow::Cow;
use std::sync::Arc;

use http::header::HeaderName;
use tollgate_core::config::{self, Auth, AwsAuth, AzureAuth, GoogleAuth, Surroundings};
use tollgate_ir::{Fault, FaultKind};
use tollgate_wire::providers::{self, Exchange};

use super::source::missing;
use super::{
    AwsKeys, AwsSettings, AwsSigner, AzureSettings, Credential, GoogleSettings, Place, Secret, client_credentials,
    exchanged, google,
};
use crate::ways::aws_region;

/// A provider's credentials, in the order of its keys and never empty, and where a client's own would stand.
#[derive(Debug)]
pub struct Configured {
    /// The operator's.
    pub credentials: Vec<Credential>,
    /// The client's own is sent, and here.
    pub passthrough: Option<Place>,
}

/// Makes a provider's credentials. Nothing is fetched yet.
///
/// # Errors
///
/// `ConfigInvalid`: a region that is missing.
pub fn configured(
    provider: &config::Provider,
    usual: providers::Auth,
    around: &dyn Surroundings,
) -> Result<Configured, Fault> {
    let place = match &provider.auth {
        Some(Auth::Scheme(scheme)) => Place::Authorization(Cow::Owned(scheme.clone())),
        Some(Auth::Header(name)) => header(provider, name)?,
        Some(Auth::Query(name)) => Place::Query(name.as_str().into()),
        _ => usual_place(usual),
    };
    if provider.passthrough {
        return Ok(Configured { credentials: vec![Credential::None], passthrough: Some(place) });
    }
    let keys = || provider.keys.iter().map(|key| Secret::new(key.key.expose()));
    let credentials = match &provider.auth {
        Some(Auth::None) => vec![Credential::None],
        Some(Auth::Aws(auth)) => vec![aws(provider, auth, around)?],
        Some(Auth::Google(auth)) => vec![google_token(provider, auth, around)?],
        Some(Auth::Azure(auth)) => vec![azure_token(provider, auth, around)?],
        Some(Auth::OAuth2(oauth)) => vec![Credential::Token(Arc::new(client_credentials(&provider.id, oauth)))],
        Some(Auth::Scheme(_) | Auth::Header(_) | Auth::Query(_)) if provider.keys.is_empty() => {
            vec![without_key(provider)]
        }
        Some(Auth::Scheme(_) | Auth::Header(_) | Auth::Query(_)) => {
            keys().map(|key| Credential::key(place.clone(), &key)).collect()
        }
        None if provider.keys.is_empty() => vec![usual_without_key(provider, usual, around)?],
        None => keys().map(|key| usual_with_key(provider, usual, key, around)).collect::<Result<_, _>>()?,
    };
    Ok(Configured { credentials, passthrough: None })
}

fn header(provider: &config::Provider, name: &str) -> Result<Place, Fault> {
    let bad = |_| Fault::new(FaultKind::ConfigInvalid, format!("providers.{}.auth.header: no valid name", provider.id));
    HeaderName::from_bytes(name.as_bytes()).map(Place::Header).map_err(bad)
}

/// Where a key stands by a provider's record.
fn usual_place(usual: providers::Auth) -> Place {
    match usual {
        providers::Auth::Header(name) => Place::Header(HeaderName::from_static(name)),
        providers::Auth::Azure => Place::Header(HeaderName::from_static("api-key")),
        providers::Auth::Query(name) => Place::Query(name.into()),
        providers::Auth::Scheme(scheme) => Place::Authorization(Cow::Borrowed(scheme)),
        _ => Place::BEARER,
    }
}

/// A key is what its form says: of AWS it may be a pair that signs, of Google a credential file's text or an API key.
fn usual_with_key(
    provider: &config::Provider,
    usual: providers::Auth,
    key: Secret,
    around: &dyn Surroundings,
) -> Result<Credential, Fault> {
    let text = key.expose();
    match usual {
        providers::Auth::Aws => {
            if let Some(keys) = AwsKeys::parse(text) {
                return Ok(Credential::Aws(AwsSigner {
                    region: aws_region(provider, around)?,
                    service: signs_for(provider).to_owned(),
                    keys: Arc::new(keys.fixed(&provider.id)),
                }));
            }
        }
        providers::Auth::Google if text.trim_start().starts_with('{') => {
            return Ok(Credential::Token(Arc::new(google::tokens_of(&provider.id, text, around)?)));
        }
        // API keys, also those of Vertex in express mode; access tokens begin with `ya29.`.
        providers::Auth::Google if text.starts_with("AIza") || text.starts_with("AQ.") => {
            return Ok(Credential::key(Place::Header(HeaderName::from_static("x-goog-api-key")), &key));
        }
        providers::Auth::Exchange(exchange) => return Ok(by_exchange(provider, exchange, key)),
        _ => {}
    }
    Ok(Credential::key(usual_place(usual), &key))
}

fn by_exchange(provider: &config::Provider, exchange: &'static Exchange, key: Secret) -> Credential {
    Credential::Token(Arc::new(exchanged(&provider.id, exchange, key)))
}

/// Without a key: the cloud's own ways, or nothing, which is said where a key is wanted.
fn usual_without_key(
    provider: &config::Provider,
    usual: providers::Auth,
    around: &dyn Surroundings,
) -> Result<Credential, Fault> {
    // A host of the operator's own that speaks a cloud's dialect is not that cloud, unless the environment says so.
    let set = |name: &&str| around.variable(name).is_some_and(|value| !value.trim().is_empty());
    let is_meant = (provider.known.is_some() && is_clouds_own(provider)) || usual.pointers().iter().any(set);
    match usual {
        providers::Auth::Aws if is_meant => aws(provider, &AwsAuth::default(), around),
        providers::Auth::Google if is_meant => google_token(provider, &GoogleAuth::default(), around),
        providers::Auth::Azure if is_meant => azure_token(provider, &AzureAuth::default(), around),
        _ => Ok(without_key(provider)),
    }
}

/// Whether a provider is asked at an address of its cloud: its usual one, or a private endpoint there.
fn is_clouds_own(provider: &config::Provider) -> bool {
    const DOMAINS: &[&str] =
        &["amazonaws.com", "amazonaws.com.cn", "api.aws", "googleapis.com", "azure.com", "azure.us", "azure.cn"];
    let Some(given) = &provider.base_url else { return true };
    let host = given.split("://").nth(1).and_then(|rest| rest.split(['/', ':']).next()).unwrap_or_default();
    DOMAINS.iter().any(|domain| host.ends_with(domain))
}

/// No key: said at the first call where the provider's own address is asked, which would only refuse it.
fn without_key(provider: &config::Provider) -> Credential {
    let is_said = provider.headers.iter().any(|(name, _)| name == "authorization" || name.contains("key"));
    if provider.wanted_keys.is_empty() || is_said {
        return Credential::None;
    }
    let mut looked = vec![format!("`providers.{}.api_key`", provider.id)];
    looked.extend(provider.wanted_keys.iter().map(|name| format!("{name} (not set)")));
    Credential::Missing(missing(&provider.id, &looked).into())
}

fn aws(provider: &config::Provider, auth: &AwsAuth, around: &dyn Surroundings) -> Result<Credential, Fault> {
    let region = aws_region(provider, around)?;
    let settings = AwsSettings::new(&provider.id, Some(region.clone()), around)?;
    let service = auth.service.clone().unwrap_or_else(|| signs_for(provider).to_owned());
    Ok(Credential::Aws(AwsSigner { region, service, keys: Arc::new(settings.keys(auth)) }))
}

fn google_token(
    provider: &config::Provider,
    auth: &GoogleAuth,
    around: &dyn Surroundings,
) -> Result<Credential, Fault> {
    Ok(Credential::Token(Arc::new(GoogleSettings::new(&provider.id, around)?.tokens(auth))))
}

fn azure_token(provider: &config::Provider, auth: &AzureAuth, around: &dyn Surroundings) -> Result<Credential, Fault> {
    Ok(Credential::Token(Arc::new(AzureSettings::new(&provider.id, around)?.tokens(auth))))
}

/// The AWS service that a known provider is.
fn signs_for(provider: &config::Provider) -> &'static str {
    provider.known.and_then(providers::find).map_or("bedrock", |known| known.signs_for)
}

/// What the files of the clouds' own tools say.
pub fn of_tools(provider: &config::Provider, name: &str, around: &dyn Surroundings) -> Option<String> {
    match (name, &provider.auth) {
        ("region", Some(Auth::Aws(auth))) => AwsSettings::new("", None, around).ok()?.profile_region(auth, around),
        ("region", _) => AwsSettings::new("", None, around).ok()?.profile_region(&AwsAuth::default(), around),
        ("project", Some(Auth::Google(auth))) => GoogleSettings::new("", around).ok()?.project(auth, around),
        ("project", _) => GoogleSettings::new("", around).ok()?.project(&GoogleAuth::default(), around),
        _ => None,
    }
}
