//! Headers of replies: what the gateway says of the call, and what of the provider's is handed on.

use std::fmt::Write;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName, RETRY_AFTER};
use http::{HeaderMap, HeaderValue};
use tollgate_core::trail::Trail;
use tollgate_ir::{Dialect, Fault, Loss};
use tollgate_wire::bedrock;
use tollgate_wire::carriage::forwards_response_header;

use super::manner::Explains;

/// Most bytes of `x-tollgate-explain` before they are encoded: 8 KiB after it.
const MAX_EXPLAINED: usize = 6 * 1024;

/// Most bytes of `x-tollgate-dropped`.
const MAX_DROPPED: usize = 1024;

/// What is said of every call. Names are constants: one that is made of text is looked up and checked each time.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-tollgate-request-id");
const ATTEMPTS: HeaderName = HeaderName::from_static("x-tollgate-attempts");
const DROPPED: HeaderName = HeaderName::from_static("x-tollgate-dropped");
const CACHE: HeaderName = HeaderName::from_static("x-tollgate-cache");
const MODEL: HeaderName = HeaderName::from_static("x-tollgate-model");
const PROVIDER: HeaderName = HeaderName::from_static("x-tollgate-provider");
const COST: HeaderName = HeaderName::from_static("x-tollgate-cost");
const OVERHEAD: HeaderName = HeaderName::from_static("x-tollgate-overhead-us");

/// The header by which a face's SDK knows a reply's id.
const fn request_id_of(face: Dialect) -> HeaderName {
    match face {
        Dialect::Anthropic => HeaderName::from_static("request-id"),
        Dialect::Bedrock => HeaderName::from_static("x-amzn-requestid"),
        _ => HeaderName::from_static("x-request-id"),
    }
}

/// A header whose value we made; one that cannot be sent is left out.
pub fn put(headers: &mut HeaderMap, name: &'static str, value: &str) {
    say(headers, HeaderName::from_static(name), value.to_owned());
}

fn say(headers: &mut HeaderMap, name: HeaderName, value: impl Into<Bytes>) {
    if let Ok(value) = HeaderValue::from_maybe_shared(value.into()) {
        headers.insert(name, value);
    }
}

/// What is said of every call, good or bad.
pub fn of_call(headers: &mut HeaderMap, face: Dialect, id: &str, trail: Option<&Trail>) {
    if let Ok(id) = HeaderValue::from_str(id) {
        headers.entry(request_id_of(face)).or_insert_with(|| id.clone());
        headers.insert(REQUEST_ID, id);
    }
    let Some(trail) = trail else { return };
    match trail.attempts.len() {
        0 => {}
        // Most calls need no second one.
        1 => _ = headers.insert(ATTEMPTS, HeaderValue::from_static("1")),
        several => _ = headers.insert(ATTEMPTS, HeaderValue::from(several)),
    }
    if let Some(dropped) = dropped(&trail.losses) {
        say(headers, DROPPED, dropped);
    }
    headers.insert(CACHE, HeaderValue::from_static("none"));
}

/// What is said of the target that served.
pub fn of_target(headers: &mut HeaderMap, trail: &Trail) {
    if let Some(attempt) = trail.attempts.last() {
        // The provider's id is the beginning of the name.
        let name = Bytes::from(attempt.target.name());
        say(headers, PROVIDER, name.slice(..attempt.target.provider.len()));
        say(headers, MODEL, name);
    }
    if let Some(cost) = trail.cost() {
        say(headers, COST, cost.to_string());
    }
    headers.insert(OVERHEAD, HeaderValue::from(u64::try_from(trail.overhead.as_micros()).unwrap_or(u64::MAX)));
}

/// How the call's targets were chosen, where the client reads that: JSON in base64url.
pub fn explained(headers: &mut HeaderMap, explains: Explains, trail: &Trail) {
    if let Some(told) = explanation(explains, trail) {
        put(headers, "x-tollgate-explain", &BASE64_URL_SAFE_NO_PAD.encode(told));
    }
}

