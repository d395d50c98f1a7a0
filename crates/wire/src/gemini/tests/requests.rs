//! Requests both ways.

use super::*;

/// Both spellings, one value for a list of one, numbers as text: all that proto3 JSON and the SDKs allow.
#[test]
fn spellings_of_a_request_that_mean_the_same() {
    let plain = decode(
        r#"{"contents":[{"role":"user","parts":[{"text":"Hi"}]}],"systemInstruction":{"parts":[{"text":"S"}]},"generationConfig":{"maxOutputTokens":5,"stopSequences":["x"],"thinkingConfig":{"thinkingBudget":512,"includeThoughts":true}}}"#,
    );
    for body in [
        r#"{"contents":{"parts":{"text":"Hi"}},"system_instruction":{"parts":{"text":"S"}},"generation_config":{"max_output_tokens":"5","stop_sequences":"x","thinking_config":{"thinking_budget":"512","include_thoughts":true}}}"#,
        r#"{"contents":"Hi","systemInstruction":"S","generationConfig":{"maxOutputTokens":5.0,"stopSequences":["x"],"thinkingConfig":{"thinkingBudget":512,"includeThoughts":true}}}"#,
        r#"{"contents":["Hi"],"systemInstruction":["S"],"generationConfig":{"maxOutputTokens":5,"stopSequences":["x"],"thinkingConfig":{"thinkingBudget":512,"includeThoughts":true}}}"#,
        r#"{"contents":[{"text":"Hi"}],"systemInstruction":{"role":"system","parts":["S"]},"generationConfig":{"maxOutputTokens":5,"stopSequences":["x"],"thinkingConfig":{"thinkingBudget":512,"includeThoughts":true}}}"#,
    ] {
        let (mut got, losses) = decode(body);
        assert!(losses.is_empty(), "{body}: {losses:?}");
        let mut want = plain.0.clone();
        for request in [&mut got, &mut want] {
            request.turns.iter_mut().flat_map(|t| &mut t.blocks).chain(&mut request.system).for_each(|b| b.at.clear());
        }
        assert_eq!(got, want, "{body}");
    }
    assert_eq!(plain.0.turns[0].blocks[0].at, "contents[0].parts[0]");
}

#[test]
fn tr19_what_is_gemini_s_own_is_reported_in_the_client_s_spelling() {
    let (_, losses) = decode(
        r#"{"contents":[{"role":"user","parts":[{"text":"Hi","part_metadata":{"a":1}}]}],"safety_settings":[{"category":"X"}],"cachedContent":"c/1","labels":{},
        "generationConfig":{"responseModalities":["TEXT","IMAGE"],"mediaResolution":"MEDIA_RESOLUTION_LOW","speech_config":{"x":1}},
        "toolConfig":{"functionCallingConfig":{"mode":"VALIDATED","streamFunctionCallArguments":true},"includeServerSideToolInvocations":true},
        "tools":[{"functionDeclarations":[{"name":"f","behavior":"BLOCKING"}]}]}"#,
    );
    assert_eq!(
        losses,
        [
            "contents[0].parts[0].part_metadata;dropped",
            "tools[0].functionDeclarations[0].behavior;dropped",
            "toolConfig.includeServerSideToolInvocations;dropped",
            "toolConfig.functionCallingConfig.mode;adjusted",
            "generationConfig.responseModalities;dropped",
            "generationConfig.mediaResolution;dropped",
            "generationConfig.speech_config;dropped",
            "safety_settings;dropped",
            "cachedContent;dropped",
        ]
    );
}

