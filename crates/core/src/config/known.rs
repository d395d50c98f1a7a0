use tollgate_ir::Dialect;

/// What the configuration must know of a provider that Tollgate knows: the rest of the record is the protocol's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownProvider {
    /// Its id (models.dev's).
    pub id: &'static str,
    /// Other spellings of the id that users' code has (LiteLLM's `gemini`, `vertex_ai`).
    pub aliases: &'static [&'static str],
    /// Under whose id the catalogue has its models: mostly its own.
    pub catalogued: &'static str,
    /// The dialect it speaks first.
    pub dialect: Dialect,
    /// What stands before the operation's path; empty where the operator must say (Azure, a local server).
    pub base_url: &'static str,
    /// Environment variables that usually hold its key, the first that is set wins (`OPENAI_API_KEY`).
    pub key_variables: &'static [&'static str],
    /// Environment variables that usually hold another base URL (`OPENAI_BASE_URL`).
    pub url_variables: &'static [&'static str],
    /// Environment variables that point to a credential other than a key (`AWS_PROFILE`): one of them that is set means
    /// that the provider is to be used.
    pub pointers: &'static [&'static str],
    /// Its address is not whole before one variable of each of these is set.
    pub address_variables: Vec<Vec<&'static str>>,
}

/// A provider that serves a model, and the model's name there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    /// The provider's id.
    pub provider: String,
    /// The model's name there.
    pub model: String,
}

/// What is known without configuration: providers, and which of them serve a bare model name.
pub trait Catalogue {
    /// All known providers.
    fn providers(&self) -> &[KnownProvider];

    /// Who serves a model of this bare name, its maker first. Empty: nobody known.
    fn hosts(&self, model: &str) -> Vec<Host>;

    /// `provider/model` names for suggestions.
    fn names(&self) -> Vec<String> {
        Vec::new()
    }
}

/// The known provider of an id or alias.
pub(crate) fn known<'a>(catalogue: &'a dyn Catalogue, id: &str) -> Option<&'a KnownProvider> {
    let all = catalogue.providers();
    all.iter().find(|p| p.id == id).or_else(|| all.iter().find(|p| p.aliases.contains(&id)))
}
