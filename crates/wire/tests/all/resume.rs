//! Streams that break off and go on by another answer: recorded ones, broken at several places each, in every face.

use tollgate_ir::{Block, Content, Delta, Dialect, Event, Fault, FaultKind, Finish};
use tollgate_wire::codec;
use tollgate_wire::frame::Frame;
use tollgate_wire::json::Node;
use tollgate_wire::resume::{Continuation, Delivered, Kind, Relayed, Splice};
use tollgate_wire::translate::{Incoming, StreamTranslator};

use crate::matrix::{context, translation};
use crate::recorded::recordings;
use crate::streams;

const PROTOCOLS: [(&str, Dialect); 6] = [
    ("openai-chat", Dialect::OpenAiChat),
    ("openai-responses", Dialect::OpenAiResponses),
    ("anthropic-messages", Dialect::Anthropic),
    ("gemini", Dialect::Gemini),
    ("bedrock-converse-stream", Dialect::Bedrock),
    ("cohere-v2", Dialect::Cohere),
];

/// What a client understood of a stream's bytes.
#[derive(Clone, Debug, Default, PartialEq)]
struct Heard {
    text: String,
    reasoning: String,
    calls: Vec<(String, String)>,
    finish: Option<Finish>,
    fault: bool,
}

fn hear(face: Dialect, what: &str, bytes: &[u8]) -> Heard {
    let events = streams::events(face, bytes, codec::stream_content_type(face), 4096);
    // A broken stream leaves blocks open, and says so once.
    let faults = events.iter().filter(|e| matches!(e, Event::Fault(_))).count();
    if faults == 0 {
        streams::check(what, &events);
    }
    assert!(faults <= 1, "{what}");
    let mut heard = Heard { fault: faults == 1, ..Heard::default() };
    let reply = streams::reply(&events);
    let Some(choice) = reply.choices.into_iter().next() else { return heard };
    heard.finish = choice.finish.filter(|finish| !matches!(finish, Finish::Error(_)));
    for block in choice.blocks {
        match block.content {
            Content::Text { text, .. } | Content::Refusal(text) => heard.text.push_str(&text),
            Content::Reasoning(reasoning) => heard.reasoning.push_str(&reasoning.text),
            Content::Call(call) => {
                let arguments = Node::read(call.arguments.as_bytes()).map_or(call.arguments.clone(), |n| n.to_text());
                heard.calls.push((call.name, arguments));
            }
            _ => {}
        }
    }
    heard
}

/// What a client understands of a stream that nothing breaks.
fn uncut(face: Dialect, upstream: Dialect, frames: &[Frame]) -> Heard {
    let (mut stream, mut out) = (translation(face, upstream).stream(context()), Vec::new());
    frames.iter().for_each(|frame| stream.frame(frame, &mut out));
    stream.end(&mut out);
    hear(face, "uncut", &out)
}

/// How a stream breaks.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Break {
    /// The body ends.
    End,
    /// The connection breaks.
    Reset,
}

/// A stream that broke after some frames: the client's bytes so far, and the stream if it may go on.
fn broken(
    face: Dialect,
    upstream: Dialect,
    frames: &[Frame],
    how: Break,
    out: &mut Vec<u8>,
) -> (StreamTranslator, Option<Delivered>) {
    let mut stream = translation(face, upstream).resumable_stream(context());
    frames.iter().for_each(|frame| stream.frame(frame, out));
    if how == Break::End {
        stream.end(out);
    }
    let over = stream.is_over() && stream.outgoing().take_broken().is_none();
    let delivered = stream.outgoing().delivered().filter(|_| !over).cloned();
    (stream, delivered)
}

/// Goes on by another answer; says whether that could be.
fn go_on(
    stream: &mut StreamTranslator,
    face: Dialect,
    upstream: Dialect,
    splice: Splice,
    frames: &[Frame],
    out: &mut Vec<u8>,
) -> bool {
    let mut next = Continuation::new(Incoming::translated(translation(face, upstream)), splice);
    let mut frames = frames.iter();
    while !next.has_caught_up() && !next.has_diverged() {
        match frames.next() {
            Some(frame) => next.frame(frame),
            None => {
                next.end();
                break;
            }
        }
    }
    if next.has_diverged() || !next.has_caught_up() {
        return false;
    }
    stream.go_on(next, out);
    frames.for_each(|frame| stream.frame(frame, out));
    stream.end(out);
    true
}

fn tell(stream: &mut StreamTranslator, out: &mut Vec<u8>) {
    stream.fault(Fault::new(FaultKind::ProviderCut, "cut"), out);
}

