//! Requests: what of a client's body becomes what, and what a provider is sent.

use std::collections::HashMap;

use tollgate_ir::{CallKind, Content, FaultKind, Issuer, Reasoning, Role, Seal, ToolChoice, ToolKind};

use super::{decode, encode};
use crate::openai_responses::{
    Page, echo, input_items, input_without_foreign_reasoning, referred_responses, resolve_references,
};

/// `{"model":"m", …}` → what a reasoning model, and a plain one, are sent for the field, with losses.
#[test]
fn tr38_parameters_by_the_models_class() {
    let table = [
        (
            r#""max_output_tokens":8"#,
            r#""max_output_tokens":16"#,
            "max_output_tokens;adjusted",
            "max_output_tokens;adjusted",
        ),
        (r#""temperature":0.5"#, "", "temperature;dropped", ""),
        (r#""top_p":0.5,"top_logprobs":2"#, "", "top_p;dropped,top_logprobs;dropped", ""),
        (
            r#""include":["message.output_text.logprobs"]"#,
            r#""include":["reasoning.encrypted_content"]"#,
            "include;dropped",
            "",
        ),
        (
            r#""reasoning":{"effort":"low","summary":"auto"}"#,
            r#""reasoning":{"effort":"low","summary":"auto"}"#,
            "",
            "reasoning;dropped",
        ),
        (
            r#""reasoning":{"effort":"xhigh"}"#,
            r#""reasoning":{"effort":"high"}"#,
            "reasoning;adjusted",
            "reasoning;dropped",
        ),
        (r#""reasoning":{"effort":"none"}"#, r#""reasoning":{"effort":"minimal"}"#, "reasoning;adjusted", ""),
        (
            r#""service_tier":"flex","prompt_cache_key":"k","user":"u""#,
            r#""service_tier":"flex","user":"u","prompt_cache_key":"k""#,
            "",
            "",
        ),
        (r#""text":{"verbosity":"low"}"#, r#""text":{"verbosity":"low"}"#, "", ""),
        (r#""metadata":{"a":"b"}"#, r#""metadata":{"a":"b"}"#, "", ""),
        (r#""store":true"#, r#""store":true"#, "", ""),
    ];
    for (field, sent, reasoning, plain) in table {
        let (request, losses) = decode(&format!(r#"{{"model":"m","input":"Hi",{field}}}"#)).unwrap();
        assert_eq!(losses, [""; 0], "{field}");
        let (body, losses) = encode(&request, "gpt-5").unwrap();
        assert!(body.contains(sent), "{field}: {body}");
        assert_eq!(losses.join(","), reasoning, "{field}: {body}");
        let (body, losses) = encode(&request, "gpt-4.1").unwrap();
        assert_eq!(losses.join(","), plain, "{field}: {body}");
    }
}

#[test]
fn nothing_is_kept_at_the_provider_and_reasoning_comes_sealed() {
    let (request, _) = decode(r#"{"model":"m","input":"Hi"}"#).unwrap();
    let (body, _) = encode(&request, "o3").unwrap();
    assert_eq!(
        body,
        r#"{"model":"o3","input":[{"role":"user","content":"Hi"}],"include":["reasoning.encrypted_content"],"store":false}"#
    );
    assert_eq!(encode(&request, "o3").unwrap().0, body, "tr22: the same bytes again");
}

/// Every field of openai-python 3.57's `ResponseCreateParams`, and what becomes of it: taken (""), reported, or refused.
#[test]
fn tr19_every_field_is_taken_reported_or_refused() {
    let table = [
        (r#""background":true"#, "!background"),
        (r#""background":false"#, ""),
        (r#""context_management":[{"type":"compaction"}]"#, "context_management;dropped"),
        (r#""conversation":"conv_1""#, "!conversation"),
        (r#""include":["reasoning.encrypted_content","web_search_call.results"]"#, "include[1];dropped"),
        (r#""instructions":"Be brief.""#, ""),
        (r#""max_output_tokens":100"#, ""),
        (r#""max_tool_calls":3"#, "max_tool_calls;dropped"),
        (r#""metadata":{"a":"b"}"#, ""),
        (r#""moderation":{"model":"x"}"#, "moderation;dropped"),
        (r#""parallel_tool_calls":false"#, ""),
        (r#""previous_response_id":"resp_1""#, ""),
        (r#""prompt":{"id":"pmpt_1"}"#, "!prompt"),
        (r#""prompt_cache_key":"k""#, ""),
        (r#""prompt_cache_options":{"mode":"explicit"}"#, "prompt_cache_options;dropped"),
        (r#""prompt_cache_retention":"24h""#, "prompt_cache_retention;dropped"),
        (r#""reasoning":{"effort":"low","summary":"auto","context":"all_turns"}"#, "reasoning.context;dropped"),
        (r#""reasoning":{"effort":"enormous"}"#, "!reasoning.effort"),
        (r#""safety_identifier":"u""#, ""),
        (r#""service_tier":"auto""#, ""),
        (r#""store":false"#, ""),
        (r#""stream":true,"stream_options":{"include_obfuscation":false}"#, ""),
        (r#""temperature":"hot""#, "!temperature"),
        (
            r#""text":{"format":{"type":"json_schema","name":"x","schema":{},"strict":true},"verbosity":"low","x":1}"#,
            "text.x;dropped",
        ),
        (r#""text":{"format":{"type":"yaml"}}"#, "!text.format.type"),
        (r#""tool_choice":{"type":"web_search"}"#, "tool_choice;dropped"),
        (
            r#""tools":[{"type":"function","name":"f","parameters":{},"strict":true,"defer_loading":true}]"#,
            "tools[0].defer_loading;dropped",
        ),
        (r#""top_logprobs":2,"top_p":1,"temperature":1"#, ""),
        (r#""truncation":"auto""#, "truncation;dropped"),
        (r#""truncation":"disabled""#, ""),
        (r#""user":"u""#, ""),
        (r#""unheard_of":1"#, "unheard_of;dropped"),
        (r#""metadata":null,"tools":null,"reasoning":null,"text":null,"prompt":null"#, ""),
    ];
    for (field, outcome) in table {
        let got = match decode(&format!(r#"{{"model":"m","input":"Hi",{field}}}"#)) {
            Ok((_, losses)) => losses.join(","),
            Err(fault) => {
                assert_eq!(fault.status, 400, "{field}");
                format!("!{}", fault.param.unwrap_or_default())
            }
        };
        assert_eq!(got, outcome, "{field}");
    }
}

#[test]
fn tr19_fields_within_items_and_parts_are_reported_by_path() {
    let (_, losses) = decode(
        r#"{"model":"m","input":[
            {"role":"user","mood":"good","content":[{"type":"input_text","text":"a","font":"serif"}]},
            {"type":"function_call","call_id":"c","name":"f","arguments":"{}","weight":1},
            {"type":"function_call_output","call_id":"c","output":[{"type":"input_image","image_url":"https://x/y.png","zoom":2}],"took":3}]}"#,
    )
    .unwrap();
    assert_eq!(
        losses,
        [
            "input[0].content[0].font;dropped",
            "input[0].mood;dropped",
            "input[1].weight;dropped",
            "input[2].output[0].zoom;dropped",
            "input[2].took;dropped"
        ]
    );
}

#[test]
fn items_of_every_kind_find_their_turn() {
    let (request, losses) = decode(
        r#"{"model":"m","instructions":"I","input":[
            {"role":"developer","content":"D"},
            {"role":"user","content":[{"text":"typeless"}]},
            {"type":"reasoning","id":"rs_1","summary":[{"type":"summary_text","text":"a"},{"type":"summary_text","text":"b"}],"encrypted_content":"E"},
            {"type":"message","role":"assistant","id":"msg_1","phase":"commentary","status":"completed","content":[{"type":"output_text","text":"hm","annotations":[]}]},
            {"type":"custom_tool_call","call_id":"c1","name":"apply","input":"*** patch"},
            {"type":"web_search_call","id":"ws_1","status":"completed"},
            {"type":"custom_tool_call_output","call_id":"c1","output":"ok"},
            {"type":"item_reference","id":"msg_9"},
            {"role":"system","content":"late"},
            {"type":"additional_tools","tools":[{"type":"function","name":"more"}]},
            {"role":"user","content":"bye"}]}"#,
    )
    .unwrap();
    assert_eq!(losses, [""; 0]);
    let system: Vec<_> = request.system.iter().filter_map(|b| b.as_text()).collect();
    assert_eq!(system, ["I", "D"]);
    let roles: Vec<_> = request.turns.iter().map(|t| (t.role, t.blocks.len())).collect();
    assert_eq!(
        roles,
        [
            (Role::User, 1),
            (Role::Assistant, 5),
            (Role::User, 1),
            (Role::Assistant, 1),
            (Role::System, 1),
            (Role::User, 1)
        ]
    );
    let step = &request.turns[1].blocks;
    let reasoning = |text: &str| {
        Content::Reasoning(Reasoning { text: text.into(), summary: true, redacted: false, id: Some("rs_1".into()) })
    };
    assert_eq!(step[0].content, reasoning("a"));
    assert_eq!(
        (&step[1].content, &step[1].seal),
        (&reasoning("b"), &Some(Seal { issuer: Issuer::OpenAi, data: "E".into() }))
    );
    assert!(matches!(&step[3].content, Content::Call(c) if c.kind == CallKind::Custom && c.arguments == "*** patch"));
    assert!(matches!(&step[4].content, Content::Server(s) if s.kind == "web_search_call"));
    assert!(matches!(&request.turns[3].blocks[0].content, Content::Opaque { kind } if kind == "item_reference"));
    assert_eq!(request.tools[0].name(), Some("more"));
    let (body, losses) = encode(&request, "gpt-5").unwrap();
    assert_eq!(losses, [""; 0]);
    for kept in [
        r#""phase":"commentary""#,
        r#""id":"ws_1""#,
        r#""id":"msg_9""#,
        r#""input":"*** patch""#,
        r#""encrypted_content":"E""#,
    ] {
        assert!(body.contains(kept), "{kept}: {body}");
    }
}

#[test]
fn tr15_parallel_calls_and_their_results_are_one_step_each() {
    let item = |i: u32| format!(r#"{{"type":"function_call","call_id":"c{i}","name":"f","arguments":"{{}}"}}"#);
    let output = |i: u32| format!(r#"{{"type":"function_call_output","call_id":"c{i}","output":"{i}"}}"#);
    let items: Vec<_> = (0..4).map(item).chain((0..4).map(output)).collect();
    let (request, _) =
        decode(&format!(r#"{{"model":"m","input":[{{"role":"user","content":"go"}},{}]}}"#, items.join(","))).unwrap();
    let steps: Vec<_> = request.turns.iter().map(|t| (t.role, t.blocks.len())).collect();
    assert_eq!(steps, [(Role::User, 1), (Role::Assistant, 4), (Role::User, 4)]);
    let order: Vec<_> = request.turns[2]
        .blocks
        .iter()
        .map(|b| match &b.content {
            Content::Result(r) => r.call.as_str(),
            _ => "",
        })
        .collect();
    assert_eq!(order, ["c0", "c1", "c2", "c3"]);
}

#[test]
fn tr17_choices_of_tools_both_ways() {
    let tools = r#""tools":[{"type":"function","name":"f","parameters":{"type":"object"},"strict":false},{"type":"custom","name":"g"}]"#;
    let table = [
        (r#""auto""#, Some(ToolChoice::Auto)),
        (r#""none""#, Some(ToolChoice::None)),
        (r#""required""#, Some(ToolChoice::Required)),
        (r#"{"type":"function","name":"f"}"#, Some(ToolChoice::Named("f".into()))),
        (r#"{"type":"custom","name":"g"}"#, Some(ToolChoice::Named("g".into()))),
        (
            r#"{"type":"allowed_tools","mode":"required","tools":[{"type":"function","name":"f"}]}"#,
            Some(ToolChoice::Allowed { names: vec!["f".into()], required: true }),
        ),
        ("null", None),
    ];
    for (choice, want) in table {
        for parallel in ["null", "true", "false"] {
            let body = format!(
                r#"{{"model":"m","input":"Hi",{tools},"tool_choice":{choice},"parallel_tool_calls":{parallel}}}"#
            );
            let (request, _) = decode(&body).unwrap();
            assert_eq!(request.tool_choice, want);
            let (sent, _) = encode(&request, "gpt-4.1").unwrap();
            assert_eq!(sent.contains(&format!(r#""tool_choice":{choice}"#)), choice != "null", "{sent}");
            assert_eq!(sent.contains(&format!(r#""parallel_tool_calls":{parallel}"#)), parallel != "null", "{sent}");
        }
    }
}

#[test]
fn tr20_tr21_the_schema_reaches_the_provider_with_its_keys_in_order() {
    let schema = r#"{"type":"object","properties":{"z":{"anyOf":[{"type":"string"},{"type":"null"}]},"a":{"type":"integer"}},"required":["z","a"],"additionalProperties":true}"#;
    let body = format!(
        r#"{{"model":"m","input":"Hi","text":{{"format":{{"type":"json_schema","name":"n","schema":{schema},"strict":true}}}},"tools":[{{"type":"function","name":"f","parameters":{schema}}}]}}"#
    );
    let (request, _) = decode(&body).unwrap();
    let (sent, losses) = encode(&request, "gpt-5").unwrap();
    assert_eq!(sent.matches(schema).count(), 2, "{sent}");
    assert_eq!(losses, [""; 0]);
}

#[test]
fn tr09_only_openais_seal_goes_back_to_openai() {
    let sealed = |encrypted: &str| {
        decode(&format!(
            r#"{{"model":"m","input":[{{"role":"user","content":"Hi"}},{{"type":"reasoning","id":"rs_tg0","summary":[{{"type":"summary_text","text":"t"}}],"encrypted_content":"{encrypted}"}},{{"role":"assistant","content":"Yes"}}]}}"#
        ))
        .unwrap()
        .0
    };
    let request = sealed("tollgate.anthropic.S");
    assert_eq!(request.turns[1].blocks[0].seal, Some(Seal { issuer: Issuer::Anthropic, data: "S".into() }));
    let (body, losses) = encode(&request, "gpt-5").unwrap();
    assert!(!body.contains("reasoning\","), "{body}");
    assert_eq!(losses, ["input[1];dropped"]);
    let (body, losses) = encode(&sealed("gAAAA"), "gpt-5").unwrap();
    assert!(
        body.contains(
            r#"{"type":"reasoning","summary":[{"type":"summary_text","text":"t"}],"encrypted_content":"gAAAA"}"#
        ),
        "{body}"
    );
    assert_eq!(losses, [""; 0]);
}

#[test]
fn tr09_a_relay_to_openai_leaves_out_what_others_thought() {
    let ours = r#"{"type":"reasoning","id":"rs_0a","summary":[],"encrypted_content":"gAAAA"}"#;
    let body = |more: &str| format!(r#"{{"model":"m","input":[{ours}{more},{{"role":"user","content":"Hi"}}]}}"#);
    assert_eq!(input_without_foreign_reasoning(body("").as_bytes()), None);
    for foreign in [
        r#",{"type":"reasoning","id":"rs_1","summary":[],"encrypted_content":"tollgate.gemini.S"}"#,
        r#",{"type":"reasoning","id":"rs_tg9f_0","summary":[{"type":"summary_text","text":"t"}]}"#,
    ] {
        let left = input_without_foreign_reasoning(body(foreign).as_bytes()).unwrap();
        assert_eq!(left.as_str(), format!(r#"[{ours},{{"role":"user","content":"Hi"}}]"#), "{foreign}");
    }
}

#[test]
fn tr24_media_in_messages_and_outputs() {
    let parts = [
        r#"{"type":"input_image","image_url":"data:image/png;base64,QUJD","detail":"low"}"#,
        r#"{"type":"input_image","image_url":"https://x/y.png"}"#,
        r#"{"type":"input_image","file_id":"file-1"}"#,
        r#"{"type":"input_file","filename":"a.pdf","file_data":"data:application/pdf;base64,QUJD"}"#,
        r#"{"type":"input_file","file_url":"https://x/y.pdf"}"#,
    ];
    for part in parts {
        let body = format!(
            r#"{{"model":"m","input":[{{"role":"user","content":[{{"type":"input_text","text":"see"}},{part}]}},{{"type":"function_call_output","call_id":"c","output":[{part}]}}]}}"#
        );
        let (sent, losses) = encode(&decode(&body).unwrap().0, "gpt-5").unwrap();
        assert_eq!(sent.matches(part).count(), 2, "{part}: {sent}");
        assert_eq!(losses, [""; 0]);
    }
    let audio = r#"{"model":"m","input":[{"role":"user","content":[{"type":"input_audio","input_audio":{"data":"QUJD","format":"mp3"}}]}]}"#;
    let fault = encode(&decode(audio).unwrap().0, "gpt-5").unwrap_err();
    assert_eq!((fault.kind, fault.param.as_deref()), (FaultKind::UnsupportedContent, Some("input[0].content[0]")));
}

#[test]
fn a_cache_breakpoint_of_ours_goes_back_and_means_one_elsewhere() {
    let part = r#"{"type":"input_text","text":"long","prompt_cache_breakpoint":{"mode":"explicit"}}"#;
    let (request, losses) =
        decode(&format!(r#"{{"model":"m","input":[{{"role":"user","content":[{part}]}}]}}"#)).unwrap();
    assert!(request.turns[0].blocks[0].cache.is_some());
    assert_eq!(losses, [""; 0]);
    let (sent, losses) = encode(&request, "gpt-5").unwrap();
    assert!(sent.contains(part), "{sent}");
    assert_eq!(losses, [""; 0]);
}

#[test]
fn tools_of_a_namespace_have_qualified_names_and_go_back_into_it() {
    let space = r#"{"type":"namespace","name":"mcp__crm","description":"CRM","tools":[{"type":"function","name":"find","parameters":{"type":"object"},"strict":false}]}"#;
    let body = format!(
        r#"{{"model":"m","input":[{{"type":"function_call","call_id":"c","name":"find","namespace":"mcp__crm","arguments":"{{}}"}}],"tools":[{space}]}}"#
    );
    let (request, losses) = decode(&body).unwrap();
    assert_eq!(losses, [""; 0]);
    assert_eq!(request.tools[0].name(), Some("mcp__crm__find"));
    assert!(matches!(&request.turns[0].blocks[0].content, Content::Call(c) if c.name == "mcp__crm__find"));
    let (sent, _) = encode(&request, "gpt-5").unwrap();
    assert!(sent.contains(space), "{sent}");
    assert!(sent.contains(r#""name":"find","arguments":"{}","namespace":"mcp__crm""#), "{sent}");
}

#[test]
fn custom_tools_keep_their_grammar() {
    let tool = r#"{"type":"custom","name":"calc","description":"d","format":{"type":"grammar","syntax":"lark","definition":"start: X"}}"#;
    let (request, _) =
        decode(&format!(r#"{{"model":"m","input":"Hi","tools":[{tool},{{"type":"web_search","filters":null}}]}}"#))
            .unwrap();
    assert!(matches!(&request.tools[0].kind, ToolKind::Custom { name, .. } if name == "calc"));
    let (sent, _) = encode(&request, "gpt-5").unwrap();
    assert!(sent.contains(tool) && sent.contains(r#"{"type":"web_search","filters":null}"#), "{sent}");
}

#[test]
fn the_echo_repeats_what_was_asked() {
    let (request, _) = decode(
        r#"{"model":"m","input":"Hi","instructions":"I","temperature":0.2,"max_output_tokens":50,"metadata":{"a":"b"},"store":false,"tool_choice":"required","tools":[{"type":"function","name":"f","parameters":{"type":"object"}}],"reasoning":{"effort":"high"},"text":{"format":{"type":"json_object"}},"previous_response_id":"resp_0"}"#,
    )
    .unwrap();
    let echo = echo(&request);
    for kept in [
        r#""instructions":"I""#,
        r#""temperature":0.2"#,
        r#""max_output_tokens":50"#,
        r#""metadata":{"a":"b"}"#,
        r#""store":false"#,
        r#""tool_choice":"required""#,
        r#""name":"f","parameters":{"type":"object"},"strict":false"#,
        r#""reasoning":{"effort":"high","summary":null}"#,
        r#""text":{"format":{"type":"json_object"}}"#,
        r#""previous_response_id":"resp_0""#,
        r#""truncation":"disabled""#,
        r#""parallel_tool_calls":true"#,
    ] {
        assert!(echo.as_str().contains(kept), "{kept}: {}", echo.as_str());
    }
}

#[test]
fn input_items_are_listed_newest_first_and_by_pages() {
    let (request, _) = decode(
        r#"{"model":"m","instructions":"I","input":[{"role":"user","content":"one"},{"type":"function_call","call_id":"c","name":"f","arguments":"{}"},{"type":"function_call_output","call_id":"c","output":"1"}]}"#,
    )
    .unwrap();
    let list = input_items(&request, "r", Page::default());
    assert_eq!(
        list.as_str(),
        r#"{"object":"list","data":[{"id":"fco_tgr_2","type":"function_call_output","status":"completed","call_id":"c","output":"1"},{"id":"fc_tgr_1","type":"function_call","status":"completed","call_id":"c","name":"f","arguments":"{}"},{"id":"msg_tgr_0","type":"message","status":"completed","role":"user","content":[{"type":"input_text","text":"one"}]}],"first_id":"fco_tgr_2","last_id":"msg_tgr_0","has_more":false}"#
    );
    let page = input_items(&request, "r", Page { limit: 1, after: Some("msg_tgr_0"), ascending: true });
    assert!(
        page.as_str().contains(r#""first_id":"fc_tgr_1","last_id":"fc_tgr_1","has_more":true"#),
        "{}",
        page.as_str()
    );
}

#[test]
fn references_to_items_of_translated_responses_are_resolved_or_refused() {
    let body = r#"{"id":"resp_9f","output":[{"id":"rs_tg9f_0","type":"reasoning","summary":[],"encrypted_content":"tollgate.anthropic.S"},{"id":"msg_tg9f_1","type":"message","role":"assistant","content":[{"type":"output_text","text":"Four."}]}]}"#;
    let ask = |id: &str| {
        let body = format!(
            r#"{{"model":"m","input":[{{"role":"user","content":"2+2?"}},{{"type":"item_reference","id":"rs_tg9f_0"}},{{"id":"{id}"}},{{"role":"user","content":"Sure?"}}]}}"#
        );
        decode(&body).unwrap().0
    };
    let mut request = ask("msg_tg9f_1");
    assert_eq!(referred_responses(&request), ["resp_9f"]);
    let bodies = HashMap::from([("resp_9f".to_owned(), body.to_owned())]);
    resolve_references(&mut request, &bodies).unwrap();
    let answer = &request.turns[1].blocks;
    assert_eq!(answer[0].seal, Some(Seal { issuer: Issuer::Anthropic, data: "S".into() }));
    assert_eq!((answer[1].as_text(), answer[1].at.as_str(), answer.len()), (Some("Four."), "input[2]", 2));
    for unknown in ["msg_tg9f_7", "msg_tgaa_0", "msg_0a1b"] {
        let fault = resolve_references(&mut ask(unknown), &bodies).unwrap_err();
        assert_eq!((fault.status, fault.param.as_deref()), (400, Some("input[2]")), "{unknown}");
    }
}

#[test]
fn bodies_that_cannot_be_read_name_the_place() {
    let table = [
        ("[]", "", "must be an object"),
        (r#"{"input":"Hi"}"#, "model", "Missing"),
        (r#"{"model":"m"}"#, "input", "Missing"),
        (r#"{"model":"m","input":7}"#, "input", "a string or an array"),
        (r#"{"model":"m","input":[{}]}"#, "input[0]", "neither"),
        (r#"{"model":"m","input":[{"role":"robot","content":"x"}]}"#, "input[0].role", "robot"),
        (r#"{"model":"m","input":[{"role":"user","content":7}]}"#, "input[0].content", "array of parts"),
        (r#"{"model":"m","input":[{"type":"function_call","name":"f"}]}"#, "input[0].call_id", "Missing"),
        (r#"{"model":"m","input":"x","tools":[{"type":"function"}]}"#, "tools[0].name", "Missing"),
        (
            r#"{"model":"m","input":[{"role":"user","content":[{"type":"input_image","image_url":"data:x"}]}]}"#,
            "input[0].content[0].image_url",
            "base64",
        ),
    ];
    for (body, path, words) in table {
        let fault = decode(body).unwrap_err();
        assert_eq!(fault.param.as_deref().unwrap_or_default(), path, "{body}: {fault}");
        assert!(fault.public.contains(words), "{body}: {fault}");
    }
}
