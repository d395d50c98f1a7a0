//! Conversations stay where their prompt cache is.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tollgate_ir::Dialect;
use tollgate_testkit::{Script, ScriptedUpstream};

use crate::faces;
use crate::support::Gateway;

/// Nobody of four is down.
const NOBODY: usize = usize::MAX;

/// Four deployments, of which one can be told to limit its rate.
async fn four() -> (ScriptedUpstream, Arc<AtomicUsize>) {
    let limited = Arc::new(AtomicUsize::new(NOBODY));
    let who = Arc::clone(&limited);
    let upstream = ScriptedUpstream::choosing(move |request| {
        let key = request.header("authorization").unwrap_or_default();
        let limited = who.load(Ordering::SeqCst);
        if request.target.starts_with(&format!("/p{limited}/")) || key == format!("Bearer k{limited}") {
            return Script::json(429, r#"{"error":{"message":"Slow down"}}"#).header("retry-after", "1");
        }
        Script::json(200, faces::whole(Dialect::OpenAiChat))
    })
    .await;
    (upstream, limited)
}

/// A turn of a conversation whose system prompt has so many words; who was asked for it last.
async fn turn(
    gateway: &Gateway,
    upstream: &ScriptedUpstream,
    model: &str,
    i: usize,
    turns: usize,
    words: usize,
) -> String {
    let mut messages = format!(
        r#"{{"role":"system","content":"{i} {}"}},{{"role":"user","content":"one {i}"}}"#,
        "word ".repeat(words)
    );
    for t in 1..turns {
        messages
            .push_str(&format!(r#",{{"role":"assistant","content":"yes"}},{{"role":"user","content":"more {t}"}}"#));
    }
    let body = format!(r#"{{"model":"{model}","messages":[{messages}]}}"#);
    let answer = gateway.post("/v1/chat/completions", &[], body).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let requests = upstream.requests();
    let last = requests.last().unwrap();
    let key = last.header("authorization").unwrap_or_default();
    format!("{} {key}", last.target.split('/').nth(1).unwrap())
}

#[tokio::test]
async fn fr02_conversations_stay_where_their_prompt_cache_is() {
    const CONVERSATIONS: usize = 200;
    let (upstream, limited) = four().await;
    let providers: String = (0..4)
        .map(|i| format!("  p{i}: {{ dialect: openai-chat, base_url: \"{}\" }}\n", upstream.url(&format!("/p{i}/v1"))))
        .collect();
    let keys = "[{key: k0}, {key: k1}, {key: k2}, {key: k3}]";
    let gateway = Gateway::start(&format!(
        "retries: {{ default: 0 }}\nproviders:\n{providers}  many: {{ dialect: openai-chat, base_url: \"{}\", api_keys: {keys} }}\nmodels:\n  apart: {{ sticky: [p0/m, p1/m, p2/m, p3/m] }}\n  keyed: {{ sticky: [many/m] }}\n",
        upstream.url("/many/v1")
    ));
    for model in ["apart", "keyed"] {
        let mut firsts = Vec::new();
        for i in 0..CONVERSATIONS {
            firsts.push(turn(&gateway, &upstream, model, i, 1, 1_500).await);
        }
        let used: BTreeSet<&String> = firsts.iter().collect();
        assert_eq!(used.len(), 4, "conversations are spread: {used:?}");
        for turns in 2..=6 {
            for (i, first) in firsts.iter().enumerate() {
                assert_eq!(turn(&gateway, &upstream, model, i, turns, 1_500).await, *first, "{model} {i} turn {turns}");
            }
        }
        // One is limited for a second: its conversations move once, and stay where they went when it is back.
        let (moved_from, i) = (firsts[0].clone(), 0);
        let index = moved_from.trim_end().chars().last().unwrap();
        let index = if model == "apart" { moved_from.chars().nth(1).unwrap() } else { index };
        limited.store(index.to_digit(10).unwrap() as usize, Ordering::SeqCst);
        let moved_to = turn(&gateway, &upstream, model, i, 7, 1_500).await;
        assert_ne!(moved_to, moved_from, "{model}");
        limited.store(NOBODY, Ordering::SeqCst);
        tokio::time::sleep(Duration::from_millis(1_200)).await;
        for turns in 8..=9 {
            assert_eq!(turn(&gateway, &upstream, model, i, turns, 1_500).await, moved_to, "{model} moves once");
        }
        let other = (1..CONVERSATIONS).find(|i| firsts[*i] == moved_from).unwrap();
        assert_eq!(turn(&gateway, &upstream, model, other, 8, 1_500).await, moved_from, "who was away is back");
        // What is too short for a cache is spread.
        let mut short: BTreeMap<String, u32> = BTreeMap::new();
        for _ in 0..60 {
            *short.entry(turn(&gateway, &upstream, model, 0, 1, 10).await).or_default() += 1;
        }
        assert!(short.len() == 4 && short.values().all(|n| *n >= 3), "{model}: {short:?}");
    }
}
