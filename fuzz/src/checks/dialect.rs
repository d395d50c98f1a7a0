//! One dialect as face and as upstream: what it reads, every other dialect can be written from, the same each time.

use std::collections::HashMap;
use std::sync::LazyLock;

use tollgate_ir::{Dialect, Fault, Finish, Losses, Request};
use tollgate_wire::codec;
use tollgate_wire::json::Envelope;
use tollgate_wire::target::{ModelFacts, RequestHead};
use tollgate_wire::translate::Translation;

use super::{output, stream};

/// What an input's first byte asks for.
pub const OPERATIONS: u8 = 5;
pub const DECODE_REQUEST: u8 = 0;
pub const TRANSLATE_REQUEST: u8 = 1;
pub const REPLY: u8 = 2;
pub const STREAM: u8 = 3;
pub const FAULT: u8 = 4;

/// One of each class of models that tables of rules tell apart.
const MODELS: [&str; 16] = [
    "gpt-4o",
    "gpt-5.1",
    "o3-mini",
    "claude-3-haiku-20240307",
    "claude-sonnet-4-5",
    "claude-opus-4-7",
    "gemini-2.0-flash",
    "gemini-2.5-pro",
    "gemini-3-pro-preview",
    "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
    "us.anthropic.claude-opus-4-7-v1",
    "us.amazon.nova-2-lite-v1:0",
    "us.meta.llama4-maverick-17b-instruct-v1:0",
    "mistral-large-latest",
    "command-a-reasoning-08-2025",
    "deepseek/deepseek-r1",
];

const STATUSES: [u16; 12] = [200, 400, 401, 403, 404, 408, 413, 424, 429, 500, 503, 529];

/// The call whose answers are translated: tools of both kinds, and an output that some dialects need a tool for.
const ASKED: &str = r#"{"model":"m","stream":true,"stream_options":{"include_usage":true},
    "messages":[{"role":"user","content":"Hi"}],
    "tools":[{"type":"function","function":{"name":"get_weather","parameters":{"type":"object","properties":{}}}},
             {"type":"custom","custom":{"name":"run"}}],
    "response_format":{"type":"json_schema","json_schema":{"name":"out","schema":{"type":"object","properties":{}}}}}"#;

static REQUEST: LazyLock<Request> = LazyLock::new(|| {
    decode(Dialect::OpenAiChat, 0, ASKED.as_bytes()).0.unwrap_or_else(|fault| panic!("our own request: {fault}"))
});

static WAYS: LazyLock<HashMap<(Dialect, Dialect), Translation>> = LazyLock::new(|| {
    let pairs = Dialect::ALL.into_iter().flat_map(|face| Dialect::ALL.map(|upstream| (face, upstream)));
    pairs.map(|(face, upstream)| ((face, upstream), new_way(face, upstream))).collect()
});

fn new_way(face: Dialect, upstream: Dialect) -> Translation {
    let mut losses = Losses::new(codec::path_of(face));
    // A model that is told of its output's form by a tool, where its dialect knows such models.
    let model = if upstream == Dialect::Bedrock { MODELS[11] } else { MODELS[3] };
    let made = Translation::request(face, upstream, &REQUEST, model, &ModelFacts::default(), &mut losses);
    made.unwrap_or_else(|fault| panic!("our own request: {fault}")).1
}

/// The way of [`ASKED`]'s answers from an upstream to a face.
pub fn way(face: Dialect, upstream: Dialect) -> Translation {
    WAYS[&(face, upstream)].clone()
}

/// The call that is answered.
pub fn asked() -> &'static Request {
    &REQUEST
}

/// One input: `[operation, choice, body…]`.
pub fn check(dialect: Dialect, data: &[u8]) {
    let [operation, choice, body @ ..] = data else { return };
    match operation % OPERATIONS {
        DECODE_REQUEST => drop(request(dialect, *choice, body)),
        TRANSLATE_REQUEST => translated(dialect, *choice, body),
        REPLY => reply(dialect, body),
        STREAM => stream::check(dialect, *choice, body),
        _ => fault(dialect, *choice, body),
    }
}

fn decode(face: Dialect, choice: u8, body: &[u8]) -> (Result<Request, Fault>, Losses) {
    let mut losses = Losses::new(codec::path_of(face));
    let head = RequestHead {
        model: (choice & 1 == 1).then_some("path-model"),
        stream: [None, Some(true), Some(false), None][usize::from(choice >> 1) % 4],
        is_scanned: Envelope::scan(body).is_ok(),
    };
    (codec::decode_request(face, body, &head, &mut losses), losses)
}

