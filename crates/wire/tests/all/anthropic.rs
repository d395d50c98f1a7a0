//! The Anthropic dialect on real traffic: every recorded request, reply and stream is read, written and read again.

use tollgate_ir::{Block, Content, Delta, Dialect, Event, Losses, Request, ToolKind};
use tollgate_wire::anthropic;
use tollgate_wire::carriage::Carriage;
use tollgate_wire::codec;
use tollgate_wire::ids::{IdRule, ToolNames};
use tollgate_wire::json::Node;
use tollgate_wire::ops::count;
use tollgate_wire::target::{ModelFacts, ReplyContext, RequestHead, Target};

use crate::recorded::{Recording, recordings};
use crate::streams;

fn messages() -> impl Iterator<Item = Recording> {
    ["anthropic-messages", "anthropic-messages-vertex"].into_iter().flat_map(recordings)
}

fn context() -> ReplyContext {
    ReplyContext { id: "0abc".into(), model: "claude".into(), created: 1, ..ReplyContext::default() }
}

/// The events of a stream, cut after every `step` bytes.
fn events(body: &[u8], step: usize) -> Vec<Event> {
    streams::events(Dialect::Anthropic, body, "text/event-stream", step)
}

/// Events with what comes in pieces joined, without pings, heads and what clients are not told; the last counts.
fn told(events: Vec<Event>) -> Vec<Event> {
    let mut out: Vec<Event> = Vec::new();
    let mut usage = None;
    for event in events {
        match (out.last_mut(), event) {
            (_, Event::Ping | Event::Start(_) | Event::Delta { delta: Delta::Carry(_), .. }) => {}
            (_, Event::Usage(mut u)) => {
                u.cache_read.get_or_insert(0);
                u.cache_write.get_or_insert(0);
                usage = Some(Event::Usage(u));
            }
            (
                Some(Event::Delta { block: a, delta: Delta::Text(x), .. }),
                Event::Delta { block: b, delta: Delta::Text(y), .. },
            ) if *a == b => x.push_str(&y),
            (
                Some(Event::Delta { block: a, delta: Delta::Arguments(x), .. }),
                Event::Delta { block: b, delta: Delta::Arguments(y), .. },
            ) if *a == b => x.push_str(&y),
            (_, event) => out.push(event),
        }
    }
    out.extend(usage);
    out
}

#[test]
fn tr37_any_cut_of_a_recorded_stream_gives_the_same_events_and_blocks_nest() {
    for recording in messages() {
        let Some((body, _)) = recording.stream() else { continue };
        let whole = events(&body, body.len());
        streams::check(&recording.id, &whole);
        assert!(matches!(whole.last(), Some(Event::End)), "{}: {:?}", recording.id, whole.last());
        for step in [1, 7, 333] {
            assert_eq!(events(&body, step), whole, "{} cut by {step}", recording.id);
        }
    }
}

#[test]
fn a_recorded_stream_written_for_a_client_reads_the_same() {
    for recording in messages() {
        let Some((body, _)) = recording.stream() else { continue };
        let read = events(&body, body.len());
        let written = streams::bytes(Dialect::Anthropic, &read, context());
        let again = events(&written, written.len());
        streams::check(&recording.id, &again);
        assert_eq!(told(again), told(read), "{}", recording.id);
    }
}

#[test]
fn every_recorded_reply_reads_and_written_for_a_client_reads_the_same() {
    for recording in messages() {
        if let Some(body) = recording.refusal() {
            assert_refusal(&recording.id, recording.status(), &body);
        }
        let Some(body) = recording.reply() else { continue };
        let mut read =
            codec::decode_reply(Dialect::Anthropic, body).unwrap_or_else(|fault| panic!("{}: {fault}", recording.id));
        let written = codec::encode_reply(Dialect::Anthropic, &read, &context());
        let mut again = codec::decode_reply(Dialect::Anthropic, &written).expect("our own reply reads");
        for reply in [&mut again, &mut read] {
            reply.head.id = None;
            if let Some(usage) = &mut reply.usage {
                usage.cache_read.get_or_insert(0);
                usage.cache_write.get_or_insert(0);
            }
            reply.choices[0].blocks.retain(|b| b.as_text() != Some(""));
        }
        assert_eq!(again, read, "{}", recording.id);
    }
}

/// A recorded error keeps its status, words and type on the way to a client of this face.
fn assert_refusal(name: &str, status: u16, body: &[u8]) {
    let fault = codec::decode_fault(Dialect::Anthropic, status, &[], body);
    let body = Node::read(body).unwrap();
    assert_eq!(fault.status, status, "{name}");
    assert_eq!(Some(fault.public.as_str()), body.at(&["error", "message"]).and_then(Node::as_str), "{name}");
    let written = codec::encode_fault(Dialect::Anthropic, &fault, "req_1");
    let back = Node::read(&written).expect("JSON");
    assert_eq!(back.at(&["error", "type"]), body.at(&["error", "type"]), "{name}");
}

