use proptest::prelude::*;

use super::*;
use crate::json::Node;

fn node(text: &str) -> Node<'_> {
    Node::read(text.as_bytes()).unwrap()
}

#[test]
fn google_schemas_become_json_schemas() {
    for (google, standard) in [
        (
            r#"{"type":"OBJECT","properties":{"a":{"type":"STRING"}}}"#,
            r#"{"type":"object","properties":{"a":{"type":"string"}}}"#,
        ),
        (r#"{"type":"INTEGER","nullable":true}"#, r#"{"type":["integer","null"]}"#),
        (
            r#"{"any_of":[{"type":"STRING"},{"type":"NUMBER"}],"nullable":true}"#,
            r#"{"anyOf":[{"type":"string"},{"type":"number"},{"type":"null"}]}"#,
        ),
        (
            r#"{"type":"STRING","format":"enum","enum":["x"],"nullable":true}"#,
            r#"{"type":["string","null"],"enum":["x",null]}"#,
        ),
        (
            r#"{"type":"ARRAY","minItems":"2","items":{"type":"STRING"}}"#,
            r#"{"type":"array","minItems":2,"items":{"type":"string"}}"#,
        ),
        (
            r#"{"type":"OBJECT","property_ordering":["b","a"],"properties":{"a":{},"c":{},"b":{}}}"#,
            r#"{"type":"object","properties":{"b":{},"a":{},"c":{}}}"#,
        ),
        (
            r#"{"type":"object","properties":{"nullable":{"type":"boolean"}},"additionalProperties":false}"#,
            r#"{"type":"object","properties":{"nullable":{"type":"boolean"}},"additionalProperties":false}"#,
        ),
        (r#"{"type":"TYPE_UNSPECIFIED","example":1}"#, r#"{"examples":[1]}"#),
    ] {
        assert_eq!(from_gemini(&node(google)).to_text(), standard);
    }
}

#[test]
fn json_schemas_become_google_schemas() {
    for (standard, google, all) in [
        (
            r#"{"type":"object","properties":{"a":{"type":"string"}},"required":["a"]}"#,
            r#"{"type":"OBJECT","properties":{"a":{"type":"STRING"}},"required":["a"]}"#,
            true,
        ),
        (r#"{"type":["string","null"]}"#, r#"{"nullable":true,"type":"STRING"}"#, true),
        (r#"{"anyOf":[{"type":"integer"},{"type":"null"}]}"#, r#"{"nullable":true,"type":"INTEGER"}"#, true),
        (r#"{"type":["string","integer"]}"#, r#"{"anyOf":[{"type":"STRING"},{"type":"INTEGER"}]}"#, true),
        (r#"{"const":"x"}"#, r#"{"type":"STRING","enum":["x"]}"#, true),
        (r#"{"type":"integer","enum":[1,2]}"#, r#"{"type":"INTEGER"}"#, false),
        (r#"{"type":"object","properties":{},"additionalProperties":false}"#, "{}", false),
        (r#"{"type":"string","not":{"const":"x"}}"#, r#"{"type":"STRING"}"#, false),
        (
            r##"{"$defs":{"P":{"type":"string"}},"type":"array","items":{"$ref":"#/$defs/P"}}"##,
            r#"{"type":"ARRAY","items":{"type":"STRING"}}"#,
            true,
        ),
    ] {
        let (got, lossless) = to_gemini(&node(standard), "tools[0]").unwrap();
        assert_eq!((got.to_text().as_str(), lossless), (google, all), "{standard}");
    }
}

#[test]
fn references_stand_in_place_and_what_stands_beside_them_holds() {
    let schema = r##"{"type":"object","properties":{"a":{"$ref":"#/$defs/A","description":"mine"},"definitions":{"type":"string"}},"$defs":{"A":{"type":"string","description":"theirs","enum":["$ref"]}}}"##;
    let want = r#"{"type":"object","properties":{"a":{"type":"string","description":"mine","enum":["$ref"]},"definitions":{"type":"string"}}}"#;
    assert_eq!(inline_refs(&node(schema), "").unwrap().to_text(), want);
}

/// Circles, broken references and schemas that explode are refused with the path, at once.
#[test]
fn tr21_circles_are_faults_that_name_the_path() {
    let circle = r##"{"properties":{"next":{"$ref":"#"}}}"##;
    let pair = r##"{"properties":{"a":{"$ref":"#/$defs/A"}},"$defs":{"A":{"items":{"$ref":"#/$defs/B"}},"B":{"anyOf":[{"$ref":"#/$defs/A"}]}}}"##;
    let broken = r##"{"properties":{"a":{"$ref":"#/$defs/none"}}}"##;
    let mut bomb = String::from(r##"{"$ref":"#/$defs/d0","$defs":{"##);
    for i in 0..40 {
        bomb.push_str(&format!(
            r##""d{i}":{{"anyOf":[{{"$ref":"#/$defs/d{}"}},{{"$ref":"#/$defs/d{}"}}]}},"##,
            i + 1,
            i + 1
        ));
    }
    bomb.push_str(r#""d40":{"type":"string"}}}"#);
    let mut chain = String::from(r##"{"$ref":"#/$defs/d0","$defs":{"##);
    for i in 0..5000 {
        chain.push_str(&format!(r##""d{i}":{{"$ref":"#/$defs/d{}"}},"##, i + 1));
    }
    chain.push_str(r#""d5000":{"type":"string"}}}"#);
    for (schema, path) in [
        (circle, "tools[0].parameters.properties.next.properties.next"),
        (pair, "tools[0].parameters.properties.a.items.anyOf.0"),
        (broken, "tools[0].parameters.properties.a"),
        (&bomb, "tools[0].parameters"),
        (&chain, "tools[0].parameters"),
    ] {
        let fault = inline_refs(&node(schema), "tools[0].parameters").unwrap_err();
        assert_eq!(fault.status, 400);
        let param = fault.param.unwrap();
        assert!(param.starts_with(path), "{param}");
    }
}

/// JSON of keywords, types and references in any nesting, sensible or not.
fn any_schema() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        Just("true".to_owned()),
        Just(r#""string""#.to_owned()),
        Just(r##""#/$defs/a""##.to_owned()),
        Just(r##""#""##.to_owned()),
        (0u32..9).prop_map(|n| n.to_string()),
    ];
    let key = prop_oneof![
        Just("type"),
        Just("properties"),
        Just("items"),
        Just("anyOf"),
        Just("allOf"),
        Just("enum"),
        Just("const"),
        Just("$ref"),
        Just("$defs"),
        Just("nullable"),
        Just("a"),
    ];
    leaf.prop_recursive(5, 40, 4, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(|items| format!("[{}]", items.join(","))),
            proptest::collection::vec((key.clone(), inner), 0..4).prop_map(|entries| {
                let entries: Vec<_> = entries.iter().map(|(k, v)| format!(r#""{k}":{v}"#)).collect();
                format!("{{{}}}", entries.join(","))
            }),
        ]
    })
}

fn has_foreign_keyword(schema: &Node<'_>) -> bool {
    schema.entries().iter().any(|(key, value)| match key.as_ref() {
        "properties" => value.entries().iter().any(|(_, v)| has_foreign_keyword(v)),
        "anyOf" => value.items().iter().any(has_foreign_keyword),
        "items" => has_foreign_keyword(value),
        "type" | "enum" | "nullable" => false,
        _ => true,
    })
}

proptest! {
    /// Whatever comes is converted or refused, and Google's form of it holds no keyword that Google refuses.
    #[test]
    fn any_json_is_converted_or_refused(text in any_schema()) {
        let schema = node(&text);
        let _ = from_gemini(&schema);
        match to_gemini(&schema, "tools[0]") {
            Ok((google, _)) => prop_assert!(!has_foreign_keyword(&google), "{}", google.to_text()),
            Err(fault) => prop_assert_eq!(fault.status, 400),
        }
    }
}
