//! Whether a caller may use a model.
//!
//! Rights are about the name asked for: who may use a virtual model may use what its policy picks, since the operator
//! wrote both; and nobody reaches a target under another spelling of its name, since the canonical name is judged too.

use tollgate_ir::{Fault, FaultKind};

use crate::caller::{Allow, Caller};
use crate::route::{Meaning, Resolved};

/// Refuses a model that the caller's key does not list.
pub fn authorize(caller: &Caller, resolved: &Resolved) -> Result<(), Fault> {
    if matches!(caller.models, Allow::All) {
        return Ok(());
    }
    let as_asked = || matches!(resolved.meaning, Meaning::Direct { .. }) && caller.models.permits(&resolved.asked);
    if caller.models.permits(&resolved.canonical()) || as_asked() {
        return Ok(());
    }
    let mut fault = Fault::new(
        FaultKind::ModelNotAllowed,
        format!("The key `{}` may not use the model `{}`", caller.name, resolved.canonical()),
    );
    fault.param = Some("model".to_owned());
    Err(fault)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::route::resolve;
    use crate::testing::{Few, config};

    const FILE: &str = "
providers: { openai: { api_key: k }, google: {}, azure: { base_url: 'http://a' } }
models: { assistant: { fallback: [openai/a, google/b] }, cheap: google/b, other: assistant }
";

    #[test]
    fn rights_are_about_the_name_whatever_its_spelling() {
        let config = config(FILE);
        for (allowed, asked, expected) in [
            (&["assistant"][..], "assistant", true),
            (&["assistant"], "openai/a", false),
            (&["assistant"], "google/b", false),
            (&["assistant"], "other", false),
            (&["assistant"], "cheap", false),
            (&["openai/*"], "openai/a", true),
            (&["openai/*"], "gpt-5", true),
            (&["openai/*"], "azure/gpt-5", false),
            (&["openai/*"], "assistant", false),
            (&["google/*"], "gemini/x", true),
            (&["gpt-5"], "gpt-5", true),
            (&["gpt-5"], "azure/gpt-5", false),
            (&["*"], "azure/x", true),
            (&[], "assistant", false),
        ] {
            let list: Vec<String> = allowed.iter().map(|name| (*name).to_owned()).collect();
            let caller = Caller { models: Allow::Listed(list.into()), ..Caller::anonymous() };
            let resolved = resolve(asked, &config, &Few::new()).unwrap();
            let fault = authorize(&caller, &resolved).err();
            assert_eq!(fault.is_none(), expected, "{allowed:?} {asked}");
            if let Some(fault) = fault {
                assert_eq!((fault.kind, fault.status), (FaultKind::ModelNotAllowed, 403));
            }
        }
    }

    #[test]
    fn without_a_list_everything_is_allowed() {
        let resolved = resolve("azure/x", &config(FILE), &Few::new()).unwrap();
        assert!(authorize(&Caller::anonymous(), &resolved).is_ok());
    }
}
