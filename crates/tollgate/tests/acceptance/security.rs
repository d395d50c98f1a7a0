//! Who may call from where, and what no request may name.

use std::time::{Duration, Instant};

use http::Method;
use tollgate_ir::Dialect;
use tollgate_testkit::{Script, ScriptedUpstream};

use crate::faces;
use crate::support::{Gateway, send};

async fn chat() -> ScriptedUpstream {
    ScriptedUpstream::always(Script::json(200, faces::whole(Dialect::OpenAiChat))).await
}

#[tokio::test]
async fn se05_no_request_names_an_address_or_a_credential() {
    let canary = ScriptedUpstream::always(Script::json(200, faces::whole(Dialect::OpenAiChat))).await;
    let upstream = chat().await;
    let gateway = Gateway::start(&format!(
        "providers: {{ up: {{ dialect: openai-chat, base_url: \"{}\", api_key: operators-secret }} }}",
        upstream.url("/v1")
    ));
    let url = canary.url("/v1");
    let with = |face, member: String| faces::body(face, "up/m", false).replacen('{', &format!("{{{member},"), 1);
    for face in faces::ALL {
        let path = faces::path(face, "up/m", false);
        let mut members = Vec::new();
        for name in [
            "api_base",
            "base_url",
            "api_key",
            "API_BASE",
            "apiBase",
            "extra_headers",
            "api-base",
            "user_config",
            "model_list",
            "proxy_url",
            "aws_bedrock_runtime_endpoint",
            "azure_endpoint",
            "vertex_credentials",
        ] {
            members.push(format!(r#""{name}":"{url}""#));
        }
        for place in ["metadata", "litellm_params", "extra_body", "litellm_metadata", "vector_store_config"] {
            members.push(format!(r#""{place}":{{"api_base":"{url}"}}"#));
            members.push(format!(r#""{place}":{{"deep":[{{"base_url":"{url}"}}]}}"#));
        }
        members.push(format!(
            r#""tools":[{{"type":"function","name":"f","function":{{"name":"f"}},"api_base":"{url}"}}]"#
        ));
        members.push(format!(r#""\u0061pi_base":"{url}""#));
        for member in members {
            let answer = gateway.post(&path, &[], with(face, member.clone())).await;
            assert_eq!(answer.status, 400, "{face:?} {member}: {}", answer.text());
            faces::error(face, &answer);
            assert_eq!(answer.header("x-tollgate-fault"), Some("TG1009"), "{face:?} {member}: {}", answer.text());
        }
        for name in ["x-litellm-api-base", "x-portkey-custom-host", "helicone-target-url", "api-base", "x-base-url"] {
            let answer = gateway.post(&path, &[(name, &url)], faces::body(face, "up/m", false)).await;
            assert_eq!(answer.status, 400, "{face:?} {name}: {}", answer.text());
            faces::error(face, &answer);
        }
    }
    // A host of the client's choice goes nowhere.
    for headers in
        [[("x-forwarded-host", "evil.example")], [("forwarded", "host=evil.example")], [("x-original-url", "/evil")]]
    {
        let answer =
            gateway.post("/v1/chat/completions", &headers, faces::body(Dialect::OpenAiChat, "up/m", false)).await;
        assert_eq!(answer.status, 200, "{headers:?}");
        assert_eq!(upstream.requests().last().unwrap().header(headers[0].0), None);
    }
    // In schemas and texts such words are data.
    let schema = r#""tools":[{"type":"function","function":{"name":"f","description":"api_key base_url","parameters":{"type":"object","properties":{"api_base":{"type":"string"},"api_key":{}}}}}]"#;
    let answer = gateway.post("/v1/chat/completions", &[], with(Dialect::OpenAiChat, schema.into())).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(canary.requests().len(), 0);
}

#[tokio::test]
async fn se06_media_are_fetched_from_public_addresses_only() {
    let canary = ScriptedUpstream::always(Script::json(200, "secret")).await;
    let upstream = ScriptedUpstream::always(Script::json(200, faces::whole(Dialect::Bedrock))).await;
    let gateway = Gateway::before("bedrock", &upstream.url(""));
    let port = canary.address().port();
    for url in [
        format!("http://127.0.0.1:{port}/x.png"),
        format!("http://localhost:{port}/x.png"),
        format!("http://2130706433:{port}/x.png"),
        format!("http://0x7f.1:{port}/x.png"),
        format!("http://0177.0.0.1:{port}/x.png"),
        format!("http://[::1]:{port}/x.png"),
        format!("http://[::ffff:127.0.0.1]:{port}/x.png"),
        format!("http://[::ffff:7f00:1]:{port}/x.png"),
        format!("http://0.0.0.0:{port}/x.png"),
        format!("http://user:pw@127.0.0.1:{port}/x.png"),
        format!("http://example.com@127.0.0.1:{port}/x.png"),
        "http://169.254.169.254/latest/meta-data/".into(),
        "http://[fd00:ec2::254]/latest/meta-data/".into(),
        "http://[::ffff:10.0.0.1]/x.png".into(),
        "http://[64:ff9b::a00:1]/x.png".into(),
        "http://10.0.0.1/x.png".into(),
        "http://192.168.1.1/x.png".into(),
        "http://172.16.0.1/x.png".into(),
        "http://100.100.100.200/x.png".into(),
        "https://no-such-host.invalid/x.png".into(),
        "file:///etc/passwd".into(),
        "ftp://example.com/x.png".into(),
        "gopher://127.0.0.1/".into(),
        "http:///x.png".into(),
        "http://".into(),
    ] {
        let body = format!(
            r#"{{"model":"up/m","messages":[{{"role":"user","content":[{{"type":"text","text":"What?"}},{{"type":"image_url","image_url":{{"url":"{url}"}}}}]}}]}}"#
        );
        let before = Instant::now();
        let answer = gateway.post("/v1/chat/completions", &[], body).await;
        assert_eq!(answer.status, 400, "{url}: {}", answer.text());
        let message = faces::error(Dialect::OpenAiChat, &answer);
        assert!(!message.contains("secret"), "{url}: {message}");
        assert!(before.elapsed() < Duration::from_secs(2), "{url}: {:?}", before.elapsed());
    }
    assert_eq!((canary.requests().len(), upstream.requests().len()), (0, 0));
    let off = Gateway::start(&format!(
        "media: {{ fetch: off }}\nproviders: {{ up: {{ dialect: bedrock, base_url: \"{}\" }} }}",
        upstream.url("")
    ));
    let body = r#"{"model":"up/m","messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"https://example.com/x.png"}}]}]}"#;
    let answer = off.post("/v1/chat/completions", &[], body).await;
    assert_eq!(
        (answer.status, answer.at(&["error", "param"]).as_deref()),
        (400, Some("messages[0].content[0]")),
        "{}",
        answer.text()
    );
}

#[tokio::test]
async fn keys_are_found_where_sdks_put_them_and_two_different_ones_are_refused() {
    let upstream = chat().await;
    let gateway = Gateway::start(&format!(
        "providers: {{ up: {{ dialect: openai-chat, base_url: \"{}\", api_key: operators }} }}\nkeys: [{{ name: a, key: key-a }}, {{ name: b, key: key-b }}]",
        upstream.url("/v1")
    ));
    for face in faces::ALL {
        let path = faces::path(face, "up/m", false);
        for (headers, status) in [
            (&[][..], 401),
            (&[("authorization", "Bearer key-a")], 200),
            (&[("x-api-key", "key-a")], 200),
            (&[("x-goog-api-key", "key-a")], 200),
            (&[("api-key", "key-a")], 200),
            (&[("x-tollgate-key", "key-a")], 200),
            (&[("x-tollgate-key", "key-a"), ("authorization", "Bearer sk-of-somebody")], 200),
            (&[("authorization", "Bearer key-a"), ("x-api-key", "key-a")], 200),
            (&[("authorization", "Bearer key-a"), ("x-api-key", "key-b")], 401),
            (&[("authorization", "Bearer key-A")], 401),
            (&[("authorization", "Bearer ")], 401),
            (&[("authorization", "Basic key-a")], 401),
            (&[("authorization", "Bearer ' OR 1=1 --")], 401),
            (
                &[(
                    "authorization",
                    "AWS4-HMAC-SHA256 Credential=key-a/20260101/us-east-1/bedrock/aws4_request, SignedHeaders=host, Signature=0",
                )],
                200,
            ),
        ] {
            let answer = gateway.post(&path, headers, faces::body(face, "up/m", false)).await;
            assert_eq!(answer.status, status, "{face:?} {headers:?}: {}", answer.text());
            if status == 401 {
                faces::error(face, &answer);
            } else {
                assert_eq!(upstream.requests().last().unwrap().header("authorization"), Some("Bearer operators"));
            }
        }
    }
    let answer = gateway
        .post("/v1beta/models/up%2Fm:generateContent?key=key-a", &[], faces::body(Dialect::Gemini, "", false))
        .await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert!(!upstream.requests().last().unwrap().target.contains("key-a"));
    // With keys no admin API is open, and figures are for this machine.
    assert_eq!(gateway.get("/api/v1/calls", &[("authorization", "Bearer key-a")]).await.status, 401);
    assert_eq!(gateway.post("/api/v1/reload", &[], "").await.status, 401);
}

#[tokio::test]
async fn without_keys_only_this_machine_and_no_web_page_may_call() {
    let upstream = chat().await;
    let gateway = Gateway::start_with(
        &format!(
            "server: {{ listen: \"{{listen}}\", cors: {{ origins: [\"https://app.example\"] }} }}\nproviders: {{ up: {{ dialect: openai-chat, base_url: \"{}\" }} }}",
            upstream.url("/v1")
        ),
        &[],
    );
    for face in faces::ALL {
        for (headers, status) in [
            (&[("host", "localhost")][..], 200),
            (&[("host", "localhost:4000")], 200),
            (&[("host", "127.0.0.1:4000")], 200),
            (&[("host", "evil.example")], 403),
            (&[("host", "127.0.0.1.evil.example")], 403),
            (&[("host", "10.0.0.7:4000")], 403),
            (&[("origin", "https://app.example")], 200),
            (&[("origin", "https://evil.example")], 403),
            (&[("origin", "null")], 403),
            (&[("authorization", "Bearer whatever")], 200),
        ] {
            let answer =
                gateway.post(&faces::path(face, "up/m", false), headers, faces::body(face, "up/m", false)).await;
            assert_eq!(answer.status, status, "{face:?} {headers:?}: {}", answer.text());
            if status == 403 {
                faces::error(face, &answer);
            }
        }
    }
    for headers in [[("host", "evil.example")], [("origin", "https://evil.example")]] {
        for path in ["/api/v1/calls", "/metrics"] {
            let answer = gateway.get(path, &headers).await;
            assert!(matches!(answer.status, 401 | 403), "{path} {headers:?}: {}", answer.text());
        }
    }
}

#[tokio::test]
async fn browsers_are_told_which_origins_may_call() {
    let upstream = chat().await;
    let gateway = Gateway::start_with(
        &format!(
            "server: {{ listen: \"{{listen}}\", cors: {{ origins: [\"https://app.example\"] }} }}\nproviders: {{ up: {{ dialect: openai-chat, base_url: \"{}\" }} }}\nkeys: [{{ name: a, key: key-a }}]",
            upstream.url("/v1")
        ),
        &[],
    );
    for (origin, allowed) in [("https://app.example", Some("https://app.example")), ("https://evil.example", None)] {
        let asked = [
            ("origin", origin),
            ("access-control-request-method", "POST"),
            ("access-control-request-headers", "authorization,content-type"),
        ];
        let preflight =
            send(gateway.binary.address, Method::OPTIONS, "/v1/chat/completions", &asked, bytes::Bytes::new(), false)
                .await
                .rest()
                .await;
        assert_eq!((preflight.status, preflight.header("access-control-allow-origin")), (204, allowed));
        if allowed.is_some() {
            assert_eq!(preflight.header("access-control-allow-headers"), Some("authorization,content-type"));
        }
        for (key, status) in [("key-a", 200), ("wrong", 401)] {
            let authorization = format!("Bearer {key}");
            let headers = [("origin", origin), ("authorization", &*authorization)];
            let answer =
                gateway.post("/v1/chat/completions", &headers, faces::body(Dialect::OpenAiChat, "up/m", false)).await;
            assert_eq!(
                (answer.status, answer.header("access-control-allow-origin")),
                (status, allowed),
                "{origin} {key}"
            );
        }
    }
}

#[tokio::test]
async fn pass_through_stays_within_the_provider_and_with_its_credential() {
    let upstream = ScriptedUpstream::choosing(|request| match request.target.as_str() {
        "/v1/broken" => Script { sized: false, ..Script::status(200) }
            .chunk("half")
            .step(tollgate_testkit::Step::Wait(Duration::from_millis(50)))
            .step(tollgate_testkit::Step::Cut),
        _ => Script::json(203, r#"{"ok":true}"#).header("set-cookie", "a=b").header("x-ratelimit-limit", "5"),
    })
    .await;
    let gateway = Gateway::start(&format!(
        "providers: {{ up: {{ dialect: openai-chat, base_url: \"{}\", api_key: operators }} }}\nkeys: [{{ name: a, key: key-a }}]",
        upstream.url("/v1")
    ));
    let headers = [("authorization", "Bearer key-a"), ("content-type", "text/plain"), ("cookie", "c=d")];
    let answer = gateway.post("/up/v1/some/thing?x=1&key=key-a", &headers, "any bytes").await;
    assert_eq!((answer.status, answer.text().as_str()), (203, r#"{"ok":true}"#));
    assert_eq!((answer.header("set-cookie"), answer.header("x-ratelimit-limit")), (None, Some("5")));
    let seen = &upstream.requests()[0];
    assert_eq!((seen.target.as_str(), &seen.body[..]), ("/v1/some/thing?x=1", &b"any bytes"[..]));
    assert_eq!((seen.header("authorization"), seen.header("cookie")), (Some("Bearer operators"), None));
    assert_eq!(seen.header("content-type"), Some("text/plain"));
    for path in ["/up/../admin", "/up/v1/%2e%2e/x", "/up/a%2Fb", "/up/a/./b", "/nobody/v1/x"] {
        let answer = gateway.post(path, &headers, "x").await;
        assert_eq!(answer.status, 404, "{path}: {}", answer.text());
    }
    assert_eq!(gateway.post("/up/v1/x", &[], "x").await.status, 401);
    assert_eq!(upstream.requests().len(), 1);
    let broken = gateway.post("/up/v1/broken", &headers, "x").await;
    assert!(!broken.whole, "an answer that broke off must not end as if it were whole: {broken:?}");
}
