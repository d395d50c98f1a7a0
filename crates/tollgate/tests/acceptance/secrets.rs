//! No secret leaves: every credential that the gateway holds or is sent is looked for in all that it says, at the most
//! talkative level of its log. And figures stay few, whatever clients write.

use std::time::{Duration, Instant};

use tollgate_ir::Dialect;
use tollgate_testkit::{Script, ScriptedUpstream, Step};

use crate::faces::{self, Spoken};
use crate::support::{Gateway, nobody};

/// Of the operator's provider, of a key in a file, of a caller, of an administrator, of a proxy, of headers; and some
/// that clients send.
const CANARIES: &[&str] = &[
    "canary-provider-key",
    "canary-weighted-key",
    "canary-file-key",
    "canary-gateway-key",
    "canary-admin-key",
    "canary-proxy-password",
    "canary-header",
    "canary-wrong-key",
    "canary-own-key",
    "canary-cookie",
    "canary-query-key",
    "canary-aws-secret",
    "canary-storage-password",
];

fn config(chat: &str, gone: &str) -> String {
    format!(
        r#"server: {{ listen: "{{listen}}" }}
log: {{ level: trace }}
storage: {{ url: "postgres://tollgate:canary-storage-password@db/tollgate" }}
providers:
  up: {{ dialect: openai-chat, base_url: "{chat}/v1", api_key: canary-provider-key, headers: {{ x-extra: canary-header }} }}
  many: {{ dialect: anthropic, base_url: "{chat}/anthropic", api_keys: [{{ key: canary-weighted-key }}, {{ key: "${{file:secret}}" }}] }}
  gem: {{ dialect: gemini, base_url: "{chat}/gemini", api_key: canary-provider-key }}
  aws: {{ dialect: bedrock, base_url: "{chat}/bedrock", region: us-east-1, api_key: "AKIACANARY:canary-aws-secret" }}
  proxied: {{ dialect: openai-chat, base_url: "http://no-such-host.invalid/v1", proxy: "http://user:canary-proxy-password@{gone}" }}
  own: {{ dialect: openai-chat, base_url: "{chat}/v1", api_key: passthrough }}
models: {{ all: {{ fallback: [proxied/m, up/m] }} }}
keys: [{{ name: a, key: canary-gateway-key }}]
admin: {{ keys: [canary-admin-key] }}
"#
    )
}

