use tollgate_ir::{Effort, Issuer, Role, Thinking, ThinkingMode, Tool, ToolChoice, ToolKind};

use super::*;

fn thinking(mode: ThinkingMode, effort: Option<Effort>, budget: Option<u64>) -> Option<Thinking> {
    Some(Thinking { mode, effort, budget, show: None, summary: None })
}

/// model | mode, effort, budget | max_tokens | thinking | effort there | max_tokens there | reported
const FORMS: &str = r#"
claude-sonnet-4-5 | on high -     | 10000 | {"type":"enabled","budget_tokens":8000}  | null    | 10000 |
claude-sonnet-4-5 | on - 500      | 4096  | {"type":"enabled","budget_tokens":500}   | null    | 4096  |
claude-sonnet-4-5 | on - 4096     | 100   | {"type":"enabled","budget_tokens":4096}  | null    | 4196  | max_tokens;adjusted
claude-sonnet-4-5 | on low -      | -     | {"type":"enabled","budget_tokens":12800} | null    | 64000 |
claude-sonnet-4-5 | adaptive - -  | 4000  | {"type":"enabled","budget_tokens":2000}  | null    | 4000  | thinking;adjusted
claude-sonnet-4-5 | off - -       | 9     | {"type":"disabled"}                      | null    | 9     |
claude-opus-4-6   | on - 2048     | 4096  | {"type":"enabled","budget_tokens":2048}  | null    | 4096  |
claude-opus-4-6   | on xhigh -    | 9     | {"type":"adaptive"}                      | "high"  | 9     | thinking;adjusted
claude-opus-4-8   | on xhigh -    | 9     | {"type":"adaptive"}                      | "xhigh" | 9     |
claude-opus-4-8   | on minimal -  | 9     | {"type":"adaptive"}                      | "low"   | 9     | thinking;adjusted
claude-opus-4-8   | on - 5000     | 10000 | {"type":"adaptive"}                      | "medium" | 10000 | thinking;adjusted
claude-opus-4-8   | adaptive - -  | 9     | {"type":"adaptive"}                      | null    | 9     |
claude-opus-4-8   | off - -       | 9     | {"type":"disabled"}                      | null    | 9     |
claude-opus-4-8   | unsaid - -    | 9     | null                                     | null    | 9     |
claude-fable-5    | off - -       | 9     | null                                     | "low"   | 9     | thinking;adjusted
claude-3-5-haiku  | on high -     | 9     | null                                     | null    | 9     | thinking;dropped
"#;

#[test]
fn tr38_each_class_of_models_is_told_to_think_in_its_own_form() {
    for line in FORMS.lines().filter(|line| !line.is_empty()) {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let [model, wish, max_tokens, form, effort, there, lost] = cells[..] else { panic!("{line}") };
        let wish: Vec<&str> = wish.split(' ').collect();
        let mode = match wish[0] {
            "on" => ThinkingMode::On,
            "off" => ThinkingMode::Off,
            "adaptive" => ThinkingMode::Adaptive,
            _ => ThinkingMode::Unsaid,
        };
        let mut request = hello();
        request.thinking = thinking(mode, Effort::parse(wish[1]), wish[2].parse().ok());
        request.params.max_tokens = max_tokens.parse().ok();
        let (body, reported) = encode(model, &request);
        assert_eq!(field(&body, &["thinking"]), form, "{line}");
        assert_eq!(field(&body, &["output_config", "effort"]), effort, "{line}");
        assert_eq!(field(&body, &["max_tokens"]), there, "{line}");
        assert_eq!(reported.join(","), lost, "{line}");
    }
}

