//! The chaos bench: calls of every face through the real binary to four providers that fail in every way, by a seed.
//!
//! `make chaos` runs it whole and writes docs/reliability.md; `make test` a small part of it. What must hold: whoever could
//! be served is; no stream is corrupt (it is complete and equal to what its provider says, or ends with an error that the
//! client's SDK understands); attempts are not multiplied; and nothing is left over: no call, attempt, permit, connection.

mod figures;
mod judge;
mod provider;
mod weather;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use crate::caller::{Caller, Came};
use crate::faces;
use crate::restart::at_rest;
use crate::support::{Gateway, nobody, run};
use figures::{Figures, Told};
use provider::{Providers, SPEAKS};
use weather::{hash, is_calm, unit};

/// Callers at once.
const CALLERS: usize = 48;

/// What is called, and how often: equals by weight, a ranked list, and a list whose first targets are never there.
const MODELS: [(&str, f64); 3] = [("equals", 0.6), ("ranked", 0.9), ("lost", 1.0)];

/// A run's size, as the environment says.
struct Run {
    calls: usize,
    seed: u64,
    /// No call begins later.
    most: Duration,
}

impl Run {
    fn asked() -> Self {
        let number = |name: &str| std::env::var(name).ok().and_then(|value| value.parse::<u64>().ok());
        Self {
            calls: number("CALLS").unwrap_or(4_000) as usize,
            seed: number("SEED").unwrap_or(1),
            most: Duration::from_secs(number("SECONDS_MOST").unwrap_or(45)),
        }
    }
}

// Callers, providers and a debug build share one machine here: how late it is says nothing.
fn config(providers: &Providers, resume: &str) -> String {
    let mut config = "retries: { base: 20ms }\nlimits: { lag: 0s }\nlog: { level: warn }\nproviders:\n".to_owned();
    for (i, upstream) in providers.all.iter().enumerate() {
        let path = if SPEAKS[i].as_str() == "gemini" { "/v1beta" } else { "/v1" };
        config += &format!(
            "  p{i}: {{ dialect: {}, base_url: \"{}\", api_key: k{i}, timeouts: {{ first_token: 2s, idle: 2s, total: 4s }}, limits: {{ concurrent: 40 }} }}\n",
            SPEAKS[i].as_str(),
            upstream.url(path)
        );
    }
    // A name without an address, and a port that speaks no TLS.
    config += "  nowhere: { dialect: openai-chat, base_url: \"http://nowhere.invalid/v1\", api_key: k }\n";
    config += &format!(
        "  untrusted: {{ dialect: openai-chat, base_url: \"https://{}/v1\", api_key: k }}\n",
        providers.all[0].address()
    );
    config += &format!("  nobody: {{ dialect: openai-chat, base_url: \"http://{}/v1\", api_key: k }}\n", nobody());
    let all = "p0/m, p1/m, p2/m, p3/m";
    let weighted: Vec<_> = (0..SPEAKS.len()).map(|i| format!("{{ weight: 1, use: p{i}/m }}")).collect();
    config += &format!(
        "models:\n  equals: {{ split: [{}]{resume} }}\n  ranked: {{ fallback: [{all}]{resume} }}\n  lost: {{ fallback: [nowhere/m, untrusted/m, nobody/m, {all}]{resume} }}\n",
        weighted.join(", ")
    );
    config
}

/// The key of what follows a break within a stream, if this binary knows it.
fn resume(providers: &Providers) -> &'static str {
    const RESUME: &str = ", resume: auto";
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("tollgate.yaml"), config(providers, RESUME)).unwrap();
    if run(&["check", "--config", "tollgate.yaml"], folder.path()).status.success() { RESUME } else { "" }
}

/// One call, by its number.
async fn call(caller: &mut Caller, seed: u64, call: usize) -> Told {
    let draw = |what: u64| unit(&[seed, what, call as u64]);
    let face = faces::ALL[(hash(&[seed, 10, call as u64]) % faces::ALL.len() as u64) as usize];
    let stream = draw(11) < 0.7;
    let (model, _) = MODELS.into_iter().find(|(_, upto)| draw(12) < *upto).unwrap();
    let body = faces::body(face, model, stream).replacen("Hi", &provider::prompt(call), 1);
    let began = Instant::now();
    let came = caller.post(&faces::path(face, model, stream), &[], body).await;
    let attempts = match &came {
        Came::Answer(answer) => {
            answer.header("x-tollgate-attempts").and_then(|count| count.parse().ok()).unwrap_or_default()
        }
        _ => 0,
    };
    let verdict = judge::judge(call, face, stream, &came);
    // Whose first targets are never there has no calm weather.
    let calm = is_calm(call) && model != "lost";
    Told { call, model, verdict, took: began.elapsed(), attempts, calm }
}

