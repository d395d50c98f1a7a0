//! What a client is told when something is wrong: with the provider, with the way to it, with the request.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tollgate_ir::Dialect;
use tollgate_testkit::{Script, ScriptedUpstream, Step};
use tollgate_wire::frame::Deframer;
use tollgate_wire::json::Node;

use crate::faces;
use crate::support::{Gateway, nobody};

/// An upstream of OpenAI's chat whose first path segment says what goes wrong.
async fn failing() -> ScriptedUpstream {
    ScriptedUpstream::choosing(|request| {
        let what = request.target.split('/').nth(1).unwrap_or("").to_owned();
        match what.as_str() {
            "reset" => Script::accident(Step::Reset),
            "cut" => Script::accident(Step::Cut),
            "stall" => Script::accident(Step::Stall),
            "ok" => Script::json(200, r#"{"error":{"message":"Something broke","type":"server_error"}}"#),
            "html" => Script::status(502).header("content-type", "text/html").chunk("<html>Bad gateway</html>"),
            status => Script::json(
                status.parse().unwrap(),
                r#"{"error":{"message":"The provider says no","type":"some_error","code":"some_code"}}"#,
            ),
        }
    })
    .await
}

/// Answers whatever comes with a line of HTTP.
async fn no_tls() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut tcp, _)) = listener.accept().await {
            let _ = tcp.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
        }
    });
    address
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tr28_every_fault_has_its_status_and_the_envelope_of_the_face() {
    let upstream = failing().await;
    let no_tls = no_tls().await;
    let mut providers = String::new();
    let mut cases: Vec<(String, u16)> = Vec::new();
    let mut provider = |name: &str, url: &str, status: u16| {
        providers.push_str(&format!(
            "  {name}: {{ dialect: openai-chat, base_url: \"{url}\", timeouts: {{ total: 150ms, connect: 1s, first_token: 150ms }} }}\n"
        ));
        cases.push((name.to_owned(), status));
    };
    for status in [401, 403, 404, 413, 429, 500, 503, 529] {
        provider(&format!("s{status}"), &upstream.url(&format!("/{status}")), status);
    }
    provider("html", &upstream.url("/html"), 502);
    provider("reset", &upstream.url("/reset"), 502);
    provider("cut", &upstream.url("/cut"), 502);
    provider("refused", &format!("http://{}", nobody()), 502);
    provider("dns", "http://no-such-host.invalid", 502);
    provider("tls", &format!("https://{no_tls}"), 502);
    provider("stall", &upstream.url("/stall"), 504);
    provider("error-in-200", &upstream.url("/ok"), 500);
    let gateway = Gateway::start(&format!("providers:\n{providers}"));
    for face in faces::ALL {
        for stream in [false, true] {
            for (name, status) in &cases {
                let answer = faces::ask(&gateway, face, &format!("{name}/m"), stream).await;
                let what = format!("{face:?} {name} stream={stream}");
                assert_eq!(answer.status, *status, "{what}: {}", answer.text());
                let message = faces::error(face, &answer);
                assert!(!message.contains("127.0.0.1") && !message.contains("no-such-host"), "{what}: {message}");
                assert!(answer.header("x-tollgate-fault").is_some_and(|code| code.starts_with("TG4")), "{what}");
                assert!(answer.header("x-tollgate-request-id").is_some(), "{what}");
                if name.starts_with('s') && name != "stall" {
                    assert_eq!(message, "The provider says no", "{what}");
                }
            }
        }
    }
}