fn decode(name: &str, body: &[u8]) -> (Request, Losses) {
    let mut losses = Losses::new(anthropic::path_of);
    let head = RequestHead { model: Some("m"), stream: None, is_scanned: false };
    let request = codec::decode_request(Dialect::Anthropic, body, &head, &mut losses)
        .unwrap_or_else(|fault| panic!("{name}: {fault}"));
    (request, losses)
}

#[test]
fn every_recorded_request_reads_and_encoded_reads_the_same() {
    for recording in messages().chain(recordings("anthropic-count-tokens")) {
        // What Anthropic could not read itself need not be read here.
        let Some(body) = recording.request().filter(|_| recording.status() != 400) else { continue };
        let (request, _) = decode(&recording.id, body.as_bytes());
        let names = ToolNames::new(&request, IdRule::WIDE);
        // Vertex has the model in the path.
        let body = Node::read(body.as_bytes()).unwrap();
        let model = body.text("model").unwrap_or("claude-sonnet-4-5");
        let target = Target { model, names: &names, facts: &ModelFacts::default() };
        let mut losses = Losses::new(anthropic::path_of);
        let encoded = codec::encode_request(Dialect::Anthropic, &request, &target, &mut losses)
            .unwrap_or_else(|fault| panic!("{}: {fault}", recording.id));
        let (mut again, more) = decode(&recording.id, &encoded.body);
        assert!(more.all().is_empty(), "{}: we write what we do not read: {:?}", recording.id, more.all());
        // A form of the answer that the model does not know is asked for by a forced tool.
        if let Some(tool) = &encoded.output_tool {
            again.tools.retain(|t| t.name() != Some(tool));
            again.output.clone_from(&request.output);
            again.tool_choice.clone_from(&request.tool_choice);
        }
        assert_similar(&recording.id, again, request, &losses);
    }
}

/// Equal up to where blocks stand, how turns are cut, and what was reported as fitted to the model.
fn assert_similar(name: &str, mut a: Request, mut b: Request, losses: &Losses) {
    let reported = |path: &str| losses.all().iter().any(|l| l.path == path);
    for request in [&mut a, &mut b] {
        if reported("max_tokens") {
            request.params.max_tokens = None;
        }
        if reported("thinking") {
            request.thinking = None;
        }
        if reported("output_config.format") {
            request.output = None;
        }
        // Not said is the default.
        request.parallel_tools = request.parallel_tools.filter(|parallel| !parallel);
        for tool in &mut request.tools {
            if let ToolKind::Function { strict, .. } = &mut tool.kind {
                *strict = strict.filter(|strict| *strict);
            }
        }
    }
    let blocks = |r: &Request| {
        let all = r.system.iter().chain(r.turns.iter().flat_map(|t| &t.blocks));
        let kept = all.filter(|b| !reported(&b.at)).cloned().map(strip);
        kept.filter(|b| b.as_text() != Some("")).collect::<Vec<_>>()
    };
    assert_eq!(blocks(&a), blocks(&b), "{name}");
    let tools = |r: &Request| r.tools.iter().map(|t| (t.kind.clone(), t.cache)).collect::<Vec<_>>();
    assert_eq!(tools(&a), tools(&b), "{name}");
    let rest = |r: Request| (r.thinking, r.output, r.params, r.stream, r.tool_choice, r.parallel_tools);
    assert_eq!(rest(a), rest(b), "{name}");
}

/// A block without its place and its trailing white space.
fn strip(mut block: Block) -> Block {
    block.at.clear();
    match &mut block.content {
        Content::Text { text, .. } => *text = text.trim_end().to_owned(),
        Content::Result(result) => {
            let inner = std::mem::take(&mut result.content);
            result.content = inner.into_iter().map(strip).filter(|b| b.as_text() != Some("")).collect();
        }
        _ => {}
    }
    block
}

/// Every recorded count request reads as a chat request, wraps again as it was but for what is not counted, and its
/// answer reads as the number it holds and is written back.
#[test]
fn tr27_recorded_counts_are_read_and_written() {
    let folders = [
        (Dialect::Anthropic, "anthropic-count-tokens"),
        (Dialect::Gemini, "gemini-count-tokens"),
        (Dialect::Bedrock, "bedrock-count-tokens"),
        (Dialect::OpenAiResponses, "openai-responses-input-tokens"),
    ];
    for (dialect, folder) in folders {
        for recording in recordings(folder) {
            let body = recording.request().unwrap();
            let head = RequestHead { model: Some("m"), stream: Some(false), is_scanned: false };
            let mut losses = Losses::new(codec::path_of(dialect));
            let request = count::decode_request(dialect, body.as_bytes(), &head, &mut losses)
                .unwrap_or_else(|fault| panic!("{}: {fault}", recording.id));
            assert!(!request.turns.is_empty(), "{}", recording.id);
            let Some(answer) = recording.reply() else { continue };
            let counter = count::Counter::of(dialect, &Carriage::Own, "").expect("a counter");
            let number = counter.read(answer).expect("a number");
            let written = count::encode_reply(dialect, number);
            assert_eq!(counter.read(&written).expect("a number"), number, "{}", recording.id);
        }
    }
}
