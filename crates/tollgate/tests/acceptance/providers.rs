//! Every provider's record against a scripted host: path, credential and body arrive as the record says. And every
//! recording of a provider other than the big six through its own record, out in several faces.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use tollgate_ir::{Dialect, Operation};
use tollgate_testkit::{Received, Script, ScriptedUpstream};
use tollgate_wire::carriage::Carriage;
use tollgate_wire::json::{Envelope, Node};
use tollgate_wire::providers::{self, Auth, Provider, Speaks};

use crate::faces;
use crate::support::{Gateway, run};

/// A name that this way serves.
fn model(way: &Speaks) -> String {
    format!("{}-model-1", way.models.first().unwrap_or(&"some"))
}

/// What follows the host in a way's address, placeholders filled.
fn prefix(provider: &Provider, way: &Speaks) -> String {
    let base = way.base_url.unwrap_or(provider.base_url);
    let base = providers::address::fill(base, |_| Some("filled".to_owned())).unwrap();
    let path = base.splitn(4, '/').nth(3).unwrap_or_default();
    if path.is_empty() { String::new() } else { format!("/{path}") }
}

/// A key that this way of authenticating sends.
fn key(provider: &Provider) -> String {
    match provider.auth {
        Auth::Aws => format!("bedrock-key-of-{}", provider.id),
        _ => format!("key-of-{}", provider.id),
    }
}

/// Whether the key came as the record says.
fn paid(provider: &Provider, request: &Received) -> bool {
    let key = key(provider);
    match provider.auth {
        Auth::None => request.header("authorization").is_none(),
        Auth::Bearer | Auth::Aws | Auth::Google => {
            request.header("authorization") == Some(format!("Bearer {key}").as_str())
        }
        Auth::Scheme(word) => request.header("authorization") == Some(format!("{word} {key}").as_str()),
        Auth::Header(name) => request.header(name) == Some(key.as_str()),
        Auth::Azure => request.header("api-key") == Some(key.as_str()),
        Auth::Query(name) => request.target.contains(&format!("{name}={key}")),
        // The token that the key is exchanged for is the credentials' affair.
        Auth::Exchange(_) => request.header("authorization").is_some(),
    }
}

/// The providers that have an `n`th way, each with that way alone, at the scripted host.
fn config(upstream: &ScriptedUpstream, n: usize) -> String {
    let mut yaml = String::from("providers:\n");
    for p in providers::ALL {
        let Some(way) = p.speaks.get(n) else { continue };
        let url = upstream.url(&prefix(p, way));
        let key = if p.auth == Auth::None { String::new() } else { format!(", api_key: \"{}\"", key(p)) };
        let _ = writeln!(
            yaml,
            "  \"{}\": {{ dialect: {}, base_url: \"{url}\", region: us-east-1{key} }}",
            p.id, way.dialect
        );
    }
    yaml
}

