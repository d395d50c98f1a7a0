//! Raw providers → checked ones.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::effort::{at_most, concurrency};
use super::raw::{Named, RawApiKey, RawCert, RawModel, RawPrice, RawProvider, RawTimeouts, Retention};
use super::report::Report;
use super::reserved::why_not_provider;
use super::scalar::Span;
use super::terms::scores;
use super::{
    ApiKey, BreakerTerms, Catalogue, CertFiles, KnownProvider, ModelFacts, Provider, Secret, Surroundings, Timeouts,
    auth, breaker, known,
};
use crate::catalogue::Capability;
use crate::money::{Price, Rates};
use crate::near::nearest;

/// The word that, as an `api_key`, sends the client's own credential upstream.
const PASSTHROUGH: &str = "passthrough";

pub(super) fn check(
    raw: Named<RawProvider>,
    above: &BreakerTerms,
    around: &dyn Surroundings,
    catalogue: &dyn Catalogue,
    report: &mut Report<'_>,
) -> Vec<Arc<Provider>> {
    raw.0.into_iter().map(|(id, raw)| Arc::new(provider(id, raw, above, around, catalogue, report))).collect()
}

fn provider(
    id: String,
    raw: RawProvider,
    above: &BreakerTerms,
    around: &dyn Surroundings,
    catalogue: &dyn Catalogue,
    report: &mut Report<'_>,
) -> Provider {
    let path = format!("providers.{id}");
    let meant = known(catalogue, &id);
    identity(&id, &raw, meant, catalogue, report);
    let base_url = raw.base_url.map(|url| base_url(&url, &format!("{path}.base_url"), report));
    let passthrough = raw.api_key.as_ref().is_some_and(|key| key.expose() == PASSTHROUGH);
    if raw.api_key.is_some() && raw.api_keys.is_some() {
        report.path(&format!("{path}.api_keys"), "`api_key` and `api_keys` exclude each other; keep one");
    }
    let auth = raw.auth.map(|auth| auth::check(auth, &format!("{path}.auth"), report));
    let has_keys = raw.api_key.is_some() || raw.api_keys.is_some();
    if has_keys && auth.as_ref().is_some_and(auth::contradicts_keys) {
        report.path(&format!("{path}.auth"), "says another credential than the keys beside it; keep one of both");
    }
    let mut keys = if passthrough { Vec::new() } else { keys(raw.api_key, raw.api_keys, &path, report) };
    // The variables that its users set anyway are for the provider's own address, not for wherever `base_url` points.
    let usual = if has_keys || auth.is_some() || base_url.is_some() { None } else { meant };
    let wanted_keys = usual.map_or(&[][..], |known| known.key_variables);
    keys.extend(usual.and_then(|known| usual_key(known, around)));
    let keyed = usual.is_some_and(|known| !known.key_variables.is_empty() && known.pointers.is_empty());
    let lacks_key = keyed && !passthrough && keys.is_empty();
    if let Some(proxy) = &raw.proxy {
        address(proxy.expose(), &format!("{path}.proxy"), report);
    }
    Provider {
        known: meant.map(|known| known.id),
        catalogued: meant.map(|known| known.catalogued),
        dialect: raw.dialect.map(|name| name.0),
        carriage: raw.carriage,
        base_url,
        keys,
        auth,
        wanted_keys,
        lacks_key,
        passthrough,
        timeouts: raw.timeouts.map(|raw| timeouts(&raw, &path, report)).unwrap_or_default(),
        region: raw.region,
        project: raw.project,
        resource: raw.resource,
        account: raw.account,
        workspace: raw.workspace,
        proxy: raw.proxy,
        ca: raw.ca,
        client_cert: raw.client_cert.map(cert),
        headers: headers(raw.headers, &path, report),
        models: raw.models.map(|models| facts(models, &path, report)).unwrap_or_default(),
        unsupported_params: raw.unsupported_params,
        no_training: raw.data.as_ref().is_some_and(|data| data.training == Some(false)),
        retries: raw.retries.inspect(|retries| at_most(*retries, &format!("{path}.retries"), report)),
        breaker: breaker::check(raw.breaker, above, &format!("{path}.breaker"), report),
        concurrency: raw.limits.map(|raw| concurrency(raw, &path, report)),
        zero_retention: raw.data.as_ref().is_some_and(|data| data.retention == Some(Retention::Zero)),
        id: id.into(),
    }
}

