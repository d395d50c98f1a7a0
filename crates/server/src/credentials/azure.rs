//! Azure: tokens of Entra, in the order of Azure's libraries: a client secret, a federated token, a managed identity.

use tollgate_core::config::{AzureAuth, Surroundings};
use tollgate_ir::Fault;

use super::ask::{Ask, form};
use super::{Chain, Fetching, Grant, Miss, Renewing, Secret, Source, Token, Transport};
use crate::upstream::{Egress, EgressConfig};

const AUTHORITY: &str = "https://login.microsoftonline.com";
const SCOPE: &str = "https://cognitiveservices.azure.com/.default";
const METADATA: &str = "http://169.254.169.254";
const ASSERTION: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// What the environment says of Azure, read once.
#[derive(Clone, Debug)]
pub struct AzureSettings {
    provider: String,
    tenant: Option<String>,
    client: Option<String>,
    secret: Option<Secret>,
    token_file: Option<String>,
    authority: String,
    /// App Service's endpoint and its secret.
    identity: Option<(String, Secret)>,
    metadata: String,
    local: Egress,
}

impl AzureSettings {
    /// Reads the variables. The fault is a transport that cannot be made.
    pub fn new(provider: &str, around: &dyn Surroundings) -> Result<Self, Fault> {
        let set = |name: &str| around.variable(name).map(|v| v.trim().to_owned()).filter(|value| !value.is_empty());
        Ok(Self {
            provider: provider.to_owned(),
            tenant: set("AZURE_TENANT_ID"),
            client: set("AZURE_CLIENT_ID"),
            secret: set("AZURE_CLIENT_SECRET").map(Secret::new),
            token_file: set("AZURE_FEDERATED_TOKEN_FILE"),
            authority: set("AZURE_AUTHORITY_HOST").unwrap_or_else(|| AUTHORITY.to_owned()),
            identity: set("IDENTITY_ENDPOINT").zip(set("IDENTITY_HEADER").map(Secret::new)),
            metadata: set("AZURE_POD_IDENTITY_AUTHORITY_HOST").unwrap_or_else(|| METADATA.to_owned()),
            local: Egress::new(&EgressConfig { http2: false, ..EgressConfig::default() })?,
        })
    }

    /// The tokens that a provider's configuration means.
    pub fn tokens(self, auth: &AzureAuth) -> Renewing<Token> {
        let scope = auth.scope.clone().unwrap_or_else(|| SCOPE.to_owned());
        let authority = auth.authority.clone().unwrap_or(self.authority);
        let entra = Entra {
            authority: authority.trim_end_matches('/').to_owned(),
            tenant: auth.tenant_id.clone().or(self.tenant),
            client: auth.client_id.clone().or(self.client.clone()),
            scope: scope.clone(),
        };
        let own_secret = auth.client_secret.as_ref().map(|secret| Secret::new(secret.expose()));
        if own_secret.is_some() {
            let place = "`auth.azure.client_secret`";
            return Renewing::new(Chain::of(&self.provider, WithSecret { entra, secret: own_secret, place }));
        }
        if auth.federated_token_file.is_some() {
            let file = auth.federated_token_file.clone();
            let place = "`auth.azure.federated_token_file`";
            return Renewing::new(Chain::of(&self.provider, WithToken { entra, file, place }));
        }
        let place = "AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET";
        let secret = WithSecret { entra: entra.clone(), secret: self.secret, place };
        let token = WithToken { entra, file: self.token_file, place: "AZURE_FEDERATED_TOKEN_FILE" };
        let managed = Managed {
            resource: scope.trim_end_matches("/.default").to_owned(),
            client: auth.client_id.clone().or(self.client),
            identity: self.identity,
            metadata: self.metadata.trim_end_matches('/').to_owned(),
            local: self.local,
        };
        let sources: Vec<Box<dyn Source<Token>>> = vec![Box::new(secret), Box::new(token), Box::new(managed)];
        Renewing::new(Chain { provider: self.provider, sources })
    }
}

