//! Anthropic.

use tollgate_ir::Dialect::Anthropic;

use super::auth::Auth;
use super::record::{Provider, own, plain};

pub(super) const RECORD: Provider = Provider {
    speaks: &[own(Anthropic)],
    auth: Auth::Header("x-api-key"),
    url_variables: &["ANTHROPIC_BASE_URL", "ANTHROPIC_API_BASE"],
    makes: &["claude-"],
    ..plain("anthropic", "Anthropic", "https://api.anthropic.com/v1", &["ANTHROPIC_API_KEY"])
};
