//! Properties: nothing panics, what is said comes back, any order of events gives a stream as the contract wants it.

use proptest::prelude::*;
use tollgate_ir::{
    Block, BlockStart, Call, CallKind, Content, Delta, Dialect, Effort, Event, Finish, Issuer, Json, Media, MediaKind,
    MediaSource, OutputFormat, Params, Reasoning, Reply, Request, Role, Seal, Thinking, ThinkingMode, Tool, ToolChoice,
    ToolKind, ToolResult, Turn,
};

use super::{context, contract, decode, encode, read, write};
use crate::openai_responses::{decode_reply, encode_reply};

fn words() -> impl Strategy<Value = String> {
    "[a-zé🎉\"\\\\\n ]{0,6}[a-z]"
}

fn media() -> impl Strategy<Value = Block> {
    let source = prop_oneof![
        Just((Some("image/png".to_owned()), MediaSource::Base64("QUJD".into()))),
        Just((None, MediaSource::Url("https://x/y".into()))),
        Just((None, MediaSource::FileId { id: "file-1".into(), dialect: Dialect::OpenAiResponses })),
    ];
    let detail = prop_oneof![Just(None), Just(Some("low".to_owned()))];
    (source, detail).prop_map(|((mime, source), detail)| {
        Block::new(Content::Media(Media { kind: MediaKind::Image, mime, source, name: None, detail }))
    })
}

fn user() -> impl Strategy<Value = Turn> {
    proptest::collection::vec(prop_oneof![words().prop_map(Block::text), media()], 1..4)
        .prop_map(|blocks| Turn { role: Role::User, blocks })
}

/// A step: what the model thought, said and called, and the results.
fn step() -> impl Strategy<Value = Vec<Turn>> {
    let thought = (proptest::option::of(words()), any::<bool>());
    let calls = proptest::collection::vec((words(), any::<bool>(), proptest::collection::vec(words(), 0..3)), 1..4);
    (thought, proptest::option::of(words()), calls).prop_map(|((thought, sealed), said, calls)| {
        let (mut assistant, mut results) = (Vec::new(), Vec::new());
        if let Some(text) = thought.filter(|_| sealed) {
            let mut block = Block::new(Content::Reasoning(Reasoning {
                text,
                summary: true,
                redacted: false,
                id: Some("rs_1".into()),
            }));
            block.seal = Some(Seal { issuer: Issuer::OpenAi, data: "E".into() });
            assistant.push(block);
        }
        assistant.extend(said.map(Block::text));
        for (i, (arguments, custom, content)) in calls.into_iter().enumerate() {
            let kind = if custom { CallKind::Custom } else { CallKind::Function };
            let (id, name) = (format!("c{i}"), "f".to_owned());
            assistant.push(Block::new(Content::Call(Call { id: id.clone(), name, arguments, kind })));
            let content = content.into_iter().map(Block::text).collect();
            let result = ToolResult { call: id, name: None, content, json: None, error: false, kind };
            results.push(Block::new(Content::Result(result)));
        }
        vec![Turn { role: Role::Assistant, blocks: assistant }, Turn { role: Role::User, blocks: results }]
    })
}

