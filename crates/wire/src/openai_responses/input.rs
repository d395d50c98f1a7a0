//! Input items → turns. Items of the model's side that follow each other are one turn, and so are tool outputs.

use tollgate_ir::{Block, Call, CallKind, Content, Fault, Losses, Reason, Request, Role, ToolResult, Turn};

use super::{item, namespace, parts, reasoning, tools};
use crate::json::{Fields, Node};

/// Reads `input` into the request's system blocks, turns and tools.
pub(super) fn read(input: Node<'_>, request: &mut Request, losses: &mut Losses) -> Result<(), Fault> {
    let mut reader = Reader { request, losses };
    match input {
        Node::Text(text) => reader.push(Role::User, vec![Block::text(text).at("input")]),
        Node::Array(items) => {
            for (i, node) in items.into_iter().enumerate() {
                reader.item(node, &format!("input[{i}]"))?;
            }
        }
        other => {
            return Err(Fault::field(
                "input",
                format!("`input` must be a string or an array of items, but is {}.", other.kind()),
            ));
        }
    }
    Ok(())
}

struct Reader<'a> {
    request: &'a mut Request,
    losses: &'a mut Losses,
}

impl Reader<'_> {
    fn item(&mut self, node: Node<'_>, at: &str) -> Result<(), Fault> {
        if let Node::Text(text) = node {
            self.push(Role::User, vec![Block::text(text).at(at)]);
            return Ok(());
        }
        let kind = kind_of(&node);
        match kind.as_str() {
            "message" => self.message(node, at),
            "function_call" => self.call(node, at, CallKind::Function),
            "custom_tool_call" => self.call(node, at, CallKind::Custom),
            "function_call_output" => self.output(node, at, CallKind::Function),
            "custom_tool_call_output" => self.output(node, at, CallKind::Custom),
            "reasoning" => {
                let blocks = reasoning::read(&node).into_iter().map(|b| b.at(at)).collect();
                self.join(Role::Assistant, blocks);
                Ok(())
            }
            "additional_tools" => self.additional_tools(node, at),
            "" => Err(Fault::field(at, format!("`{at}` has neither a `type` nor a `role`."))),
            other => {
                let user = other.ends_with("_output") || other.ends_with("_response");
                let block = item::other(&node, other).at(at);
                if matches!(block.content, Content::Media(_)) {
                    let mut f = Fields::new(node, at)?;
                    f.ignore(&["type", "id", "result", "output_format"]);
                    self.status(&mut f);
                    f.own_rest(self.losses);
                }
                self.join(if user { Role::User } else { Role::Assistant }, vec![block]);
                Ok(())
            }
        }
    }

    fn message(&mut self, node: Node<'_>, at: &str) -> Result<(), Fault> {
        let carry = reasoning::extra(&node, item::MESSAGE);
        let mut f = Fields::new(node, at)?;
        f.ignore(&["type", "id"]);
        f.own(&["phase"], self.losses);
        self.status(&mut f);
        let role = f.required_text("role")?;
        let path = f.path("content");
        let mut blocks = match f.take("content") {
            Some(content) => parts::read_all(content, &path, self.losses)?,
            None => Vec::new(),
        };
        f.report_rest(self.losses);
        match role.as_str() {
            "user" | "tool" | "function" => self.push(Role::User, blocks),
            "assistant" => {
                if let Some(first) = blocks.first_mut() {
                    first.carry = first.carry.take().or(carry);
                }
                self.join(Role::Assistant, blocks);
            }
            "system" | "developer" if self.request.turns.is_empty() => self.request.system.extend(blocks),
            "system" | "developer" => self.push(Role::System, blocks),
            other => {
                return Err(Fault::field(
                    format!("{at}.role"),
                    format!("`{at}.role` is `{other}`; use user, assistant, system or developer."),
                ));
            }
        }
        Ok(())
    }

    fn call(&mut self, node: Node<'_>, at: &str, kind: CallKind) -> Result<(), Fault> {
        let carry = reasoning::extra(&node, item::CALL);
        let mut f = Fields::new(node, at)?;
        f.ignore(&["type", "id", "namespace"]);
        self.status(&mut f);
        self.caller(&mut f);
        let id = f.required_text("call_id")?;
        let mut name = f.required_text("name")?;
        if let Some(space) = carry.as_ref().and_then(|c| namespace::of(&c.raw)) {
            name = namespace::qualified(&space, &name);
        }
        let arguments = match f.take(if kind == CallKind::Custom { "input" } else { "arguments" }) {
            Some(Node::Text(text)) => text.into_owned(),
            Some(other) => other.to_text(),
            None => String::new(),
        };
        f.report_rest(self.losses);
        let mut block = Block::new(Content::Call(Call { id, name, arguments, kind })).at(at);
        block.carry = carry;
        self.join(Role::Assistant, vec![block]);
        Ok(())
    }

    fn output(&mut self, node: Node<'_>, at: &str, kind: CallKind) -> Result<(), Fault> {
        let mut f = Fields::new(node, at)?;
        f.ignore(&["type", "id"]);
        self.status(&mut f);
        self.caller(&mut f);
        let call = f.required_text("call_id")?;
        let name = f.text("name")?;
        if name.is_some() {
            // Elsewhere a result has the name of its call.
            self.losses.own(f.path("name"), Reason::Adjusted);
        }
        let path = f.path("output");
        let content = match f.take("output") {
            Some(Node::Text(text)) if text.is_empty() => Vec::new(),
            Some(content @ (Node::Text(_) | Node::Array(_))) => parts::read_all(content, &path, self.losses)?,
            Some(json) => vec![Block::text(json.to_text()).at(path)],
            None => Vec::new(),
        };
        f.report_rest(self.losses);
        let result = ToolResult { call, name, content, json: None, error: false, kind };
        self.join(Role::User, vec![Block::new(Content::Result(result)).at(at)]);
        Ok(())
    }

    /// `completed` is what every item is elsewhere.
    fn status(&mut self, f: &mut Fields<'_>) {
        if f.peek_text("status") == Some("completed") {
            f.ignore(&["status"]);
        }
        f.own(&["status"], self.losses);
    }

    /// The model itself calls elsewhere, and never a program of its.
    fn caller(&mut self, f: &mut Fields<'_>) {
        let caller = f.take("caller").filter(|caller| caller.text("type") != Some("direct"));
        if caller.is_some() {
            self.losses.own(f.path("caller"), Reason::Dropped);
        }
    }

    /// Tools that come within the input (Codex).
    fn additional_tools(&mut self, node: Node<'_>, at: &str) -> Result<(), Fault> {
        let mut f = Fields::new(node, at)?;
        f.ignore(&["type", "id", "role", "status"]);
        let path = f.path("tools");
        let tools = f.array("tools")?.unwrap_or_default();
        self.request.tools.extend(tools::read_all(tools, &path, self.losses)?);
        f.report_rest(self.losses);
        Ok(())
    }

    fn push(&mut self, role: Role, blocks: Vec<Block>) {
        if blocks.is_empty() {
            return;
        }
        self.request.turns.push(Turn { role, blocks });
    }

    /// Adds to the last turn if it is of the same step: calls beside their reasoning, results beside results. Two
    /// messages in a row stay apart, as they were sent.
    fn join(&mut self, role: Role, blocks: Vec<Block>) {
        let same_step = |turn: &Turn| {
            turn.role == role
                && match (turn.blocks.last(), blocks.first()) {
                    (Some(last), Some(first)) if role == Role::Assistant => !(is_message(last) && is_message(first)),
                    (Some(last), _) => matches!(last.content, Content::Result(_) | Content::Server(_)),
                    (None, _) => true,
                }
        };
        match self.request.turns.last_mut() {
            Some(turn) if same_step(turn) => turn.blocks.extend(blocks),
            _ => self.push(role, blocks),
        }
    }
}

const fn is_message(block: &Block) -> bool {
    matches!(block.content, Content::Text { .. } | Content::Refusal(_))
}

/// The item's type; clients leave it out of messages, and some of calls and outputs.
fn kind_of(node: &Node<'_>) -> String {
    let has = |key: &str| node.get(key).is_some();
    match node.text("type") {
        Some(kind) => kind.to_owned(),
        None if has("role") => "message".to_owned(),
        None if has("call_id") && has("output") => "function_call_output".to_owned(),
        None if has("call_id") && has("name") => "function_call".to_owned(),
        None if has("id") => "item_reference".to_owned(),
        None => String::new(),
    }
}
