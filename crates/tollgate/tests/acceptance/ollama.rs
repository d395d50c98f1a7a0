//! Ollama as upstream and as face beyond the chats of `faces`: prompts, models loaded and shown, what is found on this
//! machine; on the built binary.

use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use http::Method;
use tollgate_ir::Dialect;
use tollgate_testkit::{Script, ScriptedUpstream};
use tollgate_wire::json::Node;

use crate::faces::{self, Spoken};
use crate::support::{Answer, Gateway, TOLLGATE, nobody, send, until};

/// An upstream that answers a dialect's chats, streamed or not.
async fn speaking(dialect: Dialect) -> ScriptedUpstream {
    ScriptedUpstream::choosing(move |request| {
        let streams = String::from_utf8_lossy(&request.body).contains(r#""stream":true"#);
        if streams { Spoken::of(dialect).all() } else { Script::json(200, faces::whole(dialect)) }
    })
    .await
}

/// The words of the lines of an answer, and its last line.
fn lines(answer: &Answer, key: &[&str]) -> (String, String) {
    let text = answer.text();
    let words = text
        .lines()
        .map(|line| Node::read(line.as_bytes()).unwrap().at(key).and_then(Node::as_str).unwrap_or("").to_owned());
    (words.collect(), text.lines().last().unwrap().to_owned())
}

#[tokio::test]
async fn a_prompt_is_answered_by_any_provider() {
    for dialect in [Dialect::OpenAiChat, Dialect::Anthropic, Dialect::Cohere] {
        let upstream = speaking(dialect).await;
        let gateway = Gateway::before(dialect.as_str(), &upstream.url(""));
        let body = r#"{"model":"up/m","prompt":"Hi","system":"Be brief","suffix":"!","options":{"temperature":0.5}}"#;
        let answer = gateway.post("/api/generate", &[], body).await;
        assert_eq!(
            (answer.status, answer.header("content-type")),
            (200, Some("application/x-ndjson")),
            "{}",
            answer.text()
        );
        let dropped = answer.header("x-tollgate-dropped").unwrap_or("").to_owned();
        assert!(dropped.starts_with("suffix;dropped") && dropped.matches(";dropped").count() == 1, "{dropped}");
        let (words, last) = lines(&answer, &["response"]);
        assert_eq!(words, "Hello there", "{dialect}");
        assert!(last.contains(r#""response":"","done":true,"done_reason":"stop""#), "{last}");
        assert!(last.contains(r#""prompt_eval_count":7"#) && last.contains(r#""eval_count":2"#), "{last}");
        for key in ["total_duration", "prompt_eval_duration", "eval_duration"] {
            assert!(Node::read(last.as_bytes()).unwrap().uint(key).is_some_and(|n| n > 0), "{key}: {last}");
        }
        let whole = gateway.post("/api/generate", &[], r#"{"model":"up/m","prompt":"Hi","stream":false}"#).await;
        assert_eq!(whole.at(&["response"]).as_deref(), Some("Hello there"), "{}", whole.text());
        assert_eq!(whole.at(&["message"]), None);
    }
}

#[tokio::test]
async fn a_prompt_for_ollama_goes_there_as_it_is() {
    let answer = concat!(
        r#"{"model":"m","created_at":"2024-05-24T21:02:00.855283Z","response":"A","done":false}"#,
        "\n",
        r#"{"model":"m","created_at":"2024-05-24T21:02:00.9Z","response":"","done":true,"done_reason":"stop","context":[1],"prompt_eval_count":3,"eval_count":1}"#,
        "\n"
    );
    let script =
        Script { sized: false, ..Script::status(200) }.header("content-type", "application/x-ndjson").chunk(answer);
    let upstream = ScriptedUpstream::always(script).await;
    let gateway = Gateway::before("ollama", &upstream.url(""));
    let body = r#"{"model":"up/m", "prompt":"Hi","suffix":"!","raw":true,"context":[1],"options":{"num_ctx":8192}}"#;
    let got = gateway.post("/api/generate", &[], body).await;
    assert_eq!((got.text().as_str(), got.header("x-tollgate-dropped")), (answer, None));
    let request = &upstream.requests()[0];
    assert_eq!(request.target, "/api/generate");
    assert_eq!(request.body, body.replace("up/m", "m"));
    let record = gateway.record(&got).await;
    assert!(record.contains(r#""input":3"#), "{record}");
}

#[tokio::test]
async fn requests_that_only_load_a_model_reach_no_other_provider() {
    let upstream = speaking(Dialect::OpenAiChat).await;
    let gateway = Gateway::before("openai-chat", &upstream.url("/v1"));
    for (path, body, reason) in [
        ("/api/generate", r#"{"model":"up/m"}"#, "load"),
        ("/api/generate", r#"{"model":"up/m","keep_alive":0}"#, "unload"),
        ("/api/chat", r#"{"model":"up/m","messages":[]}"#, "load"),
    ] {
        let answer = gateway.post(path, &[], body).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(answer.at(&["done_reason"]).as_deref(), Some(reason), "{}", answer.text());
    }
    assert_eq!(upstream.requests().len(), 0);
}

#[tokio::test]
async fn images_by_address_and_thinking_reach_ollama_in_its_own_words() {
    let upstream = speaking(Dialect::Ollama).await;
    let gateway = Gateway::before("ollama", &upstream.url(""));
    let body = r#"{"model":"up/qwen3","max_tokens":2000,"thinking":{"type":"enabled","budget_tokens":1024},
        "messages":[{"role":"user","content":[{"type":"text","text":"What?"},
        {"type":"image","source":{"type":"base64","media_type":"image/png","data":"iVBORw0KGgo="}}]}]}"#;
    let answer = gateway.post("/v1/messages", &[], body).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let sent = String::from_utf8(upstream.requests()[0].body.to_vec()).unwrap();
    let wanted = concat!(
        r#"{"model":"qwen3","messages":[{"role":"user","content":"What?","images":["iVBORw0KGgo="]}],"#,
        r#""think":true,"options":{"num_predict":2000},"stream":false}"#
    );
    assert_eq!(sent, wanted);
}

#[tokio::test]
async fn tools_made_for_ollama_find_what_they_ask_for() {
    let upstream = speaking(Dialect::OpenAiChat).await;
    let gateway = Gateway::start(&format!(
        "providers: {{ up: {{ dialect: openai-chat, base_url: \"{}\", models: {{ \"m:1b\": {{ modalities: [text] }}, see: {{}} }} }} }}",
        upstream.url("/v1")
    ));
    let tags = gateway.get("/api/tags", &[]).await;
    let models = Node::read(&tags.body).unwrap();
    let names: Vec<_> =
        models.get("models").unwrap().items().iter().map(|m| m.text("name").unwrap().to_owned()).collect();
    assert_eq!(names, ["up/m:1b", "up/see"], "{}", tags.text());
    let first = &models.get("models").unwrap().items()[0];
    assert_eq!(first.text("digest").map(str::len), Some(64));
    assert_eq!(first.at(&["details", "family"]).and_then(Node::as_str), Some("up"));
    assert!(gateway.get("/api/version", &[]).await.at(&["version"]).is_some());
    assert_eq!(gateway.get("/api/ps", &[]).await.text(), r#"{"models":[]}"#);
    for (body, vision) in [(r#"{"model":"up/m:1b"}"#, false), (r#"{"name":"up/see"}"#, true)] {
        let card = gateway.post("/api/show", &[], body).await;
        assert_eq!(card.status, 200, "{}", card.text());
        assert_eq!(card.text().contains(r#""vision""#), vision, "{}", card.text());
        assert!(card.text().contains(r#""capabilities":["completion","tools""#), "{}", card.text());
    }
    for (body, status) in [(r#"{"model":"nobody/m"}"#, 404), ("{}", 400), ("no", 400)] {
        let answer = gateway.post("/api/show", &[], body).await;
        assert_eq!(answer.status, status, "{body}: {}", answer.text());
        faces::error(Dialect::Ollama, &answer);
    }
    let alive = send(gateway.binary.address, Method::HEAD, "/", &[], Default::default(), false).await;
    assert_eq!(alive.status, 200);
}

/// A gateway that was started without a file.
struct Bare {
    child: Child,
    address: SocketAddr,
}

impl Drop for Bare {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Bare {
    async fn start(variables: &[(&str, String)]) -> Self {
        let address = nobody();
        let child = Command::new(TOLLGATE)
            .arg("serve")
            .env_clear()
            .env("TOLLGATE_LISTEN", address.to_string())
            .envs(variables.iter().map(|(name, value)| (*name, value.as_str())))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let bare = Self { child, address };
        until("it listens", async || tokio::net::TcpStream::connect(address).await.is_ok()).await;
        bare
    }

    async fn get(&self, path: &str) -> Answer {
        send(self.address, Method::GET, path, &[], Default::default(), false).await.rest().await
    }

    async fn post(&self, path: &str, body: &str) -> Answer {
        send(self.address, Method::POST, path, &[], body.to_owned().into(), false).await.rest().await
    }
}

/// A model server: its list of models, and chats.
async fn server(models: &'static str, dialect: Dialect) -> ScriptedUpstream {
    ScriptedUpstream::choosing(move |request| match request.target.as_str() {
        "/v1/models" => Script::json(200, models),
        _ => Script::json(200, faces::whole(dialect)),
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn model_servers_of_this_machine_are_found_with_their_models() {
    let ollama = server(r#"{"object":"list","data":[{"id":"qwen3:8b"},{"id":"llama3.2:1b"}]}"#, Dialect::Ollama).await;
    let vllm = server(r#"{"object":"list","data":[{"id":"org/model"}]}"#, Dialect::OpenAiChat).await;
    // Somebody who never answers holds nobody up.
    let silent = ScriptedUpstream::always(Script::accident(tollgate_testkit::Step::Stall)).await;
    let places = format!("ollama={},vllm={},llamacpp={}", ollama.url(""), vllm.url("/v1"), silent.url("/v1"));
    let started = Instant::now();
    let gateway = Bare::start(&[("TOLLGATE_DISCOVER", places)]).await;
    assert_eq!(gateway.get("/healthz").await.status, 200, "it serves before anybody is found");
    until("both are found", async || gateway.get("/v1/models").await.text().contains("org/model")).await;
    assert!(started.elapsed() < Duration::from_secs(10));
    let list = gateway.get("/v1/models").await.text();
    for name in ["ollama/qwen3:8b", "ollama/llama3.2:1b", "vllm/org/model"] {
        assert!(list.contains(&format!(r#""{name}""#)), "{name}: {list}");
    }
    assert!(!list.contains("llamacpp/"), "{list}");
    // Another dialect's client is answered over Ollama's own API, OpenAI's over that at `/v1`; by a bare name, too.
    let body = r#"{"model":"MODEL","max_tokens":9,"messages":[{"role":"user","content":"Hi"}]}"#;
    for (path, model, target) in [
        ("/v1/messages", "ollama/qwen3:8b", "/api/chat"),
        ("/v1/messages", "qwen3:8b", "/api/chat"),
        ("/v1/chat/completions", "ollama/qwen3:8b", "/v1/chat/completions"),
    ] {
        gateway.post(path, &body.replace("MODEL", model)).await;
        assert_eq!(ollama.requests().last().unwrap().target, target, "{path} {model}");
    }
    let answer = gateway
        .post("/api/chat", r#"{"model":"vllm/org/model","stream":false,"messages":[{"role":"user","content":"Hi"}]}"#)
        .await;
    assert_eq!(answer.at(&["message", "content"]).as_deref(), Some("Hello there"), "{}", answer.text());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_model_server_that_starts_later_is_found_and_new_models_of_it() {
    let list = Arc::new(Mutex::new(None));
    let said = Arc::clone(&list);
    let ollama = ScriptedUpstream::choosing(move |_| match *said.lock().unwrap() {
        Some(models) => Script::json(200, models),
        None => Script::json(503, "{}"),
    })
    .await;
    let gateway = Bare::start(&[("TOLLGATE_DISCOVER", format!("ollama={}", ollama.url("")))]).await;
    until("it was looked for", async || !ollama.requests().is_empty()).await;
    assert!(!gateway.get("/v1/models").await.text().contains("ollama/"));
    let listed = async |name: &str| gateway.get("/v1/models").await.text().contains(name);
    *list.lock().unwrap() = Some(r#"{"object":"list","data":[{"id":"qwen3:8b"}]}"#);
    until("it is found", async || listed("ollama/qwen3:8b").await).await;
    *list.lock().unwrap() = Some(r#"{"object":"list","data":[{"id":"qwen3:8b"},{"id":"gemma4:4b"}]}"#);
    until("its new model is listed", async || listed("ollama/gemma4:4b").await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ollama_is_where_its_variables_say() {
    let ollama = server(r#"{"object":"list","data":[{"id":"qwen3:8b"}]}"#, Dialect::Ollama).await;
    let port = ollama.address().port();
    for (name, value) in [
        ("OLLAMA_BASE_URL", ollama.url("")),
        ("OLLAMA_BASE_URL", ollama.url("/v1")),
        ("OLLAMA_HOST", format!("0.0.0.0:{port}")),
        ("OLLAMA_HOST", ollama.url("/")),
    ] {
        let what = format!("{name}={value}");
        let gateway = Bare::start(&[(name, value), ("TOLLGATE_DISCOVER", "off".to_owned())]).await;
        let body = r#"{"model":"ollama/qwen3:8b","max_tokens":9,"messages":[{"role":"user","content":"Hi"}]}"#;
        let answer = gateway.post("/v1/messages", body).await;
        assert_eq!(answer.status, 200, "{what}: {}", answer.text());
        assert_eq!(ollama.requests().last().unwrap().target, "/api/chat", "{what}");
        gateway.post("/v1/chat/completions", body).await;
        assert_eq!(ollama.requests().last().unwrap().target, "/v1/chat/completions", "{what}");
    }
}
