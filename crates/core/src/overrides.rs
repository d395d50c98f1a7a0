//! Requests that would choose the upstream's address or credential (decisions.md 23): refused, since whoever chooses
//! the address gets the operator's key.
//!
//! Only the top level of a body, its metadata, and headers are judged: deeper, in schemas and texts, such words are data.

use tollgate_ir::{Fault, FaultKind};

/// Fields of other gateways that name an address or a credential, in snake case.
const FIELDS: &[&str] = &[
    "api_base",
    "api_base_url",
    "api_key",
    "api_keys",
    "apikey",
    "auth_token",
    "aws_access_key_id",
    "aws_bedrock_runtime_endpoint",
    "aws_profile_name",
    "aws_role_name",
    "aws_secret_access_key",
    "aws_session_token",
    "aws_sts_endpoint",
    "aws_web_identity_token",
    "azure_ad_token",
    "azure_endpoint",
    "base_url",
    "baseurl",
    "client_secret",
    "custom_host",
    "default_headers",
    "endpoint_url",
    "extra_headers",
    "http_proxy",
    "https_proxy",
    "litellm_params",
    "model_list",
    "proxy_url",
    "target_url",
    "vertex_credentials",
    "watsonx_url",
];

/// Headers of other gateways that name an address.
const HEADERS: &[&str] = &[
    "helicone-openai-api-base",
    "helicone-target-url",
    "x-api-base",
    "x-base-url",
    "x-litellm-api-base",
    "x-portkey-azure-endpoint-name",
    "x-portkey-custom-host",
    "x-target-url",
    "x-upstream-url",
];

/// Refuses a body one of whose fields would choose an address or a credential. `fields` are the keys of the top level,
/// `metadata` those of its `metadata` object.
pub fn check_fields<'a>(
    fields: impl IntoIterator<Item = &'a str>,
    metadata: impl IntoIterator<Item = &'a str>,
) -> Result<(), Fault> {
    let top = fields.into_iter().map(|key| ("", key));
    let labels = metadata.into_iter().map(|key| ("metadata.", key));
    match top.chain(labels).find(|(_, key)| is_override(key)) {
        Some((prefix, key)) => Err(refusal(&format!("{prefix}{}", key.chars().take(64).collect::<String>()))),
        None => Ok(()),
    }
}

/// Refuses headers one of which would choose an address.
pub fn check_headers<'a>(names: impl IntoIterator<Item = &'a str>) -> Result<(), Fault> {
    match names.into_iter().find(|name| HEADERS.iter().any(|header| header.eq_ignore_ascii_case(name))) {
        Some(name) => Err(refusal(&name.to_ascii_lowercase())),
        None => Ok(()),
    }
}

/// By any spelling: `apiBase`, `api-base`, `API_BASE`.
fn is_override(key: &str) -> bool {
    let plain = |text: &str| -> String {
        text.chars().filter(|c| !matches!(c, '_' | '-')).map(|c| c.to_ascii_lowercase()).collect()
    };
    // The longest name has under 40 characters; longer keys need no look.
    key.len() <= 64 && FIELDS.iter().any(|field| plain(field) == plain(key))
}

fn refusal(param: &str) -> Fault {
    let told = format!(
        "`{param}` would choose the upstream's address or credential; take it out: the operator configures both"
    );
    let mut fault = Fault::new(FaultKind::ForbiddenOverride, told);
    fault.param = Some(param.to_owned());
    fault
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_credentials_are_refused_by_any_spelling() {
        for key in [
            "api_base",
            "apiBase",
            "API-Base",
            "base_url",
            "baseURL",
            "api_key",
            "aws_secret_access_key",
            "extra_headers",
        ] {
            let fault = check_fields([key], []).unwrap_err();
            assert_eq!(
                (fault.kind, fault.status, fault.param.as_deref()),
                (FaultKind::ForbiddenOverride, 400, Some(key))
            );
            let param = check_fields(["model"], [key]).unwrap_err().param;
            assert_eq!(param, Some(format!("metadata.{key}")));
        }
        assert!(check_headers(["accept", "Helicone-Target-Url"]).is_err());
    }

    #[test]
    fn what_requests_have_passes() {
        let fields = [
            "model",
            "messages",
            "tools",
            "metadata",
            "user",
            "stream_options",
            "prompt_cache_key",
            "service_tier",
            "key",
        ];
        assert!(check_fields(fields, ["session", "url", "host", "team"]).is_ok());
        assert!(check_fields([&*"api_base".repeat(1000)], []).is_ok());
        assert!(check_headers(["authorization", "x-api-key", "x-portkey-metadata"]).is_ok());
    }
}
