//! Raw → checked: every value whole, every contradiction a mistake with its place, every default written here once.

use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tollgate_ir::Dialect;

use super::raw::{RawConfig, RawKey, RawLimits, RawLog, RawServer, Switch};
use super::report::Report;
use super::scalar::Span;
use super::{
    BreakerTerms, Catalogue, Config, DeclaredKey, Limits, Log, Provider, SIMULATED, Secret, Server, Surroundings,
    Timeouts, breaker, catalogue_file, effort, environment, policies, providers,
};
use crate::near::nearest;
use crate::route::resolve;

/// Where clients connect by default: loopback, so that nothing is open by accident.
const LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 4000);

/// Makes the checked configuration. What the file leaves unsaid of listener and keys, the environment may say.
pub(super) fn check(
    raw: RawConfig,
    around: &dyn Surroundings,
    catalogue: &dyn Catalogue,
    report: &mut Report<'_>,
) -> Config {
    let teams = raw.teams.map(|teams| teams.0.into_iter().map(|(name, _)| name).collect::<Vec<_>>());
    if let Some(storage) = &raw.storage {
        let known = |url: &Secret| ["sqlite:", "postgres:", "postgresql:"].iter().any(|s| url.expose().starts_with(s));
        if !storage.url.as_ref().is_none_or(known) {
            report.path("storage.url", "must begin with sqlite:// or postgres://");
        }
        report.warnings.push("`storage` is set, but nothing is kept yet: records live in the log alone".to_owned());
    }
    let breaker = breaker::check(raw.breaker, &BreakerTerms::default(), "breaker", report);
    let given =
        raw.providers.map(|named| providers::check(named, &breaker, around, catalogue, report)).unwrap_or_default();
    let simulated = given.is_empty();
    let offers = catalogue_file::check(raw.catalogue, around, report);
    let mut config = Config {
        server: server(raw.server.unwrap_or_default(), around, report),
        log: log(raw.log.unwrap_or_default(), report),
        providers: if simulated { vec![Arc::new(simulator())] } else { given }.into(),
        models: BTreeMap::new(),
        keys: Vec::new(),
        admin_keys: Vec::new(),
        limits: limits(&raw.limits.unwrap_or_default(), report),
        media: raw.media.and_then(|media| media.fetch).unwrap_or_default(),
        responses_state: raw.responses.and_then(|responses| responses.state) != Some(Switch::Off),
        unsupported_params: raw.unsupported_params.unwrap_or_default(),
        retries: effort::retries(raw.retries.unwrap_or_default(), report),
        wait_for_cooldown: raw.wait_for_cooldown.map(|span| span.0).unwrap_or_default(),
        breaker,
        bare_names: raw.bare_names.unwrap_or_default(),
        catalogue: offers,
        simulated,
        files: Vec::new(),
        warnings: Vec::new(),
    };
    if simulated {
        let hint = "no provider is configured: `sim/…` answers, and simulates; set a provider's key (OPENAI_API_KEY …) to ask a model";
        report.warnings.push(hint.to_owned());
    }
    config.models = raw.models.map(|named| policies::check(named, &config, catalogue, report)).unwrap_or_default();
    config.keys = match raw.keys {
        Some(raw) => keys(raw, teams.as_deref(), &config, catalogue, report),
        None => environment::keys(around, report),
    };
    let admin = raw.admin.map(|admin| admin.keys).unwrap_or_else(|| environment::admin_keys(around));
    config.admin_keys = admin_keys(admin, &config.keys, report);
    config
}

/// The provider that serves when none is configured.
fn simulator() -> Provider {
    Provider {
        id: SIMULATED.into(),
        known: None,
        catalogued: None,
        dialect: Some(Dialect::OpenAiChat),
        carriage: None,
        base_url: Some("http://sim.invalid".to_owned()),
        keys: Vec::new(),
        auth: None,
        wanted_keys: &[],
        lacks_key: false,
        passthrough: false,
        timeouts: Timeouts::default(),
        region: None,
        project: None,
        resource: None,
        account: None,
        workspace: None,
        proxy: None,
        ca: None,
        client_cert: None,
        headers: Vec::new(),
        models: BTreeMap::new(),
        unsupported_params: None,
        no_training: true,
        zero_retention: true,
        retries: None,
        concurrency: None,
        breaker: BreakerTerms::default(),
    }
}

