//! What is known of one provider, and the short forms in which the records are written.

use std::borrow::Cow;

use tollgate_ir::Dialect;

use super::auth::Auth;
use crate::openai_chat::Takes;
use crate::relay::ControlFields;

/// A provider that Tollgate knows.
#[derive(Clone, Copy, Debug)]
pub struct Provider {
    /// Its id, that of models.dev.
    pub id: &'static str,
    /// For people.
    pub name: &'static str,
    /// Other spellings that users' code has (LiteLLM's, OpenRouter's).
    pub aliases: &'static [&'static str],
    /// What stands before an operation's path; [placeholders](super::address) are filled in. Empty: the operator must say.
    pub base_url: &'static str,
    /// The dialects it speaks, the preferred one first. Empty: none of those for chat; its own paths are handed through.
    pub speaks: &'static [Speaks],
    /// How its key is sent.
    pub auth: Auth,
    /// For which AWS service requests are signed, where they are.
    pub signs_for: &'static str,
    /// Environment variables that usually hold its key; the first that is set wins.
    pub key_variables: &'static [&'static str],
    /// Environment variables that usually hold another base URL.
    pub url_variables: &'static [&'static str],
    /// Whose models it serves, under the same names and at the same prices, where the catalogue lists them there alone;
    /// empty: its own.
    pub serves_those_of: &'static str,
    /// Beginnings of model names of which it is the maker.
    pub makes: &'static [&'static str],
    /// What it makes of other gateways' control fields.
    pub control: ControlFields,
    /// Headers that its requests carry, unless the operator sets them otherwise.
    pub headers: &'static [(&'static str, &'static str)],
    /// Headers about limits, beyond those that many have, that clients get.
    pub limit_headers: &'static [&'static str],
    /// What its chat endpoint makes of parameters, beyond what the models' classes say.
    pub chat: &'static [Takes],
    /// A server on this machine that is looked for at a start without any configuration.
    pub looked_for: bool,
}

impl Provider {
    /// Where a way is, when the operator says where the provider is. A server on one's own machine has its ways side by
    /// side on one host (`…:11434` and `…:11434/v1`), and the address of any of them tells the others.
    pub fn beside<'a>(&self, way: &Speaks, base_url: &'a str) -> Cow<'a, str> {
        let base_url = base_url.trim_end_matches('/');
        let below = |way: &Speaks| way.base_url?.strip_prefix(self.base_url).filter(|path| path.starts_with('/'));
        let root =
            self.speaks.iter().filter_map(below).find_map(|path| base_url.strip_suffix(path)).unwrap_or(base_url);
        match below(way) {
            Some(path) => Cow::Owned(format!("{root}{path}")),
            None => Cow::Borrowed(root),
        }
    }
}

/// A dialect that a provider speaks.
#[derive(Clone, Copy, Debug)]
pub struct Speaks {
    /// Which.
    pub dialect: Dialect,
    /// How it travels, as in the configuration.
    pub carriage: &'static str,
    /// Another base URL than the provider's.
    pub base_url: Option<&'static str>,
    /// Only for models whose names hold one of these; empty: for all.
    pub models: &'static [&'static str],
    /// Not for models whose names hold one of these.
    pub except: &'static [&'static str],
}

impl Speaks {
    /// Whether a model of this name can be asked this way.
    pub fn serves(&self, model: &str) -> bool {
        serves(self.models, self.except, model)
    }
}

/// Whether a name holds one of `models` (or there are none) and none of `except`.
pub fn serves(models: &[&str], except: &[&str], model: &str) -> bool {
    let holds = |part: &&str| model.contains(*part);
    (models.is_empty() || models.iter().any(holds)) && !except.iter().any(holds)
}

/// A dialect as its maker has it, at the provider's base URL.
pub(super) const fn own(dialect: Dialect) -> Speaks {
    Speaks { dialect, carriage: "own", base_url: None, models: &[], except: &[] }
}

/// A dialect at a base URL of its own.
pub(super) const fn at(dialect: Dialect, base_url: &'static str) -> Speaks {
    Speaks { base_url: Some(base_url), ..own(dialect) }
}

/// Only for some models.
pub(super) const fn only(models: &'static [&'static str], way: Speaks) -> Speaks {
    Speaks { models, ..way }
}

/// Not for some models.
pub(super) const fn except(models: &'static [&'static str], way: Speaks) -> Speaks {
    Speaks { except: models, ..way }
}

pub(super) const CHAT: &[Speaks] = &[own(Dialect::OpenAiChat)];
pub(super) const CHAT_AND_RESPONSES: &[Speaks] = &[own(Dialect::OpenAiChat), own(Dialect::OpenAiResponses)];
/// Gateways that speak what their users' SDKs speak, at one base URL.
pub(super) const OPENAI_AND_ANTHROPIC: &[Speaks] =
    &[own(Dialect::OpenAiChat), own(Dialect::OpenAiResponses), own(Dialect::Anthropic)];

/// A host that speaks OpenAI's chat and takes a bearer key.
pub(super) const fn plain(
    id: &'static str,
    name: &'static str,
    base_url: &'static str,
    key: &'static [&'static str],
) -> Provider {
    Provider {
        id,
        name,
        aliases: &[],
        base_url,
        speaks: CHAT,
        auth: Auth::Bearer,
        signs_for: "bedrock",
        key_variables: key,
        url_variables: &[],
        serves_those_of: "",
        makes: &[],
        control: ControlFields::Cut,
        headers: &[],
        limit_headers: &[],
        chat: &[],
        looked_for: false,
    }
}

/// The same under other spellings too.
pub(super) const fn also(aliases: &'static [&'static str], row: Provider) -> Provider {
    Provider { aliases, ..row }
}

/// The maker of models whose names begin so.
pub(super) const fn maker(makes: &'static [&'static str], row: Provider) -> Provider {
    Provider { makes, ..row }
}

/// A gateway in front of other providers: control fields are its own affair.
pub(super) const fn router(row: Provider) -> Provider {
    Provider { control: ControlFields::Keep, ..row }
}