fn tools() -> impl Strategy<Value = Vec<Tool>> {
    let schema = || Json::parse(r#"{"type":"object","properties":{"b":{},"a":{}}}"#).unwrap();
    let kind = prop_oneof![
        (words(), any::<bool>()).prop_map(move |(d, strict)| ToolKind::Function {
            name: "f".into(),
            description: Some(d),
            parameters: Some(schema()),
            strict: Some(strict),
        }),
        Just(ToolKind::Custom {
            name: "g".into(),
            description: None,
            format: Some(Json::parse(r#"{"type":"text"}"#).unwrap())
        }),
    ];
    proptest::collection::vec(kind.prop_map(|kind| Tool { kind, cache: None, carry: None, at: String::new() }), 1..3)
}

fn params() -> impl Strategy<Value = Params> {
    let float = || proptest::option::of((0u8..20).prop_map(|n| f64::from(n) / 10.0));
    let text = || proptest::option::of(words());
    (proptest::option::of(16u64..9999), float(), float(), text(), text(), any::<bool>()).prop_map(
        |(max_tokens, temperature, top_p, user, prompt_cache_key, store)| Params {
            max_tokens,
            temperature,
            top_p,
            user,
            prompt_cache_key,
            store: Some(store),
            metadata: Some(Json::parse(r#"{"k":"v"}"#).unwrap()),
            ..Params::default()
        },
    )
}

fn request() -> impl Strategy<Value = Request> {
    let choice = prop_oneof![
        Just(None),
        Just(Some(ToolChoice::Required)),
        Just(Some(ToolChoice::Named("f".into()))),
        Just(Some(ToolChoice::Allowed { names: vec!["f".into()], required: false })),
    ];
    let output = prop_oneof![
        Just(None),
        Just(Some(OutputFormat::Json)),
        Just(Some(OutputFormat::Schema {
            name: Some("n".into()),
            description: None,
            schema: Json::empty_object(),
            strict: Some(true)
        })),
    ];
    let thinking = prop_oneof![
        Just(None),
        Just(Some(Thinking {
            mode: ThinkingMode::On,
            effort: Some(Effort::High),
            budget: None,
            show: None,
            summary: None
        })),
        Just(Some(Thinking { mode: ThinkingMode::Off, effort: None, budget: None, show: None, summary: None })),
    ];
    let system = proptest::collection::vec(words().prop_map(Block::text), 0..3);
    let turns = proptest::collection::vec(prop_oneof![user().prop_map(|t| vec![t]), step()], 1..4);
    (system, turns, tools(), params(), (choice, output, thinking, any::<bool>())).prop_map(
        |(system, turns, tools, params, (tool_choice, output, thinking, stream))| Request {
            model: "grok-9".into(),
            stream,
            system,
            turns: turns.into_iter().flatten().collect(),
            tools,
            tool_choice,
            parallel_tools: Some(stream),
            params,
            output,
            thinking,
            previous_response: None,
        },
    )
}

fn placeless(mut request: Request) -> Request {
    request.system.iter_mut().for_each(|b| b.at.clear());
    for block in request.turns.iter_mut().flat_map(|t| &mut t.blocks) {
        block.at.clear();
        if let Content::Result(result) = &mut block.content {
            result.content.iter_mut().for_each(|b| b.at.clear());
        }
    }
    request.tools.iter_mut().for_each(|t| t.at.clear());
    request
}

/// Events of four blocks in any order that keeps each block's own.
fn stream() -> impl Strategy<Value = Vec<Event>> {
    let start = prop_oneof![
        Just(BlockStart::Text),
        Just(BlockStart::Refusal),
        Just(BlockStart::Reasoning { summary: false, redacted: false, id: None }),
        Just(BlockStart::Reasoning { summary: true, redacted: false, id: Some("rs_1".into()) }),
        Just(BlockStart::Call { id: "c".into(), name: "f".into(), kind: CallKind::Function }),
        Just(BlockStart::Call { id: "c".into(), name: "f".into(), kind: CallKind::Custom }),
    ];
    let order = proptest::collection::vec((0usize..4, words()), 0..24);
    (proptest::collection::vec(start, 4), order, any::<bool>()).prop_map(|(starts, order, finished)| {
        let (mut events, mut next) = (Vec::new(), 0u32);
        let mut open: [Option<u32>; 4] = [None; 4];
        for (i, text) in order {
            match open[i] {
                None => {
                    let mut start = starts[i].clone();
                    if let BlockStart::Reasoning { id: Some(id), .. } = &mut start {
                        *id = format!("rs_{i}"); // Parts of one item do not interleave.
                    }
                    events.push(Event::Open { choice: 0, block: next, start });
                    open[i] = Some(next);
                    next += 1;
                }
                Some(block) if text.len() < 2 => {
                    events.push(Event::Close { choice: 0, block });
                    open[i] = None;
                }
                Some(block) => {
                    let delta = match starts[i] {
                        BlockStart::Call { .. } => Delta::Arguments(text),
                        _ => Delta::Text(text),
                    };
                    events.push(Event::Delta { choice: 0, block, delta });
                }
            }
        }
        if finished {
            events.push(Event::Finish { choice: 0, finish: Finish::Length });
        }
        events.push(Event::End);
        events
    })
}

proptest! {
    /// What the dialect can say comes back as it was.
    #[test]
    fn encode_then_decode_is_the_identity(request in request()) {
        let (body, losses) = encode(&request, "grok-9").unwrap();
        prop_assert_eq!(losses, Vec::<String>::new());
        let (again, losses) = decode(&body).unwrap();
        prop_assert_eq!(losses, Vec::<String>::new());
        prop_assert_eq!(placeless(again), request, "{}", body);
    }

    #[test]
    fn tr34_any_order_of_events_is_a_stream_as_the_contract_wants_it(events in stream()) {
        contract::check(&write(&events));
    }

    /// A stream that we wrote says the same when it is read and written again.
    #[test]
    fn what_is_written_is_read(events in stream()) {
        let once = write(&events);
        let again = write(&read(&once.iter().map(String::as_str).collect::<Vec<_>>()));
        prop_assert_eq!(last(&once), last(&again));
    }

    #[test]
    fn any_bytes_are_refused_or_read(body in "[\\[\\]{}:,\"a-z0-9 ]{0,80}") {
        let _ = decode(&body);
        let _ = decode_reply(body.as_bytes());
        let _ = read(&[&body]);
    }

    /// JSON of the right words in the wrong places.
    #[test]
    fn any_json_is_refused_or_read(body in json()) {
        let _ = decode(&format!(r#"{{"model":"m","input":[{body}],"tools":[{body}],"text":{body}}}"#));
        let _ = decode_reply(format!(r#"{{"status":"completed","output":[{body}]}}"#).as_bytes())
            .map(|reply| encode_reply(&reply, &context()));
        let step = format!(r#"{{"type":"response.output_item.done","item":{body},"response":{body},"part":{body}}}"#);
        let _ = write(&read(&[&step, &body]));
    }
}

fn last(stream: &[String]) -> Reply {
    let node = crate::json::Node::read(stream.last().unwrap().as_bytes()).unwrap();
    let mut reply = decode_reply(node.get("response").unwrap().to_text().as_bytes()).unwrap();
    for choice in &mut reply.choices {
        // Reasoning takes its place with its first words, or when it is done.
        choice.blocks.retain(|b| !matches!(b.content, Content::Opaque { .. }));
        for block in &mut choice.blocks {
            block.carry = None;
            if let Content::Reasoning(reasoning) = &mut block.content {
                reasoning.id = None; // Two items of one name cannot be.
            }
        }
        choice.blocks.sort_by_key(|b| format!("{b:?}"));
    }
    reply
}

fn json() -> impl Strategy<Value = String> {
    const KEYS: [&str; 16] = [
        "type",
        "role",
        "content",
        "id",
        "call_id",
        "name",
        "arguments",
        "output",
        "summary",
        "text",
        "image_url",
        "encrypted_content",
        "annotations",
        "logprobs",
        "tools",
        "namespace",
    ];
    const WORDS: [&str; 14] = [
        "message",
        "user",
        "assistant",
        "reasoning",
        "function_call",
        "function_call_output",
        "custom_tool_call",
        "output_text",
        "input_image",
        "refusal",
        "summary_text",
        "namespace",
        "data:a;base64,b",
        "image_generation_call",
    ];
    let leaf = prop_oneof![
        (0..WORDS.len()).prop_map(|i| format!("\"{}\"", WORDS[i])),
        Just("null".to_owned()),
        Just("1".to_owned()),
        Just("true".to_owned()),
    ];
    leaf.prop_recursive(4, 24, 6, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(|items| format!("[{}]", items.join(","))),
            proptest::collection::vec((0..KEYS.len(), inner), 0..6).prop_map(|fields| {
                let fields: Vec<_> = fields.iter().map(|(k, v)| format!("\"{}\":{v}", KEYS[*k])).collect();
                format!("{{{}}}", fields.join(","))
            }),
        ]
    })
}