fn server(raw: RawServer, around: &dyn Surroundings, report: &mut Report<'_>) -> Server {
    let seconds = |span: Option<Span>, default| span.map_or(Duration::from_secs(default), |span| span.0);
    let listen = raw.listen.map(|address| address.0).or_else(|| environment::listen(around, report)).unwrap_or(LISTEN);
    let admin = raw.admin.map(|address| address.0);
    if admin == Some(listen) && listen.port() != 0 {
        report.path("server.admin", "is the address of `listen`; leave it out to serve both there");
    }
    for (name, span) in [("head_timeout", raw.head_timeout), ("body_timeout", raw.body_timeout)] {
        if span.is_some_and(|span| span.0.is_zero()) {
            report.path(&format!("server.{name}"), "must be over zero");
        }
    }
    let origins = raw.cors.map(|cors| cors.origins).unwrap_or_default();
    for (i, origin) in origins.iter().enumerate() {
        let host = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"));
        if origin != "*" && !host.is_some_and(|host| !host.is_empty() && !host.contains(['/', '*', ' '])) {
            let message = "must be an origin such as https://app.example.com, without a path, or `*`";
            report.path(&format!("server.cors.origins[{i}]"), message);
        }
    }
    Server {
        listen,
        admin,
        tls: raw.tls.map(providers::cert),
        cors: origins,
        keepalive: seconds(raw.keepalive, 15),
        grace: seconds(raw.grace, 30),
        reuse_port: raw.reuse_port.unwrap_or(false),
        http2: raw.http2.unwrap_or(true),
        head_timeout: seconds(raw.head_timeout, 10),
        body_timeout: seconds(raw.body_timeout, 30),
    }
}

fn log(raw: RawLog, report: &mut Report<'_>) -> Log {
    const LEVELS: &[&str] = &["error", "warn", "info", "debug", "trace", "off"];
    let level = raw.level.unwrap_or_else(|| "info".to_owned());
    // A filter's own words are the log library's; a single word must be a level.
    if !level.contains([',', '=']) && !LEVELS.contains(&level.as_str()) {
        let near = nearest(&level, LEVELS.iter().copied(), 1);
        report.path_near("log.level", format!("`{level}` is none of {}", LEVELS.join(", ")), near);
    }
    Log { level, format: raw.format.unwrap_or_default() }
}

fn limits(raw: &RawLimits, report: &mut Report<'_>) -> Limits {
    let pick = |size: Option<super::scalar::Bytes>, default| size.map_or(default, |size| size.0);
    let limits = Limits {
        bodies: pick(raw.bodies, 256 << 20),
        body: pick(raw.body, 32 << 20),
        multipart: pick(raw.multipart, 512 << 20),
        lag: raw.lag.map_or(Duration::from_millis(250), |span| span.0),
    };
    if limits.body > limits.bodies {
        report.path("limits.body", "is over `limits.bodies` (256MiB by default): such a body could never be let in");
    }
    if limits.body == 0 {
        report.path("limits.body", "must be over zero");
    }
    limits
}

fn keys(
    raw: Vec<RawKey>,
    teams: Option<&[String]>,
    config: &Config,
    catalogue: &dyn Catalogue,
    report: &mut Report<'_>,
) -> Vec<DeclaredKey> {
    let mut names: HashMap<String, usize> = HashMap::new();
    let mut secrets: HashMap<Secret, usize> = HashMap::new();
    let mut checked = Vec::with_capacity(raw.len());
    for (i, raw) in raw.into_iter().enumerate() {
        let path = format!("keys[{i}]");
        providers::sendable(&raw.key, &format!("{path}.key"), report);
        if raw.name.trim().is_empty() {
            report.path(&format!("{path}.name"), "must not be empty");
        }
        if let Some(first) = names.insert(raw.name.clone(), i) {
            report.path(&format!("{path}.name"), format!("keys[{first}] has the same name"));
        }
        if let Some(first) = secrets.insert(raw.key.clone(), i) {
            report.path(&format!("{path}.key"), format!("keys[{first}] is the same credential"));
        }
        if let (Some(team), Some(teams)) = (&raw.team, teams)
            && !teams.contains(team)
        {
            let near = nearest(team, teams.iter().map(String::as_str), 1);
            report.path_near(&format!("{path}.team"), format!("`{team}` is none of `teams`"), near);
        }
        let models = raw.models.map(|models| patterns(models, &path, config, catalogue, report));
        let explains = raw.explain != Some(Switch::Off);
        checked.push(DeclaredKey { name: raw.name, key: raw.key, team: raw.team, models, explains });
    }
    checked
}

/// Patterns of models by the canonical names that rights are judged by: a provider's other spelling becomes its id.
fn patterns(
    raw: Vec<String>,
    path: &str,
    config: &Config,
    catalogue: &dyn Catalogue,
    report: &mut Report<'_>,
) -> Vec<String> {
    let canonical = |(i, pattern): (usize, String)| {
        if pattern.is_empty() {
            report.path(&format!("{path}.models[{i}]"), "must not be empty; `*` is every model");
        }
        match resolve(&pattern, config, catalogue) {
            Ok(resolved) => resolved.canonical().to_string(),
            Err(_) => {
                if !pattern.contains('*') {
                    report.warnings.push(format!("{path}.models[{i}]: no model has the name `{pattern}`"));
                }
                pattern
            }
        }
    };
    raw.into_iter().enumerate().map(canonical).collect()
}

fn admin_keys(keys: Vec<Secret>, callers: &[DeclaredKey], report: &mut Report<'_>) -> Vec<Secret> {
    for (i, key) in keys.iter().enumerate() {
        let path = format!("admin.keys[{i}]");
        providers::sendable(key, &path, report);
        if callers.iter().any(|caller| caller.key == *key) {
            report.path(&path, "is also the key of a caller; an administrator's key must be another");
        }
    }
    keys
}