/// The key in the variable that a provider's users set anyway.
fn usual_key(known: &KnownProvider, around: &dyn Surroundings) -> Option<ApiKey> {
    let set = |name: &&str| around.variable(name).filter(|key| !key.trim().is_empty());
    known.key_variables.iter().find_map(set).map(|key| ApiKey::new(Secret::new(key.trim()), 1.0))
}

/// An id is a known provider's, or all that must be known is written.
fn identity(
    id: &str,
    raw: &RawProvider,
    meant: Option<&KnownProvider>,
    catalogue: &dyn Catalogue,
    report: &mut Report<'_>,
) {
    let path = format!("providers.{id}");
    if let Some(why) = why_not_provider(id, catalogue) {
        return report.path(&path, why);
    }
    let missing = |field: &str, given: bool| !given && !report.tells_of(&format!("{path}.{field}"));
    match meant {
        None if missing("dialect", raw.dialect.is_some()) || missing("base_url", raw.base_url.is_some()) => {
            let ids = catalogue.providers().iter().flat_map(|p| std::iter::once(&p.id).chain(p.aliases));
            let near = nearest(id, ids.copied(), 2);
            report.path_near(
                &path,
                format!("`{id}` is no known provider; one of your own needs `dialect` and `base_url`"),
                near,
            );
        }
        Some(known) if known.base_url.is_empty() && raw.base_url.is_none() => {
            report.path(&path, format!("`{id}` has no address of its own; write `base_url`"));
        }
        _ => {}
    }
}

/// An address without the slash at its end.
fn base_url(url: &str, path: &str, report: &mut Report<'_>) -> String {
    address(url, path, report);
    if url.contains(['?', '#']) {
        report.path(path, "a base URL has no query and no fragment");
    }
    if url.split_once("://").is_some_and(|(_, rest)| rest.split('/').next().is_some_and(|host| host.contains('@'))) {
        report.path(path, "a base URL holds no credential; write it as `api_key` or under `headers`");
    }
    url.trim_end_matches('/').to_owned()
}

fn address(url: &str, path: &str, report: &mut Report<'_>) {
    let rest = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://"));
    let host = rest.and_then(|rest| rest.split(['/', '?', '#']).next()).unwrap_or_default();
    if host.is_empty() || url.chars().any(|c| c.is_whitespace() || c.is_control()) {
        report.path(path, "must be a URL that begins with http:// or https://");
    }
}

fn keys(one: Option<Secret>, many: Option<Vec<RawApiKey>>, path: &str, report: &mut Report<'_>) -> Vec<ApiKey> {
    if let Some(key) = one {
        sendable(&key, &format!("{path}.api_key"), report);
        return vec![ApiKey::new(key, 1.0)];
    }
    let Some(many) = many else { return Vec::new() };
    if many.is_empty() {
        report.path(&format!("{path}.api_keys"), "must name one key at least; without keys leave it out");
    }
    let checked = many.into_iter().enumerate().map(|(i, raw)| {
        let path = format!("{path}.api_keys[{i}]");
        sendable(&raw.key, &format!("{path}.key"), report);
        if raw.key.expose() == PASSTHROUGH {
            report.path(&path, "`passthrough` is a word for `api_key` alone");
        }
        ApiKey::new(raw.key, weight(raw.weight.unwrap_or(1.0), &format!("{path}.weight"), report))
    });
    checked.collect()
}

pub(super) fn weight(weight: f64, path: &str, report: &mut Report<'_>) -> f64 {
    if !(weight.is_finite() && weight > 0.0 && weight <= 1e9) {
        report.path(path, "a weight must be over 0; to give no share, leave the entry out");
    }
    weight
}

/// A credential that can stand in a header. Says nothing of it but where it is.
pub(super) fn sendable(secret: &Secret, path: &str, report: &mut Report<'_>) {
    let text = secret.expose();
    if text.is_empty() {
        report.path(path, "the credential is empty; is its environment variable set?");
    } else if text.bytes().any(|b| b < 0x20 || b == 0x7f) || text.trim() != text {
        report.path(path, "the credential has control characters or spaces at its ends, which no header can carry");
    }
}

