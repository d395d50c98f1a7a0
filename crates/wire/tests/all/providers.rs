//! Recordings of providers other than the six great ones: each goes through its own provider's record, there and back,
//! and comes out whole in other faces.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde_json::Value;
use tollgate_ir::{Block, Content, Dialect, Finish, Losses, Operation, Reply, Request};
use tollgate_wire::carriage::Carriage;
use tollgate_wire::codec;
use tollgate_wire::json::Envelope;
use tollgate_wire::providers::{self, Provider, Speaks};
use tollgate_wire::relay::{RelayRequest, relay_request};
use tollgate_wire::target::{ModelFacts, ReplyContext};
use tollgate_wire::translate::Translation;

use crate::recorded::{Recording, recordings};
use crate::streams;

const GREAT: &[&str] = &["openai", "anthropic", "google", "bedrock", "cohere"];

/// Each recording of chat, its dialect, its provider's record and the way there.
fn all() -> Vec<(Recording, Dialect, &'static Provider, &'static Speaks)> {
    let protocols = [
        ("openai-chat", Dialect::OpenAiChat),
        ("mistral", Dialect::OpenAiChat),
        ("openai-responses", Dialect::OpenAiResponses),
        ("anthropic-messages", Dialect::Anthropic),
        ("anthropic-messages-vertex", Dialect::Anthropic),
        ("gemini", Dialect::Gemini),
    ];
    let of = |(protocol, dialect): (&str, Dialect)| {
        let others = recordings(protocol).into_iter().filter(|r| !GREAT.contains(&r.provider.as_str()));
        others.map(move |recording| {
            let record = providers::find(&recording.provider);
            let record = record.unwrap_or_else(|| panic!("{}: no record of {}", recording.id, recording.provider));
            let model = recording.model.clone().unwrap_or_default();
            let way =
                record.speaks.iter().find(|way| way.dialect == dialect && (model.is_empty() || way.serves(&model)));
            let way =
                way.unwrap_or_else(|| panic!("{}: {} does not speak {dialect} for {model}", recording.id, record.id));
            (recording, dialect, record, way)
        })
    };
    protocols.into_iter().flat_map(of).collect()
}

fn facts(record: &Provider) -> ModelFacts {
    ModelFacts { host: Some(record.chat), ..ModelFacts::default() }
}

/// Whether a recorded address is that of a record, whatever stands for its placeholders.
fn fits(template: &str, address: &str) -> bool {
    let mut rest = address;
    let mut pieces = template.split('{');
    let first = pieces.next().unwrap_or_default();
    let Some(after) = rest.strip_prefix(first) else { return false };
    rest = after;
    for piece in pieces {
        let literal = piece.split_once('}').map_or("", |(_, literal)| literal);
        let Some(at) = rest.find(literal) else { return false };
        if literal.is_empty() {
            rest = rest.find('/').map_or("", |slash| &rest[slash..]);
        } else {
            rest = &rest[at + literal.len()..];
        }
    }
    rest.is_empty()
}

/// Recorded addresses that are older or side ways of a host, or a server on somebody's machine.
const ELSEWHERE: &[&str] = &[
    "/openai/deployments/",
    "fake-azure-endpoint.openai.azure.com/chat/completions",
    "services.ai.azure.com/models/",
    "/beta/chat/completions",
    "api.deepseek.com/v1/",
    "router.huggingface.co/",
    "api.together.ai/",
    "localhost:",
    "0.0.0.0:",
    ".invalid/",
    "aiplatform.googleapis.com/v1/publishers/",
];

#[test]
fn recorded_addresses_are_those_of_the_records() {
    let mut found = 0;
    for (recording, dialect, _, way) in all() {
        let Some(address) = recording.address() else { continue };
        if ELSEWHERE.iter().any(|part| address.contains(part)) {
            continue;
        }
        let model = recording.model.clone().unwrap_or_default();
        let carriage: Carriage = way.carriage.parse().unwrap();
        let plain = |address: &str| {
            address.replace("v1beta1", "v1").replace("%3A", ":").replace("://aiplatform", "://x-aiplatform")
        };
        // A plan's keys may be recorded under the maker's name: any record may say the address.
        let said =
            providers::ALL.iter().flat_map(|p| p.speaks.iter().map(move |way| way.base_url.unwrap_or(p.base_url)));
        let streamed = address.contains("stream") || address.contains("Stream");
        let path = carriage.path(dialect, Operation::Chat, &model, streamed).unwrap();
        let path = path.split('?').next().unwrap_or_default();
        let address = plain(&format!("https://{address}"));
        assert!(
            said.into_iter().any(|base| fits(&plain(&format!("{base}{path}")), &address)),
            "{}: {address} ({path})",
            recording.id
        );
        found += 1;
    }
    println!("{found} addresses");
}

