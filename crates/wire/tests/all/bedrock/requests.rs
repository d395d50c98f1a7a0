//! Requests, both ways, by Converse's rules.

use tollgate_ir::{
    Block, CacheMark, Call, CallKind, Content, Effort, FaultKind, Issuer, Media, MediaKind, MediaSource, OutputFormat,
    Reasoning, Request, Role, Seal, Thinking, ThinkingMode, Tool, ToolChoice, ToolKind, ToolResult, Turn,
};

use super::{CLAUDE, LLAMA, NEW_CLAUDE, NOVA, OLD_CLAUDE, decoded, encoded, field, json, try_encoded};

fn user(blocks: Vec<Block>) -> Turn {
    Turn { role: Role::User, blocks }
}

fn assistant(blocks: Vec<Block>) -> Turn {
    Turn { role: Role::Assistant, blocks }
}

fn asking(turns: Vec<Turn>) -> Request {
    Request { model: "m".into(), turns, ..Request::default() }
}

fn hello() -> Request {
    asking(vec![user(vec![Block::text("Hello")])])
}

fn call(id: &str, name: &str) -> Block {
    let call = Call { id: id.into(), name: name.into(), arguments: "{}".into(), kind: CallKind::Function };
    Block::new(Content::Call(call))
}

fn result(id: &str, text: &str) -> Block {
    Block::new(Content::Result(ToolResult {
        call: id.into(),
        name: None,
        content: vec![Block::text(text)],
        json: None,
        error: false,
        kind: CallKind::Function,
    }))
}

fn thought(data: &str, redacted: bool) -> Block {
    let text = if redacted { String::new() } else { "Hm".to_owned() };
    let mut block = Block::new(Content::Reasoning(Reasoning { text, redacted, ..Reasoning::default() }));
    block.seal = Some(Seal { issuer: Issuer::Anthropic, data: data.into() });
    block
}

fn tool(name: &str) -> Tool {
    let kind = ToolKind::Function { name: name.into(), description: None, parameters: None, strict: None };
    Tool { kind, cache: None, carry: None, at: "tools[0]".into() }
}

fn messages(request: &Request, model: &str) -> String {
    field(request, model, &["messages"]).unwrap()
}

#[test]
fn tr15_results_of_a_turn_come_together_and_first() {
    let mut request = asking(vec![
        user(vec![Block::text("Go")]),
        assistant(vec![call("a", "f"), call("b", "f")]),
        user(vec![result("a", "1")]),
        user(vec![Block::text("and")]),
        user(vec![result("b", "2")]),
    ]);
    request.tools.push(tool("f"));
    assert_eq!(
        messages(&request, CLAUDE),
        concat!(
            r#"[{"role":"user","content":[{"text":"Go"}]},"#,
            r#"{"role":"assistant","content":[{"toolUse":{"toolUseId":"a","name":"f","input":{}}},{"toolUse":{"toolUseId":"b","name":"f","input":{}}}]},"#,
            r#"{"role":"user","content":[{"toolResult":{"toolUseId":"a","content":[{"text":"1"}]}},{"toolResult":{"toolUseId":"b","content":[{"text":"2"}]}},{"text":"and"}]}]"#,
        )
    );
}