#[test]
fn tr10_display_is_said_only_when_it_was_asked_for() {
    let (mut request, _) =
        decode(r#"{"model":"m","messages":[{"role":"user","content":"x"}],"thinking":{"type":"adaptive"}}"#);
    assert_eq!(field(&encode(NEW, &request).0, &["thinking"]), r#"{"type":"adaptive"}"#);
    for (show, word) in [(true, "summarized"), (false, "omitted")] {
        request.thinking.as_mut().unwrap().show = Some(show);
        assert_eq!(field(&encode(NEW, &request).0, &["thinking", "display"]), format!("\"{word}\""));
    }
}

#[test]
fn tr06_a_tool_loop_whose_thinking_was_lost_goes_on_without() {
    let signed = thought("hm", Issuer::Anthropic, "S");
    let foreign = thought("hm", Issuer::Gemini, "S");
    let loop_of = |first: Vec<Block>| {
        vec![
            turn(Role::User, vec![Block::text("go")]),
            turn(Role::Assistant, first),
            turn(Role::User, vec![result("a")]),
            turn(Role::Assistant, vec![call("b")]),
            turn(Role::User, vec![result("b")]),
        ]
    };
    let ended = |mut turns: Vec<Turn>| {
        turns.push(turn(Role::Assistant, vec![Block::text("done")]));
        turns.push(turn(Role::User, vec![Block::text("next")]));
        turns
    };
    // turns, whether thinking stays on
    let table = [
        (loop_of(vec![signed.clone(), call("a")]), true),
        (loop_of(vec![call("a")]), false),
        (loop_of(vec![foreign, call("a")]), false),
        (loop_of(vec![Block::text("let me see"), signed, call("a")]), false),
        (ended(loop_of(vec![call("a")])), true),
        (vec![turn(Role::User, vec![Block::text("go")])], true),
    ];
    for (i, (turns, on)) in table.into_iter().enumerate() {
        for (model, form) in [(CLAUDE, "\"enabled\""), (NEW, "\"adaptive\"")] {
            let mut request = conversation(turns.clone());
            request.thinking = thinking(ThinkingMode::On, Some(Effort::Medium), None);
            let (body, reported) = encode(model, &request);
            assert_eq!(field(&body, &["thinking", "type"]), if on { form } else { "\"disabled\"" }, "{i} {model}");
            assert_eq!(reported.contains(&"thinking;adjusted".to_owned()), !on, "{i} {model} {reported:?}");
        }
    }
}

#[test]
fn tr06_a_model_that_always_thinks_is_told_the_calls_whose_thinking_was_lost() {
    let mut failed = result("b");
    if let Content::Result(result) = &mut failed.content {
        result.error = true;
    }
    let mut silent = result("c");
    if let Content::Result(result) = &mut silent.content {
        result.content.clear();
    }
    let turns = vec![
        turn(Role::User, vec![Block::text("go")]),
        turn(Role::Assistant, vec![Block::text("one moment"), call("a")]),
        turn(Role::User, vec![result("a")]),
        turn(Role::Assistant, vec![call("b"), call("c")]),
        turn(Role::User, vec![failed, silent]),
        turn(Role::User, vec![Block::text("hurry")]),
    ];
    for mode in [ThinkingMode::On, ThinkingMode::Unsaid, ThinkingMode::Off] {
        let mut request = conversation(turns.clone());
        request.thinking = thinking(mode, None, None);
        let (body, reported) = encode("claude-fable-5", &request);
        let told = concat!(
            r#"[{"role":"user","content":"go"},{"role":"assistant","content":"one moment"},{"role":"user","content":["#,
            r#"{"type":"text","text":"You have called the tool look with {\"of\":\"a\"}. Its result:"},{"type":"text","text":"seen a"},"#,
            r#"{"type":"text","text":"You have called the tool look with {\"of\":\"b\"}. It failed:"},{"type":"text","text":"seen b"},"#,
            r#"{"type":"text","text":"You have called the tool look with {\"of\":\"c\"}. Its result was empty."},{"type":"text","text":"hurry"}]}]"#,
        );
        assert_eq!(field(&body, &["messages"]), told, "{mode:?}");
        assert!(reported.contains(&"m[0];adjusted".to_owned()), "{reported:?}");
        assert_ne!(field(&body, &["thinking", "type"]), r#""disabled""#, "they refuse it");
    }
    // With its thinking it is a loop as any other, and a loop that is over is nobody's concern.
    let (mut kept, mut over) = (turns.clone(), turns.clone());
    kept[1].blocks.insert(0, thought("hm", Issuer::Anthropic, "S"));
    over.push(turn(Role::Assistant, vec![Block::text("done")]));
    over.push(turn(Role::User, vec![Block::text("next")]));
    for turns in [kept, over] {
        let (body, reported) = encode("claude-fable-5", &conversation(turns));
        assert!(body.contains(r#""type":"tool_use""#) && body.contains(r#""type":"tool_result""#), "{body}");
        assert_eq!(reported, [""; 0]);
    }
}

#[test]
fn a_forced_tool_gives_way_to_a_budget_of_thinking() {
    let mut request = hello();
    let kind = ToolKind::Function { name: "look".into(), description: None, parameters: None, strict: None };
    request.tools.push(Tool { kind, cache: None, carry: None, at: "tools[0]".into() });
    request.thinking = thinking(ThinkingMode::On, Some(Effort::Medium), None);
    for choice in [ToolChoice::Required, ToolChoice::Named("look".into())] {
        request.tool_choice = Some(choice);
        let (body, reported) = encode(CLAUDE, &request);
        assert_eq!(field(&body, &["tool_choice"]), r#"{"type":"auto"}"#);
        assert_eq!(reported, ["tool_choice;adjusted"]);
        let (body, reported) = encode(NEW, &request);
        assert_ne!(field(&body, &["tool_choice"]), r#"{"type":"auto"}"#, "adaptive thinking takes a forced tool");
        assert_eq!(reported, [""; 0]);
    }
}

#[test]
fn a_client_says_how_to_think() {
    // thinking, output_config, wish
    let table = [
        (r#"{"type":"enabled","budget_tokens":500}"#, "{}", thinking(ThinkingMode::On, None, Some(500))),
        (r#"{"type":"disabled"}"#, "{}", thinking(ThinkingMode::Off, None, None)),
        (
            r#"{"type":"adaptive"}"#,
            r#"{"effort":"xhigh"}"#,
            thinking(ThinkingMode::Adaptive, Some(Effort::XHigh), None),
        ),
        ("null", r#"{"effort":"low"}"#, thinking(ThinkingMode::On, Some(Effort::Low), None)),
        ("null", "null", None),
    ];
    for (config, output, wish) in table {
        let body = format!(r#"{{"model":"m","messages":[],"thinking":{config},"output_config":{output}}}"#);
        assert_eq!(decode(&body).0.thinking, wish, "{body}");
    }
}
