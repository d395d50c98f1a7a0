//! The checked configuration: what the rest of the gateway reads. Every value is whole and valid: names resolve,
//! addresses parse, secrets are expanded, defaults are filled in.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tollgate_ir::Dialect;

use super::{Auth, BreakerTerms, Concurrency, Providers, Retries, Secret, VirtualModel};
use crate::catalogue::{Capability, Catalogue, Model};
use crate::money::Price;

/// A checked configuration.
#[derive(Clone, Debug)]
pub struct Config {
    /// Listeners and connections.
    pub server: Server,
    /// What is logged and how.
    pub log: Log,
    /// In the order of the file: it decides between hosts of a bare model name.
    pub providers: Providers,
    /// Virtual models by name.
    pub models: BTreeMap<String, Arc<VirtualModel>>,
    /// Declared keys. Empty: whoever reaches the listener may call.
    pub keys: Vec<DeclaredKey>,
    /// Admin keys. Empty: no admin API off loopback.
    pub admin_keys: Vec<Secret>,
    /// Bounds of bodies.
    pub limits: Limits,
    /// Media by URL.
    pub media: Fetch,
    /// Conversations are kept for `previous_response_id`.
    pub responses_state: bool,
    /// What happens to parameters that the target does not take, unless a model or provider says otherwise.
    pub unsupported_params: Unsupported,
    /// How often a failed attempt is made again.
    pub retries: Retries,
    /// How long a call waits for a target that is cooling down, unless its virtual model says otherwise.
    pub wait_for_cooldown: Duration,
    /// Circuit breakers, unless a provider says otherwise.
    pub breaker: BreakerTerms,
    /// What a bare name of a model stands for.
    pub bare_names: BareNames,
    /// What is known of models, the operator's file before the bundled offers.
    pub catalogue: Arc<Catalogue>,
    /// No provider is configured: the simulated one serves, and says so.
    pub simulated: bool,
    /// Files that `${file:…}` was read from, and the catalogue's; a change of one is a change of the configuration.
    pub files: Vec<String>,
    /// What the operator should know though the configuration is valid.
    pub warnings: Vec<String>,
}

impl Config {
    /// The provider of this id, as the file spells it.
    pub fn provider(&self, id: &str) -> Option<&Arc<Provider>> {
        self.providers.of(id)
    }

    /// What is known of a model of a provider, by the provider's id in the file and the model's name there.
    pub fn model(&self, provider: &str, model: &str) -> Model<'_> {
        let Some(provider) = self.provider(provider) else { return Model::default() };
        let offer = provider.catalogued.and_then(|id| self.catalogue.offer_of(id, model));
        Model { own: provider.models.get(model), offer }
    }
}

/// Listeners and connections.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// Where clients connect.
    pub listen: SocketAddr,
    /// A listener of its own for admin API, metrics and dashboard; `None`: on `listen`.
    pub admin: Option<SocketAddr>,
    /// Serve TLS with these files (PEM).
    pub tls: Option<CertFiles>,
    /// Origins that browsers may call from; `*` is every one.
    pub cors: Vec<String>,
    /// After so long a silence in a stream a comment is sent to the client; zero: never.
    pub keepalive: Duration,
    /// How long running calls may go on after a signal to stop.
    pub grace: Duration,
    /// The addresses are shared with other processes that share them, and left to them on a signal to stop.
    pub reuse_port: bool,
    /// HTTP/2 is offered.
    pub http2: bool,
    /// A request's head must come within this.
    pub head_timeout: Duration,
    /// A request's body may be silent for so long.
    pub body_timeout: Duration,
}

/// A certificate and its key, as paths of PEM files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertFiles {
    /// The certificate chain.
    pub cert: String,
    /// The private key.
    pub key: String,
}

/// What is logged and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Log {
    /// A level (`info`) or a filter (`info,tollgate_server=debug`).
    pub level: String,
    /// One JSON object a line, or text for people.
    pub format: LogFormat,
}

/// How a log line looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// One JSON object a line.
    #[default]
    Json,
    /// Text for people.
    Text,
}

