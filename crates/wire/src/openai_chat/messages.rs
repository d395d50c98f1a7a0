//! The client's messages → system blocks and turns.

use std::collections::HashMap;

use tollgate_ir::{Block, Call, CallKind, Content, Fault, Issuer, Losses, Request, Role, Seal, ToolResult, Turn};

use super::calls::{self, Raw};
use super::{parts, reasoning};
use crate::ids;
use crate::json::{Fields, Node};

pub(super) fn decode(fields: &mut Fields<'_>, request: &mut Request, losses: &mut Losses) -> Result<(), Fault> {
    let messages = fields.array("messages")?.ok_or_else(|| fields.missing("messages"))?;
    let mut made = Vec::with_capacity(messages.len());
    let mut known = Known::default();
    for (i, node) in messages.into_iter().enumerate() {
        let mut message = Fields::new(node, fields.item("messages", i))?;
        let role = message.word("role")?;
        let turn = match role.as_deref() {
            Some("system" | "developer") => (Role::System, parts::content(&mut message, losses)?),
            None | Some("user") => (Role::User, parts::content(&mut message, losses)?),
            Some("assistant" | "model") => (Role::Assistant, assistant(&mut message, &mut known, losses)?),
            Some("tool" | "function") => (Role::User, vec![result(&mut message, &mut known, losses)?]),
            Some(other) => {
                return Err(Fault::field(
                    message.path("role"),
                    format!(
                        "`{}` must be `system`, `developer`, `user`, `assistant` or `tool`, but is `{other}`.",
                        message.path("role")
                    ),
                ));
            }
        };
        message.report_rest(losses);
        made.push(turn);
    }
    if made.is_empty() {
        return Err(Fault::field(fields.path("messages"), "`messages` must hold at least one message."));
    }
    for (role, blocks) in made.into_iter().filter(|(_, blocks)| !blocks.is_empty()) {
        if role == Role::System && request.turns.is_empty() {
            request.system.extend(blocks);
        } else {
            request.turns.push(Turn { role, blocks });
        }
    }
    Ok(())
}

/// The calls of the conversation so far.
#[derive(Default)]
struct Known {
    /// By id: the tool's name and how it takes its arguments.
    calls: HashMap<String, (String, CallKind)>,
    /// Ids of those not answered yet, oldest first.
    unanswered: Vec<String>,
}

impl Known {
    fn add(&mut self, call: &Call) {
        self.calls.insert(call.id.clone(), (call.name.clone(), call.kind));
        self.unanswered.push(call.id.clone());
    }

    fn answered(&mut self, id: &str) {
        self.unanswered.retain(|other| other != id);
    }

    /// The call that a result without an id answers: the oldest of its name, or of all.
    fn answer(&mut self, name: Option<&str>) -> Option<String> {
        let named = |id: &String| name.is_none_or(|n| self.calls.get(id).is_some_and(|(known, _)| known == n));
        let place = self.unanswered.iter().position(named)?;
        Some(self.unanswered.remove(place))
    }
}

fn assistant(message: &mut Fields<'_>, known: &mut Known, losses: &mut Losses) -> Result<Vec<Block>, Fault> {
    let details = reasoning::take(message);
    let mut blocks = parts::content(message, losses)?;
    if let Some(refusal) = message.text("refusal")?.filter(|r| !r.is_empty()) {
        blocks.push(Block::new(Content::Refusal(refusal)).at(message.path("refusal")));
    }
    for (i, node) in message.array("tool_calls")?.unwrap_or_default().into_iter().enumerate() {
        blocks.push(call(node, message.item("tool_calls", i), i, known, losses)?);
    }
    if let Some(node) = message.take("function_call") {
        blocks.push(call(node, message.path("function_call"), 0, known, losses)?);
    }
    let extra = message.take("extra_content");
    message.ignore(&["thought_signature", "annotations", "index"]);
    let google = extra.as_ref().and_then(|e| e.at(&["google", "thought_signature"])).and_then(Node::as_str);
    calls::seal_message(&mut blocks, google.map(|data| Seal { issuer: Issuer::Gemini, data: data.to_owned() }));
    let details = calls::seal(&mut blocks, details);
    let mut blocks = reasoning::arrange(details, blocks);
    for block in blocks.iter_mut().filter(|b| b.at.is_empty()) {
        block.at = message.path("reasoning_content");
    }
    Ok(blocks)
}

fn call(node: Node<'_>, at: String, place: usize, known: &mut Known, losses: &mut Losses) -> Result<Block, Fault> {
    let raw = Raw::read(&node);
    if raw.name.is_none() {
        let path = if at.ends_with(']') { format!("{at}.function.name") } else { format!("{at}.name") };
        return Err(Fault::field(path.clone(), format!("Missing required field: `{path}`.")));
    }
    let block = raw.block(&at, place).at(at.clone());
    if let Content::Call(call) = &block.content {
        known.add(call);
    }
    let mut fields = Fields::new(node, at)?;
    fields.ignore(&["id", "type", "index", "name", "arguments", "input", "extra_content", "thought_signature"]);
    for key in ["function", "custom"] {
        if let Some(mut inner) = fields.object(key)? {
            inner.ignore(&["name", "arguments", "input"]);
            inner.report_rest(losses);
        }
    }
    fields.report_rest(losses);
    Ok(block)
}

fn result(message: &mut Fields<'_>, known: &mut Known, losses: &mut Losses) -> Result<Block, Fault> {
    let at = message.at().to_owned();
    let said = message.text("name")?;
    let call = match message.text("tool_call_id")?.filter(|id| !id.is_empty()) {
        Some(id) => {
            known.answered(&id);
            id
        }
        None => match known.answer(said.as_deref()) {
            Some(id) => id,
            // The old protocol lets a function's result stand without its call.
            None if said.is_some() => ids::made_up(&at, 0),
            None => return Err(message.missing("tool_call_id")),
        },
    };
    let mut content = parts::content(message, losses)?;
    // The cache mark of a result stands on the result.
    if let Some(last) = content.last() {
        losses.moved(&format!("{}.cache_control", last.at), format!("{at}.cache_control"));
    }
    let cache = content.last_mut().and_then(|last| last.cache.take());
    let (name, kind) = match known.calls.get(&call) {
        Some((name, kind)) => (Some(name.clone()), *kind),
        None => (None, CallKind::Function),
    };
    let result = ToolResult { call, name: name.or(said), content, json: None, error: false, kind };
    Ok(Block { cache, ..Block::new(Content::Result(result)).at(at) })
}
