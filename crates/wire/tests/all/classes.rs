//! TR38: parameters by the class of model and host, in relays and in translations alike: one legal spelling, what is
//! refused left out and reported, the output limit never lost.

use bytes::Bytes;
use serde_json::{Value, json};
use tollgate_ir::{Dialect, Losses, Operation};
use tollgate_wire::carriage::Carriage;
use tollgate_wire::codec;
use tollgate_wire::json::Envelope;
use tollgate_wire::providers;
use tollgate_wire::relay::{ControlFields, RelayRequest, relay_request};
use tollgate_wire::target::{ModelFacts, RequestHead};
use tollgate_wire::translate::Translation;

/// The facts of a model at a provider; an empty id is a host that nobody knows.
fn facts(provider: &str) -> ModelFacts {
    let host = (!provider.is_empty()).then(|| providers::find(provider).expect(provider).chat);
    ModelFacts { host, ..ModelFacts::default() }
}

#[test]
fn tr17_no_tool_is_forced_on_who_cannot_be_made_to_call_one() {
    let tools = json!([{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}]);
    let named = json!({"type": "function", "function": {"name": "f"}});
    for (choice, kept) in [(json!("required"), false), (named, false), (json!("auto"), true), (json!("none"), true)] {
        let body = json!({"model": "m", "messages": [{"role": "user", "content": "Hi"}], "tools": tools, "tool_choice": choice});
        let chat = Dialect::OpenAiChat;
        for upstream in [Dialect::Anthropic, Dialect::Gemini, Dialect::OpenAiResponses] {
            let sent = |can| {
                let mut losses = Losses::new(codec::path_of(chat));
                let head = RequestHead::default();
                let request = codec::decode_request(chat, body.to_string().as_bytes(), &head, &mut losses).unwrap();
                let facts = ModelFacts { forced_tool: can, ..ModelFacts::default() };
                let (encoded, _) = Translation::request(chat, upstream, &request, "m", &facts, &mut losses).unwrap();
                (encoded.body, paths(&losses))
            };
            let (unknown, _) = sent(None);
            let (able, _) = sent(Some(true));
            let (unable, lost) = sent(Some(false));
            assert_eq!(able, unknown, "{upstream} {choice}");
            assert_eq!(unable == unknown, kept, "{upstream} {choice}: {}", String::from_utf8_lossy(&unable));
            assert_eq!(lost.iter().any(|path| path == "tool_choice"), !kept, "{upstream} {choice}");
        }
    }
}

/// A chat or Responses body as it is relayed, and what is reported.
fn relayed(dialect: Dialect, provider: &str, model: &str, body: &Value) -> (Value, Vec<String>) {
    let mut body = body.clone();
    body["model"] = model.into();
    let bytes = Bytes::from(body.to_string());
    let envelope = Envelope::scan(&bytes).unwrap();
    let mut losses = Losses::new(codec::path_of(dialect));
    let request = RelayRequest {
        dialect,
        carriage: &Carriage::Own,
        operation: Operation::Chat,
        body: &bytes,
        envelope: &envelope,
        model,
        facts: &facts(provider),
        control: ControlFields::Cut,
        betas: &[],
        edits: &[],
    };
    let sent = relay_request(&request, &mut losses);
    (serde_json::from_slice(&sent.joined()).unwrap(), paths(&losses))
}

/// A chat body as it is sent after a translation from Chat to Chat, and what is reported.
fn translated(provider: &str, model: &str, body: &Value) -> (Value, Vec<String>) {
    let mut body = body.clone();
    body["model"] = model.into();
    body["messages"] = json!([{"role": "user", "content": "Hi"}]);
    let chat = Dialect::OpenAiChat;
    let mut losses = Losses::new(codec::path_of(chat));
    let head = RequestHead::default();
    let request = codec::decode_request(chat, body.to_string().as_bytes(), &head, &mut losses).unwrap();
    let (encoded, _) = Translation::request(chat, chat, &request, model, &facts(provider), &mut losses).unwrap();
    let mut sent: Value = serde_json::from_slice(&encoded.body).unwrap();
    sent.as_object_mut().unwrap().remove("messages");
    (sent, paths(&losses))
}

fn paths(losses: &Losses) -> Vec<String> {
    let mut all: Vec<_> = losses.all().iter().map(|loss| loss.path.clone()).collect();
    all.sort();
    all
}

