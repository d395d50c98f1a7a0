//! A provider's stream on its way to every face: any cut gives the same events, these nest, and what the client gets are
//! whole events that its own dialect reads to the same end.

use tollgate_ir::{Dialect, Event, Fault, FaultKind, Finish};
use tollgate_wire::codec::{self, StreamDecoder};
use tollgate_wire::target::ReplyContext;
use tollgate_wire::translate::Translation;

use super::frames::{self, AWS, JSON, LINES, Read, SSE, aws_of_sse, cuts, read};
use super::{dialect, nesting, output};

/// How an upstream's stream travels, by a bit of the input.
fn carried(upstream: Dialect, choice: u8, body: &[u8]) -> (Vec<u8>, &'static str) {
    match upstream {
        Dialect::Bedrock if choice & 1 == 0 => (aws_of_sse(body), AWS),
        Dialect::Bedrock => (body.to_vec(), AWS),
        Dialect::Gemini if choice & 1 == 1 => (body.to_vec(), JSON),
        Dialect::Ollama => (body.to_vec(), LINES),
        _ => (body.to_vec(), SSE),
    }
}

/// One input: `choice` takes a framing and cuts.
pub fn check(upstream: Dialect, choice: u8, body: &[u8]) {
    let (bytes, content_type) = carried(upstream, choice, body);
    let whole = read(content_type, &bytes, std::iter::once(usize::MAX));
    assert_eq!(read(content_type, &bytes, cuts(u16::from(choice >> 1))), whole, "another cut, other frames");
    let decoded = events(upstream, &whole);
    nesting::check("decoded", &decoded, false);
    assert_eq!(events(upstream, &whole), decoded, "the same frames, other events");
    for face in Dialect::ALL {
        let way = dialect::way(face, upstream);
        let (written, sent) = translate(way.clone(), face, &whole);
        assert_eq!(translate(way, face, &whole).0, written, "{face}: the same stream, other bytes");
        nesting::check(face.as_str(), &sent, codec::one_open_block(face));
        output::events(face, face.as_str(), &written);
        output::bounded(face.as_str(), bytes.len(), written.len());
        read_again(face, &written, &sent);
    }
}

fn events(upstream: Dialect, read: &Read) -> Vec<Event> {
    let (mut decoder, mut out) = (StreamDecoder::new(upstream), Vec::new());
    read.frames.iter().for_each(|frame| decoder.frame(frame, &mut out));
    match read.fault {
        // As the pipeline does; what was open stays open.
        Some(kind) if !out.iter().any(is_end) => out.push(broken(kind)),
        _ => decoder.end(&mut out),
    }
    out
}

fn broken(kind: FaultKind) -> Event {
    Event::Fault(Box::new(Fault::new(kind, "The provider's answer cannot be read.")))
}

fn is_end(event: &Event) -> bool {
    matches!(event, Event::End | Event::Fault(_))
}

/// What the client gets, and the events that it was made of.
fn translate(way: Translation, face: Dialect, read: &Read) -> (Vec<u8>, Vec<Event>) {
    let (mut stream, mut written, mut sent) = (way.stream(context(face)), Vec::new(), Vec::new());
    for frame in &read.frames {
        let (before, over) = (written.len(), stream.is_over());
        stream.frame(frame, &mut written);
        assert!(!over || written.len() == before, "{face}: bytes after the end");
        output::events(face, face.as_str(), &written[before..]);
        sent.extend_from_slice(stream.last_events());
    }
    let before = written.len();
    let over = stream.is_over();
    match read.fault {
        Some(kind) => stream.fault(Fault::new(kind, "The provider's answer cannot be read."), &mut written),
        None => stream.end(&mut written),
    }
    assert!(!over || written.len() == before, "{face}: bytes after the end");
    sent.extend_from_slice(stream.last_events());
    assert!(stream.is_over(), "{face}: a stream without end");
    (written, sent)
}

/// What a reply is told beside the answer.
pub fn context(face: Dialect) -> ReplyContext {
    ReplyContext {
        id: "0123456789abcdef".to_owned(),
        model: "model".to_owned(),
        created: 1_700_000_000,
        include_usage: true,
        echo: codec::echo(face, dialect::asked()),
        ..ReplyContext::default()
    }
}

/// The face's own reader comes to the same end, with blocks that nest.
fn read_again(face: Dialect, written: &[u8], sent: &[Event]) {
    let read = frames::read(codec::stream_content_type(face), written, std::iter::once(usize::MAX));
    let again = events(face, &read);
    let what = format!("{face} read again from {:?}", String::from_utf8_lossy(written));
    nesting::check(&what, &again, codec::one_open_block(face));
    let ended = |events: &[Event]| matches!(events.last(), Some(Event::End));
    // Responses has no word for an answer that ended in an error but that of an error.
    let failed = sent.iter().any(|event| matches!(event, Event::Finish { finish: Finish::Error(_), .. }));
    assert!(failed || ended(&again) == ended(sent), "{what}: {:?} where {:?} was sent", again.last(), sent.last());
}
