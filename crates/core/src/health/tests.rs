use std::time::Duration;

use tollgate_ir::{Fault, FaultKind, LimitHeader};

use super::*;
use crate::Map;

fn at(ms: u64) -> Now {
    Now { monotonic: Duration::from_millis(ms), unix_ms: ms }
}

fn key(provider: &str, model: &str) -> HealthKey {
    HealthKey { pin: Pin { provider: provider.into(), key: Some(1) }, model: model.into() }
}

fn fault(kind: FaultKind) -> Fault {
    Fault::new(kind, "no")
}

fn fail(health: &mut Health, key: &HealthKey, kind: FaultKind, now: Now) -> Option<Change> {
    health.asked(key, now);
    health.failed(key, &fault(kind), now, now)
}

fn serve(health: &mut Health, key: &HealthKey, now: Now) -> Option<Change> {
    health.asked(key, now);
    health.served(key, Timing { first_token: None, total: Duration::ZERO }, now)
}

#[test]
fn rl10_only_what_the_target_did_wrong_counts_against_it() {
    for (kind, failure) in [
        (FaultKind::ContentPolicy, false),
        (FaultKind::ProviderBadRequest, false),
        (FaultKind::ProviderNotFound, false),
        (FaultKind::ContextLength, false),
        (FaultKind::DeadlineExceeded, false),
        (FaultKind::ProviderFailed, true),
        (FaultKind::ProviderTimeout, true),
        (FaultKind::ProviderCut, true),
    ] {
        let mut health = Health::default();
        let key = key("a", "m");
        for i in 0..30 {
            fail(&mut health, &key, kind, at(i));
        }
        let signals = health.signals(&key, at(100));
        assert_eq!(signals.refused_by_breaker, failure, "{kind:?}");
        assert_eq!(signals.cooling, None, "{kind:?}");
        assert_eq!(signals.in_flight, 0);
    }
}

#[test]
fn a_used_up_quota_cools_the_key_and_a_rate_limit_the_model() {
    let mut health = Health::default();
    let (one, two) = (key("a", "one"), key("a", "two"));
    fail(&mut health, &one, FaultKind::ProviderRateLimited, at(0));
    assert!(health.signals(&one, at(1)).cooling.is_some() && health.signals(&two, at(1)).cooling.is_none());
    let mut credit = fault(FaultKind::ProviderBadRequest);
    credit.public = "Your credit balance is too low".into();
    health.asked(&one, at(2));
    health.failed(&one, &credit, at(2), at(2));
    assert!(health.signals(&two, at(3)).cooling.is_some());
    // Whoever serves has credit again.
    serve(&mut health, &two, at(4));
    assert!(health.signals(&two, at(5)).cooling.is_none());
}

#[test]
fn a_cool_down_lasts_as_long_as_the_provider_says_within_reason() {
    for (header, value, seconds) in
        [("retry-after", "2", 2), ("retry-after-ms", "1500", 2), ("retry-after", "287441", 900), ("x", "9", 5)]
    {
        let mut limited = fault(FaultKind::ProviderRateLimited);
        limited.headers.push(LimitHeader { name: header.into(), value: value.into() });
        let Meaning::CoolTarget(span) = meaning(&limited) else { panic!("{header}") };
        assert_eq!(span.as_secs_f64().ceil() as u64, seconds, "{header}: {value}");
    }
}

#[test]
fn a_breaker_opens_probes_one_at_a_time_and_comes_back_slowly() {
    let mut health = Health::default();
    let key = key("a", "m");
    for i in 0..4 {
        assert_eq!(fail(&mut health, &key, FaultKind::ProviderFailed, at(i)), None);
    }
    assert_eq!(fail(&mut health, &key, FaultKind::ProviderFailed, at(4)), Some(Change::Opened));
    assert!(health.signals(&key, at(4_000)).refused_by_breaker);
    assert!(!health.signals(&key, at(5_004)).refused_by_breaker);
    assert_eq!(health.asked(&key, at(5_004)), Some(Change::Probing));
    assert!(health.signals(&key, at(5_005)).refused_by_breaker, "one probe at a time");
    let timeout = fault(FaultKind::ProviderTimeout);
    assert_eq!(health.failed(&key, &timeout, at(5_004), at(5_100)), Some(Change::Opened));
    assert!(health.signals(&key, at(15_000)).refused_by_breaker, "the second pause is twice as long");
    assert_eq!(health.asked(&key, at(15_101)), Some(Change::Probing));
    health.cancelled(&key, at(15_101));
    assert!(!health.signals(&key, at(15_102)).refused_by_breaker, "a probe that was given up is free again");
    assert_eq!(serve(&mut health, &key, at(15_103)), None);
    assert_eq!(serve(&mut health, &key, at(15_104)), Some(Change::Closed));
    let early = health.signals(&key, at(15_104)).reduced_to.unwrap();
    let later = health.signals(&key, at(30_104)).reduced_to.unwrap();
    assert!(early < 0.11 && (0.5..0.6).contains(&later), "{early} {later}");
    serve(&mut health, &key, at(46_000));
    assert_eq!(health.signals(&key, at(46_000)).breaker, Breaker::Closed);
}

