//! The body under a cap, its envelope, and the model that the caller asks for and may use.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderValue, request};
use hyper::body::Incoming;
use tollgate_core::caller::Caller;
use tollgate_core::route::{Meaning, Resolved};
use tollgate_ir::{Dialect, Fault, FaultKind, Operation};
use tollgate_wire::codec;
use tollgate_wire::json::{Envelope, Patch, apply};
use tollgate_wire::ops::{embed, rerank};
use tollgate_wire::relay::forbidden_overrides;
use tollgate_wire::target::RequestHead;

use super::asks::{self, Asks, Found};
use super::completions::Legacy;
use super::wishes::Wishes;
use crate::app::{Gateway, State};
use crate::body::{BodyLimits, Intake, Reservation};
use crate::routes::FaceCarriage;
use crate::tasks::{in_box, work};

/// A body under this may be a slice of the connection's buffer, which it would keep.
const COPIED: usize = 16 * 1024;

/// A call for a model: whose, what, and in which words.
pub struct Call {
    /// Who calls.
    pub caller: Arc<Caller>,
    /// In which dialect.
    pub face: Dialect,
    /// How the client's side is carried.
    pub carriage: FaceCarriage,
    /// What is asked for.
    pub operation: Operation,
    /// In whose words, where those are no dialect of chat.
    pub task: Task,
    /// The request as it came, where it is a legacy completion; `body` is a chat's then.
    pub legacy: Option<Box<Legacy>>,
    /// The head, for what is forwarded of it.
    pub head: request::Parts,
    /// The body.
    pub body: Bytes,
    /// Where its members stand.
    pub envelope: Envelope,
    /// The model in the path, where the face has it there.
    pub path_model: Option<String>,
    /// What the name asked for means.
    pub resolved: Resolved,
    /// The client wants events.
    pub stream: bool,
    /// What it asks of the gateway.
    pub wishes: Wishes,
    /// What it asks of routing beside its model, where it does.
    pub asks: Option<Box<Asks>>,
    /// The state that it began with.
    pub state: Arc<State>,
    /// The memory that the body holds, while it does.
    pub reservation: Option<Reservation>,
}

/// In whose words something is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Task {
    /// The face's dialect.
    Chat,
    /// Vectors.
    Embed(embed::Protocol),
    /// A ranking.
    Rerank(rerank::Protocol),
    /// Whatever a model of Bedrock does with a body of its own.
    Invoke,
}

/// What the route says of the call.
pub struct Asked {
    /// In which dialect.
    pub face: Dialect,
    /// How the client's side is carried.
    pub carriage: FaceCarriage,
    /// What is asked for.
    pub operation: Operation,
    /// In whose words, where those are no dialect of chat.
    pub task: Task,
    /// The model in the path.
    pub model: Option<String>,
    /// Whether to stream, where the path says so.
    pub stream: Option<bool>,
}

impl Call {
    /// Of a request whose model is known; its body is still to come.
    pub fn new(
        asked: Asked,
        caller: Arc<Caller>,
        state: Arc<State>,
        head: request::Parts,
        resolved: Resolved,
        wishes: Wishes,
        reservation: Reservation,
    ) -> Self {
        Self {
            caller,
            face: asked.face,
            carriage: asked.carriage,
            operation: asked.operation,
            task: asked.task,
            legacy: None,
            head,
            body: Bytes::new(),
            envelope: Envelope::default(),
            path_model: asked.model,
            resolved,
            stream: false,
            wishes,
            asks: None,
            state,
            reservation: Some(reservation),
        }
    }

    /// The same call with another body.
    pub async fn with_body(&self, gateway: &Gateway, body: Bytes, stream: bool) -> Result<Self, Fault> {
        let edits: &[_] = if stream { &[] } else { &[Patch::delete("stream"), Patch::delete("stream_options")] };
        let body = apply(&body, &Envelope::scan(&body)?, edits);
        Ok(Self {
            caller: Arc::clone(&self.caller),
            face: self.face,
            carriage: self.carriage,
            operation: self.operation,
            task: self.task,
            legacy: None,
            head: self.head.clone(),
            envelope: Envelope::scan(&body)?,
            body,
            path_model: self.path_model.clone(),
            resolved: self.resolved.clone(),
            stream,
            wishes: self.wishes.clone(),
            asks: self.asks.clone(),
            state: Arc::clone(&self.state),
            reservation: Some(gateway.bodies().reserve(0).await?),
        })
    }

