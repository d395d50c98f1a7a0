//! The client's requests: what they mean, and what is reported of them.

use tollgate_ir::{
    CallKind, Content, Dialect, Effort, Issuer, MediaKind, MediaSource, OutputFormat, Role, ThinkingMode, ToolChoice,
    ToolKind,
};

use super::decode;

fn with(fields: &str) -> String {
    format!(r#"{{"model":"m","messages":[{{"role":"user","content":"hi"}}]{fields}}}"#)
}

#[test]
fn tr19_what_nobody_understands_is_reported_with_its_path() {
    let body = r#"{"model":"m","logit_bias":{"1":2},"frobnicate":1,"messages":[
        {"role":"user","name":"bob","content":[{"type":"text","text":"a","shade":"x"}]},
        {"role":"assistant","content":"b","tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"{}","x":1}}]},
        {"role":"tool","tool_call_id":"c","content":"r","y":true}],
        "tools":[{"type":"function","function":{"name":"f","z":1},"w":1}]}"#;
    let mut lost = decode(body).unwrap().1;
    lost.sort();
    assert_eq!(
        lost,
        [
            "frobnicate;dropped",
            "logit_bias;dropped",
            "messages[0].content[0].shade;dropped",
            "messages[0].name;dropped",
            "messages[1].tool_calls[0].function.x;dropped",
            "messages[2].y;dropped",
            "tools[0].function.z;dropped",
            "tools[0].w;dropped",
        ]
    );
}