/// What the face reads, the same each time.
fn request(face: Dialect, choice: u8, body: &[u8]) -> Option<Request> {
    let (decoded, losses) = decode(face, choice, body);
    let (again, losses_again) = decode(face, choice, body);
    assert_eq!(decoded.as_ref().ok(), again.as_ref().ok(), "the same body, another request");
    assert_eq!(losses.all(), losses_again.all(), "the same body, other losses");
    match decoded {
        Ok(request) => {
            if let Some(echo) = codec::echo(face, &request) {
                output::bounded("echo", body.len(), echo.as_str().len());
            }
            Some(request)
        }
        Err(fault) => {
            told("a request's fault", face, &fault, body.len());
            None
        }
    }
}

fn translated(face: Dialect, choice: u8, body: &[u8]) {
    let Some(request) = request(face, choice, body) else { return };
    let model = MODELS[usize::from(choice >> 4)];
    for upstream in Dialect::ALL {
        let encode = || {
            let mut losses = Losses::new(codec::path_of(face));
            let made = Translation::request(face, upstream, &request, model, &ModelFacts::default(), &mut losses);
            (made.map(|(encoded, _)| encoded), losses)
        };
        let ((made, losses), (again, losses_again)) = (encode(), encode());
        assert_eq!(made.as_ref().ok(), again.as_ref().ok(), "{upstream}: the same request, another body");
        assert_eq!(losses.all(), losses_again.all(), "{upstream}: the same request, other losses");
        match made {
            Ok(encoded) => {
                output::object(upstream.as_str(), &encoded.body);
                output::bounded(upstream.as_str(), body.len(), encoded.body.len());
                understood(upstream, &encoded.body);
            }
            Err(fault) => told(upstream.as_str(), face, &fault, body.len()),
        }
    }
}

/// What is written for an upstream, its own face reads; but a conversation of no words, which some take and others not.
fn understood(upstream: Dialect, body: &[u8]) {
    if let Err(fault) = decode(upstream, 1, body).0
        && !matches!(fault.param.as_deref(), Some("messages" | "contents" | "input"))
    {
        panic!("{upstream} does not read its own: {fault}: {}", String::from_utf8_lossy(body));
    }
}

fn reply(upstream: Dialect, body: &[u8]) {
    for face in Dialect::ALL {
        let way = way(face, upstream);
        let read = way.reply(body);
        assert_eq!(read.as_ref().ok(), way.reply(body).as_ref().ok(), "the same body, another reply");
        match read {
            Ok(reply) => {
                let context = stream::context(face);
                let written = codec::encode_reply(face, &reply, &context);
                assert_eq!(
                    codec::encode_reply(face, &reply, &context),
                    written,
                    "{face}: the same reply, another body"
                );
                output::object(face.as_str(), &written);
                output::bounded(face.as_str(), body.len(), written.len());
                let failed = reply.choices.iter().any(|choice| matches!(choice.finish, Some(Finish::Error(_))));
                if let Err(fault) = codec::decode_reply(face, &written)
                    && !failed
                {
                    panic!("{face} does not read its own: {fault}: {}", String::from_utf8_lossy(&written));
                }
            }
            Err(fault) => told("a reply's fault", face, &fault, body.len()),
        }
    }
}

fn fault(upstream: Dialect, choice: u8, body: &[u8]) {
    let status = STATUSES[usize::from(choice) % STATUSES.len()];
    let headers = [("retry-after", "7"), ("x-ratelimit-remaining-requests", "0"), ("content-type", "application/json")];
    let read = codec::decode_fault(upstream, status, &headers, body);
    let again = codec::decode_fault(upstream, status, &headers, body);
    assert_eq!(format!("{read:?}"), format!("{again:?}"), "the same body, another fault");
    for face in Dialect::ALL {
        told("an error", face, &read, body.len());
    }
}

/// A fault as a client gets it, in a body and in a stream.
fn told(what: &str, face: Dialect, fault: &Fault, input: usize) {
    let body = codec::encode_fault(face, fault, "req_1");
    output::object(what, &body);
    output::bounded(what, input, body.len());
    let frame = codec::fault_frame(face, fault);
    output::events(face, what, &frame);
    output::bounded(what, input, frame.len());
    assert!((100..600).contains(&fault.status), "{what}: status {}", fault.status);
}