/// The places where a stream of so many events is broken: at most about so many, others at each recording.
fn cuts(events: usize, shift: usize, most: usize) -> Vec<usize> {
    let step = (events / most).max(1);
    (1..events).filter(|at| (at + shift).is_multiple_of(step)).collect()
}

/// Every recorded stream that is complete: its protocol's dialect, its frames.
fn complete() -> Vec<(String, Dialect, Vec<Frame>)> {
    let mut all = Vec::new();
    for (protocol, dialect) in PROTOCOLS {
        for recording in recordings(protocol) {
            let Some((body, content_type)) = recording.stream() else { continue };
            let events = streams::events(dialect, &body, content_type, 4096);
            if matches!(events.last(), Some(Event::End)) {
                all.push((recording.id, dialect, streams::frames(&body, content_type, 4096)));
            }
        }
    }
    all
}

/// Faces in turn, so that each dialect's recordings meet each face.
fn face(index: usize) -> Dialect {
    [
        Dialect::OpenAiChat,
        Dialect::OpenAiResponses,
        Dialect::Anthropic,
        Dialect::Gemini,
        Dialect::Bedrock,
        Dialect::Cohere,
        Dialect::Ollama,
    ][index % 7]
}

#[test]
fn rl03_an_answer_that_is_alike_goes_on_without_a_seam() {
    let (mut went_on, mut could_not) = (0, 0);
    for (i, (id, upstream, frames)) in complete().into_iter().enumerate() {
        let face = face(i);
        let uncut = uncut(face, upstream, &frames);
        for cut in cuts(frames.len(), i, 6) {
            let how = if cut % 2 == 0 { Break::End } else { Break::Reset };
            let what = format!("{id} to {face:?}, {how:?} after {cut} of {}", frames.len());
            let mut out = Vec::new();
            let (mut stream, delivered) = broken(face, upstream, &frames[..cut], how, &mut out);
            if stream.is_over() && delivered.is_none() && !hear(face, &what, &out).fault {
                // All had been said, as far as the protocol tells.
                continue;
            }
            let Some(delivered) = delivered else {
                could_not += 1;
                tell(&mut stream, &mut out);
                let heard = hear(face, &what, &out);
                assert!(heard.fault, "{what}");
                continue;
            };
            assert!(go_on(&mut stream, face, upstream, Splice::repeating(&delivered), &frames, &mut out), "{what}");
            assert_eq!(hear(face, &what, &out), uncut, "{what}\n{}", String::from_utf8_lossy(&out));
            went_on += 1;
        }
    }
    println!("{went_on} went on, {could_not} could not");
    assert!(went_on > could_not * 4 || went_on == 0);
}

#[test]
fn rl03_another_dialect_goes_on_as_well() {
    for (i, (id, upstream, frames)) in complete().into_iter().enumerate() {
        let (face, other) = (face(i), face(i / 7 + 1));
        // The same answer, as another provider would put it.
        let mut said = Vec::new();
        let mut incoming = Incoming::translated(translation(face, upstream));
        frames.iter().for_each(|frame| incoming.frame(frame, &mut said));
        incoming.end(&mut said);
        said.retain(|event| !matches!(event, Event::Open { choice: 1.., .. }));
        let content_type = codec::stream_content_type(other);
        let bytes = streams::bytes(other, &sequenced(other, said), context());
        let others = streams::frames(&bytes, content_type, 4096);
        let uncut = uncut(face, other, &others);
        for cut in cuts(frames.len(), i, 2) {
            let what = format!("{id} to {face:?} after {cut} of {}, then {other:?}", frames.len());
            let mut out = Vec::new();
            let (mut stream, delivered) = broken(face, upstream, &frames[..cut], Break::Reset, &mut out);
            let Some(delivered) = delivered else { continue };
            let went_on = go_on(&mut stream, face, other, Splice::repeating(&delivered), &others, &mut out);
            if !went_on {
                // What this dialect cannot say it cannot repeat.
                tell(&mut stream, &mut out);
                let heard = hear(face, &what, &out);
                assert!(heard.fault && heard.finish.is_none(), "{what}");
                continue;
            }
            let heard = hear(face, &what, &out);
            let told = String::from_utf8_lossy(&out);
            assert_eq!((&heard.text, &heard.calls), (&uncut.text, &uncut.calls), "{what}\n{told}");
            assert_eq!(heard.fault, uncut.fault, "{what}\n{told}\n{}", String::from_utf8_lossy(&bytes));
        }
    }
}

