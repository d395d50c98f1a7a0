//! Over a thousand real interactions, kept beside the repository: everything is read, and comes back as it was.

use std::path::PathBuf;

use serde_json::Value;
use tollgate_ir::{Block, Content, Event, FaultKind, MediaKind, OutputFormat, Reply, Request, Usage};
use tollgate_wire::codec;
use tollgate_wire::ids::IdRule;

use crate::{CHAT, context, decode, encode_text, fold};

/// The recordings of the dialect and of Mistral, which speaks it.
fn recordings() -> Vec<Value> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/recordings");
    let Ok(index) = std::fs::read(folder.join("index.json")) else {
        println!("skipped: the recordings are not there");
        return Vec::new();
    };
    let index: Value = serde_json::from_slice(&index).unwrap();
    let ours = |e: &&Value| matches!(e["protocol"].as_str(), Some("openai-chat" | "mistral"));
    let read = |e: &Value| std::fs::read(folder.join(e["file"].as_str().unwrap())).unwrap();
    index.as_array().unwrap().iter().filter(ours).map(|e| serde_json::from_slice(&read(e)).unwrap()).collect()
}

fn id(recording: &Value) -> &str {
    recording["id"].as_str().unwrap()
}

fn served(recording: &Value) -> bool {
    recording["response"]["status"].as_u64().unwrap() < 400
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
    for recording in recordings().iter().filter(|r| r["request"]["body"].is_object() && served(r)) {
        let mut body = recording["request"]["body"].clone();
        // Azure's deployments and a preset stand where the model does.
        body.as_object_mut().unwrap().entry("model").or_insert_with(|| "elsewhere".into());
        let (request, mut lost) =
            decode(&body.to_string()).unwrap_or_else(|fault| panic!("{}: {fault}", id(recording)));
        read += 1;
        let (sent, more) = match encode_text(&request, &request.model) {
            Ok(sent) => sent,
            Err(fault) if fault.kind == FaultKind::UnsupportedContent => continue,
            Err(fault) => panic!("{}: {fault}", id(recording)),
        };
        lost.extend(more);
        if lost.is_empty() {
            let mut again = decode(&sent).unwrap().0;
            again.model.clone_from(&request.model);
            // Neighbouring messages of one side may have become one.
            if again.turns.len() == request.turns.len() {
                let (again, request) = (placeless(again), placeless(request));
                let told = || format!("{}\n{again:#?}\n{request:#?}", id(recording));
                assert!(again == request, "{:.9000}", told());
                same += 1;
            }
        }
    }
    println!("{read} requests read, {same} compared");
    assert!(read == 0 || same > read / 2, "{same} of {read}");
}

/// Bodies that are no answer although their status is 200.
const NO_ANSWER: &[&str] = &[];

#[test]
fn every_reply_is_read_and_comes_back_whole() {
    for recording in recordings().iter().filter(|r| r["response"]["body"].is_object() && served(r)) {
        if NO_ANSWER.contains(&id(recording)) {
            continue;
        }
        let body = recording["response"]["body"].to_string();
        let reply = codec::decode_reply(CHAT, body.as_bytes()).unwrap_or_else(|f| panic!("{}: {f}", id(recording)));
        let written = codec::encode_reply(CHAT, &reply, &context());
        let again = codec::decode_reply(CHAT, &written).unwrap_or_else(|f| panic!("{}: {f}", id(recording)));
        assert!(comparable(again) == comparable(reply), "{}", id(recording));
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
    for recording in recordings().iter().filter(|r| r["response"]["stream_format"] == "sse" && served(r)) {
        let body = recording["response"]["body"].as_str().unwrap().as_bytes();
        let events = fold::events(body, body.len());
        fold::check(&events);
        for cut in [1, 7, 333] {
            assert_eq!(fold::events(body, cut), events, "{} cut at {cut}", id(recording));
        }
        if let Some(Event::Fault(fault)) = events.last() {
            faults.push(format!("{} {}", id(recording), fault.public));
            continue;
        }
        let mut context = context();
        context.include_usage = true;
        let again = fold::events(&fold::bytes(&events, context), 1 << 20);
        fold::check(&again);
        assert!(comparable(fold::reply(&again)) == comparable(fold::reply(&events)), "{}", id(recording));
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
    for recording in recordings().iter().filter(|r| !served(r)) {
        let status = u16::try_from(recording["response"]["status"].as_u64().unwrap()).unwrap();
        let body = match &recording["response"]["body"] {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let fault = codec::decode_fault(CHAT, status, &[], body.as_bytes());
        assert_eq!(fault.status, status, "{}", id(recording));
        let written: Value = serde_json::from_slice(&codec::encode_fault(CHAT, &fault, "r")).unwrap();
        assert_eq!(written["error"]["message"].as_str(), Some(fault.public.as_str()));
        assert!(!fault.public.contains("no explanation"), "{}: {body}", id(recording));
    }
}

/// Streams that lose an event, or end early: blocks nest all the same, and the stream ends once, whole or by a fault.
#[test]
fn a_lost_event_breaks_no_stream() {
    for recording in recordings().iter().filter(|r| r["response"]["stream_format"] == "sse" && served(r)) {
        let body = recording["response"]["body"].as_str().unwrap();
        let frames: Vec<_> = body.split_inclusive("\n\n").collect();
        for lost in (0..frames.len()).step_by(frames.len() / 10 + 1) {
            let without: String = frames.iter().enumerate().filter(|(i, _)| *i != lost).map(|(_, f)| *f).collect();
            for damaged in [without, frames[..lost].concat()] {
                let events = fold::events(damaged.as_bytes(), 1 << 20);
                fold::check(&events);
                let data = fold::data(&fold::bytes(&events, context()));
                let last = data.last().map(String::as_str);
                let broken = matches!(events.last(), Some(Event::Fault(_)));
                assert_eq!(last == Some("[DONE]"), !broken, "{} without {lost}", id(recording));
            }
        }
    }
}
