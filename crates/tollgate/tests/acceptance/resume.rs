//! Streams that break off after content went out: another target goes on, or the client is told, in every face.

use std::time::Duration;

use bytes::Bytes;
use tollgate_ir::{Dialect, Event};
use tollgate_testkit::{Received, Script, ScriptedUpstream, Step};
use tollgate_wire::codec::StreamDecoder;
use tollgate_wire::frame::Deframer;
use tollgate_wire::json::Node;

use crate::faces::{self, Spoken};
use crate::support::{Answer, Gateway};

/// An upstream of every dialect: the path's first segment says which.
async fn every(script: impl Fn(Dialect, &Received) -> Script + Send + Sync + 'static) -> ScriptedUpstream {
    ScriptedUpstream::choosing(move |request| {
        let name = request.target.split('/').nth(1).unwrap();
        script(faces::ALL.into_iter().find(|d| d.as_str() == name).unwrap(), request)
    })
    .await
}

/// Providers `{prefix}-{dialect}` of every dialect at one upstream.
fn providers(prefix: &str, upstream: &ScriptedUpstream) -> String {
    let provider = |d: &Dialect| {
        let url = upstream.url(&format!("/{}", d.as_str()));
        format!("  {prefix}-{0}: {{ dialect: {0}, base_url: \"{url}\", timeouts: {{ idle: 300ms }} }}\n", d.as_str())
    };
    faces::ALL.iter().map(provider).collect()
}

/// The dialects that a face's call goes to first and next: its own and others.
fn ways() -> Vec<(Dialect, Dialect, Dialect)> {
    let mut ways = Vec::new();
    for (i, face) in faces::ALL.into_iter().enumerate() {
        let other = |by: usize| faces::ALL[(i + by) % faces::ALL.len()];
        ways.extend([(face, other(1), other(2)), (face, other(2), face), (face, face, other(1)), (face, face, face)]);
    }
    ways
}

fn name(first: Dialect, next: Dialect) -> String {
    format!("v-{}-{}", first.as_str(), next.as_str())
}

/// A model for each way: first this provider, then that. What breaks is not left alone for a while.
fn models(first: &str, next: &str, more: &str) -> String {
    let mut models = String::from("models:\n");
    for a in faces::ALL {
        for b in faces::ALL {
            models.push_str(&format!(
                "  {}: {{ fallback: [{first}-{}/m, {next}-{}/m], breaker: off, retries: 0{more} }}\n",
                name(a, b),
                a.as_str(),
                b.as_str()
            ));
        }
    }
    models
}

/// The first word, and then this.
fn one_word(dialect: Dialect) -> Script {
    let spoken = Spoken::of(dialect);
    let words = [&spoken.lifecycle[..], &spoken.content[..1]].concat();
    spoken.script(words).step(Step::Wait(Duration::from_millis(30)))
}

