//! Signatures and encrypted reasoning in the fields of thinking blocks.
//!
//! Claude's own stand as they are. Those of other makers are marked by their issuer, so that a client that returns the
//! block (as every client of this protocol must) returns them too, and no Claude is ever shown one: a mark ends with
//! `:`, which no signature of Claude's holds.

use memchr::memmem;
use tollgate_ir::{Issuer, Seal};

const GEMINI: &str = "gemini:";
const OPENAI: &str = "openai:";

/// The text of `signature` or `data` for a seal; `id` is the reasoning item's.
pub(super) fn write(seal: &Seal, id: Option<&str>) -> String {
    match seal.issuer {
        Issuer::Anthropic => seal.data.clone(),
        Issuer::Gemini => format!("{GEMINI}{}", seal.data),
        Issuer::OpenAi => format!("{OPENAI}{}:{}", id.unwrap_or_default(), seal.data),
    }
}

/// The seal, and the reasoning item's id, of a `signature` or `data`; an empty one is none.
pub(super) fn read(text: &str) -> (Option<Seal>, Option<String>) {
    let seal = |issuer, data: &str| Some(Seal { issuer, data: data.to_owned() });
    if text.is_empty() {
        (None, None)
    } else if let Some(data) = text.strip_prefix(GEMINI) {
        (seal(Issuer::Gemini, data), None)
    } else if let Some((id, data)) = text.strip_prefix(OPENAI).and_then(|rest| rest.split_once(':')) {
        (seal(Issuer::OpenAi, data), (!id.is_empty()).then(|| id.to_owned()))
    } else {
        (seal(Issuer::Anthropic, text), None)
    }
}

/// Whether a Messages body returns thinking that no Claude has signed: then it must be translated rather than relayed,
/// since Anthropic refuses it.
pub fn has_foreign_thinking(body: &[u8]) -> bool {
    ["\"signature\"", "\"data\""].iter().any(|key| {
        memmem::find_iter(body, key.as_bytes()).any(|at| {
            let rest = body[at + key.len()..].trim_ascii_start();
            let Some(rest) = rest.strip_prefix(b":") else { return false };
            let value = rest.trim_ascii_start();
            let marked = [GEMINI, OPENAI]
                .iter()
                .any(|mark| value.strip_prefix(b"\"").is_some_and(|text| text.starts_with(mark.as_bytes())));
            marked || (*key == "\"signature\"" && value.starts_with(b"\"\""))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_issuer_comes_back() {
        for issuer in [Issuer::Anthropic, Issuer::Gemini, Issuer::OpenAi] {
            for id in [None, Some("rs_1")] {
                let seal = Seal { issuer, data: "EqMB/+==".into() };
                let (back, back_id) = read(&write(&seal, id));
                assert_eq!(back, Some(seal));
                assert_eq!(back_id.as_deref(), id.filter(|_| issuer == Issuer::OpenAi));
            }
        }
        assert_eq!(read(""), (None, None));
    }

    #[test]
    fn tr09_foreign_thinking_is_seen_in_the_bytes() {
        for foreign in [
            r#"{"type":"thinking","thinking":"x","signature" : "openai::abc"}"#,
            r#"{"type":"thinking","signature":""}"#,
            r#"{"type":"redacted_thinking","data":"gemini:abc"}"#,
        ] {
            assert!(has_foreign_thinking(foreign.as_bytes()), "{foreign}");
        }
        for own in [r#"{"signature":"EqMB"}"#, r#"{"source":{"type":"text","data":""}}"#, r#"{"text":"\"signature\""}"#]
        {
            assert!(!has_foreign_thinking(own.as_bytes()), "{own}");
        }
    }
}
