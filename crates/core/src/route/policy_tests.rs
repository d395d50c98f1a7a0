//! Each kind of node, each demand, and how they nest.

use std::collections::HashMap;
use std::time::Duration;

use tollgate_ir::{Fault, FaultKind};

use super::testing::{State, at};
use super::*;
use crate::config::{Config, Measure, Modality};
use crate::health::{Bucket, HealthKey, Quota, Timing};
use crate::testing::{Few, config};

const PROVIDERS: &str = "
providers:
  a:
    { dialect: openai-chat, base_url: 'http://a', region: eu, data: { training: false, retention: zero }, models: { m: {
      price: { input: 1, output: 2 }, quality: 0.9, capabilities: { tools: true }, context: 8000, modalities: [text] } } }
  b:
    { dialect: openai-chat, base_url: 'http://b', models: { m: {
      price: { input: 3, output: 0.1 }, quality: { code: 0.7, default: 0.5 }, modalities: [text, image] } } }
  c: { dialect: openai-chat, base_url: 'http://c', region: us }
";

fn with(policy: &str) -> Config {
    config(&format!("{PROVIDERS}\nmodels: {{ x: {policy} }}"))
}

/// The plan of `x`, every draw the same.
fn plan_of(config: &Config, state: &State<'_>, draw: f64) -> Plan {
    state.plan(&[resolve("x", config, &Few::new()).unwrap()], config, &mut || draw)
}

fn names(plan: &Plan) -> Vec<String> {
    plan.targets().map(Target::name).collect()
}

fn order(policy: &str, state: &State<'_>) -> Vec<String> {
    names(&plan_of(&with(policy), state, 0.0))
}

fn key(provider: &str) -> HealthKey {
    HealthKey { pin: Pin { provider: provider.into(), key: None }, model: "m".into() }
}

fn served(state: &mut State<'_>, provider: &str, first_token_ms: u64, total_ms: u64, times: u32) {
    let ms = Duration::from_millis;
    for _ in 0..times {
        state.health.asked(&key(provider), state.now);
        let timing = Timing { first_token: Some(ms(first_token_ms)), total: ms(total_ms) };
        state.health.served(&key(provider), timing, state.now);
    }
}

fn failed(state: &mut State<'_>, provider: &str, kind: FaultKind, times: u32) {
    for _ in 0..times {
        state.health.asked(&key(provider), state.now);
        state.health.failed(&key(provider), &Fault::new(kind, "no"), state.now, state.now);
    }
}

#[test]
fn the_cheapest_depends_on_the_call() {
    let long = RequestFacts { prompt_tokens: 10_000, max_tokens: Some(10), ..RequestFacts::default() };
    let talkative = RequestFacts { prompt_tokens: 10, max_tokens: Some(400), ..RequestFacts::default() };
    let policy = "{ cheapest: [c/m, b/m, a/m] }";
    assert_eq!(order(policy, &State { request: long, ..State::default() }), ["a/m", "b/m", "c/m"]);
    assert_eq!(order(policy, &State { request: talkative, ..State::default() }), ["b/m", "a/m", "c/m"]);
}

#[test]
fn the_fastest_is_who_was_fast_of_late_and_the_unknown_is_tried() {
    let mut state = State { now: at(100), ..State::default() };
    served(&mut state, "a", 900, 1000, 5);
    served(&mut state, "b", 300, 3000, 5);
    assert_eq!(order("{ fastest: [a/m, b/m] }", &state), ["b/m", "a/m"]);
    assert_eq!(order("{ fastest: [a/m, b/m], by: total }", &state), ["a/m", "b/m"]);
    assert_eq!(order("{ fastest: [a/m, b/m, c/m] }", &state)[0], "c/m");
}

#[test]
fn the_least_busy_and_the_least_limited_come_first() {
    let mut state = State::default();
    state.health.asked(&key("a"), at(0));
    state.health.asked(&key("a"), at(0));
    state.health.asked(&key("b"), at(0));
    assert_eq!(order("{ least_busy: [a/m, b/m, c/m] }", &state), ["c/m", "b/m", "a/m"]);
    let left = |remaining| Quota { requests: Some(Bucket { remaining, limit: Some(100), reset: None }), tokens: None };
    state.health.limits(&key("a"), left(50));
    state.health.limits(&key("b"), left(10));
    state.health.limits(&key("c"), left(90));
    assert_eq!(order("{ quota_aware: [a/m, b/m, c/m] }", &state), ["c/m", "a/m", "b/m"]);
}

