//! decode ∘ encode is the identity on what the dialect can say.

use proptest::prelude::*;
use tollgate_ir::{
    Block, Call, CallKind, Content, Effort, Json, Media, MediaKind, MediaSource, OutputFormat, Params, Request, Role,
    Thinking, ThinkingMode, Tool, ToolChoice, ToolKind, ToolResult, Turn,
};

use super::{decode, encode_text};

fn word() -> impl Strategy<Value = String> {
    "[a-z]{1,8}"
}

fn words() -> impl Strategy<Value = String> {
    "[a-zA-Z \"\\\\日🎉\n]{0,12}[a-z]"
}

fn media() -> impl Strategy<Value = Block> {
    let image = |source| Media { kind: MediaKind::Image, mime: None, source, name: None, detail: Some("low".into()) };
    prop_oneof![
        Just(Media { mime: Some("image/jpeg".into()), ..image(MediaSource::Base64("QUJD".into())) }),
        Just(image(MediaSource::Url("https://a/b".into()))),
        Just(Media {
            kind: MediaKind::Document,
            mime: Some("application/pdf".into()),
            source: MediaSource::Base64("QUJD".into()),
            name: Some("a.pdf".into()),
            detail: None,
        }),
        Just(Media {
            kind: MediaKind::Audio,
            mime: Some("audio/mpeg".into()),
            source: MediaSource::Base64("QUJD".into()),
            name: None,
            detail: None,
        }),
    ]
    .prop_map(|m| Block::new(Content::Media(m)))
}

fn text() -> impl Strategy<Value = Block> {
    words().prop_map(Block::text)
}

/// A user's turn; or calls and, right after them, their results.
fn exchange(place: usize) -> impl Strategy<Value = Vec<Turn>> {
    let turn = |role, blocks| Turn { role, blocks };
    let asked =
        (prop::option::of(words()), prop::collection::vec((word(), "\\{\"[a-z]{1,3}\":[0-9]\\}", words()), 1..4));
    prop_oneof![
        (prop::collection::vec(prop_oneof![text(), media()], 1..4), words()).prop_map(move |(blocks, answer)| {
            vec![turn(Role::User, blocks), turn(Role::Assistant, vec![Block::text(answer)])]
        }),
        asked.prop_map(move |(said, calls)| {
            let mut blocks: Vec<_> = said.map(Block::text).into_iter().collect();
            let mut turns = Vec::new();
            for (i, (name, arguments, answer)) in calls.into_iter().enumerate() {
                let (id, kind) = (format!("call_{place}_{i}"), CallKind::Function);
                let call = Call { id: id.clone(), name: name.clone(), arguments, kind };
                blocks.push(Block::new(Content::Call(call)));
                let content = vec![Block::text(answer)];
                let result = ToolResult { call: id, name: Some(name), content, json: None, error: false, kind };
                turns.push(turn(Role::User, vec![Block::new(Content::Result(result))]));
            }
            turns.insert(0, turn(Role::Assistant, blocks));
            turns.insert(0, turn(Role::User, vec![Block::text("go")]));
            turns
        }),
    ]
}

fn params() -> impl Strategy<Value = Params> {
    (
        prop::option::of(1..9999u64),
        prop::option::of(0.0..2.0f64),
        prop::option::of(0.0..1.0f64),
        prop::collection::vec(word(), 0..4),
        prop::option::of(any::<i32>()),
        prop::option::of(1..5u64),
        prop::option::of(word()),
    )
        .prop_map(|(max_tokens, temperature, top_p, stop, seed, n, user)| Params {
            max_tokens,
            temperature,
            top_p,
            stop,
            seed: seed.map(i64::from),
            n,
            user,
            ..Params::default()
        })
}

fn request() -> impl Strategy<Value = Request> {
    let function = |(name, description, strict): (String, Option<String>, Option<bool>)| ToolKind::Function {
        name,
        description,
        parameters: Some(Json::parse(r#"{"type":"object","b":1,"a":1.5}"#).unwrap()),
        strict,
    };
    let tools =
        prop::collection::vec((word(), prop::option::of(words()), any::<Option<bool>>()).prop_map(function), 1..4);
    let choice = prop_oneof![
        Just(ToolChoice::Auto),
        Just(ToolChoice::None),
        Just(ToolChoice::Required),
        word().prop_map(ToolChoice::Named)
    ];
    let output = prop_oneof![
        Just(OutputFormat::Json),
        word().prop_map(|name| OutputFormat::Schema {
            name: Some(name),
            description: None,
            schema: Json::parse(r#"{"z":1,"a":2}"#).unwrap(),
            strict: Some(true)
        })
    ];
    let thinking = prop_oneof![
        Just((ThinkingMode::Off, None)),
        Just((ThinkingMode::On, Some(Effort::Low))),
        Just((ThinkingMode::On, Some(Effort::High)))
    ];
    (
        prop::collection::vec(text(), 0..3),
        (exchange(0), exchange(1), exchange(2)),
        (tools, prop::option::of(choice), any::<Option<bool>>()),
        params(),
        prop::option::of(output),
        prop::option::of(thinking),
        any::<bool>(),
    )
        .prop_map(
            |(system, (a, b, c), (tools, tool_choice, parallel_tools), mut params, output, thinking, stream)| {
                params.include_usage = stream;
                let tool = |kind| Tool { kind, cache: None, carry: None, at: String::new() };
                Request {
                    model: "open".into(),
                    stream,
                    system,
                    turns: [a, b, c].concat(),
                    tools: tools.into_iter().map(tool).collect(),
                    tool_choice,
                    parallel_tools,
                    params,
                    output,
                    thinking: thinking.map(|(mode, effort)| Thinking {
                        mode,
                        effort,
                        budget: None,
                        show: None,
                        summary: None,
                    }),
                    previous_response: None,
                }
            },
        )
}

fn placeless(mut request: Request) -> Request {
    fn clear(block: &mut Block) {
        block.at.clear();
        if let Content::Result(result) = &mut block.content {
            result.content.iter_mut().for_each(clear);
        }
    }
    request.system.iter_mut().chain(request.turns.iter_mut().flat_map(|t| &mut t.blocks)).for_each(clear);
    request.tools.iter_mut().for_each(|t| t.at.clear());
    request
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_request_comes_back_whole(request in request()) {
        let (body, lost) = encode_text(&request, "open").unwrap();
        prop_assert_eq!(lost, Vec::<String>::new());
        let (again, lost) = decode(&body).unwrap();
        prop_assert_eq!(lost, Vec::<String>::new());
        prop_assert_eq!(placeless(again), request);
    }

    /// Whatever a host or a client sends, nothing panics.
    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200), json in "[\\[\\]{}\":,a-z0-9 ]{0,80}") {
        for body in [bytes.as_slice(), json.as_bytes()] {
            let _ = decode(&String::from_utf8_lossy(body));
            let _ = tollgate_wire::codec::decode_reply(super::CHAT, body);
            let _ = super::events(body, 7);
        }
    }
}
