//! The address of a provider: its record's base URL with what only the operator knows, or the operator's own.

use tollgate_core::config::{self, Auth, AwsAuth, GoogleAuth, Surroundings};
use tollgate_ir::{Fault, FaultKind};
use tollgate_wire::providers::address;

use crate::credentials::{AwsSettings, GoogleSettings};

/// A base URL with its placeholders filled in, by the configuration, then the environment, then the files of the cloud's
/// own tools.
pub fn base_url(provider: &config::Provider, template: &str, around: &dyn Surroundings) -> Result<String, Fault> {
    let filled = address::fill(template, |name| value(provider, name, around));
    let filled = filled.map_err(|name| missing(provider, &name))?;
    Ok(filled.trim_end_matches('/').to_owned())
}

/// The operator's base URL for a way whose record has another: Vertex serves each maker's models beneath a path of its
/// own, all else stays as it is written.
pub fn for_way(own: &str, record: &str) -> String {
    const PUBLISHERS: &str = "/publishers/";
    match (own.split_once(PUBLISHERS), record.split_once(PUBLISHERS)) {
        (Some((before, maker)), Some((_, publisher))) if !maker.contains('/') => {
            format!("{before}{PUBLISHERS}{publisher}")
        }
        (Some((before, _)), None) => match record.rsplit_once("/endpoints/") {
            Some((_, endpoint)) => format!("{before}/endpoints/{endpoint}"),
            None => own.to_owned(),
        },
        _ => own.to_owned(),
    }
}

/// The region to sign for.
pub fn aws_region(provider: &config::Provider, around: &dyn Surroundings) -> Result<String, Fault> {
    value(provider, "region", around).ok_or_else(|| missing(provider, "region"))
}

fn value(provider: &config::Provider, name: &str, around: &dyn Surroundings) -> Option<String> {
    let set = |name: &&str| around.variable(name).map(|v| v.trim().to_owned()).filter(|value| !value.is_empty());
    let Some(known) = address::find(name) else { return set(&name) };
    let written = match known.key {
        "region" => provider.region.clone(),
        "project" => provider.project.clone(),
        "resource" => provider.resource.clone(),
        _ => None,
    };
    let said = written.or_else(|| known.variables.iter().find_map(set)).or_else(|| of_tools(provider, name, around));
    let said = said.or_else(|| known.default.map(str::to_owned))?;
    let host = said.split_once("://").map_or(&*said, |(_, rest)| rest).split('/').next().unwrap_or_default();
    Some(if host.contains('.') || known.suffix.is_empty() {
        host.to_owned()
    } else {
        format!("{host}{}", known.suffix)
    })
}

/// What the files of the clouds' own tools say.
fn of_tools(provider: &config::Provider, name: &str, around: &dyn Surroundings) -> Option<String> {
    match (name, &provider.auth) {
        ("region", Some(Auth::Aws(auth))) => AwsSettings::new("", None, around).ok()?.profile_region(auth, around),
        ("region", _) => AwsSettings::new("", None, around).ok()?.profile_region(&AwsAuth::default(), around),
        ("project", Some(Auth::Google(auth))) => GoogleSettings::new("", around).ok()?.project(auth, around),
        ("project", _) => GoogleSettings::new("", around).ok()?.project(&GoogleAuth::default(), around),
        _ => None,
    }
}

fn missing(provider: &config::Provider, name: &str) -> Fault {
    let needs = match address::find(name) {
        Some(known) => format!("it needs a `{}` (or {})", known.key, known.variables.join(", ")),
        None => format!("its address needs the variable {name}, or write a `base_url`"),
    };
    Fault::new(FaultKind::ConfigInvalid, format!("providers.{}: {needs}", provider.id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operators_address_of_vertex_is_every_makers() {
        let own = "http://127.0.0.1:1/v1/projects/p/locations/l/publishers/google";
        for (record, expected) in [
            ("https://x/publishers/anthropic", "http://127.0.0.1:1/v1/projects/p/locations/l/publishers/anthropic"),
            ("https://x/publishers/google", own),
            ("https://x/endpoints/openapi", "http://127.0.0.1:1/v1/projects/p/locations/l/endpoints/openapi"),
            ("https://x/v1", own),
        ] {
            assert_eq!(for_way(own, record), expected, "{record}");
        }
        assert_eq!(for_way("http://127.0.0.1:1/v1", "https://x/publishers/anthropic"), "http://127.0.0.1:1/v1");
    }
}