fn timeouts(raw: &RawTimeouts, path: &str, report: &mut Report<'_>) -> Timeouts {
    let defaults = Timeouts::default();
    let mut pick = |name: &str, span: Option<Span>, default| match span {
        Some(Span(given)) if given.is_zero() => {
            report.path(&format!("{path}.timeouts.{name}"), "must be over zero");
            default
        }
        Some(Span(given)) => given,
        None => default,
    };
    Timeouts {
        connect: pick("connect", raw.connect, defaults.connect),
        first_token: pick("first_token", raw.first_token, defaults.first_token),
        idle: pick("idle", raw.idle, defaults.idle),
        total: pick("total", raw.total, defaults.total),
    }
}

pub(super) fn cert(raw: RawCert) -> CertFiles {
    CertFiles { cert: raw.cert, key: raw.key }
}

/// Headers that frame a message or lead it are the transport's.
const TRANSPORT_HEADERS: &[&str] =
    &["host", "content-length", "transfer-encoding", "connection", "te", "trailer", "upgrade", "keep-alive", "expect"];

fn headers(raw: Option<Named<Secret>>, path: &str, report: &mut Report<'_>) -> Vec<(String, Secret)> {
    let given = raw.map(|named| named.0).unwrap_or_default();
    let checked = given.into_iter().map(|(name, value)| {
        let path = format!("{path}.headers.{name}");
        let name = name.to_lowercase();
        let token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
        if name.is_empty() || !name.bytes().all(token) {
            report.path(&path, format!("`{name}` is no name of a header"));
        } else if TRANSPORT_HEADERS.contains(&name.as_str()) {
            report.path(&path, format!("`{name}` is set by the transport and cannot be configured"));
        }
        sendable(&value, &path, report);
        (name, value)
    });
    checked.collect()
}

fn facts(raw: Named<RawModel>, path: &str, report: &mut Report<'_>) -> BTreeMap<String, ModelFacts> {
    let checked = raw.0.into_iter().map(|(name, raw)| {
        let path = format!("{path}.models.{name}");
        let facts = ModelFacts {
            price: raw.price.map(|raw| price(&raw, &format!("{path}.price"), report)),
            context: raw.context,
            max_output: raw.max_output,
            modalities: raw.modalities,
            reasoning: raw.reasoning,
            prefill: raw.prefill,
            capabilities: raw.capabilities.map(|named| capabilities(named, &path, report)).unwrap_or_default(),
            dialect: raw.dialect.map(|name| name.0),
            quality: raw.quality.map(|raw| scores(&raw, &format!("{path}.quality"), report)).unwrap_or_default(),
        };
        if facts.max_output == Some(0) || facts.context == Some(0) {
            report.path(&path, "`max_output` and `context` must be over 0");
        }
        (name, facts)
    });
    checked.collect()
}

fn capabilities(raw: Named<bool>, path: &str, report: &mut Report<'_>) -> Vec<(Capability, bool)> {
    let mut checked = Vec::with_capacity(raw.0.len());
    for (name, can) in raw.0 {
        match Capability::of(&name) {
            Some(capability) => checked.push((capability, can)),
            None => {
                let near = nearest(&name, Capability::ALL.iter().map(|(_, _, name)| *name), 2);
                report.path_near(&format!("{path}.capabilities.{name}"), format!("`{name}` is no capability"), near);
            }
        }
    }
    checked
}

fn price(raw: &RawPrice, path: &str, report: &mut Report<'_>) -> Price {
    let mut inner = |raw: &RawPrice, path: &str| {
        if raw.above.is_some() || raw.tiers.is_some() {
            report.path(path, "`above` and `tiers` stand in the outermost price only");
        }
        rates(raw)
    };
    let above = raw.above.iter().flatten().enumerate();
    let above = above.map(|(i, raw)| (raw.tokens, inner(&raw.rates, &format!("{path}.above[{i}].rates")))).collect();
    let tiers = raw.tiers.iter().flat_map(|named| &named.0);
    let tiers = tiers.map(|(name, raw)| (name.clone(), inner(raw, &format!("{path}.tiers.{name}")))).collect();
    Price { rates: rates(raw), above, tiers, tiers_above: Vec::new() }
}

fn rates(raw: &RawPrice) -> Rates {
    Rates {
        input: raw.input.0,
        output: raw.output.0,
        cache_read: raw.cache_read.map(|d| d.0),
        cache_write: raw.cache_write.map(|d| d.0),
        cache_write_1h: raw.cache_write_1h.map(|d| d.0),
        reasoning: raw.reasoning.map(|d| d.0),
        audio_input: raw.audio_input.map(|d| d.0),
        audio_output: raw.audio_output.map(|d| d.0),
    }
}
