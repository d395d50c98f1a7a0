//! Limits of patience: two attempts that both fail, turns that come too late, and who is back from a cool-down in time.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tollgate_ir::Dialect;
use tollgate_testkit::{Script, ScriptedUpstream, Step};

use crate::faces;
use crate::support::Gateway;

const CHAT: Dialect = Dialect::OpenAiChat;

fn good() -> Script {
    Script::json(200, faces::whole(CHAT))
}

fn refusal(status: u16, message: &str) -> Script {
    Script::json(status, format!(r#"{{"error":{{"message":"{message}","type":"error"}}}}"#))
}

/// The same, after a while.
fn late(ms: u64, script: Script) -> Script {
    Script { steps: [vec![Step::Wait(Duration::from_millis(ms))], script.steps.clone()].concat(), ..script }
}

fn provider(id: &str, upstream: &ScriptedUpstream, more: &str) -> String {
    format!("  {id}: {{ dialect: openai-chat, base_url: \"{}\"{more} }}\n", upstream.url("/v1"))
}

/// What became of a hedged call: status, words, attempts, and how often each of three targets was asked.
struct Hedged {
    first: Vec<Script>,
    second: Vec<Script>,
    third: Script,
    retries: u32,
    told: (u16, &'static str),
    asked: [usize; 3],
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[expect(clippy::too_many_lines, reason = "one table: each line is a case")]
async fn where_both_attempts_of_a_hedge_fail_the_policy_decides_and_not_who_was_first() {
    let broken = || refusal(500, "broken");
    let cases = [
        (
            "both fail, the next serves",
            Hedged {
                first: vec![late(400, broken())],
                second: vec![broken()],
                third: good(),
                retries: 0,
                told: (200, ""),
                asked: [1, 1, 1],
            },
        ),
        (
            "all fail: the first target's words, though it failed last",
            Hedged {
                first: vec![late(400, refusal(500, "the first"))],
                second: vec![refusal(500, "the second")],
                third: refusal(500, "the third"),
                retries: 0,
                told: (500, "the first"),
                asked: [1, 1, 1],
            },
        ),
        (
            "the second refuses, then the first fails",
            Hedged {
                first: vec![late(400, broken())],
                second: vec![refusal(400, "no such field")],
                third: good(),
                retries: 3,
                told: (400, "no such field"),
                asked: [1, 1, 0],
            },
        ),
        (
            "the second fails, then the first refuses",
            Hedged {
                first: vec![late(400, refusal(400, "no such field"))],
                second: vec![broken()],
                third: good(),
                retries: 0,
                told: (400, "no such field"),
                asked: [1, 1, 0],
            },
        ),
        (
            "the first refuses, then the second fails",
            Hedged {
                first: vec![late(200, refusal(400, "no such field"))],
                second: vec![late(400, broken())],
                third: good(),
                retries: 3,
                told: (400, "no such field"),
                asked: [1, 1, 0],
            },
        ),
        (
            "both may be asked again: the first is",
            Hedged {
                first: vec![late(400, broken()), good()],
                second: vec![broken()],
                third: good(),
                retries: 1,
                told: (200, ""),
                asked: [2, 1, 0],
            },
        ),
        (
            "each is asked as often as without a hedge",
            Hedged {
                first: vec![late(400, broken()), broken()],
                second: vec![broken(), broken()],
                third: refusal(400, "no"),
                retries: 1,
                told: (400, "no"),
                asked: [2, 2, 1],
            },
        ),
    ];
    for (name, case) in cases {
        let first = ScriptedUpstream::queue(case.first).await;
        let second = ScriptedUpstream::queue(case.second).await;
        let third = ScriptedUpstream::always(case.third).await;
        let gateway = Gateway::start(&format!(
            "retries: {{ base: 1ms }}\nproviders:\n{}{}{}models:\n  v: {{ fallback: [first/m, second/m, third/m], retries: {}, hedge: {{ after: 100ms, budget: 100% }} }}\n",
            provider("first", &first, ""),
            provider("second", &second, ""),
            provider("third", &third, ""),
            case.retries,
        ));
        let answer = faces::ask(&gateway, CHAT, "v", false).await;
        let what = format!("{name}: {}", answer.text());
        assert_eq!(answer.status, case.told.0, "{what}");
        if answer.status != 200 {
            assert_eq!(faces::error(CHAT, &answer), case.told.1, "{what}");
        }
        let asked = [first.requests().len(), second.requests().len(), third.requests().len()];
        assert_eq!(asked, case.asked, "{what}");
        let all: usize = asked.iter().sum();
        assert_eq!(answer.header("x-tollgate-attempts"), Some(&*all.to_string()), "{what}");
        let health = gateway.get("/api/v1/health", &[]).await.text();
        assert!(!health.contains(r#""in_flight":1"#), "{name}: {health}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rl20_nobody_waits_for_a_turn_longer_than_the_call_may_take() {
    let slow = ScriptedUpstream::always(late(3_000, good())).await;
    let next = ScriptedUpstream::always(good()).await;
    let gateway = Arc::new(Gateway::start(&format!(
        "providers:\n{}{}models:\n  v: {{ fallback: [slow/m, next/m] }}\n  short: {{ use: slow/m, timeouts: {{ total: 300ms }} }}\n",
        provider("slow", &slow, ", limits: { concurrent: 1, queue: 9, wait: 30s }"),
        provider("next", &next, ""),
    )));
    let holder = Arc::clone(&gateway);
    let holds = tokio::spawn(async move { faces::ask(&holder, CHAT, "slow/m", false).await.status });
    slow.until(|requests| !requests.is_empty()).await;
    for (model, headers, status, fault) in [
        ("slow/m", &[("x-tollgate-timeout", "300ms")][..], 504, "TG1013"),
        // Another target has no time left either.
        ("v", &[("x-tollgate-timeout", "300ms")], 504, "TG1013"),
        ("short", &[], 503, "TG5004"),
    ] {
        let before = Instant::now();
        let answer = gateway.post("/v1/chat/completions", headers, faces::body(CHAT, model, false)).await;
        assert_eq!((answer.status, answer.header("x-tollgate-fault")), (status, Some(fault)), "{model}");
        assert!(before.elapsed() < Duration::from_millis(1_500), "{model}: {:?}", before.elapsed());
    }
    assert_eq!(holds.await.unwrap(), 200);
    let health = gateway.get("/api/v1/health", &[]).await.text();
    assert!(health.contains(r#""concurrency":[{"provider":"slow","running":0,"waiting":0}]"#), "{health}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rl11_who_is_back_from_a_cool_down_when_all_others_have_failed_is_asked() {
    let limited = ScriptedUpstream::always(good()).await;
    let hangs = ScriptedUpstream::always(Script::accident(Step::Stall)).await;
    let gateway = Gateway::start(&format!(
        "retries: {{ default: 0 }}\nproviders:\n{}{}models: {{ v: {{ fallback: [limited/m, hangs/m] }} }}\n",
        provider("limited", &limited, ""),
        provider("hangs", &hangs, ", timeouts: { total: 3500ms }"),
    ));
    limited.push(refusal(429, "Slow down").header("retry-after", "3"));
    let answer = faces::ask(&gateway, CHAT, "limited/m", false).await;
    assert_eq!(answer.status, 429);
    let answer = faces::ask(&gateway, CHAT, "v", false).await;
    assert_eq!((answer.status, answer.header("x-tollgate-provider")), (200, Some("limited")), "{}", answer.text());
    let record = gateway.record(&answer).await;
    assert!(record.contains("cooling down for"), "the plan had left it out: {record}");
    // Who is not back yet is left alone.
    limited.push(refusal(429, "Slow down").header("retry-after", "30"));
    assert_eq!(faces::ask(&gateway, CHAT, "limited/m", false).await.status, 429);
    let asked = limited.requests().len();
    assert_eq!(faces::ask(&gateway, CHAT, "v", false).await.status, 504);
    assert_eq!(limited.requests().len(), asked);
}
