use std::collections::HashMap;
use std::time::Duration;

use proptest::prelude::*;
use tollgate_ir::{Fault, FaultKind, LimitHeader, Retry};

use super::testing::State;
use super::*;
use crate::config::Config;
use crate::testing::{Few, config};

const FILE: &str = "
providers:
  my-vllm: { dialect: openai-chat, base_url: 'http://h/v1', models: { llama-70b: {}, org/llama: {}, gpt-5: {} } }
  azure:   { base_url: 'http://a', api_key: k }
  gemini:  { api_key: k }
  many:    { dialect: openai-chat, base_url: 'http://m', api_keys: [{key: a, weight: 3}, {key: b}, {key: c}] }
models:
  assistant: { fallback: [azure/a, { split: [{weight: 3, use: my-vllm/b}, {weight: 1, use: gemini/c}] }, many/d] }
  gpt-4: azure/four
";

fn named(name: &str, config: &Config) -> String {
    match resolve(name, config, &Few::new()) {
        Ok(Resolved { meaning: Meaning::Virtual(model), .. }) => format!("virtual {}", model.name),
        Ok(resolved) => resolved.canonical().to_string(),
        Err(fault) => format!("{:?} {}", fault.kind, fault.public),
    }
}

#[test]
fn names_mean_what_the_rules_say() {
    let config = config(FILE);
    for (name, meaning) in [
        ("assistant", "virtual assistant"),
        ("gpt-4", "virtual gpt-4"),
        ("azure/gpt-4", "azure/gpt-4"),
        ("my-vllm/org/llama:70b", "my-vllm/org/llama:70b"),
        ("my-vllm/unheard-of", "my-vllm/unheard-of"),
        // The provider is configured under an alias; either spelling finds it.
        ("gemini/gemini-3-pro", "gemini/gemini-3-pro"),
        ("google/gemini-3-pro", "gemini/gemini-3-pro"),
        ("gemini-3-pro", "gemini/gemini-3-pro"),
        ("llama-70b", "my-vllm/llama-70b"),
        // A name with a slash whose first segment is no provider is a bare name.
        ("org/llama", "my-vllm/org/llama"),
        // Its maker, OpenAI, is not configured: the file's order decides.
        ("gpt-5", "my-vllm/gpt-5"),
    ] {
        assert_eq!(named(name, &config), meaning, "{name}");
    }
}

#[test]
fn its_maker_serves_a_bare_name_if_it_is_configured() {
    let config = config("providers: { azure: { base_url: 'http://a' }, openai: { api_key: k } }");
    assert_eq!(named("gpt-5", &config), "openai/gpt-5");
}

#[test]
fn whose_key_is_missing_comes_last() {
    let config = config("providers: { openai: {}, azure: { base_url: 'http://a' } }");
    let first = resolve("gpt-5", &config, &Few::new()).unwrap();
    assert_eq!(&*first.canonical(), "azure/gpt-5");
    let others: Vec<_> = further_hosts(&first, &config, &Few::new()).iter().map(Resolved::canonical).collect();
    assert_eq!(others, ["openai/gpt-5".into()]);
    let named = resolve("azure/gpt-5", &config, &Few::new()).unwrap();
    assert_eq!(further_hosts(&named, &config, &Few::new()), []);
}

#[test]
fn a_bare_name_is_what_its_host_calls_it() {
    let config =
        config("providers: { anthropic: { api_key: k }, azure: { base_url: 'http://a' }, openai: { api_key: k } }");
    for (name, meaning) in [
        ("gpt-4.1-mini", "azure/gpt-4.1-mini"),
        ("text-embedding-3-small", "azure/text-embedding-3-small"),
        // No model is called so: the one that it is the latest of.
        ("claude-haiku-4-5-latest", "anthropic/claude-haiku-4-5"),
        ("claude-haiku-4-5-20251001", "anthropic/claude-haiku-4-5-20251001"),
        ("claude-haiku-4-6-20990101", "NoSuchModel"),
        ("gpt-4.1-nimi", "NoSuchModel"),
    ] {
        assert!(named(name, &config).starts_with(meaning), "{name}: {}", named(name, &config));
    }
    assert!(named("gpt-4.1-nnao", &config).contains("`azure/gpt-4.1-nano`"), "{}", named("gpt-4.1-nnao", &config));
}

