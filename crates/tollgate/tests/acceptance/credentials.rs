//! How providers are authenticated with, seen from outside: what they get, what token endpoints get, what is said.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tollgate_ir::Dialect::{self, OpenAiChat};
use tollgate_testkit::{Received, Script, ScriptedUpstream};

use crate::faces;
use crate::support::{Gateway, run};

/// A provider of OpenAI's chat that refuses what `admits` refuses.
async fn chat(admits: impl Fn(&Received) -> bool + Send + Sync + 'static) -> ScriptedUpstream {
    ScriptedUpstream::choosing(move |request| match admits(request) {
        true => Script::json(200, faces::whole(OpenAiChat)),
        false => Script::json(401, r#"{"error":{"message":"Your token has expired","type":"auth","code":"expired"}}"#),
    })
    .await
}

/// Gives `token-1`, `token-2` … after a moment.
async fn tokens() -> ScriptedUpstream {
    let count = AtomicUsize::new(0);
    ScriptedUpstream::choosing(move |_| {
        let n = count.fetch_add(1, Ordering::SeqCst) + 1;
        Script::json(200, format!(r#"{{"access_token":"token-{n}","expires_in":3600}}"#))
            .wait(Duration::from_millis(50))
    })
    .await
}

#[tokio::test]
async fn a_key_goes_where_the_configuration_says() {
    let up = chat(|_| true).await;
    let provider = |name: &str, auth: &str| {
        format!("  {name}: {{ dialect: openai-chat, base_url: \"{}\", {auth} }}\n", up.url("/v1"))
    };
    let gateway = Gateway::start_with(
        &[
            "server: { listen: \"{listen}\" }\nproviders:\n",
            &provider("header", "api_key: k1, auth: { header: X-My-Key }"),
            &provider("query", "api_key: k2, auth: { query: code }"),
            &provider("scheme", "api_key: k3, auth: { scheme: Token }"),
            &provider("bearer", "api_key: k4, auth: bearer"),
            &provider("none", "auth: none"),
            &provider("pass", "api_key: passthrough, auth: { header: api-key }"),
        ]
        .concat(),
        &[],
    );
    for (provider, header, target) in [
        ("header", Some(("x-my-key", "k1")), "/v1/chat/completions"),
        ("query", None, "/v1/chat/completions?code=k2"),
        ("scheme", Some(("authorization", "Token k3")), "/v1/chat/completions"),
        ("bearer", Some(("authorization", "Bearer k4")), "/v1/chat/completions"),
        ("none", None, "/v1/chat/completions"),
        ("pass", Some(("api-key", "client-key")), "/v1/chat/completions"),
    ] {
        let before = up.requests().len();
        let body = faces::body(OpenAiChat, &format!("{provider}/m"), false);
        let headers = [("content-type", "application/json"), ("authorization", "Bearer client-key")];
        let answer = gateway.post("/v1/chat/completions", &headers, body).await;
        assert_eq!(answer.status, 200, "{provider}: {}", answer.text());
        let request = &up.requests()[before];
        assert_eq!(request.target, target, "{provider}");
        for name in ["authorization", "x-my-key", "api-key", "x-api-key"] {
            let wanted = header.filter(|(wanted, _)| *wanted == name).map(|(_, value)| value);
            assert_eq!(request.header(name), wanted, "{provider}: {name}");
        }
    }
}

fn entra(up: &ScriptedUpstream, tokens: &ScriptedUpstream) -> String {
    format!(
        "providers: {{ az: {{ dialect: openai-chat, base_url: \"{}\", auth: {{ azure: {{ tenant_id: t, client_id: c, client_secret: s, authority: \"{}\" }} }} }} }}",
        up.url("/v1"),
        tokens.url("")
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_calls_cost_one_token_and_a_refused_one_is_renewed_once() {
    let tokens = tokens().await;
    let good = Arc::new(AtomicUsize::new(1));
    let now = Arc::clone(&good);
    let up = chat(move |request| {
        request.header("authorization") == Some(&format!("Bearer token-{}", now.load(Ordering::SeqCst)))
    })
    .await;
    let gateway = Arc::new(Gateway::start(&entra(&up, &tokens)));
    let burst = async |gateway: &Arc<Gateway>| {
        let calls: Vec<_> = (0..100)
            .map(|_| {
                let gateway = Arc::clone(gateway);
                tokio::spawn(async move { faces::ask(&gateway, OpenAiChat, "az/m", false).await })
            })
            .collect();
        for call in calls {
            let answer = call.await.unwrap();
            assert_eq!((answer.status, answer.header("x-tollgate-attempts")), (200, Some("1")), "{}", answer.text());
        }
    };
    burst(&gateway).await;
    assert_eq!(tokens.requests().len(), 1);
    // The provider takes the token no more, long before its end.
    good.store(2, Ordering::SeqCst);
    burst(&gateway).await;
    assert_eq!(tokens.requests().len(), 2);
    // And now it refuses the new one too: its own words are what the client gets.
    good.store(9, Ordering::SeqCst);
    let before = up.requests().len();
    let refused = faces::ask(&gateway, OpenAiChat, "az/m", false).await;
    assert_eq!(refused.status, 401, "{}", refused.text());
    assert!(refused.text().contains("Your token has expired"), "{}", refused.text());
    assert!(up.requests().len() - before <= 2, "{}", up.requests().len() - before);
}

#[tokio::test]
async fn what_is_missing_is_named_with_the_places_where_it_was_looked_for() {
    let gateway = Gateway::start_with(
        "server: { listen: \"{listen}\" }\nproviders: { openai: {}, amazon-bedrock: { region: eu-west-1 }, azure: { resource: r, auth: azure } }\n",
        &[("AWS_EC2_METADATA_DISABLED", "true"), ("AZURE_CLIENT_SECRET", "s"), ("HOME", "/nonexistent")],
    );
    for (model, expected) in [
        ("openai/gpt-5", "Looked for, in this order: 1. `providers.openai.api_key`; 2. OPENAI_API_KEY (not set)."),
        (
            "amazon-bedrock/amazon.nova-lite-v1:0",
            "1. AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (not set); 2. AWS_WEB_IDENTITY_TOKEN_FILE with AWS_ROLE_ARN (not set); 3. the profile `default` of ~/.aws/config and ~/.aws/credentials (no such files); 4.",
        ),
        ("azure/gpt-5", "AZURE_TENANT_ID is not set, nor `auth.azure.tenant_id`"),
    ] {
        let answer = faces::ask(&gateway, OpenAiChat, model, false).await;
        assert_eq!((answer.status, answer.header("x-tollgate-fault")), (503, Some("TG3003")), "{}", answer.text());
        assert!(answer.text().contains(expected), "{}", answer.text());
    }
    let folder = tempfile::tempdir().unwrap();
    for (text, expected) in [
        ("{ amazon-bedrock: {} }", "it needs `region` (or AWS_REGION, or AWS_DEFAULT_REGION)"),
        ("{ google-vertex: {} }", "it needs `project` (or GOOGLE_CLOUD_PROJECT"),
        ("{ azure: { api_key: k } }", "it needs `resource` (or AZURE_OPENAI_ENDPOINT"),
        ("{ openai: { auth: { oauth2: { token_url: x, client_id: c, client_secret: s } } } }", "must be a URL"),
        ("{ openai: { api_key: k, auth: none } }", "says another credential than the keys beside it"),
        ("{ openai: { auth: azur } }", "is none of none, bearer, aws, google, azure"),
        ("{ openai: { auth: { header: a, query: b } } }", "must have exactly one of"),
        ("{ openai: { auth: { aws: { access_key_id: AKIA } } } }", "come together"),
    ] {
        std::fs::write(folder.path().join("tollgate.yaml"), format!("providers: {text}\n")).unwrap();
        let output = run(&["check", "--config", "tollgate.yaml"], folder.path());
        let said = String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
        assert!(!output.status.success() && said.contains(expected), "{text}: {said}");
    }
}

#[tokio::test]
async fn vertex_serves_each_maker_beneath_its_own_path() {
    let tokens = tokens().await;
    let up = ScriptedUpstream::choosing(|request: &Received| {
        let dialect = if request.target.contains("anthropic") { Dialect::Anthropic } else { Dialect::Gemini };
        Script::json(200, faces::whole(dialect))
    })
    .await;
    let folder = tempfile::tempdir().unwrap();
    let user = format!(
        r#"{{"type":"authorized_user","client_id":"c","client_secret":"s","refresh_token":"r","token_uri":"{}"}}"#,
        tokens.url("/token")
    );
    std::fs::write(folder.path().join("user.json"), user).unwrap();
    let config = format!(
        "server: {{ listen: \"{{listen}}\" }}\nproviders: {{ google-vertex: {{ base_url: \"{}\", auth: {{ google: {{ credentials_file: ./user.json }} }} }} }}\n",
        up.url("/v1/projects/p/locations/global/publishers/google")
    );
    let gateway = Gateway::start_in(folder, &config, &[]);
    for (model, path) in [
        (
            "gemini-2.5-flash",
            "/v1/projects/p/locations/global/publishers/google/models/gemini-2.5-flash:generateContent",
        ),
        (
            "claude-sonnet-4-5",
            "/v1/projects/p/locations/global/publishers/anthropic/models/claude-sonnet-4-5:rawPredict",
        ),
    ] {
        let answer = faces::ask(&gateway, OpenAiChat, &format!("google-vertex/{model}"), false).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let request = up.requests().pop().unwrap();
        assert_eq!((request.target.as_str(), request.header("authorization")), (path, Some("Bearer token-1")));
    }
}

/// A token endpoint that quotes what it was sent.
async fn gossip() -> ScriptedUpstream {
    ScriptedUpstream::choosing(|request: &Received| {
        let sent = String::from_utf8_lossy(&request.body).into_owned();
        if request.target.contains("refuse") {
            let words = format!("I do not know {sent}").replace(['"', '\\'], "");
            let proofs = ["canary-entra-secret", "canary-refresh-token", "canary-client-secret"];
            let proof = proofs.iter().find(|proof| sent.contains(**proof)).unwrap_or(&"canary-client-secret");
            return Script::json(401, format!(r#"{{"error":"{proof}","error_description":"{words}"}}"#));
        }
        if sent.contains("AssumeRole") {
            return Script::status(200).chunk(
                "<R><AccessKeyId>ASIA1</AccessKeyId><SecretAccessKey>canary-role-secret</SecretAccessKey>\
                 <SessionToken>canary-session-token</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration></R>",
            );
        }
        Script::json(200, r#"{"access_token":"canary-access-token","expires_in":3600}"#)
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[expect(clippy::too_many_lines, reason = "one configuration with a canary for each credential")]
async fn se07_fetched_credentials_are_said_nowhere() {
    let endpoint = gossip().await;
    let up = ScriptedUpstream::choosing(|request: &Received| match request.target.contains("bedrock") {
        true => Script::json(200, faces::whole(Dialect::Bedrock)),
        false => Script::json(401, r#"{"error":{"message":"Incorrect token"}}"#),
    })
    .await;
    let provider = |name: &str, dialect: &str, auth: &str| {
        format!("  {name}: {{ dialect: {dialect}, base_url: \"{}/{dialect}\", auth: {{ {auth} }} }}\n", up.url(""))
    };
    let url = |path: &str| endpoint.url(path);
    let oauth = |path: &str, way: &str| {
        format!(
            "oauth2: {{ token_url: \"{}\", client_id: c, client_secret: canary-client-secret, client_auth: {way} }}",
            url(path)
        )
    };
    let user = format!(
        r#"{{"type":"authorized_user","client_id":"c","client_secret":"canary-user-secret","refresh_token":"canary-refresh-token","token_uri":"{}"}}"#,
        url("/refuse")
    );
    let config = [
        "server: { listen: \"{listen}\" }\nlog: { level: trace }\nproviders:\n".to_owned(),
        provider("oauth", "openai-chat", &oauth("/token", "basic")),
        provider("refused", "openai-chat", &oauth("/refuse", "post")),
        provider("refused2", "openai-chat", &oauth("/refuse", "basic")),
        provider(
            "az",
            "openai-chat",
            &format!(
                "azure: {{ tenant_id: t, client_id: c, client_secret: canary-entra-secret, authority: \"{}\" }}",
                url("/refuse")
            ),
        ),
        provider("user", "openai-chat", "google: { credentials: \"${file:./user.json}\" }"),
        provider(
            "aws",
            "bedrock",
            "aws: { access_key_id: AKIA1, secret_access_key: canary-aws-secret, role_arn: \"arn:aws:iam::1:role/r\" }",
        ),
    ]
    .concat();
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("user.json"), user).unwrap();
    let variables = [("AWS_ENDPOINT_URL_STS", endpoint.url("/sts")), ("AWS_REGION", "us-east-1".to_owned())];
    let variables = variables.each_ref().map(|(name, value)| (*name, value.as_str()));
    let gateway = Gateway::start_in(folder, &config, &variables);
    let mut said = Vec::new();
    for face in [OpenAiChat, Dialect::Anthropic] {
        for model in ["oauth/m", "refused/m", "refused2/m", "az/m", "user/m", "aws/m"] {
            let answer = faces::ask(&gateway, face, model, false).await;
            assert_eq!(answer.status == 200, model == "aws/m", "{model}: {}", answer.text());
            said.push(format!("{:?} {}", answer.headers, answer.text()));
        }
    }
    for path in ["/api/v1/calls?limit=100", "/metrics"] {
        said.push(gateway.get(path, &[]).await.text());
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    let log = gateway.binary.printed();
    assert!(log.contains("TRACE") && log.contains("refused with 401"), "{log}");
    said.push(log);
    for text in &said {
        if let Some(at) = text.find("canary-") {
            panic!("…{}", &text[at.saturating_sub(300)..(at + 60).min(text.len())]);
        }
    }
    let used: Vec<_> = endpoint.requests().into_iter().chain(up.requests()).collect();
    let used: String = used.iter().map(|r| format!("{:?} {:?}", r.headers, r.body)).collect();
    for canary in [
        "canary-client-secret",
        "canary-entra-secret",
        "canary-refresh-token",
        "canary-access-token",
        "canary-session-token",
    ] {
        assert!(used.contains(canary), "{canary} was never used: the test proves nothing");
    }
}
