//! What stands in the headers of replies, and what headers of requests ask for.

use std::io::Read;

use tollgate_ir::Dialect;
use tollgate_testkit::{Script, ScriptedUpstream};
use tollgate_wire::json::Node;

use crate::faces::{self, Spoken};
use crate::support::Gateway;

async fn of_anthropic() -> ScriptedUpstream {
    ScriptedUpstream::choosing(|request| match request.body.windows(13).any(|w| w == br#""stream":true"#) {
        true => Spoken::of(Dialect::Anthropic).all().header("request-id", "req_up").header("set-cookie", "a=b"),
        false => Script::json(200, faces::whole(Dialect::Anthropic))
            .header("request-id", "req_up")
            .header("anthropic-ratelimit-requests-remaining", "41")
            .header("openai-organization", "org-1"),
    })
    .await
}

fn priced(url: &str) -> String {
    format!(
        "providers: {{ up: {{ dialect: anthropic, base_url: \"{url}\", models: {{ m: {{ price: {{ input: 3, output: 15 }} }} }} }} }}\nmodels: {{ v: up/m }}"
    )
}

#[tokio::test]
async fn every_reply_says_what_was_decided() {
    let upstream = of_anthropic().await;
    let gateway = Gateway::start(&priced(&upstream.url("/v1")));
    for face in faces::ALL {
        for stream in [false, true] {
            let answer = faces::ask(&gateway, face, "v", stream).await;
            let what = format!("{face:?} stream={stream}: {:?}", answer.headers);
            let own = match face {
                Dialect::Anthropic => "request-id",
                Dialect::Bedrock => "x-amzn-requestid",
                _ => "x-request-id",
            };
            assert_eq!(answer.header("x-tollgate-request-id").map(str::len), Some(36), "{what}");
            assert!(answer.header(own).is_some(), "{what}");
            assert_eq!(answer.header("x-tollgate-model"), Some("up/m"), "{what}");
            assert_eq!(answer.header("x-tollgate-provider"), Some("up"), "{what}");
            assert_eq!(answer.header("x-tollgate-attempts"), Some("1"), "{what}");
            assert_eq!(answer.header("x-tollgate-cache"), Some("none"), "{what}");
            assert!(answer.header("x-tollgate-overhead-us").unwrap().parse::<u64>().is_ok(), "{what}");
            // 7 × 3 + 2 × 15 dollars per million.
            assert_eq!(answer.header("x-tollgate-cost"), (!stream).then_some("0.000051"), "{what}");
            assert_eq!((answer.header("set-cookie"), answer.header("openai-organization")), (None, None), "{what}");
            if !stream {
                assert_eq!(answer.header("anthropic-ratelimit-requests-remaining"), Some("41"), "{what}");
            }
            let record = gateway.record(&answer).await;
            assert!(record.contains(r#""cost_nanos":51000"#), "{record}");
        }
    }
}

#[tokio::test]
async fn trailers_tell_the_end_to_who_reads_them() {
    let upstream = of_anthropic().await;
    let gateway = Gateway::start(&priced(&upstream.url("/v1")));
    for face in faces::ALL {
        for h2 in [false, true] {
            let (path, body) = (faces::path(face, "v", true), faces::body(face, "v", true));
            let headers = [("te", "trailers")];
            let live = if h2 {
                gateway.open_h2(&path, &headers, body).await
            } else {
                gateway.open(&path, &headers, body).await
            };
            let answer = live.rest().await;
            let trailers = answer.trailers.clone().unwrap_or_else(|| panic!("{face:?} h2={h2}: no trailers"));
            assert_eq!(trailers["x-tollgate-cost"], "0.000051", "{face:?}");
            assert_eq!(trailers["x-tollgate-attempts"], "1", "{face:?}");
            // A connection that has the trailers asks for no more: the call is not one that its client left.
            let record = gateway.record(&answer).await;
            assert!(record.contains(r#""end":"done""#), "{face:?} h2={h2}: {record}");
        }
        let answer = faces::ask(&gateway, face, "v", true).await;
        assert!(answer.trailers.is_none(), "{face:?}");
    }
}

#[tokio::test]
async fn losses_are_named_and_the_strict_are_refused_instead() {
    let upstream = of_anthropic().await;
    let url = upstream.url("/v1");
    let gateway = Gateway::start(&format!(
        "providers:\n  up: {{ dialect: anthropic, base_url: \"{url}\" }}\n  proud: {{ dialect: anthropic, base_url: \"{url}\", unsupported_params: refuse }}\nmodels:\n  soft: up/m\n  hard: {{ fallback: [up/m], unsupported_params: refuse }}"
    ));
    let body = |model: &str| {
        faces::body(Dialect::OpenAiChat, model, false).replacen('{', r#"{"seed":7,"logit_bias":{"1":2},"#, 1)
    };
    let path = "/v1/chat/completions";
    let answer = gateway.post(path, &[], body("soft")).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let dropped = answer.header("x-tollgate-dropped").unwrap();
    assert!(dropped.contains("seed;dropped") && dropped.contains("logit_bias"), "{dropped}");
    let before = upstream.requests().len();
    for (model, headers) in [("soft", &[("x-tollgate-strict", "true")][..]), ("proud/m", &[]), ("hard", &[])] {
        let answer = gateway.post(path, headers, body(model)).await;
        assert_eq!(answer.status, 400, "{model}: {}", answer.text());
        assert!(faces::error(Dialect::OpenAiChat, &answer).contains("seed"), "{}", answer.text());
    }
    assert_eq!(upstream.requests().len(), before, "nothing was asked");
    let whole = Gateway::start(&format!(
        "unsupported_params: refuse\nproviders: {{ up: {{ dialect: anthropic, base_url: \"{url}\" }} }}"
    ));
    assert_eq!(whole.post(path, &[], body("up/m")).await.status, 400);
    assert_eq!(
        whole.post(path, &[], faces::body(Dialect::OpenAiChat, "up/m", false)).await.status,
        200,
        "nothing is lost"
    );
}

#[tokio::test]
async fn whole_replies_are_compressed_for_who_accepts_it_and_streams_never() {
    let long = faces::whole(Dialect::OpenAiChat).replace("Hello there", &"Hello there ".repeat(500));
    let upstream =
        ScriptedUpstream::queue([Script::json(200, long.clone()), Spoken::of(Dialect::OpenAiChat).all()]).await;
    let gateway = Gateway::before("openai-chat", &upstream.url("/v1"));
    let face = Dialect::OpenAiChat;
    let path = "/v1/chat/completions";
    let answer = gateway.post(path, &[("accept-encoding", "gzip")], faces::body(face, "up/m", false)).await;
    assert_eq!(answer.header("content-encoding"), Some("gzip"));
    let mut text = String::new();
    flate2::read::GzDecoder::new(&answer.body[..]).read_to_string(&mut text).unwrap();
    assert_eq!(text, long);
    let answer = gateway.post(path, &[("accept-encoding", "gzip, br, zstd")], faces::body(face, "up/m", true)).await;
    assert_eq!((answer.status, answer.header("content-encoding")), (200, None));
    assert_eq!(upstream.requests()[0].header("accept-encoding"), Some("identity"));
}

#[tokio::test]
async fn models_are_listed_in_the_form_of_who_asks() {
    let gateway = Gateway::start(
        "providers: { up: { dialect: openai-chat, base_url: \"http://127.0.0.1:9\", models: { m: {} } } }\nmodels: { v: up/m }",
    );
    let first = |answer: &crate::support::Answer, list: &str, name: &str| {
        let node = Node::parse(&answer.body).unwrap();
        let items = node.get(list).unwrap_or_else(|| panic!("{list}: {}", answer.text())).items();
        items.iter().filter_map(|item| item.text(name)).map(str::to_owned).collect::<Vec<_>>()
    };
    for (path, headers, list, name, prefix) in [
        ("/v1/models", &[][..], "data", "id", ""),
        ("/models", &[], "data", "id", ""),
        ("/openai/v1/models", &[], "data", "id", ""),
        ("/v1/models?client_version=0.99", &[], "models", "slug", ""),
        ("/v1/models", &[("anthropic-version", "2023-06-01")], "data", "id", ""),
        ("/anthropic/v1/models", &[], "data", "id", ""),
        ("/v1beta/models", &[], "models", "name", "models/"),
        ("/v1/models", &[("x-goog-api-key", "x")], "models", "name", "models/"),
    ] {
        let answer = gateway.get(path, headers).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        assert_eq!(first(&answer, list, name), [format!("{prefix}v"), format!("{prefix}up/m")], "{path}");
    }
    let anthropic = gateway.get("/v1/models", &[("anthropic-version", "2023-06-01")]).await;
    assert!(anthropic.text().contains(r#""has_more":false"#) && anthropic.text().contains(r#""type":"model""#));
    for path in ["/v1/models/v", "/v1/models/up/m", "/v1/models/up%2Fm", "/v1beta/models/v", "/anthropic/v1/models/v"] {
        let answer = gateway.get(path, &[]).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
    }
    for (path, face) in [
        ("/v1/models/nope", Dialect::OpenAiChat),
        ("/v1beta/models/nope", Dialect::Gemini),
        ("/anthropic/v1/models/nope", Dialect::Anthropic),
    ] {
        let answer = gateway.get(path, &[]).await;
        assert_eq!(answer.status, 404, "{path}: {}", answer.text());
        faces::error(face, &answer);
    }
}

#[tokio::test]
async fn the_usual_slips_of_a_base_url_work_and_unknown_paths_speak_the_faces_envelope() {
    let upstream = ScriptedUpstream::always(Script::json(200, faces::whole(Dialect::OpenAiChat))).await;
    let gateway = Gateway::before("openai-chat", &upstream.url("/v1"));
    for (face, paths) in [
        (
            Dialect::OpenAiChat,
            &[
                "/chat/completions",
                "/v1/v1/chat/completions",
                "/openai/v1/chat/completions",
                "/api/v1/chat/completions",
            ][..],
        ),
        (Dialect::OpenAiResponses, &["/responses", "/v1/v1/responses", "/openai/v1/responses"]),
        (Dialect::Anthropic, &["/messages", "/v1/v1/messages", "/anthropic/v1/messages", "/anthropic/messages"]),
        (
            Dialect::Gemini,
            &[
                "/genai/v1beta/models/up%2Fm:generateContent",
                "/v1beta/models/up/m:generateContent",
                "/v1/models/up/m:generateContent",
            ],
        ),
        (Dialect::Bedrock, &["/bedrock/model/up%2Fm/converse", "/model/up/m/converse"]),
        (Dialect::Cohere, &["/cohere/v2/chat", "/cohere/chat"]),
    ] {
        for path in paths {
            let answer = gateway.post(path, &[], faces::body(face, "up/m", false)).await;
            assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        }
    }
    for (face, path) in [
        (Dialect::OpenAiChat, "/v1/nothing"),
        (Dialect::Anthropic, "/anthropic/v1/nothing"),
        (Dialect::Gemini, "/v1beta/nothing"),
        (Dialect::Bedrock, "/model/nothing"),
        (Dialect::Cohere, "/v2/nothing"),
        (Dialect::Ollama, "/api/nothing"),
    ] {
        let answer = gateway.post(path, &[], "{}").await;
        assert_eq!(answer.status, 404, "{path}: {}", answer.text());
        faces::error(face, &answer);
    }
}