/// A provider as configured.
#[derive(Clone, Debug)]
pub struct Provider {
    /// Its id in the file: the first segment of model names.
    pub id: Arc<str>,
    /// The known provider that it is, by its id and not an alias; `None`: all is in this record.
    pub known: Option<&'static str>,
    /// Under whose id the catalogue has its models, if anybody's.
    pub catalogued: Option<&'static str>,
    /// The dialect, if the file says; always there when `known` is `None`.
    pub dialect: Option<Dialect>,
    /// How the dialect travels, if the file says (`vertex`, `bedrock-invoke`, `azure` …).
    pub carriage: Option<String>,
    /// The prefix before the operation's path, if the file says, without a `/` at its end; always there when `known`
    /// is `None`.
    pub base_url: Option<String>,
    /// The operator's keys; empty: the provider takes none, or another credential.
    pub keys: Vec<ApiKey>,
    /// How it is authenticated with, if the file says.
    pub auth: Option<Auth>,
    /// The variables in which a key was looked for in vain, where one is wanted.
    pub wanted_keys: &'static [&'static str],
    /// It takes nothing but a key, and none was found: whoever else serves the same is asked first.
    pub lacks_key: bool,
    /// The client's own credential goes upstream instead.
    pub passthrough: bool,
    /// How long to wait for what.
    pub timeouts: Timeouts,
    /// The region, for hosts that have several.
    pub region: Option<String>,
    /// The project, for Google Cloud.
    pub project: Option<String>,
    /// The resource, for Azure and others whose address holds it: its name, or its host.
    pub resource: Option<String>,
    /// The account, for hosts whose address holds it.
    pub account: Option<String>,
    /// The workspace, for hosts whose address holds it.
    pub workspace: Option<String>,
    /// An HTTP proxy for this provider (it may hold a password).
    pub proxy: Option<Secret>,
    /// A PEM file of further trusted roots.
    pub ca: Option<String>,
    /// A client certificate.
    pub client_cert: Option<CertFiles>,
    /// Headers that every request to it carries, names in lower case.
    pub headers: Vec<(String, Secret)>,
    /// Facts about its models, beyond or instead of the catalogue's.
    pub models: BTreeMap<String, ModelFacts>,
    /// What happens to parameters that its models do not take.
    pub unsupported_params: Option<Unsupported>,
    /// It promised not to train on what it is sent.
    pub no_training: bool,
    /// It promised to keep nothing.
    pub zero_retention: bool,
    /// Further attempts on each of its targets, if the file says.
    pub retries: Option<u32>,
    /// How many calls it is sent at once; `None`: all.
    pub concurrency: Option<Concurrency>,
    /// The circuit breakers of its targets.
    pub breaker: BreakerTerms,
}

/// What a bare name of a model stands for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum BareNames {
    /// The model at the first provider that has it.
    #[default]
    First,
    /// The model at all providers that have it, each when those before it failed.
    All,
}

/// A key of the operator with a provider.
#[derive(Clone, Debug, PartialEq)]
pub struct ApiKey {
    /// The key.
    pub key: Secret,
    /// Its share of first choices, over 0.
    pub weight: f64,
    tag: u64,
}

impl ApiKey {
    /// With a weight over 0.
    pub fn new(key: Secret, weight: f64) -> Self {
        let tag = tag_of(key.expose());
        Self { key, weight, tag }
    }

    /// A short name of the key that outlives a reload where an index does not: the FNV-1a hash of its bytes. Kept in
    /// memory only.
    pub const fn tag(&self) -> u64 {
        self.tag
    }
}

/// A credential's short name, see [`ApiKey::tag`].
pub fn tag_of(credential: &str) -> u64 {
    let start = 0xcbf2_9ce4_8422_2325;
    credential.bytes().fold(start, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// How long to wait for what; all counted from the attempt's begin but `idle`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// For a connection, TLS included.
    pub connect: Duration,
    /// For a stream's first token.
    pub first_token: Duration,
    /// For a stream's next event.
    pub idle: Duration,
    /// For the whole answer.
    pub total: Duration,
}

impl Default for Timeouts {
    /// decisions.md 18.
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            first_token: Duration::from_secs(120),
            idle: Duration::from_secs(120),
            total: Duration::from_secs(15 * 60),
        }
    }
}

/// Facts about one model of a provider; `None` leaves it to the catalogue.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ModelFacts {
    /// What it costs.
    pub price: Option<Price>,
    /// Most tokens of a prompt and its answer together.
    pub context: Option<u64>,
    /// Most output tokens.
    pub max_output: Option<u64>,
    /// What it takes as input.
    pub modalities: Option<Vec<Modality>>,
    /// It reasons before it answers.
    pub reasoning: Option<bool>,
    /// It goes on from an assistant turn at the end.
    pub prefill: Option<bool>,
    /// What else it can do, or cannot.
    pub capabilities: Vec<(Capability, bool)>,
    /// The dialect it is best asked in, where the provider speaks several.
    pub dialect: Option<Dialect>,
    /// Its scores by use case.
    pub quality: Vec<(String, f64)>,
}

/// A kind of input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Modality {
    /// Words.
    Text,
    /// Pictures.
    Image,
    /// PDF and other documents.
    #[serde(alias = "pdf")]
    Document,
    /// Recordings.
    Audio,
    /// Films.
    Video,
}

impl Modality {
    /// The word in configuration, rules and explanations.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Image => "image",
            Self::Document => "document",
            Self::Audio => "audio",
            Self::Video => "video",
        }
    }
}

/// What happens to parameters that the target does not take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Unsupported {
    /// The call goes on without them, and says so.
    #[default]
    Drop,
    /// The call is refused.
    Refuse,
}

/// A key that callers have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeclaredKey {
    /// Its name in logs.
    pub name: String,
    /// The credential; the server keeps its hash only.
    pub key: Secret,
    /// The team it belongs to.
    pub team: Option<String>,
    /// Models that it may use, `*` for any run of characters; `None`: all.
    pub models: Option<Vec<String>>,
    /// It may read how targets are chosen.
    pub explains: bool,
}

/// Bounds of what is taken in (decisions.md 17).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Most bytes of bodies in flight, over all calls.
    pub bodies: u64,
    /// Most bytes of one body, also after decompression.
    pub body: u64,
    /// Most bytes of one multipart body.
    pub multipart: u64,
    /// New calls are refused while work waits so long for a processor; zero: never.
    pub lag: Duration,
}

/// Whether media by URL are fetched for providers that take no URLs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Fetch {
    /// From public addresses only.
    #[default]
    Public,
    /// Never.
    Off,
}
