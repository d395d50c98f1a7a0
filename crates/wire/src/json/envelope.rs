//! The top-level object of a request's body as policy sees it: which members it has and where they stand.
//!
//! One pass, no tree, nothing copied but unusual keys. The invariant: what the scan accepts is one JSON object that
//! every parser reads alike in the members that policy reads, so policy and provider cannot see different requests.

use std::borrow::Cow;
use std::ops::Range;

use tollgate_ir::{Fault, FaultKind};

use super::Node;
use super::mentions::Mentions;
use super::scan::{Broken, Quoted, Scanner};

/// Most members of the top-level object. Real requests have some dozens.
const MAX_MEMBERS: usize = 1024;

/// Room for those of most requests.
const USUAL_MEMBERS: usize = 8;

/// The members that we read, in any dialect; none may come twice, since two parsers could then disagree.
pub(crate) const READ: &[&str] = &[
    "model",
    "stream",
    "stream_options",
    "messages",
    "system",
    "tools",
    "tool_choice",
    "max_tokens",
    "max_completion_tokens",
    "max_output_tokens",
    "metadata",
    "user",
    "input",
    "instructions",
    "contents",
    "systemInstruction",
    "system_instruction",
    "generationConfig",
    "generation_config",
    "inferenceConfig",
    "toolConfig",
    "previous_response_id",
    "store",
    "background",
    "conversation",
    "n",
    "anthropic_version",
    "anthropic_beta",
    "temperature",
    "top_p",
    "response_format",
    "thinking",
    "reasoning",
    "reasoning_effort",
    "documents",
    "session_id",
    "models",
    "fallbacks",
];

/// One member of the top-level object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Its key, escapes resolved.
    pub key: Cow<'static, str>,
    /// Where the key stands, quotes included.
    pub key_at: Range<usize>,
    /// Where the value stands.
    pub value_at: Range<usize>,
}

impl Member {
    /// Whether it is one of those that we read ourselves.
    pub const fn is_read(&self) -> bool {
        matches!(self.key, Cow::Borrowed(_))
    }
}

/// Where the members of a body's top-level object stand.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Envelope {
    members: Vec<Member>,
    /// The byte after `{`.
    inside: usize,
    model: Option<String>,
    stream: bool,
    mentions: Mentions,
}

impl Envelope {
    /// Scans a whole body. A fault is the client's (`InvalidBody`, or `InvalidField` for a `model` or `stream` of a
    /// wrong type).
    pub fn scan(body: &[u8]) -> Result<Self, Fault> {
        Self::scan_checking(body, |_| Ok(()))
    }

    /// Scans a whole body, and stops as soon as `check` refuses the model: a large request for an unknown model costs
    /// no more than its beginning.
    pub fn scan_checking(body: &[u8], check: impl FnOnce(&str) -> Result<(), Fault>) -> Result<Self, Fault> {
        let mut check = Some(check);
        let mut scanner = Scanner::watched(body, Mentions::default());
        let mut envelope = Self { members: Vec::with_capacity(USUAL_MEMBERS), ..Self::default() };
        let broken = |b: Broken| no_json(&format!("{} at byte {}", b.why, b.at));
        scanner.white_space();
        scanner.expect(b'{', "it is no object").map_err(broken)?;
        envelope.inside = scanner.position();
        scanner.white_space();
        while scanner.peek() != Some(b'}') {
            if !envelope.members.is_empty() {
                scanner.expect(b',', "a comma or the object's end was expected").map_err(broken)?;
                scanner.white_space();
            }
            let key = scanner.key().map_err(broken)?;
            let value_at = scanner.value(1).map_err(broken)?;
            envelope.add(body, &key, value_at)?;
            if let Some(model) = &envelope.model
                && let Some(check) = check.take()
            {
                check(model)?;
            }
            scanner.white_space();
        }
        scanner.expect(b'}', "the object's end was expected").map_err(broken)?;
        scanner.white_space();
        if scanner.position() < body.len() {
            return Err(no_json(&format!("something follows the object at byte {}", scanner.position())));
        }
        utf8(body)?;
        envelope.mentions = scanner.watch;
        Ok(envelope)
    }

    fn add(&mut self, body: &[u8], quoted: &Quoted, value_at: Range<usize>) -> Result<(), Fault> {
        let key = key_of(body, quoted)?;
        // Those that we read are borrowed.
        if matches!(key, Cow::Borrowed(_)) && self.member(&key).is_some() {
            return Err(no_json(&format!("`{key}` comes twice; send it once")));
        }
        if self.members.len() == MAX_MEMBERS {
            return Err(no_json("its top-level object has more than 1,024 members"));
        }
        let value = &body[value_at.clone()];
        match (key.as_ref(), value) {
            ("model" | "stream", b"null") => {}
            ("model", [b'"', ..]) => {
                utf8(value)?;
                self.model = Some(unquoted(value)?.into_owned());
            }
            ("model", _) => return Err(Fault::field("model", "`model` must be a string.")),
            ("stream", b"true") => self.stream = true,
            ("stream", b"false") => {}
            ("stream", _) => return Err(Fault::field("stream", "`stream` must be true or false.")),
            _ => {}
        }
        self.members.push(Member { key, key_at: quoted.at(), value_at });
        Ok(())
    }