/// What a provider took goes through its record without loss: what a record says is refused was not taken.
#[test]
fn what_a_provider_took_its_record_lets_through() {
    let (mut seen, mut wrong) = (0, Vec::new());
    for (recording, dialect, record, way) in all() {
        let Some(body) = recording.request_body() else { continue };
        let bytes = Bytes::copy_from_slice(body.as_bytes());
        let envelope = Envelope::scan(&bytes).unwrap();
        let model = envelope.model().or(recording.model.as_deref()).unwrap_or("m").to_owned();
        let carriage: Carriage = way.carriage.parse().unwrap();
        let mut losses = Losses::new(codec::path_of(dialect));
        let request = RelayRequest {
            dialect,
            carriage: &carriage,
            operation: Operation::Chat,
            body: &bytes,
            envelope: &envelope,
            model: &model,
            facts: &facts(record),
            control: record.control,
            betas: &[],
            edits: &[],
        };
        let sent = relay_request(&request, &mut losses);
        let lost: Vec<_> = losses.all().iter().map(|loss| format!("{} {:?}", loss.path, loss.reason)).collect();
        if !lost.is_empty() {
            wrong.push(format!("{} at {}: {lost:?}", recording.id, record.id));
        }
        let (before, after): (Value, Value) =
            (serde_json::from_str(body).unwrap(), serde_json::from_slice(&sent.joined()).unwrap());
        for key in ["messages", "input", "contents", "tools", "system"] {
            assert_eq!(before.get(key), after.get(key), "{}: {key}", recording.id);
        }
        seen += 1;
    }
    println!("{seen} requests");
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// What an answer says, whatever the dialect.
#[derive(Clone, Debug, Default, PartialEq)]
struct Told {
    text: String,
    thoughts: String,
    calls: Vec<(String, Value)>,
    finish: Option<Finish>,
    usage: Option<(u64, u64)>,
}

fn told(reply: &Reply) -> Told {
    let mut told = Told::default();
    let Some(choice) = reply.choices.first() else { return told };
    choice.blocks.iter().for_each(|block| tell(block, &mut told));
    let calls = !told.calls.is_empty();
    // Anthropic has one word for both.
    let plain = |f: Finish| if f == Finish::Refusal { Finish::ContentFilter } else { f };
    told.finish = choice.finish.clone().map(|f| plain(f.with_calls(calls)));
    told.usage = reply.usage.map(|u| (u.input_total(), u.output_total()));
    told
}

fn tell(block: &Block, told: &mut Told) {
    match &block.content {
        Content::Text { text, .. } | Content::Refusal(text) => told.text.push_str(text),
        Content::Reasoning(r) => told.thoughts.push_str(&r.text),
        Content::Call(call) => {
            let arguments = if call.arguments.is_empty() { "{}" } else { &call.arguments };
            let arguments = serde_json::from_str(arguments).unwrap_or_else(|_| arguments.into());
            told.calls.push((call.name.clone(), arguments));
        }
        _ => {}
    }
}

fn context() -> ReplyContext {
    ReplyContext { id: "abc123".into(), model: "m".into(), include_usage: true, ..ReplyContext::default() }
}

fn translation(face: Dialect, upstream: Dialect, record: &Provider, model: &str) -> Translation {
    let request = Request {
        model: model.into(),
        turns: vec![tollgate_ir::Turn { role: tollgate_ir::Role::User, blocks: vec![Block::text("Hi")] }],
        ..Request::default()
    };
    let mut losses = Losses::new(codec::path_of(face));
    Translation::request(face, upstream, &request, model, &facts(record), &mut losses).unwrap().1
}

/// The text and calls of a chat answer, by another reader than ours.
fn plainly(recording: &Recording) -> Option<(String, BTreeMap<u64, String>)> {
    let mut bodies: Vec<Value> =
        recording.reply().and_then(|body| serde_json::from_slice(body).ok()).into_iter().collect();
    if let Some((stream, _)) = recording.stream() {
        let text = String::from_utf8(stream).ok()?;
        let data = text.lines().filter_map(|line| line.strip_prefix("data:"));
        bodies = data.filter_map(|data| serde_json::from_str(data.trim()).ok()).collect();
    }
    let (mut words, mut calls) = (String::new(), BTreeMap::<u64, String>::new());
    let choices = bodies.iter().filter_map(|body| body["choices"].as_array()).flatten();
    for choice in choices.filter(|choice| choice["index"].as_u64().unwrap_or(0) == 0) {
        let said = if recording.reply().is_some() { &choice["message"] } else { &choice["delta"] };
        match &said["content"] {
            Value::Null => {}
            // Parts are read by our reader alone.
            content => words.push_str(content.as_str()?),
        }
        words.push_str(said["refusal"].as_str().unwrap_or_default());
        for (i, call) in said["tool_calls"].as_array().into_iter().flatten().enumerate() {
            let at = call["index"].as_u64().unwrap_or(i as u64);
            calls.entry(at).or_default().push_str(call["function"]["arguments"].as_str()?);
        }
    }
    (!bodies.is_empty()).then_some((words, calls))
}

#[test]
fn every_answer_comes_out_whole_in_other_faces() {
    let (mut seen, mut wrong): (BTreeMap<String, usize>, Vec<String>) = Default::default();
    for (recording, upstream, record, way) in all() {
        let carriage: Carriage = way.carriage.parse().unwrap();
        let model = recording.model.clone().unwrap_or_else(|| "m".into());
        let (id, faces) =
            (&recording.id, [Dialect::OpenAiChat, Dialect::OpenAiResponses, Dialect::Anthropic, Dialect::Gemini]);
        let meant = if let Some(body) = recording.reply() {
            told(&codec::decode_reply(upstream, body).unwrap_or_else(|f| panic!("{id}: {f}")))
        } else if let Some((body, kind)) = recording.stream() {
            let events = streams::events(upstream, &body, kind, body.len());
            if !matches!(events.last(), Some(tollgate_ir::Event::End)) {
                continue;
            }
            told(&streams::reply(&events))
        } else {
            continue;
        };
        if let Some((words, calls)) = plainly(&recording).filter(|_| upstream == Dialect::OpenAiChat) {
            if meant.text != words {
                wrong.push(format!("{id}: {:?} and not {words:?}", meant.text));
            }
            let ours: Vec<&Value> = meant.calls.iter().map(|(_, arguments)| arguments).collect();
            let theirs: Vec<Value> =
                calls.values().map(|a| serde_json::from_str(a).unwrap_or(Value::Object(Default::default()))).collect();
            if ours != theirs.iter().collect::<Vec<_>>() {
                wrong.push(format!("{id}: {ours:?} and not {theirs:?}"));
            }
        }
        for face in faces.into_iter().filter(|face| *face != upstream) {
            let way = translation(face, upstream, record, &model);
            let came = if let Some(body) = recording.reply() {
                let reply = way.reply(body).unwrap();
                told(&codec::decode_reply(face, &codec::encode_reply(face, &reply, &context())).unwrap())
            } else if let Some((body, kind)) = recording.stream() {
                let (mut translator, mut out) = (way.stream(context()), Vec::new());
                for frame in streams::frames(&body, kind, 777) {
                    translator.frame(&carriage.unwrap(frame).unwrap(), &mut out);
                }
                translator.end(&mut out);
                told(&streams::reply(&streams::events(face, &out, codec::stream_content_type(face), out.len())))
            } else {
                continue;
            };
            let expected = Told {
                usage: meant.usage.or(came.usage),
                finish: meant.finish.clone().or(came.finish.clone()),
                ..meant.clone()
            };
            if came != expected {
                wrong.push(format!("{id} of {} as {face}: {came:?} and not {expected:?}", record.id));
            }
            *seen.entry(record.id.to_owned()).or_default() += 1;
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(seen.is_empty() || (seen.len() > 20 && seen.values().all(|count| *count >= 2)), "{seen:#?}");
}
