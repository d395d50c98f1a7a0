//! Names of fields by which a request would name its own upstream, host or credential (LiteLLM's `api_base` and kin).

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
    // Credentials and addresses of clouds; in `metadata` a label may begin so, hence the names in full.
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

/// By a name's length, a bit for each letter that one of these begins with.
static BEGINNINGS: [u32; 32] = {
    let mut beginnings = [0; 32];
    let mut i = 0;
    while i < NAMES.len() {
        let name = NAMES[i].as_bytes();
        beginnings[name.len()] |= letter(name[0]);
        i += 1;
    }
    beginnings
};

/// The bit of a letter, large or small.
const fn letter(byte: u8) -> u32 {
    1 << (byte & 31)
}

/// Whether a key is such a name, in whichever case and with dashes for underscores.
#[inline]
pub(crate) fn is_override(key: &[u8]) -> bool {
    let beginnings = BEGINNINGS.get(key.len()).zip(key.first());
    beginnings.is_some_and(|(letters, first)| letters & letter(*first) != 0) && is_named(key)
}

#[inline(never)]
fn is_named(key: &[u8]) -> bool {
    let plain = |byte: &u8| if *byte == b'-' { b'_' } else { byte.to_ascii_lowercase() };
    NAMES.iter().any(|name| name.len() == key.len() && key.iter().map(plain).eq(name.bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_known_however_it_is_spelt_and_its_neighbours_are_not() {
        for name in NAMES {
            for spelt in [(*name).to_owned(), name.to_uppercase(), name.replace('_', "-")] {
                assert!(is_override(spelt.as_bytes()), "{spelt}");
                assert!(
                    !is_override(format!("{spelt}s").as_bytes()) && !is_override(&spelt.as_bytes()[1..]),
                    "{spelt}"
                );
            }
        }
        for other in ["", "a", "api", "\u{1}pi_key", "apiskey", "a name as long as it may be and longer"] {
            assert!(!is_override(other.as_bytes()), "{other}");
        }
    }
}
