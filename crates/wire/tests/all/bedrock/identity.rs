//! What Converse can say comes back from it as it was said.

use proptest::prelude::*;
use tollgate_ir::{
    Block, CacheMark, Call, CallKind, Content, Issuer, Media, MediaKind, MediaSource, OutputFormat, Params, Reasoning,
    Request, Role, Seal, Thinking, ThinkingMode, Tool, ToolChoice, ToolKind, ToolResult, Turn,
};

use super::{CLAUDE, NEW_CLAUDE, decoded, encoded, json};

fn words() -> impl Strategy<Value = String> {
    "[a-z\"\\\\\n日🎉 ]{0,8}[a-zé]"
}

fn mark() -> impl Strategy<Value = Option<CacheMark>> {
    prop_oneof![4 => Just(None), 1 => any::<bool>().prop_map(|one_hour| Some(CacheMark { one_hour }))]
}

fn text() -> impl Strategy<Value = Block> {
    (words(), mark()).prop_map(|(words, cache)| Block { cache, ..Block::text(words) })
}

fn image() -> impl Strategy<Value = Block> {
    (prop_oneof![Just("png"), Just("jpeg"), Just("gif"), Just("webp")], "[A-Za-z0-9+/]{4,12}").prop_map(
        |(format, data)| {
            Block::new(Content::Media(Media {
                kind: MediaKind::Image,
                mime: Some(format!("image/{format}")),
                source: MediaSource::Base64(data),
                name: None,
                detail: None,
            }))
        },
    )
}

fn document() -> impl Strategy<Value = Block> {
    let source = prop_oneof![
        "[A-Za-z0-9+/]{4,12}".prop_map(MediaSource::Base64),
        words().prop_map(MediaSource::Text),
        "[a-z]{3,5}".prop_map(|key| MediaSource::Url(format!("s3://bucket/{key}"))),
    ];
    (source, "[a-z]{12}").prop_map(|(source, name)| {
        let mime = if matches!(source, MediaSource::Text(_)) { "text/plain" } else { "application/pdf" };
        let media =
            Media { kind: MediaKind::Document, mime: Some(mime.into()), source, name: Some(name), detail: None };
        Block::new(Content::Media(media))
    })
}

fn arguments() -> impl Strategy<Value = String> {
    prop_oneof![Just("{}".to_owned()), words().prop_map(|w| format!("{{\"b\":{},\"a\":[1,2.5]}}", quoted(&w)))]
}

fn quoted(text: &str) -> String {
    let mut out = Vec::new();
    tollgate_wire::json::text(&mut out, text);
    String::from_utf8(out).unwrap()
}

fn call() -> impl Strategy<Value = Block> {
    ("[a-zA-Z0-9_-]{1,20}", "[a-z_]{1,9}", arguments()).prop_map(|(id, name, arguments)| {
        Block::new(Content::Call(Call { id, name, arguments, kind: CallKind::Function }))
    })
}

fn result() -> impl Strategy<Value = Block> {
    let content = prop_oneof![
        proptest::collection::vec(prop_oneof![words().prop_map(Block::text), image(), document()], 0..3)
            .prop_map(|content| (content, None)),
        arguments().prop_map(|object| (vec![Block::text(object.clone())], Some(json(&object)))),
    ];
    ("[a-zA-Z0-9_-]{1,20}", content, any::<bool>(), mark()).prop_map(|(call, (content, json), error, cache)| Block {
        cache,
        ..Block::new(Content::Result(ToolResult { call, name: None, content, json, error, kind: CallKind::Function }))
    })
}

fn reasoning() -> impl Strategy<Value = Block> {
    (words(), "[A-Za-z0-9+/=]{4,12}", any::<bool>()).prop_map(|(text, data, redacted)| {
        let text = if redacted { String::new() } else { text };
        let mut block = Block::new(Content::Reasoning(Reasoning { text, redacted, ..Reasoning::default() }));
        block.seal = Some(Seal { issuer: Issuer::Anthropic, data });
        block
    })
}

/// The user speaks with results first, and says something about documents.
fn user() -> impl Strategy<Value = Turn> {
    let rest = proptest::collection::vec(prop_oneof![text(), image(), document()], 0..3);
    (proptest::collection::vec(result(), 0..3), rest, text()).prop_map(|(mut blocks, rest, last)| {
        blocks.extend(rest);
        blocks.push(last);
        Turn { role: Role::User, blocks }
    })
}

fn assistant() -> impl Strategy<Value = Turn> {
    proptest::collection::vec(prop_oneof![text(), call(), reasoning()], 1..4)
        .prop_map(|blocks| Turn { role: Role::Assistant, blocks })
}

fn tools() -> impl Strategy<Value = Vec<Tool>> {
    let one = ("[a-z]{1,9}", proptest::option::of(words()), any::<bool>(), mark()).prop_map(
        |(name, words, strict, cache)| {
            // Only a schema that a grammar can be made of may be strict; any other goes as it was written.
        let schema = if strict {
            r#"{"type":"object","properties":{"z":{"type":"string"},"a":{"type":"null"}},"additionalProperties":false}"#
        } else {
            r##"{"type":"object","properties":{"z":{"type":"string"},"a":{"$ref":"#/$defs/a"}},"x-odd":[1]}"##
        };
        let strict = strict.then_some(true);
            let kind = ToolKind::Function { name, description: words, parameters: Some(json(schema)), strict };
            Tool { kind, cache, carry: None, at: String::new() }
        },
    );
    proptest::collection::vec(one, 1..4)
}

