//! The catalogue as operators and clients meet it: listed, compared, reloaded, overridden.

use std::process::{Command, Output};

use tollgate_ir::Dialect;
use tollgate_testkit::{Script, ScriptedUpstream};
use tollgate_wire::json::Node;

use crate::faces;
use crate::support::{Gateway, TOLLGATE, until};

/// Runs `tollgate models …` to its end, whatever it prints.
fn models(arguments: &[&str]) -> Output {
    let folder = tempfile::tempdir().unwrap();
    Command::new(TOLLGATE).arg("models").args(arguments).current_dir(folder.path()).env_clear().output().unwrap()
}

fn names(json: &[u8]) -> Vec<String> {
    Node::parse(json).unwrap().items().iter().map(|item| item.text("name").unwrap().to_owned()).collect()
}

#[test]
fn models_are_listed_filtered_and_compared() {
    let all = models(&["--json"]);
    let node = Node::parse(&all.stdout).unwrap();
    assert!(node.items().len() >= 4_000, "{}", node.items().len());
    let offers = node.items().iter().filter(|item| item.text("kind") == Some("catalogue"));
    for offer in offers {
        let sources = offer.get("sources").map(|sources| sources.items().len()).unwrap_or_default();
        assert!(sources > 0, "{:?}", offer.text("name"));
    }
    let some = models(&[
        "--provider",
        "openai",
        "--capability",
        "vision",
        "--max-input-price",
        "1",
        "--sort",
        "price",
        "--json",
    ]);
    let node = Node::parse(&some.stdout).unwrap();
    let prices: Vec<f64> = node
        .items()
        .iter()
        .map(|item| {
            assert!(item.text("name").unwrap().starts_with("openai/"));
            let price = |key| item.at(&["price", key]).and_then(|n| n.as_f64()).unwrap_or(0.0);
            assert!(price("input") <= 1.0);
            price("input") + price("output")
        })
        .collect();
    assert!(prices.len() > 5 && prices.is_sorted(), "{prices:?}");
    let large = models(&["--provider", "openai", "--context", "1M", "--json"]);
    assert!(names(&large.stdout).iter().any(|name| name == "openai/gpt-4.1"));
    let compared = models(&["compare", "openai/gpt-4.1", "anthropic/claude-sonnet-4-5"]);
    let text = String::from_utf8_lossy(&compared.stdout);
    assert!(text.contains("$/M cache write 1h") && text.contains("anthropic/claude-sonnet-4-5: "), "{text}");
    for (wrong, told) in [
        (&["--capability", "visions"][..], "structured-output"),
        (&["--mode", "chats"], "embed"),
        (&["--context", "big"], "200k"),
        (&["compare", "openai/gpt-4.1", "no-such-model"], "does not exist"),
    ] {
        let refused = models(wrong);
        let text = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(!refused.status.success() && text.contains(told), "{wrong:?}: {text}");
    }
}