async fn ask(gateway: &Gateway, face: Dialect, model: &str) -> Answer {
    gateway.post(&faces::path(face, model, true), &[("te", "trailers")], faces::body(face, model, true)).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rl03_the_next_target_goes_on_where_the_first_broke_off() {
    let good = every(|dialect, _| Spoken::of(dialect).all()).await;
    let breaks: [(&str, Option<Step>); 5] = [
        ("end", None),
        ("cut", Some(Step::Cut)),
        ("reset", Some(Step::Reset)),
        ("silence", Some(Step::Stall)),
        ("error", None),
    ];
    for (how, accident) in breaks {
        let bad = every(move |dialect, _| match &accident {
            Some(accident) => one_word(dialect).step(accident.clone()),
            None if how == "error" => one_word(dialect).chunk(Spoken::of(dialect).error),
            None => one_word(dialect),
        })
        .await;
        let config =
            format!("providers:\n{}{}{}", providers("bad", &bad), providers("good", &good), models("bad", "good", ""));
        let gateway = Gateway::start(&config);
        for (face, first, next) in ways() {
            let answer = ask(&gateway, face, &name(first, next)).await;
            let what = format!("{how}: {face:?} by {first:?}, then {next:?}: {}", answer.text());
            assert_eq!(answer.status, 200, "{what}");
            let heard = faces::hear(face, &answer);
            assert_eq!(heard.text, "Hello there", "{what}");
            assert!(heard.fault.is_none() && heard.complete && heard.finish.is_some(), "{what}");
            let attempts = answer.trailers.as_ref().and_then(|t| t.get("x-tollgate-attempts"));
            assert_eq!(attempts.map(|a| a.to_str().unwrap()), Some("2"), "{what}");
            let record = gateway.record(&answer).await;
            assert!(record.contains(r#""end":"done""#), "{what}\n{record}");
            assert!(record.contains(&format!(r#""target":"bad-{}/m""#, first.as_str())), "{what}\n{record}");
            assert!(record.contains(&format!(r#""target":"good-{}/m""#, next.as_str())), "{what}\n{record}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rl03_where_nobody_can_go_on_the_client_is_told_once() {
    let bad = every(|dialect, _| one_word(dialect).step(Step::Cut)).await;
    let down = every(|_, _| Script::json(500, "{}")).await;
    let breaks = every(|dialect, _| one_word(dialect).step(Step::Reset)).await;
    let good = every(|dialect, _| Spoken::of(dialect).all()).await;
    // The next target is down, breaks off before it has caught up, or may not go on.
    for (next, more) in [(&down, ""), (&breaks, ""), (&good, ", resume: never")] {
        let config =
            format!("providers:\n{}{}{}", providers("bad", &bad), providers("next", next), models("bad", "next", more));
        let gateway = Gateway::start(&config);
        for (face, first, next) in ways() {
            let answer = ask(&gateway, face, &name(first, next)).await;
            let heard = faces::hear(face, &answer);
            let what = format!("{face:?} by {first:?}, then {next:?}{more}: {}", answer.text());
            assert_eq!(heard.text, "Hello", "{what}");
            assert!(heard.fault.is_some() && !heard.complete, "{what}");
            assert!(face == Dialect::Cohere || !answer.text().contains("[DONE]"), "{what}");
            let record = gateway.record(&answer).await;
            assert!(record.contains(r#""end":"fault""#), "{what}\n{record}");
        }
    }
    assert!(good.requests().is_empty(), "`never` asks nobody");
}

fn chat(delta: &str, finish: &str) -> Bytes {
    let chunk = format!(
        r#"{{"id":"c9","object":"chat.completion.chunk","created":1,"model":"m-2","choices":[{{"index":0,"delta":{delta},"finish_reason":{finish}}}]}}"#
    );
    format!("data: {chunk}\n\n").into()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rl03_a_target_that_says_something_else_is_asked_to_go_on() {
    let bad = every(|dialect, _| one_word(dialect).step(Step::Cut)).await;
    let other = every(|_, request| {
        let asked = String::from_utf8_lossy(&request.body).into_owned();
        let words = if asked.contains("cut off") { " again" } else { "Good day" };
        let words = chat(&format!(r#"{{"content":"{words}"}}"#), "null");
        Script::sse([
            chat(r#"{"role":"assistant"}"#, "null"),
            words,
            chat("{}", r#""stop""#),
            "data: [DONE]\n\n".into(),
        ])
    })
    .await;
    let config =
        format!("providers:\n{}{}{}", providers("bad", &bad), providers("other", &other), models("bad", "other", ""));
    let gateway = Gateway::start(&config);
    for face in faces::ALL {
        for first in [face, Dialect::Anthropic] {
            let answer = ask(&gateway, face, &name(first, Dialect::OpenAiChat)).await;
            let heard = faces::hear(face, &answer);
            let what = format!("{face:?} by {first:?}: {}", answer.text());
            assert_eq!((heard.text.as_str(), heard.complete), ("Hello again", true), "{what}");
            let record = gateway.record(&answer).await;
            assert!(record.contains("answer_diverged") && record.contains(r#""end":"done""#), "{record}");
            let asked = other.requests().last().unwrap().body.clone();
            let node = Node::parse(&asked).unwrap();
            let turns = node.get("messages").unwrap().items();
            let said = |turn: &Node<'_>| {
                (turn.text("role").unwrap().to_owned(), turn.text("content").unwrap_or("").to_owned())
            };
            assert_eq!(said(&turns[turns.len() - 2]), ("assistant".to_owned(), "Hello".to_owned()), "{what}");
            assert_eq!(said(&turns[turns.len() - 1]).0, "user");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rl03_a_model_that_goes_on_with_a_beginning_gets_one() {
    let bad = every(|dialect, _| one_word(dialect).step(Step::Cut)).await;
    let spoken = Spoken::of(Dialect::Anthropic);
    let rest = [&spoken.lifecycle[..], &spoken.content[1..], &spoken.end].concat();
    let claude = every(move |_, _| Script::sse(rest.clone())).await;
    let gateway = Gateway::start(&format!(
        "providers:\n{}  claude: {{ dialect: anthropic, base_url: \"{}\", models: {{ m: {{ prefill: true }} }} }}\nmodels: {{ v: {{ fallback: [\"bad-openai-chat/m\", claude/m], breaker: off, retries: 0 }} }}\n",
        providers("bad", &bad),
        claude.url("/anthropic")
    ));
    for face in faces::ALL {
        let answer = ask(&gateway, face, "v").await;
        let heard = faces::hear(face, &answer);
        assert_eq!((heard.text.as_str(), heard.complete), ("Hello there", true), "{face:?}: {}", answer.text());
        let asked = claude.requests().last().unwrap().body.clone();
        let node = Node::parse(&asked).unwrap();
        let last = node.get("messages").unwrap().items().last().unwrap();
        assert_eq!(last.text("role"), Some("assistant"), "{face:?}: {}", String::from_utf8_lossy(&asked));
        assert!(String::from_utf8_lossy(&asked).contains("Hello"), "{face:?}");
    }
}

/// The calls that a client has in the end, and whether it was told of a fault.
fn calls(face: Dialect, answer: &Answer) -> (Vec<(String, String)>, bool) {
    let mut deframer = Deframer::for_content_type(answer.header("content-type").unwrap());
    deframer.push(answer.body.clone());
    let (mut decoder, mut events) = (StreamDecoder::new(face), Vec::new());
    while let Some(frame) = deframer.next_frame().unwrap() {
        decoder.frame(&frame, &mut events);
    }
    decoder.end(&mut events);
    let fault = events.iter().any(|event| matches!(event, Event::Fault(_)));
    let mut calls: Vec<(String, String)> = Vec::new();
    for event in events {
        match event {
            Event::Open { start: tollgate_ir::BlockStart::Call { name, .. }, .. } => calls.push((name, String::new())),
            Event::Open { start: tollgate_ir::BlockStart::Whole(block), .. } => {
                if let tollgate_ir::Content::Call(call) = block.content {
                    calls.push((call.name, call.arguments));
                }
            }
            Event::Delta { delta: tollgate_ir::Delta::Arguments(more), .. } => {
                calls.last_mut().unwrap().1.push_str(&more)
            }
            _ => {}
        }
    }
    (calls, fault)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rl03_no_half_call_goes_out() {
    let call = |arguments: &str| {
        let arguments = arguments.replace('"', "\\\"");
        chat(
            &format!(
                r#"{{"tool_calls":[{{"index":0,"id":"call_1","type":"function","function":{{"name":"weather","arguments":"{arguments}"}}}}]}}"#
            ),
            "null",
        )
    };
    let more = |arguments: &str| {
        let arguments = arguments.replace('"', "\\\"");
        chat(&format!(r#"{{"tool_calls":[{{"index":0,"function":{{"arguments":"{arguments}"}}}}]}}"#), "null")
    };
    let words = chat(r#"{"role":"assistant","content":"Let me see."}"#, "null");
    let half = [words.clone(), call(r#"{"city":"#), more(r#""Par"#)];
    let whole =
        [words, call(r#"{"city":"#), more(r#""Paris"}"#), chat("{}", r#""tool_calls""#), "data: [DONE]\n\n".into()];
    let bad =
        every(move |_, _| Script::sse(half.clone()).step(Step::Wait(Duration::from_millis(30))).step(Step::Cut)).await;
    let good = every(move |_, _| Script::sse(whole.clone())).await;
    let down = every(|_, _| Script::json(500, "{}")).await;
    for (next, goes_on) in [(&good, true), (&down, false)] {
        let config =
            format!("providers:\n{}{}{}", providers("bad", &bad), providers("next", next), models("bad", "next", ""));
        let gateway = Gateway::start(&config);
        for face in faces::ALL {
            let answer = ask(&gateway, face, &name(Dialect::OpenAiChat, Dialect::OpenAiChat)).await;
            let what = format!("{face:?}: {}", answer.text());
            let heard = faces::hear(face, &answer);
            let (calls, fault) = calls(face, &answer);
            assert!(heard.text == "Let me see." || (face == Dialect::Cohere && heard.text.is_empty()), "{what}");
            assert_eq!(fault, !goes_on, "{what}");
            let names: Vec<_> = calls.iter().map(|(name, _)| name.as_str()).collect();
            assert_eq!(names, if goes_on { vec!["weather"] } else { vec![] }, "{what}");
            for (_, arguments) in calls {
                let node = Node::parse(arguments.as_bytes()).unwrap_or_else(|_| panic!("{what}"));
                assert_eq!(node.text("city"), Some("Paris"), "{what}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bc12_what_every_attempt_used_is_kept() {
    let bad = every(|dialect, _| one_word(dialect).step(Step::Cut)).await;
    let good = every(|dialect, _| Spoken::of(dialect).all()).await;
    let config =
        format!("providers:\n{}{}{}", providers("bad", &bad), providers("good", &good), models("bad", "good", ""));
    let gateway = Gateway::start(&config);
    for (face, first, next) in ways() {
        let answer = ask(&gateway, face, &name(first, next)).await;
        let record = gateway.record(&answer).await;
        let node = Node::parse(record.as_bytes()).unwrap();
        let attempts = node.get("attempts").unwrap().items();
        let what = format!("{face:?} by {first:?}, then {next:?}: {record}");
        assert_eq!(attempts.len(), 2, "{what}");
        let used = |i: usize, key: &str| {
            attempts[i].at(&["usage", key]).and_then(Node::as_u64).unwrap_or_else(|| panic!("{what}"))
        };
        assert!(used(0, "input") > 0 && used(0, "output") > 0, "{what}");
        assert_eq!((used(1, "input"), used(1, "output")), (7, 2), "{what}");
    }
}
