//! One target's request: the client's bytes patched where both sides speak the same dialect, else a translation.

use std::borrow::Cow;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName};
use http::{HeaderMap, HeaderValue, Method, Request, Uri};
use tollgate_core::config::Unsupported;
use tollgate_core::route::{Meaning, Target};
use tollgate_ir::{self as ir, Dialect, Fault, FaultKind, Losses, Operation};
use tollgate_wire::carriage::forwards_request_header;
use tollgate_wire::json::{self, Envelope, Patch, apply};
use tollgate_wire::openai_chat::Begun;
use tollgate_wire::ops::count::Counter;
use tollgate_wire::relay::{self, RelayRequest, relay_request};
use tollgate_wire::translate::Translation;
use tollgate_wire::{codec, gemini, openai_responses};

use super::identify::client_credentials;
use super::memory::Understood;
use super::owners::Owners;
use super::reasoning;
use super::receive::Call;
use crate::app::{Gateway, hash};
use crate::credentials::{Credential, Outbound, Secret};
use crate::provider::{Provider, Way};
use crate::routes::FaceCarriage;
use crate::tasks::work;
use crate::upstream::Payload;

/// Marks requests that passed a Tollgate, so that one that comes back to us is refused and not sent round and round.
pub const HOP: HeaderName = HeaderName::from_static("x-tollgate-hop");

/// Where Anthropic's clients say which betas they want.
const BETA: HeaderName = HeaderName::from_static("anthropic-beta");

/// Room for our own headers, the credential and what usually crosses.
const ROOM: usize = 6;

/// How many Tollgates a request has passed.
pub fn hops(headers: &HeaderMap) -> u32 {
    headers.get(HOP).and_then(|hop| hop.to_str().ok()?.parse().ok()).unwrap_or(0)
}

/// A request for one target, and how to read its answer.
pub struct Prepared {
    /// What goes up.
    pub request: Outbound,
    /// How the answer comes back.
    pub back: Back,
    /// What could not be kept.
    pub losses: Losses,
}

/// How an answer comes back.
pub enum Back {
    /// As it is.
    Relay {
        /// Chunks that hold nothing but usage are taken out.
        hide_usage: bool,
    },
    /// Across dialects.
    Translate {
        /// What has to be undone.
        translation: Box<Translation>,
        /// What was asked, with what was remembered of the conversation.
        request: Arc<ir::Request>,
    },
}

/// The body in the target's dialect and what the headers must say.
struct Written {
    /// In pieces.
    body: Vec<Bytes>,
    back: Back,
    betas: Vec<String>,
    begun: Begun,
}

/// Prepares a call for one target. With `understood` it is translated, else relayed.
pub async fn prepare(
    gateway: &Gateway,
    call: &Call,
    provider: &Provider,
    target: &Target,
    way: &Way,
    understood: Option<&Understood>,
    owners: &Owners,
) -> Result<Prepared, Fault> {
    let (written, losses) = match understood {
        None => {
            let mut losses = Losses::new(codec::path_of(call.face));
            let restored = reasoning::restore(gateway, call, provider, &target.model, &mut losses).await;
            (relay(call, provider, target, way, owners, restored, &mut losses), losses)
        }
        Some(understood) => {
            let mut losses = understood.losses.clone();
            let translating = || translate(call, provider, target, way, understood, owners, &mut losses);
            (work(call.body.len(), translating).await?, losses)
        }
    };
    refuse_losses(call, provider, &losses)?;
    let (request, back) = request(call, provider, target, way, written)?;
    Ok(Prepared { request, back, losses })
}

fn relay(
    call: &Call,
    provider: &Provider,
    target: &Target,
    way: &Way,
    owners: &Owners,
    restored: Vec<Patch>,
    losses: &mut Losses,
) -> Written {
    let mut edits = edits(call, target, way, losses);
    edits.extend(restored);
    edits.extend(owners.edit(call, target));
    let relayed = relay_request(
        &RelayRequest {
            dialect: call.face,
            carriage: &way.carriage,
            operation: call.operation,
            body: &call.body,
            envelope: &call.envelope,
            model: &target.model,
            facts: &provider.facts(&target.model),
            control: provider.control,
            betas: &betas(call),
            edits: &edits,
        },
        losses,
    );
    let back = Back::Relay { hide_usage: relayed.hide_usage };
    let body = match counter(call, way) {
        Some(_) => vec![fitted(call, target, way, relayed.joined())],
        None => relayed.body,
    };
    Written { body, back, betas: relayed.header_betas, begun: Begun::Unsaid }
}

/// The client's beta flags, of header and, where its side is Bedrock's, of the body.
fn betas(call: &Call) -> Vec<String> {
    let headers = call.head.headers.get_all(BETA).iter().filter_map(|v| v.to_str().ok());
    let mut flags: Vec<String> =
        headers.flat_map(|v| v.split(',')).map(|f| f.trim().to_owned()).filter(|f| !f.is_empty()).collect();
    if call.carriage == FaceCarriage::BedrockInvoke {
        let node = call.envelope.node(&call.body, "anthropic_beta");
        flags.extend(node.iter().flat_map(json::Node::items).filter_map(json::Node::as_str).map(str::to_owned));
    }
    flags
}

