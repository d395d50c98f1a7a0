use tollgate_ir::{Json, OutputFormat, Role, Thinking, ThinkingMode, Tool, ToolChoice, ToolKind};

use super::*;

fn function(name: &str, parameters: Option<&str>, strict: Option<bool>) -> Tool {
    let parameters = parameters.map(|p| Json::parse(p).unwrap());
    let kind = ToolKind::Function { name: name.into(), description: None, parameters, strict };
    Tool { kind, cache: None, carry: None, at: "tools[0]".into() }
}

fn with_tools() -> Request {
    let mut request = hello();
    request.tools = vec![function("look", Some(r#"{"type":"object"}"#), None), function("go", None, None)];
    request
}

#[test]
fn tr17_choice_and_parallel() {
    use ToolChoice as C;
    let (auto, any, none, look) =
        (r#""type":"auto""#, r#""type":"any""#, r#""type":"none""#, r#""type":"tool","name":"look""#);
    let table = [
        (None, ""),
        (Some(C::Auto), auto),
        (Some(C::Required), any),
        (Some(C::None), none),
        (Some(C::Named("look".into())), look),
        (Some(C::Allowed { names: vec!["go".into()], required: true }), any),
        (Some(C::Allowed { names: vec!["go".into()], required: false }), auto),
    ];
    for (choice, kind) in table {
        for parallel in [None, Some(true), Some(false)] {
            let mut request = with_tools();
            request.tool_choice.clone_from(&choice);
            request.parallel_tools = parallel;
            let (body, reported) = encode(CLAUDE, &request);
            let wanted = match (kind, parallel) {
                ("", Some(false)) => r#"{"type":"auto","disable_parallel_tool_use":true}"#.to_owned(),
                ("", _) => "null".to_owned(),
                (kind, Some(false)) if kind != none => format!(r#"{{{kind},"disable_parallel_tool_use":true}}"#),
                (kind, _) => format!("{{{kind}}}"),
            };
            assert_eq!(field(&body, &["tool_choice"]), wanted, "{choice:?} {parallel:?}");
            assert_eq!(reported, [""; 0]);
            let only = matches!(choice, Some(C::Allowed { .. }));
            assert!(!only || !body.contains(r#""name":"look""#), "tools that are not allowed are not sent");
        }
    }
}

#[test]
fn tr39_tools_called_in_the_history_are_declared_and_not_callable() {
    let request = conversation(vec![
        turn(Role::User, vec![Block::text("go")]),
        turn(Role::Assistant, vec![call("a"), call("b")]),
        turn(Role::User, vec![result("a"), result("b")]),
    ]);
    let (body, reported) = encode(CLAUDE, &request);
    assert_eq!(field(&body, &["tools"]), r#"[{"name":"look","input_schema":{"type":"object"}}]"#);
    assert_eq!(field(&body, &["tool_choice"]), r#"{"type":"none"}"#);
    assert_eq!(reported, [""; 0]);
}

#[test]
fn schemas_of_tools_are_objects_and_otherwise_untouched() {
    let odd = r##"{"type":"object","properties":{"z":{"const":1},"a":{"$ref":"#"}},"additionalProperties":true}"##;
    let table = [
        (Some(odd), odd),
        (None, r#"{"type":"object","properties":{}}"#),
        (Some("{}"), r#"{"type":"object"}"#),
        (Some(r#"{"properties":{"b":{}},"type":["object","null"]}"#), r#"{"type":"object","properties":{"b":{}}}"#),
        (Some("true"), r#"{"type":"object","properties":{}}"#),
    ];
    for (schema, wanted) in table {
        let mut request = hello();
        request.tools.push(function("f", schema, None));
        let (body, _) = encode(CLAUDE, &request);
        assert!(body.contains(&format!(r#""input_schema":{wanted}"#)), "{schema:?}: {body}");
    }
}

#[test]
fn strict_is_sent_where_model_and_schema_take_it() {
    let closed =
        r#"{"type":"object","properties":{"a":{"type":"string"}},"required":["a"],"additionalProperties":false}"#;
    let bound = r#"{"type":"object","properties":{"a":{"type":"integer","minimum":1}},"additionalProperties":false}"#;
    for (model, schema, strict) in
        [(CLAUDE, closed, true), (CLAUDE, bound, false), ("claude-sonnet-4-0", closed, false)]
    {
        let mut request = hello();
        request.tools.push(function("f", Some(schema), Some(true)));
        let (body, reported) = encode(model, &request);
        assert_eq!(body.contains(r#""strict":true"#), strict, "{model} {schema}");
        assert_eq!(reported.is_empty(), strict, "{reported:?}");
    }
}

#[test]
fn a_custom_tool_is_a_function_of_one_text() {
    let mut request = hello();
    let format = Json::parse(r#"{"type":"grammar","syntax":"lark","definition":"start: /x+/"}"#).ok();
    let kind = ToolKind::Custom { name: "patch".into(), description: Some("Edits.".into()), format };
    request.tools.push(Tool { kind, cache: None, carry: None, at: "tools[0]".into() });
    let arguments = "*** free \"text\"".to_owned();
    request.turns.push(turn(
        Role::Assistant,
        vec![Block::new(Content::Call(Call {
            id: "a".into(),
            name: "patch".into(),
            arguments,
            kind: CallKind::Custom,
        }))],
    ));
    request.turns.push(turn(Role::User, vec![result("a")]));
    let (body, reported) = encode(CLAUDE, &request);
    assert!(body.contains(r#""description":"Free text by this lark grammar:\nstart: /x+/""#), "{body}");
    assert!(body.contains(r#""input":{"input":"*** free \"text\""}"#), "{body}");
    assert_eq!(reported, [""; 0]);
}

#[test]
fn ids_and_names_that_are_not_admitted_change_alike_everywhere() {
    let long = "x.".repeat(60);
    let mut request = hello();
    request.tools.push(function("mcp::a b", None, None));
    let named = Call { id: long.clone(), name: "mcp::a b".into(), arguments: "{}".into(), kind: CallKind::Function };
    request.turns.push(turn(Role::Assistant, vec![Block::new(Content::Call(named))]));
    request.turns.push(turn(Role::User, vec![result(&long)]));
    let (body, _) = encode(CLAUDE, &request);
    let id = IdRule::WIDE.apply(&long);
    let name = IdRule::WIDE.apply("mcp::a b");
    assert_eq!(body.matches(&format!("\"{id}\"")).count(), 2, "{body}");
    assert_eq!(body.matches(&format!("\"{name}\"")).count(), 2, "{body}");
}

fn schema(text: &str) -> Option<OutputFormat> {
    let schema = Json::parse(text).unwrap();
    Some(OutputFormat::Schema { name: Some("answer".into()), description: None, schema, strict: Some(true) })
}

const PLAIN: &str = r#"{"type":"object","properties":{"z":{"type":"string"},"a":{"type":"number"}},"required":["z"]}"#;
const BOUND: &str = r#"{"type":"object","properties":{"n":{"type":"integer","minimum":1,"description":"how many"}}}"#;

#[test]
fn a_schema_is_asked_for_natively_or_by_a_tool_that_is_the_answer() {
    let closed = r#"{"type":"object","properties":{"z":{"type":"string"},"a":{"type":"number"}},"required":["z"],"additionalProperties":false}"#;
    // model, form, native schema, output tool, tool choice
    let table = [
        (CLAUDE, schema(PLAIN), closed, None, "null"),
        (CLAUDE, schema(BOUND), "null", Some("answer"), r#"{"type":"tool","name":"answer"}"#),
        ("claude-sonnet-4-0", schema(PLAIN), "null", Some("answer"), r#"{"type":"tool","name":"answer"}"#),
        (CLAUDE, Some(OutputFormat::Json), "null", Some("json_answer"), r#"{"type":"tool","name":"json_answer"}"#),
        (CLAUDE, None, "null", None, "null"),
    ];
    for (model, output, native, tool, choice) in table {
        let mut request = hello();
        request.output.clone_from(&output);
        let (encoded, reported) = encode_all(model, &request);
        let body = String::from_utf8(encoded.body).unwrap();
        assert_eq!(field(&body, &["output_config", "format", "schema"]), native, "{model} {output:?}");
        assert_eq!(encoded.output_tool.as_deref(), tool, "{model} {output:?}");
        assert_eq!(field(&body, &["tool_choice"]), choice, "{model} {output:?}");
        assert_eq!(reported, [""; 0]);
    }
}

#[test]
fn the_output_tool_beside_the_clients_tools_and_thinking() {
    let old = "claude-sonnet-4-0";
    let on = Some(Thinking { mode: ThinkingMode::On, effort: None, budget: Some(2000), show: None, summary: None });
    // model, schema, tool choice, thinking, choice there, reported
    let table = [
        (old, PLAIN, None, None, r#"{"type":"any"}"#, ""),
        (old, PLAIN, Some(ToolChoice::None), None, r#"{"type":"tool","name":"answer"}"#, ""),
        (
            old,
            PLAIN,
            Some(ToolChoice::Named("go".into())),
            None,
            r#"{"type":"tool","name":"go"}"#,
            "output_config.format;dropped",
        ),
        (old, PLAIN, None, on.clone(), "null", "output_config.format;dropped"),
        (CLAUDE, BOUND, None, on, "null", "output_config.format;adjusted"),
    ];
    for (model, text, choice, thinking, there, lost) in table {
        let mut request = with_tools();
        request.output = schema(text);
        request.tool_choice.clone_from(&choice);
        request.thinking = thinking;
        let (body, reported) = encode(model, &request);
        assert_eq!(field(&body, &["tool_choice"]), there, "{model} {choice:?}");
        assert_eq!(reported.join(","), lost, "{model} {choice:?}");
    }
    let mut request = with_tools();
    request.output = schema(BOUND);
    request.thinking =
        Some(Thinking { mode: ThinkingMode::On, effort: None, budget: Some(2000), show: None, summary: None });
    let (body, _) = encode(CLAUDE, &request);
    assert!(
        body.contains(r#"{"type":"integer","description":"how many\n\n{minimum: 1}"}"#),
        "told where not enforced: {body}"
    );
}

#[test]
fn tr21_a_schema_that_comes_back_to_itself_is_no_grammar() {
    let tree = r##"{"$ref":"#/$defs/n","$defs":{"n":{"type":"object","properties":{"next":{"$ref":"#/$defs/n"}}}}}"##;
    let wide: String = (0..40)
        .map(|i| format!(r##""d{i}":{{"anyOf":[{{"$ref":"#/$defs/d{}"}},{{"$ref":"#/$defs/d{}"}}]}},"##, i + 1, i + 1))
        .collect();
    let wide = format!(
        r##"{{"type":"object","properties":{{"a":{{"$ref":"#/$defs/d0"}}}},"$defs":{{{wide}"d40":{{"type":"string"}}}}}}"##
    );
    let grammar = |text: &str| super::super::schema::grammar(&Json::parse(text).unwrap()).is_some();
    assert!(!grammar(tree));
    assert!(grammar(&wide), "each definition is walked once");
    assert!(!grammar(r#"{"type":"object","additionalProperties":{"type":"string"}}"#), "an open map");
    assert!(!grammar(r##"{"type":"object","properties":{"a":{"$ref":"https://else.where"}}}"##));
}

#[test]
fn tr22_the_same_request_gives_the_same_bytes() {
    let (request, _) = decode(include_str!("full.json"));
    let first = encode_all(CLAUDE, &request).0;
    for _ in 0..20 {
        assert_eq!(encode_all(CLAUDE, &request.clone()).0, first);
    }
}
