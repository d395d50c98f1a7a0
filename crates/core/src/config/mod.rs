//! What the operator wrote → what it means, or all that is wrong with it, at once.
//!
//! A file goes through a tree that knows every place ([`tree`]), the expansion of its scalars ([`expand`]), raw structs
//! ([`raw`], one field a key) and the check ([`check`]) into a [`Config`], in which every value is whole and valid.

mod auth;
mod breaker;
mod catalogue_file;
mod check;
mod checked;
mod docs;
mod effort;
mod environment;
mod expand;
mod known;
mod policies;
mod policy;
mod problem;
mod provider_list;
mod providers;
mod raw;
mod raw_breaker;
mod raw_policy;
mod read;
mod report;
mod reserved;
mod scalar;
mod secret;
mod shape;
mod terms;
#[cfg(test)]
mod tests;
mod tree;
mod trust;
mod unbuilt;
mod wrong;

pub use auth::{Auth, AwsAuth, AzureAuth, ClientAuth, GoogleAuth, OAuth2};
pub use breaker::{BreakerTerms, HealthCheck};
pub use checked::{
    ApiKey, BareNames, CertFiles, Config, DeclaredKey, Fetch, Limits, Log, LogFormat, Modality, ModelFacts, Provider,
    Server, Timeouts, Unsupported, tag_of,
};
pub use docs::{reference, schema};
pub use effort::{Concurrency, Retries};
pub(crate) use known::known;
pub use known::{Catalogue, Host, KnownProvider};
pub use policy::{
    After, Branch, Hedge, Leaf, MaxPrice, Measure, Policy, Require, Resume, Rule, StickTo, Terms, TimeoutTerms,
    VirtualModel,
};
pub use problem::{Problem, Problems};
pub use provider_list::Providers;
pub use secret::Secret;
pub use terms::{DEFAULT_USE, MOST_RETRIES};
pub use trust::{Trust, check_bind, needs_restart, serves_admin, trust};

use expand::Expansion;
use raw::RawConfig;
use report::Report;

/// The id of the provider that serves when none is configured.
pub const SIMULATED: &str = "sim";

/// What a configuration may look at beside its own text: the environment and files, brought by whoever has them.
pub trait Surroundings {
    /// The value of an environment variable that is set.
    fn variable(&self, name: &str) -> Option<String>;

    /// The text of a file, or why it cannot be read.
    fn file(&self, path: &str) -> Result<String, String>;
}

/// Reads a configuration file.
pub fn load(source: &str, around: &dyn Surroundings, catalogue: &dyn Catalogue) -> Result<Config, Problems> {
    let mut report = Report::new(source);
    let Some(mut tree) = tree::parse(source, &mut report) else { return Err(report.into_problems()) };
    report.index(&tree);
    let Expansion { files, failed } = expand::expand(&mut tree, around, &mut report);
    let raw: Option<RawConfig> = read::read(&tree, &mut report, failed);
    finish(raw, files, around, catalogue, report)
}

/// The configuration without a file: providers and keys by the environment.
pub fn from_environment(around: &dyn Surroundings, catalogue: &dyn Catalogue) -> Result<Config, Problems> {
    finish(Some(environment::raw(around, catalogue)), Vec::new(), around, catalogue, Report::new(""))
}

fn finish(
    raw: Option<RawConfig>,
    files: Vec<String>,
    around: &dyn Surroundings,
    catalogue: &dyn Catalogue,
    mut report: Report<'_>,
) -> Result<Config, Problems> {
    let Some(raw) = raw else { return Err(report.into_problems()) };
    let catalogue_file = raw.catalogue.as_ref().and_then(|raw| raw.file.clone());
    let mut config = check::check(raw, around, catalogue, &mut report);
    if !report.is_clean() {
        return Err(report.into_problems());
    }
    config.files = files.into_iter().chain(catalogue_file).collect();
    config.warnings = report.warnings;
    Ok(config)
}
