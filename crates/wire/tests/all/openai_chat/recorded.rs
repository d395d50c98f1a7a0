//! Over a thousand real interactions, kept beside the repository: everything is read, and comes back as it was.

use serde_json::Value;
use tollgate_ir::{Block, Content, Event, FaultKind, MediaKind, OutputFormat, Reply, Request, Usage};
use tollgate_wire::codec;
use tollgate_wire::ids::IdRule;

use super::{CHAT, context, decode, encode_text, events, sent};
use crate::recorded::{Recording, recordings};
use crate::streams::{bytes, check, reply};

/// The recordings of the dialect and of Mistral, which speaks it.
fn all() -> impl Iterator<Item = Recording> {
    ["openai-chat", "mistral"].into_iter().flat_map(recordings)
}

/// Ids that the strictest host refuses are replaced, call and result alike.
fn replaced(id: &str) -> String {
    IdRule::NINE.apply(&IdRule::COMMON.apply(id)).into_owned()
}

/// Without places, which say where in a body a block stood.
fn placeless(mut request: Request) -> Request {
    fn clear(block: &mut Block) {
        block.at.clear();
        match &mut block.content {
            // A recording of no told type is sent as the usual one.
            Content::Media(media) if media.kind == MediaKind::Audio => {
                media.mime.get_or_insert_with(|| "audio/wav".into());
            }
            Content::Call(call) => call.id = replaced(&call.id),
            Content::Result(result) => {
                result.call = replaced(&result.call);
                result.content.iter_mut().for_each(clear);
            }
            _ => {}
        }
    }
    request.system.iter_mut().chain(request.turns.iter_mut().flat_map(|t| &mut t.blocks)).for_each(clear);
    request.tools.iter_mut().for_each(|t| t.at.clear());
    request.params.include_usage = request.stream;
    if let Some(OutputFormat::Schema { name, .. }) = &mut request.output {
        name.get_or_insert_with(|| "response".into());
    }
    request
}

#[test]
fn every_request_is_read_and_comes_back_whole_where_nothing_was_reported() {
    let (mut read, mut same) = (0, 0);
    for recording in all() {
        let (id, Some(body)) = (&recording.id, recording.request_body()) else { continue };
        let mut body: Value = serde_json::from_str(body).unwrap();
        // Azure's deployments and a preset stand where the model does.
        body.as_object_mut().unwrap().entry("model").or_insert_with(|| "elsewhere".into());
        let (request, mut lost) = decode(&body.to_string()).unwrap_or_else(|fault| panic!("{id}: {fault}"));
        read += 1;
        let (sent, more) = match encode_text(&request, &request.model) {
            Ok(sent) => sent,
            Err(fault) if fault.kind == FaultKind::UnsupportedContent => continue,
            Err(fault) => panic!("{}: {fault}", id),
        };
        lost.extend(more);
        if lost.is_empty() {
            let mut again = decode(&sent).unwrap().0;
            again.model.clone_from(&request.model);
            // Neighbouring messages of one side may have become one.
            if again.turns.len() == request.turns.len() {
                let (again, request) = (placeless(again), placeless(request));
                let told = || format!("{}\n{again:#?}\n{request:#?}", id);
                assert!(again == request, "{:.9000}", told());
                same += 1;
            }
        }
    }
    println!("{read} requests read, {same} compared");
    assert!(read == 0 || same > read / 2, "{same} of {read}");
}

#[test]
fn every_reply_is_read_and_comes_back_whole() {
    for recording in all() {
        let (id, Some(body)) = (&recording.id, recording.reply()) else { continue };
        let reply = codec::decode_reply(CHAT, body).unwrap_or_else(|f| panic!("{id}: {f}"));
        let written = codec::encode_reply(CHAT, &reply, &context());
        let again = codec::decode_reply(CHAT, &written).unwrap_or_else(|f| panic!("{}: {f}", id));
        assert!(comparable(again) == comparable(reply), "{}", id);
    }
}