#[test]
fn wrong_types_name_the_field() {
    for (body, param) in [
        (r#"{"contents":[{"role":"user","parts":[{"text":5}]}]}"#, "contents[0].parts[0].text"),
        (r#"{"contents":"a","generationConfig":{"topP":"high"}}"#, "generationConfig.topP"),
        (r#"{"contents":"a","generation_config":{"seed":1.5}}"#, "generation_config.seed"),
        (r#"{"contents":[{"parts":[{"functionCall":{"args":{}}}]}]}"#, "contents[0].parts[0].functionCall.name"),
        (
            r#"{"contents":[{"parts":[{"functionCall":{"name":"f","args":"{}"}}]}]}"#,
            "contents[0].parts[0].functionCall.args",
        ),
        (
            r#"{"contents":[{"parts":[{"inline_data":{"mimeType":"image/png"}}]}]}"#,
            "contents[0].parts[0].inline_data.data",
        ),
        (
            r#"{"contents":"a","toolConfig":{"functionCallingConfig":{"mode":"MAYBE"}}}"#,
            "toolConfig.functionCallingConfig.mode",
        ),
        (r#"{"generationConfig":{}}"#, "contents"),
    ] {
        let mut losses = Losses::new(path_of);
        let fault = decode_request(body.as_bytes(), &RequestHead::default(), &mut losses).unwrap_err();
        assert_eq!(fault.param.as_deref(), Some(param), "{body}: {fault}");
        assert_eq!(fault.status, 400);
    }
}

/// Google's SDK keeps each chunk of a streamed answer as a content of its own: they are one turn, not paragraphs.
#[test]
fn chunks_kept_as_contents_are_one_turn() {
    let (request, _) = decode(
        r#"{"contents":[{"role":"user","parts":[{"text":"Hi"}]},
        {"role":"model","parts":[{"text":"He"}]},{"role":"model","parts":[{"text":"llo"}]},{"role":"model","parts":[{"text":""}]},
        {"role":"user","parts":[{"text":"a"}]},{"role":"user","parts":[{"text":"b"}]}]}"#,
    );
    let turns: Vec<_> = request
        .turns
        .iter()
        .map(|t| (t.role, t.blocks.iter().filter_map(Block::as_text).collect::<Vec<_>>()))
        .collect();
    let expected = [
        (Role::User, vec!["Hi"]),
        (Role::Assistant, vec!["He", "llo"]),
        (Role::User, vec!["a"]),
        (Role::User, vec!["b"]),
    ];
    assert_eq!(turns, expected);
}

/// Calls without ids get stable ones, and results find their call by id, or by name in order.
#[test]
fn results_are_joined_to_their_calls() {
    let (request, _) = decode(
        r#"{"contents":[
        {"role":"model","parts":[{"functionCall":{"name":"a","args":{"n":1}}},{"functionCall":{"name":"a","args":{"n":2}}},{"functionCall":{"id":"own","name":"b"}}]},
        {"role":"function","parts":[{"functionResponse":{"name":"a","response":{"output":"first"}}},{"functionResponse":{"id":"own","name":"b","response":{"error":"no"}}},{"functionResponse":{"name":"a","response":{"k":[1]}}}]}]}"#,
    );
    let calls: Vec<_> = request.turns[0]
        .blocks
        .iter()
        .map(|b| match &b.content {
            Content::Call(call) => (call.id.as_str(), call.arguments.as_str()),
            other => panic!("{other:?}"),
        })
        .collect();
    let answers: Vec<_> = request.turns[1]
        .blocks
        .iter()
        .map(|b| match &b.content {
            Content::Result(r) => (r.call.as_str(), r.content[0].as_text().unwrap(), r.error),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(request.turns[1].role, Role::User);
    assert_ne!(calls[0].0, calls[1].0);
    assert_eq!((calls[0].1, calls[2]), (r#"{"n":1}"#, ("own", "{}")));
    assert_eq!(answers, [(calls[0].0, "first", false), ("own", "no", true), (calls[1].0, r#"{"k":[1]}"#, false)]);
}

/// Four calls, their results in four turns and out of order, then words: one content of responses in the calls' order.
#[test]
fn tr15_parallel_results_are_one_content_in_the_order_of_the_calls() {
    let ids = ["c1", "c2", "c3", "c4"];
    let mut turns = vec![turn(Role::Assistant, ids.iter().map(|id| call(id, &format!("f_{id}"))).collect())];
    for id in ["c3", "c1", "c4", "c2"] {
        turns.push(turn(Role::User, vec![result(id, vec![Block::text(id)])]));
    }
    turns.push(turn(Role::User, vec![Block::text("And now?")]));
    let body = encode("gemini-2.5-flash", &Request { turns, ..Request::default() });
    let node = Node::read(body.as_bytes()).unwrap();
    let contents = node.get("contents").unwrap().items();
    assert_eq!(contents.iter().map(|c| c.text("role").unwrap()).collect::<Vec<_>>(), ["model", "user", "user"]);
    let responses: Vec<_> =
        contents[1].get("parts").unwrap().items().iter().map(|p| p.get("functionResponse").unwrap()).collect();
    for (i, id) in ids.iter().enumerate() {
        assert_eq!(responses[i].text("name"), Some(format!("f_{id}").as_str()));
        assert_eq!(responses[i].text("id"), Some(*id));
        assert_eq!(responses[i].get("response").unwrap().to_text(), format!(r#"{{"result":"{id}"}}"#));
    }
    assert_eq!(contents[2].get("parts").unwrap().to_text(), r#"[{"text":"And now?"}]"#);
}

#[test]
fn results_become_objects() {
    let table: [(Vec<Block>, bool, &str); 7] = [
        (vec![Block::text("21°C")], false, r#"{"result":"21°C"}"#),
        (vec![], false, r#"{"result":""}"#),
        (vec![Block::text("a"), Block::text("b")], false, r#"{"result":"ab"}"#),
        (vec![Block::text(r#"{"t": 21}"#)], false, r#"{"t": 21}"#),
        (vec![Block::text("[1]")], false, r#"{"result":"[1]"}"#),
        (vec![Block::text("no such city")], true, r#"{"error":"no such city"}"#),
        (
            vec![Block::text("found"), media(MediaKind::Document, MediaSource::Text("facts".into()))],
            false,
            r#"{"content":"found","documents":[{"text":"facts"}]}"#,
        ),
    ];
    for (content, error, want) in table {
        let mut block = result("c", content);
        if let Content::Result(r) = &mut block.content {
            r.error = error;
        }
        let turns = vec![turn(Role::Assistant, vec![call("c", "f")]), turn(Role::User, vec![block])];
        let body = encode("gemini-2.5-flash", &Request { turns, ..Request::default() });
        assert!(body.contains(&format!(r#""response":{want}"#)), "{want} in {body}");
    }
}

fn media(kind: MediaKind, source: MediaSource) -> Block {
    Block::new(Content::Media(Media { kind, mime: None, source, name: None, detail: None })).at("m")
}

#[test]
fn tr24_media_in_results_and_messages_arrive() {
    let png = || media(MediaKind::Image, MediaSource::Base64("iVBORw0KGgo=".into()));
    let turns = vec![
        turn(Role::Assistant, vec![call("c", "f")]),
        turn(Role::User, vec![result("c", vec![Block::text("see"), png()]), Block::text("Well?")]),
    ];
    let request = Request { turns, ..Request::default() };
    let inside =
        r#""response":{"result":"see"},"parts":[{"inlineData":{"mimeType":"image/png","data":"iVBORw0KGgo="}}]"#;
    assert!(encode("gemini-3-pro-preview", &request).contains(inside));
    let beside =
        r#"{"role":"user","parts":[{"inlineData":{"mimeType":"image/png","data":"iVBORw0KGgo="}},{"text":"Well?"}]}"#;
    assert!(encode("gemini-2.5-flash", &request).contains(beside));

    let url = media(MediaKind::Document, MediaSource::Url("https://a.example/x.pdf".into()));
    let body = encode("gemini-2.5-flash", &Request { turns: vec![turn(Role::User, vec![url])], ..Request::default() });
    assert!(
        body.contains(r#"{"fileData":{"mimeType":"application/pdf","fileUri":"https://a.example/x.pdf"}}"#),
        "{body}"
    );

    let foreign = MediaSource::FileId { id: "file-1".into(), dialect: tollgate_ir::Dialect::OpenAiChat };
    let turns = vec![turn(Role::User, vec![media(MediaKind::Image, foreign)])];
    let fault = encode_for("gemini-2.5-flash", &Request { turns, ..Request::default() }).unwrap_err();
    assert_eq!((fault.kind, fault.param.as_deref()), (FaultKind::UnsupportedContent, Some("m")));
}

#[test]
fn media_that_the_model_refuses_are_faults_that_name_the_block() {
    let turns = vec![turn(Role::User, vec![media(MediaKind::Audio, MediaSource::Base64("AAAA".into()))])];
    let request = Request { turns, ..Request::default() };
    let facts = ModelFacts { media: Some(vec![MediaKind::Image]), ..ModelFacts::default() };
    let target = Target { model: "gemini-x", names: &ToolNames::default(), facts: &facts };
    let fault = encode_request(&request, &target, &mut Losses::new(path_of)).unwrap_err();
    assert_eq!((fault.kind, fault.param.as_deref()), (FaultKind::UnsupportedContent, Some("m")));
}

/// Signatures come back byte for byte on the part that they came with; foreign ones do not; where Gemini 3 would refuse
/// a step for want of one, its first call has the placeholder.
#[test]
fn tr11_signatures_are_replayed_and_lost_ones_replaced() {
    let steps = vec![
        turn(Role::User, vec![Block::text("go")]),
        turn(Role::Assistant, vec![sealed(call("c1", "f"), Issuer::Gemini, "AbC+/="), call("c2", "f")]),
        turn(Role::User, vec![result("c1", vec![]), result("c2", vec![])]),
        turn(Role::Assistant, vec![sealed(call("c3", "f"), Issuer::Anthropic, "claude"), call("c4", "f")]),
        turn(Role::User, vec![result("c3", vec![]), result("c4", vec![])]),
    ];
    let request = Request { turns: steps, ..Request::default() };
    let seals = |body: &str| {
        let node = Node::read(body.as_bytes()).unwrap();
        let contents = node.get("contents").unwrap().items();
        [1, 3].map(|i| {
            let parts = contents[i].get("parts").unwrap().items();
            parts.iter().map(|p| p.text("thoughtSignature").unwrap_or("").to_owned()).collect::<Vec<_>>()
        })
    };
    let (third, losses) = encode_for("gemini-3-pro-preview", &request).unwrap();
    assert_eq!(seals(&third), [["AbC+/=", ""], ["skip_thought_signature_validator", ""]]);
    assert_eq!(losses, ["call.c3;defaulted"]);
    assert_eq!(seals(&encode("gemini-2.5-flash", &request)), [["AbC+/=", ""], ["", ""]]);
}

#[test]
fn reasoning_of_others_stays_away_and_gemini_s_goes_back() {
    let thought = |text: &str| Block::new(Content::Reasoning(Reasoning { text: text.into(), ..Reasoning::default() }));
    let foreign = sealed(thought("claude thinks"), Issuer::Anthropic, "s").at("messages[1].content[0]");
    let own = sealed(thought("gemini thinks"), Issuer::Gemini, "g");
    let turns =
        vec![turn(Role::User, vec![Block::text("q")]), turn(Role::Assistant, vec![foreign, own, Block::text("a")])];
    let (body, losses) = encode_for("gemini-2.5-flash", &Request { turns, ..Request::default() }).unwrap();
    assert!(
        body.contains(r#"[{"text":"gemini thinks","thought":true,"thoughtSignature":"g"},{"text":"a"}]"#),
        "{body}"
    );
    assert_eq!(losses, ["messages[1].content[0];dropped"]);
}

#[test]
fn late_system_messages_are_hoisted_and_lone_ones_are_said() {
    let mut request = Request {
        system: vec![Block::text("first")],
        turns: vec![
            turn(Role::User, vec![Block::text("q")]),
            turn(Role::System, vec![Block::text("late").at("messages[2]")]),
        ],
        ..Request::default()
    };
    let (body, losses) = encode_for("gemini-2.5-flash", &request).unwrap();
    assert_eq!(at(&body, &["systemInstruction", "parts"]), r#"[{"text":"first"},{"text":"late"}]"#);
    assert_eq!(losses, ["messages[2];adjusted"]);
    request.turns.clear();
    let body = encode("gemini-2.5-flash", &request);
    assert_eq!(body, r#"{"contents":[{"role":"user","parts":[{"text":"first"}]}]}"#);
}

fn function(name: &str, parameters: &str) -> Tool {
    Tool {
        kind: ToolKind::Function {
            name: name.into(),
            description: Some("d".into()),
            parameters: Some(tollgate_ir::Json::parse(parameters).unwrap()),
            strict: None,
        },
        cache: None,
        carry: None,
        at: "tools[0]".into(),
    }
}

/// JSON Schema goes as it is, key order and all, to models that read it, and reduced to those that do not.
#[test]
fn tr21_tr22_schemas_keep_their_words() {
    let schema = r#"{"type":"object","properties":{"z":{"anyOf":[{"type":"string"},{"type":"null"}]},"a":{"type":"integer"}},"additionalProperties":true,"required":["z"]}"#;
    let request = Request {
        tools: vec![function("f", schema)],
        turns: vec![turn(Role::User, vec![Block::text("q")])],
        ..Request::default()
    };
    assert!(encode("gemini-2.5-pro", &request).contains(&format!(r#""parametersJsonSchema":{schema}"#)));
    let reduced = r#""parameters":{"type":"OBJECT","properties":{"z":{"nullable":true,"type":"STRING"},"a":{"type":"INTEGER"}},"required":["z"]}"#;
    assert!(encode("gemini-2.0-flash", &request).contains(reduced));
    let circle = r##"{"type":"object","properties":{"next":{"$ref":"#"}}}"##;
    let request = Request { tools: vec![function("f", circle)], ..request };
    let fault = encode_for("gemini-1.5-pro", &request).unwrap_err();
    assert_eq!((fault.status, fault.param.as_deref()), (400, Some("tools[0].properties.next.properties.next")));
}

#[test]
fn a_gemini_client_s_own_declaration_goes_back_as_it_was() {
    let tools = r#"[{"googleSearch":{}},{"functionDeclarations":[{"name":"f","parameters":{"type":"OBJECT","properties":{"a":{"type":"STRING","nullable":true}}}}]}]"#;
    let (request, losses) = decode(&format!(r#"{{"contents":"q","tools":{tools}}}"#));
    assert!(losses.is_empty());
    let ToolKind::Function { parameters: Some(schema), .. } = &request.tools[1].kind else { panic!() };
    assert_eq!(schema.as_str(), r#"{"type":"object","properties":{"a":{"type":["string","null"]}}}"#);
    assert_eq!(at(&encode("gemini-2.5-flash", &request), &["tools"]), tools);
}

#[test]
fn tr17_tool_choices_both_ways() {
    for (choice, written) in [
        (ToolChoice::Auto, r#"{"mode":"AUTO"}"#),
        (ToolChoice::None, r#"{"mode":"NONE"}"#),
        (ToolChoice::Required, r#"{"mode":"ANY"}"#),
        (ToolChoice::Named("f".into()), r#"{"mode":"ANY","allowedFunctionNames":["f"]}"#),
        (
            ToolChoice::Allowed { names: vec!["f".into(), "g".into()], required: true },
            r#"{"mode":"ANY","allowedFunctionNames":["f","g"]}"#,
        ),
        (
            ToolChoice::Allowed { names: vec!["f".into()], required: false },
            r#"{"mode":"VALIDATED","allowedFunctionNames":["f"]}"#,
        ),
    ] {
        let request = Request {
            tools: vec![function("f", "{}"), function("g", "{}")],
            tool_choice: Some(choice.clone()),
            turns: vec![turn(Role::User, vec![Block::text("q")])],
            ..Request::default()
        };
        let body = encode("gemini-2.5-flash", &request);
        assert_eq!(at(&body, &["toolConfig", "functionCallingConfig"]), written);
        assert_eq!(decode(&body).0.tool_choice, Some(choice.clone()));
        let alone = Request { tools: vec![], ..request };
        assert_eq!(at(&encode("gemini-2.5-flash", &alone), &["toolConfig"]), "absent", "{choice:?}");
    }
}

#[test]
fn custom_tools_are_functions_of_one_text() {
    let custom = Tool {
        kind: ToolKind::Custom { name: "patch".into(), description: None, format: None },
        cache: None,
        carry: None,
        at: "tools[0]".into(),
    };
    let said = Call { id: "c".into(), name: "patch".into(), arguments: "*** Begin".into(), kind: CallKind::Custom };
    let turns =
        vec![turn(Role::User, vec![Block::text("q")]), turn(Role::Assistant, vec![Block::new(Content::Call(said))])];
    let body = encode("gemini-2.5-flash", &Request { tools: vec![custom], turns, ..Request::default() });
    assert!(body.contains(r#"{"functionCall":{"name":"patch","args":{"input":"*** Begin"},"id":"c"}}"#), "{body}");
    assert!(body.contains(r#""properties":{"input":{"type":"STRING"}},"required":["input"]"#), "{body}");
}

fn thinking(mode: ThinkingMode, effort: Option<Effort>, budget: Option<u64>, show: Option<bool>) -> Thinking {
    Thinking { mode, effort, budget, show, summary: None }
}

/// A budget up to 2.5, a level from 3 on; what a class cannot say is reported.
#[test]
fn thinking_by_the_model_s_class() {
    use ThinkingMode::{Adaptive, Off, On, Unsaid};
    let (flash, pro, lite, third, third_pro) =
        ("gemini-2.5-flash", "gemini-2.5-pro", "gemini-2.5-flash-lite", "gemini-3.5-flash", "gemini-3-pro-preview");
    for (model, given, want, loss) in [
        (flash, thinking(On, None, Some(1024), Some(true)), r#"{"thinkingBudget":1024,"includeThoughts":true}"#, None),
        (flash, thinking(On, Some(Effort::Low), None, None), r#"{"thinkingBudget":2000,"includeThoughts":true}"#, None),
        (
            flash,
            thinking(On, Some(Effort::High), None, Some(false)),
            r#"{"thinkingBudget":8000,"includeThoughts":false}"#,
            None,
        ),
        (flash, thinking(Adaptive, None, None, None), r#"{"thinkingBudget":-1,"includeThoughts":true}"#, None),
        (flash, thinking(Off, None, None, None), r#"{"thinkingBudget":0}"#, None),
        (flash, thinking(Unsaid, None, None, Some(true)), r#"{"includeThoughts":true}"#, None),
        (
            flash,
            thinking(On, None, Some(60_000), None),
            r#"{"thinkingBudget":24576,"includeThoughts":true}"#,
            Some("adjusted"),
        ),
        (pro, thinking(Off, None, None, None), r#"{"thinkingBudget":128}"#, Some("adjusted")),
        (
            lite,
            thinking(On, None, Some(100), None),
            r#"{"thinkingBudget":512,"includeThoughts":true}"#,
            Some("adjusted"),
        ),
        (
            third,
            thinking(On, Some(Effort::Medium), None, None),
            r#"{"thinkingLevel":"medium","includeThoughts":true}"#,
            None,
        ),
        (
            third,
            thinking(On, None, Some(2000), None),
            r#"{"thinkingLevel":"low","includeThoughts":true}"#,
            Some("adjusted"),
        ),
        (third, thinking(Off, None, None, None), r#"{"thinkingLevel":"minimal"}"#, Some("adjusted")),
        (
            third_pro,
            thinking(On, Some(Effort::Medium), None, None),
            r#"{"thinkingLevel":"high","includeThoughts":true}"#,
            Some("adjusted"),
        ),
        (
            third_pro,
            thinking(On, Some(Effort::Max), None, None),
            r#"{"thinkingLevel":"high","includeThoughts":true}"#,
            Some("adjusted"),
        ),
        (third, thinking(Adaptive, None, None, None), r#"{"includeThoughts":true}"#, None),
        ("gemini-2.0-flash", thinking(On, None, Some(1024), None), "absent", Some("dropped")),
        ("gemini-2.0-flash", thinking(Off, None, None, None), "absent", None),
    ] {
        let mut request = Request { thinking: Some(given.clone()), ..Request::default() };
        request.params.max_tokens = Some(10_000);
        let (body, losses) = encode_for(model, &request).unwrap();
        assert_eq!(at(&body, &["generationConfig", "thinkingConfig"]), want, "{model} {given:?}");
        let want: Vec<_> = loss.iter().map(|l| format!("generationConfig.thinkingConfig;{l}")).collect();
        assert_eq!(losses, want, "{model} {given:?}");
    }
}

#[test]
fn thinking_as_clients_ask_for_it() {
    use ThinkingMode::{Adaptive, Off, On, Unsaid};
    for (config, want) in [
        (r#"{"thinkingBudget":0}"#, Some(thinking(Off, None, None, None))),
        (r#"{"thinkingBudget":-1}"#, Some(thinking(Adaptive, None, None, None))),
        (r#"{"thinking_level":"HIGH"}"#, Some(thinking(On, Some(Effort::High), None, None))),
        (
            r#"{"thinkingLevel":"minimal","includeThoughts":false}"#,
            Some(thinking(On, Some(Effort::Minimal), None, Some(false))),
        ),
        (r#"{"includeThoughts":true}"#, Some(thinking(Unsaid, None, None, Some(true)))),
        ("{}", None),
    ] {
        let body = format!(r#"{{"contents":"q","generationConfig":{{"thinkingConfig":{config}}}}}"#);
        assert_eq!(decode(&body).0.thinking, want, "{config}");
    }
}

#[test]
fn the_form_of_the_answer_both_ways() {
    let schema = r#"{"type":"object","properties":{"a":{"type":"string"}}}"#;
    let wanted = |schema: &str| OutputFormat::Schema {
        name: None,
        description: None,
        schema: tollgate_ir::Json::parse(schema).unwrap(),
        strict: None,
    };
    for (config, want) in [
        (r#"{"responseMimeType":"application/json"}"#.to_owned(), Some(OutputFormat::Json)),
        (r#"{"responseMimeType":"text/plain"}"#.to_owned(), None),
        (format!(r#"{{"responseMimeType":"application/json","responseJsonSchema":{schema}}}"#), Some(wanted(schema))),
        (r#"{"response_mime_type":"application/json","response_schema":{"type":"OBJECT","properties":{"a":{"type":"STRING"}}}}"#.to_owned(), Some(wanted(schema))),
    ] {
        let (request, losses) = decode(&format!(r#"{{"contents":"q","generationConfig":{config}}}"#));
        assert_eq!((&request.output, losses.len()), (&want, 0), "{config}");
        assert_eq!(decode(&encode("gemini-2.5-flash", &request)).0.output, want, "{config}");
    }
    let (request, losses) = decode(
        r#"{"contents":"q","generationConfig":{"responseMimeType":"text/x.enum","responseSchema":{"enum":["a"]}}}"#,
    );
    assert_eq!((request.output, losses.len()), (None, 2));
}

/// What Gemini has no word for is reported, nothing else is.
#[test]
fn tr19_parameters_without_a_word_are_reported() {
    let mut request = Request { turns: vec![turn(Role::User, vec![Block::text("q")])], ..Request::default() };
    request.params.user = Some("u".into());
    request.params.store = Some(false);
    request.params.service_tier = Some("scale".into());
    request.params.seed = Some(1 << 40);
    request.params.stop = (0..7).map(|n| n.to_string()).collect();
    request.params.top_logprobs = Some(3);
    request.params.n = Some(1);
    let mut losses = Losses::new(crate::openai_chat::path_of);
    let target = Target { model: "gemini-2.5-flash", names: &ToolNames::default(), facts: &ModelFacts::default() };
    encode_request(&request, &target, &mut losses).unwrap();
    let got: Vec<_> = losses.all().iter().map(|l| (l.path.as_str(), l.reason)).collect();
    assert_eq!(
        got,
        [
            ("stop", Reason::Adjusted),
            ("seed", Reason::Adjusted),
            ("top_logprobs", Reason::Dropped),
            ("service_tier", Reason::Dropped),
            ("user", Reason::Dropped),
        ]
    );
}

/// TR38: what the latest models refuse is left out and reported; zero says nothing.
#[test]
fn tr38_penalties_by_the_model_s_class() {
    let mut request = Request { turns: vec![turn(Role::User, vec![Block::text("q")])], ..Request::default() };
    request.params.presence_penalty = Some(0.5);
    request.params.frequency_penalty = Some(0.0);
    let (body, losses) = encode_for("gemini-2.5-flash", &request).unwrap();
    assert_eq!(at(&body, &["generationConfig"]), r#"{"presencePenalty":0.5,"frequencyPenalty":0}"#);
    assert!(losses.is_empty());
    let (body, losses) = encode_for("gemini-3.8-flash", &request).unwrap();
    assert_eq!(at(&body, &["generationConfig"]), "absent");
    assert_eq!(losses, ["generationConfig.presencePenalty;dropped"]);
}
