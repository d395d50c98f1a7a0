//! What the gateway costs, as far as a test can tell on a machine that does other work, too: `make bench` measures it whole,
//! `make soak` memory over an hour. Times of an unoptimised build have bars of their own.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tollgate_ir::Dialect;
use tollgate_testkit::{Script, ScriptedUpstream};

use crate::faces;
use crate::support::{Answer, Gateway, TOLLGATE, nobody};

const CHAT: Dialect = Dialect::OpenAiChat;

/// What the provider takes.
const PROVIDER: Duration = Duration::from_millis(50);

/// Bars of a release, and of a build without optimisation that shares its processors.
const fn bar(release: u64, debug: u64) -> Duration {
    Duration::from_millis(if cfg!(debug_assertions) { debug } else { release })
}

/// Calls that begin at a fixed rate, whatever becomes of those before; how long each took, and their answers.
async fn calls(gateway: &Arc<Gateway>, body: String, every: Duration, count: u32) -> Vec<(Duration, Answer)> {
    let began = tokio::time::Instant::now();
    let mut running = Vec::new();
    for i in 0..count {
        tokio::time::sleep_until(began + every * i).await;
        let (gateway, body) = (Arc::clone(gateway), body.clone());
        running.push(tokio::spawn(async move {
            let sent = Instant::now();
            let answer = gateway.post("/v1/chat/completions", &[("authorization", "Bearer tg-one")], body).await;
            (sent.elapsed(), answer)
        }));
    }
    let mut done = Vec::new();
    for call in running {
        done.push(call.await.unwrap());
    }
    done.sort_by_key(|(took, _)| *took);
    done
}

/// A tenth of the case's rates for three seconds; `make bench` has the whole ("Added latency").
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pf01_calls_at_a_fixed_rate_are_added_little_and_none_fails() {
    let answer =
        Script::status(200).header("content-type", "application/json").wait(PROVIDER).chunk(faces::whole(CHAT));
    let upstream = ScriptedUpstream::forgetful(move |_| answer.clone()).await;
    let gateway = Arc::new(Gateway::start(&format!(
        "keys: [ {{ name: one, key: tg-one, models: [ \"up/*\" ] }} ]\n\
         providers: {{ up: {{ dialect: openai-chat, base_url: \"{}\" }} }}",
        upstream.url("/v1")
    )));
    let small = faces::body(CHAT, "up/m", false).replacen("Hi", &"word ".repeat(400), 1);
    let large = faces::body(CHAT, "up/m", false).replacen("Hi", &"aGVsbG8h".repeat(125_000), 1);
    // Warm: the connections are made.
    calls(&gateway, small.clone(), Duration::from_millis(1), 50).await;
    let (small, large) = tokio::join!(
        calls(&gateway, small, Duration::from_millis(10), 300),
        calls(&gateway, large, Duration::from_millis(100), 30),
    );
    for (what, calls, most) in [("2 kB", &small, bar(1, 30)), ("1 MB", &large, bar(20, 400))] {
        for (_, answer) in calls {
            assert_eq!(answer.status, 200, "{what}: {}", answer.text());
        }
        // The case's median is for a release with processors of its own. Here others may have them for most of the time: the
        // fastest tenth shows what a call costs when it has its turn.
        let took = calls[calls.len() / if cfg!(debug_assertions) { 10 } else { 2 }].0;
        assert!(took < PROVIDER + most, "{what}: {took:?}, of which the provider takes {PROVIDER:?}");
    }
}

/// Without a way out but to its one provider: catalogue, roots and warm-up hold nothing up, and the start needs little memory.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pf09_the_first_answer_comes_at_once_and_in_little_memory() {
    let upstream = ScriptedUpstream::always(Script::json(200, faces::whole(CHAT))).await;
    let nowhere = format!("http://{}", nobody());
    let config = format!(
        "server: {{ listen: \"{{listen}}\" }}\nproviders:\n  up: {{ dialect: openai-chat, base_url: \"{}\" }}\n  \
         far: {{ dialect: anthropic, base_url: \"https://provider.example/v1\", api_key: k }}\n",
        upstream.url("/v1")
    );
    let variables = [("HTTPS_PROXY", nowhere.as_str())];
    let mut took = Vec::new();
    for _ in 0..3 {
        let began = Instant::now();
        let gateway = Gateway::start_with(&config, &variables);
        let answer = faces::ask(&gateway, CHAT, "up/m", false).await;
        took.push(began.elapsed());
        assert_eq!(answer.status, 200, "{}", answer.text());
        tokio::time::sleep(Duration::from_millis(300)).await;
        let peak = peak_memory(gateway.binary.pid());
        assert!(peak < 64 << 20, "{peak} bytes of memory");
    }
    took.sort();
    // The fastest: others share the machine.
    assert!(took[0] < bar(500, 3_000), "{took:?}");
    let size = std::fs::metadata(TOLLGATE).unwrap().len();
    assert!(cfg!(debug_assertions) || size < 60 << 20, "{size} bytes, which with its libraries is all of the image");
}

/// The most resident memory so far.
fn peak_memory(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}
