//! A configuration of any text: read or refused, the same each time, in words of bounded length and without a secret.

use std::fmt::Write as _;

use tollgate_core::config::{
    Catalogue, Config, Host, KnownProvider, Problems, Surroundings, check_bind, from_environment, load, serves_admin,
    trust,
};
use tollgate_ir::Dialect;

/// What every variable and file holds, and a key that stands before the text.
const SET: &str = "sk-set-canary-0123456789";
const WRITTEN: &str = "sk-written-canary-0123456789";

/// The longest that a message may be: for each byte of the text (a list of mistakes, each with its line), and at all.
const TIMES: usize = 1024;
const FLOOR: usize = 16 << 10;

struct AllSet;

impl Surroundings for AllSet {
    fn variable(&self, name: &str) -> Option<String> {
        // Our own variables are configuration, not credentials.
        (!name.starts_with("TOLLGATE_")).then(|| SET.to_owned())
    }

    fn file(&self, path: &str) -> Result<String, String> {
        if path.len().is_multiple_of(2) { Ok(format!("{SET}\n")) } else { Err("no such file".to_owned()) }
    }
}

/// The text as what the environment says.
struct Said<'a>(&'a str);

impl Surroundings for Said<'_> {
    fn variable(&self, _: &str) -> Option<String> {
        Some(self.0.to_owned())
    }

    fn file(&self, _: &str) -> Result<String, String> {
        Ok(self.0.to_owned())
    }
}

struct Few([KnownProvider; 3]);

impl Few {
    fn known(
        id: &'static str,
        dialect: Dialect,
        base_url: &'static str,
        key: &'static [&'static str],
    ) -> KnownProvider {
        KnownProvider {
            id,
            aliases: &[],
            catalogued: id,
            dialect,
            base_url,
            key_variables: key,
            url_variables: &["BASE_URL"],
            address_variables: Vec::new(),
            pointers: &[],
        }
    }

    fn new() -> Self {
        Self([
            Self::known("openai", Dialect::OpenAiChat, "https://api.openai.com/v1", &["OPENAI_API_KEY"]),
            Self::known("anthropic", Dialect::Anthropic, "https://api.anthropic.com/v1", &["ANTHROPIC_API_KEY"]),
            Self::known("ollama", Dialect::OpenAiChat, "http://localhost:11434/v1", &[]),
        ])
    }
}

impl Catalogue for Few {
    fn providers(&self) -> &[KnownProvider] {
        &self.0
    }

    fn hosts(&self, model: &str) -> Vec<Host> {
        let host = Host { provider: "openai".to_owned(), model: model.to_owned() };
        if model.starts_with("gpt-") { vec![host] } else { Vec::new() }
    }

    fn names(&self) -> Vec<String> {
        vec!["openai/gpt-5".to_owned(), "anthropic/claude-sonnet-5".to_owned()]
    }
}

/// All that a reader of logs would see of the outcome.
fn shown(outcome: &Result<Config, Problems>) -> String {
    let mut shown = String::new();
    let written = match outcome {
        Ok(config) => write!(shown, "{config:?} {:?} {} {:?}", trust(config), serves_admin(config), check_bind(config)),
        Err(problems) => write!(shown, "{problems}"),
    };
    assert!(written.is_ok());
    shown
}

/// One input: any bytes, as far as they are text.
pub fn check(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    told(&text, text.len());
    let after_a_key = format!("providers:\n  openai: {{ api_key: {WRITTEN} }}\n{text}");
    told(&after_a_key, after_a_key.len());
    let around = Said(&text);
    let by_environment = shown(&from_environment(&around, &Few::new()));
    assert!(by_environment.len() <= FLOOR + TIMES * text.len(), "{} bytes are said", by_environment.len());
}

fn told(source: &str, length: usize) {
    let outcome = load(source, &AllSet, &Few::new());
    let shown = shown(&outcome);
    assert_eq!(self::shown(&load(source, &AllSet, &Few::new())), shown, "the same text, other words");
    if let Err(problems) = &outcome {
        assert!(!problems.0.is_empty(), "refused without a word");
        assert!(!shown.contains(SET), "a variable's value is told: {source:?}:\n{shown}");
        assert!(!shown.contains(WRITTEN), "a key is told: {source:?}:\n{shown}");
    }
    assert!(shown.len() <= FLOOR + TIMES * length, "{} bytes are said of {length}", shown.len());
}
