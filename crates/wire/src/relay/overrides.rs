//! Fields by which a request would name its own upstream, host or credential (LiteLLM's `api_base` and kin): refused
//! at the top level, in `metadata`, and in the settings of tools. Deeper, in schemas and texts, such words are data.

use tollgate_ir::{Fault, FaultKind};

use crate::json::{Envelope, Node};
use crate::override_names::is_override;

/// At the top level nothing else begins so.
const PREFIXES: &[&str] = &["aws_", "azure_", "vertex_"];

/// Members whose inside is a gateway's setting, to any depth.
const SETTINGS: &[&str] = &["metadata", "litellm_metadata", "litellm_params", "extra_body", "vector_store_config"];

/// The fault of a request that tries to override an address or a credential.
pub fn forbidden_overrides(body: &[u8], envelope: &Envelope) -> Option<Fault> {
    let begins_so = |key: &str| PREFIXES.iter().any(|prefix| key.starts_with(prefix));
    if let Some(member) = envelope.members().iter().find(|m| !m.is_read() && begins_so(&m.key)) {
        return Some(refusal(&member.key));
    }
    if !envelope.mentions().overrides {
        return None;
    }
    if let Some(member) = envelope.members().iter().find(|m| is_override(m.key.as_bytes())) {
        return Some(refusal(&member.key));
    }
    for key in SETTINGS.iter().filter(|key| envelope.member(key).is_some()) {
        if let Some(path) = envelope.node(body, key).and_then(|node| inside(&node, key)) {
            return Some(refusal(&path));
        }
    }
    let tools = envelope.node(body, "tools")?;
    tools.items().iter().enumerate().find_map(|(i, tool)| {
        let own = tool.entries().iter().find(|(key, _)| is_override(key.as_bytes()));
        own.map(|(key, _)| refusal(&format!("tools[{i}].{key}")))
    })
}

/// The path of a forbidden key within a setting. Depth is bounded by the parser.
fn inside(node: &Node<'_>, at: &str) -> Option<String> {
    let named = node.entries().iter().find_map(|(key, value)| {
        let path = format!("{at}.{key}");
        if is_override(key.as_bytes()) { Some(path) } else { inside(value, &path) }
    });
    named.or_else(|| node.items().iter().enumerate().find_map(|(i, item)| inside(item, &format!("{at}[{i}]"))))
}

fn refusal(path: &str) -> Fault {
    let mut fault = Fault::new(
        FaultKind::ForbiddenOverride,
        format!(
            "`{path}` would name an upstream's address or credential. Remove it: providers are configured in Tollgate."
        ),
    );
    fault.param = Some(path.to_owned());
    fault
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::READ;

    #[test]
    fn no_member_that_we_read_is_an_override() {
        for key in READ {
            assert!(!is_override(key.as_bytes()) && !PREFIXES.iter().any(|p| key.starts_with(p)), "{key}");
        }
    }
}