fn sequenced(dialect: Dialect, events: Vec<Event>) -> Vec<Event> {
    if !codec::one_open_block(dialect) {
        return events;
    }
    let (mut sequencer, mut out) = (tollgate_wire::sequencer::Sequencer::new(), Vec::new());
    events.into_iter().for_each(|event| sequencer.event(event, &mut out));
    out
}

#[test]
fn rl03_an_answer_that_says_something_else_is_not_told() {
    let all = complete();
    for (i, (id, upstream, frames)) in all.iter().enumerate() {
        let face = face(i);
        let (_, other, others) = &all[(i * 7 + 3) % all.len()];
        for cut in cuts(frames.len(), i, 2) {
            let what = format!("{id} to {face:?} after {cut}");
            let mut out = Vec::new();
            let (mut stream, delivered) = broken(face, *upstream, &frames[..cut], Break::Reset, &mut out);
            let Some(delivered) = delivered else { continue };
            let before = out.clone();
            let words = delivered.blocks().iter().filter(|said| matches!(said.kind, Kind::Text | Kind::Refusal));
            let text: String = words.map(|said| said.text.as_str()).collect();
            if go_on(&mut stream, face, *other, Splice::repeating(&delivered), others, &mut out) {
                // It may have the same beginning: nothing that went out is doubled.
                let heard = hear(face, &what, &out);
                assert!(heard.text.starts_with(&text), "{what}");
                assert!(text.len() < 8 || !heard.text[text.len()..].starts_with(&text), "{what}");
                continue;
            }
            assert_eq!(out, before, "{what}: an answer that is given up leaves no trace");
            tell(&mut stream, &mut out);
            let heard = hear(face, &what, &out);
            assert!(heard.fault && heard.finish.is_none(), "{what}");
            assert_eq!(heard.text, text, "{what}");
            let uncut = uncut(face, *upstream, frames);
            for call in &heard.calls {
                assert!(uncut.calls.contains(call), "{what}: half a call: {call:?}");
            }
        }
    }
}

#[test]
fn rl03_an_answer_asked_to_go_on_is_told_without_what_it_repeats() {
    // what went out, what the next one says in pieces, what the client has in the end
    let cases: &[(&str, &[&str], &str)] = &[
        ("One, two, three", &[", four", ", five."], "One, two, three, four, five."),
        ("The quick brown fox", &["The quick", " brown fox jumps"], "The quick brown fox jumps"),
        (
            "It was the best of times,",
            &["best of times", ", it was the worst"],
            "It was the best of times, it was the worst",
        ),
        ("no no ", &["no ", "yes"], "no no no yes"),
        ("Ende", &["The"], "EndeThe"),
        ("ends with a repetition", &["with a repetition"], "ends with a repetition"),
    ];
    for (sent, pieces, told) in cases {
        let mut delivered = Delivered::default();
        let open = |block| Event::Open { choice: 0, block, start: tollgate_ir::BlockStart::Text };
        let text = |text: &str| Event::Delta { choice: 0, block: 0, delta: Delta::Text(text.to_owned()) };
        delivered.event(&open(0));
        delivered.event(&text(sent));
        let (mut splice, mut out) = (Splice::continuing(&delivered), Vec::new());
        let thinks = tollgate_ir::BlockStart::Whole(Box::new(Block::new(Content::Reasoning(tollgate_ir::Reasoning {
            text: "How do I go on?".to_owned(),
            ..Default::default()
        }))));
        splice.event(Event::Open { choice: 0, block: 7, start: thinks }, &mut out);
        splice.event(Event::Close { choice: 0, block: 7 }, &mut out);
        splice.event(open(0), &mut out);
        pieces.iter().for_each(|piece| splice.event(text(piece), &mut out));
        splice.event(Event::Close { choice: 0, block: 0 }, &mut out);
        splice.event(Event::Finish { choice: 0, finish: Finish::Stop }, &mut out);
        splice.event(Event::End, &mut out);
        let mut all = vec![open(0), text(sent)];
        all.extend(out);
        streams::check(sent, &all);
        assert_eq!(streams::reply(&all).choices[0].blocks[0].as_text(), Some(*told), "{all:?}");
    }
}

