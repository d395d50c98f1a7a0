//! Configuration without a file: providers by the environment variables that their users set anyway, listener and keys
//! by our own.

use std::net::SocketAddr;

use super::raw::{Named, RawConfig, RawProvider};
use super::report::Report;
use super::scalar::address;
use super::{Catalogue, DeclaredKey, KnownProvider, Secret, Surroundings};

/// A raw configuration of the providers whose variables are set.
pub(super) fn raw(around: &dyn Surroundings, catalogue: &dyn Catalogue) -> RawConfig {
    let found: Vec<_> = catalogue.providers().iter().filter_map(|known| provider(known, around)).collect();
    RawConfig { providers: (!found.is_empty()).then_some(Named(found)), ..RawConfig::default() }
}

/// A provider is meant when its key is set, or what points to its credential, or, if it takes none, its address; and its
/// address must be whole.
fn provider(known: &KnownProvider, around: &dyn Surroundings) -> Option<(String, RawProvider)> {
    let set = |names: &[&str]| names.iter().find_map(|name| around.variable(name).filter(|v| !v.trim().is_empty()));
    let key = set(known.key_variables);
    let base_url = match known.key_variables {
        [] => set(known.url_variables).map(|value| address_of(value.trim(), known.base_url)),
        // Where a key goes, nothing is guessed.
        keys => set(known.url_variables).or_else(|| keys.iter().find_map(|name| beside(name, around))),
    };
    let wanted = key.is_some() || set(known.pointers).is_some() || base_url.is_some() && known.key_variables.is_empty();
    let whole = !known.base_url.is_empty() && known.address_variables.iter().all(|names| set(names).is_some());
    if !wanted || !whole && base_url.is_none() {
        return None;
    }
    let api_key = key.map(|key| Secret::new(key.trim()));
    Some((known.id.to_owned(), RawProvider { api_key, base_url, ..RawProvider::default() }))
}

/// An address as servers' own variables have it (`OLLAMA_HOST`: `0.0.0.0`, `:11500`, `box:11434`) as a URL: what it
/// leaves out is as in the usual one. A server that listens everywhere is asked on this machine.
fn address_of(value: &str, usual: &str) -> String {
    if value.contains("://") {
        return value.to_owned();
    }
    let (authority, path) = value.find('/').map_or((value, ""), |at| value.split_at(at));
    let usual_port = usual.rsplit_once(':').map(|(_, rest)| rest.split('/').next().unwrap_or(rest)).unwrap_or("80");
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') && (!host.contains(':') || host.ends_with(']')) => (host, port),
        _ => (authority, usual_port),
    };
    let host = match host {
        "" | "0.0.0.0" | "[::]" | "::" => "127.0.0.1",
        host => host,
    };
    format!("http://{host}:{port}{path}")
}

/// The address that goes with a key: `GROQ_BASE_URL` beside `GROQ_API_KEY`.
fn beside(key_variable: &str, around: &dyn Surroundings) -> Option<String> {
    let maker = ["_API_KEY", "_API_TOKEN", "_TOKEN", "_KEY"].iter().find_map(|end| key_variable.strip_suffix(end))?;
    around.variable(&format!("{maker}_BASE_URL")).filter(|value| !value.trim().is_empty())
}

/// `TOLLGATE_LISTEN`.
pub(super) fn listen(around: &dyn Surroundings, report: &mut Report<'_>) -> Option<SocketAddr> {
    let text = around.variable("TOLLGATE_LISTEN").filter(|text| !text.trim().is_empty())?;
    address(text.trim()).map_err(|message| report.path("TOLLGATE_LISTEN", message)).ok()
}

/// `TOLLGATE_KEYS`: credentials with commas or spaces between them, each alone or as `name=credential`.
pub(super) fn keys(around: &dyn Surroundings, report: &mut Report<'_>) -> Vec<DeclaredKey> {
    let text = around.variable("TOLLGATE_KEYS").unwrap_or_default();
    let words = text.split([',', ' ', '\n', '\t']).filter(|word| !word.is_empty()).enumerate();
    let mut keys: Vec<DeclaredKey> = Vec::new();
    for (i, word) in words {
        // Base64 ends in `=`, which is no name's end.
        let named = word.split_once('=').filter(|(name, key)| !name.is_empty() && !key.trim_matches('=').is_empty());
        let (name, key) = named.map_or_else(|| (format!("key-{}", i + 1), word), |(name, key)| (name.to_owned(), key));
        if keys.iter().any(|known| known.name == name || known.key.expose() == key) {
            report.path("TOLLGATE_KEYS", format!("the key `{name}` comes twice"));
            continue;
        }
        keys.push(DeclaredKey { name, key: Secret::new(key), team: None, models: None, explains: true });
    }
    keys
}

/// `TOLLGATE_ADMIN_KEY`.
pub(super) fn admin_keys(around: &dyn Surroundings) -> Vec<Secret> {
    let key = around.variable("TOLLGATE_ADMIN_KEY").filter(|key| !key.trim().is_empty());
    key.map(|key| Secret::new(key.trim())).into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_servers_variables_become_urls() {
        for (value, url) in [
            ("http://box:11434/v1", "http://box:11434/v1"),
            ("https://box", "https://box"),
            ("0.0.0.0", "http://127.0.0.1:11434"),
            ("0.0.0.0:11500", "http://127.0.0.1:11500"),
            (":11500", "http://127.0.0.1:11500"),
            ("box", "http://box:11434"),
            ("box:1/v1", "http://box:1/v1"),
            ("[::1]:11434", "http://[::1]:11434"),
            ("[::]", "http://127.0.0.1:11434"),
        ] {
            assert_eq!(address_of(value, "http://localhost:11434"), url, "{value}");
        }
    }
}
