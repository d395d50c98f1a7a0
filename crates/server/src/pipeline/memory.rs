//! What is remembered between the calls of one conversation, met by the pipeline: recalled before a request is
//! translated, kept after its answer.

use std::collections::HashMap;
use std::sync::Arc;

use tollgate_core::continuity::{
    Conversation, StoredResponse, has_foreign, keep, remember, report_foreign, restore, resume, strip_foreign,
    unknown_response, wanted,
};
use tollgate_core::route::{Pin, Resolved, Target};
use tollgate_ir::{Dialect, Fault, Issuer, Losses, Operation, Reply, Request};
use tollgate_wire::json::Node;
use tollgate_wire::{codec, openai_responses, ops};

use super::owners::Owners;
use super::receive::Call;
use crate::app::Gateway;
use crate::tasks::work;

/// What is known of the response that a call continues.
#[derive(Clone)]
pub struct Recalled {
    /// Where its provider keeps it: only that target is asked.
    pub pin: Option<Pin>,
    /// The conversation, where it was kept here.
    pub stored: Option<Arc<StoredResponse>>,
}

/// What is known of a call before a target is chosen.
#[derive(Clone)]
pub struct Known {
    /// Of the response that it continues.
    pub recalled: Recalled,
    /// Who made the encrypted reasoning that it carries.
    pub owners: Owners,
    /// The request in the IR, where it had to be read already.
    pub understood: Option<Box<Understood>>,
}

impl Known {
    /// Of a call that continues none.
    pub fn nothing() -> Self {
        Self { recalled: Recalled { pin: None, stored: None }, owners: Owners::default(), understood: None }
    }
}

impl Recalled {
    /// The call has to be read, since it stands on what is kept here.
    pub fn continues(&self) -> bool {
        self.stored.as_ref().is_some_and(|stored| stored.conversation.is_some())
    }

    /// Reads as much of the call as the choice of a target depends on.
    pub async fn understand(self, gateway: &Gateway, call: &Call) -> Result<Known, Fault> {
        if call.face == Dialect::OpenAiResponses && !self.continues() {
            return Ok(Known { owners: Owners::of_body(gateway, call).await, recalled: self, understood: None });
        }
        // Only those who speak Responses make reasoning that others of their kind cannot read.
        let seals = call.names().flat_map(Resolved::targets).any(|(provider, model)| {
            let way = call.state.providers.get(provider).and_then(|p| p.way(call.face, model));
            way.is_some_and(|way| way.dialect == Dialect::OpenAiResponses)
        });
        if !seals {
            return Ok(Known { recalled: self, owners: Owners::default(), understood: None });
        }
        let understood = Understood::of(gateway, call, &self).await?;
        let owners = Owners::of_request(gateway, call, &understood.request).await;
        Ok(Known { recalled: self, owners, understood: Some(Box::new(understood)) })
    }
}

/// Looks up the response that the call continues, if it does.
pub async fn recall(gateway: &Gateway, call: &Call) -> Result<Recalled, Fault> {
    let nothing = Recalled { pin: None, stored: None };
    if call.face != Dialect::OpenAiResponses {
        return Ok(nothing);
    }
    let Some(id) = call.envelope.text(&call.body, "previous_response_id") else { return Ok(nothing) };
    let now = gateway.clock().now();
    match gateway.continuity().get_response(&call.caller.name, &id, now).await {
        Some(stored) => Ok(Recalled { pin: stored.pin.clone(), stored: Some(stored) }),
        // Nobody's conversation can be read by whoever calls without keys: the provider may know the id.
        None if call.state.is_open() => Ok(nothing),
        None => Err(unknown_response(&id)),
    }
}

/// The client's request in the IR, with what was remembered put back.
#[derive(Clone)]
pub struct Understood {
    /// The request; most targets are asked it as it is.
    pub request: Arc<Request>,
    /// What the IR has no word for.
    pub losses: Losses,
    /// How many of its turns came from the response before it.
    pub before: usize,
}

