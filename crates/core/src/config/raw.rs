//! The configuration as it is written: one field a key, and its doc comment is its documentation (schema, docs/config.md).
//!
//! Nothing here is checked beyond its form; [`super::check`] makes a [`super::Config`] of it.

use schemars::JsonSchema;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde::{Deserialize, Serialize};

use super::auth::RawAuth;
use super::raw_breaker::RawBreaker;
use super::raw_policy::RawPolicy;
use super::scalar::{Address, Bytes, DialectName, Dollars, Share, Span};
use super::shape::WordOr;
use super::{BareNames, Fetch, LogFormat, Modality, Secret, Unsupported};

/// The file.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[schemars(title = "Tollgate configuration", deny_unknown_fields)]
pub(super) struct RawConfig {
    /// Listeners and connections of clients.
    pub server: Option<RawServer>,
    /// What is logged and how.
    pub log: Option<RawLog>,
    /// Where records are kept. Accepted for what is to come: nothing is kept yet.
    pub storage: Option<RawStorage>,
    /// Who serves models, by id. A known id (`tollgate providers`) needs a key at most; any other needs `dialect` and `base_url`. Without this key the simulated provider serves.
    pub providers: Option<Named<RawProvider>>,
    /// Virtual models: names that a policy gives a meaning.
    pub models: Option<Named<WordOr<RawPolicy>>>,
    /// What happens to parameters that a target does not take: `drop` (the default; reported in `x-tollgate-dropped`) or `refuse`.
    pub unsupported_params: Option<Unsupported>,
    /// Teams that keys may belong to.
    pub teams: Option<Named<RawTeam>>,
    /// Keys of callers. Off loopback these or `admin` are required.
    pub keys: Option<Vec<RawKey>>,
    /// Who may administer.
    pub admin: Option<RawAdmin>,
    /// Bounds of what is taken in.
    pub limits: Option<RawLimits>,
    /// Media by URL.
    pub media: Option<RawMedia>,
    /// State of the Responses API.
    pub responses: Option<RawResponses>,
    /// What is known of models and their prices (docs/catalogue.md).
    pub catalogue: Option<RawCatalogue>,
    /// Further attempts after failures that may pass (docs/reliability.md).
    pub retries: Option<RawRetries>,
    /// How long a call waits for a target that is cooling down, where no other can serve; 0s by default: the client is told when to come back.
    pub wait_for_cooldown: Option<Span>,
    /// What the bare name of a model (`gpt-5.5`) stands for: `first` (the default), the model at the first provider that has it, its maker before the others; `all`, these in order, each when those before it failed.
    pub bare_names: Option<BareNames>,
    /// Circuit breakers of all targets (docs/reliability.md), or `off`.
    pub breaker: Option<WordOr<RawBreaker>>,
}

/// Further attempts after failures that may pass.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct RawRetries {
    /// So many on each target, unless the call, the policy or the provider says otherwise; 1 by default.
    pub default: Option<u32>,
    /// Over all calls at most this share of first attempts, beside a small stock for quiet times; 20% by default.
    pub budget: Option<Share>,
    /// The longest first pause; each further one may be twice as long. Pauses are drawn at random up to that. 250ms by default.
    pub base: Option<Span>,
    /// No pause is longer, and whoever says that it needs longer is not waited for; 8s by default.
    pub most: Option<Span>,
}

/// How many calls a provider is sent at once.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct RawConcurrency {
    /// So many at once, each until its answer's end.
    pub concurrent: u32,
    /// So many more may wait for their turn, interactive calls before batch ones; as many as `concurrent` by default. The others go to the next target at once.
    pub queue: Option<u32>,
    /// How long a call waits for its turn; 5s by default.
    pub wait: Option<Span>,
}

/// What is known of models beyond what Tollgate was made with.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct RawCatalogue {
    /// A catalogue file whose offers stand before the bundled ones; a change of it is put in force without a restart.
    pub file: Option<String>,
    /// Take prices of the file that are a thousand times the bundled ones or more; false by default, since they are most often mistakes of units.
    pub force: Option<bool>,
}

/// Listeners and connections of clients.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct RawServer {
    /// Where clients connect; 127.0.0.1:4000 by default.
    pub listen: Option<Address>,
    /// A listener of its own for admin API, metrics and dashboard; by default they are on `listen`.
    pub admin: Option<Address>,
    /// Serve TLS.
    pub tls: Option<RawCert>,
    /// Browsers of other origins.
    pub cors: Option<RawCors>,
    /// After so long a silence in a stream a comment goes to the client; 15s by default, 0s for never.
    pub keepalive: Option<Span>,
    /// How long running calls may go on after a signal to stop; 30s by default.
    pub grace: Option<Span>,
    /// Share the addresses with other processes of the same user that do so; false by default. Start the new process, then stop the old one: it takes nothing new, serves what it has, and no connection is refused (docs/operations.md).
    pub reuse_port: Option<bool>,
    /// Offer HTTP/2; true by default.
    pub http2: Option<bool>,
    /// How long a request's head may take; 10s by default.
    pub head_timeout: Option<Span>,
    /// How long a request's body may be silent; 30s by default.
    pub body_timeout: Option<Span>,
}

