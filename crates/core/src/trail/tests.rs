use tollgate_ir::Reason;

use super::*;

fn target(provider: &str) -> Target {
    Target { provider: provider.into(), model: "m".into(), key: Some(1) }
}

fn attempt(provider: &str) -> Attempt {
    Attempt {
        overtaken: false,
        breaker: None,
        target: target(provider),
        dialect: Dialect::Anthropic,
        began: Duration::ZERO,
        took: Duration::from_micros(1_234_567),
        status: Some(200),
        fault: None,
        usage: None,
        cost: None,
    }
}

fn trail() -> Trail {
    let now = Now { monotonic: Duration::from_secs(9), unix_ms: 1_700_000_000_000 };
    let mut trail = Trail::begin("req_1", Dialect::OpenAiChat, Operation::Chat, now);
    let fault = Fault {
        provider_code: Some("overloaded".into()),
        ..Fault::new(FaultKind::ProviderOverloaded, "canary of content").detail("canary of a key")
    };
    let failed =
        Attempt { status: Some(529), fault: Some(FaultNote::of(&fault)), cost: Some(Nanos(2)), ..attempt("one") };
    let usage = Usage { input: 10, cache_read: Some(5), output: 7, reasoning: Some(3), ..Usage::default() };
    let served =
        Attempt { began: Duration::from_millis(1240), usage: Some(usage), cost: Some(Nanos(40)), ..attempt("two") };
    trail.asked = "assistant".into();
    trail.model = Some("assistant".into());
    trail.caller = Some("ci".into());
    trail.attempts = vec![failed, served];
    trail.finish = Some(Finish::StopSequence(Some("canary of a stop".into())));
    trail.losses = vec![Loss { path: "top_k".into(), reason: Reason::Dropped }];
    trail.first_token = Some(Duration::from_millis(1500));
    trail.total = Duration::from_millis(2500);
    trail.overhead = Duration::from_micros(321);
    trail.status = 200;
    trail.end = End::Done;
    trail
}

#[test]
fn a_call_is_one_line() {
    insta::assert_snapshot!(trail().to_json());
}

#[test]
fn no_content_and_no_secret_is_in_the_line() {
    let mut trail = trail();
    trail.asked = format!("line\nbreak {}", "x".repeat(10_000)).into();
    let line = trail.to_json();
    assert!(!line.contains("canary") && !line.contains('\n'), "{line}");
    assert!(line.len() < 2_000, "{}", line.len());
}

#[test]
fn every_billed_attempt_counts_and_the_last_one_served() {
    let mut trail = trail();
    assert_eq!(trail.cost(), Some(Nanos(42)));
    assert_eq!(trail.served(), Some(&target("two")));
    trail.attempts.pop();
    trail.first_token = None;
    assert_eq!(trail.served(), None);
    assert_eq!(Trail::begin("", Dialect::Gemini, Operation::Chat, Now::default()).cost(), None);
}

#[test]
fn a_call_that_is_dropped_was_cancelled() {
    let trail = Trail::begin("r", Dialect::Gemini, Operation::Chat, Now::default());
    assert!(trail.to_json().contains(r#""end":"cancelled""#));
}

#[test]
fn junk_names_are_one_series() {
    let mut names = ModelNames::new(["assistant".to_owned()], 3);
    for i in 0..50_000 {
        assert_eq!(&*names.label(Some(&format!("junk-{i}"))), OTHER);
    }
    for i in 0..50_000 {
        names.learn(&format!("real-{i}"));
    }
    names.learn(&"long".repeat(1000));
    let seen: std::collections::BTreeSet<_> = (0..50_000).map(|i| names.label(Some(&format!("real-{i}")))).collect();
    assert_eq!(seen.len(), 3, "two learnt and `other`");
    assert_eq!(&*names.label(Some("assistant")), "assistant");
    assert_eq!(&*names.label(None), OTHER);
}
