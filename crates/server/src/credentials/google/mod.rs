//! Google Cloud: access tokens by application default credentials (<https://google.aip.dev/auth/4110>): a named file, the
//! well-known file of `gcloud`, the metadata server.

mod aws_subject;
mod external;
mod file;
mod metadata;
mod service_account;

use serde::Deserialize;
use tollgate_core::config::{GoogleAuth, Surroundings};
use tollgate_ir::Fault;

use super::{Chain, Renewing, Secret, Source, Token};
use crate::upstream::{Egress, EgressConfig};
use aws_subject::AwsSubject;
use file::{CredentialFile, Origin};
use metadata::Metadata;

/// What tokens are for where nobody says.
const SCOPE: &str = "https://www.googleapis.com/auth/cloud-platform";

/// What the environment says of Google Cloud, read once.
#[derive(Clone, Debug)]
pub struct GoogleSettings {
    provider: String,
    named_file: Option<String>,
    well_known: Option<String>,
    metadata: Metadata,
    aws: AwsSubject,
}

/// What a credential file says of projects.
#[derive(Deserialize)]
struct Projects {
    project_id: Option<String>,
    quota_project_id: Option<String>,
}

impl GoogleSettings {
    /// Reads the variables. The fault is a transport that cannot be made.
    pub fn new(provider: &str, around: &dyn Surroundings) -> Result<Self, Fault> {
        let set = |name: &str| around.variable(name).filter(|value| !value.trim().is_empty());
        let folder = set("CLOUDSDK_CONFIG").or_else(|| set("HOME").map(|home| format!("{home}/.config/gcloud")));
        Ok(Self {
            provider: provider.to_owned(),
            named_file: set("GOOGLE_APPLICATION_CREDENTIALS"),
            well_known: folder.map(|folder| format!("{folder}/application_default_credentials.json")),
            metadata: Metadata::new(around, Egress::new(&EgressConfig { http2: false, ..EgressConfig::default() })?),
            aws: AwsSubject::new(provider, around)?,
        })
    }

    /// The project that the credential file names.
    pub fn project(&self, auth: &GoogleAuth, around: &dyn Surroundings) -> Option<String> {
        let path = auth.credentials_file.as_ref().or(self.named_file.as_ref()).or(self.well_known.as_ref());
        let text = match &auth.credentials {
            Some(text) => text.expose().to_owned(),
            None => around.file(path?).ok()?,
        };
        let Projects { project_id, quota_project_id } = serde_json::from_str(&text).ok()?;
        project_id.or(quota_project_id)
    }

    /// The tokens that a provider's configuration means.
    pub fn tokens(self, auth: &GoogleAuth) -> Renewing<Token> {
        let scope = auth.scope.clone().unwrap_or_else(|| SCOPE.to_owned());
        let file = |origin| CredentialFile { origin, scope: scope.clone(), aws: self.aws.clone() };
        if let Some(text) = &auth.credentials {
            return Renewing::new(Chain::of(&self.provider, file(Origin::Text(Secret::new(text.expose())))));
        }
        if let Some(path) = &auth.credentials_file {
            let place = "`auth.google.credentials_file`";
            return Renewing::new(Chain::of(
                &self.provider,
                file(Origin::File { path: Some(path.clone()), place, must: true }),
            ));
        }
        let named = Origin::File { path: self.named_file.clone(), place: "GOOGLE_APPLICATION_CREDENTIALS", must: true };
        let well_known = Origin::File {
            path: self.well_known.clone(),
            place: "~/.config/gcloud/application_default_credentials.json",
            must: false,
        };
        let sources: Vec<Box<dyn Source<Token>>> =
            vec![Box::new(file(named)), Box::new(file(well_known)), Box::new(self.metadata.with_scope(&scope))];
        Renewing::new(Chain { provider: self.provider, sources })
    }
}

/// The tokens of a credential file's text, as an `api_key` may hold it.
pub(super) fn tokens_of(provider: &str, text: &str, around: &dyn Surroundings) -> Result<Renewing<Token>, Fault> {
    let auth = GoogleAuth { credentials: Some(tollgate_core::config::Secret::new(text)), ..GoogleAuth::default() };
    Ok(GoogleSettings::new(provider, around)?.tokens(&auth))
}