/// Nobody could tell whether an answer that begins with the few letters of the first goes on or begins anew.
#[test]
fn rl03_few_letters_said_again_are_no_going_on() {
    for (sent, pieces, diverges) in [
        ("0071814:", &["0071814:", " toll0"][..], true),
        ("0071814:", &["0071", "814: toll0"][..], true),
        ("0071814:", &["0071814:"][..], true),
        ("0071814:", &[" toll0"][..], false),
        ("0071814: toll0", &["0071814: toll0", " river1"][..], false),
    ] {
        let mut delivered = Delivered::default();
        let open = Event::Open { choice: 0, block: 0, start: tollgate_ir::BlockStart::Text };
        let text = |text: &str| Event::Delta { choice: 0, block: 0, delta: Delta::Text(text.to_owned()) };
        delivered.event(&open);
        delivered.event(&text(sent));
        let (mut splice, mut out) = (Splice::continuing(&delivered), Vec::new());
        splice.event(open, &mut out);
        pieces.iter().for_each(|piece| splice.event(text(piece), &mut out));
        splice.event(Event::Close { choice: 0, block: 0 }, &mut out);
        assert_eq!(splice.has_diverged(), diverges, "{sent} {pieces:?}: {out:?}");
        assert!(!diverges || out.is_empty(), "{sent} {pieces:?}: {out:?}");
    }
}

/// A stream of the client's own dialect that was relayed and broke after some frames: the bytes so far, and the stream as
/// one that may go on.
fn broken_relay(face: Dialect, frames: &[Frame], out: &mut Vec<u8>) -> Option<StreamTranslator> {
    let mut relayed = Relayed::new(face);
    for frame in frames {
        relayed.frame(frame.clone(), &mut |frame| out.extend_from_slice(&frame.raw));
    }
    relayed.can_go_on().then(|| relayed.understood(context()).0)
}

#[test]
fn rl03_a_relayed_stream_goes_on_by_translation() {
    let (mut went_on, mut could_not) = (0, 0);
    for (i, (id, face, frames)) in complete().into_iter().enumerate() {
        if codec::stream_content_type(face) == "text/event-stream" && frames.iter().any(|f| f.raw.starts_with(b"[")) {
            // One JSON array, whose commas are the relay's.
            continue;
        }
        let uncut = uncut(face, face, &frames);
        for cut in cuts(frames.len(), i, 5) {
            let what = format!("{id} after {cut} of {}", frames.len());
            let mut out = Vec::new();
            let stream = broken_relay(face, &frames[..cut], &mut out);
            let Some((mut stream, delivered)) = stream.and_then(|mut stream| {
                let delivered = stream.outgoing().delivered().cloned()?;
                Some((stream, delivered))
            }) else {
                could_not += 1;
                continue;
            };
            if delivered.all_text().all(str::is_empty) {
                // Before the first word another target takes over unseen.
                continue;
            }
            assert!(go_on(&mut stream, face, face, Splice::repeating(&delivered), &frames, &mut out), "{what}");
            let heard = hear(face, &what, &out);
            assert_eq!((&heard.text, &heard.reasoning), (&uncut.text, &uncut.reasoning), "{what}");
            assert_eq!((&heard.calls, &heard.finish, heard.fault), (&uncut.calls, &uncut.finish, false), "{what}");
            numbered(&what, face, &out);
            went_on += 1;
        }
    }
    println!("{went_on} went on, {could_not} could not");
    assert!(went_on > could_not * 3 || went_on == 0);
}

/// The events of a Responses stream are numbered without a gap, each item is told once as begun and once as done, and
/// all that is said of it is said under its id; Claude's blocks begin once.
fn numbered(what: &str, face: Dialect, bytes: &[u8]) {
    let (mut begun, mut done) = (Vec::new(), Vec::new());
    // Some older hosts do not number theirs.
    let mut counts = false;
    for (i, frame) in streams::frames(bytes, codec::stream_content_type(face), 4096).iter().enumerate() {
        let Some(node) = Node::read(&frame.data) else { continue };
        let kind = node.text("type").unwrap_or_default();
        if kind == "content_block_start" || kind == "content_block_stop" {
            let into = if kind == "content_block_start" { &mut begun } else { &mut done };
            into.push(node.uint("index").unwrap().to_string());
        }
        if face != Dialect::OpenAiResponses {
            continue;
        }
        let number = node.uint("sequence_number");
        counts |= i == 0 && number.is_some();
        if let Some(number) = number.filter(|_| counts) {
            assert_eq!(number, i as u64, "{what}: {kind}");
        }
        let id = |node: &Node<'_>| node.at(&["item", "id"]).and_then(Node::as_str).map(str::to_owned);
        match kind {
            "response.output_item.added" => begun.extend(id(&node)),
            "response.output_item.done" => done.extend(id(&node)),
            _ => {
                // Hosts let items overlap: what is said is said of one that has begun and is not done.
                if let Some(item) = node.text("item_id") {
                    let item = item.to_owned();
                    assert!(begun.contains(&item) && !done.contains(&item), "{what}: {kind} of {item}");
                }
            }
        }
    }
    begun.sort_unstable();
    done.sort_unstable();
    assert_eq!(begun, done, "{what}");
}