/// All calls, or as many as the time lets.
async fn calls(address: SocketAddr, run: &Run) -> Vec<Told> {
    let next = Arc::new(AtomicUsize::new(0));
    let (began, seed, most, calls) = (Instant::now(), run.seed, run.most, run.calls);
    let mut callers = JoinSet::new();
    for i in 0..CALLERS {
        let next = Arc::clone(&next);
        callers.spawn(async move {
            let mut caller = Caller::new(address, i % 2 == 0);
            let mut told = Vec::new();
            while began.elapsed() < most {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= calls {
                    break;
                }
                told.push(call(&mut caller, seed, number).await);
            }
            told
        });
    }
    let mut told: Vec<Told> = callers.join_all().await.into_iter().flatten().collect();
    told.sort_by_key(|told| told.call);
    told
}

/// Connections that the gateway has open, but for that of whoever asks: local and remote address, state.
fn connections(gateway: &Gateway) -> Vec<String> {
    let folder = format!("/proc/{}/fd", gateway.binary.pid());
    let links = std::fs::read_dir(folder).unwrap().filter_map(|file| std::fs::read_link(file.ok()?.path()).ok());
    let sockets: Vec<String> = links.map(|link| link.display().to_string()).collect();
    let tcp = std::fs::read_to_string("/proc/net/tcp").unwrap();
    // proc_pid_net(5): the second to fourth field are addresses and state (0A listens), the tenth is the inode.
    let rows = tcp.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    rows.filter(|row| row.len() > 9 && row[3] != "0A" && sockets.contains(&format!("socket:[{}]", row[9])))
        .map(|row| row[1..4].join(" "))
        .collect()
}

#[ignore = "a minute of its own: `make chaos`, and a part of it in `make test`"]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_call_is_served_or_told() {
    let run = Run::asked();
    let providers = Providers::start(run.seed).await;
    let resume = resume(&providers);
    let gateway = Gateway::start(&config(&providers, resume));
    let began = Instant::now();
    let told = calls(gateway.binary.address, &run).await;
    let took = began.elapsed();
    let all = Figures::of(told.iter());
    let mut table = String::new();
    for (model, _) in MODELS {
        table += &Figures::of(told.iter().filter(|told| told.model == model)).row(&format!("`{model}`"));
    }
    table += &all.row("all");
    println!(
        "seed {}: {} of {} calls in {:.0} s, resume `{resume}`, {} MiB\n{table}{}",
        run.seed,
        all.calls,
        run.calls,
        took.as_secs_f64(),
        gateway.memory() >> 20,
        all.complaints()
    );
    if let Ok(file) = std::env::var("CHAOS_REAL") {
        std::fs::write(file, &table).unwrap();
    }
    assert!(all.calls > 100, "there was no load");
    assert!(all.corrupt.is_empty(), "{} corrupt answers:\n{}", all.corrupt.len(), all.complaints());
    assert!(all.complete_or_told_inside() >= 99.9, "{}", all.complaints());
    assert!(resume.is_empty() || all.complete() >= 99.9, "{} streams ended with an error", all.told_inside);
    // What was not counted by the gateway was not sent: the providers' own count is the judge.
    let (calm, in_calm) = (told.iter().filter(|told| is_calm(told.call)).count(), providers.requests(is_calm));
    assert!(in_calm as f64 <= 1.1 * calm as f64, "{in_calm} requests for {calm} calls in calm weather");
    assert!(all.attempts_in_calm().is_some_and(|attempts| attempts <= 1.1), "{:?}", all.attempts_in_calm());
    nothing_is_left(&gateway, &providers).await;
}

/// Gauges at zero, and no connection once the providers have closed those that were kept.
async fn nothing_is_left(gateway: &Gateway, providers: &Providers) {
    at_rest(gateway.binary.address).await;
    let health = gateway.get("/api/v1/health", &[]).await.text();
    let busy = health.replace(r#""running":0,"waiting":0"#, "");
    assert!(!busy.contains("running"), "permits are left: {health}");
    providers.all.iter().for_each(|provider| provider.close_connections());
    let began = Instant::now();
    loop {
        let left = connections(gateway);
        if left.is_empty() {
            break;
        }
        assert!(began.elapsed() < Duration::from_secs(15), "{} connections are left: {left:#?}", left.len());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let log = gateway.binary.printed();
    assert!(!log.contains("panicked"), "{log}");
}
