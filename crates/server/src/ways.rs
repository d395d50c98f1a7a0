//! The ways in which a configured provider can be asked: its dialects, each with its carriage and its address.
//!
//! An operator's `base_url` stands for the whole prefix. Dialects that the record has at another path follow it where it
//! ends as the record's own does (`…/api/paas/v4` → `…/api/anthropic/v1`); else those for some models only are looked
//! for right there, and those for all models are taken not to be there: a proxy or test server speaks the main dialect.

use tollgate_core::config::{self, Surroundings};
use tollgate_ir::{Dialect, Fault, FaultKind};
use tollgate_wire::carriage::Carriage;
use tollgate_wire::ops::count::Counter;
use tollgate_wire::providers::{self, Auth, Operations, Speaks, address, serves};

use crate::credentials::of_tools;

/// A dialect that a provider speaks, and where.
#[derive(Clone, Debug)]
pub struct Way {
    /// Which.
    pub dialect: Dialect,
    /// How it travels.
    pub carriage: Carriage,
    /// What stands before the operation's path.
    pub base_url: String,
    /// Who counts the tokens of chats there.
    pub counter: Option<&'static Counter>,
    models: &'static [&'static str],
    except: &'static [&'static str],
}

impl Way {
    /// For all models.
    pub fn plain(dialect: Dialect, carriage: Carriage, base_url: String) -> Self {
        let counter = Counter::of(dialect, &carriage, &base_url);
        Self { dialect, carriage, base_url, counter, models: &[], except: &[] }
    }

    /// At a provider of which this is known.
    fn at(self, known: &providers::Provider) -> Self {
        let counter = Operations::of(known.id).counter(self.dialect, &self.carriage, &self.base_url);
        Self { counter, ..self }
    }

    /// Whether every model of the provider is asked by it.
    pub fn serves_all(&self) -> bool {
        self.models.is_empty()
    }

    /// Whether a model of this name can be asked this way.
    pub fn serves(&self, model: &str) -> bool {
        serves(self.models, self.except, model)
    }
}

/// What is needed to find a provider's addresses.
struct Addresses<'a> {
    provider: &'a config::Provider,
    around: &'a dyn Surroundings,
}

/// The main way, by which requests are handed through, and the ways for chat.
pub fn of(
    provider: &config::Provider,
    known: Option<&'static providers::Provider>,
    around: &dyn Surroundings,
) -> Result<(Way, Vec<Way>), Fault> {
    let addresses = Addresses { provider, around };
    let carriage = addresses.carriage(provider.carriage.as_deref())?;
    let given = provider.base_url.as_deref();
    let Some(known) = known else {
        let dialect = provider.dialect.unwrap_or(Dialect::OpenAiChat);
        let base_url = addresses.filled(given.unwrap_or_default())?;
        let way = Way::plain(dialect, carriage.unwrap_or_default(), base_url);
        return Ok((way.clone(), vec![way]));
    };
    if let Some(dialect) = provider.dialect {
        let way = known.speaks.iter().find(|way| way.dialect == dialect);
        let base_url = given.or(way.and_then(|way| way.base_url)).unwrap_or(known.base_url);
        let own = addresses.carriage(way.map(|way| way.carriage))?.unwrap_or_default();
        let way = Way::plain(dialect, carriage.unwrap_or(own), addresses.filled(base_url)?).at(known);
        return Ok((way.clone(), vec![way]));
    }
    let mut ways = Vec::with_capacity(known.speaks.len());
    for way in known.speaks {
        let Some(base_url) = base_url(way, known, given) else { continue };
        // The address of a way for other models may have a part that this operator has no use for.
        let base_url = match addresses.filled(&base_url) {
            Ok(base_url) => base_url,
            Err(_) if !ways.is_empty() && !way.models.is_empty() => continue,
            Err(fault) => return Err(fault),
        };
        let own = addresses.carriage(Some(way.carriage))?.unwrap_or_default();
        let carriage = carriage.clone().unwrap_or(own);
        let plain = Way::plain(way.dialect, carriage, base_url).at(known);
        ways.push(Way { models: way.models, except: way.except, ..plain });
    }
    let dialect = ways.first().map_or(Dialect::OpenAiChat, |way| way.dialect);
    let main = match ways.first().filter(|_| known.auth == Auth::None) {
        Some(way) => way.base_url.clone(),
        None => addresses.filled(given.unwrap_or(known.base_url))?,
    };
    let main = Way::plain(dialect, Carriage::Own, main);
    Ok((main, ways))
}

/// Where a way is found, with the operator's own address if there is one; `None`: not there.
fn base_url(way: &Speaks, known: &providers::Provider, given: Option<&str>) -> Option<String> {
    if let Some(given) = given.filter(|_| known.auth == Auth::None) {
        return Some(known.beside(way, given).into_owned());
    }
    match (given, way.base_url) {
        (None, own) => Some(own.unwrap_or(known.base_url).to_owned()),
        (Some(given), None) => Some(given.to_owned()),
        (Some(given), Some(own)) => {
            let (ours, theirs) = split(known.base_url, own);
            match given.strip_suffix(ours).filter(|_| !ours.is_empty()) {
                Some(before) => Some(format!("{before}{theirs}")),
                None => (!way.models.is_empty()).then(|| given.to_owned()),
            }
        }
    }
}