/// An application at Entra's token endpoint.
#[derive(Clone, Debug)]
struct Entra {
    authority: String,
    tenant: Option<String>,
    client: Option<String>,
    scope: String,
}

impl Entra {
    async fn token(
        &self,
        fields: &[(&str, &str)],
        proof: (&str, &Secret),
        transport: Transport<'_>,
    ) -> Result<Grant<Token>, Miss> {
        let unset = |name: &str, key: &str| Miss::wrong(format!("{name} is not set, nor `auth.azure.{key}`"));
        let tenant = self.tenant.as_deref().ok_or_else(|| unset("AZURE_TENANT_ID", "tenant_id"))?;
        let client = self.client.as_deref().ok_or_else(|| unset("AZURE_CLIENT_ID", "client_id"))?;
        let url = format!("{}/{tenant}/oauth2/v2.0/token", self.authority);
        let mut all = vec![("grant_type", "client_credentials"), ("client_id", client), ("scope", &*self.scope)];
        all.extend_from_slice(fields);
        Ask::form(url, &all, &[proof]).send(transport).await?.token(transport)
    }
}

/// An application with its secret.
#[derive(Debug)]
struct WithSecret {
    entra: Entra,
    secret: Option<Secret>,
    place: &'static str,
}

impl Source<Token> for WithSecret {
    fn place(&self) -> String {
        self.place.to_owned()
    }

    fn fetch<'a>(&'a self, transport: Transport<'a>) -> Fetching<'a, Token> {
        Box::pin(async move {
            let secret = self.secret.as_ref().ok_or_else(|| Miss::Absent("not set".to_owned()))?;
            self.entra.token(&[], ("client_secret", secret), transport).await
        })
    }
}

/// An application with a token of elsewhere, as AKS mounts it.
#[derive(Debug)]
struct WithToken {
    entra: Entra,
    file: Option<String>,
    place: &'static str,
}

impl Source<Token> for WithToken {
    fn place(&self) -> String {
        self.place.to_owned()
    }

    fn fetch<'a>(&'a self, transport: Transport<'a>) -> Fetching<'a, Token> {
        Box::pin(async move {
            let path = self.file.as_ref().ok_or_else(|| Miss::Absent("not set".to_owned()))?;
            let token = tokio::fs::read_to_string(path)
                .await
                .map_err(|error| Miss::wrong(format!("`{path}` cannot be read: {error}")))?;
            let token = Secret::new(token.trim());
            let fields = [("client_assertion_type", ASSERTION)];
            self.entra.token(&fields, ("client_assertion", &token), transport).await
        })
    }
}

/// The identity of the machine or of the App Service that this runs on.
#[derive(Debug)]
struct Managed {
    resource: String,
    client: Option<String>,
    identity: Option<(String, Secret)>,
    metadata: String,
    local: Egress,
}

impl Source<Token> for Managed {
    fn place(&self) -> String {
        "the managed identity (IDENTITY_ENDPOINT with IDENTITY_HEADER, else the machine's metadata service)".to_owned()
    }

    fn fetch<'a>(&'a self, transport: Transport<'a>) -> Fetching<'a, Token> {
        Box::pin(async move {
            let client = self.client.as_deref().map(|client| ("client_id", client));
            let query = |version: &str| {
                form([("api-version", version), ("resource", &self.resource)].into_iter().chain(client))
            };
            if let Some((endpoint, secret)) = &self.identity {
                let ask =
                    Ask::get(format!("{endpoint}?{}", query("2019-08-01"))).secret("x-identity-header", secret)?;
                return ask.local(&self.local).send(transport).await?.token(transport);
            }
            let url = format!("{}/metadata/identity/oauth2/token?{}", self.metadata, query("2018-02-01"));
            let Ok(answer) = Ask::get(url).header("metadata", "true")?.local(&self.local).send(transport).await else {
                return Err(Miss::Absent("no answer; this machine is not Azure's".to_owned()));
            };
            answer.token(transport)
        })
    }
}