#[test]
fn the_first_rule_that_holds_decides() {
    let policy = "{ rules: [ { when: 'prompt_tokens > 1000', use: { fallback: [b/m, c/m] } }, { when: 'tools > 0', use: c/m } ], else: a/m }";
    let facts = |prompt_tokens, tools| State {
        request: RequestFacts { prompt_tokens, tools, ..RequestFacts::default() },
        ..State::default()
    };
    assert_eq!(order(policy, &facts(2000, 1)), ["b/m", "c/m"]);
    assert_eq!(order(policy, &facts(2, 1)), ["c/m"]);
    assert_eq!(order(policy, &facts(2, 0)), ["a/m"]);
}

#[test]
fn demands_skip_targets_and_say_why() {
    let state = State { ..State::default() };
    for (demand, left, reason) in [
        ("require: { regions: [eu] }", &["a/m"][..], "not known to be in eu"),
        ("require: { no_training: true }", &["a/m"], "not to train"),
        ("require: { zero_retention: true }", &["a/m"], "to keep nothing"),
        ("require: { capabilities: [tools] }", &["a/m"], "`tools`"),
        ("require: { context: 8000 }", &["a/m"], "8000"),
        ("min_quality: 0.6", &["a/m"], "`default` is 0.5"),
        ("min_quality: { code: 0.6 }", &["a/m", "b/m"], "no score"),
        ("min_quality: { code: 0.8 }", &["a/m"], "`code` is 0.7"),
        ("max_price: { input: 2 }", &["a/m"], "per million input"),
        ("max_price: { output: 1 }", &["b/m"], "per million output"),
        ("max_price: { call: 0.0001 }", &["b/m"], "for this call"),
    ] {
        let plan = plan_of(&with(&format!("{{ fallback: [a/m, b/m, c/m], {demand} }}")), &state, 0.0);
        assert_eq!(names(&plan), left, "{demand}");
        assert!(plan.skipped.iter().any(|s| s.reason.contains(reason)), "{demand}: {:?}", plan.skipped);
    }
}

#[test]
fn the_cheapest_above_a_quality() {
    let state =
        State { request: RequestFacts { max_tokens: Some(400), ..RequestFacts::default() }, ..State::default() };
    assert_eq!(order("{ cheapest: [a/m, b/m], min_quality: 0.8 }", &state), ["a/m"]);
    assert_eq!(order("{ cheapest: [a/m, b/m] }", &state), ["b/m", "a/m"]);
}

#[test]
fn what_a_model_cannot_read_goes_to_one_that_can() {
    let request = RequestFacts { modalities: vec![Modality::Image], ..RequestFacts::default() };
    let state = State { request, ..State::default() };
    // Nothing is known of c, so nothing is held against it.
    assert_eq!(order("{ fallback: [a/m, b/m, c/m] }", &state), ["b/m", "c/m"]);
}

#[test]
fn a_prompt_that_is_too_long_goes_to_a_window_that_holds_it() {
    let request = RequestFacts { prompt_tokens: 9_000, ..RequestFacts::default() };
    let long = State { request, body_bytes: 40_000, ..State::default() };
    assert_eq!(order("{ fallback: [a/m, b/m] }", &long), ["b/m"]);
    assert_eq!(order("{ use: a/m, context_fallback: c/m }", &long), ["c/m"]);
    // What is shorter than the window in bytes is never estimated.
    let short = State { body_bytes: 8_000, ..long };
    assert_eq!(order("{ use: a/m, context_fallback: c/m }", &short), ["a/m"]);
    let plan = plan_of(&with("{ use: a/m, context_fallback: c/m, content_policy_fallback: b/m }"), &short, 0.0);
    assert_eq!((plan.if_too_long.len(), plan.if_refused.len()), (1, 1));
}

#[test]
fn demands_nest_and_the_nearer_word_counts() {
    let config = with(
        "{ retries: 3, timeouts: { total: 60s, first_token: 5s }, fallback: [ { use: a/m, retries: 0, timeouts: { total: 90s } }, b/m ], on: [timeout] }",
    );
    let plan = plan_of(&config, &State::default(), 0.0);
    let terms: Vec<_> = plan.steps.iter().map(|step| &step.terms).collect();
    assert_eq!((terms[0].retries, terms[1].retries), (Some(0), Some(3)));
    // No node can lengthen what a node above allows.
    assert_eq!(terms[0].timeouts.total, Some(Duration::from_secs(60)));
    assert_eq!(terms[0].timeouts.first_token, Some(Duration::from_secs(5)));
    assert_eq!(terms[1].on.as_deref(), Some(&[FaultClass::Timeout][..]));
}