#[tokio::test]
async fn a_foundry_serves_what_azure_does_at_its_prices() {
    let upstream = ScriptedUpstream::always(Script::json(200, faces::whole(Dialect::OpenAiChat))).await;
    let gateway = Gateway::start(&format!(
        "providers: {{ azure-foundry: {{ api_key: k, base_url: \"{}\" }} }}",
        upstream.url("/v1")
    ));
    let list = gateway.get("/v1/models", &[]).await.text();
    assert!(list.contains(r#""azure-foundry/gpt-5-mini""#), "{list}");
    for model in ["azure-foundry/gpt-5-mini", "gpt-5-mini"] {
        let answer = faces::ask(&gateway, Dialect::OpenAiChat, model, false).await;
        assert_eq!(
            (answer.status, answer.header("x-tollgate-model")),
            (200, Some("azure-foundry/gpt-5-mini")),
            "{model}"
        );
        assert!(answer.header("x-tollgate-cost").is_some(), "{model}: {}", answer.text());
    }
}

#[tokio::test]
async fn the_catalogue_of_configured_providers_is_served_in_the_askers_form() {
    let gateway = Gateway::start(
        "providers: { anthropic: { api_key: k, models: { claude-own: { max_output: 77 } } }, openai: { api_key: k } }\nmodels: { zz: anthropic/claude-sonnet-5 }\nkeys: [ { name: all, key: all }, { name: few, key: few, models: [ 'openai/gpt-5*' ] } ]",
    );
    let list = async |headers: &[(&str, &str)]| gateway.get("/v1/models", headers).await;
    let all = list(&[("authorization", "Bearer all")]).await;
    let node = Node::parse(&all.body).unwrap();
    let data = node.get("data").unwrap().items();
    let ids: Vec<_> = data.iter().filter_map(|item| item.text("id")).collect();
    assert_eq!(ids[..2], ["zz", "anthropic/claude-own"]);
    for id in ["anthropic/claude-sonnet-5", "openai/gpt-5.5", "openai/text-embedding-3-small"] {
        assert!(ids.contains(&id), "{id}");
    }
    assert!(!ids.iter().any(|id| id.starts_with("google/")), "not configured");
    let few = list(&[("authorization", "Bearer few")]).await.text();
    assert!(few.contains("\"openai/gpt-5.5\"") && !few.contains("claude"), "{few}");
    let anthropic = list(&[("x-api-key", "all"), ("anthropic-version", "2023-06-01")]).await.text();
    let own = "\"display_name\":\"anthropic/claude-own\",\"created_at\":\"1970-01-01T00:00:00Z\",\"max_tokens\":77";
    assert!(anthropic.contains(own), "{anthropic}");
    assert!(!anthropic.contains("text-embedding-3"), "no conversation is held with it");
    let gemini = gateway.get("/v1beta/models", &[("x-goog-api-key", "all")]).await.text();
    assert!(gemini.contains("\"inputTokenLimit\":1000000") && gemini.contains("\"embedContent\""), "{gemini}");
    let one = gateway.get("/v1/models/openai/gpt-4.1", &[("authorization", "Bearer all")]).await.text();
    assert!(one.contains("\"context_length\":1047576") && one.contains("\"created\":1744588800"), "{one}");
}

/// A catalogue file in which one model costs so many dollars per million tokens in.
fn file(dollars: &str) -> String {
    format!(
        "tollgate-catalogue 1 2026-11-25\n[offers]\nopenai/gpt-4.1 s1 c1000 $i{dollars}o0\nopenai/ours s1 $i{dollars}o0\n[sources]\n1 2026-11-25 our contract\n"
    )
}

const CATALOGUED: &str = "server: { listen: \"{listen}\" }\ncatalogue: { file: prices.txt }\nproviders: { openai: { api_key: k, base_url: \"UP\", models: { fixed: { price: { input: 7, output: 0 } } } } }\n";

/// What a call of a model cost by its record, in nano-dollars.
async fn cost(gateway: &Gateway, model: &str) -> String {
    let answer = faces::ask(gateway, Dialect::OpenAiChat, model, false).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let record = gateway.record(&answer).await;
    let cost = record.split("\"cost_nanos\":").nth(1).unwrap_or_else(|| panic!("{record}"));
    cost.split([',', '}']).next().unwrap().to_owned()
}

#[tokio::test]
async fn bc10_prices_are_bundled_reloaded_overridden_and_guarded() {
    let upstream = ScriptedUpstream::always(Script::json(200, faces::whole(Dialect::OpenAiChat))).await;
    let folder = tempfile::tempdir().unwrap();
    let prices = folder.path().join("prices.txt");
    std::fs::write(&prices, file("1")).unwrap();
    let config = CATALOGUED.replace("UP", &upstream.url("/v1"));
    let gateway = Gateway::start_in(folder, &config, &[]);
    let (one, bundled) = (cost(&gateway, "openai/ours").await, cost(&gateway, "openai/gpt-4.1-mini").await);
    assert!(one.parse::<u64>().unwrap() > 0 && bundled.parse::<u64>().unwrap() > 0, "{one} {bundled}");
    let overridden = cost(&gateway, "openai/fixed").await;
    assert_eq!(overridden.parse::<u64>().unwrap(), 7 * one.parse::<u64>().unwrap());
    // A changed file is put in force by itself.
    std::fs::write(&prices, file("2")).unwrap();
    let doubled = (2 * one.parse::<u64>().unwrap()).to_string();
    until("the new price", async || cost(&gateway, "openai/ours").await == doubled).await;
    // One that does not parse changes nothing, and says where it is wrong.
    std::fs::write(&prices, file("3").replace("c1000", "context=1000")).unwrap();
    until("the complaint", async || gateway.binary.printed().contains("line 3")).await;
    assert_eq!(cost(&gateway, "openai/ours").await, doubled);
    // Nor does one with a price that is a mistake of units, unless it is forced.
    std::fs::write(&prices, file("2000000")).unwrap();
    until("the refusal", async || gateway.binary.printed().contains("catalogue.force")).await;
    assert_eq!(cost(&gateway, "openai/ours").await, doubled);
    gateway.rewrite(&config.replace("prices.txt", "prices.txt, force: true"));
    until("the forced price", async || cost(&gateway, "openai/ours").await != doubled).await;
}

#[tokio::test]
async fn a_retired_model_warns_once_and_names_its_successor() {
    let upstream = ScriptedUpstream::always(Script::json(200, faces::whole(Dialect::OpenAiChat))).await;
    let folder = tempfile::tempdir().unwrap();
    let retired = file("1").replace("ours s1", "ours s1 D2020-01-31 >newer");
    std::fs::write(folder.path().join("prices.txt"), retired).unwrap();
    let config = format!("{}models: {{ old: openai/ours }}\n", CATALOGUED.replace("UP", &upstream.url("/v1")));
    let gateway = Gateway::start_in(folder, &config, &[]);
    for _ in 0..2 {
        assert_ne!(cost(&gateway, "old").await, "0");
    }
    let told = || gateway.binary.printed().matches("the model is retired").count();
    until("the warning", async || told() > 0).await;
    assert_eq!(told(), 1);
    assert!(gateway.binary.printed().contains("\"successor\":\"newer\""), "{}", gateway.binary.printed());
    let checked = crate::support::run(&["check", "--config", "tollgate.yaml"], gateway.folder.path());
    let text = String::from_utf8_lossy(&checked.stderr).into_owned();
    assert!(text.contains("models.old") && text.contains("2020-01-31") && text.contains("`openai/newer`"), "{text}");
    let listed = gateway.get("/v1/models", &[]).await.text();
    assert!(!listed.contains("openai/ours"), "who asks for a list is not sent to what is gone");
}