/// A certificate and its key.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct RawCert {
    /// Path of the certificate chain, PEM.
    pub cert: String,
    /// Path of the private key, PEM.
    pub key: String,
}

/// Browsers of other origins.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct RawCors {
    /// Origins that may call, such as `https://app.example.com`; `*` is every one.
    pub origins: Vec<String>,
}

/// What is logged and how.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct RawLog {
    /// `error`, `warn`, `info` (the default), `debug`, `trace`, or a filter such as `info,tollgate_server=debug`.
    pub level: Option<String>,
    /// `json` (the default) or `text`.
    pub format: Option<LogFormat>,
}

/// Where records are kept.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct RawStorage {
    /// `sqlite://tollgate.db` or `postgres://…`.
    pub url: Option<Secret>,
}

/// Somebody who serves models.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct RawProvider {
    /// The wire protocol it speaks; known providers have theirs.
    pub dialect: Option<DialectName>,
    /// How the dialect travels to this host: `own`, `bedrock-invoke`, `vertex-raw-predict`, `azure-deployments:API_VERSION`, or `path:/PATH` for chat at a path of the host's own (`{model}` in it is the model's name).
    pub carriage: Option<String>,
    /// The whole prefix before the operation's path, such as `http://10.0.0.5:8000/v1`.
    pub base_url: Option<String>,
    /// The key; `passthrough` sends the client's own credential instead.
    pub api_key: Option<Secret>,
    /// Several keys, each with a share of the calls; the others are fallbacks.
    pub api_keys: Option<Vec<RawApiKey>>,
    /// How it is authenticated with, where that is not the usual way: `none`, `bearer`, `aws`, `google`, `azure`, or a map of one way and its settings.
    pub auth: Option<WordOr<RawAuth>>,
    /// How long to wait for what.
    pub timeouts: Option<RawTimeouts>,
    /// The region, for hosts that have several.
    pub region: Option<String>,
    /// The project, for Google Cloud.
    pub project: Option<String>,
    /// The resource, for Azure: its name, or its host; the gateway's or deployment's name, for hosts whose address holds it.
    pub resource: Option<String>,
    /// The account, for hosts whose address holds it.
    pub account: Option<String>,
    /// The workspace, for hosts whose address holds it: its name, or its host.
    pub workspace: Option<String>,
    /// An HTTP proxy for this provider alone, such as `http://proxy:3128`.
    pub proxy: Option<Secret>,
    /// Path of a PEM file of further trusted roots.
    pub ca: Option<String>,
    /// A client certificate.
    pub client_cert: Option<RawCert>,
    /// Headers that every request to it carries.
    pub headers: Option<Named<Secret>>,
    /// Facts about its models, beyond or instead of the catalogue's. No allow-list.
    pub models: Option<Named<RawModel>>,
    /// What happens to parameters that its models do not take: `drop` or `refuse`.
    pub unsupported_params: Option<Unsupported>,
    /// What it promised about what it is sent, for policies that `require` it.
    pub data: Option<RawData>,
    /// Further attempts on each of its targets, after failures that may pass.
    pub retries: Option<u32>,
    /// How many calls it is sent at once; all by default.
    pub limits: Option<RawConcurrency>,
    /// Circuit breakers of its targets, where other than for all; or `off`.
    pub breaker: Option<WordOr<RawBreaker>>,
}

/// A key with a share of the calls.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct RawApiKey {
    /// The key.
    pub key: Secret,
    /// Its share of first choices, beside the others'; 1 by default.
    pub weight: Option<f64>,
}

/// How long to wait for what.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct RawTimeouts {
    /// For a connection with TLS; 5s by default.
    pub connect: Option<Span>,
    /// For a stream's first token; 120s by default.
    pub first_token: Option<Span>,
    /// For a stream's next event; 120s by default.
    pub idle: Option<Span>,
    /// For the whole answer; 15m by default.
    pub total: Option<Span>,
}