#[test]
fn who_fails_is_asked_last_and_who_cools_down_not_at_all() {
    let mut state = State { now: at(10), ..State::default() };
    failed(&mut state, "a", FaultKind::ProviderFailed, 5);
    assert_eq!(order("{ fallback: [a/m, b/m] }", &state), ["b/m", "a/m"]);
    assert_eq!(order("{ fallback: [a/m, b/m], breaker: off }", &state), ["a/m", "b/m"]);
    assert_eq!(order("a/m", &state), ["a/m"], "a sole target is asked whatever its breaker says");
    failed(&mut state, "b", FaultKind::ProviderRateLimited, 1);
    let plan = plan_of(&with("b/m"), &state, 0.0);
    assert_eq!((plan.steps.len(), plan.back.map(|(until, _)| until)), (0, Some(at(15))));
    failed(&mut state, "c", FaultKind::ProviderAuth, 1);
    assert_eq!(order("{ fallback: [c/m, b/m, a/m] }", &state), ["c/m", "a/m"], "both last, in their order");
}

#[test]
fn a_sticky_split_gives_a_key_the_same_branch_and_keys_different_ones() {
    let config = with("{ split: [ { weight: 1, use: a/m }, { weight: 1, use: b/m } ], stick_to: key }");
    let first = |key: &str| {
        let request = RequestFacts { key: key.into(), ..RequestFacts::default() };
        names(&plan_of(&config, &State { request, ..State::default() }, 0.5))[0].clone()
    };
    let keys: Vec<String> = (0..200).map(|i| format!("key-{i}")).collect();
    let a = keys.iter().filter(|key| first(key) == "a/m").count();
    assert!((70..=130).contains(&a), "{a} of 200");
    assert!(keys.iter().all(|key| first(key) == first(key)));
}

#[test]
fn fr02_a_conversation_stays_where_its_cache_is() {
    let config = with("{ sticky: [a/m, b/m, c/m] }");
    let state = |prefix, tokens| State {
        request: RequestFacts { prefix: Some(prefix), prompt_tokens: tokens, ..RequestFacts::default() },
        ..State::default()
    };
    let mut firsts: HashMap<String, u32> = HashMap::new();
    for prefix in 0..300u64 {
        let prefix = prefix.wrapping_mul(0x1234_5678_9abc_def1);
        let order = names(&plan_of(&config, &state(prefix, 5_000), 0.3));
        assert_eq!(order, names(&plan_of(&config, &state(prefix, 6_000), 0.9)), "the same whatever is drawn");
        *firsts.entry(order[0].clone()).or_default() += 1;
    }
    assert!(firsts.len() == 3 && firsts.values().all(|n| (70..=130).contains(n)), "{firsts:?}");
    // Whoever holds it stays first.
    let holder = Target { provider: "c".into(), model: "m".into(), key: None };
    for prefix in 0..20u64 {
        let state = State { holder: Some(&holder), ..state(prefix, 5_000) };
        assert_eq!(names(&plan_of(&config, &state, 0.0))[0], "c/m");
    }
}

#[test]
fn fr02_a_conversation_moves_only_where_that_is_cheaper_even_without_its_cache() {
    let priced = |b: &str| {
        let a = "{ input: 3, output: 1, cache_read: 0.3 }";
        let one = |name: &str, price: &str| {
            format!(
                "  {name}: {{ dialect: openai-chat, base_url: 'http://{name}', models: {{ m: {{ price: {price} }} }} }}\n"
            )
        };
        config(&format!(
            "providers:\n{}{}models: {{ s: {{ sticky: [a/m, b/m] }}, c: {{ cheapest: [a/m, b/m] }} }}",
            one("a", a),
            one("b", b)
        ))
    };
    let holder = Target { provider: "a".into(), model: "m".into(), key: None };
    for (b, tokens, stays) in [
        ("{ input: 3, output: 1 }", 50_000, true),
        ("{ input: 1, output: 1 }", 50_000, true),
        ("{ input: 0.2, output: 1 }", 50_000, false),
    ] {
        let config = priced(b);
        for prefix in 0..10 {
            let request = RequestFacts { prefix: Some(prefix), prompt_tokens: tokens, ..RequestFacts::default() };
            let state = State { holder: Some(&holder), request, ..State::default() };
            for model in ["s", "c"] {
                let found = state.plan(&[resolve(model, &config, &Few::new()).unwrap()], &config, &mut || 0.5);
                assert_eq!(names(&found)[0] == "a/m", stays, "{model} {b}");
                assert_eq!(found.conversation, Some(prefix));
            }
        }
    }
    // Nobody holds a prompt that is too short for a cache: the cheapest is the cheapest.
    let request = RequestFacts { prefix: Some(1), prompt_tokens: 500, ..RequestFacts::default() };
    let state = State { holder: Some(&holder), request, ..State::default() };
    let config = priced("{ input: 1, output: 1 }");
    let found = state.plan(&[resolve("c", &config, &Few::new()).unwrap()], &config, &mut || 0.5);
    assert_eq!(names(&found)[0], "b/m");
}