#[test]
fn tr08_thinking_keeps_its_order_and_bytes() {
    let mut request = asking(vec![
        user(vec![Block::text("Go")]),
        assistant(vec![
            thought("Sig1==", false),
            call("a", "f"),
            thought("Sig2", false),
            thought("Secret", true),
            call("b", "f"),
        ]),
        user(vec![result("a", ""), result("b", "2")]),
    ]);
    request.tools.push(tool("f"));
    let said = messages(&request, CLAUDE);
    let at = |part: &str| said.find(part).unwrap_or_else(|| panic!("{part} in {said}"));
    let places =
        [at("Sig1=="), at(r#""toolUseId":"a","name""#), at("Sig2"), at("U2VjcmV0"), at(r#""toolUseId":"b","name""#)];
    assert!(places.is_sorted(), "{said}");
    assert!(said.contains(r#"{"toolResult":{"toolUseId":"a","content":[]}}"#), "an empty answer is one: {said}");
    // Others cannot read it: it is left out, and said so.
    let (body, lost) = encoded(&request, NOVA);
    assert!(!body.contains("reasoningContent"));
    assert!(lost.is_empty(), "blocks made here have no place to name: {lost:?}");
}

#[test]
fn tr09_foreign_seals_are_never_sent() {
    let mut foreign = thought("Theirs", false).at("messages[1]");
    foreign.seal = Some(Seal { issuer: Issuer::Gemini, data: "Theirs".into() });
    let request = asking(vec![
        user(vec![Block::text("Go")]),
        assistant(vec![foreign, Block::text("ok")]),
        user(vec![Block::text("?")]),
    ]);
    let (body, lost) = encoded(&request, CLAUDE);
    assert!(!body.contains("Theirs") && !body.contains("Hm"));
    assert_eq!(lost, ["messages[1];dropped"]);
}

#[test]
fn tr39_history_with_calls_declares_the_tools_it_names() {
    let request =
        asking(vec![user(vec![Block::text("Go")]), assistant(vec![call("a", "f")]), user(vec![result("a", "1")])]);
    assert_eq!(
        field(&request, CLAUDE, &["toolConfig"]).unwrap(),
        r#"{"tools":[{"toolSpec":{"name":"f","inputSchema":{"json":{"type":"object","properties":{}}}}}]}"#
    );
    assert_eq!(field(&hello(), CLAUDE, &["toolConfig"]), None);
}

#[test]
fn blank_texts_are_never_sent_and_the_user_speaks_first() {
    let request = asking(vec![
        assistant(vec![Block::text("Hi")]),
        user(vec![Block::text(""), Block::text(" \n")]),
        assistant(vec![Block::text("there")]),
        user(vec![Block::text("x")]),
    ]);
    let wanted = r#"[{"role":"user","content":[{"text":"."}]},{"role":"assistant","content":[{"text":"Hi"},{"text":"there"}]},{"role":"user","content":[{"text":"x"}]}]"#;
    assert_eq!(messages(&request, CLAUDE), wanted);
    let mut instructed = asking(Vec::new());
    assert_eq!(try_encoded(&instructed, CLAUDE).unwrap_err().kind, FaultKind::UnsupportedContent, "nothing is said");
    instructed.system.push(Block::text("Say hello."));
    assert_eq!(messages(&instructed, CLAUDE), r#"[{"role":"user","content":[{"text":"."}]}]"#);
}

#[test]
fn a_last_turn_of_the_assistant_is_gone_on_with_where_the_model_does() {
    let last = Block::text("It is \n").at("messages[1].content");
    let request = asking(vec![user(vec![Block::text("Go")]), assistant(vec![last])]);
    assert!(messages(&request, CLAUDE).ends_with(r#"{"role":"assistant","content":[{"text":"It is"}]}]"#));
    for model in [NEW_CLAUDE, NOVA] {
        let fault = try_encoded(&request, model).unwrap_err();
        assert_eq!((fault.status, fault.param.as_deref()), (400, Some("messages[1].content")), "{model}");
    }
}

#[test]
fn late_instructions_join_the_system_prompt() {
    let mut request = hello();
    request.system.push(Block::text("Be kind."));
    request.turns.push(Turn { role: Role::System, blocks: vec![Block::text("Be brief.")] });
    assert_eq!(field(&request, CLAUDE, &["system"]).unwrap(), r#"[{"text":"Be kind."},{"text":"Be brief."}]"#);
}

#[test]
fn tr23_cache_marks_become_cache_points_after_the_same_blocks() {
    let mark = |one_hour| Some(CacheMark { one_hour });
    let mut request = asking(vec![user(vec![
        Block { cache: mark(false), ..Block::text("a").at("messages[0].content[0]") },
        Block::text("b"),
    ])]);
    request.system.push(Block { cache: mark(true), ..Block::text("s").at("system[0]") });
    request.tools.push(Tool { cache: mark(false), ..tool("f") });
    assert_eq!(
        messages(&request, CLAUDE),
        r#"[{"role":"user","content":[{"text":"a"},{"cachePoint":{"type":"default"}},{"text":"b"}]}]"#
    );
    assert_eq!(
        field(&request, CLAUDE, &["system"]).unwrap(),
        r#"[{"text":"s"},{"cachePoint":{"type":"default","ttl":"1h"}}]"#
    );
    assert!(field(&request, CLAUDE, &["toolConfig"]).unwrap().ends_with(r#"{"cachePoint":{"type":"default"}}]}"#));
    // Older models know one lifetime, Nova no tools' cache, Llama no cache.
    assert_eq!(encoded(&request, OLD_CLAUDE).1, ["system[0].cache_control.ttl;adjusted"]);
    assert_eq!(encoded(&request, NOVA).1, ["system[0].cache_control.ttl;adjusted", "tools[0].cache_control;dropped"]);
    assert_eq!(encoded(&request, LLAMA).1.len(), 3);
    assert!(!encoded(&request, LLAMA).0.contains("cachePoint"));
}

fn media(kind: MediaKind, mime: &str, source: MediaSource) -> Block {
    let name = Some("a report.pdf".to_owned());
    Block::new(Content::Media(Media { kind, mime: Some(mime.into()), source, name, detail: None }))
        .at("messages[0].content[1]")
}

#[test]
fn tr24_media_by_format_and_what_cannot_be_carried_is_named() {
    let bytes = || MediaSource::Base64("QUJD".into());
    let ask = |block| asking(vec![user(vec![Block::text("Look"), block])]);
    for (block, wanted) in [
        (media(MediaKind::Image, "image/jpeg", bytes()), r#"{"image":{"format":"jpeg","source":{"bytes":"QUJD"}}}"#),
        (
            media(MediaKind::Document, "application/pdf", bytes()),
            r#"{"document":{"format":"pdf","name":"a report","source":{"bytes":"QUJD"}}}"#,
        ),
        (
            media(MediaKind::Document, "text/x-python", MediaSource::Text("print()".into())),
            r#"{"document":{"format":"txt","name":"a report-pdf","source":{"text":"print()"}}}"#,
        ),
        (
            media(MediaKind::Video, "video/mp4", MediaSource::Url("s3://b/k".into())),
            r#"{"video":{"format":"mp4","source":{"s3Location":{"uri":"s3://b/k"}}}}"#,
        ),
    ] {
        let said = messages(&ask(block), CLAUDE);
        assert!(said.contains(wanted), "{said}");
    }
    for block in [
        media(MediaKind::Image, "image/tiff", bytes()),
        media(MediaKind::Image, "image/png", MediaSource::Url("https://x.y/z.png".into())),
        media(
            MediaKind::Image,
            "image/png",
            MediaSource::FileId { id: "f".into(), dialect: tollgate_ir::Dialect::OpenAiChat },
        ),
    ] {
        let fault = try_encoded(&ask(block), CLAUDE).unwrap_err();
        assert_eq!(fault.kind, FaultKind::UnsupportedContent);
        assert_eq!(fault.param.as_deref(), Some("messages[0].content[1]"));
        assert!(fault.public.contains("messages[0].content[1]"), "{}", fault.public);
    }
    let alone = asking(vec![user(vec![media(MediaKind::Document, "application/pdf", bytes())])]);
    assert!(messages(&alone, CLAUDE).ends_with(r#"{"text":"."}]}]"#), "a document needs a text beside it");
}

#[test]
fn tr17_tool_choices() {
    let choice = |choice: Option<ToolChoice>, parallel: Option<bool>, model: &str| {
        let mut request = hello();
        request.tools = vec![tool("f"), tool("g")];
        request.tool_choice = choice;
        request.parallel_tools = parallel;
        let (body, lost) = encoded(&request, model);
        let node = tollgate_wire::json::Node::parse(body.as_bytes()).unwrap();
        let text = |path: &[&str]| node.at(path).map(tollgate_wire::json::Node::to_text);
        (text(&["toolConfig", "toolChoice"]), text(&["additionalModelRequestFields", "tool_choice"]), lost.len())
    };
    let some = |text: &str| Some(text.to_owned());
    let named = || Some(ToolChoice::Named("g".into()));
    assert_eq!(choice(None, None, CLAUDE), (None, None, 0));
    assert_eq!(choice(Some(ToolChoice::Auto), Some(true), CLAUDE), (some(r#"{"auto":{}}"#), None, 0));
    assert_eq!(choice(Some(ToolChoice::Required), None, CLAUDE), (some(r#"{"any":{}}"#), None, 0));
    assert_eq!(choice(named(), None, NOVA), (some(r#"{"tool":{"name":"g"}}"#), None, 0));
    assert_eq!(choice(named(), None, LLAMA), (some(r#"{"auto":{}}"#), None, 1));
    assert_eq!(choice(Some(ToolChoice::None), None, CLAUDE), (None, None, 0));
    let one = r#"{"type":"auto","disable_parallel_tool_use":true}"#;
    assert_eq!(choice(None, Some(false), CLAUDE), (None, some(one), 0));
    let forced = r#"{"disable_parallel_tool_use":true}"#;
    assert_eq!(choice(named(), Some(false), CLAUDE), (some(r#"{"tool":{"name":"g"}}"#), some(forced), 0));
    assert_eq!(choice(None, Some(false), NOVA), (None, None, 1));

    let mut request = hello();
    request.tools = vec![tool("f"), tool("g")];
    request.tool_choice = Some(ToolChoice::None);
    assert_eq!(field(&request, CLAUDE, &["toolConfig"]), None, "no tool is callable");
    request.tool_choice = Some(ToolChoice::Allowed { names: vec!["g".into()], required: true });
    let config = field(&request, CLAUDE, &["toolConfig"]).unwrap();
    assert!(!config.contains(r#""name":"f""#) && config.contains(r#"{"any":{}}"#), "{config}");
}

#[test]
fn tr17_none_with_calls_in_the_history_keeps_the_tools_uncallable() {
    let mut request =
        asking(vec![user(vec![Block::text("Go")]), assistant(vec![call("a", "f")]), user(vec![result("a", "1")])]);
    request.tools.push(tool("f"));
    request.tool_choice = Some(ToolChoice::None);
    let (body, _) = encoded(&request, CLAUDE);
    assert!(body.contains(r#""toolConfig":{"tools":"#) && body.contains(r#""tool_choice":{"type":"none"}"#), "{body}");
    assert_eq!(encoded(&request, NOVA).1, ["tool_choice;dropped"]);
}

#[test]
fn structured_output_is_native_where_the_model_has_it_and_a_forced_tool_elsewhere() {
    let closed = r#"{"type":"object","properties":{"a":{"type":"string"}},"additionalProperties":false}"#;
    let bounded = r#"{"type":"object","properties":{"a":{"type":"string","maxLength":3}}}"#;
    let ask = |schema: &str| {
        let mut request = hello();
        let (name, description) = (Some("city".to_owned()), None);
        request.output = Some(OutputFormat::Schema { name, description, schema: json(schema), strict: Some(true) });
        request
    };
    assert_eq!(
        field(&ask(closed), CLAUDE, &["outputConfig", "textFormat", "structure", "jsonSchema"]).unwrap(),
        format!(r#"{{"schema":{},"name":"city"}}"#, serde_json::to_string(closed).unwrap())
    );
    for (schema, model) in [(closed, OLD_CLAUDE), (closed, NOVA), (bounded, CLAUDE)] {
        let (encoded, _) = try_encoded(&ask(schema), model).unwrap();
        assert_eq!(encoded.output_tool.as_deref(), Some("city"));
        let body = String::from_utf8(encoded.body).unwrap();
        assert!(body.contains(r#""toolChoice":{"tool":{"name":"city"}}"#) && body.contains(schema), "{body}");
    }
    let mut any = hello();
    any.output = Some(OutputFormat::Json);
    let (encoded, _) = try_encoded(&any, CLAUDE).unwrap();
    assert_eq!(encoded.output_tool.as_deref(), Some("structured_output"));
    let mut with_tools = ask(closed);
    with_tools.tools.push(tool("city"));
    let (encoded, _) = try_encoded(&with_tools, NOVA).unwrap();
    assert_eq!(encoded.output_tool.as_deref(), Some("city_"));
    assert!(String::from_utf8(encoded.body).unwrap().contains(r#""toolChoice":{"any":{}}"#));
}

fn thinking(mode: ThinkingMode, effort: Option<Effort>, budget: Option<u64>) -> Request {
    let mut request = hello();
    request.thinking = Some(Thinking { mode, effort, budget, show: None, summary: None });
    request
}

#[test]
fn reasoning_by_what_the_model_takes() {
    let more = |request: &Request, model: &str| field(request, model, &["additionalModelRequestFields"]);
    let some = |text: &str| Some(text.to_owned());
    let high = thinking(ThinkingMode::On, Some(Effort::High), None);
    assert_eq!(more(&high, CLAUDE), some(r#"{"thinking":{"type":"enabled","budget_tokens":51200}}"#));
    assert_eq!(
        more(&high, NEW_CLAUDE),
        some(r#"{"thinking":{"type":"adaptive"},"output_config":{"effort":"high"}}"#),
        "TR10: no display that nobody asked for"
    );
    assert_eq!(more(&high, NOVA), some(r#"{"reasoningConfig":{"type":"enabled","maxReasoningEffort":"high"}}"#));
    assert_eq!(more(&high, "openai.gpt-oss-120b-1:0"), some(r#"{"reasoning_effort":"high"}"#));
    assert_eq!(encoded(&high, LLAMA).1, ["thinking;dropped"]);
    let small = thinking(ThinkingMode::On, None, Some(500));
    assert_eq!(more(&small, CLAUDE), some(r#"{"thinking":{"type":"enabled","budget_tokens":500}}"#), "TR10");
    assert_eq!(more(&thinking(ThinkingMode::Off, None, None), CLAUDE), some(r#"{"thinking":{"type":"disabled"}}"#));
    assert_eq!(more(&thinking(ThinkingMode::Off, None, None), LLAMA), None);
    let mut large = thinking(ThinkingMode::On, None, Some(40_000));
    large.params.max_tokens = Some(30_000);
    assert!(encoded(&large, CLAUDE).0.contains(r#""maxTokens":64000"#), "no more than the model has");
    let mut limited = high.clone();
    limited.params.max_tokens = Some(1000);
    let (body, lost) = encoded(&limited, CLAUDE);
    assert!(body.contains(r#""maxTokens":2024"#) && body.contains(r#""budget_tokens":1024"#), "{body}");
    assert_eq!(lost, ["thinking;adjusted", "max_tokens;adjusted"]);
    assert!(encoded(&limited, NOVA).0.contains(r#""maxReasoningEffort":"medium""#), "high would forbid the limit");
}

#[test]
fn reasoning_excludes_sampling_and_forced_tools_on_claude() {
    let mut request = thinking(ThinkingMode::On, None, Some(1024));
    request.params.temperature = Some(0.5);
    request.params.top_p = Some(0.5);
    request.params.top_k = Some(5);
    request.params.max_tokens = Some(4000);
    request.tools.push(tool("f"));
    request.tool_choice = Some(ToolChoice::Required);
    let (body, lost) = encoded(&request, CLAUDE);
    assert!(body.contains(r#""inferenceConfig":{"maxTokens":4000}"#), "{body}");
    assert!(body.contains(r#""toolChoice":{"auto":{}}"#), "{body}");
    assert_eq!(lost, ["tool_choice;adjusted", "temperature;dropped", "top_p;dropped", "other;dropped"]);
}

#[test]
fn tr06_a_loop_whose_reasoning_was_lost_goes_on_without_reasoning() {
    let mut request = thinking(ThinkingMode::On, None, Some(1024));
    request.turns.extend([assistant(vec![call("a", "f")]), user(vec![result("a", "1")])]);
    request.tools.push(tool("f"));
    let (body, lost) = encoded(&request, OLD_CLAUDE);
    assert!(!body.contains("thinking"), "{body}");
    assert_eq!(lost, ["thinking;adjusted"]);
    request.turns[1].blocks.insert(0, thought("Sig", false));
    assert!(encoded(&request, OLD_CLAUDE).0.contains(r#""thinking":{"type":"enabled""#));
}

#[test]
fn tr06_a_claude_that_always_thinks_is_told_the_calls_of_such_a_loop() {
    let mut request = thinking(ThinkingMode::On, None, None);
    request.turns.extend([assistant(vec![call("a", "f")]), user(vec![result("a", "1")])]);
    request.tools.push(tool("f"));
    // Where the client wrote them.
    for (i, turn) in request.turns.iter_mut().enumerate() {
        turn.blocks.iter_mut().for_each(|block| block.at = format!("messages[{i}].content[0]"));
    }
    let (body, lost) = encoded(&request, "us.anthropic.claude-fable-5-v1:0");
    assert!(!body.contains("toolUse\"") && !body.contains("toolResult"), "{body}");
    assert!(body.contains("You have called the tool f"), "{body}");
    assert!(!lost.is_empty() && lost.iter().all(|lost| lost.ends_with(";adjusted")), "{lost:?}");
}

#[test]
fn tr38_sampling_by_model() {
    let mut request = hello();
    request.params.temperature = Some(1.7);
    request.params.top_p = Some(0.9);
    let config = |model| field(&request, model, &["inferenceConfig"]);
    assert_eq!(config(NOVA).unwrap(), r#"{"temperature":1,"topP":0.9}"#);
    assert_eq!(config(CLAUDE).unwrap(), r#"{"temperature":1}"#);
    assert_eq!(config(NEW_CLAUDE), None);
    assert_eq!(encoded(&request, NEW_CLAUDE).1, ["temperature;adjusted", "top_p;dropped"]);
}

#[test]
fn tr19_every_field_is_taken_or_reported() {
    let (request, losses) = decoded(
        r#"{"modelId":"x","messages":[{"role":"user","name":"n","content":[{"text":"a","odd":1},{"brandNew":{"x":1}}]}],
        "toolConfig":{"tools":[{"toolSpec":{"name":"f","extra":true,"inputSchema":{"json":{"type":"object"}}}}],"more":1},
        "inferenceConfig":{"seed":4},"guardrailConfig":{"guardrailIdentifier":"g"},"performanceConfig":{"latency":"optimized"},
        "additionalModelRequestFields":{"anthropic_beta":["x"]},"foo":null,"system":[{"cachePoint":{"type":"default"}}]}"#,
    );
    let paths: Vec<_> = losses.iter().map(|loss| loss.path.as_str()).collect();
    assert_eq!(
        paths,
        [
            "messages[0].content[0].odd",
            "messages[0].name",
            "system[0]",
            "inferenceConfig.seed",
            "toolConfig.tools[0].toolSpec.extra",
            "toolConfig.more",
            "additionalModelRequestFields.anthropic_beta",
            "guardrailConfig",
            "performanceConfig",
        ]
    );
    assert_eq!(request.turns[0].blocks[1].content, Content::Opaque { kind: "brandNew".into() });
}

#[test]
fn bedrocks_own_blocks_go_back_whole() {
    let own = concat!(
        r#"[{"role":"user","content":[{"guardContent":{"text":{"text":"q","qualifiers":["query"]}}},"#,
        r#"{"searchResult":{"source":"s","title":"t","content":[{"text":"c"}]}},{"document":{"format":"txt","name":"d","source":{"text":"x"},"citations":{"enabled":true}}}]},"#,
        r#"{"role":"assistant","content":[{"toolUse":{"toolUseId":"s1","name":"code","input":{},"type":"server_tool_use"}}]},"#,
        r#"{"role":"user","content":[{"text":"?"}]}]"#
    );
    let (request, losses) = decoded(&format!(r#"{{"messages":{own}}}"#));
    assert!(losses.is_empty());
    assert_eq!(request.turns[0].blocks[0].as_text(), Some("q"));
    assert_eq!(request.turns[0].blocks[1].as_text(), Some("t\ns\nc"));
    assert_eq!(messages(&request, CLAUDE), own);
}

/// Every request field of the service's model (botocore 1.44.8, bedrock-runtime 2023-09-30), on top of a plain request.
const FIELDS: &[&str] = &[
    r#""system":[{"text":"s"}]"#,
    r#""system":[{"guardContent":{"text":{"text":"s"}}}]"#,
    r#""system":[{"text":"s"},{"cachePoint":{"type":"default"}}]"#,
    r#""inferenceConfig":{"maxTokens":5}"#,
    r#""inferenceConfig":{"temperature":0.5}"#,
    r#""inferenceConfig":{"topP":0.5}"#,
    r#""inferenceConfig":{"stopSequences":["x"]}"#,
    r#""toolConfig":{"tools":[{"toolSpec":{"name":"f","inputSchema":{"json":{}}}}]}"#,
    r#""toolConfig":{"tools":[{"systemTool":{"name":"nova_grounding"}}]}"#,
    r#""toolConfig":{"toolChoice":{"auto":{}}}"#,
    r#""toolConfig":{"toolChoice":{"any":{}}}"#,
    r#""toolConfig":{"toolChoice":{"tool":{"name":"f"}}}"#,
    r#""guardrailConfig":{"guardrailIdentifier":"g","guardrailVersion":"1"}"#,
    r#""projectIdentifier":"p""#,
    r#""additionalModelRequestFields":{"top_k":5}"#,
    r#""additionalModelRequestFields":{"anything":5}"#,
    r#""promptVariables":{"a":{"text":"b"}}"#,
    r#""additionalModelResponseFieldPaths":["/stop_sequence"]"#,
    r#""requestMetadata":{"a":"b"}"#,
    r#""performanceConfig":{"latency":"optimized"}"#,
    r#""serviceTier":{"type":"flex"}"#,
    r#""outputConfig":{"effort":"low"}"#,
    r#""outputConfig":{"effort":"unheard-of"}"#,
    r#""outputConfig":{"textFormat":{"type":"json_schema","structure":{"jsonSchema":{"schema":"{}"}}}}"#,
];

/// Every content block of the same model.
const BLOCKS: &[&str] = &[
    r#"{"text":"t"}"#,
    r#"{"image":{"format":"png","source":{"bytes":"QQ=="}}}"#,
    r#"{"image":{"format":"png","source":{"s3Location":{"uri":"s3://a/b","bucketOwner":"1"}}}}"#,
    r#"{"document":{"name":"d","source":{"bytes":"QQ=="}}}"#,
    r#"{"document":{"format":"txt","name":"d","source":{"content":[{"text":"a"},{"text":"b"}]},"context":"c","citations":{"enabled":true}}}"#,
    r#"{"video":{"format":"three_gp","source":{"bytes":"QQ=="}}}"#,
    r#"{"audio":{"format":"mka","source":{"bytes":"QQ=="}}}"#,
    r#"{"toolUse":{"toolUseId":"i","name":"f","input":{}}}"#,
    r#"{"toolUse":{"toolUseId":"i","name":"f","input":{},"type":"server_tool_use"}}"#,
    r#"{"toolResult":{"toolUseId":"i","content":[{"json":{"a":1}},{"text":"t"}],"status":"error"}}"#,
    r#"{"toolResult":{"toolUseId":"i","content":[{"searchResult":{"source":"s","title":"t","content":[{"text":"c"}]}}]}}"#,
    r#"{"toolResult":{"toolUseId":"i","content":[],"type":"nova_result"}}"#,
    r#"{"guardContent":{"text":{"text":"t","qualifiers":["query"]}}}"#,
    r#"{"guardContent":{"image":{"format":"png","source":{"bytes":"QQ=="}}}}"#,
    r#"{"cachePoint":{"type":"default","ttl":"1h"}}"#,
    r#"{"reasoningContent":{"reasoningText":{"text":"t","signature":"s"}}}"#,
    r#"{"reasoningContent":{"redactedContent":"QQ=="}}"#,
    r#"{"citationsContent":{"content":[{"text":"t"}],"citations":[{"title":"t","location":{"web":{"url":"u"}}}]}}"#,
    r#"{"searchResult":{"source":"s","title":"t","content":[{"text":"c"}],"citations":{"enabled":true}}}"#,
    r#"{"toolAddition":{"tool":{"name":"f"}}}"#,
    r#"{"toolRemoval":{"tool":{"name":"f"}}}"#,
];

#[test]
fn tr19_every_field_of_the_service_model_is_taken_or_reported() {
    let (plain, _) = decoded(r#"{"messages":[{"role":"user","content":[{"text":"a"}]}]}"#);
    for field in FIELDS {
        let (request, losses) =
            decoded(&format!(r#"{{"messages":[{{"role":"user","content":[{{"text":"a"}}]}}],{field}}}"#));
        assert!(request != plain || !losses.is_empty(), "{field}");
    }
    for block in BLOCKS {
        for role in ["user", "assistant", "system"] {
            let body = format!(r#"{{"messages":[{{"role":"{role}","content":[{{"text":"a"}},{block}]}}]}}"#);
            let (request, losses) = decoded(&body);
            let read = &request.turns[0].blocks;
            assert!(read.len() > 1 || read[0].cache.is_some() || !losses.is_empty(), "{body}");
            // What was read is sent, or refused, or reported.
            if let Ok((sent, lost)) = try_encoded(&request, CLAUDE) {
                let sent = String::from_utf8(sent.body).unwrap();
                let kind = block.split('"').nth(1).unwrap();
                let said = sent.contains(kind) || (role == "system" && sent.matches(r#""text":"#).count() > 2);
                assert!(said || !lost.is_empty() || !losses.is_empty(), "{body} → {sent}");
            }
        }
    }
}