fn params() -> impl Strategy<Value = Params> {
    let sampling = prop_oneof![
        (0u8..=10).prop_map(|n| (Some(f64::from(n) / 10.0), None)),
        (0u8..=10).prop_map(|n| (None, Some(f64::from(n) / 10.0))),
    ];
    (
        proptest::option::of(2000u64..9000),
        sampling,
        proptest::collection::vec(words(), 0..3),
        proptest::option::of(1u64..99),
    )
        .prop_map(|(max_tokens, (temperature, top_p), stop, top_k)| Params {
            max_tokens,
            temperature,
            top_p,
            stop,
            top_k,
            service_tier: Some("flex".into()),
            metadata: Some(json(r#"{"b":"1","a":"x y"}"#)),
            ..Params::default()
        })
}

fn choice() -> impl Strategy<Value = Option<ToolChoice>> {
    prop_oneof![
        Just(None),
        Just(Some(ToolChoice::Auto)),
        Just(Some(ToolChoice::Required)),
        "[a-z]{1,9}".prop_map(|name| Some(ToolChoice::Named(name))),
    ]
}

fn request() -> impl Strategy<Value = Request> {
    let turns = (user(), proptest::collection::vec((assistant(), user()), 0..3)).prop_map(|(first, rest)| {
        let mut turns = vec![first];
        turns.extend(rest.into_iter().flat_map(|(a, u)| [a, u]));
        turns
    });
    let system = proptest::collection::vec(text(), 0..3);
    let output = proptest::option::of(words().prop_map(|name| OutputFormat::Schema {
        name: Some(name),
        description: None,
        schema: json(r#"{"type":"object","properties":{"b":{"type":"string"}},"additionalProperties":false}"#),
        strict: None,
    }));
    (turns, system, tools(), choice(), any::<bool>(), params(), output).prop_map(
        |(turns, system, tools, tool_choice, one, params, output)| Request {
            model: "m".into(),
            turns,
            system,
            tools,
            tool_choice,
            // Forced use and parallel use say their part in two places; `true` is what goes without saying.
            parallel_tools: one.then_some(false),
            params,
            output: output.filter(|_| !one),
            ..Request::default()
        },
    )
}

fn without_places(mut request: Request) -> Request {
    fn strip(block: &mut Block) {
        block.at.clear();
        if let Content::Result(result) = &mut block.content {
            result.content.iter_mut().for_each(strip);
        }
    }
    request.system.iter_mut().chain(request.turns.iter_mut().flat_map(|t| &mut t.blocks)).for_each(strip);
    request.tools.iter_mut().for_each(|tool| tool.at.clear());
    request
}

proptest! {
    #[test]
    fn decoding_what_was_encoded_gives_it_back(request in request()) {
        let (body, lost) = encoded(&request, CLAUDE);
        let (again, dropped) = decoded(&body);
        prop_assert_eq!(without_places(again), request, "{}", body);
        prop_assert!(lost.is_empty() && dropped.is_empty(), "{:?} {:?}", lost, dropped);
    }

    #[test]
    fn thinking_comes_back(adaptive in any::<bool>(), budget in 1024u64..4000, show in proptest::option::of(any::<bool>())) {
        let (mode, budget, model) = if adaptive {
            (ThinkingMode::Adaptive, None, NEW_CLAUDE)
        } else {
            (ThinkingMode::On, Some(budget), CLAUDE)
        };
        let thinking = Thinking { mode, effort: None, budget, show: show.filter(|_| adaptive), summary: None };
        let mut request = Request { model: "m".into(), thinking: Some(thinking), ..Request::default() };
        request.turns.push(Turn { role: Role::User, blocks: vec![Block::text("Hi")] });
        request.params.max_tokens = Some(8000);
        let (body, lost) = encoded(&request, model);
        prop_assert_eq!(without_places(decoded(&body).0), request, "{}", body);
        prop_assert!(lost.is_empty(), "{:?}", lost);
    }

    #[test]
    fn tr22_the_same_request_is_the_same_bytes(request in request()) {
        prop_assert_eq!(encoded(&request, CLAUDE), encoded(&request.clone(), CLAUDE));
    }

    #[test]
    fn any_bytes_are_a_request_a_fault_and_no_panic(body in proptest::collection::vec(any::<u8>(), 0..60)) {
        use tollgate_ir::{Dialect, Losses};
        use tollgate_wire::{codec, target::RequestHead};
        let mut losses = Losses::new(codec::path_of(Dialect::Bedrock));
        let _ = codec::decode_request(Dialect::Bedrock, &body, &RequestHead::default(), &mut losses);
        let _ = codec::decode_reply(Dialect::Bedrock, &body);
        let _ = codec::decode_fault(Dialect::Bedrock, 500, &[], &body);
    }
}
