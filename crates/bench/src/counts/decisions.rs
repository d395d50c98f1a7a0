//! Decisions: who calls, what the name means, whether it is allowed, which targets serve.

use tollgate_core::Now;
use tollgate_core::authorize::authorize;
use tollgate_core::caller::Directory;
use tollgate_core::config::{Catalogue, Config, Host, KnownProvider, Surroundings, load};
use tollgate_core::health::{Signals, Standing};
use tollgate_core::route::{Facts, Lookup, RequestFacts, RouteWishes, Target, Targets, plan, resolve};

use crate::Counter;

/// No provider is known but those of the file.
struct Nobody;

impl Catalogue for Nobody {
    fn providers(&self) -> &[KnownProvider] {
        &[]
    }

    fn hosts(&self, _: &str) -> Vec<Host> {
        Vec::new()
    }
}

impl Surroundings for Nobody {
    fn variable(&self, _: &str) -> Option<String> {
        None
    }

    fn file(&self, _: &str) -> Result<String, String> {
        Err("there are no files".to_owned())
    }
}

impl Targets for Nobody {
    fn signals(&self, _: &Target) -> Signals {
        Signals::default()
    }

    fn standing(&self, _: &Target) -> Standing {
        Standing::default()
    }
}

const FILE: &str = "
server: { listen: 127.0.0.1:4000 }
providers:
  up: { dialect: openai-chat, base_url: 'http://127.0.0.1:1/v1', api_key: one }
  claude: { dialect: anthropic, base_url: 'http://127.0.0.1:1/v1', api_key: two }
models:
  assistant:
    fallback: [ up/a, { split: [ { weight: 3, use: claude/b }, { weight: 1, use: up/c } ] } ]
";

/// All cases.
pub fn count(counter: &Counter) {
    let mut file = FILE.to_owned();
    file.push_str("keys:\n");
    for i in 0..100 {
        file.push_str(&format!("  - {{ name: key-{i}, key: key-number-{i}, models: [ assistant, \"up/*\" ] }}\n"));
    }
    let Ok(config) = load(&file, &Nobody, &Nobody) else { return };
    // Any function will do: the hash itself is the crypto library's.
    let hash = |text: &str| {
        let mut hash = [0; 32];
        for (i, byte) in text.bytes().enumerate() {
            hash[i % 32] ^= byte.rotate_left(u32::try_from(i % 7).unwrap_or(0));
        }
        hash
    };
    let directory = Directory::new(&config.keys, hash);
    let known = hash("key-number-42");
    counter.case("key, among 100", || (), |()| directory.find(&known).cloned());
    let Some(caller) = directory.find(&known) else { return };
    for name in ["up/w-300", "assistant"] {
        let Ok(resolved) = resolve(name, &config, &Nobody) else { continue };
        counter.case(&format!("resolve, {name}"), || (), |()| resolve(name, &config, &Nobody).is_ok());
        counter.case(&format!("authorize, {name}"), || (), |()| authorize(caller, &resolved).is_ok());
        counter.case(&format!("plan, {name}"), || (), |()| planned(&config, &resolved));
    }
}

fn planned(config: &Config, resolved: &tollgate_core::route::Resolved) -> usize {
    let look = || RequestFacts::default();
    let wishes = RouteWishes::default();
    let facts = Facts {
        config,
        targets: &Nobody,
        request: &Lookup::new(&look),
        body_bytes: 300,
        may_have_media: false,
        now: Now::default(),
        only: None,
        first: None,
        unfit: None,
        wishes: &wishes,
        explain: false,
    };
    plan(resolved, &facts, &mut || 0.5).steps.len()
}