/// The same as a comment of server-sent events, for a stream whose headers went out before anything was chosen.
pub fn explained_in_a_comment(explains: Explains, trail: &Trail) -> Vec<u8> {
    let told = explanation(explains, trail);
    told.map(|told| format!(": x-tollgate-explain: {told}\n\n").into_bytes()).unwrap_or_default()
}

/// In one line of JSON.
fn explanation(explains: Explains, trail: &Trail) -> Option<String> {
    match explains {
        Explains::No => None,
        Explains::Yes => Some(trail.explanation(MAX_EXPLAINED)),
        Explains::Refused => Some(
            r#"{"refused":"This key may not read how targets are chosen: its `explain` is off in the gateway's configuration."}"#
                .to_owned(),
        ),
    }
}

/// What of a provider's headers the client gets.
pub fn forwarded(provider: &HeaderMap) -> HeaderMap {
    // With room for what is said of the call beside it.
    let mut headers = HeaderMap::with_capacity(24);
    let crossing = provider.iter().filter(|(name, _)| forwards_response_header(name.as_str()));
    headers.extend(crossing.map(|(name, value)| (name.clone(), value.clone())));
    headers
}

/// What is said of a fault.
pub fn of_fault(headers: &mut HeaderMap, face: Dialect, fault: &Fault) {
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    put(headers, "x-tollgate-fault", &fault.code());
    for limit in &fault.headers {
        if let (Ok(name), Ok(value)) = (limit.name.parse::<HeaderName>(), HeaderValue::from_str(&limit.value)) {
            headers.insert(name, value);
        }
    }
    if let tollgate_ir::Retry::After(wait) = fault.retry
        && !headers.contains_key(RETRY_AFTER)
    {
        put(headers, "retry-after", &wait.as_secs().max(1).to_string());
    }
    if face == Dialect::Bedrock {
        put(headers, "x-amzn-errortype", bedrock::error_type(fault));
    }
}

/// `path;reason, …` with paths percent-encoded, up to a bound and then `+n`.
fn dropped(losses: &[Loss]) -> Option<String> {
    let mut out = String::new();
    for (i, loss) in losses.iter().enumerate() {
        let mut entry = String::new();
        for byte in loss.path.bytes() {
            let _ = match byte {
                b'!'..=b'~' if !matches!(byte, b'%' | b',' | b';') => write!(entry, "{}", char::from(byte)),
                _ => write!(entry, "%{byte:02X}"),
            };
        }
        let _ = write!(entry, ";{}", loss.reason.as_str());
        if out.len() + entry.len() + 8 > MAX_DROPPED {
            let _ = write!(out, "{}+{}", if out.is_empty() { "" } else { ", " }, losses.len() - i);
            break;
        }
        if !out.is_empty() {
            out.push_str(", ");
        }
        out.push_str(&entry);
    }
    (!out.is_empty()).then_some(out)
}

#[cfg(test)]
mod tests {
    use tollgate_ir::Reason;

    use super::*;

    fn loss(path: &str) -> Loss {
        Loss { path: path.to_owned(), reason: Reason::Dropped }
    }

    #[test]
    fn dropped_paths_are_encoded_and_bounded() {
        assert_eq!(dropped(&[]), None);
        let two = [loss("messages[0].content[1].a b"), Loss { path: "temperature".into(), reason: Reason::Adjusted }];
        assert_eq!(dropped(&two).unwrap(), "messages[0].content[1].a%20b;dropped, temperature;adjusted");
        let many: Vec<_> = (0..200).map(|i| loss(&format!("tools[{i}].cache_control"))).collect();
        let text = dropped(&many).unwrap();
        assert!(text.len() <= MAX_DROPPED);
        let (listed, left) = text.rsplit_once(", +").unwrap();
        assert_eq!(listed.split(", ").count() + left.parse::<usize>().unwrap(), 200);
    }
}