    /// All members, in order.
    pub fn members(&self) -> &[Member] {
        &self.members
    }

    /// The byte after the object's `{`.
    pub const fn inside(&self) -> usize {
        self.inside
    }

    /// The member of this key; the last, if it comes twice.
    pub fn member(&self, key: &str) -> Option<&Member> {
        self.members.iter().rev().find(|m| m.key == key)
    }

    /// `model`, where the body names it.
    pub fn model(&self) -> Option<&str> {
        self.model.as_deref()
    }

    /// Whether `stream` is true.
    pub const fn stream(&self) -> bool {
        self.stream
    }

    /// What stands anywhere in the body.
    pub const fn mentions(&self) -> Mentions {
        self.mentions
    }

    /// A member's value as it is written; `None` also for `null`.
    pub fn raw<'b>(&self, body: &'b [u8], key: &str) -> Option<&'b [u8]> {
        let value = body.get(self.member(key)?.value_at.clone())?;
        (value != b"null").then_some(value)
    }

    /// A member's value as a tree.
    pub fn node<'b>(&self, body: &'b [u8], key: &str) -> Option<Node<'b>> {
        Node::read(self.raw(body, key)?)
    }

    /// A member that is a text.
    pub fn text(&self, body: &[u8], key: &str) -> Option<String> {
        self.node(body, key)?.as_str().map(str::to_owned)
    }

    /// Whether a member is there and no empty array.
    pub fn has_items(&self, body: &[u8], key: &str) -> bool {
        self.raw(body, key).is_some_and(|v| v.first() == Some(&b'[') && v[1..].trim_ascii_start() != b"]")
    }

    /// The most output tokens that the client asks for, in whichever way its dialect says it.
    pub fn max_tokens(&self, body: &[u8]) -> Option<u64> {
        let top = ["max_completion_tokens", "max_tokens", "max_output_tokens"];
        let nested = [
            ("generationConfig", ["maxOutputTokens", "max_output_tokens"]),
            ("generation_config", ["maxOutputTokens", "max_output_tokens"]),
            ("inferenceConfig", ["maxTokens", "max_tokens"]),
        ];
        top.iter().find_map(|key| self.node(body, key)?.as_u64()).or_else(|| {
            nested.iter().find_map(|(key, inner)| {
                let node = self.node(body, key)?;
                inner.iter().find_map(|k| node.uint(k))
            })
        })
    }

    /// The client asked for usage at the end of a chat stream.
    pub fn include_usage(&self, body: &[u8]) -> bool {
        self.node(body, "stream_options").is_some_and(|o| o.get("include_usage").and_then(Node::as_bool) == Some(true))
    }
}

/// Structure first: a body that is refused early is not read to its end. Most of most bodies is ASCII, which is known sooner.
fn utf8(body: &[u8]) -> Result<(), Fault> {
    const BLOCK: usize = 1024;
    let ascii = body.len().min(body.chunks(BLOCK).take_while(|block| block.is_ascii()).count() * BLOCK);
    let read = std::str::from_utf8(&body[ascii..]);
    read.map(drop).map_err(|e| no_json(&format!("it is not UTF-8 at byte {}", ascii + e.valid_up_to())))
}

fn no_json(why: &str) -> Fault {
    Fault::new(
        FaultKind::InvalidBody,
        format!("The request's body is not valid: {why}. Send one JSON object in UTF-8."),
    )
}

/// A string from its text.
fn unquoted(quoted: &[u8]) -> Result<Cow<'_, str>, Fault> {
    if quoted.contains(&b'\\') {
        return Ok(serde_json::from_slice::<String>(quoted).map_err(|e| no_json(&e.to_string()))?.into());
    }
    Ok(String::from_utf8_lossy(&quoted[1..quoted.len() - 1]))
}

/// A key from its place; borrowed if it is one of those that we read.
pub(super) fn key_of(body: &[u8], quoted: &Quoted) -> Result<Cow<'static, str>, Fault> {
    let unescaped = if quoted.is_plain() { None } else { Some(unquoted(&body[quoted.at()])?) };
    let key = unescaped.as_deref().map_or(&body[quoted.inside.clone()], str::as_bytes);
    Ok(match READ.iter().find(|known| known.as_bytes() == key) {
        Some(known) => Cow::Borrowed(known),
        None => Cow::Owned(String::from_utf8_lossy(key).into_owned()),
    })
}

#[cfg(test)]
#[path = "envelope_tests.rs"]
mod tests;
