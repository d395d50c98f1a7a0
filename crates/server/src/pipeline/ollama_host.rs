//! What tools made for Ollama expect of its host beside chats: that it lives, its version, its models' cards; and a model
//! loaded on request, which here always is.

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{HeaderMap, Response, request};
use hyper::body::Incoming;
use tollgate_core::authorize::authorize;
use tollgate_core::caller::Caller;
use tollgate_core::catalogue::{Capability, Model};
use tollgate_core::route::{Meaning, Target, resolve};
use tollgate_ir::{Dialect, Fault, Losses};
use tollgate_wire::json::{self, Node, ObjectWriter};
use tollgate_wire::target::ReplyContext;
use tollgate_wire::{codec, ollama};

use super::dispatch::{Body, Served};
use super::headers;
use super::outlet::ReplyBodyOut;
use super::receive::Call;
use super::reply::{self, Reply};
use super::settle::Settlement;
use crate::app::{Gateway, State};
use crate::body::{BodyLimits, Intake};
use crate::catalogue::BuiltIn;
use crate::provider::Way;
use crate::routes::{FaceCarriage, OllamaQuestion};

const FACE: Dialect = Dialect::Ollama;

/// The version of Ollama whose API is spoken here; tools ask for at least this or that one.
const VERSION: &str = "0.13.0";

/// When a model was last changed is not known here; the field must be a time.
const UNKNOWN_TIME: &str = "1970-01-01T00:00:00Z";

/// Answers a tool's question.
pub async fn reply(
    gateway: &Gateway,
    state: &State,
    caller: &Caller,
    id: &str,
    question: OllamaQuestion,
    head: request::Parts,
    body: Incoming,
) -> Reply {
    let made = match question {
        OllamaQuestion::Alive => Ok(("text/plain; charset=utf-8", Vec::new())),
        OllamaQuestion::Version => Ok((JSON, object(|o| o.text("version", VERSION)))),
        // Providers hold their models in memory, and say nothing of it.
        OllamaQuestion::Running => Ok((JSON, object(|o| o.array("models", |_| {})))),
        OllamaQuestion::Show => show(gateway, state, caller, head, body).await.map(|card| (JSON, card)),
    };
    let (content_type, body) = match made {
        Ok(made) => made,
        Err(fault) => return reply::fault(FACE, id, fault.into(), None),
    };
    let mut response = Response::new(ReplyBodyOut::whole(body));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers::of_call(response.headers_mut(), FACE, id, None);
    response
}

const JSON: &str = "application/json";

fn object(fill: impl FnOnce(&mut ObjectWriter<'_>)) -> Vec<u8> {
    let mut out = Vec::new();
    json::object(&mut out, fill);
    out
}

/// The card of a model.
async fn show(
    gateway: &Gateway,
    state: &State,
    caller: &Caller,
    head: request::Parts,
    body: Incoming,
) -> Result<Vec<u8>, Fault> {
    let max = usize::try_from(state.config.limits.body).unwrap_or(usize::MAX);
    let limits = BodyLimits { max, idle: state.config.server.body_timeout };
    let received = Intake::open(&head, body, limits, gateway.bodies(), gateway.tasks())?.whole().await?;
    let asked = Node::parse(&received.bytes)?;
    // `name` is what older clients say.
    let name = asked.text("model").or_else(|| asked.text("name")).filter(|name| !name.is_empty());
    let name = name.ok_or_else(|| Fault::field("model", "Missing required field: `model`."))?;
    let resolved = resolve(name, &state.config, &BuiltIn)?;
    authorize(caller, &resolved)?;
    let (family, base) = parts(name);
    let facts = match &resolved.meaning {
        Meaning::Virtual(_) => Model::default(),
        Meaning::Direct { provider, model } => state.config.model(provider, model),
    };
    let context = facts.context();
    Ok(object(|o| {
        ["modelfile", "parameters", "template", "license"].iter().for_each(|key| o.text(key, ""));
        o.object("details", |d| details(d, family));
        o.object("model_info", |m| {
            m.text("general.architecture", family);
            m.text("general.basename", base);
            if let Some(context) = context {
                m.uint(&format!("{family}.context_length"), context);
            }
        });
        o.array("capabilities", |a| {
            a.text("completion");
            // What is not known is left to the model to refuse.
            let able = |capability| facts.can(capability).unwrap_or(true);
            let words =
                [(Capability::Tools, "tools"), (Capability::Vision, "vision"), (Capability::Reasoning, "thinking")];
            words.iter().filter(|(capability, _)| able(*capability)).for_each(|(_, word)| a.text(word));
        });
        o.text("modified_at", UNKNOWN_TIME);
    }))
}

/// A model in the list of `/api/tags`.
pub fn describe(o: &mut ObjectWriter<'_>, name: &str) {
    o.text("name", name);
    o.text("model", name);
    o.text("modified_at", UNKNOWN_TIME);
    o.uint("size", 0);
    // Nobody here has the weights: the same name has the same digest, and another name another.
    o.text("digest", &digest(name));
    o.object("details", |d| details(d, parts(name).0));
}

/// Provider, and name there.
fn parts(name: &str) -> (&str, &str) {
    name.split_once('/').unwrap_or(("tollgate", name))
}

fn details(d: &mut ObjectWriter<'_>, family: &str) {
    d.text("parent_model", "");
    d.text("format", "");
    d.text("family", family);
    d.array("families", |a| a.text(family));
    d.text("parameter_size", "");
    d.text("quantization_level", "");
}

/// 64 hexadecimal digits, as a SHA-256 has.
fn digest(name: &str) -> String {
    crate::app::hash(name).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A chat's whole reply in the form that the client asked in, where that is another.
pub fn as_asked(call: &Call, reply: &[u8]) -> Option<Bytes> {
    (call.carriage == FaceCarriage::OllamaGenerate).then(|| ollama::as_generate(reply)).flatten().map(Bytes::from)
}

/// The answer to a request that says nothing and so only loads a model: an Ollama host is asked, any other has it loaded.
pub fn loaded(gateway: &Gateway, call: &Call, target: &Target, way: &Way, settlement: &Settlement) -> Option<Served> {
    if call.face != FACE || way.dialect == FACE || !ollama::only_loads(&call.body, &call.envelope) {
        return None;
    }
    let context = ReplyContext {
        model: target.model.to_string(),
        created: gateway.clock().now().unix_ms / 1000,
        stopwatch: settlement.stopwatch(),
        ..ReplyContext::default()
    };
    let generate = call.carriage == FaceCarriage::OllamaGenerate;
    let bytes = ollama::loaded(&call.body, &call.envelope, &context, generate);
    Some(Served {
        target: target.clone(),
        headers: HeaderMap::new(),
        body: Body::Whole { bytes: bytes.into(), outcome: Box::default() },
        losses: Losses::new(codec::path_of(FACE)),
    })
}