/// What must be other for this host: reasoning items that a translation made are not OpenAI's to read, calls that
/// another's model made lack the signature that Gemini demands, and a body that came by Bedrock's InvokeModel lacks what
/// Claude's own API wants in it (the reverse is the carriage's).
fn edits(call: &Call, target: &Target, way: &Way, losses: &mut Losses) -> Vec<Patch> {
    if call.face == Dialect::Gemini && call.operation == Operation::Chat {
        return gemini::sign_calls(&call.body, &call.envelope, &target.model, losses);
    }
    if call.face == Dialect::OpenAiResponses {
        let input = openai_responses::input_without_foreign_reasoning(&call.body);
        return input.map(|input| Patch::set("input", input.as_str())).into_iter().collect();
    }
    if call.carriage != FaceCarriage::BedrockInvoke || way.carriage.model_in_path(way.dialect, call.operation) {
        return Vec::new();
    }
    let mut edits = vec![Patch::delete("anthropic_version"), Patch::delete("anthropic_beta")];
    if call.stream {
        edits.push(Patch::set("stream", "true"));
    }
    edits
}

fn translate(
    call: &Call,
    provider: &Provider,
    target: &Target,
    way: &Way,
    understood: &Understood,
    owners: &Owners,
    losses: &mut Losses,
) -> Result<Written, Fault> {
    let mut request = understood.for_dialect(way.dialect, losses);
    owners.strip(&mut request, call, target);
    let facts = provider.facts(&target.model);
    let (encoded, translation) = Translation::request(call.face, way.dialect, &request, &target.model, &facts, losses)?;
    let mut betas = encoded.betas;
    let mut body = Bytes::from(encoded.body);
    if let Some(counter) = counter(call, way) {
        body = counter.cut(&body);
    }
    if way.dialect == Dialect::Anthropic && way.carriage.edits_claude() {
        let envelope = Envelope::scan(&body)
            .map_err(|f| Fault::new(FaultKind::Internal, "The translated request is not valid.").source(f))?;
        let carried = way.carriage.carry(call.operation, &body, &envelope, &betas, losses);
        body = apply(&body, &envelope, &carried.patches);
        betas = carried.header_betas;
    }
    let back = Back::Translate { translation: Box::new(translation), request };
    Ok(Written { body: vec![fitted(call, target, way, body)], back, betas, begun: encoded.begun })
}

/// Who is asked, where tokens are counted.
fn counter(call: &Call, way: &Way) -> Option<&'static Counter> {
    way.counter.filter(|_| call.operation == Operation::CountTokens)
}

/// A chat to be counted, as the host's counter wants it.
fn fitted(call: &Call, target: &Target, way: &Way, body: Bytes) -> Bytes {
    match counter(call, way) {
        Some(counter) => counter.fit(&target.model, &body),
        None => body,
    }
}

/// A strict caller, model or provider would rather be refused than lose a field.
pub fn refuse_losses(call: &Call, provider: &Provider, losses: &Losses) -> Result<(), Fault> {
    let virtual_model = match &call.resolved.meaning {
        Meaning::Virtual(model) => model.unsupported_params,
        Meaning::Direct { .. } => None,
    };
    let configured = virtual_model.or(provider.unsupported).unwrap_or(call.state.config.unsupported_params);
    if !call.wishes.strict && configured != Unsupported::Refuse {
        return Ok(());
    }
    let paths: Vec<&str> = losses.dropped().map(|loss| loss.path.as_str()).collect();
    let Some(first) = paths.first() else { return Ok(()) };
    let mut fault = Fault::new(
        FaultKind::FieldWouldBeDropped,
        format!(
            "The target `{}` cannot take: {}. Remove these fields, or do not ask for strictness.",
            provider.id,
            paths.join(", ")
        ),
    );
    fault.param = Some((*first).to_owned());
    Err(fault)
}

fn request(
    call: &Call,
    provider: &Provider,
    target: &Target,
    way: &Way,
    written: Written,
) -> Result<(Outbound, Back), Fault> {
    let path = path(call, way, &target.model, &written.back).ok_or_else(|| not_offered(provider))?;
    let base_url = match counter(call, way) {
        Some(counter) => Cow::Borrowed(counter.base(&way.base_url)),
        None => written.begun.base_url(&way.base_url),
    };
    let outgoing = Outgoing { dialect: way.dialect, base_url: &base_url, path: &path, betas: &written.betas };
    let request = outgoing.request(call, provider, target, Upload::Json(written.body.into()))?;
    Ok((request, written.back))
}

/// The client's body with the target's name of the model, for operations that are relayed as they are.
pub fn patched(call: &Call, provider: &Provider, model: Option<&str>, losses: &mut Losses) -> Bytes {
    relayed_body(&call.body, &call.envelope, provider, model, losses)
}