#[test]
fn what_began_before_a_probe_says_nothing_of_it() {
    let mut health = Health::default();
    let key = key("a", "m");
    // Calls that hang, and then an outage.
    for _ in 0..4 {
        health.asked(&key, at(0));
    }
    for i in 1..=5 {
        fail(&mut health, &key, FaultKind::ProviderFailed, at(i));
    }
    assert_eq!(health.asked(&key, at(6_000)), Some(Change::Probing));
    let timeout = fault(FaultKind::ProviderTimeout);
    assert_eq!(health.failed(&key, &timeout, at(0), at(6_100)), None, "its timeout is the outage's");
    health.cancelled(&key, at(0));
    assert!(health.signals(&key, at(6_200)).refused_by_breaker, "the probe is under way");
    let slow = Timing { first_token: None, total: Duration::from_millis(6_300) };
    assert_eq!(health.served(&key, slow, at(6_300)), None);
    let probe = Timing { first_token: None, total: Duration::from_millis(400) };
    assert_eq!(health.served(&key, probe, at(6_400)), None, "one of two");
    assert_eq!(serve(&mut health, &key, at(6_500)), Some(Change::Closed));
}

#[test]
fn a_large_share_of_failures_opens_it_too() {
    let mut health = Health::default();
    let key = key("a", "m");
    let mut opened = false;
    for i in 0..40 {
        opened |= if i % 3 == 0 {
            serve(&mut health, &key, at(i)) == Some(Change::Opened)
        } else {
            fail(&mut health, &key, FaultKind::ProviderFailed, at(i)) == Some(Change::Opened)
        };
    }
    assert!(opened);
}

#[test]
fn names_that_clients_made_up_are_forgotten() {
    let mut health = Health::default();
    for i in 0..1000 {
        let key = key("a", &format!("junk-{i}"));
        health.asked(&key, at(0));
        health.failed(&key, &fault(FaultKind::ProviderNotFound), at(0), at(1));
    }
    // Nor does an outage keep them: a breaker that nobody waits for is forgotten.
    for i in 0..1000 {
        for _ in 0..5 {
            fail(&mut health, &key("a", &format!("down-{i}")), FaultKind::ProviderFailed, at(1));
        }
    }
    let held = key("a", "held");
    health.asked(&held, at(2));
    health.sweep(at(1_000_000));
    assert_eq!(health.all(at(1_000_000)).len(), 1, "only the one in flight is left");
}

#[test]
fn what_is_left_of_a_limit() {
    let bucket = |remaining, limit, reset: Option<u64>| Bucket { remaining, limit, reset: reset.map(at) };
    let quota = Quota { requests: Some(bucket(5, Some(10), None)), tokens: Some(bucket(100, Some(1000), Some(50))) };
    assert!((quota.left(at(0)) - 0.1).abs() < 1e-9);
    assert!((quota.left(at(60)) - 0.5).abs() < 1e-9, "the tokens are whole again");
    assert!(!quota.admits(101, at(0)) && quota.admits(101, at(50)) && quota.admits(100, at(0)));
    assert!((Quota::default().left(at(0)) - 1.0).abs() < 1e-9);
}

#[test]
fn requests_of_the_gateways_own_open_breakers_and_bring_targets_back() {
    let (mut health, a, b) = (Health::default(), key("a", "m"), key("b", "m"));
    for key in [&a, &b] {
        serve(&mut health, key, at(0));
    }
    for i in 1..=4 {
        assert_eq!(health.checked("a", false, at(i)), []);
    }
    assert_eq!(health.checked("a", false, at(5)), [(a.clone(), Change::Opened)]);
    assert!(health.standing(&a, at(5)).refused_by_breaker && !health.standing(&b, at(5)).refused_by_breaker);
    assert_eq!(health.checks(), [("a", 5)]);
    // A silence holds it open; an answer lets one call try.
    assert_eq!(health.checked("a", false, at(100_000)), []);
    assert!(health.standing(&a, at(130_000)).refused_by_breaker);
    assert_eq!(health.checked("a", true, at(140_000)), [(a.clone(), Change::Probing)]);
    assert!(!health.standing(&a, at(140_000)).refused_by_breaker);
    health.asked(&a, at(140_000));
    assert!(health.standing(&a, at(140_000)).refused_by_breaker, "one at a time");
}

#[test]
fn a_provider_has_settings_of_its_own_and_off_is_off() {
    let (mut health, a, b) = (Health::default(), key("a", "m"), key("b", "m"));
    let two = BreakerSettings { failures: 2, ..BreakerSettings::default() };
    health.configure(BreakerSettings::OFF, [("a".into(), two)].into_iter().collect());
    for _ in 0..50 {
        for key in [&a, &b] {
            fail(&mut health, key, FaultKind::ProviderFailed, at(0));
        }
    }
    assert!(health.standing(&a, at(0)).refused_by_breaker && !health.standing(&b, at(0)).refused_by_breaker);
    health.configure(BreakerSettings::OFF, Map::default());
    assert!(!health.standing(&a, at(0)).refused_by_breaker, "who is open when it is switched off is let in");
}
