//! Recorded traffic decodes, and what is written again says the same. Skipped where the recordings are absent.

use std::path::PathBuf;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use tollgate_ir::{Dialect, Event, Losses};
use tollgate_wire::bedrock::invoke;
use tollgate_wire::codec::{self, StreamDecoder};
use tollgate_wire::frame::{Deframer, Frame};
use tollgate_wire::json::Node;
use tollgate_wire::target::{ReplyContext, RequestHead};

use crate::streams::{decode, nests, rewritten};

/// The recordings of one protocol, as text; none where they are absent.
fn recordings(protocol: &str) -> Vec<(String, String)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/recordings").join(protocol);
    let Ok(entries) = std::fs::read_dir(&folder) else {
        println!("skipped: no recordings of {protocol}");
        return Vec::new();
    };
    let mut found: Vec<_> = entries
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.file_stem().unwrap().to_string_lossy().into_owned(), std::fs::read_to_string(path).unwrap()))
        .collect();
    found.sort();
    found
}

fn status(recording: &Node<'_>) -> u64 {
    recording.at(&["response", "status"]).and_then(Node::as_u64).unwrap()
}

/// The body of one side.
fn body(recording: &Node<'_>, side: &str) -> Option<Vec<u8>> {
    let side = recording.get(side)?;
    let body = side.get("body")?;
    Some(match (side.text("body_encoding"), body) {
        (Some("base64"), Node::Text(text)) => STANDARD.decode(&**text).unwrap(),
        (_, Node::Text(text)) => text.as_bytes().to_vec(),
        (_, other) => other.to_text().into_bytes(),
    })
}

#[test]
fn every_recorded_request_is_read_without_loss_but_of_bedrocks_own() {
    const OWN: [&str; 6] = [
        "guardrailConfig",
        "additionalModelResponseFieldPaths",
        "promptVariables",
        "performanceConfig",
        // Options of Bedrock's that no other provider has.
        "additionalModelRequestFields",
        "qualifiers",
    ];
    for (id, text) in recordings("bedrock-converse").into_iter().chain(recordings("bedrock-converse-stream")) {
        let recording = Node::read(text.as_bytes()).unwrap();
        let Some(body) = body(&recording, "request").filter(|_| status(&recording) == 200) else { continue };
        // One source kept a body that lacks its end.
        if Node::read(&body).is_none() {
            continue;
        }
        let mut losses = Losses::new(codec::path_of(Dialect::Bedrock));
        let head = RequestHead { model: Some("m"), stream: Some(false) };
        let request = codec::decode_request(Dialect::Bedrock, &body, &head, &mut losses).expect(&id);
        assert!(!request.turns.is_empty(), "{id}");
        for loss in losses.all() {
            assert!(OWN.iter().any(|own| loss.path.starts_with(own)), "{id}: {}", loss.path);
        }
    }
}

#[test]
fn every_recorded_reply_is_read_and_says_the_same_when_written_again() {
    for (id, text) in recordings("bedrock-converse") {
        let recording = Node::read(text.as_bytes()).unwrap();
        let body = body(&recording, "response").unwrap();
        if status(&recording) != 200 {
            continue;
        }
        let reply = codec::decode_reply(Dialect::Bedrock, &body).expect(&id);
        assert!(reply.usage.is_some() && reply.choices[0].finish.is_some(), "{id}");
        let again = codec::encode_reply(Dialect::Bedrock, &reply, &ReplyContext::default());
        assert_eq!(codec::decode_reply(Dialect::Bedrock, &again).expect(&id), reply, "{id}");
    }
}

#[test]
fn tr37_every_recorded_stream_is_read_alike_at_any_cut_and_when_written_again() {
    for (id, text) in recordings("bedrock-converse-stream") {
        let recording = Node::read(text.as_bytes()).unwrap();
        if status(&recording) != 200 {
            continue;
        }
        let body = body(&recording, "response").unwrap();
        let whole = decode(&body, body.len());
        assert_eq!(whole.last(), Some(&Event::End), "{id}");
        nests(&whole);
        for cut in [1, 7, 333] {
            assert_eq!(decode(&body, cut), whole, "{id} cut every {cut}");
        }
        assert_eq!(decode(&rewritten(&whole), 333), whole, "{id}");
        for end in (0..body.len()).step_by(body.len() / 40 + 1) {
            nests(&decode(&body[..end], 512));
        }
    }
}

#[test]
fn every_recorded_error_keeps_status_and_words() {
    for (id, text) in recordings("bedrock-converse").into_iter().chain(recordings("bedrock-converse-stream")) {
        let recording = Node::read(text.as_bytes()).unwrap();
        if status(&recording) < 400 {
            continue;
        }
        let body = body(&recording, "response").unwrap();
        let status = u16::try_from(status(&recording)).unwrap();
        let headers = recording.at(&["response", "headers"]).unwrap();
        let headers: Vec<_> = headers.entries().iter().map(|(k, v)| (k.as_ref(), v.as_str().unwrap_or(""))).collect();
        let fault = codec::decode_fault(Dialect::Bedrock, status, &headers, &body);
        let words = Node::read(&body).unwrap();
        assert_eq!(Some(fault.public.as_str()), words.text("message"), "{id}");
        assert_eq!(fault.status, status, "{id}");
        let kind = headers.iter().find(|(k, _)| *k == "x-amzn-errortype").map(|(_, v)| v.split(':').next().unwrap());
        assert_eq!(fault.provider_type.as_deref(), kind, "{id}");
    }
}

#[test]
fn claude_over_invoke_is_unwrapped_and_wrapped() {
    for (id, text) in recordings("bedrock-invoke-stream") {
        let recording = Node::read(text.as_bytes()).unwrap();
        let model = recording.text("model").unwrap_or_default();
        if status(&recording) != 200 || !model.contains("claude") || model.contains("instant") {
            continue;
        }
        let body = body(&recording, "response").unwrap();
        let mut decoder = StreamDecoder::new(Dialect::Anthropic);
        let (mut events, mut names) = (Vec::new(), Vec::new());
        for frame in frames(&body) {
            let event = invoke::unwrap(frame).expect(&id);
            names.push(event.name().to_owned());
            let mut again = Vec::new();
            invoke::wrap(&mut again, &event.data);
            let twice = invoke::unwrap(frames(&again).remove(0)).expect(&id);
            assert_eq!((&twice.event, &twice.data), (&event.event, &event.data), "{id}");
            decoder.frame(&event, &mut events);
        }
        assert_eq!(names.first().map(String::as_str), Some("message_start"), "{id}");
        assert_eq!(names.last().map(String::as_str), Some("message_stop"), "{id}");
    }
}

/// The frames of a whole AWS event stream.
pub fn frames(body: &[u8]) -> Vec<Frame> {
    let mut deframer = Deframer::for_content_type("application/vnd.amazon.eventstream");
    deframer.push(Bytes::copy_from_slice(body));
    let mut out = Vec::new();
    while let Some(frame) = deframer.next_frame().unwrap() {
        out.push(frame);
    }
    assert!(deframer.finish().unwrap().is_none());
    out
}
