//! FR01: the full matrix. A golden set of conversations and answers goes through every pair of dialects, whole and
//! streamed, on bytes of our own making: what one side says, the other hears.

use tollgate_ir::{
    Block, BlockStart, Call, CallKind, Choice, Content, Delta, Dialect, Event, Finish, Json, Losses, Media, MediaKind,
    MediaSource, Reasoning, Reply, ReplyHead, Request, Role, Tool, ToolKind, ToolResult, Turn, Usage,
};
use tollgate_wire::codec;
use tollgate_wire::target::{ModelFacts, ReplyContext, RequestHead};
use tollgate_wire::translate::Translation;

use crate::streams;

fn pairs() -> impl Iterator<Item = (Dialect, Dialect)> {
    Dialect::ALL.into_iter().flat_map(|face| Dialect::ALL.into_iter().map(move |upstream| (face, upstream)))
}

const fn model(upstream: Dialect) -> &'static str {
    match upstream {
        Dialect::OpenAiChat | Dialect::OpenAiResponses => "gpt-4.1",
        Dialect::Anthropic => "claude-sonnet-4-5",
        Dialect::Gemini => "gemini-2.5-flash",
        Dialect::Bedrock => "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
        Dialect::Cohere => "command-a-03-2025",
        Dialect::Ollama => "qwen3:8b",
    }
}

pub fn context() -> ReplyContext {
    ReplyContext {
        id: "abc123".into(),
        model: "m".into(),
        created: 1_700_000_000,
        include_usage: true,
        ..ReplyContext::default()
    }
}

fn weather() -> Tool {
    let schema =
        r#"{"type":"object","properties":{"city":{"type":"string","description":"Which"}},"required":["city"]}"#;
    let kind = ToolKind::Function {
        name: "get_weather".into(),
        description: Some("The weather of a city".into()),
        parameters: Json::parse(schema).ok(),
        strict: None,
    };
    Tool { kind, cache: None, carry: None, at: "tools[0]".into() }
}