#[test]
#[expect(clippy::too_many_lines, reason = "one table of classes")]
fn tr38_each_class_gets_its_one_legal_spelling() {
    // provider, model, what is asked, what goes up, what is reported
    let table = [
        ("openai", "gpt-5-mini", json!({"max_tokens": 50}), json!({"max_completion_tokens": 50}), vec![]),
        ("openai", "o3", json!({"max_completion_tokens": 50}), json!({"max_completion_tokens": 50}), vec![]),
        ("", "gpt-5-mini", json!({"max_tokens": 50}), json!({"max_completion_tokens": 50}), vec![]),
        ("openrouter", "openai/gpt-5", json!({"max_tokens": 50}), json!({"max_completion_tokens": 50}), vec![]),
        ("deepseek", "deepseek-v4-flash", json!({"max_completion_tokens": 50}), json!({"max_tokens": 50}), vec![]),
        ("", "deepseek-v4-flash", json!({"max_completion_tokens": 50}), json!({"max_tokens": 50}), vec![]),
        ("cerebras", "llama-3.3-70b", json!({"max_tokens": 50}), json!({"max_completion_tokens": 50}), vec![]),
        (
            "mistral",
            "mistral-large-latest",
            json!({"max_completion_tokens": 9, "seed": 7}),
            json!({"max_tokens": 9, "random_seed": 7}),
            vec![],
        ),
        ("fireworks-ai", "accounts/x/models/mistral-7b", json!({"seed": 7}), json!({"seed": 7}), vec![]),
        (
            "openai",
            "o3",
            json!({"temperature": 0.2, "top_p": 0.5, "presence_penalty": 1}),
            json!({}),
            vec!["presence_penalty", "temperature", "top_p"],
        ),
        ("openai", "gpt-5.2", json!({"temperature": 0.2}), json!({"temperature": 0.2}), vec![]),
        (
            "openai",
            "gpt-5.2",
            json!({"temperature": 0.2, "reasoning_effort": "high"}),
            json!({"reasoning_effort": "high"}),
            vec!["temperature"],
        ),
        ("openai", "o3", json!({"stop": ["x"]}), json!({}), vec!["stop"]),
        (
            "openai",
            "gpt-4.1",
            json!({"temperature": 0.2, "stop": ["x"], "max_tokens": 5}),
            json!({"temperature": 0.2, "stop": ["x"], "max_tokens": 5}),
            vec![],
        ),
        (
            "openai",
            "gpt-5",
            json!({"reasoning_effort": "xhigh"}),
            json!({"reasoning_effort": "high"}),
            vec!["reasoning_effort"],
        ),
        (
            "openai",
            "gpt-5",
            json!({"reasoning_effort": "none"}),
            json!({"reasoning_effort": "minimal"}),
            vec!["reasoning_effort"],
        ),
        ("openai", "gpt-4.1", json!({"reasoning_effort": "high"}), json!({}), vec!["reasoning_effort"]),
        (
            "xai",
            "grok-4",
            json!({"presence_penalty": 0.5, "stop": ["x"], "reasoning_effort": "low"}),
            json!({}),
            vec!["presence_penalty", "reasoning_effort", "stop"],
        ),
        (
            "xai",
            "grok-3-mini",
            json!({"reasoning_effort": "medium"}),
            json!({"reasoning_effort": "low"}),
            vec!["reasoning_effort"],
        ),
        (
            "groq",
            "openai/gpt-oss-120b",
            json!({"logprobs": true, "reasoning_effort": "high"}),
            json!({"reasoning_effort": "high"}),
            vec!["logprobs"],
        ),
        ("groq", "llama-3.3-70b-versatile", json!({"reasoning_effort": "high"}), json!({}), vec!["reasoning_effort"]),
        (
            "moonshotai",
            "kimi-k2.5",
            json!({"temperature": 0.2, "max_completion_tokens": 9}),
            json!({"max_tokens": 9}),
            vec!["temperature"],
        ),
        ("togetherai", "moonshotai/Kimi-K2.5", json!({"temperature": 0.2}), json!({"temperature": 0.2}), vec![]),
        (
            "zai",
            "glm-5.2",
            json!({"reasoning_effort": "max"}),
            json!({"thinking": {"type": "enabled"}, "reasoning_effort": "max"}),
            vec![],
        ),
        ("zai", "glm-4.7", json!({"reasoning_effort": "none"}), json!({"thinking": {"type": "disabled"}}), vec![]),
        ("perplexity", "sonar-pro", json!({"seed": 1}), json!({}), vec!["seed"]),
        (
            "",
            "nobody-knows-1",
            json!({"max_tokens": 5, "temperature": 0.2, "stop": ["x"], "seed": 1}),
            json!({"max_tokens": 5, "temperature": 0.2, "stop": ["x"], "seed": 1}),
            vec![],
        ),
    ];
    for (provider, model, asked, wanted, lost) in table {
        let mut expected = wanted.clone();
        expected["model"] = model.into();
        let told = format!("{provider}/{model} {asked}");
        let (sent, reported) = relayed(Dialect::OpenAiChat, provider, model, &asked);
        assert_eq!(sent, expected, "relayed: {told}");
        let dropped =
            |all: &[String]| all.iter().filter(|path| wanted.get(path.as_str()).is_none()).cloned().collect::<Vec<_>>();
        let must: Vec<String> = lost.iter().map(|path| (*path).to_owned()).collect();
        assert_eq!(
            dropped(&reported).iter().filter(|path| *path != "reasoning_effort").count(),
            dropped(&must).iter().filter(|path| *path != "reasoning_effort").count(),
            "relayed: {told}: {reported:?}"
        );
        let (sent, reported) = translated(provider, model, &asked);
        assert_eq!(sent, expected, "translated: {told}");
        for path in must {
            assert!(reported.contains(&path), "translated: {told}: {reported:?}");
        }
    }
}