#[test]
fn an_unknown_name_is_told_what_is_near() {
    let config = config(FILE);
    for (name, part) in [
        ("asistant", "`assistant`"),
        ("Assistant", "`assistant`"),
        ("my-vlm/llama-70b", "`my-vllm/llama-70b`"),
        ("openai/gpt-5", "set OPENAI_API_KEY or configure `providers.openai`"),
        ("frobnicator", "configured providers: my-vllm, azure"),
        ("", "configured providers"),
        ("azure/", "configured providers"),
    ] {
        let told = named(name, &config);
        assert!(told.starts_with("NoSuchModel") && told.contains(part), "{name}: {told}");
    }
    let long = resolve(&"x".repeat(1 << 20), &config, &Few::new()).unwrap_err();
    assert!(long.public.len() < 500);
}

/// Plans a name with these draws, one after the other.
fn planned(name: &str, config: &Config, state: &State<'_>, draws: &[f64]) -> Plan {
    let mut draws = draws.iter().copied();
    let resolved = resolve(name, config, &Few::new()).unwrap();
    state.plan(&[resolved], config, &mut || draws.next().expect("a draw too many"))
}

fn names(plan: &Plan) -> Vec<String> {
    let name =
        |target: &Target| format!("{}{}", target.name(), target.key.map_or(String::new(), |key| format!("#{key}")));
    plan.targets().map(name).collect()
}

#[test]
fn a_fallback_goes_in_order_and_a_split_by_weight_with_the_rest_behind() {
    let config = config(FILE);
    let first = planned("assistant", &config, &State::default(), &[0.0, 0.0, 0.0]);
    assert_eq!(names(&first), ["azure/a#0", "my-vllm/b", "gemini/c#0", "many/d#0", "many/d#1", "many/d#2"]);
    let last = planned("assistant", &config, &State::default(), &[0.76, 0.99, 0.99]);
    assert_eq!(names(&last), ["azure/a#0", "gemini/c#0", "my-vllm/b", "many/d#2", "many/d#1", "many/d#0"]);
}

#[test]
fn no_draw_is_asked_for_where_there_is_no_choice() {
    let config = config(FILE);
    assert_eq!(names(&planned("azure/x", &config, &State::default(), &[])), ["azure/x#0"]);
    assert_eq!(names(&planned("my-vllm/x", &config, &State::default(), &[])), ["my-vllm/x"]);
}

#[test]
fn first_choices_follow_the_weights() {
    let config = config(FILE);
    let mut count: HashMap<String, u32> = HashMap::new();
    for i in 0..1000 {
        let draw = f64::from(i) / 1000.0;
        *count.entry(names(&planned("many/d", &config, &State::default(), &[draw, 0.0]))[0].clone()).or_default() += 1;
    }
    assert_eq!((count["many/d#0"], count["many/d#1"], count["many/d#2"]), (600, 200, 200));
}

#[test]
fn a_target_comes_once() {
    let config = config("providers: { openai: {} }\nmodels: { a: { fallback: [openai/x, openai/y, openai/x] } }");
    assert_eq!(names(&planned("a", &config, &State::default(), &[])), ["openai/x", "openai/y"]);
}

#[test]
fn a_clients_own_list_goes_in_its_order() {
    let config = config(FILE);
    let resolved = ["my-vllm/x", "gpt-4", "my-vllm/x"].map(|name| resolve(name, &config, &Few::new()).unwrap());
    let plan = State::default().plan(&resolved, &config, &mut || panic!("nothing is to be drawn"));
    assert_eq!(names(&plan), ["my-vllm/x", "azure/four#0"]);
}

#[test]
fn pinned_state_is_continued_where_it_is() {
    let file = config(FILE);
    let here = Target { provider: "many".into(), model: "d".into(), key: Some(1) }.pin(&file);
    let only = planned("assistant", &file, &State { only: Some(&here), ..State::default() }, &[0.0; 3]);
    assert_eq!(names(&only), ["many/d#1"]);
    assert_eq!(only.skipped.len(), 5);
    let first = planned("assistant", &file, &State { first: Some(&here), ..State::default() }, &[0.0; 3]);
    assert_eq!(names(&first)[..2], ["many/d#1", "azure/a#0"]);
    assert_eq!(first.steps.len(), 6);
    // After a reload that puts another key before it, the same key is another index.
    let reloaded = config(&FILE.replace("[{key: a, weight: 3}, {key: b}", "[{key: b}, {key: a, weight: 3}"));
    assert!(here.holds(&Target { provider: "many".into(), model: "d".into(), key: Some(0) }, &reloaded));
    assert!(!here.holds(&Target { provider: "many".into(), model: "d".into(), key: Some(1) }, &reloaded));
}