fn call(id: &str, city: &str) -> Block {
    let arguments = format!(r#"{{"city":"{city}"}}"#);
    Block::new(Content::Call(Call { id: id.into(), name: "get_weather".into(), arguments, kind: CallKind::Function }))
}

fn result(id: &str, words: &str) -> Block {
    let content = vec![Block::text(words)];
    Block::new(Content::Result(ToolResult {
        call: id.into(),
        name: Some("get_weather".into()),
        content,
        json: None,
        error: false,
        kind: CallKind::Function,
    }))
}

fn turn(role: Role, blocks: Vec<Block>) -> Turn {
    Turn { role, blocks }
}

/// Text over many turns with a system prompt; two calls at once with their results; an image.
fn conversations() -> Vec<(&'static str, Request)> {
    let image = Media {
        kind: MediaKind::Image,
        mime: Some("image/png".into()),
        source: MediaSource::Base64("iVBORw0KGgo=".into()),
        name: None,
        detail: None,
    };
    let base = |turns| Request {
        model: "m".into(),
        system: vec![Block::text("Answer in verse 🎵")],
        turns,
        ..Request::default()
    };
    vec![
        (
            "text",
            base(vec![
                turn(Role::User, vec![Block::text("Grüße aus 東京")]),
                turn(Role::Assistant, vec![Block::text("Welcome")]),
                turn(Role::User, vec![Block::text("Go on")]),
            ]),
        ),
        (
            "parallel tools",
            Request {
                tools: vec![weather()],
                ..base(vec![
                    turn(Role::User, vec![Block::text("Weather in Oslo and Rome?")]),
                    turn(Role::Assistant, vec![Block::text("Looking"), call("call_1", "Oslo"), call("call_2", "Rome")]),
                    turn(Role::User, vec![result("call_1", "snow"), result("call_2", "sun")]),
                ])
            },
        ),
        ("image", base(vec![turn(Role::User, vec![Block::text("What is it?"), Block::new(Content::Media(image))])])),
    ]
}

/// What a request says, in words that every dialect has.
fn gist(request: &Request) -> Vec<String> {
    let mut said: Vec<String> =
        vec![format!("system {}", request.system.iter().filter_map(Block::as_text).collect::<String>())];
    for turn in &request.turns {
        for block in &turn.blocks {
            said.push(match &block.content {
                Content::Text { text, .. } => format!("{:?} {text}", turn.role),
                Content::Call(call) => format!("call {} {}", call.name, call.arguments.replace(' ', "")),
                Content::Result(result) => format!("result {}", words(result)),
                Content::Media(media) => format!("{} {:?}", media.kind.as_str(), media.source),
                other => panic!("{other:?}"),
            });
        }
    }
    said.extend(request.tools.iter().filter_map(|t| t.name().map(|n| format!("tool {n}"))));
    said
}

/// A result's words; dialects whose results are objects wrap a text as `{"result": …}`.
fn words(result: &ToolResult) -> String {
    let text: String = result.content.iter().filter_map(Block::as_text).collect();
    let inner = text.strip_prefix(r#"{"result":""#).and_then(|t| t.strip_suffix(r#""}"#));
    inner.map_or(text.clone(), str::to_owned)
}

#[test]
fn fr01_every_pair_hears_what_is_asked() {
    for (face, upstream) in pairs() {
        for (name, request) in conversations() {
            // The client's bytes, written by the face's own upstream encoder.
            let facts = ModelFacts::default();
            let mut losses = Losses::new(codec::path_of(face));
            let (sent, _) = Translation::request(face, face, &request, model(face), &facts, &mut losses).unwrap();
            let head = RequestHead { model: Some("m"), stream: Some(false), is_scanned: false };
            let heard = codec::decode_request(face, &sent.body, &head, &mut losses).unwrap();
            let (there, _) =
                Translation::request(face, upstream, &heard, model(upstream), &facts, &mut losses).unwrap();
            let read = codec::decode_request(upstream, &there.body, &head, &mut losses).unwrap();
            assert_eq!(
                gist(&read),
                gist(&request),
                "{name}: {face} to {upstream}: {}",
                String::from_utf8_lossy(&there.body)
            );
        }
    }
}

fn answers() -> Vec<(&'static str, Reply)> {
    let usage = Usage { input: 20, cache_read: Some(100), output: 7, ..Usage::default() };
    let head = ReplyHead { id: Some("resp_1".into()), model: Some("m".into()), ..ReplyHead::default() };
    let reply = |blocks, finish| Reply {
        head: head.clone(),
        choices: vec![Choice { blocks, finish: Some(finish), logprobs: Vec::new() }],
        usage: Some(usage),
    };
    let thought = Content::Reasoning(Reasoning { text: "Let me see".into(), ..Reasoning::default() });
    vec![
        ("text", reply(vec![Block::text("Grüße 🎉")], Finish::Stop)),
        ("reasoning", reply(vec![Block::new(thought), Block::text("Yes")], Finish::Stop)),
        (
            "parallel calls",
            reply(vec![Block::text("Looking"), call("call_1", "Oslo"), call("call_2", "Rome")], Finish::ToolCalls),
        ),
        ("cut short", reply(vec![Block::text("It was a")], Finish::Length)),
    ]
}

/// What an answer says: text, reasoning and calls apart, since dialects differ in where they stand; finish; usage.
#[derive(Debug, Default, PartialEq)]
struct Told {
    text: String,
    thoughts: String,
    calls: Vec<String>,
    finish: Option<Finish>,
    usage: Option<(u64, u64)>,
}

fn told(reply: &Reply) -> Told {
    let choice = &reply.choices[0];
    let mut told = Told::default();
    for block in &choice.blocks {
        match &block.content {
            Content::Text { text, .. } => told.text.push_str(text),
            Content::Reasoning(r) => told.thoughts.push_str(&r.text),
            Content::Call(c) => told.calls.push(format!("{} {}", c.name, c.arguments.replace(' ', ""))),
            other => panic!("{other:?}"),
        }
    }
    told.usage = reply.usage.map(|u| (u.input_total(), u.output_total()));
    // Responses says `completed` and lets the items tell; translations read it so.
    told.finish = choice.finish.clone().map(|f| f.with_calls(!told.calls.is_empty()));
    told
}

pub fn translation(face: Dialect, upstream: Dialect) -> Translation {
    let request = Request { tools: vec![weather()], ..conversations().remove(0).1 };
    let mut losses = Losses::new(codec::path_of(face));
    Translation::request(face, upstream, &request, model(upstream), &ModelFacts::default(), &mut losses).unwrap().1
}

#[test]
fn fr01_every_pair_hears_what_is_answered() {
    for (face, upstream) in pairs() {
        for (name, reply) in answers() {
            let sent = codec::encode_reply(upstream, &reply, &context());
            let heard = translation(face, upstream).reply(&sent).unwrap();
            let there = codec::encode_reply(face, &heard, &context());
            let read = codec::decode_reply(face, &there).unwrap();
            assert_eq!(told(&read), told(&reply), "{name}: {upstream} to {face}: {}", String::from_utf8_lossy(&there));
        }
    }
}

/// The answer as events, its text in pieces.
fn events(reply: &Reply) -> Vec<Event> {
    let mut events = vec![Event::Start(reply.head.clone())];
    for (block, content) in (0u32..).zip(&reply.choices[0].blocks) {
        let (start, all, is_call) = match &content.content {
            Content::Call(c) => {
                (BlockStart::Call { id: c.id.clone(), name: c.name.clone(), kind: c.kind }, c.arguments.clone(), true)
            }
            Content::Reasoning(r) => {
                (BlockStart::Reasoning { summary: false, redacted: false, id: None }, r.text.clone(), false)
            }
            _ => (BlockStart::Text, content.as_text().unwrap().to_owned(), false),
        };
        events.push(Event::Open { choice: 0, block, start });
        for piece in all.chars().collect::<Vec<_>>().chunks(3) {
            let piece: String = piece.iter().collect();
            let delta = if is_call { Delta::Arguments(piece) } else { Delta::Text(piece) };
            events.push(Event::Delta { choice: 0, block, delta });
        }
        events.push(Event::Close { choice: 0, block });
    }
    events.push(Event::Finish { choice: 0, finish: reply.choices[0].finish.clone().unwrap() });
    events.extend(reply.usage.map(Event::Usage));
    events.push(Event::End);
    events
}

/// The bytes of a stream in a dialect.
fn stream(dialect: Dialect, reply: &Reply) -> Vec<u8> {
    streams::bytes(dialect, &events(reply), context())
}

/// A stream's bytes through a translation, cut every `cut` bytes.
fn through(way: Translation, upstream: Dialect, bytes: &[u8], cut: usize) -> Vec<u8> {
    let (mut translator, mut out) = (way.stream(context()), Vec::new());
    for frame in streams::frames(bytes, codec::stream_content_type(upstream), cut) {
        translator.frame(&frame, &mut out);
    }
    translator.end(&mut out);
    assert!(translator.is_over());
    out
}

/// What a stream tells, read by the dialect's own decoder.
fn heard(dialect: Dialect, bytes: &[u8]) -> Reply {
    let events = streams::events(dialect, bytes, codec::stream_content_type(dialect), bytes.len());
    assert_eq!(events.last(), Some(&Event::End), "{dialect}: {}", String::from_utf8_lossy(bytes));
    streams::reply(&events)
}

#[test]
fn fr01_every_pair_hears_what_is_streamed_at_every_cut() {
    for (face, upstream) in pairs() {
        for (name, reply) in answers() {
            let sent = stream(upstream, &reply);
            let uncut = through(translation(face, upstream), upstream, &sent, usize::MAX);
            assert_eq!(told(&heard(face, &uncut)), told(&reply), "{name}: {upstream} to {face}");
            for cut in [1, 7, 100] {
                assert_eq!(
                    through(translation(face, upstream), upstream, &sent, cut),
                    uncut,
                    "{name}: {upstream} to {face} cut every {cut}"
                );
            }
        }
    }
}