#[tokio::test]
async fn tr29_headers_of_limits_come_through_unchanged() {
    let limited = Script::json(429, r#"{"type":"error","error":{"type":"rate_limit_error","message":"Slow down"}}"#)
        .header("retry-after", "287441")
        .header("anthropic-ratelimit-unified-status", "rejected")
        .header("anthropic-ratelimit-unified-reset", "1790000000")
        .header("x-should-retry", "false")
        .header("anthropic-organization-id", "org-of-the-operator")
        .header("set-cookie", "session=1");
    let upstream = ScriptedUpstream::always(limited).await;
    let gateway = Gateway::before("anthropic", &upstream.url("/v1"));
    for face in [Dialect::Anthropic, Dialect::OpenAiChat, Dialect::OpenAiResponses] {
        // Who limits the rate is left alone for a while: each face asks for a model of its own.
        let answer = faces::ask(&gateway, face, &format!("up/{}", face.as_str()), true).await;
        assert_eq!(answer.status, 429, "{face:?}");
        assert_eq!(faces::error(face, &answer), "Slow down");
        for (name, value) in [
            ("retry-after", "287441"),
            ("anthropic-ratelimit-unified-status", "rejected"),
            ("anthropic-ratelimit-unified-reset", "1790000000"),
            ("x-should-retry", "false"),
        ] {
            assert_eq!(answer.header(name), Some(value), "{face:?}");
        }
        assert_eq!((answer.header("anthropic-organization-id"), answer.header("set-cookie")), (None, None));
    }
}

/// A body that is wrong, and what the client is told of it at least.
struct Wrong {
    name: &'static str,
    body: Bytes,
    headers: &'static [(&'static str, &'static str)],
    status: u16,
    says: &'static str,
    /// Also where the path names the model.
    any_face: bool,
}

fn wrong(face: Dialect) -> Vec<Wrong> {
    let good = faces::body(face, "up/m", false);
    let content = match face {
        Dialect::OpenAiResponses => "input",
        Dialect::Gemini => "contents",
        _ => "messages",
    };
    let case = |name, body: Vec<u8>, status, says| Wrong {
        name,
        body: body.into(),
        headers: &[],
        status,
        says,
        any_face: true,
    };
    let inserted = |member: &str| good.replacen('{', &format!("{{{member},"), 1).into_bytes();
    let of_model = |name, body: Vec<u8>, status, says| Wrong { any_face: false, ..case(name, body, status, says) };
    let model = |value: &str| good.replacen(r#""up/m""#, value, 1).into_bytes();
    vec![
        case("empty", Vec::new(), 400, ""),
        case("truncated", good.as_bytes()[..good.len() - 3].to_vec(), 400, ""),
        case("half a word", good.as_bytes()[..good.len() / 2].to_vec(), 400, ""),
        case("two documents", format!("{good}{good}").into_bytes(), 400, ""),
        case("no object", b"[1]".to_vec(), 400, ""),
        case("null", b"null".to_vec(), 400, ""),
        case("a text", b"\"hello\"".to_vec(), 400, ""),
        case("form data", b"model=up%2Fm&stream=false".to_vec(), 400, ""),
        case(
            "not UTF-8",
            inserted("\"user\":\"\u{7f}\"").iter().map(|b| if *b == 0x7f { 0xff } else { *b }).collect(),
            400,
            "",
        ),
        case("UTF-16", good.encode_utf16().flat_map(u16::to_le_bytes).collect(), 400, ""),
        case("a doubled member", inserted(&format!("\"{content}\":[]")), 400, content),
        case("deep nesting", inserted(&format!("\"x\":{}{}", "[".repeat(5000), "]".repeat(5000))), 400, ""),
        case(
            "content of a wrong type",
            format!(r#"{{"model":"up/m","max_tokens":5,"{content}":5}}"#).into_bytes(),
            400,
            content,
        ),
        case("content missing", br#"{"model":"up/m","max_tokens":5}"#.to_vec(), 400, content),
        case(
            "a turn of a wrong type",
            format!(r#"{{"model":"up/m","max_tokens":5,"{content}":[5]}}"#).into_bytes(),
            400,
            content,
        ),
        case("a role that does not exist", good.replacen("\"user\"", "\"nobody\"", 1).into_bytes(), 400, ""),
        Wrong { headers: &[("content-encoding", "gzip")], ..case("not gzip", good.clone().into_bytes(), 400, "") },
        Wrong {
            headers: &[("content-encoding", "rot13")],
            ..case("unknown coding", good.clone().into_bytes(), 415, "")
        },
        Wrong { headers: &[("x-tollgate-timeout", "soon")], ..case("no time", good.clone().into_bytes(), 400, "soon") },
        of_model("a near model", model(r#""asistant""#), 404, "`assistant`"),
        of_model("no such provider", model(r#""upp/m""#), 404, "did you mean"),
        of_model("model of a wrong type", model("5"), 400, "model"),
        of_model("model null", model("null"), 400, "model"),
        of_model("model empty", model(r#""""#), 404, ""),
        of_model("no model", good.replacen(r#""model":"up/m","#, "", 1).into_bytes(), 400, "model"),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bad_input_is_the_clients_fault_in_the_envelope_of_the_face_and_never_ours() {
    let upstream = ScriptedUpstream::choosing(|request| {
        let dialect = if request.target.contains("messages") { Dialect::Anthropic } else { Dialect::OpenAiChat };
        Script::json(200, faces::whole(dialect))
    })
    .await;
    let url = upstream.url("/v1");
    for face in faces::ALL {
        // Translated on every face: what is relayed is the provider's to refuse.
        let other = if face == Dialect::OpenAiChat { "anthropic" } else { "openai-chat" };
        let gateway = Gateway::start(&format!(
            "providers: {{ up: {{ dialect: {other}, base_url: \"{url}\", models: {{ m: {{}} }} }} }}\nmodels: {{ assistant: up/m }}"
        ));
        let in_path = matches!(face, Dialect::Gemini | Dialect::Bedrock);
        for wrong in wrong(face).into_iter().filter(|wrong| wrong.any_face || !in_path) {
            if wrong.name == "content missing" && face == Dialect::OpenAiResponses {
                continue; // A call may continue a response and say nothing new.
            }
            if wrong.name == "content missing" && face == Dialect::Ollama {
                continue; // It loads the model.
            }
            if wrong.name == "a role that does not exist" && matches!(face, Dialect::OpenAiResponses | Dialect::Gemini)
            {
                continue; // A text alone has no role; Gemini's roles are the caller's or the model's.
            }
            let before = Instant::now();
            let answer = gateway.post(&faces::path(face, "up/m", false), wrong.headers, wrong.body).await;
            let what = format!("{face:?} {}: {}", wrong.name, answer.text());
            assert_eq!(answer.status, wrong.status, "{what}");
            assert!(faces::error(face, &answer).contains(wrong.says), "{what}");
            assert!(before.elapsed() < Duration::from_secs(2), "{what}");
        }
        for path in [faces::path(face, "nobody/m", false), faces::path(face, "up-/m", true)] {
            if in_path {
                let answer = gateway.post(&path, &[], faces::body(face, "", false)).await;
                assert_eq!(answer.status, 404, "{path}: {}", answer.text());
                faces::error(face, &answer);
            }
        }
        let answer = gateway.get(&faces::path(face, "up/m", false), &[]).await;
        assert_eq!(answer.status, 405, "{face:?}");
        faces::error(face, &answer);
    }
    assert_eq!(upstream.requests().len(), 0, "{:#?}", upstream.requests());
}

#[tokio::test]
async fn invoke_model_says_an_error_within_a_stream_by_an_exception() {
    // What botocore raises of: frames that are exceptions. An error in a `chunk` would be handed on as content.
    let spoken = faces::Spoken::of(Dialect::Anthropic);
    let broken = spoken.script([&spoken.lifecycle[..], &spoken.content, std::slice::from_ref(&spoken.error)].concat());
    let cut = spoken.begun();
    for (dialect, script, exception) in [
        ("anthropic", broken, "serviceUnavailableException"),
        ("anthropic", cut, "internalServerException"),
        (
            "openai-chat",
            {
                let chat = faces::Spoken::of(Dialect::OpenAiChat);
                chat.script([&chat.lifecycle[..], &chat.content, std::slice::from_ref(&chat.error)].concat())
            },
            "serviceUnavailableException",
        ),
    ] {
        let upstream = ScriptedUpstream::always(script).await;
        let gateway = Gateway::before(dialect, &upstream.url("/v1"));
        let body =
            r#"{"anthropic_version":"bedrock-2023-05-31","max_tokens":9,"messages":[{"role":"user","content":"Hi"}]}"#;
        let answer = gateway.post("/model/up%2Fm/invoke-with-response-stream", &[], body).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let mut deframer = Deframer::for_content_type(answer.header("content-type").unwrap());
        deframer.push(answer.body.clone());
        let frames: Vec<_> = std::iter::from_fn(|| deframer.next_frame().unwrap()).collect();
        let (last, before) = frames.split_last().unwrap();
        assert!(
            before.len() >= 3 && before.iter().all(|frame| !frame.exception && frame.name() == "chunk"),
            "{dialect}"
        );
        assert!(last.exception, "{dialect}: {last:?}");
        assert_eq!(last.name(), exception, "{dialect}: {last:?}");
        assert!(Node::parse(&last.data).unwrap().text("message").is_some_and(|words| !words.is_empty()), "{last:?}");
    }
}
