//! What is shown of a response that the gateway keeps: its input items.

use tollgate_ir::{Block, Json, Losses, Request, Role, Turn};

use super::history;
use super::reasoning::make_id;
use crate::ids::ToolNames;
use crate::json::{ArrayWriter, Node, ObjectWriter, array, object};
use crate::target::{ModelFacts, Target};

/// Which items of the list to show.
#[derive(Clone, Copy, Debug)]
pub struct Page<'a> {
    /// At most so many; the API's default is 20.
    pub limit: usize,
    /// Those after the item of this id.
    pub after: Option<&'a str>,
    /// Oldest first; the API's default is newest first.
    pub ascending: bool,
}

impl Default for Page<'_> {
    fn default() -> Self {
        Self { limit: 20, after: None, ascending: false }
    }
}

/// The list that `GET /v1/responses/{id}/input_items` answers: the request's items, each with an id that stays the same
/// from call to call. `stem` keeps the ids of different responses apart. Instructions are no items.
pub fn input_items(request: &Request, stem: &str, page: Page<'_>) -> Json {
    let mut items = items(request);
    let ids: Vec<_> = items.iter().enumerate().map(|(i, item)| id_of(item, stem, i)).collect();
    let mut order: Vec<_> = (0..items.len()).collect();
    if !page.ascending {
        order.reverse();
    }
    let skip = page.after.and_then(|after| order.iter().position(|i| ids[*i] == after)).map_or(0, |at| at + 1);
    let shown: Vec<_> = order.iter().copied().skip(skip).take(page.limit).collect();
    let mut out = Vec::new();
    object(&mut out, |o| {
        o.text("object", "list");
        o.array("data", |a| {
            for i in &shown {
                write(a, &ids[*i], std::mem::take(&mut items[*i]).as_str());
            }
        });
        o.text_or_null("first_id", shown.first().map(|i| ids[*i].as_str()));
        o.text_or_null("last_id", shown.last().map(|i| ids[*i].as_str()));
        o.boolean("has_more", skip + shown.len() < order.len());
    });
    String::from_utf8(out).ok().and_then(|text| Json::parse(text).ok()).unwrap_or_else(Json::null)
}

/// The items as the provider would be sent them; what cannot be said is left out.
fn items(request: &Request) -> Vec<String> {
    let (names, facts) = (ToolNames::default(), ModelFacts::default());
    let target = Target { model: "", names: &names, facts: &facts };
    let mut losses = Losses::new(|_| "");
    let system: Vec<Block> = request.system.iter().filter(|b| b.at != "instructions").cloned().collect();
    let first = Turn { role: Role::System, blocks: system };
    let mut all = Vec::new();
    for turn in std::iter::once(&first).chain(&request.turns) {
        let mut out = Vec::new();
        if array(&mut out, |a| history::write_turn(a, turn, &target, &mut losses)).is_ok()
            && let Some(written) = Node::read(&out)
        {
            all.extend(written.items().iter().map(Node::to_text));
        }
    }
    all
}

fn id_of(item: &str, stem: &str, place: usize) -> String {
    let node = Node::read(item.as_bytes()).unwrap_or(Node::Null);
    let prefix = match node.text("type") {
        Some("function_call") => "fc",
        Some("function_call_output") => "fco",
        Some("custom_tool_call") => "ctc",
        Some("custom_tool_call_output") => "ctco",
        Some("reasoning") => "rs",
        _ => "msg",
    };
    node.text("id").map_or_else(|| make_id(prefix, stem, place), str::to_owned)
}

/// An item in the full form: with id, type and status, its content in parts.
fn write(a: &mut ArrayWriter<'_>, id: &str, item: &str) {
    let node = Node::read(item.as_bytes()).unwrap_or(Node::Null);
    a.object(|o| {
        o.text("id", id);
        o.text("type", node.text("type").unwrap_or("message"));
        o.text("status", node.text("status").unwrap_or("completed"));
        for (key, value) in node.entries().iter().filter(|(k, _)| !["id", "type", "status"].contains(&k.as_ref())) {
            match value {
                Node::Text(text) if key == "content" => o.array(key, |a| a.object(|o| write_text(o, &node, text))),
                value => o.node(key, value),
            }
        }
    });
}

fn write_text(o: &mut ObjectWriter<'_>, message: &Node<'_>, text: &str) {
    let said = message.text("role") == Some("assistant");
    o.text("type", if said { "output_text" } else { "input_text" });
    o.text("text", text);
    if said {
        o.array("annotations", |_| ());
    }
}