#[test]
fn each_key_of_a_sticky_target_is_an_account_with_a_cache_of_its_own() {
    let file = "providers: { p: { dialect: openai-chat, base_url: 'http://p', api_keys: [{key: a}, {key: b}, {key: c}] } }\nmodels: { x: { sticky: [p/m] } }";
    let config = config(file);
    let first = |prefix, draw| {
        let request = RequestFacts { prefix: Some(prefix), prompt_tokens: 5_000, ..RequestFacts::default() };
        plan_of(&config, &State { request, ..State::default() }, draw).steps[0].target.key
    };
    let keys: std::collections::HashSet<_> = (0..40u64).map(|i| first(i << 20, 0.1)).collect();
    assert_eq!(keys.len(), 3);
    assert!((0..40u64).all(|i| first(i << 20, 0.1) == first(i << 20, 0.9)), "the same whatever is drawn");
}

#[test]
fn a_plan_says_why() {
    let mut state = State { explain: true, ..State::default() };
    failed(&mut state, "b", FaultKind::ProviderFailed, 5);
    failed(&mut state, "c", FaultKind::ProviderAuth, 1);
    let policy = "{ rules: [ { when: 'tools > 0', use: c/m }, { when: 'stream == false', use: { fallback: [ { cheapest: [b/m, a/m] }, { split: [{weight: 3, use: c/m}, {weight: 1, use: a/n}] } ] } } ] }";
    let plan = plan_of(&with(policy), &state, 0.0);
    let told = serde_json::to_string(&Explanation::of(&plan, 9)).unwrap();
    insta::assert_snapshot!(told);
    let few = serde_json::to_string(&Explanation::of(&plan, 1)).unwrap();
    assert!(few.contains(r#""not_listed":3"#) && !few.contains("b/m"), "{few}");
}

#[test]
fn a_request_may_narrow_and_order_but_not_widen() {
    let wishes = |wishes: RouteWishes| State { wishes, ..State::default() };
    let list = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
    let policy = "{ fallback: [a/m, b/m, c/m] }";
    let only = wishes(RouteWishes { only: list(&["B", "openai"]), ..RouteWishes::default() });
    assert_eq!(order(policy, &only), ["b/m"]);
    let ignore = wishes(RouteWishes { ignore: list(&["b/fp8"]), ..RouteWishes::default() });
    assert_eq!(order(policy, &ignore), ["a/m", "c/m"]);
    let first = wishes(RouteWishes { order: list(&["c"]), no_fallbacks: true, ..RouteWishes::default() });
    assert_eq!(order(policy, &first), ["c/m"]);
    let mut cheap = wishes(RouteWishes { sort: Some(Measure::Price), ..RouteWishes::default() });
    cheap.request.max_tokens = Some(400);
    assert_eq!(order(policy, &cheap), ["b/m", "a/m", "c/m"]);
}

/// Shares of first choices among branches, in per cent, with draws spread evenly.
fn shares(config: &Config, state: &State<'_>) -> HashMap<String, f64> {
    let mut counts: HashMap<String, f64> = HashMap::new();
    for i in 0..2000 {
        let mut draw = f64::from(i) / 2000.0;
        let resolved = resolve("x", config, &Few::new()).unwrap();
        let plan = state.plan(&[resolved], config, &mut || {
            draw = (draw * 7.31 + 0.137).fract();
            draw
        });
        *counts.entry(names(&plan)[0].clone()).or_default() += 0.05;
    }
    counts
}

#[test]
fn who_is_slow_or_fails_gets_less() {
    let config = with("{ split: [ { weight: 1, use: a/m }, { weight: 1, use: b/m }, { weight: 1, use: c/m } ] }");
    let mut state = State { now: at(5), ..State::default() };
    for (provider, ms) in [("a", 100), ("b", 110), ("c", 1000)] {
        served(&mut state, provider, ms, ms * 2, 50);
    }
    let found = shares(&config, &state);
    assert!(found["c/m"] < 10.0 && (found["a/m"] - found["b/m"]).abs() < 6.0, "{found:?}");
    let mut failing = State { now: at(5), ..State::default() };
    for provider in ["a", "b", "c"] {
        served(&mut failing, provider, 100, 200, 50);
    }
    failed(&mut failing, "c", FaultKind::ProviderFailed, 4);
    served(&mut failing, "c", 100, 200, 1);
    failed(&mut failing, "c", FaultKind::ProviderFailed, 4);
    let found = shares(&config, &failing);
    assert!(found["c/m"] < 30.0 && found["c/m"] > 15.0, "{found:?}");
}
