//! Recorded traffic decodes, and what is written again says the same. Skipped where the recordings are absent.

use tollgate_ir::{Dialect, Event, Losses};
use tollgate_wire::bedrock::invoke;
use tollgate_wire::codec::{self, StreamDecoder};
use tollgate_wire::json::Node;
use tollgate_wire::target::{ReplyContext, RequestHead};

use super::streams::{decode, rewritten};
use crate::recorded::{Recording, recordings};
use crate::streams::{check, frames};

fn all() -> impl Iterator<Item = Recording> {
    ["bedrock-converse", "bedrock-converse-stream"].into_iter().flat_map(recordings)
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
    for recording in all() {
        // One source kept a body that lacks its end, as text.
        let (id, Some(body)) = (&recording.id, recording.request_body()) else { continue };
        let mut losses = Losses::new(codec::path_of(Dialect::Bedrock));
        let head = RequestHead { model: Some("m"), stream: Some(false), is_scanned: false };
        let request = codec::decode_request(Dialect::Bedrock, body.as_bytes(), &head, &mut losses).expect(id);
        assert!(!request.turns.is_empty(), "{id}");
        for loss in losses.all() {
            assert!(OWN.iter().any(|own| loss.path.starts_with(own)), "{id}: {}", loss.path);
        }
    }
}

#[test]
fn every_recorded_reply_is_read_and_says_the_same_when_written_again() {
    for recording in recordings("bedrock-converse") {
        let (id, Some(body)) = (&recording.id, recording.reply()) else { continue };
        let reply = codec::decode_reply(Dialect::Bedrock, body).expect(id);
        assert!(reply.usage.is_some() && reply.choices[0].finish.is_some(), "{id}");
        let again = codec::encode_reply(Dialect::Bedrock, &reply, &ReplyContext::default());
        assert_eq!(codec::decode_reply(Dialect::Bedrock, &again).expect(id), reply, "{id}");
    }
}

#[test]
fn tr37_every_recorded_stream_is_read_alike_at_any_cut_and_when_written_again() {
    for recording in recordings("bedrock-converse-stream") {
        let (id, Some((body, _))) = (&recording.id, recording.stream()) else { continue };
        let whole = decode(&body, body.len());
        assert_eq!(whole.last(), Some(&Event::End), "{id}");
        check(id, &whole);
        for cut in [1, 7, 333] {
            assert_eq!(decode(&body, cut), whole, "{id} cut every {cut}");
        }
        assert_eq!(decode(&rewritten(&whole), 333), whole, "{id}");
        for end in (0..body.len()).step_by(body.len() / 40 + 1) {
            check(id, &decode(&body[..end], 512));
        }
    }
}

#[test]
fn every_recorded_error_keeps_status_and_words() {
    for recording in all() {
        let (id, Some(body)) = (&recording.id, recording.refusal()) else { continue };
        let (status, headers) = (recording.status(), recording.headers());
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
    for recording in recordings("bedrock-invoke-stream") {
        let model = recording.model.as_deref().unwrap_or_default();
        if !model.contains("claude") || model.contains("instant") {
            continue;
        }
        let (id, Some((body, kind))) = (&recording.id, recording.stream()) else { continue };
        let mut decoder = StreamDecoder::new(Dialect::Anthropic);
        let (mut events, mut names) = (Vec::new(), Vec::new());
        for frame in frames(&body, kind, body.len()) {
            let event = invoke::unwrap(frame).expect(id);
            names.push(event.name().to_owned());
            let mut again = Vec::new();
            invoke::wrap(&mut again, &event.data);
            let twice = invoke::unwrap(frames(&again, kind, again.len()).remove(0)).expect(id);
            assert_eq!((&twice.event, &twice.data), (&event.event, &event.data), "{id}");
            decoder.frame(&event, &mut events);
        }
        assert_eq!(names.first().map(String::as_str), Some("message_start"), "{id}");
        assert_eq!(names.last().map(String::as_str), Some("message_stop"), "{id}");
    }
}