#[test]
fn wrong_types_are_refused_by_name_and_null_is_absent() {
    for (fields, param) in [
        (r#","temperature":"hot""#, "temperature"),
        (r#","stop":[1]"#, "stop"),
        (r#","tools":{}"#, "tools"),
        (r#","tools":[{"type":"function","function":{}}]"#, "tools[0].function.name"),
        (r#","tools":[{}]"#, "tools[0]"),
        (r#","tool_choice":{}"#, "tool_choice"),
        (r#","response_format":{"type":"xml"}"#, "response_format.type"),
    ] {
        let fault = decode(&with(fields)).unwrap_err();
        assert_eq!(fault.param.as_deref(), Some(param), "{fault}");
    }
    for (body, param) in [
        (r#"{"messages":[]}"#, "model"),
        (r#"{"model":"m"}"#, "messages"),
        (r#"{"model":"m","messages":[]}"#, "messages"),
        (r#"{"model":"m","messages":[{"role":"king","content":"x"}]}"#, "messages[0].role"),
        (r#"{"model":"m","messages":[{"role":"user","content":3}]}"#, "messages[0].content"),
        (r#"{"model":"m","messages":[{"role":"tool","content":"x"}]}"#, "messages[0].tool_call_id"),
    ] {
        assert_eq!(decode(body).unwrap_err().param.as_deref(), Some(param));
    }
    let (request, lost) = decode(&with(r#","temperature":null,"tools":null,"stop":null,"metadata":null"#)).unwrap();
    assert_eq!((request.params.temperature, lost), (None, vec![]));
}

#[test]
fn system_and_developer_come_first_or_stay_where_they_are() {
    let body = r#"{"model":"m","messages":[{"role":"developer","content":"a"},{"role":"system","content":[{"type":"text","text":"b"}]},
        {"role":"user","content":"c"},{"role":"system","content":"d"}]}"#;
    let request = decode(body).unwrap().0;
    let system: Vec<_> = request.system.iter().filter_map(|b| b.as_text()).collect();
    assert_eq!(system, ["a", "b"]);
    assert_eq!(request.turns.iter().map(|t| t.role).collect::<Vec<_>>(), [Role::User, Role::System]);
    assert_eq!(request.turns[0].blocks[0].at, "messages[2].content");
}

#[test]
fn parts_of_every_kind() {
    let body = r#"{"model":"m","messages":[{"role":"user","content":[
        {"type":"image_url","image_url":{"url":"https://x/y.png","detail":"low"}},
        {"type":"image_url","image_url":{"url":"data:application/pdf;base64,QQ=="}},
        {"type":"input_audio","input_audio":{"data":"QQ==","format":"mp3"}},
        {"type":"file","file":{"filename":"a.pdf","file_data":"data:application/pdf;base64,Qg=="}},
        {"type":"file","file":{"file_id":"file-1"}},
        {"type":"video_url","video_url":{"url":"https://x/y.mp4"}},
        {"type":"text","text":"words","cache_control":{"type":"ephemeral","ttl":"1h"}},
        {"type":"hologram","data":1}]}]}"#;
    let (request, lost) = decode(body).unwrap();
    assert_eq!(lost, Vec::<String>::new());
    let blocks = &request.turns[0].blocks;
    let media: Vec<_> = blocks
        .iter()
        .filter_map(|b| match &b.content {
            Content::Media(m) => Some((m.kind, m.mime.as_deref(), m.source.clone())),
            _ => None,
        })
        .collect();
    let base64 = |s: &str| MediaSource::Base64(s.to_owned());
    let url = |s: &str| MediaSource::Url(s.to_owned());
    assert_eq!(
        media,
        [
            (MediaKind::Image, None, url("https://x/y.png")),
            (MediaKind::Document, Some("application/pdf"), base64("QQ==")),
            (MediaKind::Audio, Some("audio/mpeg"), base64("QQ==")),
            (MediaKind::Document, Some("application/pdf"), base64("Qg==")),
            (MediaKind::Document, None, MediaSource::FileId { id: "file-1".into(), dialect: Dialect::OpenAiChat }),
            (MediaKind::Video, None, url("https://x/y.mp4")),
        ]
    );
    assert!(blocks[6].cache.unwrap().one_hour);
    assert_eq!(blocks[7].content, Content::Opaque { kind: "hologram".into() });
    assert_eq!(blocks[7].at, "messages[0].content[7]");
}

#[test]
fn tr39_tools_in_every_shape_are_one() {
    let body = with(
        r#","tools":[
        {"type":"function","function":{"name":"a","parameters":{"type":"object"},"strict":true}},
        {"type":"function","name":"b","parameters":{"type":"object"},"strict":true},
        {"function":{"name":"c"}},
        {"name":"d","input_schema":{"type":"object"}},
        {"type":"custom","custom":{"name":"e","format":{"type":"grammar","grammar":{"syntax":"lark","definition":"x"}}}},
        {"type":"openrouter:web_search","parameters":{"n":1}}],"web_search_options":{},"functions":[{"name":"g"}]"#,
    );
    let (request, lost) = decode(&body).unwrap();
    assert_eq!(lost, Vec::<String>::new());
    let names: Vec<_> = request.tools.iter().map(|t| t.name().unwrap_or("-")).collect();
    assert_eq!(names, ["a", "b", "c", "d", "e", "-", "g", "-"]);
    assert_eq!(
        request.tools[0].kind,
        match &request.tools[1].kind {
            ToolKind::Function { description, parameters, strict, .. } => ToolKind::Function {
                name: "a".into(),
                description: description.clone(),
                parameters: parameters.clone(),
                strict: *strict
            },
            other => panic!("{other:?}"),
        }
    );
    let ToolKind::Custom { format, .. } = &request.tools[4].kind else { panic!() };
    assert_eq!(format.as_ref().unwrap().as_str(), r#"{"type":"grammar","syntax":"lark","definition":"x"}"#);
}

#[test]
fn tr17_choices_in_every_spelling() {
    for (said, wanted) in [
        (r#""auto""#, ToolChoice::Auto),
        (r#""none""#, ToolChoice::None),
        (r#""required""#, ToolChoice::Required),
        (r#""any""#, ToolChoice::Required),
        (r#"{"type":"function","function":{"name":"f"}}"#, ToolChoice::Named("f".into())),
        (r#"{"type":"function","name":"f"}"#, ToolChoice::Named("f".into())),
        (r#"{"function":{"name":"f"}}"#, ToolChoice::Named("f".into())),
        (r#"{"type":"custom","custom":{"name":"f"}}"#, ToolChoice::Named("f".into())),
        (
            r#"{"type":"allowed_tools","allowed_tools":{"mode":"required","tools":[{"type":"function","function":{"name":"f"}}]}}"#,
            ToolChoice::Allowed { names: vec!["f".into()], required: true },
        ),
    ] {
        assert_eq!(decode(&with(&format!(r#","tool_choice":{said}"#))).unwrap().0.tool_choice, Some(wanted), "{said}");
    }
    assert_eq!(
        decode(&with(r#","function_call":{"name":"f"}"#)).unwrap().0.tool_choice,
        Some(ToolChoice::Named("f".into()))
    );
}

#[test]
fn reasoning_in_every_spelling() {
    use Effort::{High, Low, Minimal};
    use ThinkingMode::{Adaptive, Off, On};
    for (said, mode, effort, budget) in [
        (r#","reasoning_effort":"minimal""#, On, Some(Minimal), None),
        (r#","reasoning_effort":"none""#, Off, None, None),
        (r#","reasoning":{"effort":"high"}"#, On, Some(High), None),
        (r#","reasoning":{"max_tokens":2000}"#, On, None, Some(2000)),
        (r#","reasoning":{"enabled":false}"#, Off, None, None),
        (r#","thinking":{"type":"disabled"}"#, Off, None, None),
        (r#","thinking":{"type":"enabled","budget_tokens":1024}"#, On, None, Some(1024)),
        (r#","thinking":{"type":"adaptive"}"#, Adaptive, None, None),
        (r#","thinking":{"type":"enabled"},"reasoning_effort":"low""#, On, Some(Low), None),
        (r#","enable_thinking":false"#, Off, None, None),
    ] {
        let (request, lost) = decode(&with(said)).unwrap();
        let thinking = request.thinking.unwrap();
        assert_eq!((thinking.mode, thinking.effort, thinking.budget), (mode, effort, budget), "{said}");
        assert_eq!(lost, Vec::<String>::new(), "{said}");
    }
}

#[test]
fn old_functions_join_call_and_result() {
    let body = r#"{"model":"m","messages":[{"role":"user","content":"x"},
        {"role":"assistant","content":null,"function_call":{"name":"f","arguments":"{\"a\":1}"}},
        {"role":"function","name":"f","content":"42"}]}"#;
    let (request, lost) = decode(body).unwrap();
    assert_eq!(lost, Vec::<String>::new());
    let Content::Call(call) = &request.turns[1].blocks[0].content else { panic!() };
    let Content::Result(result) = &request.turns[2].blocks[0].content else { panic!() };
    assert_eq!((call.name.as_str(), call.arguments.as_str(), call.kind), ("f", r#"{"a":1}"#, CallKind::Function));
    assert_eq!((&result.call, result.name.as_deref()), (&call.id, Some("f")));
}

#[test]
fn tr06_tr08_seals_come_back_byte_for_byte_and_in_order() {
    let body = r#"{"model":"m","messages":[{"role":"user","content":"x"},{"role":"assistant","content":null,
        "reasoning_content":"onetwo","reasoning_details":[
        {"type":"reasoning.text","text":"o","index":0},{"type":"reasoning.text","text":"ne","index":0},
        {"type":"reasoning.text","signature":"S1==","format":"anthropic-claude-v1","index":0},
        {"type":"reasoning.text","text":"two","signature":"S2","format":"anthropic-claude-v1","index":1,"position":2},
        {"type":"reasoning.encrypted","data":"R+/=","format":"anthropic-claude-v1","index":2,"position":3}],
        "tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{}"}},
                      {"id":"b","type":"function","function":{"name":"f","arguments":"{}"}}]}]}"#;
    let (request, lost) = decode(body).unwrap();
    assert_eq!(lost, Vec::<String>::new());
    let told: Vec<_> = request.turns[1]
        .blocks
        .iter()
        .map(|b| match &b.content {
            Content::Reasoning(r) => format!("{}/{}/{}", r.text, r.redacted, b.seal.as_ref().unwrap().data),
            Content::Call(c) => c.id.clone(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(told, ["one/false/S1==", "a", "two/false/S2", "/true/R+/=", "b"]);
    assert!(request.turns[1].blocks.iter().filter_map(|b| b.seal.as_ref()).all(|s| s.issuer == Issuer::Anthropic));
}

#[test]
fn tr12_a_signature_is_found_beside_a_renamed_call_and_by_the_calls_id() {
    for call in [
        r#"{"id":"renamed","type":"function","function":{"name":"f","arguments":"{}"},"extra_content":{"google":{"thought_signature":"SIG"}}}"#,
        r#"{"id":"orig","type":"function","function":{"name":"f","arguments":"{}"}}"#,
        r#"{"id":"renamed too","type":"function","function":{"name":"f","arguments":"{}"}}"#,
    ] {
        let details = if !call.contains("extra_content") {
            r#","reasoning_details":[{"type":"reasoning.encrypted","data":"SIG","id":"orig","format":"google-gemini-v1","index":0}]"#
        } else {
            ""
        };
        let body = format!(
            r#"{{"model":"m","messages":[{{"role":"user","content":"x"}},{{"role":"assistant","content":null,"tool_calls":[{call}]{details}}}]}}"#
        );
        let (request, lost) = decode(&body).unwrap();
        assert_eq!(lost, Vec::<String>::new());
        assert_eq!(request.turns[1].blocks.len(), 1);
        let seal = request.turns[1].blocks[0].seal.as_ref().unwrap();
        assert_eq!((seal.issuer, seal.data.as_str()), (Issuer::Gemini, "SIG"));
    }
}

#[test]
fn tr14_reasoning_of_history_in_every_spelling() {
    for said in [
        r#""content":"t","reasoning_content":"r""#,
        r#""content":"t","reasoning":"r""#,
        r#""content":"t","reasoning_details":[{"type":"reasoning.summary","summary":"r","index":0}]"#,
        r#""content":"t","thinking_blocks":[{"type":"thinking","thinking":"r","signature":""}]"#,
        r#""content":[{"type":"thinking","thinking":[{"type":"text","text":"r"}]},{"type":"text","text":"t"}]"#,
    ] {
        let body =
            format!(r#"{{"model":"m","messages":[{{"role":"user","content":"x"}},{{"role":"assistant",{said}}}]}}"#);
        let (request, lost) = decode(&body).unwrap();
        assert_eq!(lost, Vec::<String>::new(), "{said}");
        let blocks = &request.turns[1].blocks;
        assert!(matches!(&blocks[0].content, Content::Reasoning(r) if r.text == "r"), "{said}");
        assert_eq!(blocks[1].as_text(), Some("t"), "{said}");
    }
}

#[test]
fn the_form_of_the_answer() {
    let schema = with(
        r#","response_format":{"type":"json_schema","json_schema":{"name":"n","strict":true,"schema":{"b":1,"a":2}}}"#,
    );
    let flat = with(r#","response_format":{"type":"json_schema","name":"n","strict":true,"schema":{"b":1,"a":2}}"#);
    assert_eq!(decode(&flat).unwrap().0.output, decode(&schema).unwrap().0.output);
    let Some(OutputFormat::Schema { name, schema, strict, .. }) = decode(&schema).unwrap().0.output else { panic!() };
    assert_eq!((name.as_deref(), schema.as_str(), strict), (Some("n"), r#"{"b":1,"a":2}"#, Some(true)));
    assert_eq!(
        decode(&with(r#","response_format":{"type":"json_object"}"#)).unwrap().0.output,
        Some(OutputFormat::Json)
    );
    assert_eq!(decode(&with(r#","response_format":{"type":"text"}"#)).unwrap().0.output, None);
}