/// What two addresses end with behind the folders that they share.
fn split<'a>(one: &'a str, other: &'a str) -> (&'a str, &'a str) {
    let shared = one.bytes().zip(other.bytes()).take_while(|(a, b)| a == b).count();
    let folder = one.get(..shared).and_then(|same| same.rfind('/')).map_or(0, |slash| slash + 1);
    // Hosts are not folders: an address that differs in its host shares nothing.
    if folder <= "https://".len() { ("", "") } else { (&one[folder..], &other[folder..]) }
}

impl Addresses<'_> {
    fn carriage(&self, name: Option<&str>) -> Result<Option<Carriage>, Fault> {
        name.map(str::parse).transpose().map_err(|e: String| self.misconfigured(&e))
    }

    /// The address with its placeholders filled in and no slash at its end.
    fn filled(&self, base_url: &str) -> Result<String, Fault> {
        if base_url.is_empty() {
            return Err(self.misconfigured("it needs a `base_url`"));
        }
        let filled = address::fill(base_url, |name| self.value(name)).map_err(|name| {
            self.misconfigured(&match address::find(&name) {
                Some(place) => format!("it needs `{}` (or {})", place.key, place.variables.join(", or ")),
                None => format!("it needs {name} in the environment"),
            })
        })?;
        Ok(filled.trim_end_matches('/').to_owned())
    }

    fn value(&self, name: &str) -> Option<String> {
        let set = |name: &str| self.around.variable(name).filter(|value| !value.trim().is_empty());
        let Some(place) = address::find(name) else { return set(name).map(|value| host(&value).to_owned()) };
        let written = match place.key {
            "region" => &self.provider.region,
            "project" => &self.provider.project,
            "resource" => &self.provider.resource,
            "account" => &self.provider.account,
            _ => &self.provider.workspace,
        };
        let value = written.clone().or_else(|| place.variables.iter().find_map(|name| set(name)));
        let value = value.or_else(|| of_tools(self.provider, name, self.around));
        let value = value.or_else(|| place.default.map(str::to_owned))?;
        let value = host(&value);
        let suffix = if value.contains('.') { "" } else { place.suffix };
        Some(format!("{value}{suffix}"))
    }

    fn misconfigured(&self, why: &str) -> Fault {
        Fault::new(FaultKind::ConfigInvalid, format!("providers.{}: {why}", self.provider.id))
    }
}

/// The region that requests to AWS are signed for.
pub fn aws_region(provider: &config::Provider, around: &dyn Surroundings) -> Result<String, Fault> {
    let found = Addresses { provider, around }.filled("{region}");
    // A host of the operator's own is in no region of AWS, but a signature has to name one.
    if provider.base_url.is_some() { found.or_else(|_| Ok("us-east-1".to_owned())) } else { found }
}

/// Of a URL the host and port; else the text as it is.
fn host(value: &str) -> &str {
    let value = value.trim();
    let rest = value.strip_prefix("https://").or_else(|| value.strip_prefix("http://"));
    rest.map_or(value, |rest| rest.split('/').next().unwrap_or(rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dialects_at_other_paths_follow_an_operators_address_where_it_is_laid_out_alike() {
        let at = |id: &str, dialect: Dialect, given: Option<&str>| {
            let known = providers::find(id).unwrap();
            base_url(known.speaks.iter().find(|way| way.dialect == dialect).unwrap(), known, given)
        };
        use Dialect::{Anthropic, Ollama, OpenAiChat};
        for (id, dialect, given, expected) in [
            ("zai", Anthropic, None, Some("https://api.z.ai/api/anthropic/v1")),
            ("zai", Anthropic, Some("http://x/api/paas/v4"), Some("http://x/api/anthropic/v1")),
            ("zai", Anthropic, Some("http://x/v1"), None),
            ("zai", OpenAiChat, Some("http://x/v1"), Some("http://x/v1")),
            ("deepseek", Anthropic, Some("http://x"), None),
            ("google-vertex", Anthropic, Some("http://x/publishers/google"), Some("http://x/publishers/anthropic")),
            ("google-vertex", Anthropic, Some("http://x/publishers/anthropic"), Some("http://x/publishers/anthropic")),
            ("azure", Anthropic, Some("http://x/openai/v1"), Some("http://x/openai/v1")),
            ("ollama", Ollama, None, Some("http://localhost:11434")),
            ("ollama", Ollama, Some("http://box:1/v1/"), Some("http://box:1")),
            ("ollama", OpenAiChat, Some("http://box:1"), Some("http://box:1/v1")),
            ("vllm", OpenAiChat, Some("http://box:1/v1"), Some("http://box:1/v1")),
        ] {
            assert_eq!(at(id, dialect, given).as_deref(), expected, "{id} {dialect} {given:?}");
        }
    }
}
