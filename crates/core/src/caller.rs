//! Who calls: declared keys by the hash of the credential, so that a memory dump or a log holds no key.

use std::sync::Arc;

use crate::Map;
use crate::config::DeclaredKey;

/// A SHA-256 of a credential; the server computes it.
pub type KeyHash = [u8; 32];

/// Who calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The key's name; [`Caller::ANONYMOUS`] where no keys are declared.
    pub name: Arc<str>,
    /// The team it belongs to.
    pub team: Option<Arc<str>>,
    /// What it may use.
    pub models: Allow,
    /// It may read how targets are chosen.
    pub explains: bool,
}

impl Caller {
    /// The name of whoever calls when no keys are declared.
    pub const ANONYMOUS: &'static str = "anonymous";

    /// Whoever calls when no keys are declared: may use everything.
    pub fn anonymous() -> Self {
        Self { name: Self::ANONYMOUS.into(), team: None, models: Allow::All, explains: true }
    }

    /// The caller that a declared key stands for.
    pub fn of(key: &DeclaredKey) -> Self {
        let models = key.models.as_ref().map_or(Allow::All, |list| Allow::Listed(list.as_slice().into()));
        let team = key.team.as_deref().map(Into::into);
        Self { name: key.name.as_str().into(), team, models, explains: key.explains }
    }
}

/// Models that a caller may use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Allow {
    /// All.
    All,
    /// Those that one of the patterns fits; `*` stands for any run of characters, slashes included.
    Listed(Arc<[String]>),
}

impl Allow {
    /// Whether a model's name is among them.
    pub fn permits(&self, name: &str) -> bool {
        match self {
            Self::All => true,
            Self::Listed(patterns) => patterns.iter().any(|pattern| fits(pattern, name)),
        }
    }
}

/// Whether a name fits a pattern: pieces between the stars in order, the first at the start, the last at the end.
fn fits(pattern: &str, name: &str) -> bool {
    let Some((head, rest)) = pattern.split_once('*') else { return pattern == name };
    let Some(mut left) = name.strip_prefix(head) else { return false };
    let (middle, tail) = rest.rsplit_once('*').unwrap_or(("", rest));
    for piece in middle.split('*').filter(|piece| !piece.is_empty()) {
        let Some(at) = left.find(piece) else { return false };
        left = &left[at + piece.len()..];
    }
    left.ends_with(tail)
}

/// The declared keys. Immutable: a reload makes another.
#[derive(Clone, Debug, Default)]
pub struct Directory {
    callers: Map<KeyHash, Arc<Caller>>,
}

impl Directory {
    /// The keys of a configuration, by the hashes that `hash` makes of them.
    pub fn new(keys: &[DeclaredKey], hash: impl Fn(&str) -> KeyHash) -> Self {
        Self { callers: keys.iter().map(|key| (hash(key.key.expose()), Arc::new(Caller::of(key)))).collect() }
    }

    /// Whose credential has this hash.
    pub fn find(&self, hash: &KeyHash) -> Option<&Arc<Caller>> {
        self.callers.get(hash)
    }

    /// No keys are declared.
    pub fn is_empty(&self) -> bool {
        self.callers.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Secret;

    #[test]
    fn patterns_fit_whole_names() {
        for (pattern, name, expected) in [
            ("openai/*", "openai/gpt-5", true),
            ("openai/*", "openai/ft:gpt-5/x", true),
            ("openai/*", "azure/gpt-5", false),
            ("openai/*", "openai", false),
            ("openai/gpt-5", "openai/gpt-5-mini", false),
            ("*", "anything", true),
            ("*/gpt-*-mini", "openai/gpt-5-mini", true),
            ("*/gpt-*-mini", "openai/gpt-5-mini-x", false),
            ("a*b*b", "ab", false),
            ("a*b*b", "abb", true),
            ("", "x", false),
            ("OpenAI/*", "openai/gpt-5", false),
        ] {
            assert_eq!(fits(pattern, name), expected, "{pattern} ~ {name}");
        }
    }

    #[test]
    fn a_key_is_found_by_its_hash_alone() {
        let key = |name: &str, secret: &str| DeclaredKey {
            name: name.into(),
            key: Secret::new(secret),
            team: None,
            models: None,
            explains: true,
        };
        // Any function will do here; the server brings SHA-256.
        let hash = |text: &str| std::array::from_fn(|i| text.as_bytes().get(i).copied().unwrap_or(0));
        let directory = Directory::new(&[key("ci", "one"), key("app", "two")], hash);
        assert_eq!(directory.find(&hash("two")).map(|c| &*c.name), Some("app"));
        assert!(directory.find(&hash("three")).is_none());
        assert!(!format!("{directory:?}").contains("two"));
    }
}