/// A body with the target's name of the model and without other gateways' fields.
pub fn relayed_body(
    body: &Bytes,
    envelope: &Envelope,
    provider: &Provider,
    model: Option<&str>,
    losses: &mut Losses,
) -> Bytes {
    let mut patches = relay::control_cuts(envelope, provider.control, losses);
    if let Some(model) = model.filter(|model| envelope.model() != Some(*model)) {
        patches.push(Patch::set_text("model", model));
    }
    apply(body, envelope, &patches)
}

/// The fault of a provider that does not do what is asked.
pub fn not_offered(provider: &Provider) -> Fault {
    Fault::new(FaultKind::NotServedHere, format!("The provider `{}` does not offer this operation.", provider.id))
}

/// A request's head for one provider: address, headers that cross, credential.
#[derive(Clone, Copy)]
pub struct Outgoing<'a> {
    /// The dialect whose headers cross.
    pub dialect: Dialect,
    /// What stands before the path.
    pub base_url: &'a str,
    /// Path and query.
    pub path: &'a str,
    /// Beta flags of Anthropic's header.
    pub betas: &'a [String],
}

/// What goes up.
pub enum Upload {
    /// A body of JSON, whole or in pieces.
    Json(Payload),
    /// What the client sends, of this type, as it comes. No signature covers it.
    Stream(HeaderValue, Payload),
}

impl Outgoing<'_> {
    /// The request, ready to go.
    pub fn request(self, call: &Call, provider: &Provider, target: &Target, upload: Upload) -> Result<Outbound, Fault> {
        let (kind, payload) = match upload {
            Upload::Json(payload) => (HeaderValue::from_static("application/json"), payload),
            Upload::Stream(kind, payload) => (kind, payload),
        };
        let (mut head, ()) = Request::new(()).into_parts();
        head.method = Method::POST;
        head.uri = self.uri(provider)?;
        head.headers.reserve(ROOM + provider.headers.len());
        head.headers.insert(CONTENT_TYPE, kind);
        head.headers.insert(HOP, HeaderValue::from(hops(&call.head.headers) + 1));
        self.headers(call, provider, &mut head.headers);
        Ok(Outbound { head: Box::new(head), payload, credential: credential(call, provider, target)? })
    }

    fn uri(self, provider: &Provider) -> Result<Uri, Fault> {
        if provider.simulated {
            return Ok(Uri::from_static("http://sim.invalid/"));
        }
        provider
            .uri(self.base_url, self.path)
            .map_err(|e| Fault::new(FaultKind::ProviderMisconfigured, "The provider's address is not valid.").source(e))
    }

    fn headers(self, call: &Call, provider: &Provider, headers: &mut HeaderMap) {
        for (name, value) in &call.head.headers {
            // Beta flags go by their own rule; a foreign dialect's headers mean nothing to this host.
            if forwards_request_header(self.dialect, name.as_str()) && *name != BETA {
                headers.append(name.clone(), value.clone());
            }
        }
        if self.dialect == Dialect::Anthropic {
            headers.entry("anthropic-version").or_insert(HeaderValue::from_static("2023-06-01"));
            if let Ok(flags) = HeaderValue::from_str(&self.betas.join(","))
                && !self.betas.is_empty()
            {
                headers.insert(BETA, flags);
            }
        }
        headers.extend(provider.headers.iter().cloned());
    }
}

/// Where the operation stands at the host. A prompt to be completed that travels as it is goes where it came to.
fn path(call: &Call, way: &Way, model: &str, back: &Back) -> Option<String> {
    if call.carriage == FaceCarriage::OllamaGenerate && matches!(back, Back::Relay { .. }) {
        return Some("/api/generate".to_owned());
    }
    match counter(call, way) {
        Some(counter) => counter.path(&way.carriage, model),
        None => way.carriage.path(way.dialect, call.operation, model, call.stream),
    }
}

/// The operator's key, or the client's own where the provider is configured so.
fn credential(call: &Call, provider: &Provider, target: &Target) -> Result<Credential, Fault> {
    let Some(place) = &provider.passthrough else {
        let index = target.key.unwrap_or(0).min(provider.credentials.len().saturating_sub(1));
        return Ok(provider.credentials.get(index).cloned().unwrap_or_default());
    };
    // The gateway's own key is for the gateway, whichever header it came in.
    let ours = |key: &str| call.state.directory.find(&hash(key)).is_some();
    let own = client_credentials(&call.head).find(|key| !ours(key)).map(Secret::new).ok_or_else(|| {
        Fault::new(
            FaultKind::NoCredential,
            format!(
                "The provider `{}` is asked with the client's own credential, and there is none. Send it as your SDK's API \
                 key, and the gateway key in `x-tollgate-key`.",
                provider.id
            ),
        )
    })?;
    Ok(Credential::key(place.clone(), &own))
}