#[test]
fn tr38_responses_take_their_own_limit_and_no_sampling_where_it_reasons() {
    for (model, asked, wanted) in [
        ("gpt-5", json!({"max_tokens": 50, "temperature": 0.2}), json!({"max_output_tokens": 50})),
        ("gpt-5", json!({"reasoning": {"effort": "xhigh"}}), json!({"reasoning": {"effort": "high"}})),
        ("gpt-4.1", json!({"reasoning": {"effort": "low"}, "temperature": 0.2}), json!({"temperature": 0.2})),
        ("gpt-5.2", json!({"temperature": 0.2}), json!({"temperature": 0.2})),
        (
            "grok-4",
            json!({"temperature": 0.2, "reasoning": {"effort": "low"}}),
            json!({"temperature": 0.2, "reasoning": {"effort": "low"}}),
        ),
    ] {
        let mut expected = wanted;
        expected["model"] = model.into();
        assert_eq!(relayed(Dialect::OpenAiResponses, "", model, &asked).0, expected, "{model} {asked}");
    }
}

#[test]
fn a_call_is_demanded_of_deepseek_without_its_reasoning() {
    let tools = json!([{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}]);
    for choice in [json!("required"), json!({"type": "function", "function": {"name": "f"}})] {
        let body = json!({"tools": tools, "tool_choice": choice});
        for sent in [
            relayed(Dialect::OpenAiChat, "deepseek", "deepseek-v4-flash", &body).0,
            translated("deepseek", "deepseek-v4-flash", &body).0,
        ] {
            assert_eq!(sent["thinking"], json!({"type": "disabled"}), "{sent}");
        }
    }
    let body = json!({"tools": tools, "tool_choice": "auto"});
    assert_eq!(relayed(Dialect::OpenAiChat, "deepseek", "deepseek-v4-flash", &body).0.get("thinking"), None);
}

#[test]
fn tr13_r1_gets_no_reasoning_back_and_only_openai_hears_of_developers() {
    let messages = json!([
        {"role": "developer", "content": "Be \"developer\" brief"},
        {"role": "user", "content": "reasoning_content"},
        {"role": "assistant", "reasoning_content": "Hm", "content": "Yes", "reasoning": "Hm"},
        {"role": "user", "content": "developer"},
    ]);
    let body = json!({"messages": messages});
    let (sent, lost) = relayed(Dialect::OpenAiChat, "deepseek", "deepseek-reasoner", &body);
    assert_eq!(
        sent["messages"],
        json!([
            {"role": "system", "content": "Be \"developer\" brief"},
            {"role": "user", "content": "reasoning_content"},
            {"role": "assistant", "content": "Yes"},
            {"role": "user", "content": "developer"},
        ])
    );
    assert_eq!(lost, ["messages[2].reasoning", "messages[2].reasoning_content"]);
    for (provider, model) in [("deepseek", "deepseek-v4-pro"), ("openai", "gpt-5"), ("", "nobody-1")] {
        let (sent, lost) = relayed(Dialect::OpenAiChat, provider, model, &json!({"messages": [messages[2]]}));
        assert_eq!((&sent["messages"][0], lost.len()), (&messages[2], 0), "{model}");
    }
}