#[test]
fn what_cannot_serve_is_skipped_with_its_reason() {
    let config = config(FILE);
    let unfit = |target: &Target| (*target.provider == *"azure").then(|| "takes no images".to_owned());
    let plan = planned("assistant", &config, &State { unfit: Some(&unfit), ..State::default() }, &[0.0; 3]);
    assert_eq!(plan.steps.len(), 5);
    assert_eq!(plan.skipped[0].reason, "takes no images");
}

#[test]
fn with_passthrough_the_operators_keys_are_not_used() {
    let config = config("providers: { openai: { api_key: passthrough } }");
    assert_eq!(names(&planned("openai/x", &config, &State::default(), &[])), ["openai/x"]);
}

proptest! {
    #[test]
    fn every_order_is_whole_whatever_is_drawn(draws in proptest::collection::vec(0.0f64..=1.0, 3)) {
        static CONFIG: std::sync::LazyLock<Config> = std::sync::LazyLock::new(|| config(FILE));
        let mut found = names(&planned("assistant", &CONFIG, &State::default(), &draws));
        prop_assert_eq!(&found[0], "azure/a#0");
        found.sort();
        prop_assert_eq!(found, ["azure/a#0", "gemini/c#0", "many/d#0", "many/d#1", "many/d#2", "my-vllm/b"]);
    }
}

#[test]
fn the_next_target_is_tried_after_these_and_no_others() {
    use FaultKind as K;
    for (kind, status, said, expected) in [
        (K::ProviderUnreachable, 502, "", true),
        (K::ProviderTimeout, 504, "", true),
        (K::ProviderAuth, 401, "", true),
        (K::ProviderAuth, 403, "", true),
        (K::ProviderRateLimited, 429, "", true),
        (K::ProviderQuota, 429, "", true),
        (K::ProviderOverloaded, 529, "", true),
        (K::ProviderFailed, 500, "", true),
        (K::ProviderGarbage, 502, "", true),
        (K::ProviderCut, 502, "", true),
        (K::ProviderMisconfigured, 503, "", true),
        (K::ProviderBadRequest, 408, "", true),
        (K::ProviderBadRequest, 400, "Your credit balance is too low to access the API", true),
        (K::ProviderBadRequest, 400, "unknown field", false),
        (K::ProviderNotFound, 404, "", false),
        (K::ContentPolicy, 400, "", false),
        (K::ContextLength, 400, "", false),
        (K::InvalidField, 400, "quota exceeded", false),
        (K::DeadlineExceeded, 504, "", false),
        (K::Internal, 500, "", false),
        (K::LoopDetected, 508, "", false),
    ] {
        let fault = Fault::new(kind, said).status(status);
        assert_eq!(moves_on(&fault), expected, "{kind:?} {status} {said}");
    }
    let mut final_word = Fault::new(K::ProviderFailed, "no");
    final_word.retry = Retry::No;
    assert!(!moves_on(&final_word), "a fault that says that no retry helps");
}

fn limited(after: Option<u64>) -> Fault {
    let mut fault = Fault::new(FaultKind::ProviderRateLimited, format!("{after:?}"));
    fault.headers.extend(after.map(|s| LimitHeader { name: "retry-after".into(), value: s.to_string() }));
    fault
}

#[test]
fn the_first_fault_is_told_with_the_soonest_wait_if_all_were_limits() {
    let told = conclude(vec![limited(Some(30)), limited(None), limited(Some(7))]).unwrap();
    assert_eq!((told.public.as_str(), told.retry), ("Some(30)", Retry::After(Duration::from_secs(7))));
    assert_eq!(told.headers, [LimitHeader { name: "retry-after".into(), value: "7".into() }]);
    let mixed = conclude(vec![limited(Some(30)), Fault::new(FaultKind::ProviderFailed, "")]).unwrap();
    assert_eq!(mixed.headers[0].value, "30");
    assert!(conclude(Vec::new()).is_none());
}
