use tollgate_ir::{Block, FaultKind, Issuer, Role};

use super::*;

fn types_of(message: &Node<'_>) -> Vec<String> {
    match message.get("content") {
        Some(Node::Text(_)) => vec!["text".into()],
        Some(content) => content.items().iter().filter_map(|b| b.text("type")).map(str::to_owned).collect(),
        None => Vec::new(),
    }
}

/// Each message as its role and the types of its blocks.
fn shape(body: &str) -> Vec<String> {
    let node = Node::read(body.as_bytes()).unwrap();
    let messages = node.get("messages").unwrap().items();
    messages.iter().map(|m| format!("{}: {}", m.text("role").unwrap(), types_of(m).join(" "))).collect()
}

#[test]
fn tr15_results_of_one_turn_come_together_and_before_its_text() {
    let request = conversation(vec![
        turn(Role::User, vec![Block::text("go")]),
        turn(Role::Assistant, vec![call("a"), call("b")]),
        turn(Role::Assistant, vec![call("c"), call("d")]),
        turn(Role::User, vec![result("a")]),
        turn(Role::User, vec![Block::text("and then"), result("b")]),
        turn(Role::System, vec![Block::text("late")]),
        turn(Role::User, vec![result("c"), result("d")]),
    ]);
    for model in [CLAUDE, NEW] {
        let (body, _) = encode(model, &request);
        assert_eq!(
            shape(&body),
            [
                "user: text",
                "assistant: tool_use tool_use tool_use tool_use",
                "user: tool_result tool_result tool_result tool_result text"
            ]
        );
        assert_eq!(field(&body, &["system"]), r#""late""#, "a system message between calls and results goes up");
        let ids: Vec<_> =
            body.match_indices("tool_use_id\":\"").map(|(i, m)| &body[i + m.len()..=i + m.len()]).collect();
        assert_eq!(ids, ["a", "b", "c", "d"]);
    }
}

#[test]
fn a_late_system_message_stays_where_the_model_takes_it() {
    let request = conversation(vec![
        turn(Role::User, vec![Block::text("go")]),
        turn(Role::System, vec![Block::text("be brief")]),
        turn(Role::Assistant, vec![Block::text("ok")]),
        turn(Role::System, vec![Block::text("be kind")]),
        turn(Role::User, vec![Block::text("more")]),
    ]);
    let (body, _) = encode(NEW, &request);
    assert_eq!(shape(&body), ["user: text", "system: text", "assistant: text", "user: text"]);
    assert_eq!(field(&body, &["system"]), r#""be kind""#, "only after a user's turn");
    let (body, _) = encode(CLAUDE, &request);
    assert_eq!(shape(&body), ["user: text", "assistant: text", "user: text"]);
    assert_eq!(field(&body, &["system"]), r#"[{"type":"text","text":"be brief"},{"type":"text","text":"be kind"}]"#);
}

#[test]
fn instructions_alone_are_a_prompt() {
    let mut request = conversation(vec![]);
    request.system.push(Block::text("Say hi."));
    let (body, reported) = encode(CLAUDE, &request);
    assert_eq!(field(&body, &["messages"]), r#"[{"role":"user","content":"Say hi."}]"#);
    assert_eq!(reported, ["system;adjusted"]);
    assert_eq!(refusal(CLAUDE, &conversation(vec![])).kind, FaultKind::UnsupportedContent);
}

#[test]
fn tr39_empty_texts_are_never_sent_and_a_last_one_is_trimmed() {
    let request = conversation(vec![
        turn(Role::User, vec![Block::text(""), Block::text("go"), Block::text(" \n")]),
        turn(Role::Assistant, vec![Block::text("")]),
        turn(Role::User, vec![Block::text("on")]),
        turn(Role::Assistant, vec![Block::text("The answer is ")]),
    ]);
    let (body, reported) = encode(CLAUDE, &request);
    assert_eq!(
        field(&body, &["messages"]),
        r#"[{"role":"user","content":[{"type":"text","text":"go"},{"type":"text","text":"on"}]},{"role":"assistant","content":"The answer is"}]"#
    );
    assert_eq!(reported, ["m[0];adjusted"]);
}

#[test]
fn a_prefill_is_refused_by_name_where_the_model_refuses_it() {
    let request = conversation(vec![
        turn(Role::User, vec![Block::text("go")]),
        turn(Role::Assistant, vec![Block::text("The answer is")]),
    ]);
    let fault = refusal("claude-opus-4-6", &request);
    assert_eq!((fault.kind, fault.param.as_deref()), (FaultKind::UnsupportedContent, Some("m[0]")));
    assert!(encode(CLAUDE, &request).0.contains("The answer is"));
}

#[test]
fn tr08_thinking_and_calls_keep_their_order_byte_for_byte() {
    let body = r#"{"model":"m","messages":[{"role":"user","content":"go"},{"role":"assistant","content":[
        {"type":"thinking","thinking":"one","signature":"S1=="},
        {"type":"tool_use","id":"a","name":"look","input":{"of":"a"}},
        {"type":"thinking","thinking":"","signature":"S2=="},
        {"type":"redacted_thinking","data":"R+/="},
        {"type":"tool_use","id":"b","name":"look","input":{"of":"b"}}]},
        {"role":"user","content":[{"type":"tool_result","tool_use_id":"a"},{"type":"tool_result","tool_use_id":"b","content":[]}]}]}"#;
    let (request, lost) = decode(body);
    assert_eq!(lost, [""; 0]);
    let (written, reported) = encode(CLAUDE, &request);
    let wanted = Node::read(body.as_bytes()).unwrap();
    let got = Node::read(written.as_bytes()).unwrap();
    let assistant = |node: &Node<'_>| node.get("messages").unwrap().items()[1].get("content").unwrap().to_text();
    assert_eq!(assistant(&got), assistant(&wanted));
    assert!(written.contains(r#"{"type":"tool_result","tool_use_id":"b"}"#), "an empty result is an answer: {written}");
    assert_eq!(reported, [""; 0]);
}

#[test]
fn tr09_foreign_thinking_is_left_out_and_reported() {
    let request = conversation(vec![
        turn(Role::User, vec![Block::text("go")]),
        turn(
            Role::Assistant,
            vec![thought("g", Issuer::Gemini, "x"), thought("", Issuer::OpenAi, "y"), Block::text("done")],
        ),
        turn(Role::User, vec![Block::text("more")]),
    ]);
    let (body, reported) = encode(CLAUDE, &request);
    assert_eq!(shape(&body), ["user: text", "assistant: text", "user: text"]);
    assert_eq!(reported, ["m[0];dropped", "m[1];dropped"]);
}

#[test]
fn tr26_what_is_not_known_goes_through_the_ir_whole() {
    let body = r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":[
        {"type":"container_upload","file_id":"f"},{"type":"hologram","rays":[1,2],"cache_control":{"type":"ephemeral"}},"bare words"]},
        {"role":"assistant","content":[{"type":"server_tool_use","id":"s","name":"web_search","input":{"q":1}},
        {"type":"web_search_tool_result","tool_use_id":"s","content":[]}]},{"role":"user","content":"?"}],
        "tools":[{"name":"plain","input_schema":{"type":"object"},"defer_loading":true},{"type":"web_search_20250305","name":"web_search","max_uses":2},
        {"type":"quantum_20990101","name":"q"}],"foo":1}"#;
    let (request, lost) = decode(body);
    assert_eq!(lost, ["foo;dropped"]);
    let (written, reported) = encode(CLAUDE, &request);
    assert_eq!(reported, [""; 0]);
    let wanted = Node::read(body.as_bytes()).unwrap();
    for part in ["container_upload", "hologram", "server_tool_use", "web_search_tool_result"] {
        let block = wanted.get("messages").unwrap().items().iter().flat_map(|m| m.get("content").unwrap().items());
        let block = block.into_iter().find(|b| b.text("type") == Some(part)).unwrap();
        assert!(written.contains(&block.to_text()), "{part} in {written}");
    }
    assert_eq!(field(&written, &["tools"]), wanted.get("tools").unwrap().to_text());
}

#[test]
fn tr19_what_only_anthropic_understands_is_reported_when_another_is_asked() {
    let (request, _) = decode(
        r#"{"model":"m","messages":[{"role":"user","content":[{"type":"document","source":{"type":"text","data":"x"},"context":"c","citations":{"enabled":true}}]},
        {"role":"assistant","content":[{"type":"tool_use","id":"a","name":"n","input":{},"caller":{"type":"direct"}}]}],
        "tools":[{"name":"n","input_schema":{"type":"object"},"defer_loading":true,"eager_input_streaming":false}]}"#,
    );
    let mut losses = Losses::new(super::super::path_of);
    super::super::report_carried(&request, &mut losses);
    assert_eq!(
        reported(&losses),
        [
            "tools[0].defer_loading;dropped",
            "messages[0].content[0].citations;dropped",
            "messages[0].content[0].context;dropped"
        ]
    );
}
