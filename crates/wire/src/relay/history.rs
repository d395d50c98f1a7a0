//! Earlier messages of a relayed chat, where the target's class wants them otherwise: reasoning that must go back in turns
//! with calls, reasoning that must not, and the role `developer` where nobody but OpenAI knows it.

use std::ops::Range;
use std::sync::LazyLock;

use memchr::memmem::Finder;
use tollgate_ir::{Losses, Reason};

use super::{ControlFields, RelayRequest};
use crate::json::{Envelope, Node, Patch, inside, text};
use crate::openai_chat::{Back, Rules};
use crate::target::ModelFacts;

/// How clients spell earlier reasoning.
const REASONING: &[&str] = &["reasoning_content", "reasoning", "reasoning_details"];

/// Where a word stands in quotes. Most bodies mention none of them, and are looked through for nothing else.
type Mention = LazyLock<Finder<'static>>;

static CALLS: Mention = LazyLock::new(|| Finder::new("\"tool_calls\""));
static DEVELOPER: Mention = LazyLock::new(|| Finder::new("\"developer\""));

/// An assistant's message with calls that came without the reasoning that its model wants back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreasoned {
    /// The ids of its calls.
    pub calls: Vec<String>,
    /// Where its members begin.
    at: usize,
}

impl Unreasoned {
    /// Puts the reasoning in.
    pub fn with(&self, reasoning: &str) -> Patch {
        let mut member = b"\"reasoning_content\":".to_vec();
        text(&mut member, reasoning);
        member.push(b',');
        Patch::Replace { span: self.at..self.at, with: member }
    }
}

/// Whether a model at its host wants its earlier reasoning back in turns with calls.
pub fn wants_reasoning_back(model: &str, facts: &ModelFacts) -> bool {
    Rules::of(model, facts.host).reasoning_goes_back()
}

/// The messages that lack the reasoning which their model wants back.
pub fn unreasoned(body: &[u8], envelope: &Envelope) -> Vec<Unreasoned> {
    let lacking = |message: Range<usize>| {
        let members = inside::members(body, message.clone());
        let calls = members.iter().find(|m| m.key == "tool_calls")?.value_at.clone();
        if members.iter().any(|m| m.key == "reasoning_content") {
            return None;
        }
        let calls = Node::read(&body[calls])?;
        let calls: Vec<_> = calls.items().iter().filter_map(|c| c.text("id").map(str::to_owned)).collect();
        (!calls.is_empty()).then_some(Unreasoned { calls, at: message.start + 1 })
    };
    messages(body, envelope, &CALLS).into_iter().filter_map(lacking).collect()
}

/// Switches reasoning off for a call whose earlier reasoning is lost, where that can be done and the client said nothing.
pub fn without_reasoning(envelope: &Envelope, model: &str, facts: &ModelFacts, losses: &mut Losses) -> Option<Patch> {
    let switch = Rules::of(model, facts.host).stops_when_lost() && envelope.member("thinking").is_none();
    switch.then(|| {
        losses.path("thinking", Reason::Adjusted);
        Patch::set("thinking", r#"{"type":"disabled"}"#)
    })
}

/// The patches of messages that the class demands.
pub(super) fn patches(request: &RelayRequest<'_>, rules: &Rules, losses: &mut Losses) -> Vec<Patch> {
    let mut patches = Vec::new();
    if rules.back == Back::Refused {
        for key in REASONING {
            cut(request, key, &mut patches, losses);
        }
    }
    let others = rules.known_host && !rules.openai && request.control == ControlFields::Cut;
    if others && request.envelope.mentions().developer {
        for message in messages(request.body, request.envelope, &DEVELOPER) {
            let role = inside::members(request.body, message).into_iter().find(|m| m.key == "role");
            let at = role.map(|role| role.value_at).filter(|at| request.body[at.clone()] == *b"\"developer\"");
            patches.extend(at.map(|span| Patch::Replace { span, with: b"\"system\"".to_vec() }));
        }
    }
    patches
}

fn cut(request: &RelayRequest<'_>, key: &str, patches: &mut Vec<Patch>, losses: &mut Losses) {
    let mention = format!("\"{key}\"");
    for (i, message) in all(request.body, request.envelope, &Finder::new(&mention)).into_iter().enumerate() {
        let members = inside::members(request.body, message);
        if members.iter().any(|m| m.key == key) {
            losses.path(format!("messages[{i}].{key}"), Reason::Dropped);
        }
        let spans = inside::cuts(&members, |m| m.key == key);
        patches.extend(spans.into_iter().map(|span| Patch::Replace { span, with: Vec::new() }));
    }
}

/// The messages; none where no message can mention the word.
fn all(body: &[u8], envelope: &Envelope, word: &Finder<'_>) -> Vec<Range<usize>> {
    let Some(member) = envelope.member("messages") else { return Vec::new() };
    let span = member.value_at.clone();
    if word.find(&body[span.clone()]).is_some() { inside::items(body, span) } else { Vec::new() }
}

/// The messages that mention the word.
fn messages(body: &[u8], envelope: &Envelope, word: &Finder<'_>) -> Vec<Range<usize>> {
    let mentions = |message: &Range<usize>| word.find(&body[message.clone()]).is_some();
    all(body, envelope, word).into_iter().filter(mentions).collect()
}
