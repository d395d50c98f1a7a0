//! Calls without a signature in a body that is relayed: those that another provider's model made while the client went
//! from one model to another. Gemini 3 refuses a step whose first call has none, so that call gets the documented
//! placeholder, as it does in a translation. In every step, not only those of the current turn: what has once been sent
//! stays the same, and with it the prompt cache.

use std::ops::Range;

use memchr::memmem;
use tollgate_ir::{Losses, Reason};

use super::rules;
use crate::json::{Envelope, Member, Patch, inside};

/// The documented placeholder for a signature that got lost (ai.google.dev/gemini-api/docs/thought-signatures).
pub(super) const NO_SEAL: &str = "skip_thought_signature_validator";

const CALL: &[&str] = &["functionCall", "function_call"];
const SEAL: &[&str] = &["thoughtSignature", "thought_signature"];

/// The edits that sign what is not signed, for a model that demands it; each is reported. A client that only ever spoke
/// to Gemini has its signatures, and its bytes stay as they are.
pub fn sign_calls(body: &[u8], envelope: &Envelope, model: &str, losses: &mut Losses) -> Vec<Patch> {
    if !rules::of_model(model).third || !CALL.iter().any(|key| memmem::find(body, key.as_bytes()).is_some()) {
        return Vec::new();
    }
    let Some(contents) = envelope.member("contents") else { return Vec::new() };
    let mut patches = Vec::new();
    // A step is the model's neighbouring contents; its first call has been seen.
    let mut in_step = false;
    for (i, content) in inside::items(body, contents.value_at.clone()).into_iter().enumerate() {
        let members = inside::members(body, content);
        if value(body, &members, &["role"]) != Some(br#""model""#) {
            in_step = false;
            continue;
        }
        let Some(parts) = members.iter().find(|m| m.key == "parts") else { continue };
        for (j, part) in inside::items(body, parts.value_at.clone()).into_iter().enumerate() {
            let members = inside::members(body, part.clone());
            if in_step || value(body, &members, CALL).is_none() {
                continue;
            }
            in_step = true;
            if value(body, &members, SEAL).is_none_or(|seal| matches!(seal, b"null" | br#""""#)) {
                patches.extend(sign(part, &members));
                losses.path(format!("contents[{i}].parts[{j}].thoughtSignature"), Reason::Defaulted);
            }
        }
    }
    patches
}

/// The placeholder in the place of an empty signature, else in front of the part's members.
fn sign(part: Range<usize>, members: &[Member]) -> Option<Patch> {
    match members.iter().find(|m| SEAL.contains(&m.key.as_ref())) {
        Some(empty) => {
            Some(Patch::Replace { span: empty.value_at.clone(), with: format!(r#""{NO_SEAL}""#).into_bytes() })
        }
        None => {
            let first = members.first()?.key_at.start;
            let with = format!(r#""thoughtSignature":"{NO_SEAL}","#).into_bytes();
            (part.start < first).then_some(Patch::Replace { span: first..first, with })
        }
    }
}

fn value<'b>(body: &'b [u8], members: &[Member], keys: &[&str]) -> Option<&'b [u8]> {
    let member = members.iter().find(|m| keys.contains(&m.key.as_ref()))?;
    body.get(member.value_at.clone())
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::json::apply;

    fn signed(model: &str, contents: &str) -> (String, Vec<String>) {
        let body = Bytes::from(format!(r#"{{ "contents" : [{contents}] ,"tools":[]}}"#));
        let envelope = Envelope::scan(&body).unwrap();
        let mut losses = Losses::new(crate::gemini::path_of);
        let patches = sign_calls(&body, &envelope, model, &mut losses);
        let patched = apply(&body, &envelope, &patches);
        if patches.is_empty() {
            assert_eq!(patched, body);
        }
        let text = String::from_utf8(patched.to_vec()).unwrap();
        let start = r#"{ "contents" : ["#.len();
        let inner = text[start..text.len() - r#"] ,"tools":[]}"#.len()].to_owned();
        (inner, losses.all().iter().map(|l| format!("{};{}", l.path, l.reason.as_str())).collect())
    }

    #[test]
    fn tr11_the_first_call_of_an_unsigned_step_gets_the_placeholder() {
        let unsigned = r#"{"role":"user","parts":[{"text":"functionCall"}]},{"parts":[{"text":"a"}, { "functionCall":{"name":"f"} },{"functionCall":{"name":"g"}}],"role":"model"},{"role":"user","parts":[{"functionResponse":{"name":"f","response":{}}}]}"#;
        let placed = unsigned.replace(
            r#"{ "functionCall":{"name":"f"} }"#,
            r#"{ "thoughtSignature":"skip_thought_signature_validator","functionCall":{"name":"f"} }"#,
        );
        let place = ["contents[1].parts[1].thoughtSignature;defaulted".to_owned()];
        assert_eq!(signed("gemini-3-pro-preview", unsigned), (placed, place.to_vec()));
        assert_eq!(signed("gemini-2.5-flash", unsigned), (unsigned.to_owned(), vec![]), "it demands none");
    }

    #[test]
    fn tr11_other_spellings_and_each_step_and_what_is_signed() {
        // before, after
        let table = [
            (
                r#"{"role":"model","parts":[{"function_call":{},"thought_signature":""}]}"#,
                r#"{"role":"model","parts":[{"function_call":{},"thought_signature":"skip_thought_signature_validator"}]}"#,
            ),
            (
                r#"{"role":"model","parts":[{"functionCall":{},"thoughtSignature":"S"}]},{"role":"user"},{"role":"model","parts":[{"functionCall":{}}]}"#,
                r#"{"role":"model","parts":[{"functionCall":{},"thoughtSignature":"S"}]},{"role":"user"},{"role":"model","parts":[{"thoughtSignature":"skip_thought_signature_validator","functionCall":{}}]}"#,
            ),
            (
                r#"{"role":"model","parts":[{"functionCall":{},"thoughtSignature":"S"}]},{"role":"model","parts":[{"functionCall":{}}]}"#,
                r#"{"role":"model","parts":[{"functionCall":{},"thoughtSignature":"S"}]},{"role":"model","parts":[{"functionCall":{}}]}"#,
            ),
            (r#"{"role":"user","parts":[{"functionCall":{}}]}"#, r#"{"role":"user","parts":[{"functionCall":{}}]}"#),
            (r#"{"role":"model","parts":"functionCall"}"#, r#"{"role":"model","parts":"functionCall"}"#),
        ];
        for (before, after) in table {
            assert_eq!(signed("gemini-3.1-pro-preview", before).0, after);
        }
    }
}
