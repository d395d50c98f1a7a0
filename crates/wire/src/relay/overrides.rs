//! Fields by which a request would name its own upstream, host or credential (LiteLLM's `api_base` and kin): refused
//! at the top level, in `metadata`, and in the settings of tools. Deeper, in schemas and texts, such words are data.

use memchr::memmem;
use tollgate_ir::{Fault, FaultKind};

use crate::json::{Envelope, Node};

const NAMES: &[&str] = &[
    "api_base",
    "apibase",
    "base_url",
    "baseurl",
    "api_key",
    "apikey",
    "api_url",
    "endpoint_url",
    "extra_headers",
    "default_headers",
    "user_config",
    "model_list",
    "litellm_credential_name",
    "proxy_url",
    "http_proxy",
    "https_proxy",
    "s3_endpoint_url",
    "hf_token",
];
/// Credentials and addresses of clouds; in `metadata` a label may begin so, hence the names in full.
const OF_CLOUDS: &[&str] = &[
    "aws_access_key_id",
    "aws_secret_access_key",
    "aws_session_token",
    "aws_session_name",
    "aws_region_name",
    "aws_profile_name",
    "aws_role_name",
    "aws_web_identity_token",
    "aws_sts_endpoint",
    "aws_bedrock_runtime_endpoint",
    "azure_ad_token",
    "azure_endpoint",
    "azure_username",
    "azure_password",
    "vertex_project",
    "vertex_location",
    "vertex_credentials",
    "vertex_ai_project",
    "vertex_ai_location",
    "vertex_ai_credentials",
];
/// At the top level nothing else begins so.
const PREFIXES: &[&str] = &["aws_", "azure_", "vertex_"];

/// Members whose inside is a gateway's setting, to any depth.
const SETTINGS: &[&str] = &["metadata", "litellm_metadata", "litellm_params", "extra_body", "vector_store_config"];

/// The fault of a request that tries to override an address or a credential.
pub fn forbidden_overrides(body: &[u8], envelope: &Envelope) -> Option<Fault> {
    let at_top = |key: &str| forbidden(key) || PREFIXES.iter().any(|p| key.starts_with(p));
    if let Some(member) = envelope.members().iter().find(|m| !m.is_read() && at_top(&m.key)) {
        return Some(refusal(member.key.as_ref()));
    }
    for key in SETTINGS.iter().filter(|key| envelope.member(key).is_some()) {
        if let Some(path) = envelope.node(body, key).and_then(|node| inside(&node, key)) {
            return Some(refusal(&path));
        }
    }
    let tools = envelope.raw(body, "tools").filter(|raw| mentions(raw)).and_then(Node::read)?;
    tools.items().iter().enumerate().find_map(|(i, tool)| {
        tool.entries().iter().find(|(k, _)| forbidden(k)).map(|(k, _)| refusal(&format!("tools[{i}].{k}")))
    })
}

/// Whether a key is a forbidden name, in whichever case and with dashes for underscores.
fn forbidden(key: &str) -> bool {
    let plain = |byte: u8| if byte == b'-' { b'_' } else { byte.to_ascii_lowercase() };
    let spells = |name: &&str| name.len() == key.len() && key.bytes().map(plain).eq(name.bytes());
    NAMES.iter().chain(OF_CLOUDS).any(spells)
}

/// The path of a forbidden key within a setting. Depth is bounded by the parser.
fn inside(node: &Node<'_>, at: &str) -> Option<String> {
    let named = node.entries().iter().find_map(|(key, value)| {
        let path = format!("{at}.{key}");
        if forbidden(key) { Some(path) } else { inside(value, &path) }
    });
    named.or_else(|| node.items().iter().enumerate().find_map(|(i, item)| inside(item, &format!("{at}[{i}]"))))
}

/// Whether a forbidden key may occur at all: tools are large and hardly ever name one, so they are not parsed for it.
/// An escape could hide a key, so it counts.
fn mentions(raw: &[u8]) -> bool {
    [&b"\"api_"[..], b"\"base_url", b"\"aws_", b"\\u00"].iter().any(|probe| memmem::find(raw, probe).is_some())
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
            assert!(!forbidden(key) && !PREFIXES.iter().any(|p| key.starts_with(p)), "{key}");
        }
    }
}
