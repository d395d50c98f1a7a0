use proptest::prelude::*;
use serde::de::IgnoredAny;

use super::*;

fn scan(text: &str) -> Envelope {
    Envelope::scan(text.as_bytes()).unwrap()
}

fn refusal(body: &[u8]) -> Fault {
    Envelope::scan(body).unwrap_err()
}

#[test]
fn members_are_found_where_they_stand() {
    let body = " {\n \"model\" : \"a\\u0062\" , \"x\":[1,{\"model\":\"no\"}],\"stream\":true,\"\\u0075ser\":\"u\"}\n";
    let envelope = scan(body);
    let found: Vec<_> = envelope
        .members()
        .iter()
        .map(|m| (m.key.as_ref(), &body[m.key_at.clone()], &body[m.value_at.clone()]))
        .collect();
    assert_eq!(
        found,
        [
            ("model", "\"model\"", "\"a\\u0062\""),
            ("x", "\"x\"", "[1,{\"model\":\"no\"}]"),
            ("stream", "\"stream\"", "true"),
            ("user", "\"\\u0075ser\"", "\"u\""),
        ]
    );
    assert_eq!(envelope.model(), Some("ab"));
    assert!(envelope.stream());
    assert_eq!(envelope.text(body.as_bytes(), "user").as_deref(), Some("u"));
}

