//! Namespaces of tools (Codex groups those of an MCP server): other dialects have none, so a tool is known to the IR by
//! its qualified name, and the client gets namespace and name back.

use std::collections::HashMap;

use tollgate_ir::{Carry, Dialect, Json, Tool};

use super::reasoning::ours;
use crate::json::{Node, ObjectWriter, object};

/// The name outside of the namespace.
pub(super) fn qualified(namespace: &str, name: &str) -> String {
    let joint = if namespace.ends_with("__") { "" } else { "__" };
    format!("{namespace}{joint}{name}")
}

/// The name within the namespace; a name that is not qualified stays.
pub(super) fn within<'a>(namespace: &str, name: &'a str) -> &'a str {
    name.strip_prefix(&qualified(namespace, "")).filter(|rest| !rest.is_empty()).unwrap_or(name)
}

/// What a tool of a namespace carries: the namespace's own fields.
pub(super) fn carry(namespace: &str, description: Option<&str>) -> Option<Carry> {
    let mut out = Vec::new();
    object(&mut out, |o| {
        o.text("namespace", namespace);
        o.opt_text("description", description);
    });
    Some(ours(Json::parse(String::from_utf8(out).ok()?).ok()?))
}

/// The namespace that carried fields name.
pub(super) fn of(raw: &Json) -> Option<String> {
    Node::read(raw.as_str().as_bytes())?.text("namespace").map(str::to_owned)
}

/// Tools as they are written: those of one namespace together. `None`: not in any.
pub(super) fn groups(tools: &[Tool]) -> impl Iterator<Item = (Option<&Json>, &[Tool])> {
    tools.chunk_by(|a, b| space(a).is_some() && space(a) == space(b)).map(|group| (space(&group[0]), group))
}

fn space(tool: &Tool) -> Option<&Json> {
    tool.name()?;
    tool.carry.as_ref().filter(|c| c.dialect == Dialect::OpenAiResponses).map(|c| &c.raw)
}

/// Writes the head of a namespace; its name is returned.
pub(super) fn write_head(o: &mut ObjectWriter<'_>, raw: &Json) -> String {
    let node = Node::read(raw.as_str().as_bytes()).unwrap_or(Node::Null);
    let name = node.text("namespace").unwrap_or_default();
    o.text("type", "namespace");
    o.text("name", name);
    o.opt_text("description", node.text("description"));
    name.to_owned()
}

/// Namespace and name by qualified name, from the tools that a response repeats.
pub(super) fn known(echo: Option<&Json>) -> HashMap<String, (String, String)> {
    let Some(echo) = echo.and_then(|e| Node::read(e.as_str().as_bytes())) else { return HashMap::new() };
    let tools = echo.get("tools").map(Node::items).unwrap_or_default();
    let spaces = tools.iter().filter(|t| t.text("type") == Some("namespace"));
    spaces
        .filter_map(|space| Some((space.text("name")?, space.get("tools")?.items())))
        .flat_map(|(space, tools)| tools.iter().filter_map(move |t| Some((space, t.text("name")?))))
        .map(|(space, name)| (qualified(space, name), (space.to_owned(), name.to_owned())))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_go_out_of_their_namespace_and_back() {
        for (space, name) in [("crm", "find"), ("mcp__crm__", "find"), ("find", "find")] {
            assert_eq!(within(space, &qualified(space, name)), name);
            assert_eq!(within(space, name), name);
        }
    }
}