/// What a chat reply can say: texts joined, finish by its word, totals of usage, the rest as it is.
fn comparable(mut reply: Reply) -> Reply {
    let head = std::mem::take(&mut reply.head);
    reply.head.service_tier = head.service_tier;
    reply.usage = reply.usage.map(|u| Usage { input: u.input_total(), output: u.output_total(), ..Usage::default() });
    for choice in &mut reply.choices {
        let blocks = std::mem::take(&mut choice.blocks);
        for mut block in blocks {
            match (choice.blocks.last_mut().map(|b| &mut b.content), &mut block.content) {
                (Some(Content::Text { text, .. }), Content::Text { text: more, .. }) => {
                    text.push_str(more);
                    continue;
                }
                (_, Content::Text { citations, .. }) => citations.clear(),
                (_, Content::Call(call)) if call.arguments.is_empty() => call.arguments = "{}".into(),
                // Details without an issuer that we know travel as they came.
                (_, Content::Reasoning(_)) => block.carry = None,
                _ => {}
            }
            choice.blocks.push(block);
        }
        // Plain words of reasoning come back as one block.
        choice.finish = None;
    }
    reply
}

#[test]
fn every_stream_is_read_alike_at_any_cut_and_comes_back_whole() {
    let mut faults = Vec::new();
    for recording in all() {
        let (id, Some((body, _))) = (&recording.id, recording.stream()) else { continue };
        let whole = events(&body, body.len());
        check(id, &whole);
        for cut in [1, 7, 333] {
            assert_eq!(events(&body, cut), whole, "{} cut at {cut}", id);
        }
        if let Some(Event::Fault(fault)) = whole.last() {
            faults.push(format!("{} {}", id, fault.public));
            continue;
        }
        let mut context = context();
        context.include_usage = true;
        let again = events(&bytes(CHAT, &whole, context), 1 << 20);
        check(id, &again);
        assert!(comparable(reply(&again)) == comparable(reply(&whole)), "{}", id);
    }
    // Each reports an error after it has begun.
    let known = |f: &String| {
        f.contains("Tool call validation failed")
            || f.contains("Tool choice is required")
            || f.contains("Token limit reached")
    };
    assert!(faults.iter().all(known), "{faults:#?}");
}

#[test]
fn every_refusal_keeps_its_status_and_words() {
    for recording in all() {
        let (id, Some(body)) = (&recording.id, recording.refusal()) else { continue };
        let status = recording.status();
        let fault = codec::decode_fault(CHAT, status, &[], &body);
        assert_eq!(fault.status, status, "{}", id);
        let written: Value = serde_json::from_slice(&codec::encode_fault(CHAT, &fault, "r")).unwrap();
        assert_eq!(written["error"]["message"].as_str(), Some(fault.public.as_str()));
        assert!(!fault.public.contains("no explanation"), "{id}: {}", String::from_utf8_lossy(&body));
    }
}

/// Streams that lose an event, or end early: blocks nest all the same, and the stream ends once, whole or by a fault.
#[test]
fn a_lost_event_breaks_no_stream() {
    for recording in all() {
        let (id, Some((body, _))) = (&recording.id, recording.stream()) else { continue };
        let body = String::from_utf8(body).unwrap();
        let frames: Vec<_> = body.split_inclusive("\n\n").collect();
        for lost in (0..frames.len()).step_by(frames.len() / 10 + 1) {
            let without: String = frames.iter().enumerate().filter(|(i, _)| *i != lost).map(|(_, f)| *f).collect();
            for damaged in [without, frames[..lost].concat()] {
                let made = events(damaged.as_bytes(), 1 << 20);
                check(id, &made);
                let data = sent(&made, context());
                let last = data.last().map(String::as_str);
                let broken = matches!(made.last(), Some(Event::Fault(_)));
                assert_eq!(last == Some("[DONE]"), !broken, "{} without {lost}", id);
            }
        }
    }
}