/// Whether what came is a request of the dialect: its path and the members that its body cannot be without.
fn is_asked(provider: &Provider, way: &Speaks, request: &Received) -> Result<(), String> {
    let carriage: Carriage = way.carriage.parse().unwrap();
    let model = model(way);
    let path = carriage.path(way.dialect, Operation::Chat, &model, false).unwrap();
    let wanted = format!("{}{path}", prefix(provider, way));
    if request.method != "POST" || request.target != wanted {
        return Err(format!("{} {} for {wanted}", request.method, request.target));
    }
    let envelope = Envelope::scan(&request.body).map_err(|f| f.to_string())?;
    let words = match way.dialect {
        Dialect::OpenAiResponses => "input",
        Dialect::Gemini => "contents",
        _ => "messages",
    };
    let names_model = envelope.model() == Some(model.as_str());
    if envelope.member(words).is_none() || names_model == carriage.model_in_path(way.dialect, Operation::Chat) {
        return Err(format!("the body {}", String::from_utf8_lossy(&request.body)));
    }
    for (name, value) in provider.headers {
        if request.header(name) != Some(value) {
            return Err(format!("the header {name}"));
        }
    }
    if !paid(provider, request) {
        return Err(format!("the credential: {:?}", request.headers));
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_provider_is_asked_as_its_record_says() {
    let most = providers::ALL.iter().map(|p| p.speaks.len()).max().unwrap();
    let (mut wrong, mut asked) = (Vec::new(), 0);
    for n in 0..most {
        let upstream = ScriptedUpstream::always(Script::json(400, r#"{"error":{"message":"seen"}}"#)).await;
        let gateway = Gateway::start(&config(&upstream, n));
        for p in providers::ALL {
            let Some(way) = p.speaks.get(n).filter(|_| !matches!(p.auth, Auth::Exchange(_))) else { continue };
            let before = upstream.requests().len();
            // Asked in the provider's own dialect, which is relayed, and in another, which is translated.
            let other = if way.dialect == Dialect::Anthropic { Dialect::OpenAiChat } else { Dialect::Anthropic };
            for face in [way.dialect, other] {
                let name = format!("{}/{}", p.id, model(way));
                let answer = faces::ask(&gateway, face, &name, false).await;
                assert_eq!(answer.status, 400, "{} {}: {}", p.id, way.dialect, answer.text());
            }
            let requests = upstream.requests();
            for request in &requests[before..] {
                asked += 1;
                if let Err(what) = is_asked(p, way, request) {
                    wrong.push(format!("{} {}: {what}", p.id, way.dialect));
                }
            }
            assert_eq!(requests.len(), before + 2, "{} {}", p.id, way.dialect);
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(asked > 300, "{asked}");
}

/// Those that speak no dialect are handed through with their credential.
#[tokio::test]
async fn other_paths_of_a_provider_are_handed_through_with_its_credential() {
    let upstream = ScriptedUpstream::always(Script::json(200, "{}")).await;
    let mut yaml = String::from("providers:\n");
    let silent = || providers::ALL.iter().filter(|p| p.speaks.is_empty());
    for p in silent() {
        let _ =
            writeln!(yaml, "  \"{}\": {{ base_url: \"{}\", api_key: \"{}\" }}", p.id, upstream.url("/base"), key(p));
    }
    let gateway = Gateway::start(&yaml);
    for p in silent() {
        let answer = gateway.post(&format!("/{}/some/path?x=1", p.id), &[], "{}").await;
        assert_eq!(answer.status, 200, "{}: {}", p.id, answer.text());
        let request = upstream.requests().pop().unwrap();
        assert!(request.target.starts_with("/base/some/path?x=1"), "{}: {}", p.id, request.target);
        assert!(paid(p, &request), "{}: {:?}", p.id, request.headers);
    }
    assert!(silent().count() >= 10);
}

#[test]
fn at_least_140_providers_are_listed_with_their_dialects() {
    let folder = tempfile::tempdir().unwrap();
    let output = run(&["providers", "--json"], folder.path());
    let list = Node::read(&output.stdout).unwrap();
    assert!(list.items().len() >= 140, "{}", list.items().len());
    let mut spoken: BTreeMap<&str, usize> = BTreeMap::new();
    for provider in list.items() {
        let dialects = provider.get("dialects").unwrap().items();
        dialects.iter().for_each(|d| *spoken.entry(d.as_str().unwrap()).or_default() += 1);
        assert_eq!(provider.get("ways").unwrap().items().len(), dialects.len());
    }
    for (dialect, least) in [
        ("openai-chat", 130),
        ("openai-responses", 20),
        ("anthropic", 20),
        ("gemini", 3),
        ("bedrock", 1),
        ("cohere", 1),
    ] {
        assert!(spoken.get(dialect).is_some_and(|count| *count >= least), "{dialect}: {spoken:?}");
    }
}

#[tokio::test]
async fn a_missing_part_of_an_address_is_named_with_its_key_and_variable() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tollgate.yaml");
    for (id, key, variable) in [
        ("cloudflare-workers-ai", "account", "CLOUDFLARE_ACCOUNT_ID"),
        ("snowflake-cortex", "account", "SNOWFLAKE_ACCOUNT"),
        ("databricks", "workspace", "DATABRICKS_HOST"),
        ("azure", "resource", "AZURE_OPENAI_ENDPOINT"),
        ("google-vertex", "project", "GOOGLE_CLOUD_PROJECT"),
        ("amazon-bedrock", "region", "AWS_REGION"),
    ] {
        let written = |more: &str| format!("providers: {{ {id}: {{ api_key: k{more} }} }}");
        std::fs::write(&file, written("")).unwrap();
        let checked = run(&["check", "--config", "tollgate.yaml"], folder.path());
        let said = String::from_utf8_lossy(&checked.stderr).into_owned();
        assert!(!checked.status.success() && said.contains(key) && said.contains(variable), "{id}: {said}");
        std::fs::write(&file, written(&format!(", {key}: mine"))).unwrap();
        let checked = run(&["check", "--config", "tollgate.yaml"], folder.path());
        assert!(checked.status.success(), "{id}: {}", String::from_utf8_lossy(&checked.stderr));
    }
}

#[tokio::test]
async fn an_unknown_provider_in_a_name_lists_the_near_ones() {
    let gateway = Gateway::start(
        "providers: { openai: { api_key: k }, my-vllm: { dialect: openai-chat, base_url: \"http://127.0.0.1:1/v1\" } }",
    );
    for (name, said) in [
        ("openrouter/x", "OPENROUTER_API_KEY"),
        ("groqq/llama", "`groq/llama`"),
        ("my-vlm/llama", "`my-vllm/llama`"),
        ("together_ai/llama", "TOGETHER_API_KEY"),
    ] {
        let answer = faces::ask(&gateway, Dialect::OpenAiChat, name, false).await;
        assert_eq!(answer.status, 404, "{name}");
        assert!(answer.text().contains(said), "{name}: {}", answer.text());
    }
}
