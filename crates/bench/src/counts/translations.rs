//! Translations: every dialect as face, every dialect as upstream. The bodies are made by our own encoders from one
//! conversation, so that all pairs carry the same meaning.

use bytes::Bytes;
use tollgate_bench::payload::{self, Face, Payload};
use tollgate_ir::{BlockStart, Delta, Dialect, Event, Finish, Losses, Reply, ReplyHead, Request, Usage};
use tollgate_wire::codec::{self, StreamEncoder};
use tollgate_wire::frame::{Deframer, Frame};
use tollgate_wire::ids::{IdRule, ToolNames};
use tollgate_wire::target::{ModelFacts, ReplyContext, RequestHead, Target};
use tollgate_wire::translate::Translation;

use crate::Counter;

/// The dialects of the grid.
pub const DIALECTS: [Dialect; 6] = [
    Dialect::OpenAiChat,
    Dialect::OpenAiResponses,
    Dialect::Anthropic,
    Dialect::Gemini,
    Dialect::Bedrock,
    Dialect::Cohere,
];

const MODEL: &str = "some-model";

/// A reply of the kind that most are: one text.
const REPLY: &str = r#"{"id":"chatcmpl-bench","object":"chat.completion","created":1764000000,"model":"some-model","choices":[{"index":0,"message":{"role":"assistant","content":"The sky is clear tonight, and the wind comes from the west.\nTomorrow it will rain."},"finish_reason":"stop"}],"usage":{"prompt_tokens":60,"completion_tokens":40,"total_tokens":100}}"#;

/// All cases: for each pair a request with 20 tools, a whole reply, and 50 chunks of a stream.
pub fn count(counter: &Counter) {
    let Some(asked) = request() else { return };
    let Ok(reply) = codec::decode_reply(Dialect::OpenAiChat, REPLY.as_bytes()) else { return };
    for face in DIALECTS {
        for upstream in DIALECTS.into_iter().filter(|upstream| *upstream != face) {
            pair(counter, face, upstream, &asked, &reply);
        }
    }
}

fn pair(counter: &Counter, face: Dialect, upstream: Dialect, asked: &Request, reply: &Reply) {
    let Some(body) = encode(face, asked) else { return };
    counter.case(&format!("request, {face} to {upstream}"), || (), |()| translated(face, upstream, &body).is_some());
    let answer = codec::encode_reply(upstream, reply, &context());
    let Some(way) = translated(face, upstream, &body) else { return };
    counter.case(
        &format!("reply, {upstream} to {face}"),
        || (),
        |()| way.reply(&answer).map(|reply| codec::encode_reply(face, &reply, &context())).is_ok(),
    );
    let frames = frames(upstream, &stream(upstream, 50));
    counter.case(
        &format!("50 chunks, {upstream} to {face}"),
        || way.clone().stream(context()),
        |mut translator| {
            let mut out = Vec::new();
            for frame in &frames {
                translator.frame(frame, &mut out);
            }
            out.len()
        },
    );
}

fn translated(face: Dialect, upstream: Dialect, body: &[u8]) -> Option<Translation> {
    let mut losses = Losses::new(codec::path_of(face));
    let head = RequestHead { model: Some(MODEL), stream: Some(false), is_scanned: true };
    let request = codec::decode_request(face, body, &head, &mut losses).ok()?;
    let facts = ModelFacts::default();
    Translation::request(face, upstream, &request, MODEL, &facts, &mut losses).ok().map(|(_, way)| way)
}

fn request() -> Option<Request> {
    let body = payload::body(Face::Chat, Payload::Tools, MODEL, false);
    let mut losses = Losses::new(codec::path_of(Dialect::OpenAiChat));
    codec::decode_request(Dialect::OpenAiChat, body.as_bytes(), &RequestHead::default(), &mut losses).ok()
}

fn encode(dialect: Dialect, request: &Request) -> Option<Vec<u8>> {
    let names = ToolNames::new(request, IdRule::WIDE);
    let facts = ModelFacts::default();
    let mut losses = Losses::new(codec::path_of(dialect));
    let target = Target { model: MODEL, names: &names, facts: &facts };
    codec::encode_request(dialect, request, &target, &mut losses).ok().map(|encoded| encoded.body)
}

fn context() -> ReplyContext {
    ReplyContext { id: "bench".to_owned(), model: MODEL.to_owned(), include_usage: true, ..ReplyContext::default() }
}

/// A stream of so many words in a dialect, as the network brings it: what each event became, by itself.
pub fn stream(dialect: Dialect, words: usize) -> Vec<Bytes> {
    let at = |delta| Event::Delta { choice: 0, block: 0, delta };
    let head = ReplyHead { model: Some(MODEL.to_owned()), id: Some("bench".to_owned()), ..ReplyHead::default() };
    let mut events = vec![Event::Start(head), Event::Open { choice: 0, block: 0, start: BlockStart::Text }];
    events.extend((0..words).map(|i| at(Delta::Text(format!("word {i:03} ")))));
    events.push(Event::Close { choice: 0, block: 0 });
    events.push(Event::Finish { choice: 0, finish: Finish::Stop });
    events.push(Event::Usage(Usage { input: 60, output: 50, ..Usage::default() }));
    events.push(Event::End);
    let mut encoder = StreamEncoder::new(dialect, context());
    events
        .iter()
        .map(|event| {
            let mut out = Vec::new();
            encoder.event(event, &mut out);
            Bytes::from(out)
        })
        .filter(|bytes| !bytes.is_empty())
        .collect()
}

fn frames(dialect: Dialect, pieces: &[Bytes]) -> Vec<Frame> {
    let mut deframer = Deframer::for_content_type(codec::stream_content_type(dialect));
    let mut frames = Vec::new();
    for piece in pieces {
        deframer.push(piece.clone());
        while let Ok(Some(frame)) = deframer.next_frame() {
            frames.push(frame);
        }
    }
    frames
}
