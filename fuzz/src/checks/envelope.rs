//! The envelope agrees with a full parser on what is an object and what stands in it; patches and the relay change what
//! they name and no other byte.

use std::collections::BTreeSet;
use std::fmt;

use bytes::Bytes;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use tollgate_ir::{Dialect, Losses, Operation};
use tollgate_wire::carriage::Carriage;
use tollgate_wire::codec;
use tollgate_wire::json::{Envelope, Patch, apply, inside};
use tollgate_wire::providers;
use tollgate_wire::relay::{ControlFields, RelayRequest, forbidden_overrides, relay_request};
use tollgate_wire::target::ModelFacts;

use super::output;

/// The choosing bytes before the body: how many patches, then two for each.
pub const CHOOSING: usize = 9;

/// The bounds of the scan (decisions, “envelope and bodies”).
const MAX_DEPTH: usize = 128;
const MAX_MEMBERS: usize = 1024;

/// The members of an object as serde reads them.
struct Members(Vec<(String, Box<RawValue>)>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;
        impl<'de> Visitor<'de> for InOrder {
            type Value = Members;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(InOrder)
    }
}

/// An input: `[patches, (what, where) × 4, body…]`.
pub fn check(data: &[u8]) {
    if data.len() < CHOOSING {
        return;
    }
    let (choosing, body) = data.split_at(CHOOSING);
    let parsed = std::str::from_utf8(body).ok().and_then(|text| serde_json::from_str::<Members>(text).ok());
    let envelope = match (Envelope::scan(body), parsed) {
        (Ok(envelope), Some(members)) => {
            agrees(&envelope, body, &members.0);
            envelope
        }
        (Ok(_), None) => panic!("the scan takes what is no object: {:?}", String::from_utf8_lossy(body)),
        (Err(fault), Some(members)) => {
            assert!(refusable(body, &members.0), "the scan refuses an object: {fault}");
            return;
        }
        (Err(_), None) => return,
    };
    looked_into(&envelope, body);
    let body = Bytes::copy_from_slice(body);
    patched(&envelope, &body, &patches(&envelope, &body, choosing));
    relayed(&envelope, &body, choosing[0]);
}

fn agrees(envelope: &Envelope, body: &[u8], members: &[(String, Box<RawValue>)]) {
    assert_eq!(envelope.members().len(), members.len(), "other members");
    for (ours, (key, value)) in envelope.members().iter().zip(members) {
        assert_eq!(ours.key, *key, "another key");
        assert_eq!(&body[ours.value_at.clone()], value.get().as_bytes(), "another value of {key}");
        assert_eq!(serde_json::from_slice::<String>(&body[ours.key_at.clone()]).ok().as_ref(), Some(key));
    }
    let model = members.iter().rfind(|(key, _)| key == "model");
    let model = model.and_then(|(_, value)| serde_json::from_str::<Option<String>>(value.get()).ok().flatten());
    assert_eq!(envelope.model(), model.as_deref());
    assert_eq!(envelope.stream(), members.iter().any(|(key, value)| key == "stream" && value.get() == "true"));
}

/// Whether one of the scan's own rules is broken, beyond those of JSON.
fn refusable(body: &[u8], members: &[(String, Box<RawValue>)]) -> bool {
    let keys: BTreeSet<_> = members.iter().map(|(key, _)| key).collect();
    let wrong = |(key, value): &(String, Box<RawValue>)| match key.as_str() {
        "model" => serde_json::from_str::<Option<String>>(value.get()).is_err(),
        "stream" => !matches!(value.get(), "true" | "false" | "null"),
        _ => false,
    };
    keys.len() < members.len() || members.len() > MAX_MEMBERS || depth(body) > MAX_DEPTH || members.iter().any(wrong)
}

fn depth(body: &[u8]) -> usize {
    let (mut now, mut most, mut quoted, mut escaped) = (0usize, 0, false, false);
    for byte in body {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'{' | b'[' if !quoted => now += 1,
            b'}' | b']' if !quoted => now = now.saturating_sub(1),
            _ => {}
        }
        most = most.max(now);
    }
    most
}

/// What policy asks an envelope for: no panic, and places that lie within the member.
fn looked_into(envelope: &Envelope, body: &[u8]) {
    let _ = (envelope.max_tokens(body), envelope.include_usage(body), forbidden_overrides(body, envelope));
    for member in envelope.members() {
        let _ = (envelope.text(body, &member.key), envelope.has_items(body, &member.key));
        let span = &member.value_at;
        let inner = inside::members(body, span.clone());
        let places = inner.iter().map(|m| &m.value_at);
        assert!(places.into_iter().all(|at| at.start > span.start && at.end < span.end), "a member outside its object");
        if body[span.start] == b'{' {
            let parsed: Result<Members, _> = serde_json::from_slice(&body[span.clone()]);
            assert!(parsed.is_err() || parsed.is_ok_and(|m| m.0.len() == inner.len()), "other inner members");
        }
        let items = inside::items(body, span.clone());
        assert!(items.iter().all(|at| at.start > span.start && at.end < span.end), "an item outside its array");
    }
}

