//! Embeddings and rankings: any face before any provider, split and put together, with fallbacks and losses.

use std::time::Duration;

use tollgate_testkit::{Received, Script, ScriptedUpstream};
use tollgate_wire::json::Node;

use crate::support::{Answer, Gateway};

/// A vector that tells which text it is of.
fn numbers(text: &str) -> String {
    format!("[{},0.5,-0.25]", text.len())
}

fn texts(body: &Node<'_>, path: &[&str]) -> Vec<String> {
    let Some(node) = body.at(path) else { return Vec::new() };
    match node.as_str() {
        Some(one) => vec![one.to_owned()],
        None => node.items().iter().map(|n| n.as_str().unwrap().to_owned()).collect(),
    }
}

/// A host that embeds in each provider's words, by the path, and refuses what the provider would.
fn host(request: &Received) -> Script {
    let body = Node::read(&request.body).unwrap();
    let list = |texts: &[String]| texts.iter().map(|t| numbers(t)).collect::<Vec<_>>().join(",");
    let path = request.target.split('?').next().unwrap();
    let answer = match path {
        "/openai/embeddings" | "/mistral/embeddings" => {
            let texts = texts(&body, &["input"]);
            if path.starts_with("/mistral") && (texts.len() > 256 || body.get("dimensions").is_some()) {
                return Script::json(400, r#"{"message":"Too many inputs in request, split into more batches."}"#);
            }
            let data: Vec<_> = texts
                .iter()
                .enumerate()
                .map(|(i, t)| format!(r#"{{"object":"embedding","index":{i},"embedding":{}}}"#, numbers(t)))
                .collect();
            format!(
                r#"{{"object":"list","data":[{}],"model":"up","usage":{{"prompt_tokens":{n},"total_tokens":{n}}}}}"#,
                data.join(","),
                n = texts.len()
            )
        }
        "/google/models/m:batchEmbedContents" => {
            let texts: Vec<_> = body
                .get("requests")
                .unwrap()
                .items()
                .iter()
                .map(|r| r.at(&["content", "parts"]).unwrap().items()[0].text("text").unwrap().to_owned())
                .collect();
            let values: Vec<_> = texts.iter().map(|t| format!(r#"{{"values":{}}}"#, numbers(t))).collect();
            format!(r#"{{"embeddings":[{}],"usageMetadata":{{"promptTokenCount":{}}}}}"#, values.join(","), texts.len())
        }
        "/google/models/m:embedContent" => {
            let text = body.at(&["content", "parts"]).unwrap().items()[0].text("text").unwrap();
            format!(r#"{{"embedding":{{"values":{}}},"usageMetadata":{{"promptTokenCount":1}}}}"#, numbers(text))
        }
        "/cohere/v2/embed" => {
            if body.get("input_type").is_none() {
                return Script::json(400, r#"{"message":"input_type is required"}"#);
            }
            let texts = texts(&body, &["texts"]);
            format!(
                r#"{{"id":"e1","embeddings":{{"float":[{}]}},"meta":{{"billed_units":{{"input_tokens":{}}}}},"response_type":"embeddings_by_type"}}"#,
                list(&texts),
                texts.len()
            )
        }
        "/bedrock/model/amazon.titan-embed-text-v2%3A0/invoke" => {
            format!(r#"{{"embedding":{},"inputTextTokenCount":1}}"#, numbers(body.text("inputText").unwrap()))
        }
        "/bedrock/model/cohere.embed-v4%3A0/invoke" => {
            let texts = texts(&body, &["texts"]);
            let count = texts.len().to_string();
            let list = list(&texts);
            let embeddings = match body.get("embedding_types") {
                Some(_) => format!(r#"{{"float":[{list}]}}"#),
                None => format!("[{list}]"),
            };
            return Script::json(200, format!(r#"{{"id":"e1","embeddings":{embeddings}}}"#))
                .header("x-amzn-bedrock-input-token-count", &count);
        }
        other => return Script::json(404, format!(r#"{{"error":{{"message":"no {other}"}}}}"#)),
    };
    Script::json(200, answer)
}

const TARGETS: [&str; 6] = [
    "openai/m",
    "mistral/m",
    "google/m",
    "cohere/m",
    "amazon-bedrock/amazon.titan-embed-text-v2:0",
    "amazon-bedrock/cohere.embed-v4:0",
];

fn before(upstream: &ScriptedUpstream) -> Gateway {
    let provider = |id: &str, path: &str| format!("  {id}: {{ base_url: \"{}\", api_key: k }}\n", upstream.url(path));
    Gateway::start(&format!(
        "providers:\n{}{}{}{}  amazon-bedrock: {{ base_url: \"{}\", api_key: k, region: us-east-1 }}\n",
        provider("openai", "/openai"),
        provider("mistral", "/mistral"),
        provider("google", "/google"),
        provider("cohere", "/cohere"),
        upstream.url("/bedrock"),
    ))
}

/// Asks for the vectors of texts by each face; the path, the body, and where the vectors stand.
fn asks(model: &str, texts: &[&str]) -> Vec<(String, String, &'static [&'static str])> {
    let list = texts.iter().map(|t| format!("{t:?}")).collect::<Vec<_>>().join(",");
    let requests: Vec<_> = texts.iter().map(|t| format!(r#"{{"content":{{"parts":[{{"text":{t:?}}}]}}}}"#)).collect();
    let mut all: Vec<(String, String, &'static [&'static str])> = vec![
        ("/v1/embeddings".to_owned(), format!(r#"{{"model":"{model}","input":[{list}]}}"#), &["data"]),
        (
            format!("/v1beta/models/{model}:batchEmbedContents"),
            format!(r#"{{"requests":[{}]}}"#, requests.join(",")),
            &["embeddings"],
        ),
        (
            "/v2/embed".to_owned(),
            format!(
                r#"{{"model":"{model}","texts":[{list}],"input_type":"search_query","embedding_types":["float"]}}"#
            ),
            &["embeddings", "float"],
        ),
        (
            "/v1/embed".to_owned(),
            format!(r#"{{"model":"{model}","texts":[{list}],"input_type":"search_query"}}"#),
            &["embeddings"],
        ),
        (
            format!("/model/{}/invoke", model.replace(':', "%3A")),
            format!(r#"{{"texts":[{list}],"input_type":"search_query"}}"#),
            &["embeddings"],
        ),
    ];
    if let [one] = texts {
        all.push((
            format!("/v1beta/models/{model}:embedContent"),
            format!(r#"{{"content":{{"parts":[{{"text":{one:?}}}]}}}}"#),
            &["embedding"],
        ));
        all.push((format!("/model/{model}/invoke"), format!(r#"{{"inputText":{one:?}}}"#), &[]));
        all.push(("/api/embeddings".to_owned(), format!(r#"{{"model":"{model}","prompt":{one:?}}}"#), &[]));
    }
    all
}

/// The first numbers of the vectors, wherever the face has them.
fn firsts(answer: &Answer, at: &[&str]) -> Vec<f64> {
    let body = Node::read(&answer.body).unwrap();
    let found = body.at(at).unwrap_or(&body);
    let first = |vector: &Node<'_>| {
        let numbers = vector.get("embedding").or_else(|| vector.get("values")).unwrap_or(vector);
        assert_eq!(numbers.items().len(), 3, "{}", answer.text());
        numbers.items()[0].as_f64().unwrap()
    };
    match found {
        Node::Array(all) => all.iter().map(first).collect(),
        one => vec![first(one)],
    }
}

#[tokio::test]
async fn vectors_by_any_face_from_any_provider() {
    let upstream = ScriptedUpstream::choosing(host).await;
    let gateway = before(&upstream);
    for model in TARGETS {
        for texts in [&["a"][..], &["abc", "a", "ab"]] {
            for (path, body, at) in asks(model, texts) {
                let answer = gateway.post(&path, &[], body).await;
                let what = format!("{path} from {model}: {} {}", answer.status, answer.text());
                assert_eq!(answer.status, 200, "{what}");
                let wanted: Vec<_> = texts.iter().map(|t| f64::from(u32::try_from(t.len()).unwrap())).collect();
                assert_eq!(firsts(&answer, at), wanted, "{what}");
                assert_eq!(answer.header("x-tollgate-model"), Some(model), "{what}");
                let record = gateway.record(&answer).await;
                assert!(record.contains(r#""operation":"embed""#), "{record}");
                assert!(record.contains(&format!(r#""input":{}"#, texts.len())), "usage of {what}: {record}");
            }
        }
    }
}

#[tokio::test]
async fn a_long_batch_is_split_and_put_together_in_order() {
    let upstream = ScriptedUpstream::choosing(|request| {
        let script = host(request);
        // Later parts overtake the first.
        match request.body.windows(5).any(|w| w == br#""t-1""#) {
            true => script.paced(Duration::from_millis(200)),
            false => script,
        }
    })
    .await;
    let gateway = before(&upstream);
    let texts: Vec<_> = (0..300).map(|i| format!("t-{}", "x".repeat(i % 7).replace('x', &i.to_string()))).collect();
    let list = texts.iter().map(|t| format!("{t:?}")).collect::<Vec<_>>().join(",");
    for (model, parts) in [("mistral/m", 2), ("cohere/m", 4), ("google/m", 3), (TARGETS[4], 300), ("openai/m", 1)] {
        let before = upstream.requests().len();
        let answer = gateway.post("/v1/embeddings", &[], format!(r#"{{"model":"{model}","input":[{list}]}}"#)).await;
        assert_eq!(answer.status, 200, "{model}: {}", answer.text());
        assert_eq!(upstream.requests().len() - before, parts, "{model}");
        let wanted: Vec<_> = texts.iter().map(|t| f64::from(u32::try_from(t.len()).unwrap())).collect();
        assert_eq!(firsts(&answer, &["data"]), wanted, "{model}");
        assert!(answer.text().contains(r#""prompt_tokens":300"#), "{model}: usage is summed");
        assert_eq!(answer.header("x-tollgate-attempts"), Some("1"), "{model}");
    }
}

#[tokio::test]
async fn a_batch_is_split_by_tokens_where_they_are_limited() {
    let upstream = ScriptedUpstream::choosing(host).await;
    let gateway = before(&upstream);
    for (model, inputs, words, parts) in [
        // 16,384 tokens a request, a fifth kept back for what an estimate is short.
        ("mistral/m", 20, 2_000, 4),
        // 300,000 likewise.
        ("openai/text-embedding-3-small", 200, 2_000, 2),
        ("openai/text-embedding-3-small", 100, 600, 1),
        ("openai/another", 200, 2_000, 1),
    ] {
        let texts: Vec<_> = (0..inputs).map(|i| format!("{}{}", "word ".repeat(words), "x".repeat(i))).collect();
        let list = texts.iter().map(|t| format!("{t:?}")).collect::<Vec<_>>().join(" , ");
        let before = upstream.requests().len();
        let body = format!(r#"{{"model":"{model}","input":[{list}]}}"#);
        let answer = gateway.post("/v1/embeddings", &[], body.clone()).await;
        assert_eq!(answer.status, 200, "{model}");
        let wanted: Vec<_> = texts.iter().map(|t| f64::from(u32::try_from(t.len()).unwrap())).collect();
        assert_eq!(firsts(&answer, &["data"]), wanted, "{model}");
        let sent = upstream.requests().split_off(before);
        assert_eq!(sent.len(), parts, "{model} {inputs} × {words}");
        if let [one] = sent.as_slice() {
            let bare = body.replace(model, model.split_once('/').unwrap().1);
            assert!(one.body == bare.as_bytes(), "{model}: relayed as it came");
        }
    }
}

#[tokio::test]
async fn a_relay_keeps_the_clients_bytes_and_a_translation_reports_what_it_loses() {
    let upstream = ScriptedUpstream::choosing(host).await;
    let gateway = before(&upstream);
    let body = r#"{ "input" : ["a"],  "model":"openai/m", "odd":{"k":[1, 2]} , "encoding_format":"float"}"#;
    let answer = gateway.post("/v1/embeddings", &[], body).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let sent = upstream.requests().pop().unwrap();
    assert_eq!(sent.body, body.replace("openai/m", "m"));
    assert_eq!(sent.header("authorization"), Some("Bearer k"));
    assert_eq!(answer.header("x-tollgate-dropped"), None);

    let body = body.replace("openai/m", "cohere/m");
    let answer = gateway.post("/v1/embeddings", &[], body.clone()).await;
    assert_eq!(answer.header("x-tollgate-dropped"), Some("odd;dropped, input_type;defaulted"), "{}", answer.text());
    let refused = gateway.post("/v1/embeddings", &[("x-tollgate-strict", "true")], body).await;
    assert!(refused.status == 400 && refused.text().contains("odd"), "{}", refused.text());

    let tokens = gateway.post("/v1/embeddings", &[], r#"{"model":"google/m","input":[[1,2]]}"#).await;
    assert!(tokens.status == 400 && tokens.text().contains("token ids"), "{}", tokens.text());
    let none = gateway.post("/v1/embeddings", &[], r#"{"model":"amazon-bedrock/anthropic.claude","input":"a"}"#).await;
    assert_eq!(none.status, 501, "{}", none.text());
    let missing = gateway.post("/v2/embed", &[], r#"{"texts":["a"]}"#).await;
    assert!(missing.status == 400 && missing.at(&["message"]).unwrap().contains("model"), "{}", missing.text());
}

#[tokio::test]
async fn vectors_fall_back_and_tell_the_providers_own_refusal() {
    let bad = ScriptedUpstream::always(Script::json(503, r#"{"error":{"message":"busy"}}"#)).await;
    let good = ScriptedUpstream::choosing(host).await;
    let gateway = Gateway::start(&format!(
        "providers:\n  openai: {{ base_url: \"{}\", api_key: k }}\n  cohere: {{ base_url: \"{}\", api_key: k }}\n  anthropic: {{ api_key: k }}\nmodels: {{ v: {{ fallback: [anthropic/x, openai/m, cohere/m], retries: 0, breaker: off }} }}",
        bad.url("/openai"),
        good.url("/cohere")
    ));
    let answer = gateway.post("/v1/embeddings", &[], r#"{"model":"v","input":"abcd"}"#).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(firsts(&answer, &["data"]), [4.0]);
    assert_eq!(
        (answer.header("x-tollgate-provider"), answer.header("x-tollgate-attempts")),
        (Some("cohere"), Some("2"))
    );
    let refusal =
        r#"{"error":{"message":"no such dimension","type":"invalid_request_error","param":"dimensions","code":null}}"#;
    bad.push(Script::json(400, refusal));
    let refused = gateway.post("/v1/embeddings", &[], r#"{"model":"openai/m","input":"a"}"#).await;
    assert_eq!((refused.status, refused.text().as_str()), (400, refusal));
    bad.push(Script::json(400, refusal));
    let told =
        gateway.post("/v2/embed", &[], r#"{"model":"openai/m","texts":["a"],"input_type":"search_query"}"#).await;
    assert_eq!((told.status, told.at(&["message"]).as_deref()), (400, Some("no such dimension")), "{}", told.text());
}

#[tokio::test]
async fn rankings_by_any_face_from_any_provider() {
    let upstream = ScriptedUpstream::choosing(|request| {
        let body = Node::read(&request.body).unwrap();
        assert_eq!(body.get("documents").unwrap().items()[1].as_str(), Some("bb"), "{:?}", request.body);
        let ranked = r#"[{"index":1,"relevance_score":0.75},{"index":0,"relevance_score":0.125}]"#;
        let answer = match request.target.as_str() {
            "/cohere/v2/rerank" if body.uint("top_n") == Some(2) => {
                format!(r#"{{"id":"r","results":{ranked},"meta":{{"billed_units":{{"search_units":1}}}}}}"#)
            }
            "/vllm/rerank" if body.uint("top_n") == Some(2) => {
                format!(r#"{{"model":"m","results":{ranked},"usage":{{"total_tokens":9}}}}"#)
            }
            "/bedrock/model/cohere.rerank-v3-5%3A0/invoke" if body.uint("api_version") == Some(2) => {
                format!(r#"{{"results":{ranked}}}"#)
            }
            other => return Script::json(404, format!(r#"{{"message":"no {other}"}}"#)),
        };
        Script::json(200, answer)
    })
    .await;
    let gateway = Gateway::start(&format!(
        "providers:\n  cohere: {{ base_url: \"{}\", api_key: k }}\n  vllm: {{ base_url: \"{}\" }}\n  amazon-bedrock: {{ base_url: \"{}\", api_key: k, region: us-east-1 }}",
        upstream.url("/cohere"),
        upstream.url("/vllm"),
        upstream.url("/bedrock")
    ));
    for model in ["cohere/m", "vllm/m", "amazon-bedrock/cohere.rerank-v3-5:0"] {
        for (path, top, key) in [
            ("/v1/rerank", "top_n", "results"),
            ("/v2/rerank", "top_n", "results"),
            ("/cohere/v1/rerank", "top_n", "results"),
            ("/v1/rerank", "top_k", "data"),
        ] {
            let body = format!(r#"{{"model":"{model}","query":"q","documents":["a","bb"],"{top}":2}}"#);
            let answer = gateway.post(path, &[], body).await;
            let what = format!("{path} {top} from {model}: {} {}", answer.status, answer.text());
            assert_eq!(answer.status, 200, "{what}");
            let node = Node::read(&answer.body).unwrap();
            let first = &node.get(key).unwrap_or_else(|| panic!("{what}")).items()[0];
            assert_eq!(
                (first.uint("index"), first.get("relevance_score").unwrap().as_f64()),
                (Some(1), Some(0.75)),
                "{what}"
            );
            assert!(gateway.record(&answer).await.contains(r#""operation":"rerank""#), "{what}");
        }
        let path = format!("/model/{model}/invoke");
        let body = r#"{"query":"q","documents":["a","bb"],"top_n":2,"api_version":2}"#;
        let answer = gateway.post(&path, &[], body).await;
        assert!(answer.status == 200 && answer.text().contains("0.75"), "{path}: {}", answer.text());
    }
}

#[tokio::test]
async fn the_simulation_embeds_too() {
    let gateway = Gateway::start("");
    let answer =
        gateway.post("/v1/embeddings", &[], r#"{"model":"sim/basic","input":["a b","a b","c"],"dimensions":8}"#).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let node = Node::read(&answer.body).unwrap();
    let data = node.get("data").unwrap().items();
    assert_eq!(data[0].get("embedding"), data[1].get("embedding"));
    assert_ne!(data[0].get("embedding"), data[2].get("embedding"));
    assert_eq!(data[0].get("embedding").unwrap().items().len(), 8);
    let gemini =
        gateway.post("/v1beta/models/sim/basic:embedContent", &[], r#"{"content":{"parts":[{"text":"a"}]}}"#).await;
    assert!(gemini.status == 200 && gemini.text().starts_with(r#"{"embedding":{"values":["#), "{}", gemini.text());
}
