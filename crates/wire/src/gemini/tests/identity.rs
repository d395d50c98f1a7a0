//! decode∘encode is the identity on what the dialect can say.

use proptest::prelude::*;

use super::*;

fn words() -> impl Strategy<Value = String> {
    "[a-zA-Z0-9 äß日🎉\"\\\\{}\n]{1,12}"
}

fn user_block() -> impl Strategy<Value = Block> {
    prop_oneof![
        words().prop_map(Block::text),
        (
            prop_oneof![Just("image/png"), Just("application/pdf"), Just("audio/wav"), Just("video/mp4")],
            "[A-Za-z0-9+/]{4}"
        )
            .prop_map(|(mime, data)| Block::new(Content::Media(Media {
                kind: MediaKind::of_mime(mime),
                mime: Some(mime.into()),
                source: MediaSource::Base64(data),
                name: None,
                detail: None,
            }))),
        "[a-z]{1,8}".prop_map(|name| Block::new(Content::Media(Media {
            kind: MediaKind::Image,
            mime: Some("image/jpeg".into()),
            source: MediaSource::Url(format!("https://a.example/{name}.jpg")),
            name: None,
            detail: None,
        }))),
    ]
}

fn seal() -> impl Strategy<Value = Option<Seal>> {
    proptest::option::of("[A-Za-z0-9+/]{4,20}".prop_map(|data| Seal { issuer: Issuer::Gemini, data }))
}

/// A question, a step of calls with their results in order, and an answer.
fn exchange() -> impl Strategy<Value = Vec<Turn>> {
    let calls = proptest::collection::vec(("[a-z_]{1,8}", words(), words(), seal(), any::<bool>()), 0..4);
    (proptest::collection::vec(user_block(), 1..4), calls, words(), seal()).prop_map(
        |(question, calls, answer, end)| {
            let mut turns = vec![turn(Role::User, question)];
            let (mut step, mut answers) = (Vec::new(), Vec::new());
            for (i, (name, argument, said, seal, error)) in calls.into_iter().enumerate() {
                let mut arguments = Vec::new();
                crate::json::object(&mut arguments, |o| o.text("a", &argument));
                let id = format!("id_{i}");
                let call = Call {
                    id: id.clone(),
                    name: name.clone(),
                    arguments: String::from_utf8(arguments).unwrap(),
                    kind: CallKind::Function,
                };
                let mut block = Block::new(Content::Call(call));
                block.seal = seal;
                step.push(block);
                let mut response = Vec::new();
                crate::json::object(&mut response, |o| o.text(if error { "error" } else { "result" }, &said));
                answers.push(Block::new(Content::Result(ToolResult {
                    call: id,
                    name: Some(name),
                    content: vec![Block::text(said)],
                    json: Some(tollgate_ir::Json::parse(String::from_utf8(response).unwrap()).unwrap()),
                    error,
                    kind: CallKind::Function,
                })));
            }
            if !step.is_empty() {
                turns.push(turn(Role::Assistant, step));
                turns.push(turn(Role::User, answers));
            }
            let mut block = Block::text(answer);
            block.seal = end;
            turns.push(turn(Role::Assistant, vec![block]));
            turns
        },
    )
}

fn request() -> impl Strategy<Value = Request> {
    let numbers = (
        proptest::option::of(1u64..100_000),
        // In thousandths: serde_json reads longer fractions with an error in the last binary digit.
        proptest::option::of((0u32..2000).prop_map(|n| f64::from(n) / 1000.0)),
        proptest::option::of((0u32..1000).prop_map(|n| f64::from(n) / 1000.0)),
        proptest::option::of(1u64..100),
        proptest::option::of(any::<i32>()),
        proptest::option::of(2u64..8),
    );
    let thinking = prop_oneof![
        Just(None),
        (1u64..24_576, any::<bool>()).prop_map(|(budget, show)| Some(Thinking {
            mode: ThinkingMode::On,
            effort: None,
            budget: Some(budget),
            show: Some(show),
            summary: None,
        })),
    ];
    let texts = (proptest::collection::vec(words(), 0..5), proptest::option::of(words()));
    (proptest::collection::vec(exchange(), 1..3), numbers, thinking, texts).prop_map(
        |(exchanges, numbers, thinking, (stop, system))| {
            let mut request = Request {
                model: "m".into(),
                turns: exchanges.into_iter().flatten().collect(),
                system: system.into_iter().map(Block::text).collect(),
                thinking,
                ..Request::default()
            };
            let params = &mut request.params;
            (params.max_tokens, params.temperature, params.top_p, params.top_k) =
                (numbers.0, numbers.1, numbers.2, numbers.3);
            (params.seed, params.n, params.stop) = (numbers.4.map(i64::from), numbers.5, stop);
            request
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
    request.turns.iter_mut().flat_map(|t| &mut t.blocks).chain(&mut request.system).for_each(clear);
    request
}

proptest! {
    #[test]
    fn requests_are_written_and_read_back(request in request()) {
        let (body, losses) = encode_for("gemini-2.5-flash", &request).unwrap();
        prop_assert!(losses.is_empty(), "{losses:?}");
        let (got, losses) = decode(&body);
        prop_assert!(losses.is_empty(), "{losses:?}");
        prop_assert_eq!(placeless(got), placeless(request));
    }

    /// What upstream said in any pieces is what the client reads, and any choice and any end is well formed.
    #[test]
    fn replies_are_written_and_read_back(turns in exchange(), output in 0u64..1000, cached in proptest::option::of(0u64..9)) {
        let blocks: Vec<Block> = turns
            .into_iter()
            .filter(|t| t.role == Role::Assistant)
            .flat_map(|t| t.blocks)
            .collect();
        let calls = blocks.iter().any(|b| matches!(b.content, Content::Call(_)));
        let finish = Some(Finish::Stop.with_calls(calls));
        let reply = Reply {
            head: tollgate_ir::ReplyHead { id: Some("r".into()), model: Some("m".into()), ..Default::default() },
            choices: vec![Choice { blocks, finish, logprobs: vec![] }],
            usage: Some(Usage { input: 4, cache_read: cached, output, ..Usage::default() }),
        };
        prop_assert_eq!(decode_reply(&encode_reply(&reply, &context())).unwrap(), reply);
    }

    #[test]
    fn any_json_is_read_without_a_panic(text in r#"(\{"candidates":\[\{"(content|finishReason|index)":[\[\]{}"a-z0-9:,]{0,30}|.{0,60})"#) {
        let _ = decode_reply(text.as_bytes());
        let _ = events(&[&text]);
    }
}
