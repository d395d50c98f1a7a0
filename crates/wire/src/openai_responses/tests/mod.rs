//! Fixtures of our own, written after the API reference; cases of the acceptance list by their names.

mod contract;
mod properties;
mod replies;
mod requests;
mod streams;

use bytes::Bytes;
use tollgate_ir::{Event, Fault, Losses, Request};

use super::{StreamDecoder, StreamEncoder, decode_request, encode_request, path_of};
use crate::frame::Frame;
use crate::ids::{IdRule, ToolNames};
use crate::json::Node;
use crate::target::{ModelFacts, ReplyContext, RequestHead, Target};

/// Decodes; the losses as `path;reason`.
fn decode(body: &str) -> Result<(Request, Vec<String>), Fault> {
    let mut losses = Losses::new(path_of);
    let request = decode_request(body.as_bytes(), &RequestHead::default(), &mut losses)?;
    Ok((request, told(&losses)))
}

/// Encodes for a model; the losses as `path;reason`.
fn encode(request: &Request, model: &str) -> Result<(String, Vec<String>), Fault> {
    let (names, facts) = (ToolNames::new(request, IdRule::WIDE), ModelFacts::default());
    let mut losses = Losses::new(path_of);
    let encoded = encode_request(request, &Target { model, names: &names, facts: &facts }, &mut losses)?;
    Ok((String::from_utf8(encoded.body).unwrap(), told(&losses)))
}

fn told(losses: &Losses) -> Vec<String> {
    losses.all().iter().map(|l| format!("{};{}", l.path, l.reason.as_str())).collect()
}

fn context() -> ReplyContext {
    ReplyContext { id: "0123".into(), model: "m".into(), created: 1_700_000_000, ..ReplyContext::default() }
}

/// The events of a stream whose frames have these payloads.
fn read(payloads: &[&str]) -> Vec<Event> {
    let (mut decoder, mut out) = (StreamDecoder::default(), Vec::new());
    for payload in payloads {
        let data = Bytes::copy_from_slice(payload.as_bytes());
        decoder.frame(&Frame { raw: data.clone(), event: Bytes::new(), data, exception: false }, &mut out);
    }
    decoder.end(&mut out);
    out
}

/// The payloads that the encoder writes for events, each after a check of its framing.
fn write(events: &[Event]) -> Vec<String> {
    let (mut encoder, mut out) = (StreamEncoder::new(context()), Vec::new());
    events.iter().for_each(|event| encoder.event(event, &mut out));
    payloads(&out)
}

fn payloads(stream: &[u8]) -> Vec<String> {
    let text = std::str::from_utf8(stream).unwrap();
    let frame = |frame: &str| {
        let (name, data) = frame.strip_prefix("event: ").unwrap().split_once("\ndata: ").unwrap();
        assert_eq!(Node::read(data.as_bytes()).unwrap().text("type"), Some(name), "{frame}");
        data.to_owned()
    };
    text.split("\n\n").filter(|f| !f.is_empty()).map(frame).collect()
}
