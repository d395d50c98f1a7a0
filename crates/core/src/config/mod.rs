//! What the operator wrote → what it means, or all that is wrong with it, at once.

mod checked;
mod known;
mod problem;
mod secret;

pub use checked::{
    ApiKey, Branch, CertFiles, Config, DeclaredKey, Fetch, Limits, Log, LogFormat, Modality, ModelFacts, Policy,
    Provider, Server, Timeouts, Unsupported, VirtualModel,
};
pub(crate) use known::known;
pub use known::{Catalogue, Host, KnownProvider};
pub use problem::{Problem, Problems};
pub use secret::Secret;

/// What a configuration may look at beside its own text: the environment and files, brought by whoever has them.
pub trait Surroundings {
    /// The value of an environment variable that is set.
    fn variable(&self, name: &str) -> Option<String>;

    /// The text of a file, or why it cannot be read.
    fn file(&self, path: &str) -> Result<String, String>;
}
