//! Stored responses: retrieved, deleted and listed where they are, which is here for translated ones and at their
//! provider for relayed ones. An id that is not the caller's does not exist.

use std::sync::Arc;

use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use tollgate_core::caller::Caller;
use tollgate_core::continuity::{Conversation, StoredResponse};
use tollgate_ir::{Dialect, Fault, FaultKind, Request as Asked};
use tollgate_wire::openai_responses::{self, Page};
use tollgate_wire::{codec, json};

use super::headers;
use super::outlet::ReplyBodyOut;
use super::reply::{self, Reply};
use crate::app::Gateway;
use crate::credentials::Outbound;
use crate::routes::StoredAction;
use crate::upstream::{Deadlines, Payload};

const FACE: Dialect = Dialect::OpenAiResponses;
/// Most bytes of a stored response at its provider.
const MAX: usize = 64 << 20;

/// Does what is wanted of a stored response.
pub async fn reply(
    gateway: &Gateway,
    caller: &Caller,
    id: &str,
    response: &str,
    action: StoredAction,
    query: Option<&str>,
) -> Reply {
    let now = gateway.clock().now();
    let Some(stored) = gateway.continuity().get_response(&caller.name, response, now).await else {
        return reply::fault(FACE, id, not_found(response).into(), None);
    };
    let result = match &stored.conversation {
        Some(conversation) => here(gateway, caller, response, conversation, action, query).await,
        None => there(gateway, &stored, response, action).await,
    };
    match result {
        Ok((status, body)) => {
            let mut reply = Response::new(ReplyBodyOut::whole(body));
            *reply.status_mut() = status;
            reply.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            headers::of_call(reply.headers_mut(), FACE, id, None);
            reply
        }
        Err(fault) => reply::fault(FACE, id, fault.into(), None),
    }
}

fn not_found(response: &str) -> Fault {
    let shown: String = response.chars().take(100).collect();
    Fault::new(FaultKind::NoSuchPath, format!("Response with id '{shown}' not found."))
}

type Answer = Result<(StatusCode, bytes::Bytes), Fault>;

async fn here(
    gateway: &Gateway,
    caller: &Caller,
    id: &str,
    kept: &Conversation,
    action: StoredAction,
    query: Option<&str>,
) -> Answer {
    let body = match action {
        StoredAction::Retrieve => kept.body.clone().into_bytes(),
        StoredAction::InputItems => {
            let turns = kept.turns.get(kept.own.clone()).unwrap_or_default().to_vec();
            let request = Asked { turns, ..Asked::default() };
            openai_responses::input_items(&request, id, page(query)).as_str().as_bytes().to_vec()
        }
        StoredAction::Delete => {
            gateway.continuity().delete_response(&caller.name, id, gateway.clock().now()).await;
            let mut out = Vec::new();
            json::object(&mut out, |o| {
                o.text("id", id);
                o.text("object", "response");
                o.boolean("deleted", true);
            });
            out
        }
        StoredAction::Cancel => {
            return Err(Fault::new(
                FaultKind::InvalidField,
                "Only responses that run in the background can be cancelled; this one is complete.",
            ));
        }
    };
    Ok((StatusCode::OK, body.into()))
}

/// `limit`, `after` and `order`, as the API has them.
fn page(query: Option<&str>) -> Page<'_> {
    let field = |name: &str| {
        let pairs = query?.split('&').filter_map(|pair| pair.split_once('='));
        pairs.filter(|(key, _)| *key == name).map(|(_, value)| value).next()
    };
    let usual = Page::default();
    let limit = field("limit").and_then(|n| n.parse().ok()).unwrap_or(usual.limit).clamp(1, 100);
    Page { limit, after: field("after"), ascending: field("order") == Some("asc") }
}

/// Asks the provider that keeps it.
async fn there(gateway: &Gateway, stored: &Arc<StoredResponse>, id: &str, action: StoredAction) -> Answer {
    let state = gateway.state();
    let gone = || not_found(id);
    let pin = stored.pin.as_ref().ok_or_else(gone)?;
    let provider = state.providers.get(&pin.provider).ok_or_else(gone)?;
    let way = provider.way(FACE, &stored.model).filter(|way| way.dialect == FACE).ok_or_else(gone)?;
    let keys = state.config.provider(&pin.provider).map(|p| p.keys.as_slice()).unwrap_or_default();
    let index = keys.iter().position(|key| Some(key.tag()) == pin.key).unwrap_or(0);
    let (method, tail) = match action {
        StoredAction::Retrieve => (Method::GET, ""),
        StoredAction::Delete => (Method::DELETE, ""),
        StoredAction::Cancel => (Method::POST, "/cancel"),
        StoredAction::InputItems => (Method::GET, "/input_items"),
    };
    if !id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-') {
        return Err(gone());
    }
    let request = Request::builder().method(method).uri(format!("{}/responses/{id}{tail}", way.base_url)).body(());
    let (head, ()) = request.map_err(|_| gone())?.into_parts();
    let credential = provider.credentials.get(index).cloned().unwrap_or_default();
    let deadlines = Deadlines { connect: provider.timeouts.connect, ..Deadlines::default() }.whole();
    let transport = gateway.transport(&provider.egress);
    let sent =
        Outbound { head: Box::new(head), payload: Payload::Empty, credential }.send(transport, &deadlines).await?;
    let (head, mut body) = sent.into_parts();
    let body = body.whole(MAX).await?;
    if head.status.is_success() {
        return Ok((head.status, body));
    }
    let lines: Vec<_> = head.headers.iter().filter_map(|(n, v)| Some((n.as_str(), v.to_str().ok()?))).collect();
    Err(codec::decode_fault(FACE, head.status.as_u16(), &lines, &body))
}
