//! What is relayed in its own dialect: moderations, pictures, speech, transcriptions, files, batches, completions.

use bytes::Bytes;
use http::Method;
use tollgate_ir::Dialect;
use tollgate_testkit::{Script, ScriptedUpstream};
use tollgate_wire::json::Node;

use crate::faces;
use crate::support::{self, Answer, Gateway, member};

const FORM: (&str, &str) = ("content-type", "multipart/form-data; boundary=XX");

fn form(model: &str, file: &[u8], model_first: bool) -> Bytes {
    let model = format!("--XX\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\n{model}\r\n");
    let head =
        "--XX\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.wav\"\r\nContent-Type: audio/wav\r\n\r\n";
    let mut out = Vec::new();
    if model_first {
        out.extend_from_slice(model.as_bytes());
    }
    out.extend_from_slice(head.as_bytes());
    out.extend_from_slice(file);
    out.extend_from_slice(b"\r\n");
    if !model_first {
        out.extend_from_slice(model.as_bytes());
    }
    out.extend_from_slice(b"--XX--\r\n");
    out.into()
}

/// Two providers of OpenAI's dialect, one of Anthropic's.
fn three(a: &ScriptedUpstream, b: &ScriptedUpstream, more: &str) -> Gateway {
    Gateway::start(&format!(
        "providers:\n  a: {{ dialect: openai-chat, base_url: \"{}\", api_key: ka }}\n  b: {{ dialect: openai-chat, base_url: \"{}\", api_key: kb }}\n  c: {{ dialect: anthropic, base_url: \"{}\", api_key: kc }}\nmodels: {{ v: {{ fallback: [a/m, b/n], retries: 0 }} }}\n{more}",
        a.url("/v1"),
        b.url("/v1"),
        b.url("/anthropic/v1"),
    ))
}

async fn call(
    gateway: &Gateway,
    method: Method,
    path: &str,
    headers: &[(&str, &str)],
    body: impl Into<Bytes>,
) -> Answer {
    support::send(gateway.binary.address, method, path, headers, body.into(), false).await.rest().await
}

