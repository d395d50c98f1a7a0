//! What hosts are sent: by model class, in the order that the protocol demands.

use serde_json::{Value, json};
use tollgate_ir::{
    Block, Call, CallKind, Content, FaultKind, Issuer, Media, MediaKind, MediaSource, Reasoning, Request, Role, Seal,
    ToolResult, Turn,
};

use super::{decode, encode, encode_text};

fn with(fields: &str) -> Request {
    decode(&format!(r#"{{"model":"m","messages":[{{"role":"user","content":"hi"}}]{fields}}}"#)).unwrap().0
}

/// The body without model and messages.
fn rest(request: &Request, model: &str) -> (Value, Vec<String>) {
    let (mut body, lost) = encode(request, model).unwrap();
    body.as_object_mut().unwrap().retain(|k, _| k != "model" && k != "messages");
    (body, lost)
}

#[test]
fn tr38_one_legal_spelling_by_model_class_and_the_rest_reported() {
    let request = with(
        r#","max_tokens":9,"temperature":0.5,"stop":["a"],"seed":1,"reasoning_effort":"xhigh","verbosity":"low","store":false"#,
    );
    let dropped = |fields: &[&str]| fields.iter().map(|f| format!("{f};dropped")).collect::<Vec<_>>();
    for (model, wanted, lost) in [
        (
            "gpt-4.1",
            json!({"max_tokens":9,"temperature":0.5,"stop":["a"],"seed":1}),
            dropped(&["reasoning_effort", "verbosity"]),
        ),
        (
            "gpt-5-mini",
            json!({"max_completion_tokens":9,"seed":1,"reasoning_effort":"high","verbosity":"low"}),
            [vec!["reasoning_effort;adjusted".to_owned()], dropped(&["temperature", "stop"])].concat(),
        ),
        (
            "openai/gpt-5.2",
            json!({"max_completion_tokens":9,"seed":1,"reasoning_effort":"xhigh","verbosity":"low"}),
            dropped(&["temperature", "stop"]),
        ),
        (
            "o3",
            json!({"max_completion_tokens":9,"seed":1,"reasoning_effort":"high"}),
            [vec!["reasoning_effort;adjusted".to_owned()], dropped(&["temperature", "stop", "verbosity"])].concat(),
        ),
        (
            "llama-3",
            json!({"max_tokens":9,"temperature":0.5,"stop":["a"],"seed":1,"reasoning_effort":"high"}),
            [vec!["reasoning_effort;adjusted".to_owned()], dropped(&["verbosity"])].concat(),
        ),
        (
            "mistral-large-latest",
            json!({"max_tokens":9,"temperature":0.5,"stop":["a"],"random_seed":1,"reasoning_effort":"high"}),
            [vec!["reasoning_effort;adjusted".to_owned()], dropped(&["verbosity"])].concat(),
        ),
        (
            "deepseek-v4-flash",
            json!({"max_tokens":9,"temperature":0.5,"stop":["a"],"seed":1,"thinking":{"type":"enabled"},"reasoning_effort":"xhigh"}),
            dropped(&["verbosity"]),
        ),
    ] {
        assert_eq!(rest(&request, model), (wanted, lost), "{model}");
    }
}

#[test]
fn reasoning_off_in_every_models_way() {
    let request = with(r#","reasoning_effort":"none","temperature":0.5"#);
    for (model, wanted, lost) in [
        ("gpt-4.1", json!({"temperature":0.5}), vec![]),
        ("gpt-5.1", json!({"temperature":0.5,"reasoning_effort":"none"}), vec![]),
        ("gpt-5", json!({"reasoning_effort":"minimal"}), vec!["reasoning_effort;adjusted", "temperature;dropped"]),
        ("o4-mini", json!({"reasoning_effort":"low"}), vec!["reasoning_effort;adjusted", "temperature;dropped"]),
        ("glm-5", json!({"temperature":0.5,"thinking":{"type":"disabled"}}), vec![]),
    ] {
        assert_eq!(rest(&request, model), (wanted, lost.into_iter().map(str::to_owned).collect()), "{model}");
    }
    // One is the only temperature that these take.
    assert_eq!(rest(&with(r#","temperature":1,"top_p":1"#), "gpt-5"), (json!({"temperature":1}), vec![]));
}

#[test]
fn stops_beyond_four_and_choices_without_tools() {
    let request = with(r#","stop":["1","2","3","4","5"],"tool_choice":"required","parallel_tool_calls":false"#);
    assert_eq!(rest(&request, "x"), (json!({"stop":["1","2","3","4"]}), vec!["stop;adjusted".to_owned()]));
}

#[test]
fn tr17_choice_and_parallel_stay_apart() {
    let tools = r#","tools":[{"type":"function","function":{"name":"f"}}]"#;
    let listed = json!([{"type":"function","function":{"name":"f"}}]);
    for (said, wanted) in [
        (r#","parallel_tool_calls":false"#, json!({"tools":listed,"parallel_tool_calls":false})),
        (r#","tool_choice":"none""#, json!({"tools":listed,"tool_choice":"none"})),
        (
            r#","tool_choice":{"type":"function","name":"f"},"parallel_tool_calls":true"#,
            json!({"tools":listed,"tool_choice":{"type":"function","function":{"name":"f"}},"parallel_tool_calls":true}),
        ),
    ] {
        assert_eq!(rest(&with(&format!("{tools}{said}")), "x"), (wanted, vec![]), "{said}");
    }
}

#[test]
fn custom_tools_are_native_where_the_model_has_them_and_wrapped_elsewhere() {
    let mut request = with(
        r#","tools":[{"type":"custom","custom":{"name":"g","description":"d","format":{"type":"grammar","grammar":{"syntax":"lark","definition":"x"}}}}],"tool_choice":{"type":"custom","custom":{"name":"g"}}"#,
    );
    let call = Call { id: "c".into(), name: "g".into(), arguments: "4 + 4".into(), kind: CallKind::Custom };
    request.turns.push(Turn { role: Role::Assistant, blocks: vec![Block::new(Content::Call(call))] });
    let native = encode(&request, "gpt-5").unwrap().0;
    assert_eq!(
        native["tools"],
        json!([{"type":"custom","custom":{"name":"g","description":"d","format":{"type":"grammar","grammar":{"syntax":"lark","definition":"x"}}}}])
    );
    assert_eq!(native["tool_choice"], json!({"type":"custom","custom":{"name":"g"}}));
    assert_eq!(
        native["messages"][1]["tool_calls"][0],
        json!({"id":"c","type":"custom","custom":{"name":"g","input":"4 + 4"}})
    );
    let wrapped = encode(&request, "qwen3").unwrap().0;
    assert_eq!(wrapped["tools"][0]["function"]["parameters"]["required"], json!(["input"]));
    assert_eq!(wrapped["tool_choice"], json!({"type":"function","function":{"name":"g"}}));
    assert_eq!(wrapped["messages"][1]["tool_calls"][0]["function"]["arguments"], json!(r#"{"input":"4 + 4"}"#));
}

fn call(id: &str) -> Block {
    let call = Call { id: id.into(), name: "f".into(), arguments: String::new(), kind: CallKind::Function };
    Block::new(Content::Call(call))
}

fn result(id: &str, content: Vec<Block>) -> Block {
    let result =
        ToolResult { call: id.into(), name: None, content, json: None, error: false, kind: CallKind::Function };
    Block::new(Content::Result(result)).at(format!("result {id}"))
}

fn turns(turns: Vec<(Role, Vec<Block>)>) -> Request {
    Request { turns: turns.into_iter().map(|(role, blocks)| Turn { role, blocks }).collect(), ..Request::default() }
}

#[test]
fn tr15_calls_of_neighbouring_turns_are_one_message_and_results_follow_at_once() {
    let request = turns(vec![
        (Role::Assistant, vec![Block::text("a"), call("1")]),
        (Role::Assistant, vec![call("2")]),
        (Role::User, vec![result("1", vec![Block::text("x")])]),
        (Role::User, vec![Block::text("go on"), result("2", vec![])]),
    ]);
    let (body, lost) = encode(&request, "m").unwrap();
    let function = json!({"name":"f","arguments":"{}"});
    assert_eq!(
        body["messages"],
        json!([
            {"role":"assistant","content":"a","tool_calls":[
                {"id":"1","type":"function","function":function},{"id":"2","type":"function","function":function}]},
            {"role":"tool","tool_call_id":"1","content":"x"},
            {"role":"tool","tool_call_id":"2","content":""},
            {"role":"user","content":"go on"},
        ])
    );
    assert_eq!(lost, Vec::<String>::new());
}

#[test]
fn tr12_ids_follow_the_models_rule_alike_on_call_and_result() {
    let long = "x".repeat(949);
    let request = turns(vec![(Role::Assistant, vec![call(&long)]), (Role::User, vec![result(&long, vec![])])]);
    for (model, most, fewest) in [("m", 40, 1), ("mistral-small", 9, 9)] {
        let body = encode(&request, model).unwrap().0;
        let id = body["messages"][0]["tool_calls"][0]["id"].as_str().unwrap();
        assert!((fewest..=most).contains(&id.len()), "{id}");
        assert_eq!(body["messages"][1]["tool_call_id"].as_str(), Some(id));
    }
}

#[test]
fn tr24_media_of_results_follow_as_the_users_and_what_has_no_place_is_refused() {
    let media = |kind, source| {
        Block::new(Content::Media(Media { kind, mime: None, source, name: None, detail: None })).at("the.place")
    };
    let image = media(MediaKind::Image, MediaSource::Base64("QQ==".into()));
    let request = turns(vec![(Role::User, vec![result("1", vec![Block::text("t"), image])])]);
    let (body, lost) = encode(&request, "m").unwrap();
    assert_eq!(body["messages"][0], json!({"role":"tool","tool_call_id":"1","content":"t"}));
    assert_eq!(body["messages"][1]["content"][0]["image_url"]["url"], "data:image/png;base64,QQ==");
    assert_eq!(lost, ["the.place;adjusted"]);
    for block in [
        media(MediaKind::Document, MediaSource::Url("https://x/y.pdf".into())),
        media(MediaKind::Video, MediaSource::Base64("QQ==".into())),
    ] {
        let fault = encode(&turns(vec![(Role::User, vec![block])]), "m").unwrap_err();
        assert_eq!((fault.kind, fault.param.as_deref()), (FaultKind::UnsupportedContent, Some("the.place")));
    }
}

#[test]
fn documents_in_plain_text_are_words_of_the_result() {
    let document = Media {
        kind: MediaKind::Document,
        mime: None,
        source: MediaSource::Text("doc".into()),
        name: None,
        detail: None,
    };
    let content = vec![Block::text("t"), Block::new(Content::Media(document))];
    let request = turns(vec![(Role::User, vec![result("1", content)])]);
    let messages = |model| encode(&request, model).unwrap().0["messages"].clone();
    assert_eq!(messages("open"), json!([{"role":"tool","tool_call_id":"1","content":"t\ndoc"}]));
    assert_eq!(messages("gpt-4.1")[0]["content"], json!([{"type":"text","text":"t"},{"type":"text","text":"doc"}]));
}

#[test]
fn reasoning_as_the_model_sees_fit_is_asked_for_where_it_must_be() {
    let request = with(r#","thinking":{"type":"adaptive"}"#);
    for (model, wanted, told) in [
        ("gpt-4.1", json!({}), &["reasoning_effort;adjusted"][..]),
        ("gpt-5.1", json!({"reasoning_effort":"medium"}), &[]),
        ("qwen3", json!({}), &[]),
        ("deepseek-v4", json!({"thinking":{"type":"enabled"}}), &[]),
    ] {
        let (sent, losses) = rest(&request, model);
        assert_eq!((sent, losses.iter().map(String::as_str).collect()), (wanted, told.to_vec()), "{model}");
    }
}

#[test]
fn tr13_reasoning_goes_back_where_the_model_wants_it_and_foreign_seals_never() {
    let thought = Block {
        seal: Some(Seal { issuer: Issuer::Anthropic, data: "SECRET".into() }),
        ..Block::new(Content::Reasoning(Reasoning { text: "hm".into(), ..Reasoning::default() })).at("the.thought")
    };
    let with_call = turns(vec![(Role::Assistant, vec![thought.clone(), call("1")])]);
    let without = turns(vec![(Role::Assistant, vec![thought, Block::text("a")])]);
    for (model, request, wanted) in [
        ("deepseek-v4", &with_call, Some("hm")),
        ("deepseek-v4", &without, None),
        ("deepseek-r1", &with_call, None),
        ("gpt-5", &with_call, None),
    ] {
        let (body, lost) = encode(request, model).unwrap();
        assert_eq!(body["messages"][0]["reasoning_content"].as_str(), wanted, "{model}");
        assert_eq!(lost.contains(&"the.thought;dropped".to_owned()), wanted.is_none(), "{model}");
        assert!(!body.to_string().contains("SECRET"));
    }
    let routed = encode(&with_call, "anthropic/claude-sonnet-5").unwrap().0;
    assert_eq!(
        routed["messages"][0]["reasoning_details"],
        json!([{"type":"reasoning.text","text":"hm","signature":"SECRET","format":"anthropic-claude-v1","index":0}])
    );
}

#[test]
fn tr23_breakpoints_where_the_model_has_them() {
    let request =
        with(r#","tools":[{"type":"function","function":{"name":"f"},"cache_control":{"type":"ephemeral"}}],"x":null"#);
    assert_eq!(encode(&request, "gpt-5").unwrap().1, ["tools[0].cache_control;adjusted"]);
    let request = decode(
        r#"{"model":"m","messages":[{"role":"user","content":[{"type":"text","text":"hi","cache_control":{"type":"ephemeral"}}]}]}"#,
    )
    .unwrap()
    .0;
    let (body, lost) = encode(&request, "gpt-5.6").unwrap();
    assert_eq!(body["messages"][0]["content"][0]["prompt_cache_breakpoint"], json!({"mode":"explicit"}));
    assert_eq!(lost, Vec::<String>::new());
    let (body, lost) = encode(&request, "gpt-4o").unwrap();
    assert_eq!(body["messages"][0]["content"], "hi");
    assert_eq!(lost, ["messages[0].content[0].cache_control;adjusted"]);
}

#[test]
fn tr22_equal_requests_equal_bytes_and_streams_ask_for_usage() {
    let request = with(
        r#","stream":true,"tools":[{"type":"function","function":{"name":"f","parameters":{"z":1,"a":{"y":1.0}}}}]"#,
    );
    let (body, _) = encode(&request, "m").unwrap();
    assert_eq!(body["stream_options"], json!({"include_usage":true}));
    let text = encode_text(&request, "m").unwrap().0;
    assert!(text.contains(r#""parameters":{"z":1,"a":{"y":1.0}}"#), "{text}");
    assert_eq!(encode_text(&request, "m").unwrap().0, text);
    assert!(encode(&request, "mistral-small").unwrap().0["stream_options"].is_null());
}