/// Up to four patches, of members that are there as well as not.
fn patches(envelope: &Envelope, body: &[u8], choosing: &[u8]) -> Vec<Patch> {
    let pairs = choosing[1..].chunks_exact(2).take(usize::from(choosing[0] % 5));
    pairs
        .filter_map(|pair| {
            let members = envelope.members();
            let member = members.get(usize::from(pair[1]) % (members.len() + 1));
            let key = member.map_or("absent".into(), |m| m.key.clone());
            Some(match pair[0] % 4 {
                0 => Patch::Set { value: value(&key, pair[1]), key },
                1 => Patch::Delete { key },
                2 => Patch::Rename { key, to: "renamed".into() },
                _ => {
                    let span = member.filter(|m| body[m.value_at.start] == b'"')?.value_at.clone();
                    Patch::Replace { span, with: b"\"replaced\"".to_vec() }
                }
            })
        })
        .collect()
}

/// What may be set: any JSON, but for the members whose types the scan insists on.
fn value(key: &str, number: u8) -> Vec<u8> {
    match key {
        "model" => format!("\"m{number}\""),
        "stream" => number.is_multiple_of(2).to_string(),
        _ => format!("[{number}, \"\\u00e9\"]"),
    }
    .into_bytes()
}

fn patched(envelope: &Envelope, body: &Bytes, patches: &[Patch]) {
    let out = apply(body, envelope, patches);
    assert_eq!(apply(body, envelope, patches), out, "the same patches, another body");
    if patches.is_empty() {
        assert_eq!(out, body);
    }
    let touched: BTreeSet<&str> = patches.iter().filter_map(key_of).chain(["renamed"]).collect();
    let replaced =
        |at: &std::ops::Range<usize>| patches.iter().any(|p| matches!(p, Patch::Replace { span, .. } if span == at));
    if envelope.members().len() + patches.len() > MAX_MEMBERS {
        return;
    }
    let after = Envelope::scan(&out)
        .unwrap_or_else(|fault| panic!("{patches:?} break {body:?}: {fault}: {:?}", String::from_utf8_lossy(&out)));
    // What no patch names is there as it was, in the order that it had.
    let kept = |envelope: &Envelope, body: &[u8], places: &dyn Fn(&std::ops::Range<usize>) -> bool| -> Vec<_> {
        let members = envelope.members().iter().filter(|m| !touched.contains(m.key.as_ref()));
        members
            .map(|m| {
                let value = if places(&m.value_at) { b"\"replaced\"" } else { &body[m.value_at.clone()] };
                (m.key.to_string(), value.to_vec())
            })
            .collect()
    };
    assert_eq!(kept(&after, &out, &|_| false), kept(envelope, body, &replaced), "{patches:?} changed other members");
    assert!(out.starts_with(&body[..envelope.inside()]), "{patches:?} changed the beginning");
    let end = envelope.members().last().map_or(envelope.inside(), |m| m.value_at.end);
    assert!(out.ends_with(&body[end..]), "{patches:?} changed the end");
    for patch in patches {
        let Some(key) = key_of(patch) else { continue };
        match patches.iter().rev().find(|p| key_of(p) == Some(key)) {
            Some(Patch::Set { value, .. }) => assert_eq!(after.raw(&out, key), Some(&value[..]), "{patches:?}"),
            Some(Patch::Delete { .. }) if key != "renamed" => assert!(after.member(key).is_none(), "{patches:?}"),
            _ => {}
        }
    }
}

fn key_of(patch: &Patch) -> Option<&str> {
    match patch {
        Patch::Set { key, .. } | Patch::Delete { key } | Patch::Rename { key, .. } => Some(key),
        Patch::Replace { .. } => None,
    }
}

fn relayed(envelope: &Envelope, body: &Bytes, choice: u8) {
    let carriages = [
        Carriage::Own,
        Carriage::BedrockInvoke,
        Carriage::VertexRawPredict,
        Carriage::AzureDeployments { api_version: "v".to_owned() },
    ];
    // Models and hosts whose classes differ in much.
    let models = ["up/\"stream\"", "gpt-5", "deepseek-r1", "deepseek-v4-flash", "mistral-small", "glm-5.2", "grok-4"];
    let host = providers::ALL.get(usize::from(choice >> 2)).map(|provider| provider.chat);
    let facts = ModelFacts { host: host.filter(|_| choice & 2 != 0), ..ModelFacts::default() };
    for dialect in Dialect::ALL {
        let request = RelayRequest {
            dialect,
            carriage: &carriages[usize::from(choice >> 2) % 4],
            operation: Operation::Chat,
            body,
            envelope,
            model: models[usize::from(choice) % models.len()],
            facts: &facts,
            control: if choice & 0x80 == 0 { ControlFields::Cut } else { ControlFields::Keep },
            betas: &["context-1m-2025-08-07".to_owned()],
            edits: &[],
        };
        let mut losses = Losses::new(codec::path_of(dialect));
        let sent = relay_request(&request, &mut losses);
        assert_eq!(relay_request(&request, &mut losses).joined(), sent.joined(), "{dialect}: another body");
        output::object(dialect.as_str(), &sent.joined());
        output::bounded(dialect.as_str(), body.len(), sent.joined().len());
        if envelope.members().len() + 8 < MAX_MEMBERS {
            let after = Envelope::scan(&sent.joined());
            assert!(after.is_ok(), "{dialect}: {after:?}: {:?}", String::from_utf8_lossy(&sent.joined()));
        }
    }
}