/// Reads no more than is asked of it: a provider that quotes the credential in its refusal.
async fn gossip() -> ScriptedUpstream {
    ScriptedUpstream::choosing(|request| {
        let dialect = ["anthropic", "gemini", "bedrock"].iter().find(|d| request.target.contains(**d));
        let dialect = match dialect {
            Some(&"anthropic") => Dialect::Anthropic,
            Some(&"gemini") => Dialect::Gemini,
            Some(_) => Dialect::Bedrock,
            None => Dialect::OpenAiChat,
        };
        let body = String::from_utf8_lossy(&request.body).into_owned();
        if body.contains("reset") {
            return Script::accident(Step::Reset);
        }
        if body.contains("refuse") {
            return Script::json(401, r#"{"error":{"message":"Incorrect API key provided"}}"#);
        }
        let streams = body.contains(r#""stream":true"#) || request.target.contains("tream");
        if streams { Spoken::of(dialect).all() } else { Script::json(200, faces::whole(dialect)) }
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn se07_no_credential_is_said_anywhere() {
    let upstream = gossip().await;
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("secret"), "canary-file-key\n").unwrap();
    let address = upstream.address();
    let text = config(&format!("http://{address}"), &nobody().to_string());
    // The file is named from the folder in which the gateway runs.
    let gateway = Gateway::start_in(folder, &text.replace("{file:secret}", "{file:./secret}"), &[]);
    let mut said: Vec<String> = Vec::new();
    for face in faces::ALL {
        for model in ["up/m", "many/m", "gem/m", "aws/m", "proxied/m", "own/m", "all", "nobody/m"] {
            for stream in [false, true] {
                for (headers, word) in [
                    (&[("authorization", "Bearer canary-gateway-key"), ("cookie", "s=canary-cookie")][..], "Hi"),
                    (&[("x-tollgate-key", "canary-gateway-key"), ("authorization", "Bearer canary-own-key")], "refuse"),
                    (&[("authorization", "Bearer canary-wrong-key")], "Hi"),
                    (&[("x-api-key", "canary-gateway-key")], "reset"),
                ] {
                    let body = faces::body(face, model, stream).replace("\"Hi\"", &format!("\"{word}\""));
                    let path = faces::path(face, model, stream);
                    let live = match stream {
                        true => gateway.open_h2(&path, headers, body).await,
                        false => gateway.open(&path, headers, body).await,
                    };
                    let answer = live.rest().await;
                    said.push(format!("{:?} {}", answer.headers, answer.text()));
                }
            }
        }
    }
    let query = gateway.post("/v1beta/models/gem%2Fm:generateContent?key=canary-query-key", &[], "{}").await;
    said.push(format!("{:?} {}", query.headers, query.text()));
    let passed = gateway.post("/up/v1/refuse?key=canary-gateway-key", &[], "refuse").await;
    said.push(format!("{:?} {}", passed.headers, passed.text()));
    gateway.rewrite(&(text.clone() + "broken: true\n"));
    let admin = [("authorization", "Bearer canary-admin-key")];
    for path in ["/api/v1/calls?limit=500", "/metrics", "/v1/models"] {
        said.push(gateway.get(path, &admin).await.text());
    }
    said.push(gateway.post("/api/v1/reload", &admin, "").await.text());
    let refused = crate::support::run(&["check", "--config", "tollgate.yaml"], gateway.folder.path());
    said.push(String::from_utf8_lossy(&refused.stdout).into_owned() + &String::from_utf8_lossy(&refused.stderr));
    tokio::time::sleep(Duration::from_millis(400)).await;
    let log = gateway.binary.printed();
    assert!(log.contains("\"level\":\"TRACE\"") || log.contains("TRACE"), "the log is as talkative as it gets");
    said.push(log);
    for canary in CANARIES {
        for text in &said {
            if let Some(at) = text.find(canary) {
                let from = text[..at].char_indices().rev().nth(300).map_or(0, |(i, _)| i);
                panic!("{canary}: …{}", &text[from..(at + 100).min(text.len())]);
            }
        }
    }
    let used: Vec<String> = upstream.requests().iter().map(|r| String::from_utf8_lossy(&r.head).into_owned()).collect();
    for canary in ["canary-provider-key", "canary-weighted-key", "canary-file-key", "canary-header", "canary-own-key"] {
        assert!(used.iter().any(|head| head.contains(canary)), "{canary} was never used: the test proves nothing");
    }
    for canary in ["canary-gateway-key", "canary-cookie", "canary-query-key", "canary-admin-key"] {
        assert!(!used.iter().any(|head| head.contains(canary)), "{canary} went upstream");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pf03_figures_stay_few_whatever_clients_write() {
    let upstream = ScriptedUpstream::choosing(|request| match request.body.windows(4).any(|w| w == b"junk") {
        true => Script::json(404, r#"{"error":{"message":"The model does not exist"}}"#),
        false => Script::json(200, faces::whole(Dialect::OpenAiChat)),
    })
    .await;
    let gateway = Gateway::start(&format!(
        "log: {{ level: error }}\nproviders: {{ up: {{ dialect: openai-chat, base_url: \"{}\", models: {{ m: {{}} }} }} }}\nmodels: {{ v: up/m }}",
        upstream.url("/v1")
    ));
    let (path, body) = ("/v1/chat/completions", |model: &str, user: &str| {
        faces::body(Dialect::OpenAiChat, model, false).replacen('{', &format!(r#"{{"user":"{user}","#), 1)
    });
    for i in 0..600 {
        let (model, status) = match i % 3 {
            0 => (format!("nobody/junk-{i}"), 404),
            1 => (format!("up/junk-{i}"), 404),
            _ => ("v".to_owned(), 200),
        };
        let answer =
            gateway.post(path, &[("x-tollgate-tags", &format!("tag-{i}"))], body(&model, &format!("user-{i}"))).await;
        assert_eq!(answer.status, status, "{}", answer.text());
    }
    let before = Instant::now();
    let figures = gateway.get("/metrics", &[]).await.text();
    assert!(before.elapsed() < Duration::from_millis(500) && figures.len() < 1 << 20, "{} bytes", figures.len());
    assert!(!figures.contains("junk") && !figures.contains("user-") && !figures.contains("tag-"), "{figures}");
    let series = figures.lines().filter(|line| !line.starts_with('#')).count();
    assert!(series < 200, "{series}");
    assert!(figures.contains(r#"model="other""#) && figures.contains(r#"model="v""#), "{figures}");
    let count = |label: &str| -> u64 {
        let lines = figures.lines().filter(|l| l.starts_with("tollgate_calls_total{") && l.contains(label));
        lines.map(|l| l.rsplit(' ').next().unwrap().parse::<u64>().unwrap()).sum()
    };
    assert_eq!((count(r#"model="v""#), count("")), (200, 600), "{figures}");
}