#[tokio::test]
async fn json_operations_go_to_the_target_that_the_model_names() {
    let said =
        r#"{"created":1,"data":[{"b64_json":"AA"}],"usage":{"input_tokens":5,"output_tokens":7,"total_tokens":12}}"#;
    let a = ScriptedUpstream::always(Script::json(200, said).header("x-request-id", "req_a")).await;
    let b = ScriptedUpstream::always(Script::json(200, said)).await;
    let gateway = three(&a, &b, "");
    for (path, up, operation) in [
        ("/v1/images/generations", "/v1/images/generations", "image"),
        ("/openai/v1/images/edits", "/v1/images/edits", "image"),
        ("/v1/moderations", "/v1/moderations", "moderate"),
        ("/moderations", "/v1/moderations", "moderate"),
    ] {
        let body = r#"{ "prompt":"a cat" ,"input":"x", "model":"b/m" }"#;
        let answer = gateway.post(path, &[], body).await;
        assert_eq!((answer.status, answer.text().as_str()), (200, said), "{path}");
        assert_eq!(answer.header("x-tollgate-model"), Some("b/m"));
        let sent = b.requests().pop().unwrap();
        assert_eq!((sent.target.as_str(), &sent.body), (up, &Bytes::from(body.replace("b/m", "m"))), "{path}");
        assert_eq!(sent.header("authorization"), Some("Bearer kb"));
        let record = gateway.record(&answer).await;
        assert!(record.contains(&format!(r#""operation":"{operation}""#)), "{record}");
        assert!(record.contains(r#""input":5"#) && record.contains(r#""output":7"#), "{record}");
    }
    // Without a model the provider's own is meant, of the first that speaks OpenAI's.
    let answer = gateway.post("/v1/moderations", &[], r#"{"input":"x"}"#).await;
    assert_eq!((answer.status, answer.header("x-tollgate-provider")), (200, Some("a")), "{}", answer.text());
    assert_eq!(a.requests().pop().unwrap().body, r#"{"input":"x"}"#);
    // A target that cannot is passed by, one that fails is followed by the next.
    a.push(Script::status(503));
    let answer = gateway.post("/v1/images/generations", &[], r#"{"model":"v","prompt":"p"}"#).await;
    assert_eq!((answer.status, answer.header("x-tollgate-model")), (200, Some("b/n")));
    let none = gateway.post("/v1/images/generations", &[], r#"{"model":"c/m","prompt":"p"}"#).await;
    assert_eq!(none.status, 501, "{}", none.text());
    let unknown = gateway.post("/v1/moderations", &[], r#"{"model":"zz/m","input":"p"}"#).await;
    assert_eq!(unknown.status, 404, "{}", unknown.text());
    let wrong = gateway.get("/v1/moderations", &[]).await;
    assert_eq!(wrong.status, 405, "{}", wrong.text());
}

#[tokio::test]
async fn sound_streams_through_as_it_comes() {
    let sound = [0_u8, 255, 1, 254].repeat(1000);
    let script = Script { sized: false, ..Script::status(200) }
        .header("content-type", "audio/mpeg")
        .chunk(sound[..2000].to_vec())
        .wait(std::time::Duration::from_millis(300))
        .chunk(sound[2000..].to_vec());
    let a = ScriptedUpstream::always(script).await;
    let gateway = three(&a, &a, "");
    let mut live = gateway.open("/v1/audio/speech", &[], r#"{"model":"a/m","input":"hi","voice":"v"}"#).await;
    assert_eq!(live.headers["content-type"], "audio/mpeg");
    let begun = std::time::Instant::now();
    let (first, piece) = live.next().await.unwrap();
    assert!(first - begun < std::time::Duration::from_millis(200) && piece.len() <= 2000, "it was held back");
    let rest = live.rest().await;
    assert_eq!([&piece[..], &rest.body[..]].concat(), sound);
}

#[tokio::test]
async fn forms_stream_through_with_the_models_name_changed() {
    let text = r#"{"text":"Hello","usage":{"type":"tokens","input_tokens":26,"output_tokens":4}}"#;
    let a = ScriptedUpstream::always(Script::json(200, text)).await;
    let b = ScriptedUpstream::always(Script::json(200, text)).await;
    let gateway = three(&a, &b, "");
    let file: Vec<u8> = (0..300_000_u32).map(|i| u8::try_from(i % 251).unwrap()).collect();
    for (size, model_first) in [(10, true), (10, false), (300_000, true), (300_000, false)] {
        let sent = form("b/whisper", &file[..size], model_first);
        let answer = gateway.post("/v1/audio/transcriptions", &[FORM], sent).await;
        assert_eq!((answer.status, answer.text().as_str()), (200, text));
        let got = b.requests().pop().unwrap();
        assert_eq!(got.body, form("whisper", &file[..size], model_first), "{size} {model_first}");
        assert_eq!(got.header("content-type"), Some(FORM.1));
        assert_eq!(got.header("content-length"), Some(got.body.len().to_string().as_str()), "its length is known");
        assert!(gateway.record(&answer).await.contains(r#""input":26"#));
    }
    // What was held whole can be sent again.
    a.push(Script::status(503));
    let answer = gateway.post("/v1/audio/transcriptions", &[FORM], form("v", &file[..10], true)).await;
    assert_eq!((answer.status, answer.header("x-tollgate-model")), (200, Some("b/n")), "{}", answer.text());
    assert_eq!(b.requests().pop().unwrap().body, form("n", &file[..10], true));
    // What streamed through cannot: the first target's refusal is told.
    a.push(Script::json(503, r#"{"error":{"message":"busy"}}"#));
    let answer = gateway.post("/v1/audio/transcriptions", &[FORM], form("v", &file, true)).await;
    assert_eq!(answer.status, 503, "{}", answer.text());
    let unknown = gateway.post("/v1/audio/transcriptions", &[FORM], form("zz/m", b"x", true)).await;
    assert_eq!(unknown.status, 404, "{}", unknown.text());
}

#[tokio::test]
async fn an_upload_of_many_megabytes_costs_no_memory() {
    let a = ScriptedUpstream::always(Script::json(200, r#"{"text":"ok"}"#)).await;
    let gateway = three(&a, &a, "");
    gateway.post("/v1/audio/transcriptions", &[FORM], form("a/m", b"x", true)).await;
    let before = gateway.memory();
    let file = vec![7_u8; 96 << 20];
    let sent = form("a/m", &file, true);
    let uploading = gateway.post("/v1/audio/transcriptions", &[FORM], sent);
    let mut most = before;
    let mut uploading = std::pin::pin!(uploading);
    let answer = loop {
        tokio::select! {
            answer = &mut uploading => break answer,
            () = tokio::time::sleep(std::time::Duration::from_millis(5)) => most = most.max(gateway.memory()),
        }
    };
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(a.requests().pop().unwrap().body.len(), form("m", &file, true).len());
    assert!(most - before < 24 << 20, "{} MiB were held", (most - before) >> 20);
}

#[tokio::test]
async fn files_and_batches_go_to_one_provider_of_the_faces_dialect() {
    let a = ScriptedUpstream::choosing(|r| Script::json(200, format!(r#"{{"id":"{} {}"}}"#, r.method, r.target))).await;
    let b = ScriptedUpstream::choosing(|r| Script::json(200, format!(r#"{{"id":"{} {}"}}"#, r.method, r.target))).await;
    let gateway = three(&a, &b, "");
    let claude = ("anthropic-version", "2023-06-01");
    for (method, path, headers, provider, target) in [
        (Method::GET, "/v1/files?limit=2", &[][..], "a", "GET /v1/files?limit=2"),
        (Method::POST, "/v1/files", &[FORM], "a", "POST /v1/files"),
        (Method::GET, "/openai/v1/files/f-1/content", &[], "a", "GET /v1/files/f-1/content"),
        (Method::DELETE, "/v1/files/f-1", &[("x-tollgate-provider", "b")], "b", "DELETE /v1/files/f-1"),
        (Method::GET, "/v1/files?provider=b", &[], "b", "GET /v1/files"),
        (Method::POST, "/v1/batches/x/cancel", &[], "a", "POST /v1/batches/x/cancel"),
        (Method::GET, "/v1/messages/batches", &[claude], "c", "GET /anthropic/v1/messages/batches"),
        (Method::POST, "/v1/files?beta=true", &[claude, FORM], "c", "POST /anthropic/v1/files?beta=true"),
        (Method::GET, "/b/v1/batches", &[], "b", "GET /v1/batches"),
    ] {
        let what = format!("{method} {path}");
        let answer = call(&gateway, method, path, headers, if path.contains("files") { "--XX--" } else { "" }).await;
        assert_eq!(answer.status, 200, "{what}: {}", answer.text());
        assert_eq!(answer.at(&["id"]).as_deref(), Some(target), "{what}");
        assert_eq!(answer.header("x-tollgate-provider"), Some(provider), "{what}");
    }
    assert_eq!(a.requests()[1].header("authorization"), Some("Bearer ka"));
    let key = b.requests().into_iter().rfind(|r| r.target.starts_with("/anthropic")).unwrap();
    assert_eq!(key.header("x-api-key"), Some("kc"));
    let gone = gateway.get("/v1/files?provider=zz", &[]).await;
    assert_eq!(gone.status, 404, "{}", gone.text());
    let none = gateway.get("/v1beta/files", &[]).await;
    assert!(none.status == 501 && none.text().contains("gemini"), "{}", none.text());
}

#[tokio::test]
async fn a_key_without_rights_for_the_provider_is_refused() {
    let a = ScriptedUpstream::always(Script::json(200, "{}")).await;
    let gateway =
        three(&a, &a, "keys:\n  - { name: all, key: k-all }\n  - { name: few, key: k-few, models: [\"b/*\", v] }");
    let as_key = |key: &'static str| [("authorization", key)];
    for (path, body) in [
        ("/v1/files", ""),
        ("/v1/batches", "{}"),
        ("/a/v1/anything", "{}"),
        ("/v1/moderations", r#"{"input":"x"}"#),
        ("/v1/images/generations", r#"{"model":"a/m","prompt":"p"}"#),
        ("/v1/embeddings", r#"{"model":"a/m","input":"p"}"#),
        ("/v1/rerank", r#"{"model":"a/m","query":"p","documents":["d"]}"#),
        ("/v1/completions", r#"{"model":"a/m","prompt":"p"}"#),
    ] {
        let refused = gateway.post(path, &as_key("Bearer k-few"), body).await;
        assert_eq!(refused.status, 403, "{path}: {}", refused.text());
        faces::error(Dialect::OpenAiChat, &refused);
        assert_eq!(gateway.post(path, &as_key("Bearer nobody"), body).await.status, 401, "{path}");
    }
    assert!(a.requests().is_empty());
    let allowed = gateway.post("/b/v1/anything", &as_key("Bearer k-few"), "{}").await;
    assert_eq!(allowed.status, 200, "{}", allowed.text());
    let refused =
        gateway.post("/v1/audio/transcriptions", &[as_key("Bearer k-few")[0], FORM], form("a/m", b"x", true)).await;
    assert_eq!(refused.status, 403, "{}", refused.text());
}

#[tokio::test]
async fn what_is_handed_through_is_counted() {
    let said = r#"{"id":"r1","model":"codestral","usage":{"prompt_tokens":8,"completion_tokens":3,"total_tokens":11}}"#;
    let a = ScriptedUpstream::always(Script::json(200, said)).await;
    let gateway = Gateway::start(&format!(
        "providers: {{ up: {{ dialect: openai-chat, base_url: \"{}\", models: {{ codestral: {{ price: {{ input: 1, output: 2 }} }} }} }} }}",
        a.url("/v1")
    ));
    let answer = gateway.post("/up/v1/fim/completions", &[], r#"{"model":"codestral","prompt":"a"}"#).await;
    assert_eq!((answer.status, answer.text().as_str()), (200, said));
    let record = gateway.record(&answer).await;
    // 8 × 1 + 3 × 2 dollars per million.
    assert!(record.contains(r#""cost_nanos":14000"#) && record.contains(r#""operation":"passthrough""#), "{record}");
}

const LEGACY: &str = r#"{"id":"cmpl-1","object":"text_completion","created":1,"model":"m","choices":[{"text":"!","index":0,"logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":2,"completion_tokens":1,"total_tokens":3}}"#;

#[tokio::test]
async fn completions_are_handed_to_who_has_them() {
    let a = ScriptedUpstream::always(Script::json(200, LEGACY)).await;
    let gateway = three(&a, &a, "");
    let body = r#"{ "model":"a/m", "prompt":[1, 2], "suffix":"s", "echo":true }"#;
    let answer = gateway.post("/v1/completions", &[], body).await;
    assert_eq!((answer.status, answer.text().as_str()), (200, LEGACY));
    let sent = a.requests().pop().unwrap();
    assert_eq!((sent.target.as_str(), sent.body), ("/v1/completions", Bytes::from(body.replace("a/m", "m"))));
    let record = gateway.record(&answer).await;
    assert!(record.contains(r#""operation":"complete""#) && record.contains(r#""input":2"#), "{record}");
    let events = "data: {\"id\":\"c\",\"object\":\"text_completion\",\"choices\":[{\"text\":\"!\",\"index\":0}]}\n\ndata: [DONE]\n\n";
    a.push(Script::sse([events]));
    let streamed = gateway.post("/v1/completions", &[], r#"{"model":"a/m","prompt":"x","stream":true}"#).await;
    assert_eq!((streamed.header("content-type"), streamed.text().as_str()), (Some("text/event-stream"), events));
}

#[tokio::test]
async fn completions_work_over_models_that_only_chat() {
    let spoken = faces::Spoken::of(Dialect::Anthropic);
    let up =
        ScriptedUpstream::choosing(move |request| match request.body.windows(13).any(|w| w == br#""stream":true"#) {
            true => spoken.all(),
            false => Script::json(200, faces::whole(Dialect::Anthropic)),
        })
        .await;
    let gateway = Gateway::before("anthropic", &up.url("/v1"));
    let whole = gateway
        .post("/v1/completions", &[], r#"{"model":"up/m","prompt":"Say: ","max_tokens":9,"echo":true,"stop":"x"}"#)
        .await;
    let text = whole.text();
    assert_eq!(whole.status, 200, "{text}");
    assert!(text.contains(r#""object":"text_completion""#) && text.contains(r#""text":"Say: Hello there""#), "{text}");
    let sent = up.requests().pop().unwrap().body;
    assert_eq!(member(&sent, "max_tokens").unwrap(), "9");
    assert_eq!(member(&sent, "stop_sequences").unwrap(), r#"["x"]"#);

    let several = gateway.post("/v1/completions", &[], r#"{"model":"up/m","prompt":["a","b"]}"#).await;
    let node = Node::read(&several.body).unwrap();
    let choices = node.get("choices").unwrap().items();
    assert_eq!(choices.iter().map(|c| c.uint("index").unwrap()).collect::<Vec<_>>(), [0, 1], "{}", several.text());
    assert_eq!(node.at(&["usage", "completion_tokens"]).unwrap().as_u64(), Some(4), "{}", several.text());

    let live = gateway
        .post(
            "/v1/completions",
            &[],
            r#"{"model":"up/m","prompt":"a","stream":true,"stream_options":{"include_usage":true}}"#,
        )
        .await;
    let text = live.text();
    assert_eq!((live.status, live.header("content-type")), (200, Some("text/event-stream")), "{text}");
    let chunks: Vec<_> = text.split("\n\n").filter_map(|event| event.strip_prefix("data: ")).collect();
    assert_eq!(chunks.last(), Some(&"[DONE]"), "{text}");
    let said: String = chunks
        .iter()
        .filter_map(|chunk| {
            Node::read(chunk.as_bytes())?.get("choices")?.items().first()?.text("text").map(str::to_owned)
        })
        .collect();
    assert_eq!(said, "Hello there", "{text}");
    assert!(text.contains(r#""finish_reason":"stop""#) && text.contains(r#""choices":[],"usage""#), "{text}");
    assert!(!text.contains("chat.completion"), "{text}");

    for (body, field) in
        [(r#"{"model":"up/m","prompt":"a","suffix":"b"}"#, "suffix"), (r#"{"model":"up/m","prompt":[1]}"#, "prompt")]
    {
        let refused = gateway.post("/v1/completions", &[], body).await;
        assert_eq!(
            (refused.status, refused.at(&["error", "param"]).as_deref()),
            (400, Some(field)),
            "{}",
            refused.text()
        );
    }
    let lossy = gateway.post("/v1/completions", &[], r#"{"model":"up/m","prompt":"a","best_of":3}"#).await;
    assert_eq!(lossy.header("x-tollgate-dropped"), Some("best_of;dropped"));
}

#[tokio::test]
async fn a_host_without_completions_is_asked_for_a_chat() {
    let up = ScriptedUpstream::choosing(|request| match request.target.as_str() {
        "/v1/chat/completions" => Script::json(200, faces::whole(Dialect::OpenAiChat)),
        _ => Script::json(404, r#"{"error":{"message":"This is a chat model","type":"invalid_request_error","param":"model","code":null}}"#),
    })
    .await;
    let gateway = Gateway::before("openai-chat", &up.url("/v1"));
    let answer = gateway.post("/v1/completions", &[], r#"{"model":"up/m","prompt":"a"}"#).await;
    assert!(answer.status == 200 && answer.text().contains(r#""text":"Hello there""#), "{}", answer.text());
    assert_eq!(up.requests().len(), 2);
}