    /// The names that may serve, in order: the one asked for, and the request's own fallbacks.
    pub fn names(&self) -> impl Iterator<Item = &Resolved> {
        std::iter::once(&self.resolved).chain(self.asks.iter().flat_map(|asks| &asks.also))
    }

    /// The answer has begun. What another target would be asked stays, if one may have to be; but not the buffer that it came
    /// in, which is larger. Else head and body are done with.
    pub fn is_answered(&mut self, may_ask_again: bool) {
        let head = std::mem::replace(&mut self.head, http::Request::new(()).into_parts().0);
        if !may_ask_again {
            (self.body, self.envelope) = (Bytes::new(), Envelope::default());
            (self.legacy, self.asks) = (None, None);
            self.reservation = None;
            return;
        }
        if self.body.len() < COPIED {
            self.body = Bytes::copy_from_slice(&self.body);
        }
        self.head.headers.reserve(head.headers.len());
        for (name, value) in &head.headers {
            if let Ok(mut copy) = HeaderValue::from_bytes(value.as_bytes()) {
                copy.set_sensitive(value.is_sensitive());
                self.head.headers.append(name.clone(), copy);
            }
        }
        let uri = head.uri.to_string().parse();
        (self.head.method, self.head.uri) = (head.method, uri.unwrap_or(head.uri));
        self.head.version = head.version;
    }

    /// What a legacy completion wants repeated before the answer.
    pub fn echo(&self) -> &str {
        let chats = self.legacy.as_ref().and_then(|legacy| legacy.chats.as_ref().ok());
        chats.and_then(|chats| chats.echoes.first()).map_or("", String::as_str)
    }

    /// What is known of the request beside its body, for decoders.
    pub fn request_head(&self) -> RequestHead<'_> {
        let stream = self.path_model.is_some().then_some(self.stream);
        RequestHead { model: self.path_model.as_deref(), stream, is_scanned: true }
    }
}

/// Takes the body in, and refuses as soon as its model is known to be bad.
pub async fn receive(
    gateway: &Gateway,
    state: Arc<State>,
    caller: Arc<Caller>,
    asked: Asked,
    head: request::Parts,
    body: Incoming,
) -> Result<Box<Call>, Fault> {
    // A head that cannot be read is refused before the body is.
    let wishes = Wishes::of(&head.headers)?;
    let check = |name: &str| asks::check(name, &caller, &state);
    let from_path = asked.model.as_deref().map(check).transpose()?;
    let limits = BodyLimits {
        max: usize::try_from(state.config.limits.body).unwrap_or(usize::MAX),
        idle: state.config.server.body_timeout,
    };
    let mut intake = Intake::open(&head, body, limits, gateway.bodies(), gateway.tasks())?;
    let mut early = match from_path {
        Some(resolved) => Early { resolved: Some(resolved), ..Early::default() },
        None => Early::of(intake.peek().await?, check)?,
    };
    let received = intake.whole().await?;
    let envelope = match early.envelope.take().filter(|_| early.seen == received.bytes.len()) {
        Some(envelope) => envelope,
        None => work(received.bytes.len(), || Envelope::scan(&received.bytes)).await?,
    };
    if let Some(fault) = forbidden_overrides(&received.bytes, &envelope) {
        return Err(fault);
    }
    let (resolved, sort) = match early.resolved {
        Some(found) => found,
        // It stands past the beginning, or nowhere.
        None => check(envelope.model().ok_or_else(missing_model)?)?,
    };
    let streams = matches!(asked.operation, Operation::Chat | Operation::Complete);
    let stream = streams && asked.stream.unwrap_or_else(|| streams_by(asked.face, &received.bytes, &envelope));
    let asked = by_invoke_model(asked, &envelope, &resolved, &state);
    let asks = asks::of(&head.headers, &received.bytes, &envelope, &resolved, sort, &caller, &state)?;
    let mut call = in_box(|| Call::new(asked, caller, state, head, resolved, wishes, received.reservation));
    (call.body, call.envelope, call.stream, call.asks) = (received.bytes, envelope, stream, asks);
    if call.carriage == FaceCarriage::Completions {
        let legacy = Legacy::of(&call.body, &call.envelope);
        if let Some(first) = legacy.chats.as_ref().ok().and_then(|chats| chats.bodies.first()) {
            call.body = first.clone().into();
            call.envelope = Envelope::scan(&call.body)?;
        }
        call.legacy = Some(Box::new(legacy));
    }
    Ok(call)
}

