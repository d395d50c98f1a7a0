use tollgate_ir::{CacheMark, Json, Role};

use super::*;

const FIVE: Option<CacheMark> = Some(CacheMark { one_hour: false });

#[test]
fn tr23_no_more_than_four_cache_marks_and_the_later_ones_of_the_messages() {
    let mut request = hello();
    let marked = |text: &str| Block { cache: FIVE, ..Block::text(text) };
    request.system = vec![marked("s").at("system[0]")];
    let (tools, _) = decode(
        r#"{"model":"m","messages":[],"tools":[{"name":"t","input_schema":{"type":"object"},"cache_control":{"type":"ephemeral","ttl":"1h"}}]}"#,
    );
    request.tools = tools.tools;
    request.turns = vec![
        turn(Role::User, vec![marked("u0"), marked("u1")]),
        turn(Role::Assistant, vec![marked("a0")]),
        turn(Role::User, vec![marked("u2")]),
    ];
    let (body, reported) = encode(CLAUDE, &request);
    assert_eq!(body.matches("cache_control").count(), 4);
    assert_eq!(reported, ["m[0].cache_control;dropped", "m[1].cache_control;dropped"]);
    for kept in [r#""text":"s","cache_control":{"type":"ephemeral"}"#, r#""text":"u2","cache_control""#] {
        assert!(body.contains(kept), "{body}");
    }
    assert!(body.contains(r#""cache_control":{"type":"ephemeral","ttl":"1h"}"#), "{body}");
}

#[test]
fn a_mark_on_the_request_stands_on_its_last_block() {
    let (request, lost) = decode(
        r#"{"model":"m","messages":[{"role":"user","content":"x"}],"cache_control":{"type":"ephemeral","ttl":"1h"}}"#,
    );
    assert_eq!(request.turns[0].blocks[0].cache, Some(CacheMark { one_hour: true }));
    assert_eq!(lost, [""; 0]);
}

#[test]
fn tr38_sampling_by_class_of_models() {
    // model, temperature, top_p, top_k, thinking, there, reported
    let all = r#""temperature":0.5,"top_p":0.9,"top_k":5"#;
    let table = [
        ("claude-sonnet-4-0", Some(0.5), Some(0.9), Some(5), false, all, ""),
        (CLAUDE, Some(0.5), Some(0.9), Some(5), false, r#""temperature":0.5,"top_k":5"#, "top_p;dropped"),
        (CLAUDE, None, Some(0.9), None, false, r#""top_p":0.9"#, ""),
        (CLAUDE, Some(1.7), None, None, false, r#""temperature":1"#, "temperature;adjusted"),
        (CLAUDE, Some(0.5), Some(0.97), Some(5), true, r#""top_p":0.97"#, "temperature;dropped,top_k;dropped"),
        (CLAUDE, Some(1.0), Some(0.5), None, true, "", "top_p;dropped"),
        (NEW, Some(0.5), Some(0.9), Some(5), false, "", "temperature;dropped,top_p;dropped,top_k;dropped"),
        (NEW, Some(1.0), Some(1.0), None, false, "", ""),
    ];
    for (model, temperature, top_p, top_k, think, there, lost) in table {
        let thinking = if think { r#","thinking":{"type":"enabled","budget_tokens":1024}"# } else { "" };
        let (mut request, _) = decode(&format!(
            r#"{{"model":"m","max_tokens":4096,"messages":[{{"role":"user","content":"x"}}]{thinking}}}"#
        ));
        request.params.temperature = temperature;
        request.params.top_p = top_p;
        request.params.top_k = top_k;
        let (body, reported) = encode(model, &request);
        let said: Vec<_> = ["temperature", "top_p", "top_k"]
            .into_iter()
            .filter_map(|key| Some(format!("\"{key}\":{}", Some(field(&body, &[key])).filter(|v| v != "null")?)))
            .collect();
        assert_eq!(said.join(","), there, "{model} {temperature:?} {top_p:?}");
        assert_eq!(reported.join(","), lost, "{model} {temperature:?} {top_p:?}");
    }
}

#[test]
fn the_output_limit_is_never_lost_and_never_more_than_the_model_gives() {
    for (model, asked, there, lost) in [
        (CLAUDE, None, "64000", "max_tokens;defaulted"),
        ("some-other-model", None, "8192", "max_tokens;defaulted"),
        (CLAUDE, Some(9), "9", ""),
        ("claude-3-haiku-20240307", Some(100_000), "4096", "max_tokens;adjusted"),
    ] {
        let mut request = hello();
        request.params.max_tokens = asked;
        let names = ToolNames::default();
        let target = Target { model, names: &names, facts: &ModelFacts::default() };
        let mut losses = Losses::new(super::super::path_of);
        let encoded = super::super::encode_request(&request, &target, &mut losses).unwrap();
        assert_eq!(field(&String::from_utf8(encoded.body).unwrap(), &["max_tokens"]), there, "{model} {asked:?}");
        assert_eq!(reported(&losses).join(","), lost, "{model} {asked:?}");
    }
}

#[test]
fn tr19_parameters_that_cannot_be_said_are_reported_and_defaults_are_not() {
    let mut request = hello();
    let params = &mut request.params;
    params.seed = Some(7);
    params.n = Some(2);
    params.presence_penalty = Some(0.5);
    params.frequency_penalty = Some(0.0);
    params.logprobs = Some(false);
    params.store = Some(false);
    params.verbosity = Some("medium".into());
    params.stop = vec!["\n\n".into(), "END".into()];
    params.service_tier = Some("flex".into());
    params.metadata = Json::parse(r#"{"user_id":"u9","run":"1"}"#).ok();
    let names = ToolNames::default();
    let target = Target { model: CLAUDE, names: &names, facts: &ModelFacts::default() };
    let mut losses = Losses::new(|field| match field {
        tollgate_ir::Field::Seed => "seed",
        tollgate_ir::Field::N => "n",
        tollgate_ir::Field::PresencePenalty => "presence_penalty",
        tollgate_ir::Field::FrequencyPenalty => "frequency_penalty",
        tollgate_ir::Field::Logprobs => "logprobs",
        tollgate_ir::Field::Store => "store",
        tollgate_ir::Field::Verbosity => "verbosity",
        tollgate_ir::Field::Stop => "stop",
        tollgate_ir::Field::ServiceTier => "service_tier",
        tollgate_ir::Field::Metadata => "metadata",
        _ => "",
    });
    let encoded = super::super::encode_request(&request, &target, &mut losses).unwrap();
    let body = String::from_utf8(encoded.body).unwrap();
    assert_eq!(
        reported(&losses),
        [
            "stop;adjusted",
            "metadata;dropped",
            "service_tier;dropped",
            "seed;dropped",
            "presence_penalty;dropped",
            "n;dropped"
        ]
    );
    assert_eq!(field(&body, &["stop_sequences"]), r#"["END"]"#);
    assert_eq!(field(&body, &["metadata"]), r#"{"user_id":"u9"}"#);
}

#[test]
fn wrong_types_name_the_field() {
    let table = [
        (r#"{"messages":[]}"#, "model"),
        (r#"{"model":"m"}"#, "messages"),
        (r#"{"model":"m","messages":[{"role":"tool","content":"x"}]}"#, "messages[0].role"),
        (r#"{"model":"m","messages":[{"role":"user","content":7}]}"#, "messages[0].content"),
        (r#"{"model":"m","messages":[{"role":"user","content":[7]}]}"#, "messages[0].content[0]"),
        (r#"{"model":"m","messages":[{"role":"user","content":[{"type":"image"}]}]}"#, "messages[0].content[0].source"),
        (
            r#"{"model":"m","messages":[{"role":"user","content":[{"type":"tool_result","content":"x"}]}]}"#,
            "messages[0].content[0].tool_use_id",
        ),
        (r#"{"model":"m","messages":[],"tools":[{"input_schema":{}}]}"#, "tools[0].name"),
        (r#"{"model":"m","messages":[],"tool_choice":{"type":"some"}}"#, "tool_choice.type"),
        (r#"{"model":"m","messages":[],"thinking":{"type":"deep"}}"#, "thinking.type"),
        (r#"{"model":"m","messages":[],"max_tokens":-1}"#, "max_tokens"),
        (r#"{"model":"m","messages":[],"stop_sequences":[1]}"#, "stop_sequences[0]"),
    ];
    for (body, path) in table {
        let mut losses = Losses::new(super::super::path_of);
        let fault = super::super::decode_request(body.as_bytes(), &RequestHead::default(), &mut losses).unwrap_err();
        assert_eq!(fault.param.as_deref(), Some(path), "{body}: {fault}");
        assert_eq!(fault.status, 400);
    }
}