#[test]
fn policy_fields_in_every_dialects_spelling() {
    for (body, limit) in [
        (r#"{"max_tokens":5}"#, Some(5)),
        (r#"{"max_tokens":null,"max_completion_tokens":6}"#, Some(6)),
        (r#"{"max_output_tokens":7}"#, Some(7)),
        (r#"{"generationConfig":{"maxOutputTokens":8}}"#, Some(8)),
        (r#"{"generation_config":{"max_output_tokens":9}}"#, Some(9)),
        (r#"{"inferenceConfig":{"maxTokens":10}}"#, Some(10)),
        (r#"{"max_tokens":"many"}"#, None),
        (r#"{"messages":[{"max_tokens":1}]}"#, None),
    ] {
        assert_eq!(scan(body).max_tokens(body.as_bytes()), limit, "{body}");
    }
    for (body, asked) in [
        (r#"{"stream_options":{"include_usage":true}}"#, true),
        (r#"{"stream_options":{"include_usage":false}}"#, false),
        (r#"{"stream_options":null}"#, false),
        ("{}", false),
    ] {
        assert_eq!(scan(body).include_usage(body.as_bytes()), asked, "{body}");
    }
    for (body, some) in [(r#"{"tools":[ ]}"#, false), (r#"{"tools":[{}]}"#, true), (r#"{"tools":null}"#, false)] {
        assert_eq!(scan(body).has_items(body.as_bytes(), "tools"), some, "{body}");
    }
}

#[test]
fn calls_are_mentioned_by_a_key_and_not_by_a_text() {
    for (body, calls) in [
        (r#"{"messages":[{"role":"assistant","tool_calls":[{"id":"a"}]}]}"#, true),
        (r#"{"messages":[{"tool_\u0063alls":[]}]}"#, true),
        (r#"{"messages":[{"content":"\"tool_calls\""},{"content":"tool_calls"}]}"#, false),
        (r#"{"messages":[{"tool_call_":1,"tool_calls_":2}]}"#, false),
    ] {
        assert_eq!(scan(body).mentions().calls, calls, "{body}");
    }
}

#[test]
fn the_developers_role_is_mentioned_by_a_value() {
    for (body, developer) in [
        (r#"{"messages":[{"role":"user"},{"role":"developer","content":"x"}]}"#, true),
        (r#"{"messages":[{"content":"\"developer\""},{"content":"a developer"},{"developer":1}]}"#, false),
    ] {
        assert_eq!(scan(body).mentions().developer, developer, "{body}");
    }
}

#[test]
fn an_override_is_mentioned_by_a_key_at_any_depth() {
    for (body, overrides) in [
        (r#"{"api_base":1}"#, true),
        (r#"{"tools":[{"x":{"HF-Token":[]}}]}"#, true),
        (r#"{"metadata":{"api\u005fbase":1}}"#, true),
        (r#"{"x":"api_base","y":["api_base"],"api_bases":{"base":1}}"#, false),
    ] {
        assert_eq!(scan(body).mentions().overrides, overrides, "{body}");
    }
}

#[test]
fn a_doubled_key_that_policy_reads_is_refused_and_others_pass() {
    for body in [
        r#"{"model":"cheap","model":"dear"}"#,
        r#"{"model":"cheap","mod\u0065l":"dear"}"#,
        r#"{"stream":false,"stream":true}"#,
        r#"{"messages":[],"messages":[1]}"#,
    ] {
        let fault = refusal(body.as_bytes());
        assert_eq!(fault.kind, FaultKind::InvalidBody, "{body}");
        assert!(fault.public.contains("comes twice; send it once"), "{}", fault.public);
    }
    assert_eq!(scan(r#"{"logit_bias":1,"logit_bias":2}"#).members().len(), 2);
}

#[test]
fn what_is_no_object_is_refused_with_the_place() {
    for (body, why) in [
        (&b""[..], "it ends too early"),
        (b"[]", "it is no object at byte 0"),
        (b"\"x\"", "it is no object"),
        (b"{\"a\":1", "it ends too early"),
        (b"{\"a\":1}x", "something follows the object at byte 7"),
        (b"{\"a\":\"b", "it ends too early"),
        (b"{\"a\":1,}", "a key in quotes was expected at byte 7"),
        (b"{\"a\" 1}", "a colon was expected"),
        (b"{\"a\":tru}", "a value was expected"),
        (b"{\"a\":[1,]}", "a value was expected"),
        (b"{\"a\":[1}", "a comma or the container's end was expected"),
        (b"{\"a\":01}", "a comma or the object's end was expected"),
        (b"{\"a\":1.}", "a number lacks a digit"),
        (b"{\"a\":\"\\x\"}", "an unknown escape"),
        (b"{\"a\":\"\\u12g4\"}", "four hexadecimal digits"),
        (b"{\"a\":\"\n\"}", "a raw control character"),
        (b"{\"a\":\"\xff\"}", "it is not UTF-8 at byte 6"),
        (b"{\"model\":\"\\ud800\"}", "The request's body is not valid"),
    ] {
        let fault = refusal(body);
        assert_eq!((fault.kind, fault.status), (FaultKind::InvalidBody, 400));
        assert!(fault.public.contains(why), "{:?}: {}", String::from_utf8_lossy(body), fault.public);
        assert!(fault.public.contains("Send one JSON object in UTF-8"));
    }
    assert_eq!(refusal(b"{\"model\":5}").param.as_deref(), Some("model"));
    assert_eq!(refusal(b"{\"stream\":\"yes\"}").param.as_deref(), Some("stream"));
}

#[test]
fn depth_and_width_are_bounded() {
    let nested = |n: usize| format!("{{\"a\":{}{}}}", "[".repeat(n), "]".repeat(n));
    scan(&nested(127));
    assert!(refusal(nested(128).as_bytes()).public.contains("deeper than 128"));
    assert!(refusal("{\"a\":".repeat(5_000_000).as_bytes()).public.contains("deeper than 128"));
    let wide: Vec<_> = (0..1025).map(|i| format!("\"k{i}\":0")).collect();
    assert!(refusal(format!("{{{}}}", wide.join(",")).as_bytes()).public.contains("1,024"));
}

#[test]
fn pf06_a_bad_model_stops_the_scan_at_once() {
    let body = br#"{"model":"nope","messages":[this is never read"#;
    let fault =
        Envelope::scan_checking(body, |_| Err(Fault::new(FaultKind::NoSuchModel, "no such model"))).unwrap_err();
    assert_eq!(fault.kind, FaultKind::NoSuchModel);
}

fn json() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        Just("true".to_owned()),
        Just("-1.5e+3".to_owned()),
        Just("0".to_owned()),
        "\"[a-z\u{e4}\u{1f389}]{0,4}(\\\\n|\\\\\"|\\\\u00e9)?\"",
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(|v| format!("[ {}]", v.join(" ,"))),
            proptest::collection::vec(("[a-c]", inner), 0..4).prop_map(|v| {
                let members: Vec<_> = v.iter().map(|(k, v)| format!("\"{k}\":{v}")).collect();
                format!("{{{} }}", members.join(",\n"))
            }),
        ]
    })
}

proptest! {
    /// Valid bodies and bodies with one byte changed, cut or doubled: accepted exactly when serde_json accepts.
    #[test]
    fn accepts_what_serde_json_accepts(value in json(), at in any::<proptest::sample::Index>(), byte in prop_oneof![Just(b'"'), Just(b','), Just(b'}'), Just(b'\\'), Just(b'0'), Just(b'-'), Just(b' '), any::<u8>()], how in 0..4) {
        let mut body = format!("{{\"a\":{value}}}").into_bytes();
        let i = at.index(body.len());
        match how {
            0 => {}
            1 => body[i] = byte,
            2 => body.truncate(i),
            _ => body.insert(i, byte),
        }
        let valid = std::str::from_utf8(&body).is_ok()
            && serde_json::from_slice::<std::collections::HashMap<String, IgnoredAny>>(&body).is_ok();
        prop_assert_eq!(Envelope::scan(&body).is_ok(), valid, "{}", String::from_utf8_lossy(&body));
    }

    #[test]
    fn any_bytes_are_survived(body in proptest::collection::vec(any::<u8>(), 0..64)) {
        let _ = Envelope::scan(&body);
    }
}

#[test]
fn bytes_that_are_no_text_are_found_wherever_they_stand() {
    for at in [6, 1_022, 1_023, 1_024, 1_025, 3_000] {
        for before in ["x".repeat(4_000), "é".repeat(2_000)] {
            let mut body = format!("{{\"a\":\"{before}\"}}").into_bytes();
            body[at] = 0xff;
            let fault = Envelope::scan(&body).unwrap_err();
            let valid = std::str::from_utf8(&body).unwrap_err().valid_up_to();
            assert!(fault.public.contains(&format!("not UTF-8 at byte {valid}.")), "{at}: {}", fault.public);
        }
    }
}