impl Understood {
    /// Decodes the call, puts the conversation that it continues before it, and the opaque state of calls back.
    pub async fn of(gateway: &Gateway, call: &Call, recalled: &Recalled) -> Result<Self, Fault> {
        let mut losses = Losses::new(codec::path_of(call.face));
        let decode = match call.operation {
            Operation::CountTokens => ops::count::decode_request,
            _ => codec::decode_request,
        };
        let decoding = || decode(call.face, &call.body, &call.request_head(), &mut losses);
        let mut request = work(call.body.len(), decoding).await?;
        request.stream = call.stream;
        let mut before = 0;
        if let Some(id) = request.previous_response.clone() {
            let conversation = recalled.stored.as_ref().and_then(|stored| stored.conversation.as_ref());
            let conversation = conversation.ok_or_else(|| unknown_response(&id))?;
            before = conversation.turns.len();
            resume(&mut request, conversation);
        }
        refer(gateway, call, &mut request).await?;
        let ids = wanted(&request);
        if !ids.is_empty() {
            let now = gateway.clock().now();
            let saved: HashMap<_, _> =
                gateway.continuity().get_calls(&call.caller.name, &ids, now).await.into_iter().collect();
            restore(&mut request, |id| saved.get(id).cloned());
        }
        Ok(Self { request: Arc::new(request), losses, before })
    }

    /// The request without the seals that this dialect's providers cannot read, and what goes with them.
    pub fn for_dialect(&self, dialect: Dialect, losses: &mut Losses) -> Arc<Request> {
        let mut request = Arc::clone(&self.request);
        let readable = readable(dialect);
        if has_foreign(&request, readable) {
            report_foreign(&request, readable, losses);
            strip_foreign(Arc::make_mut(&mut request), readable);
        }
        request
    }
}

/// Puts items of earlier responses in the places where the request refers to them by id.
async fn refer(gateway: &Gateway, call: &Call, request: &mut Request) -> Result<(), Fault> {
    if call.face != Dialect::OpenAiResponses {
        return Ok(());
    }
    let now = gateway.clock().now();
    let mut bodies = HashMap::new();
    for id in openai_responses::referred_responses(request) {
        let stored = gateway.continuity().get_response(&call.caller.name, &id, now).await;
        if let Some(conversation) = stored.as_ref().and_then(|s| s.conversation.as_ref()) {
            bodies.insert(id, conversation.body.clone());
        }
    }
    openai_responses::resolve_references(request, &bodies)
}

const fn readable(dialect: Dialect) -> &'static [Issuer] {
    match dialect {
        Dialect::OpenAiChat => &[Issuer::Anthropic, Issuer::Gemini, Issuer::OpenAi],
        Dialect::OpenAiResponses => &[Issuer::OpenAi],
        Dialect::Anthropic | Dialect::Bedrock => &[Issuer::Anthropic],
        Dialect::Gemini => &[Issuer::Gemini],
        Dialect::Cohere | Dialect::Ollama => &[],
    }
}

/// Whether the whole answer must be kept in memory for what is remembered of it.
pub fn wants_reply(call: &Call, upstream: Dialect, request: &Request) -> bool {
    let seals = matches!(upstream, Dialect::Anthropic | Dialect::Bedrock | Dialect::Gemini | Dialect::OpenAiResponses);
    (seals && !request.tools.is_empty()) || keeps_response(call, request)
}

/// Whether the conversation is kept under the response's id.
pub fn keeps_response(call: &Call, request: &Request) -> bool {
    call.face == Dialect::OpenAiResponses && call.state.config.responses_state && request.params.store != Some(false)
}

/// Remembers a translated answer: the opaque state of its calls, and the conversation under its id.
pub async fn remember_reply(
    gateway: &Gateway,
    call: &Call,
    request: &Request,
    before: usize,
    reply: &Reply,
    body: &[u8],
) {
    let now = gateway.clock().now();
    let caller = &call.caller.name;
    if let Some(first) = reply.choices.first() {
        let saved = remember(&first.blocks);
        if !saved.is_empty() {
            gateway.continuity().put_calls(caller, saved, now).await;
        }
    }
    if !keeps_response(call, request) {
        return;
    }
    let Some(id) = Node::read(body).and_then(|node| node.text("id").map(str::to_owned)) else { return };
    let conversation: Conversation = keep(request, before, reply, String::from_utf8_lossy(body).into_owned());
    let stored = StoredResponse { model: call.resolved.asked.to_string(), pin: None, conversation: Some(conversation) };
    gateway.continuity().put_response(caller, &id, Arc::new(stored), now).await;
}

/// Remembers where a relayed response lives.
pub async fn remember_pin(gateway: &Gateway, call: &Call, target: &Target, id: Option<&str>) {
    let Some(id) = id.filter(|_| call.face == Dialect::OpenAiResponses) else { return };
    let stored = StoredResponse {
        model: call.resolved.asked.to_string(),
        pin: Some(target.pin(&call.state.config)),
        conversation: None,
    };
    gateway.continuity().put_response(&call.caller.name, id, Arc::new(stored), gateway.clock().now()).await;
}