/// Bedrock's `InvokeModel` takes any model's own body: what it holds tells what is asked for, and if it does not, the
/// model that is named.
fn by_invoke_model(asked: Asked, envelope: &Envelope, resolved: &Resolved, state: &State) -> Asked {
    if asked.carriage != FaceCarriage::BedrockInvoke {
        return asked;
    }
    let has = |key: &str| envelope.member(key).is_some();
    let whole = asked.stream != Some(true);
    let generates = has("textGenerationConfig") || invokes(resolved, state, |model| model.contains("titan-text"));
    let (operation, task) = if whole && (has("inputText") && !generates || has("inputImage")) {
        (Operation::Embed, Task::Embed(embed::Protocol::Titan))
    } else if whole && has("input_type") && (has("texts") || has("images") || has("inputs")) {
        (Operation::Embed, Task::Embed(embed::Protocol::BedrockCohere))
    } else if whole && has("query") && has("documents") {
        (Operation::Rerank, Task::Rerank(rerank::Protocol::Bedrock))
    } else if has("anthropic_version") || is_claudes(envelope) && !invokes(resolved, state, |m| !m.contains("claude")) {
        return asked;
    } else {
        (asked.operation, Task::Invoke)
    };
    Asked { face: Dialect::Bedrock, carriage: FaceCarriage::Own, operation, task, ..asked }
}

/// Whether a body without the version that AWS demands of Claude's may be a Messages request all the same: those of other
/// models have no `messages`, or have beside them what Claude refuses (Nova).
fn is_claudes(envelope: &Envelope) -> bool {
    let has = |key: &str| envelope.member(key).is_some();
    has("messages") && !has("schemaVersion") && !has("inferenceConfig")
}

/// Whether a model of a host of Bedrock's is meant, of which this holds.
fn invokes(resolved: &Resolved, state: &State, holds: impl Fn(&str) -> bool) -> bool {
    let Meaning::Direct { provider, model } = &resolved.meaning else { return false };
    let host = state.providers.get(provider);
    host.is_some_and(|host| host.way_in(Dialect::Bedrock).is_some()) && holds(model)
}

/// Whether a body asks for a stream; of some faces one that says nothing does.
pub fn streams_by(face: Dialect, body: &[u8], envelope: &Envelope) -> bool {
    let unsaid = || envelope.raw(body, "stream").is_none_or(|raw| raw == b"null");
    envelope.stream() || codec::streams_unasked(face) && unsaid()
}

/// What the beginning of a body told.
#[derive(Default)]
struct Early {
    /// What the model's name means, which the caller may use.
    resolved: Option<Found>,
    /// The scan, if the beginning was all of it: a small body is looked through once.
    envelope: Option<Envelope>,
    /// So many bytes were looked at.
    seen: usize,
}

impl Early {
    /// The beginning is enough to refuse a bad model; that the rest is missing is no fault yet.
    fn of(beginning: &[u8], check: impl FnOnce(&str) -> Result<Found, Fault>) -> Result<Self, Fault> {
        let mut resolved = None;
        let mut refused = None;
        let envelope = Envelope::scan_checking(beginning, |model| match check(model) {
            Ok(meaning) => {
                resolved = Some(meaning);
                Ok(())
            }
            Err(fault) => {
                refused = Some(fault.clone());
                Err(fault)
            }
        });
        match refused {
            Some(fault) => Err(fault),
            None => Ok(Self { resolved, envelope: envelope.ok(), seen: beginning.len() }),
        }
    }
}

fn missing_model() -> Fault {
    let mut fault =
        Fault::new(FaultKind::InvalidField, "Missing required field: `model`. Name a model, such as `openai/gpt-5.5`.");
    fault.param = Some("model".to_owned());
    fault
}
