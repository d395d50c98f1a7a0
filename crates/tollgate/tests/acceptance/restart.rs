//! Processes that come and go under load: a new binary takes over from an old one, and a supervisor restarts what was
//! killed.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use tollgate_ir::Dialect;
use tollgate_testkit::{Binary, Script, ScriptedUpstream, run_binary, run_binary_at};

use crate::caller::{Caller, Came};
use crate::faces::{self, Spoken};
use crate::support::{TOLLGATE, send, until};

/// Callers that keep their connection and callers that do not, for streams and for whole answers.
const CALLERS: usize = 8;

/// A call under load.
struct Call {
    began: Instant,
    ended: Instant,
    stream: bool,
    came: Came,
}

/// Calls without a pause until told to stop; tells of all of them.
fn load(address: std::net::SocketAddr, stop: &Arc<AtomicBool>) -> JoinSet<Vec<Call>> {
    let mut callers = JoinSet::new();
    for i in 0..CALLERS {
        let (stop, stream) = (Arc::clone(stop), i % 4 < 2);
        callers.spawn(async move {
            let mut caller = Caller::new(address, i % 2 == 0);
            let mut calls = Vec::new();
            while !stop.load(Ordering::Relaxed) {
                let face = faces::ALL[calls.len() % faces::ALL.len()];
                let began = Instant::now();
                let path = faces::path(face, "up/m", stream);
                let came = caller.post(&path, &[], faces::body(face, "up/m", stream)).await;
                let came = judged(face, stream, came);
                // Who is refused does not ask at once again.
                if !matches!(came, Came::Answer(_)) {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
                calls.push(Call { began, ended: Instant::now(), stream, came });
            }
            calls
        });
    }
    callers
}

/// Whatever is complete must be right, and whatever is not must not look so.
fn judged(face: Dialect, stream: bool, came: Came) -> Came {
    let Came::Answer(answer) = &came else { return came };
    assert_eq!(answer.status, 200, "{face:?}: {}", answer.text());
    if stream {
        let heard = faces::hear(face, answer);
        assert!("Hello there".starts_with(&heard.text), "{face:?}: {}", answer.text());
        assert!(!answer.whole || heard.complete, "{face:?}: a cut that does not show: {}", answer.text());
        assert!(!heard.complete || heard.text == "Hello there", "{face:?}: {}", answer.text());
    } else {
        assert!(!answer.whole || answer.text().contains("Hello there"), "{face:?}: {}", answer.text());
    }
    came
}

fn is_served(came: &Came) -> bool {
    matches!(came, Came::Answer(answer) if answer.whole)
}

async fn provider() -> ScriptedUpstream {
    ScriptedUpstream::choosing(|request| {
        let wants_stream = String::from_utf8_lossy(&request.body).contains(r#""stream":true"#);
        if wants_stream {
            Spoken::of(Dialect::OpenAiChat).all().paced(Duration::from_millis(15))
        } else {
            Script::json(200, faces::whole(Dialect::OpenAiChat)).wait(Duration::from_millis(20))
        }
    })
    .await
}

fn config(server: &str, upstream: &ScriptedUpstream) -> String {
    format!(
        "server: {{ listen: \"{{listen}}\"{server} }}\nlimits: {{ lag: 0s }}\nproviders: {{ up: {{ dialect: openai-chat, base_url: \"{}\" }} }}\n",
        upstream.url("/v1")
    )
}

async fn exits(mut binary: Binary) -> Option<i32> {
    tokio::task::spawn_blocking(move || binary.wait(Duration::from_secs(20))).await.unwrap()
}

/// Waits until nothing is under way any more, by the gateway's own figures.
pub async fn at_rest(address: std::net::SocketAddr) {
    until("nothing is under way", async || {
        let get =
            async |path| send(address, http::Method::GET, path, &[], bytes::Bytes::new(), false).await.rest().await;
        let (metrics, health) = (get("/metrics").await.text(), get("/api/v1/health").await.text());
        let gauge =
            |line: &&str| line.starts_with("tollgate_attempts_in_flight{") || line.starts_with("tollgate_in_flight ");
        // Asking for the figures is a call, too.
        let busy: Vec<&str> = metrics
            .lines()
            .filter(gauge)
            .filter(|line| !line.ends_with(" 0") && *line != "tollgate_calls_in_flight 1")
            .collect();
        busy.is_empty() && !health.replace(r#""in_flight":0"#, "").contains("in_flight")
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_binary_takes_over_and_no_connection_is_refused() {
    let upstream = provider().await;
    let config = config(", reuse_port: true", &upstream);
    let folder = tempfile::tempdir().unwrap();
    let mut running = run_binary(TOLLGATE, folder.path(), &config, &[]);
    let address = running.address;
    let stop = Arc::default();
    let callers = load(address, &stop);
    for _ in 0..3 {
        tokio::time::sleep(Duration::from_millis(300)).await;
        let folder = tempfile::tempdir().unwrap();
        let next = start_beside(address, folder.path(), &config).await;
        running.terminate();
        assert_eq!(exits(std::mem::replace(&mut running, next)).await, Some(0));
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    stop.store(true, Ordering::Relaxed);
    let calls: Vec<Call> = callers.join_all().await.into_iter().flatten().collect();
    let lost: Vec<_> = calls.iter().filter(|call| !is_served(&call.came)).map(|call| &call.came).collect();
    assert!(lost.is_empty(), "{} of {} calls were lost: {lost:?}", lost.len(), calls.len());
    assert!(calls.len() > 100, "there was no load: {}", calls.len());
    at_rest(address).await;
}

/// A process at an address where another one listens; it is up when it says so, since either answers there.
async fn start_beside(address: std::net::SocketAddr, folder: &Path, config: &str) -> Binary {
    let (folder, config) = (folder.to_path_buf(), config.to_owned());
    let binary =
        tokio::task::spawn_blocking(move || run_binary_at(address, TOLLGATE, &folder, &config, &[])).await.unwrap();
    until("the new one listens", async || binary.printed().contains("clients are served")).await;
    binary
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_under_load_it_is_back_and_tells_nothing_wrong() {
    let upstream = provider().await;
    let config = config("", &upstream);
    let folder = tempfile::tempdir().unwrap();
    let mut running = run_binary(TOLLGATE, folder.path(), &config, &[]);
    let address = running.address;
    let stop = Arc::default();
    let callers = load(address, &stop);
    let mut gaps = Vec::new();
    for _ in 0..3 {
        tokio::time::sleep(Duration::from_millis(500)).await;
        let killed = Instant::now();
        running.kill();
        let (folder, config) = (folder.path().to_path_buf(), config.clone());
        running =
            tokio::task::spawn_blocking(move || run_binary_at(address, TOLLGATE, &folder, &config, &[])).await.unwrap();
        gaps.push((killed, Instant::now()));
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    stop.store(true, Ordering::Relaxed);
    let calls: Vec<Call> = callers.join_all().await.into_iter().flatten().collect();
    let (mut refused, mut cut) = (0, 0);
    for call in calls.iter().filter(|call| !is_served(&call.came)) {
        let in_a_gap = gaps.iter().any(|(from, to)| call.began <= *to && *from <= call.ended);
        assert!(in_a_gap, "outside of the gaps: stream {}, {:?}", call.stream, call.came);
        match &call.came {
            Came::Refused(why) => {
                assert!(why.contains("refused") || why.contains("reset"), "{why}");
                refused += 1;
            }
            Came::Broken(why) => {
                assert!(!why.is_empty());
                cut += 1;
            }
            _ => cut += 1,
        }
    }
    let served = calls.iter().filter(|call| is_served(&call.came)).count();
    println!("{served} served, {refused} refused and {cut} cut in {} gaps", gaps.len());
    assert!(
        served > 100 && refused > 0 && cut > 0,
        "{served} served, {refused} refused, {cut} cut: no load in the gaps"
    );
    at_rest(address).await;
}