/// Facts about a model.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct RawModel {
    /// What it costs.
    pub price: Option<RawPrice>,
    /// Most tokens of a prompt and its answer together.
    pub context: Option<u64>,
    /// Most output tokens. As other catalogues call it: `output`, `max_output_tokens`.
    #[serde(alias = "output", alias = "max_output_tokens")]
    pub max_output: Option<u64>,
    /// What it takes as input: text, image, document, audio, video.
    pub modalities: Option<Vec<Modality>>,
    /// It reasons before it answers.
    pub reasoning: Option<bool>,
    /// It goes on from an assistant turn at the end of the request.
    pub prefill: Option<bool>,
    /// What else it can do, or cannot: `{ tools: true, structured-output: false }`; the names are those of `tollgate models --capability`.
    pub capabilities: Option<Named<bool>>,
    /// The dialect it is best asked in, where its provider speaks several.
    pub dialect: Option<DialectName>,
    /// How good it is, for policies with `min_quality`: a number from 0 to 1, or numbers by use case.
    pub quality: Option<WordOr<Named<f64>>>,
}

/// What a provider promised about what it is sent.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct RawData {
    /// It trains on requests; `false` is the promise that it does not.
    pub training: Option<bool>,
    /// `zero` is the promise that it keeps nothing.
    pub retention: Option<Retention>,
}

/// How long a provider keeps what it is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Retention {
    /// Not at all.
    Zero,
    /// For a while.
    Limited,
}

/// What a model costs, in dollars per million tokens.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct RawPrice {
    /// Plain input.
    pub input: Dollars,
    /// Plain output.
    pub output: Dollars,
    /// Input read from a prompt cache; as `input` by default.
    pub cache_read: Option<Dollars>,
    /// Input written to a prompt cache; as `input` by default.
    pub cache_write: Option<Dollars>,
    /// Input written to a prompt cache of one hour; as `cache_write` by default.
    pub cache_write_1h: Option<Dollars>,
    /// Reasoning; as `output` by default.
    pub reasoning: Option<Dollars>,
    /// Audio in; as `input` by default.
    pub audio_input: Option<Dollars>,
    /// Audio out; as `output` by default.
    pub audio_output: Option<Dollars>,
    /// Other prices for requests with more input.
    pub above: Option<Vec<RawAbove>>,
    /// Other prices by the service tier that the answer names, such as `flex` or `batch`.
    pub tiers: Option<Named<RawPrice>>,
}

/// Prices for requests with more input.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct RawAbove {
    /// The most input tokens, cached or not, that the usual prices hold for.
    pub tokens: u64,
    /// The prices of all tokens of a request with more.
    pub rates: Box<RawPrice>,
}

/// A team.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct RawTeam {}

/// A key of callers.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct RawKey {
    /// Its name in logs and metrics.
    pub name: String,
    /// The credential.
    pub key: Secret,
    /// The team it belongs to.
    pub team: Option<String>,
    /// Models that it may use: virtual models and `provider/model`, `*` for any run of characters; all by default.
    pub models: Option<Vec<String>>,
    /// `off` keeps from it how targets are chosen (`x-tollgate-explain: true`); `on` by default.
    pub explain: Option<Switch>,
}

/// Who may administer.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct RawAdmin {
    /// Keys of administrators.
    pub keys: Vec<Secret>,
}

/// Bounds of what is taken in.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct RawLimits {
    /// Most bytes of bodies in flight over all calls; 256MiB by default.
    pub bodies: Option<Bytes>,
    /// Most bytes of one body, also after decompression; 32MiB by default.
    pub body: Option<Bytes>,
    /// Most bytes of one multipart body; 512MiB by default.
    pub multipart: Option<Bytes>,
    /// New calls are refused (503, `retry-after`) while work waits so long for a processor; 250ms by default, 0s for never.
    pub lag: Option<Span>,
}

/// Media by URL.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct RawMedia {
    /// For providers that take no URLs: `public` (the default) fetches from public addresses, `off` refuses.
    pub fetch: Option<Fetch>,
}

/// State of the Responses API.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct RawResponses {
    /// Keep conversations for `previous_response_id`: `on` (the default) or `off`.
    pub state: Option<Switch>,
}

/// On or off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Switch {
    /// On.
    On,
    /// Off.
    Off,
}

/// Values by names that the operator chooses, in the order of the file.
#[derive(Clone, Debug)]
pub(super) struct Named<T>(pub Vec<(String, T)>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Named<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries<T>(std::marker::PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Entries<T> {
            type Value = Named<T>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a map")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Named(entries))
            }
        }

        deserializer.deserialize_map(Entries(std::marker::PhantomData))
    }
}

impl<T: JsonSchema> JsonSchema for Named<T> {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        format!("Named_{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        std::collections::BTreeMap::<String, T>::json_schema(generator)
    }

    fn inline_schema() -> bool {
        true
    }
}
